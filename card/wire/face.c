#include "card/wire/face.h"

#include <stddef.h>
#include <string.h>

#include "card/wire/be.h"

void face_encode(const struct ticket_face *f, uint8_t out[FACE_SIZE])
{
    out[0] = FACE_VERSION;
    out[FACE_AT_PROFILE] = f->profile;
    be16_put(out + FACE_AT_OPERATOR, f->operator_id);
    be16_put(out + 4, f->product);
    memcpy(out + FACE_AT_TID, f->tid, TID_SIZE);
    memcpy(out + FACE_AT_SERIAL, f->serial, SERIAL_SIZE);
    be32_put(out + 30, f->issued);
    be32_put(out + 34, f->valid_from);
    be32_put(out + 38, f->valid_to);
    be32_put(out + FACE_AT_SEQUENCE, f->sequence);
    be32_put(out + 46, f->replaces);
    be16_put(out + 50, f->replaces_use_counter);
    out[52] = f->flags;
    out[53] = f->holder_document;
    memcpy(out + 54, f->holder_hash, HOLDER_HASH_SIZE);
    memcpy(out + FACE_AT_SERVICE, f->service, SERVICE_SIZE);
    be16_put(out + FACE_AT_DATE, f->service_date);
    be16_put(out + FACE_AT_MINUTE, f->service_minute);
    be32_put(out + 82, f->from);
    be32_put(out + 86, f->to);
    be16_put(out + 90, f->coach);
    memcpy(out + 92, f->seat, SEAT_SIZE);
    out[95] = f->fare_class;
    out[96] = f->fare_type;
    be32_put(out + 97, f->price);
    be16_put(out + 101, f->currency);
    out[103] = f->max_entries;
    out[104] = f->max_temporary_exits;
    be32_put(out + 105, f->point_of_sale);
    be32_put(out + 109, f->zone_map);
    out[113] = f->suite;
    out[114] = f->key_version;
}

static void read_fields(const uint8_t *in, struct ticket_face *f)
{
    f->profile = in[FACE_AT_PROFILE];
    f->operator_id = be16_get(in + FACE_AT_OPERATOR);
    f->product = be16_get(in + 4);
    memcpy(f->tid, in + FACE_AT_TID, TID_SIZE);
    memcpy(f->serial, in + FACE_AT_SERIAL, SERIAL_SIZE);
    f->issued = be32_get(in + 30);
    f->valid_from = be32_get(in + 34);
    f->valid_to = be32_get(in + 38);
    f->sequence = be32_get(in + FACE_AT_SEQUENCE);
    f->replaces = be32_get(in + 46);
    f->replaces_use_counter = be16_get(in + 50);
    f->flags = in[52];
    f->holder_document = in[53];
    memcpy(f->holder_hash, in + 54, HOLDER_HASH_SIZE);
    memcpy(f->service, in + FACE_AT_SERVICE, SERVICE_SIZE);
    f->service_date = be16_get(in + FACE_AT_DATE);
    f->service_minute = be16_get(in + FACE_AT_MINUTE);
    f->from = be32_get(in + 82);
    f->to = be32_get(in + 86);
    f->coach = be16_get(in + 90);
    memcpy(f->seat, in + 92, SEAT_SIZE);
    f->fare_class = in[95];
    f->fare_type = in[96];
    f->price = be32_get(in + 97);
    f->currency = be16_get(in + 101);
    f->max_entries = in[103];
    f->max_temporary_exits = in[104];
    f->point_of_sale = be32_get(in + 105);
    f->zone_map = be32_get(in + 109);
    f->suite = in[113];
    f->key_version = in[114];
}

static bool all_zero(const void *p, size_t n)
{
    const uint8_t *b = p;
    uint8_t any = 0;
    for (size_t i = 0; i < n; i++)
        any |= b[i];
    return any == 0;
}

static bool is_code_character(char c, bool dash)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (dash && c == '-');
}

/* Characters of the field's alphabet, then spaces only. may_be_empty: all spaces is allowed. */
static bool is_padded_code(const char *p, size_t n, bool dash, bool may_be_empty)
{
    size_t i = 0;
    while (i < n && is_code_character(p[i], dash))
        i++;
    bool some = i > 0;
    while (i < n && p[i] == ' ')
        i++;
    return i == n && (some || may_be_empty);
}

static bool holder_valid(const struct ticket_face *f)
{
    bool bound = (f->flags & FACE_HOLDER_BOUND) != 0;
    if (!bound)
        return f->holder_document == 0 && all_zero(f->holder_hash, HOLDER_HASH_SIZE);
    return f->holder_document >= 1 && f->holder_document <= 3;
}

static bool journey_valid(const struct ticket_face *f)
{
    return is_padded_code(f->service, SERVICE_SIZE, true, false) &&
           is_padded_code(f->seat, SEAT_SIZE, false, true) && f->service_minute < 24 * 60 &&
           f->fare_type >= 1 && f->fare_type <= 6 && f->max_entries >= 1;
}

static bool void_order_valid(const struct ticket_face *f)
{
    return f->replaces != 0 && all_zero(f->service, SERVICE_SIZE) && f->service_date == 0 &&
           f->service_minute == 0 && f->from == 0 && f->to == 0 && f->coach == 0 &&
           all_zero(f->seat, SEAT_SIZE) && f->fare_class == 0 && f->fare_type == 0 && f->max_entries == 0 &&
           f->max_temporary_exits == 0 && f->point_of_sale == 0 && f->zone_map == 0;
}

bool face_valid(const struct ticket_face *f)
{
    const uint8_t known_flags = FACE_HOLDER_BOUND | FACE_EXCHANGEABLE | FACE_REFUNDABLE;
    bool common = f->operator_id != 0 && f->sequence != 0 && f->valid_to >= f->valid_from &&
                  (f->flags & ~known_flags) == 0 && f->suite >= SUITE_P256 && f->suite <= SUITE_SM9 &&
                  f->replaces < f->sequence && (f->replaces != 0 || f->replaces_use_counter == 0) &&
                  holder_valid(f);
    if (!common)
        return false;
    switch (f->profile) {
    case PROFILE_RAIL:
    case PROFILE_ADMISSION: return journey_valid(f);
    case PROFILE_VOID: return void_order_valid(f);
    default: return false;
    }
}

bool face_decode(const uint8_t in[FACE_SIZE], struct ticket_face *face)
{
    read_fields(in, face);
    if (in[0] == FACE_VERSION && face_valid(face))
        return true;
    memset(face, 0, sizeof *face);
    return false;
}
