/* The codecs of card/wire: every rule of specs/formats.md, and that one value has one encoding. */
#include <string.h>

#include "card/wire/be.h"
#include "card/wire/face.h"
#include "card/wire/tlv.h"
#include "card/wire/usage.h"
#include "tests/support/check_main.h"

static struct ticket_face rail_face(void)
{
    struct ticket_face f = {.profile = PROFILE_RAIL,
                            .operator_id = 0x1234,
                            .product = 7,
                            .issued = 1000,
                            .valid_from = 2000,
                            .valid_to = 3000,
                            .sequence = 9,
                            .flags = FACE_HOLDER_BOUND | FACE_EXCHANGEABLE,
                            .holder_document = 2,
                            .service_date = 9800,
                            .service_minute = 1439,
                            .from = 11,
                            .to = 12,
                            .coach = 3,
                            .fare_class = 2,
                            .fare_type = 1,
                            .price = 12300,
                            .currency = 156,
                            .max_entries = 2,
                            .max_temporary_exits = 1,
                            .point_of_sale = 77,
                            .zone_map = 5,
                            .suite = SUITE_P256,
                            .key_version = 4};
    memset(f.tid, 0xa1, sizeof f.tid);
    memset(f.serial, 0xb2, sizeof f.serial);
    memset(f.holder_hash, 0xc3, sizeof f.holder_hash);
    memcpy(f.service, "G-101   ", SERVICE_SIZE);
    memcpy(f.seat, "12F", SEAT_SIZE);
    return f;
}

static struct ticket_face void_order(void)
{
    struct ticket_face f = {.profile = PROFILE_VOID,
                            .operator_id = 1,
                            .valid_from = 5,
                            .valid_to = 5,
                            .sequence = 10,
                            .replaces = 9,
                            .replaces_use_counter = 3,
                            .price = 12300,
                            .currency = 156,
                            .suite = SUITE_RSA};
    return f;
}

static void face_is_refused(const struct ticket_face *face)
{
    static const struct ticket_face zero;
    uint8_t bytes[FACE_SIZE];
    struct ticket_face out;
    face_encode(face, bytes);
    ck_assert(!face_valid(face));
    ck_assert(!face_decode(bytes, &out));
    ck_assert_mem_eq(&out, &zero, sizeof zero);
}

static void face_round_trips(const struct ticket_face *face)
{
    uint8_t bytes[FACE_SIZE], again[FACE_SIZE];
    struct ticket_face out;
    face_encode(face, bytes);
    ck_assert(face_decode(bytes, &out));
    face_encode(&out, again);
    ck_assert_mem_eq(bytes, again, FACE_SIZE);
}

START_TEST(face_of_each_profile_round_trips)
{
    struct ticket_face f = rail_face();
    face_round_trips(&f);
    f.profile = PROFILE_ADMISSION;
    memcpy(f.seat, "   ", SEAT_SIZE);
    face_round_trips(&f);
    f = void_order();
    face_round_trips(&f);
}
END_TEST

