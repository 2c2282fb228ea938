#include "host/pledge/umbral_crypto.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "host/base/bytes.h"

static struct tally_bytes bytes_of(const uint8_t *bytes, size_t n)
{
    return (struct tally_bytes){bytes, n};
}

/* The public key of the only party of a role. */
static enum tally_error key_of(const struct pledge_umbral *u, enum pledge_role role,
                               struct tally_umbral_public *key, char name[PLEDGE_PARTY])
{
    const struct pledge_peer *peer = u->directory->of_role(u->directory->ctx, role);
    if (peer == NULL || !peer->has_key)
        return TALLY_E_NOT_FOUND;
    if (name != NULL)
        pledge_text_set(name, PLEDGE_PARTY, peer->name);
    return tally_umbral_public_read(peer->key, key);
}

static enum tally_error sign(void *ctx, const uint8_t *bytes, size_t n, uint8_t signature[PLEDGE_SIGNATURE])
{
    const struct pledge_umbral *u = ctx;
    const struct tally_bytes parts[] = {bytes_of(bytes, n)};
    return tally_umbral_sign(&u->secret, parts, 1, u->random, signature);
}

static bool verify(void *ctx, const uint8_t key[PLEDGE_KEY], const uint8_t *bytes, size_t n,
                   const uint8_t signature[PLEDGE_SIGNATURE])
{
    const struct tally_bytes parts[] = {bytes_of(bytes, n)};
    struct tally_umbral_public signer;
    (void)ctx;
    return tally_umbral_public_read(key, &signer) == TALLY_OK &&
           tally_umbral_verify(&signer, parts, 1, signature) == TALLY_OK;
}

static enum tally_error digest(void *ctx, const uint8_t *bytes, size_t n, uint8_t out[PLEDGE_DIGEST])
{
    unsigned size = 0;
    (void)ctx;
    return EVP_Digest(bytes, n, out, &size, EVP_sha256(), NULL) == 1 ? TALLY_OK : TALLY_E_CRYPTO;
}

static enum tally_error scope_of(const struct pledge_umbral *u, const char *channel, const char *project,
                                 int64_t epoch, struct tally_scope *scope)
{
    struct tally_umbral_public key;
    memset(scope, 0, sizeof *scope);
    enum tally_error e = key_of(u, PLEDGE_BANK, &key, scope->bank);
    snprintf(scope->channel, sizeof scope->channel, "%s", channel);
    snprintf(scope->project, sizeof scope->project, "%s", project);
    scope->epoch = (uint32_t)epoch;
    return e;
}

/* ---- Bank ---- */

static enum tally_error channel_key(void *ctx, const char *channel, const char *project, int64_t epoch,
                                    uint8_t key[PLEDGE_KEY], uint8_t signature[PLEDGE_SIGNATURE])
{
    const struct pledge_umbral *u = ctx;
    struct tally_scope scope;
    struct tally_verified_channel_key made;
    enum tally_error e = scope_of(u, channel, project, epoch, &scope);
    if (e == TALLY_OK)
        e = tally_channel_key_make(u->seed, &scope, &u->secret, u->random, &made);
    if (e != TALLY_OK)
        return e;
    memcpy(key, made.channel_key.key.at.bytes, PLEDGE_KEY);
    memcpy(signature, made.channel_key.signature, PLEDGE_SIGNATURE);
    return TALLY_OK;
}

static enum tally_error rekey(void *ctx, const char *channel, const char *project, int64_t epoch,
                              const uint8_t seller_key[PLEDGE_KEY], struct pledge_rk *rk)
{
    const struct pledge_umbral *u = ctx;
    struct tally_scope scope;
    struct tally_umbral_public receiver;
    struct tally_verified_grant grant;
    uint8_t bytes[TALLY_GRANT_MAX];
    size_t n = 0;
    memset(rk, 0, sizeof *rk);
    memset(&grant, 0, sizeof grant);
    enum tally_error e = scope_of(u, channel, project, epoch, &scope);
    if (e == TALLY_OK)
        e = tally_umbral_public_read(seller_key, &receiver);
    if (e == TALLY_OK)
        e = tally_grant_make(u->seed, &scope, &receiver, 1, 1, &u->secret, u->random, &grant);
    if (e == TALLY_OK)
        e = tally_grant_write(&grant.grant, bytes, &n);
    if (e == TALLY_OK && n > sizeof rk->data)
        e = TALLY_E_FULL;
    if (e == TALLY_OK) {
        memcpy(rk->data, bytes, n);
        rk->n = (uint16_t)n;
    }
    tally_grant_wipe(&grant.grant);
    tally_wipe(bytes, sizeof bytes);
    return e;
}

/* ---- Provider ---- */

