/* tally-gate as a process, at a real pcscd with a card as a process: one tap a run, its exit status and what
 * it says.
 */
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/crypto/ticket_crypto.h"
#include "tests/support/check_main.h"
#include "tests/support/chosen_card.h"
#include "tests/support/direct.h"
#include "tests/support/gate_world.h"
#include "tests/support/pcscd.h"

#define DOCUMENT "E1234567"

static struct world w;
static struct image image;
static struct chosen_card chip;
static struct card_transport *transport;
static struct ticket_face face;
static struct tally_private_pcscd *pcscd;
static pid_t vcard;
static char folder[64], out[16384];

static void path_of(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", folder, name);
}

/* A card image with a ticket bound to a holder, and the operator's kit; with RSA also a park's. */
static void start_with(bool rsa)
{
    char path[128];
    struct hal_identity identity = {.chip_id = {1}, .admin_key = {2}};
    pcscd = test_pcscd_start();
    snprintf(folder, sizeof folder, "/tmp/tally-gate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    path_of("card.img", path, sizeof path);
    ck_assert_int_eq(image_create(path, &identity), IMAGE_OK);
    ck_assert_int_eq(image_open(path, &image), IMAGE_OK);
    chosen_init(&chip, &image);
    transport = test_direct_open(chip.ops, chip.card);
    ck_assert_int_eq(tally_card_begin(transport), TALLY_OK);
    world_start_on(&w, transport, identity.admin_key, rsa);
    tally_manual_clock_init(&w.clock, (int64_t)time(NULL) * 1000);
    face = world_face(&w, &w.operators[0]);
    face.flags = FACE_HOLDER_BOUND;
    face.holder_document = 2;
    ck_assert_int_eq(tally_holder_hash(face.tid, 2, DOCUMENT, face.holder_hash), TALLY_OK);
    world_load(&w, &w.operators[0], &face);
    path_of("kit1", path, sizeof path);
    world_write_kit(&w, &w.operators[0], path);
    if (!rsa)
        return;
    struct ticket_face park = world_face(&w, &w.operators[1]);
    park.profile = PROFILE_ADMISSION;
    park.to = 0;
    world_load(&w, &w.operators[1], &park);
    path_of("kit2", path, sizeof path);
    world_write_kit(&w, &w.operators[1], path);
}

static void start(void)
{
    start_with(false);
}

static void start_rsa(void)
{
    start_with(true);
}

/* The card goes from the test's hands to tally-vcard's, with a fault made to order. */
static void insert_card(const char *fault, const char *at)
{
    char port[16], path[128];
    tally_card_end(transport);
    tally_card_close(transport);
    image_close(&image);
    path_of("card.img", path, sizeof path);
    snprintf(port, sizeof port, "%u", tally_private_pcscd_port(pcscd, 0));
    const pid_t parent = getpid();
    vcard = fork();
    ck_assert_int_ge(vcard, 0);
    if (vcard > 0)
        return;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        execl(chosen_program(), chosen_program(), "--image", path, "--port", port, "--away-ms", "600", fault,
              at, (char *)NULL);
    _exit(127);
}

static void finish(void)
{
    char command[128];
    if (vcard > 0)
        test_card_remove(vcard);
    tally_private_pcscd_stop(pcscd);
    world_end(&w);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static int run_command(const char *command)
{
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    int status = pclose(f);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int tap(int kit, const char *options)
{
    char command[2048];
    snprintf(command, sizeof command,
             "%s --kit %s/kit%d --state %s/state%d --once --station-rule entry %s 2>%s/err", TALLY_GATE,
             folder, kit, folder, kit, options, folder);
    return run_command(command);
}

static void expect(int kit, const char *options, int status, const char *reason)
{
    char waiting[512];
    snprintf(waiting, sizeof waiting, "--wait 60 %s", options);
    int got = tap(kit, waiting);
    ck_assert_msg(got == status && strstr(out, reason) != NULL, "%s: %d, %s", options, got, out);
}

static int verify_journal(int kit)
{
    char command[512];
    snprintf(command, sizeof command, "%s verify-journal --state %s/state%d", TALLY_GATE, folder, kit);
    return run_command(command);
}

START_TEST(a_visit_and_its_refusals)
{
    insert_card(NULL, NULL);
    expect(1, "--event entry --show-document passport:E7654321", 1, "STOP 41 wrong-document");
    expect(1, "--event entry --holder required", 1, "STOP 40 document-needed");
    expect(1, "--event entry --station 999", 1, "STOP 15 wrong-station");
    expect(1, "--event entry --service G9999 --criterion today", 1, "STOP 10 no-ticket");
    expect(1, "--event entry --show-document passport:" DOCUMENT, 0, "OPEN 0 accepted: entry;");
    ck_assert_ptr_nonnull(strstr(out, "2 APDU"));
    expect(1, "--event entry", 1, "STOP 20 already-inside");
    expect(1, "--event temporary-exit", 0, "OPEN 0 accepted: temporary-exit;");
    expect(1, "--event auto --mode p256", 0, "OPEN 0 accepted: re-entry;");
    expect(1, "--event clip --mode rsa", 0, "OPEN 0 accepted: clip;");
    expect(1, "--event exit", 0, "OPEN 0 accepted: exit;");
    expect(1, "--event entry", 1, "STOP 25 has-exited");
    expect(2, "--event entry", 0, "OPEN 0 accepted: entry;");
    expect(2, "--event undo", 0, "OPEN 0 accepted: undo;");
    ck_assert_int_eq(verify_journal(1), 0);
    ck_assert_ptr_nonnull(strstr(out, "5 receipts, 6 refusals"));
}
END_TEST

START_TEST(a_tap_whose_receipt_was_lost_is_ratified)
{
    insert_card("--drop-answer-at", "2");
    expect(1, "--event entry", 5, "STOP 70 card-lost");
    expect(1, "--event entry", 0, "OPEN 1 ratified: entry;");
    expect(1, "--event entry", 1, "already-inside");
    ck_assert_int_eq(verify_journal(1), 0);
    ck_assert_ptr_nonnull(strstr(out, "1 receipts"));
}
END_TEST

START_TEST(a_tap_that_did_not_reach_the_card_is_made_again)
{
    insert_card("--drop-at-apdu", "2");
    expect(1, "--event entry", 5, "STOP 70 card-lost");
    expect(1, "--event entry", 0, "OPEN 0 accepted: entry;");
    expect(1, "--event entry", 1, "already-inside");
}
END_TEST

/* The power fails in the middle of the card's flash: afterwards the write happened or not, and the gate
 * knows. */
START_TEST(a_tap_torn_in_the_flash_happens_once)
{
    char at[16];
    snprintf(at, sizeof at, "%d", 1 + 3 * _i);
    insert_card("--cut-at", at);
    int first = tap(1, "--wait 60 --event entry");
    ck_assert_msg(first == 0 || first == 5, "%d %s", first, out);
    if (first != 0)
        expect(1, "--event entry", 0, "OPEN");
    expect(1, "--event entry", 1, "already-inside");
    ck_assert_ptr_nonnull(strstr(out, " 1/2 entries"));
}
END_TEST

START_TEST(strangers_read_nothing)
{
    struct world other;
    char path[128];
    const struct hal_identity identity = {.chip_id = {9}, .admin_key = {9}};
    static struct chosen_card second;
    struct image other_image;
    insert_card(NULL, NULL);
    path_of("other.img", path, sizeof path);
    ck_assert_int_eq(image_create(path, &identity), IMAGE_OK);
    ck_assert_int_eq(image_open(path, &other_image), IMAGE_OK);
    chosen_init(&second, &other_image);
    struct card_transport *t = test_direct_open(second.ops, second.card);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    world_start_on(&other, t, identity.admin_key, false);
    path_of("kit3", path, sizeof path);
    world_write_kit(&other, &other.operators[0], path);
    expect(3, "--event entry", 6, "STOP 62 not-authentic");
    expect(3, "--event entry --mode p256", 6, "STOP 63 gate-refused");
    tally_card_close(t);
    image_close(&other_image);
    world_end(&other);
}
END_TEST

START_TEST(wrong_usage_and_missing_things)
{
    char command[1024];
    insert_card(NULL, NULL);
    ck_assert_int_eq(tap(1, "--event fly"), 2);
    ck_assert_int_eq(tap(1, "--mode sm9"), 2);
    ck_assert_int_eq(tap(9, ""), 2);
    ck_assert_int_eq(tap(1, "--show-document 5:x"), 2);
    ck_assert_int_eq(tap(1, "--reader nowhere --wait 0"), 3);
    ck_assert_int_eq(tap(1, "--reader 1 --wait 0"), 4);
    snprintf(command, sizeof command, "chmod 644 %s/kit1/vmk-v1.key", folder);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(tap(1, ""), 2);
    ck_assert_int_eq(verify_journal(8), 1);
    snprintf(command, sizeof command, "%s --help >/dev/null && %s reasons --json >/dev/null", TALLY_GATE,
             TALLY_GATE);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(a_tap_as_json)
{
    insert_card(NULL, NULL);
    ck_assert_int_eq(tap(1, "--wait 60 --event entry --json"), 0);
    json_t *o = json_loads(out, 0, NULL);
    ck_assert_ptr_nonnull(o);
    ck_assert(json_is_true(json_object_get(o, "open")));
    ck_assert_int_eq(json_integer_value(json_object_get(o, "apdus")), 2);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "usage"), "gate")), WORLD_GATE);
    json_decref(o);
}
END_TEST

