/* What a store should hold, byte by byte, kept apart from it: the reference that every recovery is compared
 * with. */
#ifndef TALLY_TESTS_CUTS_PICTURE_H
#define TALLY_TESTS_CUTS_PICTURE_H

#include "tests/support/store_model.h"

enum { PICTURE_BYTES = 72 * 1024 };

struct picture_record {
    uint16_t id, len;
    uint32_t at; /* in bytes */
};

struct picture {
    size_t count;
    uint32_t used;
    struct picture_record list[MODEL_MAX]; /* ascending by id */
    uint8_t bytes[PICTURE_BYTES];
};

void picture_of_model(const struct model *model, struct picture *out);

/* What a store shows that nothing has happened to. */
void picture_of_store(const struct store *store, struct picture *out);

/* NULL when there is no such record. */
const struct picture_record *picture_find(const struct picture *p, uint16_t id);

bool picture_equal(const struct picture *a, const struct picture *b);

/* Whether the store holds just these records, each with its bytes. Checks are left to picture_reads. */
bool picture_matches(const struct picture *p, const struct store *store);

/* Whether record n modulo their number can be read, check and all. */
bool picture_reads(const struct picture *p, const struct store *store, size_t n);

/* Bytes that specs/store.md says these records cost with units of this size. */
uint32_t picture_cost(const struct picture *p, uint32_t unit);

#endif
