/* Whole taps against the card's firmware in this process: events, refusals, torn taps. */
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/p256.h"
#include "host/crypto/ticket_crypto.h"
#include "tests/support/check_main.h"
#include "tests/support/gate_world.h"

static struct world w;
static struct gate gate;
static struct gate_request request;
static struct gate_tap tap;
static struct ticket_face face;

static void start(void)
{
    world_start(&w, false);
    face = world_face(&w, &w.operators[0]);
    world_load(&w, &w.operators[0], &face);
    world_open_gate(&w, &w.operators[0], GATE_SUB_KEY, &gate);
    request = (struct gate_request){.action = GATE_DO_AUTO};
    request.criterion.date = face.service_date;
    memcpy(request.criterion.service, face.service, SERVICE_SIZE);
}

static void finish(void)
{
    world_close_gate(&gate);
    world_end(&w);
}

static void tap_once(enum gate_action action)
{
    request.action = action;
    w.transport.count = 0;
    ck_assert_int_eq(tally_card_begin(&w.transport.base), TALLY_OK);
    gate_tap_run(&gate, &w.card, &request, &tap);
    tally_card_end(&w.transport.base);
}

static void expect(enum gate_action action, enum gate_reason reason)
{
    tap_once(action);
    ck_assert_str_eq(gate_reason_name(tap.reason), gate_reason_name(reason));
    ck_assert(tap.open == (reason == GATE_ACCEPTED || reason == GATE_RATIFIED));
}

static void whole_visit(void)
{
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
    ck_assert_uint_eq(tap.usage.direction, INSIDE);
    ck_assert_uint_eq(tap.usage.gate, WORLD_GATE);
    ck_assert_uint_eq(tap.usage.time, WORLD_NOW);
    ck_assert_uint_eq(tap.commands, 2);
    expect(GATE_DO_ENTRY, GATE_ALREADY_INSIDE);
    expect(GATE_DO_TEMPORARY_EXIT, GATE_ACCEPTED);
    expect(GATE_DO_AUTO, GATE_ACCEPTED);
    ck_assert_int_eq(tap.action, GATE_DO_REENTRY);
    expect(GATE_DO_CLIP, GATE_ACCEPTED);
    expect(GATE_DO_PRINT, GATE_ACCEPTED);
    expect(GATE_DO_EXIT, GATE_ACCEPTED);
    ck_assert(tap.usage.exited);
    ck_assert_uint_eq(tap.usage.use_counter, 6);
    expect(GATE_DO_ENTRY, GATE_HAS_EXITED);
}

START_TEST(a_visit_by_sub_key)
{
    whole_visit();
    ck_assert_uint_eq(tap.usage.authority, BY_SUB_KEY);
    ck_assert_uint_eq(gate_journal_backlog(gate.journal), 6);
}
END_TEST

START_TEST(a_visit_by_the_gates_own_keys)
{
    world_close_gate(&gate);
    world_open_gate(&w, &w.operators[0], _i == 0 ? GATE_P256 : GATE_RSA, &gate);
    whole_visit();
    ck_assert_uint_eq(tap.usage.authority, _i == 0 ? BY_GATE_P256 : BY_GATE_RSA);
}
END_TEST

START_TEST(undo_takes_the_entry_back)
{
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
    expect(GATE_DO_UNDO, GATE_ACCEPTED);
    ck_assert_uint_eq(tap.usage.entries, 0);
    expect(GATE_DO_UNDO, GATE_NOTHING_TO_UNDO);
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
}
END_TEST

START_TEST(no_ticket_for_another_day)
{
    request.criterion.date++;
    expect(GATE_DO_ENTRY, GATE_NO_TICKET);
    ck_assert(tap.known);
    ck_assert(!tap.has_ticket);
}
END_TEST

START_TEST(expired_after_its_time)
{
    tally_manual_clock_advance_ms(&w.clock, 5001u * 1000);
    expect(GATE_DO_ENTRY, GATE_EXPIRED);
}
END_TEST

START_TEST(the_document_must_be_the_holders)
{
    struct ticket_face bound = world_face(&w, &w.operators[0]);
    bound.flags = FACE_HOLDER_BOUND;
    bound.holder_document = 2;
    ck_assert_int_eq(tally_holder_hash(bound.tid, 2, "E1234567", bound.holder_hash), TALLY_OK);
    world_load(&w, &w.operators[0], &bound);
    request.criterion.by_tid = true;
    memcpy(request.criterion.tid, bound.tid, TID_SIZE);
    request.document_type = 2;
    request.document_number = "E1234568";
    expect(GATE_DO_ENTRY, GATE_WRONG_DOCUMENT);
    request.document_type = 1;
    request.document_number = "E1234567";
    expect(GATE_DO_ENTRY, GATE_WRONG_DOCUMENT);
    request.document_type = 2;
    request.document_number = "e 123 4567";
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
}
END_TEST

