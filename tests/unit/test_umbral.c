/* Umbral: the package's own objects are read, written back and worked with; threshold and flags; errors. */
#include "host/crypto/umbral_curve.h"
#include "host/crypto/umbral_extra.h"
#include "tests/unit/crypto_support.h"
#include "tests/unit/umbral_vectors.h"

enum { TEXT_MAX = 256, SHARES = UMBRAL_VECTOR_SHARES };

static struct tally_seeded_random seeded;
static const struct tally_random *const rnd = &seeded.random;

static void set_up(void)
{
    tally_seeded_random_init(&seeded, 20261122);
}

static struct tally_umbral_secret secret_of(const char *text)
{
    struct tally_umbral_secret s;
    struct hex h = unhex(text);
    ck_assert_uint_eq(h.n, TALLY_UMBRAL_SCALAR_SIZE);
    ck_assert_int_eq(tally_umbral_secret_read(h.p, &s), TALLY_OK);
    return s;
}

static struct tally_umbral_capsule capsule_of(const char *text)
{
    struct tally_umbral_capsule c;
    struct hex h = unhex(text);
    ck_assert_int_eq(tally_umbral_capsule_read(h.p, h.n, &c), TALLY_OK);
    return c;
}

static struct tally_umbral_kfrag kfrag_of(const char *text)
{
    struct tally_umbral_kfrag k;
    struct hex h = unhex(text);
    ck_assert_int_eq(tally_umbral_kfrag_read(h.p, h.n, &k), TALLY_OK);
    return k;
}

static struct tally_umbral_cfrag cfrag_of(const char *text)
{
    struct tally_umbral_cfrag f;
    struct hex h = unhex(text);
    ck_assert_int_eq(tally_umbral_cfrag_read(h.p, h.n, &f), TALLY_OK);
    return f;
}

START_TEST(vectors_are_read_and_written_back)
{
    const struct umbral_vector *v = &umbral_vectors[_i];
    uint8_t out[TALLY_UMBRAL_CFRAG_SIZE];
    const struct tally_umbral_capsule c = capsule_of(v->capsule);
    tally_umbral_capsule_write(&c, out);
    ck_assert_hex(out, (size_t)TALLY_UMBRAL_CAPSULE_SIZE, v->capsule);
    tally_umbral_capsule_write_simple(&c, out);
    ck_assert_hex(out, (size_t)TALLY_UMBRAL_CAPSULE_SIMPLE_SIZE, v->simple);
    for (size_t i = 0; i < v->shares; i++) {
        const struct tally_umbral_kfrag k = kfrag_of(v->kfrag[i]);
        const struct tally_umbral_cfrag f = cfrag_of(v->cfrag[i]);
        tally_umbral_kfrag_write(&k, out);
        ck_assert_hex(out, (size_t)TALLY_UMBRAL_KFRAG_SIZE, v->kfrag[i]);
        tally_umbral_cfrag_write(&f, out);
        ck_assert_hex(out, (size_t)TALLY_UMBRAL_CFRAG_SIZE, v->cfrag[i]);
    }
    const struct tally_umbral_cfrag f = cfrag_of(v->cfrag[0]);
    tally_umbral_cfrag_write_simple(&f, out);
    ck_assert_hex(out, (size_t)TALLY_UMBRAL_CFRAG_SIMPLE_SIZE, v->cfrag_simple);
    const struct tally_umbral_secret owner = secret_of(v->owner);
    ck_assert_hex(owner.public_key.at.bytes, (size_t)TALLY_UMBRAL_POINT_SIZE, v->owner_public);
}
END_TEST

START_TEST(vectors_verify_and_open)
{
    const struct umbral_vector *v = &umbral_vectors[_i];
    const struct tally_umbral_secret owner = secret_of(v->owner), receiver = secret_of(v->receiver),
                                     signer = secret_of(v->signer);
    const struct tally_umbral_capsule c = capsule_of(v->capsule);
    const struct hex ciphertext = unhex(v->ciphertext);
    struct tally_umbral_verified_kfrag k;
    struct tally_umbral_verified_cfrag f[SHARES];
    uint8_t out[TEXT_MAX];
    const size_t n = strlen(v->text);
    ck_assert_uint_eq(ciphertext.n, n + TALLY_UMBRAL_OVERHEAD);
    ck_assert_int_eq(tally_umbral_decrypt_original(&owner, &c, NULL, 0, ciphertext.p, ciphertext.n, out),
                     TALLY_OK);
    ck_assert_mem_eq(out, v->text, n);
    for (size_t i = 0; i < v->shares; i++) {
        const struct tally_umbral_kfrag kfrag = kfrag_of(v->kfrag[i]);
        const struct tally_umbral_cfrag cfrag = cfrag_of(v->cfrag[i]);
        ck_assert(kfrag.delegating_signed == v->delegating && kfrag.receiving_signed == v->receiving);
        ck_assert_int_eq(tally_umbral_kfrag_verify(&kfrag, &signer.public_key,
                                                   v->delegating ? &owner.public_key : NULL,
                                                   v->receiving ? &receiver.public_key : NULL, &k),
                         TALLY_OK);
        ck_assert_int_eq(tally_umbral_cfrag_verify(&cfrag, &c, &signer.public_key, &owner.public_key,
                                                   &receiver.public_key, &f[i]),
                         TALLY_OK);
    }
    memset(out, 0, sizeof out);
    ck_assert_int_eq(tally_umbral_decrypt_reencrypted(&receiver, &owner.public_key, &c, f, v->threshold, NULL,
                                                      0, ciphertext.p, ciphertext.n, out),
                     TALLY_OK);
    ck_assert_mem_eq(out, v->text, n);
}
END_TEST

