/* Power cuts at every flash operation of every command that changes tickets or operators: the card holds what
 * it held before or what it should hold after, and the same command again completes the work. */
#include <string.h>

#include "card/ports/flashsim/flashsim.h"
#include "tests/support/check_main.h"
#include "tests/support/ticket_world.h"

static struct world world;

/* One command under test. prepare runs once, on power from before; run sends the command, with whatever
 * session it needs, after each power-on. */
struct scenario {
    const char *name;
    void (*prepare)(void);
    uint16_t (*run)(void);
    uint16_t already; /* the other status word of a second run, when the first had come through */
    bool stepwise;    /* more than one commit: states in between are allowed */
};

static struct ticket_face first, second;
static struct message message;
static uint8_t part[USAGE_GATE_PART];
static struct gate gate;

static uint16_t send_message(uint8_t ins, uint8_t p1, uint8_t p2)
{
    struct reply reply;
    return card_send(&world, ins, p1, p2, message.data, message.n, &reply);
}

static void prepare_load(void)
{
    first = face_of(&world, &world.rail);
    face_seal(&world, &world.rail, &first, &message);
}

static void prepare_load_rsa(void)
{
    first = face_of(&world, &world.park);
    face_seal(&world, &world.park, &first, &message);
}

static void prepare_load_sm9(void)
{
    first = face_of(&world, &world.metro);
    face_seal(&world, &world.metro, &first, &message);
}

static uint16_t run_load(void)
{
    return send_message(INS_LOAD, 0, 0);
}

static void prepare_exchange(void)
{
    first = load_one(&world, &world.rail);
    second = face_replacing(&world, &world.rail, &first, 0);
    face_seal(&world, &world.rail, &second, &message);
}

static void prepare_void(void)
{
    first = load_one(&world, &world.rail);
    second = void_order_for(&world, &world.rail, &first, 0);
    face_seal(&world, &world.rail, &second, &message);
}

static uint16_t run_exchange(void)
{
    return send_message(INS_EXCHANGE, 0, 0);
}

static void prepare_ticket(void)
{
    first = load_one(&world, &world.rail);
    gate = gate_of(&world.rail, GATE_1);
    ck_assert_uint_eq(gate_verify(&world, &gate, by_tid(&first)), SW_OK);
    gate_part(&gate, EVENT_ENTRY, part);
}

static uint16_t run_write(void)
{
    uint16_t sw = gate_verify(&world, &gate, by_tid(&first));
    return sw == SW_OK ? gate_write(&world, &gate, first.tid, part, NULL) : sw;
}

static uint16_t run_delete(void)
{
    uint16_t sw = gate_verify(&world, &gate, by_tid(&first));
    return sw == SW_OK ? gate_delete_ticket(&world, &gate, first.tid, NULL) : sw;
}

static void prepare_roll(void)
{
    struct tally_package p = package_of(&world, &world.rail);
    p.sub_key_floor = 2;
    package_seal(&world, &world.rail, &p, &message);
}

static void prepare_removal_of(struct operator_world *op, int tickets)
{
    for (int i = 0; i < tickets; i++)
        load_one(&world, op);
    struct tally_package p = package_of(&world, op);
    p.action = TALLY_PACKAGE_REMOVE;
    package_seal(&world, op, &p, &message);
}

static void prepare_removal(void)
{
    prepare_removal_of(&world.rail, 10);
}

static void prepare_removal_sm9(void)
{
    prepare_removal_of(&world.metro, 3);
}

/* The operator's first package, and one with new master keys. */
static void prepare_join_sm9(void)
{
    remove_operator(&world, &world.metro);
    struct tally_package p = package_of(&world, &world.metro);
    package_seal(&world, &world.metro, &p, &message);
}

static void prepare_masters_sm9(void)
{
    ck_assert_int_eq(tally_sm9_centre_make(&world.metro.centre), TALLY_OK);
    struct tally_package p = package_of(&world, &world.metro);
    package_seal(&world, &world.metro, &p, &message);
}

static void prepare_identity_sm9(void)
{
    first = load_one(&world, &world.metro);
    gate = gate_of(&world.metro, GATE_1);
    ck_assert_uint_eq(gate_verify(&world, &gate, by_tid(&first)), SW_OK);
    gate_part(&gate, EVENT_ENTRY, part);
}

