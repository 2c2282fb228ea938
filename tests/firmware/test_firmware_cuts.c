/* Power cuts on the target: in flash operations, at instructions where the flash is written, and at random
 * instructions of a command; and a second time while the card recovers. Afterwards the card holds what it
 * held before or what it should hold, an acknowledged command has happened, and the same command again
 * completes the work. A sample: unit/ticket_cuts and cuts/store_sweep have every case on the host.
 * TALLY_CUTS: how many of each kind a command gets; TALLY_SEED: other random instructions. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/check_main.h"
#include "card/apdu/pin.h"
#include "tests/support/mcucard.h"
#include "tests/support/scp03_peer.h"
#include "tests/support/store_model.h"
#include "tests/support/ticket_world.h"

enum { SKIPPED = 77, CUTS = 3, LAST_INSTRUCTIONS = 400000, TRIES = 4 };

static struct world world;
static struct mcucard *mcu;
static struct ticket_face first, second;
static struct message message;
static uint8_t part[USAGE_GATE_PART];
static struct gate gate;

/* The fault for the command under test: called right before it. */
static void (*order_fault)(uint64_t n);
static uint64_t fault_at;

static void now(void)
{
    mcucard_spent(mcu);
    if (order_fault != NULL)
        order_fault(fault_at);
    order_fault = NULL;
}

static void cut_operation(uint64_t n)
{
    flashsim_cut_after(ramcard_flash(world.rc), n, n * 7919 + 1);
}

static void cut_instruction(uint64_t n)
{
    mcard_trip(mcucard_machine(mcu), n);
}

struct scenario {
    const char *name;
    void (*prepare)(void);
    uint16_t (*run)(void);
    uint16_t already; /* a second run may say so when the first had come through */
};

static void prepare_load(void)
{
    first = face_of(&world, &world.rail);
    face_seal(&world, &world.rail, &first, &message);
}

static void prepare_load_sm9(void)
{
    first = face_of(&world, &world.metro);
    face_seal(&world, &world.metro, &first, &message);
}

static uint16_t run_load(void)
{
    struct reply reply;
    now();
    return card_send(&world, INS_LOAD, 0, 0, message.data, message.n, &reply);
}

static void prepare_exchange(void)
{
    first = load_one(&world, &world.rail);
    second = face_replacing(&world, &world.rail, &first, 0);
    face_seal(&world, &world.rail, &second, &message);
}

static uint16_t run_exchange(void)
{
    struct reply reply;
    now();
    return card_send(&world, INS_EXCHANGE, 0, 0, message.data, message.n, &reply);
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
    now();
    return sw == SW_OK ? gate_write(&world, &gate, first.tid, part, NULL) : sw;
}

static uint16_t run_delete(void)
{
    uint16_t sw = gate_verify(&world, &gate, by_tid(&first));
    now();
    return sw == SW_OK ? gate_delete_ticket(&world, &gate, first.tid, NULL) : sw;
}

static void prepare_roll(void)
{
    struct tally_package p = package_of(&world, &world.rail);
    p.sub_key_floor = 2;
    package_seal(&world, &world.rail, &p, &message);
}

static uint16_t run_package(void)
{
    struct reply reply;
    now();
    return card_send(&world, INS_PUT_DATA, DO_OPERATOR_PACKAGE >> 8, DO_OPERATOR_PACKAGE & 0xff, message.data,
                     message.n, &reply);
}

static const struct scenario scenarios[] = {
    {"load", prepare_load, run_load, SW_TICKET_EXISTS},
    {"exchange", prepare_exchange, run_exchange, SW_OK},
    {"write usage", prepare_ticket, run_write, SW_OK},
    {"delete", prepare_ticket, run_delete, SW_OK},
    {"operator rolls", prepare_roll, run_package, SW_CONDITIONS},
    {"load, SM9", prepare_load_sm9, run_load, SW_TICKET_EXISTS},
};

static struct {
    size_t size;
    void *bytes;
} image;

static void take_image(void)
{
    const struct flashsim *sim = ramcard_flash(world.rc);
    image.size = flashsim_size(sim->flash.unit, sim->flash.page_size, sim->flash.page_count);
    image.bytes = malloc(image.size);
    ck_assert_ptr_nonnull(image.bytes);
    memcpy(image.bytes, sim->memory, image.size);
}

static void restore(void)
{
    memcpy(ramcard_flash(world.rc)->memory, image.bytes, image.size);
    ramcard_power_cycle(world.rc);
}

/* Loses power again in the first, second, ... flash operation of what the card does after power-on, as long
 * as it does that many. */
static void cut_recovery(uint64_t seed)
{
    struct mcard *machine = mcucard_machine(mcu);
    for (uint64_t n = 0; n < TRIES; n++) {
        mcard_ops.power_off(machine);
        mcard_cut_at(machine, mcard_operations(machine) + 1 + n, seed + n);
        if (mcard_ops.power_on(machine))
            break;
    }
    mcard_cut_at(machine, 0, 0);
}

