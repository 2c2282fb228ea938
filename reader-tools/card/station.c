#include "reader-tools/card/station.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/base/random.h"
#include "host/crypto/keyfile.h"
#include "host/crypto/package.h"

const struct tally_option station_options[] = {
    {"server", TALLY_OPTION_STRING, NULL, 0, 250, "the authentication server (https://host:port)"},
    {"party", TALLY_OPTION_STRING, NULL, 0, 64, "this station's name at the server"},
    {"party-key", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file with this station's key"},
    {"ca-file", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file of the only certificate authorities trusted"},
    {"kit", TALLY_OPTION_PATH, NULL, 0, 0, "folder of tally-authd personaliser-kit"},
    {"admin-master", TALLY_OPTION_PATH, NULL, 0, 0,
     "file with the administration master key, when not in the kit"},
    {"enrolment-key", TALLY_OPTION_PATH, NULL, 0, 0,
     "file with the enrolment key in hex, when not in the kit"},
    {"operators", TALLY_OPTION_STRING, NULL, 0, 128, "operators by number, with commas"},
    {"serial", TALLY_OPTION_STRING, NULL, 0, 2 * SERIAL_SIZE,
     "personalise: the serial, instead of a random one; block: a card that is not here"},
    {"rsa", TALLY_OPTION_BOOL, "true", 0, 0, "personalise: make an RSA key too, for operators of that suite"},
    {"reason", TALLY_OPTION_STRING, "blocked by tally-card", 1, 200, "block, unblock: the reason"},
    {.name = NULL},
};

enum tally_error station_open(const struct tool *tool, struct station *s)
{
    memset(s, 0, sizeof *s);
    s->tool = tool;
    enum tally_error e = tool_card_open(tool, &s->tc);
    if (e == TALLY_OK && (e = tally_card_select(&s->tc.card, TALLY_AID_TICKET)) != TALLY_OK)
        e = tool_card_fail(tool, &s->tc, e, "select");
    return e;
}

void station_close(struct station *s)
{
    tool_client_close(&s->client);
    tool_card_close(&s->tc);
}

enum tally_error station_connect(struct station *s)
{
    const struct tally_config *c = s->tool->config;
    enum tally_error e = tool_client_open(
        s->tool, &s->client, tally_config_string(c, "server"), "tally-authd", tally_config_string(c, "party"),
        tally_config_string(c, "party-key"), tally_config_string(c, "ca-file"));
    s->has_client = e == TALLY_OK;
    return e;
}

enum tally_error station_fail(const struct station *s, enum tally_error e, const char *doing)
{
    return tool_card_fail(s->tool, &s->tc, e, doing);
}

static void note_serial(struct station *s, const uint8_t serial[SERIAL_SIZE])
{
    memcpy(s->serial, serial, SERIAL_SIZE);
    (void)tally_hex_encode(serial, SERIAL_SIZE, s->serial_hex, sizeof s->serial_hex);
}

enum tally_error station_login(struct station *s, struct tally_card_state *state)
{
    enum tally_error e = tool_card_login(s->tool, &s->tc, true);
    if (e != TALLY_OK)
        return e;
    e = tally_card_get_state(&s->tc.card, state);
    if (e == TALLY_OK && !state->identified)
        e = TALLY_E_STATE;
    if (e != TALLY_OK)
        return station_fail(s, e, "status");
    note_serial(s, state->serial);
    return TALLY_OK;
}

bool station_kit_path(const struct tool *tool, const char *option, const char *name, char *out, size_t size)
{
    const char *given = tally_config_string(tool->config, option);
    const char *kit = tally_config_string(tool->config, "kit");
    if (given != NULL)
        snprintf(out, size, "%s", given);
    else if (kit != NULL)
        snprintf(out, size, "%s/%s", kit, name);
    return given != NULL || kit != NULL;
}

enum tally_error station_open_issuer(struct station *s, struct tally_issuer *issuer)
{
    uint8_t master[SYM_KEY_SIZE], challenge[TALLY_SCP03_CHALLENGE_SIZE];
    char path[1024];
    memset(issuer, 0, sizeof *issuer);
    if (!station_kit_path(s->tool, "admin-master", "admin-master.key", path, sizeof path))
        return tool_fail(s->tool, TALLY_E_USAGE, "--kit or --admin-master is needed");
    enum tally_error e = tally_secret_load(path, master);
    if (e != TALLY_OK)
        return tool_fail(s->tool, TALLY_E_USAGE, "%s: %s", path, tally_error_text(e));
    e = tally_random_fill(&tally_system_random, challenge, sizeof challenge);
    if (e == TALLY_OK)
        e = tally_issuer_open(issuer, &s->tc.card, master, challenge, NULL);
    if (e != TALLY_OK)
        e = station_fail(s, e, "issuer's channel");
    tally_wipe(master, sizeof master);
    return e;
}

enum tally_error station_operators(const struct tool *tool, uint16_t list[STATION_OPERATORS_MAX],
                                   size_t *count)
{
    const char *text = tally_config_string(tool->config, "operators");
    *count = 0;
    while (text != NULL && *text != '\0') {
        char word[8] = "";
        uint64_t number;
        size_t n = strcspn(text, ",");
        if (n < sizeof word)
            memcpy(word, text, n);
        if (n >= sizeof word || !tool_parse_number(word, UINT16_MAX, &number) || number == 0)
            return tool_fail(tool, TALLY_E_USAGE, "--operators: not numbers with commas");
        if (*count == STATION_OPERATORS_MAX)
            return tool_fail(tool, TALLY_E_USAGE, "--operators: a card has at most %d",
                             STATION_OPERATORS_MAX);
        list[(*count)++] = (uint16_t)number;
        text += n + (text[n] == ',');
    }
    return TALLY_OK;
}

enum tally_error station_put_package(struct station *s, uint16_t operator_id, const char *action)
{
    char path[TOOL_PATH_MAX], key[TOOL_KEY_SIZE], doing[64];
    uint8_t package[TALLY_PACKAGE_MAX];
    json_t *answer = NULL;
    size_t n = 0;
    snprintf(path, sizeof path, "/v1/cards/%s/operators/%u/package", s->serial_hex, operator_id);
    snprintf(doing, sizeof doing, "operator %u", operator_id);
    enum tally_error e = tool_client_key(key);
    json_t *body = json_pack("{s:s}", "action", action);
    if (e == TALLY_OK)
        e = tool_client_call(s->tool, &s->client, "POST", path, key, body, &answer);
    if (e == TALLY_OK) {
        const char *hex = json_string_value(json_object_get(answer, "package"));
        e = hex != NULL ? tally_hex_decode(hex, package, sizeof package, &n) : TALLY_E_FORMAT;
        if (e != TALLY_OK)
            e = tool_fail(s->tool, TALLY_E_SERVER, "%s: the server's package is malformed", doing);
    }
    if (e == TALLY_OK && (e = tally_card_put_package(&s->tc.card, package, n)) != TALLY_OK)
        e = station_fail(s, e, doing);
    json_decref(answer);
    json_decref(body);
    return e;
}
