/* tally-keycentre: the key centre and its sub-commands. */
#include <stdlib.h>
#include <sys/prctl.h>

#include "host/base/bytes.h"
#include "host/base/log.h"
#include "host/service/service.h"
#include "host/ticketing/keycentre/commands.h"
#include "host/ticketing/keycentre/keycentre.h"

static const struct tally_option options[] = {KEYCENTRE_KEK_OPTIONS,
                                              {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL}};

static struct tally_metric *outcome(const struct tally_service *service, const char *labels)
{
    return tally_metrics_get(service->metrics, "keycentre_requests", labels);
}

static enum tally_error start(const struct tally_service *service, void **wing)
{
    struct keycentre_passphrase passphrase;
    struct keycentre *centre = calloc(1, sizeof *centre);
    *wing = centre;
    if (centre == NULL)
        return TALLY_E_MEMORY;
    centre->issued = outcome(service, "outcome=\"issued\"");
    centre->evidence = outcome(service, "outcome=\"evidence\"");
    centre->refused = outcome(service, "outcome=\"refused\"");
    enum tally_error e = keycentre_passphrase_read(tally_config_string(service->config, "kek-file"),
                                                   tally_config_int(service->config, "kek-fd"), &passphrase);
    if (e == TALLY_OK)
        e = keycentre_open(centre, service->db, &passphrase, service->clock);
    tally_wipe(&passphrase, sizeof passphrase);
    if (e != TALLY_OK) {
        free(centre);
        *wing = NULL;
    }
    return e;
}

static void stop(void *wing)
{
    keycentre_clear(wing);
    free(wing);
}

static void reload(void *wing)
{
    enum tally_error e = keycentre_reload(wing);
    tally_log(e == TALLY_OK ? TALLY_LOG_INFO : TALLY_LOG_ERROR, "keys", NULL, "settings were read again",
              TALLY_STR("result", tally_error_text(e)));
}

/* Ready is who can hand out keys. */
static enum tally_error ready(void *wing)
{
    struct keycentre_state state;
    keycentre_state_copy(wing, &state);
    bool set_up = state.settings.set_up;
    tally_wipe(&state, sizeof state);
    return set_up ? TALLY_OK : TALLY_E_STATE;
}

static int serve(int argc, char *const *argv)
{
    struct tally_db_schema schemas[] = {keycentre_schema, {0}};
    struct tally_service_spec spec = {.name = "keycentre",
                                      .summary = "holds SM9 master keys, or a share of them, and extracts the"
                                                 " private keys of identities",
                                      .options = options,
                                      .schemas = schemas,
                                      .endpoints = keycentre_endpoints,
                                      .families = keycentre_metrics,
                                      .start = start,
                                      .stop = stop,
                                      .reload = reload,
                                      .ready = ready};
    return tally_service_main(&spec, argc, argv);
}

int main(int argc, char **argv)
{
    keycentre_passphrase_take_environment();
#ifdef TALLY_KEYCENTRE_NO_DUMP /* not in sanitized builds, whose leak checker looks in from outside */
    prctl(PR_SET_DUMPABLE, 0); /* no core file, no debugger of another process of this user */
#endif
    return tally_command_main("keycentre", keycentre_commands, serve, argc, argv);
}
