/* Pledged tickets: made by the provider, re-encrypted by proxies, opened by bank or seller. */
#include <string.h>

#include "host/crypto/delegation_codec.h"

/* ---- The envelope: what is encrypted ---- */

/* The context and the channel key, which the encryption binds, too. */
struct binding {
    uint8_t bytes[TALLY_CONTEXT_MAX + TALLY_UMBRAL_POINT_SIZE];
    size_t n;
};

static enum tally_error bind_to(const struct tally_pledged_ticket *p, struct binding *b)
{
    struct delegation_writer w = {b->bytes, 0, sizeof b->bytes, true};
    delegation_put_context(&w, &p->context);
    delegation_put(&w, p->channel_key.at.bytes, TALLY_UMBRAL_POINT_SIZE);
    b->n = w.n;
    return w.good ? TALLY_OK : TALLY_E_USAGE;
}

static enum tally_error make_envelope(const struct tally_ticket_context *context, const uint8_t *ticket,
                                      size_t n, const struct tally_umbral_secret *provider,
                                      const struct tally_random *random, struct delegation_writer *w)
{
    uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE];
    delegation_put_head(w, DELEGATION_ENVELOPE);
    delegation_put_context(w, context);
    delegation_put_number(w, n, 2);
    delegation_put(w, ticket, n);
    if (!w->good)
        return TALLY_E_USAGE;
    enum tally_error e = delegation_sign(provider, DELEGATION_CONTENT_LABEL, w->out, w->n, random, signature);
    delegation_put(w, signature, sizeof signature);
    return e;
}

/* Checks the envelope against what is outside, and takes the ticket out. */
static enum tally_error read_envelope(const uint8_t *envelope, size_t n,
                                      const struct tally_ticket_context *outside,
                                      const struct tally_umbral_public *provider,
                                      uint8_t ticket[TALLY_TICKET_MAX], size_t *ticket_n)
{
    struct delegation_reader r = {envelope, envelope + n, true};
    struct tally_ticket_context inside;
    delegation_get_head(&r, DELEGATION_ENVELOPE);
    delegation_get_context(&r, &inside);
    size_t size = delegation_get_number(&r, 2);
    const uint8_t *content = delegation_take(&r, size), *signature;
    size_t signed_n = (size_t)(r.at - envelope);
    signature = delegation_take(&r, TALLY_UMBRAL_SIGNATURE_SIZE);
    if (!delegation_finished(&r) || size == 0 || size > TALLY_TICKET_MAX)
        return TALLY_E_FORMAT;
    if (!delegation_same_context(&inside, outside))
        return TALLY_E_DENIED;
    enum tally_error e = delegation_verify(provider, DELEGATION_CONTENT_LABEL, envelope, signed_n, signature);
    if (e != TALLY_OK)
        return e;
    memcpy(ticket, content, size);
    *ticket_n = size;
    return TALLY_OK;
}

/* ---- Provider ---- */

static enum tally_error seal(const uint8_t *envelope, size_t n, const struct tally_random *random,
                             struct tally_pledged_ticket *p)
{
    struct binding b;
    enum tally_error e = bind_to(p, &b);
    if (e == TALLY_OK)
        e = tally_umbral_encrypt(&p->channel_key, envelope, n, &(struct tally_bytes){b.bytes, b.n}, 1, random,
                                 &p->capsule, p->ciphertext);
    p->ciphertext_n = (uint16_t)(n + TALLY_UMBRAL_OVERHEAD);
    return e;
}

