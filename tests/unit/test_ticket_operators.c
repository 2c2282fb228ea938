/* Operators on the card: joining, rolling keys, leaving, coming back; and room for tickets. */
#include <string.h>

#include "card/wire/be.h"
#include "tests/support/check_main.h"
#include "tests/support/ticket_world.h"

static struct world world;

static struct operator_world *operator_at(int i)
{
    return i == 0 ? &world.rail : i == 1 ? &world.park : &world.metro;
}

static uint16_t put(struct operator_world *op, const struct tally_package *package)
{
    struct message m;
    package_seal(&world, op, package, &m);
    return package_send(&world, &m);
}

static void package_is_refused(struct operator_world *op, const struct tally_package *package, uint16_t want)
{
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(put(op, package), want);
    assert_unchanged(&world, &before);
}

static void list_is(const uint8_t *want, size_t n)
{
    uint8_t list[128];
    size_t len = ticket_operator_list(ramcard_card(world.rc), list, sizeof list);
    ck_assert_bytes_eq(list, len, want, n);
}

START_TEST(enrolment_shows_in_the_list)
{
    list_is((const uint8_t *)"", 0);
    enrol(&world, &world.rail);
    static const uint8_t rail[] = {1, 1, 1, SUITE_P256, 0, 0, 0, 1, 3, 2, 1, 0};
    list_is(rail, sizeof rail);
    enrol(&world, &world.park);
    static const uint8_t both[] = {1, 1, 1, SUITE_P256, 0, 0, 0, 1, 3, 2, 1, 0,
                                   2, 2, 1, SUITE_RSA,  0, 0, 0, 1, 3, 2, 1, 0};
    list_is(both, sizeof both);
    remove_operator(&world, &world.rail);
    static const uint8_t removed[] = {1, 1, 2, 0,         0, 0, 0, 2, 0, 0, 1, 0,
                                      2, 2, 1, SUITE_RSA, 0, 0, 0, 1, 3, 2, 1, 0};
    list_is(removed, sizeof removed);

    uint8_t list[20];
    ck_assert_uint_eq(ticket_operator_list(ramcard_card(world.rc), list, sizeof list), 12);
}
END_TEST

START_TEST(package_with_any_flipped_byte_is_refused)
{
    struct operator_world *op = operator_at(_i);
    struct tally_package p = package_of(&world, op);
    struct message m;
    package_seal(&world, op, &p, &m);
    struct snapshot before = take_snapshot(&world);
    for (size_t i = 0; i < m.n; i++) {
        m.data[i] ^= (uint8_t)(1 << i % 8);
        uint16_t sw = package_send(&world, &m);
        ck_assert_msg(sw == SW_AUTHENTICATION || (i < 2 && sw == SW_WRONG_DATA) ||
                          (i == 4 && sw == SW_KEY_ABSENT),
                      "byte %zu: %04x", i, sw);
        m.data[i] ^= (uint8_t)(1 << i % 8);
    }
    assert_unchanged(&world, &before);
    ck_assert_uint_eq(package_send(&world, &m), SW_OK);
}
END_TEST

START_TEST(package_is_taken_once)
{
    struct tally_package p = package_of(&world, &world.rail);
    p.version = 5;
    ck_assert_uint_eq(put(&world.rail, &p), SW_OK);
    package_is_refused(&world.rail, &p, SW_CONDITIONS);
    p.version--;
    package_is_refused(&world.rail, &p, SW_CONDITIONS);
    p.version += 2;
    ck_assert_uint_eq(put(&world.rail, &p), SW_OK);
}
END_TEST

START_TEST(nothing_goes_back)
{
    struct operator_world *op = &world.rail;
    struct tally_package p = package_of(&world, op);
    op->enrolment_version = 4;
    p.sub_key_floor = 2;
    p.epoch_floor = 6;
    ck_assert_uint_eq(put(op, &p), SW_OK);
    p.version++;
    p.sub_key_floor = 1;
    package_is_refused(op, &p, SW_CONDITIONS);
    p.sub_key_floor = 2;
    p.epoch_floor = 5;
    package_is_refused(op, &p, SW_CONDITIONS);
    p.epoch_floor = 6;
    op->enrolment_version = 3;
    package_is_refused(op, &p, SW_CONDITIONS);
    op->enrolment_version = 5;
    ck_assert_uint_eq(put(op, &p), SW_OK);
}
END_TEST

