/* Channel keys, grants, pledged tickets: the whole way, what does not belong together, what a collusion gets.
 */
#include <string.h>

#include "host/crypto/delegation_codec.h"
#include "host/crypto/umbral_curve.h"
#include "tests/support/pledge_world.h"
#include "tests/unit/crypto_support.h"

static struct pledge_world w;

static void set_up(void)
{
    pledge_world_init(&w);
}

/* ---- What a hostile provider may put inside ---- */

/* An encoder of its own for the formats in specs/umbral.md. */
struct buffer {
    uint8_t p[2048];
    size_t n;
};

static void put(struct buffer *b, const void *p, size_t n)
{
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put_number(struct buffer *b, uint64_t value, size_t size)
{
    while (size-- > 0)
        b->p[b->n++] = (uint8_t)(value >> (8 * size));
}

static void put_text(struct buffer *b, const char *text)
{
    put_number(b, strlen(text), 1);
    put(b, text, strlen(text));
}

static void put_context(struct buffer *b, const struct tally_ticket_context *c)
{
    put_text(b, c->scope.bank);
    put_text(b, c->scope.channel);
    put_text(b, c->scope.project);
    put_number(b, c->scope.epoch, 4);
    put_text(b, c->provider);
    put_text(b, c->order);
    put_number(b, c->line, 4);
    put_text(b, c->type);
    put_number(b, c->price, 8);
    put_text(b, c->serial);
}

static void put_signature(struct buffer *b, const char *label, const struct tally_umbral_secret *signer)
{
    const struct tally_bytes parts[] = {{(const uint8_t *)label, strlen(label)}, {b->p, b->n}};
    uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE];
    ck_assert_int_eq(tally_umbral_sign(signer, parts, 2, w.random, signature), TALLY_OK);
    put(b, signature, sizeof signature);
}

static struct buffer envelope_of(const struct tally_ticket_context *inside,
                                 const struct tally_umbral_secret *signer)
{
    struct buffer b = {.n = 0};
    put(&b, "\x05\x01", 2);
    put_context(&b, inside);
    put_number(&b, strlen(PLEDGE_TICKET), 2);
    put(&b, PLEDGE_TICKET, strlen(PLEDGE_TICKET));
    put_signature(&b, "tally/ticket-content/1", signer);
    return b;
}

/* A pledged ticket with that envelope, signed by the provider as it must be. */
static struct buffer pledged_of(const struct buffer *envelope)
{
    struct buffer b = {.n = 0}, context = {.n = 0};
    struct tally_umbral_capsule capsule;
    const struct tally_umbral_public *key = &w.channel_key.channel_key.key;
    uint8_t ciphertext[2048], bytes[TALLY_UMBRAL_CAPSULE_SIZE];
    put_context(&context, &w.context);
    put(&context, key->at.bytes, TALLY_UMBRAL_POINT_SIZE);
    ck_assert_int_eq(tally_umbral_encrypt(key, envelope->p, envelope->n,
                                          &(struct tally_bytes){context.p, context.n}, 1, w.random, &capsule,
                                          ciphertext),
                     TALLY_OK);
    tally_umbral_capsule_write(&capsule, bytes);
    put(&b, "\x03\x01", 2);
    put(&b, context.p, context.n);
    put(&b, bytes, sizeof bytes);
    put_number(&b, envelope->n + TALLY_UMBRAL_OVERHEAD, 2);
    put(&b, ciphertext, envelope->n + TALLY_UMBRAL_OVERHEAD);
    put_signature(&b, "tally/pledged-ticket/1", &w.provider);
    return b;
}

static enum tally_error open_envelope(const struct buffer *envelope)
{
    const struct buffer b = pledged_of(envelope);
    struct tally_pledged_ticket pledged;
    struct tally_verified_pledged_ticket verified;
    uint8_t ticket[TALLY_TICKET_MAX];
    size_t n;
    ck_assert_int_eq(tally_pledged_read(b.p, b.n, &pledged), TALLY_OK);
    ck_assert_int_eq(tally_pledged_verify(&pledged, &w.provider.public_key, &verified), TALLY_OK);
    const struct tally_openable_ticket openable = pledge_openable(&w, &w.grant, &verified);
    enum tally_error e = pledge_open(&w.seller, &w.trust, &openable);
    ck_assert_int_eq(tally_pledged_open(w.seed, &verified, &w.provider.public_key, ticket, &n), e);
    return e;
}

START_TEST(what_is_inside_is_checked)
{
    struct buffer envelope = envelope_of(&w.context, &w.provider);
    ck_assert_int_eq(open_envelope(&envelope), TALLY_OK);
    envelope = envelope_of(&w.context, &w.stranger);
    ck_assert_int_eq(open_envelope(&envelope), TALLY_E_CRYPTO);
    struct tally_ticket_context inside = w.context;
    inside.order[0] ^= 1;
    envelope = envelope_of(&inside, &w.provider);
    ck_assert_int_eq(open_envelope(&envelope), TALLY_E_DENIED);
    inside = w.context;
    inside.line++;
    envelope = envelope_of(&inside, &w.provider);
    ck_assert_int_eq(open_envelope(&envelope), TALLY_E_DENIED);
    envelope = envelope_of(&w.context, &w.provider);
    envelope.n--;
    ck_assert_int_eq(open_envelope(&envelope), TALLY_E_FORMAT);
    envelope.n = 1;
    ck_assert_int_eq(open_envelope(&envelope), TALLY_E_FORMAT);
}
END_TEST

