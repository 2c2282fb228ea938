/* Messages as JSON: what the simulator's parties say to each other is read back as it was written, and is
 * what specs/pledge-openapi.json promises. */
#include <regex.h>

#include "host/pledge/openapi.h"
#include "host/pledge/wire.h"
#include "tests/sim/story.h"
#include "tests/support/check_main.h"

static json_t *document;

/* ---- As much of JSON Schema as the document uses ---- */

static bool fits(const json_t *schema, const json_t *value);

static bool type_fits(const char *type, const json_t *value)
{
    return type == NULL || (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "object") == 0 && json_is_object(value));
}

static bool pattern_fits(const char *pattern, const char *text)
{
    regex_t compiled;
    if (pattern == NULL)
        return true;
    ck_assert_int_eq(regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB), 0);
    bool match = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return match;
}

static size_t characters(const char *text)
{
    size_t n = 0;
    for (; *text != 0; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static bool within(const json_t *schema, const char *min, const char *max, json_int_t value)
{
    const json_t *low = json_object_get(schema, min), *high = json_object_get(schema, max);
    return (low == NULL || value >= json_integer_value(low)) &&
           (high == NULL || value <= json_integer_value(high));
}

static bool object_fits(const json_t *schema, const json_t *value)
{
    const json_t *properties = json_object_get(schema, "properties"),
                 *required = json_object_get(schema, "required");
    const char *name;
    json_t *member;
    for (size_t i = 0; i < json_array_size(required); i++)
        if (json_object_get(value, json_string_value(json_array_get(required, i))) == NULL)
            return false;
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        const json_t *of = json_object_get(properties, name);
        if (of == NULL ? json_is_false(json_object_get(schema, "additionalProperties")) : !fits(of, member))
            return false;
    }
    return true;
}

static bool one_fits(const json_t *choices, const json_t *value)
{
    unsigned n = 0;
    for (size_t i = 0; i < json_array_size(choices); i++)
        n += fits(json_array_get(choices, i), value);
    return choices == NULL || n == 1;
}

static bool listed(const json_t *choices, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(choices); i++)
        if (json_equal(json_array_get(choices, i), value))
            return true;
    return choices == NULL;
}

static bool fits(const json_t *schema, const json_t *value)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference != NULL) {
        const json_t *all = json_object_get(json_object_get(document, "components"), "schemas");
        const json_t *of = json_object_get(all, strrchr(reference, '/') + 1);
        ck_assert_ptr_nonnull(of);
        return fits(of, value);
    }
    const json_t *constant = json_object_get(schema, "const");
    if ((constant != NULL && !json_equal(constant, value)) ||
        !type_fits(json_string_value(json_object_get(schema, "type")), value) ||
        !listed(json_object_get(schema, "enum"), value) || !one_fits(json_object_get(schema, "oneOf"), value))
        return false;
    if (json_is_string(value))
        return within(schema, "minLength", "maxLength", (json_int_t)characters(json_string_value(value))) &&
               pattern_fits(json_string_value(json_object_get(schema, "pattern")), json_string_value(value));
    if (json_is_integer(value))
        return within(schema, "minimum", "maximum", json_integer_value(value));
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!fits(json_object_get(schema, "items"), json_array_get(value, i)))
            return false;
    if (json_is_array(value))
        return within(schema, "minItems", "maxItems", (json_int_t)json_array_size(value));
    return !json_is_object(value) || object_fits(schema, value);
}

static const json_t *message_schema(void)
{
    return json_object_get(json_object_get(json_object_get(document, "components"), "schemas"), "message");
}

/* ---- Traffic ---- */

static struct sim_world world;
static bool seen[PLEDGE_KIND_COUNT];