enum tally_error tally_pledged_make(const struct tally_verified_channel_key *channel_key,
                                    const struct tally_ticket_context *context, const uint8_t *ticket,
                                    size_t n, const struct tally_umbral_secret *provider,
                                    const struct tally_random *random,
                                    struct tally_verified_pledged_ticket *pledged)
{
    struct tally_pledged_ticket *p = &pledged->pledged;
    uint8_t envelope[TALLY_ENVELOPE_MAX], bytes[TALLY_PLEDGED_MAX];
    struct delegation_writer w = {envelope, 0, sizeof envelope, n > 0 && n <= TALLY_TICKET_MAX};
    size_t bytes_n;
    memset(pledged, 0, sizeof *pledged);
    if (!delegation_same_scope(&context->scope, &channel_key->channel_key.scope))
        return TALLY_E_DENIED;
    p->context = *context;
    p->channel_key = channel_key->channel_key.key;
    enum tally_error e = make_envelope(context, ticket, n, provider, random, &w);
    if (e == TALLY_OK)
        e = seal(envelope, w.n, random, p);
    if (e == TALLY_OK)
        e = delegation_pledged_signed(p, bytes, &bytes_n);
    if (e == TALLY_OK)
        e = delegation_sign(provider, DELEGATION_PLEDGED_LABEL, bytes, bytes_n, random, p->signature);
    if (e != TALLY_OK)
        memset(pledged, 0, sizeof *pledged);
    tally_wipe(envelope, sizeof envelope);
    return e;
}

enum tally_error tally_pledged_verify(const struct tally_pledged_ticket *pledged,
                                      const struct tally_umbral_public *provider,
                                      struct tally_verified_pledged_ticket *verified)
{
    uint8_t bytes[TALLY_PLEDGED_MAX];
    size_t n;
    enum tally_error e = delegation_pledged_signed(pledged, bytes, &n);
    if (e == TALLY_OK)
        e = delegation_verify(provider, DELEGATION_PLEDGED_LABEL, bytes, n, pledged->signature);
    if (e == TALLY_OK)
        memmove(&verified->pledged, pledged, sizeof *pledged);
    else
        memset(verified, 0, sizeof *verified);
    return e;
}

/* ---- Bank ---- */

enum tally_error tally_pledged_open(const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                    const struct tally_verified_pledged_ticket *pledged,
                                    const struct tally_umbral_public *provider,
                                    uint8_t ticket[TALLY_TICKET_MAX], size_t *n)
{
    const struct tally_pledged_ticket *p = &pledged->pledged;
    struct tally_umbral_secret secret;
    struct binding b = {.n = 0};
    uint8_t envelope[TALLY_ENVELOPE_MAX];
    memset(ticket, 0, TALLY_TICKET_MAX);
    *n = 0;
    enum tally_error e = tally_delegating_secret(seed, &p->context.scope, &secret);
    if (e == TALLY_OK && !tally_umbral_public_equal(&secret.public_key, &p->channel_key))
        e = TALLY_E_DENIED;
    if (e == TALLY_OK)
        e = bind_to(p, &b);
    if (e == TALLY_OK)
        e = tally_umbral_decrypt_original(&secret, &p->capsule, &(struct tally_bytes){b.bytes, b.n}, 1,
                                          p->ciphertext, p->ciphertext_n, envelope);
    if (e == TALLY_OK)
        e = read_envelope(envelope, p->ciphertext_n - TALLY_UMBRAL_OVERHEAD, &p->context, provider, ticket,
                          n);
    tally_wipe(envelope, sizeof envelope);
    tally_umbral_secret_wipe(&secret);
    return e;
}

/* ---- Platform ---- */

enum tally_error tally_pledged_reencrypt(const struct tally_verified_grant *grant,
                                         const struct tally_verified_pledged_ticket *pledged,
                                         const struct tally_random *random,
                                         struct tally_openable_ticket *openable)
{
    const struct tally_grant *g = &grant->grant;
    const struct tally_pledged_ticket *p = &pledged->pledged;
    struct tally_umbral_verified_kfrag kfrag;
    struct tally_umbral_verified_cfrag cfrag;
    memset(openable, 0, sizeof *openable);
    if (!delegation_same_scope(&g->scope, &p->context.scope) ||
        !tally_umbral_public_equal(&g->channel_key, &p->channel_key))
        return TALLY_E_DENIED;
    kfrag.kfrag = g->kfrag;
    enum tally_error e = tally_umbral_reencrypt(&p->capsule, &kfrag, random, &cfrag);
    if (e == TALLY_OK) {
        openable->receiver = g->receiver;
        openable->cfrag = cfrag.cfrag;
        openable->pledged = *p;
    }
    tally_wipe(&kfrag, sizeof kfrag);
    return e;
}

