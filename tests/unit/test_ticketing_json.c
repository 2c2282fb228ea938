/* Ticket faces as JSON, dates and numbers in texts, and the table of ticket states. */
#include "host/ticketing/face_json.h"
#include "host/ticketing/ticket_state.h"
#include "tests/support/check_main.h"

#include <string.h>

static struct ticket_face sample(void)
{
    struct ticket_face f = {.profile = PROFILE_RAIL,
                            .operator_id = 1,
                            .product = 7,
                            .issued = 4000000000,
                            .valid_from = 4000000000,
                            .valid_to = UINT32_MAX,
                            .flags = FACE_HOLDER_BOUND,
                            .holder_document = 1,
                            .service_date = 9700,
                            .service_minute = 1439,
                            .from = 4,
                            .to = UINT32_MAX,
                            .coach = 65535,
                            .fare_class = 2,
                            .fare_type = 1,
                            .price = 55300,
                            .currency = 156,
                            .max_entries = 1,
                            .max_temporary_exits = 255,
                            .point_of_sale = 9,
                            .zone_map = 0x80000001};
    memset(f.tid, 0xA1, sizeof f.tid);
    memset(f.serial, 0x5C, sizeof f.serial);
    memset(f.holder_hash, 0x77, sizeof f.holder_hash);
    memcpy(f.service, "G123    ", SERVICE_SIZE);
    memcpy(f.seat, "05F", SEAT_SIZE);
    return f;
}

static const char *const issuer_members[] = {"sequence", "replaces", "replaces_use_counter", "suite",
                                             "key_version"};

static json_t *sample_json(const struct ticket_face *face)
{
    json_t *json = tally_face_to_json(face);
    ck_assert_ptr_nonnull(json);
    for (size_t i = 0; i < sizeof issuer_members / sizeof *issuer_members; i++)
        ck_assert_int_eq(json_object_del(json, issuer_members[i]), 0);
    return json;
}

START_TEST(face_survives_json)
{
    struct ticket_face face = sample(), back;
    struct tally_json in;
    json_t *json = sample_json(&face);
    ck_assert_int_eq(tally_face_from_json(json, &back, &in), TALLY_OK);
    uint8_t a[FACE_SIZE], b[FACE_SIZE];
    face_encode(&face, a);
    face_encode(&back, b);
    ck_assert_mem_eq(a, b, FACE_SIZE);
    ck_assert_str_eq(json_string_value(json_object_get(json, "service")), "G123");
    ck_assert_str_eq(json_string_value(json_object_get(json, "service_date")), "2026-07-23");
    json_decref(json);
}
END_TEST

START_TEST(void_order_has_zero_service)
{
    struct ticket_face face = sample(), back;
    struct tally_json in;
    face.profile = PROFILE_VOID;
    memset(face.service, 0, SERVICE_SIZE);
    memset(face.seat, 0, SEAT_SIZE);
    json_t *json = sample_json(&face);
    ck_assert_int_eq(tally_face_from_json(json, &back, &in), TALLY_OK);
    ck_assert_mem_eq(back.service, face.service, SERVICE_SIZE);
    ck_assert_mem_eq(back.seat, face.seat, SEAT_SIZE);
    json_decref(json);
}
END_TEST

START_TEST(issuer_members_are_refused)
{
    struct ticket_face face = sample(), back;
    for (size_t i = 0; i < sizeof issuer_members / sizeof *issuer_members; i++) {
        struct tally_json in;
        json_t *json = sample_json(&face);
        json_object_set_new(json, issuer_members[i], json_integer(1));
        ck_assert_int_eq(tally_face_from_json(json, &back, &in), TALLY_E_FORMAT);
        json_decref(json);
    }
}
END_TEST

/* Each member wrong in turn: missing, of another type, out of range. */
START_TEST(bad_members_are_named)
{
    struct ticket_face face = sample(), back, zero;
    memset(&zero, 0, sizeof zero);
    json_t *good = sample_json(&face);
    const char *name;
    json_t *value;
    json_object_foreach(good, name, value)
    {
        json_t *bad_values[] = {NULL,
                                json_true(),
                                json_integer(-1),
                                json_integer(INT64_C(1) << 32),
                                json_string("ab_"),
                                json_string("G12345678")};
        for (size_t i = 0; i < sizeof bad_values / sizeof *bad_values; i++) {
            struct tally_json in;
            json_t *json = json_copy(good);
            if (i == 0)
                json_object_del(json, name);
            else
                json_object_set_new(json, name, bad_values[i]);
            ck_assert_msg(tally_face_from_json(json, &back, &in) == TALLY_E_FORMAT, "%s, value %zu", name, i);
            ck_assert_str_eq(in.field + 1, name);
            ck_assert_mem_eq(&back, &zero, sizeof zero);
            json_decref(json);
        }
    }
    json_decref(good);
}
END_TEST

