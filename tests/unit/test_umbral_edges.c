/* Umbral's edges: numbers at the ends of their ranges, objects that were never made, sources that fail,
 * limits. */
#include <pthread.h>

#include "host/crypto/umbral_curve.h"
#include "tests/unit/crypto_support.h"

enum { TEXT = 20, NUMBERS = 6 };

/* 1, 2, n-1, n-2, and two in between. */
static const char *const numbers[NUMBERS] = {
    "0000000000000000000000000000000000000000000000000000000000000001",
    "0000000000000000000000000000000000000000000000000000000000000002",
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
    "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036413f",
    "1111111111111111111111111111111111111111111111111111111111111112",
    "00000000000000000000000000000000ffffffffffffffffffffffffffffffff"};

static struct tally_seeded_random seeded;
static const struct tally_random *const rnd = &seeded.random;
static struct tally_umbral_secret owner, receiver, signer;

static void set_up(void)
{
    tally_seeded_random_init(&seeded, 7);
    ck_assert_int_eq(tally_umbral_secret_generate(rnd, &owner), TALLY_OK);
    ck_assert_int_eq(tally_umbral_secret_generate(rnd, &receiver), TALLY_OK);
    ck_assert_int_eq(tally_umbral_secret_generate(rnd, &signer), TALLY_OK);
}

static void scalar_of(const char *text, umbral_scalar out)
{
    const struct hex h = unhex(text);
    ck_assert_uint_eq(h.n, TALLY_UMBRAL_SCALAR_SIZE);
    memcpy(out, h.p, h.n);
}

/* ---- Numbers ---- */

START_TEST(hashes_become_scalars)
{
    static const char *const cases[][2] = {
        {"0000000000000000000000000000000000000000000000000000000000000000",
         "0000000000000000000000000000000000000000000000000000000000000001"},
        {"00000000000000000000000000000000000000000000000000000000000000ff",
         "0000000000000000000000000000000000000000000000000000000000000100"},
        {"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036413f",
         "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"},
        {"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140",
         "0000000000000000000000000000000000000000000000000000000000000001"},
        {"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
         "0000000000000000000000000000000000000000000000000000000000000002"},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
         "000000000000000000000000000000014551231950b75fc4402da1732fc9bec0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        umbral_scalar a;
        scalar_of(cases[i][0], a);
        umbral_scalar_reduce_nonzero(a);
        ck_assert_hex(a, sizeof a, cases[i][1]);
    }
}
END_TEST

START_TEST(inverses)
{
    umbral_scalar a, inverse, product;
    for (size_t i = 0; i < NUMBERS + 20; i++) {
        if (i < NUMBERS)
            scalar_of(numbers[i], a);
        else
            ck_assert_int_eq(umbral_scalar_random(rnd, a), TALLY_OK);
        ck_assert(umbral_scalar_invert(a, inverse) && umbral_scalar_mul(a, inverse, product));
        ck_assert_hex(product, sizeof product, numbers[0]);
    }
}
END_TEST

/* The table's sums and libsecp256k1's multiplications say the same. */
START_TEST(multiples_of_u)
{
    struct tally_umbral_point u, table, slow, fast;
    umbral_scalar k;
    ck_assert(umbral_point_read(umbral_u_bytes, &u));
    for (size_t i = 0; i < NUMBERS + 20; i++) {
        if (i < NUMBERS)
            scalar_of(numbers[i], k);
        else
            ck_assert_int_eq(umbral_scalar_random(rnd, k), TALLY_OK);
        ck_assert(umbral_u_mul(k, &table) && umbral_point_mul(&u, k, &slow) &&
                  umbral_point_mul_public(&u, k, &fast));
        ck_assert(umbral_point_equal(&table, &slow) && umbral_point_equal(&slow, &fast));
    }
    /* The one number that the table cannot do is refused. */
    memset(k, 0x11, sizeof k);
    ck_assert(!umbral_u_mul(k, &table));
}
END_TEST

