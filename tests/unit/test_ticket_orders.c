/* What LOAD and EXCHANGE must refuse, and must change nothing by: forged, repeated and misdirected orders. */
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/ticket_world.h"

static struct world world, stranger; /* two cards of one issuer, both enrolled with all operators */

static struct operator_world *operator_at(int i)
{
    return i == 0 ? &world.rail : i == 1 ? &world.park : &world.metro;
}

/* Flips a bit of each byte in turn; all must be refused. */
static void every_flip_is_refused(struct message *m)
{
    struct reply reply;
    struct snapshot before = take_snapshot(&world);
    for (size_t i = 0; i < m->n; i++) {
        m->data[i] ^= (uint8_t)(1 << i % 8);
        uint16_t sw = load_message(&world, m, &reply);
        ck_assert_msg(sw == SW_AUTHENTICATION || (i < 5 && (sw == SW_KEY_ABSENT || sw == SW_WRONG_DATA)),
                      "byte %zu: %04x", i, sw);
        m->data[i] ^= (uint8_t)(1 << i % 8);
    }
    assert_unchanged(&world, &before);
    ck_assert_uint_eq(load_message(&world, m, &reply), SW_OK);
}

START_TEST(load_with_any_flipped_byte_is_refused)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face face = face_of(&world, op);
    struct message m;
    face_seal(&world, op, &face, &m);
    every_flip_is_refused(&m);
}
END_TEST

START_TEST(load_of_any_other_length_is_malformed)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face face = face_of(&world, op);
    struct message m;
    struct reply reply;
    face_seal(&world, op, &face, &m);
    struct snapshot before = take_snapshot(&world);
    for (size_t n = 1; n <= m.n + 20; n++)
        if (n != m.n)
            ck_assert_uint_eq(card_send(&world, INS_LOAD, 0, 0, m.data, n, &reply), SW_WRONG_DATA);
    ck_assert_uint_eq(card_send(&world, INS_LOAD, 0, 0, NULL, 0, &reply), SW_WRONG_LENGTH);
    assert_unchanged(&world, &before);
}
END_TEST

static void load_is_refused(struct operator_world *op, const struct ticket_face *face, uint16_t want)
{
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(load(&world, op, face), want);
    assert_unchanged(&world, &before);
}

START_TEST(load_twice_is_refused)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face face = load_one(&world, op);
    struct gate g = gate_of(op, GATE_1);
    load_is_refused(op, &face, SW_TICKET_EXISTS);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, face.tid, NULL), SW_OK);
    load_is_refused(op, &face, SW_CONDITIONS);
    ramcard_power_cycle(world.rc);
    load_is_refused(op, &face, SW_CONDITIONS);
}
END_TEST

START_TEST(load_for_another_card_is_refused)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face face = face_of(&stranger, op);
    struct message m;
    struct reply reply;
    /* Right key, wrong serial: the issuer's mistake. In suite SM9 the serial is the key. */
    load_is_refused(op, &face, op->suite == SUITE_SM9 ? SW_AUTHENTICATION : SW_WRONG_DATA);
    face_seal(&stranger, op, &face, &m); /* copied */
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(load_message(&world, &m, &reply), SW_AUTHENTICATION);
    assert_unchanged(&world, &before);
    ck_assert_uint_eq(load_message(&stranger, &m, &reply), SW_OK);
}
END_TEST

START_TEST(load_with_a_forged_code_is_refused)
{
    struct operator_world *op = operator_at(_i), forger = *op;
    forger.key1 = another_key1(op);
    struct ticket_face face = face_of(&world, op);
    load_is_refused(&forger, &face, SW_AUTHENTICATION);
    ck_assert_uint_eq(load(&world, op, &face), SW_OK);
    tally_key_free(forger.key1);
}
END_TEST

START_TEST(load_that_header_operator_and_face_disagree_on_is_refused)
{
    struct ticket_face face = face_of(&world, &world.rail);
    struct message m;
    struct reply reply;
    face.key_version++; /* a key 6 that the card does not have */
    load_is_refused(&world.rail, &face, SW_AUTHENTICATION);

    face = face_of(&world, &world.rail);
    face.operator_id = 0x0999; /* unknown */
    load_is_refused(&world.rail, &face, SW_KEY_ABSENT);
    face.operator_id = PARK_ID; /* known, of the other suite */
    load_is_refused(&world.rail, &face, SW_KEY_ABSENT);

    face = face_of(&world, &world.rail);
    face_seal(&world, &world.rail, &face, &m);
    m.data[4]++; /* card key version */
    ck_assert_uint_eq(load_message(&world, &m, &reply), SW_KEY_ABSENT);
    m.data[4]--;
    m.data[0]++;
    ck_assert_uint_eq(load_message(&world, &m, &reply), SW_WRONG_DATA);
    m.data[0]--;
    m.data[1] = SUITE_SM9;
    ck_assert_uint_eq(load_message(&world, &m, &reply), SW_WRONG_DATA);
}
END_TEST

