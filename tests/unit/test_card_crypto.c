/* card/crypto/sym.h against published vectors, and against malformed input. */
#include "card/crypto/sym.h"
#include "tests/unit/crypto_support.h"
#include "tests/unit/crypto_vectors.h"

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

int main(void)
{
    return tally_check_main(sym_suite(), NULL);
}