START_TEST(scalars_and_points_in_their_ranges)
{
    struct tally_umbral_secret secret;
    struct tally_umbral_public public_key;
    uint8_t bytes[TALLY_UMBRAL_POINT_SIZE] = {0};
    umbral_scalar a = {0};
    ck_assert_int_eq(tally_umbral_secret_read(a, &secret), TALLY_E_FORMAT);
    scalar_of("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", a);
    ck_assert_int_eq(tally_umbral_secret_read(a, &secret), TALLY_E_FORMAT);
    ck_assert(all_zero((const uint8_t *)&secret, sizeof secret));
    scalar_of(numbers[2], a);
    ck_assert_int_eq(tally_umbral_secret_read(a, &secret), TALLY_OK);
    ck_assert_int_eq(tally_umbral_public_read(bytes, &public_key), TALLY_E_FORMAT);
    bytes[0] = 2;
    bytes[32] = 5; /* x = 5 is on no point */
    ck_assert_int_eq(tally_umbral_public_read(bytes, &public_key), TALLY_E_FORMAT);
    bytes[32] = 1;
    ck_assert_int_eq(tally_umbral_public_read(bytes, &public_key), TALLY_OK);
    bytes[0] = 4;
    ck_assert_int_eq(tally_umbral_public_read(bytes, &public_key), TALLY_E_FORMAT);
    memset(bytes + 1, 0xff, 32); /* x >= p */
    bytes[0] = 2;
    ck_assert_int_eq(tally_umbral_public_read(bytes, &public_key), TALLY_E_FORMAT);
}
END_TEST

/* V = -E, with an s that fits: the capsule is sound, and its key point is none. */
START_TEST(a_capsule_without_a_key_point)
{
    struct tally_umbral_capsule c;
    struct tally_umbral_verified_kfrag k;
    struct tally_umbral_verified_cfrag f;
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    umbral_scalar r, minus, h;
    uint8_t bytes[TALLY_UMBRAL_CAPSULE_SIZE], ciphertext[TEXT + TALLY_UMBRAL_OVERHEAD] = {0}, out[TEXT] = {1};
    ck_assert_int_eq(umbral_scalar_random(rnd, r), TALLY_OK);
    ck_assert(umbral_scalar_negate(r, minus) && umbral_base_mul(r, &c.e) && umbral_base_mul(minus, &c.v) &&
              umbral_hash_capsule(&c.e, &c.v, h) && umbral_scalar_mul(r, h, h) &&
              umbral_scalar_add(h, minus, c.s));
    tally_umbral_capsule_write(&c, bytes);
    ck_assert_int_eq(tally_umbral_capsule_read(bytes, sizeof bytes, &c), TALLY_OK);
    ck_assert_int_eq(tally_umbral_decrypt_original(&owner, &c, NULL, 0, ciphertext, sizeof ciphertext, out),
                     TALLY_E_CRYPTO);
    ck_assert(all_zero(out, sizeof out));
    ck_assert_int_eq(tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, rnd, &k), TALLY_OK);
    ck_assert_int_eq(tally_umbral_reencrypt(&c, &k, rnd, &f), TALLY_OK);
    ck_assert_int_eq(tally_umbral_decrypt_reencrypted(&receiver, &owner.public_key, &c, &f, 1, NULL, 0,
                                                      ciphertext, sizeof ciphertext, out),
                     TALLY_E_CRYPTO);
}
END_TEST

/* ---- A proxy that cheats: every point is hashed into the proof, so each of its three equations needs a
 * cheat of its own ---- */

enum cheat { HONEST, OTHER_E, OTHER_V, OTHER_KEY, CHEATS };

