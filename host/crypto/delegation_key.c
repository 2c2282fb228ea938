/* The bank's side: delegating keys from its seed, channel keys and grants. */
#include <string.h>

#include <sodium.h>

#include "host/crypto/delegation_codec.h"
#include "host/crypto/umbral_curve.h"

/* HMAC-SHA512(seed, label || scope). */
static enum tally_error derive(const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                               const struct tally_scope *scope, uint8_t out[crypto_auth_hmacsha512_BYTES])
{
    uint8_t bytes[TALLY_SCOPE_MAX];
    struct delegation_writer w = {bytes, 0, sizeof bytes, true};
    crypto_auth_hmacsha512_state state;
    delegation_put_scope(&w, scope);
    if (!w.good)
        return TALLY_E_USAGE;
    crypto_auth_hmacsha512_init(&state, seed, TALLY_DELEGATION_SEED_SIZE);
    crypto_auth_hmacsha512_update(&state, (const uint8_t *)DELEGATION_SECRET_LABEL,
                                  strlen(DELEGATION_SECRET_LABEL));
    crypto_auth_hmacsha512_update(&state, bytes, w.n);
    crypto_auth_hmacsha512_final(&state, out);
    tally_wipe(&state, sizeof state);
    return TALLY_OK;
}

enum tally_error tally_delegating_secret(const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                         const struct tally_scope *scope, struct tally_umbral_secret *secret)
{
    uint8_t wide[crypto_auth_hmacsha512_BYTES];
    umbral_scalar scalar;
    memset(secret, 0, sizeof *secret);
    enum tally_error e = derive(seed, scope, wide);
    /* Zero comes once in 2^256 scopes; it would take another epoch. */
    if (e == TALLY_OK)
        e = umbral_scalar_reduce_wide(wide, scalar) ? tally_umbral_secret_read(scalar, secret)
                                                    : TALLY_E_STATE;
    tally_wipe(wide, sizeof wide);
    tally_wipe(scalar, sizeof scalar);
    return e;
}

/* ---- Channel keys ---- */

enum tally_error tally_channel_key_make(const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                        const struct tally_scope *scope,
                                        const struct tally_umbral_secret *bank,
                                        const struct tally_random *random,
                                        struct tally_verified_channel_key *channel_key)
{
    struct tally_umbral_secret secret;
    struct tally_channel_key *k = &channel_key->channel_key;
    uint8_t bytes[TALLY_CHANNEL_KEY_MAX];
    size_t n;
    memset(channel_key, 0, sizeof *channel_key);
    enum tally_error e = tally_delegating_secret(seed, scope, &secret);
    if (e == TALLY_OK) {
        k->scope = *scope;
        k->key = secret.public_key;
        e = delegation_channel_key_signed(k, bytes, &n);
    }
    if (e == TALLY_OK)
        e = delegation_sign(bank, DELEGATION_CHANNEL_KEY_LABEL, bytes, n, random, k->signature);
    if (e != TALLY_OK)
        memset(channel_key, 0, sizeof *channel_key);
    tally_umbral_secret_wipe(&secret);
    return e;
}

enum tally_error tally_channel_key_verify(const struct tally_channel_key *channel_key,
                                          const struct tally_umbral_public *bank,
                                          struct tally_verified_channel_key *verified)
{
    const struct tally_channel_key copy = *channel_key;
    uint8_t bytes[TALLY_CHANNEL_KEY_MAX];
    size_t n;
    enum tally_error e = delegation_channel_key_signed(&copy, bytes, &n);
    if (e == TALLY_OK)
        e = delegation_verify(bank, DELEGATION_CHANNEL_KEY_LABEL, bytes, n, copy.signature);
    memset(verified, 0, sizeof *verified);
    if (e == TALLY_OK)
        verified->channel_key = copy;
    return e;
}

/* ---- Grants ---- */

static enum tally_error sign_grant(const struct tally_umbral_secret *bank, const struct tally_random *random,
                                   struct tally_grant *g)
{
    uint8_t bytes[TALLY_GRANT_MAX];
    size_t n;
    enum tally_error e = delegation_grant_signed(g, bytes, &n);
    if (e == TALLY_OK)
        e = delegation_sign(bank, DELEGATION_GRANT_LABEL, bytes, n, random, g->signature);
    tally_wipe(bytes, sizeof bytes);
    return e;
}

enum tally_error tally_grant_make(const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                  const struct tally_scope *scope, const struct tally_umbral_public *receiver,
                                  uint8_t threshold, uint8_t shares, const struct tally_umbral_secret *bank,
                                  const struct tally_random *random, struct tally_verified_grant *grants)
{
    struct tally_umbral_secret secret;
    struct tally_umbral_verified_kfrag kfrags[TALLY_UMBRAL_SHARES_MAX];
    const struct tally_umbral_rekey_options options = {threshold, shares, true, true};
    if (shares > TALLY_UMBRAL_SHARES_MAX)
        return TALLY_E_USAGE;
    memset(grants, 0, shares * sizeof *grants);
    enum tally_error e = tally_delegating_secret(seed, scope, &secret);
    if (e == TALLY_OK)
        e = tally_umbral_rekey(&secret, receiver, bank, &options, random, kfrags);
    for (uint8_t i = 0; e == TALLY_OK && i < shares; i++) {
        grants[i].grant = (struct tally_grant){.scope = *scope,
                                               .channel_key = secret.public_key,
                                               .receiver = *receiver,
                                               .threshold = threshold,
                                               .shares = shares,
                                               .index = (uint8_t)(i + 1),
                                               .kfrag = kfrags[i].kfrag};
        e = sign_grant(bank, random, &grants[i].grant);
    }
    if (e != TALLY_OK)
        tally_wipe(grants, shares * sizeof *grants);
    tally_wipe(kfrags, sizeof kfrags);
    tally_umbral_secret_wipe(&secret);
    return e;
}

enum tally_error tally_grant_verify(const struct tally_grant *grant, const struct tally_umbral_public *bank,
                                    struct tally_verified_grant *verified)
{
    struct tally_grant copy = *grant;
    struct tally_umbral_verified_kfrag kfrag;
    uint8_t bytes[TALLY_GRANT_MAX];
    size_t n;
    enum tally_error e = delegation_grant_signed(&copy, bytes, &n);
    if (e == TALLY_OK)
        e = delegation_verify(bank, DELEGATION_GRANT_LABEL, bytes, n, copy.signature);
    /* A fragment that does not sign both keys is not of our making. */
    if (e == TALLY_OK && !(copy.kfrag.delegating_signed && copy.kfrag.receiving_signed))
        e = TALLY_E_CRYPTO;
    if (e == TALLY_OK)
        e = tally_umbral_kfrag_verify(&copy.kfrag, bank, &copy.channel_key, &copy.receiver, &kfrag);
    tally_wipe(verified, sizeof *verified);
    if (e == TALLY_OK)
        verified->grant = copy;
    tally_wipe(&copy, sizeof copy);
    tally_wipe(&kfrag, sizeof kfrag);
    tally_wipe(bytes, sizeof bytes);
    return e;
}

void tally_grant_wipe(struct tally_grant *grant)
{
    tally_wipe(grant, sizeof *grant);
}
