/* Channel keys, grants, pledged tickets: the whole way, what does not belong together, what a collusion gets.
 */
#include <string.h>

#include "host/crypto/umbral_curve.h"
#include "tests/support/pledge_world.h"
#include "tests/unit/crypto_support.h"

enum { PROXIES = 3 };

static struct pledge_world w;

static void set_up(void)
{
    pledge_world_init(&w);
}

/* ---- Keys ---- */

/* Computed with another HMAC and another curve (Python's hmac, a page of affine arithmetic). */
static const struct {
    const char *channel;
    uint32_t epoch;
    const char *secret, *key;
} derived[] = {
    {"CH-0001", 1, "d960cd516cfa36fe7060031efaf8753b997e70d5694899fd59aa3ad93b984d33",
     "0222b057e5be9672a0467cf9818c19e8d345baba70b6f7c78f0ff73d3afa0ad9f4"},
    {"CH-0001", 2, "757686833e1870095c5350b3197049227b4c1adcc498a3bf3af000347ba4dd6b",
     "03f86cf1d7b01b25a3580659bfba246396a05369c7b22efdefc3b6ef8844c18c18"},
    {"CH-0002", 1, "3f6cf40181cb97bc2d94c900911f1da36c84e124ff223ef4ded5b983b64f1755",
     "028405451934ea5e31b225826bb7a6f99bf5f0f65f3f0c00eba7f080f6985f6005"},
};

START_TEST(delegating_keys_are_the_seeds)
{
    struct tally_umbral_secret secret;
    const struct tally_scope scope = pledge_scope(&w, derived[_i].channel, derived[_i].epoch);
    ck_assert_int_eq(tally_delegating_secret(w.seed, &scope, &secret), TALLY_OK);
    ck_assert_hex(secret.scalar, sizeof secret.scalar, derived[_i].secret);
    ck_assert_hex(secret.public_key.at.bytes, sizeof secret.public_key.at.bytes, derived[_i].key);
}
END_TEST