static bool channel_key_right(void *ctx, const char *channel, const char *project, int64_t epoch,
                              const uint8_t key[PLEDGE_KEY], const uint8_t signature[PLEDGE_SIGNATURE])
{
    const struct pledge_umbral *u = ctx;
    struct tally_channel_key said = {.signature = {0}};
    struct tally_verified_channel_key verified;
    struct tally_umbral_public bank;
    memcpy(said.signature, signature, sizeof said.signature);
    return scope_of(u, channel, project, epoch, &said.scope) == TALLY_OK &&
           tally_umbral_public_read(key, &said.key) == TALLY_OK &&
           key_of(u, PLEDGE_BANK, &bank, NULL) == TALLY_OK &&
           tally_channel_key_verify(&said, &bank, &verified) == TALLY_OK;
}

/* The ticket in clear: what the seller hands to the user. `claim` is known to whoever opened it. */
static enum tally_error ticket_text(const struct pledge_umbral *u,
                                    const struct pledge_ticket_context *context, char *out, size_t size)
{
    uint8_t claim[16];
    char hex[2 * sizeof claim + 1];
    enum tally_error e = tally_random_fill(u->random, claim, sizeof claim);
    if (e == TALLY_OK)
        e = tally_hex_encode(claim, sizeof claim, hex, sizeof hex);
    int n = e == TALLY_OK ? snprintf(out, size, "{\"serial\":\"%s\",\"type\":\"%s\",\"claim\":\"%s\"}",
                                     context->serial, context->type, hex)
                          : 0;
    return e == TALLY_OK && (n <= 0 || (size_t)n >= size) ? TALLY_E_FULL : e;
}

static enum tally_error seal(void *ctx, const struct pledge_ticket_context *context,
                             const uint8_t key[PLEDGE_KEY], struct pledge_sealed *out)
{
    const struct pledge_umbral *u = ctx;
    struct tally_verified_channel_key channel;
    struct tally_ticket_context c = {.line = (uint32_t)context->line, .price = (uint64_t)context->price};
    struct tally_verified_pledged_ticket pledged;
    struct tally_umbral_public provider;
    uint8_t bytes[TALLY_PLEDGED_MAX];
    char text[256];
    size_t n = 0;
    memset(out, 0, sizeof *out);
    memset(&channel, 0, sizeof channel);
    enum tally_error e =
        scope_of(u, context->channel, context->project, context->epoch, &channel.channel_key.scope);
    if (e == TALLY_OK)
        e = tally_umbral_public_read(key,
                                     &channel.channel_key.key); /* its signature was checked when it came */
    if (e == TALLY_OK)
        e = key_of(u, PLEDGE_PROVIDER, &provider, c.provider);
    if (e == TALLY_OK)
        e = ticket_text(u, context, text, sizeof text);
    if (e != TALLY_OK)
        return e;
    c.scope = channel.channel_key.scope;
    snprintf(c.order, sizeof c.order, "%s", context->order);
    snprintf(c.type, sizeof c.type, "%s", context->type);
    snprintf(c.serial, sizeof c.serial, "%s", context->serial);
    e = tally_pledged_make(&channel, &c, (const uint8_t *)text, strlen(text), &u->secret, u->random,
                           &pledged);
    tally_wipe(text, sizeof text);
    if (e == TALLY_OK)
        e = tally_pledged_write(&pledged.pledged, bytes, &n);
    if (e == TALLY_OK && n > sizeof out->data)
        e = TALLY_E_FULL;
    if (e == TALLY_OK) {
        memcpy(out->data, bytes, n);
        out->n = (uint16_t)n;
    }
    return e;
}

/* ---- Platform ---- */

static enum tally_error read_grant(const struct pledge_umbral *u, const struct pledge_rk *rk,
                                   struct tally_verified_grant *verified)
{
    struct tally_grant grant;
    struct tally_umbral_public bank;
    enum tally_error e = tally_grant_read(rk->data, rk->n, &grant);
    if (e == TALLY_OK)
        e = key_of(u, PLEDGE_BANK, &bank, NULL);
    if (e == TALLY_OK)
        e = tally_grant_verify(&grant, &bank, verified);
    tally_grant_wipe(&grant);
    return e;
}

static bool rk_right(void *ctx, const struct pledge_rk *rk, const uint8_t key[PLEDGE_KEY],
                     const uint8_t seller_key[PLEDGE_KEY])
{
    struct tally_verified_grant grant;
    bool right = read_grant(ctx, rk, &grant) == TALLY_OK &&
                 memcmp(grant.grant.channel_key.at.bytes, key, PLEDGE_KEY) == 0 &&
                 memcmp(grant.grant.receiver.at.bytes, seller_key, PLEDGE_KEY) == 0;
    tally_grant_wipe(&grant.grant);
    return right;
}

static enum tally_error read_sealed(const struct pledge_umbral *u, const struct pledge_sealed *sealed,
                                    struct tally_verified_pledged_ticket *verified)
{
    struct tally_pledged_ticket pledged;
    struct tally_umbral_public provider;
    enum tally_error e = tally_pledged_read(sealed->data, sealed->n, &pledged);
    if (e == TALLY_OK)
        e = key_of(u, PLEDGE_PROVIDER, &provider, NULL);
    return e == TALLY_OK ? tally_pledged_verify(&pledged, &provider, verified) : e;
}

