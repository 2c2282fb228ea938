#include <string.h>

#include "host/reader/apdu.h"
#include "host/reader/pcsc.h"
#include "host/reader/pcsc_limits.h"
#include "tests/support/check_main.h"
#include "tests/support/direct.h"
#include "tests/support/pcscd.h"

static struct loop_card card;
static struct card_transport *t;
static uint8_t resp[TALLY_APDU_MAX_RESPONSE];
static size_t n;

static void start(void)
{
    t = test_direct_open(&loop_card_ops, &card);
    ck_assert_ptr_nonnull(t);
}

static void stop(void)
{
    tally_card_close(t);
}

START_TEST(apdu_cases_round_trip)
{
    static const struct {
        size_t nc, ne, length;
        bool extended;
    } cases[] = {
        {0, 0, 4, false},     {0, 1, 5, false},       {0, 256, 5, false},          {1, 0, 6, false},
        {255, 0, 260, false}, {255, 256, 261, false}, {0, 257, 7, true},           {0, 65536, 7, true},
        {256, 0, 263, true},  {1, 257, 10, true},     {65535, 65536, 65544, true},
    };
    static uint8_t data[65535], cmd[TALLY_APDU_MAX_COMMAND];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tally_apdu a = {.cla = 0x80, .ins = 1, .p1 = 2, .p2 = 3, .data = data, .nc = cases[i].nc}, b;
        a.ne = cases[i].ne;
        size_t length;
        ck_assert_int_eq(tally_apdu_build(&a, cmd, sizeof cmd, &length), TALLY_OK);
        ck_assert_uint_eq(length, cases[i].length);
        ck_assert_int_eq(tally_apdu_parse(cmd, length, &b), TALLY_OK);
        ck_assert_uint_eq(b.nc, a.nc);
        ck_assert_uint_eq(b.ne, a.ne);
        ck_assert(b.extended == cases[i].extended);
        ck_assert_int_eq(tally_apdu_build(&a, cmd, length - 1, &length), TALLY_E_FULL);
        ck_assert_uint_eq(length, 0);
    }
}
END_TEST

START_TEST(apdu_refuses_lengths_that_do_not_add_up)
{
    static const struct {
        uint8_t bytes[12];
        size_t n;
    } bad[] = {
        {{0}, 0},
        {{0, 0xa4, 4}, 3},
        {{0, 0xa4, 4, 0, 2, 1}, 6},
        {{0, 0xa4, 4, 0, 1, 1, 0, 0}, 8},
        {{0, 0xa4, 4, 0, 0, 1}, 6},
        {{0, 0xa4, 4, 0, 0, 0, 2, 1}, 8},
        {{0, 0xa4, 4, 0, 0, 0, 0, 1}, 8},
        {{0, 0xa4, 4, 0, 0, 0, 1, 9, 0}, 9},
        {{0, 0xa4, 4, 0, 0, 0, 1, 9, 0, 0, 0}, 11},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tally_apdu a;
        ck_assert_int_eq(tally_apdu_parse(bad[i].bytes, bad[i].n, &a), TALLY_E_FORMAT);
        ck_assert_uint_eq(a.nc + a.ne, 0);
    }
}
END_TEST

static void build(uint8_t ins, uint8_t p1, uint8_t p2, const uint8_t *data, size_t nc, size_t ne,
                  uint8_t *cmd, size_t *length)
{
    struct tally_apdu a = {.cla = 0x80, .ins = ins, .p1 = p1, .p2 = p2, .data = data, .nc = nc, .ne = ne};
    ck_assert_int_eq(tally_apdu_build(&a, cmd, TALLY_APDU_MAX_COMMAND, length), TALLY_OK);
}

