/* What a gate session must refuse, and must change nothing by: recorded, forged, strange and rogue commands.
 */
#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "tests/support/check_main.h"
#include "tests/support/ticket_world.h"

static struct world world;

static struct operator_world *operator_at(int i)
{
    return i == 0 ? &world.rail : i == 1 ? &world.park : &world.metro;
}

static uint16_t repeat(const struct tally_gate_command *c, struct reply *reply)
{
    return card_send(&world, c->ins, c->p1, c->p2, c->data, c->n, reply);
}

START_TEST(answer_under_another_nonce_is_another)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    struct tally_gate_session second;
    struct tally_gate_answer answer;
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    struct reply recorded = g.reply;
    second = g.session;
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_int_ne(memcmp(recorded.data, g.reply.data, PSEUDONYM_SIZE), 0);

    /* A gate that has just begun does not open what was recorded. */
    struct tally_gate_command command;
    const struct tally_criterion criterion = by_tid(&face);
    const uint8_t nonce[GATE_NONCE_SIZE] = {7};
    ck_assert_int_eq(tally_gate_begin_sub_key(&second, RAIL_ID, SUITE_P256, GATE_1, world.rail.vmk,
                                              world.rail.vmk_version, nonce, &criterion, &command),
                     TALLY_OK);
    ck_assert_int_eq(tally_gate_open(&second, NULL, recorded.data, recorded.len, &answer), TALLY_E_CRYPTO);
}
END_TEST

START_TEST(not_found_is_as_long_as_found)
{
    struct operator_world *op = operator_at(_i);
    struct ticket_face face = load_one(&world, op), absent = face_of(&world, op);
    struct gate g = gate_of(op, GATE_1);
    static const uint8_t modes[] = {GATE_P256, GATE_RSA, GATE_SM9};
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    size_t len = g.reply.len;
    ck_assert(g.answer.found);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&absent)), SW_OK);
    ck_assert(!g.answer.found);
    ck_assert_uint_eq(g.reply.len, len);
    ck_assert_uint_eq(gate_verify(&world, &g, by_date(1, "")), SW_OK);
    ck_assert_uint_eq(g.reply.len, len);
    for (size_t i = 0; i < sizeof modes; i++) {
        if ((op->suite == SUITE_SM9) != (modes[i] == GATE_SM9))
            continue;
        ck_assert_uint_eq(gate_verify_by_pair(&world, &g, modes[i], by_tid(&face)), SW_OK);
        len = g.reply.len;
        ck_assert_uint_eq(gate_verify_by_pair(&world, &g, modes[i], by_tid(&absent)), SW_OK);
        ck_assert(!g.answer.found);
        ck_assert_uint_eq(g.reply.len, len);
    }
}
END_TEST

START_TEST(recorded_write_is_useless)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    struct reply reply;
    ck_assert_uint_eq(tap(&world, &g, &face, EVENT_ENTRY), SW_OK);
    const struct tally_gate_command recorded = g.command;

    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(repeat(&recorded, &reply), SW_AUTHENTICATION); /* same session */
    ck_assert_uint_eq(repeat(&recorded, &reply), SW_SECURITY_STATUS);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_uint_eq(repeat(&recorded, &reply), SW_AUTHENTICATION); /* another session */
    ramcard_power_cycle(world.rc);
    ck_assert_uint_eq(repeat(&recorded, &reply), SW_SECURITY_STATUS); /* none */
    assert_unchanged(&world, &before);
}
END_TEST

START_TEST(recorded_delete_is_useless)
{
    struct ticket_face face = load_one(&world, &world.rail), other = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    struct reply reply;
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_uint_eq(gate_delete_ticket(&world, &g, face.tid, NULL), SW_OK);
    const struct tally_gate_command recorded = g.command;
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(repeat(&recorded, &reply), SW_AUTHENTICATION);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&other)), SW_OK);
    ck_assert_uint_eq(repeat(&recorded, &reply), SW_AUTHENTICATION);
    assert_unchanged(&world, &before);
}
END_TEST

