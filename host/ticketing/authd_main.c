/* tally-authd: the authentication server and its sub-commands. */
#include <stdlib.h>

#include "host/service/service.h"
#include "host/ticketing/authd.h"
#include "host/ticketing/commands.h"

/* authd_commands.c */
extern const struct tally_command authd_commands[];

static const struct tally_option options[] = {
    {"keys", TALLY_OPTION_PATH, NULL, 0, 0,
     "folder of keys, made by tally-authd init; SIGHUP reads it again"},
    {"deny-list-lifetime", TALLY_OPTION_INT, "86400", 60, 31536000, "seconds until a deny list is stale"},
    {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL}};

static enum tally_error start(const struct tally_service *service, void **wing)
{
    struct tally_keystore *keys = NULL;
    struct authd *authd = calloc(1, sizeof *authd);
    *wing = authd;
    if (authd == NULL)
        return TALLY_E_MEMORY;
    authd->db = service->db;
    authd->clock = service->clock;
    authd->key_folder = tally_command_needs(service->config, "keys");
    authd->deny_list_lifetime_s = tally_config_int(service->config, "deny-list-lifetime");
    authd->issued = tally_metrics_get(service->metrics, "authd_tickets", "outcome=\"issued\"");
    authd->repeated = tally_metrics_get(service->metrics, "authd_tickets", "outcome=\"repeated\"");
    authd->refused = tally_metrics_get(service->metrics, "authd_tickets", "outcome=\"refused\"");
    enum tally_error e =
        authd->key_folder == NULL ? TALLY_E_USAGE : tally_keystore_load(authd->key_folder, &keys);
    if (e == TALLY_OK)
        e = authd_init(authd, keys);
    if (e != TALLY_OK) {
        tally_keystore_release(keys);
        free(authd);
        *wing = NULL;
    }
    return e;
}

static void stop(void *wing)
{
    authd_clear(wing);
    free(wing);
}

static void reload(void *wing)
{
    (void)authd_reload(wing);
}

static int serve(int argc, char *const *argv)
{
    struct tally_db_schema schemas[] = {authd_schema, {0}};
    struct tally_service_spec spec = {.name = "authd",
                                      .summary =
                                          "makes, signs and encrypts tickets; keeps the register of cards",
                                      .options = options,
                                      .schemas = schemas,
                                      .endpoints = authd_endpoints,
                                      .families = authd_metrics,
                                      .start = start,
                                      .stop = stop,
                                      .reload = reload};
    return tally_service_main(&spec, argc, argv);
}

int main(int argc, char **argv)
{
    return tally_command_main("authd", authd_commands, serve, argc, argv);
}