/* A provider that signs another scope beside this channel's key. */
START_TEST(scope_and_key_must_both_be_the_grants)
{
    struct tally_verified_pledged_ticket pledged = pledge_ticket(&w, &w.scope);
    struct tally_openable_ticket openable;
    pledged.pledged.context.scope = pledge_scope(&w, "CH-0002", 1);
    ck_assert_int_eq(tally_pledged_reencrypt(&w.grant, &pledged, w.random, &openable), TALLY_E_DENIED);
}
END_TEST

/* Lengths within a pledged ticket that leave no room for an envelope, signed by the provider all the same. */
START_TEST(a_pledged_ticket_has_something_in_it)
{
    for (size_t n = 0; n <= TALLY_UMBRAL_OVERHEAD; n += TALLY_UMBRAL_OVERHEAD / 2) {
        const struct tally_verified_pledged_ticket right = pledge_ticket(&w, &w.scope);
        struct tally_pledged_ticket pledged = right.pledged, read;
        uint8_t bytes[TALLY_PLEDGED_MAX];
        size_t size;
        pledged.ciphertext_n = (uint16_t)n;
        ck_assert_int_eq(delegation_pledged_signed(&pledged, bytes, &size), TALLY_OK);
        ck_assert_int_eq(
            delegation_sign(&w.provider, DELEGATION_PLEDGED_LABEL, bytes, size, w.random, pledged.signature),
            TALLY_OK);
        ck_assert_int_eq(tally_pledged_write(&pledged, bytes, &size), TALLY_OK);
        ck_assert_int_eq(tally_pledged_read(bytes, size, &read), TALLY_E_FORMAT);
    }
}
END_TEST

/* ---- What a bank's fault may put into a grant ---- */

static enum tally_error verify_signed(struct tally_grant *g)
{
    uint8_t bytes[TALLY_GRANT_MAX];
    struct tally_verified_grant verified;
    size_t n;
    ck_assert_int_eq(delegation_grant_signed(g, bytes, &n), TALLY_OK);
    ck_assert_int_eq(delegation_sign(&w.bank, DELEGATION_GRANT_LABEL, bytes, n, w.random, g->signature),
                     TALLY_OK);
    return tally_grant_verify(g, &w.bank.public_key, &verified);
}

START_TEST(a_grant_holds_its_own_fragment)
{
    struct tally_grant g = w.grant.grant;
    const struct tally_scope other = pledge_scope(&w, "CH-0002", 1);
    ck_assert_int_eq(verify_signed(&g), TALLY_OK);
    g.receiver = w.stranger.public_key;
    ck_assert_int_eq(verify_signed(&g), TALLY_E_CRYPTO);
    g = w.grant.grant;
    g.kfrag = pledge_grant(&w, &other, &w.seller.public_key).grant.kfrag;
    ck_assert_int_eq(verify_signed(&g), TALLY_E_CRYPTO);
    /* A fragment whose signature for proxies leaves the keys out. */
    struct tally_umbral_secret secret;
    struct tally_umbral_verified_kfrag kfrag;
    static const struct tally_umbral_rekey_options options = {1, 1, false, false};
    ck_assert_int_eq(tally_delegating_secret(w.seed, &w.scope, &secret), TALLY_OK);
    ck_assert_int_eq(tally_umbral_rekey(&secret, &w.seller.public_key, &w.bank, &options, w.random, &kfrag),
                     TALLY_OK);
    g = w.grant.grant;
    g.kfrag = kfrag.kfrag;
    ck_assert_int_eq(verify_signed(&g), TALLY_E_CRYPTO);
}
END_TEST

START_TEST(a_grants_numbers_are_in_order)
{
    static const uint8_t wrong[][3] = {
        {0, 1, 1}, {2, 1, 1}, {1, 1, 0}, {1, 1, 2}, {1, TALLY_UMBRAL_SHARES_MAX + 1, 1}};
    uint8_t bytes[TALLY_GRANT_MAX];
    size_t n, at;
    struct tally_grant g;
    ck_assert_int_eq(tally_grant_write(&w.grant.grant, bytes, &n), TALLY_OK);
    at = n - TALLY_UMBRAL_SIGNATURE_SIZE - TALLY_UMBRAL_KFRAG_SIZE - 3;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(bytes + at, wrong[i], 3);
        ck_assert_int_eq(tally_grant_read(bytes, n, &g), TALLY_E_FORMAT);
        g = w.grant.grant;
        g.threshold = wrong[i][0];
        g.shares = wrong[i][1];
        g.index = wrong[i][2];
        uint8_t out[TALLY_GRANT_MAX];
        size_t out_n;
        ck_assert_int_eq(tally_grant_write(&g, out, &out_n), TALLY_E_USAGE);
        ck_assert(out_n == 0);
    }
}
END_TEST

