/* The tap of the default suite (P-256, sub-key), and those of suite SM9, counted on the production card and
 * the production gate session: APDUs, bytes, and the time the link alone takes, by the ISO/IEC 14443-4 type A
 * model of specs/bench.md. Nothing here is timed. */
#include <check.h>
#include <stdio.h>

#include "tests/bench/link_model.h"
#include "tests/support/ticket_world.h"

/* What the last command and its answer took on the wire: header, Lc and Le in short form or, for an answer of
 * more than 256 bytes, extended; status word. */
static struct exchange last_exchange(const struct gate *g)
{
    bool extended = g->reply.len > 256;
    size_t lengths = extended ? 3 + 2 : 1 + 1;
    return (struct exchange){(unsigned)(4 + lengths + g->command.n), (unsigned)(g->reply.len + 2)};
}

/* prefix: "" or that of another tap's figures. */
static void print_figures(const char *prefix, const struct exchange x[2])
{
    static const struct {
        const char *name;
        double divisor;
        unsigned frame;
    } links[] = {{"106", 1, 256}, {"212", 2, 256},      {"424", 4, 256},
                 {"848", 8, 256}, {"106_fsd64", 1, 64}, {"848_fsd64", 8, 64}};
    printf("gate.%sapdus %d\n", prefix, 2);
    printf("gate.%sbytes_in %u\n", prefix, x[0].in + x[1].in);
    printf("gate.%sbytes_out %u\n", prefix, x[0].out + x[1].out);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        printf("gate.%slink_%s_ms %.2f\n", prefix, links[i].name,
               link_ms(links[i].divisor, links[i].frame, x, 2));
}

static void count_tap(struct world *w, struct operator_world *op, uint8_t mode, const char *prefix)
{
    world_init(w, 1);
    struct exchange x[2];
    uint8_t part[USAGE_GATE_PART], usage[USAGE_SIZE];
    enrol(w, op);
    struct ticket_face face = load_one(w, op);
    struct gate g = gate_of(op, GATE_1);
    struct tally_criterion criterion = by_date(face.service_date, face.service);

    ck_assert_uint_eq(mode == GATE_SUB_KEY ? gate_verify(w, &g, criterion)
                                           : gate_verify_by_pair(w, &g, mode, criterion),
                      SW_OK);
    ck_assert(g.answer.found);
    x[0] = last_exchange(&g);
    gate_part(&g, EVENT_ENTRY, part);
    ck_assert_uint_eq(gate_write(w, &g, face.tid, part, usage), SW_OK);
    x[1] = last_exchange(&g);
    print_figures(prefix, x);
    world_free(w);
}

/* The world of the ticket tests asserts, so it lives inside a Check run. */
START_TEST(one_tap)
{
    static struct world w;
    count_tap(&w, &w.rail, GATE_SUB_KEY, "");
    count_tap(&w, &w.metro, GATE_SUB_KEY, "sm9_");
    count_tap(&w, &w.metro, GATE_SM9, "sm9_identity_");
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
