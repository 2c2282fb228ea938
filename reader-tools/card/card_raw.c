#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card/wire/be.h"
#include "host/base/bytes.h"
#include "reader-tools/card/station.h"
#include "reader-tools/common/ticket_text.h"

enum { LINE_MAX_CHARS = 2 * TALLY_APDU_MAX_COMMAND + 16 };

/* Sends one command as it is and prints the answer in hex with its explanation. */
static enum tally_error send_hex(const struct tool *tool, struct tool_card *tc, const char *hex)
{
    static uint8_t command[TALLY_APDU_MAX_COMMAND], answer[TALLY_APDU_MAX_RESPONSE];
    static char text[2 * TALLY_APDU_MAX_RESPONSE + 1];
    size_t n, len;
    if (tally_hex_decode(hex, command, sizeof command, &n) != TALLY_OK || n == 0)
        return tool_fail(tool, TALLY_E_USAGE, "%.40s: not a command in hex", hex);
    enum tally_error e = tally_card_exchange(tc->transport, command, n, answer, sizeof answer, &len);
    if (e != TALLY_OK)
        return tool_fail(tool, e, "apdu: %s", tally_error_text(e));
    (void)tally_hex_encode(answer, len, text, sizeof text);
    struct tally_card_error said = tally_card_explain(n > 1 ? command[1] : 0, be16_get(answer + len - 2));
    printf("%s  %s\n", text, said.text);
    return TALLY_OK;
}

/* The commands of a trace ("A>> HEX" lines); hidden bytes cannot be sent. */
static enum tally_error send_script(const struct tool *tool, struct tool_card *tc, const char *path)
{
    static char line[LINE_MAX_CHARS];
    enum tally_error e = TALLY_OK;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return tool_fail(tool, TALLY_E_USAGE, "%s: cannot be read", path);
    while (e == TALLY_OK && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        if (strncmp(line, "A>> ", 4) == 0)
            e = send_hex(tool, tc, line + 4);
    }
    fclose(file);
    return e;
}

enum tally_error card_apdu(const struct tool *tool)
{
    struct tool_card tc = {.pcsc = NULL};
    const char *script = tally_config_string(tool->config, "script");
    enum tally_error e = TALLY_OK;
    if (script == NULL && tool->operand_count < 2)
        return tool_fail(tool, TALLY_E_USAGE, "apdu: which command?");
    e = tool_card_open(tool, &tc);
    if (e == TALLY_OK && script != NULL)
        e = send_script(tool, &tc, script);
    for (int i = 1; e == TALLY_OK && i < tool->operand_count; i++)
        e = send_hex(tool, &tc, tool->operands[i]);
    tool_card_close(&tc);
    return e;
}

static const struct {
    uint16_t object;
    size_t size;
    const char *name;
} objects[] = {
    {DO_KEM_PUBLIC_KEY, P256_POINT_SIZE, "kem_key"},
    {DO_AUTH_PUBLIC_KEY, P256_POINT_SIZE, "auth_key"},
    {DO_RSA_PUBLIC_KEY, RSA_SIZE, "rsa_modulus"},
};

static enum tally_error dump_objects(const struct tool *tool, struct tool_card *tc, json_t *into)
{
    uint8_t value[RSA_SIZE];
    char hex[2 * RSA_SIZE + 1];
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        enum tally_error e = tally_card_get_data(&tc->card, objects[i].object, value, objects[i].size);
        if (e == TALLY_E_NOT_FOUND)
            continue;
        if (e != TALLY_OK)
            return tool_card_fail(tool, tc, e, objects[i].name);
        (void)tally_hex_encode(value, objects[i].size, hex, sizeof hex);
        json_object_set_new(into, objects[i].name, json_string(hex));
        if (!tool->json)
            printf("%-15s %s\n", objects[i].name, hex);
    }
    return TALLY_OK;
}

static enum tally_error dump_operators(const struct tool *tool, struct tool_card *tc, json_t *into)
{
    struct tally_card_operator list[64];
    size_t count;
    enum tally_error e = tally_card_get_operators(&tc->card, list, sizeof list / sizeof *list, &count);
    if (e != TALLY_OK)
        return tool_card_fail(tool, tc, e, "operators");
    json_object_set_new(into, "operators", card_operators_to_json(list, count));
    if (!tool->json)
        card_print_operators(list, count);
    return TALLY_OK;
}