static void cut(const struct scenario *s, void (*fault)(uint64_t n), uint64_t n,
                const struct snapshot *before, const struct snapshot *after)
{
    restore();
    order_fault = fault;
    fault_at = n;
    uint16_t sw = s->run();
    ck_assert_msg(sw != SW_OK || !ramcard_flash(world.rc)->dead, "%s", s->name);
    cut_recovery(n);
    ramcard_power_cycle(world.rc);
    struct snapshot found = take_snapshot(&world);
    bool done = snapshot_equal(&found, after);
    ck_assert_msg(done || snapshot_equal(&found, before), "%s: a half change after cut %llu", s->name,
                  (unsigned long long)n);
    ck_assert_msg(done || sw != SW_OK, "%s: acknowledged and lost after cut %llu", s->name,
                  (unsigned long long)n);
    sw = s->run();
    ck_assert_msg(sw == SW_OK || (done && sw == s->already), "%s: again after cut %llu: %04x", s->name,
                  (unsigned long long)n, sw);
    assert_unchanged(&world, after);
}

static uint64_t setting(const char *name, uint64_t usual)
{
    const char *asked = getenv(name);
    return asked != NULL ? strtoull(asked, NULL, 10) : usual;
}

static uint64_t cuts(void)
{
    return setting("TALLY_CUTS", CUTS);
}

/* Any instruction of a command that has so many. */
static uint64_t random_instruction(uint64_t instructions)
{
    static uint32_t state;
    if (state == 0)
        state = (uint32_t)setting("TALLY_SEED", 2026) | 1;
    uint64_t high = model_random(&state);
    return 1 + (high << 32 | model_random(&state)) % instructions;
}

START_TEST(cut_leaves_all_or_nothing)
{
    const struct scenario *s = &scenarios[_i];
    mcu = mcucard_take(world.rc, true, 1);
    s->prepare();
    take_image();
    struct snapshot before = take_snapshot(&world);
    restore();
    ck_assert_uint_eq(s->run(), SW_OK);
    struct mcucard_spent spent = mcucard_spent(mcu);
    struct snapshot after = take_snapshot(&world);
    ck_assert(!snapshot_equal(&before, &after));
    uint64_t operations = spent.programs + spent.erases, count = cuts();
    /* Flash is written in the last instructions of a command; what is before is all the same. */
    uint64_t window = spent.instructions < LAST_INSTRUCTIONS ? spent.instructions : LAST_INSTRUCTIONS;
    for (uint64_t i = 0; i < count; i++) {
        cut(s, cut_operation, i * operations / count, &before, &after);
        cut(s, cut_instruction, spent.instructions - window * (2 * i + 1) / (2 * count), &before, &after);
        cut(s, cut_instruction, random_instruction(spent.instructions), &before, &after);
    }
    free(image.bytes);
}
END_TEST

static uint16_t verify_pin(const char *pin)
{
    static const uint8_t header[] = {CLA_ISO, INS_VERIFY_PIN, 0, PIN_REFERENCE};
    struct reply reply;
    ramcard_command(world.rc, header, (const uint8_t *)pin, strlen(pin), &reply);
    return reply.sw;
}

/* Wherever the power goes: an answer was given only after the try was counted, and none comes back. */
START_TEST(a_wrong_pin_costs_its_try)
{
    mcu = mcucard_take(world.rc, true, 1);
    take_image();
    ck_assert_uint_eq(verify_pin("000000"), SW_PIN_TRIES | (PIN_TRIES - 1));
    uint64_t instructions = mcucard_spent(mcu).instructions;
    for (uint64_t i = 0; i < 2 * cuts(); i++) {
        restore();
        cut_instruction(random_instruction(instructions));
        uint16_t sw = verify_pin("000000");
        ramcard_power_cycle(world.rc);
        uint8_t left = pin_tries(ramcard_card(world.rc));
        ck_assert(left == PIN_TRIES || left == PIN_TRIES - 1);
        ck_assert(sw == SW_MEMORY_FAILURE || left == PIN_TRIES - 1);
        ck_assert_uint_eq(verify_pin(TEST_PIN), SW_OK);
    }
    free(image.bytes);
}
END_TEST

static void set_up(void)
{
    world_init(&world, 1);
    enrol(&world, &world.rail);
    enrol(&world, &world.metro);
}

static void tear_down(void)
{
    world_free(&world);
}

int main(void)
{
    if (!mcucard_available())
        return SKIPPED;
    Suite *s = suite_create("firmware cuts");
    TCase *c = tcase_create("cuts");
    tcase_set_timeout(c, 600);
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, cut_leaves_all_or_nothing, 0, sizeof scenarios / sizeof scenarios[0]);
    tcase_add_test(c, a_wrong_pin_costs_its_try);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