START_TEST(face_fields_lie_where_the_specification_says)
{
    struct ticket_face f = rail_face();
    f.replaces = 8;
    f.replaces_use_counter = 0x0506;
    uint8_t b[FACE_SIZE];
    face_encode(&f, b);
    ck_assert_uint_eq(b[0], 1);
    ck_assert_uint_eq(b[1], PROFILE_RAIL);
    ck_assert_uint_eq(be16_get(b + 2), 0x1234);
    ck_assert_uint_eq(be16_get(b + 4), 7);
    ck_assert_mem_eq(b + 6, f.tid, 16);
    ck_assert_mem_eq(b + 22, f.serial, 8);
    ck_assert_uint_eq(be32_get(b + 30), 1000);
    ck_assert_uint_eq(be32_get(b + 34), 2000);
    ck_assert_uint_eq(be32_get(b + 38), 3000);
    ck_assert_uint_eq(be32_get(b + 42), 9);
    ck_assert_uint_eq(be32_get(b + 46), 8);
    ck_assert_uint_eq(be16_get(b + 50), 0x0506);
    ck_assert_uint_eq(b[52], 3);
    ck_assert_uint_eq(b[53], 2);
    ck_assert_mem_eq(b + 54, f.holder_hash, 16);
    ck_assert_mem_eq(b + 70, "G-101   ", 8);
    ck_assert_uint_eq(be16_get(b + 78), 9800);
    ck_assert_uint_eq(be16_get(b + 80), 1439);
    ck_assert_uint_eq(be32_get(b + 82), 11);
    ck_assert_uint_eq(be32_get(b + 86), 12);
    ck_assert_uint_eq(be16_get(b + 90), 3);
    ck_assert_mem_eq(b + 92, "12F", 3);
    ck_assert_uint_eq(b[95], 2);
    ck_assert_uint_eq(b[96], 1);
    ck_assert_uint_eq(be32_get(b + 97), 12300);
    ck_assert_uint_eq(be16_get(b + 101), 156);
    ck_assert_uint_eq(b[103], 2);
    ck_assert_uint_eq(b[104], 1);
    ck_assert_uint_eq(be32_get(b + 105), 77);
    ck_assert_uint_eq(be32_get(b + 109), 5);
    ck_assert_uint_eq(b[113], SUITE_P256);
    ck_assert_uint_eq(b[114], 4);
}
END_TEST

/* Breaks one rule of a face that is otherwise right. */
#define BROKEN_FACE(face, statement)                                                                         \
    do {                                                                                                     \
        struct ticket_face f = (face);                                                                       \
        statement;                                                                                           \
        face_is_refused(&f);                                                                                 \
    } while (0)

START_TEST(face_that_breaks_a_common_rule_is_refused)
{
    BROKEN_FACE(rail_face(), f.profile = 0);
    BROKEN_FACE(rail_face(), f.profile = 4);
    BROKEN_FACE(rail_face(), f.operator_id = 0);
    BROKEN_FACE(rail_face(), f.sequence = 0);
    BROKEN_FACE(rail_face(), f.valid_to = f.valid_from - 1);
    BROKEN_FACE(rail_face(), f.flags |= 8);
    BROKEN_FACE(rail_face(), f.suite = 0);
    BROKEN_FACE(rail_face(), f.suite = 4);
    BROKEN_FACE(rail_face(), f.replaces = f.sequence);
    BROKEN_FACE(rail_face(), f.replaces_use_counter = 1);
    BROKEN_FACE(rail_face(), f.holder_document = 0);
    BROKEN_FACE(rail_face(), f.holder_document = 4);
    BROKEN_FACE(rail_face(), f.flags = 0);
    BROKEN_FACE(rail_face(), (f.flags = 0, f.holder_document = 0));

    uint8_t b[FACE_SIZE];
    struct ticket_face f = rail_face();
    face_encode(&f, b);
    b[0] = 2;
    ck_assert(!face_decode(b, &f));
}
END_TEST

START_TEST(face_that_breaks_a_rule_of_its_profile_is_refused)
{
    BROKEN_FACE(rail_face(), memcpy(f.service, "        ", SERVICE_SIZE));
    BROKEN_FACE(rail_face(), memcpy(f.service, "G1 01   ", SERVICE_SIZE));
    BROKEN_FACE(rail_face(), memcpy(f.service, "g101    ", SERVICE_SIZE));
    BROKEN_FACE(rail_face(), memcpy(f.service, "G101\0\0\0\0", SERVICE_SIZE));
    BROKEN_FACE(rail_face(), memcpy(f.seat, "1-F", SEAT_SIZE));
    BROKEN_FACE(rail_face(), memcpy(f.seat, " 1F", SEAT_SIZE));
    BROKEN_FACE(rail_face(), f.service_minute = 1440);
    BROKEN_FACE(rail_face(), f.fare_type = 0);
    BROKEN_FACE(rail_face(), f.fare_type = 7);
    BROKEN_FACE(rail_face(), f.max_entries = 0);
}
END_TEST

