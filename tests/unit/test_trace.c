#include <string.h>

#include "host/reader/replay.h"
#include "host/reader/trace.h"
#include "tests/support/check_main.h"
#include "tests/support/direct.h"
#include "tests/support/pcscd.h"

static char *text;
static size_t text_len;
static FILE *file;
static struct tally_trace trace;
static struct loop_card card;
static struct card_transport *live;

static uint64_t quarter_milliseconds(void *context)
{
    uint64_t *at = context;
    return *at += 250000;
}

static uint64_t clock_at;

static void start(void)
{
    file = open_memstream(&text, &text_len);
    tally_trace_init(&trace, file);
    trace.clock = quarter_milliseconds;
    trace.clock_context = &clock_at;
    live = test_direct_open(&loop_card_ops, &card);
}

static void stop(void)
{
    tally_card_close(live);
    fclose(file);
    free(text);
}

static enum tally_error say(struct card_transport *t, const char *bytes, size_t n, char *answer,
                            size_t *answer_len)
{
    return tally_card_exchange(t, (const uint8_t *)bytes, n, (uint8_t *)answer, 64, answer_len);
}

static const char verify[] = "\x00\x20\x00\x81\x04"
                             "1234";
static const char echo[] = "\x80\x10\x00\x00\x02hi";
static const char counter[] = "\x80\x14\x00\x00\x00";
static const char tear[] = "\x80\x1e\x00\x00";

/* A conversation with everything in it: a secret, data, a loss, a new session, a reset. */
static void converse(struct card_transport *t)
{
    char answer[64];
    size_t n;
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_int_eq(say(t, verify, 9, answer, &n), TALLY_OK);
    ck_assert_int_eq(say(t, echo, 7, answer, &n), TALLY_OK);
    ck_assert_uint_eq(n, 4);
    ck_assert_mem_eq(answer, "hi\x90\x00", 4);
    ck_assert_int_eq(say(t, tear, 4, answer, &n), TALLY_E_CARD_LOST);
    tally_card_end(t);
    unsigned session = t->session;
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(t->session, session + 1);
    ck_assert_int_eq(say(t, counter, 5, answer, &n), TALLY_OK);
    ck_assert_mem_eq(answer, "\x01\x90\x00", 3);
    ck_assert_int_eq(tally_card_reset(t), TALLY_OK);
    ck_assert_int_eq(say(t, counter, 5, answer, &n), TALLY_OK);
    ck_assert_mem_eq(answer, "\x01\x90\x00", 3);
    tally_card_end(t);
}

START_TEST(lines_are_as_specified)
{
    tally_card_set_trace(live, &trace);
    converse(live);
    fflush(file);
    ck_assert_str_eq(text, "# card in this process\n"
                           "ATR 3B88800180730000C06C6F6F56\n"
                           "A>> 0020008104........\n"
                           "A<< 6D00 (0.25 ms)\n"
                           "A>> 80100000026869\n"
                           "A<< 68699000 (0.25 ms)\n"
                           "A>> 801E0000\n"
                           "A<< lost (0.25 ms)\n"
                           "ATR 3B88800180730000C06C6F6F56\n"
                           "A>> 8014000000\n"
                           "A<< 019000 (0.25 ms)\n"
                           "ATR 3B88800180730000C06C6F6F56\n"
                           "A>> 8014000000\n"
                           "A<< 019000 (0.25 ms)\n");
}
END_TEST

START_TEST(a_trace_plays_back)
{
    struct card_transport *replay;
    size_t line;
    tally_card_set_trace(live, &trace);
    converse(live);
    fflush(file);
    FILE *in = fmemopen(text, text_len, "r");
    ck_assert_int_eq(tally_replay_open(in, &replay, &line), TALLY_OK);
    fclose(in);
    ck_assert_bytes_eq(replay->atr, replay->atr_len, loop_card_atr, loop_card_atr_len);
    converse(replay);
    ck_assert(tally_replay_finished(replay));
    ck_assert_str_eq(tally_replay_reason(replay), "");
    tally_card_close(replay);
}
END_TEST

static struct card_transport *replay_of(const char *recorded)
{
    struct card_transport *t;
    size_t line;
    FILE *in = fmemopen((char *)(uintptr_t)recorded, strlen(recorded), "r");
    ck_assert_int_eq(tally_replay_open(in, &t, &line), TALLY_OK);
    fclose(in);
    return t;
}

START_TEST(first_difference_is_named_and_final)
{
    char answer[64];
    size_t n = 9;
    struct card_transport *t =
        replay_of("ATR 3B00\n# x\nA>> 8014000000\nA<< 019000 (0.1 ms)\nA>> 80100000026869\n"
                  "A<< 9000\n");
    ck_assert_int_eq(say(t, counter, 5, answer, &n), TALLY_OK);
    ck_assert_int_eq(say(t, counter, 5, answer, &n), TALLY_E_STATE);
    ck_assert_uint_eq(n, 0);
    ck_assert_str_eq(tally_replay_reason(t),
                     "line 5 of the trace: a command of 5 bytes was sent, 7 are recorded");
    ck_assert_int_eq(say(t, echo, 7, answer, &n), TALLY_E_STATE);
    ck_assert_int_eq(tally_card_begin(t), TALLY_E_STATE);
    ck_assert(!tally_replay_finished(t));
    tally_card_close(t);
}
END_TEST

