#include "host/ticketing/sale.h"

#include <string.h>

#include "host/ticketing/json_values.h"

enum { SEATS_PER_ROW = 5 };

void tally_seat_name(uint32_t seat, uint16_t seats_per_coach, uint16_t *coach, char name[SEAT_SIZE])
{
    static const char letters[SEATS_PER_ROW] = {'A', 'B', 'C', 'D', 'F'};
    uint32_t in_coach = seat % seats_per_coach, row = in_coach / SEATS_PER_ROW + 1;
    *coach = (uint16_t)(seat / seats_per_coach + 1);
    name[0] = (char)('0' + row / 10);
    name[1] = (char)('0' + row % 10);
    name[2] = letters[in_coach % SEATS_PER_ROW];
}

static uint8_t face_flags(const struct tally_sale *sale)
{
    return (uint8_t)((sale->holder_document != 0 ? FACE_HOLDER_BOUND : 0) |
                     (sale->product->exchangeable ? FACE_EXCHANGEABLE : 0) |
                     (sale->product->refundable ? FACE_REFUNDABLE : 0));
}

void tally_sale_face(const struct tally_sale *sale, struct ticket_face *face)
{
    const struct tally_product *product = sale->product;
    const struct tally_offer *service = sale->service;
    int64_t from = tally_date_seconds(service->date) - (int64_t)sale->utc_offset_minutes * 60;
    *face = (struct ticket_face){.profile = product->profile,
                                 .operator_id = product->operator_id,
                                 .product = product->id,
                                 .issued = (uint32_t)sale->now,
                                 .valid_from = (uint32_t)from,
                                 .valid_to = (uint32_t)(from + TALLY_VALIDITY_S),
                                 .flags = face_flags(sale),
                                 .holder_document = sale->holder_document,
                                 .service_date = service->date,
                                 .service_minute = service->minute,
                                 .from = service->from,
                                 .to = service->to,
                                 .fare_class = sale->fare_class,
                                 .fare_type = sale->fare_type,
                                 .price = product->price,
                                 .currency = product->currency,
                                 .max_entries = product->max_entries,
                                 .max_temporary_exits = product->max_temporary_exits,
                                 .point_of_sale = sale->point_of_sale,
                                 .zone_map = product->zone_map};
    memcpy(face->tid, sale->tid, TID_SIZE);
    memcpy(face->serial, sale->serial, SERIAL_SIZE);
    memcpy(face->service, service->name, SERVICE_SIZE);
    if (sale->holder_document != 0)
        memcpy(face->holder_hash, sale->holder_hash, HOLDER_HASH_SIZE);
    tally_seat_name(sale->seat, service->seats_per_coach, &face->coach, face->seat);
}

void tally_void_face(const struct ticket_face *old, const uint8_t tid[TID_SIZE], uint32_t refund, int64_t now,
                     struct ticket_face *face)
{
    *face = (struct ticket_face){.profile = PROFILE_VOID,
                                 .operator_id = old->operator_id,
                                 .product = old->product,
                                 .issued = (uint32_t)now,
                                 .valid_from = old->valid_from,
                                 .valid_to = old->valid_to,
                                 .price = refund,
                                 .currency = old->currency};
    memcpy(face->tid, tid, TID_SIZE);
    memcpy(face->serial, old->serial, SERIAL_SIZE);
}

enum tally_sale_verdict tally_refund(const struct ticket_face *old, const struct usage_record *usage,
                                     uint32_t *amount)
{
    *amount = 0;
    if ((old->flags & FACE_REFUNDABLE) == 0)
        return SALE_NOT_ALLOWED;
    if (usage->entries > 0 || usage->clipped || usage->exited || usage->direction != OUTSIDE)
        return SALE_USED;
    *amount = old->price;
    return SALE_OK;
}

enum tally_sale_verdict tally_exchange(const struct ticket_face *old, const struct usage_record *usage,
                                       uint32_t new_price, int64_t *difference)
{
    *difference = 0;
    if ((old->flags & FACE_EXCHANGEABLE) == 0)
        return SALE_NOT_ALLOWED;
    if (usage->clipped || usage->exited)
        return SALE_USED_UP;
    if (usage->direction != OUTSIDE)
        return SALE_INSIDE;
    *difference = usage->entries == 0 ? (int64_t)new_price - (int64_t)old->price : (int64_t)new_price;
    return SALE_OK;
}

const char *tally_sale_verdict_text(enum tally_sale_verdict verdict)
{
    switch (verdict) {
    case SALE_OK: return "allowed";
    case SALE_NOT_ALLOWED: return "the product does not allow it";
    case SALE_USED: return "the ticket was used";
    case SALE_USED_UP: return "the ticket is used up";
    case SALE_INSIDE: return "the holder has not left";
    }
    return "unknown";
}