/* E1 and V1 by these keys, and the rest of the proof as for rk. */
static void prove(const struct tally_umbral_capsule *c, const struct tally_umbral_kfrag *kfrag,
                  enum cheat cheat, struct tally_umbral_cfrag *f)
{
    umbral_scalar other, k, h, rk;
    struct tally_bytes parts[9];
    struct tally_umbral_point u;
    memcpy(rk, kfrag->key, sizeof rk);
    ck_assert(umbral_point_read(umbral_u_bytes, &u));
    ck_assert_int_eq(umbral_scalar_random(rnd, other), TALLY_OK);
    ck_assert_int_eq(umbral_scalar_random(rnd, k), TALLY_OK);
    if (cheat == OTHER_KEY)
        memcpy(rk, other, sizeof rk);
    ck_assert(umbral_point_mul(&c->e, cheat == OTHER_E ? other : rk, &f->e1) &&
              umbral_point_mul(&c->v, cheat == OTHER_V ? other : rk, &f->v1) &&
              umbral_point_mul(&c->e, k, &f->e2) && umbral_point_mul(&c->v, k, &f->v2) &&
              umbral_point_mul(&u, k, &f->u2));
    const struct tally_umbral_point *const points[9] = {&c->e,  &f->e1, &f->e2,         &c->v, &f->v1,
                                                        &f->v2, &u,     &f->commitment, &f->u2};
    for (size_t i = 0; i < 9; i++)
        parts[i] = (struct tally_bytes){points[i]->bytes, TALLY_UMBRAL_POINT_SIZE};
    ck_assert(umbral_hash("CFRAG_VERIFICATION", parts, 9, h) && umbral_scalar_mul(h, rk, h) &&
              umbral_scalar_add(k, h, f->z));
}

START_TEST(a_proxy_that_cheats_is_found_out)
{
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    struct tally_umbral_capsule c;
    struct tally_umbral_verified_kfrag k;
    struct tally_umbral_verified_cfrag f, verified;
    uint8_t text[TEXT] = {0}, ciphertext[TEXT + TALLY_UMBRAL_OVERHEAD];
    ck_assert_int_eq(tally_umbral_encrypt(&owner.public_key, text, TEXT, NULL, 0, rnd, &c, ciphertext),
                     TALLY_OK);
    ck_assert_int_eq(tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, rnd, &k), TALLY_OK);
    ck_assert_int_eq(tally_umbral_reencrypt(&c, &k, rnd, &f), TALLY_OK);
    for (enum cheat cheat = HONEST; cheat < CHEATS; cheat++) {
        prove(&c, &k.kfrag, cheat, &f.cfrag);
        ck_assert_int_eq(tally_umbral_cfrag_verify(&f.cfrag, &c, &signer.public_key, &owner.public_key,
                                                   &receiver.public_key, &verified),
                         cheat == HONEST ? TALLY_OK : TALLY_E_CRYPTO);
    }
}
END_TEST

/* E1 and V1 changed so that their sum, and with it the key, stays: the tag is right, the fragment is not. */
START_TEST(fragments_that_do_not_fit_the_capsule_are_refused)
{
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    struct tally_umbral_capsule c;
    struct tally_umbral_verified_kfrag k;
    struct tally_umbral_verified_cfrag f;
    struct tally_umbral_point shift, back;
    umbral_scalar one, minus;
    uint8_t text[TEXT] = {0}, ciphertext[TEXT + TALLY_UMBRAL_OVERHEAD];
    scalar_of(numbers[0], one);
    ck_assert(umbral_scalar_negate(one, minus) && umbral_base_mul(one, &shift) &&
              umbral_base_mul(minus, &back));
    ck_assert_int_eq(tally_umbral_encrypt(&owner.public_key, text, TEXT, NULL, 0, rnd, &c, ciphertext),
                     TALLY_OK);
    ck_assert_int_eq(tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, rnd, &k), TALLY_OK);
    ck_assert_int_eq(tally_umbral_reencrypt(&c, &k, rnd, &f), TALLY_OK);
    ck_assert(umbral_point_add(&f.cfrag.e1, &shift, &f.cfrag.e1) &&
              umbral_point_add(&f.cfrag.v1, &back, &f.cfrag.v1));
    ck_assert_int_eq(tally_umbral_decrypt_reencrypted(&receiver, &owner.public_key, &c, &f, 1, NULL, 0,
                                                      ciphertext, sizeof ciphertext, text),
                     TALLY_E_CRYPTO);
}
END_TEST

/* ---- Many threads, from the first call on ---- */