START_TEST(void_order_with_a_journey_is_refused)
{
    BROKEN_FACE(void_order(), (f.replaces = 0, f.replaces_use_counter = 0));
    BROKEN_FACE(void_order(), f.service[7] = 'A');
    BROKEN_FACE(void_order(), f.service_date = 1);
    BROKEN_FACE(void_order(), f.service_minute = 1);
    BROKEN_FACE(void_order(), f.from = 1);
    BROKEN_FACE(void_order(), f.to = 1);
    BROKEN_FACE(void_order(), f.coach = 1);
    BROKEN_FACE(void_order(), f.seat[0] = ' ');
    BROKEN_FACE(void_order(), f.fare_class = 1);
    BROKEN_FACE(void_order(), f.fare_type = 1);
    BROKEN_FACE(void_order(), f.max_entries = 1);
    BROKEN_FACE(void_order(), f.max_temporary_exits = 1);
    BROKEN_FACE(void_order(), f.point_of_sale = 1);
    BROKEN_FACE(void_order(), f.zone_map = 1);
}
END_TEST

/* Whatever decodes encodes to the same bytes, for each value of each byte. */
static void face_is_canonical(const struct ticket_face *face)
{
    uint8_t b[FACE_SIZE], again[FACE_SIZE];
    struct ticket_face f;
    face_encode(face, b);
    for (size_t i = 0; i < FACE_SIZE; i++) {
        uint8_t saved = b[i];
        for (int v = 0; v < 256; v++) {
            b[i] = (uint8_t)v;
            if (!face_decode(b, &f))
                continue;
            face_encode(&f, again);
            ck_assert_mem_eq(b, again, FACE_SIZE);
        }
        b[i] = saved;
    }
}

START_TEST(face_has_one_encoding)
{
    struct ticket_face f = rail_face();
    face_is_canonical(&f);
    f = void_order();
    face_is_canonical(&f);
}
END_TEST

static struct usage_record some_usage(void)
{
    struct usage_record u = {.event = EVENT_TEMPORARY_EXIT,
                             .entries = 2,
                             .temporary_exits = 1,
                             .clipped = true,
                             .direction = TEMPORARILY_OUTSIDE,
                             .gate = 0x01020304,
                             .station = 0x05060708,
                             .time = 0x090a0b0c,
                             .gate_transaction = 0x0d0e0f10,
                             .use_counter = 0x1112,
                             .receipt_key_version = 0x13,
                             .authority = BY_GATE_RSA,
                             .card_transaction_counter = 0x14151617};
    memset(u.mac, 0x55, sizeof u.mac);
    return u;
}

START_TEST(usage_bytes_are_those_of_the_specification)
{
    static const uint8_t want[USAGE_SIZE] = {1,    2,    2,    1,    0,    1,    0,    2,    0x01, 0x02,
                                             0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c,
                                             0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 3,    0x14, 0x15,
                                             0x16, 0x17, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55};
    struct usage_record u = some_usage();
    uint8_t b[USAGE_SIZE];
    usage_encode(&u, b);
    ck_assert_mem_eq(b, want, USAGE_SIZE);
}
END_TEST

START_TEST(usage_has_one_encoding_and_bounded_values)
{
    static const uint8_t limits[8] = {1, EVENT_DELETED, 255, 255, 1, 1, 1, TEMPORARILY_OUTSIDE};
    static const struct usage_record zero;
    struct usage_record u = some_usage();
    uint8_t b[USAGE_SIZE], again[USAGE_SIZE];
    usage_encode(&u, b);
    for (size_t i = 0; i < USAGE_SIZE; i++) {
        uint8_t saved = b[i];
        for (int v = 0; v < 256; v++) {
            b[i] = (uint8_t)v;
            bool want = i >= 8 || (v <= limits[i] && (i != 0 || v == 1));
            if (i == 27)
                want = v <= BY_GATE_SM9;
            ck_assert_int_eq(usage_decode(b, &u), want);
            if (!want) {
                ck_assert_mem_eq(&u, &zero, sizeof zero);
                continue;
            }
            usage_encode(&u, again);
            ck_assert_mem_eq(b, again, USAGE_SIZE);
        }
        b[i] = saved;
    }
}
END_TEST

