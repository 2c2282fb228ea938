/* card/crypto against published vectors, and against malformed input. */
#include "card/crypto/hpke.h"
#include "card/crypto/p256.h"
#include "card/crypto/rsa.h"
#include "tests/unit/crypto_support.h"

#define NIST_KEY "2b7e151628aed2a6abf7158809cf4f3c"
#define NIST_TEXT                                                                                            \
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"                                       \
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"

static const char label[] = "tally/test/1";

static struct bytes whole(const struct hex *h)
{
    return (struct bytes){h->p, h->n};
}

/* --- wipe, equality, block cipher --- */

START_TEST(wipe_clears_and_equal_ct_compares)
{
    uint8_t a[20], b[20];
    memset(a, 7, sizeof a);
    memcpy(b, a, sizeof b);
    ck_assert(equal_ct(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] ^= 0x80;
        ck_assert(!equal_ct(a, b, sizeof a));
        ck_assert(equal_ct(a, b, i));
        b[i] ^= 0x80;
    }
    wipe(a, 19);
    ck_assert(all_zero(a, 19));
    ck_assert_uint_eq(a[19], 7);
}
END_TEST

/* FIPS 197 C.1, SP 800-38A F.1.1 */
START_TEST(aes_block)
{
    struct hex key = unhex("000102030405060708090a0b0c0d0e0f");
    struct hex in = unhex("00112233445566778899aabbccddeeff");
    uint8_t out[16];
    aes128_block(key.p, in.p, out);
    ck_assert_hex(out, 16, "69c4e0d86a7b0430d8cdb78070b4c55a");
    aes128_block(key.p, in.p, in.p);
    ck_assert_mem_eq(in.p, out, 16);
}
END_TEST

/* RFC 4493 4 */
START_TEST(cmac_vectors)
{
    static const struct {
        size_t n;
        const char *mac;
    } v[] = {{0, "bb1d6929e95937287fa37d129b756746"},
             {16, "070a16b46b4d4144f79bdd9dd04a287c"},
             {40, "dfa66747de9ae63030ca32611497c827"},
             {64, "51f0bebf7e3b9d92fc49741779363cfe"}};
    struct hex key = unhex(NIST_KEY), text = unhex(NIST_TEXT);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        uint8_t mac[16];
        struct bytes part = {text.p, v[i].n};
        cmac(key.p, &part, 1, mac);
        ck_assert_hex(mac, 16, v[i].mac);
    }
}
END_TEST

START_TEST(cmac_does_not_depend_on_the_split)
{
    struct hex key = unhex(NIST_KEY), text = unhex(NIST_TEXT);
    uint8_t one[16], split[16];
    for (size_t n = 0; n <= text.n; n++) {
        struct bytes all = {text.p, n};
        cmac(key.p, &all, 1, one);
        for (size_t cut = 0; cut <= n; cut++) {
            const struct bytes parts[] = {{text.p, cut}, {NULL, 0}, {text.p + cut, n - cut}};
            cmac(key.p, parts, 3, split);
            ck_assert_mem_eq(one, split, 16);
        }
    }
    cmac(key.p, NULL, 0, split);
    ck_assert_hex(split, 16, "bb1d6929e95937287fa37d129b756746");
}
END_TEST

/* Values computed from the formula of specs/formats.md with another library's CMAC. */
START_TEST(kdf_vectors)
{
    struct hex key = unhex("000102030405060708090a0b0c0d0e0f");
    struct hex context = unhex("101112131415161718191a");
    const struct bytes parts[] = {{context.p, 8}, {context.p + 8, 3}};
    uint8_t out[40];
    kdf_cmac(key.p, LABEL_SUB_KEY, parts, 2, out, 16);
    ck_assert_hex(out, 16, "158acfba81088367147255b1412dcac3");
    kdf_cmac(key.p, LABEL_SUB_KEY, parts, 2, out, 40);
    ck_assert_hex(out, 40,
                  "33e203c7a52500808d57080505145c2587ccaf7cf5d8f9ae39a5733b399690ae9fe0d573e977ac30");
    kdf_cmac(key.p, LABEL_RECEIPT, NULL, 0, out, 16);
    ck_assert_hex(out, 16, "6975921170e223e9fbd66fa7b09f2a1f");
}
END_TEST

