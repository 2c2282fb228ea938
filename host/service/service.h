/* A daemon: configuration, log, database, keys, server, and an orderly end. A wing describes itself and calls
 * tally_service_main from main; the rest is here. See specs/service.md for the options every daemon has.
 *
 * SIGTERM and SIGINT end it: nothing new is accepted, what is under way is finished, the database is closed.
 * SIGHUP loads the directory of trusted keys again.
 */
#ifndef TALLY_SERVICE_SERVICE_H
#define TALLY_SERVICE_SERVICE_H

#include "host/base/clock.h"
#include "host/base/config.h"
#include "host/base/random.h"
#include "host/service/db.h"
#include "host/service/endpoint.h"
#include "host/service/http_server.h"
#include "host/service/metrics.h"

/* What a wing stands on; valid from start to stop. */
struct tally_service {
    const struct tally_config *config;
    struct tally_db *db;
    struct tally_metrics *metrics;
    const struct tally_clock *clock;
    const struct tally_random *random;
};

struct tally_service_spec {
    const char *name;    /* "authd": tally-authd, TALLY_AUTHD_..., signature tag "tally-authd" */
    const char *summary; /* for --help */
    unsigned
        threads; /* when the option says 0; 0: one a core. More for a wing whose handlers wait for others */
    const struct tally_option *options;    /* the wing's own, or NULL */
    const struct tally_db_schema *schemas; /* the wing's own, ends with a NULL component */
    const struct tally_endpoint *endpoints;
    const struct tally_metric_family *families; /* the wing's own, or NULL */
    /* Called with the database open and before the server listens. *wing is given to every call and to stop.
     */
    enum tally_error (*start)(const struct tally_service *service, void **wing);
    void (*stop)(void *wing);              /* after the last request; may be NULL; not after a failed start */
    void (*reload)(void *wing);            /* at SIGHUP, in the main thread; may be NULL */
    enum tally_error (*ready)(void *wing); /* for /readyz, beside the database; may be NULL */
};

/* The options of every daemon; a wing's table must not repeat them. */
extern const struct tally_option tally_service_options[];

/* Runs until told to stop; returns the exit code for main. */
int tally_service_main(const struct tally_service_spec *spec, int argc, char *const *argv);

#endif