static void *work(void *arg)
{
    bool *good = arg;
    static const struct tally_umbral_rekey_options options = {2, 2, true, false};
    struct tally_umbral_verified_kfrag k[2];
    struct tally_umbral_verified_cfrag f[2];
    struct tally_umbral_capsule c;
    struct tally_umbral_secret from, to;
    uint8_t text[TEXT] = "many", ciphertext[TEXT + TALLY_UMBRAL_OVERHEAD], out[TEXT];
    const struct tally_random *random = &tally_system_random;
    *good = tally_umbral_secret_generate(random, &from) == TALLY_OK &&
            tally_umbral_secret_generate(random, &to) == TALLY_OK;
    for (int i = 0; *good && i < 10; i++)
        *good =
            tally_umbral_encrypt(&from.public_key, text, TEXT, NULL, 0, random, &c, ciphertext) == TALLY_OK &&
            tally_umbral_rekey(&from, &to.public_key, &from, &options, random, k) == TALLY_OK &&
            tally_umbral_reencrypt(&c, &k[0], random, &f[0]) == TALLY_OK &&
            tally_umbral_reencrypt(&c, &k[1], random, &f[1]) == TALLY_OK &&
            tally_umbral_decrypt_reencrypted(&to, &from.public_key, &c, f, 2, NULL, 0, ciphertext,
                                             sizeof ciphertext, out) == TALLY_OK &&
            memcmp(out, text, TEXT) == 0;
    return NULL;
}

START_TEST(threads)
{
    enum { THREADS = 8 };
    pthread_t thread[THREADS];
    bool good[THREADS] = {false};
    for (size_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&thread[i], NULL, work, &good[i]), 0);
    for (size_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
        ck_assert(good[i]);
    }
}
END_TEST

/* ---- What was never made ---- */

START_TEST(empty_objects_are_errors)
{
    struct tally_umbral_capsule c = {.s = {0}};
    struct tally_umbral_verified_kfrag k = {.kfrag.id = {0}};
    struct tally_umbral_verified_cfrag f = {.cfrag.id = {0}};
    const struct tally_umbral_secret none = {.scalar = {0}};
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    uint8_t text[TEXT] = {0}, ciphertext[TEXT + TALLY_UMBRAL_OVERHEAD] = {0},
            signature[TALLY_UMBRAL_SIGNATURE_SIZE];
    const struct tally_bytes part = {text, sizeof text};
    ck_assert_int_ne(tally_umbral_encrypt(&none.public_key, text, TEXT, NULL, 0, rnd, &c, ciphertext),
                     TALLY_OK);
    ck_assert_int_ne(tally_umbral_decrypt_original(&owner, &c, NULL, 0, ciphertext, sizeof ciphertext, text),
                     TALLY_OK);
    ck_assert_int_ne(tally_umbral_decrypt_original(&none, &c, NULL, 0, ciphertext, sizeof ciphertext, text),
                     TALLY_OK);
    ck_assert_int_ne(tally_umbral_reencrypt(&c, &k, rnd, &f), TALLY_OK);
    ck_assert_int_ne(tally_umbral_kfrag_verify(&k.kfrag, &owner.public_key, NULL, NULL, &k), TALLY_OK);
    ck_assert_int_ne(
        tally_umbral_cfrag_verify(&f.cfrag, &c, &owner.public_key, &owner.public_key, &owner.public_key, &f),
        TALLY_OK);
    ck_assert_int_ne(tally_umbral_decrypt_reencrypted(&owner, &owner.public_key, &c, &f, 1, NULL, 0,
                                                      ciphertext, sizeof ciphertext, text),
                     TALLY_OK);
    ck_assert_int_ne(tally_umbral_rekey(&none, &owner.public_key, &owner, &options, rnd, &k), TALLY_OK);
    ck_assert_int_ne(tally_umbral_rekey(&owner, &none.public_key, &owner, &options, rnd, &k), TALLY_OK);
    ck_assert_int_ne(tally_umbral_sign(&none, &part, 1, rnd, signature), TALLY_OK);
    ck_assert_int_ne(tally_umbral_verify(&none.public_key, &part, 1, signature), TALLY_OK);
}
END_TEST

/* ---- A source that fails at the n-th draw ---- */

static unsigned draws_left;

static enum tally_error failing_fill(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    if (draws_left == 0) {
        memset(out, 0, n);
        return TALLY_E_IO;
    }
    draws_left--;
    return tally_random_fill(rnd, out, n);
}

static const struct tally_random failing = {failing_fill, NULL};

