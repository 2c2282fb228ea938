/* tally-auditor: recomputes the books of all parties from their databases, and compares them with each other.
 *
 * Reads one snapshot of each database, platform and sellers first and the bank last, so that what one party
 * knows the next one knows, too. With --final nothing may be under way. Exit code 0: nothing found; 1:
 * something is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/config.h"
#include "host/pledge/core/audit.h"
#include "host/pledge/sql_store.h"
#include "host/service/outbox.h"

static const struct tally_option options[] = {
    {"platform", TALLY_OPTION_PATH, NULL, 0, 0, "the platform's database"},
    {"bank", TALLY_OPTION_PATH, NULL, 0, 0, "the bank's"},
    {"provider", TALLY_OPTION_PATH, NULL, 0, 0, "the provider's"},
    {"financing", TALLY_OPTION_PATH, NULL, 0, 0, "the financing platform's"},
    {"platform-name", TALLY_OPTION_STRING, "platform", 1, 31, "the platform's name among the parties"},
    {"financing-name", TALLY_OPTION_STRING, "financing", 1, 31, "the financing platform's"},
    {"final", TALLY_OPTION_BOOL, "no", 0, 0, "nothing may be under way any more"},
    {.name = NULL}};

struct opened {
    enum pledge_role role;
    const char *location;
    struct pledge_sql *sql;
    struct tally_db *db;
    struct pledge_sql_store store;
};

struct audit {
    struct opened books[4 + PLEDGE_AUDIT_SELLERS];
    size_t count, reading; /* reading: how many snapshots are open */
    bool final;
    const struct tally_config *config;
    struct pledge_report report;
};

static void each(void *ctx, const char *finding)
{
    (void)ctx;
    printf("finding: %s\n", finding);
}

static enum tally_error open_books(struct opened *o)
{
    const char *file = tally_db_file(o->location);
    if (file != NULL && access(file, R_OK) != 0) {
        fprintf(stderr, "tally-auditor: %s is not there\n", file);
        return TALLY_E_NOT_FOUND; /* opening would make an empty one */
    }
    enum tally_error e = pledge_sql_new(o->role, &o->sql);
    if (e != TALLY_OK)
        return e;
    struct tally_db_schema schemas[] = {pledge_sql_schema(o->sql), TALLY_OUTBOX_SCHEMA, {0}};
    struct tally_db_options options_of = {.location = o->location, .schemas = schemas};
    return tally_db_open(&options_of, &o->db);
}

static void books_of(struct audit *audit, struct pledge_books *books)
{
    memset(books, 0, sizeof *books);
    for (size_t i = 0; i < audit->count; i++) {
        const struct pledge_store *store = &audit->books[i].store.store;
        switch (audit->books[i].role) {
        case PLEDGE_PLATFORM: books->platform = store; break;
        case PLEDGE_BANK: books->bank = store; break;
        case PLEDGE_PROVIDER: books->provider = store; break;
        case PLEDGE_FINANCING: books->financing = store; break;
        default: books->sellers[books->seller_count++] = store; break;
        }
    }
    PLEDGE_SET(books->platform_name, tally_config_string(audit->config, "platform-name"));
    PLEDGE_SET(books->financing_name, tally_config_string(audit->config, "financing-name"));
}

/* Opens the snapshots one inside the other, and audits in the innermost. */
static enum tally_error snapshot(struct tally_tx *tx, void *arg)
{
    struct audit *audit = arg;
    struct opened *o = &audit->books[audit->reading - 1];
    struct pledge_books books;
    pledge_sql_store_init(&o->store, o->sql, NULL, tx);
    if (audit->reading < audit->count) {
        audit->reading++;
        return tally_db_read(audit->books[audit->reading - 1].db, snapshot, audit);
    }
    audit->report = (struct pledge_report){.each = each};
    books_of(audit, &books);
    return pledge_audit(&books, audit->final, &audit->report);
}

static void add(struct audit *audit, enum pledge_role role, const char *location)
{
    if (audit->count < sizeof audit->books / sizeof audit->books[0])
        audit->books[audit->count++] = (struct opened){.role = role, .location = location};
}

static enum tally_error run(struct audit *audit, int sellers, char *const *locations)
{
    static const char *const names[] = {"platform", "provider", "financing", "bank"};
    static const enum pledge_role roles[] = {PLEDGE_PLATFORM, PLEDGE_PROVIDER, PLEDGE_FINANCING, PLEDGE_BANK};
    enum tally_error e = TALLY_OK;
    for (int i = 0; i < sellers; i++)
        add(audit, PLEDGE_SELLER, locations[i]);
    for (size_t i = 0; i < 4; i++) {
        const char *location = tally_config_string(audit->config, names[i]);
        if (location == NULL)
            return TALLY_E_USAGE;
        add(audit, roles[i], location);
    }
    for (size_t i = 0; e == TALLY_OK && i < audit->count; i++)
        e = open_books(&audit->books[i]);
    audit->reading = 1;
    if (e == TALLY_OK)
        e = tally_db_read(audit->books[0].db, snapshot, audit);
    for (size_t i = 0; i < audit->count; i++) {
        tally_db_close(audit->books[i].db);
        pledge_sql_free(audit->books[i].sql);
    }
    return e;
}

int main(int argc, char **argv)
{
    static struct audit audit;
    const struct tally_option *const tables[] = {options, NULL};
    struct tally_config_input input = {.tool = "auditor",
                                       .summary =
                                           "recomputes the books of a pledge from the parties' databases",
                                       .operands = "SELLER-DATABASE ...",
                                       .argc = argc,
                                       .argv = argv,
                                       .environment = environ};
    struct tally_config *config = NULL;
    char *const *sellers;
    bool help;
    enum tally_error e = tally_config_load(&input, tables, stderr, &config, &help);
    if (e != TALLY_OK || help)
        return tally_error_exit_code(e);
    audit.config = config;
    audit.final = tally_config_bool(config, "final");
    int n = tally_config_operands(config, &sellers);
    e = run(&audit, n, sellers);
    if (e != TALLY_OK)
        fprintf(stderr, "tally-auditor: %s\n",
                e == TALLY_E_USAGE ? "--platform, --bank, --provider and --financing are needed"
                                   : tally_error_text(e));
    else
        printf("%llu accounts, %llu entries, %llu holds, %llu order lines, %llu tickets: %u findings\n",
               (unsigned long long)audit.report.accounts, (unsigned long long)audit.report.entries,
               (unsigned long long)audit.report.holds, (unsigned long long)audit.report.lines,
               (unsigned long long)audit.report.tickets, audit.report.findings);
    tally_config_free(config);
    return e != TALLY_OK ? tally_error_exit_code(e) : audit.report.findings > 0;
}
