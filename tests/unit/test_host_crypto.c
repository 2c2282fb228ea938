/* host/crypto's primitives against published vectors, and against malformed input. */
#include <pthread.h>

#include <openssl/err.h>

#include "host/crypto/hpke.h"
#include "host/crypto/kdf.h"
#include "host/crypto/p256.h"
#include "host/crypto/rsa.h"
#include "tests/unit/crypto_support.h"
#include "tests/unit/crypto_vectors.h"

static const char label[] = "tally/test/1";

static struct tally_bytes whole(const struct hex *h)
{
    return (struct tally_bytes){h->p, h->n};
}

static struct tally_key *private_key(const char *hex)
{
    struct hex d = unhex(hex);
    struct tally_key *key;
    ck_assert_int_eq(tally_key_from_private(d.p, &key), TALLY_OK);
    return key;
}

static struct tally_key *public_key(const char *hex)
{
    struct hex q = unhex(hex);
    struct tally_key *key;
    ck_assert_int_eq(tally_key_from_public(q.p, q.n, &key), TALLY_OK);
    return key;
}

START_TEST(aes_and_cbc_vectors)
{
    struct hex key = unhex(NIST_KEY), iv = unhex("000102030405060708090a0b0c0d0e0f"), text = unhex(NIST_TEXT);
    uint8_t out[64], block[16];
    ck_assert_int_eq(tally_aes_encrypt(key.p, text.p, block), TALLY_OK);
    ck_assert_hex(block, 16, "3ad77bb40d7a3660a89ecaf32466ef97");
    ck_assert_int_eq(tally_aes_decrypt(key.p, block, block), TALLY_OK);
    ck_assert_mem_eq(block, text.p, 16);
    ck_assert_int_eq(tally_cbc_encrypt(key.p, iv.p, text.p, 64, out), TALLY_OK);
    ck_assert_hex(out, 64,
                  "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
                  "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7");
    ck_assert_int_eq(tally_cbc_decrypt(key.p, iv.p, out, 64, out), TALLY_OK);
    ck_assert_mem_eq(out, text.p, 64);
    ck_assert_int_eq(tally_cbc_decrypt(key.p, iv.p, text.p, 63, out), TALLY_E_FORMAT);
    ck_assert(all_zero(out, 63));
    ck_assert_int_eq(tally_cbc_encrypt(key.p, iv.p, text.p, 0, out), TALLY_OK);
}
END_TEST

START_TEST(mac_and_kdf_vectors)
{
    struct hex key = unhex(NIST_KEY), text = unhex(NIST_TEXT),
               kdf_key = unhex("000102030405060708090a0b0c0d0e0f");
    struct hex context = unhex("101112131415161718191a");
    const struct tally_bytes parts[] = {{text.p, 7}, {NULL, 0}, {text.p + 7, 33}};
    const struct tally_bytes ctx[] = {{context.p, 8}, {context.p + 8, 3}};
    uint8_t out[64];
    ck_assert_int_eq(tally_cmac(key.p, NULL, 0, out), TALLY_OK);
    ck_assert_hex(out, 16, "bb1d6929e95937287fa37d129b756746");
    ck_assert_int_eq(tally_cmac(key.p, parts, 3, out), TALLY_OK);
    ck_assert_hex(out, 16, "dfa66747de9ae63030ca32611497c827");
    ck_assert_int_eq(tally_kdf_cmac(kdf_key.p, LABEL_SUB_KEY, ctx, 2, out, 40), TALLY_OK);
    ck_assert_hex(out, 40,
                  "33e203c7a52500808d57080505145c2587ccaf7cf5d8f9ae39a5733b399690ae9fe0d573e977ac30");
    ck_assert_int_eq(tally_derive_receipt_key(kdf_key.p, out), TALLY_OK);
    ck_assert_hex(out, 16, "6975921170e223e9fbd66fa7b09f2a1f");
    ck_assert_int_eq(tally_kdf_cmac(kdf_key.p, label, NULL, 0, out, 0), TALLY_E_FULL);
    ck_assert_int_eq(tally_kdf_cmac(kdf_key.p, label, NULL, 0, out, TALLY_KDF_MAX + 1), TALLY_E_FULL);
}
END_TEST