START_TEST(wrong_byte_missing_reset_and_end_are_differences)
{
    char answer[64];
    size_t n;
    struct card_transport *t = replay_of("A>> 80140000..\nA<< 019000\n");
    ck_assert_int_eq(say(t, "\x80\x15\x00\x00\x00", 5, answer, &n), TALLY_E_STATE);
    ck_assert_str_eq(tally_replay_reason(t), "line 1 of the trace: byte 1 of the command differs");
    tally_card_close(t);
    t = replay_of("A>> 80140000..\nA<< ..9000\n");
    ck_assert_int_eq(say(t, counter, 5, answer, &n), TALLY_OK);
    ck_assert_mem_eq(answer, "\x00\x90\x00", 3);
    ck_assert(tally_replay_finished(t));
    ck_assert_int_eq(tally_card_reset(t), TALLY_E_STATE);
    ck_assert_str_eq(tally_replay_reason(t),
                     "after the end of the trace: the card was reset where no ATR is recorded");
    tally_card_close(t);
}
END_TEST

START_TEST(malformed_traces_are_refused_by_line)
{
    static const struct {
        const char *text;
        size_t line;
    } bad[] = {
        {"hello\n", 1},
        {"ATR 3B00\nA<< 9000\n", 2},
        {"A>> 00A4\nA>> 00A4\n", 2},
        {"A>> 00A4\nATR 3B00\n", 2},
        {"# fine\n\nA>> 0\n", 3},
        {"A>> 0G\n", 1},
        {"A>> .0\n", 1},
        {"A>> \n", 1},
        {"ATR 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F2021\n", 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct card_transport *t;
        size_t line = 0;
        FILE *in = fmemopen((char *)(uintptr_t)bad[i].text, strlen(bad[i].text), "r");
        ck_assert_int_eq(tally_replay_open(in, &t, &line), TALLY_E_FORMAT);
        ck_assert_ptr_null(t);
        ck_assert_uint_eq(line, bad[i].line);
        fclose(in);
    }
}
END_TEST

static void trace_one(const char *cmd, size_t n, const char *answer, size_t answer_len)
{
    tally_trace_command(&trace, (const uint8_t *)cmd, n);
    tally_trace_answer(&trace, (const uint8_t *)answer, answer_len);
    fflush(file);
}

START_TEST(secrets_are_hidden)
{
    static const struct {
        const char *cmd;
        size_t n;
        const char *shown;
    } cases[] = {
        {"\x00\x20\x00\x81\x04"
         "1234",
         9, "A>> 0020008104........\n"},
        {"\x0c\x20\x00\x81\x04"
         "1234\x00",
         10, "A>> 0C20008104........00\n"},
        /* No length field: nothing past the header may show, not even one digit. */
        {"\x00\x20\x00\x81"
         "1234",
         8, "A>> 00200081........\n"},
        {"\x94\xd8\x00\x03\x00\x00\x02\xab\xcd", 9, "A>> 94D80003000002....\n"},
        {"\x84\xda\x02\x03\x02\xab\xcd", 7, "A>> 84DA020302....\n"},
        {"\x84\x82\x33\x00\x01\xab", 6, "A>> 8482330001..\n"},
        {"\x80\x50\x00\x00\x01\xab", 6, "A>> 8050000001..\n"},
        {"\x00\x24\x00\x81\x02\xab\xcd", 7, "A>> 0024008102....\n"},
        {"\x00\x20\x00\x81", 4, "A>> 00200081\n"},
        {"\x80\xe2\x00\x00\x01\xab", 6, "A>> 80E2000001AB\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rewind(file);
        trace_one(cases[i].cmd, cases[i].n, "\x90\x00", 2);
        ck_assert(strncmp(text, cases[i].shown, strlen(cases[i].shown)) == 0);
    }
}
END_TEST

START_TEST(secret_answers_stay_hidden_over_get_response)
{
    trace_one("\x80\x50\x00\x00\x00", 5, "\xab\xcd\x61\x02", 4);
    trace_one("\x00\xc0\x00\x00\x02", 5, "\xab\xcd\x90\x00", 4);
    trace_one("\x80\x14\x00\x00\x00", 5, "\xab\x90\x00", 3);
    ck_assert_str_eq(text, "A>> 8050000000\nA<< ....6102 (0.25 ms)\nA>> 00C0000002\nA<< ....9000 (0.25 ms)\n"
                           "A>> 8014000000\nA<< AB9000 (0.25 ms)\n");
}
END_TEST

START_TEST(rules_are_the_callers)
{
    const struct tally_redaction rule = {0x80, 0xfc, 0x10, 0xff, true, true};
    trace.rules = &rule;
    trace.rule_count = 1;
    trace_one(echo, 7, "hi\x90\x00", 4);
    trace_one("\x00\x20\x00\x81\x01z", 6, "\x90\x00", 2);
    ck_assert_str_eq(text, "A>> 8010000002....\nA<< ....9000 (0.25 ms)\nA>> 0020008101"
                           "7A\nA<< 9000 (0.25 ms)\n");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trace");
    TCase *c = tcase_create("trace");
    tcase_add_checked_fixture(c, start, stop);
    tcase_add_test(c, lines_are_as_specified);
    tcase_add_test(c, a_trace_plays_back);
    tcase_add_test(c, first_difference_is_named_and_final);
    tcase_add_test(c, wrong_byte_missing_reset_and_end_are_differences);
    tcase_add_test(c, malformed_traces_are_refused_by_line);
    tcase_add_test(c, secrets_are_hidden);
    tcase_add_test(c, secret_answers_stay_hidden_over_get_response);
    tcase_add_test(c, rules_are_the_callers);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
