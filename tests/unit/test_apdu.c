/* The APDU layer: parsing, chaining, answers in parts, selection, order of checks. */
#include "tests/support/check_main.h"
#include "tests/support/scp03_peer.h"

#include <string.h>

#include "card/apdu/apdu.h"
#include "card/wire/be.h"
#include "card/wire/tlv.h"

static struct ramcard *rc;
static struct reply reply;

static void setup(void)
{
    rc = ramcard_new(1);
}

static void teardown(void)
{
    ramcard_free(rc);
}

#define SEND(...)                                                                                            \
    do {                                                                                                     \
        const uint8_t bytes_[] = {__VA_ARGS__};                                                              \
        ramcard_transmit(rc, bytes_, sizeof bytes_, &reply);                                                 \
    } while (0)

#define EXPECT(status, ...)                                                                                  \
    do {                                                                                                     \
        SEND(__VA_ARGS__);                                                                                   \
        ck_assert_msg(reply.sw == (status), "got %04X, want %04X", reply.sw, (unsigned)(status));            \
    } while (0)

#define AID(last) 0xF0, 'T', 'A', 'L', 'L', 'Y', 0x01, last

/* ---- Parsing ---- */

/* Builds the body of a case and checks what the parser says of it. */
static void check_case(size_t nc, int extended, uint32_t ne)
{
    static uint8_t in[4 + 3 + 65535 + 2];
    struct apdu apdu;
    size_t n = 4;
    memcpy(in, "\x00\xA4\x04\x0C", 4);
    if (extended)
        in[n++] = 0;
    if (nc > 0) {
        if (extended)
            in[n++] = (uint8_t)(nc >> 8);
        in[n++] = (uint8_t)nc;
        memset(in + n, 0x5A, nc);
        n += nc;
    }
    if (ne > 0 && extended)
        in[n++] = (uint8_t)(ne >> 8);
    if (ne > 0)
        in[n++] = (uint8_t)ne;
    ck_assert_msg(apdu_parse(in, n, &apdu), "nc %zu extended %d ne %u", nc, extended, ne);
    ck_assert_mem_eq(apdu.header, "\x00\xA4\x04\x0C", 4);
    ck_assert_uint_eq(apdu.len, nc);
    ck_assert_uint_eq(apdu.expected, ne);
    if (nc > 0)
        ck_assert_uint_eq(apdu.data[0] & apdu.data[nc - 1], 0x5A);
    /* One byte more or less is another case or no case, never a read beyond the end. */
    uint8_t *exact = malloc(n - 1);
    memcpy(exact, in, n - 1);
    (void)apdu_parse(exact, n - 1, &apdu);
    free(exact);
}

START_TEST(takes_every_case_apart)
{
    static const uint32_t short_le[] = {0, 1, 2, 255, 256};
    static const uint32_t extended_le[] = {0, 1, 255, 256, 257, 65535, 65536};
    static const size_t extended_lc[] = {1, 2, 255, 256, 1264, 65535};
    for (size_t nc = 0; nc <= 255; nc++) {
        for (size_t i = 0; i < 5; i++)
            check_case(nc, 0, short_le[i]);
    }
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 7; j++)
            check_case(extended_lc[i], 1, extended_le[j]);
    }
    for (size_t j = 1; j < 7; j++)
        check_case(0, 1, extended_le[j]);
}
END_TEST

/* Every length from 0 to 300 with every first byte of the body, against the rules written as one formula
 * each. */
START_TEST(refuses_lengths_that_do_not_add_up)
{
    uint8_t in[300] = {0};
    struct apdu apdu;
    for (size_t n = 0; n <= sizeof in; n++) {
        for (unsigned p3 = 0; p3 <= 255; p3++) {
            in[4] = (uint8_t)p3;
            size_t body = n < 4 ? 0 : n - 4;
            bool right = n == 4 || n == 5 || (n > 5 && p3 > 0 && (body == 1 + p3 || body == 2 + p3)) ||
                         (p3 == 0 && body == 3);
            bool got = apdu_parse(in, n, &apdu);
            ck_assert_msg(got == right, "length %zu, P3 %u", n, p3);
            if (!got)
                ck_assert(apdu.data == NULL && apdu.len == 0 && apdu.expected == 0 && apdu.header[0] == 0);
        }
    }
}
END_TEST

