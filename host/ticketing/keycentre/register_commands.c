/* The sub-commands on grants and on the audit log. */
#include "host/ticketing/keycentre/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/ticketing/keycentre/store.h"

/* --- grants --- */

const struct tally_option keycentre_grant_options[] = {
    DATABASE_OPTION,
    {"party", TALLY_OPTION_STRING, NULL, 0, KEYCENTRE_PARTY_MAX, "who may ask"},
    {"pattern", TALLY_OPTION_STRING, NULL, 0, KEYCENTRE_HOLDER_MAX,
     "authd:OPERATOR, card:SERIAL or gate:OPERATOR:STATION:UNIT; any field may be *"},
    END_OPTION};

struct grant {
    const char *party, *pattern;
    bool add;
};

static enum tally_error store_grant(struct tally_tx *tx, void *arg)
{
    const struct grant *grant = arg;
    char subject[KEYCENTRE_PARTY_MAX + KEYCENTRE_HOLDER_MAX + 2];
    enum tally_error e = grant->add ? keycentre_grant_add(tx, grant->party, grant->pattern)
                                    : keycentre_grant_remove(tx, grant->party, grant->pattern);
    snprintf(subject, sizeof subject, "%s %s", grant->pattern, grant->party);
    return e == TALLY_OK ? keycentre_log_here(tx, grant->add ? "allow" : "disallow", subject) : e;
}

static enum tally_error change_grant(const struct tally_config *config, bool add)
{
    struct keycentre_pattern pattern;
    struct tally_db *db;
    struct grant grant = {tally_command_needs(config, "party"), tally_command_needs(config, "pattern"), add};
    if (grant.party == NULL || grant.pattern == NULL)
        return TALLY_E_USAGE;
    if (!keycentre_pattern_parse(grant.pattern, &pattern))
        return tally_command_fail(TALLY_E_USAGE, "pattern", grant.pattern);
    enum tally_error e = keycentre_open_db(config, false, &db);
    if (e == TALLY_OK)
        e = tally_command_fail(tally_db_write(db, store_grant, &grant), "grant", grant.pattern);
    tally_db_close(db);
    return e;
}

enum tally_error keycentre_run_allow(const struct tally_config *config)
{
    return change_grant(config, true);
}

enum tally_error keycentre_run_disallow(const struct tally_config *config)
{
    return change_grant(config, false);
}

const struct tally_option keycentre_grants_options[] = {DATABASE_OPTION, END_OPTION};

static void print_grant(void *ctx, const char *party, const char *pattern)
{
    (void)ctx;
    printf("%s %s\n", party, pattern);
}

static enum tally_error list_grants(struct tally_tx *tx, void *arg)
{
    return keycentre_grants(tx, print_grant, arg);
}

enum tally_error keycentre_run_grants(const struct tally_config *config)
{
    struct tally_db *db;
    enum tally_error e = keycentre_open_db(config, false, &db);
    if (e == TALLY_OK)
        e = tally_db_read(db, list_grants, NULL);
    tally_db_close(db);
    return e;
}

/* --- audit --- */

const struct tally_option keycentre_audit_options[] = {
    DATABASE_OPTION,
    {"expect", TALLY_OPTION_STRING, NULL, 0, 96,
     "NUMBER:HASH of a record noted down before; it must be there"},
    {"quiet", TALLY_OPTION_BOOL, "false", 0, 0, "print the last record's number and hash only"},
    END_OPTION};

struct audit {
    uint8_t hash[KEYCENTRE_DIGEST], wanted[KEYCENTRE_DIGEST];
    int64_t number, wanted_number;
    bool quiet, found;
};

static enum tally_error check_record(void *ctx, const struct keycentre_record *record)
{
    struct audit *audit = ctx;
    uint8_t hash[KEYCENTRE_DIGEST];
    enum tally_error e = keycentre_audit_hash(audit->hash, record, hash);
    if (e == TALLY_OK &&
        (record->number != audit->number + 1 || memcmp(hash, record->hash, sizeof hash) != 0))
        e = TALLY_E_CRYPTO;
    if (e != TALLY_OK)
        return e;
    audit->number = record->number;
    memcpy(audit->hash, hash, sizeof hash);
    if (record->number == audit->wanted_number)
        audit->found = memcmp(hash, audit->wanted, sizeof hash) == 0;
    if (!audit->quiet)
        printf("%lld %lld %s %s %s %s\n", (long long)record->number, (long long)record->time, record->event,
               record->party, record->subject, record->request);
    return TALLY_OK;
}

/* A page at a time, on a copy: a read may be done twice. */
static enum tally_error walk(struct tally_tx *tx, void *arg)
{
    struct audit *audit = arg, next = *audit;
    struct keycentre_settings settings;
    enum tally_error e = TALLY_OK;
    if (next.number == 0) {
        e = keycentre_settings_get(tx, &settings);
        keycentre_audit_origin(settings.centre, next.hash);
    }
    if (e == TALLY_OK)
        e = keycentre_audit_page(tx, next.number, check_record, &next);
    if (e == TALLY_OK || e == TALLY_E_CRYPTO)
        *audit = next;
    return e;
}

static bool read_expected(const char *text, struct audit *audit)
{
    size_t n;
    char *end;
    audit->wanted_number = strtoll(text, &end, 10);
    return *end == ':' && audit->wanted_number > 0 &&
           tally_hex_decode(end + 1, audit->wanted, sizeof audit->wanted, &n) == TALLY_OK &&
           n == sizeof audit->wanted;
}

enum tally_error keycentre_run_audit(const struct tally_config *config)
{
    const char *expected = tally_config_string(config, "expect");
    struct audit audit = {.quiet = tally_config_bool(config, "quiet"), .found = true};
    struct tally_db *db;
    if (expected != NULL && !read_expected(expected, &audit))
        return tally_command_fail(TALLY_E_USAGE, "expect", expected);
    audit.found = expected == NULL;
    enum tally_error e = keycentre_open_db(config, false, &db);
    if (e != TALLY_OK)
        return e;
    int64_t before = -1;
    while (e == TALLY_OK && audit.number > before) {
        before = audit.number;
        e = tally_db_read(db, walk, &audit);
    }
    tally_db_close(db);
    if (e == TALLY_E_CRYPTO)
        fprintf(stderr, "the record after number %lld was changed or is missing\n", (long long)audit.number);
    if (e == TALLY_OK && !audit.found) {
        fprintf(stderr, "record %s is not in this log: it was cut off or written anew\n", expected);
        e = TALLY_E_CRYPTO;
    }
    if (e == TALLY_OK) {
        printf("records %lld\n", (long long)audit.number);
        keycentre_print_hex("hash", audit.hash, sizeof audit.hash);
    }
    return e;
}
