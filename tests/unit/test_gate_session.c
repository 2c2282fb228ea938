/* The gate's side of specs/session.md against a card that is written here from the specification, with the
 * card's primitives. */
#include "tests/unit/gate_session_card.h"

static const uint8_t *raw(const struct tally_key *key)
{
    size_t n;
    return tally_key_public(key, &n);
}

static void begin(const struct world *w, uint8_t mode, struct tally_gate_session *s,
                  struct tally_gate_command *c)
{
    if (mode == GATE_SUB_KEY)
        ck_assert_int_eq(
            tally_gate_begin_sub_key(s, OPERATOR, w->suite, GATE, w->vmk, KV, w->ng, &w->criterion, c),
            TALLY_OK);
    else
        ck_assert_int_eq(tally_gate_begin_pair(s, w->suite, w->gate, w->gate_cert, w->gate_cert_n, w->ng,
                                               &w->criterion, c),
                         TALLY_OK);
}

/* Begins, lets the card answer, opens. */
static void meet(struct world *w, uint8_t mode, struct tally_gate_session *s)
{
    struct tally_gate_command c;
    struct tally_gate_answer a;
    uint8_t response[RESPONSE_MAX];
    begin(w, mode, s, &c);
    size_t n = card_verify(w, &c, response);
    ck_assert_int_eq(tally_gate_open(s, w->authority, response, n, &a), TALLY_OK);
}

static void check_tap(uint8_t mode, uint8_t suite, size_t command_size, size_t response_size)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    struct tally_gate_answer a;
    uint8_t response[RESPONSE_MAX], plain[64], usage[40], back[40];
    world_make(&w, mode, suite);
    begin(&w, mode, &s, &c);
    ck_assert_uint_eq(c.n, command_size);
    size_t n = card_verify(&w, &c, response);
    ck_assert_uint_eq(n, response_size);
    ck_assert_int_eq(tally_gate_open(&s, w.authority, response, n, &a), TALLY_OK);
    ck_assert(a.found);
    ck_assert_mem_eq(a.serial, w.serial, 8);
    ck_assert_uint_eq(a.card_transaction_counter, 0x105);
    ck_assert_mem_eq(a.face, w.ticket, FACE_SIZE);
    ck_assert_bytes_eq(a.tfv, a.tfv_size, w.ticket + FACE_SIZE, tally_tfv_size(suite));
    ck_assert_mem_eq(a.usage, w.ticket + w.ticket_n - USAGE_SIZE, USAGE_SIZE);

    rng_bytes(&w.rng, usage, sizeof usage);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
    ck_assert(c.ins == 0xdc && c.p1 == 0 && c.p2 == 0);
    ck_assert(card_reads(&w, &c, 1, plain));
    ck_assert_mem_eq(plain, w.criterion.tid, 16);
    ck_assert_mem_eq(plain + 16, usage, 26);
    card_receipt(&w, usage);
    n = card_answer(&w, 0xdc, 1, usage + 26, 14, response);
    ck_assert_int_eq(tally_gate_written(&s, response, n, back), TALLY_OK);
    ck_assert_mem_eq(back, usage, 40);

    ck_assert_int_eq(tally_gate_delete(&s, w.criterion.tid, &c), TALLY_OK);
    ck_assert_uint_eq(c.ins, 0xe4);
    ck_assert(card_reads(&w, &c, 2, plain));
    usage[1] = EVENT_DELETED;
    card_receipt(&w, usage);
    n = card_answer(&w, 0xe4, 2, usage, 40, response);
    ck_assert_int_eq(tally_gate_deleted(&s, response, n, back), TALLY_OK);
    ck_assert_mem_eq(back, usage, 40);
    tally_gate_end(&s);
    ck_assert(all_zero((uint8_t *)&s, sizeof s));
    world_free(&w);
}

START_TEST(whole_taps)
{
    check_tap(GATE_SUB_KEY, SUITE_P256, 6 + 8 + 16, 16 + 5 + 219 + 8);
    check_tap(GATE_SUB_KEY, SUITE_RSA, 6 + 8 + 16, 16 + 5 + 411 + 8);
    check_tap(GATE_P256, SUITE_P256, 142 + 8 + 16, 64 + 13 + 219 + 192 + 8);
    check_tap(GATE_P256, SUITE_RSA, 142 + 8 + 16, 64 + 13 + 411 + 192 + 8);
    check_tap(GATE_RSA, SUITE_P256, 334 + 8 + 16, 256 + 13 + 219 + 192 + 8);
    check_tap(GATE_RSA, SUITE_RSA, 334 + 8 + 16, 256 + 13 + 411 + 192 + 8);
}
END_TEST

static const uint8_t modes[] = {GATE_SUB_KEY, GATE_P256, GATE_RSA};