START_TEST(operator_issues_in_its_own_name_only)
{
    struct ticket_face face = face_of(&world, &world.rail);
    struct message m;
    struct reply reply;
    face_craft(&world, world.rail.key1, RAIL_ID, &face, &m);
    ck_assert_uint_eq(load_message(&world, &m, &reply), SW_OK);
    face = face_of(&world, &world.rail);
    face.operator_id = PARK_ID;
    face_craft(&world, world.rail.key1, RAIL_ID, &face, &m);
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(load_message(&world, &m, &reply), SW_AUTHENTICATION);
    assert_unchanged(&world, &before);
}
END_TEST

START_TEST(malformed_face_that_the_issuer_signed_is_refused)
{
    struct ticket_face face = face_of(&world, &world.rail);
    face.fare_type = 0;
    load_is_refused(&world.rail, &face, SW_AUTHENTICATION);
}
END_TEST

START_TEST(sequence_window_is_kept_by_load)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face face = face_of(&world, op), late = face;
    face.sequence = op->sequence = late.sequence + 64;
    face.tid[15]++;
    ck_assert_uint_eq(load(&world, op, &face), SW_OK);
    load_is_refused(op, &late, SW_CONDITIONS);
    late.sequence++;
    ck_assert_uint_eq(load(&world, op, &late), SW_OK);
    late.tid[15] ^= 0x80; /* another ticket with a number that was used */
    load_is_refused(op, &late, SW_CONDITIONS);
}
END_TEST

START_TEST(exchange_of_what_is_not_there_or_was_used_is_refused)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face old = load_one(&world, op), face;
    struct gate g = gate_of(op, GATE_1);
    struct reply reply;
    face = face_replacing(&world, op, &old, 1); /* wrong use counter */
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(exchange(&world, op, &face, &reply), SW_CONDITIONS);
    ck_assert_uint_eq(load(&world, op, &face), SW_CONDITIONS); /* not by LOAD */
    face = face_of(&world, op);
    ck_assert_uint_eq(exchange(&world, op, &face, &reply), SW_CONDITIONS); /* replaces nothing */
    face = face_replacing(&world, op, &old, 0);
    face.replaces = face.sequence - 1; /* was never loaded */
    ck_assert_uint_eq(exchange(&world, op, &face, &reply), SW_RECORD_NOT_FOUND);
    face = void_order_for(&world, op, &old, 7);
    ck_assert_uint_eq(exchange(&world, op, &face, &reply), SW_CONDITIONS);
    assert_unchanged(&world, &before);

    face = face_replacing(&world, op, &old, 0);
    ck_assert_uint_eq(tap(&world, &g, &old, EVENT_ENTRY), SW_OK); /* used meanwhile */
    before = take_snapshot(&world);
    ck_assert_uint_eq(exchange(&world, op, &face, &reply), SW_CONDITIONS);
    assert_unchanged(&world, &before);
}
END_TEST

/* Once for all tests of a case: each forks from what is made here. */
static void set_up(void)
{
    world_init(&world, 1);
    world_second_card(&world, 2, &stranger);
    enrol(&world, &world.rail);
    enrol(&world, &world.park);
    enrol(&world, &world.metro);
    enrol(&stranger, &stranger.rail);
    enrol(&stranger, &stranger.park);
    enrol(&stranger, &stranger.metro);
}

static void tear_down(void)
{
    ramcard_free(stranger.rc);
    world_free(&world);
}

int main(void)
{
    Suite *s = suite_create("ticket orders");
    TCase *c = tcase_create("load");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, load_with_any_flipped_byte_is_refused, 0, 3);
    tcase_add_loop_test(c, load_of_any_other_length_is_malformed, 0, 3);
    tcase_add_loop_test(c, load_twice_is_refused, 0, 3);
    tcase_add_loop_test(c, load_for_another_card_is_refused, 0, 3);
    tcase_add_loop_test(c, load_with_a_forged_code_is_refused, 0, 3);
    tcase_add_test(c, load_that_header_operator_and_face_disagree_on_is_refused);
    tcase_add_test(c, operator_issues_in_its_own_name_only);
    tcase_add_test(c, malformed_face_that_the_issuer_signed_is_refused);
    tcase_add_loop_test(c, sequence_window_is_kept_by_load, 0, 3);
    tcase_add_loop_test(c, exchange_of_what_is_not_there_or_was_used_is_refused, 0, 3);
    suite_add_tcase(s, c);

    return tally_check_main(s, NULL);
}