START_TEST(long_data_goes_by_chaining_where_extended_cannot)
{
    static uint8_t data[1264], cmd[TALLY_APDU_MAX_COMMAND];
    size_t length;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    build(0x10, 0, 0, data, sizeof data, 0, cmd, &length);
    ck_assert_int_eq(tally_card_transmit(t, cmd, length, resp, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(n, sizeof data + 2);
    ck_assert_mem_eq(resp, data, sizeof data);
    ck_assert_uint_eq(card.counter, 1);

    t->length_mode = TALLY_LENGTH_CHAINED;
    ck_assert_int_eq(tally_card_transmit(t, cmd, length, resp, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(n, sizeof data + 2);
    ck_assert_mem_eq(resp, data, sizeof data);
    ck_assert_uint_eq(card.counter, 1 + 5);
}
END_TEST

START_TEST(a_refusal_ends_the_chain)
{
    static uint8_t data[5000], cmd[TALLY_APDU_MAX_COMMAND];
    size_t length;
    build(0x10, 0, 0, data, sizeof data, 0, cmd, &length);
    t->length_mode = TALLY_LENGTH_CHAINED;
    ck_assert_int_eq(tally_card_transmit(t, cmd, length, resp, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(resp[0], 0x67);
    ck_assert_uint_eq(card.counter, 4096 / 255 + 1);
}
END_TEST

START_TEST(answers_in_pieces_are_gathered_within_the_buffer)
{
    uint8_t cmd[TALLY_APDU_MAX_COMMAND];
    size_t length;
    build(0x16, 1000 >> 8, 1000 & 255, NULL, 0, 256, cmd, &length);
    ck_assert_int_eq(tally_card_transmit(t, cmd, length, resp, 1002, &n), TALLY_OK);
    ck_assert_uint_eq(n, 1002);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(resp[i], (uint8_t)i);
    ck_assert_uint_eq(resp[1000], 0x90);
}
END_TEST

START_TEST(short_le_is_corrected_once)
{
    uint8_t cmd[TALLY_APDU_MAX_COMMAND];
    size_t length;
    build(0x18, 7, 0, NULL, 0, 256, cmd, &length);
    ck_assert_int_eq(tally_card_transmit(t, cmd, length, resp, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(n, 9);
    ck_assert_uint_eq(card.counter, 2);
}
END_TEST

/* A card of canned answers. */
struct canned {
    const uint8_t *answer;
    size_t n;
    unsigned calls;
};

static bool canned_power(void *c)
{
    (void)c;
    return true;
}

static void canned_power_off(void *c)
{
    (void)c;
}

static size_t canned_atr(void *c, uint8_t *out)
{
    (void)c;
    (void)out;
    return 0;
}

static size_t canned_transmit(void *ctx, const uint8_t *cmd, size_t cmd_len, uint8_t *out, size_t cap)
{
    struct canned *c = ctx;
    (void)cmd;
    (void)cmd_len;
    c->calls++;
    if (c->n > cap)
        return 0;
    memcpy(out, c->answer, c->n);
    return c->n;
}

static const struct vcard_ops canned_ops = {canned_power, canned_power_off, canned_power, canned_atr,
                                            canned_transmit};

static enum tally_error play(struct canned *c, size_t cap)
{
    static const uint8_t cmd[] = {0x80, 1, 0, 0, 0};
    struct card_transport *direct = test_direct_open(&canned_ops, c);
    n = 99;
    enum tally_error e = tally_card_transmit(direct, cmd, sizeof cmd, resp, cap, &n);
    tally_card_close(direct);
    return e;
}

START_TEST(hostile_answers_end)
{
    const uint8_t one[] = {0x90}, more_forever[] = {0x61, 0x10}, again_forever[] = {0x6c, 0x10},
                  data_forever[] = {0xaa, 0xbb, 0x61, 0x00};
    struct canned c = {one, sizeof one, 0};
    ck_assert_int_eq(play(&c, sizeof resp), TALLY_E_FORMAT);
    ck_assert_uint_eq(n, 0);
    c = (struct canned){more_forever, sizeof more_forever, 0};
    ck_assert_int_eq(play(&c, sizeof resp), TALLY_E_FORMAT);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(c.calls, 2);
    c = (struct canned){again_forever, sizeof again_forever, 0};
    ck_assert_int_eq(play(&c, sizeof resp), TALLY_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(c.calls, 2);
    c = (struct canned){data_forever, sizeof data_forever, 0};
    ck_assert_int_eq(play(&c, 11), TALLY_E_CARD_LOST);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_le(c.calls, 6);
}
END_TEST

START_TEST(commands_that_are_none_stay_here)
{
    const uint8_t bad[] = {0x80, 0x10, 0, 0, 5, 1};
    ck_assert_int_eq(tally_card_transmit(t, bad, sizeof bad, resp, sizeof resp, &n), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_card_exchange(t, bad, 3, resp, sizeof resp, &n), TALLY_E_FORMAT);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(card.counter, 0);
    ck_assert_int_eq(tally_card_exchange(t, bad, sizeof bad, resp, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(resp[0], 0x67);
    ck_assert_uint_eq(card.counter, 1);
}
END_TEST

START_TEST(loss_of_power_starts_a_new_session)
{
    const uint8_t tear[] = {0x80, 0x1e, 0, 0};
    unsigned session = t->session;
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(t->session, session);
    ck_assert_int_eq(tally_card_exchange(t, tear, sizeof tear, resp, sizeof resp, &n), TALLY_E_CARD_LOST);
    ck_assert_int_eq(t->loss, TALLY_LOSS_REMOVED);
    tally_card_end(t);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(t->session, session + 1);
    tally_card_end(t);
}
END_TEST

START_TEST(atr_tells_the_length_mode)
{
    const uint8_t extended[] = {0x3b, 0x85, 0x80, 0x01, 0x80, 0x73, 0x00, 0x00, 0xc0, 0x00};
    const uint8_t chained[] = {0x3b, 0x85, 0x80, 0x01, 0x80, 0x73, 0x00, 0x00, 0x80, 0x00};
    ck_assert_int_eq(tally_atr_length_mode(extended, sizeof extended), TALLY_LENGTH_EXTENDED);
    ck_assert_int_eq(tally_atr_length_mode(chained, sizeof chained), TALLY_LENGTH_CHAINED);
    for (size_t cut = 0; cut < 9; cut++)
        ck_assert_int_eq(tally_atr_length_mode(chained, cut), TALLY_LENGTH_EXTENDED);
    ck_assert_int_eq(tally_atr_length_mode(loop_card_atr, loop_card_atr_len), TALLY_LENGTH_EXTENDED);
}
END_TEST

/* Every byte of an ATR replaced by every value, in a buffer of the exact size: nothing to see but no
 * overread. */
START_TEST(any_atr_is_read_within_its_bytes)
{
    for (size_t length = 0; length <= loop_card_atr_len; length++) {
        for (size_t at = 0; at < length; at++) {
            for (unsigned v = 0; v < 256; v++) {
                uint8_t *exact = malloc(length);
                memcpy(exact, loop_card_atr, length);
                exact[at] = (uint8_t)v;
                (void)tally_atr_length_mode(exact, length);
                free(exact);
            }
        }
    }
}
END_TEST

START_TEST(reader_limits_are_read_within_their_bytes)
{
    const uint8_t features[] = {0x06, 4, 0x42, 0, 0x0d, 0x01, 0x12, 4, 0x42, 0, 0x0d, 0x02};
    const uint8_t properties[] = {0x0b, 2, 1, 2, 0x0a, 4, 0x05, 0x01, 0, 0};
    ck_assert_uint_eq(tally_pcsc_find_feature(features, sizeof features, 0x12), 0x42000d02);
    ck_assert_uint_eq(tally_pcsc_find_feature(features, sizeof features, 0x13), 0);
    ck_assert_uint_eq(tally_pcsc_find_feature(features, sizeof features - 1, 0x12), 0);
    ck_assert_uint_eq(tally_pcsc_max_apdu_data(properties, sizeof properties), 0x105);
    ck_assert_uint_eq(tally_pcsc_max_apdu_data(properties, sizeof properties - 1), 0);
    ck_assert_uint_eq(tally_pcsc_max_apdu_data(properties, 0), 0);
}
END_TEST

static struct tally_reader_list three_readers(void)
{
    struct tally_reader_list l = {.count = 3};
    strcpy(l.reader[0].name, "ACME Contactless 00 00");
    strcpy(l.reader[1].name, "ACME Contact 00 01");
    strcpy(l.reader[2].name, "Virtual PCD 01 00");
    return l;
}

START_TEST(readers_are_chosen_by_index_part_or_name)
{
    struct tally_reader_list l = three_readers();
    size_t i;
    char why[300];
    ck_assert_int_eq(tally_reader_select(&l, "1", &i, why, sizeof why), TALLY_OK);
    ck_assert_uint_eq(i, 1);
    ck_assert_int_eq(tally_reader_select(&l, "virtual", &i, why, sizeof why), TALLY_OK);
    ck_assert_uint_eq(i, 2);
    ck_assert_int_eq(tally_reader_select(&l, "ACME Contact 00 01", &i, why, sizeof why), TALLY_OK);
    ck_assert_uint_eq(i, 1);
    ck_assert_str_eq(why, "");
    ck_assert_int_eq(tally_reader_select(&l, "acme", &i, why, sizeof why), TALLY_E_NO_READER);
    ck_assert_ptr_nonnull(strstr(why, "0: ACME Contactless 00 00"));
    ck_assert_ptr_nonnull(strstr(why, "1: ACME Contact 00 01"));
    ck_assert_ptr_null(strstr(why, "Virtual"));
    ck_assert_int_eq(tally_reader_select(&l, "3", &i, why, sizeof why), TALLY_E_NO_READER);
    ck_assert_ptr_nonnull(strstr(why, "2: Virtual PCD 01 00"));
}
END_TEST

START_TEST(without_a_choice_the_reader_with_the_card)
{
    struct tally_reader_list l = three_readers(), none = {.count = 0};
    size_t i;
    char small[12];
    ck_assert_int_eq(tally_reader_select(&l, NULL, &i, small, sizeof small), TALLY_E_NO_READER);
    ck_assert_uint_eq(strlen(small), sizeof small - 1);
    l.reader[2].card = true;
    ck_assert_int_eq(tally_reader_select(&l, "", &i, NULL, 0), TALLY_OK);
    ck_assert_uint_eq(i, 2);
    l.reader[0].card = true;
    ck_assert_int_eq(tally_reader_select(&l, "", &i, NULL, 0), TALLY_E_NO_READER);
    ck_assert_int_eq(tally_reader_select(&none, NULL, &i, NULL, 0), TALLY_E_NO_READER);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transport");
    TCase *pure = tcase_create("apdu"), *c = tcase_create("transport");
    tcase_add_test(pure, apdu_cases_round_trip);
    tcase_add_test(pure, apdu_refuses_lengths_that_do_not_add_up);
    tcase_add_test(pure, hostile_answers_end);
    tcase_add_test(pure, atr_tells_the_length_mode);
    tcase_add_test(pure, any_atr_is_read_within_its_bytes);
    tcase_add_test(pure, reader_limits_are_read_within_their_bytes);
    tcase_add_test(pure, readers_are_chosen_by_index_part_or_name);
    tcase_add_test(pure, without_a_choice_the_reader_with_the_card);
    suite_add_tcase(s, pure);
    tcase_add_checked_fixture(c, start, stop);
    tcase_add_test(c, long_data_goes_by_chaining_where_extended_cannot);
    tcase_add_test(c, a_refusal_ends_the_chain);
    tcase_add_test(c, answers_in_pieces_are_gathered_within_the_buffer);
    tcase_add_test(c, short_le_is_corrected_once);
    tcase_add_test(c, commands_that_are_none_stay_here);
    tcase_add_test(c, loss_of_power_starts_a_new_session);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
