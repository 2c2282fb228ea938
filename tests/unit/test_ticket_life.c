/* A ticket's whole life on the card, all suites and profiles, through commands alone. */
#include <string.h>

#include "card/wire/be.h"
#include "tests/support/check_main.h"
#include "tests/support/scp03_peer.h"
#include "tests/support/ticket_world.h"

static struct world world;

static struct operator_world *operator_at(int i)
{
    return i == 0 ? &world.rail : i == 1 ? &world.park : &world.metro;
}

static void verify_pin(void)
{
    static const uint8_t header[4] = {CLA_ISO, INS_VERIFY_PIN, 0, 0x81};
    struct reply reply;
    ramcard_command(world.rc, header, (const uint8_t *)TEST_PIN, strlen(TEST_PIN), &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
}

static uint16_t read_first(uint16_t date, const char *service, uint8_t what, struct reply *reply)
{
    uint8_t data[10] = {0};
    be16_put(data, date);
    memcpy(data + 2, service, strlen(service));
    return card_send(&world, INS_READ, READ_FIRST, what, data, sizeof data, reply);
}

static uint16_t read_next(uint8_t what, struct reply *reply)
{
    return card_send(&world, INS_READ, READ_NEXT, what, NULL, 0, reply);
}

START_TEST(load_answers_with_a_receipt_and_reads_back)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face face = face_of(&world, op);
    struct message m;
    struct reply reply;
    uint8_t bytes[FACE_SIZE], usage[USAGE_SIZE];
    ck_assert_uint_eq(card_life(ramcard_card(world.rc)), LIFE_PERSONALISED);
    face_seal(&world, op, &face, &m);
    ck_assert_uint_eq(load_message(&world, &m, &reply), SW_OK);
    ck_assert_uint_eq(reply.len, USAGE_SIZE);
    ck_assert_uint_eq(card_life(ramcard_card(world.rc)), LIFE_IN_USE);
    memcpy(usage, reply.data, USAGE_SIZE);
    ck_assert(receipt_is_right(&world, op, face.tid, usage));
    static const uint8_t fresh[USAGE_GATE_PART] = {USAGE_VERSION};
    ck_assert_mem_eq(usage, fresh, sizeof fresh);
    ck_assert_uint_eq(usage[27], BY_ISSUER);

    ck_assert_uint_eq(read_first(WORLD_DATE, "", READ_FACE_USAGE, &reply), SW_SECURITY_STATUS);
    verify_pin();
    ck_assert_uint_eq(read_first(WORLD_DATE, "", READ_FACE_USAGE, &reply), SW_OK);
    face_encode(&face, bytes);
    ck_assert_uint_eq(reply.len, FACE_SIZE + USAGE_SIZE);
    ck_assert_mem_eq(reply.data, bytes, FACE_SIZE);
    ck_assert_mem_eq(reply.data + FACE_SIZE, usage, USAGE_SIZE);
    ck_assert_uint_eq(read_next(READ_FACE, &reply), SW_RECORD_NOT_FOUND);
}
END_TEST

/* One event at a gate; checks the receipt, the authority and the counters. */
static void event(struct gate *g, const struct ticket_face *face, uint8_t mode, enum usage_event what)
{
    uint8_t part[USAGE_GATE_PART], usage[USAGE_SIZE], stored[USAGE_SIZE];
    uint16_t sw = mode == GATE_SUB_KEY ? gate_verify(&world, g, by_tid(face))
                                       : gate_verify_by_pair(&world, g, mode, by_tid(face));
    ck_assert_uint_eq(sw, SW_OK);
    ck_assert(g->answer.found);
    uint32_t counter = g->answer.card_transaction_counter;
    gate_part(g, what, part);
    ck_assert_uint_eq(gate_write(&world, g, face->tid, part, usage), SW_OK);
    ck_assert_mem_eq(usage, part, USAGE_GATE_PART);
    ck_assert(receipt_is_right(&world, g->op, face->tid, usage));
    ck_assert_uint_eq(be32_get(usage + 28), counter + 1);
    static const uint8_t authority[] = {[GATE_SUB_KEY] = BY_SUB_KEY,
                                        [GATE_P256] = BY_GATE_P256,
                                        [GATE_RSA] = BY_GATE_RSA,
                                        [GATE_SM9] = BY_GATE_SM9};
    ck_assert_uint_eq(usage[27], authority[mode]);
    ck_assert(stored_usage(&world, face, stored));
    ck_assert_mem_eq(stored, usage, USAGE_SIZE);
}

