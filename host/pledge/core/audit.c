#include "host/pledge/core/audit.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/pledge/core/audit_internal.h"
#include "host/pledge/core/bank.h"
#include "host/pledge/core/provider.h"

void pledge_found(struct pledge_report *report, const char *format, ...)
{
    char text[sizeof report->first];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (report->findings++ == 0)
        memcpy(report->first, text, sizeof text);
    if (report->each != NULL)
        report->each(report->ctx, text);
}

enum tally_error pledge_each(const struct pledge_store *store, const struct pledge_table *table,
                             pledge_visit *visit, void *ctx)
{
    enum { PAGE = 16 };
    uint8_t *rows = malloc((size_t)PAGE * table->row_size);
    uint8_t *after = malloc(table->row_size);
    size_t n = PAGE;
    enum tally_error e = rows == NULL || after == NULL ? TALLY_E_MEMORY : TALLY_OK;
    for (bool first = true; e == TALLY_OK && n == PAGE; first = false) {
        e = store->list(store->ctx, table, 0, rows, first ? NULL : after, rows, PAGE, &n);
        for (size_t i = 0; e == TALLY_OK && i < n; i++)
            e = visit(ctx, rows + i * table->row_size);
        if (e == TALLY_OK && n > 0)
            memcpy(after, rows + (n - 1) * table->row_size, table->row_size);
    }
    free(rows);
    free(after);
    return e;
}

/* The bank. */

struct sum {
    char account[PLEDGE_LEDGER];
    int64_t side, balance, recomputed, held;
};

struct bank_audit {
    const struct pledge_store *store;
    struct pledge_report *report;
    struct sum *sums;
    size_t count, room;
    int64_t total;
    uint64_t hold_entries, holds_with_entries; /* entries of holds, and how many the holds account for */
};

static enum tally_error add_account(void *ctx, const void *row)
{
    struct bank_audit *audit = ctx;
    const struct pledge_r_account *account = row;
    if (audit->count == audit->room) {
        size_t room = audit->room == 0 ? 64 : audit->room * 2;
        struct sum *grown = realloc(audit->sums, room * sizeof *grown);
        if (grown == NULL)
            return TALLY_E_MEMORY;
        audit->sums = grown;
        audit->room = room;
    }
    struct sum *sum = &audit->sums[audit->count++];
    memset(sum, 0, sizeof *sum);
    memcpy(sum->account, account->account, PLEDGE_LEDGER);
    sum->side = account->side;
    sum->balance = account->balance;
    audit->total += account->balance;
    if (account->side == PLEDGE_ASSET ? account->balance < 0 : account->balance > 0)
        pledge_found(audit->report, "account %s is below zero: %lld", account->account,
                     (long long)account->balance);
    return TALLY_OK;
}

static int compare_sums(const void *a, const void *b)
{
    return memcmp(((const struct sum *)a)->account, ((const struct sum *)b)->account, PLEDGE_LEDGER);
}

static struct sum *sum_of(struct bank_audit *audit, const char *account)
{
    struct sum key;
    PLEDGE_SET(key.account, account);
    return audit->count == 0 ? NULL
                             : bsearch(&key, audit->sums, audit->count, sizeof *audit->sums, compare_sums);
}

static enum tally_error add_posting(void *ctx, const void *row)
{
    struct bank_audit *audit = ctx;
    const struct pledge_r_posting *posting = row;
    struct sum *sum = sum_of(audit, posting->account);
    if (sum == NULL)
        pledge_found(audit->report, "posting to %s, which is no account", posting->account);
    else
        sum->recomputed += posting->amount;
    return TALLY_OK;
}

static enum tally_error check_entry(void *ctx, const void *row)
{
    struct bank_audit *audit = ctx;
    const struct pledge_r_entry *entry = row;
    struct pledge_r_posting like = {.position = 0}, postings[PLEDGE_LEGS_MAX + 1];
    size_t n;
    int64_t sum = 0;
    memcpy(like.reason, entry->reason, sizeof like.reason);
    memcpy(like.reference, entry->reference, sizeof like.reference);
    enum tally_error e = audit->store->list(audit->store->ctx, &pledge_t_posting, 2, &like, NULL, postings,
                                            PLEDGE_LEGS_MAX + 1, &n);
    for (size_t i = 0; e == TALLY_OK && i < n; i++)
        sum += postings[i].amount;
    if (e == TALLY_OK && (sum != 0 || (int64_t)n != entry->postings))
        pledge_found(audit->report, "entry %s %s does not add up: %lld in %zu postings", entry->reason,
                     entry->reference, (long long)sum, n);
    audit->report->entries++;
    if (strcmp(entry->reason, "hold") == 0 || strcmp(entry->reason, "capture") == 0 ||
        strcmp(entry->reason, "release") == 0)
        audit->hold_entries++;
    return e;
}

static bool entry_is(struct bank_audit *audit, const char *reason, const char *reference)
{
    struct pledge_r_entry entry = {.at = 0};
    PLEDGE_SET(entry.reason, reason);
    PLEDGE_SET(entry.reference, reference);
    bool is = pledge_get(audit->store, &pledge_t_entry, &entry) == TALLY_OK;
    audit->holds_with_entries += is;
    return is;
}

