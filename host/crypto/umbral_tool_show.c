/* tally-umbral show: what is in a file, secrets left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/crypto/delegation.h"
#include "host/crypto/umbral_tool.h"

/* Whose signature is to be checked; NULL for nobody's. */
struct asked {
    const struct tally_umbral_public *signer;
};

static void line_hex(const char *name, const uint8_t *bytes, size_t n)
{
    printf("%-12s ", name);
    for (size_t i = 0; i < n; i++)
        printf("%02x", bytes[i]);
    putchar('\n');
}

static void line_public(const char *name, const struct tally_umbral_public *key)
{
    line_hex(name, key->at.bytes, TALLY_UMBRAL_POINT_SIZE);
}

static void show_scope(const struct tally_scope *scope)
{
    printf("%-12s %s\n%-12s %s\n%-12s %s\n%-12s %u\n", "bank", scope->bank, "channel", scope->channel,
           "project", scope->project, "epoch", scope->epoch);
}

static enum tally_error told(const struct asked *asked, enum tally_error e)
{
    if (asked->signer != NULL && e == TALLY_OK)
        printf("%-12s right\n", "signature");
    return asked->signer != NULL ? e : TALLY_OK;
}

/* ---- Umbral's own ---- */

static enum tally_error show_capsule(const uint8_t *in, size_t n, const struct asked *asked)
{
    struct tally_umbral_capsule c;
    enum tally_error e = tally_umbral_capsule_read(in, TALLY_UMBRAL_CAPSULE_SIZE, &c);
    if (e == TALLY_OK && asked->signer != NULL)
        e = TALLY_E_USAGE; /* nothing in it can be checked by a signer alone */
    if (e != TALLY_OK)
        return e;
    puts(n == TALLY_UMBRAL_CAPSULE_SIZE ? "capsule" : "message");
    line_hex("E", c.e.bytes, sizeof c.e.bytes);
    line_hex("V", c.v.bytes, sizeof c.v.bytes);
    if (n > TALLY_UMBRAL_CAPSULE_SIZE)
        printf("%-12s %zu bytes\n", "ciphertext", n - TALLY_UMBRAL_CAPSULE_SIZE);
    return TALLY_OK;
}

static enum tally_error show_kfrag(const uint8_t *in, size_t n, const struct asked *asked)
{
    struct tally_umbral_kfrag k;
    enum tally_error e = tally_umbral_kfrag_read(in, n, &k);
    if (e == TALLY_OK && asked->signer != NULL)
        e = TALLY_E_USAGE; /* nothing in it can be checked by a signer alone */
    if (e != TALLY_OK)
        return e;
    puts("key fragment");
    line_hex("id", k.id, sizeof k.id);
    line_hex("precursor", k.precursor.bytes, sizeof k.precursor.bytes);
    line_hex("commitment", k.commitment.bytes, sizeof k.commitment.bytes);
    printf("%-12s %s%s\n", "signed keys", k.delegating_signed ? "owner " : "",
           k.receiving_signed ? "receiver" : "");
    tally_umbral_kfrag_wipe(&k);
    return TALLY_OK;
}

static enum tally_error show_cfrag(const uint8_t *in, size_t n, const struct asked *asked)
{
    struct tally_umbral_cfrag f;
    enum tally_error e = tally_umbral_cfrag_read(in, n, &f);
    if (e == TALLY_OK && asked->signer != NULL)
        e = TALLY_E_USAGE; /* nothing in it can be checked by a signer alone */
    if (e != TALLY_OK)
        return e;
    puts("capsule fragment");
    line_hex("key fragment", f.id, sizeof f.id);
    line_hex("precursor", f.precursor.bytes, sizeof f.precursor.bytes);
    return TALLY_OK;
}

/* ---- Pledged tickets ---- */

static enum tally_error show_channel_key(const uint8_t *in, size_t n, const struct asked *asked)
{
    struct tally_channel_key k;
    struct tally_verified_channel_key verified;
    enum tally_error e = tally_channel_key_read(in, n, &k);
    if (e != TALLY_OK)
        return e;
    puts("channel key");
    show_scope(&k.scope);
    line_public("key", &k.key);
    return told(asked, asked->signer != NULL ? tally_channel_key_verify(&k, asked->signer, &verified) : e);
}