START_TEST(dates)
{
    static const struct {
        const char *text;
        uint16_t days;
    } good[] = {{"2000-01-01", 0},     {"2000-02-29", 59},    {"2001-01-01", 366},
                {"2100-02-28", 36583}, {"2100-03-01", 36584}, {"2179-06-06", 65535}};
    static const char *const bad[] = {"2001-02-29", "2100-02-29", "2000-13-01",  "2000-00-10",
                                      "2000-01-32", "1999-12-31", "2179-06-07",  "2000-1-01",
                                      "2000/01/01", "",           "2000-01-01 ", "+200-01-01"};
    char text[TALLY_DATE_TEXT];
    uint16_t days;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        ck_assert(tally_date_parse(good[i].text, &days));
        ck_assert_uint_eq(days, good[i].days);
        tally_date_format(days, text);
        ck_assert_str_eq(text, good[i].text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!tally_date_parse(bad[i], &days) && days == 0, "%s", bad[i]);
    for (uint32_t d = 0; d <= UINT16_MAX; d += 17) {
        tally_date_format((uint16_t)d, text);
        ck_assert(tally_date_parse(text, &days) && days == d);
    }
    ck_assert_int_eq(tally_date_seconds(0), 946684800);
}
END_TEST

START_TEST(texts_are_read_strictly)
{
    uint32_t value;
    char padded[4];
    uint8_t bytes[2];
    ck_assert(tally_number_parse("0", 0, 9, &value) && value == 0);
    ck_assert(tally_number_parse("4294967295", 0, UINT32_MAX, &value) && value == UINT32_MAX);
    static const char *const numbers[] = {"",   "-1", "+1", "01", "4294967296", "99999999999",
                                          "1 ", " 1", "1a"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        ck_assert_msg(!tally_number_parse(numbers[i], 0, UINT32_MAX, &value) && value == 0, "%s", numbers[i]);
    ck_assert(!tally_number_parse("10", 0, 9, &value));
    ck_assert(tally_padded_parse("G-1", padded, sizeof padded, true) && memcmp(padded, "G-1 ", 4) == 0);
    ck_assert(!tally_padded_parse("G-1", padded, sizeof padded, false) && memcmp(padded, "    ", 4) == 0);
    ck_assert(!tally_padded_parse("G1234", padded, sizeof padded, true));
    ck_assert(!tally_padded_parse("g1", padded, sizeof padded, true));
    ck_assert(!tally_padded_parse("G 1", padded, sizeof padded, true));
    ck_assert(tally_hex_parse("00ff", bytes, sizeof bytes) && bytes[1] == 0xFF);
    static const char *const hex[] = {"00FF", "00f", "00ff0", "", "00fg"};
    for (size_t i = 0; i < sizeof hex / sizeof *hex; i++)
        ck_assert_msg(!tally_hex_parse(hex[i], bytes, sizeof bytes) && bytes[1] == 0, "%s", hex[i]);
}
END_TEST

START_TEST(ticket_states)
{
    /* Every allowed transition of specs/ticketing.md; all others are refused and change nothing. */
    static const struct {
        enum tally_ticket_state from;
        enum tally_ticket_event event;
        enum tally_ticket_state to;
    } allowed[] = {
        {TICKET_ORDERED, TICKET_CONFIRM, TICKET_ISSUED},
        {TICKET_ORDERED, TICKET_CANCEL, TICKET_CANCELLED},
        {TICKET_ISSUED, TICKET_LOAD, TICKET_LOADED},
        {TICKET_ISSUED, TICKET_CANCEL, TICKET_CANCELLED},
        {TICKET_LOADED, TICKET_EXCHANGE, TICKET_EXCHANGING},
        {TICKET_LOADED, TICKET_REFUND, TICKET_REFUNDING},
        {TICKET_EXCHANGING, TICKET_DELETE, TICKET_EXCHANGED},
        {TICKET_EXCHANGING, TICKET_ABANDON, TICKET_LOADED},
        {TICKET_REFUNDING, TICKET_DELETE, TICKET_REFUNDED},
        {TICKET_REFUNDING, TICKET_ABANDON, TICKET_LOADED},
    };
    size_t found = 0;
    for (int s = 0; s <= TICKET_STATE_COUNT; s++) {
        for (int e = 0; e <= TICKET_EVENT_COUNT; e++) {
            enum tally_ticket_state next, want = (enum tally_ticket_state)s;
            bool may = false;
            for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
                if ((int)allowed[i].from == s && (int)allowed[i].event == e) {
                    may = true;
                    want = allowed[i].to;
                    found++;
                }
            }
            ck_assert(tally_ticket_next((enum tally_ticket_state)s, (enum tally_ticket_event)e, &next) ==
                      may);
            ck_assert_int_eq(next, want);
        }
    }
    ck_assert_uint_eq(found, sizeof allowed / sizeof *allowed);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ticketing json");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, face_survives_json);
    tcase_add_test(tc, void_order_has_zero_service);
    tcase_add_test(tc, issuer_members_are_refused);
    tcase_add_test(tc, bad_members_are_named);
    tcase_add_test(tc, dates);
    tcase_add_test(tc, texts_are_read_strictly);
    tcase_add_test(tc, ticket_states);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    return tally_check_main(suite, NULL);
}