static enum tally_error check_hold(void *ctx, const void *row)
{
    struct bank_audit *audit = ctx;
    const struct pledge_r_hold *hold = row;
    char reference[PLEDGE_ID], account[PLEDGE_LEDGER];
    snprintf(reference, sizeof reference, "%c:%s", hold->order[0] != 0 ? 'u' : 'p', hold->number);
    bool held = entry_is(audit, "hold", reference), captured = entry_is(audit, "capture", reference),
         released = entry_is(audit, "release", reference);
    bool right = false;
    switch (hold->state) {
    case PLEDGE_HOLD_HELD: right = held && !captured && !released; break;
    case PLEDGE_HOLD_CAPTURED: right = held && captured && !released; break;
    case PLEDGE_HOLD_VOIDED: right = !captured && held == released; break;
    case PLEDGE_HOLD_REFUSED: right = !held && !captured && !released; break;
    default: break;
    }
    if (!right)
        pledge_found(audit->report, "hold %s in state %lld has entries that do not fit", hold->number,
                     (long long)hold->state);
    pledge_ledger_name(PLEDGE_A_HELD, hold->prepay, account);
    struct sum *sum = sum_of(audit, account);
    if (hold->state == PLEDGE_HOLD_HELD && sum != NULL)
        sum->held += hold->amount;
    audit->report->holds++;
    return TALLY_OK;
}

/* Four eyes: what was decided was decided by two. */
static void check_operators(struct bank_audit *audit, const char *what, int64_t state, const char *first,
                            const char *second)
{
    if (state == PLEDGE_DECISION_DONE && (first[0] == 0 || second[0] == 0 || strcmp(first, second) == 0))
        pledge_found(audit->report, "%s was decided by '%s' and '%s'", what, first, second);
}

static enum tally_error check_loan(void *ctx, const void *row)
{
    const struct pledge_r_loan *loan = row;
    check_operators(ctx, "a loan", loan->state, loan->first_operator, loan->second_operator);
    return TALLY_OK;
}

static enum tally_error check_grant(void *ctx, const void *row)
{
    const struct pledge_r_grant *grant = row;
    check_operators(ctx, "a grant", grant->state, grant->first_operator, grant->second_operator);
    return TALLY_OK;
}

static enum tally_error check_disposal(void *ctx, const void *row)
{
    const struct pledge_r_disposal *disposal = row;
    check_operators(ctx, "a disposal", disposal->state, disposal->first_operator, disposal->second_operator);
    return TALLY_OK;
}

static void check_sums(struct bank_audit *audit)
{
    for (size_t i = 0; i < audit->count; i++) {
        const struct sum *sum = &audit->sums[i];
        if (sum->balance != sum->recomputed)
            pledge_found(audit->report, "account %s says %lld, its postings %lld", sum->account,
                         (long long)sum->balance, (long long)sum->recomputed);
        if (sum->account[0] == PLEDGE_A_HELD && sum->held != -sum->balance)
            pledge_found(audit->report, "account %s has %lld, the holds %lld", sum->account,
                         (long long)-sum->balance, (long long)sum->held);
    }
    if (audit->total != 0)
        pledge_found(audit->report, "the books do not add up: %lld", (long long)audit->total);
    if (audit->hold_entries != audit->holds_with_entries)
        pledge_found(audit->report, "%llu entries of holds, %llu belong to holds",
                     (unsigned long long)audit->hold_entries, (unsigned long long)audit->holds_with_entries);
}

enum tally_error pledge_audit_bank(const struct pledge_store *bank, struct pledge_report *report)
{
    struct bank_audit audit = {.store = bank, .report = report};
    enum tally_error e = pledge_each(bank, &pledge_t_account, add_account, &audit);
    if (e == TALLY_OK && audit.count > 0)
        qsort(audit.sums, audit.count, sizeof *audit.sums, compare_sums);
    if (e == TALLY_OK)
        e = pledge_each(bank, &pledge_t_posting, add_posting, &audit);
    if (e == TALLY_OK)
        e = pledge_each(bank, &pledge_t_entry, check_entry, &audit);
    if (e == TALLY_OK)
        e = pledge_each(bank, &pledge_t_hold, check_hold, &audit);
    if (e == TALLY_OK)
        e = pledge_each(bank, &pledge_t_loan, check_loan, &audit);
    if (e == TALLY_OK)
        e = pledge_each(bank, &pledge_t_grant, check_grant, &audit);
    if (e == TALLY_OK)
        e = pledge_each(bank, &pledge_t_disposal, check_disposal, &audit);
    if (e == TALLY_OK)
        check_sums(&audit);
    report->accounts += audit.count;
    free(audit.sums);
    return e;
}

/* The provider. */

struct provider_audit {
    const struct pledge_store *store;
    struct pledge_report *report;
    const struct pledge_r_stock *stock;
    int64_t taken;
};

static enum tally_error count_ticket(void *ctx, const void *row)
{
    struct provider_audit *audit = ctx;
    const struct pledge_r_ticket *ticket = row;
    bool here =
        strcmp(ticket->channel, audit->stock->channel) == 0 && strcmp(ticket->type, audit->stock->type) == 0;
    audit->taken +=
        here && (ticket->state == PLEDGE_TICKET_RESERVED || ticket->state == PLEDGE_TICKET_ISSUED);
    return TALLY_OK;
}

static enum tally_error check_stock(void *ctx, const void *row)
{
    struct provider_audit *audit = ctx;
    audit->stock = row;
    audit->taken = 0;
    enum tally_error e = pledge_each(audit->store, &pledge_t_ticket, count_ticket, audit);
    if (e == TALLY_OK && (audit->taken != audit->stock->taken || audit->taken > audit->stock->total))
        pledge_found(audit->report, "stock %s %s: %lld of %lld taken, %lld tickets", audit->stock->channel,
                     audit->stock->type, (long long)audit->stock->taken, (long long)audit->stock->total,
                     (long long)audit->taken);
    return e;
}

enum tally_error pledge_audit_provider(const struct pledge_store *provider, struct pledge_report *report)
{
    struct provider_audit audit = {.store = provider, .report = report};
    return pledge_each(provider, &pledge_t_stock, check_stock, &audit);
}