static enum tally_error encrypt_failing(void)
{
    uint8_t text[TEXT] = {0}, out[TEXT + TALLY_UMBRAL_OVERHEAD] = {1};
    struct tally_umbral_capsule c;
    enum tally_error e = tally_umbral_encrypt(&owner.public_key, text, TEXT, NULL, 0, &failing, &c, out);
    if (e != TALLY_OK)
        ck_assert(all_zero(out, sizeof out) && all_zero((const uint8_t *)&c, sizeof c));
    return e;
}

static enum tally_error rekey_failing(void)
{
    static const struct tally_umbral_rekey_options options = {2, 3, true, false};
    struct tally_umbral_verified_kfrag k[3];
    enum tally_error e = tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, &failing, k);
    if (e != TALLY_OK)
        ck_assert(all_zero((const uint8_t *)k, sizeof k));
    return e;
}

static enum tally_error reencrypt_failing(void)
{
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    struct tally_umbral_verified_kfrag k;
    struct tally_umbral_verified_cfrag f;
    struct tally_umbral_capsule c;
    uint8_t text[TEXT] = {0}, out[TEXT + TALLY_UMBRAL_OVERHEAD];
    ck_assert_int_eq(tally_umbral_encrypt(&owner.public_key, text, TEXT, NULL, 0, rnd, &c, out), TALLY_OK);
    ck_assert_int_eq(tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, rnd, &k), TALLY_OK);
    enum tally_error e = tally_umbral_reencrypt(&c, &k, &failing, &f);
    if (e != TALLY_OK)
        ck_assert(all_zero((const uint8_t *)&f, sizeof f));
    return e;
}

static enum tally_error generate_failing(void)
{
    struct tally_umbral_secret s;
    enum tally_error e = tally_umbral_secret_generate(&failing, &s);
    if (e != TALLY_OK)
        ck_assert(all_zero((const uint8_t *)&s, sizeof s));
    return e;
}

START_TEST(failing_sources)
{
    static const struct {
        enum tally_error (*run)(void);
        unsigned draws;
    } cases[] = {
        {generate_failing, 1}, {encrypt_failing, 3}, {rekey_failing, 1 + 1 + 3 * 3}, {reencrypt_failing, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned n = 0; n < cases[i].draws; n++) {
            draws_left = n;
            ck_assert_int_eq(cases[i].run(), TALLY_E_IO);
        }
        draws_left = cases[i].draws;
        ck_assert_int_eq(cases[i].run(), TALLY_OK);
        ck_assert_uint_eq(draws_left, 0);
    }
}
END_TEST

/* A source of zeros, as of a broken device: no scalar comes of it. */
static enum tally_error zero_fill(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    memset(out, 0, n);
    return TALLY_OK;
}

START_TEST(a_source_of_zeros_makes_no_key)
{
    const struct tally_random zeros = {zero_fill, NULL};
    struct tally_umbral_secret s;
    ck_assert_int_eq(tally_umbral_secret_generate(&zeros, &s), TALLY_E_IO);
}
END_TEST

/* ---- Limits ---- */

START_TEST(shares_have_limits)
{
    static struct tally_umbral_verified_kfrag k[TALLY_UMBRAL_SHARES_MAX];
    static struct tally_umbral_verified_cfrag f[TALLY_UMBRAL_SHARES_MAX];
    static const struct {
        size_t threshold, shares;
    } wrong[] = {{0, 1}, {0, 0}, {2, 1}, {1, TALLY_UMBRAL_SHARES_MAX + 1}};
    struct tally_umbral_rekey_options options = {TALLY_UMBRAL_SHARES_MAX, TALLY_UMBRAL_SHARES_MAX, true,
                                                 true};
    struct tally_umbral_capsule c;
    uint8_t text[TEXT] = {9}, ciphertext[TEXT + TALLY_UMBRAL_OVERHEAD], out[TEXT];
    ck_assert_int_eq(tally_umbral_encrypt(&owner.public_key, text, TEXT, NULL, 0, rnd, &c, ciphertext),
                     TALLY_OK);
    ck_assert_int_eq(tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, rnd, k), TALLY_OK);
    for (size_t i = 0; i < TALLY_UMBRAL_SHARES_MAX; i++)
        ck_assert_int_eq(tally_umbral_reencrypt(&c, &k[i], rnd, &f[i]), TALLY_OK);
    for (size_t n = TALLY_UMBRAL_SHARES_MAX - 1; n <= TALLY_UMBRAL_SHARES_MAX; n++)
        ck_assert_int_eq(tally_umbral_decrypt_reencrypted(&receiver, &owner.public_key, &c, f, n, NULL, 0,
                                                          ciphertext, sizeof ciphertext, out),
                         n < TALLY_UMBRAL_SHARES_MAX ? TALLY_E_CRYPTO : TALLY_OK);
    ck_assert_mem_eq(out, text, TEXT);
    ck_assert_int_eq(tally_umbral_decrypt_reencrypted(&receiver, &owner.public_key, &c, f, 0, NULL, 0,
                                                      ciphertext, sizeof ciphertext, out),
                     TALLY_E_USAGE);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        options.threshold = wrong[i].threshold;
        options.shares = wrong[i].shares;
        ck_assert_int_eq(tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, rnd, k),
                         TALLY_E_USAGE);
    }
}
END_TEST