/* The daemon: a tap when a card comes, one more when it comes again, an orderly end. */
START_TEST(the_daemon_serves_cards_and_ends)
{
    char command[2048];
    insert_card(NULL, NULL);
    snprintf(
        command, sizeof command,
        "%s --kit %s/kit1 --state %s/state1 --station-rule entry --metrics-file %s/metrics >%s/log & "
        "gate=$!; "
        "until grep -q OPEN %s/log; do sleep 0.05; done; kill $gate; wait $gate; echo ended $?; cat %s/log",
        TALLY_GATE, folder, folder, folder, folder, folder, folder);
    ck_assert_int_eq(run_command(command), 0);
    ck_assert_msg(strstr(out, "ended 0") != NULL && strstr(out, "OPEN 0 accepted: entry;") != NULL, "%s",
                  out);
    ck_assert_ptr_nonnull(strstr(out, "STATE LIST-STALE"));
    snprintf(command, sizeof command, "cat %s/metrics", folder);
    ck_assert_int_eq(run_command(command), 0);
    ck_assert_ptr_nonnull(strstr(out, "tally_gate_taps_total{reason=\"accepted\"} 1"));
    ck_assert_ptr_nonnull(strstr(out, "tally_gate_backlog 1"));
}
END_TEST

/* The barrier's command says that nobody passed: the event is undone while the card is there. */
START_TEST(an_entry_that_nobody_made_is_undone)
{
    char command[2048];
    insert_card(NULL, NULL);
    snprintf(command, sizeof command,
             "%s --kit %s/kit1 --state %s/state1 --station-rule entry --event entry --barrier 'exit 1' "
             "--json >%s/log & "
             "gate=$!; until grep -q undo %s/log; do sleep 0.05; done; kill $gate; wait $gate",
             TALLY_GATE, folder, folder, folder, folder);
    ck_assert_int_eq(run_command(command), 0);
    expect(1, "--event entry", 0, "OPEN 0 accepted: entry;");
    ck_assert_ptr_nonnull(strstr(out, " 1/2 entries"));
}
END_TEST

int main(void)
{
    if (!chosen_available())
        return CARD_SKIPPED;
    Suite *s = suite_create("tally-gate");
    TCase *c = tcase_create("gate"), *r = tcase_create("both suites");
    tcase_add_checked_fixture(r, start_rsa, finish);
    tcase_add_test(r, a_visit_and_its_refusals);
    tcase_set_timeout(r, 120);
    suite_add_tcase(s, r);
    tcase_add_checked_fixture(c, start, finish);
    tcase_add_test(c, a_tap_whose_receipt_was_lost_is_ratified);
    tcase_add_test(c, a_tap_that_did_not_reach_the_card_is_made_again);
    tcase_add_loop_test(c, a_tap_torn_in_the_flash_happens_once, 0, 3);
    tcase_add_test(c, strangers_read_nothing);
    tcase_add_test(c, wrong_usage_and_missing_things);
    tcase_add_test(c, a_tap_as_json);
    tcase_add_test(c, the_daemon_serves_cards_and_ends);
    tcase_add_test(c, an_entry_that_nobody_made_is_undone);
    tcase_set_timeout(c, 120);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
