/* The package's objects beside the scheme: key factories, recoverable signatures, evidence; there and here
 * the same. */
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/umbral_extra.h"
#include "tests/support/check_main.h"
#include "tests/support/npm_umbral.h"

enum { SKIPPED = 77, TIMES = 40, LABEL_MAX = 300 };

static struct tally_seeded_random seeded;
static const struct tally_random *const rnd = &seeded.random;

static void draw(void *out, size_t n)
{
    ck_assert_int_eq(tally_random_fill(rnd, out, n), TALLY_OK);
}

START_TEST(factories)
{
    uint8_t seed[TALLY_UMBRAL_SEED_SIZE], label[LABEL_MAX], made[TALLY_UMBRAL_SEED_SIZE],
        ours[TALLY_UMBRAL_MADE_SECRET_SIZE], theirs[TALLY_UMBRAL_MADE_SECRET_SIZE];
    struct tally_umbral_secret key;
    for (size_t i = 0; i < TIMES; i++) {
        size_t n = i * LABEL_MAX / TIMES;
        draw(seed, sizeof seed);
        draw(label, sizeof label);
        npm_begin("factory");
        npm_bytes(seed, sizeof seed);
        npm_bytes(label, n);
        ck_assert(npm_ask());
        npm_take(0, theirs, TALLY_UMBRAL_SCALAR_SIZE);
        ck_assert_int_eq(tally_umbral_factory_key(seed, label, n, &key), TALLY_OK);
        ck_assert_mem_eq(key.scalar, theirs, TALLY_UMBRAL_SCALAR_SIZE);
        npm_take(1, theirs, sizeof theirs);
        ck_assert_int_eq(tally_umbral_factory_secret(seed, label, n, ours), TALLY_OK);
        ck_assert_mem_eq(ours, theirs, sizeof ours);
        npm_take(2, theirs, sizeof theirs);
        ck_assert_int_eq(tally_umbral_factory_factory(seed, label, n, made), TALLY_OK);
        ck_assert_int_eq(tally_umbral_factory_secret(made, NULL, 0, ours), TALLY_OK);
        ck_assert_mem_eq(ours, theirs, sizeof ours);
    }
}
END_TEST

START_TEST(recoverable_signatures)
{
    struct tally_umbral_secret signer;
    struct tally_umbral_public found;
    uint8_t message[32], digest[TALLY_SHA256_SIZE], signature[TALLY_UMBRAL_SIGNATURE_SIZE],
        recoverable[TALLY_UMBRAL_RECOVERABLE_SIZE], theirs[TALLY_UMBRAL_POINT_SIZE];
    const struct tally_bytes part = {message, sizeof message};
    for (int i = 0; i < TIMES; i++) {
        ck_assert_int_eq(tally_umbral_secret_generate(rnd, &signer), TALLY_OK);
        draw(message, sizeof message);
        ck_assert_int_eq(tally_sha256_labelled("", &part, 1, digest), TALLY_OK);
        ck_assert_int_eq(tally_umbral_sign(&signer, &part, 1, rnd, signature), TALLY_OK);
        ck_assert_int_eq(tally_umbral_recoverable(signature, digest, &signer.public_key, recoverable),
                         TALLY_OK);
        ck_assert_int_eq(tally_umbral_recover(digest, recoverable, &found), TALLY_OK);
        ck_assert(tally_umbral_public_equal(&found, &signer.public_key));
        npm_begin("recover");
        npm_bytes(digest, sizeof digest);
        npm_bytes(recoverable, sizeof recoverable);
        ck_assert(npm_ask());
        npm_take(0, theirs, sizeof theirs);
        ck_assert_mem_eq(theirs, found.at.bytes, sizeof theirs);
        recoverable[64] ^= 1;
        ck_assert(tally_umbral_recover(digest, recoverable, &found) != TALLY_OK ||
                  !tally_umbral_public_equal(&found, &signer.public_key));
        recoverable[64] = 2;
        ck_assert_int_eq(tally_umbral_recover(digest, recoverable, &found), TALLY_E_FORMAT);
        digest[0] ^= 1;
        ck_assert_int_eq(tally_umbral_recoverable(signature, digest, &signer.public_key, recoverable),
                         TALLY_E_CRYPTO);
    }
}
END_TEST

START_TEST(evidence)
{
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    struct tally_umbral_secret owner, receiver, signer;
    struct tally_umbral_capsule c;
    struct tally_umbral_verified_kfrag k;
    struct tally_umbral_verified_cfrag f;
    struct tally_umbral_evidence made, read;
    uint8_t text[8] = {0}, ciphertext[sizeof text + TALLY_UMBRAL_OVERHEAD], bytes[TALLY_UMBRAL_CFRAG_SIZE],
            ours[TALLY_UMBRAL_EVIDENCE_SIZE], theirs[TALLY_UMBRAL_EVIDENCE_SIZE];
    for (int i = 0; i < TIMES; i++) {
        struct tally_umbral_secret *const keys[] = {&owner, &receiver, &signer};
        for (size_t j = 0; j < 3; j++)
            ck_assert_int_eq(tally_umbral_secret_generate(rnd, keys[j]), TALLY_OK);
        ck_assert_int_eq(
            tally_umbral_encrypt(&owner.public_key, text, sizeof text, NULL, 0, rnd, &c, ciphertext),
            TALLY_OK);
        ck_assert_int_eq(tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, rnd, &k),
                         TALLY_OK);
        ck_assert_int_eq(tally_umbral_reencrypt(&c, &k, rnd, &f), TALLY_OK);
        ck_assert_int_eq(tally_umbral_evidence_make(&c, &f, &signer.public_key, &owner.public_key,
                                                    &receiver.public_key, &made),
                         TALLY_OK);
        tally_umbral_evidence_write(&made, ours);
        npm_begin("evidence");
        tally_umbral_capsule_write(&c, bytes);
        npm_bytes(bytes, TALLY_UMBRAL_CAPSULE_SIZE);
        tally_umbral_cfrag_write(&f.cfrag, bytes);
        npm_bytes(bytes, TALLY_UMBRAL_CFRAG_SIZE);
        for (size_t j = 0; j < 3; j++)
            npm_bytes(keys[(j + 2) % 3]->public_key.at.bytes, TALLY_UMBRAL_POINT_SIZE);
        bool asked = npm_ask();
        ck_assert(asked);
        npm_take(0, theirs, sizeof theirs);
        ck_assert_mem_eq(ours, theirs, sizeof ours);
        ck_assert_int_eq(tally_umbral_evidence_read(theirs, sizeof theirs, &read), TALLY_OK);
        tally_umbral_evidence_write(&read, ours);
        ck_assert_mem_eq(ours, theirs, sizeof ours);
        npm_begin("read_evidence");
        npm_bytes(ours, sizeof ours);
        ck_assert(npm_ask());
        ck_assert_int_eq(tally_umbral_evidence_make(&c, &f, &owner.public_key, &owner.public_key,
                                                    &receiver.public_key, &made),
                         TALLY_E_CRYPTO);
        ck_assert_int_eq(tally_umbral_evidence_read(theirs, sizeof theirs - 1, &read), TALLY_E_FORMAT);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("umbral_extra");
    TCase *t = tcase_create("npm");
    tcase_add_checked_fixture(t, npm_umbral_start, npm_umbral_stop);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, factories);
    tcase_add_test(t, recoverable_signatures);
    tcase_add_test(t, evidence);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    if (!npm_umbral_available())
        return SKIPPED;
    tally_seeded_random_init(&seeded, 20261123);
    return tally_check_main(make_suite(), NULL);
}
