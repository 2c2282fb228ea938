/* Log lines, bounded texts, base64, clocks and random sources. */
#include "host/base/clock.h"
#include "host/base/log.h"
#include "host/base/random.h"
#include "host/base/text.h"
#include "tests/support/check_main.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

static struct tally_manual_clock manual;
static int ends[2];
static char line[2 * TALLY_LOG_LINE_MAX];

static void setup(void)
{
    tally_manual_clock_init(&manual, INT64_C(1700000000042));
    ck_assert_int_eq(pipe(ends), 0);
    tally_log_setup(ends[1], TALLY_LOG_INFO, &manual.clock);
}

static void teardown(void)
{
    close(ends[0]);
    close(ends[1]);
}

/* The one line that was written, parsed. */
static json_t *logged(void)
{
    ssize_t n = read(ends[0], line, sizeof line - 1);
    ck_assert_int_gt(n, 0);
    line[n] = '\0';
    ck_assert_ptr_eq(strchr(line, '\n'), line + n - 1);
    ck_assert_int_le(n, TALLY_LOG_LINE_MAX);
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(object != NULL, "not JSON: %s", line);
    return object;
}

static const char *text_of(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

START_TEST(a_line_has_its_parts_and_typed_fields)
{
    tally_log(TALLY_LOG_WARN, "http", "0af7", "slow", TALLY_INT("ms", -17), TALLY_BOOL("cold", true),
              TALLY_STR("path", "/v1"), TALLY_STR("none", NULL));
    json_t *object = logged();
    ck_assert_str_eq(text_of(object, "time"), "2023-11-14T22:13:20.042Z");
    ck_assert_str_eq(text_of(object, "level"), "warn");
    ck_assert_str_eq(text_of(object, "component"), "http");
    ck_assert_str_eq(text_of(object, "trace"), "0af7");
    ck_assert_str_eq(text_of(object, "message"), "slow");
    ck_assert_str_eq(text_of(object, "path"), "/v1");
    ck_assert_int_eq(json_integer_value(json_object_get(object, "ms")), -17);
    ck_assert(json_is_true(json_object_get(object, "cold")));
    ck_assert(json_is_null(json_object_get(object, "none")));
    json_decref(object);
}
END_TEST

START_TEST(hostile_text_cannot_break_out_of_its_string)
{
    static const char evil[] = "a\"b\\c\n{\"level\":\"error\"}\r\t\x01\x7f \xc3\xa9 \xff \xe2\x82 "
                               "\xed\xa0\x80 \xf4\x90\x80\x80 \xc0\xaf end";
    tally_log(TALLY_LOG_INFO, "x", NULL, evil, TALLY_STR("v", evil));
    json_t *object = logged();
    ck_assert_str_eq(text_of(object, "level"), "info");
    const char *message = text_of(object, "message");
    ck_assert_ptr_nonnull(strstr(message, "a\"b\\c\n{"));
    ck_assert_ptr_nonnull(strstr(message, "\xc3\xa9"));
    ck_assert_ptr_nonnull(strstr(message, "\xef\xbf\xbd"));
    ck_assert_ptr_nonnull(strstr(message, " end"));
    ck_assert_ptr_null(json_object_get(object, "trace"));
    json_decref(object);
}
END_TEST

START_TEST(a_line_that_is_too_long_stays_whole_json)
{
    char *big = malloc(TALLY_LOG_LINE_MAX + 1);
    memset(big, 'x', TALLY_LOG_LINE_MAX);
    big[TALLY_LOG_LINE_MAX] = '\0';
    tally_log(TALLY_LOG_INFO, "x", NULL, "m", TALLY_STR("big", big), TALLY_INT("after", 1));
    json_t *object = logged();
    ck_assert_ptr_null(json_object_get(object, "big"));
    ck_assert_int_eq(json_integer_value(json_object_get(object, "after")), 1);
    ck_assert(json_is_true(json_object_get(object, "truncated")));
    json_decref(object);
    /* Every length around the limit. */
    for (size_t n = TALLY_LOG_LINE_MAX - 200; n <= TALLY_LOG_LINE_MAX; n++) {
        big[n] = '\0';
        tally_log(TALLY_LOG_INFO, "x", NULL, "m", TALLY_STR("big", big));
        json_decref(logged());
        big[n] = 'x';
    }
    free(big);
}
END_TEST

START_TEST(levels_filter)
{
    enum tally_log_level level;
    tally_log(TALLY_LOG_DEBUG, "x", NULL, "unseen");
    tally_log(TALLY_LOG_ERROR, "x", NULL, "seen");
    json_t *object = logged();
    ck_assert_str_eq(text_of(object, "message"), "seen");
    json_decref(object);
    tally_log_setup(ends[1], TALLY_LOG_OFF, &manual.clock);
    ck_assert(!tally_log_enabled(TALLY_LOG_ERROR));
    ck_assert_int_eq(tally_log_level_parse("debug", &level), TALLY_OK);
    ck_assert_int_eq(level, TALLY_LOG_DEBUG);
    ck_assert_int_eq(tally_log_level_parse("loud", &level), TALLY_E_FORMAT);
}
END_TEST

START_TEST(a_text_never_overruns_and_leaves_parts_out_whole)
{
    char data[8];
    struct tally_text text;
    tally_text_init(&text, data, sizeof data);
    tally_text_string(&text, "abc");
    tally_text_string(&text, "12345");
    ck_assert(text.overflowed);
    ck_assert_str_eq(data, "abc");
    tally_text_int(&text, -123);
    ck_assert_str_eq(data, "abc-123");
    tally_text_char(&text, 'x');
    ck_assert_str_eq(data, "abc-123");
    char small[8];
    tally_text_init(&text, small, sizeof small);
    tally_text_json(&text, "abcdefg");
    ck_assert_str_eq(small, "");
    ck_assert(text.overflowed);
    char number[24];
    tally_text_init(&text, number, sizeof number);
    tally_text_int(&text, INT64_MIN);
    ck_assert_str_eq(number, "-9223372036854775808");
}
END_TEST

START_TEST(base64_goes_there_and_back)
{
    static const char *const pairs[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    char data[32];
    uint8_t back[32];
    size_t n;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct tally_text text;
        tally_text_init(&text, data, sizeof data);
        tally_text_base64(&text, (const uint8_t *)pairs[i][0], strlen(pairs[i][0]));
        ck_assert_str_eq(data, pairs[i][1]);
        ck_assert(tally_base64_decode(data, strlen(data), back, sizeof back, &n));
        ck_assert_bytes_eq(back, n, pairs[i][0], strlen(pairs[i][0]));
    }
    char tight[8];
    struct tally_text text;
    tally_text_init(&text, tight, sizeof tight);
    tally_text_base64(&text, (const uint8_t *)"foobar", 6);
    ck_assert(text.overflowed);
    ck_assert_str_eq(tight, "");
}
END_TEST

START_TEST(base64_that_is_not_canonical_is_refused)
{
    static const char *const bad[] = {"Zg",   "Zg=",      "Zh==", "Zm9=", "Zm 9", "Zm9v\n",
                                      "====", "Zg==Zg==", "Z===", "Zm9-", "Zm9_"};
    uint8_t out[8];
    size_t n = 9;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!tally_base64_decode(bad[i], strlen(bad[i]), out, sizeof out, &n), "%s", bad[i]);
        ck_assert_uint_eq(n, 0);
    }
    ck_assert(!tally_base64_decode("Zm9vYmFy", 8, out, 5, &n));
    ck_assert(tally_base64_decode("Zm9vYmFy", 8, out, 6, &n));
}
END_TEST

