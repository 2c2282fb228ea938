/* Every bit of every object, flipped: refused, where it is read, checked or opened. */
#include <string.h>

#include "tests/support/pledge_world.h"
#include "tests/unit/crypto_support.h"

enum { TEXT = 24, FLAGS = 4 };

static struct pledge_world w;

/* One way through the scheme; owner is w.bank, receiver w.seller, signer w.provider. */
static struct {
    struct tally_umbral_capsule capsule;
    uint8_t text[TEXT], ciphertext[TEXT + TALLY_UMBRAL_OVERHEAD];
    struct tally_umbral_verified_kfrag kfrag[FLAGS]; /* by flags: 1 delegating, 2 receiving key signed */
    struct tally_umbral_verified_cfrag cfrag;
} way;

static void set_up(void)
{
    pledge_world_init(&w);
    memset(&way, 0, sizeof way);
    ck_assert_int_eq(tally_umbral_encrypt(&w.bank.public_key, way.text, TEXT, NULL, 0, w.random, &way.capsule,
                                          way.ciphertext),
                     TALLY_OK);
    for (unsigned i = 0; i < FLAGS; i++) {
        const struct tally_umbral_rekey_options options = {1, 1, (i & 1) != 0, (i & 2) != 0};
        ck_assert_int_eq(
            tally_umbral_rekey(&w.bank, &w.seller.public_key, &w.provider, &options, w.random, &way.kfrag[i]),
            TALLY_OK);
    }
    ck_assert_int_eq(tally_umbral_reencrypt(&way.capsule, &way.kfrag[3], w.random, &way.cfrag), TALLY_OK);
}

/* Tries all bits of n bytes; `try` says whether the changed bytes were taken. */
static void flip_all(const uint8_t *bytes, size_t n, bool (*try)(const uint8_t *bytes, size_t n))
{
    static uint8_t copy[TALLY_OPENABLE_MAX];
    ck_assert_uint_le(n, sizeof copy);
    memcpy(copy, bytes, n);
    ck_assert(try(copy, n));
    for (size_t i = 0; i < 8 * n; i++) {
        copy[i / 8] ^= (uint8_t)(1u << i % 8);
        ck_assert_msg(!try(copy, n), "bit %zu of byte %zu", i % 8, i / 8);
        copy[i / 8] = bytes[i / 8];
    }
    ck_assert(!try(copy, n - 1));
    copy[n] = 0;
    ck_assert(!try(copy, n + 1));
}

static bool open_with(const struct tally_umbral_capsule *capsule,
                      const struct tally_umbral_verified_cfrag *cfrag, const uint8_t *ciphertext, size_t n)
{
    uint8_t by_owner[TEXT + 1], by_receiver[TEXT + 1];
    enum tally_error a = tally_umbral_decrypt_original(&w.bank, capsule, NULL, 0, ciphertext, n, by_owner);
    enum tally_error b = tally_umbral_decrypt_reencrypted(&w.seller, &w.bank.public_key, capsule, cfrag, 1,
                                                          NULL, 0, ciphertext, n, by_receiver);
    ck_assert(a == b);
    return a == TALLY_OK;
}

static bool try_ciphertext(const uint8_t *bytes, size_t n)
{
    return open_with(&way.capsule, &way.cfrag, bytes, n);
}

static bool try_capsule(const uint8_t *bytes, size_t n)
{
    struct tally_umbral_capsule c;
    return tally_umbral_capsule_read(bytes, n, &c) == TALLY_OK;
}

static bool try_kfrag(const uint8_t *bytes, size_t n)
{
    struct tally_umbral_kfrag k;
    struct tally_umbral_verified_kfrag verified;
    return tally_umbral_kfrag_read(bytes, n, &k) == TALLY_OK &&
           tally_umbral_kfrag_verify(&k, &w.provider.public_key, &w.bank.public_key, &w.seller.public_key,
                                     &verified) == TALLY_OK;
}

static bool try_cfrag(const uint8_t *bytes, size_t n)
{
    struct tally_umbral_cfrag f;
    struct tally_umbral_verified_cfrag verified;
    return tally_umbral_cfrag_read(bytes, n, &f) == TALLY_OK &&
           tally_umbral_cfrag_verify(&f, &way.capsule, &w.provider.public_key, &w.bank.public_key,
                                     &w.seller.public_key, &verified) == TALLY_OK;
}

START_TEST(bits_of_a_ciphertext)
{
    flip_all(way.ciphertext, sizeof way.ciphertext, try_ciphertext);
}
END_TEST

START_TEST(bits_of_a_capsule)
{
    uint8_t bytes[TALLY_UMBRAL_CAPSULE_SIZE];
    tally_umbral_capsule_write(&way.capsule, bytes);
    flip_all(bytes, sizeof bytes, try_capsule);
}
END_TEST

