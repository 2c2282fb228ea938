#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "host/ticketing/json_values.h"
#include "reader-tools/common/ticket_text.h"
#include "reader-tools/kiosk/kiosk.h"

static void print_amount(const struct job *job, const char *member, const char *label, uint16_t currency)
{
    char text[64];
    const json_t *amount = json_object_get(job->root, member);
    if (!json_is_integer(amount))
        return;
    money_text(json_integer_value(amount), currency, text, sizeof text);
    printf("  %-10s %s\n", label, text);
}

static uint16_t print_ticket(struct kiosk *k, const json_t *ticket)
{
    struct tally_card_ticket t;
    uint8_t tid[TID_SIZE];
    char when[32], price[64];
    const char *hex = json_string_value(json_object_get(ticket, "tid"));
    if (hex == NULL || !tally_hex_parse(hex, tid, TID_SIZE) || kiosk_find(k, tid, &t) != TALLY_OK)
        return 0;
    service_time_text(t.face.service_date, t.face.service_minute, when, sizeof when);
    money_text(t.face.price, t.face.currency, price, sizeof price);
    printf("  %s  %.8s  %s  coach %u seat %.3s  class %u  %s\n", hex, t.face.service, when, t.face.coach,
           t.face.seat, t.face.fare_class, price);
    return t.face.currency;
}

static enum tally_error print_json(struct kiosk *k, const struct job *job)
{
    json_t *o = json_copy(job->root);
    (void)k;
    json_object_del(o, "key");
    json_object_del(o, "path");
    return tool_print_json(o);
}

enum tally_error kiosk_print_receipt(struct kiosk *k, const struct job *job)
{
    static const char *const titles[] = {"Bought", "Exchanged", "Refunded"};
    uint16_t currency = (uint16_t)json_integer_value(json_object_get(job->root, "currency"));
    size_t i;
    json_t *ticket;
    if (k->tool->json)
        return print_json(k, job);
    printf("%s, card %s\n", titles[job_kind_of(job)], k->serial);
    json_array_foreach(json_object_get(job->root, "tickets"), i, ticket)
    {
        uint16_t own = print_ticket(k, ticket);
        if (currency == 0)
            currency = own;
    }
    if (job_text(job, "order") != NULL)
        printf("  %-10s %s\n", "order", job_text(job, "order"));
    print_amount(job, "total", "total", currency);
    print_amount(job, "difference", "to pay", currency);
    print_amount(job, "refund", "paid back", currency);
    printf("  %-10s %zu bytes to the card, %zu back\n", "card", k->tc.card.bytes_out, k->tc.card.bytes_in);
    fflush(stdout);
    return TALLY_OK;
}
