/* The power fails in every flash operation of a gate's whole transaction, over real PC/SC: the gate loses the
 * card in mid-write, asks it again when it is back, and in the end there is exactly one event, on the card
 * and in the journal. Several patterns of tearing for each operation; a second cut in the recovery; a gate
 * that is restarted in between; a write that makes the card compact its flash.
 *
 * A cut costs a look of the reader, up to 400 ms: several workers, each with its own pcscd and card, share
 * the cases. */
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "tests/support/check_main.h"
#include "tests/support/chosen_card.h"
#include "tests/support/direct.h"
#include "tests/support/gate_world.h"
#include "tests/support/torn_card.h"

enum {
    WORKERS = 8,
    TAPS_MAX = 4, /* until the gate opens: two cuts at most */
    OPERATIONS_MAX = 4096,
    COMPACTION = 100, /* a commit with more operations than this has compacted */
};

static struct world w;
static struct image image;
static struct chosen_card chip;
static struct card_transport *transport;
static struct ticket_face face;
static char folder[64], image_path[128];

static void start(void)
{
    const struct hal_identity identity = {.chip_id = {1}, .admin_key = {2}};
    snprintf(folder, sizeof folder, "/tmp/tally-gate-cuts-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(image_path, sizeof image_path, "%s/card.img", folder);
    ck_assert_int_eq(image_create(image_path, &identity), IMAGE_OK);
    ck_assert_int_eq(image_open(image_path, &image), IMAGE_OK);
    chosen_init(&chip, &image);
    transport = test_direct_open(chip.ops, chip.card);
    ck_assert_int_eq(tally_card_begin(transport), TALLY_OK);
    world_start_on(&w, transport, identity.admin_key, false);
    face = world_face(&w, &w.operators[0]);
    world_load(&w, &w.operators[0], &face);
}

static void finish(void)
{
    char command[96];
    world_end(&w);
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

/* What one worker has. */
struct lane {
    unsigned number, cases;
    struct tally_private_pcscd *pcscd;
    struct torn_card *card;
    struct tally_pcsc *pcsc;
    char reader[TALLY_READER_NAME_MAX];
    struct card_transport *t;
    struct tally_card port;
    struct gate gate;
};

static uint64_t verify_pin(void)
{
    static const uint8_t command[] = {0, INS_VERIFY_PIN, 0, 0x81, 6, '1', '2', '3', '4', '5', '6'};
    uint8_t answer[16];
    size_t n;
    uint64_t before = chosen_operations(&chip);
    ck_assert_int_eq(tally_card_exchange(transport, command, sizeof command, answer, sizeof answer, &n),
                     TALLY_OK);
    ck_assert_mem_eq(answer, "\x90\x00", 2);
    return chosen_operations(&chip) - before;
}

/* Leaves the flash so full that the next event's record makes it compact: the PIN fills it, whose records are
 * shorter than an event's. */
static void fill_until_the_next_write_compacts(void)
{
    uint8_t *saved = malloc(image.flash_size);
    ck_assert_ptr_nonnull(saved);
    do
        memcpy(saved, image.flash, image.flash_size);
    while (verify_pin() < COMPACTION);
    memcpy(image.flash, saved, image.flash_size);
    free(saved);
}

/* The card goes from this process to the workers', each of which gets a copy. */
static void give_the_card_away(void)
{
    tally_card_end(transport);
    tally_card_close(transport);
    image_close(&image);
}

/* A gate with a journal of its own. */
static void open_gate(struct lane *l)
{
    snprintf(w.folder, sizeof w.folder, "%.40s/%u-%u", folder, l->number, l->cases++);
    ck_assert_int_eq(mkdir(w.folder, 0700), 0);
    world_open_gate(&w, &w.operators[0], GATE_SUB_KEY, &l->gate);
}

/* The gate's program ends and starts again: what it knows is its journal. */
static void restart_gate(struct lane *l)
{
    world_close_gate(&l->gate);
    world_open_gate(&w, &w.operators[0], GATE_SUB_KEY, &l->gate);
}

/* Begins exclusive use as a gate does: when the reader has seen the card go, and it is there again. */
static void meet_card(struct lane *l)
{
    struct tally_reader reader;
    do {
        if (torn_card_away(l->card)) {
            ck_assert_int_eq(tally_pcsc_wait_removal(l->pcsc, l->reader, TEST_DEADLINE_MS), TALLY_OK);
            torn_card_return(l->card);
        }
        ck_assert_int_eq(tally_pcsc_wait_card(l->pcsc, l->reader, TEST_DEADLINE_MS, &reader), TALLY_OK);
    } while (tally_card_begin(l->t) != TALLY_OK);
}

static void tap_once(struct lane *l, enum gate_action action, struct gate_tap *tap)
{
    struct gate_request request = {.action = action, .criterion.date = face.service_date};
    memcpy(request.criterion.service, face.service, SERVICE_SIZE);
    meet_card(l);
    gate_tap_run(&l->gate, &l->port, &request, tap);
    tally_card_end(l->t);
}

/* One receipt, the card's own record; nothing waits, and nothing was given up. */
static void check_journal(struct lane *l, const struct gate_tap *tap)
{
    struct journal_report report;
    struct journal_line lines[2];
    uint8_t usage[USAGE_SIZE];
    char hex[2 * USAGE_SIZE + 1];
    uint32_t number;
    uint8_t event;
    size_t n;
    ck_assert(!gate_journal_pending(l->gate.journal, face.tid, &number, &event));
    ck_assert_int_eq(gate_journal_verify(w.folder, &report), TALLY_OK);
    ck_assert_uint_eq(report.receipts, 1);
    ck_assert_uint_eq(report.voids, 0);
    ck_assert_uint_ge(report.intents, 1);
    ck_assert_int_eq(gate_journal_unsent(l->gate.journal, lines, 2, &n), TALLY_OK);
    ck_assert_uint_eq(n, 1);
    usage_encode(&tap->usage, usage);
    ck_assert_int_eq(tally_hex_encode(usage, sizeof usage, hex, sizeof hex), TALLY_OK);
    ck_assert_str_eq(lines[0].data, hex);
}

/* One plan, from the tap that it tears to the tap that finds the holder inside. */
static void run_case(struct lane *l, const struct torn_plan *plan)
{
    struct gate_tap tap;
    unsigned taps = 0;
    torn_card_begin(l->card, plan);
    do {
        tap_once(l, GATE_DO_ENTRY, &tap);
        ck_assert_msg(tap.open || tap.reason == GATE_CARD_LOST, "cut %lu+%lu seed %lu: %s",
                      (unsigned long)plan->cut_at, (unsigned long)plan->again, (unsigned long)plan->seed,
                      gate_reason_name(tap.reason));
        if (!tap.open && plan->seed % 2 == 1)
            restart_gate(l);
    } while (!tap.open && ++taps < TAPS_MAX);
    ck_assert_msg(tap.open, "cut %lu+%lu seed %lu: not open after %u taps", (unsigned long)plan->cut_at,
                  (unsigned long)plan->again, (unsigned long)plan->seed, taps);
    const struct usage_record opened = tap.usage;
    tap_once(l, GATE_DO_ENTRY, &tap);
    ck_assert_str_eq(gate_reason_name(tap.reason), gate_reason_name(GATE_ALREADY_INSIDE));
    ck_assert_uint_eq(tap.usage.entries, 1);
    ck_assert_uint_eq(tap.usage.use_counter, 1);
    ck_assert_mem_eq(&tap.usage, &opened, sizeof opened);
    check_journal(l, &tap);
}

/* The first operation that a worker tries, and how far on the next one is. */
struct share {
    uint64_t first, step;
    unsigned patterns; /* how many ways to tear it */
    bool twice;        /* the power fails again in the recovery */
};

static struct torn_plan plan_of(const struct lane *l, const struct share *share, uint64_t cut,
                                unsigned pattern)
{
    const uint64_t seed = cut * 8 * FLASHSIM_TEARS + (cut + pattern) % FLASHSIM_TEARS;
    return (struct torn_plan){
        .cut_at = cut,
        .again = share->twice ? 1 + cut % 7 : 0,
        .seed = seed + (l->cases % 2) * FLASHSIM_TEARS,
    };
}

/* Until the card does the transaction without coming to the operation. */
static void run_share(struct lane *l, const struct share *share)
{
    for (uint64_t cut = share->first; cut < OPERATIONS_MAX; cut += share->step)
        for (unsigned pattern = 0; pattern < share->patterns; pattern++) {
            const struct torn_plan plan = plan_of(l, share, cut, pattern);
            open_gate(l);
            run_case(l, &plan);
            world_close_gate(&l->gate);
            if (torn_card_cuts(l->card) == 0)
                return;
        }
    ck_abort_msg("the transaction did not come through");
}

static void work(unsigned number, const struct share *share)
{
    struct lane l = {.number = number, .pcscd = test_pcscd_start()};
    struct tally_reader reader;
    char command[320], path[128];
    snprintf(path, sizeof path, "%s/card%u.img", folder, number);
    snprintf(command, sizeof command, "cp %s %s", image_path, path);
    ck_assert_int_eq(system(command), 0);
    l.card = torn_card_insert(l.pcscd, 0, path);
    ck_assert_int_eq(tally_pcsc_open(&l.pcsc), TALLY_OK);
    ck_assert_int_eq(tally_pcsc_wait_card(l.pcsc, "0", TEST_DEADLINE_MS, &reader), TALLY_OK);
    snprintf(l.reader, sizeof l.reader, "%s", reader.name);
    l.t = test_card_connect(l.pcsc, 0);
    tally_card_init(&l.port, l.t);
    run_share(&l, share);
    fprintf(stderr, "worker %u: %u cuts\n", number, l.cases);
    tally_card_close(l.t);
    tally_pcsc_close(l.pcsc);
    torn_card_remove(l.card);
    tally_private_pcscd_stop(l.pcscd);
}

/* Workers take every WORKERS-th operation, and of these one in sample. */
static void cut_everywhere(uint64_t sample, unsigned patterns, bool twice)
{
    pid_t pids[WORKERS];
    give_the_card_away();
    for (unsigned i = 0; i < WORKERS; i++) {
        const struct share share = {1 + i * sample, WORKERS * sample, patterns, twice};
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0) {
            work(i, &share);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        int status;
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "worker %u: %d", i, status);
    }
}

/* The firmware's power is a process of the emulator, which takes its time to start. */
static uint64_t sampled(uint64_t mcu, uint64_t host)
{
    return chosen_mcu() ? mcu : host;
}

START_TEST(a_tap_cut_anywhere_happens_once)
{
    cut_everywhere(1, FLASHSIM_TEARS, false);
}
END_TEST

START_TEST(a_tap_cut_again_in_its_recovery_happens_once)
{
    cut_everywhere(1, 2, true);
}
END_TEST

START_TEST(a_tap_cut_while_the_card_compacts_happens_once)
{
    fill_until_the_next_write_compacts();
    cut_everywhere(_i == 1 ? sampled(9, 3) : sampled(5, 1), 1, _i == 1);
}
END_TEST

int main(void)
{
    if (!chosen_available())
        return CARD_SKIPPED;
    Suite *s = suite_create("gate cuts");
    const struct {
        const char *name;
        const TTest *test;
        int runs;
    } cases[] = {
        {"once", a_tap_cut_anywhere_happens_once, 1},
        {"twice", a_tap_cut_again_in_its_recovery_happens_once, 1},
        {"compaction", a_tap_cut_while_the_card_compacts_happens_once, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        TCase *c = tcase_create(cases[i].name);
        tcase_add_checked_fixture(c, start, finish);
        tcase_add_loop_test(c, cases[i].test, 0, cases[i].runs);
        tcase_set_timeout(c, 300);
        suite_add_tcase(s, c);
    }
    return tally_check_main(s, NULL);
}
