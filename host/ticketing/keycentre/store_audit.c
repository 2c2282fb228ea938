#include <string.h>

#include "host/ticketing/keycentre/store.h"

static const char label[] = "tally/keycentre-audit/1";

void keycentre_audit_origin(const uint8_t centre[KEYCENTRE_ID], uint8_t hash[KEYCENTRE_DIGEST])
{
    memset(hash, 0, KEYCENTRE_DIGEST);
    memcpy(hash, centre, KEYCENTRE_ID);
}

static void put64(uint8_t out[8], int64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
}

/* A text with its NUL, which ends it: no two lists of texts look alike. */
static struct tally_bytes text(const char *s)
{
    return (struct tally_bytes){(const uint8_t *)s, strlen(s) + 1};
}

enum tally_error keycentre_audit_hash(const uint8_t before[KEYCENTRE_DIGEST],
                                      const struct keycentre_record *record, uint8_t hash[KEYCENTRE_DIGEST])
{
    uint8_t number[8], time[8];
    put64(number, record->number);
    put64(time, record->time);
    const struct tally_bytes parts[] = {
        {before, KEYCENTRE_DIGEST}, {number, sizeof number}, {time, sizeof time},  text(record->event),
        text(record->party),        text(record->subject),   text(record->request)};
    return tally_sha256_labelled(label, parts, sizeof parts / sizeof *parts, hash);
}

/* Number and hash of the last record; 0 and the origin when there is none. */
static enum tally_error last(struct tally_tx *tx, int64_t *number, uint8_t hash[KEYCENTRE_DIGEST])
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1");
    bool row;
    uint8_t centre[KEYCENTRE_ID];
    enum tally_error e = tally_step(s, &row);
    *number = e == TALLY_OK && row ? tally_column_int(s, 0) : 0;
    if (e != TALLY_OK)
        return e;
    if (row)
        return tally_column_blob_copy(s, 1, hash, KEYCENTRE_DIGEST) ? TALLY_OK : TALLY_E_IO;
    s = tally_db_prepare(tx, "SELECT centre FROM settings");
    e = tally_first(s);
    if (e == TALLY_OK && !tally_column_blob_copy(s, 0, centre, sizeof centre))
        e = TALLY_E_IO;
    if (e == TALLY_OK)
        keycentre_audit_origin(centre, hash);
    return e;
}

enum tally_error keycentre_audit_append(struct tally_tx *tx, struct keycentre_record *record)
{
    uint8_t before[KEYCENTRE_DIGEST];
    int64_t number;
    enum tally_error e = last(tx, &number, before);
    record->number = number + 1;
    if (e == TALLY_OK)
        e = keycentre_audit_hash(before, record, record->hash);
    if (e != TALLY_OK)
        return e;
    struct tally_stmt *s = tally_db_prepare(tx, "INSERT INTO audit (number, time, event, party, subject,"
                                                " request, hash) VALUES (?, ?, ?, ?, ?, ?, ?)");
    tally_bind_int(s, 1, record->number);
    tally_bind_int(s, 2, record->time);
    tally_bind_text(s, 3, record->event);
    tally_bind_text(s, 4, record->party);
    tally_bind_text(s, 5, record->subject);
    tally_bind_text(s, 6, record->request);
    tally_bind_blob(s, 7, record->hash, KEYCENTRE_DIGEST);
    return tally_run(s);
}

static bool read_record(struct tally_stmt *s, struct keycentre_record *record)
{
    memset(record, 0, sizeof *record);
    record->number = tally_column_int(s, 0);
    record->time = tally_column_int(s, 1);
    return tally_column_text_copy(s, 2, record->event, sizeof record->event) &&
           tally_column_text_copy(s, 3, record->party, sizeof record->party) &&
           tally_column_text_copy(s, 4, record->subject, sizeof record->subject) &&
           tally_column_text_copy(s, 5, record->request, sizeof record->request) &&
           tally_column_blob_copy(s, 6, record->hash, KEYCENTRE_DIGEST);
}

enum tally_error keycentre_audit_page(struct tally_tx *tx, int64_t after, keycentre_record_visit *visit,
                                      void *ctx)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT number, time, event, party, subject, request, hash"
                                                " FROM audit WHERE number > ? ORDER BY number LIMIT ?");
    struct keycentre_record record;
    bool row = false;
    enum tally_error e;
    tally_bind_int(s, 1, after);
    tally_bind_int(s, 2, KEYCENTRE_AUDIT_PAGE);
    while ((e = tally_step(s, &row)) == TALLY_OK && row) {
        e = read_record(s, &record) ? visit(ctx, &record) : TALLY_E_CRYPTO;
        if (e != TALLY_OK)
            break;
    }
    return e;
}
