/* A table of notes in a database of either engine, for tests of db.h. */
#ifndef TALLY_TESTS_NOTES_DB_H
#define TALLY_TESTS_NOTES_DB_H

#include <semaphore.h>

#include "host/service/db.h"
#include "tests/support/pg_world.h"

extern const struct tally_db_migration notes_v1[];
extern const struct tally_db_schema notes_schemas[];
extern char folder[64], location[PG_LOCATION_MAX];
extern bool postgres;
extern struct tally_metrics *metrics;
extern struct tally_db *db;

/* One note to be written; the operation fails on purpose after writing when told to. */
struct note {
    struct tally_db_job job;
    char text[64];
    bool fail;
    sem_t *done;
};

enum tally_error open_with(const struct tally_db_schema *with);
void reopen(void);
void setup(void);
void setup_sqlite(void);
void setup_postgres(void);
void teardown(void);
enum tally_error insert_note(struct tally_tx *tx, void *arg);
enum tally_error add(const char *text);
enum tally_error count_notes(struct tally_tx *tx, void *arg);
int64_t count(void);
enum tally_error find_note(struct tally_tx *tx, void *arg);
bool has(const char *text);

#endif