static const struct usage_place gate_1 = {.gate = 1, .station = 10, .time = 100, .gate_transaction = 1000};
static const struct usage_place gate_2 = {.gate = 2, .station = 20, .time = 200, .gate_transaction = 2000};

/* Applies events until a 0; returns the verdict of the last one. */
static enum usage_verdict run(struct usage_record *u, const struct usage_place *place, const uint8_t *events)
{
    struct ticket_face face = rail_face();
    enum usage_verdict verdict = USAGE_ALLOWED;
    for (; *events != 0; events++) {
        ck_assert_int_eq(verdict, USAGE_ALLOWED);
        verdict = usage_apply(&face, u, *events, place, u);
    }
    return verdict;
}

static enum usage_verdict after(const char *events)
{
    struct usage_record u = {0};
    return run(&u, &gate_1, (const uint8_t *)events);
}

#define ENTRY     "\1"
#define TEMPORARY "\2"
#define REENTRY   "\3"
#define EXIT      "\4"
#define CLIP      "\5"
#define PRINT     "\6"
#define UNDO      "\7"
#define DELETED   "\10"

START_TEST(usage_follows_the_table_of_events)
{
    /* Two entries and one temporary exit are allowed. */
    ck_assert_int_eq(after(ENTRY TEMPORARY REENTRY EXIT ENTRY EXIT), USAGE_ALLOWED);
    ck_assert_int_eq(after(ENTRY EXIT ENTRY EXIT ENTRY), USAGE_HAS_EXITED);
    ck_assert_int_eq(after(ENTRY EXIT ENTRY EXIT CLIP), USAGE_HAS_EXITED);
    ck_assert_int_eq(after(ENTRY ENTRY), USAGE_ALREADY_INSIDE);
    ck_assert_int_eq(after(ENTRY TEMPORARY ENTRY), USAGE_ALREADY_INSIDE);
    ck_assert_int_eq(after(TEMPORARY), USAGE_NOT_INSIDE);
    ck_assert_int_eq(after(EXIT), USAGE_NOT_INSIDE);
    ck_assert_int_eq(after(ENTRY TEMPORARY EXIT), USAGE_NOT_INSIDE);
    ck_assert_int_eq(after(REENTRY), USAGE_NOT_TEMPORARILY_OUTSIDE);
    ck_assert_int_eq(after(ENTRY REENTRY), USAGE_NOT_TEMPORARILY_OUTSIDE);
    ck_assert_int_eq(after(ENTRY TEMPORARY REENTRY TEMPORARY), USAGE_TEMPORARY_EXITS_USED_UP);
    ck_assert_int_eq(after(CLIP ENTRY), USAGE_IS_CLIPPED);
    ck_assert_int_eq(after(ENTRY TEMPORARY CLIP REENTRY), USAGE_IS_CLIPPED);
    ck_assert_int_eq(after(ENTRY CLIP EXIT ENTRY), USAGE_HAS_EXITED);
    ck_assert_int_eq(after(CLIP CLIP), USAGE_IS_CLIPPED);
    ck_assert_int_eq(after(PRINT ENTRY), USAGE_ALLOWED);
    ck_assert_int_eq(after(PRINT PRINT), USAGE_IS_PRINTED);
    ck_assert_int_eq(after(UNDO), USAGE_NOTHING_TO_UNDO);
    ck_assert_int_eq(after(CLIP UNDO), USAGE_NOTHING_TO_UNDO);
    ck_assert_int_eq(after(PRINT UNDO), USAGE_NOTHING_TO_UNDO);
    ck_assert_int_eq(after(ENTRY UNDO UNDO), USAGE_NOTHING_TO_UNDO);
    ck_assert_int_eq(after(DELETED), USAGE_NO_SUCH_EVENT);
}
END_TEST