static void publish_list(const char *serials, const char *tids, uint32_t version, uint32_t expires)
{
    char text[1024], hex[2 * ECDSA_SIZE + 1];
    uint8_t signature[ECDSA_SIZE];
    int n =
        snprintf(text, sizeof text,
                 "{\"operator\":1,\"version\":%u,\"issued\":1,\"expires\":%u,\"serials\":[%s],\"tids\":[%s]}",
                 version, expires, serials, tids);
    const struct tally_bytes part = {(const uint8_t *)text, (size_t)n};
    ck_assert_int_eq(tally_p256_sign(w.operators[0].authority, "tally/denylist/1", &part, 1, signature),
                     TALLY_OK);
    (void)tally_hex_encode(signature, sizeof signature, hex, sizeof hex);
    n += snprintf(text + n, sizeof text - (size_t)n, "\n%s\n", hex);
    ck_assert_int_eq(gate_denylist_update(&gate.list, 1, gate.kit.authority, text, (size_t)n, NULL),
                     TALLY_OK);
}

START_TEST(denied_cards_and_tickets)
{
    char tid[2 * TID_SIZE + 3] = "\"";
    (void)tally_hex_encode(face.tid, TID_SIZE, tid + 1, sizeof tid - 1);
    strcat(tid, "\"");
    publish_list("", tid, 1, WORLD_NOW + 100);
    expect(GATE_DO_ENTRY, GATE_TICKET_DENIED);
    publish_list("\"5441000000000001\"", "", 2, WORLD_NOW + 100);
    expect(GATE_DO_ENTRY, GATE_CARD_DENIED);
    publish_list("\"5441000000000002\"", "", 3, WORLD_NOW + 100);
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
    gate.rules.refuse_when_stale = true;
    publish_list("", "", 4, WORLD_NOW - 1);
    expect(GATE_DO_EXIT, GATE_LIST_STALE);
}
END_TEST

START_TEST(a_face_of_another_key_is_forged)
{
    struct tally_key *other;
    size_t n;
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &other), TALLY_OK);
    tally_key_free(gate.kit.key6[0].key);
    const uint8_t *raw = tally_key_public(other, &n);
    ck_assert_int_eq(tally_key_from_public(raw, n, &gate.kit.key6[0].key), TALLY_OK);
    expect(GATE_DO_ENTRY, GATE_FORGED_TICKET);
    gate.kit.key6[0].version = 9;
    expect(GATE_DO_ENTRY, GATE_UNKNOWN_KEY);
    tally_key_free(other);
}
END_TEST

START_TEST(a_strangers_gate_reads_nothing)
{
    gate.kit.vmk.at[0].secret[0] ^= 1;
    expect(GATE_DO_ENTRY, GATE_NOT_AUTHENTIC);
    ck_assert(!tap.known);
    gate.kit.vmk.at[0].version = 9;
    expect(GATE_DO_ENTRY, GATE_GATE_REFUSED);
    gate.kit.operator_id = gate.rules.operator_id = 5;
    expect(GATE_DO_ENTRY, GATE_GATE_REFUSED);
}
END_TEST

START_TEST(a_strangers_certificate_is_refused_by_the_card)
{
    world_close_gate(&gate);
    struct world_operator stranger = w.operators[0];
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &stranger.anchor), TALLY_OK);
    world_open_gate(&w, &stranger, GATE_P256, &gate);
    expect(GATE_DO_ENTRY, GATE_GATE_REFUSED);
    ck_assert_uint_eq(tap.card_error.sw, SW_AUTHENTICATION);
    tally_key_free(stranger.anchor);
}
END_TEST

START_TEST(an_older_sub_key_version_still_opens)
{
    gate.kit.vmk.count = 2;
    gate.kit.vmk.at[1].version = 2;
    memcpy(gate.kit.vmk.at[1].secret, w.operators[0].vmk[1], SYM_KEY_SIZE);
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
    ck_assert_uint_eq(tap.commands, 3);
    world_put_package(&w, &w.operators[0], 2);
    expect(GATE_DO_EXIT, GATE_ACCEPTED);
    ck_assert_uint_eq(tap.commands, 2);
    ck_assert_uint_eq(tap.usage.receipt_key_version, 2);
}
END_TEST

