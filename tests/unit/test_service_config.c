/* Options from file, environment and command line: who wins, and what is refused. */
#include "host/base/config.h"
#include "tests/support/check_main.h"
#include "tests/support/service_support.h"

#include <string.h>

static const struct tally_option own[] = {
    {"city", TALLY_OPTION_STRING, "Basel", 0, 10, "where"},
    {"count", TALLY_OPTION_INT, "3", 1, 100, "how many"},
    {"dry-run", TALLY_OPTION_BOOL, "false", 0, 0, "touch nothing"},
    {"store", TALLY_OPTION_PATH, NULL, 0, 0, "where to keep it"},
    {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL},
};
static const struct tally_option *const tables[] = {own, NULL};

static char folder[64], file[160], said[4096];
static struct tally_config *config;

static void setup(void)
{
    folder_make(folder);
    folder_path(folder, "demo.conf", file);
}

static void teardown(void)
{
    tally_config_free(config);
    config = NULL;
    folder_remove(folder);
}

/* Loads with these words after the program's name and this environment; what is complained about is in
 * `said`. */
static enum tally_error load(char *const *words, char *const *environment, const char *operands)
{
    static char *argv[16] = {"tally-demo"}; /* the config points into it */
    int argc = 1;
    bool help;
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = words[argc - 1];
    struct tally_config_input input = {"demo", "shows options", operands, argc, argv, environment};
    memset(said, 0, sizeof said);
    FILE *messages = fmemopen(said, sizeof said - 1, "w");
    tally_config_free(config);
    enum tally_error e = tally_config_load(&input, tables, messages, &config, &help);
    fclose(messages);
    ck_assert(!help);
    ck_assert_int_eq(config != NULL, e == TALLY_OK);
    return e;
}

#define WORDS(...) ((char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void ck_refused(char *const *words, char *const *environment, const char *complaint)
{
    ck_assert_int_eq(load(words, environment, NULL), TALLY_E_USAGE);
    ck_assert_msg(strstr(said, complaint) != NULL, "said: %s", said);
}

START_TEST(fallbacks_hold_when_nothing_is_given)
{
    ck_assert_int_eq(load(WORDS(), WORDS("HOME=/", "TALLY_OTHER_CITY=Ulm"), NULL), TALLY_OK);
    ck_assert_str_eq(tally_config_string(config, "city"), "Basel");
    ck_assert_int_eq(tally_config_int(config, "count"), 3);
    ck_assert(!tally_config_bool(config, "dry-run"));
    ck_assert_ptr_null(tally_config_string(config, "store"));
}
END_TEST

START_TEST(command_line_wins_over_environment_over_file)
{
    file_write(file, "# a comment\n\n city = Bern \ncount=5\ndry-run = on\nstore = sub/db\n", 0644);
    ck_assert_int_eq(load(WORDS("--config", file), WORDS(), NULL), TALLY_OK);
    ck_assert_str_eq(tally_config_string(config, "city"), "Bern");
    ck_assert_int_eq(tally_config_int(config, "count"), 5);
    ck_assert(tally_config_bool(config, "dry-run"));
    char want[160];
    folder_path(folder, "sub/db", want);
    ck_assert_str_eq(tally_config_string(config, "store"), want);

    char path[200];
    snprintf(path, sizeof path, "TALLY_DEMO_CONFIG=%s", file);
    ck_assert_int_eq(
        load(WORDS("--count=7"), WORDS(path, "TALLY_DEMO_COUNT=6", "TALLY_DEMO_DRY_RUN=no"), NULL), TALLY_OK);
    ck_assert_str_eq(tally_config_string(config, "city"), "Bern");
    ck_assert_int_eq(tally_config_int(config, "count"), 7);
    ck_assert(!tally_config_bool(config, "dry-run"));
}
END_TEST

START_TEST(flags_take_both_forms_and_operands_follow)
{
    char *const *operands;
    ck_assert_int_eq(
        load(WORDS("--city", "Ulm", "--dry-run", "--store=x", "go", "--city"), WORDS(), "COMMAND"), TALLY_OK);
    ck_assert_str_eq(tally_config_string(config, "city"), "Ulm");
    ck_assert(tally_config_bool(config, "dry-run"));
    ck_assert_str_eq(tally_config_string(config, "store"), "x");
    ck_assert_int_eq(tally_config_operands(config, &operands), 2);
    ck_assert_str_eq(operands[0], "go");
    ck_assert_int_eq(load(WORDS("--", "--city"), WORDS(), "COMMAND"), TALLY_OK);
    ck_assert_int_eq(tally_config_operands(config, &operands), 1);
    ck_assert_int_eq(load(WORDS(), WORDS(), "COMMAND"), TALLY_OK);
    ck_assert_int_eq(tally_config_operands(config, &operands), 0);
}
END_TEST