START_TEST(package_for_another_card_or_by_another_authority_is_refused)
{
    struct operator_world *op = &world.rail, impostor = *op;
    struct tally_package p = package_of(&world, op);
    p.serial[0] ^= 1;
    package_is_refused(op, &p, SW_WRONG_DATA);
    p.serial[0] ^= 1;

    /* An authority that the card issuer never enrolled, under its own signature. */
    struct world rogue = world;
    struct message m;
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &rogue.enrolment), TALLY_OK);
    struct snapshot before = take_snapshot(&world);
    package_seal(&rogue, &impostor, &p, &m);
    ck_assert_uint_eq(package_send(&world, &m), SW_AUTHENTICATION);
    assert_unchanged(&world, &before);
    tally_key_free(rogue.enrolment);
}
END_TEST

/* The plaintext of a package that sets P-256 keys, field by field, so that each can be wrong. */
struct plain {
    uint8_t bytes[600];
    size_t n;
};

static void add(struct plain *p, const void *data, size_t n)
{
    memcpy(p->bytes + p->n, data, n);
    p->n += n;
}

static void add_byte(struct plain *p, uint8_t value)
{
    add(p, &value, 1);
}

static void add_list(struct plain *p, const char *versions, size_t item)
{
    static const uint8_t zero[64];
    add_byte(p, (uint8_t)strlen(versions));
    for (; *versions != '\0'; versions++) {
        add_byte(p, (uint8_t)(*versions - '0'));
        add(p, zero, item);
    }
}

struct shape {
    uint8_t action, suite;
    const char *key6, *sub_keys; /* versions, one digit each */
    int trailing;                /* bytes too many, or too few */
};

static struct plain plain_of(const struct shape *shape)
{
    static const uint8_t head_end[] = {0, 0, 0, 9, 2, 0, 5}, zero[128];
    struct plain p = {.n = 0};
    add(&p, world.serial, SERIAL_SIZE);
    add_byte(&p, shape->action);
    add(&p, head_end, sizeof head_end); /* package 9, sub-key floor 2, epoch floor 5 */
    if (shape->suite != 0) {
        add_byte(&p, shape->suite);
        add_list(&p, shape->key6, P256_PUBLIC_SIZE);
        add(&p, zero, sizeof zero);
        add_list(&p, shape->sub_keys, 2 * SYM_KEY_SIZE);
    }
    p.n = (size_t)((int)p.n + shape->trailing);
    return p;
}

static uint16_t put_shape(const struct shape *shape)
{
    struct plain p = plain_of(shape);
    struct message m;
    package_craft(&world, &world.rail, RAIL_ID, world.rail.authority, p.bytes, p.n, &m);
    return package_send(&world, &m);
}

START_TEST(genuine_package_that_breaks_a_rule_is_malformed)
{
    static const struct shape bad[] = {
        {0, 1, "3", "2", 0},    {3, 1, "3", "2", 0},  {1, 0, "", "", 0},      {2, 1, "3", "2", 0},
        {1, 3, "3", "2", 0},    {1, 1, "", "2", 0},   {1, 1, "345", "2", 0},  {1, 1, "33", "2", 0},
        {1, 1, "43", "2", 0},   {1, 1, "3", "", 0},   {1, 1, "3", "2345", 0}, {1, 1, "3", "1", 0},
        {1, 1, "3", "22", 0},   {1, 1, "3", "32", 0}, {1, 1, "3", "2", 1},    {1, 1, "3", "2", -1},
        {1, 1, "3", "2", -120}, {2, 0, "", "", 1},
    };
    static const struct shape good = {1, 1, "34", "234", 0};
    struct snapshot before = take_snapshot(&world);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(put_shape(&bad[i]) == SW_WRONG_DATA, "shape %zu", i);
    assert_unchanged(&world, &before);
    ck_assert_uint_eq(put_shape(&good), SW_OK);
}
END_TEST