START_TEST(refuses_extended_lengths_that_do_not_add_up)
{
    uint8_t in[40] = {0};
    struct apdu apdu;
    for (size_t n = 8; n <= sizeof in; n++) {
        for (unsigned lc = 0; lc <= 64; lc++) {
            in[6] = (uint8_t)lc;
            bool right = lc > 0 && (n == 7 + lc || n == 9 + lc);
            ck_assert_msg(apdu_parse(in, n, &apdu) == right, "length %zu, Lc %u", n, lc);
        }
    }
}
END_TEST

/* ---- Always an answer ---- */

/* All of 0 to 3 bytes from a set of telling values, and 4 and 5 bytes with telling classes. */
START_TEST(answers_every_short_prefix)
{
    static const uint8_t telling[] = {0x00, 0x01, 0x04, 0x10, 0x20, 0x61, 0x80,
                                      0x84, 0x94, 0xA4, 0xC0, 0xF2, 0xFF};
    enum { N = sizeof telling };
    uint8_t in[5];
    for (unsigned n = 0; n <= 5; n++) {
        unsigned count = 1;
        for (unsigned i = 0; i < n && i < 3; i++)
            count *= N;
        for (unsigned c = 0; c < count * (n > 3 ? N : 1); c++) {
            unsigned left = c;
            for (unsigned i = 0; i < n; i++) {
                in[i] = telling[left % N];
                left /= N;
            }
            if (n == 5)
                in[4] = (uint8_t)c;
            ramcard_transmit(rc, in, n, &reply);
            if (n < 4)
                ck_assert_uint_eq(reply.sw, SW_WRONG_LENGTH);
        }
    }
}
END_TEST

START_TEST(answers_random_bytes)
{
    uint32_t x = 12345;
    uint8_t in[400];
    for (unsigned round = 0; round < 20000; round++) {
        x = x * 1664525 + 1013904223;
        size_t n = (x >> 20) % (round % 4 == 0 ? sizeof in : 12);
        for (size_t i = 0; i < n; i++) {
            x = x * 1664525 + 1013904223;
            in[i] = (uint8_t)(x >> 24);
        }
        if (n > 4 && round % 2 == 0) { /* half of them reach a command */
            static const uint8_t cla[] = {0x00, 0x80, 0x84, 0x90, 0x10, 0x94};
            static const uint8_t ins[] = {0xA4, 0xC0, 0x20, 0x24, 0xF2, 0xCA, 0xE2, 0xB2,
                                          0x88, 0xDC, 0xE4, 0xE6, 0xDA, 0x50, 0x82, 0x46};
            in[0] = cla[in[0] % sizeof cla];
            in[1] = ins[in[1] % sizeof ins];
            in[4] = (uint8_t)(n - 5);
        }
        ramcard_transmit(rc, in, n, &reply);
    }
    ck_assert_uint_eq(card_life(ramcard_card(rc)), LIFE_BLANK);
}
END_TEST

START_TEST(refuses_classes_and_instructions_it_does_not_know)
{
    for (unsigned cla = 0; cla <= 255; cla++) {
        unsigned base = cla & ~0x10u;
        bool known = base == 0x00 || base == 0x80 || base == 0x84;
        EXPECT(known ? SW_INS_UNSUPPORTED : SW_CLA_UNSUPPORTED, (uint8_t)cla, 0xEE, 0, 0);
    }
    for (unsigned ins = 0; ins <= 255; ins++) {
        bool invalid = (ins & 0xF0) == 0x60 || (ins & 0xF0) == 0x90;
        SEND(CLA_PROPRIETARY, (uint8_t)ins, 0, 0);
        ck_assert_msg(!invalid || reply.sw == SW_INS_UNSUPPORTED, "INS %02X: %04X", ins, reply.sw);
    }
    EXPECT(SW_INS_UNSUPPORTED, CLA_ISO, INS_GET_STATUS, 0, 0);
    EXPECT(SW_INS_UNSUPPORTED, CLA_PROPRIETARY, INS_SELECT, 4, 0);
}
END_TEST

