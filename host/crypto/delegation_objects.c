/* Encodings of channel keys, grants, pledged and openable tickets. */
#include <string.h>

#include "host/crypto/delegation_codec.h"

static enum tally_error written(const struct delegation_writer *w, size_t *n)
{
    if (!w->good)
        tally_wipe(w->out, w->size);
    *n = w->good ? w->n : 0;
    return w->good ? TALLY_OK : TALLY_E_USAGE;
}

/* A signature behind n bytes of out, which have room for it. */
static void append(const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE], uint8_t *out, size_t *n)
{
    memcpy(out + *n, signature, TALLY_UMBRAL_SIGNATURE_SIZE);
    *n += TALLY_UMBRAL_SIGNATURE_SIZE;
}

/* ---- Channel key ---- */

enum tally_error delegation_channel_key_signed(const struct tally_channel_key *k,
                                               uint8_t out[TALLY_CHANNEL_KEY_MAX], size_t *n)
{
    struct delegation_writer w = {out, 0, TALLY_CHANNEL_KEY_MAX - TALLY_UMBRAL_SIGNATURE_SIZE, true};
    delegation_put_head(&w, DELEGATION_CHANNEL_KEY);
    delegation_put_scope(&w, &k->scope);
    delegation_put(&w, k->key.at.bytes, TALLY_UMBRAL_POINT_SIZE);
    return written(&w, n);
}

enum tally_error tally_channel_key_write(const struct tally_channel_key *channel_key,
                                         uint8_t out[TALLY_CHANNEL_KEY_MAX], size_t *n)
{
    enum tally_error e = delegation_channel_key_signed(channel_key, out, n);
    if (e == TALLY_OK)
        append(channel_key->signature, out, n);
    return e;
}

enum tally_error tally_channel_key_read(const uint8_t *in, size_t n, struct tally_channel_key *channel_key)
{
    struct delegation_reader r = {in, in + n, true};
    memset(channel_key, 0, sizeof *channel_key);
    delegation_get_head(&r, DELEGATION_CHANNEL_KEY);
    delegation_get_scope(&r, &channel_key->scope);
    delegation_get_point(&r, &channel_key->key);
    delegation_get(&r, channel_key->signature, sizeof channel_key->signature);
    if (delegation_finished(&r))
        return TALLY_OK;
    memset(channel_key, 0, sizeof *channel_key);
    return TALLY_E_FORMAT;
}

/* ---- Grant ---- */

static bool sound_shares(const struct tally_grant *g)
{
    return g->threshold >= 1 && g->threshold <= g->shares && g->shares <= TALLY_UMBRAL_SHARES_MAX &&
           g->index >= 1 && g->index <= g->shares;
}

enum tally_error delegation_grant_signed(const struct tally_grant *g, uint8_t out[TALLY_GRANT_MAX], size_t *n)
{
    struct delegation_writer w = {out, 0, TALLY_GRANT_MAX - TALLY_UMBRAL_SIGNATURE_SIZE, sound_shares(g)};
    uint8_t kfrag[TALLY_UMBRAL_KFRAG_SIZE];
    delegation_put_head(&w, DELEGATION_GRANT);
    delegation_put_scope(&w, &g->scope);
    delegation_put(&w, g->channel_key.at.bytes, TALLY_UMBRAL_POINT_SIZE);
    delegation_put(&w, g->receiver.at.bytes, TALLY_UMBRAL_POINT_SIZE);
    delegation_put_number(&w, g->threshold, 1);
    delegation_put_number(&w, g->shares, 1);
    delegation_put_number(&w, g->index, 1);
    tally_umbral_kfrag_write(&g->kfrag, kfrag);
    delegation_put(&w, kfrag, sizeof kfrag);
    tally_wipe(kfrag, sizeof kfrag);
    return written(&w, n);
}

enum tally_error tally_grant_write(const struct tally_grant *grant, uint8_t out[TALLY_GRANT_MAX], size_t *n)
{
    enum tally_error e = delegation_grant_signed(grant, out, n);
    if (e == TALLY_OK)
        append(grant->signature, out, n);
    return e;
}

enum tally_error tally_grant_read(const uint8_t *in, size_t n, struct tally_grant *grant)
{
    struct delegation_reader r = {in, in + n, true};
    memset(grant, 0, sizeof *grant);
    delegation_get_head(&r, DELEGATION_GRANT);
    delegation_get_scope(&r, &grant->scope);
    delegation_get_point(&r, &grant->channel_key);
    delegation_get_point(&r, &grant->receiver);
    grant->threshold = (uint8_t)delegation_get_number(&r, 1);
    grant->shares = (uint8_t)delegation_get_number(&r, 1);
    grant->index = (uint8_t)delegation_get_number(&r, 1);
    r.good = r.good && sound_shares(grant);
    const uint8_t *kfrag = delegation_take(&r, TALLY_UMBRAL_KFRAG_SIZE);
    r.good =
        kfrag != NULL && tally_umbral_kfrag_read(kfrag, TALLY_UMBRAL_KFRAG_SIZE, &grant->kfrag) == TALLY_OK;
    delegation_get(&r, grant->signature, sizeof grant->signature);
    if (delegation_finished(&r))
        return TALLY_OK;
    tally_wipe(grant, sizeof *grant);
    return TALLY_E_FORMAT;
}