/* Every suite in every mode it has. */
static const struct {
    int operator;
    uint8_t mode;
} ways[] = {{0, GATE_SUB_KEY}, {1, GATE_SUB_KEY}, {2, GATE_SUB_KEY}, {0, GATE_P256},
            {1, GATE_P256},    {0, GATE_RSA},     {1, GATE_RSA},     {2, GATE_SM9}};

START_TEST(gate_checks_marks_and_deletes)
{
    struct operator_world *op = operator_at(ways[_i].operator);
    uint8_t mode = ways[_i].mode, usage[USAGE_SIZE];
    struct ticket_face face = load_one(&world, op);
    struct gate g = gate_of(op, GATE_1);
    event(&g, &face, mode, EVENT_ENTRY);
    event(&g, &face, mode, EVENT_TEMPORARY_EXIT);
    event(&g, &face, mode, EVENT_REENTRY);
    event(&g, &face, mode, EVENT_EXIT);
    event(&g, &face, mode, EVENT_ENTRY);
    event(&g, &face, mode, EVENT_UNDO);
    event(&g, &face, mode, EVENT_PRINT);
    event(&g, &face, mode, EVENT_ENTRY);
    event(&g, &face, mode, EVENT_CLIP);
    event(&g, &face, mode, EVENT_EXIT);

    ck_assert_uint_eq(mode == GATE_SUB_KEY ? gate_verify(&world, &g, by_tid(&face))
                                           : gate_verify_by_pair(&world, &g, mode, by_tid(&face)),
                      SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, face.tid, usage), SW_OK);
    ck_assert(receipt_is_right(&world, op, face.tid, usage));
    ck_assert_uint_eq(usage[1], EVENT_DELETED);
    ck_assert_uint_eq(usage[2], 2);
    ck_assert_uint_eq(be32_get(usage + 8), GATE_1);
    ck_assert_uint_eq(be16_get(usage + 24), 11);
    ck_assert_uint_eq(ticket_count(ramcard_card(world.rc)), 0);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert(!g.answer.found);
}
END_TEST

static uint32_t counter(void)
{
    uint32_t n;
    ck_assert(card_counter(ramcard_card(world.rc), &n));
    return n;
}

START_TEST(each_change_counts_once)
{
    struct gate g = gate_of(&world.rail, GATE_1);
    struct reply reply;
    uint32_t before = counter();
    struct ticket_face a = load_one(&world, &world.rail), b = face_replacing(&world, &world.rail, &a, 1);
    ck_assert_uint_eq(counter(), before + 1);
    ck_assert_uint_eq(tap(&world, &g, &a, EVENT_ENTRY), SW_OK);
    ck_assert_uint_eq(counter(), before + 2);
    ck_assert_uint_eq(exchange(&world, &world.rail, &b, &reply), SW_OK);
    ck_assert_uint_eq(counter(), before + 3);
    ck_assert_uint_eq(be32_get(reply.data + 28), before + 3);
    ck_assert_uint_eq(be32_get(reply.data + USAGE_SIZE + 28), before + 3);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&b)), SW_OK);
    ck_assert_uint_eq(g.answer.card_transaction_counter, before + 3);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, b.tid, NULL), SW_OK);
    ck_assert_uint_eq(counter(), before + 4);
    enrol(&world, &world.rail);
    ck_assert_uint_eq(counter(), before + 5);
}
END_TEST

START_TEST(nothing_deleted_yet_is_not_answered_for)
{
    static const uint8_t no_tid[TID_SIZE];
    struct gate g = gate_of(&world.rail, GATE_1);
    ck_assert_uint_eq(gate_verify(&world, &g, by_date(WORLD_DATE, "")), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, no_tid, NULL), SW_RECORD_NOT_FOUND);
}
END_TEST

