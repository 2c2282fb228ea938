#include "host/service/audit.h"

#include <string.h>

#include "host/base/bytes.h"

#define PAGE     500 /* entries read at a time */
#define HEAD_MAX (sizeof head_label + 8 + TALLY_DIGEST_SIZE + 8)
#define ENTRY_MAX                                                                                            \
    (sizeof entry_label + 8 + TALLY_DIGEST_SIZE + 8 + 4 * 4 + 3 * TALLY_AUDIT_NAME_MAX +                     \
     TALLY_AUDIT_DETAIL_MAX)

static const char entry_label[] = "tally-audit-entry-1", head_label[] = "tally-audit-head-1";

const struct tally_db_migration tally_audit_migrations[] = {
    {1, "CREATE TABLE audit ("
        " number INTEGER PRIMARY KEY CHECK (number > 0),"
        " at INTEGER NOT NULL,"
        " actor TEXT NOT NULL,"
        " action TEXT NOT NULL,"
        " subject TEXT NOT NULL,"
        " detail BLOB NOT NULL,"
        " hash BLOB NOT NULL CHECK (length(hash) = 32)) STRICT;"
        "CREATE TABLE audit_heads ("
        " number INTEGER PRIMARY KEY,"
        " at INTEGER NOT NULL,"
        " hash BLOB NOT NULL CHECK (length(hash) = 32),"
        " keyid TEXT NOT NULL,"
        " signature BLOB NOT NULL CHECK (length(signature) = 64)) STRICT"},
    {0, NULL},
};

struct bytes {
    uint8_t data[ENTRY_MAX];
    size_t n;
};

static void put(struct bytes *b, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(b->data + b->n, bytes, n);
    b->n += n;
}

static void put_number(struct bytes *b, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        b->data[b->n++] = (uint8_t)(value >> (8 * (n - 1 - i)));
}

static void put_field(struct bytes *b, const void *bytes, size_t n)
{
    put_number(b, n, 4);
    put(b, bytes, n);
}

static enum tally_error hash_entry(const struct tally_audit_head *before,
                                   const struct tally_audit_entry *entry, uint8_t hash[TALLY_DIGEST_SIZE])
{
    struct bytes b = {.n = 0};
    put(&b, entry_label, sizeof entry_label);
    put_number(&b, (uint64_t)before->number + 1, 8);
    put(&b, before->hash, sizeof before->hash);
    put_number(&b, (uint64_t)entry->at_ms, 8);
    put_field(&b, entry->actor, strlen(entry->actor));
    put_field(&b, entry->action, strlen(entry->action));
    put_field(&b, entry->subject, strlen(entry->subject));
    put_field(&b, entry->detail, entry->detail_size);
    return tally_sha256(b.data, b.n, hash);
}

static size_t head_bytes(const struct tally_audit_head *head, int64_t at_ms, struct bytes *b)
{
    b->n = 0;
    put(b, head_label, sizeof head_label);
    put_number(b, (uint64_t)head->number, 8);
    put(b, head->hash, sizeof head->hash);
    put_number(b, (uint64_t)at_ms, 8);
    return b->n;
}

static enum tally_error read_end(struct tally_tx *tx, void *arg)
{
    struct tally_audit_head *head = arg;
    *head = (struct tally_audit_head){0};
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1");
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e == TALLY_E_NOT_FOUND ? TALLY_OK : e;
    head->number = tally_column_int(s, 0);
    return tally_column_blob_copy(s, 1, head->hash, sizeof head->hash) ? TALLY_OK : TALLY_E_IO;
}

static bool well_formed(const char *name)
{
    size_t n = strnlen(name, TALLY_AUDIT_NAME_MAX + 1);
    return n >= 1 && n <= TALLY_AUDIT_NAME_MAX;
}

