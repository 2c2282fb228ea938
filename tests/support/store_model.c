#include "tests/support/store_model.h"

#include <string.h>

uint32_t model_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

void model_fill(uint32_t fill, void *out, size_t n)
{
    uint8_t *p = out;
    uint32_t state = fill * 2654435761u | 1;
    /* Now and then nothing but ones, which look like erased flash. */
    for (size_t i = 0; i < n; i++)
        p[i] = fill % 16 == 15 ? 0xff : (uint8_t)model_random(&state);
}

static size_t position(const struct model *model, uint16_t id)
{
    size_t i = 0;
    while (i < model->count && model->list[i].id < id)
        i++;
    return i;
}

struct model_record *model_find(struct model *model, uint16_t id)
{
    size_t i = position(model, id);
    return i < model->count && model->list[i].id == id ? &model->list[i] : NULL;
}

void batch_put(struct batch *batch, uint16_t id, size_t len, uint32_t fill)
{
    size_t i = batch->count++;
    model_fill(fill, batch->data[i], len);
    batch->fill[i] = fill;
    batch->changes[i] = (struct store_change){.id = id, .len = (uint16_t)len, .data = batch->data[i]};
}

void batch_delete(struct batch *batch, uint16_t id)
{
    batch->changes[batch->count++] = (struct store_change){.id = id};
}

void model_apply(struct model *model, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct store_change *change = &batch->changes[i];
        size_t at = position(model, change->id);
        bool there = at < model->count && model->list[at].id == change->id;
        struct model_record *r = &model->list[at];
        if (change->data == NULL) {
            memmove(r, r + 1, (--model->count - at) * sizeof *r);
            continue;
        }
        if (!there)
            memmove(r + 1, r, (model->count++ - at) * sizeof *r);
        *r = (struct model_record){.id = change->id, .len = change->len, .fill = batch->fill[i]};
    }
}

size_t model_cost(const struct model *model, const struct store *store)
{
    size_t sum = 0;
    for (size_t i = 0; i < model->count; i++)
        sum += store_cost(store, model->list[i].len);
    return sum;
}

static bool record_matches(const struct model_record *r, const struct store *store)
{
    uint8_t want[STORE_DATA_MAX], got[STORE_DATA_MAX];
    size_t n;
    if (store_size(store, r->id, &n) != STORE_OK || n != r->len)
        return false;
    if (store_read(store, r->id, 0, got, n) != STORE_OK)
        return false;
    model_fill(r->fill, want, n);
    return memcmp(got, want, n) == 0;
}

bool model_matches(const struct model *model, const struct store *store)
{
    if (store->records != model->count)
        return false;
    for (size_t i = 0; i < model->count; i++)
        if (!record_matches(&model->list[i], store))
            return false;
    return true;
}

bool model_iterates(const struct model *model, const struct store *store)
{
    size_t seen = 0;
    for (unsigned type = 0; type < 256; type++) {
        struct store_cursor cursor = store_first((uint8_t)type);
        while (store_next(store, &cursor))
            if (seen == model->count || model->list[seen++].id != cursor.id)
                return false;
    }
    return seen == model->count;
}