START_TEST(bad_command_lines_are_refused)
{
    ck_refused(WORDS("--colour", "red"), WORDS(), "command line: --colour: unknown option");
    ck_refused(WORDS("--city"), WORDS(), "--city: needs a value");
    ck_refused(WORDS("-v"), WORDS(), "-v: options begin with two dashes");
    ck_refused(WORDS("go"), WORDS(), "go: unexpected argument");
    ck_refused(WORDS("--count", "101"), WORDS(), "from 1 to 100");
    ck_refused(WORDS("--count", "0"), WORDS(), "from 1 to 100");
    ck_refused(WORDS("--count", "5x"), WORDS(), "whole number");
    ck_refused(WORDS("--count", ""), WORDS(), "whole number");
    ck_refused(WORDS("--count", " 5"), WORDS(), "whole number");
    ck_refused(WORDS("--count", "99999999999999999999"), WORDS(), "whole number");
    ck_refused(WORDS("--dry-run=maybe"), WORDS(), "true or false");
    ck_refused(WORDS("--city", "a very long name"), WORDS(), "longer than 10 bytes");
    ck_refused(WORDS("--store="), WORDS(), "must not be empty");
    ck_refused(WORDS("--city", "a", "--city", "b"), WORDS(), "given twice");
}
END_TEST

START_TEST(bad_environments_are_refused)
{
    ck_refused(WORDS(), WORDS("TALLY_DEMO_COLOUR=red"), "environment: TALLY_DEMO_COLOUR: unknown option");
    ck_refused(WORDS(), WORDS("TALLY_DEMO_COUNT=many"), "environment: count: value must be a whole number");
    /* Checked even where the command line wins. */
    ck_refused(WORDS("--count", "4"), WORDS("TALLY_DEMO_COUNT=many"), "whole number");
}
END_TEST

static void ck_file_refused(const char *text, const char *complaint)
{
    file_write(file, text, 0644);
    ck_refused(WORDS("--config", file), WORDS(), complaint);
}

START_TEST(bad_files_are_refused_with_their_line)
{
    ck_file_refused("city = Ulm\ncolour = red\n", "demo.conf:2: colour: unknown option");
    ck_file_refused("city = Ulm\ncity = Bern\n", "demo.conf:2: city: given twice");
    ck_file_refused("\n\njust words\n", "demo.conf:3: malformed line");
    ck_file_refused("= x\n", "demo.conf:1: malformed line");
    ck_file_refused("count = 0\n", "demo.conf:1: count: value must be");
    ck_file_refused("config = other\n", "demo.conf:1: config: unknown option");
    ck_file_refused("help = true\n", "unknown option");
    char text[3000];
    memset(text, 'x', sizeof text);
    memcpy(text, "city = ", 7);
    text[2000] = '\n';
    text[2001] = '\0';
    ck_file_refused(text, "demo.conf:1: line is too long");
    ck_refused(WORDS("--config", "/nonexistent/x"), WORDS(), "/nonexistent/x: No such file");
    ck_refused(WORDS("--config", folder), WORDS(), "cannot be read");
}
END_TEST

START_TEST(a_file_longer_than_its_limit_is_refused)
{
    char *text = malloc(TALLY_CONFIG_FILE_MAX + 200);
    memset(text, '#', TALLY_CONFIG_FILE_MAX + 199);
    for (size_t i = 99; i < TALLY_CONFIG_FILE_MAX + 199; i += 100)
        text[i] = '\n';
    text[TALLY_CONFIG_FILE_MAX + 199] = '\0';
    ck_file_refused(text, "file is too long");
    text[TALLY_CONFIG_FILE_MAX - 100] = '\0';
    file_write(file, text, 0644);
    ck_assert_int_eq(load(WORDS("--config", file), WORDS(), NULL), TALLY_OK);
    free(text);
}
END_TEST

START_TEST(help_is_made_from_the_tables)
{
    char text[4096] = "";
    struct tally_config_input input = {"demo", "shows options", NULL, 1, NULL, NULL};
    FILE *out = fmemopen(text, sizeof text - 1, "w");
    tally_config_help(&input, tables, out);
    fclose(out);
    static const char *const wanted[] = {"usage: tally-demo [OPTION ...]\n",
                                         "shows options",
                                         "--city TEXT",
                                         "(Basel)",
                                         "--count NUMBER",
                                         "[1 to 100] (3)",
                                         "--config PATH",
                                         "TALLY_DEMO_<OPTION>"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        ck_assert_msg(strstr(text, wanted[i]) != NULL, "no %s in: %s", wanted[i], text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_config");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, fallbacks_hold_when_nothing_is_given);
    tcase_add_test(all, command_line_wins_over_environment_over_file);
    tcase_add_test(all, flags_take_both_forms_and_operands_follow);
    tcase_add_test(all, bad_command_lines_are_refused);
    tcase_add_test(all, bad_environments_are_refused);
    tcase_add_test(all, bad_files_are_refused_with_their_line);
    tcase_add_test(all, a_file_longer_than_its_limit_is_refused);
    tcase_add_test(all, help_is_made_from_the_tables);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