static bool sealed_right(void *ctx, const struct pledge_ticket_context *context,
                         const uint8_t key[PLEDGE_KEY], const struct pledge_sealed *sealed)
{
    struct tally_verified_pledged_ticket verified;
    if (read_sealed(ctx, sealed, &verified) != TALLY_OK)
        return false;
    const struct tally_ticket_context *c = &verified.pledged.context;
    return memcmp(verified.pledged.channel_key.at.bytes, key, PLEDGE_KEY) == 0 &&
           strcmp(c->order, context->order) == 0 && strcmp(c->type, context->type) == 0 &&
           strcmp(c->scope.channel, context->channel) == 0 && c->line == (uint64_t)context->line &&
           c->price == (uint64_t)context->price;
}

static enum tally_error reencrypt(void *ctx, const struct pledge_rk *rk, const struct pledge_sealed *sealed,
                                  const uint8_t key[PLEDGE_KEY], const uint8_t seller_key[PLEDGE_KEY],
                                  struct pledge_openable *out)
{
    const struct pledge_umbral *u = ctx;
    struct tally_verified_grant grant;
    struct tally_verified_pledged_ticket pledged;
    struct tally_openable_ticket openable;
    uint8_t bytes[TALLY_OPENABLE_MAX];
    size_t n = 0;
    (void)key;
    (void)seller_key; /* the grant was checked against both when it came */
    memset(out, 0, sizeof *out);
    enum tally_error e = read_grant(u, rk, &grant);
    if (e == TALLY_OK)
        e = read_sealed(u, sealed, &pledged);
    if (e == TALLY_OK)
        e = tally_pledged_reencrypt(&grant, &pledged, u->random, &openable);
    if (e == TALLY_OK)
        e = tally_openable_write(&openable, bytes, &n);
    if (e == TALLY_OK && n > sizeof out->data)
        e = TALLY_E_FULL;
    if (e == TALLY_OK) {
        memcpy(out->data, bytes, n);
        out->n = (uint16_t)n;
    }
    tally_grant_wipe(&grant.grant);
    return e;
}

/* ---- Seller ---- */

static enum tally_error open(void *ctx, const struct pledge_openable *in, struct pledge_plain *plain)
{
    const struct pledge_umbral *u = ctx;
    struct tally_openable_ticket openable;
    struct tally_umbral_public bank, provider;
    const struct tally_open_trust trust = {.bank = &bank, .provider = &provider};
    uint8_t ticket[TALLY_TICKET_MAX];
    size_t n = 0;
    memset(plain, 0, sizeof *plain);
    enum tally_error e = key_of(u, PLEDGE_BANK, &bank, NULL);
    if (e == TALLY_OK)
        e = key_of(u, PLEDGE_PROVIDER, &provider, NULL);
    if (e == TALLY_OK)
        e = tally_openable_read(in->data, in->n, &openable);
    if (e == TALLY_OK)
        e = tally_openable_open(&u->secret, &trust, &openable, 1, ticket, &n);
    if (e == TALLY_OK && n > sizeof plain->data)
        e = TALLY_E_FULL;
    if (e == TALLY_OK) {
        memcpy(plain->data, ticket, n);
        plain->n = (uint16_t)n;
    }
    tally_wipe(ticket, sizeof ticket);
    return e;
}

enum tally_error pledge_umbral_init(struct pledge_umbral *u, enum pledge_role role,
                                    const uint8_t secret[TALLY_UMBRAL_SCALAR_SIZE],
                                    const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                    const struct pledge_directory *directory,
                                    const struct tally_random *random)
{
    memset(u, 0, sizeof *u);
    u->random = random;
    u->directory = directory;
    u->crypto = (struct pledge_crypto){.sign = sign, .verify = verify, .digest = digest, .ctx = u};
    switch (role) {
    case PLEDGE_BANK:
        u->crypto.channel_key = channel_key;
        u->crypto.rekey = rekey;
        if (seed != NULL)
            memcpy(u->seed, seed, sizeof u->seed);
        break;
    case PLEDGE_PROVIDER:
        u->crypto.channel_key_right = channel_key_right;
        u->crypto.seal = seal;
        break;
    case PLEDGE_PLATFORM:
        u->crypto.channel_key_right = channel_key_right;
        u->crypto.rk_right = rk_right;
        u->crypto.sealed_right = sealed_right;
        u->crypto.reencrypt = reencrypt;
        break;
    case PLEDGE_SELLER: u->crypto.open = open; break;
    default: break;
    }
    return tally_umbral_secret_read(secret, &u->secret);
}

void pledge_umbral_wipe(struct pledge_umbral *u)
{
    tally_umbral_secret_wipe(&u->secret);
    tally_wipe(u->seed, sizeof u->seed);
}