START_TEST(criterion_by_date_and_service)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    world_make(&w, GATE_SUB_KEY, SUITE_P256);
    w.criterion = (struct tally_criterion){.date = 0x2345, .service = {'G', '7'}};
    begin(&w, GATE_SUB_KEY, &s, &c);
    ck_assert_uint_eq(c.n, 6 + 8 + 10);
    const uint8_t expected[] = {0x23, 0x45, 'G', '7', 0, 0, 0, 0, 0, 0};
    ck_assert_mem_eq(c.data + 14, expected, sizeof expected);
    ck_assert_uint_eq(be16_get(c.data), OPERATOR);
    ck_assert_uint_eq(be32_get(c.data + 2), GATE);
    ck_assert_mem_eq(c.data + 6, w.ng, 8);
    ck_assert_uint_eq(c.p2, KV);
    tally_gate_end(&s);
}
END_TEST

START_TEST(not_found)
{
    for (size_t i = 0; i < 3; i++) {
        struct world w;
        struct tally_gate_session s = {0};
        struct tally_gate_command c;
        struct tally_gate_answer a;
        uint8_t response[RESPONSE_MAX];
        world_make(&w, modes[i], SUITE_P256);
        w.found = false;
        begin(&w, modes[i], &s, &c);
        size_t n = card_verify(&w, &c, response);
        ck_assert_int_eq(tally_gate_open(&s, w.authority, response, n, &a), TALLY_OK);
        ck_assert(!a.found);
        ck_assert_mem_eq(a.serial, w.serial, 8);
        tally_gate_end(&s);
        world_free(&w);
    }
}
END_TEST

/* Opens the response in a copy of the session: false, nothing given out, and the session over. */
static bool refused(const struct world *w, const struct tally_gate_session *begun, const uint8_t *response,
                    size_t n)
{
    struct tally_gate_session s = *begun;
    struct tally_gate_command c;
    struct tally_gate_answer a;
    enum tally_error e = tally_gate_open(&s, w->authority, response, n, &a);
    if (e == TALLY_OK)
        return false;
    ck_assert(all_zero((uint8_t *)&a, sizeof a));
    ck_assert(all_zero((uint8_t *)&s, sizeof s));
    ck_assert_int_eq(tally_gate_write(&s, w->criterion.tid, w->ticket, &c), TALLY_E_STATE);
    return true;
}

START_TEST(changed_answers_are_refused)
{
    for (size_t m = 0; m < 3; m++) {
        struct world w;
        struct tally_gate_session s = {0}, other;
        struct tally_gate_command c;
        uint8_t response[RESPONSE_MAX];
        world_make(&w, modes[m], SUITE_P256);
        begin(&w, modes[m], &s, &c);
        size_t n = card_verify(&w, &c, response);
        ck_assert(!refused(&w, &s, response, n));
        ck_assert(refused(&w, &s, response, n - 1));
        ck_assert(refused(&w, &s, response, n + 1));
        ck_assert(refused(&w, &s, response, 0));
        for (size_t i = 0; i < n; i += 7) {
            response[i] ^= 0x40;
            ck_assert(refused(&w, &s, response, n));
            response[i] ^= 0x40;
        }
        /* Recorded: the same card, another gate nonce. */
        w.ng[0] ^= 1;
        begin(&w, modes[m], &other, &c);
        ck_assert(refused(&w, &other, response, n));
        tally_gate_end(&s);
        world_free(&w);
    }
}
END_TEST

START_TEST(a_ticket_of_another_card_or_operator_is_refused)
{
    for (size_t m = 0; m < 3; m++)
        for (size_t at = FACE_AT_OPERATOR; at <= FACE_AT_SERIAL; at += FACE_AT_SERIAL - FACE_AT_OPERATOR) {
            struct world w;
            struct tally_gate_session s = {0};
            struct tally_gate_command c;
            uint8_t response[RESPONSE_MAX];
            world_make(&w, modes[m], SUITE_P256);
            w.ticket[at] ^= 1;
            begin(&w, modes[m], &s, &c);
            size_t n = card_verify(&w, &c, response);
            ck_assert(refused(&w, &s, response, n));
            tally_gate_end(&s);
            world_free(&w);
        }
}
END_TEST

/* Whoever knows the gate's public key can encrypt an answer; only the certified card can prove itself. */
START_TEST(a_card_without_its_key_or_certificate_is_refused)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    uint8_t response[RESPONSE_MAX];
    size_t n;
    world_make(&w, GATE_P256, SUITE_P256);
    begin(&w, GATE_P256, &s, &c);
    w.auth_private[5] ^= 1; /* a copy of the card's memory without the key */
    n = card_verify(&w, &c, response);
    ck_assert(refused(&w, &s, response, n));
    w.auth_private[5] ^= 1;

    struct tally_key *authority = w.authority;
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &w.authority), TALLY_OK);
    n = card_verify(&w, &c, response); /* certified by a stranger */
    tally_key_free(w.authority);
    w.authority = authority;
    ck_assert(refused(&w, &s, response, n));
    w.authority = NULL;
    ck_assert(refused(&w, &s, response, n));
    w.authority = authority;
    tally_gate_end(&s);
    world_free(&w);
}
END_TEST