START_TEST(bits_of_a_kfrag)
{
    uint8_t bytes[TALLY_UMBRAL_KFRAG_SIZE];
    tally_umbral_kfrag_write(&way.kfrag[_i].kfrag, bytes);
    flip_all(bytes, sizeof bytes, try_kfrag);
}
END_TEST

START_TEST(bits_of_a_cfrag)
{
    uint8_t bytes[TALLY_UMBRAL_CFRAG_SIZE];
    tally_umbral_cfrag_write(&way.cfrag.cfrag, bytes);
    flip_all(bytes, sizeof bytes, try_cfrag);
}
END_TEST

/* A capsule that is sound, but another one: of the same owner, of another. */
START_TEST(another_capsule)
{
    struct tally_umbral_capsule other;
    uint8_t ciphertext_of_it[sizeof way.ciphertext], text[TEXT] = {1};
    struct tally_umbral_verified_cfrag cfrag;
    const struct tally_umbral_public *owners[] = {&w.bank.public_key, &w.stranger.public_key};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(
            tally_umbral_encrypt(owners[i], text, TEXT, NULL, 0, w.random, &other, ciphertext_of_it),
            TALLY_OK);
        ck_assert(!open_with(&other, &way.cfrag, way.ciphertext, sizeof way.ciphertext));
        ck_assert_int_eq(tally_umbral_cfrag_verify(&way.cfrag.cfrag, &other, &w.provider.public_key,
                                                   &w.bank.public_key, &w.seller.public_key, &cfrag),
                         TALLY_E_CRYPTO);
        ck_assert(all_zero((const uint8_t *)&cfrag, sizeof cfrag));
    }
}
END_TEST

/* Additional data: the context must be the same, in bytes and in length. */
START_TEST(context_is_additional_data)
{
    const struct tally_bytes whole[] = {{(const uint8_t *)"channel 7", 9}}, none[] = {{NULL, 0}},
                             pieces[] = {{(const uint8_t *)"channel", 7}, {(const uint8_t *)" 7", 2}},
                             shorter[] = {{(const uint8_t *)"channel 7", 8}};
    const struct {
        const struct tally_bytes *parts;
        size_t count;
        enum tally_error result;
    } tries[] = {
        {whole, 1, TALLY_OK}, {pieces, 2, TALLY_OK}, {none, 1, TALLY_E_CRYPTO}, {shorter, 1, TALLY_E_CRYPTO}};
    uint8_t out[TEXT];
    ck_assert_int_eq(tally_umbral_encrypt(&w.bank.public_key, way.text, TEXT, whole, 1, w.random,
                                          &way.capsule, way.ciphertext),
                     TALLY_OK);
    ck_assert_int_eq(tally_umbral_reencrypt(&way.capsule, &way.kfrag[0], w.random, &way.cfrag), TALLY_OK);
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        ck_assert_int_eq(tally_umbral_decrypt_original(&w.bank, &way.capsule, tries[i].parts, tries[i].count,
                                                       way.ciphertext, sizeof way.ciphertext, out),
                         tries[i].result);
        ck_assert_int_eq(tally_umbral_decrypt_reencrypted(&w.seller, &w.bank.public_key, &way.capsule,
                                                          &way.cfrag, 1, tries[i].parts, tries[i].count,
                                                          way.ciphertext, sizeof way.ciphertext, out),
                         tries[i].result);
    }
}
END_TEST

/* Another receiver, owner or signer than the fragment's. */
START_TEST(other_keys)
{
    struct tally_umbral_verified_kfrag k;
    struct tally_umbral_verified_cfrag f;
    const struct tally_umbral_public *right[3] = {&w.provider.public_key, &w.bank.public_key,
                                                  &w.seller.public_key};
    uint8_t out[TEXT];
    for (size_t i = 0; i < 3; i++) {
        const struct tally_umbral_public *keys[3] = {right[0], right[1], right[2]};
        keys[i] = &w.stranger.public_key;
        ck_assert_int_eq(tally_umbral_kfrag_verify(&way.kfrag[3].kfrag, keys[0], keys[1], keys[2], &k),
                         TALLY_E_CRYPTO);
        ck_assert(all_zero((const uint8_t *)&k, sizeof k));
        ck_assert_int_eq(
            tally_umbral_cfrag_verify(&way.cfrag.cfrag, &way.capsule, keys[0], keys[1], keys[2], &f),
            TALLY_E_CRYPTO);
    }
    ck_assert_int_eq(tally_umbral_decrypt_reencrypted(&w.stranger, right[1], &way.capsule, &way.cfrag, 1,
                                                      NULL, 0, way.ciphertext, sizeof way.ciphertext, out),
                     TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_umbral_decrypt_reencrypted(&w.seller, right[0], &way.capsule, &way.cfrag, 1, NULL,
                                                      0, way.ciphertext, sizeof way.ciphertext, out),
                     TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_umbral_decrypt_original(&w.stranger, &way.capsule, NULL, 0, way.ciphertext,
                                                   sizeof way.ciphertext, out),
                     TALLY_E_CRYPTO);
}
END_TEST