START_TEST(operator_speaks_for_itself_only)
{
    static const struct shape removal = {2, 0, "", "", 0};
    struct plain p = plain_of(&removal);
    struct message m;
    enrol(&world, &world.park);
    enrol(&world, &world.rail);
    struct snapshot before = take_snapshot(&world);
    package_craft(&world, &world.rail, PARK_ID, world.rail.authority, p.bytes, p.n, &m);
    ck_assert_uint_eq(package_send(&world, &m), SW_AUTHENTICATION);
    package_craft(&world, &world.rail, RAIL_ID, world.park.authority, p.bytes, p.n, &m);
    ck_assert_uint_eq(package_send(&world, &m), SW_AUTHENTICATION);
    assert_unchanged(&world, &before);
}
END_TEST

START_TEST(package_of_another_length_is_refused)
{
    struct tally_package p = package_of(&world, &world.rail);
    struct message m;
    struct reply reply;
    package_seal(&world, &world.rail, &p, &m);
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(card_send(&world, INS_PUT_DATA, 3, 1, m.data, 200, &reply), SW_WRONG_LENGTH);
    ck_assert_uint_eq(card_send(&world, INS_PUT_DATA, 3, 1, m.data, m.n - 1, &reply), SW_AUTHENTICATION);
    ck_assert_uint_eq(card_send(&world, INS_PUT_DATA, 3, 2, m.data, m.n, &reply), SW_WRONG_P1P2);
    assert_unchanged(&world, &before);
}
END_TEST

START_TEST(sub_keys_roll_and_old_versions_go_with_the_floor)
{
    struct operator_world *op = &world.rail, newer = *op;
    struct gate g = gate_of(op, GATE_1), g_new = gate_of(&newer, GATE_1);
    uint8_t usage[USAGE_SIZE];
    enrol(&world, op);
    struct ticket_face face = load_one(&world, op);
    ck_assert_uint_eq(tap(&world, &g, &face, EVENT_ENTRY), SW_OK);

    newer.vmk_version++;
    memset(newer.vmk, 0x77, sizeof newer.vmk);
    newer.package_version = op->package_version;
    struct tally_package p = package_of(&world, op), q = package_of(&world, &newer);
    p.sub_keys[1] = q.sub_keys[0];
    p.sub_key_count = 2;
    ck_assert_uint_eq(put(op, &p), SW_OK); /* both */
    ck_assert_uint_eq(tap(&world, &g, &face, EVENT_TEMPORARY_EXIT), SW_OK);
    ck_assert_uint_eq(tap(&world, &g_new, &face, EVENT_REENTRY), SW_OK);
    ck_assert(stored_usage(&world, &face, usage));
    ck_assert(receipt_is_right(&world, &newer, face.tid, usage));
    struct ticket_face second = load_one(&world, op);
    ck_assert(stored_usage(&world, &second, usage));
    ck_assert(receipt_is_right(&world, &newer, second.tid, usage)); /* the newest makes receipts of loads */

    q.version = p.version + 1;
    q.sub_key_floor = newer.vmk_version;
    ck_assert_uint_eq(put(op, &q), SW_OK); /* the new one only */
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_KEY_ABSENT);
    ck_assert_uint_eq(tap(&world, &g_new, &face, EVENT_EXIT), SW_OK);
}
END_TEST