START_TEST(kdf_longest_output)
{
    struct hex key = unhex(NIST_KEY);
    static uint8_t out[KDF_MAX];
    kdf_cmac(key.p, label, NULL, 0, out, sizeof out);
    ck_assert(!all_zero(out + sizeof out - 16, 16));
}
END_TEST

/* SP 800-38A F.2.1, F.2.2 */
START_TEST(cbc_vectors)
{
    struct hex key = unhex(NIST_KEY), iv = unhex("000102030405060708090a0b0c0d0e0f");
    struct hex text = unhex(NIST_TEXT);
    cbc_encrypt(key.p, iv.p, text.p, text.n);
    ck_assert_hex(text.p, text.n,
                  "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
                  "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7");
    cbc_decrypt(key.p, iv.p, text.p, text.n);
    ck_assert_hex(text.p, text.n, NIST_TEXT);
}
END_TEST

/* --- AEAD --- */

/* RFC 3610 8, packet vector 1: CCM as in SP 800-38C, nonce 13, tag 8. */
#define CCM_KEY   "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define CCM_NONCE "00000003020100a0a1a2a3a4a5"
#define CCM_AAD   "0001020304050607"
#define CCM_TEXT  "08090a0b0c0d0e0f101112131415161718191a1b1c1d1e"
#define CCM_SEALED                                                                                           \
    "588c979a61c663d2f066d0c2c0f989806d5f6b61dac384"                                                         \
    "17e8d12cfdf926e0"

START_TEST(ccm_vector)
{
    struct hex key = unhex(CCM_KEY), nonce = unhex(CCM_NONCE), aad = unhex(CCM_AAD), text = unhex(CCM_TEXT);
    const struct bytes parts[] = {{aad.p, 3}, {aad.p + 3, 5}};
    ccm_seal(key.p, nonce.p, parts, 2, text.p, text.n, text.p + text.n);
    ck_assert_hex(text.p, text.n + 8, CCM_SEALED);
    ck_assert(ccm_open(key.p, nonce.p, parts, 2, text.p, text.n, text.p + text.n));
    ck_assert_hex(text.p, text.n, CCM_TEXT);
}
END_TEST

static bool ccm_try(const struct hex *key, const struct hex *nonce, const struct hex *aad,
                    const struct hex *sealed, size_t n)
{
    struct hex copy = *sealed;
    struct bytes part = whole(aad);
    bool good = ccm_open(key->p, nonce->p, &part, 1, copy.p, n, copy.p + n);
    if (!good)
        ck_assert(all_zero(copy.p, n));
    return good;
}