static uint16_t run_write_sm9(void)
{
    uint16_t sw = gate_verify_by_pair(&world, &gate, GATE_SM9, by_tid(&first));
    return sw == SW_OK ? gate_write(&world, &gate, first.tid, part, NULL) : sw;
}

static uint16_t run_package(void)
{
    return send_message(INS_PUT_DATA, DO_OPERATOR_PACKAGE >> 8, DO_OPERATOR_PACKAGE & 0xff);
}

static const struct scenario scenarios[] = {
    {"load, P-256", prepare_load, run_load, SW_TICKET_EXISTS, false},
    {"load, RSA", prepare_load_rsa, run_load, SW_TICKET_EXISTS, false},
    {"exchange", prepare_exchange, run_exchange, SW_OK, false},
    {"void order", prepare_void, run_exchange, SW_OK, false},
    {"write usage", prepare_ticket, run_write, SW_OK, false},
    {"delete", prepare_ticket, run_delete, SW_OK, false},
    {"operator rolls", prepare_roll, run_package, SW_CONDITIONS, false},
    {"operator leaves", prepare_removal, run_package, SW_CONDITIONS, true},
    {"load, SM9", prepare_load_sm9, run_load, SW_TICKET_EXISTS, false},
    {"write usage, SM9 identity", prepare_identity_sm9, run_write_sm9, SW_OK, false},
    {"operator joins, SM9", prepare_join_sm9, run_package, SW_CONDITIONS, false},
    {"master keys change, SM9", prepare_masters_sm9, run_package, SW_CONDITIONS, false},
    {"operator leaves, SM9", prepare_removal_sm9, run_package, SW_CONDITIONS, true},
};

/* The flash as it is, to go back to. */
struct image {
    size_t size;
    void *bytes;
};

static struct image take_image(void)
{
    const struct flashsim *sim = ramcard_flash(world.rc);
    struct image image;
    image.size = flashsim_size(sim->flash.unit, sim->flash.page_size, sim->flash.page_count);
    image.bytes = malloc(image.size);
    ck_assert_ptr_nonnull(image.bytes);
    memcpy(image.bytes, sim->memory, image.size);
    return image;
}

static void power_on(uint64_t seed)
{
    flashsim_power_on(ramcard_flash(world.rc), seed);
    ramcard_power_cycle(world.rc);
}

static void restore(const struct image *image)
{
    memcpy(ramcard_flash(world.rc)->memory, image->bytes, image->size);
    power_on(1);
}

/* One cut after n operations. Returns false when the command needed no more than n. */
static bool cut(const struct scenario *s, uint64_t n, const struct snapshot *before,
                const struct snapshot *after)
{
    struct flashsim *sim = ramcard_flash(world.rc);
    flashsim_cut_after(sim, n, n * 7919 + 1);
    uint16_t sw = s->run();
    bool was_cut = sim->dead;
    power_on(n + 17);

    struct snapshot now = take_snapshot(&world);
    bool done = snapshot_equal(&now, after);
    ck_assert_msg(done || s->stepwise || snapshot_equal(&now, before), "%s: a half change after cut %d",
                  s->name, (int)n);
    ck_assert_msg(done || sw != SW_OK, "%s: acknowledged and lost after cut %d", s->name, (int)n);

    sw = s->run();
    ck_assert_msg(sw == SW_OK || (done && sw == s->already), "%s: again after cut %d: %04x", s->name, (int)n,
                  sw);
    assert_unchanged(&world, after);
    return was_cut;
}

START_TEST(every_cut_leaves_all_or_nothing)
{
    const struct scenario *s = &scenarios[_i];
    s->prepare();
    struct image image = take_image();
    struct snapshot before = take_snapshot(&world);
    restore(&image);
    ck_assert_uint_eq(s->run(), SW_OK);
    struct snapshot after = take_snapshot(&world);
    ck_assert(!snapshot_equal(&before, &after));

    uint64_t n = 0;
    for (bool more = true; more; n++) {
        restore(&image);
        more = cut(s, n, &before, &after);
    }
    ck_assert_uint_gt(n, 5);
    printf("%s: %d cuts\n", s->name, (int)n - 1);
    free(image.bytes);
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
    Suite *s = suite_create("ticket cuts");
    TCase *c = tcase_create("cuts");
    tcase_set_timeout(c, 120);
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, every_cut_leaves_all_or_nothing, 0, sizeof scenarios / sizeof scenarios[0]);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
