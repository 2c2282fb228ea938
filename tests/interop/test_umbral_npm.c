/* Umbral against the npm package: each step of a case is done here or there, as a seeded die says, and every
 * object crosses in its serialised form. */
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/umbral_curve.h"
#include "tests/support/check_main.h"
#include "tests/support/npm_umbral.h"

enum { SKIPPED = 77, CASES = 2000, PLAINTEXT_MAX = 600, SHARES_MAX = 7, FLIPS = 800 };

static struct tally_seeded_random seeded;
static const struct tally_random *const rnd = &seeded.random;

static unsigned die(unsigned faces)
{
    uint8_t b[2];
    ck_assert_int_eq(tally_random_fill(rnd, b, sizeof b), TALLY_OK);
    return (unsigned)(b[0] << 8 | b[1]) % faces;
}

static bool here(void)
{
    return die(2) == 0;
}

/* One case: keys, and the objects as bytes, which is how they travel. */
struct round {
    struct tally_umbral_secret owner, receiver, signer;
    size_t plaintext_n, ciphertext_n, threshold, shares;
    bool delegating, receiving;
    uint8_t plaintext[PLAINTEXT_MAX], ciphertext[PLAINTEXT_MAX + TALLY_UMBRAL_OVERHEAD];
    uint8_t capsule[TALLY_UMBRAL_CAPSULE_SIZE];
    uint8_t kfrag[SHARES_MAX][TALLY_UMBRAL_KFRAG_SIZE], cfrag[SHARES_MAX][TALLY_UMBRAL_CFRAG_SIZE];
};

static void npm_public(const struct tally_umbral_secret *s)
{
    npm_bytes(s->public_key.at.bytes, TALLY_UMBRAL_POINT_SIZE);
}

static void npm_secret(const struct tally_umbral_secret *s)
{
    npm_bytes(s->scalar, TALLY_UMBRAL_SCALAR_SIZE);
}

static struct tally_umbral_capsule read_capsule(const struct round *r)
{
    struct tally_umbral_capsule c;
    ck_assert_int_eq(tally_umbral_capsule_read(r->capsule, sizeof r->capsule, &c), TALLY_OK);
    return c;
}

static void draw(struct round *r)
{
    ck_assert_int_eq(tally_umbral_secret_generate(rnd, &r->owner), TALLY_OK);
    ck_assert_int_eq(tally_umbral_secret_generate(rnd, &r->receiver), TALLY_OK);
    ck_assert_int_eq(tally_umbral_secret_generate(rnd, &r->signer), TALLY_OK);
    r->plaintext_n = die(8) == 0 ? die(PLAINTEXT_MAX + 1) : die(64);
    ck_assert_int_eq(tally_random_fill(rnd, r->plaintext, sizeof r->plaintext), TALLY_OK);
    r->shares = die(4) == 0 ? 2 + die(SHARES_MAX - 1) : 1;
    r->threshold = 1 + die((unsigned)r->shares);
    r->delegating = here();
    r->receiving = here();
}

static void encrypt(struct round *r)
{
    r->ciphertext_n = r->plaintext_n + TALLY_UMBRAL_OVERHEAD;
    if (here()) {
        struct tally_umbral_capsule c;
        ck_assert_int_eq(tally_umbral_encrypt(&r->owner.public_key, r->plaintext, r->plaintext_n, NULL, 0,
                                              rnd, &c, r->ciphertext),
                         TALLY_OK);
        tally_umbral_capsule_write(&c, r->capsule);
        return;
    }
    npm_begin("encrypt");
    npm_public(&r->owner);
    npm_bytes(r->plaintext, r->plaintext_n);
    ck_assert(npm_ask());
    npm_take(0, r->capsule, sizeof r->capsule);
    npm_take(1, r->ciphertext, r->ciphertext_n);
}

