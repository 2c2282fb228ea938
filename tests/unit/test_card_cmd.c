/* Typed card commands against recorded and hostile answers. */
#include <stdio.h>
#include <string.h>

#include "card/wire/be.h"
#include "host/base/bytes.h"
#include "host/reader/card.h"
#include "host/reader/replay.h"
#include "tests/support/check_main.h"

static struct tally_card card;

/* A card that answers from the trace. */
static struct card_transport *play(const char *trace)
{
    struct card_transport *t = NULL;
    size_t line = 0;
    FILE *in = fmemopen((void *)(uintptr_t)trace, strlen(trace), "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_int_eq(tally_replay_open(in, &t, &line), TALLY_OK);
    fclose(in);
    tally_card_init(&card, t);
    return t;
}

/* As play, with one command that hides its data, answered by hex and the status word. */
static struct card_transport *play_answer(const char *command, const char *answer)
{
    static char trace[8192];
    snprintf(trace, sizeof trace, "A>> %s\nA<< %s (0.10 ms)\n", command, answer);
    return play(trace);
}

START_TEST(every_status_word_is_explained)
{
    for (unsigned sw = 0; sw <= 0xffff; sw++) {
        struct tally_card_error e = tally_card_explain(INS_LOAD, (uint16_t)sw);
        ck_assert_uint_eq(e.sw, sw);
        ck_assert_ptr_nonnull(e.text);
        ck_assert_msg((e.error == TALLY_OK) == (sw == 0x9000), "%04X", sw);
    }
}
END_TEST

START_TEST(status_words_mean_what_the_specification_says)
{
    static const struct {
        uint8_t ins;
        uint16_t sw;
        enum tally_error error;
    } want[] = {
        {INS_LOAD, 0x6a84, TALLY_E_FULL},
        {INS_LOAD, 0x6a89, TALLY_E_EXISTS},
        {INS_LOAD, 0x6988, TALLY_E_CRYPTO},
        {INS_LOAD, 0x6a80, TALLY_E_DENIED},
        {INS_EXCHANGE, 0x6a83, TALLY_E_NOT_FOUND},
        {INS_EXCHANGE, 0x6985, TALLY_E_STATE},
        {INS_VERIFY_PIN, 0x63c3, TALLY_E_DENIED},
        {INS_VERIFY_PIN, 0x6983, TALLY_E_DENIED},
        {INS_READ, 0x6a83, TALLY_E_NOT_FOUND},
        {INS_READ, 0x6982, TALLY_E_DENIED},
        {INS_SELECT, 0x6a82, TALLY_E_NO_CARD},
        {INS_WRITE_USAGE, 0x6982, TALLY_E_STATE},
        {INS_LOAD, 0x6f00, TALLY_E_IO},
        {INS_LOAD, 0x1234, TALLY_E_NO_CARD},
        {INS_VERIFY, 0x6a88, TALLY_E_NOT_FOUND},
        {INS_PUT_DATA, 0x6985, TALLY_E_STATE},
    };
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        ck_assert_int_eq(tally_card_explain(want[i].ins, want[i].sw).error, want[i].error);
    ck_assert_ptr_nonnull(strstr(tally_card_explain(INS_VERIFY_PIN, 0x63c3).text, "3 tries left"));
}
END_TEST

#define PUBLIC_STATE                                                                                         \
    "8003000100"                                                                                             \
    "810107"                                                                                                 \
    "820105"                                                                                                 \
    "830204F0"                                                                                               \
    "840103"

START_TEST(state_without_pin_names_nobody)
{
    struct tally_card_state s;
    struct card_transport *t = play_answer("80F2000000", "E112" PUBLIC_STATE "9000");
    ck_assert_int_eq(tally_card_get_state(&card, &s), TALLY_OK);
    ck_assert(!s.identified);
    ck_assert_uint_eq(s.life_cycle, LIFE_IN_USE);
    ck_assert_uint_eq(s.pin_tries_left, 5);
    ck_assert_uint_eq(s.command_max, 1264);
    ck_assert_uint_eq(s.suites, 3);
    tally_card_close(t);
}
END_TEST

START_TEST(state_with_pin_is_whole)
{
    struct tally_card_state s;
    struct card_transport *t = play_answer("80F2000000", "E14F" PUBLIC_STATE "90080102030405060708"
                                                         "910400000009"
                                                         "92020003"
                                                         "93020061"
                                                         "940400006000"
                                                         "95081112131415161718"
                                                         "96080000000100000002"
                                                         "970101"
                                                         "98020030"
                                                         "9902004d"
                                                         "9000");
    ck_assert_int_eq(tally_card_get_state(&card, &s), TALLY_OK);
    ck_assert(s.identified);
    ck_assert_uint_eq(s.serial[7], 8);
    ck_assert_uint_eq(s.transaction_counter, 9);
    ck_assert_uint_eq(s.tickets, 3);
    ck_assert_uint_eq(s.free_p256, 97);
    ck_assert_uint_eq(s.free_rsa, 48);
    ck_assert_uint_eq(s.free_sm9, 77);
    ck_assert_uint_eq(s.free_bytes, 0x6000);
    ck_assert_uint_eq(s.erases_max, 2);
    tally_card_close(t);
}
END_TEST

static const char *const broken_states[] = {
    "9000",                       /* nothing */
    "E2009000",                   /* another object */
    "E112" PUBLIC_STATE "009000", /* something after it */
    "E1208003000100"
    "9000", /* longer than what came */
    "E10C"
    "8003000100"
    "810107"
    "82010500"
    "9000", /* field too short, missing ones */
    "E10F"
    "8003000100"
    "810107"
    "820105"
    "830204F0"
    "9000", /* the suites are missing */
    "E115" PUBLIC_STATE "810107"
    "9000", /* twice */
    "E116" PUBLIC_STATE "97020101"
    "9000", /* a length of its own */
};

START_TEST(malformed_state_is_no_tally_card)
{
    struct tally_card_state s;
    struct card_transport *t = play_answer("80F2000000", broken_states[_i]);
    ck_assert_int_eq(tally_card_get_state(&card, &s), TALLY_E_NO_CARD);
    ck_assert_uint_eq(s.life_cycle, 0);
    ck_assert_uint_eq(s.command_max, 0);
    tally_card_close(t);
}
END_TEST

START_TEST(data_object_of_another_length_is_refused)
{
    uint8_t serial[4];
    struct card_transport *t = play_answer("80CA010100", "0102039000");
    ck_assert_int_eq(tally_card_get_data(&card, DO_KEM_PUBLIC_KEY, serial, sizeof serial), TALLY_E_NO_CARD);
    ck_assert_uint_eq(serial[0], 0);
    tally_card_close(t);
}
END_TEST

START_TEST(operators_are_listed_and_bounded)
{
    struct tally_card_operator list[2];
    size_t n = 9;
    struct card_transport *t = play("A>> 80CA01100004F0\n"
                                    "A<< 000101010000000702030100000202020000000101010100"
                                    "9000 (0.1 ms)\n"
                                    "A>> 80CA01100004F0\n"
                                    "A<< 000101010000000702030100000202020000000101010100"
                                    "9000 (0.1 ms)\n"
                                    "A>> 80CA01100004F0\n"
                                    "A<< 00010101009000 (0.1 ms)\n");
    ck_assert_int_eq(tally_card_get_operators(&card, list, 2, &n), TALLY_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(list[0].operator_id, 1);
    ck_assert_uint_eq(list[0].package_version, 7);
    ck_assert_uint_eq(list[0].key6_version, 2);
    ck_assert_uint_eq(list[0].sub_key_version, 3);
    ck_assert_uint_eq(list[0].sub_key_floor, 1);
    ck_assert_uint_eq(list[1].suite, SUITE_RSA);
    ck_assert_uint_eq(list[1].state, 2);
    ck_assert_int_eq(tally_card_get_operators(&card, list, 1, &n), TALLY_E_FULL);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(tally_card_get_operators(&card, list, 2, &n), TALLY_E_NO_CARD);
    tally_card_close(t);
}
END_TEST

START_TEST(only_a_pin_is_sent_as_a_pin)
{
    static const char *const bad[] = {"", "123", "1234567890123", "12a4", "１２３４", "12 4"};
    struct card_transport *t = play_answer("002000810431323334", "63C2");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(tally_card_verify_pin(&card, bad[i]), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_card_verify_pin(&card, "1234"), TALLY_E_DENIED);
    ck_assert_uint_eq(card.error.sw, 0x63c2);
    ck_assert(tally_replay_finished(t));
    tally_card_close(t);
}
END_TEST

START_TEST(pins_are_wiped_from_the_buffer)
{
    struct card_transport *t = play_answer("00240081090431323334"
                                           "35363738",
                                           "9000");
    ck_assert_int_eq(tally_card_change_pin(&card, "1234", "5678"), TALLY_OK);
    for (size_t i = 0; i < sizeof card.command; i++)
        ck_assert_uint_eq(card.command[i], 0);
    tally_card_close(t);
}
END_TEST

static struct ticket_face sample_face(uint8_t tid)
{
    struct ticket_face f = {.profile = PROFILE_RAIL,
                            .operator_id = 1,
                            .product = 2,
                            .issued = 10,
                            .valid_from = 20,
                            .valid_to = 30,
                            .sequence = 1,
                            .service_date = 9000,
                            .service_minute = 600,
                            .from = 1,
                            .to = 2,
                            .coach = 3,
                            .fare_class = 2,
                            .fare_type = 1,
                            .price = 100,
                            .currency = 156,
                            .max_entries = 1,
                            .suite = SUITE_P256,
                            .key_version = 1};
    memset(f.tid, tid, sizeof f.tid);
    memset(f.serial, 7, sizeof f.serial);
    memcpy(f.service, "G1234   ", SERVICE_SIZE);
    memcpy(f.seat, "12A", SEAT_SIZE);
    return f;
}

static void sample_ticket_hex(uint8_t tid, char *out, size_t size)
{
    uint8_t bytes[FACE_SIZE + USAGE_SIZE];
    struct ticket_face f = sample_face(tid);
    struct usage_record u = {0};
    face_encode(&f, bytes);
    usage_encode(&u, bytes + FACE_SIZE);
    ck_assert_int_eq(tally_hex_encode(bytes, sizeof bytes, out, size), TALLY_OK);
}

START_TEST(tickets_are_read_to_the_end)
{
    static char trace[4096], one[400], two[400];
    sample_ticket_hex(1, one, sizeof one);
    sample_ticket_hex(2, two, sizeof two);
    snprintf(trace, sizeof trace,
             "A>> 80B200010A2328473132333420202000\nA<< %s9000 (0.1 ms)\n"
             "A>> 80B2010100\nA<< %s9000 (0.1 ms)\nA>> 80B2010100\nA<< 6A83 (0.1 ms)\n",
             one, two);
    struct tally_card_ticket *list;
    size_t n;
    struct card_transport *t = play(trace);
    ck_assert_int_eq(tally_card_read_all(&card, 9000, "G1234   ", &list, &n), TALLY_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(list[1].face.tid[0], 2);
    ck_assert_uint_eq(list[0].face.price, 100);
    ck_assert(tally_replay_finished(t));
    free(list);
    tally_card_close(t);
}
END_TEST

START_TEST(an_invalid_face_from_the_card_is_refused)
{
    static char hex[400];
    sample_ticket_hex(1, hex, sizeof hex);
    hex[1] = '9'; /* version */
    strcat(hex, "9000");
    struct tally_card_ticket *list;
    size_t n = 5;
    struct card_transport *t = play_answer("80B200010A0000000000000000000000", hex);
    ck_assert_int_eq(tally_card_read_all(&card, 0, NULL, &list, &n), TALLY_E_NO_CARD);
    ck_assert_ptr_null(list);
    ck_assert_uint_eq(n, 0);
    tally_card_close(t);
}
END_TEST

START_TEST(a_receipt_of_another_length_is_refused)
{
    uint8_t usage[USAGE_SIZE];
    static const uint8_t ciphertext[3] = {1, 2, 3};
    struct card_transport *t = play_answer("80E200000301020300", "0102039000");
    ck_assert_int_eq(tally_card_load(&card, ciphertext, sizeof ciphertext, usage), TALLY_E_NO_CARD);
    for (size_t i = 0; i < sizeof usage; i++)
        ck_assert_uint_eq(usage[i], 0);
    tally_card_close(t);
}
END_TEST

START_TEST(a_command_beyond_the_limit_is_not_sent)
{
    static uint8_t much[TALLY_CARD_DATA_MAX + 1];
    uint8_t usage[USAGE_SIZE];
    struct card_transport *t = play_answer("80E200000301020300", "9000");
    ck_assert_int_eq(tally_card_load(&card, much, sizeof much, usage), TALLY_E_FORMAT);
    ck_assert(!tally_replay_finished(t));
    tally_card_close(t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("card commands");
    TCase *c = tcase_create("card");
    tcase_add_test(c, every_status_word_is_explained);
    tcase_add_test(c, status_words_mean_what_the_specification_says);
    tcase_add_test(c, state_without_pin_names_nobody);
    tcase_add_test(c, state_with_pin_is_whole);
    tcase_add_loop_test(c, malformed_state_is_no_tally_card, 0, sizeof broken_states / sizeof *broken_states);
    tcase_add_test(c, data_object_of_another_length_is_refused);
    tcase_add_test(c, operators_are_listed_and_bounded);
    tcase_add_test(c, only_a_pin_is_sent_as_a_pin);
    tcase_add_test(c, pins_are_wiped_from_the_buffer);
    tcase_add_test(c, tickets_are_read_to_the_end);
    tcase_add_test(c, an_invalid_face_from_the_card_is_refused);
    tcase_add_test(c, a_receipt_of_another_length_is_refused);
    tcase_add_test(c, a_command_beyond_the_limit_is_not_sent);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