START_TEST(hash_vectors)
{
    struct tally_bytes jefe = {(const uint8_t *)"Jefe", 4};
    struct tally_bytes text = {(const uint8_t *)"what do ya want for nothing?", 28};
    struct tally_bytes c = {(const uint8_t *)"c", 1}, none = {NULL, 0};
    struct hex ikm = unhex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    struct hex salt = unhex("000102030405060708090a0b0c"), info = unhex("f0f1f2f3f4f5f6f7f8f9");
    struct tally_bytes part = whole(&info);
    uint8_t out[42];
    ck_assert_int_eq(tally_sha256_labelled("ab", &c, 1, out), TALLY_OK);
    ck_assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    ck_assert_int_eq(tally_hmac_sha256(jefe, &text, 1, out), TALLY_OK);
    ck_assert_hex(out, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    ck_assert_int_eq(tally_hkdf(whole(&salt), whole(&ikm), &part, 1, out, 42), TALLY_OK);
    ck_assert_hex(out, 42,
                  "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    ck_assert_int_eq(tally_hkdf(none, whole(&ikm), NULL, 0, out, 42), TALLY_OK);
    ck_assert_hex(out, 42,
                  "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}
END_TEST

START_TEST(aead_vectors)
{
    struct hex key = unhex(CCM_KEY), nonce = unhex(CCM_NONCE), aad = unhex(CCM_AAD), text = unhex(CCM_TEXT);
    struct tally_bytes ccm_aad[] = {{aad.p, 3}, {aad.p + 3, 5}};
    uint8_t out[128];
    ck_assert_int_eq(tally_ccm_seal(key.p, nonce.p, ccm_aad, 2, text.p, text.n, out), TALLY_OK);
    ck_assert_hex(out, text.n + 8, CCM_SEALED);
    ck_assert_int_eq(tally_ccm_open(key.p, nonce.p, ccm_aad, 2, out, text.n + 8, out), TALLY_OK);
    ck_assert_mem_eq(out, text.p, text.n);

    struct hex gkey = unhex(GCM_KEY), gnonce = unhex(GCM_NONCE), gaad = unhex(GCM_AAD),
               gtext = unhex(GCM_TEXT);
    struct tally_bytes gcm_aad[] = {{gaad.p, 1}, {gaad.p + 1, gaad.n - 1}};
    ck_assert_int_eq(tally_gcm_seal(gkey.p, gnonce.p, gcm_aad, 2, gtext.p, gtext.n, out), TALLY_OK);
    ck_assert_hex(out, gtext.n + 16, GCM_SEALED);
    ck_assert_int_eq(tally_gcm_open(gkey.p, gnonce.p, gcm_aad, 2, out, gtext.n + 16, out), TALLY_OK);
    ck_assert_mem_eq(out, gtext.p, gtext.n);
}
END_TEST

typedef enum tally_error open_function(const uint8_t *, const uint8_t *, const struct tally_bytes *, size_t,
                                       const uint8_t *, size_t, uint8_t *);

static void refuses_every_flipped_bit(open_function *open, size_t tag, const char *const hex[4])
{
    struct hex in[4] = {unhex(hex[0]), unhex(hex[1]), unhex(hex[2]), unhex(hex[3])};
    uint8_t out[128];
    for (size_t which = 0; which < 4; which++)
        for (size_t bit = 0; bit < in[which].n * 8; bit++) {
            struct tally_bytes aad = whole(&in[2]);
            in[which].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ck_assert_int_eq(open(in[0].p, in[1].p, &aad, 1, in[3].p, in[3].n, out), TALLY_E_CRYPTO);
            ck_assert(all_zero(out, in[3].n - tag));
            in[which].p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    struct tally_bytes aad = whole(&in[2]);
    ck_assert_int_eq(open(in[0].p, in[1].p, &aad, 1, in[3].p, in[3].n, out), TALLY_OK);
    ck_assert_int_eq(open(in[0].p, in[1].p, &aad, 1, in[3].p, in[3].n - 1, out), TALLY_E_CRYPTO);
    ck_assert_int_eq(open(in[0].p, in[1].p, &aad, 1, in[3].p, tag - 1, out), TALLY_E_FORMAT);
    aad.n = TALLY_AAD_MAX + 1;
    ck_assert_int_eq(open(in[0].p, in[1].p, &aad, 1, in[3].p, in[3].n, out), TALLY_E_FULL);
}

START_TEST(aead_refuses_every_flipped_bit)
{
    const char *const ccm[] = {CCM_KEY, CCM_NONCE, CCM_AAD, CCM_SEALED};
    const char *const gcm[] = {GCM_KEY, GCM_NONCE, GCM_AAD, GCM_SEALED};
    refuses_every_flipped_bit(tally_ccm_open, 8, ccm);
    refuses_every_flipped_bit(tally_gcm_open, 16, gcm);
}
END_TEST

START_TEST(aead_of_nothing)
{
    struct hex key = unhex(CCM_KEY), nonce = unhex(CCM_NONCE);
    uint8_t sealed[16], out[1];
    ck_assert_int_eq(tally_ccm_seal(key.p, nonce.p, NULL, 0, NULL, 0, sealed), TALLY_OK);
    ck_assert_int_eq(tally_ccm_open(key.p, nonce.p, NULL, 0, sealed, 8, out), TALLY_OK);
    sealed[7] ^= 1;
    ck_assert_int_eq(tally_ccm_open(key.p, nonce.p, NULL, 0, sealed, 8, out), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_gcm_seal(key.p, nonce.p, NULL, 0, NULL, 0, sealed), TALLY_OK);
    ck_assert_int_eq(tally_gcm_open(key.p, nonce.p, NULL, 0, sealed, 16, out), TALLY_OK);
    sealed[15] ^= 1;
    ck_assert_int_eq(tally_gcm_open(key.p, nonce.p, NULL, 0, sealed, 16, out), TALLY_E_CRYPTO);
}
END_TEST

START_TEST(random_bytes_differ)
{
    uint8_t a[32], b[32];
    ck_assert_int_eq(tally_random(a, sizeof a), TALLY_OK);
    ck_assert_int_eq(tally_random(b, sizeof b), TALLY_OK);
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

/* RFC 6979 A.2.5: the signature is another implementation's; OpenSSL's own are random. */
START_TEST(ecdsa_verifies_the_vector)
{
    struct tally_key *q = public_key(P256_Q), *d = private_key(P256_D);
    struct hex sig = unhex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                           "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    struct tally_bytes ple = {(const uint8_t *)"ple", 3};
    uint8_t other[64];
    ck_assert_int_eq(tally_p256_verify(q, "sam", &ple, 1, sig.p), TALLY_OK);
    ck_assert_int_eq(tally_p256_verify(q, "Sam", &ple, 1, sig.p), TALLY_E_CRYPTO);
    for (size_t i = 0; i < 64; i++) {
        sig.p[i] ^= 1;
        ck_assert_int_eq(tally_p256_verify(q, "sample", NULL, 0, sig.p), TALLY_E_CRYPTO);
        sig.p[i] ^= 1;
    }
    memset(other, 0, sizeof other);
    ck_assert_int_eq(tally_p256_verify(q, "sample", NULL, 0, other), TALLY_E_CRYPTO);
    memcpy(other, sig.p, 32);
    ck_assert_int_eq(tally_p256_verify(q, "sample", NULL, 0, other), TALLY_E_CRYPTO);
    memset(other, 0xff, sizeof other);
    ck_assert_int_eq(tally_p256_verify(q, "sample", NULL, 0, other), TALLY_E_CRYPTO);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(tally_p256_sign(d, "sam", &ple, 1, other), TALLY_OK);
        ck_assert_int_eq(tally_p256_verify(q, "sample", NULL, 0, other), TALLY_OK);
    }
    tally_key_free(q);
    tally_key_free(d);
}
END_TEST

START_TEST(ecdh_vector)
{
    struct tally_key *i = private_key("c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433");
    struct hex r = unhex("d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                         "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab");
    uint8_t x[32];
    size_t n;
    ck_assert_hex(tally_key_public(i, &n), 64,
                  "dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180"
                  "5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3");
    ck_assert_int_eq(tally_p256_ecdh(i, r.p, x), TALLY_OK);
    ck_assert_hex(x, 32, "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de");
    r.p[63] ^= 1;
    ck_assert_int_eq(tally_p256_ecdh(i, r.p, x), TALLY_E_CRYPTO);
    ck_assert(all_zero(x, 32));
    tally_key_free(i);
}
END_TEST

START_TEST(bad_keys_are_refused)
{
    struct hex q = unhex(P256_Q), n = unhex(P256_ORDER), p = unhex(P256_PRIME);
    uint8_t modulus[256] = {0x80}, zero[32] = {0};
    struct tally_key *key;
    q.p[10] ^= 1;
    ck_assert_int_eq(tally_key_from_public(q.p, 64, &key), TALLY_E_CRYPTO);
    ck_assert_ptr_null(key);
    memset(q.p + 32, 0, 32);
    memcpy(q.p, p.p, 32);
    ck_assert_int_eq(tally_key_from_public(q.p, 64, &key), TALLY_E_CRYPTO);
    memset(q.p, 0, 65);
    ck_assert_int_eq(tally_key_from_public(q.p, 64, &key), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_key_from_public(q.p, 65, &key), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_key_from_public(q.p, 63, &key), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_key_from_public(q.p, 0, &key), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_key_from_private(zero, &key), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_key_from_private(n.p, &key), TALLY_E_CRYPTO);
    memset(n.p, 0xff, 32);
    ck_assert_int_eq(tally_key_from_private(n.p, &key), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_key_from_public(modulus, 256, &key), TALLY_E_CRYPTO); /* even */
    modulus[0] = 0x7f;
    modulus[255] = 1;
    ck_assert_int_eq(tally_key_from_public(modulus, 256, &key), TALLY_E_CRYPTO); /* short */
    ck_assert_int_eq(tally_key_generate(SUITE_SM9, &key), TALLY_E_USAGE);
    ck_assert_ptr_null(key);
    tally_key_free(NULL);
}
END_TEST

START_TEST(keys_of_the_wrong_kind_are_refused)
{
    struct tally_key *pub = public_key(P256_Q), *d = private_key(P256_D), *rsa;
    uint8_t big[TALLY_RSA_PRIVATE_SIZE], n_bytes[256];
    size_t n;
    ck_assert_int_eq(tally_key_generate(SUITE_RSA, &rsa), TALLY_OK);
    ck_assert(!tally_key_is_private(pub) && tally_key_is_private(d) && tally_key_is_private(rsa));
    ck_assert_uint_eq(tally_key_suite(pub), SUITE_P256);
    ck_assert_uint_eq(tally_key_suite(rsa), SUITE_RSA);
    ck_assert_int_eq(tally_p256_sign(pub, label, NULL, 0, big), TALLY_E_USAGE);
    ck_assert(all_zero(big, 64));
    ck_assert_int_eq(tally_p256_sign(rsa, label, NULL, 0, big), TALLY_E_USAGE);
    ck_assert_int_eq(tally_p256_verify(rsa, label, NULL, 0, big), TALLY_E_USAGE);
    ck_assert_int_eq(tally_p256_ecdh(pub, tally_key_public(d, &n), big), TALLY_E_USAGE);
    ck_assert_int_eq(tally_pss_sign(d, label, NULL, 0, big), TALLY_E_USAGE);
    ck_assert_int_eq(tally_pss_verify(d, label, NULL, 0, big), TALLY_E_USAGE);
    ck_assert_int_eq(tally_oaep_encrypt(d, label, NULL, 0, n_bytes), TALLY_E_USAGE);
    ck_assert_int_eq(tally_oaep_decrypt(d, label, n_bytes, big, &n), TALLY_E_USAGE);
    ck_assert_int_eq(tally_key_rsa_private(d, big), TALLY_E_USAGE);
    ck_assert_int_eq(tally_key_p256_private(rsa, big), TALLY_E_USAGE);
    ck_assert_int_eq(tally_key_p256_private(pub, big), TALLY_E_USAGE);
    ck_assert_int_eq(tally_key_p256_private(d, big), TALLY_OK);
    ck_assert_hex(big, 32, P256_D);
    tally_key_free(pub);
    tally_key_free(d);
    tally_key_free(rsa);
}
END_TEST

START_TEST(hpke_vectors)
{
    struct tally_key *ske = private_key(HPKE_SKE), *skr = private_key(HPKE_SKR);
    struct hex pkr = unhex(HPKE_PKR), text = unhex(HPKE_PT);
    struct tally_bytes aad = {(const uint8_t *)"Count-0", 7};
    uint8_t out[256], back[256];
    ck_assert_int_eq(tally_hpke_seal_ephemeral(ske, pkr.p, HPKE_INFO, &aad, 1, text.p, text.n, out),
                     TALLY_OK);
    ck_assert_hex(out, 65, HPKE_ENC);
    ck_assert_hex(out + 65, text.n + 16, HPKE_CT);
    ck_assert_int_eq(tally_hpke_open(skr, HPKE_INFO, &aad, 1, out, text.n + 81, back), TALLY_OK);
    ck_assert_mem_eq(back, text.p, text.n);
    for (size_t i = 0; i < text.n + 81; i++) {
        out[i] ^= 1;
        ck_assert_int_eq(tally_hpke_open(skr, HPKE_INFO, &aad, 1, out, text.n + 81, back), TALLY_E_CRYPTO);
        ck_assert(all_zero(back, text.n));
        out[i] ^= 1;
    }
    ck_assert_int_eq(tally_hpke_open(skr, "Ode", &aad, 1, out, text.n + 81, back), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_hpke_open(skr, HPKE_INFO, NULL, 0, out, text.n + 81, back), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_hpke_open(skr, HPKE_INFO, &aad, 1, out, text.n + 80, back), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_hpke_open(skr, HPKE_INFO, &aad, 1, out, 80, back), TALLY_E_FORMAT);
    pkr.p[0] ^= 1;
    ck_assert_int_eq(tally_hpke_seal(pkr.p, HPKE_INFO, &aad, 1, text.p, text.n, out), TALLY_E_CRYPTO);
    ck_assert(all_zero(out, text.n + 81));
    tally_key_free(ske);
    tally_key_free(skr);
}
END_TEST

START_TEST(rsa_round_trips_and_refusals)
{
    struct tally_key *key, *pub;
    struct hex text = unhex(NIST_TEXT);
    struct tally_bytes part = whole(&text);
    uint8_t block[256], out[TALLY_OAEP_MAX];
    size_t n;
    ck_assert_int_eq(tally_key_generate(SUITE_RSA, &key), TALLY_OK);
    ck_assert_int_eq(tally_key_from_public(tally_key_public(key, &n), 256, &pub), TALLY_OK);
    ck_assert_int_eq(tally_oaep_encrypt(pub, label, text.p, text.n, block), TALLY_OK);
    ck_assert_int_eq(tally_oaep_decrypt(key, label, block, out, &n), TALLY_OK);
    ck_assert_bytes_eq(out, n, text.p, text.n);
    ck_assert_int_eq(tally_oaep_decrypt(key, "tally/test/2", block, out, &n), TALLY_E_CRYPTO);
    ck_assert_uint_eq(n, 0);
    ck_assert(all_zero(out, sizeof out));
    block[128] ^= 1;
    ck_assert_int_eq(tally_oaep_decrypt(key, label, block, out, &n), TALLY_E_CRYPTO);
    memset(block, 0xff, sizeof block);
    ck_assert_int_eq(tally_oaep_decrypt(key, label, block, out, &n), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_oaep_encrypt(pub, label, block, TALLY_OAEP_MAX + 1, block), TALLY_E_FULL);

    ck_assert_int_eq(tally_pss_sign(key, label, &part, 1, block), TALLY_OK);
    ck_assert_int_eq(tally_pss_verify(pub, label, &part, 1, block), TALLY_OK);
    ck_assert_int_eq(tally_pss_verify(pub, "tally/test/2", &part, 1, block), TALLY_E_CRYPTO);
    for (size_t i = 0; i < sizeof block; i += 17) {
        block[i] ^= 1;
        ck_assert_int_eq(tally_pss_verify(pub, label, &part, 1, block), TALLY_E_CRYPTO);
        block[i] ^= 1;
    }
    part.n--;
    ck_assert_int_eq(tally_pss_verify(pub, label, &part, 1, block), TALLY_E_CRYPTO);
    tally_key_free(key);
    tally_key_free(pub);
}
END_TEST

/* What one thread does with keys that others use at the same time; NULL when all went well. */
static void *use_keys(void *arg)
{
    struct tally_key *const *keys = arg;
    struct tally_bytes part = {(const uint8_t *)label, sizeof label};
    uint8_t sig[256], sealed[TALLY_HPKE_OVERHEAD + 13], out[TALLY_OAEP_MAX], secret[32];
    size_t n;
    bool good = true;
    for (int i = 0; i < 10 && good; i++) {
        const uint8_t *p256 = tally_key_public(keys[0], &n);
        good = tally_p256_sign(keys[0], label, &part, 1, sig) == TALLY_OK &&
               tally_p256_verify(keys[0], label, &part, 1, sig) == TALLY_OK &&
               tally_p256_ecdh(keys[0], p256, secret) == TALLY_OK &&
               tally_hpke_seal(p256, label, &part, 1, part.p, part.n, sealed) == TALLY_OK &&
               tally_hpke_open(keys[0], label, &part, 1, sealed, sizeof sealed, out) == TALLY_OK &&
               tally_pss_sign(keys[1], label, &part, 1, sig) == TALLY_OK &&
               tally_pss_verify(keys[1], label, &part, 1, sig) == TALLY_OK &&
               tally_oaep_encrypt(keys[1], label, part.p, part.n, sig) == TALLY_OK &&
               tally_oaep_decrypt(keys[1], label, sig, out, &n) == TALLY_OK &&
               tally_cmac(secret, &part, 1, sig) == TALLY_OK;
    }
    return good ? NULL : arg;
}

START_TEST(threads_share_keys)
{
    struct tally_key *keys[2];
    pthread_t threads[4];
    ck_assert_uint_eq(sizeof label, 13);
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &keys[0]), TALLY_OK);
    ck_assert_int_eq(tally_key_generate(SUITE_RSA, &keys[1]), TALLY_OK);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_keys, keys), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed;
        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    tally_key_free(keys[0]);
    tally_key_free(keys[1]);
}
END_TEST

/* OpenSSL keeps errors per thread; ours must not be taken for a later caller's. */
START_TEST(refusals_leave_no_errors_behind)
{
    struct tally_key *d = private_key(P256_D), *rsa;
    uint8_t block[256] = {0}, out[TALLY_OAEP_MAX];
    size_t n;
    ck_assert_int_eq(tally_key_generate(SUITE_RSA, &rsa), TALLY_OK);
    ck_assert_int_eq(tally_p256_verify(d, label, NULL, 0, block), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_p256_ecdh(d, block, out), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_pss_verify(rsa, label, NULL, 0, block), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_oaep_decrypt(rsa, label, block, out, &n), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_gcm_open(block, block, NULL, 0, block, 32, out), TALLY_E_CRYPTO);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    tally_key_free(d);
    tally_key_free(rsa);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("host crypto");
    TCase *t = tcase_create("primitives");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, aes_and_cbc_vectors);
    tcase_add_test(t, mac_and_kdf_vectors);
    tcase_add_test(t, hash_vectors);
    tcase_add_test(t, aead_vectors);
    tcase_add_test(t, aead_refuses_every_flipped_bit);
    tcase_add_test(t, aead_of_nothing);
    tcase_add_test(t, random_bytes_differ);
    tcase_add_test(t, ecdsa_verifies_the_vector);
    tcase_add_test(t, ecdh_vector);
    tcase_add_test(t, bad_keys_are_refused);
    tcase_add_test(t, keys_of_the_wrong_kind_are_refused);
    tcase_add_test(t, hpke_vectors);
    tcase_add_test(t, rsa_round_trips_and_refusals);
    tcase_add_test(t, threads_share_keys);
    tcase_add_test(t, refusals_leave_no_errors_behind);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
