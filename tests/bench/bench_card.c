/* Every command of the card on the firmware in QEMU: instructions and stack, exact and repeatable; and the
 * time of a tap, by the link model of specs/bench.md, instructions and flash. The issuer's own commands come
 * first, on a blank chip; then the ticket applet's, in both suites. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/link_model.h"
#include "tests/support/mcucard.h"
#include "tests/support/scp03_peer.h"
#include "tests/support/ticket_world.h"

/* What turns counts into milliseconds: a Cortex-M33 at 80 MHz; flash of its class with units of 8 bytes and
 * pages of 2 KB, the longest times of the data sheet. */
static const double CYCLES_PER_INSTRUCTION = 1.3, CLOCK_HZ = 80e6, PROGRAM_MS = 0.0908, ERASE_MS = 24.5;

enum { ENDURANCE_CYCLES = 10000, WEAR_TAPS = 600, EVENTS = 2 };

static struct world world;
static struct mcucard *mcu;
static uint32_t stack_bytes;

static struct mcucard_spent show(const char *name)
{
    struct mcucard_spent s = mcucard_spent(mcu);
    printf("card.%s.instructions %llu\n", name, (unsigned long long)s.instructions);
    printf("card.%s.stack %u\n", name, s.stack);
    if (s.programs > 0)
        printf("card.%s.programs %llu\n", name, (unsigned long long)s.programs);
    stack_bytes = s.stack > stack_bytes ? s.stack : stack_bytes;
    return s;
}

static void start(struct ramcard *rc)
{
    mcu = mcucard_take(rc, true, 1);
}

static void stop(struct ramcard *rc)
{
    ramcard_free(rc);
    mcucard_free(mcu);
}

/* ---- The issuer's commands ---- */

static void issuer_step(struct scp03_peer *peer, struct ramcard *rc, const char *name, uint8_t ins,
                        uint16_t p1p2, const void *data, size_t n)
{
    struct reply reply;
    peer_command(peer, rc, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2, data, n, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    show(name);
}

static void plain_step(struct ramcard *rc, const char *name, uint8_t cla, uint8_t ins, uint16_t p1p2,
                       const void *data, size_t n)
{
    const uint8_t header[4] = {cla, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2};
    struct reply reply;
    ramcard_command(rc, header, data, n, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    show(name);
}

static void personalise(struct ramcard *rc, bool slow)
{
    static const uint8_t serial[SERIAL_SIZE] = {1, 2, 3};
    struct hal_identity identity = ramcard_identity(rc);
    struct scp03_peer peer;
    peer_init(&peer, identity.admin_key);
    ramcard_select(rc, TALLY_AID_ISSUER);
    show("select");
    ck_assert_uint_eq(peer_begin(&peer, rc), SW_OK);
    show("initialize_update");
    ck_assert_uint_eq(peer_finish(&peer, rc), SW_OK);
    show("external_authenticate");
    issuer_step(&peer, rc, "put_serial", INS_PUT_DATA, DO_SERIAL, serial, sizeof serial);
    issuer_step(&peer, rc, "put_enrolment_key", INS_PUT_DATA, DO_ENROLMENT_KEY, peer_point,
                sizeof peer_point);
    issuer_step(&peer, rc, "put_pin", INS_PUT_DATA, DO_INITIAL_PIN, TEST_PIN, sizeof TEST_PIN - 1);
    issuer_step(&peer, rc, "generate_key_kem", INS_GENERATE_KEY, KEY_REF_KEM, NULL, 0);
    issuer_step(&peer, rc, "generate_key_auth", INS_GENERATE_KEY, KEY_REF_AUTH, NULL, 0);
    if (slow)
        issuer_step(&peer, rc, "generate_key_rsa", INS_GENERATE_KEY, KEY_REF_RSA, NULL, 0);
    issuer_step(&peer, rc, "set_status", INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0);
    issuer_step(&peer, rc, "reset_pin", INS_RESET_PIN, 0x0081, TEST_PIN, sizeof TEST_PIN - 1);
}

static void holder_commands(struct ramcard *rc)
{
    static const char change[] = "\6" TEST_PIN TEST_PIN;
    plain_step(rc, "get_status", CLA_PROPRIETARY, INS_GET_STATUS, 0, NULL, 0);
    plain_step(rc, "verify_pin", CLA_ISO, INS_VERIFY_PIN, 0x0081, TEST_PIN, sizeof TEST_PIN - 1);
    plain_step(rc, "change_pin", CLA_ISO, INS_CHANGE_PIN, 0x0081, change, sizeof change - 1);
    plain_step(rc, "get_data", CLA_PROPRIETARY, INS_GET_DATA, DO_KEM_PUBLIC_KEY, NULL, 0);
}

START_TEST(issuers_commands)
{
    struct ramcard *rc = ramcard_new(1);
    start(rc);
    personalise(rc, getenv("TALLY_BENCH_RSA_KEY") != NULL);
    holder_commands(rc);
    stop(rc);
}
END_TEST

/* ---- The ticket applet ---- */

static void show_suite(const char *command, const char *suite)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s_%s", command, suite);
    show(name);
}

static void write_event(struct gate *g, const struct ticket_face *face, enum usage_event event)
{
    uint8_t part[USAGE_GATE_PART];
    gate_part(g, event, part);
    ck_assert_uint_eq(gate_write(&world, g, face->tid, part, NULL), SW_OK);
}

static void pair_commands(struct operator_world *op, const struct ticket_face *face, const char *suite)
{
    struct gate g = gate_of(op, GATE_1);
    if (op->suite == SUITE_SM9) {
        ck_assert_uint_eq(gate_verify_by_pair(&world, &g, GATE_SM9, by_tid(face)), SW_OK);
        show_suite("verify_gate_sm9", suite);
        return;
    }
    ck_assert_uint_eq(gate_verify_by_pair(&world, &g, GATE_P256, by_tid(face)), SW_OK);
    show_suite("verify_gate_p256", suite);
    ck_assert_uint_eq(gate_verify_by_pair(&world, &g, GATE_RSA, by_tid(face)), SW_OK);
    show_suite("verify_gate_rsa", suite);
}

static void change_commands(struct operator_world *op, const struct ticket_face *face, uint16_t use_counter,
                            const char *suite)
{
    struct ticket_face other = face_replacing(&world, op, face, use_counter), gone;
    struct gate g = gate_of(op, GATE_1);
    struct reply reply;
    ck_assert_uint_eq(exchange(&world, op, &other, &reply), SW_OK);
    show_suite("exchange", suite);
    gone = load_one(&world, op);
    mcucard_spent(mcu);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&gone)), SW_OK);
    mcucard_spent(mcu);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, gone.tid, NULL), SW_OK);
    show_suite("delete", suite);
}