static enum tally_error dump_tickets(const struct tool *tool, struct tool_card *tc, json_t *into)
{
    struct tally_card_ticket *list;
    size_t count;
    enum tally_error e = tally_card_read_all(&tc->card, 0, NULL, &list, &count);
    if (e != TALLY_OK)
        return tool_card_fail(tool, tc, e, "read");
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, ticket_to_json(&list[i]));
    json_object_set_new(into, "tickets", array);
    if (!tool->json)
        ticket_print_table(stdout, list, count);
    free(list);
    return TALLY_OK;
}

enum tally_error card_dump(const struct tool *tool)
{
    struct tool_card tc;
    struct tally_card_state state;
    json_t *all = json_object();
    enum tally_error e = tool_card_open(tool, &tc);
    if (e == TALLY_OK)
        e = tool_card_login(tool, &tc, false);
    if (e != TALLY_OK)
        goto out;
    e = tally_card_get_state(&tc.card, &state);
    if (e != TALLY_OK) {
        e = tool_card_fail(tool, &tc, e, "status");
        goto out;
    }
    json_object_set_new(all, "state", card_state_to_json(&state));
    if (!tool->json)
        card_print_state(&state);
    if (state.identified) {
        e = dump_objects(tool, &tc, all);
        if (e == TALLY_OK)
            e = dump_operators(tool, &tc, all);
        if (e == TALLY_OK && state.life_cycle != LIFE_BLANK && state.life_cycle != LIFE_BLOCKED)
            e = dump_tickets(tool, &tc, all);
    }
    if (e == TALLY_OK && tool->json)
        e = tool_print_json(json_incref(all));
out:
    json_decref(all);
    tool_card_close(&tc);
    return e;
}

enum tally_error card_new_pin(const struct tool *tool, char pin[TOOL_PIN_SIZE])
{
    const char *given = tally_config_string(tool->config, "new-pin");
    const char *path = tally_config_string(tool->config, "new-pin-file");
    enum tally_error e = TALLY_OK;
    pin[0] = '\0';
    if (path != NULL)
        e = tool_read_line(path, pin, TOOL_PIN_SIZE);
    else if (given != NULL)
        snprintf(pin, TOOL_PIN_SIZE, "%s", given);
    else
        e = tool_ask(tool, "new PIN", pin, TOOL_PIN_SIZE);
    if (path != NULL && e != TALLY_OK)
        return tool_fail(tool, TALLY_E_USAGE, "%s: %s", path, tally_error_text(e));
    if (e == TALLY_OK && !tally_card_pin_valid(pin))
        e = tool_fail(tool, TALLY_E_USAGE, "a PIN has 4 to 12 digits");
    return e;
}

static enum tally_error change_pin(const struct tool *tool, struct tool_card *tc)
{
    char old_pin[TOOL_PIN_SIZE] = "", fresh[TOOL_PIN_SIZE] = "";
    enum tally_error e = tool_read_pin(tool, "PIN", old_pin);
    if (e == TALLY_OK)
        e = card_new_pin(tool, fresh);
    if (e == TALLY_OK && (e = tally_card_change_pin(&tc->card, old_pin, fresh)) != TALLY_OK)
        e = tool_card_fail(tool, tc, e, "change PIN");
    tally_wipe(old_pin, sizeof old_pin);
    tally_wipe(fresh, sizeof fresh);
    return e;
}

enum tally_error card_pin(const struct tool *tool)
{
    struct tool_card tc;
    struct tally_card_state state;
    const char *what = tool->operands[1];
    bool change = strcmp(what, "change") == 0;
    if (strcmp(what, "reset") == 0)
        return card_reset_pin(tool);
    if (!change && strcmp(what, "status") != 0)
        return tool_fail(tool, TALLY_E_USAGE, "pin: status, change or reset?");
    enum tally_error e = tool_card_open(tool, &tc);
    if (e == TALLY_OK && tally_card_select(&tc.card, TALLY_AID_TICKET) != TALLY_OK)
        e = tool_card_fail(tool, &tc, tc.card.error.error, "select");
    if (e == TALLY_OK && change)
        e = change_pin(tool, &tc);
    if (e == TALLY_OK && !change) {
        e = tally_card_get_state(&tc.card, &state);
        if (e != TALLY_OK)
            e = tool_card_fail(tool, &tc, e, "status");
        else if (tool->json)
            e = tool_print_json(json_pack("{s:i}", "pin_tries_left", state.pin_tries_left));
        else
            printf("%u tries left\n", state.pin_tries_left);
    }
    tool_card_close(&tc);
    return e;
}
