#include "host/ticketing/face_json.h"

#include <stddef.h>
#include <string.h>

/* The members that are plain integers, with their ranges: one table for both directions. */
struct number_field {
    const char *name;
    size_t offset;
    uint8_t width;
    bool issuer; /* filled in by the authentication server */
};

#define FIELD(member, by_issuer)                                                                             \
    {                                                                                                        \
#member, offsetof(struct ticket_face, member), sizeof((struct ticket_face *)0)->member, by_issuer    \
    }

static const struct number_field numbers[] = {
    FIELD(profile, false),
    FIELD(operator_id, false),
    FIELD(product, false),
    FIELD(issued, false),
    FIELD(valid_from, false),
    FIELD(valid_to, false),
    FIELD(sequence, true),
    FIELD(replaces, true),
    FIELD(replaces_use_counter, true),
    FIELD(flags, false),
    FIELD(holder_document, false),
    FIELD(service_minute, false),
    FIELD(from, false),
    FIELD(to, false),
    FIELD(coach, false),
    FIELD(fare_class, false),
    FIELD(fare_type, false),
    FIELD(price, false),
    FIELD(currency, false),
    FIELD(max_entries, false),
    FIELD(max_temporary_exits, false),
    FIELD(point_of_sale, false),
    FIELD(zone_map, false),
    FIELD(suite, true),
    FIELD(key_version, true),
};

enum { NUMBERS = sizeof numbers / sizeof *numbers };

static uint32_t number_get(const struct ticket_face *face, const struct number_field *f)
{
    const uint8_t *at = (const uint8_t *)face + f->offset;
    uint16_t two;
    uint32_t four;
    switch (f->width) {
    case 1: return *at;
    case 2: memcpy(&two, at, 2); return two;
    default: memcpy(&four, at, 4); return four;
    }
}

static void number_set(struct ticket_face *face, const struct number_field *f, uint32_t value)
{
    uint8_t *at = (uint8_t *)face + f->offset;
    uint16_t two = (uint16_t)value;
    switch (f->width) {
    case 1: *at = (uint8_t)value; break;
    case 2: memcpy(at, &two, 2); break;
    default: memcpy(at, &value, 4);
    }
}

json_t *tally_face_to_json(const struct ticket_face *face)
{
    char date[TALLY_DATE_TEXT];
    json_t *json = json_object();
    tally_date_format(face->service_date, date);
    int bad = tally_json_set_hex(json, "tid", face->tid, TID_SIZE) |
              tally_json_set_hex(json, "serial", face->serial, SERIAL_SIZE) |
              tally_json_set_hex(json, "holder_hash", face->holder_hash, HOLDER_HASH_SIZE) |
              tally_json_set_padded(json, "service", face->service, SERVICE_SIZE) |
              tally_json_set_padded(json, "seat", face->seat, SEAT_SIZE) |
              json_object_set_new(json, "service_date", json_string(date));
    for (size_t i = 0; i < NUMBERS; i++)
        bad |= json_object_set_new(json, numbers[i].name, json_integer(number_get(face, &numbers[i])));
    if (bad != 0) {
        json_decref(json);
        return NULL;
    }
    return json;
}

/* Unused bytes are zero, not spaces: an empty service or seat of a void order. */
static void unused_are_zero(struct ticket_face *face)
{
    if (face->service[0] == ' ')
        memset(face->service, 0, SERVICE_SIZE);
    if (face->seat[0] == ' ')
        memset(face->seat, 0, SEAT_SIZE);
}

enum tally_error tally_face_from_json(const json_t *json, struct ticket_face *face, struct tally_json *in)
{
    memset(face, 0, sizeof *face);
    tally_json_begin(in, json);
    tally_json_bytes(in, "tid", face->tid, TID_SIZE);
    tally_json_bytes(in, "serial", face->serial, SERIAL_SIZE);
    tally_json_bytes(in, "holder_hash", face->holder_hash, HOLDER_HASH_SIZE);
    tally_json_padded(in, "service", 0, face->service, SERVICE_SIZE, true);
    tally_json_padded(in, "seat", 0, face->seat, SEAT_SIZE, false);
    face->service_date = tally_json_date(in, "service_date");
    for (size_t i = 0; i < NUMBERS; i++) {
        if (numbers[i].issuer)
            continue;
        int64_t max = (INT64_C(1) << 8 * numbers[i].width) - 1;
        number_set(face, &numbers[i], (uint32_t)tally_json_int(in, numbers[i].name, 0, max));
    }
    if (face->profile == PROFILE_VOID)
        unused_are_zero(face);
    enum tally_error e = tally_json_end(in);
    if (e != TALLY_OK)
        memset(face, 0, sizeof *face);
    return e;
}