enum tally_error tally_audit_append(struct tally_tx *tx, const struct tally_audit_entry *entry,
                                    int64_t *number)
{
    struct tally_audit_head end;
    uint8_t hash[TALLY_DIGEST_SIZE];
    *number = 0;
    if (!well_formed(entry->actor) || !well_formed(entry->action) || !well_formed(entry->subject) ||
        entry->detail_size > TALLY_AUDIT_DETAIL_MAX)
        return TALLY_E_FORMAT;
    enum tally_error e = read_end(tx, &end);
    if (e == TALLY_OK)
        e = hash_entry(&end, entry, hash);
    if (e != TALLY_OK)
        return e;
    struct tally_stmt *s =
        tally_db_prepare(tx, "INSERT INTO audit (number, at, actor, action, subject, detail, hash)"
                             " VALUES (?, ?, ?, ?, ?, ?, ?)");
    tally_bind_int(s, 1, end.number + 1);
    tally_bind_int(s, 2, entry->at_ms);
    tally_bind_text(s, 3, entry->actor);
    tally_bind_text(s, 4, entry->action);
    tally_bind_text(s, 5, entry->subject);
    tally_bind_blob(s, 6, entry->detail_size > 0 ? entry->detail : "", entry->detail_size);
    tally_bind_blob(s, 7, hash, sizeof hash);
    e = tally_post(s);
    *number = e == TALLY_OK ? end.number + 1 : 0;
    return e;
}

struct signing {
    struct tally_audit_head head;
    int64_t now_ms;
    const char *keyid;
    uint8_t signature[TALLY_HTTPSIG_SIZE];
};

