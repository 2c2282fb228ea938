#include "tests/cuts/picture.h"

#include <string.h>

#include "tests/support/must.h"

static uint8_t *add(struct picture *p, uint16_t id, size_t len)
{
    must(p->count < MODEL_MAX && p->used + len <= PICTURE_BYTES);
    p->list[p->count++] = (struct picture_record){id, (uint16_t)len, p->used};
    p->used += (uint32_t)len;
    return p->bytes + p->used - len;
}

void picture_of_model(const struct model *model, struct picture *out)
{
    out->count = out->used = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct model_record *r = &model->list[i];
        model_fill(r->fill, add(out, r->id, r->len), r->len);
    }
}

void picture_of_store(const struct store *store, struct picture *out)
{
    out->count = out->used = 0;
    for (unsigned type = 0; type < 256; type++) {
        struct store_cursor cursor = store_first((uint8_t)type);
        while (store_next(store, &cursor)) {
            size_t n;
            must(store_size(store, cursor.id, &n) == STORE_OK);
            must(store_read(store, cursor.id, 0, add(out, cursor.id, n), n) == STORE_OK);
        }
    }
}

const struct picture_record *picture_find(const struct picture *p, uint16_t id)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->list[i].id == id)
            return &p->list[i];
    return NULL;
}

bool picture_equal(const struct picture *a, const struct picture *b)
{
    return a->count == b->count && a->used == b->used &&
           memcmp(a->list, b->list, a->count * sizeof a->list[0]) == 0 &&
           memcmp(a->bytes, b->bytes, a->used) == 0;
}

bool picture_matches(const struct picture *p, const struct store *store)
{
    uint8_t seen[STORE_DATA_MAX];
    if (store->records != p->count)
        return false;
    for (size_t i = 0; i < p->count; i++) {
        const struct picture_record *r = &p->list[i];
        size_t n;
        if (store_size(store, r->id, &n) != STORE_OK || n != r->len)
            return false;
        if (store_peek(store, r->id, seen, n) != STORE_OK || memcmp(seen, p->bytes + r->at, n) != 0)
            return false;
    }
    return true;
}

bool picture_reads(const struct picture *p, const struct store *store, size_t n)
{
    uint8_t seen[STORE_DATA_MAX];
    if (p->count == 0)
        return true;
    const struct picture_record *r = &p->list[n % p->count];
    return store_read(store, r->id, 0, seen, r->len) == STORE_OK &&
           memcmp(seen, p->bytes + r->at, r->len) == 0;
}

uint32_t picture_cost(const struct picture *p, uint32_t unit)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < p->count; i++)
        sum += (8u + p->list[i].len + unit - 1) / unit * unit;
    return sum;
}