static void check_message(const struct pledge_message *message)
{
    struct pledge_message back;
    char field[PLEDGE_FIELD_NAME_MAX];
    uint8_t want[PLEDGE_SIGNED_MAX], got[PLEDGE_SIGNED_MAX];
    size_t want_n, got_n;
    json_t *json = pledge_message_write(message);
    ck_assert(fits(message_schema(), json));
    ck_assert_int_eq(pledge_message_read(json, &back, field), TALLY_OK);
    ck_assert_int_eq(pledge_message_bytes(message, want, sizeof want, &want_n), TALLY_OK);
    ck_assert_int_eq(pledge_message_bytes(&back, got, sizeof got, &got_n), TALLY_OK);
    ck_assert_bytes_eq(got, got_n, want, want_n);
    ck_assert_mem_eq(back.signature, message->signature, PLEDGE_SIGNATURE);
    json_t *body = json_object_get(json, "body");
    json_object_set_new(body, "more", json_integer(1));
    ck_assert(!fits(message_schema(), json));
    ck_assert_int_eq(pledge_message_read(json, &back, field), TALLY_E_FORMAT);
    json_object_del(body, "more");
    json_object_del(body, pledge_kinds[message->kind].fields[0].name);
    ck_assert(!fits(message_schema(), json));
    ck_assert_int_eq(pledge_message_read(json, &back, field), TALLY_E_FORMAT);
    ck_assert_uint_gt(strlen(field), 0);
    json_decref(json);
    seen[message->kind] = true;
}

static void tell_story(bool simple)
{
    struct story s = {.world = &world, .simple = simple, .stock = 3};
    sim_open(&world, 3, NULL);
    story_account(&s, "prepay-a", "Underwriter", 100000);
    story_account(&s, "prepay-b", "Channel", 1000);
    ck_assert(story_settle(&s) && story_finance(&s) && story_enrol(&s, SIM_SELLER_A));
    story_unpledge_terms(&s);
    ck_assert(story_settle(&s));
    story_sell(&s, SIM_SELLER_A, "adult", 3);
    story_sell(&s, SIM_SELLER_A, "adult", 1); /* sold out: waits, is undone */
    ck_assert(story_settle(&s) && story_dispose(&s));
    story_approve(&s, SIM_OPERATOR_2, PLEDGE_SUBJECT_DISPOSAL, SIM_SELLER_B);
    ck_assert(story_settle(&s));
}

START_TEST(what_is_said_is_read_as_it_was_said)
{
    tell_story(_i == 1);
    for (int i = 0; i < SIM_PARTIES; i++)
        for (size_t j = 0; j < world.parties[i].mem.outbox_count; j++) {
            struct pledge_message m = world.parties[i].mem.outbox[j]->message;
            ck_assert_int_eq(pledge_message_sign(&world.parties[i].party, &m), TALLY_OK);
            check_message(&m);
        }
    unsigned kinds = 0;
    for (int i = 1; i < PLEDGE_KIND_COUNT; i++)
        kinds += seen[i];
    ck_assert_uint_ge(kinds, _i == 1 ? 30 : 31);
    sim_close(&world);
}
END_TEST

START_TEST(the_document_is_the_codes)
{
    json_error_t error;
    json_t *file = json_load_file(TALLY_SPECS "/pledge-openapi.json", JSON_REJECT_DUPLICATES, &error);
    ck_assert_ptr_nonnull(file);
    ck_assert_msg(json_equal(file, document), "specs/pledge-openapi.json: run tally-pledge openapi");
    json_decref(file);
}
END_TEST

START_TEST(malformed_messages_are_refused)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"kind\": \"nonsense\"}",
        "{\"kind\": \"close\", \"id\": \"1\", \"from\": \"a\", \"to\": \"b\", \"key\": \"00\", "
        "\"signature\": \"00\", "
        "\"body\": {\"project\": \"F\"}}",
        "{\"kind\": \"close\", \"id\": \"\", \"from\": \"a\", \"to\": \"b\", \"body\": {}}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pledge_message m;
        char field[PLEDGE_FIELD_NAME_MAX];
        json_t *json = json_loads(texts[i], 0, NULL);
        ck_assert_int_eq(pledge_message_read(json, &m, field), TALLY_E_FORMAT);
        ck_assert_int_eq(m.kind, 0);
        json_decref(json);
    }
}
END_TEST

static void setup(void)
{
    document = pledge_openapi();
    ck_assert_ptr_nonnull(document);
}

static void teardown(void)
{
    json_decref(document);
}

int main(void)
{
    Suite *s = suite_create("pledge_wire");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, what_is_said_is_read_as_it_was_said, 0, 2);
    tcase_add_test(c, the_document_is_the_codes);
    tcase_add_test(c, malformed_messages_are_refused);
    suite_add_tcase(s, c);
    return tally_check_main(s, (Suite *)NULL);
}