START_TEST(key_6_rolls_and_loaded_tickets_stay)
{
    struct operator_world *op = operator_at(_i), newer = *op;
    enrol(&world, op);
    struct ticket_face face = load_one(&world, op);
    newer.key6_version++;
    newer.package_version = op->package_version;
    newer.key1 = another_key1(op);
    struct tally_package p = package_of(&world, op), q = package_of(&world, &newer);
    p.key6[1] = q.key6[0];
    p.key6_count = 2;
    ck_assert_uint_eq(put(op, &p), SW_OK);
    load_one(&world, op);
    newer.sequence = op->sequence;
    load_one(&world, &newer);
    q.version = p.version + 1;
    ck_assert_uint_eq(put(op, &q), SW_OK);
    load_one(&world, &newer);
    op->sequence = newer.sequence;
    struct ticket_face late = face_of(&world, op);
    ck_assert_uint_eq(load(&world, op, &late), SW_AUTHENTICATION);
    struct gate g = gate_of(op, GATE_1);
    ck_assert_uint_eq(tap(&world, &g, &face, EVENT_ENTRY), SW_OK);
    tally_key_free(newer.key1);
}
END_TEST

START_TEST(suite_of_an_active_operator_stays)
{
    struct operator_world *op = &world.rail, other = *op;
    enrol(&world, op);
    other.suite = SUITE_RSA;
    other.key1 = world.park.key1;
    other.package_version = op->package_version;
    struct tally_package p = package_of(&world, &other);
    package_is_refused(op, &p, SW_CONDITIONS);
    remove_operator(&world, op);
    p.version = op->package_version + 1;
    ck_assert_uint_eq(put(op, &p), SW_OK);
}
END_TEST

START_TEST(removal_takes_the_tickets_and_keeps_the_marks)
{
    struct operator_world *op = &world.rail;
    struct message recorded, early;
    struct reply reply;
    uint8_t usage[USAGE_SIZE];
    enrol(&world, op);
    enrol(&world, &world.park);
    struct ticket_face park = load_one(&world, &world.park), rail = face_of(&world, op);
    face_seal(&world, op, &rail, &recorded);
    ck_assert_uint_eq(load_message(&world, &recorded, &reply), SW_OK);
    for (int i = 0; i < 20; i++) /* more than one commit holds */
        load_one(&world, op);
    struct tally_package p = package_of(&world, op);
    package_seal(&world, op, &p, &early);
    op->package_version++;
    remove_operator(&world, op);
    ck_assert_uint_eq(ticket_count(ramcard_card(world.rc)), 1);
    ck_assert(stored_usage(&world, &park, usage));

    struct gate g = gate_of(op, GATE_1);
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&rail)), SW_KEY_ABSENT);
    ck_assert_uint_eq(gate_verify_by_pair(&world, &g, GATE_P256, by_tid(&rail)), SW_KEY_ABSENT);
    ck_assert_uint_eq(load_message(&world, &recorded, &reply), SW_KEY_ABSENT);
    ck_assert_uint_eq(package_send(&world, &early), SW_CONDITIONS); /* older than the removal */
    assert_unchanged(&world, &before);

    enrol(&world, op);
    ck_assert_uint_eq(load_message(&world, &recorded, &reply),
                      SW_CONDITIONS); /* was loaded before the removal */
    load_one(&world, op);
}
END_TEST

START_TEST(removal_of_an_unknown_operator_keeps_older_packages_out)
{
    struct operator_world *op = &world.rail;
    struct tally_package p = package_of(&world, op);
    struct message early;
    package_seal(&world, op, &p, &early);
    op->package_version++;
    remove_operator(&world, op);
    ck_assert_uint_eq(package_send(&world, &early), SW_CONDITIONS);
    remove_operator(&world, op); /* again, by a newer package */
    enrol(&world, op);
    load_one(&world, op);
}
END_TEST

START_TEST(as_many_operators_as_promised)
{
    struct operator_world op = world.rail;
    for (uint16_t i = 1; i <= OPERATORS_MAX; i++) {
        op.id = i;
        op.package_version = 0;
        enrol(&world, &op);
    }
    op.id = OPERATORS_MAX + 1;
    op.package_version = 0;
    struct tally_package p = package_of(&world, &op);
    package_is_refused(&op, &p, SW_NO_ROOM);
    op.id = 1;
    op.package_version = 1;
    remove_operator(&world, &op);
    op.id = OPERATORS_MAX + 1;
    ck_assert_uint_eq(put(&op, &p), SW_OK);
    op.id = OPERATORS_MAX;
    op.package_version = 1;
    op.sequence = 0;
    load_one(&world, &op);
}
END_TEST