START_TEST(a_manual_clock_moves_only_when_told)
{
    ck_assert_int_eq(tally_clock_wall_ms(&manual.clock), INT64_C(1700000000042));
    ck_assert_int_eq(tally_clock_wall_s(&manual.clock), 1700000000);
    uint64_t before = tally_clock_monotonic_us(&manual.clock);
    tally_manual_clock_advance_ms(&manual, 1000);
    ck_assert_int_eq(tally_clock_wall_s(&manual.clock), 1700000001);
    ck_assert_uint_eq(tally_clock_monotonic_us(&manual.clock) - before, 1000000);
    ck_assert_int_gt(tally_clock_wall_s(&tally_system_clock), 1600000000);
}
END_TEST

START_TEST(random_sources_fill)
{
    uint8_t a[32] = {0}, b[32] = {0};
    struct tally_seeded_random one, two;
    ck_assert_int_eq(tally_random_fill(&tally_system_random, a, sizeof a), TALLY_OK);
    ck_assert_int_eq(tally_random_fill(&tally_system_random, b, sizeof b), TALLY_OK);
    ck_assert_mem_ne(a, b, sizeof a);
    tally_seeded_random_init(&one, 7);
    tally_seeded_random_init(&two, 7);
    ck_assert_int_eq(tally_random_fill(&one.random, a, sizeof a), TALLY_OK);
    ck_assert_int_eq(tally_random_fill(&two.random, b, sizeof b), TALLY_OK);
    ck_assert_mem_eq(a, b, sizeof a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_log");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_line_has_its_parts_and_typed_fields);
    tcase_add_test(all, hostile_text_cannot_break_out_of_its_string);
    tcase_add_test(all, a_line_that_is_too_long_stays_whole_json);
    tcase_add_test(all, levels_filter);
    tcase_add_test(all, a_text_never_overruns_and_leaves_parts_out_whole);
    tcase_add_test(all, base64_goes_there_and_back);
    tcase_add_test(all, base64_that_is_not_canonical_is_refused);
    tcase_add_test(all, a_manual_clock_moves_only_when_told);
    tcase_add_test(all, random_sources_fill);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