static void rekey(struct round *r)
{
    char number[2][16];
    if (here()) {
        struct tally_umbral_verified_kfrag made[SHARES_MAX];
        const struct tally_umbral_rekey_options options = {r->threshold, r->shares, r->delegating,
                                                           r->receiving};
        ck_assert_int_eq(
            tally_umbral_rekey(&r->owner, &r->receiver.public_key, &r->signer, &options, rnd, made),
            TALLY_OK);
        for (size_t i = 0; i < r->shares; i++)
            tally_umbral_kfrag_write(&made[i].kfrag, r->kfrag[i]);
        return;
    }
    snprintf(number[0], sizeof number[0], "%zu", r->threshold);
    snprintf(number[1], sizeof number[1], "%zu", r->shares);
    npm_begin("rekey");
    npm_secret(&r->owner);
    npm_public(&r->receiver);
    npm_secret(&r->signer);
    npm_text(number[0]);
    npm_text(number[1]);
    npm_text(r->delegating ? "1" : "0");
    npm_text(r->receiving ? "1" : "0");
    ck_assert(npm_ask());
    for (size_t i = 0; i < r->shares; i++)
        npm_take(i, r->kfrag[i], sizeof r->kfrag[i]);
}

static enum tally_error verify_kfrag_here(const struct round *r, const uint8_t *in, size_t n,
                                          struct tally_umbral_verified_kfrag *verified)
{
    struct tally_umbral_kfrag k;
    enum tally_error e = tally_umbral_kfrag_read(in, n, &k);
    return e != TALLY_OK ? e
                         : tally_umbral_kfrag_verify(&k, &r->signer.public_key, &r->owner.public_key,
                                                     &r->receiver.public_key, verified);
}

static bool verify_kfrag_there(const struct round *r, const uint8_t *in, size_t n)
{
    npm_begin("verify_kfrag");
    npm_bytes(in, n);
    npm_public(&r->signer);
    npm_public(&r->owner);
    npm_public(&r->receiver);
    return npm_ask();
}

static void reencrypt(struct round *r, size_t i)
{
    if (here()) {
        struct tally_umbral_verified_kfrag k;
        struct tally_umbral_verified_cfrag made;
        const struct tally_umbral_capsule c = read_capsule(r);
        ck_assert_int_eq(verify_kfrag_here(r, r->kfrag[i], sizeof r->kfrag[i], &k), TALLY_OK);
        ck_assert_int_eq(tally_umbral_reencrypt(&c, &k, rnd, &made), TALLY_OK);
        tally_umbral_cfrag_write(&made.cfrag, r->cfrag[i]);
        return;
    }
    if (die(4) == 0)
        ck_assert(verify_kfrag_there(r, r->kfrag[i], sizeof r->kfrag[i]));
    npm_begin("reencrypt");
    npm_bytes(r->capsule, sizeof r->capsule);
    npm_bytes(r->kfrag[i], sizeof r->kfrag[i]);
    ck_assert(npm_ask());
    npm_take(0, r->cfrag[i], sizeof r->cfrag[i]);
}

static enum tally_error verify_cfrag_here(const struct round *r, const uint8_t *in, size_t n,
                                          struct tally_umbral_verified_cfrag *verified)
{
    struct tally_umbral_cfrag f;
    const struct tally_umbral_capsule c = read_capsule(r);
    enum tally_error e = tally_umbral_cfrag_read(in, n, &f);
    return e != TALLY_OK ? e
                         : tally_umbral_cfrag_verify(&f, &c, &r->signer.public_key, &r->owner.public_key,
                                                     &r->receiver.public_key, verified);
}

static bool verify_cfrag_there(const struct round *r, const uint8_t *in, size_t n)
{
    npm_begin("verify_cfrag");
    npm_bytes(in, n);
    npm_bytes(r->capsule, sizeof r->capsule);
    npm_public(&r->signer);
    npm_public(&r->owner);
    npm_public(&r->receiver);
    return npm_ask();
}