START_TEST(two_operators_live_on_one_card_and_do_not_see_each_other)
{
    struct ticket_face rail = load_one(&world, &world.rail), park = load_one(&world, &world.park);
    struct gate rail_gate = gate_of(&world.rail, GATE_1), park_gate = gate_of(&world.park, GATE_1);
    uint8_t part[USAGE_GATE_PART];
    ck_assert_uint_eq(gate_verify(&world, &rail_gate, by_tid(&park)), SW_OK);
    ck_assert(!rail_gate.answer.found);
    ck_assert_uint_eq(gate_verify(&world, &rail_gate, by_date(WORLD_DATE, "")), SW_OK);
    ck_assert_mem_eq(rail_gate.answer.face + FACE_AT_TID, rail.tid, TID_SIZE);
    gate_part(&rail_gate, EVENT_ENTRY, part);
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(gate_write(&world, &rail_gate, park.tid, part, NULL), SW_RECORD_NOT_FOUND);
    ck_assert_uint_eq(gate_verify(&world, &rail_gate, by_tid(&rail)), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &rail_gate, park.tid, NULL), SW_RECORD_NOT_FOUND);
    assert_unchanged(&world, &before);
    ck_assert_uint_eq(tap(&world, &park_gate, &park, EVENT_ENTRY), SW_OK);
}
END_TEST

START_TEST(several_commands_in_one_session)
{
    struct ticket_face a = load_one(&world, &world.rail), b = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    uint8_t part[USAGE_GATE_PART], usage[USAGE_SIZE];
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&a)), SW_OK);
    gate_part(&g, EVENT_ENTRY, part);
    ck_assert_uint_eq(gate_write(&world, &g, a.tid, part, usage), SW_OK);
    memcpy(g.answer.usage, usage, USAGE_SIZE);
    gate_part(&g, EVENT_EXIT, part);
    ck_assert_uint_eq(gate_write(&world, &g, a.tid, part, usage), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, b.tid, usage), SW_OK);
    ck_assert_uint_eq(ticket_count(ramcard_card(world.rc)), 1);
}
END_TEST

/* ---- Which ticket ---- */

static struct ticket_face load_for(uint16_t date, uint16_t minute, const char *service)
{
    struct ticket_face face = face_of(&world, &world.rail);
    face.service_date = date;
    face.service_minute = minute;
    memcpy(face.service, service, SERVICE_SIZE);
    ck_assert_uint_eq(load(&world, &world.rail, &face), SW_OK);
    return face;
}

static void chosen_is(uint16_t date, const char *service, const struct ticket_face *want)
{
    struct gate g = gate_of(&world.rail, GATE_1);
    ck_assert_uint_eq(gate_verify(&world, &g, by_date(date, service)), SW_OK);
    ck_assert_int_eq(g.answer.found, want != NULL);
    if (want != NULL)
        ck_assert_mem_eq(g.answer.face + FACE_AT_TID, want->tid, TID_SIZE);
}

START_TEST(date_and_service_choose_by_state_minute_and_sequence)
{
    struct gate g = gate_of(&world.rail, GATE_1);
    struct ticket_face late = load_for(WORLD_DATE, 900, "G101    ");
    struct ticket_face first = load_for(WORLD_DATE, 800, "G101    ");
    struct ticket_face second = load_for(WORLD_DATE, 800, "G101    ");
    struct ticket_face other = load_for(WORLD_DATE, 700, "G202    ");
    struct ticket_face tomorrow = load_for(WORLD_DATE + 1, 100, "G101    ");
    chosen_is(WORLD_DATE, "G101    ", &first);
    chosen_is(WORLD_DATE, "G202    ", &other);
    chosen_is(WORLD_DATE, "", &other);
    chosen_is(WORLD_DATE + 1, "", &tomorrow);
    chosen_is(WORLD_DATE + 2, "", NULL);
    chosen_is(WORLD_DATE - 1, "", NULL);
    chosen_is(WORLD_DATE, "G10     ", NULL);

    ck_assert_uint_eq(tap(&world, &g, &late, EVENT_ENTRY), SW_OK);
    chosen_is(WORLD_DATE, "G101    ", &late);
    ck_assert_uint_eq(tap(&world, &g, &late, EVENT_TEMPORARY_EXIT), SW_OK);
    chosen_is(WORLD_DATE, "", &late);
    ck_assert_uint_eq(tap(&world, &g, &late, EVENT_CLIP), SW_OK);
    chosen_is(WORLD_DATE, "", &late);
    ck_assert_uint_eq(tap(&world, &g, &first, EVENT_CLIP), SW_OK);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&late)), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, late.tid, NULL), SW_OK);
    chosen_is(WORLD_DATE, "G101    ", &second);
    ck_assert_uint_eq(tap(&world, &g, &second, EVENT_CLIP), SW_OK);
    chosen_is(WORLD_DATE, "G101    ", &first);
}
END_TEST

