#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/ticketing/json_values.h"
#include "reader-tools/card/commands.h"
#include "reader-tools/common/ticket_text.h"

static const char *reader_state(const struct tally_reader *r)
{
    if (r->exclusive)
        return "in exclusive use";
    if (r->mute)
        return "card does not answer";
    if (r->card)
        return r->in_use ? "card, in use" : "card";
    return "empty";
}

static json_t *reader_to_json(size_t index, const struct tally_reader *r)
{
    json_t *object = json_pack("{s:I, s:s, s:b, s:s}", "index", (json_int_t)index, "name", r->name, "card",
                               r->card, "state", reader_state(r));
    if (object != NULL && tally_json_set_hex(object, "atr", r->atr, r->atr_len) == 0)
        return object;
    json_decref(object);
    return NULL;
}

enum tally_error card_list(const struct tool *tool)
{
    struct tool_card tc;
    struct tally_reader_list list;
    enum tally_error e = tool_card_open_service(tool, &tc);
    if (e != TALLY_OK)
        goto out;
    e = tally_pcsc_list(tc.pcsc, &list);
    if (e != TALLY_OK) {
        e = tool_fail(tool, e, "the PC/SC service does not run (%s)", tally_pcsc_reason(tc.pcsc));
        goto out;
    }
    json_t *array = tool->json ? json_array() : NULL;
    for (size_t i = 0; i < list.count; i++) {
        if (tool->json)
            json_array_append_new(array, reader_to_json(i, &list.reader[i]));
        else
            printf("%zu  %-40s  %s\n", i, list.reader[i].name, reader_state(&list.reader[i]));
    }
    if (tool->json)
        e = tool_print_json(array);
    if (e == TALLY_OK && list.count == 0)
        e = tool_fail(tool, TALLY_E_NO_READER, "there is no reader");
out:
    tool_card_close(&tc);
    return e;
}

json_t *card_state_to_json(const struct tally_card_state *s)
{
    char firmware[16];
    snprintf(firmware, sizeof firmware, "%u.%u.%u", s->firmware[0], s->firmware[1], s->firmware[2]);
    json_t *o = json_pack("{s:s, s:s, s:i, s:i, s:b, s:b, s:b}", "firmware", firmware, "life_cycle",
                          tally_card_life_text(s->life_cycle), "pin_tries_left", s->pin_tries_left,
                          "command_max", s->command_max, "p256", s->suites >> (SUITE_P256 - 1) & 1, "rsa",
                          s->suites >> (SUITE_RSA - 1) & 1, "sm9", s->suites >> (SUITE_SM9 - 1) & 1);
    if (o == NULL || !s->identified)
        return o;
    json_t *more = json_pack("{s:I, s:i, s:i, s:i, s:i, s:I, s:I, s:I, s:i}", "card_transaction_counter",
                             (json_int_t)s->transaction_counter, "tickets", s->tickets, "free_p256",
                             s->free_p256, "free_rsa", s->free_rsa, "free_sm9", s->free_sm9, "free_bytes",
                             (json_int_t)s->free_bytes, "erases_min", (json_int_t)s->erases_min, "erases_max",
                             (json_int_t)s->erases_max, "key_version", s->key_version);
    if (json_object_update_new(o, more) == 0 &&
        tally_json_set_hex(o, "serial", s->serial, SERIAL_SIZE) == 0 &&
        tally_json_set_hex(o, "chip_id", s->chip_id, CHIP_ID_SIZE) == 0)
        return o;
    json_decref(o);
    return NULL;
}

void card_print_state(const struct tally_card_state *s)
{
    char serial[2 * SERIAL_SIZE + 1], chip[2 * CHIP_ID_SIZE + 1];
    printf("firmware        %u.%u.%u\n", s->firmware[0], s->firmware[1], s->firmware[2]);
    printf("life cycle      %s\n", tally_card_life_text(s->life_cycle));
    printf("PIN tries left  %u\n", s->pin_tries_left);
    printf("command data    %u bytes at most\n", s->command_max);
    printf("suites         %s%s%s\n", s->suites & 1 << (SUITE_P256 - 1) ? " P-256" : "",
           s->suites & 1 << (SUITE_RSA - 1) ? " RSA-2048" : "",
           s->suites & 1 << (SUITE_SM9 - 1) ? " SM9" : "");
    if (!s->identified)
        return;
    (void)tally_hex_encode(s->serial, SERIAL_SIZE, serial, sizeof serial);
    (void)tally_hex_encode(s->chip_id, CHIP_ID_SIZE, chip, sizeof chip);
    printf("serial          %s\n", serial);
    printf("chip            %s\n", chip);
    printf("tickets         %u, room for %u (P-256), %u (RSA) or %u (SM9), %" PRIu32 " bytes\n", s->tickets,
           s->free_p256, s->free_rsa, s->free_sm9, s->free_bytes);
    printf("transactions    %" PRIu32 "\n", s->transaction_counter);
    printf("erases          %" PRIu32 " to %" PRIu32 " a page\n", s->erases_min, s->erases_max);
    printf("card key        version %u\n", s->key_version);
}