/* ---- Seller ---- */

/* All are of one ticket, for us, from the scope that was asked for. */
static enum tally_error check_together(const struct tally_umbral_secret *receiver,
                                       const struct tally_open_trust *trust,
                                       const struct tally_openable_ticket *openables, size_t count)
{
    uint8_t first[TALLY_PLEDGED_MAX], other[TALLY_PLEDGED_MAX];
    size_t first_n, other_n;
    if (tally_pledged_write(&openables[0].pledged, first, &first_n) != TALLY_OK)
        return TALLY_E_USAGE;
    if (trust->scope != NULL && !delegation_same_scope(trust->scope, &openables[0].pledged.context.scope))
        return TALLY_E_DENIED;
    for (size_t i = 0; i < count; i++)
        if (!tally_umbral_public_equal(&openables[i].receiver, &receiver->public_key) ||
            tally_pledged_write(&openables[i].pledged, other, &other_n) != TALLY_OK || other_n != first_n ||
            memcmp(first, other, first_n) != 0)
            return TALLY_E_DENIED;
    return TALLY_OK;
}

static enum tally_error decrypt(const struct tally_umbral_secret *receiver,
                                const struct tally_open_trust *trust,
                                const struct tally_openable_ticket *openables, size_t count,
                                uint8_t envelope[TALLY_ENVELOPE_MAX])
{
    const struct tally_pledged_ticket *p = &openables[0].pledged;
    struct tally_umbral_verified_cfrag cfrags[TALLY_UMBRAL_SHARES_MAX];
    struct binding b;
    enum tally_error e = bind_to(p, &b);
    for (size_t i = 0; e == TALLY_OK && i < count; i++)
        e = tally_umbral_cfrag_verify(&openables[i].cfrag, &p->capsule, trust->bank, &p->channel_key,
                                      &receiver->public_key, &cfrags[i]);
    if (e == TALLY_OK)
        e = tally_umbral_decrypt_reencrypted(receiver, &p->channel_key, &p->capsule, cfrags, count,
                                             &(struct tally_bytes){b.bytes, b.n}, 1, p->ciphertext,
                                             p->ciphertext_n, envelope);
    return e;
}

enum tally_error tally_openable_open(const struct tally_umbral_secret *receiver,
                                     const struct tally_open_trust *trust,
                                     const struct tally_openable_ticket *openables, size_t count,
                                     uint8_t ticket[TALLY_TICKET_MAX], size_t *n)
{
    struct tally_verified_pledged_ticket pledged;
    uint8_t envelope[TALLY_ENVELOPE_MAX];
    memset(ticket, 0, TALLY_TICKET_MAX);
    *n = 0;
    if (count == 0 || count > TALLY_UMBRAL_SHARES_MAX)
        return TALLY_E_USAGE;
    enum tally_error e = check_together(receiver, trust, openables, count);
    if (e == TALLY_OK)
        e = tally_pledged_verify(&openables[0].pledged, trust->provider, &pledged);
    if (e == TALLY_OK)
        e = decrypt(receiver, trust, openables, count, envelope);
    if (e == TALLY_OK)
        e = read_envelope(envelope, pledged.pledged.ciphertext_n - TALLY_UMBRAL_OVERHEAD,
                          &pledged.pledged.context, trust->provider, ticket, n);
    tally_wipe(envelope, sizeof envelope);
    return e;
}