static void next_read_is(const struct ticket_face *want, bool first)
{
    struct reply reply;
    uint16_t sw = first ? read_first(WORLD_DATE, "", READ_FACE, &reply) : read_next(READ_FACE, &reply);
    ck_assert_uint_eq(sw, want != NULL ? SW_OK : SW_RECORD_NOT_FOUND);
    if (want != NULL) {
        ck_assert_uint_eq(reply.len, FACE_SIZE);
        ck_assert_mem_eq(reply.data + FACE_AT_TID, want->tid, TID_SIZE);
    }
}

START_TEST(read_is_in_order_of_date_minute_and_sequence)
{
    struct ticket_face d = load_for(WORLD_DATE + 300, 0, "G101    ");
    struct ticket_face b = load_for(WORLD_DATE, 800, "G101    ");
    struct ticket_face a = load_for(WORLD_DATE, 299, "G202    ");
    struct ticket_face c = load_for(WORLD_DATE, 800, "G101    ");
    load_for(WORLD_DATE - 1, 1000, "G101    ");
    struct reply reply;
    verify_pin();
    ck_assert_uint_eq(read_next(READ_FACE, &reply), SW_CONDITIONS);
    next_read_is(&a, true);
    next_read_is(&b, false);
    next_read_is(&c, false);
    next_read_is(&d, false);
    next_read_is(NULL, false);
    next_read_is(NULL, false);
    ck_assert_uint_eq(read_first(WORLD_DATE, "G101    ", READ_FACE, &reply), SW_OK);
    ck_assert_mem_eq(reply.data + FACE_AT_TID, b.tid, TID_SIZE);
    ck_assert_uint_eq(read_first(WORLD_DATE + 301, "", READ_FACE, &reply), SW_RECORD_NOT_FOUND);
    ck_assert_uint_eq(read_next(READ_FACE, &reply), SW_CONDITIONS);
}
END_TEST

START_TEST(deletion_between_two_reads_is_harmless)
{
    struct ticket_face a = load_for(WORLD_DATE, 100, "G101    "), b = load_for(WORLD_DATE, 200, "G101    ");
    struct ticket_face c = load_for(WORLD_DATE, 300, "G101    ");
    struct gate g = gate_of(&world.rail, GATE_1);
    verify_pin();
    next_read_is(&a, true);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&a)), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, a.tid, NULL), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, b.tid, NULL), SW_OK);
    next_read_is(&c, false);
    next_read_is(NULL, false);
}
END_TEST

/* ---- Exchange ---- */

START_TEST(exchange_replaces_in_one_step)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face old = load_one(&world, op), face;
    struct gate g = gate_of(op, GATE_1);
    struct reply reply;
    uint8_t usage[USAGE_SIZE];
    ck_assert_uint_eq(tap(&world, &g, &old, EVENT_ENTRY), SW_OK);
    ck_assert_uint_eq(tap(&world, &g, &old, EVENT_EXIT), SW_OK);
    face = face_replacing(&world, op, &old, 2);
    ck_assert_uint_eq(exchange(&world, op, &face, &reply), SW_OK);
    ck_assert_uint_eq(reply.len, 2 * USAGE_SIZE);
    ck_assert(receipt_is_right(&world, op, old.tid, reply.data));
    ck_assert(receipt_is_right(&world, op, face.tid, reply.data + USAGE_SIZE));
    ck_assert_uint_eq(reply.data[1], EVENT_DELETED);
    ck_assert_uint_eq(reply.data[2], 1);
    ck_assert_uint_eq(be16_get(reply.data + 24), 3);
    ck_assert_uint_eq(reply.data[USAGE_SIZE + 1], EVENT_LOADED);
    ck_assert(!stored_usage(&world, &old, usage));
    ck_assert(stored_usage(&world, &face, usage));
    ck_assert_uint_eq(ticket_count(ramcard_card(world.rc)), 1);
    ck_assert_uint_eq(tap(&world, &g, &face, EVENT_ENTRY), SW_OK);
}
END_TEST

START_TEST(void_order_deletes_and_its_receipt_can_be_had_again)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face old = load_one(&world, op), order = void_order_for(&world, op, &old, 0);
    struct reply reply, again;
    uint8_t usage[USAGE_SIZE];
    ck_assert_uint_eq(exchange(&world, op, &order, &reply), SW_OK);
    ck_assert_uint_eq(reply.len, USAGE_SIZE);
    ck_assert(receipt_is_right(&world, op, old.tid, reply.data));
    ck_assert_uint_eq(reply.data[1], EVENT_DELETED);
    ck_assert(!stored_usage(&world, &old, usage));

    struct snapshot before = take_snapshot(&world);
    ramcard_power_cycle(world.rc);
    ck_assert_uint_eq(exchange(&world, op, &order, &again), SW_OK);
    ck_assert_bytes_eq(again.data, again.len, reply.data, reply.len);
    assert_unchanged(&world, &before);
}
END_TEST

