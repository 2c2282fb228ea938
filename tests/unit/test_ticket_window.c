/* The sequence window by itself. */
#include <string.h>

#include "card/applets/ticket/window.h"
#include "card/wire/protocol.h"
#include "tests/support/check_main.h"

static struct sequence_window marked(uint32_t sequence)
{
    struct sequence_window w = {0};
    window_mark(&w, sequence);
    return w;
}

START_TEST(empty_window_admits_all_but_zero)
{
    const struct sequence_window w = {0};
    ck_assert(!window_admits(&w, 0));
    ck_assert(window_admits(&w, 1));
    ck_assert(window_admits(&w, UINT32_MAX));
}
END_TEST

START_TEST(each_number_is_admitted_once)
{
    struct sequence_window w = {0};
    for (uint32_t s = 1; s < 200; s++) {
        ck_assert(window_admits(&w, s));
        window_mark(&w, s);
        ck_assert(!window_admits(&w, s));
    }
    ck_assert_uint_eq(w.highest, 199);
}
END_TEST

START_TEST(numbers_up_to_63_below_the_highest_may_come_late)
{
    struct sequence_window w = marked(100);
    ck_assert(window_admits(&w, 100 - 63));
    ck_assert(!window_admits(&w, 100 - 64));
    for (uint32_t s = 99; s >= 100 - 63; s--) {
        ck_assert(window_admits(&w, s));
        window_mark(&w, s);
        ck_assert(!window_admits(&w, s));
    }
    ck_assert_uint_eq(w.highest, 100);
    ck_assert_uint_eq(w.loaded, UINT64_MAX);
}
END_TEST

START_TEST(numbers_near_the_beginning_do_not_wrap)
{
    struct sequence_window w = marked(3);
    ck_assert(window_admits(&w, 1));
    ck_assert(!window_admits(&w, 0));
    w = marked(63);
    ck_assert(!window_admits(&w, 0));
}
END_TEST

START_TEST(moving_up_keeps_what_stays_in_the_window)
{
    struct sequence_window w = marked(10);
    window_mark(&w, 10 + 63);
    ck_assert(!window_admits(&w, 10));
    ck_assert(window_admits(&w, 11));
    w = marked(10);
    window_mark(&w, 10 + 64);
    ck_assert(!window_admits(&w, 10));
    ck_assert(window_admits(&w, 11));
    w = marked(10);
    window_mark(&w, UINT32_MAX);
    ck_assert(!window_admits(&w, UINT32_MAX));
    ck_assert(window_admits(&w, UINT32_MAX - 63));
    ck_assert(!window_admits(&w, UINT32_MAX - 64));
}
END_TEST

START_TEST(bytes_are_those_of_the_specification)
{
    static const uint8_t want[WINDOW_SIZE] = {0x01, 0x02, 0x03, 0x04, 0x80, 0, 0, 0, 0, 0, 0, 5};
    const struct sequence_window w = {.highest = 0x01020304, .loaded = 0x8000000000000005};
    struct sequence_window back;
    uint8_t bytes[WINDOW_SIZE];
    window_encode(&w, bytes);
    ck_assert_mem_eq(bytes, want, sizeof want);
    window_decode(bytes, &back);
    ck_assert(back.highest == w.highest && back.loaded == w.loaded);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ticket window");
    TCase *c = tcase_create("window");
    tcase_add_test(c, empty_window_admits_all_but_zero);
    tcase_add_test(c, each_number_is_admitted_once);
    tcase_add_test(c, numbers_up_to_63_below_the_highest_may_come_late);
    tcase_add_test(c, numbers_near_the_beginning_do_not_wrap);
    tcase_add_test(c, moving_up_keeps_what_stays_in_the_window);
    tcase_add_test(c, bytes_are_those_of_the_specification);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