START_TEST(recorded_verify_opens_a_session_that_only_the_gate_can_use)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    struct reply reply;
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    const struct tally_gate_command verify = g.command;
    uint8_t part[USAGE_GATE_PART];
    gate_part(&g, EVENT_ENTRY, part);
    ck_assert_uint_eq(gate_write(&world, &g, face.tid, part, NULL), SW_OK);
    const struct tally_gate_command write = g.command;
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(repeat(&verify, &reply), SW_OK);
    ck_assert_uint_eq(repeat(&write, &reply), SW_AUTHENTICATION);
    assert_unchanged(&world, &before);
}
END_TEST

START_TEST(write_with_any_flipped_byte_is_refused)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    struct reply reply;
    uint8_t part[USAGE_GATE_PART];
    struct snapshot before = take_snapshot(&world);
    for (size_t i = 0; i < TID_SIZE + USAGE_GATE_PART + SESSION_TAG_SIZE; i++) {
        ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
        gate_part(&g, EVENT_ENTRY, part);
        ck_assert_int_eq(tally_gate_write(&g.session, face.tid, part, &g.command), TALLY_OK);
        g.command.data[i] ^= (uint8_t)(1 << i % 8);
        ck_assert_uint_eq(repeat(&g.command, &reply), SW_AUTHENTICATION);
        g.command.data[i] ^= (uint8_t)(1 << i % 8);
        ck_assert_uint_eq(repeat(&g.command, &reply), SW_SECURITY_STATUS); /* the session is over */
    }
    assert_unchanged(&world, &before);
}
END_TEST

START_TEST(session_ends_with_load_exchange_package_select_and_verify)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    struct reply reply;
    uint8_t part[USAGE_GATE_PART], junk[600] = {1};
    static const uint8_t enders[][3] = {
        {INS_LOAD, 0, 0}, {INS_EXCHANGE, 0, 0}, {INS_PUT_DATA, 3, 1}, {INS_VERIFY, GATE_SUB_KEY, 99}};
    for (size_t i = 0; i <= sizeof enders / sizeof enders[0]; i++) {
        ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
        gate_part(&g, EVENT_ENTRY, part);
        ck_assert_int_eq(tally_gate_write(&g.session, face.tid, part, &g.command), TALLY_OK);
        if (i == sizeof enders / sizeof enders[0])
            ramcard_select(world.rc, TALLY_AID_TICKET);
        else
            card_send(&world, enders[i][0], enders[i][1], enders[i][2], junk,
                      enders[i][0] == INS_VERIFY ? 30 : 600, &reply);
        ck_assert_uint_eq(repeat(&g.command, &reply), SW_SECURITY_STATUS);
    }
}
END_TEST

START_TEST(verify_by_a_stranger_gives_nothing)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    struct reply reply;
    struct tally_gate_answer answer;
    uint8_t nonce[GATE_NONCE_SIZE] = {1}, wrong[SYM_KEY_SIZE] = {2};
    const struct tally_criterion criterion = by_tid(&face);
    ck_assert_int_eq(tally_gate_begin_sub_key(&g.session, RAIL_ID, SUITE_P256, GATE_1, wrong,
                                              world.rail.vmk_version, nonce, &criterion, &g.command),
                     TALLY_OK);
    ck_assert_uint_eq(repeat(&g.command, &reply), SW_OK);
    ck_assert_int_eq(tally_gate_open(&g.session, NULL, reply.data, reply.len, &answer), TALLY_E_CRYPTO);

    g.command.p2++;
    ck_assert_uint_eq(repeat(&g.command, &reply), SW_KEY_ABSENT);
    g.command.p2--;
    g.command.data[0] ^= 0x80;
    ck_assert_uint_eq(repeat(&g.command, &reply), SW_KEY_ABSENT);
    ck_assert_uint_eq(card_send(&world, INS_VERIFY, GATE_SUB_KEY, 2, g.command.data, 25, &reply),
                      SW_WRONG_LENGTH);
    ck_assert_uint_eq(card_send(&world, INS_VERIFY, GATE_SM9 + 1, 0, g.command.data, 30, &reply),
                      SW_WRONG_P1P2);
    ck_assert_uint_eq(card_send(&world, INS_VERIFY, GATE_P256, 1, g.command.data, 30, &reply), SW_WRONG_P1P2);
}
END_TEST

