/* Inter-industry commands at our card and at another one: `vicc -t iso7816` of vsmartcard, in the second slot
 * of the same reader. Wherever ISO/IEC 7816-4 fixes the answer, both give the same class of status (the first
 * byte; 90 and 61 are one class). Where they differ, the table names why, and a difference that is gone is as
 * much of a failure as a new one. specs/apdu.md has the table for reading. */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "tests/support/check_main.h"
#include "tests/support/chosen_card.h"
#include "tests/support/direct.h"
#include "tests/support/gate_world.h"
#include "tests/support/pcscd.h"

/* Debian's python3-virtualsmartcard puts its module where python3 does not look, and wants one more that is
 * gone.
 */
#define VICC_MODULES "/usr/lib/python3/site-packages/virtualsmartcard:" VICC_SUPPORT
#define VICC         "/usr/bin/vicc"

/* A command that has an answer: SELECT with FCI, and GET CHALLENGE. */
#define WITH_ANSWER        "00A40400 08F054414C4C590101"
#define THEIRS_WITH_ANSWER "00840000"

enum { ANSWER_MAX = 512, TRIES_LIMIT = 20 };

enum check {
    STATUS,
    AS_MUCH, /* also as many bytes */
    RETRIES_END
};

/* theirs NULL: the same bytes. why NULL: the same class of status. */
static const struct row {
    const char *name, *ours, *theirs, *why;
    enum check check;
} rows[] = {
    {"SELECT an application that is not there", "00A4040C 07A0000000000000", NULL, NULL, STATUS},
    {"the same, extended length", "00A4040C 000007 A0000000000000", NULL, NULL, STATUS},
    {"SELECT with reserved P1", "00A4FF0C 023F00", NULL,
     "it looks at some bits of P1 only; reserved values are 6A86", STATUS},
    {"SELECT, no answer wanted (P2 0C)", "00A4040C 08F054414C4C590101", "00A4000C 023F00", NULL, STATUS},
    {"answer to be had, no Le", WITH_ANSWER, THEIRS_WITH_ANSWER, NULL, AS_MUCH},
    {"GET RESPONSE, two bytes of it", "00C0000002", NULL, NULL, AS_MUCH},
    {"Le shorter than the answer", WITH_ANSWER "02", THEIRS_WITH_ANSWER "02", NULL, AS_MUCH},
    {"GET RESPONSE, one byte of the rest", "00C0000001", NULL, NULL, AS_MUCH},
    {"GET RESPONSE with P1", "00C0010000", NULL, NULL, STATUS},
    {"unknown INS, case 1", "00FE0000", NULL, NULL, STATUS},
    {"unknown INS, case 2", "00FE000000", NULL, NULL, STATUS},
    {"unknown INS, case 3", "00FE000001 00", NULL, NULL, STATUS},
    {"unknown INS, case 4", "00FE000001 0000", NULL, NULL, STATUS},
    {"INS 6X, not allowed", "00600000", NULL, NULL, STATUS},
    {"INS 9X, not allowed", "00900000", NULL, NULL, STATUS},
    {"VERIFY with reserved P1", "00200181 0431323334", NULL, NULL, STATUS},
    {"VERIFY, wrong", "00200081 0439393939", NULL, NULL, STATUS},
    {"VERIFY, right", "00200081 06313233343536", "00200081 0431323334", NULL, STATUS},
    {"VERIFY, wrong again and again", "00200081 0439393939", NULL, NULL, RETRIES_END},
    {"VERIFY, right, but blocked", "00200081 06313233343536", "00200081 0431323334", NULL, STATUS},
    {"Lc beyond the end", "00A4040C 07A0", NULL,
     "6700 is what the standard has for a wrong length; it says 6A80", STATUS},
    {"bytes beyond Le", "00A4040C 01A00000", NULL, "as above", STATUS},
    {"logical channel 1", "01FE0000", NULL,
     "it takes no notice of channels; here there is none but the basic one: 6E00", STATUS},
    {"GET RESPONSE, nothing there", "00C0000000", NULL,
     "it answers 9000 without data; here there is nothing to ask for: 6985", STATUS},
    {"chained SELECT", "10A4040C 07A0000000000000", NULL,
     "it takes the first part for the whole; here the chain goes on", STATUS},
    {"SELECT by file identifier", "00A4000C 023F00", NULL,
     "it has files; here are applications, selected by name", STATUS},
    {"READ BINARY, no file", "00B0000000", NULL,
     "it has files, and none is selected; here the command is unknown", STATUS},
    {"GET CHALLENGE", "0084000008", NULL, "here no command needs a challenge: unknown", STATUS},
};

static struct tally_private_pcscd *pcscd;
static struct world w;
static char folder[64], image_path[96];
static pid_t cards[2];
static struct tally_pcsc *pcsc;
static struct card_transport *slot[2];

