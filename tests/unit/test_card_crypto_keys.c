/* The card's P-256, HPKE and RSA against published vectors, and against malformed input. */
#include "card/crypto/hpke.h"
#include "card/crypto/p256.h"
#include "card/crypto/rsa.h"
#include "tests/unit/crypto_support.h"
#include "tests/unit/crypto_vectors.h"

static const char label[] = "tally/test/1";

static struct bytes whole(const struct hex *h)
{
    return (struct bytes){h->p, h->n};
}

/* --- P-256 --- */

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
    return tally_check_main(public_suite(), NULL);
}
