/* The gate's decisions, by table: each row changes one thing of a tap that would be accepted. */
#include <string.h>

#include "reader-tools/gate/decide.h"
#include "tests/support/check_main.h"

enum { NOW = 1800000000, GATE = 77, STATION = 100, DESTINATION = 200, DAY_S = 86400 };

static struct ticket_face face;
static struct usage_record usage;
static struct gate_rules rules;
static struct gate_situation situation;

/* The day of NOW, and the minute of the day in UTC. */
static uint16_t today(void)
{
    return (uint16_t)(NOW / DAY_S - 10957);
}

static uint16_t minute(void)
{
    return (uint16_t)(NOW % DAY_S / 60);
}

static void setup(void)
{
    face = (struct ticket_face){.profile = PROFILE_RAIL,
                                .operator_id = 1,
                                .valid_from = NOW - 1000,
                                .valid_to = NOW + 1000,
                                .from = STATION,
                                .to = DESTINATION,
                                .max_entries = 2,
                                .max_temporary_exits = 1,
                                .service_date = today(),
                                .service_minute = minute()};
    memcpy(face.service, "G1234   ", SERVICE_SIZE);
    usage = (struct usage_record){.event = EVENT_LOADED};
    rules = (struct gate_rules){.operator_id = 1,
                                .gate = GATE,
                                .station = STATION,
                                .station_rule = GATE_STATIONS_BOTH,
                                .zone = GATE_NO_ZONE,
                                .gate_set_bit = GATE_NO_ZONE,
                                .holder_rule = GATE_HOLDER_WHEN_SHOWN,
                                .skew_s = 300};
    situation = (struct gate_situation){.now = NOW, .action = GATE_DO_AUTO, .next_transaction = 5};
}

static struct gate_verdict decide(void)
{
    return gate_decide(&rules, &situation, &face, &usage);
}

/* The holder went in at this gate some seconds ago. */
static void be_inside(uint32_t ago)
{
    usage = (struct usage_record){.event = EVENT_ENTRY,
                                  .entries = 1,
                                  .direction = INSIDE,
                                  .gate = 9,
                                  .station = STATION,
                                  .time = NOW - ago,
                                  .gate_transaction = 3,
                                  .use_counter = 1};
}

static void ck_reason(enum gate_reason want)
{
    struct gate_verdict v = decide();
    ck_assert_str_eq(gate_reason_name(v.reason), gate_reason_name(want));
    if (want != GATE_ACCEPTED)
        ck_assert_mem_eq(&v.after, &usage, sizeof usage);
}

START_TEST(entry_is_written_with_place_time_and_number)
{
    struct gate_verdict v = decide();
    ck_assert_int_eq(v.reason, GATE_ACCEPTED);
    ck_assert_int_eq(v.action, GATE_DO_ENTRY);
    ck_assert_uint_eq(v.after.event, EVENT_ENTRY);
    ck_assert_uint_eq(v.after.entries, 1);
    ck_assert_uint_eq(v.after.gate, GATE);
    ck_assert_uint_eq(v.after.station, STATION);
    ck_assert_uint_eq(v.after.time, NOW);
    ck_assert_uint_eq(v.after.gate_transaction, 5);
    ck_assert_uint_eq(v.after.use_counter, 1);
    ck_assert(!v.clock_alarm);
}
END_TEST

START_TEST(auto_follows_the_holder)
{
    ck_assert_int_eq(decide().action, GATE_DO_ENTRY);
    usage.direction = INSIDE;
    ck_assert_int_eq(decide().action, GATE_DO_EXIT);
    usage.direction = TEMPORARILY_OUTSIDE;
    ck_assert_int_eq(decide().action, GATE_DO_REENTRY);
    situation.action = GATE_DO_CLIP;
    ck_assert_int_eq(decide().action, GATE_DO_CLIP);
}
END_TEST