/* ---- Collusion ---- */

/* Platform and seller together: rk = a/d, and d = H(X, bX, B) is the seller's to compute. So a = rk·d. */
static struct tally_umbral_secret collude(const struct tally_grant *grant,
                                          const struct tally_umbral_secret *seller)
{
    struct tally_umbral_point dh;
    const struct umbral_shared shared = {&grant->kfrag.precursor, &seller->public_key.at, &dh};
    struct tally_umbral_secret found;
    umbral_scalar d, a;
    ck_assert(umbral_point_mul(&grant->kfrag.precursor, seller->scalar, &dh) &&
              umbral_hash_shared(&shared, d) && umbral_scalar_mul(grant->kfrag.key, d, a));
    ck_assert_int_eq(tally_umbral_secret_read(a, &found), TALLY_OK);
    return found;
}

static enum tally_error decrypt_with(const struct tally_umbral_secret *found,
                                     const struct tally_verified_pledged_ticket *pledged)
{
    const struct tally_pledged_ticket *p = &pledged->pledged;
    struct buffer context = {.n = 0};
    uint8_t out[TALLY_ENVELOPE_MAX];
    put_context(&context, &p->context);
    put(&context, p->channel_key.at.bytes, TALLY_UMBRAL_POINT_SIZE);
    return tally_umbral_decrypt_original(found, &p->capsule, &(struct tally_bytes){context.p, context.n}, 1,
                                         p->ciphertext, p->ciphertext_n, out);
}

START_TEST(a_collusion_gets_its_channels_key_and_no_other)
{
    const struct tally_scope other = pledge_scope(&w, "CH-0002", 1), later = pledge_scope(&w, "CH-0001", 2);
    const struct tally_verified_pledged_ticket here = pledge_ticket(&w, &w.scope),
                                               there = pledge_ticket(&w, &other),
                                               then = pledge_ticket(&w, &later);
    const struct tally_umbral_secret found = collude(&w.grant.grant, &w.seller);
    /* That channel's key, and so its tickets, which its own grant opens anyway … */
    ck_assert(tally_umbral_public_equal(&found.public_key, &w.channel_key.channel_key.key));
    ck_assert_int_eq(decrypt_with(&found, &here), TALLY_OK);
    /* … but none of another channel or epoch; … */
    ck_assert_int_eq(decrypt_with(&found, &there), TALLY_E_CRYPTO);
    ck_assert_int_eq(decrypt_with(&found, &then), TALLY_E_CRYPTO);
    /* … it is not the bank's signing key, so no channel key and no grant can be made with it; … */
    struct tally_channel_key forged = w.channel_key.channel_key;
    const struct tally_bytes nothing = {NULL, 0};
    struct tally_verified_channel_key verified;
    forged.scope.epoch = 9;
    ck_assert_int_eq(tally_umbral_sign(&found, &nothing, 1, w.random, forged.signature), TALLY_OK);
    ck_assert_int_eq(tally_channel_key_verify(&forged, &w.bank.public_key, &verified), TALLY_E_CRYPTO);
    /* … and as a seed it leads nowhere: the way from the seed is one-way. */
    struct tally_umbral_secret guess;
    ck_assert_int_eq(tally_delegating_secret(found.scalar, &w.scope, &guess), TALLY_OK);
    ck_assert(!tally_umbral_public_equal(&guess.public_key, &w.channel_key.channel_key.key));
    ck_assert_int_eq(tally_delegating_secret(found.scalar, &other, &guess), TALLY_OK);
    ck_assert(!tally_umbral_public_equal(&guess.public_key, &there.pledged.channel_key));
}
END_TEST

START_TEST(neither_alone_gets_it)
{
    const struct tally_verified_pledged_ticket pledged = pledge_ticket(&w, &w.scope);
    struct tally_umbral_secret guess;
    /* The platform with its grant: the fragment is not the key, nor with a key of its own. */
    ck_assert_int_eq(tally_umbral_secret_read(w.grant.grant.kfrag.key, &guess), TALLY_OK);
    ck_assert_int_eq(decrypt_with(&guess, &pledged), TALLY_E_CRYPTO);
    guess = collude(&w.grant.grant, &w.stranger);
    ck_assert_int_eq(decrypt_with(&guess, &pledged), TALLY_E_CRYPTO);
    /* The seller with its key and the pledged ticket, before the platform's work. */
    ck_assert_int_eq(decrypt_with(&w.seller, &pledged), TALLY_E_CRYPTO);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("delegation_hostile");
    TCase *t = tcase_create("hostile");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, what_is_inside_is_checked);
    tcase_add_test(t, scope_and_key_must_both_be_the_grants);
    tcase_add_test(t, a_pledged_ticket_has_something_in_it);
    tcase_add_test(t, a_grant_holds_its_own_fragment);
    tcase_add_test(t, a_grants_numbers_are_in_order);
    tcase_add_test(t, a_collusion_gets_its_channels_key_and_no_other);
    tcase_add_test(t, neither_alone_gets_it);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(make_suite(), NULL);
}