START_TEST(vectors_of_signatures)
{
    const struct umbral_vector *v = &umbral_vectors[_i];
    const struct tally_umbral_secret signer = secret_of(v->signer), other = secret_of(v->owner);
    const struct hex signature = unhex(v->signature), der = unhex(v->der);
    const struct tally_bytes message = {(const uint8_t *)v->text, strlen(v->text)};
    uint8_t out[TALLY_UMBRAL_DER_MAX], again[TALLY_UMBRAL_SIGNATURE_SIZE];
    size_t n;
    ck_assert_int_eq(tally_umbral_verify(&signer.public_key, &message, 1, signature.p), TALLY_OK);
    ck_assert_int_eq(tally_umbral_verify(&other.public_key, &message, 1, signature.p), TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_umbral_signature_to_der(signature.p, out, &n), TALLY_OK);
    ck_assert_bytes_eq(out, n, der.p, der.n);
    ck_assert_int_eq(tally_umbral_signature_from_der(der.p, der.n, again), TALLY_OK);
    ck_assert_mem_eq(again, signature.p, sizeof again);
    ck_assert_int_eq(tally_umbral_signature_from_der(der.p, der.n - 1, again), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_umbral_sign(&signer, &message, 1, rnd, again), TALLY_OK);
    ck_assert_int_eq(tally_umbral_verify(&signer.public_key, &message, 1, again), TALLY_OK);
}
END_TEST

/* From the package: seed of 32 bytes 05, label "x"; and its factory's secret with the label "y". */
START_TEST(factory_vectors)
{
    uint8_t seed[TALLY_UMBRAL_SEED_SIZE], made[TALLY_UMBRAL_SEED_SIZE], secret[TALLY_UMBRAL_MADE_SECRET_SIZE];
    const uint8_t x[1] = {'x'}, y[1] = {'y'};
    static const uint8_t long_label[TALLY_UMBRAL_LABEL_MAX + 1];
    struct tally_umbral_secret key;
    memset(seed, 5, sizeof seed);
    ck_assert_int_eq(tally_umbral_factory_secret(seed, x, 1, secret), TALLY_OK);
    ck_assert_hex(
        secret, sizeof secret,
        "6bbfcdb0696553ac0068309bbb3ce106bf4524b7a690df404f11c1781062337d973d3e7babb6331a1e5e240faf17367f"
        "9b69bde634216a3c05ac939ce309ba2a");
    ck_assert_int_eq(tally_umbral_factory_key(seed, x, 1, &key), TALLY_OK);
    ck_assert_hex(key.scalar, sizeof key.scalar,
                  "3f13477371562bfd1b1484528d344b2367f2c68653261877b0ee45027c584101");
    ck_assert_int_eq(tally_umbral_factory_factory(seed, x, 1, made), TALLY_OK);
    ck_assert_int_eq(tally_umbral_factory_secret(made, y, 1, secret), TALLY_OK);
    ck_assert_hex(
        secret, sizeof secret,
        "6dc95da303aebaaeff29bf7e3c4cf51549a37a046777986e9b9d65ac52663d423d1a0a33e3a2c2a0ae4a086de556ca2c"
        "06006a3c82b697a8d35604093e1fb53f");
    ck_assert_int_eq(tally_umbral_factory_key(seed, long_label, sizeof long_label, &key), TALLY_E_USAGE);
    ck_assert(all_zero((const uint8_t *)&key, sizeof key));
}
END_TEST

/* Each product in the evidence is what the next point makes of it: zE = hE1 + E2, and so on. */
START_TEST(evidence_adds_up)
{
    const struct umbral_vector *v = &umbral_vectors[_i];
    const struct tally_umbral_secret owner = secret_of(v->owner), receiver = secret_of(v->receiver),
                                     signer = secret_of(v->signer);
    const struct tally_umbral_capsule c = capsule_of(v->capsule);
    const struct tally_umbral_verified_cfrag f = {cfrag_of(v->cfrag[0])};
    struct tally_umbral_evidence e, again;
    struct tally_umbral_point sum;
    static const size_t rows[3][3] = {{1, 3, 4}, {6, 8, 9}, {10, 12, 13}};
    uint8_t bytes[TALLY_UMBRAL_EVIDENCE_SIZE];
    ck_assert_int_eq(
        tally_umbral_evidence_make(&c, &f, &signer.public_key, &owner.public_key, &receiver.public_key, &e),
        TALLY_OK);
    for (size_t i = 0; i < 3; i++)
        ck_assert(umbral_point_add(&e.point[rows[i][1]], &e.point[rows[i][2]], &sum) &&
                  umbral_point_equal(&sum, &e.point[rows[i][0]]));
    tally_umbral_evidence_write(&e, bytes);
    ck_assert_int_eq(tally_umbral_evidence_read(bytes, sizeof bytes, &again), TALLY_OK);
    ck_assert_mem_eq(&again, &e, sizeof e.point);
    bytes[sizeof bytes - 1] ^= 4;
    ck_assert_int_eq(tally_umbral_evidence_read(bytes, sizeof bytes, &again), TALLY_E_FORMAT);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("umbral");
    TCase *t = tcase_create("vectors");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, vectors_are_read_and_written_back, 0, UMBRAL_VECTORS);
    tcase_add_loop_test(t, vectors_verify_and_open, 0, UMBRAL_VECTORS);
    tcase_add_loop_test(t, vectors_of_signatures, 0, UMBRAL_VECTORS);
    tcase_add_test(t, factory_vectors);
    tcase_add_loop_test(t, evidence_adds_up, 0, UMBRAL_VECTORS);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(make_suite(), NULL);
}