static enum tally_error write_head(struct tally_tx *tx, void *arg)
{
    const struct signing *signing = arg;
    struct tally_stmt *s = tally_db_prepare(tx, "INSERT INTO audit_heads (number, at, hash, keyid, signature)"
                                                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    tally_bind_int(s, 1, signing->head.number);
    tally_bind_int(s, 2, signing->now_ms);
    tally_bind_blob(s, 3, signing->head.hash, sizeof signing->head.hash);
    tally_bind_text(s, 4, signing->keyid);
    tally_bind_blob(s, 5, signing->signature, sizeof signing->signature);
    return tally_run(s);
}

enum tally_error tally_audit_sign(struct tally_db *db, EVP_PKEY *key, const char *keyid, int64_t now_ms,
                                  struct tally_audit_head *head)
{
    struct signing signing = {.now_ms = now_ms, .keyid = keyid};
    struct bytes b;
    *head = (struct tally_audit_head){0};
    if (!well_formed(keyid))
        return TALLY_E_FORMAT;
    enum tally_error e = tally_db_read(db, read_end, &signing.head);
    if (e != TALLY_OK || signing.head.number == 0)
        return e;
    size_t n = head_bytes(&signing.head, now_ms, &b);
    e = tally_httpsig_sign(key, (const char *)b.data, n, signing.signature);
    if (e == TALLY_OK)
        e = tally_db_write(db, write_head, &signing);
    if (e == TALLY_OK)
        *head = signing.head;
    return e;
}

struct verifying {
    tally_audit_key *find_key;
    void *ctx;
    struct tally_audit_verdict *verdict;
};

static void condemn(struct tally_audit_verdict *verdict, int64_t number, const char *reason)
{
    if (verdict->bad == 0) {
        verdict->bad = number;
        verdict->reason = reason;
    }
}

static enum tally_error check_entry(struct tally_stmt *s, struct tally_audit_verdict *verdict)
{
    uint8_t hash[TALLY_DIGEST_SIZE], kept[TALLY_DIGEST_SIZE];
    struct tally_audit_entry entry = {.actor = tally_column_text(s, 2),
                                      .action = tally_column_text(s, 3),
                                      .subject = tally_column_text(s, 4),
                                      .at_ms = tally_column_int(s, 1)};
    entry.detail = tally_column_blob(s, 5, &entry.detail_size);
    int64_t expected = verdict->end.number + 1;
    if (tally_column_int(s, 0) != expected) {
        condemn(verdict, expected, "the entry is missing");
        return TALLY_OK;
    }
    bool fits = well_formed(entry.actor) && well_formed(entry.action) && well_formed(entry.subject) &&
                entry.detail_size <= TALLY_AUDIT_DETAIL_MAX;
    enum tally_error e = fits ? hash_entry(&verdict->end, &entry, hash) : TALLY_OK;
    if (e != TALLY_OK)
        return e;
    if (!fits || !tally_column_blob_copy(s, 6, kept, sizeof kept) || memcmp(kept, hash, sizeof hash) != 0) {
        condemn(verdict, expected, "the entry is not what was written");
        return TALLY_OK;
    }
    verdict->end.number = expected;
    memcpy(verdict->end.hash, hash, sizeof hash);
    verdict->entries++;
    return TALLY_OK;
}

/* A head must name the entry that is there, by a key that is known. */
static void check_head(struct tally_stmt *s, const struct verifying *verifying)
{
    struct tally_audit_verdict *verdict = verifying->verdict;
    struct tally_audit_head head = {.number = tally_column_int(s, 0)};
    uint8_t signature[TALLY_HTTPSIG_SIZE], kept[TALLY_DIGEST_SIZE];
    struct bytes b;
    if (tally_column_null(s, 5)) {
        condemn(verdict, head.number, "a signed entry is missing");
        return;
    }
    bool read = tally_column_blob_copy(s, 2, head.hash, sizeof head.hash) &&
                tally_column_blob_copy(s, 4, signature, sizeof signature) &&
                tally_column_blob_copy(s, 5, kept, sizeof kept);
    EVP_PKEY *key = verifying->find_key(verifying->ctx, tally_column_text(s, 3));
    size_t n = head_bytes(&head, tally_column_int(s, 1), &b);
    if (key == NULL)
        condemn(verdict, head.number, "the head's key is not known");
    else if (!read || tally_httpsig_verify(key, (const char *)b.data, n, signature) != TALLY_OK)
        condemn(verdict, head.number, "the head's signature is wrong");
    else if (memcmp(head.hash, kept, sizeof kept) != 0)
        condemn(verdict, head.number, "the entry is not the one that was signed");
    else
        verdict->heads++;
}

static enum tally_error verify_entries(struct tally_tx *tx, struct tally_audit_verdict *verdict)
{
    bool row = true;
    enum tally_error e = TALLY_OK;
    for (int64_t before = -1; e == TALLY_OK && verdict->bad == 0 && before != verdict->end.number;) {
        before = verdict->end.number;
        struct tally_stmt *s =
            tally_db_prepare(tx, "SELECT number, at, actor, action, subject, detail, hash FROM audit"
                                 " WHERE number > ? ORDER BY number LIMIT ?");
        tally_bind_int(s, 1, before);
        tally_bind_int(s, 2, PAGE);
        while (e == TALLY_OK && verdict->bad == 0 && (e = tally_step(s, &row)) == TALLY_OK && row)
            e = check_entry(s, verdict);
    }
    return e;
}

static enum tally_error verify(struct tally_tx *tx, void *arg)
{
    const struct verifying *verifying = arg;
    struct tally_audit_verdict *verdict = verifying->verdict;
    bool row = true;
    *verdict = (struct tally_audit_verdict){.reason = ""};
    enum tally_error e = verify_entries(tx, verdict);
    for (int64_t after = 0; e == TALLY_OK && verdict->bad == 0 && row;) {
        struct tally_stmt *s = tally_db_prepare(
            tx, "SELECT h.number, h.at, h.hash, h.keyid, h.signature, a.hash FROM audit_heads h"
                " LEFT JOIN audit a ON a.number = h.number WHERE h.number > ? ORDER BY h.number LIMIT 1");
        tally_bind_int(s, 1, after);
        e = tally_step(s, &row);
        if (e == TALLY_OK && row) {
            after = tally_column_int(s, 0);
            check_head(s, verifying);
        }
    }
    return e;
}

enum tally_error tally_audit_verify(struct tally_db *db, tally_audit_key *find_key, void *ctx,
                                    struct tally_audit_verdict *verdict)
{
    struct verifying verifying = {.find_key = find_key, .ctx = ctx, .verdict = verdict};
    *verdict = (struct tally_audit_verdict){.reason = ""};
    return tally_db_read(db, verify, &verifying);
}