/* Any `threshold` fragments, the last ones as good as the first. */
static void open_by_receiver(struct round *r)
{
    struct tally_umbral_verified_cfrag verified[SHARES_MAX];
    uint8_t out[PLAINTEXT_MAX];
    size_t first = r->shares - r->threshold;
    if (here()) {
        const struct tally_umbral_capsule c = read_capsule(r);
        for (size_t i = 0; i < r->threshold; i++)
            ck_assert_int_eq(verify_cfrag_here(r, r->cfrag[first + i], sizeof r->cfrag[0], &verified[i]),
                             TALLY_OK);
        ck_assert_int_eq(tally_umbral_decrypt_reencrypted(&r->receiver, &r->owner.public_key, &c, verified,
                                                          r->threshold, NULL, 0, r->ciphertext,
                                                          r->ciphertext_n, out),
                         TALLY_OK);
    } else {
        if (die(4) == 0)
            ck_assert(verify_cfrag_there(r, r->cfrag[first], sizeof r->cfrag[0]));
        npm_begin("receiver");
        npm_secret(&r->receiver);
        npm_public(&r->owner);
        npm_bytes(r->capsule, sizeof r->capsule);
        npm_bytes(r->ciphertext, r->ciphertext_n);
        for (size_t i = 0; i < r->threshold; i++)
            npm_bytes(r->cfrag[first + i], sizeof r->cfrag[0]);
        ck_assert(npm_ask());
        npm_take(0, out, r->plaintext_n);
    }
    ck_assert_mem_eq(out, r->plaintext, r->plaintext_n);
}

static void open_by_owner(struct round *r)
{
    uint8_t out[PLAINTEXT_MAX];
    if (here()) {
        const struct tally_umbral_capsule c = read_capsule(r);
        ck_assert_int_eq(
            tally_umbral_decrypt_original(&r->owner, &c, NULL, 0, r->ciphertext, r->ciphertext_n, out),
            TALLY_OK);
    } else {
        npm_begin("owner");
        npm_secret(&r->owner);
        npm_bytes(r->capsule, sizeof r->capsule);
        npm_bytes(r->ciphertext, r->ciphertext_n);
        ck_assert(npm_ask());
        npm_take(0, out, r->plaintext_n);
    }
    ck_assert_mem_eq(out, r->plaintext, r->plaintext_n);
}

static void run_to_fragments(struct round *r)
{
    draw(r);
    encrypt(r);
    rekey(r);
    for (size_t i = r->shares - r->threshold; i < r->shares; i++)
        reencrypt(r, i);
}

START_TEST(every_mix_of_steps_here_and_there)
{
    static struct round r;
    for (int i = 0; i < CASES; i++) {
        run_to_fragments(&r);
        if (i % 3 == 0)
            open_by_owner(&r);
        open_by_receiver(&r);
    }
}
END_TEST

/* ---- Signatures and constants ---- */

START_TEST(signatures_both_ways)
{
    struct tally_umbral_secret signer;
    uint8_t message[40], signature[TALLY_UMBRAL_SIGNATURE_SIZE], der[TALLY_UMBRAL_DER_MAX],
        own[TALLY_UMBRAL_DER_MAX];
    for (int i = 0; i < 100; i++) {
        size_t n = die(sizeof message + 1), der_n, own_n;
        const struct tally_bytes part = {message, n};
        ck_assert_int_eq(tally_umbral_secret_generate(rnd, &signer), TALLY_OK);
        ck_assert_int_eq(tally_random_fill(rnd, message, sizeof message), TALLY_OK);
        npm_begin("sign");
        npm_secret(&signer);
        npm_bytes(message, n);
        ck_assert(npm_ask());
        npm_take(0, signature, sizeof signature);
        der_n = npm_take_some(1, der, sizeof der);
        ck_assert_int_eq(tally_umbral_verify(&signer.public_key, &part, 1, signature), TALLY_OK);
        ck_assert_int_eq(tally_umbral_signature_to_der(signature, own, &own_n), TALLY_OK);
        ck_assert_bytes_eq(own, own_n, der, der_n);
        ck_assert_int_eq(tally_umbral_sign(&signer, &part, 1, rnd, signature), TALLY_OK);
        npm_begin("verify");
        npm_public(&signer);
        npm_bytes(message, n);
        npm_bytes(signature, sizeof signature);
        ck_assert(npm_ask());
        npm_begin("public");
        npm_secret(&signer);
        ck_assert(npm_ask());
        npm_take(0, own, TALLY_UMBRAL_POINT_SIZE);
        ck_assert_mem_eq(own, signer.public_key.at.bytes, TALLY_UMBRAL_POINT_SIZE);
    }
}
END_TEST

