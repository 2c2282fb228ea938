/* Personalisation: each step looks at what the card and the server have, so an interrupted one is simply run
 * again. */
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/base/random.h"
#include "host/ticketing/json_values.h"
#include "reader-tools/card/station.h"

static void say(const struct station *s, const char *what)
{
    if (!s->tool->json)
        fprintf(stderr, "%s\n", what);
}

static enum tally_error read_enrolment_hex(struct station *s, uint16_t operator_id, char *hex, size_t size)
{
    char path[1024];
    json_t *answer = NULL;
    if (station_kit_path(s->tool, "enrolment-key", "enrolment.pub", path, sizeof path)) {
        enum tally_error e = tool_read_line(path, hex, size);
        return e == TALLY_OK ? e : tool_fail(s->tool, TALLY_E_USAGE, "%s: %s", path, tally_error_text(e));
    }
    snprintf(path, sizeof path, "/v1/operators/%u", operator_id);
    enum tally_error e = tool_client_call(s->tool, &s->client, "GET", path, NULL, NULL, &answer);
    const char *text = json_string_value(json_object_get(answer, "enrolment_key"));
    snprintf(hex, size, "%s", text != NULL ? text : "");
    json_decref(answer);
    return e;
}

/* The issuer's public enrolment key, x || y: from the kit, or else from the server. */
static enum tally_error read_enrolment_key(struct station *s, uint16_t operator_id,
                                           uint8_t key[P256_PUBLIC_SIZE])
{
    char hex[2 * P256_POINT_SIZE + 2];
    uint8_t raw[P256_POINT_SIZE];
    size_t n = 0;
    enum tally_error e = read_enrolment_hex(s, operator_id, hex, sizeof hex);
    if (e != TALLY_OK)
        return e;
    if (tally_hex_decode(hex, raw, sizeof raw, &n) != TALLY_OK || n < P256_PUBLIC_SIZE)
        return tool_fail(s->tool, TALLY_E_USAGE, "the enrolment key is not a P-256 public key in hex");
    memcpy(key, raw + n - P256_PUBLIC_SIZE, P256_PUBLIC_SIZE);
    return TALLY_OK;
}

/* The serial of --serial; a random one otherwise. */
static enum tally_error choose_serial(const struct station *s, uint8_t serial[SERIAL_SIZE])
{
    const char *given = tally_config_string(s->tool->config, "serial");
    size_t n = 0;
    if (given == NULL)
        return tally_random_fill(&tally_system_random, serial, SERIAL_SIZE);
    if (tally_hex_decode(given, serial, SERIAL_SIZE, &n) != TALLY_OK || n != SERIAL_SIZE)
        return tool_fail(s->tool, TALLY_E_USAGE, "--serial: not %d hex digits", 2 * SERIAL_SIZE);
    return TALLY_OK;
}

static enum tally_error put(const struct station *s, struct tally_issuer *issuer, uint16_t object,
                            const uint8_t *data, size_t n, const char *what)
{
    enum tally_error e = tally_issuer_put(issuer, object, data, n);
    return e == TALLY_OK ? e : station_fail(s, e, what);
}

static enum tally_error make_keys(const struct station *s, struct tally_issuer *issuer)
{
    uint8_t key[RSA_SIZE];
    say(s, "the card makes its keys");
    enum tally_error e = tally_issuer_generate(issuer, KEY_REF_KEM, key, P256_POINT_SIZE);
    if (e == TALLY_OK)
        e = tally_issuer_generate(issuer, KEY_REF_AUTH, key, P256_POINT_SIZE);
    if (e == TALLY_OK && tally_config_bool(s->tool->config, "rsa")) {
        say(s, "the card makes its RSA key: keep it on the reader");
        e = tally_issuer_generate(issuer, KEY_REF_RSA, key, RSA_SIZE);
    }
    return e == TALLY_OK ? e : station_fail(s, e, "keys");
}

/* Everything that a blank card gets. Nothing of it binds before the last step, so all of it may be done
 * again. */
static enum tally_error fill_blank(struct station *s, uint16_t operator_id)
{
    struct tally_issuer issuer;
    uint8_t serial[SERIAL_SIZE], enrolment[P256_PUBLIC_SIZE];
    char pin[TOOL_PIN_SIZE] = "";
    enum tally_error e = tool_read_pin(s->tool, "the card's first PIN", pin);
    if (e == TALLY_OK)
        e = read_enrolment_key(s, operator_id, enrolment);
    if (e == TALLY_OK)
        e = choose_serial(s, serial);
    if (e != TALLY_OK)
        goto out;
    e = station_open_issuer(s, &issuer);
    if (e == TALLY_OK)
        e = put(s, &issuer, DO_SERIAL, serial, sizeof serial, "serial");
    if (e == TALLY_OK)
        e = put(s, &issuer, DO_ENROLMENT_KEY, enrolment, sizeof enrolment, "enrolment key");
    if (e == TALLY_OK)
        e = put(s, &issuer, DO_INITIAL_PIN, (const uint8_t *)pin, strlen(pin), "PIN");
    if (e == TALLY_OK)
        e = make_keys(s, &issuer);
    if (e == TALLY_OK && (e = tally_issuer_set_life(&issuer, LIFE_PERSONALISED)) != TALLY_OK)
        e = station_fail(s, e, "personalised");
    tally_issuer_close(&issuer);
out:
    tally_wipe(pin, sizeof pin);
    return e;
}

