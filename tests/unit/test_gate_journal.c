/* The gate's journal: what is durable, what a later change shows, what a crash leaves. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/wire/be.h"
#include "host/base/bytes.h"
#include "reader-tools/gate/journal.h"
#include "tests/support/check_main.h"

enum { OPERATOR = 1, GATE = 77, NOW = 1800000000 };

static char folder[64];
static struct gate_journal *journal;
static const uint8_t tid_a[TID_SIZE] = {0xa}, tid_b[TID_SIZE] = {0xb}, serial[SERIAL_SIZE] = {1};

static void start(void)
{
    snprintf(folder, sizeof folder, "/tmp/tally-journal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(gate_journal_open(folder, OPERATOR, GATE, NOW, &journal), TALLY_OK);
}

static void finish(void)
{
    gate_journal_close(journal);
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
    rmdir(folder);
}

static void reopen(void)
{
    gate_journal_close(journal);
    ck_assert_int_eq(gate_journal_open(folder, OPERATOR, GATE, NOW, &journal), TALLY_OK);
}

static void intend(const uint8_t *tid, uint32_t transaction)
{
    uint8_t part[USAGE_GATE_PART] = {USAGE_VERSION, EVENT_ENTRY};
    be32_put(part + 20, transaction);
    ck_assert_int_eq(gate_journal_intent(journal, NOW, tid, serial, part), TALLY_OK);
}

static void complete(const uint8_t *tid, uint32_t transaction)
{
    uint8_t usage[USAGE_SIZE] = {USAGE_VERSION, EVENT_ENTRY};
    be32_put(usage + 20, transaction);
    ck_assert_int_eq(gate_journal_done(journal, NOW, tid, serial, usage), TALLY_OK);
}

static void path_of(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", folder, name);
}

static size_t read_file(char *out, size_t size)
{
    char path[128];
    path_of("journal.000001", path, sizeof path);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, size - 1, f);
    out[n] = '\0';
    fclose(f);
    return n;
}

static void write_file(const char *text, size_t n)
{
    char path[128];
    path_of("journal.000001", path, sizeof path);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    fclose(f);
}

START_TEST(an_intent_is_remembered_until_its_receipt)
{
    uint32_t t;
    uint8_t event;
    ck_assert_uint_eq(gate_journal_next_transaction(journal), 1);
    intend(tid_a, 1);
    intend(tid_b, 2);
    reopen();
    ck_assert(gate_journal_pending(journal, tid_a, &t, &event));
    ck_assert_uint_eq(t, 1);
    ck_assert_uint_eq(event, EVENT_ENTRY);
    ck_assert_uint_eq(gate_journal_next_transaction(journal), 3);
    complete(tid_a, 1);
    ck_assert(!gate_journal_pending(journal, tid_a, &t, &event));
    reopen();
    ck_assert(!gate_journal_pending(journal, tid_a, &t, &event));
    ck_assert_uint_eq(t, 0);
    ck_assert(gate_journal_pending(journal, tid_b, &t, &event));
    ck_assert_int_eq(gate_journal_void(journal, NOW, tid_b, serial), TALLY_OK);
    reopen();
    ck_assert(!gate_journal_pending(journal, tid_b, &t, &event));
    ck_assert_uint_eq(gate_journal_next_transaction(journal), 3);
}
END_TEST

START_TEST(one_process_has_a_journal)
{
    struct gate_journal *second;
    ck_assert_int_eq(gate_journal_open(folder, OPERATOR, GATE, NOW, &second), TALLY_E_STATE);
    ck_assert_ptr_null(second);
}
END_TEST

START_TEST(another_gates_journal_is_refused)
{
    gate_journal_close(journal);
    ck_assert_int_eq(gate_journal_open(folder, OPERATOR, GATE + 1, NOW, &journal), TALLY_E_FORMAT);
    ck_assert_int_eq(gate_journal_open(folder, OPERATOR + 1, GATE, NOW, &journal), TALLY_E_FORMAT);
    ck_assert_ptr_null(journal);
}
END_TEST

START_TEST(a_whole_journal_verifies)
{
    struct journal_report r;
    intend(tid_a, 1);
    complete(tid_a, 1);
    ck_assert_int_eq(gate_journal_refused(journal, NOW, tid_b, NULL, 12), TALLY_OK);
    ck_assert_int_eq(gate_journal_verify(folder, &r), TALLY_OK);
    ck_assert_uint_eq(r.lines, 4);
    ck_assert_uint_eq(r.intents, 1);
    ck_assert_uint_eq(r.receipts, 1);
    ck_assert_uint_eq(r.refusals, 1);
    ck_assert_uint_eq(r.last, 4);
    ck_assert(!r.torn);
}
END_TEST

START_TEST(every_changed_byte_is_seen)
{
    static char text[4096];
    struct journal_report r;
    struct gate_journal *again;
    intend(tid_a, 1);
    complete(tid_a, 1);
    gate_journal_close(journal);
    journal = NULL;
    size_t n = read_file(text, sizeof text);
    for (size_t i = 0; i + 1 < n; i++) {
        char was = text[i];
        text[i] = was == '1' ? '2' : '1';
        write_file(text, n);
        ck_assert_msg(gate_journal_verify(folder, &r) != TALLY_OK, "byte %zu", i);
        ck_assert_uint_eq(r.bad_file, 1);
        ck_assert_int_ne(gate_journal_open(folder, OPERATOR, GATE, NOW, &again), TALLY_OK);
        text[i] = was;
    }
}
END_TEST

START_TEST(a_removed_line_is_seen)
{
    static char text[4096];
    struct journal_report r;
    intend(tid_a, 1);
    complete(tid_a, 1);
    size_t n = read_file(text, sizeof text);
    char *second = strchr(text, '\n') + 1;
    char *third = strchr(second, '\n') + 1;
    memmove(second, third, (size_t)(text + n - third));
    write_file(text, n - (size_t)(third - second));
    ck_assert_int_eq(gate_journal_verify(folder, &r), TALLY_E_CRYPTO);
    ck_assert_uint_eq(r.bad_line, 2);
}
END_TEST

START_TEST(a_line_cut_off_by_a_crash_is_dropped)
{
    static char text[4096];
    struct journal_report r;
    uint32_t t;
    uint8_t event;
    intend(tid_a, 1);
    size_t whole = read_file(text, sizeof text);
    complete(tid_a, 1);
    gate_journal_close(journal);
    journal = NULL;
    size_t n = read_file(text, sizeof text);
    for (size_t cut = whole + 1; cut < n; cut += 7) {
        write_file(text, cut);
        ck_assert_int_eq(gate_journal_verify(folder, &r), TALLY_OK);
        ck_assert(r.torn);
        ck_assert_int_eq(gate_journal_open(folder, OPERATOR, GATE, NOW, &journal), TALLY_OK);
        ck_assert(gate_journal_pending(journal, tid_a, &t, &event));
        complete(tid_a, 1);
        gate_journal_close(journal);
        journal = NULL;
        ck_assert_int_eq(gate_journal_verify(folder, &r), TALLY_OK);
        ck_assert(!r.torn);
        ck_assert_uint_eq(r.receipts, 1);
    }
}
END_TEST

START_TEST(a_first_line_cut_off_is_written_anew)
{
    gate_journal_close(journal);
    write_file("1 18000", 7);
    ck_assert_int_eq(gate_journal_open(folder, OPERATOR, GATE, NOW, &journal), TALLY_OK);
    intend(tid_a, 1);
    struct journal_report r;
    ck_assert_int_eq(gate_journal_verify(folder, &r), TALLY_OK);
    ck_assert_uint_eq(r.lines, 2);
}
END_TEST

START_TEST(receipts_wait_for_the_server_and_are_not_sent_twice)
{
    struct journal_line lines[2];
    size_t n;
    intend(tid_a, 1);
    complete(tid_a, 1);
    intend(tid_b, 2);
    complete(tid_b, 2);
    intend(tid_a, 3);
    complete(tid_a, 3);
    ck_assert_uint_eq(gate_journal_backlog(journal), 3);
    ck_assert_int_eq(gate_journal_unsent(journal, lines, 2, &n), TALLY_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_mem_eq(lines[1].tid, tid_b, TID_SIZE);
    ck_assert_int_eq(gate_journal_sent(journal, lines[1].n, 2), TALLY_OK);
    ck_assert_uint_eq(gate_journal_backlog(journal), 1);
    reopen();
    ck_assert_uint_eq(gate_journal_backlog(journal), 1);
    ck_assert_int_eq(gate_journal_unsent(journal, lines, 2, &n), TALLY_OK);
    ck_assert_uint_eq(n, 1);
    ck_assert_mem_eq(lines[0].tid, tid_a, TID_SIZE);
}
END_TEST

START_TEST(a_missing_journal_is_not_a_good_one)
{
    struct journal_report r;
    ck_assert_int_eq(gate_journal_verify("/nonexistent/journal", &r), TALLY_E_NOT_FOUND);
}
END_TEST

START_TEST(lines_are_parsed_strictly)
{
    static const char *const bad[] = {
        "",
        "1",
        "1 2 begin - - x",
        "1 2 done zz - 00 ",
        "1 2 leap - - 00 ",
        "-1 2 void - - 00 ",
        "1 2 void - - 00 7 ",
        "1 99999999999 void - - 00 ",
    };
    char text[256], hash[JOURNAL_HASH_HEX + 1], zeros[JOURNAL_HASH_HEX + 1];
    struct journal_line line;
    memset(zeros, '0', JOURNAL_HASH_HEX);
    zeros[JOURNAL_HASH_HEX] = '\0';
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "%s%s", bad[i], zeros);
        ck_assert_int_eq(journal_line_parse(text, false, hash, &line), TALLY_E_FORMAT);
        ck_assert_uint_eq(line.n, 0);
    }
    snprintf(text, sizeof text, "1 2 void - - 00 %s", zeros);
    ck_assert_int_eq(journal_line_parse(text, false, hash, &line), TALLY_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("gate journal");
    TCase *c = tcase_create("journal");
    tcase_add_checked_fixture(c, start, finish);
    tcase_add_test(c, an_intent_is_remembered_until_its_receipt);
    tcase_add_test(c, one_process_has_a_journal);
    tcase_add_test(c, another_gates_journal_is_refused);
    tcase_add_test(c, a_whole_journal_verifies);
    tcase_add_test(c, every_changed_byte_is_seen);
    tcase_add_test(c, a_removed_line_is_seen);
    tcase_add_test(c, a_line_cut_off_by_a_crash_is_dropped);
    tcase_add_test(c, a_first_line_cut_off_is_written_anew);
    tcase_add_test(c, receipts_wait_for_the_server_and_are_not_sent_twice);
    tcase_add_test(c, a_missing_journal_is_not_a_good_one);
    tcase_add_test(c, lines_are_parsed_strictly);
    tcase_set_timeout(c, 60);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