/* A key that the fragment signs must be given; one that it does not sign may be. */
START_TEST(keys_left_out)
{
    struct tally_umbral_verified_kfrag k;
    for (unsigned flags = 0; flags < FLAGS; flags++)
        for (unsigned given = 0; given < FLAGS; given++)
            ck_assert_int_eq(tally_umbral_kfrag_verify(&way.kfrag[flags].kfrag, &w.provider.public_key,
                                                       given & 1 ? &w.bank.public_key : NULL,
                                                       given & 2 ? &w.seller.public_key : NULL, &k),
                             (flags & given) == flags ? TALLY_OK : TALLY_E_CRYPTO);
}
END_TEST

/* ---- The objects around it ---- */

static bool try_channel_key(const uint8_t *bytes, size_t n)
{
    struct tally_channel_key k;
    struct tally_verified_channel_key verified;
    return tally_channel_key_read(bytes, n, &k) == TALLY_OK &&
           tally_channel_key_verify(&k, &w.bank.public_key, &verified) == TALLY_OK;
}

static bool try_grant(const uint8_t *bytes, size_t n)
{
    struct tally_grant g;
    struct tally_verified_grant verified;
    return tally_grant_read(bytes, n, &g) == TALLY_OK &&
           tally_grant_verify(&g, &w.bank.public_key, &verified) == TALLY_OK;
}

static bool try_pledged(const uint8_t *bytes, size_t n)
{
    struct tally_pledged_ticket p;
    struct tally_verified_pledged_ticket verified;
    return tally_pledged_read(bytes, n, &p) == TALLY_OK &&
           tally_pledged_verify(&p, &w.provider.public_key, &verified) == TALLY_OK;
}

static bool try_openable(const uint8_t *bytes, size_t n)
{
    struct tally_openable_ticket o;
    uint8_t ticket[TALLY_TICKET_MAX];
    size_t ticket_n;
    return tally_openable_read(bytes, n, &o) == TALLY_OK &&
           tally_openable_open(&w.seller, &w.trust, &o, 1, ticket, &ticket_n) == TALLY_OK;
}

START_TEST(bits_of_a_channel_key)
{
    uint8_t bytes[TALLY_CHANNEL_KEY_MAX];
    size_t n;
    ck_assert_int_eq(tally_channel_key_write(&w.channel_key.channel_key, bytes, &n), TALLY_OK);
    flip_all(bytes, n, try_channel_key);
}
END_TEST

START_TEST(bits_of_a_grant)
{
    uint8_t bytes[TALLY_GRANT_MAX];
    size_t n;
    ck_assert_int_eq(tally_grant_write(&w.grant.grant, bytes, &n), TALLY_OK);
    flip_all(bytes, n, try_grant);
}
END_TEST

START_TEST(bits_of_a_pledged)
{
    const struct tally_verified_pledged_ticket p = pledge_ticket(&w, &w.scope);
    uint8_t bytes[TALLY_PLEDGED_MAX];
    size_t n;
    ck_assert_int_eq(tally_pledged_write(&p.pledged, bytes, &n), TALLY_OK);
    flip_all(bytes, n, try_pledged);
}
END_TEST

START_TEST(bits_of_an_openable)
{
    const struct tally_verified_pledged_ticket p = pledge_ticket(&w, &w.scope);
    struct tally_openable_ticket o;
    uint8_t bytes[TALLY_OPENABLE_MAX];
    size_t n;
    ck_assert_int_eq(tally_pledged_reencrypt(&w.grant, &p, w.random, &o), TALLY_OK);
    ck_assert_int_eq(tally_openable_write(&o, bytes, &n), TALLY_OK);
    flip_all(bytes, n, try_openable);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("umbral_flips");
    TCase *t = tcase_create("flips");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, bits_of_a_ciphertext);
    tcase_add_test(t, bits_of_a_capsule);
    tcase_add_loop_test(t, bits_of_a_kfrag, 0, FLAGS);
    tcase_add_test(t, bits_of_a_cfrag);
    tcase_add_test(t, another_capsule);
    tcase_add_test(t, context_is_additional_data);
    tcase_add_test(t, other_keys);
    tcase_add_test(t, keys_left_out);
    tcase_add_test(t, bits_of_a_channel_key);
    tcase_add_test(t, bits_of_a_grant);
    tcase_add_test(t, bits_of_a_pledged);
    tcase_add_test(t, bits_of_an_openable);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(make_suite(), NULL);
}
