/* The issuer's and operators' work on a card in the field: operators, blocking, PIN. */
#include <string.h>

#include "host/base/bytes.h"
#include "reader-tools/card/station.h"

enum { KNOWN_MAX = 64 };

static enum tally_error list_operators(struct station *s)
{
    struct tally_card_operator list[KNOWN_MAX];
    size_t count;
    enum tally_error e = tally_card_get_operators(&s->tc.card, list, KNOWN_MAX, &count);
    if (e != TALLY_OK)
        return station_fail(s, e, "operators");
    if (s->tool->json)
        return tool_print_json(card_operators_to_json(list, count));
    card_print_operators(list, count);
    return TALLY_OK;
}

/* Those of --operators, or else all that are active on the card. */
static enum tally_error chosen_operators(struct station *s, uint16_t out[STATION_OPERATORS_MAX],
                                         size_t *count)
{
    struct tally_card_operator list[KNOWN_MAX];
    size_t known;
    enum tally_error e = station_operators(s->tool, out, count);
    if (e != TALLY_OK || *count > 0)
        return e;
    e = tally_card_get_operators(&s->tc.card, list, KNOWN_MAX, &known);
    if (e != TALLY_OK)
        return station_fail(s, e, "operators");
    for (size_t i = 0; i < known && *count < STATION_OPERATORS_MAX; i++)
        if (list[i].state == 1)
            out[(*count)++] = list[i].operator_id;
    return TALLY_OK;
}

static enum tally_error change_operators(struct station *s, bool remove)
{
    uint16_t operators[STATION_OPERATORS_MAX];
    size_t count;
    if (remove && tally_config_string(s->tool->config, "operators") == NULL)
        return tool_fail(s->tool, TALLY_E_USAGE, "operators remove: which? (--operators)");
    enum tally_error e = station_connect(s);
    if (e == TALLY_OK)
        e = chosen_operators(s, operators, &count);
    for (size_t i = 0; e == TALLY_OK && i < count; i++)
        e = station_put_package(s, operators[i], remove ? "remove" : "set");
    return e == TALLY_OK ? list_operators(s) : e;
}

enum tally_error card_operators(const struct tool *tool)
{
    struct station s;
    struct tally_card_state state;
    const char *what = tool->operands[1];
    bool list = strcmp(what, "list") == 0, remove = strcmp(what, "remove") == 0;
    if (!list && !remove && strcmp(what, "update") != 0)
        return tool_fail(tool, TALLY_E_USAGE, "operators: list, update or remove?");
    enum tally_error e = station_open(tool, &s);
    if (e == TALLY_OK)
        e = station_login(&s, &state);
    if (e == TALLY_OK)
        e = list ? list_operators(&s) : change_operators(&s, remove);
    station_close(&s);
    return e;
}

/* The server makes no more tickets for the card and puts it on the deny lists, or takes it off. */
static enum tally_error tell_server(struct station *s, const char *what)
{
    char path[TOOL_PATH_MAX], key[TOOL_KEY_SIZE];
    enum tally_error e = station_connect(s);
    if (e == TALLY_OK)
        e = tool_client_key(key);
    if (e != TALLY_OK)
        return e;
    json_t *body = json_pack("{s:s}", "reason", tally_config_string(s->tool->config, "reason"));
    snprintf(path, sizeof path, "/v1/cards/%s/%s", s->serial_hex, what);
    e = tool_client_call(s->tool, &s->client, "POST", path, key, body, NULL);
    json_decref(body);
    return e;
}

/* A card with a blocked PIN opens the issuer's channel without it. */
static enum tally_error open_issuer(struct station *s, struct tally_issuer *issuer)
{
    struct tally_card_state state;
    memset(issuer, 0, sizeof *issuer);
    enum tally_error e = tally_card_get_state(&s->tc.card, &state);
    if (e != TALLY_OK)
        return station_fail(s, e, "status");
    if (state.life_cycle != LIFE_BLANK && state.pin_tries_left > 0)
        e = station_login(s, &state);
    return e == TALLY_OK ? station_open_issuer(s, issuer) : e;
}

static enum tally_error set_life(struct station *s, uint8_t life, const char *what)
{
    struct tally_issuer issuer;
    struct tally_card_state state;
    enum tally_error e = open_issuer(s, &issuer);
    if (e == TALLY_OK && (e = tally_issuer_get_state(&issuer, &state)) != TALLY_OK)
        e = station_fail(s, e, "status");
    if (e == TALLY_OK) {
        (void)tally_hex_encode(state.serial, SERIAL_SIZE, s->serial_hex, sizeof s->serial_hex);
        if (state.life_cycle != life && (e = tally_issuer_set_life(&issuer, life)) != TALLY_OK)
            e = station_fail(s, e, what);
    }
    tally_issuer_close(&issuer);
    return e;
}

static enum tally_error change_life(const struct tool *tool, uint8_t life, const char *what)
{
    struct station s = {.tool = tool};
    const char *serial = tally_config_string(tool->config, "serial");
    bool server = tally_config_string(tool->config, "server") != NULL;
    enum tally_error e = TALLY_OK;
    if (serial != NULL) {
        uint8_t bytes[SERIAL_SIZE];
        size_t n;
        if (tally_hex_decode(serial, bytes, sizeof bytes, &n) != TALLY_OK || n != sizeof bytes)
            return tool_fail(tool, TALLY_E_USAGE, "--serial: not %d hex digits", 2 * SERIAL_SIZE);
        (void)tally_hex_encode(bytes, n, s.serial_hex, sizeof s.serial_hex);
    } else {
        e = station_open(tool, &s);
        if (e == TALLY_OK)
            e = set_life(&s, life, what);
    }
    if (e == TALLY_OK && (server || serial != NULL))
        e = tell_server(&s, what);
    if (e == TALLY_OK)
        printf("%sed %s\n", what, s.serial_hex);
    station_close(&s);
    return e;
}

enum tally_error card_block(const struct tool *tool)
{
    return change_life(tool, LIFE_BLOCKED, "block");
}

enum tally_error card_unblock(const struct tool *tool)
{
    return change_life(tool, LIFE_IN_USE, "unblock");
}

enum tally_error card_reset_pin(const struct tool *tool)
{
    struct station s;
    struct tally_issuer issuer = {.card = NULL};
    char pin[TOOL_PIN_SIZE] = "";
    enum tally_error e = station_open(tool, &s);
    if (e == TALLY_OK)
        e = card_new_pin(tool, pin);
    if (e == TALLY_OK)
        e = open_issuer(&s, &issuer);
    if (e == TALLY_OK && (e = tally_issuer_reset_pin(&issuer, pin)) != TALLY_OK)
        e = station_fail(&s, e, "reset PIN");
    tally_issuer_close(&issuer);
    tally_wipe(pin, sizeof pin);
    station_close(&s);
    return e;
}
