#include <string.h>

#include "host/base/bytes.h"
#include "host/base/error.h"
#include "tests/support/check_main.h"

START_TEST(hex_round_trip)
{
    uint8_t in[] = {0x00, 0x7f, 0x80, 0xff}, out[4];
    char text[9];
    size_t n;
    ck_assert_int_eq(tally_hex_encode(in, 4, text, sizeof text), TALLY_OK);
    ck_assert_str_eq(text, "007f80ff");
    ck_assert_int_eq(tally_hex_decode("007F80ff", out, sizeof out, &n), TALLY_OK);
    ck_assert_bytes_eq(out, n, in, 4);
}
END_TEST

START_TEST(hex_refuses)
{
    uint8_t out[2];
    char text[4];
    size_t n = 99;
    ck_assert_int_eq(tally_hex_decode("abc", out, sizeof out, &n), TALLY_E_FORMAT);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(tally_hex_decode("zz", out, sizeof out, &n), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_hex_decode("aabbcc", out, sizeof out, &n), TALLY_E_FULL);
    ck_assert_int_eq(tally_hex_encode(out, 2, text, sizeof text), TALLY_E_FULL);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(equal_ct_sees_every_byte)
{
    uint8_t a[32], b[32];
    memset(a, 0x5a, sizeof a);
    for (size_t i = 0; i < sizeof a; i++) {
        memcpy(b, a, sizeof b);
        ck_assert(tally_equal_ct(a, b, sizeof a));
        b[i] ^= 1;
        ck_assert(!tally_equal_ct(a, b, sizeof a));
    }
}
END_TEST

START_TEST(every_error_has_text_and_exit_code)
{
    for (int e = 0; e < TALLY_E_COUNT; e++) {
        ck_assert_ptr_nonnull(tally_error_text((enum tally_error)e));
        ck_assert_int_ge(tally_error_exit_code((enum tally_error)e), e == 0 ? 0 : 1);
        ck_assert_int_le(tally_error_exit_code((enum tally_error)e), 8);
    }
    ck_assert_str_eq(tally_error_text((enum tally_error)999), "unknown error");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("base");
    TCase *c = tcase_create("base");
    tcase_add_test(c, hex_round_trip);
    tcase_add_test(c, hex_refuses);
    tcase_add_test(c, equal_ct_sees_every_byte);
    tcase_add_test(c, every_error_has_text_and_exit_code);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