START_TEST(ccm_refuses_every_flipped_bit)
{
    struct hex in[4] = {unhex(CCM_KEY), unhex(CCM_NONCE), unhex(CCM_AAD), unhex(CCM_SEALED)};
    size_t n = in[3].n - 8;
    ck_assert(ccm_try(&in[0], &in[1], &in[2], &in[3], n));
    for (size_t which = 0; which < 4; which++)
        for (size_t bit = 0; bit < in[which].n * 8; bit++) {
            in[which].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ck_assert(!ccm_try(&in[0], &in[1], &in[2], &in[3], n));
            in[which].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    ck_assert(!ccm_try(&in[0], &in[1], &in[2], &in[3], n - 1));
    in[2].n--;
    ck_assert(!ccm_try(&in[0], &in[1], &in[2], &in[3], n));
}
END_TEST

START_TEST(ccm_of_nothing)
{
    struct hex key = unhex(CCM_KEY), nonce = unhex(CCM_NONCE);
    uint8_t tag[8];
    ccm_seal(key.p, nonce.p, NULL, 0, NULL, 0, tag);
    ck_assert(ccm_open(key.p, nonce.p, NULL, 0, NULL, 0, tag));
    tag[0] ^= 1;
    ck_assert(!ccm_open(key.p, nonce.p, NULL, 0, NULL, 0, tag));
}
END_TEST

/* The GCM specification's test case 4. */
#define GCM_KEY   "feffe9928665731c6d6a8f9467308308"
#define GCM_NONCE "cafebabefacedbaddecaf888"
#define GCM_AAD   "feedfacedeadbeeffeedfacedeadbeefabaddad2"
#define GCM_TEXT                                                                                             \
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"                                       \
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
#define GCM_SEALED                                                                                           \
    "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"                                       \
    "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091"                                               \
    "5bc94fbc3221a5db94fae95ae7121a47"

START_TEST(gcm_vector)
{
    struct hex key = unhex(GCM_KEY), nonce = unhex(GCM_NONCE), aad = unhex(GCM_AAD), text = unhex(GCM_TEXT);
    const struct bytes parts[] = {{aad.p, 1}, {aad.p + 1, aad.n - 1}};
    gcm_seal(key.p, nonce.p, parts, 2, text.p, text.n, text.p + text.n);
    ck_assert_hex(text.p, text.n + 16, GCM_SEALED);
    ck_assert(gcm_open(key.p, nonce.p, parts, 2, text.p, text.n, text.p + text.n));
    ck_assert_hex(text.p, text.n, GCM_TEXT);
}
END_TEST

START_TEST(gcm_refuses_every_flipped_bit)
{
    struct hex in[4] = {unhex(GCM_KEY), unhex(GCM_NONCE), unhex(GCM_AAD), unhex(GCM_SEALED)};
    size_t n = in[3].n - 16;
    for (size_t which = 0; which < 4; which++)
        for (size_t bit = 0; bit < in[which].n * 8; bit++) {
            in[which].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct hex copy = in[3];
            struct bytes aad = whole(&in[2]);
            ck_assert(!gcm_open(in[0].p, in[1].p, &aad, 1, copy.p, n, copy.p + n));
            ck_assert(all_zero(copy.p, n));
            in[which].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
}
END_TEST

/* --- hash, HMAC, HKDF, random --- */

/* FIPS 180-4 examples */
START_TEST(sha256_vectors)
{
    uint8_t digest[32];
    struct sha256 h;
    sha256_labelled("abc", NULL, 0, digest);
    ck_assert_hex(digest, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    const struct bytes parts[] = {{(const uint8_t *)text + 3, 10}, {(const uint8_t *)text + 13, 43}};
    sha256_init(&h);
    sha256_add(&h, text, 3);
    sha256_add_parts(&h, parts, 2);
    sha256_final(&h, digest);
    ck_assert_hex(digest, 32, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}
END_TEST

/* RFC 4231 4.3 */
START_TEST(hmac_vector)
{
    uint8_t mac[32];
    const struct bytes key = {(const uint8_t *)"Jefe", 4};
    const struct bytes parts[] = {{(const uint8_t *)"what do ya want ", 16},
                                  {(const uint8_t *)"for nothing?", 12}};
    hmac_sha256(key, parts, 2, mac);
    ck_assert_hex(mac, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
END_TEST

static struct hex range(unsigned from, unsigned to)
{
    struct hex h = {{0}, 0};
    for (unsigned v = from; v < to; v++)
        h.p[h.n++] = (uint8_t)v;
    return h;
}

/* RFC 5869 A.1, A.2, A.3 */
START_TEST(hkdf_vectors)
{
    struct hex ikm = unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    struct hex salt = range(0, 13), info = range(0xf0, 0xfa);
    struct bytes parts[] = {{info.p, 4}, {info.p + 4, 6}};
    uint8_t out[82];
    hkdf(whole(&salt), whole(&ikm), parts, 2, out, 42);
    ck_assert_hex(out, 42,
                  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");

    struct hex ikm2 = range(0, 0x50), salt2 = range(0x60, 0xb0), info2 = range(0xb0, 0x100);
    struct bytes part2 = whole(&info2);
    hkdf(whole(&salt2), whole(&ikm2), &part2, 1, out, 82);
    ck_assert_hex(out, 82,
                  "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                  "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                  "cc30c58179ec3e87c14c01d5c1f3434f1d87");

    hkdf((struct bytes){NULL, 0}, whole(&ikm), NULL, 0, out, 42);
    ck_assert_hex(out, 42,
                  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}
END_TEST

static int scripted_random(void *ctx, uint8_t *buf, size_t n)
{
    struct hex *script = ctx;
    ck_assert_uint_le(n, script->n);
    memcpy(buf, script->p, n);
    return HAL_OK;
}

static int failing_random(void *ctx, uint8_t *buf, size_t n)
{
    (void)ctx;
    memset(buf, 0x5a, n);
    return HAL_FAIL;
}

/* CAVP HMAC_DRBG, SHA-256, no reseed, count 0: entropy || nonce; the second output counts. */
START_TEST(drbg_vector)
{
    struct hex seed = unhex("ca851911349384bffe89de1cbdc46e6831e44d34a4fb935ee285dd14b71a7488"
                            "659ba96c601dc69fc902940805ec0ca8");
    const struct hal hal = {.ctx = &seed, .random = scripted_random};
    struct rng rng;
    uint8_t out[128];
    ck_assert(rng_init(&rng, &hal));
    rng_bytes(&rng, out, sizeof out);
    rng_bytes(&rng, out, sizeof out);
    ck_assert_hex(out, sizeof out,
                  "e528e9abf2dece54d47c7e75e5fe302149f817ea9fb4bee6f4199697d04d5b89"
                  "d54fbb978a15b5c443c9ec21036d2460b6f73ebad0dc2aba6e624abf07745bc1"
                  "07694bb7547bb0995f70de25d6b29e2d3011bb19d27676c07162c8b5ccde0668"
                  "961df86803482cb37ed6d5c0bb8d50cf1f50d476aa0458bdaba806f48be9dcb8");
}
END_TEST

START_TEST(rng_reports_a_failed_source)
{
    const struct hal bad = {.random = failing_random};
    struct rng rng, before;
    ck_assert(!rng_init(&rng, &bad));
    ck_assert(all_zero((const uint8_t *)&rng, sizeof rng));
    seeded_rng(&rng, 1);
    before = rng;
    ck_assert(!rng_reseed(&rng, &bad));
    uint8_t a[16], b[16];
    rng_bytes(&rng, a, sizeof a);
    rng_bytes(&before, b, sizeof b);
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

START_TEST(rng_reseed_changes_the_stream)
{
    struct rng a, b;
    uint64_t state = 9;
    const struct hal hal = {.ctx = &state, .random = seeded_random};
    uint8_t x[16], y[16];
    seeded_rng(&a, 1);
    b = a;
    ck_assert(rng_reseed(&b, &hal));
    rng_bytes(&a, x, sizeof x);
    rng_bytes(&b, y, sizeof y);
    ck_assert_mem_ne(x, y, sizeof x);
}
END_TEST

/* --- P-256 --- */

#define P256_D "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"
#define P256_Q                                                                                               \
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"                                       \
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define P256_ORDER "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define P256_PRIME "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"

/* RFC 6979 A.2.5 */
START_TEST(ecdsa_vectors)
{
    struct hex d = unhex(P256_D), q = unhex(P256_Q);
    uint8_t sig[64], pub[64];
    ck_assert(p256_public(d.p, pub));
    ck_assert_mem_eq(pub, q.p, 64);
    ck_assert(p256_sign(d.p, "sample", NULL, 0, sig));
    ck_assert_hex(sig, 64,
                  "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                  "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    ck_assert(p256_verify(q.p, "sample", NULL, 0, sig));
    struct bytes rest = {(const uint8_t *)"st", 2};
    ck_assert(p256_sign(d.p, "te", &rest, 1, sig));
    ck_assert_hex(sig, 64,
                  "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
                  "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083");
    ck_assert(p256_verify(q.p, "test", NULL, 0, sig));
}
END_TEST

START_TEST(ecdsa_refuses_what_was_not_signed)
{
    struct hex d = unhex(P256_D), q = unhex(P256_Q), text = unhex(NIST_TEXT);
    struct bytes part = whole(&text);
    uint8_t sig[64];
    ck_assert(p256_sign(d.p, label, &part, 1, sig));
    ck_assert(p256_verify(q.p, label, &part, 1, sig));
    ck_assert(!p256_verify(q.p, "tally/test/2", &part, 1, sig));
    for (size_t i = 0; i < 64; i++) {
        sig[i] ^= 0x10;
        ck_assert(!p256_verify(q.p, label, &part, 1, sig));
        sig[i] ^= 0x10;
        text.p[i] ^= 0x10;
        ck_assert(!p256_verify(q.p, label, &part, 1, sig));
        text.p[i] ^= 0x10;
    }
    for (size_t i = 0; i < 64; i += 9) {
        q.p[i] ^= 1;
        ck_assert(!p256_verify(q.p, label, &part, 1, sig));
        q.p[i] ^= 1;
    }
    part.n--;
    ck_assert(!p256_verify(q.p, label, &part, 1, sig));
}
END_TEST

START_TEST(ecdsa_refuses_r_or_s_out_of_range)
{
    struct hex q = unhex(P256_Q), d = unhex(P256_D), n = unhex(P256_ORDER);
    uint8_t good[64], sig[64];
    ck_assert(p256_sign(d.p, label, NULL, 0, good));
    for (size_t half = 0; half < 64; half += 32) {
        memcpy(sig, good, 64);
        memset(sig + half, 0, 32);
        ck_assert(!p256_verify(q.p, label, NULL, 0, sig));
        memcpy(sig + half, n.p, 32);
        ck_assert(!p256_verify(q.p, label, NULL, 0, sig));
        memset(sig + half, 0xff, 32);
        ck_assert(!p256_verify(q.p, label, NULL, 0, sig));
    }
    memset(sig, 0, 64);
    ck_assert(!p256_verify(q.p, label, NULL, 0, sig));
}
END_TEST

START_TEST(private_keys_out_of_range_are_refused)
{
    struct hex n = unhex(P256_ORDER), q = unhex(P256_Q);
    uint8_t zero[32] = {0}, ones[32], pub[64], sig[64], x[32];
    memset(ones, 0xff, sizeof ones);
    const uint8_t *bad[] = {zero, n.p, ones};
    for (size_t i = 0; i < 3; i++) {
        ck_assert(!p256_public(bad[i], pub));
        ck_assert(all_zero(pub, 64));
        ck_assert(!p256_sign(bad[i], label, NULL, 0, sig));
        ck_assert(all_zero(sig, 64));
        ck_assert(!p256_ecdh(bad[i], q.p, x));
        ck_assert(all_zero(x, 32));
    }
    n.p[31]--; /* n - 1 is the largest private key */
    ck_assert(p256_public(n.p, pub));
    zero[31] = 1;
    ck_assert(p256_public(zero, pub));
}
END_TEST

/* RFC 5903 8.1 */
START_TEST(ecdh_vector)
{
    struct hex i = unhex("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    struct hex r = unhex("d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                         "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
    uint8_t x[32], pub[64];
    ck_assert(p256_ecdh(i.p, r.p, x));
    ck_assert_hex(x, 32, "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
    ck_assert(p256_public(i.p, pub));
    ck_assert_hex(pub, 64,
                  "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
                  "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3");
}
END_TEST

START_TEST(points_off_the_curve_are_refused)
{
    struct hex d = unhex(P256_D), q = unhex(P256_Q), p = unhex(P256_PRIME);
    uint8_t x[32], bad[64], sig[64];
    ck_assert(p256_sign(d.p, label, NULL, 0, sig));
    ck_assert(p256_valid(q.p));
    for (size_t i = 0; i < 64; i++) {
        memcpy(bad, q.p, 64);
        bad[i] ^= 4;
        ck_assert(!p256_valid(bad));
        if (i % 8 == 0) {
            ck_assert(!p256_ecdh(d.p, bad, x));
            ck_assert(all_zero(x, 32));
            ck_assert(!p256_verify(bad, label, NULL, 0, sig));
        }
    }
    memset(bad, 0, 64);
    ck_assert(!p256_valid(bad));
    memset(bad, 0xff, 64);
    ck_assert(!p256_valid(bad));
    memcpy(bad, p.p, 32); /* x = p is 0 written another way */
    memset(bad + 32, 0, 32);
    ck_assert(!p256_valid(bad));
    ck_assert(!p256_ecdh(d.p, bad, x));
}
END_TEST

START_TEST(generated_keys_agree)
{
    struct rng rng;
    seeded_rng(&rng, 3);
    for (int i = 0; i < 5; i++) {
        uint8_t a[32], qa[64], b[32], qb[64], x[32], y[32];
        ck_assert(p256_generate(&rng, a, qa));
        ck_assert(p256_generate(&rng, b, qb));
        ck_assert_mem_ne(a, b, 32);
        ck_assert(p256_ecdh(a, qb, x));
        ck_assert(p256_ecdh(b, qa, y));
        ck_assert_mem_eq(x, y, 32);
    }
}
END_TEST

/* --- HPKE --- */

/* RFC 9180 A.3.1 */
#define HPKE_INFO "Ode on a Grecian Urn"
#define HPKE_SKE  "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb"
#define HPKE_ENC                                                                                             \
    "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9"                                     \
    "8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
#define HPKE_SKR "f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2"
#define HPKE_PKR                                                                                             \
    "fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a82"                                       \
    "6a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0"
#define HPKE_PT "4265617574792069732074727574682c20747275746820626561757479"
#define HPKE_CT                                                                                              \
    "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f"                                       \
    "9076ac232e3ab2523f39513434"

static const struct bytes count0[] = {{(const uint8_t *)"Count", 5}, {(const uint8_t *)"-0", 2}};

START_TEST(hpke_vectors)
{
    struct hex ske = unhex(HPKE_SKE), skr = unhex(HPKE_SKR), pkr = unhex(HPKE_PKR), data = unhex(HPKE_PT);
    struct hpke_key key = {skr.p, pkr.p};
    uint8_t enc[65];
    ck_assert(hpke_seal_ephemeral(ske.p, pkr.p, HPKE_INFO, count0, 2, enc, data.p, data.n));
    ck_assert_hex(enc, 65, HPKE_ENC);
    ck_assert_hex(data.p, data.n + 16, HPKE_CT);
    ck_assert(hpke_open(&key, HPKE_INFO, count0, 2, enc, data.p, data.n + 16));
    ck_assert_hex(data.p, data.n, HPKE_PT);
}
END_TEST

START_TEST(hpke_refuses_changes)
{
    struct hex skr = unhex(HPKE_SKR), pkr = unhex(HPKE_PKR), enc = unhex(HPKE_ENC), ct = unhex(HPKE_CT), copy;
    struct hpke_key key = {skr.p, pkr.p};
    for (size_t i = 0; i < ct.n; i++) {
        copy = ct;
        copy.p[i] ^= 1;
        ck_assert(!hpke_open(&key, HPKE_INFO, count0, 2, enc.p, copy.p, ct.n));
        ck_assert(all_zero(copy.p, ct.n));
    }
    for (size_t i = 0; i < enc.n; i += 4) {
        copy = ct;
        enc.p[i] ^= 1;
        ck_assert(!hpke_open(&key, HPKE_INFO, count0, 2, enc.p, copy.p, ct.n));
        enc.p[i] ^= 1;
    }
    copy = ct;
    ck_assert(!hpke_open(&key, "Ode on a Grecian Vase", count0, 2, enc.p, copy.p, ct.n));
    copy = ct;
    ck_assert(!hpke_open(&key, HPKE_INFO, count0, 1, enc.p, copy.p, ct.n));
    copy = ct;
    ck_assert(!hpke_open(&key, HPKE_INFO, count0, 2, enc.p, copy.p, ct.n - 1));
    copy = ct;
    ck_assert(!hpke_open(&key, HPKE_INFO, count0, 2, enc.p, copy.p, 15));
    ck_assert_mem_eq(copy.p, ct.p, ct.n);
    copy = ct;
    skr.p[31] ^= 1;
    ck_assert(!hpke_open(&key, HPKE_INFO, count0, 2, enc.p, copy.p, ct.n));
}
END_TEST

START_TEST(hpke_seal_refuses_a_bad_key)
{
    struct hex pkr = unhex(HPKE_PKR), data = unhex(HPKE_PT);
    struct rng rng;
    uint8_t enc[65];
    seeded_rng(&rng, 4);
    pkr.p[63] ^= 1;
    ck_assert(!hpke_seal(&rng, pkr.p, HPKE_INFO, NULL, 0, enc, data.p, data.n));
    ck_assert(all_zero(enc, 65));
    ck_assert(all_zero(data.p, data.n + 16));
}
END_TEST

START_TEST(hpke_round_trips)
{
    struct rng rng;
    uint8_t sk[32], pk[64], enc[65], first[65] = {0}, data[300 + 16], text[300];
    struct hpke_key key = {sk, pk};
    seeded_rng(&rng, 5);
    ck_assert(p256_generate(&rng, sk, pk));
    for (size_t n = 0; n <= sizeof text; n += 100) {
        rng_bytes(&rng, text, n);
        memcpy(data, text, n);
        ck_assert(hpke_seal(&rng, pk, label, NULL, 0, enc, data, n));
        ck_assert_mem_ne(enc, first, 65); /* a fresh ephemeral key every time */
        memcpy(first, enc, 65);
        ck_assert(hpke_open(&key, label, NULL, 0, enc, data, n + 16));
        ck_assert_mem_eq(data, text, n);
    }
}
END_TEST

/* --- RSA --- */

START_TEST(rsa_oaep_round_trips)
{
    struct hex key = unhex(RSA_KEY_A);
    struct rng rng;
    uint8_t n[256], block[256], text[RSA_OAEP_MAX + 1];
    size_t len;
    seeded_rng(&rng, 6);
    rng_bytes(&rng, text, sizeof text);
    ck_assert(rsa_modulus(key.p, n));
    ck_assert(rsa_consistent(&rng, key.p, n));
    const size_t sizes[] = {0, 16, 32, RSA_OAEP_MAX};
    for (size_t i = 0; i < 4; i++) {
        ck_assert(rsa_oaep_encrypt(&rng, n, label, text, sizes[i], block));
        ck_assert(rsa_oaep_decrypt(key.p, label, block, &len));
        ck_assert_uint_eq(len, sizes[i]);
        ck_assert_mem_eq(block, text, len);
        ck_assert(all_zero(block + len, sizeof block - len));
    }
    ck_assert(!rsa_oaep_encrypt(&rng, n, label, text, RSA_OAEP_MAX + 1, block));
    ck_assert(all_zero(block, sizeof block));
}
END_TEST

static void oaep_refused(const struct hex *key, const char *with, const uint8_t *sealed)
{
    uint8_t block[256];
    size_t len = 7;
    memcpy(block, sealed, sizeof block);
    ck_assert(!rsa_oaep_decrypt(key->p, with, block, &len));
    ck_assert_uint_eq(len, 0);
    ck_assert(all_zero(block, sizeof block));
}

START_TEST(rsa_oaep_refuses_changes)
{
    struct hex key = unhex(RSA_KEY_A), other = unhex(RSA_KEY_B);
    struct rng rng;
    uint8_t n[256], block[256];
    seeded_rng(&rng, 7);
    ck_assert(rsa_modulus(key.p, n));
    ck_assert(rsa_oaep_encrypt(&rng, n, label, key.p, 16, block));
    for (size_t i = 0; i < sizeof block; i += 37) {
        block[i] ^= 1;
        oaep_refused(&key, label, block);
        block[i] ^= 1;
    }
    oaep_refused(&key, "tally/test/2", block);
    oaep_refused(&other, label, block);
    oaep_refused(&key, label, n); /* not below the modulus */
    memset(block, 0, sizeof block);
    oaep_refused(&key, label, block);
}
END_TEST

START_TEST(rsa_inconsistent_keys_are_refused)
{
    struct hex key = unhex(RSA_KEY_A), other = unhex(RSA_KEY_B), bad;
    struct rng rng;
    uint8_t n[256], m[256];
    seeded_rng(&rng, 8);
    ck_assert(rsa_modulus(key.p, n));
    ck_assert(rsa_modulus(other.p, m));
    ck_assert(!rsa_consistent(&rng, key.p, m));
    for (size_t part = 0; part < 5; part++) {
        bad = key;
        memcpy(bad.p + part * 128, other.p + part * 128, 128);
        ck_assert(!rsa_consistent(&rng, bad.p, n));
        bad = key;
        bad.p[part * 128 + 100] ^= 1;
        ck_assert(!rsa_consistent(&rng, bad.p, n));
    }
    for (size_t part = 0; part < 2; part++) {
        bad = key;
        bad.p[part * 128 + 127] ^= 1; /* even */
        ck_assert(!rsa_modulus(bad.p, m));
        ck_assert(all_zero(m, sizeof m));
        bad = key;
        bad.p[part * 128] &= 0x7f; /* short */
        ck_assert(!rsa_modulus(bad.p, m));
    }
    memset(bad.p, 0, RSA_PRIVATE_SIZE);
    ck_assert(!rsa_modulus(bad.p, m));
}
END_TEST

START_TEST(rsa_generates_a_consistent_key)
{
    struct rng rng;
    uint8_t key[RSA_PRIVATE_SIZE], n[256];
    seeded_rng(&rng, 10);
    ck_assert(rsa_generate(&rng, key, n));
    ck_assert(rsa_consistent(&rng, key, n));
}
END_TEST

static Suite *sym_suite(void)
{
    Suite *s = suite_create("card symmetric");
    TCase *t = tcase_create("vectors");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, wipe_clears_and_equal_ct_compares);
    tcase_add_test(t, aes_block);
    tcase_add_test(t, cmac_vectors);
    tcase_add_test(t, cmac_does_not_depend_on_the_split);
    tcase_add_test(t, kdf_vectors);
    tcase_add_test(t, kdf_longest_output);
    tcase_add_test(t, cbc_vectors);
    tcase_add_test(t, ccm_vector);
    tcase_add_test(t, ccm_refuses_every_flipped_bit);
    tcase_add_test(t, ccm_of_nothing);
    tcase_add_test(t, gcm_vector);
    tcase_add_test(t, gcm_refuses_every_flipped_bit);
    tcase_add_test(t, sha256_vectors);
    tcase_add_test(t, hmac_vector);
    tcase_add_test(t, hkdf_vectors);
    tcase_add_test(t, drbg_vector);
    tcase_add_test(t, rng_reports_a_failed_source);
    tcase_add_test(t, rng_reseed_changes_the_stream);
    suite_add_tcase(s, t);
    return s;
}

static Suite *public_suite(void)
{
    Suite *s = suite_create("card public key");
    TCase *t = tcase_create("vectors");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, ecdsa_vectors);
    tcase_add_test(t, ecdsa_refuses_what_was_not_signed);
    tcase_add_test(t, ecdsa_refuses_r_or_s_out_of_range);
    tcase_add_test(t, private_keys_out_of_range_are_refused);
    tcase_add_test(t, ecdh_vector);
    tcase_add_test(t, points_off_the_curve_are_refused);
    tcase_add_test(t, generated_keys_agree);
    tcase_add_test(t, hpke_vectors);
    tcase_add_test(t, hpke_refuses_changes);
    tcase_add_test(t, hpke_seal_refuses_a_bad_key);
    tcase_add_test(t, hpke_round_trips);
    tcase_add_test(t, rsa_oaep_round_trips);
    tcase_add_test(t, rsa_oaep_refuses_changes);
    tcase_add_test(t, rsa_inconsistent_keys_are_refused);
    tcase_add_test(t, rsa_generates_a_consistent_key);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(sym_suite(), public_suite(), NULL);
}