START_TEST(usage_limits_entries_when_exit_was_not_final)
{
    struct ticket_face face = rail_face();
    struct usage_record u = {.entries = 2};
    ck_assert_int_eq(usage_apply(&face, &u, EVENT_ENTRY, &gate_1, &u), USAGE_ENTRIES_USED_UP);
    face.max_entries = 3;
    ck_assert_int_eq(usage_apply(&face, &u, EVENT_ENTRY, &gate_1, &u), USAGE_ALLOWED);
}
END_TEST

START_TEST(usage_of_an_event_names_place_and_counts)
{
    struct ticket_face face = rail_face();
    struct usage_record before = some_usage(), u;
    before.clipped = false;
    ck_assert_int_eq(usage_apply(&face, &before, EVENT_REENTRY, &gate_2, &u), USAGE_ALLOWED);
    ck_assert_uint_eq(u.event, EVENT_REENTRY);
    ck_assert_uint_eq(u.gate, 2);
    ck_assert_uint_eq(u.station, 20);
    ck_assert_uint_eq(u.time, 200);
    ck_assert_uint_eq(u.gate_transaction, 2000);
    ck_assert_uint_eq(u.use_counter, before.use_counter + 1u);
    uint8_t b[USAGE_SIZE];
    static const uint8_t zero[USAGE_CARD_PART];
    usage_encode(&u, b);
    ck_assert_mem_eq(b + USAGE_GATE_PART, zero, USAGE_CARD_PART);
}
END_TEST

START_TEST(usage_counter_never_wraps)
{
    struct ticket_face face = rail_face();
    struct usage_record u = {.use_counter = UINT16_MAX}, copy = u;
    ck_assert_int_eq(usage_apply(&face, &u, EVENT_ENTRY, &gate_1, &u), USAGE_COUNTER_EXHAUSTED);
    ck_assert_mem_eq(&u, &copy, sizeof u);
}
END_TEST

/* Walks every state within `depth` events and checks what must hold in each. */
static void walk(const struct ticket_face *face, const struct usage_record *u, int depth)
{
    ck_assert_uint_le(u->entries, face->max_entries);
    ck_assert_uint_le(u->temporary_exits, face->max_temporary_exits);
    ck_assert(!u->exited || u->direction == OUTSIDE);
    if (depth == 0)
        return;
    for (uint8_t event = 0; event <= EVENT_DELETED + 1; event++) {
        struct usage_record next, back;
        if (usage_apply(face, u, event, &gate_1, &next) != USAGE_ALLOWED) {
            ck_assert_mem_eq(&next, u, sizeof next);
            continue;
        }
        ck_assert(!(event == EVENT_ENTRY || event == EVENT_REENTRY) || !(u->clipped || u->exited));
        ck_assert_uint_eq(next.use_counter, u->use_counter + 1u);
        ck_assert_int_eq(usage_apply(face, &next, EVENT_UNDO, &gate_2, &back), USAGE_NOTHING_TO_UNDO);
        if (usage_apply(face, &next, EVENT_UNDO, &gate_1, &back) == USAGE_ALLOWED) {
            ck_assert_uint_eq(back.entries, u->entries);
            ck_assert_uint_eq(back.temporary_exits, u->temporary_exits);
            ck_assert_uint_eq(back.direction, u->direction);
            ck_assert(back.exited == u->exited && back.clipped == u->clipped && back.printed == u->printed);
        }
        walk(face, &next, depth - 1);
    }
}

START_TEST(usage_keeps_its_invariants_in_every_reachable_state)
{
    struct ticket_face face = rail_face();
    struct usage_record start = {0};
    walk(&face, &start, 10);
}
END_TEST

START_TEST(usage_that_no_events_can_have_made_is_not_undone)
{
    struct ticket_face face = rail_face();
    struct usage_record u = {.event = EVENT_ENTRY, .gate = 1, .direction = INSIDE};
    ck_assert_int_eq(usage_apply(&face, &u, EVENT_UNDO, &gate_1, &u), USAGE_NOTHING_TO_UNDO);
    u = (struct usage_record){.event = EVENT_TEMPORARY_EXIT, .gate = 1, .direction = TEMPORARILY_OUTSIDE};
    ck_assert_int_eq(usage_apply(&face, &u, EVENT_UNDO, &gate_1, &u), USAGE_NOTHING_TO_UNDO);
}
END_TEST

