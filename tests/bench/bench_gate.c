/* The tap of the default suite (P-256, sub-key), counted on the production card and the production gate
 * session: APDUs, bytes, and the time the link alone takes, by the ISO/IEC 14443-4 type A model of
 * specs/bench.md. Nothing here is timed. */
#include <check.h>
#include <stdio.h>

#include "tests/bench/link_model.h"
#include "tests/support/ticket_world.h"

/* What the last command and its answer took on the wire: header, Lc and Le in short form, status word. */
static struct exchange last_exchange(const struct gate *g)
{
    return (struct exchange){(unsigned)(4 + 1 + g->command.n + 1), (unsigned)(g->reply.len + 2)};
}

static void print_figures(const struct exchange x[2])
{
    printf("gate.apdus %d\n", 2);
    printf("gate.bytes_in %u\n", x[0].in + x[1].in);
    printf("gate.bytes_out %u\n", x[0].out + x[1].out);
    printf("gate.link_106_ms %.2f\n", link_ms(1, 256, x, 2));
    printf("gate.link_212_ms %.2f\n", link_ms(2, 256, x, 2));
    printf("gate.link_424_ms %.2f\n", link_ms(4, 256, x, 2));
    printf("gate.link_848_ms %.2f\n", link_ms(8, 256, x, 2));
    printf("gate.link_106_fsd64_ms %.2f\n", link_ms(1, 64, x, 2));
    printf("gate.link_848_fsd64_ms %.2f\n", link_ms(8, 64, x, 2));
}

/* The world of the ticket tests asserts, so it lives inside a Check run. */
START_TEST(one_tap)
{
    static struct world w;
    struct exchange x[2];
    uint8_t part[USAGE_GATE_PART], usage[USAGE_SIZE];
    world_init(&w, 1);
    enrol(&w, &w.rail);
    struct ticket_face face = load_one(&w, &w.rail);
    struct gate g = gate_of(&w.rail, GATE_1);

    ck_assert_uint_eq(gate_verify(&w, &g, by_date(face.service_date, face.service)), SW_OK);
    ck_assert(g.answer.found);
    x[0] = last_exchange(&g);
    gate_part(&g, EVENT_ENTRY, part);
    ck_assert_uint_eq(gate_write(&w, &g, face.tid, part, usage), SW_OK);
    x[1] = last_exchange(&g);
    print_figures(x);
    world_free(&w);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *tap = tcase_create("tap");
    tcase_add_test(tap, one_tap);
    suite_add_tcase(suite, tap);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