static enum tally_error show_grant(const uint8_t *in, size_t n, const struct asked *asked)
{
    struct tally_grant g;
    struct tally_verified_grant verified;
    enum tally_error e = tally_grant_read(in, n, &g);
    if (e != TALLY_OK)
        return e;
    puts("grant");
    show_scope(&g.scope);
    line_public("key", &g.channel_key);
    line_public("receiver", &g.receiver);
    printf("%-12s %u of %u, number %u\n", "share", g.threshold, g.shares, g.index);
    e = told(asked, asked->signer != NULL ? tally_grant_verify(&g, asked->signer, &verified) : e);
    tally_grant_wipe(&g);
    tally_wipe(&verified, sizeof verified);
    return e;
}

static enum tally_error show_ticket(const struct tally_pledged_ticket *p, const struct asked *asked)
{
    struct tally_verified_pledged_ticket verified;
    show_scope(&p->context.scope);
    printf("%-12s %s\n%-12s %s\n%-12s %u\n%-12s %s\n%-12s %llu\n%-12s %s\n", "provider", p->context.provider,
           "order", p->context.order, "line", p->context.line, "type", p->context.type, "price",
           (unsigned long long)p->context.price, "serial", p->context.serial);
    line_public("key", &p->channel_key);
    printf("%-12s %u bytes\n", "ciphertext", p->ciphertext_n);
    return told(asked, asked->signer != NULL ? tally_pledged_verify(p, asked->signer, &verified) : TALLY_OK);
}

static enum tally_error show_pledged(const uint8_t *in, size_t n, const struct asked *asked)
{
    struct tally_pledged_ticket p;
    enum tally_error e = tally_pledged_read(in, n, &p);
    if (e != TALLY_OK)
        return e;
    puts("pledged ticket");
    return show_ticket(&p, asked);
}

static enum tally_error show_openable(const uint8_t *in, size_t n, const struct asked *asked)
{
    struct tally_openable_ticket o;
    enum tally_error e = tally_openable_read(in, n, &o);
    if (e != TALLY_OK)
        return e;
    puts("openable ticket");
    line_public("receiver", &o.receiver);
    return show_ticket(&o.pledged, asked);
}

/* ---- Which is it? ---- */

static enum tally_error show_bytes(const uint8_t *in, size_t n, const struct asked *asked)
{
    static enum tally_error (*const typed[])(const uint8_t *, size_t, const struct asked *) = {
        NULL, show_channel_key, show_grant, show_pledged, show_openable};
    if (n > 0 && in[0] > 0 && in[0] < sizeof typed / sizeof *typed)
        return typed[in[0]](in, n, asked);
    if (n == TALLY_UMBRAL_KFRAG_SIZE && in[0] == 0x95)
        return show_kfrag(in, n, asked);
    if (n == TALLY_UMBRAL_CFRAG_SIZE && in[0] == 0x95)
        return show_cfrag(in, n, asked);
    return n >= TALLY_UMBRAL_CAPSULE_SIZE ? show_capsule(in, n, asked) : TALLY_E_FORMAT;
}

enum tally_error umbral_tool_show(const struct tally_config *config)
{
    struct tally_umbral_public signer;
    struct asked asked = {NULL};
    uint8_t *data = NULL;
    size_t n = 0;
    enum tally_error e = TALLY_OK;
    const char *path = tally_config_string(config, "in");
    if (tally_config_string(config, "signed-by") != NULL) {
        e = umbral_tool_public(config, "signed-by", &signer);
        asked.signer = &signer;
    }
    if (e == TALLY_OK)
        e = umbral_tool_read(path, UMBRAL_MESSAGE_MAX, &data, &n);
    if (e != TALLY_OK)
        return e;
    e = show_bytes(data, n, &asked);
    tally_wipe(data, n);
    free(data);
    return umbral_tool_fail(e, path != NULL ? path : "standard input");
}