START_TEST(a_card_of_another_vmk_is_refused)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    uint8_t response[RESPONSE_MAX];
    world_make(&w, GATE_SUB_KEY, SUITE_P256);
    begin(&w, GATE_SUB_KEY, &s, &c);
    w.vmk[0] ^= 1;
    size_t n = card_verify(&w, &c, response);
    ck_assert(refused(&w, &s, response, n));
    tally_gate_end(&s);
}
END_TEST

START_TEST(changed_receipts_are_refused)
{
    struct world w;
    uint8_t response[RESPONSE_MAX], usage[40] = {1, 1}, back[40];
    world_make(&w, GATE_SUB_KEY, SUITE_P256);
    for (size_t i = 0; i < 24; i++) {
        struct tally_gate_session s = {0};
        struct tally_gate_command c;
        meet(&w, GATE_SUB_KEY, &s);
        ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
        card_receipt(&w, usage);
        if (i == 22)
            usage[39] ^= 1; /* well encrypted, but the MAC is wrong */
        size_t n = card_answer(&w, 0xdc, 1, usage + 26, 14, response);
        if (i < 22)
            response[i] ^= 1;
        if (i == 23)
            n--;
        ck_assert_int_eq(tally_gate_written(&s, response, n, back),
                         i == 23 ? TALLY_E_FORMAT : TALLY_E_CRYPTO);
        ck_assert(all_zero(back, sizeof back));
        ck_assert_int_eq(tally_gate_written(&s, response, n, back), TALLY_E_STATE);
        tally_gate_end(&s);
    }
}
END_TEST

START_TEST(answers_out_of_order_are_refused)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    uint8_t first[64], response[64], usage[40] = {1, 1}, back[40];
    world_make(&w, GATE_SUB_KEY, SUITE_P256);
    meet(&w, GATE_SUB_KEY, &s);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
    card_receipt(&w, usage);
    size_t n = card_answer(&w, 0xdc, 1, usage + 26, 14, first);
    ck_assert_int_eq(tally_gate_written(&s, first, n, back), TALLY_OK);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
    ck_assert_int_eq(tally_gate_written(&s, first, n, back), TALLY_E_CRYPTO); /* the first again */

    meet(&w, GATE_SUB_KEY, &s);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_OK);
    ck_assert_int_eq(tally_gate_write(&s, w.criterion.tid, usage, &c), TALLY_E_STATE); /* not answered yet */

    meet(&w, GATE_SUB_KEY, &s);
    ck_assert_int_eq(tally_gate_written(&s, first, n, back), TALLY_E_STATE); /* nothing asked */

    meet(&w, GATE_SUB_KEY, &s);
    ck_assert_int_eq(tally_gate_delete(&s, w.criterion.tid, &c), TALLY_OK);
    card_receipt(&w, usage);
    n = card_answer(&w, 0xe4, 1, usage, 40, response); /* a receipt, but not of a deletion */
    ck_assert_int_eq(tally_gate_deleted(&s, response, n, back), TALLY_E_FORMAT);
    tally_gate_end(&s);
}
END_TEST

START_TEST(a_pair_must_fit_its_certificate)
{
    struct world w;
    struct tally_gate_session s = {0};
    struct tally_gate_command c;
    struct tally_key *public_key;
    world_make(&w, GATE_P256, SUITE_P256);
    ck_assert_int_eq(
        tally_gate_begin_pair(&s, SUITE_P256, w.anchor, w.gate_cert, w.gate_cert_n, w.ng, &w.criterion, &c),
        TALLY_E_USAGE);
    ck_assert_int_eq(tally_key_from_public(raw(w.gate), 64, &public_key), TALLY_OK);
    ck_assert_int_eq(
        tally_gate_begin_pair(&s, SUITE_P256, public_key, w.gate_cert, w.gate_cert_n, w.ng, &w.criterion, &c),
        TALLY_E_USAGE);
    ck_assert_int_eq(
        tally_gate_begin_pair(&s, SUITE_P256, w.gate, w.gate_cert, w.gate_cert_n - 1, w.ng, &w.criterion, &c),
        TALLY_E_FORMAT);
    ck_assert_int_eq(
        tally_gate_begin_sub_key(&s, OPERATOR, SUITE_SM9 + 1, GATE, w.vmk, KV, w.ng, &w.criterion, &c),
        TALLY_E_USAGE);
    ck_assert_uint_eq(c.n, 0);
    tally_key_free(public_key);
    world_free(&w);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("gate session");
    TCase *t = tcase_create("tap");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, whole_taps);
    tcase_add_test(t, criterion_by_date_and_service);
    tcase_add_test(t, not_found);
    tcase_add_test(t, changed_answers_are_refused);
    tcase_add_test(t, a_ticket_of_another_card_or_operator_is_refused);
    tcase_add_test(t, a_card_without_its_key_or_certificate_is_refused);
    tcase_add_test(t, a_card_of_another_vmk_is_refused);
    tcase_add_test(t, changed_receipts_are_refused);
    tcase_add_test(t, answers_out_of_order_are_refused);
    tcase_add_test(t, a_pair_must_fit_its_certificate);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
