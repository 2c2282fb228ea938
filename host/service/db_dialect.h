/* From the common SQL (specs/service.md) to PostgreSQL's. */
#ifndef TALLY_SERVICE_DB_DIALECT_H
#define TALLY_SERVICE_DB_DIALECT_H

#include <stdbool.h>

/* A statement: ? and ?N become $N. *parameters is the highest N, -1 when both kinds are mixed. With `script`,
 * a migration: types become PostgreSQL's, and what only SQLite knows is left out. The result is malloc'd;
 * NULL when memory is out. */
char *db_dialect_translate(const char *sql, bool script, int *parameters);

#endif
