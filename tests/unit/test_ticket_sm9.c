/* The ticket applet in suite SM9: identities in place of certificates. */
#include <string.h>

#include "card/wire/be.h"
#include "tests/support/check_main.h"
#include "tests/support/ticket_world.h"

static struct world w;

/* ---- Load and tap ---- */

START_TEST(a_ticket_loads_and_is_used_with_the_sub_key)
{
    struct ticket_face face = load_one(&w, &w.metro);
    struct gate gate = gate_of(&w.metro, GATE_1);
    uint8_t usage[USAGE_SIZE];
    ck_assert_uint_eq(tap(&w, &gate, &face, EVENT_ENTRY), SW_OK);
    ck_assert(stored_usage(&w, &face, usage));
    ck_assert_uint_eq(usage[1], EVENT_ENTRY);
    ck_assert(receipt_is_right(&w, &w.metro, face.tid, usage));
}
END_TEST

START_TEST(a_gate_uses_it_with_its_identity)
{
    struct ticket_face face = load_one(&w, &w.metro);
    struct gate gate = gate_of(&w.metro, GATE_1);
    uint8_t part[USAGE_GATE_PART], usage[USAGE_SIZE];
    ck_assert_uint_eq(gate_verify_by_pair(&w, &gate, GATE_SM9, by_tid(&face)), SW_OK);
    ck_assert(gate.answer.found);
    gate_part(&gate, EVENT_ENTRY, part);
    ck_assert_uint_eq(gate_write(&w, &gate, face.tid, part, usage), SW_OK);
    ck_assert_uint_eq(usage[27], BY_GATE_SM9);
    ck_assert(receipt_is_right(&w, &w.metro, face.tid, usage));
}
END_TEST

static void set_up(void)
{
    world_init(&w, 31);
    enrol(&w, &w.metro);
}

static void tear_down(void)
{
    world_free(&w);
}

int main(void)
{
    Suite *s = suite_create("ticket_sm9");
    TCase *tc = tcase_create("ticket_sm9");
    tcase_set_timeout(tc, 60);
    tcase_add_unchecked_fixture(tc, set_up, tear_down);
    tcase_add_test(tc, a_ticket_loads_and_is_used_with_the_sub_key);
    tcase_add_test(tc, a_gate_uses_it_with_its_identity);
    suite_add_tcase(s, tc);
    return tally_check_main(s, NULL);
}