START_TEST(state_of_the_ticket)
{
    be_inside(600);
    situation.action = GATE_DO_ENTRY;
    ck_reason(GATE_ALREADY_INSIDE);
    situation.action = GATE_DO_REENTRY;
    ck_reason(GATE_NOT_TEMPORARILY_OUTSIDE);
    situation.action = GATE_DO_TEMPORARY_EXIT;
    ck_reason(GATE_ACCEPTED);
    usage.temporary_exits = 1;
    ck_reason(GATE_TEMPORARY_EXITS_USED_UP);
    situation.action = GATE_DO_UNDO;
    ck_reason(GATE_NOTHING_TO_UNDO);
    setup();
    situation.action = GATE_DO_EXIT;
    ck_reason(GATE_NOT_INSIDE);
    situation.action = GATE_DO_ENTRY;
    usage.entries = 2;
    ck_reason(GATE_ENTRIES_USED_UP);
    usage.clipped = true;
    ck_reason(GATE_CLIPPED);
    usage.exited = true;
    ck_reason(GATE_HAS_EXITED);
    setup();
    situation.action = GATE_DO_PRINT;
    usage.printed = true;
    ck_reason(GATE_PRINTED);
    situation.action = GATE_DO_ENTRY;
    usage.use_counter = UINT16_MAX;
    ck_reason(GATE_COUNTER_EXHAUSTED);
}
END_TEST

START_TEST(undo_is_for_the_gate_that_wrote)
{
    be_inside(10);
    usage.gate = GATE;
    situation.action = GATE_DO_UNDO;
    situation.list_stale = true;
    rules.refuse_when_stale = true;
    face.valid_to = NOW - 1;
    struct gate_verdict v = decide();
    ck_assert_int_eq(v.reason, GATE_ACCEPTED);
    ck_assert_uint_eq(v.after.direction, OUTSIDE);
    ck_assert_uint_eq(v.after.entries, 0);
}
END_TEST

START_TEST(validity_binds_who_goes_in)
{
    situation.now = face.valid_from - 1;
    ck_reason(GATE_NOT_YET_VALID);
    situation.now = face.valid_from;
    ck_reason(GATE_ACCEPTED);
    situation.now = face.valid_to;
    ck_reason(GATE_ACCEPTED);
    situation.now = face.valid_to + 1;
    ck_reason(GATE_EXPIRED);
    situation.action = GATE_DO_CLIP;
    ck_reason(GATE_EXPIRED);
    be_inside(600);
    rules.station = DESTINATION;
    situation.action = GATE_DO_EXIT;
    ck_reason(GATE_ACCEPTED);
}
END_TEST

START_TEST(entry_opens_and_closes_around_the_service)
{
    rules.window = true;
    rules.opens_s = 600;
    rules.closes_s = 300;
    uint32_t start = NOW - NOW % 60;
    situation.now = start - 600;
    ck_reason(GATE_ACCEPTED);
    situation.now = start - 601;
    ck_reason(GATE_TOO_EARLY);
    situation.now = start + 300;
    ck_reason(GATE_ACCEPTED);
    situation.now = start + 301;
    ck_reason(GATE_TOO_LATE);
    rules.utc_offset_s = -60; /* local time is behind: the service is a minute later */
    ck_reason(GATE_ACCEPTED);
}
END_TEST

START_TEST(service_and_date_of_the_gate)
{
    rules.service_bound = true;
    memcpy(rules.service, "G1234   ", SERVICE_SIZE);
    ck_reason(GATE_ACCEPTED);
    rules.date = (uint16_t)(today() + 1);
    ck_reason(GATE_WRONG_DATE);
    memcpy(rules.service, "G12345  ", SERVICE_SIZE);
    ck_reason(GATE_WRONG_SERVICE);
}
END_TEST

START_TEST(stations_of_a_rail_ticket)
{
    rules.station = 101;
    ck_reason(GATE_WRONG_STATION);
    rules.station_rule = GATE_STATIONS_FREE;
    ck_reason(GATE_ACCEPTED);
    be_inside(600);
    ck_reason(GATE_ACCEPTED);
    rules.station_rule = GATE_STATIONS_ENTRY;
    ck_reason(GATE_ACCEPTED);
    rules.station_rule = GATE_STATIONS_BOTH;
    ck_reason(GATE_WRONG_STATION);
    rules.station = DESTINATION;
    ck_reason(GATE_ACCEPTED);
    rules.station = 0;
    ck_reason(GATE_ACCEPTED);
}
END_TEST