/* Keeps the first answer to VERIFY and gives it again from then on. */
struct recorder {
    uint8_t answer[TALLY_CARD_DATA_MAX + 2];
    size_t len;
};

static void replay_verify(void *context, const uint8_t *command, size_t n, uint8_t *answer, size_t *len)
{
    struct recorder *r = context;
    if (n < 2 || command[1] != INS_VERIFY)
        return;
    if (r->len == 0) {
        memcpy(r->answer, answer, *len);
        r->len = *len;
    }
    memcpy(answer, r->answer, r->len);
    *len = r->len;
}

START_TEST(a_recorded_answer_is_a_replay)
{
    struct recorder recorder = {.len = 0};
    w.transport.meddle = replay_verify;
    w.transport.context = &recorder;
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
    expect(GATE_DO_EXIT, GATE_REPLAYED);
    w.transport.meddle = NULL;
    expect(GATE_DO_EXIT, GATE_ACCEPTED);
}
END_TEST

static void flip_write_answer(void *context, const uint8_t *command, size_t n, uint8_t *answer, size_t *len)
{
    (void)context;
    if (n > 1 && command[1] == INS_WRITE_USAGE && *len > 2)
        answer[0] ^= 1;
}

START_TEST(a_disturbed_receipt_opens_nothing_and_is_ratified_later)
{
    w.transport.meddle = flip_write_answer;
    expect(GATE_DO_ENTRY, GATE_RECEIPT_INVALID);
    w.transport.meddle = NULL;
    expect(GATE_DO_ENTRY, GATE_RATIFIED);
    ck_assert_uint_eq(tap.usage.use_counter, 1);
}
END_TEST

START_TEST(a_write_that_did_not_reach_the_card_is_made_again)
{
    w.transport.lose_before = 2;
    expect(GATE_DO_ENTRY, GATE_CARD_LOST);
    ck_assert(tap.torn);
    w.transport.lose_before = 0;
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
    ck_assert_uint_eq(tap.usage.gate_transaction, 1);
    ck_assert_uint_eq(tap.usage.use_counter, 1);
    expect(GATE_DO_ENTRY, GATE_ALREADY_INSIDE);
}
END_TEST

START_TEST(a_write_whose_receipt_was_lost_is_ratified)
{
    w.transport.lose_after = 2;
    expect(GATE_DO_ENTRY, GATE_CARD_LOST);
    w.transport.lose_after = 0;
    expect(GATE_DO_ENTRY, GATE_RATIFIED);
    ck_assert_uint_eq(tap.commands, 1);
    ck_assert_uint_eq(tap.usage.use_counter, 1);
    ck_assert_uint_eq(gate_journal_backlog(gate.journal), 1);
    expect(GATE_DO_ENTRY, GATE_ALREADY_INSIDE);
}
END_TEST

START_TEST(a_torn_tap_survives_the_gates_restart)
{
    w.transport.lose_after = 2;
    expect(GATE_DO_ENTRY, GATE_CARD_LOST);
    w.transport.lose_after = 0;
    gate_journal_close(gate.journal);
    ck_assert_int_eq(gate_journal_open(w.folder, 1, WORLD_GATE, WORLD_NOW, &gate.journal), TALLY_OK);
    expect(GATE_DO_ENTRY, GATE_RATIFIED);
}
END_TEST

START_TEST(a_card_that_leaves_at_once_changes_nothing)
{
    w.transport.lose_before = 1;
    expect(GATE_DO_ENTRY, GATE_CARD_LOST);
    ck_assert(!tap.torn);
    w.transport.lose_before = 0;
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
}
END_TEST

START_TEST(a_torn_deletion_is_proved_later)
{
    request.criterion.by_tid = true;
    memcpy(request.criterion.tid, face.tid, TID_SIZE);
    w.transport.lose_after = 2;
    expect(GATE_DO_DELETE, GATE_CARD_LOST);
    w.transport.lose_after = 0;
    expect(GATE_DO_DELETE, GATE_RATIFIED);
    ck_assert_uint_eq(tap.usage.event, EVENT_DELETED);
    expect(GATE_DO_DELETE, GATE_NO_TICKET);
}
END_TEST

START_TEST(a_deletion_that_did_not_reach_the_card_is_made_again)
{
    request.criterion.by_tid = true;
    memcpy(request.criterion.tid, face.tid, TID_SIZE);
    w.transport.lose_before = 2;
    expect(GATE_DO_DELETE, GATE_CARD_LOST);
    w.transport.lose_before = 0;
    expect(GATE_DO_DELETE, GATE_ACCEPTED);
    ck_assert_uint_eq(tap.usage.event, EVENT_DELETED);
}
END_TEST