START_TEST(exchange_whose_answer_was_lost_answers_again)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face old = load_one(&world, op), face = face_replacing(&world, op, &old, 0);
    struct reply reply, again;
    ck_assert_uint_eq(exchange(&world, op, &face, &reply), SW_OK);
    struct snapshot before = take_snapshot(&world);
    ramcard_power_cycle(world.rc);
    ck_assert_uint_eq(exchange(&world, op, &face, &again), SW_OK);
    ck_assert_bytes_eq(again.data, again.len, reply.data, reply.len);
    assert_unchanged(&world, &before);

    struct gate g = gate_of(op, GATE_1);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, face.tid, NULL), SW_OK);
    ck_assert_uint_eq(exchange(&world, op, &face, &again), SW_CONDITIONS);
}
END_TEST

/* ---- Ratification ---- */

START_TEST(write_whose_answer_was_lost_happens_once)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face face = load_one(&world, op);
    struct gate g = gate_of(op, GATE_1);
    uint8_t part[USAGE_GATE_PART], first[USAGE_SIZE], second[USAGE_SIZE];
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    gate_part(&g, EVENT_ENTRY, part);
    ck_assert_uint_eq(gate_write(&world, &g, face.tid, part, first), SW_OK);
    ramcard_power_cycle(world.rc);

    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_mem_eq(g.answer.usage, first, USAGE_SIZE);
    ck_assert_uint_eq(gate_write(&world, &g, face.tid, part, second), SW_OK);
    ck_assert_mem_eq(second, first, USAGE_SIZE);
    assert_unchanged(&world, &before);

    part[23] ^= 1; /* another transaction: a second entry, which is not allowed */
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_uint_eq(gate_write(&world, &g, face.tid, part, second), SW_CONDITIONS);
    assert_unchanged(&world, &before);
}
END_TEST

START_TEST(delete_whose_answer_was_lost_answers_again)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face face = load_one(&world, op), other = load_one(&world, op);
    struct gate g = gate_of(op, GATE_1);
    uint8_t first[USAGE_SIZE], second[USAGE_SIZE];
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, face.tid, first), SW_OK);
    ramcard_power_cycle(world.rc);
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert(!g.answer.found);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, face.tid, second), SW_OK);
    ck_assert_mem_eq(second, first, USAGE_SIZE);
    assert_unchanged(&world, &before);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, other.tid, second), SW_OK);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, face.tid, second), SW_RECORD_NOT_FOUND);
}
END_TEST

/* Once for all tests of a case: each forks from what is made here. */
static void set_up(void)
{
    world_init(&world, 1);
    enrol(&world, &world.rail);
    enrol(&world, &world.park);
    enrol(&world, &world.metro);
}

static void tear_down(void)
{
    world_free(&world);
}

int main(void)
{
    Suite *s = suite_create("ticket life");
    TCase *c = tcase_create("life");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, load_answers_with_a_receipt_and_reads_back, 0, 3);
    tcase_add_loop_test(c, gate_checks_marks_and_deletes, 0, sizeof ways / sizeof ways[0]);
    tcase_add_test(c, each_change_counts_once);
    tcase_add_test(c, nothing_deleted_yet_is_not_answered_for);
    tcase_add_test(c, two_operators_live_on_one_card_and_do_not_see_each_other);
    tcase_add_test(c, several_commands_in_one_session);
    tcase_add_test(c, date_and_service_choose_by_state_minute_and_sequence);
    tcase_add_test(c, read_is_in_order_of_date_minute_and_sequence);
    tcase_add_test(c, deletion_between_two_reads_is_harmless);
    tcase_add_loop_test(c, exchange_replaces_in_one_step, 0, 3);
    tcase_add_loop_test(c, void_order_deletes_and_its_receipt_can_be_had_again, 0, 3);
    tcase_add_loop_test(c, exchange_whose_answer_was_lost_answers_again, 0, 3);
    tcase_add_loop_test(c, write_whose_answer_was_lost_happens_once, 0, 3);
    tcase_add_loop_test(c, delete_whose_answer_was_lost_answers_again, 0, 3);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
