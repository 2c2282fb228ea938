/* The ticket applet's commands, in every suite; and those that never write. */
#include <check.h>
#include <string.h>

#include "tests/cuts/scenario.h"
#include "tests/support/must.h"
#include "tests/support/scp03_peer.h"

struct world scenario_world;

static struct world *const world = &scenario_world;
static struct ticket_face first, second;
static struct message message;
static uint8_t part[USAGE_GATE_PART];
static struct gate gate;
static struct reply reply;

/* In use, with a ticket of each operator that stays as it is. */
void scenario_set_up(void)
{
    world_init(world, 1);
    under_test = world->rc;
    enrol(world, &world->rail);
    enrol(world, &world->park);
    enrol(world, &world->metro);
    load_one(world, &world->rail);
    load_one(world, &world->park);
    load_one(world, &world->metro);
    ramcard_power_cycle(world->rc);
}

static uint16_t send_message(uint8_t ins, uint16_t p1p2)
{
    return card_send(world, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2, message.data, message.n, &reply);
}

static void new_face(struct operator_world *op)
{
    under_test = world->rc;
    first = face_of(world, op);
    face_seal(world, op, &first, &message);
}

static void rail_face(void)
{
    new_face(&world->rail);
}

static void park_face(void)
{
    new_face(&world->park);
}

static void metro_face(void)
{
    new_face(&world->metro);
}

/* A card on which nothing has been loaded yet. */
static void fresh_card(void)
{
    static struct world other;
    world_second_card(world, 2, &other);
    ramcard_free(world->rc);
    *world = other;
    world->rail.package_version = world->rail.sequence = 0;
    enrol(world, &world->rail);
    new_face(&world->rail);
}

static uint16_t run_load(void)
{
    return send_message(INS_LOAD, 0);
}

static void other_face(struct operator_world *op, bool nothing_new)
{
    under_test = world->rc;
    first = load_one(world, op);
    second = nothing_new ? void_order_for(world, op, &first, 0) : face_replacing(world, op, &first, 0);
    face_seal(world, op, &second, &message);
}

static void rail_exchange(void)
{
    other_face(&world->rail, false);
}

static void park_exchange(void)
{
    other_face(&world->park, false);
}

static void metro_exchange(void)
{
    other_face(&world->metro, false);
}

static void rail_void(void)
{
    other_face(&world->rail, true);
}

static uint16_t run_exchange(void)
{
    return send_message(INS_EXCHANGE, 0);
}

static void session(void)
{
    ck_assert_uint_eq(gate_verify(world, &gate, by_tid(&first)), SW_OK);
}

static void gate_for(struct operator_world *op)
{
    under_test = world->rc;
    first = load_one(world, op);
    gate = gate_of(op, GATE_1);
    session();
    gate_part(&gate, EVENT_ENTRY, part);
}

static void rail_gate(void)
{
    gate_for(&world->rail);
}

static void metro_gate(void)
{
    gate_for(&world->metro);
}

static uint16_t run_write(void)
{
    return gate_write(world, &gate, first.tid, part, NULL);
}

static uint16_t run_delete(void)
{
    return gate_delete_ticket(world, &gate, first.tid, NULL);
}

/* ---- Packages ---- */

static void roll(void)
{
    under_test = world->rc;
    struct tally_package p = package_of(world, &world->rail);
    p.sub_key_floor = 2;
    package_seal(world, &world->rail, &p, &message);
}

static void removal(void)
{
    under_test = world->rc;
    for (int i = 0; i < 9; i++)
        load_one(world, &world->rail);
    struct tally_package p = package_of(world, &world->rail);
    p.action = TALLY_PACKAGE_REMOVE;
    package_seal(world, &world->rail, &p, &message);
}

static void remove_metro(void)
{
    under_test = world->rc;
    struct tally_package p = package_of(world, &world->metro);
    p.action = TALLY_PACKAGE_REMOVE;
    package_seal(world, &world->metro, &p, &message);
}

/* The same operator again, under another number. */
static void newcomer(struct operator_world *op)
{
    static struct operator_world other;
    under_test = world->rc;
    other = *op;
    other.id = 0x0909;
    other.package_version = 0;
    struct tally_package p = package_of(world, &other);
    package_seal(world, &other, &p, &message);
}

static void new_rail(void)
{
    newcomer(&world->rail);
}

static void new_metro(void)
{
    remove_operator(world, &world->metro);
    newcomer(&world->metro);
}

static uint16_t run_package(void)
{
    return send_message(INS_PUT_DATA, DO_OPERATOR_PACKAGE);
}

#define ANY(what, id)                                                                                        \
    {                                                                                                        \
        what, id, 0, 1                                                                                       \
    }
#define MANY(what, id, n)                                                                                    \
    {                                                                                                        \
        what, id, 0, n                                                                                       \
    }
#define UP                                                                                                   \
    {                                                                                                        \
        COUNTS_UP, REC_COUNTER, 0, 0                                                                         \
    }