START_TEST(the_issuer_applet_selected_by_somebody_does_not_matter)
{
    ck_assert_int_eq(tally_card_select(&w.card, TALLY_AID_ISSUER), TALLY_OK);
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
    ck_assert_uint_eq(tap.commands, 4);
}
END_TEST

START_TEST(a_replayed_write_is_refused_by_the_card)
{
    uint8_t record[USAGE_SIZE];
    struct tally_gate_session session;
    struct tally_gate_command verify, write;
    struct tally_gate_answer opened;
    struct usage_record after;
    size_t n;
    const struct usage_place place = {
        .gate = WORLD_GATE, .station = 1, .time = WORLD_NOW, .gate_transaction = 50};
    static const uint8_t nonce[GATE_NONCE_SIZE] = {1};
    ck_assert_int_eq(tally_gate_begin_sub_key(&session, 1, SUITE_P256, WORLD_GATE, w.operators[0].vmk[0], 1,
                                              nonce, &request.criterion, &verify),
                     TALLY_OK);
    ck_assert_int_eq(tally_card_gate_verify(&w.card, &session, &verify, NULL, &opened), TALLY_OK);
    const struct usage_record fresh = {.event = EVENT_LOADED};
    ck_assert_int_eq(usage_apply(&face, &fresh, EVENT_ENTRY, &place, &after), USAGE_ALLOWED);
    usage_encode(&after, record);
    ck_assert_int_eq(tally_gate_write(&session, face.tid, record, &write), TALLY_OK);
    const uint16_t p1p2 = (uint16_t)(write.p1 << 8 | write.p2);
    ck_assert_int_eq(tally_card_command(&w.card, 0x80, write.ins, p1p2, write.data, write.n, 256, &n),
                     TALLY_OK);
    /* In the same session the counter has moved on; in a new one the keys are others. */
    (void)tally_card_command(&w.card, 0x80, write.ins, p1p2, write.data, write.n, 256, &n);
    ck_assert_uint_eq(w.card.error.sw, SW_AUTHENTICATION);
    (void)tally_card_command(&w.card, 0x80, write.ins, p1p2, write.data, write.n, 256, &n);
    ck_assert_uint_eq(w.card.error.sw, SW_SECURITY_STATUS);
    ck_assert_int_eq(tally_card_gate_verify(&w.card, &session, &verify, NULL, &opened), TALLY_E_STATE);
    (void)tally_card_command(&w.card, 0x80, write.ins, p1p2, write.data, write.n, 256, &n);
    ck_assert_uint_eq(w.card.error.sw, SW_AUTHENTICATION);
    tally_gate_end(&session);
}
END_TEST

static void start_rsa(void)
{
    world_start(&w, true);
    face = world_face(&w, &w.operators[1]);
    world_load(&w, &w.operators[1], &face);
    request = (struct gate_request){.action = GATE_DO_AUTO};
    request.criterion.date = face.service_date;
}

START_TEST(a_visit_in_the_rsa_suite)
{
    static const uint8_t modes[] = {GATE_SUB_KEY, GATE_P256, GATE_RSA};
    world_open_gate(&w, &w.operators[1], modes[_i], &gate);
    whole_visit();
    ck_assert_uint_eq(tap.face.suite, SUITE_RSA);
}
END_TEST

static void start_sm9(void)
{
    world_start(&w, false);
    world_add_sm9(&w);
    face = world_face(&w, &w.operators[2]);
    world_load(&w, &w.operators[2], &face);
    request = (struct gate_request){.action = GATE_DO_AUTO, .criterion = {.date = face.service_date}};
}

START_TEST(a_visit_in_suite_sm9)
{
    static const uint8_t modes[] = {GATE_SUB_KEY, GATE_SM9};
    world_open_gate(&w, &w.operators[2], modes[_i], &gate);
    whole_visit();
    ck_assert_uint_eq(tap.face.suite, SUITE_SM9);
    ck_assert_uint_eq(tap.usage.authority, _i == 0 ? BY_SUB_KEY : BY_GATE_SM9);
}
END_TEST

START_TEST(a_card_whose_epoch_is_over_is_not_authentic)
{
    world_open_gate(&w, &w.operators[2], GATE_SM9, &gate);
    gate.kit.card_epoch_floor++;
    expect(GATE_DO_ENTRY, GATE_NOT_AUTHENTIC);
    gate.kit.card_epoch_floor--;
    expect(GATE_DO_ENTRY, GATE_ACCEPTED);
}
END_TEST