static void read_commands(const struct ticket_face *face, const char *suite)
{
    static const uint8_t header[4] = {CLA_ISO, INS_VERIFY_PIN, 0, 0x81};
    uint8_t criterion[2 + SERVICE_SIZE] = {(uint8_t)(face->service_date >> 8), (uint8_t)face->service_date};
    struct reply reply;
    ramcard_command(world.rc, header, (const uint8_t *)TEST_PIN, sizeof TEST_PIN - 1, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    mcucard_spent(mcu);
    ck_assert_uint_eq(
        card_send(&world, INS_READ, READ_FIRST, READ_FACE_USAGE, criterion, sizeof criterion, &reply), SW_OK);
    show_suite("read", suite);
}

static void suite_commands(struct operator_world *op, const char *suite)
{
    struct ticket_face face;
    struct gate g = gate_of(op, GATE_1);
    enrol(&world, op);
    show_suite("put_package", suite);
    face = load_one(&world, op);
    show_suite("load", suite);
    read_commands(&face, suite);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    show_suite("verify", suite);
    write_event(&g, &face, EVENT_ENTRY);
    show_suite("write_usage", suite);
    pair_commands(op, &face, suite);
    change_commands(op, &face, 1, suite);
}

START_TEST(ticket_commands)
{
    world_init(&world, 1);
    start(world.rc);
    suite_commands(&world.rail, "p256");
    suite_commands(&world.park, "rsa");
    suite_commands(&world.metro, "sm9");
    printf("card.stack_bytes %u\n", stack_bytes);
    stop(world.rc);
    world.rc = NULL;
}
END_TEST

/* ---- The tap ---- */

/* Lc and Le in short form or, for an answer of more than 256 bytes, extended. */
static struct exchange last_exchange(const struct gate *g)
{
    size_t lengths = g->reply.len > 256 ? 3 + 2 : 1 + 1;
    return (struct exchange){(unsigned)(4 + lengths + g->command.n), (unsigned)(g->reply.len + 2)};
}

static double compute_ms(uint64_t instructions)
{
    return (double)instructions * CYCLES_PER_INSTRUCTION / CLOCK_HZ * 1e3;
}

static double flash_ms(uint64_t programs, uint64_t erases)
{
    return (double)programs * PROGRAM_MS + (double)erases * ERASE_MS;
}

static void print_tap(const char *tap, const struct exchange x[2], const struct mcucard_spent *s)
{
    static const struct {
        const char *name;
        double divisor;
        unsigned frame;
    } links[] = {{"106", 1, 256},      {"212", 2, 256},      {"424", 4, 256},      {"848", 8, 256},
                 {"106_fsd64", 1, 64}, {"212_fsd64", 2, 64}, {"424_fsd64", 4, 64}, {"848_fsd64", 8, 64}};
    double flash = flash_ms(s->programs, s->erases);
    printf("gate.%s_instructions %llu\n", tap, (unsigned long long)s->instructions);
    printf("gate.%s_compute_ms %.2f\n", tap, compute_ms(s->instructions));
    printf("gate.%s_flash_ms %.2f\n", tap, flash);
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        printf("gate.%s_%s_ms %.2f\n", tap, links[i].name,
               link_ms(links[i].divisor, links[i].frame, x, 2) + compute_ms(s->instructions) + flash);
}

/* Entry with the ticket of a card's only operator. */
static void measure_tap(const char *name, struct operator_world *op, uint8_t mode)
{
    struct exchange x[2];
    enrol(&world, op);
    struct ticket_face face = load_one(&world, op);
    struct gate g = gate_of(op, GATE_1);
    struct tally_criterion criterion = by_date(face.service_date, face.service);
    start(world.rc);
    ck_assert_uint_eq(mode == GATE_SUB_KEY ? gate_verify(&world, &g, criterion)
                                           : gate_verify_by_pair(&world, &g, mode, criterion),
                      SW_OK);
    x[0] = last_exchange(&g);
    write_event(&g, &face, EVENT_ENTRY);
    x[1] = last_exchange(&g);
    struct mcucard_spent s = mcucard_spent(mcu);
    print_tap(name, x, &s);
    stop(world.rc);
}

START_TEST(one_tap)
{
    world_init(&world, 1);
    measure_tap("tap", &world.rail, GATE_SUB_KEY);
    world_init(&world, 1);
    measure_tap("tap_sm9", &world.metro, GATE_SUB_KEY);
    world_init(&world, 1);
    measure_tap("tap_sm9_identity", &world.metro, GATE_SM9);
}
END_TEST

static uint64_t erases(const struct flashsim *flash)
{
    uint64_t n = 0;
    for (uint32_t p = 0; p < flash->flash.page_count; p++)
        n += flashsim_erases(flash, p);
    return n;
}

/* Wear over many taps on a card with a hundred tickets, on the host: what is counted are the flash model's
 * erasures. */
START_TEST(wear)
{
    static const enum usage_event events[EVENTS] = {EVENT_ENTRY, EVENT_UNDO};
    world_init(&world, 2);
    enrol(&world, &world.rail);
    struct ticket_face face = load_one(&world, &world.rail);
    for (int i = 0; i < 99; i++)
        load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    const struct flashsim *flash = ramcard_flash(world.rc);
    double worst = 0, sum = 0;
    uint64_t first = erases(flash), operations, erased;
    for (int i = 0; i < WEAR_TAPS; i++) {
        operations = flashsim_operations(flash);
        erased = erases(flash);
        ck_assert_uint_eq(tap(&world, &g, &face, events[i % EVENTS]), SW_OK);
        erased = erases(flash) - erased;
        double ms = flash_ms(flashsim_operations(flash) - operations - erased, erased);
        worst = ms > worst ? ms : worst;
        sum += ms;
    }
    double per_tap = (double)(erases(flash) - first) / WEAR_TAPS;
    printf("gate.tap_flash_mean_ms %.2f\n", sum / WEAR_TAPS);
    printf("gate.tap_flash_worst_ms %.2f\n", worst);
    printf("card.erases_per_tap %.4f\n", per_tap);
    printf("card.endurance_taps %.0f\n", ENDURANCE_CYCLES * (double)flash->flash.page_count / per_tap);
    world_free(&world);
}
END_TEST

int main(void)
{
    if (!mcucard_available())
        return 1;
    Suite *suite = suite_create("card");
    TCase *c = tcase_create("card");
    tcase_add_test(c, issuers_commands);
    tcase_add_test(c, ticket_commands);
    tcase_add_test(c, one_tap);
    tcase_add_test(c, wear);
    suite_add_tcase(suite, c);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