START_TEST(second_generator)
{
    uint8_t u[TALLY_UMBRAL_POINT_SIZE];
    npm_begin("parameters");
    ck_assert(npm_ask());
    npm_take(0, u, sizeof u);
    ck_assert_mem_eq(u, umbral_u_bytes, sizeof u);
}
END_TEST

/* The fields alone, as contracts want them. */
START_TEST(simple_forms)
{
    static struct round r;
    uint8_t theirs[TALLY_UMBRAL_CFRAG_SIMPLE_SIZE], ours[TALLY_UMBRAL_CFRAG_SIMPLE_SIZE];
    struct tally_umbral_cfrag f;
    draw(&r);
    r.shares = r.threshold = 1;
    npm_begin("encrypt");
    npm_public(&r.owner);
    npm_bytes(r.plaintext, r.plaintext_n);
    ck_assert(npm_ask());
    npm_take(0, r.capsule, sizeof r.capsule);
    npm_take(2, theirs, TALLY_UMBRAL_CAPSULE_SIMPLE_SIZE);
    const struct tally_umbral_capsule c = read_capsule(&r);
    tally_umbral_capsule_write_simple(&c, ours);
    ck_assert_mem_eq(ours, theirs, TALLY_UMBRAL_CAPSULE_SIMPLE_SIZE);
    rekey(&r);
    npm_begin("reencrypt");
    npm_bytes(r.capsule, sizeof r.capsule);
    npm_bytes(r.kfrag[0], sizeof r.kfrag[0]);
    ck_assert(npm_ask());
    npm_take(0, r.cfrag[0], sizeof r.cfrag[0]);
    npm_take(1, theirs, sizeof theirs);
    ck_assert_int_eq(tally_umbral_cfrag_read(r.cfrag[0], sizeof r.cfrag[0], &f), TALLY_OK);
    tally_umbral_cfrag_write_simple(&f, ours);
    ck_assert_mem_eq(ours, theirs, sizeof ours);
}
END_TEST

/* ---- Flipped bits: refused here and there ---- */

static struct round flipped;

static bool capsule_there(const struct round *r, const uint8_t *in, size_t n)
{
    (void)r;
    npm_begin("capsule");
    npm_bytes(in, n);
    return npm_ask();
}

static bool ciphertext_there(const struct round *r, const uint8_t *in, size_t n)
{
    npm_begin("receiver");
    npm_secret(&r->receiver);
    npm_public(&r->owner);
    npm_bytes(r->capsule, sizeof r->capsule);
    npm_bytes(in, n);
    npm_bytes(r->cfrag[0], sizeof r->cfrag[0]);
    return npm_ask();
}

static bool kfrag_here(const struct round *r, const uint8_t *in, size_t n)
{
    struct tally_umbral_verified_kfrag k;
    return verify_kfrag_here(r, in, n, &k) == TALLY_OK;
}

static bool cfrag_here(const struct round *r, const uint8_t *in, size_t n)
{
    struct tally_umbral_verified_cfrag f;
    return verify_cfrag_here(r, in, n, &f) == TALLY_OK;
}

static bool capsule_here(const struct round *r, const uint8_t *in, size_t n)
{
    struct tally_umbral_capsule c;
    (void)r;
    return tally_umbral_capsule_read(in, n, &c) == TALLY_OK;
}

static bool ciphertext_here(const struct round *r, const uint8_t *in, size_t n)
{
    struct tally_umbral_verified_cfrag f;
    uint8_t out[PLAINTEXT_MAX];
    const struct tally_umbral_capsule c = read_capsule(r);
    ck_assert_int_eq(verify_cfrag_here(r, r->cfrag[0], sizeof r->cfrag[0], &f), TALLY_OK);
    return tally_umbral_decrypt_reencrypted(&r->receiver, &r->owner.public_key, &c, &f, 1, NULL, 0, in, n,
                                            out) == TALLY_OK;
}