static uint8_t big[0x10010];

static void tlv_round_trips(uint16_t tag, size_t n, size_t header)
{
    static uint8_t value[0xffff];
    struct tlv_writer w;
    tlv_writer_init(&w, big, header + n);
    tlv_put(&w, tag, value, n);
    ck_assert(w.ok);
    ck_assert_uint_eq(w.len, header + n);

    const uint8_t *in = big;
    size_t left = w.len;
    struct tlv t;
    ck_assert(tlv_next(&in, &left, &t));
    ck_assert_uint_eq(t.tag, tag);
    ck_assert_bytes_eq(t.value, t.len, value, n);
    ck_assert_uint_eq(left, 0);
    ck_assert_ptr_eq(in, big + w.len);

    tlv_writer_init(&w, big, header + n - 1);
    tlv_put(&w, tag, value, n);
    ck_assert(!w.ok);
}

START_TEST(tlv_round_trips_at_every_edge_of_length)
{
    tlv_round_trips(0x80, 0, 2);
    tlv_round_trips(0x80, 127, 2);
    tlv_round_trips(0x80, 128, 3);
    tlv_round_trips(0x9f1f, 255, 4);
    tlv_round_trips(0x9f7f, 256, 5);
    tlv_round_trips(0xe1, 0xffff, 4);
}
END_TEST

static void tlv_is_refused(const uint8_t *bytes, size_t n)
{
    const uint8_t *in = bytes;
    size_t left = n;
    struct tlv t;
    ck_assert(!tlv_next(&in, &left, &t));
    ck_assert_ptr_eq(in, bytes);
    ck_assert_uint_eq(left, n);
    ck_assert_uint_eq(t.tag, 0);
    ck_assert_ptr_null(t.value);
}

#define REFUSED(...)                                                                                         \
    do {                                                                                                     \
        static const uint8_t bytes[] = {__VA_ARGS__};                                                        \
        tlv_is_refused(bytes, sizeof bytes);                                                                 \
    } while (0)

START_TEST(tlv_that_is_malformed_or_not_minimal_is_refused)
{
    tlv_is_refused(NULL, 0);
    REFUSED(0x80);                         /* no length */
    REFUSED(0x80, 0x01);                   /* no value */
    REFUSED(0x80, 0x80, 0x00, 0x00);       /* indefinite */
    REFUSED(0x80, 0x81);                   /* length cut short */
    REFUSED(0x80, 0x81, 0x01, 0x00);       /* one byte would do */
    REFUSED(0x80, 0x82, 0x00, 0x80, 0x00); /* two would do */
    REFUSED(0x80, 0x83, 0x01, 0x00, 0x00); /* longer than the limit */
    REFUSED(0x80, 0x81, 0x80, 0x00);       /* longer than what is left */
    REFUSED(0x1f);                         /* tag cut short */
    REFUSED(0x1f, 0x1e, 0x00);             /* tag fits one byte */
    REFUSED(0x1f, 0x81, 0x01, 0x00);       /* three-byte tag */
}
END_TEST

START_TEST(tlv_find_stops_at_the_first_malformed_object)
{
    static const uint8_t in[] = {0x80, 1, 7, 0x81, 2, 8, 9, 0x82, 0x80};
    struct tlv t;
    ck_assert(tlv_find(in, sizeof in, 0x81, &t));
    ck_assert_bytes_eq(t.value, t.len, in + 5, 2);
    ck_assert(!tlv_find(in, sizeof in, 0x83, &t));
    ck_assert_uint_eq(t.len, 0);
    ck_assert(!tlv_find(in, 0, 0x80, &t));
}
END_TEST