static const char *suite_name(uint8_t suite)
{
    static const char *const names[] = {"-", "P-256", "RSA", "SM9"};
    return suite < sizeof names / sizeof *names ? names[suite] : "?";
}

json_t *card_operators_to_json(const struct tally_card_operator *list, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            array, json_pack("{s:i, s:s, s:s, s:I, s:i, s:i, s:i}", "operator", list[i].operator_id, "state",
                             list[i].state == 1 ? "active" : "removed", "suite", suite_name(list[i].suite),
                             "package_version", (json_int_t)list[i].package_version, "key6_version",
                             list[i].key6_version, "sub_key_version", list[i].sub_key_version,
                             "sub_key_floor", list[i].sub_key_floor));
    return array;
}

void card_print_operators(const struct tally_card_operator *list, size_t count)
{
    printf("%-8s %-8s %-6s %8s %6s %8s %6s\n", "OPERATOR", "STATE", "SUITE", "PACKAGE", "KEY 6", "SUB-KEY",
           "FLOOR");
    for (size_t i = 0; i < count; i++)
        printf("%-8u %-8s %-6s %8" PRIu32 " %6u %8u %6u\n", list[i].operator_id,
               list[i].state == 1 ? "active" : "removed", suite_name(list[i].suite), list[i].package_version,
               list[i].key6_version, list[i].sub_key_version, list[i].sub_key_floor);
}

enum tally_error card_info(const struct tool *tool)
{
    struct tool_card tc;
    struct tally_card_state state;
    enum tally_error e = tool_card_open(tool, &tc);
    if (e == TALLY_OK)
        e = tool_card_login(tool, &tc, false);
    if (e != TALLY_OK)
        goto out;
    e = tally_card_get_state(&tc.card, &state);
    if (e != TALLY_OK)
        e = tool_card_fail(tool, &tc, e, "status");
    else if (tool->json)
        e = tool_print_json(card_state_to_json(&state));
    else
        card_print_state(&state);
out:
    tool_card_close(&tc);
    return e;
}

enum tally_error card_read_criterion(const struct tool *tool, uint16_t *date, char service[SERVICE_SIZE],
                                     const char **found)
{
    const char *day = tally_config_string(tool->config, "date");
    const char *name = tally_config_string(tool->config, "service");
    *date = 0;
    *found = NULL;
    if (day != NULL && !tally_date_parse(day, date))
        return tool_fail(tool, TALLY_E_USAGE, "%s: not a date (YYYY-MM-DD)", day);
    if (name == NULL)
        return TALLY_OK;
    memset(service, ' ', SERVICE_SIZE);
    memcpy(service, name, strnlen(name, SERVICE_SIZE));
    *found = service;
    return TALLY_OK;
}

enum tally_error card_tickets(const struct tool *tool)
{
    struct tool_card tc = {.pcsc = NULL};
    struct tally_card_ticket *list = NULL;
    char padded[SERVICE_SIZE];
    const char *service;
    uint16_t date;
    size_t count;
    enum tally_error e = card_read_criterion(tool, &date, padded, &service);
    if (e == TALLY_OK)
        e = tool_card_open(tool, &tc);
    if (e == TALLY_OK)
        e = tool_card_login(tool, &tc, true);
    if (e != TALLY_OK)
        goto out;
    e = tally_card_read_all(&tc.card, date, service, &list, &count);
    if (e != TALLY_OK) {
        e = tool_card_fail(tool, &tc, e, "read");
    } else if (tool->json) {
        json_t *array = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(array, ticket_to_json(&list[i]));
        e = tool_print_json(array);
    } else {
        ticket_print_table(stdout, list, count);
    }
out:
    free(list);
    tool_card_close(&tc);
    return e;
}