START_TEST(checks_in_the_documented_order)
{
    EXPECT(SW_WRONG_LENGTH, 0xFF, 0xEE, 0xDD);                     /* length of the APDU */
    EXPECT(SW_WRONG_LENGTH, 0xFF, 0xEE, 0xDD, 0xCC, 2, 1);         /* before class */
    EXPECT(SW_CLA_UNSUPPORTED, 0xFF, 0xEE, 0xDD, 0xCC);            /* before instruction */
    EXPECT(SW_INS_UNSUPPORTED, 0x80, 0xEE, 0xDD, 0xCC);            /* before the rest */
    EXPECT(SW_CONDITIONS, 0x00, INS_VERIFY_PIN, 0xDD, 0xCC, 1, 0); /* life cycle before P1 P2 */
    EXPECT(SW_WRONG_P1P2, 0x00, INS_SELECT, 0xDD, 0xCC, 1, 0);     /* P1 P2 before data length */
    EXPECT(SW_WRONG_LENGTH, 0x00, INS_SELECT, 0x04, 0x00, 1, 0);   /* data length before data */
}
END_TEST

/* ---- Selection ---- */

static uint8_t selected(void)
{
    return ramcard_card(rc)->selected->aid_last;
}

START_TEST(selects_by_full_and_partial_name)
{
    static const uint8_t fci[] = {0x6F, 0x11, 0x84, 0x08, AID(0x00), 0xA5,
                                  0x05, 0x80, 0x03, 0x00, 0x01,      0x00};
    ck_assert_uint_eq(selected(), TALLY_AID_TICKET);
    EXPECT(SW_OK, 0x00, 0xA4, 4, 0, 8, AID(0x00), 0x00);
    ck_assert_bytes_eq(reply.data, reply.len, fci, sizeof fci);
    ck_assert_uint_eq(selected(), TALLY_AID_ISSUER);
    EXPECT(SW_OK, 0x00, 0xA4, 4, 0x0C, 8, AID(0x01));
    ck_assert_uint_eq(reply.len, 0);
    ck_assert_uint_eq(selected(), TALLY_AID_TICKET);
    EXPECT(SW_OK, 0x00, 0xA4, 4, 0x0C, 8, AID(0x00));
    EXPECT(SW_OK, 0x00, 0xA4, 4, 0x0C, 7, 0xF0, 'T', 'A', 'L', 'L', 'Y', 0x01);
    ck_assert_uint_eq(selected(), TALLY_AID_TICKET);
    EXPECT(SW_OK, 0x00, 0xA4, 4, 0x0C, 5, 0xF0, 'T', 'A', 'L', 'L');
    ck_assert_uint_eq(selected(), TALLY_AID_TICKET);
}
END_TEST

START_TEST(keeps_the_selection_when_a_name_is_unknown)
{
    EXPECT(SW_OK, 0x00, 0xA4, 4, 0x0C, 8, AID(0x00));
    EXPECT(SW_FILE_NOT_FOUND, 0x00, 0xA4, 4, 0, 8, AID(0x02));
    EXPECT(SW_FILE_NOT_FOUND, 0x00, 0xA4, 4, 0, 9, AID(0x01), 0x00);
    EXPECT(SW_FILE_NOT_FOUND, 0x00, 0xA4, 4, 0, 7, 0xA0, 0, 0, 0, 0x03, 0, 0);
    EXPECT(SW_WRONG_LENGTH, 0x00, 0xA4, 4, 0, 4, 0xF0, 'T', 'A', 'L');
    EXPECT(SW_WRONG_LENGTH, 0x00, 0xA4, 4, 0, 17, AID(0x01), AID(0x01), 0);
    EXPECT(SW_WRONG_P1P2, 0x00, 0xA4, 0, 0, 2, 0x3F, 0x00);
    EXPECT(SW_WRONG_P1P2, 0x00, 0xA4, 4, 2, 8, AID(0x01));
    EXPECT(SW_WRONG_P1P2, 0x00, 0xA4, 4, 4, 8, AID(0x01));
    ck_assert_uint_eq(selected(), TALLY_AID_ISSUER);
    ramcard_power_cycle(rc);
    ck_assert_uint_eq(selected(), TALLY_AID_TICKET);
}
END_TEST