/* ---- Gate certificates ---- */

START_TEST(gate_certificate_with_any_flipped_byte_is_refused)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    uint8_t mode = _i == 0 ? GATE_P256 : GATE_RSA;
    struct reply reply;
    ck_assert_uint_eq(gate_verify_by_pair(&world, &g, mode, by_tid(&face)), SW_OK);
    struct snapshot before = take_snapshot(&world);
    for (size_t i = 0; i < (mode == GATE_RSA ? GATE_CERT_RSA_SIZE : GATE_CERT_P256_SIZE); i++) {
        g.command.data[i] ^= (uint8_t)(1 << i % 8);
        uint16_t sw = repeat(&g.command, &reply);
        ck_assert_msg(sw == SW_AUTHENTICATION || (i < 2 && sw == SW_WRONG_DATA) ||
                          ((i == 2 || i == 3) && sw == SW_KEY_ABSENT),
                      "byte %zu: %04x", i, sw);
        g.command.data[i] ^= (uint8_t)(1 << i % 8);
        ck_assert_uint_eq(card_send(&world, INS_DELETE, 0, 0, g.command.data, 24, &reply),
                          SW_SECURITY_STATUS);
    }
    assert_unchanged(&world, &before);
    ck_assert_uint_eq(repeat(&g.command, &reply), SW_OK);
}
END_TEST

static uint16_t verify_with(const struct tally_gate_certificate *c, const struct tally_key *anchor)
{
    uint8_t data[GATE_CERT_RSA_SIZE + GATE_NONCE_SIZE + TID_SIZE] = {0};
    struct reply reply;
    size_t n;
    ck_assert_int_eq(tally_gate_certificate_make(anchor, c, data, &n), TALLY_OK);
    return card_send(&world, INS_VERIFY, GATE_P256, 0, data, n + GATE_NONCE_SIZE + TID_SIZE, &reply);
}

START_TEST(gate_certificate_of_a_stranger_or_an_old_epoch_is_refused)
{
    struct tally_gate_certificate c = {.kind = GATE_P256, .operator_id = RAIL_ID, .gate = GATE_1, .epoch = 5};
    size_t n;
    memcpy(c.public_key, tally_key_public(world.gate_p256, &n), P256_PUBLIC_SIZE);
    ck_assert_uint_eq(verify_with(&c, world.rail.anchor), SW_OK);
    ck_assert_uint_eq(verify_with(&c, world.park.anchor), SW_AUTHENTICATION);
    c.operator_id = PARK_ID;
    ck_assert_uint_eq(verify_with(&c, world.rail.anchor), SW_AUTHENTICATION);
    c.operator_id = RAIL_ID;
    c.epoch = 4;
    ck_assert_uint_eq(verify_with(&c, world.rail.anchor), SW_AUTHENTICATION);
    c.epoch = 6;
    ck_assert_uint_eq(verify_with(&c, world.rail.anchor), SW_OK);
    memset(c.public_key, 1, P256_PUBLIC_SIZE); /* certified, but no point of the curve */
    ck_assert_uint_eq(verify_with(&c, world.rail.anchor), SW_AUTHENTICATION);
}
END_TEST

/* ---- A gate that has the keys and breaks the rules ---- */

static void rogue_write_is_refused(struct gate *g, const struct ticket_face *face,
                                   const uint8_t part[USAGE_GATE_PART])
{
    struct snapshot before = take_snapshot(&world);
    ck_assert_uint_eq(gate_verify(&world, g, by_tid(face)), SW_OK);
    ck_assert_uint_eq(gate_write(&world, g, face->tid, part, NULL), SW_CONDITIONS);
    assert_unchanged(&world, &before);
}

