#include "host/crypto/delegation_codec.h"

#include <string.h>

/* ---- Writing ---- */

void delegation_put(struct delegation_writer *w, const uint8_t *bytes, size_t n)
{
    w->good = w->good && n <= w->size - w->n;
    if (!w->good)
        return;
    if (n > 0)
        memcpy(w->out + w->n, bytes, n);
    w->n += n;
}

void delegation_put_head(struct delegation_writer *w, enum delegation_type type)
{
    const uint8_t head[2] = {(uint8_t)type, DELEGATION_VERSION};
    delegation_put(w, head, sizeof head);
}

void delegation_put_number(struct delegation_writer *w, uint64_t value, size_t bytes)
{
    uint8_t out[8];
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
    delegation_put(w, out, bytes);
}

static bool sound_text(const uint8_t *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] < 0x21 || text[i] > 0x7e)
            return false;
    return n > 0 && n < TALLY_DELEGATION_TEXT_SIZE;
}

static void put_text(struct delegation_writer *w, const char text[TALLY_DELEGATION_TEXT_SIZE])
{
    size_t n = strnlen(text, TALLY_DELEGATION_TEXT_SIZE);
    w->good = w->good && sound_text((const uint8_t *)text, n);
    delegation_put_number(w, n, 1);
    delegation_put(w, (const uint8_t *)text, w->good ? n : 0);
}

void delegation_put_scope(struct delegation_writer *w, const struct tally_scope *scope)
{
    put_text(w, scope->bank);
    put_text(w, scope->channel);
    put_text(w, scope->project);
    w->good = w->good && scope->epoch > 0;
    delegation_put_number(w, scope->epoch, 4);
}

void delegation_put_context(struct delegation_writer *w, const struct tally_ticket_context *context)
{
    delegation_put_scope(w, &context->scope);
    put_text(w, context->provider);
    put_text(w, context->order);
    delegation_put_number(w, context->line, 4);
    put_text(w, context->type);
    delegation_put_number(w, context->price, 8);
    put_text(w, context->serial);
}

/* ---- Reading ---- */

const uint8_t *delegation_take(struct delegation_reader *r, size_t n)
{
    r->good = r->good && n <= (size_t)(r->end - r->at);
    if (!r->good)
        return NULL;
    r->at += n;
    return r->at - n;
}

void delegation_get(struct delegation_reader *r, uint8_t *out, size_t n)
{
    const uint8_t *p = delegation_take(r, n);
    if (p != NULL)
        memcpy(out, p, n);
}

void delegation_get_head(struct delegation_reader *r, enum delegation_type type)
{
    const uint8_t *p = delegation_take(r, 2);
    r->good = p != NULL && p[0] == type && p[1] == DELEGATION_VERSION;
}

uint64_t delegation_get_number(struct delegation_reader *r, size_t bytes)
{
    const uint8_t *p = delegation_take(r, bytes);
    uint64_t value = 0;
    for (size_t i = 0; p != NULL && i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

static void get_text(struct delegation_reader *r, char out[TALLY_DELEGATION_TEXT_SIZE])
{
    size_t n = delegation_get_number(r, 1);
    const uint8_t *p = delegation_take(r, n);
    r->good = p != NULL && sound_text(p, n);
    memset(out, 0, TALLY_DELEGATION_TEXT_SIZE);
    if (r->good)
        memcpy(out, p, n);
}

void delegation_get_scope(struct delegation_reader *r, struct tally_scope *scope)
{
    get_text(r, scope->bank);
    get_text(r, scope->channel);
    get_text(r, scope->project);
    scope->epoch = (uint32_t)delegation_get_number(r, 4);
    r->good = r->good && scope->epoch > 0;
}

void delegation_get_context(struct delegation_reader *r, struct tally_ticket_context *context)
{
    delegation_get_scope(r, &context->scope);
    get_text(r, context->provider);
    get_text(r, context->order);
    context->line = (uint32_t)delegation_get_number(r, 4);
    get_text(r, context->type);
    context->price = delegation_get_number(r, 8);
    get_text(r, context->serial);
}

void delegation_get_point(struct delegation_reader *r, struct tally_umbral_public *key)
{
    const uint8_t *p = delegation_take(r, TALLY_UMBRAL_POINT_SIZE);
    r->good = p != NULL && tally_umbral_public_read(p, key) == TALLY_OK;
}

bool delegation_finished(const struct delegation_reader *r)
{
    return r->good && r->at == r->end;
}

/* ---- Comparing ---- */

static bool same_text(const char *a, const char *b)
{
    return strncmp(a, b, TALLY_DELEGATION_TEXT_SIZE) == 0;
}

bool delegation_same_scope(const struct tally_scope *a, const struct tally_scope *b)
{
    return same_text(a->bank, b->bank) && same_text(a->channel, b->channel) &&
           same_text(a->project, b->project) && a->epoch == b->epoch;
}

bool delegation_same_context(const struct tally_ticket_context *a, const struct tally_ticket_context *b)
{
    return delegation_same_scope(&a->scope, &b->scope) && same_text(a->provider, b->provider) &&
           same_text(a->order, b->order) && a->line == b->line && same_text(a->type, b->type) &&
           a->price == b->price && same_text(a->serial, b->serial);
}

/* ---- Signing ---- */

enum tally_error delegation_sign(const struct tally_umbral_secret *signer, const char *label,
                                 const uint8_t *bytes, size_t n, const struct tally_random *random,
                                 uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE])
{
    const struct tally_bytes parts[] = {{(const uint8_t *)label, strlen(label)}, {bytes, n}};
    return tally_umbral_sign(signer, parts, 2, random, signature);
}

enum tally_error delegation_verify(const struct tally_umbral_public *signer, const char *label,
                                   const uint8_t *bytes, size_t n,
                                   const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE])
{
    const struct tally_bytes parts[] = {{(const uint8_t *)label, strlen(label)}, {bytes, n}};
    return tally_umbral_verify(signer, parts, 2, signature);
}
