#include "tests/sim/doubles.h"

#include <stdio.h>
#include <string.h>

enum { TAG = 8 };

static uint64_t mix(uint64_t h, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    for (; n >= 8; at += 8, n -= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    for (; n > 0; at++, n--)
        h = (h ^ *at) * UINT64_C(0x100000001b3);
    return (h ^ (h >> 32)) * UINT64_C(0xd6e8feb86659fd93);
}

void double_key(const char *name, uint8_t key[PLEDGE_KEY])
{
    memset(key, 0, PLEDGE_KEY);
    key[0] = 2;
    uint64_t h = mix(1, name, strlen(name));
    memcpy(key + 1, &h, 8);
    snprintf((char *)key + 9, PLEDGE_KEY - 9, "%s", name);
}

static void signature_of(const uint8_t key[PLEDGE_KEY], const uint8_t *bytes, size_t n,
                         uint8_t out[PLEDGE_SIGNATURE])
{
    uint64_t h = mix(mix(7, key, PLEDGE_KEY), bytes, n);
    memset(out, 0, PLEDGE_SIGNATURE);
    memcpy(out, &h, sizeof h);
}

static enum tally_error sign(void *ctx, const uint8_t *bytes, size_t n, uint8_t signature[PLEDGE_SIGNATURE])
{
    signature_of(((struct double_crypto *)ctx)->key, bytes, n, signature);
    return TALLY_OK;
}

static bool verify(void *ctx, const uint8_t key[PLEDGE_KEY], const uint8_t *bytes, size_t n,
                   const uint8_t signature[PLEDGE_SIGNATURE])
{
    uint8_t want[PLEDGE_SIGNATURE];
    signature_of(key, bytes, n, want);
    return ((struct double_crypto *)ctx)->trusting || memcmp(want, signature, PLEDGE_SIGNATURE) == 0;
}

static enum tally_error digest(void *ctx, const uint8_t *bytes, size_t n, uint8_t out[PLEDGE_DIGEST])
{
    (void)ctx;
    memset(out, 1, PLEDGE_DIGEST);
    uint64_t h = mix(11, bytes, n);
    memcpy(out, &h, sizeof h);
    return TALLY_OK;
}

static void channel_name(const char *channel, const char *project, int64_t epoch, char name[128])
{
    snprintf(name, 128, "%s/%s/%d", channel, project, (int)epoch);
}

static enum tally_error channel_key(void *ctx, const char *channel, const char *project, int64_t epoch,
                                    uint8_t key[PLEDGE_KEY], uint8_t signature[PLEDGE_SIGNATURE])
{
    char name[128];
    channel_name(channel, project, epoch, name);
    double_key(name, key);
    signature_of(((struct double_crypto *)ctx)->key, (const uint8_t *)name, strlen(name), signature);
    return TALLY_OK;
}

static bool channel_key_right(void *ctx, const char *channel, const char *project, int64_t epoch,
                              const uint8_t key[PLEDGE_KEY], const uint8_t signature[PLEDGE_SIGNATURE])
{
    char name[128];
    uint8_t want_key[PLEDGE_KEY], bank[PLEDGE_KEY], want[PLEDGE_SIGNATURE];
    (void)ctx;
    channel_name(channel, project, epoch, name);
    double_key(name, want_key);
    double_key("bank", bank);
    signature_of(bank, (const uint8_t *)name, strlen(name), want);
    return memcmp(want_key, key, PLEDGE_KEY) == 0 && memcmp(want, signature, PLEDGE_SIGNATURE) == 0;
}

/* A re-encryption key: the two keys it leads from and to, and a tag. */
static void rk_of(const uint8_t from[PLEDGE_KEY], const uint8_t to[PLEDGE_KEY], struct pledge_rk *rk)
{
    uint64_t tag = mix(mix(13, from, PLEDGE_KEY), to, PLEDGE_KEY);
    memset(rk, 0, sizeof *rk);
    memcpy(rk->data, from, PLEDGE_KEY);
    memcpy(rk->data + PLEDGE_KEY, to, PLEDGE_KEY);
    memcpy(rk->data + 2 * PLEDGE_KEY, &tag, TAG);
    rk->n = 2 * PLEDGE_KEY + TAG;
}

static enum tally_error rekey(void *ctx, const char *channel, const char *project, int64_t epoch,
                              const uint8_t seller_key[PLEDGE_KEY], struct pledge_rk *rk)
{
    uint8_t from[PLEDGE_KEY], signature[PLEDGE_SIGNATURE];
    channel_key(ctx, channel, project, epoch, from, signature);
    rk_of(from, seller_key, rk);
    return TALLY_OK;
}

static bool rk_right(void *ctx, const struct pledge_rk *rk, const uint8_t key[PLEDGE_KEY],
                     const uint8_t seller_key[PLEDGE_KEY])
{
    struct pledge_rk want;
    (void)ctx;
    rk_of(key, seller_key, &want);
    return want.n == rk->n && memcmp(want.data, rk->data, want.n) == 0;
}

static void mask(const uint8_t key[PLEDGE_KEY], uint8_t *bytes, size_t n)
{
    uint64_t h = mix(17, key, PLEDGE_KEY);
    for (size_t i = 0; i < n; i++) {
        h = h * UINT64_C(6364136223846793005) + 1442695040888963407u;
        bytes[i] ^= (uint8_t)(h >> 56);
    }
}

/* Sealed: key, tag over context and serial, masked "mark order line serial". */
static uint64_t context_tag(const struct pledge_ticket_context *c)
{
    uint64_t h = mix(19, c->order, strlen(c->order));
    h = mix(h, c->channel, strlen(c->channel));
    h = mix(h, c->type, strlen(c->type));
    h = mix(h, &c->line, sizeof c->line);
    return mix(h, &c->price, sizeof c->price);
}

static enum tally_error seal(void *ctx, const struct pledge_ticket_context *context,
                             const uint8_t key[PLEDGE_KEY], struct pledge_sealed *out)
{
    char plain[160];
    (void)ctx;
    int n = snprintf(plain, sizeof plain, DOUBLE_MARK "%s", context->serial);
    uint64_t tag = context_tag(context);
    memset(out, 0, sizeof *out);
    memcpy(out->data, key, PLEDGE_KEY);
    memcpy(out->data + PLEDGE_KEY, &tag, TAG);
    memcpy(out->data + PLEDGE_KEY + TAG, plain, (size_t)n);
    mask(key, out->data + PLEDGE_KEY + TAG, (size_t)n);
    out->n = (uint16_t)(PLEDGE_KEY + TAG + n);
    return TALLY_OK;
}

static bool sealed_right(void *ctx, const struct pledge_ticket_context *context,
                         const uint8_t key[PLEDGE_KEY], const struct pledge_sealed *sealed)
{
    uint64_t tag = context_tag(context);
    (void)ctx;
    return sealed->n > PLEDGE_KEY + TAG && memcmp(sealed->data, key, PLEDGE_KEY) == 0 &&
           memcmp(sealed->data + PLEDGE_KEY, &tag, TAG) == 0;
}

static enum tally_error reencrypt(void *ctx, const struct pledge_rk *rk, const struct pledge_sealed *sealed,
                                  const uint8_t key[PLEDGE_KEY], const uint8_t seller_key[PLEDGE_KEY],
                                  struct pledge_openable *out)
{
    memset(out, 0, sizeof *out);
    if (!rk_right(ctx, rk, key, seller_key) || memcmp(sealed->data, key, PLEDGE_KEY) != 0)
        return TALLY_E_CRYPTO;
    memcpy(out->data, seller_key, PLEDGE_KEY);
    memcpy(out->data + PLEDGE_KEY, sealed->data, sealed->n);
    out->n = (uint16_t)(PLEDGE_KEY + sealed->n);
    return TALLY_OK;
}

static enum tally_error open(void *ctx, const struct pledge_openable *openable, struct pledge_plain *plain)
{
    const struct double_crypto *d = ctx;
    size_t head = 2 * PLEDGE_KEY + TAG;
    memset(plain, 0, sizeof *plain);
    if (openable->n <= head || openable->n - head > PLEDGE_PLAIN ||
        memcmp(openable->data, d->key, PLEDGE_KEY) != 0)
        return TALLY_E_CRYPTO;
    plain->n = (uint16_t)(openable->n - head);
    memcpy(plain->data, openable->data + head, plain->n);
    mask(openable->data + PLEDGE_KEY, plain->data, plain->n);
    return TALLY_OK;
}

void double_init(struct double_crypto *d, enum pledge_role role, const char *name)
{
    memset(d, 0, sizeof *d);
    double_key(name, d->key);
    d->crypto = (struct pledge_crypto){.sign = sign, .verify = verify, .digest = digest, .ctx = d};
    switch (role) {
    case PLEDGE_BANK:
        d->crypto.channel_key = channel_key;
        d->crypto.rekey = rekey;
        break;
    case PLEDGE_PROVIDER:
        d->crypto.channel_key_right = channel_key_right;
        d->crypto.seal = seal;
        break;
    case PLEDGE_PLATFORM:
        d->crypto.channel_key_right = channel_key_right;
        d->crypto.rk_right = rk_right;
        d->crypto.sealed_right = sealed_right;
        d->crypto.reencrypt = reencrypt;
        break;
    case PLEDGE_SELLER: d->crypto.open = open; break;
    default: break;
    }
}