START_TEST(record_that_does_not_follow_is_refused)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    uint8_t part[USAGE_GATE_PART], rogue[USAGE_GATE_PART];
    ck_assert_uint_eq(tap(&world, &g, &face, EVENT_ENTRY), SW_OK);
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    gate_part(&g, EVENT_TEMPORARY_EXIT, part);
    for (size_t i = 0; i < USAGE_GATE_PART; i++) {
        if (i >= 12 && i < 24)
            continue; /* station, time and transaction are the gate's to choose */
        memcpy(rogue, part, sizeof rogue);
        rogue[i]++;
        rogue_write_is_refused(&g, &face, rogue);
        rogue[i] = (uint8_t)(part[i] - 1);
        rogue_write_is_refused(&g, &face, rogue);
    }
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    ck_assert_uint_eq(gate_write(&world, &g, face.tid, part, NULL), SW_OK);
}
END_TEST

/* Every event in every early state: the card allows exactly what the table allows. */
START_TEST(card_allows_what_the_table_allows)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1);
    static const uint8_t story[] = {EVENT_ENTRY, EVENT_TEMPORARY_EXIT, EVENT_REENTRY, EVENT_EXIT, EVENT_PRINT,
                                    EVENT_ENTRY, EVENT_UNDO,           EVENT_ENTRY,   EVENT_CLIP, EVENT_EXIT};
    for (size_t step = 0; step <= sizeof story; step++) {
        for (uint8_t event = 0; event <= EVENT_DELETED + 1; event++) {
            struct usage_record before, after;
            const struct usage_place place = {.gate = GATE_1, .gate_transaction = 77};
            uint8_t bytes[USAGE_SIZE];
            ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
            ck_assert(usage_decode(g.answer.usage, &before));
            if (usage_apply(&face, &before, event, &place, &after) == USAGE_ALLOWED)
                continue;
            after = before;
            after.event = event;
            after.gate = GATE_1;
            after.gate_transaction = 77;
            after.use_counter++;
            usage_encode(&after, bytes);
            rogue_write_is_refused(&g, &face, bytes);
        }
        if (step < sizeof story)
            ck_assert_uint_eq(tap(&world, &g, &face, story[step]), SW_OK);
    }
}
END_TEST

START_TEST(gate_writes_in_its_own_name_only)
{
    struct ticket_face face = load_one(&world, &world.rail);
    struct gate g = gate_of(&world.rail, GATE_1), other = gate_of(&world.rail, GATE_2);
    uint8_t part[USAGE_GATE_PART];
    ck_assert_uint_eq(gate_verify(&world, &other, by_tid(&face)), SW_OK);
    gate_part(&other, EVENT_ENTRY, part);
    rogue_write_is_refused(&g, &face, part);
    ck_assert_uint_eq(tap(&world, &g, &face, EVENT_ENTRY), SW_OK);

    /* Nor does it undo what another did. */
    ck_assert_uint_eq(gate_verify(&world, &g, by_tid(&face)), SW_OK);
    gate_part(&g, EVENT_UNDO, part);
    be32_put(part + 8, GATE_2);
    rogue_write_is_refused(&other, &face, part);
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
    Suite *s = suite_create("ticket gates");
    TCase *c = tcase_create("session");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_add_test(c, answer_under_another_nonce_is_another);
    tcase_add_loop_test(c, not_found_is_as_long_as_found, 0, 3);
    tcase_add_test(c, recorded_write_is_useless);
    tcase_add_test(c, recorded_delete_is_useless);
    tcase_add_test(c, recorded_verify_opens_a_session_that_only_the_gate_can_use);
    tcase_add_test(c, write_with_any_flipped_byte_is_refused);
    tcase_add_test(c, session_ends_with_load_exchange_package_select_and_verify);
    tcase_add_test(c, verify_by_a_stranger_gives_nothing);
    tcase_add_loop_test(c, gate_certificate_with_any_flipped_byte_is_refused, 0, 2);
    tcase_add_test(c, gate_certificate_of_a_stranger_or_an_old_epoch_is_refused);
    suite_add_tcase(s, c);

    c = tcase_create("rogue gate");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_add_test(c, record_that_does_not_follow_is_refused);
    tcase_add_test(c, card_allows_what_the_table_allows);
    tcase_add_test(c, gate_writes_in_its_own_name_only);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
