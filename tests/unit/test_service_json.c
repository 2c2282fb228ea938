/* Strict JSON members, problem details, and the registry against its specification. */
#include "host/service/json.h"
#include "host/service/problem.h"
#include "tests/support/check_main.h"
#include "tests/support/service_support.h"

#include <string.h>

static json_t *root;
static struct tally_json in;

static void begin(const char *text)
{
    json_decref(root);
    root = tally_json_parse(text, strlen(text));
    ck_assert_ptr_nonnull(root);
    tally_json_begin(&in, root);
}

static void teardown(void)
{
    json_decref(root);
    root = NULL;
}

static void ck_fault(const char *field, const char *reason)
{
    ck_assert_int_eq(tally_json_end(&in), TALLY_E_FORMAT);
    ck_assert_str_eq(in.field, field);
    ck_assert_msg(strstr(in.reason, reason) != NULL, "reason: %s", in.reason);
}

START_TEST(members_are_read_with_their_types)
{
    uint8_t hex[4];
    char copy[4];
    begin("{\"s\": \"abc\", \"i\": -9223372036854775808, \"b\": true, \"h\": \"00fF\", \"a\": [1], \"o\": "
          "{}, \"n\": null, \"c\": \"xyz\"}");
    ck_assert_str_eq(tally_json_string(&in, "s", 3, 3), "abc");
    ck_assert_int_eq(tally_json_int(&in, "i", INT64_MIN, 0), INT64_MIN);
    ck_assert(tally_json_bool(&in, "b"));
    ck_assert_uint_eq(tally_json_hex(&in, "h", hex, 1, 4), 2);
    ck_assert_mem_eq(hex, "\0\xff\0\0", 4);
    ck_assert_uint_eq(json_array_size(tally_json_array(&in, "a", 0, 1)), 1);
    ck_assert_ptr_nonnull(tally_json_object(&in, "o"));
    ck_assert(!tally_json_has(&in, "n"));
    ck_assert(!tally_json_has(&in, "absent"));
    tally_json_string_copy(&in, "c", 1, copy, sizeof copy);
    ck_assert_str_eq(copy, "xyz");
    ck_assert_int_eq(tally_json_end(&in), TALLY_OK);
}
END_TEST

START_TEST(faults_name_the_member)
{
    uint8_t hex[2];
    char copy[4];
    begin("{\"s\": 1}");
    ck_assert_str_eq(tally_json_string(&in, "s", 0, 9), "");
    ck_fault("/s", "must be a string");
    begin("{\"s\": \"abcd\"}");
    tally_json_string_copy(&in, "s", 0, copy, sizeof copy);
    ck_assert_str_eq(copy, "");
    ck_fault("/s", "wrong length");
    begin("{\"s\": \"\"}");
    (void)tally_json_string(&in, "s", 1, 9);
    ck_fault("/s", "wrong length");
    begin("{\"i\": 5.0}");
    ck_assert_int_eq(tally_json_int(&in, "i", 1, 9), 1);
    ck_fault("/i", "whole number");
    begin("{\"i\": \"5\"}");
    (void)tally_json_int(&in, "i", 1, 9);
    ck_fault("/i", "whole number");
    begin("{\"i\": 10}");
    ck_assert_int_eq(tally_json_int(&in, "i", 1, 9), 1);
    ck_fault("/i", "limits");
    begin("{\"b\": 1}");
    ck_assert(!tally_json_bool(&in, "b"));
    ck_fault("/b", "true or false");
    begin("{\"h\": \"0g\"}");
    ck_assert_uint_eq(tally_json_hex(&in, "h", hex, 1, 2), 0);
    ck_fault("/h", "hex");
    begin("{\"h\": \"000\"}");
    (void)tally_json_hex(&in, "h", hex, 1, 2);
    ck_fault("/h", "hex");
    begin("{\"a\": [1, 2]}");
    ck_assert_ptr_null(tally_json_array(&in, "a", 0, 1));
    ck_fault("/a", "elements");
    begin("{\"o\": []}");
    ck_assert_ptr_null(tally_json_object(&in, "o"));
    ck_fault("/o", "object");
    begin("{}");
    (void)tally_json_int(&in, "missing", 0, 1);
    ck_fault("/missing", "missing");
    begin("{\"known\": 1, \"colour\": 2}");
    (void)tally_json_int(&in, "known", 0, 1);
    ck_fault("/colour", "not known");
    begin("[]");
    (void)tally_json_int(&in, "x", 0, 1);
    ck_fault("", "must be an object");
    tally_json_begin(&in, NULL);
    ck_assert(!tally_json_has(&in, "x"));
    ck_fault("", "must be an object");
}
END_TEST

START_TEST(the_first_fault_is_kept)
{
    begin("{\"a\": \"x\", \"b\": \"y\"}");
    (void)tally_json_int(&in, "b", 0, 1);
    (void)tally_json_int(&in, "a", 0, 1);
    tally_json_fault(&in, "c", "own rule");
    ck_fault("/b", "whole number");
    begin("{}");
    tally_json_fault(&in, "c", "own rule");
    ck_fault("/c", "own rule");
}
END_TEST

