/* A proxy before the private PostgreSQL (pg_world.h) that loses a connection at a commit, to order. It runs
 * in a thread of its own and serves one connection after the other's end or beside it. */
#ifndef TALLY_TESTS_PG_PROXY_H
#define TALLY_TESTS_PG_PROXY_H

#include <stdbool.h>

#include "tests/support/pg_world.h"

enum pg_proxy_cut {
    PG_PROXY_PASS,
    PG_PROXY_CUT_BEFORE,           /* the next COMMIT does not reach the server */
    PG_PROXY_CUT_AFTER,            /* the next COMMIT's answer does not reach the client */
    PG_PROXY_CUT_ANSWERED,         /* the connection ends right after the next COMMIT's answer */
    PG_PROXY_CUT_AFTER_AND_REFUSE, /* the same, and nobody may connect afterwards */
};

struct pg_proxy;

/* Starts it in front of `location`; through[] leads through it. NULL when that fails. */
struct pg_proxy *pg_proxy_start(const char *location, char through[PG_LOCATION_MAX]);
/* What happens at the next commit, once; PASS also lets clients in again. */
void pg_proxy_set(struct pg_proxy *proxy, enum pg_proxy_cut cut);
/* How many connections were cut so far. */
int pg_proxy_cuts(const struct pg_proxy *proxy);
void pg_proxy_stop(struct pg_proxy *proxy);

#endif