/* A kit takes the key of this gate's identity, and no other. */
START_TEST(a_kit_has_the_identity_of_its_gate)
{
    char folder[96], path[128], what[256];
    struct gate_kit kit;
    const struct identity wrong[] = {
        {.scheme = IDENTITY_GATE, .operator_id = 3, .gate = WORLD_GATE + 1, .epoch = 1},
        {.scheme = IDENTITY_GATE, .operator_id = 4, .gate = WORLD_GATE, .epoch = 1},
        {.scheme = IDENTITY_AUTHD, .operator_id = 3, .epoch = 1}};
    world_open_gate(&w, &w.operators[2], GATE_SUB_KEY, &gate);
    snprintf(folder, sizeof folder, "%s-kit", w.folder);
    snprintf(path, sizeof path, "%s/gate.sm9", folder);
    world_write_kit(&w, &w.operators[2], folder);
    ck_assert_int_eq(gate_kit_load(folder, &kit, what, sizeof what), TALLY_OK);
    ck_assert_ptr_nonnull(kit.identity);
    ck_assert_uint_eq(kit.suite, SUITE_SM9);
    gate_kit_free(&kit);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct tally_sm9_holder holder = world_holder(&w.operators[2], &wrong[i]);
        ck_assert_int_eq(remove(path), 0);
        ck_assert_int_eq(tally_sm9_holder_save(path, &holder), TALLY_OK);
        ck_assert_int_eq(gate_kit_load(folder, &kit, what, sizeof what), TALLY_E_FORMAT);
        ck_assert_ptr_nonnull(strstr(what, "gate.sm9"));
    }
    ck_assert_int_eq(remove(path), 0);
    ck_assert_int_eq(gate_kit_load(folder, &kit, what, sizeof what), TALLY_OK); /* taps by sub-key go on */
    ck_assert_ptr_null(kit.identity);
    gate_kit_free(&kit);
    snprintf(path, sizeof path, "rm -r %s", folder);
    ck_assert_int_eq(system(path), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gate taps");
    TCase *c = tcase_create("p256"), *r = tcase_create("rsa"), *i = tcase_create("sm9");
    tcase_add_checked_fixture(c, start, finish);
    tcase_add_test(c, a_visit_by_sub_key);
    tcase_add_loop_test(c, a_visit_by_the_gates_own_keys, 0, 2);
    tcase_add_test(c, undo_takes_the_entry_back);
    tcase_add_test(c, no_ticket_for_another_day);
    tcase_add_test(c, expired_after_its_time);
    tcase_add_test(c, the_document_must_be_the_holders);
    tcase_add_test(c, denied_cards_and_tickets);
    tcase_add_test(c, a_face_of_another_key_is_forged);
    tcase_add_test(c, a_strangers_gate_reads_nothing);
    tcase_add_test(c, a_strangers_certificate_is_refused_by_the_card);
    tcase_add_test(c, an_older_sub_key_version_still_opens);
    tcase_add_test(c, a_recorded_answer_is_a_replay);
    tcase_add_test(c, a_disturbed_receipt_opens_nothing_and_is_ratified_later);
    tcase_add_test(c, a_write_that_did_not_reach_the_card_is_made_again);
    tcase_add_test(c, a_write_whose_receipt_was_lost_is_ratified);
    tcase_add_test(c, a_torn_tap_survives_the_gates_restart);
    tcase_add_test(c, a_card_that_leaves_at_once_changes_nothing);
    tcase_add_test(c, a_torn_deletion_is_proved_later);
    tcase_add_test(c, a_deletion_that_did_not_reach_the_card_is_made_again);
    tcase_add_test(c, the_issuer_applet_selected_by_somebody_does_not_matter);
    tcase_add_test(c, a_replayed_write_is_refused_by_the_card);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    tcase_add_checked_fixture(r, start_rsa, finish);
    tcase_add_loop_test(r, a_visit_in_the_rsa_suite, 0, 3);
    tcase_set_timeout(r, 60);
    suite_add_tcase(s, r);
    tcase_add_checked_fixture(i, start_sm9, finish);
    tcase_add_loop_test(i, a_visit_in_suite_sm9, 0, 2);
    tcase_add_test(i, a_card_whose_epoch_is_over_is_not_authentic);
    tcase_add_test(i, a_kit_has_the_identity_of_its_gate);
    tcase_set_timeout(i, 60);
    suite_add_tcase(s, i);
    return tally_check_main(s, NULL);
}