/* ---- Pledged ticket ---- */

enum tally_error delegation_pledged_signed(const struct tally_pledged_ticket *p,
                                           uint8_t out[TALLY_PLEDGED_MAX], size_t *n)
{
    struct delegation_writer w = {out, 0, TALLY_PLEDGED_MAX - TALLY_UMBRAL_SIGNATURE_SIZE,
                                  p->ciphertext_n <= sizeof p->ciphertext};
    uint8_t capsule[TALLY_UMBRAL_CAPSULE_SIZE];
    delegation_put_head(&w, DELEGATION_PLEDGED);
    delegation_put_context(&w, &p->context);
    delegation_put(&w, p->channel_key.at.bytes, TALLY_UMBRAL_POINT_SIZE);
    tally_umbral_capsule_write(&p->capsule, capsule);
    delegation_put(&w, capsule, sizeof capsule);
    delegation_put_number(&w, p->ciphertext_n, 2);
    delegation_put(&w, p->ciphertext, p->ciphertext_n);
    return written(&w, n);
}

enum tally_error tally_pledged_write(const struct tally_pledged_ticket *pledged,
                                     uint8_t out[TALLY_PLEDGED_MAX], size_t *n)
{
    enum tally_error e = delegation_pledged_signed(pledged, out, n);
    if (e == TALLY_OK)
        append(pledged->signature, out, n);
    return e;
}

/* Sets *damaged when the capsule has its form but is none. */
static void get_capsule(struct delegation_reader *r, struct tally_umbral_capsule *capsule, bool *damaged)
{
    const uint8_t *p = delegation_take(r, TALLY_UMBRAL_CAPSULE_SIZE);
    enum tally_error e =
        p != NULL ? tally_umbral_capsule_read(p, TALLY_UMBRAL_CAPSULE_SIZE, capsule) : TALLY_E_FORMAT;
    *damaged = e == TALLY_E_CRYPTO;
    r->good = e == TALLY_OK;
}

enum tally_error tally_pledged_read(const uint8_t *in, size_t n, struct tally_pledged_ticket *pledged)
{
    struct delegation_reader r = {in, in + n, true};
    bool damaged = false;
    memset(pledged, 0, sizeof *pledged);
    delegation_get_head(&r, DELEGATION_PLEDGED);
    delegation_get_context(&r, &pledged->context);
    delegation_get_point(&r, &pledged->channel_key);
    get_capsule(&r, &pledged->capsule, &damaged);
    pledged->ciphertext_n = (uint16_t)delegation_get_number(&r, 2);
    r.good = r.good && pledged->ciphertext_n > TALLY_UMBRAL_OVERHEAD &&
             pledged->ciphertext_n <= sizeof pledged->ciphertext;
    delegation_get(&r, pledged->ciphertext, r.good ? pledged->ciphertext_n : 0);
    delegation_get(&r, pledged->signature, sizeof pledged->signature);
    if (delegation_finished(&r))
        return TALLY_OK;
    memset(pledged, 0, sizeof *pledged);
    return damaged ? TALLY_E_CRYPTO : TALLY_E_FORMAT;
}

/* ---- Openable ticket ---- */

enum tally_error tally_openable_write(const struct tally_openable_ticket *openable,
                                      uint8_t out[TALLY_OPENABLE_MAX], size_t *n)
{
    struct delegation_writer w = {out, 0, TALLY_OPENABLE_MAX, true};
    uint8_t cfrag[TALLY_UMBRAL_CFRAG_SIZE], pledged[TALLY_PLEDGED_MAX];
    size_t pledged_n;
    w.good = tally_pledged_write(&openable->pledged, pledged, &pledged_n) == TALLY_OK;
    delegation_put_head(&w, DELEGATION_OPENABLE);
    delegation_put(&w, openable->receiver.at.bytes, TALLY_UMBRAL_POINT_SIZE);
    tally_umbral_cfrag_write(&openable->cfrag, cfrag);
    delegation_put(&w, cfrag, sizeof cfrag);
    delegation_put_number(&w, pledged_n, 2);
    delegation_put(&w, pledged, pledged_n);
    return written(&w, n);
}

enum tally_error tally_openable_read(const uint8_t *in, size_t n, struct tally_openable_ticket *openable)
{
    struct delegation_reader r = {in, in + n, true};
    enum tally_error e = TALLY_E_FORMAT;
    memset(openable, 0, sizeof *openable);
    delegation_get_head(&r, DELEGATION_OPENABLE);
    delegation_get_point(&r, &openable->receiver);
    const uint8_t *cfrag = delegation_take(&r, TALLY_UMBRAL_CFRAG_SIZE);
    r.good = cfrag != NULL &&
             tally_umbral_cfrag_read(cfrag, TALLY_UMBRAL_CFRAG_SIZE, &openable->cfrag) == TALLY_OK;
    size_t pledged_n = delegation_get_number(&r, 2);
    const uint8_t *pledged = delegation_take(&r, pledged_n);
    if (delegation_finished(&r))
        e = tally_pledged_read(pledged, pledged_n, &openable->pledged);
    if (e != TALLY_OK)
        memset(openable, 0, sizeof *openable);
    return e;
}
