/* A party as a daemon: its messages over HTTP, its outbox, its clockwork.
 *
 *   POST /v1/messages             a message, from whom it names (specs/pledge.md)
 *   GET  /v1/records/{table}      what is stored, for people: no tickets, no keys
 *   POST /v1/sales, GET /v1/sales/{reference}      a seller's shop
 *
 * All parties run the same program over different tables of host/pledge/core.
 */
#ifndef TALLY_PLEDGE_NODE_H
#define TALLY_PLEDGE_NODE_H

#include <pthread.h>

#include "host/pledge/parties.h"
#include "host/pledge/sql_store.h"
#include "host/pledge/umbral_crypto.h"
#include "host/service/outbox_pump.h"
#include "host/service/service.h"

#define PLEDGE_MESSAGES_PATH "/v1/messages"

struct pledge_node {
    struct pledge_party party;
    struct pledge_umbral umbral;
    struct pledge_sql *sql;
    struct pledge_parties *parties;
    const char *parties_path;
    EVP_PKEY *http_key;
    struct tally_db *db;
    struct tally_outbox_pump *pump;
    char owner[TALLY_OWNER_SIZE];
    pthread_t clockwork;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool running, clockwork_started;
    int64_t pass_ms;
};

/* Runs the daemon of a role ("platformd", …); returns the exit code for main. */
int pledge_node_main(enum pledge_role role, const char *name, const char *summary, int argc,
                     char *const *argv);

/* node_outbox.c */
enum tally_error pledge_node_send(void *ctx, const struct tally_outbox_item *item,
                                  struct tally_outbox_answer *answer);
enum tally_error pledge_node_settle(void *ctx, struct tally_tx *tx, const struct tally_outbox_item *item,
                                    const struct tally_outbox_answer *answer);

/* node_endpoints.c */
extern const struct tally_endpoint pledge_node_endpoints[], pledge_seller_endpoints[];

#endif
