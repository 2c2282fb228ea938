/* tally-ticketd: the ticket server and its sub-commands. */
#include <stdlib.h>

#include "host/service/keyfile.h"
#include "host/service/service.h"
#include "host/ticketing/commands.h"
#include "host/ticketing/ticketd.h"

/* Handlers wait for the authentication server, so there are more threads than cores. */
enum { THREADS = 8 };

static const struct tally_option options[] = {
    {"authd-url", TALLY_OPTION_STRING, NULL, 0, 256, "base URL of tally-authd"},
    {"authd-ca", TALLY_OPTION_PATH, NULL, 0, 0, "PEM of the authorities trusted for it; else the system's"},
    {"authd-timeout-ms", TALLY_OPTION_INT, "5000", 10, 60000, "how long to wait for its answer"},
    {"party", TALLY_OPTION_STRING, "ticketd", 0, 64, "key id that tally-authd knows this service by"},
    {"party-key", TALLY_OPTION_PATH, NULL, 0, 0, "its private key (PEM, mode 0600)"},
    {"utc-offset", TALLY_OPTION_INT, "0", -840, 840, "minutes that the services' local time is ahead of UTC"},
    {"retry-first-ms", TALLY_OPTION_INT, "5000", 1, 86400000,
     "until an unconfirmed ticket is asked for again"},
    {"retry-max-ms", TALLY_OPTION_INT, "3600000", 1, 86400000, "the longest wait between two attempts"},
    {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL}};

struct wing {
    struct ticketd ticketd; /* first: the endpoints get a pointer to it */
    struct tally_signer signer;
    EVP_PKEY *key;
};

static enum tally_error connect_authd(const struct tally_config *config, struct wing *wing)
{
    const char *url = tally_command_needs(config, "authd-url"),
               *key = tally_command_needs(config, "party-key");
    unsigned timeout_ms = (unsigned)tally_config_int(config, "authd-timeout-ms");
    if (url == NULL || key == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = tally_key_file_load(key, false, &wing->key);
    if (e != TALLY_OK)
        return e;
    wing->signer = (struct tally_signer){.key = wing->key,
                                         .keyid = tally_config_string(config, "party"),
                                         .tag = "tally-authd",
                                         .clock = wing->ticketd.clock,
                                         .random = wing->ticketd.random};
    struct tally_http_client_options client = {.base_url = url,
                                               .ca_file = tally_config_string(config, "authd-ca"),
                                               .connect_timeout_ms = timeout_ms,
                                               .timeout_ms = timeout_ms,
                                               .signer = &wing->signer};
    return tally_http_client_new(&client, &wing->ticketd.authd);
}

static void set_up(const struct tally_service *service, struct ticketd *ticketd)
{
    const struct tally_config *config = service->config;
    ticketd->db = service->db;
    ticketd->clock = service->clock;
    ticketd->random = service->random;
    ticketd->utc_offset_minutes = (int32_t)tally_config_int(config, "utc-offset");
    ticketd->retry_first_ms = tally_config_int(config, "retry-first-ms");
    ticketd->retry_max_ms = tally_config_int(config, "retry-max-ms");
    ticketd->orders = tally_metrics_get(service->metrics, "ticketd_orders", "");
    ticketd->issued = tally_metrics_get(service->metrics, "ticketd_issued", "");
    ticketd->cancelled = tally_metrics_get(service->metrics, "ticketd_cancelled", "");
    ticketd->retried = tally_metrics_get(service->metrics, "ticketd_retried", "");
}

static void stop(void *arg)
{
    struct wing *wing = arg;
    ticketd_pass_stop(&wing->ticketd);
    tally_http_client_free(wing->ticketd.authd);
    EVP_PKEY_free(wing->key);
    free(wing);
}

static enum tally_error start(const struct tally_service *service, void **out)
{
    struct wing *wing = calloc(1, sizeof *wing);
    *out = wing;
    if (wing == NULL)
        return TALLY_E_MEMORY;
    set_up(service, &wing->ticketd);
    enum tally_error e = connect_authd(service->config, wing);
    if (e == TALLY_OK)
        e = ticketd_pass_start(&wing->ticketd);
    if (e != TALLY_OK) {
        stop(wing);
        *out = NULL;
    }
    return e;
}

static int serve(int argc, char *const *argv)
{
    struct tally_db_schema schemas[] = {ticketd_schema, {0}};
    struct tally_service_spec spec = {.name = "ticketd",
                                      .summary = "sells tickets: products, seats, refunds and exchanges",
                                      .threads = THREADS,
                                      .options = options,
                                      .schemas = schemas,
                                      .endpoints = ticketd_endpoints,
                                      .families = ticketd_metrics,
                                      .start = start,
                                      .stop = stop};
    return tally_service_main(&spec, argc, argv);
}

static enum tally_error run_backup(const struct tally_config *config)
{
    struct tally_db_schema schemas[] = {ticketd_schema, {0}};
    return tally_backup(config, schemas);
}

static const struct tally_command commands[] = {
    {"add-party", "register who may call", tally_add_party_options, tally_add_party},
    {"backup", "copy the database while the service runs", tally_backup_options, run_backup},
    {NULL, NULL, NULL, NULL}};

int main(int argc, char **argv)
{
    return tally_command_main("ticketd", commands, serve, argc, argv);
}