START_TEST(sizes_have_limits)
{
    static uint8_t text[TALLY_UMBRAL_PLAINTEXT_MAX + 1], ciphertext[sizeof text + TALLY_UMBRAL_OVERHEAD],
        out[sizeof text];
    static uint8_t context[UMBRAL_CONTEXT_MAX + 1];
    struct tally_umbral_capsule c;
    const struct tally_bytes most = {context, UMBRAL_CONTEXT_MAX}, more = {context, sizeof context};
    ck_assert_int_eq(tally_umbral_encrypt(&owner.public_key, text, sizeof text, NULL, 0, rnd, &c, ciphertext),
                     TALLY_E_USAGE);
    ck_assert_int_eq(tally_umbral_encrypt(&owner.public_key, text, 1, &more, 1, rnd, &c, ciphertext),
                     TALLY_E_USAGE);
    ck_assert(all_zero((const uint8_t *)&c, sizeof c));
    ck_assert_int_eq(
        tally_umbral_encrypt(&owner.public_key, text, sizeof text - 1, &most, 1, rnd, &c, ciphertext),
        TALLY_OK);
    ck_assert_int_eq(
        tally_umbral_decrypt_original(&owner, &c, &most, 1, ciphertext, sizeof ciphertext - 1, out),
        TALLY_OK);
    ck_assert_int_eq(tally_umbral_decrypt_original(&owner, &c, &most, 1, ciphertext, sizeof ciphertext, out),
                     TALLY_E_USAGE);
    ck_assert_int_eq(
        tally_umbral_decrypt_original(&owner, &c, &most, 1, ciphertext, TALLY_UMBRAL_OVERHEAD - 1, out),
        TALLY_E_FORMAT);
    /* No text at all is a text. */
    ck_assert_int_eq(tally_umbral_encrypt(&owner.public_key, NULL, 0, NULL, 0, rnd, &c, ciphertext),
                     TALLY_OK);
    ck_assert_int_eq(
        tally_umbral_decrypt_original(&owner, &c, NULL, 0, ciphertext, TALLY_UMBRAL_OVERHEAD, out), TALLY_OK);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("umbral_edges");
    TCase *t = tcase_create("edges");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, hashes_become_scalars);
    tcase_add_test(t, inverses);
    tcase_add_test(t, multiples_of_u);
    tcase_add_test(t, scalars_and_points_in_their_ranges);
    tcase_add_test(t, a_capsule_without_a_key_point);
    tcase_add_test(t, a_proxy_that_cheats_is_found_out);
    tcase_add_test(t, fragments_that_do_not_fit_the_capsule_are_refused);
    tcase_add_test(t, empty_objects_are_errors);
    tcase_add_test(t, failing_sources);
    tcase_add_test(t, a_source_of_zeros_makes_no_key);
    tcase_add_test(t, shares_have_limits);
    tcase_add_test(t, sizes_have_limits);
    suite_add_tcase(s, t);
    TCase *fresh = tcase_create("threads"); /* no fixture: nothing was called before */
    tcase_set_timeout(fresh, 60);
    tcase_add_test(fresh, threads);
    suite_add_tcase(s, fresh);
    return s;
}

int main(void)
{
    return tally_check_main(make_suite(), NULL);
}