START_TEST(texts_that_are_not_one_strict_value_are_refused)
{
    static const char *const bad[] = {"",
                                      "{",
                                      "{}{}",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":1}x",
                                      "{'a':1}",
                                      "{\"a\":01}",
                                      "nul",
                                      "{\"a\":\"\xff\"}",
                                      "{\"a\":\"\\u0000\"}",
                                      "{\"a\":99999999999999999999}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *value = tally_json_parse(bad[i], strlen(bad[i]));
        ck_assert_msg(value == NULL, "taken: %s", bad[i]);
    }
    char deep[8192];
    memset(deep, '[', sizeof deep);
    ck_assert_ptr_null(tally_json_parse(deep, sizeof deep));
}
END_TEST

START_TEST(too_many_members_are_refused)
{
    json_decref(root);
    root = json_object();
    char name[8];
    for (int i = 0; i <= TALLY_JSON_MEMBERS_MAX; i++) {
        snprintf(name, sizeof name, "m%d", i);
        json_object_set_new(root, name, json_integer(i));
    }
    tally_json_begin(&in, root);
    ck_fault("", "too many");
    json_object_del(root, "m0");
    tally_json_begin(&in, root);
    for (int i = 1; i <= TALLY_JSON_MEMBERS_MAX; i++) {
        snprintf(name, sizeof name, "m%d", i);
        ck_assert_int_eq(tally_json_int(&in, name, 0, 99), i);
    }
    ck_assert_int_eq(tally_json_end(&in), TALLY_OK);
}
END_TEST

START_TEST(a_problem_has_its_members)
{
    char *body;
    size_t size;
    ck_assert_int_eq(
        tally_problem_body(TALLY_PROBLEM(INVALID_FIELD), "0af7", "is \"missing\"", "/fare", &body, &size),
        TALLY_OK);
    json_decref(root);
    root = tally_json_parse(body, size);
    free(body);
    tally_json_begin(&in, root);
    ck_assert_str_eq(tally_json_string(&in, "type", 1, 99), "urn:tally:problem:invalid-field");
    ck_assert_str_eq(tally_json_string(&in, "title", 1, 99), TALLY_PROBLEM(INVALID_FIELD)->title);
    ck_assert_int_eq(tally_json_int(&in, "status", 400, 599), 422);
    ck_assert_int_eq(tally_json_int(&in, "code", 1, 9999), 401);
    ck_assert_str_eq(tally_json_string(&in, "detail", 1, 99), "is \"missing\"");
    ck_assert_str_eq(tally_json_string(&in, "field", 1, 99), "/fare");
    ck_assert_str_eq(tally_json_string(&in, "trace", 1, 99), "0af7");
    ck_assert_int_eq(tally_json_end(&in), TALLY_OK);
    ck_assert_int_eq(tally_problem_body(TALLY_PROBLEM(INTERNAL), NULL, "\xff", NULL, &body, &size), TALLY_OK);
    ck_assert_ptr_nonnull(strstr(body, "not valid UTF-8"));
    ck_assert_ptr_null(strstr(body, "trace"));
    free(body);
}
END_TEST

START_TEST(errors_and_statuses_map_to_each_other)
{
    for (int e = TALLY_E_DENIED; e < TALLY_E_COUNT; e++) {
        const struct tally_problem *problem = tally_problem_of_error((enum tally_error)e);
        ck_assert_int_ge(problem->status, 400);
        ck_assert_int_ne(tally_error_of_status(problem->status), TALLY_OK);
    }
    ck_assert_int_eq(tally_error_of_status(204), TALLY_OK);
    ck_assert_int_eq(tally_error_of_status(302), TALLY_E_SERVER);
    ck_assert_int_eq(tally_error_of_status(0), TALLY_E_SERVER);
}
END_TEST

START_TEST(the_registry_is_as_specified)
{
    char *text = file_read(TALLY_SPECS "/errors.md"), line[256];
    for (size_t i = 0; i < TALLY_PROBLEM_COUNT; i++) {
        const struct tally_problem *p = &tally_problems[i];
        snprintf(line, sizeof line, "| %d | %d | %s | %s |", p->code, p->status, p->name, p->title);
        ck_assert_msg(strstr(text, line) != NULL, "errors.md lacks: %s", line);
        for (size_t j = 0; j < i; j++)
            ck_assert(p->code > tally_problems[j].code && strcmp(p->name, tally_problems[j].name) != 0);
    }
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_json");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, NULL, teardown);
    tcase_add_test(all, members_are_read_with_their_types);
    tcase_add_test(all, faults_name_the_member);
    tcase_add_test(all, the_first_fault_is_kept);
    tcase_add_test(all, texts_that_are_not_one_strict_value_are_refused);
    tcase_add_test(all, too_many_members_are_refused);
    tcase_add_test(all, a_problem_has_its_members);
    tcase_add_test(all, errors_and_statuses_map_to_each_other);
    tcase_add_test(all, the_registry_is_as_specified);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