/* The bytes of the signature for the receiver within a key fragment: the package leaves them to the receiver.
 */
enum { RECEIVER_FROM = 310 - 2 - 64, RECEIVER_TO = 310 - 2 };

static void flip(const char *what, uint8_t *bytes, size_t n, size_t samples,
                 bool (*here_)(const struct round *r, const uint8_t *in, size_t n),
                 bool (*there)(const struct round *r, const uint8_t *in, size_t n))
{
    ck_assert(here_(&flipped, bytes, n) && there(&flipped, bytes, n));
    for (size_t i = 0; i < samples; i++) {
        size_t byte = die((unsigned)n), bit = die(8);
        bool for_receiver = n == TALLY_UMBRAL_KFRAG_SIZE && byte >= RECEIVER_FROM && byte < RECEIVER_TO;
        bytes[byte] ^= (uint8_t)(1u << bit);
        ck_assert_msg(!here_(&flipped, bytes, n), "%s, byte %zu bit %zu, here", what, byte, bit);
        ck_assert_msg(for_receiver || !there(&flipped, bytes, n), "%s, byte %zu bit %zu, there", what, byte,
                      bit);
        bytes[byte] ^= (uint8_t)(1u << bit);
    }
}

START_TEST(flipped_bits_are_refused_here_and_there)
{
    struct round *r = &flipped;
    do
        draw(r);
    while (r->shares > 1);
    r->delegating = r->receiving = true;
    encrypt(r);
    rekey(r);
    reencrypt(r, 0);
    flip("capsule", r->capsule, sizeof r->capsule, FLIPS, capsule_here, capsule_there);
    flip("ciphertext", r->ciphertext, r->ciphertext_n, FLIPS, ciphertext_here, ciphertext_there);
    flip("kfrag", r->kfrag[0], sizeof r->kfrag[0], FLIPS, kfrag_here, verify_kfrag_there);
    flip("cfrag", r->cfrag[0], sizeof r->cfrag[0], FLIPS, cfrag_here, verify_cfrag_there);
}
END_TEST

/* ---- Wrong keys: refused here and there ---- */

START_TEST(wrong_keys_are_refused_here_and_there)
{
    static struct round r;
    struct tally_umbral_secret stranger;
    for (int i = 0; i < 20; i++) {
        do
            draw(&r);
        while (r.shares > 1);
        encrypt(&r);
        rekey(&r);
        reencrypt(&r, 0);
        ck_assert_int_eq(tally_umbral_secret_generate(rnd, &stranger), TALLY_OK);
        struct tally_umbral_secret *const keys[] = {&r.owner, &r.receiver, &r.signer};
        struct tally_umbral_secret *key = keys[i % 3], right = *key;
        *key = stranger;
        ck_assert(!cfrag_here(&r, r.cfrag[0], sizeof r.cfrag[0]));
        ck_assert(!verify_cfrag_there(&r, r.cfrag[0], sizeof r.cfrag[0]));
        if (key != &r.signer)
            ck_assert(!ciphertext_there(&r, r.ciphertext, r.ciphertext_n));
        *key = right;
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("umbral_npm");
    TCase *t = tcase_create("npm");
    tcase_add_checked_fixture(t, npm_umbral_start, npm_umbral_stop);
    tcase_set_timeout(t, 500);
    tcase_add_test(t, every_mix_of_steps_here_and_there);
    tcase_add_test(t, signatures_both_ways);
    tcase_add_test(t, second_generator);
    tcase_add_test(t, simple_forms);
    tcase_add_test(t, flipped_bits_are_refused_here_and_there);
    tcase_add_test(t, wrong_keys_are_refused_here_and_there);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    if (!npm_umbral_available())
        return SKIPPED;
    tally_seeded_random_init(&seeded, 20261122);
    return tally_check_main(make_suite(), NULL);
}