START_TEST(has_an_atr_that_checks)
{
    uint8_t atr[CARD_ATR_MAX], sum = 0;
    static const uint8_t want[] = {0x3B, 0x85, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x01, 0xC0, 0xF6};
    size_t n = card_atr(atr);
    ck_assert_bytes_eq(atr, n, want, sizeof want);
    for (size_t i = 1; i < n; i++)
        sum ^= atr[i];
    ck_assert_uint_eq(sum, 0);
}
END_TEST

/* ---- Chaining ---- */

START_TEST(joins_a_chain)
{
    EXPECT(SW_OK, 0x10, 0xA4, 4, 0, 3, 0xF0, 'T', 'A');
    ck_assert_uint_eq(reply.len, 0);
    EXPECT(SW_OK, 0x10, 0xA4, 4, 0); /* an empty part, and one with Le */
    EXPECT(SW_OK, 0x10, 0xA4, 4, 0, 3, 'L', 'L', 'Y', 0);
    ck_assert_uint_eq(selected(), TALLY_AID_TICKET);
    EXPECT(SW_OK, 0x00, 0xA4, 4, 0, 2, 0x01, 0x00, 0);
    ck_assert_uint_eq(reply.len, 19);
    ck_assert_uint_eq(selected(), TALLY_AID_ISSUER);
}
END_TEST

/* Whatever does not belong to the chain is answered 6883, is not run, and the chain is gone. */
START_TEST(drops_a_chain_that_is_broken)
{
    static const uint8_t strangers[][4] = {{0x00, 0xA4, 4, 0x0C},
                                           {0x10, 0xA4, 4, 0x0C},
                                           {0x80, 0xF2, 0, 0},
                                           {0x90, 0xF2, 0, 0},
                                           {0x00, 0xC0, 0, 0}};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        EXPECT(SW_OK, 0x10, 0xA4, 4, 0, 3, 0xF0, 'T', 'A');
        ramcard_transmit(rc, strangers[i], 4, &reply);
        ck_assert_msg(reply.sw == (i < 4 ? SW_LAST_CHAIN_EXPECTED : SW_INS_UNSUPPORTED), "%zu: %04X", i,
                      reply.sw);
        EXPECT(SW_FILE_NOT_FOUND, 0x00, 0xA4, 4, 0, 5, 'L', 'L', 'Y', 0x01, 0x00);
    }
    EXPECT(SW_OK, 0x10, 0xA4, 4, 0, 3, 0xF0, 'T', 'A');
    EXPECT(SW_WRONG_LENGTH, 0x00, 0xA4, 4);
    EXPECT(SW_FILE_NOT_FOUND, 0x00, 0xA4, 4, 0, 5, 'L', 'L', 'Y', 0x01, 0x00);
    EXPECT(SW_OK, 0x10, 0xA4, 4, 0, 3, 0xF0, 'T', 'A');
    card_reset(ramcard_card(rc));
    EXPECT(SW_FILE_NOT_FOUND, 0x00, 0xA4, 4, 0, 5, 'L', 'L', 'Y', 0x01, 0x00);
}
END_TEST