START_TEST(zones_go_before_stations)
{
    rules.station = 101;
    rules.zone = 3;
    ck_reason(GATE_WRONG_STATION);
    face.zone_map = 1u << 3;
    ck_reason(GATE_ACCEPTED);
    face.zone_map = 1u << 31;
    ck_reason(GATE_WRONG_ZONE);
    rules.zone = 31;
    ck_reason(GATE_ACCEPTED);
    rules.zone = GATE_NO_ZONE;
    ck_reason(GATE_WRONG_STATION);
}
END_TEST

START_TEST(venue_and_gate_set_of_an_admission)
{
    face.profile = PROFILE_ADMISSION;
    face.to = 1u << 4;
    ck_reason(GATE_ACCEPTED);
    rules.gate_set_bit = 5;
    ck_reason(GATE_WRONG_GATE);
    rules.gate_set_bit = 4;
    ck_reason(GATE_ACCEPTED);
    rules.station = 101;
    ck_reason(GATE_WRONG_STATION);
}
END_TEST

START_TEST(holder_and_document)
{
    situation.holder = GATE_DOCUMENT_DIFFERS;
    ck_reason(GATE_ACCEPTED); /* not bound to a holder */
    face.flags = FACE_HOLDER_BOUND;
    ck_reason(GATE_WRONG_DOCUMENT);
    situation.holder = GATE_DOCUMENT_MATCHES;
    ck_reason(GATE_ACCEPTED);
    situation.holder = GATE_NO_DOCUMENT;
    ck_reason(GATE_ACCEPTED);
    rules.holder_rule = GATE_HOLDER_REQUIRED;
    ck_reason(GATE_DOCUMENT_NEEDED);
    be_inside(600);
    rules.station = DESTINATION;
    ck_reason(GATE_ACCEPTED); /* leaving needs no document */
    rules.holder_rule = GATE_HOLDER_IGNORED;
    situation.holder = GATE_DOCUMENT_DIFFERS;
    ck_reason(GATE_ACCEPTED);
}
END_TEST

START_TEST(lists_and_their_age)
{
    situation.list_stale = true;
    ck_reason(GATE_ACCEPTED);
    rules.refuse_when_stale = true;
    ck_reason(GATE_LIST_STALE);
    situation.ticket_denied = true;
    ck_reason(GATE_TICKET_DENIED);
    situation.card_denied = true;
    ck_reason(GATE_CARD_DENIED);
}
END_TEST

START_TEST(pass_back_and_stay)
{
    be_inside(9);
    rules.station = DESTINATION;
    rules.pass_back_s = 10;
    ck_reason(GATE_TOO_SOON);
    usage.time = NOW - 10;
    ck_reason(GATE_ACCEPTED);
    usage.time = NOW + 100; /* the other gate's clock is ahead */
    ck_reason(GATE_TOO_SOON);
    situation.action = GATE_DO_CLIP;
    ck_reason(GATE_ACCEPTED);
    situation.action = GATE_DO_EXIT;
    rules.stay_max_s = 3600;
    usage.time = NOW - 3600;
    ck_reason(GATE_ACCEPTED);
    usage.time = NOW - 3601;
    ck_reason(GATE_OVERSTAYED);
}
END_TEST

START_TEST(a_card_from_the_future_raises_the_clock_alarm)
{
    usage.time = NOW + 300;
    ck_assert(!decide().clock_alarm);
    usage.time = NOW + 301;
    ck_assert(decide().clock_alarm);
    situation.now = UINT32_MAX;
    ck_assert(!decide().clock_alarm);
}
END_TEST

START_TEST(foreign_and_void_faces_are_no_tickets)
{
    rules.operator_id = 2;
    ck_reason(GATE_NO_TICKET);
    setup();
    face.profile = PROFILE_VOID;
    ck_reason(GATE_NO_TICKET);
}
END_TEST

START_TEST(a_torn_write_that_happened_is_ratified)
{
    be_inside(3);
    usage.gate = GATE;
    situation.pending = true;
    situation.pending_transaction = 3;
    rules.pass_back_s = 100;
    struct gate_verdict v = decide();
    ck_assert_int_eq(v.reason, GATE_RATIFIED);
    ck_assert_int_eq(v.action, GATE_DO_ENTRY);
    ck_assert_mem_eq(&v.after, &usage, sizeof usage);
    situation.action = GATE_DO_ENTRY;
    ck_assert_int_eq(decide().reason, GATE_RATIFIED);
    situation.card_denied = true;
    ck_assert_int_eq(decide().reason, GATE_CARD_DENIED);
}
END_TEST