#define LOADED                                                                                               \
    {                                                                                                        \
        {                                                                                                    \
            {                                                                                                \
                {IS_NEW, REC_FACE, 0, 1}, {IS_NEW, REC_USAGE, 0, 1}, {IS_SET, REC_SEQUENCE, 0, 1}, UP        \
            }                                                                                                \
        }                                                                                                    \
    }
#define EXCHANGED                                                                                            \
    {                                                                                                        \
        {                                                                                                    \
            {                                                                                                \
                {IS_SET, REC_FACE, 0, 1}, {IS_SET, REC_USAGE, 0, 1}, {IS_SET, REC_SEQUENCE, 0, 1},           \
                    {IS_SET, REC_LAST_DELETION, 0, 1}, UP                                                    \
            }                                                                                                \
        }                                                                                                    \
    }
#define WRITTEN                                                                                              \
    {                                                                                                        \
        {                                                                                                    \
            {                                                                                                \
                {IS_SET, REC_USAGE, 0, 1}, UP                                                                \
            }                                                                                                \
        }                                                                                                    \
    }
#define DELETED                                                                                              \
    {                                                                                                        \
        {                                                                                                    \
            {                                                                                                \
                {IS_GONE, REC_FACE, 0, 1}, {IS_GONE, REC_USAGE, 0, 1}, {IS_SET, REC_LAST_DELETION, 0, 1}, UP \
            }                                                                                                \
        }                                                                                                    \
    }

const struct scenario ticket_scenarios[] = {
    {"LOAD, P-256", rail_face, NULL, run_load, SW_OK, SW_TICKET_EXISTS, false, LOADED},
    {"LOAD, RSA", park_face, NULL, run_load, SW_OK, SW_TICKET_EXISTS, false, LOADED},
    {"LOAD, SM9", metro_face, NULL, run_load, SW_OK, SW_TICKET_EXISTS, false, LOADED},
    {"LOAD, the card's first",
     fresh_card,
     NULL,
     run_load,
     SW_OK,
     SW_TICKET_EXISTS,
     false,
     {{{{IS_NEW, REC_FACE, 0, 1},
        {IS_NEW, REC_USAGE, 0, 1},
        {IS_SET, REC_SEQUENCE, 0, 1},
        UP,
        {BECOMES, REC_LIFE_CYCLE, LIFE_IN_USE, 0}}}}},
    {"EXCHANGE, P-256", rail_exchange, NULL, run_exchange, SW_OK, 0, false, EXCHANGED},
    {"EXCHANGE, RSA", park_exchange, NULL, run_exchange, SW_OK, 0, false, EXCHANGED},
    {"EXCHANGE, SM9", metro_exchange, NULL, run_exchange, SW_OK, 0, false, EXCHANGED},
    {"EXCHANGE by a void order",
     rail_void,
     NULL,
     run_exchange,
     SW_OK,
     0,
     false,
     {{{{IS_GONE, REC_FACE, 0, 1},
        {IS_GONE, REC_USAGE, 0, 1},
        {IS_SET, REC_SEQUENCE, 0, 1},
        {IS_SET, REC_LAST_DELETION, 0, 1},
        UP}}}},
    {"WRITE USAGE, P-256", rail_gate, session, run_write, SW_OK, 0, false, WRITTEN},
    {"WRITE USAGE, SM9", metro_gate, session, run_write, SW_OK, 0, false, WRITTEN},
    {"DELETE", rail_gate, session, run_delete, SW_OK, 0, false, DELETED},
    {"PUT DATA, operator again",
     roll,
     NULL,
     run_package,
     SW_OK,
     SW_CONDITIONS,
     false,
     {{{{IS_SET, REC_OPERATOR, 0, 1}, UP}}}},
    {"PUT DATA, new operator",
     new_rail,
     NULL,
     run_package,
     SW_OK,
     SW_CONDITIONS,
     false,
     {{{{IS_NEW, REC_OPERATOR, 0, 1}, {IS_NEW, REC_SEQUENCE, 0, 1}, {IS_NEW, REC_LAST_DELETION, 0, 1}, UP}}}},
    {"PUT DATA, new operator, SM9",
     new_metro,
     NULL,
     run_package,
     SW_OK,
     SW_CONDITIONS,
     false,
     {{{{IS_NEW, REC_OPERATOR, 0, 1},
        {IS_NEW, REC_SEQUENCE, 0, 1},
        {IS_NEW, REC_LAST_DELETION, 0, 1},
        UP,
        {IS_NEW, REC_SM9_HOLDER, 0, 1},
        {IS_NEW, REC_SM9_POWERS, 0, 1}}}}},
    {"PUT DATA, operator removed",
     removal,
     NULL,
     run_package,
     SW_OK,
     SW_CONDITIONS,
     false,
     {{{MANY(IS_GONE, REC_FACE, 8), MANY(IS_GONE, REC_USAGE, 8)}},
      {{MANY(IS_GONE, REC_FACE, 2), MANY(IS_GONE, REC_USAGE, 2)}},
      {{ANY(IS_SET, REC_OPERATOR), ANY(IS_GONE, REC_LAST_DELETION), UP}}}},
    {"PUT DATA, operator removed, SM9",
     remove_metro,
     NULL,
     run_package,
     SW_OK,
     SW_CONDITIONS,
     false,
     {{{ANY(IS_GONE, REC_FACE), ANY(IS_GONE, REC_USAGE)}},
      {{ANY(IS_SET, REC_OPERATOR), ANY(IS_GONE, REC_LAST_DELETION), UP, ANY(IS_GONE, REC_SM9_HOLDER),
        ANY(IS_GONE, REC_SM9_POWERS)}}}},
};