static pid_t spawn(const char *const argv[])
{
    const pid_t parent = getpid(), pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

/* A personalised chip. */
static void make_chip(void)
{
    const struct hal_identity identity = {.chip_id = {7}, .admin_key = {7}};
    static struct chosen_card chip;
    struct image image;
    ck_assert_int_eq(image_create(image_path, &identity), IMAGE_OK);
    ck_assert_int_eq(image_open(image_path, &image), IMAGE_OK);
    chosen_init(&chip, &image);
    struct card_transport *t = test_direct_open(chip.ops, chip.card);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    world_start_on(&w, t, identity.admin_key, false);
    tally_card_end(t);
    tally_card_close(t);
    image_close(&image);
}

static void start(void)
{
    char port[2][8];
    pcscd = test_pcscd_start();
    snprintf(folder, sizeof folder, "/tmp/tally-iso7816-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(image_path, sizeof image_path, "%s/card.img", folder);
    make_chip();
    for (unsigned i = 0; i < 2; i++)
        snprintf(port[i], sizeof port[i], "%u", tally_private_pcscd_port(pcscd, i));
    const char *const ours[] = {chosen_program(), "--image", image_path, "--port", port[0], NULL};
    const char *const theirs[] = {VICC, "-t", "iso7816", "-H", "127.0.0.1", "-P", port[1], NULL};
    ck_assert_int_eq(setenv("PYTHONPATH", VICC_MODULES, 1), 0);
    ck_assert_int_eq(setenv("PYTHONDONTWRITEBYTECODE", "1", 1), 0);
    cards[0] = spawn(ours);
    cards[1] = spawn(theirs);
    ck_assert_int_eq(tally_pcsc_open(&pcsc), TALLY_OK);
    for (int i = 0; i < 2; i++) {
        slot[i] = test_card_connect(pcsc, i);
        ck_assert_int_eq(tally_card_begin(slot[i]), TALLY_OK);
    }
}

static void stop(void)
{
    for (int i = 0; i < 2; i++) {
        tally_card_end(slot[i]);
        tally_card_close(slot[i]);
        test_card_remove(cards[i]);
    }
    tally_pcsc_close(pcsc);
    tally_private_pcscd_stop(pcscd);
    world_end(&w);
    ck_assert_int_eq(unlink(image_path), 0);
    ck_assert_int_eq(rmdir(folder), 0);
}

struct received {
    uint8_t data[ANSWER_MAX];
    size_t n; /* of data, without the status */
    unsigned sw;
};

static struct received send(int at, const char *hex)
{
    char digits[2 * ANSWER_MAX + 1];
    uint8_t command[ANSWER_MAX];
    struct received a;
    size_t n = 0, len;
    for (const char *p = hex; *p != '\0'; p++)
        if (*p != ' ')
            digits[n++] = *p;
    digits[n] = '\0';
    ck_assert_int_eq(tally_hex_decode(digits, command, sizeof command, &len), TALLY_OK);
    ck_assert_msg(tally_card_exchange(slot[at], command, len, a.data, sizeof a.data, &a.n) == TALLY_OK,
                  "card %d: %s", at, hex);
    a.n -= 2;
    a.sw = (unsigned)(a.data[a.n] << 8 | a.data[a.n + 1]);
    return a;
}

/* ISO/IEC 7816-4, table 5: normal, warning, or what kind of error. */
static unsigned class_of(unsigned sw)
{
    return sw >> 8 == 0x61 ? 0x90 : sw >> 8;
}

/* The last answer of as many as it takes until the card is no longer willing to count. */
static struct received exhaust(int at, const char *hex)
{
    struct received a = send(at, hex);
    for (int i = 0; class_of(a.sw) == 0x63 && i < TRIES_LIMIT; i++)
        a = send(at, hex);
    return a;
}

/* True when the row is as the table says. */
static bool as_told(const struct row *r)
{
    const char *theirs = r->theirs != NULL ? r->theirs : r->ours;
    struct received a = r->check == RETRIES_END ? exhaust(0, r->ours) : send(0, r->ours);
    struct received b = r->check == RETRIES_END ? exhaust(1, theirs) : send(1, theirs);
    bool same = class_of(a.sw) == class_of(b.sw);
    if (r->check == AS_MUCH)
        same = same && a.n == b.n;
    if (same == (r->why == NULL))
        return true;
    fprintf(stderr, "%s: %04X with %zu bytes, theirs %04X with %zu: %s\n", r->name, a.sw, a.n, b.sw, b.n,
            same ? "no difference any more" : "not alike");
    return false;
}

START_TEST(both_cards_answer_alike)
{
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        wrong += !as_told(&rows[i]);
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

int main(void)
{
    if (!chosen_available())
        return CARD_SKIPPED;
    Suite *s = suite_create("iso7816");
    TCase *c = tcase_create("iso7816");
    tcase_add_checked_fixture(c, start, stop);
    tcase_add_test(c, both_cards_answer_alike);
    tcase_set_timeout(c, 120);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
