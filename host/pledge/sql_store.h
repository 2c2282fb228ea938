/* The store of host/pledge/core over host/service/db.h: one SQL table for each described table, statements
 * and schema made from the descriptions, the outbox of host/service/outbox.h. All SQL of this wing is in
 * sql_store.c. */
#ifndef TALLY_PLEDGE_SQL_STORE_H
#define TALLY_PLEDGE_SQL_STORE_H

#include "host/pledge/core/party.h"
#include "host/service/db.h"

/* The statements of a role's tables; made once, before the database is opened, and freed after it. */
struct pledge_sql;
enum tally_error pledge_sql_new(enum pledge_role role, struct pledge_sql **sql);
void pledge_sql_free(struct pledge_sql *sql);
/* Their schema, component "pledge-<role>"; lives as long as sql. */
struct tally_db_schema pledge_sql_schema(const struct pledge_sql *sql);

/* A store within one operation. Messages are signed by the party and put into the outbox; with a NULL party
 * the store is for reading. */
struct pledge_sql_store {
    struct pledge_store store; /* hand out &s->store */
    const struct pledge_sql *sql;
    const struct pledge_party *party;
    struct tally_tx *tx;
};
void pledge_sql_store_init(struct pledge_sql_store *s, const struct pledge_sql *sql,
                           const struct pledge_party *party, struct tally_tx *tx);

#endif