/* ---- What never writes ---- */

static void with_pin(void)
{
    static const uint8_t header[] = {CLA_ISO, INS_VERIFY_PIN, 0, 0x81};
    under_test = world->rc;
    first = load_one(world, &world->rail);
    gate = gate_of(&world->rail, GATE_1);
    ramcard_command(under_test, header, (const uint8_t *)TEST_PIN, sizeof TEST_PIN - 1, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
}

static uint16_t run_select(void)
{
    ramcard_select(under_test, TALLY_AID_TICKET);
    return SW_OK;
}

static uint16_t run_status(void)
{
    return card_send(world, INS_GET_STATUS, 0, 0, NULL, 0, &reply);
}

static uint16_t run_get_data(void)
{
    return card_send(world, INS_GET_DATA, DO_KEM_PUBLIC_KEY >> 8, DO_KEM_PUBLIC_KEY & 0xff, NULL, 0, &reply);
}

static uint16_t run_read(void)
{
    const uint8_t criterion[2 + SERVICE_SIZE] = {0};
    uint16_t sw =
        card_send(world, INS_READ, READ_FIRST, READ_FACE_USAGE, criterion, sizeof criterion, &reply);
    return sw == SW_OK ? card_send(world, INS_READ, READ_NEXT, READ_FACE_USAGE, NULL, 0, &reply) : sw;
}

static uint16_t run_verify(void)
{
    return gate_verify(world, &gate, by_tid(&first));
}

static uint16_t run_verify_pair(void)
{
    return gate_verify_by_pair(world, &gate, GATE_P256, by_tid(&first));
}

static uint16_t run_initialize(void)
{
    static const uint8_t challenge[8];
    ramcard_select(under_test, TALLY_AID_ISSUER);
    return card_send(world, INS_INITIALIZE_UPDATE, 0, 0, challenge, sizeof challenge, &reply);
}

static uint16_t run_pin_state(void)
{
    static const uint8_t header[] = {CLA_ISO, INS_VERIFY_PIN, 0, 0x81};
    ramcard_command(under_test, header, NULL, 0, &reply);
    return reply.sw;
}

const struct scenario reading_scenarios[] = {
    {.name = "SELECT", .prepare = with_pin, .run = run_select, .want = SW_OK},
    {.name = "GET STATUS", .prepare = with_pin, .run = run_status, .want = SW_OK},
    {.name = "GET DATA", .prepare = with_pin, .run = run_get_data, .want = SW_OK},
    {.name = "READ", .prepare = with_pin, .run = run_read, .want = SW_OK},
    {.name = "VERIFY by sub-key", .prepare = with_pin, .run = run_verify, .want = SW_OK},
    {.name = "VERIFY by gate key", .prepare = with_pin, .run = run_verify_pair, .want = SW_OK},
    {.name = "INITIALIZE UPDATE", .prepare = with_pin, .run = run_initialize, .want = SW_OK},
    {.name = "VERIFY PIN without data", .prepare = with_pin, .run = run_pin_state, .want = SW_OK},
};
const int reading_scenario_count = sizeof reading_scenarios / sizeof reading_scenarios[0];

/* ---- A life ---- */

enum { LIFE_TICKETS = 28 };

static struct ticket_face held[LIFE_TICKETS];
static size_t held_count;

static void no_more(void)
{
}

/* The next of a long row of commands; the ticket that it is about is among those held. */
const struct scenario *scenario_life(uint32_t *state)
{
    static struct scenario s;
    uint32_t r = model_random(state);
    size_t i = held_count > 0 ? r / 16 % held_count : 0;
    bool load = held_count == 0 || (held_count < LIFE_TICKETS && r % 4 < 2);
    if (load) {
        rail_face();
        held[held_count++] = first;
        s = ticket_scenarios[0];
    } else if (r % 8 == 3) {
        first = held[i];
        held[i] = second = face_replacing(world, &world->rail, &first, 0);
        face_seal(world, &world->rail, &second, &message);
        s = ticket_scenarios[4];
    } else {
        first = held[i];
        held[i] = held[--held_count];
        gate = gate_of(&world->rail, GATE_1);
        session();
        s = ticket_scenarios[10];
    }
    s.prepare = no_more;
    return &s;
}

const int ticket_scenario_count = sizeof ticket_scenarios / sizeof ticket_scenarios[0];
