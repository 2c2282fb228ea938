/* A reference for the record store: what a store must hold, kept in plain memory. */
#ifndef TALLY_TESTS_STORE_MODEL_H
#define TALLY_TESTS_STORE_MODEL_H

#include "card/ports/flashsim/flashsim.h"
#include "card/store/store.h"

enum { MODEL_MAX = STORE_MAX_RECORDS + 80, MODEL_BATCH = 8 };

/* A record's data is made from fill, so that it need not be kept. */
struct model_record {
    uint16_t id;
    uint16_t len;
    uint32_t fill;
};

struct model {
    size_t count;
    struct model_record list[MODEL_MAX]; /* ascending by id */
};

/* One commit, with room for its data. */
struct batch {
    size_t count;
    struct store_change changes[MODEL_BATCH];
    uint32_t fill[MODEL_BATCH];
    uint8_t data[MODEL_BATCH][STORE_DATA_MAX];
};

void model_fill(uint32_t fill, void *out, size_t n);
struct model_record *model_find(struct model *model, uint16_t id);

void batch_put(struct batch *batch, uint16_t id, size_t len, uint32_t fill);
void batch_delete(struct batch *batch, uint16_t id);

/* What the batch makes of the model; it must not contain impossible deletes. */
void model_apply(struct model *model, const struct batch *batch);

/* Sum of store_cost over all records. */
size_t model_cost(const struct model *model, const struct store *store);

/* Whether the store holds just these records, byte by byte. */
bool model_matches(const struct model *model, const struct store *store);

/* Whether iteration finds just these, in order. */
bool model_iterates(const struct model *model, const struct store *store);

/* xorshift; never 0 for a state that is not. */
uint32_t model_random(uint32_t *state);

#endif
