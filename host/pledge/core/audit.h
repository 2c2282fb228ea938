/* Recomputes the books: of the bank alone, and of all parties against each other.
 *
 * What it finds is what must never be: the simulator asks it after every step, tally-auditor at any time.
 */
#ifndef TALLY_PLEDGE_AUDIT_H
#define TALLY_PLEDGE_AUDIT_H

#include "host/pledge/core/rows.h"

#define PLEDGE_AUDIT_SELLERS 16

struct pledge_report {
    unsigned findings;
    char first[256];                              /* what the first finding is, or "" */
    void (*each)(void *ctx, const char *finding); /* may be NULL */
    void *ctx;
    uint64_t accounts, entries, holds, lines, tickets; /* how many were looked at */
};

struct pledge_books {
    const struct pledge_store *platform, *bank, *provider, *financing; /* NULL: not looked at */
    const struct pledge_store *sellers[PLEDGE_AUDIT_SELLERS];
    size_t seller_count;
    char financing_name[PLEDGE_PARTY], platform_name[PLEDGE_PARTY]; /* as the bank knows them */
};

/* Entries add up to zero, accounts are what their postings add up to and never below zero, all accounts add
 * up to zero; every hold has the entries of its state and no others; held accounts are what is held. */
enum tally_error pledge_audit_bank(const struct pledge_store *bank, struct pledge_report *report);

/* Stock is what is reserved and issued, never more than there is; serials are unique. */
enum tally_error pledge_audit_provider(const struct pledge_store *provider, struct pledge_report *report);

/* A line that was delivered was paid, exactly once; one that failed was not; its ticket is issued, or not.
 * With `final`, nothing may be under way any more and everybody must agree on every outcome. */
enum tally_error pledge_audit_lines(const struct pledge_books *books, bool final,
                                    struct pledge_report *report);

/* What a project repaid is what was captured for it. */
enum tally_error pledge_audit_projects(const struct pledge_books *books, struct pledge_report *report);

/* A ticket is with at most one seller; sellers' outcomes are the platform's. */
enum tally_error pledge_audit_sellers(const struct pledge_books *books, bool final,
                                      struct pledge_report *report);

/* Everything above. */
enum tally_error pledge_audit(const struct pledge_books *books, bool final, struct pledge_report *report);

#endif