/* Wide numbers around multiples of n. */
START_TEST(wide_numbers_are_reduced)
{
    static const struct {
        const char *wide, *reduced;
    } cases[] = {
        {"00000000000000000000000000000000000000000000000000000000000000010000000000000000000000000000000000"
         "000000000000000000000000000000",
         "000000000000000000000000000000014551231950b75fc4402da1732fc9bebf"},
        {"0000000000000000000000000000000000000000000000000000000000000001fffffffffffffffffffffffffffffffeba"
         "aedce6af48a03bbfd25e8cd0364142",
         "000000000000000000000000000000014551231950b75fc4402da1732fc9bec0"},
        {"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
         "ffffffffffffffffffffffffffffff",
         "9d671cd581c69bc5e697f5e45bcd07c6741496c20e7cf878896cf21467d7d13f"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct hex wide = unhex(cases[i].wide);
        umbral_scalar out;
        ck_assert(umbral_scalar_reduce_wide(wide.p, out));
        ck_assert_hex(out, sizeof out, cases[i].reduced);
    }
}
END_TEST

START_TEST(channel_keys_are_the_banks)
{
    struct tally_verified_channel_key verified;
    struct tally_channel_key k = w.channel_key.channel_key;
    ck_assert_int_eq(tally_channel_key_verify(&k, &w.bank.public_key, &verified), TALLY_OK);
    ck_assert_int_eq(tally_channel_key_verify(&k, &w.stranger.public_key, &verified), TALLY_E_CRYPTO);
    k.scope.epoch++;
    ck_assert_int_eq(tally_channel_key_verify(&k, &w.bank.public_key, &verified), TALLY_E_CRYPTO);
    k = w.channel_key.channel_key;
    k.scope.channel[0] ^= 1;
    ck_assert_int_eq(tally_channel_key_verify(&k, &w.bank.public_key, &verified), TALLY_E_CRYPTO);
    k = w.channel_key.channel_key;
    k.key = w.stranger.public_key;
    ck_assert_int_eq(tally_channel_key_verify(&k, &w.bank.public_key, &verified), TALLY_E_CRYPTO);
}
END_TEST

/* ---- The whole way ---- */

START_TEST(from_provider_to_seller)
{
    const struct tally_verified_pledged_ticket pledged = pledge_ticket(&w, &w.scope);
    struct tally_verified_pledged_ticket verified;
    uint8_t bytes[TALLY_OPENABLE_MAX], ticket[TALLY_TICKET_MAX];
    struct tally_pledged_ticket read;
    struct tally_openable_ticket openable;
    size_t n;
    ck_assert_int_eq(tally_pledged_write(&pledged.pledged, bytes, &n), TALLY_OK);
    ck_assert_int_eq(tally_pledged_read(bytes, n, &read), TALLY_OK);
    ck_assert_int_eq(tally_pledged_verify(&read, &w.provider.public_key, &verified), TALLY_OK);
    openable = pledge_openable(&w, &w.grant, &verified);
    ck_assert_int_eq(tally_openable_write(&openable, bytes, &n), TALLY_OK);
    memset(&openable, 0, sizeof openable);
    ck_assert_int_eq(tally_openable_read(bytes, n, &openable), TALLY_OK);
    ck_assert_int_eq(pledge_open(&w.seller, &w.trust, &openable), TALLY_OK);
    ck_assert_int_eq(tally_pledged_open(w.seed, &verified, &w.provider.public_key, ticket, &n), TALLY_OK);
    pledge_check_ticket(ticket, n);
}
END_TEST

START_TEST(two_of_three_proxies)
{
    const struct tally_verified_pledged_ticket pledged = pledge_ticket(&w, &w.scope);
    struct tally_verified_grant grants[PROXIES], again;
    struct tally_openable_ticket openables[PROXIES];
    uint8_t ticket[TALLY_TICKET_MAX], bytes[TALLY_GRANT_MAX];
    size_t n;
    ck_assert_int_eq(
        tally_grant_make(w.seed, &w.scope, &w.seller.public_key, 2, PROXIES, &w.bank, w.random, grants),
        TALLY_OK);
    for (size_t i = 0; i < PROXIES; i++) {
        struct tally_grant read;
        ck_assert_uint_eq(grants[i].grant.index, i + 1);
        ck_assert_int_eq(tally_grant_write(&grants[i].grant, bytes, &n), TALLY_OK);
        ck_assert_int_eq(tally_grant_read(bytes, n, &read), TALLY_OK);
        ck_assert_int_eq(tally_grant_verify(&read, &w.bank.public_key, &again), TALLY_OK);
        openables[i] = pledge_openable(&w, &again, &pledged);
    }
    for (size_t i = 0; i < PROXIES; i++) {
        const struct tally_openable_ticket pair[2] = {openables[i], openables[(i + 1) % PROXIES]};
        const struct tally_openable_ticket twice[2] = {openables[i], openables[i]};
        ck_assert_int_eq(tally_openable_open(&w.seller, &w.trust, pair, 2, ticket, &n), TALLY_OK);
        pledge_check_ticket(ticket, n);
        ck_assert_int_eq(pledge_open(&w.seller, &w.trust, &openables[i]), TALLY_E_CRYPTO);
        ck_assert_int_eq(tally_openable_open(&w.seller, &w.trust, twice, 2, ticket, &n), TALLY_E_CRYPTO);
    }
    ck_assert_int_eq(tally_openable_open(&w.seller, &w.trust, openables, PROXIES, ticket, &n), TALLY_OK);
    ck_assert_int_eq(tally_openable_open(&w.seller, &w.trust, openables, 0, ticket, &n), TALLY_E_USAGE);
    /* One of another delegation among them, or one of another ticket. */
    openables[1] = pledge_openable(&w, &w.grant, &pledged);
    ck_assert_int_eq(tally_openable_open(&w.seller, &w.trust, openables, 2, ticket, &n), TALLY_E_CRYPTO);
    const struct tally_verified_pledged_ticket other = pledge_ticket(&w, &w.scope);
    openables[1] = pledge_openable(&w, &grants[1], &other);
    ck_assert_int_eq(tally_openable_open(&w.seller, &w.trust, openables, 2, ticket, &n), TALLY_E_DENIED);
}
END_TEST

/* ---- What does not belong together ---- */

START_TEST(another_seller_reads_nothing)
{
    const struct tally_verified_pledged_ticket pledged = pledge_ticket(&w, &w.scope);
    struct tally_openable_ticket openable = pledge_openable(&w, &w.grant, &pledged);
    ck_assert_int_eq(pledge_open(&w.stranger, &w.trust, &openable), TALLY_E_DENIED);
    openable.receiver = w.stranger.public_key;
    ck_assert_int_eq(pledge_open(&w.stranger, &w.trust, &openable), TALLY_E_CRYPTO);
}
END_TEST

START_TEST(another_channel_or_epoch_is_refused)
{
    const struct tally_scope scopes[] = {pledge_scope(&w, "CH-0002", 1), pledge_scope(&w, "CH-0001", 2)};
    for (size_t i = 0; i < 2; i++) {
        struct tally_verified_pledged_ticket pledged = pledge_ticket(&w, &scopes[i]);
        struct tally_openable_ticket openable;
        ck_assert_int_eq(tally_pledged_reencrypt(&w.grant, &pledged, w.random, &openable), TALLY_E_DENIED);
        ck_assert(all_zero((const uint8_t *)&openable, sizeof openable));
        /* Even a platform that relabels the grant gets nothing that opens. */
        struct tally_verified_grant relabelled = w.grant;
        relabelled.grant.scope = scopes[i];
        ck_assert_int_eq(tally_pledged_reencrypt(&relabelled, &pledged, w.random, &openable), TALLY_E_DENIED);
        relabelled.grant.channel_key = pledged.pledged.channel_key;
        openable = pledge_openable(&w, &relabelled, &pledged);
        struct tally_open_trust trust = w.trust;
        ck_assert_int_eq(pledge_open(&w.seller, &trust, &openable), TALLY_E_DENIED);
        trust.scope = NULL;
        ck_assert_int_eq(pledge_open(&w.seller, &trust, &openable), TALLY_E_CRYPTO);
        struct tally_verified_grant verified;
        ck_assert_int_eq(tally_grant_verify(&relabelled.grant, &w.bank.public_key, &verified),
                         TALLY_E_CRYPTO);
    }
}
END_TEST

START_TEST(a_relabelled_ticket_is_refused)
{
    struct tally_verified_pledged_ticket pledged = pledge_ticket(&w, &w.scope), verified;
    struct tally_ticket_context *c = &pledged.pledged.context;
    const struct tally_ticket_context right = *c;
    for (int i = 0; i < 8; i++) {
        *c = right;
        char *const texts[] = {c->scope.bank, c->scope.channel, c->scope.project, c->provider,
                               c->order,      c->type,          c->serial};
        if (i < 7)
            texts[i][0] ^= 1;
        else
            c->price++;
        ck_assert_int_eq(tally_pledged_verify(&pledged.pledged, &w.provider.public_key, &verified),
                         TALLY_E_CRYPTO);
        /* And what is encrypted does not open under it, should nobody have checked. */
        struct tally_verified_grant grant = w.grant;
        grant.grant.scope = c->scope;
        struct tally_openable_ticket openable = pledge_openable(&w, &grant, &pledged);
        struct tally_umbral_verified_cfrag cfrag = {openable.cfrag};
        uint8_t out[TALLY_ENVELOPE_MAX];
        ck_assert_int_eq(tally_umbral_decrypt_reencrypted(
                             &w.seller, &pledged.pledged.channel_key, &pledged.pledged.capsule, &cfrag, 1,
                             NULL, 0, pledged.pledged.ciphertext, pledged.pledged.ciphertext_n, out),
                         TALLY_E_CRYPTO);
        uint8_t ticket[TALLY_TICKET_MAX];
        size_t n;
        ck_assert_int_ne(tally_pledged_open(w.seed, &pledged, &w.provider.public_key, ticket, &n), TALLY_OK);
    }
}
END_TEST

START_TEST(other_parties_are_refused)
{
    const struct tally_verified_pledged_ticket pledged = pledge_ticket(&w, &w.scope);
    struct tally_verified_pledged_ticket verified;
    struct tally_verified_grant verified_grant;
    const struct tally_openable_ticket openable = pledge_openable(&w, &w.grant, &pledged);
    struct tally_open_trust trust = w.trust;
    uint8_t ticket[TALLY_TICKET_MAX];
    size_t n;
    ck_assert_int_eq(tally_pledged_verify(&pledged.pledged, &w.stranger.public_key, &verified),
                     TALLY_E_CRYPTO);
    ck_assert_int_eq(tally_grant_verify(&w.grant.grant, &w.stranger.public_key, &verified_grant),
                     TALLY_E_CRYPTO);
    trust.provider = &w.stranger.public_key;
    ck_assert_int_eq(pledge_open(&w.seller, &trust, &openable), TALLY_E_CRYPTO);
    trust = w.trust;
    trust.bank = &w.stranger.public_key;
    ck_assert_int_eq(pledge_open(&w.seller, &trust, &openable), TALLY_E_CRYPTO);
    w.seed[0] ^= 1;
    ck_assert_int_eq(tally_pledged_open(w.seed, &pledged, &w.provider.public_key, ticket, &n),
                     TALLY_E_DENIED);
}
END_TEST

START_TEST(the_provider_encrypts_for_the_keys_scope_only)
{
    struct tally_verified_pledged_ticket pledged;
    const struct tally_scope other = pledge_scope(&w, "CH-0002", 1);
    const struct tally_ticket_context context = pledge_context(&w, &other);
    ck_assert_int_eq(tally_pledged_make(&w.channel_key, &context, (const uint8_t *)"x", 1, &w.provider,
                                        w.random, &pledged),
                     TALLY_E_DENIED);
}
END_TEST

/* ---- Limits ---- */

START_TEST(texts_have_limits)
{
    struct tally_umbral_secret secret;
    struct tally_scope scope = w.scope;
    memset(scope.channel, 'x', sizeof scope.channel); /* no NUL */
    ck_assert_int_eq(tally_delegating_secret(w.seed, &scope, &secret), TALLY_E_USAGE);
    ck_assert(all_zero((const uint8_t *)&secret, sizeof secret));
    scope.channel[sizeof scope.channel - 1] = '\0';
    ck_assert_int_eq(tally_delegating_secret(w.seed, &scope, &secret), TALLY_OK);
    strcpy(scope.channel, "with blank");
    ck_assert_int_eq(tally_delegating_secret(w.seed, &scope, &secret), TALLY_E_USAGE);
    scope.channel[0] = '\0';
    ck_assert_int_eq(tally_delegating_secret(w.seed, &scope, &secret), TALLY_E_USAGE);
    scope = w.scope;
    scope.epoch = 0;
    ck_assert_int_eq(tally_delegating_secret(w.seed, &scope, &secret), TALLY_E_USAGE);
}
END_TEST

START_TEST(tickets_have_limits)
{
    static uint8_t ticket[TALLY_TICKET_MAX + 1];
    struct tally_verified_pledged_ticket pledged;
    static const size_t wrong[] = {0, TALLY_TICKET_MAX + 1};
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(
            tally_pledged_make(&w.channel_key, &w.context, ticket, wrong[i], &w.provider, w.random, &pledged),
            TALLY_E_USAGE);
    /* The largest of everything fits. */
    struct tally_ticket_context *c = &w.context;
    char *const texts[] = {c->provider,   c->order,         c->type,         c->serial,
                           c->scope.bank, c->scope.channel, c->scope.project};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        memset(texts[i], 'x', TALLY_DELEGATION_TEXT_SIZE - 1);
    struct tally_verified_channel_key key;
    uint8_t bytes[TALLY_OPENABLE_MAX], out[TALLY_TICKET_MAX];
    size_t n;
    ck_assert_int_eq(tally_channel_key_make(w.seed, &c->scope, &w.bank, w.random, &key), TALLY_OK);
    ck_assert_int_eq(tally_pledged_make(&key, c, ticket, TALLY_TICKET_MAX, &w.provider, w.random, &pledged),
                     TALLY_OK);
    const struct tally_verified_grant grant = pledge_grant(&w, &c->scope, &w.seller.public_key);
    const struct tally_openable_ticket openable = pledge_openable(&w, &grant, &pledged);
    ck_assert_int_eq(tally_openable_write(&openable, bytes, &n), TALLY_OK);
    w.trust.scope = &c->scope;
    ck_assert_int_eq(tally_openable_open(&w.seller, &w.trust, &openable, 1, out, &n), TALLY_OK);
    ck_assert_uint_eq(n, TALLY_TICKET_MAX);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("delegation");
    TCase *t = tcase_create("delegation");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, delegating_keys_are_the_seeds, 0, (int)(sizeof derived / sizeof *derived));
    tcase_add_test(t, wide_numbers_are_reduced);
    tcase_add_test(t, channel_keys_are_the_banks);
    tcase_add_test(t, from_provider_to_seller);
    tcase_add_test(t, two_of_three_proxies);
    tcase_add_test(t, another_seller_reads_nothing);
    tcase_add_test(t, another_channel_or_epoch_is_refused);
    tcase_add_test(t, a_relabelled_ticket_is_refused);
    tcase_add_test(t, other_parties_are_refused);
    tcase_add_test(t, the_provider_encrypts_for_the_keys_scope_only);
    tcase_add_test(t, texts_have_limits);
    tcase_add_test(t, tickets_have_limits);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(make_suite(), NULL);
}
