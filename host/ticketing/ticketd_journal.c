/* What gates did: kept once, checked with the card's receipts. */
#include <string.h>

#include "host/ticketing/json_values.h"
#include "host/ticketing/ticketd.h"

static enum tally_error check(struct ticketd *ticketd, struct ticketd_journal_entry *entries, size_t count)
{
    struct ticketd_receipt receipts[TICKETD_JOURNAL_MAX];
    for (size_t i = 0; i < count; i++)
        receipts[i] = (struct ticketd_receipt){.tid = entries[i].tid, .usage = entries[i].usage};
    enum tally_error e = ticketd_check_receipts(ticketd, receipts, count);
    for (size_t i = 0; i < count; i++)
        entries[i].validity = e != TALLY_OK       ? JOURNAL_UNCHECKED
                              : receipts[i].valid ? JOURNAL_VALID
                                                  : JOURNAL_REFUSED;
    return e;
}

enum tally_error ticketd_journal_prepare(struct tally_call *call, void *state)
{
    struct ticketd_journal *journal = state;
    struct tally_json in, item;
    tally_json_begin(&in, call->body);
    uint32_t gate = (uint32_t)tally_json_int(&in, "gate", 0, UINT32_MAX);
    const json_t *entries = tally_json_array(&in, "entries", 1, TICKETD_JOURNAL_MAX);
    enum tally_error e = tally_call_end_json(call, &in);
    for (size_t i = 0; e == TALLY_OK && i < json_array_size(entries); i++) {
        struct ticketd_journal_entry *entry = &journal->entries[journal->count++];
        entry->gate = gate;
        tally_json_begin(&item, json_array_get(entries, i));
        tally_json_bytes(&item, "tid", entry->tid, TID_SIZE);
        tally_json_bytes(&item, "serial", entry->serial, SERIAL_SIZE);
        entry->operator_id = (uint16_t)tally_json_int(&item, "operator", 1, UINT16_MAX);
        tally_json_bytes(&item, "usage", entry->usage, USAGE_SIZE);
        e = tally_call_end_json(call, &item);
    }
    if (e != TALLY_OK)
        return e;
    /* A gate's journal is taken also while the authentication server is away. */
    (void)check(call->wing, journal->entries, journal->count);
    return TALLY_OK;
}

enum tally_error ticketd_journal_apply(struct tally_call *call, void *state, struct tally_tx *tx)
{
    struct ticketd_journal *journal = state;
    int stored = 0, duplicates = 0, refused = 0;
    for (size_t i = 0; i < journal->count; i++) {
        enum tally_error e =
            ticketd_journal_insert(tx, &journal->entries[i], tally_clock_wall_s(call->clock));
        if (e != TALLY_OK && e != TALLY_E_EXISTS)
            return e;
        if (e == TALLY_E_EXISTS)
            duplicates++;
        else if (journal->entries[i].validity == JOURNAL_REFUSED)
            refused++;
        else
            stored++;
    }
    if (journal->entries[0].validity == JOURNAL_UNCHECKED)
        journal->wake = call->wing;
    return tally_call_answer(
        call, 200,
        json_pack("{s:i, s:i, s:i}", "stored", stored, "duplicates", duplicates, "refused", refused));
}

struct checked {
    const struct ticketd_journal_entry *entries;
    size_t count;
};

static enum tally_error store_checked(struct tally_tx *tx, void *arg)
{
    const struct checked *checked = arg;
    enum tally_error e = TALLY_OK;
    for (size_t i = 0; e == TALLY_OK && i < checked->count; i++)
        e = ticketd_journal_set(tx, &checked->entries[i]);
    return e;
}

enum tally_error ticketd_journal_check(struct ticketd *ticketd, struct ticketd_journal_entry *entries,
                                       size_t count)
{
    struct checked checked = {entries, count};
    enum tally_error e = check(ticketd, entries, count);
    return e == TALLY_OK ? tally_db_write(ticketd->db, store_checked, &checked) : e;
}