static void nested_round_trips(size_t inner)
{
    static uint8_t value[400];
    struct tlv_writer w;
    tlv_writer_init(&w, big, sizeof big);
    size_t mark = tlv_open(&w, 0xe1);
    tlv_put(&w, 0x80, value, inner);
    tlv_put_uint(&w, 0x81, 0x010203, 3);
    tlv_close(&w, mark);
    ck_assert(w.ok);

    struct tlv outer, t;
    ck_assert(tlv_find(big, w.len, 0xe1, &outer));
    ck_assert_ptr_eq(outer.value + outer.len, big + w.len);
    ck_assert(tlv_find(outer.value, outer.len, 0x80, &t));
    ck_assert_uint_eq(t.len, inner);
    ck_assert(tlv_find(outer.value, outer.len, 0x81, &t));
    ck_assert_bytes_eq(t.value, t.len, "\1\2\3", 3);

    size_t need = w.len;
    for (size_t size = 0; size < need; size++) {
        tlv_writer_init(&w, big, size);
        mark = tlv_open(&w, 0xe1);
        tlv_put(&w, 0x80, value, inner);
        tlv_put_uint(&w, 0x81, 0x010203, 3);
        tlv_close(&w, mark);
        ck_assert(!w.ok);
        ck_assert_uint_le(w.len, size);
    }
}

START_TEST(tlv_writer_nests_and_never_writes_beyond_its_room)
{
    nested_round_trips(0);
    nested_round_trips(120);
    nested_round_trips(121);
    nested_round_trips(247);
    nested_round_trips(300);
}
END_TEST

START_TEST(tlv_writer_refuses_what_no_reader_takes)
{
    static const uint16_t bad[] = {0x1f, 0x9f, 0x8001, 0x9f1e, 0x9f80};
    struct tlv_writer w;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        tlv_writer_init(&w, big, sizeof big);
        tlv_put(&w, bad[i], NULL, 0);
        ck_assert(!w.ok);
    }
    tlv_writer_init(&w, big, sizeof big);
    tlv_put_uint(&w, 0x80, 1, 5);
    ck_assert(!w.ok);
    tlv_writer_init(&w, big, sizeof big);
    tlv_put_uint(&w, 0x80, 1, 0);
    ck_assert(!w.ok);
}
END_TEST

static Suite *wire_suite(void)
{
    Suite *s = suite_create("wire");
    TCase *face = tcase_create("face");
    tcase_add_test(face, face_of_each_profile_round_trips);
    tcase_add_test(face, face_fields_lie_where_the_specification_says);
    tcase_add_test(face, face_that_breaks_a_common_rule_is_refused);
    tcase_add_test(face, face_that_breaks_a_rule_of_its_profile_is_refused);
    tcase_add_test(face, void_order_with_a_journey_is_refused);
    tcase_add_test(face, face_has_one_encoding);
    suite_add_tcase(s, face);

    TCase *usage = tcase_create("usage");
    tcase_add_test(usage, usage_bytes_are_those_of_the_specification);
    tcase_add_test(usage, usage_has_one_encoding_and_bounded_values);
    tcase_add_test(usage, usage_follows_the_table_of_events);
    tcase_add_test(usage, usage_limits_entries_when_exit_was_not_final);
    tcase_add_test(usage, usage_of_an_event_names_place_and_counts);
    tcase_add_test(usage, usage_counter_never_wraps);
    tcase_add_test(usage, usage_keeps_its_invariants_in_every_reachable_state);
    tcase_add_test(usage, usage_that_no_events_can_have_made_is_not_undone);
    suite_add_tcase(s, usage);

    TCase *tlv = tcase_create("tlv");
    tcase_add_test(tlv, tlv_round_trips_at_every_edge_of_length);
    tcase_add_test(tlv, tlv_that_is_malformed_or_not_minimal_is_refused);
    tcase_add_test(tlv, tlv_find_stops_at_the_first_malformed_object);
    tcase_add_test(tlv, tlv_writer_nests_and_never_writes_beyond_its_room);
    tcase_add_test(tlv, tlv_writer_refuses_what_no_reader_takes);
    suite_add_tcase(s, tlv);
    return s;
}

int main(void)
{
    return tally_check_main(wire_suite(), NULL);
}
