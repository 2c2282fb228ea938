#include <string.h>

#include "reader-tools/gate/journal.h"
#include "reader-tools/gate/journal_file.h"

static enum tally_error count(void *context, const struct journal_line *line)
{
    struct journal_report *report = context;
    if (report->lines > 0 && line->n != report->last + 1)
        return TALLY_E_CRYPTO;
    if (report->lines == 0)
        report->first = line->n;
    report->last = line->n;
    report->lines++;
    report->intents += line->kind == JOURNAL_INTENT;
    report->receipts += line->kind == JOURNAL_DONE;
    report->voids += line->kind == JOURNAL_VOID;
    report->refusals += line->kind == JOURNAL_REFUSED;
    return TALLY_OK;
}

enum tally_error gate_journal_verify(const char *folder, struct journal_report *report)
{
    struct journal_scan scan = {.chained = false};
    char path[JOURNAL_PATH_MAX];
    unsigned first, last;
    memset(report, 0, sizeof *report);
    enum tally_error e = journal_files(folder, &first, &last);
    if (e == TALLY_OK && first == 0)
        e = TALLY_E_NOT_FOUND;
    if (first == 1) {
        journal_first_hash(scan.hash);
        scan.chained = true;
    }
    for (unsigned file = first; e == TALLY_OK && file <= last; file++) {
        e = journal_path(folder, file, path) ? journal_scan_file(path, &scan, count, report) : TALLY_E_USAGE;
        if (e == TALLY_OK && scan.torn && file != last)
            e = TALLY_E_FORMAT;
        if (e != TALLY_OK) {
            report->bad_file = file;
            report->bad_line = scan.lines + 1;
        }
        report->files++;
    }
    memcpy(report->hash, scan.hash, sizeof report->hash);
    report->torn = e == TALLY_OK && scan.torn;
    return e;
}
