#include "reader-tools/common/ticket_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/base/bytes.h"
#include "host/ticketing/face_json.h"

const char *usage_event_name(uint8_t event)
{
    static const char *const names[] = {"loaded", "entry",   "temporary-exit", "re-entry", "exit",
                                        "clip",   "printed", "undo",           "deleted"};
    return event < sizeof names / sizeof *names ? names[event] : "unknown";
}

const char *usage_state_name(const struct usage_record *u)
{
    if (u->event == EVENT_DELETED)
        return "deleted";
    if (u->clipped)
        return "invalidated";
    if (u->exited)
        return "used up";
    if (u->direction == INSIDE)
        return "inside";
    if (u->direction == TEMPORARILY_OUTSIDE)
        return "outside for a while";
    return u->entries > 0 ? "left" : "unused";
}

void money_text(int64_t amount, uint16_t currency, char *out, size_t size)
{
    static const struct {
        uint16_t number;
        char code[4];
        int digits;
    } usual[] = {{156, "CNY", 2}, {978, "EUR", 2}, {840, "USD", 2},
                 {826, "GBP", 2}, {344, "HKD", 2}, {392, "JPY", 0}};
    const char *sign = amount < 0 ? "-" : "";
    uint64_t magnitude = amount < 0 ? (uint64_t)-amount : (uint64_t)amount;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (usual[i].number != currency)
            continue;
        if (usual[i].digits == 0)
            snprintf(out, size, "%s%" PRIu64 " %s", sign, magnitude, usual[i].code);
        else
            snprintf(out, size, "%s%" PRIu64 ".%02" PRIu64 " %s", sign, magnitude / 100, magnitude % 100,
                     usual[i].code);
        return;
    }
    snprintf(out, size, "%s%" PRIu64 " (currency %03u)", sign, magnitude, currency);
}

void service_time_text(uint16_t date, uint16_t minute, char *out, size_t size)
{
    char day[TALLY_DATE_TEXT];
    tally_date_format(date, day);
    snprintf(out, size, "%s %02u:%02u", day, minute / 60 % 100, minute % 60);
}

static void print_line(FILE *out, const struct tally_card_ticket *t)
{
    char tid[2 * TID_SIZE + 1], when[32], price[48], route[32];
    const struct ticket_face *f = &t->face;
    (void)tally_hex_encode(f->tid, TID_SIZE, tid, sizeof tid);
    service_time_text(f->service_date, f->service_minute, when, sizeof when);
    money_text(f->price, f->currency, price, sizeof price);
    snprintf(route, sizeof route, "%" PRIu32 "-%" PRIu32, f->from, f->to);
    fprintf(out, "%-32s %5u %-8.8s %-16s %-13s %5u %-4.3s %5u %-12s %-19s %u/%u\n", tid, f->operator_id,
            f->service, when, route, f->coach, f->seat, f->fare_class, price, usage_state_name(&t->usage),
            t->usage.entries, f->max_entries);
}

void ticket_print_table(FILE *out, const struct tally_card_ticket *tickets, size_t count)
{
    fprintf(out, "%-32s %5s %-8s %-16s %-13s %5s %-4s %5s %-12s %-19s %s\n", "TICKET", "OPER", "SERVICE",
            "WHEN", "FROM-TO", "COACH", "SEAT", "CLASS", "PRICE", "STATE", "ENTRIES");
    for (size_t i = 0; i < count; i++)
        print_line(out, &tickets[i]);
}

json_t *usage_to_json(const struct usage_record *u)
{
    return json_pack("{s:s, s:s, s:i, s:i, s:b, s:b, s:b, s:i, s:I, s:I, s:I, s:I, s:i, s:I}", "event",
                     usage_event_name(u->event), "state", usage_state_name(u), "entries", u->entries,
                     "temporary_exits", u->temporary_exits, "exited", u->exited, "clipped", u->clipped,
                     "printed", u->printed, "direction", u->direction, "gate", (json_int_t)u->gate, "station",
                     (json_int_t)u->station, "time", (json_int_t)u->time, "gate_transaction",
                     (json_int_t)u->gate_transaction, "use_counter", u->use_counter,
                     "card_transaction_counter", (json_int_t)u->card_transaction_counter);
}

json_t *ticket_to_json(const struct tally_card_ticket *ticket)
{
    json_t *object = json_object();
    if (json_object_set_new(object, "face", tally_face_to_json(&ticket->face)) == 0 &&
        json_object_set_new(object, "usage", usage_to_json(&ticket->usage)) == 0 &&
        tally_json_set_hex(object, "usage_record", ticket->usage_bytes, USAGE_SIZE) == 0)
        return object;
    json_decref(object);
    return NULL;
}