/* Adds a public key of the card to the registration; one that the card does not have becomes null. */
static enum tally_error add_key(struct station *s, json_t *body, const char *name, uint16_t object,
                                size_t size)
{
    uint8_t key[RSA_SIZE];
    enum tally_error e = tally_card_get_data(&s->tc.card, object, key, size);
    if (e == TALLY_E_NOT_FOUND)
        return json_object_set_new(body, name, json_null()) == 0 ? TALLY_OK : TALLY_E_MEMORY;
    if (e != TALLY_OK)
        return station_fail(s, e, name);
    return tally_json_set_hex(body, name, key, size) == 0 ? TALLY_OK : TALLY_E_MEMORY;
}

/* The server takes the same registration twice, so it is simply sent. */
static enum tally_error register_card(struct station *s, const struct tally_card_state *state)
{
    char key[TOOL_KEY_SIZE];
    json_t *body = json_pack("{s:s, s:i}", "serial", s->serial_hex, "card_key_version", state->key_version);
    enum tally_error e =
        tally_json_set_hex(body, "chip_id", state->chip_id, CHIP_ID_SIZE) == 0 ? TALLY_OK : TALLY_E_MEMORY;
    if (e == TALLY_OK)
        e = add_key(s, body, "kem_key", DO_KEM_PUBLIC_KEY, P256_POINT_SIZE);
    if (e == TALLY_OK)
        e = add_key(s, body, "auth_key", DO_AUTH_PUBLIC_KEY, P256_POINT_SIZE);
    if (e == TALLY_OK)
        e = add_key(s, body, "rsa_modulus", DO_RSA_PUBLIC_KEY, RSA_SIZE);
    if (e == TALLY_OK)
        e = tool_client_key(key);
    if (e == TALLY_OK) {
        say(s, "registering the card");
        e = tool_client_call(s->tool, &s->client, "POST", "/v1/cards", key, body, NULL);
    }
    json_decref(body);
    return e;
}

static bool is_active(const struct tally_card_operator *list, size_t count, uint16_t operator_id)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].operator_id == operator_id && list[i].state == 1)
            return true;
    return false;
}

static enum tally_error add_operators(struct station *s, const uint16_t *wanted, size_t count)
{
    struct tally_card_operator list[64];
    size_t known;
    char what[64];
    enum tally_error e = tally_card_get_operators(&s->tc.card, list, sizeof list / sizeof *list, &known);
    if (e != TALLY_OK)
        return station_fail(s, e, "operators");
    for (size_t i = 0; e == TALLY_OK && i < count; i++) {
        if (is_active(list, known, wanted[i]))
            continue;
        snprintf(what, sizeof what, "adding operator %u", wanted[i]);
        say(s, what);
        e = station_put_package(s, wanted[i], "set");
    }
    return e;
}

static enum tally_error finish(struct station *s, const struct tally_card_state *state)
{
    struct tally_card_operator list[64];
    size_t count;
    enum tally_error e = tally_card_get_operators(&s->tc.card, list, sizeof list / sizeof *list, &count);
    if (e != TALLY_OK)
        return station_fail(s, e, "operators");
    if (!s->tool->json) {
        printf("serial %s, %s\n", s->serial_hex, tally_card_life_text(state->life_cycle));
        card_print_operators(list, count);
        return TALLY_OK;
    }
    return tool_print_json(json_pack("{s:s, s:s, s:o}", "serial", s->serial_hex, "life_cycle",
                                     tally_card_life_text(state->life_cycle), "operators",
                                     card_operators_to_json(list, count)));
}

enum tally_error card_personalise(const struct tool *tool)
{
    struct station s;
    struct tally_card_state state;
    uint16_t operators[STATION_OPERATORS_MAX];
    size_t count;
    enum tally_error e = station_operators(tool, operators, &count);
    if (e != TALLY_OK)
        return e;
    e = station_open(tool, &s);
    if (e == TALLY_OK)
        e = station_connect(&s);
    if (e != TALLY_OK)
        goto out;
    e = tally_card_get_state(&s.tc.card, &state);
    if (e != TALLY_OK)
        e = station_fail(&s, e, "status");
    if (e == TALLY_OK && state.life_cycle == LIFE_BLANK)
        e = fill_blank(&s, count > 0 ? operators[0] : 1);
    if (e == TALLY_OK)
        e = station_login(&s, &state);
    if (e == TALLY_OK)
        e = register_card(&s, &state);
    if (e == TALLY_OK)
        e = add_operators(&s, operators, count);
    if (e == TALLY_OK)
        e = finish(&s, &state);
out:
    station_close(&s);
    return e;
}
