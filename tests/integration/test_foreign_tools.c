/* Other people's tools at our card: opensc-tool, pcsc_scan and scriptor. Whatever they send is answered, and
 * the chip's memory is afterwards what it was. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/chosen_card.h"

enum { IMAGE_MAX = 1 << 20, OUTPUT_MAX = 1 << 20 };

static char folder[64], output[OUTPUT_MAX];

static void enter(void)
{
    snprintf(folder, sizeof folder, "/tmp/tally-foreign-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void leave(void)
{
    char path[128];
    static const char *const files[] = {"card", "script"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    rmdir(folder);
}

/* Runs a shell command that sees one virtual reader with the card of this test; its output is in output. */
static int with_card(const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "TALLY_VCARD=%s %s --image %s/card -- sh -c '%s' 2>&1", chosen_program(),
             TALLY_VREADER, folder, command);
    FILE *f = popen(line, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(output, 1, sizeof output - 1, f);
    output[n] = '\0';
    int status = pclose(f);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static size_t read_image(uint8_t *out)
{
    char path[128];
    snprintf(path, sizeof path, "%s/card", folder);
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, IMAGE_MAX, f);
    fclose(f);
    return n;
}

/* Every class and instruction once without data, and lengths that lie, on a line each as scriptor reads them.
 */
static unsigned write_script(void)
{
    static const unsigned classes[] = {0x00, 0x04, 0x10, 0x80, 0x84, 0x90, 0xa0, 0xff};
    static const char *const lies[] = {"00 A4 04 00 20 F0", "80 E2 00 00 00 FF FF 01", "80 88 00 00 05 01",
                                       "00 A4 04 00 00",    "80 DA 03 01 00 00 00",    "90 E2 00 00 01 00",
                                       "00 C0 00 00 00",    "80 50 00 00 08 00"};
    char path[128];
    unsigned lines = 0;
    snprintf(path, sizeof path, "%s/script", folder);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    for (size_t c = 0; c < sizeof classes / sizeof *classes; c++)
        for (unsigned ins = 0; ins < 256; ins += 1, lines++)
            fprintf(f, "%02X %02X 00 00\n", classes[c], ins);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++, lines++)
        fprintf(f, "%s\n", lies[i]);
    fclose(f);
    return lines;
}

static unsigned count(const char *text)
{
    unsigned n = 0;
    for (const char *p = output; (p = strstr(p, text)) != NULL; p += strlen(text))
        n++;
    return n;
}

START_TEST(they_change_nothing_and_are_answered)
{
    static uint8_t before[IMAGE_MAX], after[IMAGE_MAX];
    char command[256];
    ck_assert_int_eq(with_card("true"), 0); /* the first start formats the chip */
    size_t n = read_image(before);

    ck_assert_int_eq(with_card("opensc-tool --reader 0 --atr --name --serial"), 0);
    ck_assert_msg(strstr(output, "3b:85:80:01") != NULL, "%s", output);
    (void)with_card("pcsc_scan -c -t 1");
    ck_assert_msg(strstr(output, "3B 85 80 01") != NULL, "%s", output);

    unsigned lines = write_script();
    snprintf(command, sizeof command, "scriptor -r \"Virtual PCD 00 00\" %s/script", folder);
    ck_assert_msg(with_card(command) == 0, "%s", output);
    ck_assert_uint_eq(count("\n< "), lines);

    ck_assert_uint_eq(read_image(after), n);
    ck_assert_mem_eq(before, after, n);
}
END_TEST

int main(void)
{
    if (!chosen_available())
        return CARD_SKIPPED;
    Suite *s = suite_create("foreign tools");
    TCase *c = tcase_create("foreign tools");
    tcase_set_timeout(c, 180);
    tcase_add_checked_fixture(c, enter, leave);
    tcase_add_test(c, they_change_nothing_and_are_answered);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