START_TEST(another_gates_number_ratifies_nothing)
{
    be_inside(3);
    situation.action = GATE_DO_ENTRY;
    situation.pending = true;
    situation.pending_transaction = 3;
    ck_reason(GATE_ALREADY_INSIDE); /* written by gate 9 */
    usage.gate = GATE;
    situation.pending_transaction = 4;
    ck_reason(GATE_ALREADY_INSIDE);
    situation.pending_transaction = 3;
    situation.pending = false;
    ck_reason(GATE_ALREADY_INSIDE);
}
END_TEST

START_TEST(a_torn_write_that_did_not_happen_is_repeated_under_its_number)
{
    situation.pending = true;
    situation.pending_transaction = 4;
    struct gate_verdict v = decide();
    ck_assert_int_eq(v.reason, GATE_ACCEPTED);
    ck_assert_uint_eq(v.after.gate_transaction, 4);
}
END_TEST

START_TEST(delete_obeys_lists_but_no_usage)
{
    situation.action = GATE_DO_DELETE;
    usage.exited = true;
    ck_reason(GATE_ACCEPTED);
    situation.card_denied = true;
    ck_reason(GATE_CARD_DENIED);
}
END_TEST

START_TEST(reasons_are_numbered_once_and_named_once)
{
    enum gate_reason a, b;
    for (unsigned i = 0; gate_reason_at(i, &a); i++) {
        ck_assert_int_lt((int)a, 100);
        ck_assert_int_gt((int)strlen(gate_reason_text(a)), 10);
        for (unsigned k = i + 1; gate_reason_at(k, &b); k++) {
            ck_assert_int_ne(a, b);
            ck_assert_str_ne(gate_reason_name(a), gate_reason_name(b));
        }
    }
    ck_assert_str_eq(gate_reason_name((enum gate_reason)99), "unknown");
    ck_assert_int_eq(gate_reason_error(GATE_FORGED_TICKET), TALLY_E_CRYPTO);
    ck_assert_int_eq(gate_reason_error(GATE_EXPIRED), TALLY_E_DENIED);
    ck_assert_int_eq(gate_reason_error(GATE_RATIFIED), TALLY_OK);
    ck_assert_int_eq(gate_reason_error(GATE_CARD_LOST), TALLY_E_CARD_LOST);
}
END_TEST

START_TEST(actions_have_names)
{
    static const char *const names[] = {"entry", "temporary-exit", "re-entry", "exit", "clip",
                                        "print", "undo",           "delete",   "auto"};
    enum gate_action a;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert(gate_action_parse(names[i], &a));
        ck_assert_str_eq(gate_action_name(a), names[i]);
    }
    ck_assert(!gate_action_parse("fly", &a));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gate decisions");
    TCase *c = tcase_create("decide");
    tcase_add_checked_fixture(c, setup, NULL);
    tcase_add_test(c, entry_is_written_with_place_time_and_number);
    tcase_add_test(c, auto_follows_the_holder);
    tcase_add_test(c, state_of_the_ticket);
    tcase_add_test(c, undo_is_for_the_gate_that_wrote);
    tcase_add_test(c, validity_binds_who_goes_in);
    tcase_add_test(c, entry_opens_and_closes_around_the_service);
    tcase_add_test(c, service_and_date_of_the_gate);
    tcase_add_test(c, stations_of_a_rail_ticket);
    tcase_add_test(c, zones_go_before_stations);
    tcase_add_test(c, venue_and_gate_set_of_an_admission);
    tcase_add_test(c, holder_and_document);
    tcase_add_test(c, lists_and_their_age);
    tcase_add_test(c, pass_back_and_stay);
    tcase_add_test(c, a_card_from_the_future_raises_the_clock_alarm);
    tcase_add_test(c, foreign_and_void_faces_are_no_tickets);
    tcase_add_test(c, a_torn_write_that_happened_is_ratified);
    tcase_add_test(c, another_gates_number_ratifies_nothing);
    tcase_add_test(c, a_torn_write_that_did_not_happen_is_repeated_under_its_number);
    tcase_add_test(c, delete_obeys_lists_but_no_usage);
    tcase_add_test(c, reasons_are_numbered_once_and_named_once);
    tcase_add_test(c, actions_have_names);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