/* ---- Room ---- */

/* Fills the card and returns how many tickets it took. */
static unsigned fill(struct operator_world *op, struct ticket_face *last)
{
    struct card *card = ramcard_card(world.rc);
    unsigned loaded = 0;
    uint16_t sw, free = ticket_free_slots(card, op->suite);
    for (;;) {
        struct ticket_face face = face_of(&world, op);
        sw = load(&world, op, &face);
        if (sw != SW_OK)
            break;
        loaded++;
        *last = face;
        ck_assert_uint_eq(ticket_free_slots(card, op->suite), free - loaded);
    }
    ck_assert_uint_eq(sw, SW_NO_ROOM);
    ck_assert_uint_eq(loaded, free);
    return loaded;
}

START_TEST(a_hundred_tickets_fit_and_a_full_card_goes_on_working)
{
    struct operator_world *op = operator_at(_i);
    struct gate g = gate_of(op, GATE_1);
    struct ticket_face last;
    struct reply reply;
    enrol(&world, op);
    unsigned n = fill(op, &last);
    printf("suite %d: %u tickets in 64 KB\n", op->suite, n);
    ck_assert_uint_ge(n, 100);
    ck_assert_uint_eq(ticket_count(ramcard_card(world.rc)), n);

    struct ticket_face face = face_of(&world, op);
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(load(&world, op, &face), SW_NO_ROOM);
    assert_unchanged(&world, &before);

    for (int i = 0; i < 40; i++) {
        ck_assert_uint_eq(tap(&world, &g, &last, EVENT_ENTRY), SW_OK);
        ck_assert_uint_eq(tap(&world, &g, &last, EVENT_UNDO), SW_OK);
    }
    struct ticket_face next = face_replacing(&world, op, &last, 80);
    ck_assert_uint_eq(exchange(&world, op, &next, &reply), SW_OK);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&next)), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, next.tid, NULL), SW_OK);
    ck_assert_uint_eq(load(&world, op, &face), SW_OK);
    ramcard_power_cycle(world.rc);
    ck_assert_uint_eq(ticket_count(ramcard_card(world.rc)), n);
}
END_TEST

/* Once for all tests of a case: each forks from what is made here. */
static void set_up(void)
{
    world_init(&world, 1);
}

static void tear_down(void)
{
    world_free(&world);
}

int main(void)
{
    Suite *s = suite_create("ticket operators");
    TCase *c = tcase_create("packages");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_add_test(c, enrolment_shows_in_the_list);
    tcase_add_loop_test(c, package_with_any_flipped_byte_is_refused, 0, 3);
    tcase_add_test(c, package_is_taken_once);
    tcase_add_test(c, nothing_goes_back);
    tcase_add_test(c, package_for_another_card_or_by_another_authority_is_refused);
    tcase_add_test(c, genuine_package_that_breaks_a_rule_is_malformed);
    tcase_add_test(c, operator_speaks_for_itself_only);
    tcase_add_test(c, package_of_another_length_is_refused);
    tcase_add_test(c, sub_keys_roll_and_old_versions_go_with_the_floor);
    tcase_add_loop_test(c, key_6_rolls_and_loaded_tickets_stay, 0, 3);
    tcase_add_test(c, suite_of_an_active_operator_stays);
    tcase_add_test(c, removal_takes_the_tickets_and_keeps_the_marks);
    tcase_add_test(c, removal_of_an_unknown_operator_keeps_older_packages_out);
    tcase_add_test(c, as_many_operators_as_promised);
    suite_add_tcase(s, c);

    c = tcase_create("room");
    tcase_set_timeout(c, 120);
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, a_hundred_tickets_fit_and_a_full_card_goes_on_working, 0, 3);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