/* 1264 bytes are taken (and then refused by the command, which wants fewer); one more is not. */
START_TEST(limits_command_data)
{
    static const uint8_t header[] = {0x00, 0xA4, 4, 0};
    static const uint8_t data[1265];
    uint8_t part[5 + 200] = {0x10, 0xA4, 4, 0, 200};
    for (unsigned i = 0; i < 6; i++) {
        ramcard_transmit(rc, part, sizeof part, &reply);
        ck_assert_uint_eq(reply.sw, SW_OK);
    }
    part[4] = 65; /* 1265 */
    ramcard_transmit(rc, part, 5 + 65, &reply);
    ck_assert_uint_eq(reply.sw, SW_WRONG_LENGTH);
    ck_assert(!ramcard_card(rc)->command.open);
    for (unsigned i = 0; i < 6; i++) {
        part[4] = 200;
        ramcard_transmit(rc, part, sizeof part, &reply);
    }
    part[4] = 64; /* 1264 */
    ramcard_transmit(rc, part, 5 + 64, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    card_reset(ramcard_card(rc));
    ramcard_command(rc, header, data, sizeof data, &reply);
    ck_assert_uint_eq(reply.sw, SW_WRONG_LENGTH);
}
END_TEST

/* ---- Answers ---- */

/* The status of a blank card, whole. */
static size_t whole_status(uint8_t *out)
{
    EXPECT(SW_OK, 0x80, 0xF2, 0, 0, 0);
    memcpy(out, reply.data, reply.len);
    return reply.len;
}

START_TEST(answers_in_parts)
{
    uint8_t whole[300];
    size_t n = whole_status(whole);
    ck_assert_uint_gt(n, 10);
    EXPECT(SW_MORE | n, 0x80, 0xF2, 0, 0); /* Le absent */
    ck_assert_uint_eq(reply.len, 0);
    EXPECT(SW_MORE | (n - 3), 0x00, 0xC0, 0, 0, 3);
    ck_assert_bytes_eq(reply.data, reply.len, whole, 3);
    EXPECT(SW_MORE | (n - 3), 0x00, 0xC0, 0, 0); /* Le absent again */
    ck_assert_uint_eq(reply.len, 0);
    EXPECT(SW_OK, 0x00, 0xC0, 0, 0, 0);
    ck_assert_bytes_eq(reply.data, reply.len, whole + 3, n - 3);
    EXPECT(SW_CONDITIONS, 0x00, 0xC0, 0, 0, 0);
    EXPECT(SW_MORE | (n - 1), 0x80, 0xF2, 0, 0, 1);
    EXPECT(SW_MORE | (n - 2), 0x80, 0xF2, 0, 0, 0, 0, 2); /* extended Le */
    EXPECT(SW_OK, 0x80, 0xF2, 0, 0, 0, 0, 0);
    ck_assert_bytes_eq(reply.data, reply.len, whole, n);
}
END_TEST

START_TEST(drops_an_answer_at_the_next_command)
{
    uint8_t whole[300];
    size_t n = whole_status(whole);
    EXPECT(SW_MORE | n, 0x80, 0xF2, 0, 0);
    EXPECT(SW_WRONG_P1P2, 0x00, 0xC0, 0, 1, 0);
    EXPECT(SW_WRONG_LENGTH, 0x00, 0xC0, 0, 0, 1, 0);
    EXPECT(SW_OK, 0x00, 0xC0, 0, 0, 0); /* a wrong GET RESPONSE takes nothing away */
    ck_assert_bytes_eq(reply.data, reply.len, whole, n);
    EXPECT(SW_MORE | n, 0x80, 0xF2, 0, 0);
    EXPECT(SW_INS_UNSUPPORTED, 0x80, 0xEE, 0, 0);
    EXPECT(SW_CONDITIONS, 0x00, 0xC0, 0, 0, 0);
    EXPECT(SW_MORE | n, 0x80, 0xF2, 0, 0);
    EXPECT(SW_WRONG_LENGTH, 0x80);
    EXPECT(SW_CONDITIONS, 0x00, 0xC0, 0, 0, 0);
    EXPECT(SW_MORE | n, 0x80, 0xF2, 0, 0);
    card_reset(ramcard_card(rc));
    EXPECT(SW_CONDITIONS, 0x00, 0xC0, 0, 0, 0);
    EXPECT(SW_INS_UNSUPPORTED, 0x80, 0xC0, 0, 0, 0);
}
END_TEST

/* The buffers are apart: a GET RESPONSE after a command part cannot fetch the command's bytes. */
START_TEST(never_answers_command_bytes)
{
    EXPECT(SW_OK, 0x10, 0xA4, 4, 0, 5, 0xF0, 'T', 'A', 'L', 'L');
    SEND(0x00, 0xC0, 0, 0, 0);
    ck_assert_uint_eq(reply.len, 0);
    ck_assert_uint_ne(reply.sw, SW_OK);
}
END_TEST

/* An answer never exceeds the caller's buffer: the rest waits. */
START_TEST(fits_the_callers_buffer)
{
    struct answer *answer = &ramcard_card(rc)->answer;
    uint8_t out[258];
    size_t total = 0;
    answer->len = sizeof answer->data;
    memset(answer->data, 0x77, sizeof answer->data);
    while (answer->len > 0) {
        size_t left = answer->len - answer->sent;
        size_t n = answer_send(answer, 65536, out, sizeof out);
        uint16_t sw = be16_get(out + n - 2);
        total += n - 2;
        left -= n - 2;
        ck_assert_uint_eq(sw, left == 0 ? SW_OK : SW_MORE | (left < 256 ? left : 0));
    }
    ck_assert_uint_eq(total, sizeof answer->data);
    for (size_t i = 0; i < sizeof answer->data; i++)
        ck_assert_uint_eq(answer->data[i], 0);
}
END_TEST

/* ---- Status ---- */

START_TEST(says_of_itself_what_all_cards_say)
{
    static const uint8_t blank[] = {0xE1, 0x12, 0x80, 3,    0, 1, 0,    0x81, 1, LIFE_BLANK,
                                    0x82, 1,    0,    0x83, 2, 4, 0xF0, 0x84, 1, 0};
    EXPECT(SW_OK, 0x80, 0xF2, 0, 0, 0);
    ck_assert_bytes_eq(reply.data, reply.len, blank, sizeof blank);
    EXPECT(SW_WRONG_P1P2, 0x80, 0xF2, 0, 1, 0);
    EXPECT(SW_WRONG_LENGTH, 0x80, 0xF2, 0, 0, 1, 0, 0);
    EXPECT(SW_SECURITY_STATUS, 0x80, 0xCA, 1, 1, 0);
    EXPECT(SW_SECURITY_STATUS, 0x80, 0xCA, 1, 0x10, 0);
    EXPECT(SW_KEY_ABSENT, 0x80, 0xCA, 2, 1, 0);
}
END_TEST

/* ---- A card that cannot work ---- */

START_TEST(answers_even_when_it_cannot_start)
{
    ramcard_break_random(rc, true);
    ramcard_power_cycle(rc);
    EXPECT(SW_INTERNAL, 0x80, 0xF2, 0, 0, 0);
    EXPECT(SW_INTERNAL, 0x00);
    ramcard_break_random(rc, false);
    ramcard_power_cycle(rc);
    EXPECT(SW_OK, 0x80, 0xF2, 0, 0, 0);
}
END_TEST

/* The first power-on of a new chip, cut at every operation: the next one starts. */
START_TEST(starts_after_a_first_start_that_was_cut)
{
    struct hal_identity identity = ramcard_identity(rc);
    for (uint64_t cut = 0;; cut++) {
        ramcard_free(rc);
        rc = ramcard_new_cut(1, cut);
        bool whole = ramcard_card(rc)->fault == 0;
        ramcard_power_cycle(rc);
        EXPECT(SW_OK, 0x80, 0xF2, 0, 0, 0);
        ck_assert_uint_eq(card_life(ramcard_card(rc)), LIFE_BLANK);
        if (whole)
            break;
        ck_assert_uint_lt(cut, 1000);
    }
    struct hal_identity same = ramcard_identity(rc);
    ck_assert_mem_eq(&same, &identity, sizeof same);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("apdu");
    TCase *t = tcase_create("apdu");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, takes_every_case_apart);
    tcase_add_test(t, refuses_lengths_that_do_not_add_up);
    tcase_add_test(t, refuses_extended_lengths_that_do_not_add_up);
    tcase_add_test(t, answers_every_short_prefix);
    tcase_add_test(t, answers_random_bytes);
    tcase_add_test(t, refuses_classes_and_instructions_it_does_not_know);
    tcase_add_test(t, checks_in_the_documented_order);
    tcase_add_test(t, selects_by_full_and_partial_name);
    tcase_add_test(t, keeps_the_selection_when_a_name_is_unknown);
    tcase_add_test(t, has_an_atr_that_checks);
    tcase_add_test(t, joins_a_chain);
    tcase_add_test(t, drops_a_chain_that_is_broken);
    tcase_add_test(t, limits_command_data);
    tcase_add_test(t, answers_in_parts);
    tcase_add_test(t, drops_an_answer_at_the_next_command);
    tcase_add_test(t, never_answers_command_bytes);
    tcase_add_test(t, fits_the_callers_buffer);
    tcase_add_test(t, says_of_itself_what_all_cards_say);
    tcase_add_test(t, answers_even_when_it_cannot_start);
    tcase_add_test(t, starts_after_a_first_start_that_was_cut);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
