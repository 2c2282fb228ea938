#include "host/ticketing/authd_store.h"

#include <string.h>

#include "card/wire/be.h"

static const struct tally_db_migration migrations[] = {
    {1, "CREATE TABLE cards ("
        "  serial BLOB PRIMARY KEY CHECK (length(serial) = 8),"
        "  chip_id BLOB NOT NULL UNIQUE CHECK (length(chip_id) = 8),"
        "  kem_key BLOB NOT NULL UNIQUE CHECK (length(kem_key) = 64),"
        "  auth_key BLOB NOT NULL UNIQUE CHECK (length(auth_key) = 64),"
        "  rsa_modulus BLOB UNIQUE CHECK (length(rsa_modulus) = 256),"
        "  key_version INTEGER NOT NULL,"
        "  blocked INTEGER NOT NULL DEFAULT 0,"
        "  reason TEXT,"
        "  registered INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE card_operators ("
        "  serial BLOB NOT NULL REFERENCES cards,"
        "  operator INTEGER NOT NULL,"
        "  is_set INTEGER NOT NULL,"
        "  package_version INTEGER NOT NULL,"
        "  key6_low INTEGER NOT NULL,"
        "  key6_high INTEGER NOT NULL,"
        "  PRIMARY KEY (serial, operator)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE tickets ("
        "  id INTEGER PRIMARY KEY,"
        "  tid BLOB NOT NULL UNIQUE CHECK (length(tid) = 16),"
        "  serial BLOB NOT NULL,"
        "  operator INTEGER NOT NULL,"
        "  sequence INTEGER NOT NULL CHECK (sequence BETWEEN 1 AND 4294967295),"
        "  replaces INTEGER NOT NULL,"
        "  replaces_tid BLOB,"
        "  replaces_use_counter INTEGER,"
        "  suite INTEGER NOT NULL,"
        "  key_version INTEGER NOT NULL,"
        "  valid_to INTEGER NOT NULL,"
        "  blocked INTEGER NOT NULL DEFAULT 0,"
        "  reason TEXT,"
        "  digest BLOB NOT NULL,"
        "  ciphertext BLOB NOT NULL,"
        "  issued INTEGER NOT NULL,"
        "  UNIQUE (serial, operator, sequence)) STRICT;"
        "CREATE UNIQUE INDEX tickets_replaced ON tickets (replaces_tid, replaces_use_counter)"
        "  WHERE replaces_tid IS NOT NULL;"
        "CREATE TABLE receipts ("
        "  tid BLOB NOT NULL,"
        "  use_counter INTEGER NOT NULL,"
        "  card_transaction INTEGER NOT NULL,"
        "  usage BLOB NOT NULL CHECK (length(usage) = 40),"
        "  received INTEGER NOT NULL,"
        "  PRIMARY KEY (tid, use_counter, card_transaction)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE denials ("
        "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
        "  serial BLOB,"
        "  tid BLOB,"
        "  denied INTEGER NOT NULL,"
        "  reason TEXT NOT NULL,"
        "  at INTEGER NOT NULL) STRICT;"
        "CREATE TABLE deny_lists ("
        "  operator INTEGER NOT NULL,"
        "  version INTEGER NOT NULL,"
        "  change INTEGER NOT NULL,"
        "  issued INTEGER NOT NULL,"
        "  expires INTEGER NOT NULL,"
        "  PRIMARY KEY (operator, version)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX cards_blocked ON cards (serial) WHERE blocked = 1;"
        "CREATE INDEX tickets_blocked ON tickets (operator, valid_to) WHERE blocked = 1;"},
    {2, "ALTER TABLE card_operators ADD COLUMN card_epoch INTEGER NOT NULL DEFAULT 0;"},
    {0, NULL}};

const struct tally_db_schema authd_schema = {"authd", migrations};

enum tally_error authd_card_insert(struct tally_tx *tx, const struct authd_card *card, int64_t now)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "INSERT INTO cards (serial, chip_id, kem_key, auth_key, rsa_modulus,"
                             " key_version, registered) VALUES (?, ?, ?, ?, ?, ?, ?)");
    tally_bind_blob(s, 1, card->serial, SERIAL_SIZE);
    tally_bind_blob(s, 2, card->chip_id, CHIP_ID_SIZE);
    tally_bind_blob(s, 3, card->kem_key, P256_PUBLIC_SIZE);
    tally_bind_blob(s, 4, card->auth_key, P256_PUBLIC_SIZE);
    tally_bind_blob(s, 5, card->has_rsa ? card->rsa_modulus : NULL, RSA_SIZE);
    tally_bind_int(s, 6, card->key_version);
    tally_bind_int(s, 7, now);
    return tally_try(s);
}

enum tally_error authd_card_get(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                struct authd_card *card)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT chip_id, kem_key, auth_key, rsa_modulus, key_version, blocked,"
                             " reason FROM cards WHERE serial = ?");
    uint8_t wanted[SERIAL_SIZE]; /* serial may be a part of *card */
    memcpy(wanted, serial, SERIAL_SIZE);
    memset(card, 0, sizeof *card);
    tally_bind_blob(s, 1, wanted, SERIAL_SIZE);
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e;
    memcpy(card->serial, wanted, SERIAL_SIZE);
    tally_column_blob_copy(s, 0, card->chip_id, CHIP_ID_SIZE);
    tally_column_blob_copy(s, 1, card->kem_key, P256_PUBLIC_SIZE);
    tally_column_blob_copy(s, 2, card->auth_key, P256_PUBLIC_SIZE);
    card->has_rsa = !tally_column_null(s, 3);
    if (card->has_rsa)
        tally_column_blob_copy(s, 3, card->rsa_modulus, RSA_SIZE);
    card->key_version = (uint8_t)tally_column_int(s, 4);
    card->blocked = tally_column_int(s, 5) != 0;
    tally_column_text_copy(s, 6, card->reason, sizeof card->reason);
    return TALLY_OK;
}

/* Appends to the log of denials; exactly one of serial and tid is not NULL. */
static enum tally_error log_denial(struct tally_tx *tx, const uint8_t *serial, const uint8_t *tid,
                                   bool denied, const char *reason, int64_t now)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "INSERT INTO denials (serial, tid, denied, reason, at) VALUES (?, ?, ?, ?, ?)");
    tally_bind_blob(s, 1, serial, SERIAL_SIZE);
    tally_bind_blob(s, 2, tid, TID_SIZE);
    tally_bind_int(s, 3, denied);
    tally_bind_text(s, 4, reason);
    tally_bind_int(s, 5, now);
    return tally_run(s);
}

enum tally_error authd_card_block(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE], bool blocked,
                                  const char *reason, int64_t now)
{
    struct authd_card card;
    enum tally_error e = authd_card_get(tx, serial, &card);
    if (e != TALLY_OK || card.blocked == blocked)
        return e;
    struct tally_stmt *s = tally_db_prepare(tx, "UPDATE cards SET blocked = ?, reason = ? WHERE serial = ?");
    tally_bind_int(s, 1, blocked);
    tally_bind_text(s, 2, reason);
    tally_bind_blob(s, 3, serial, SERIAL_SIZE);
    e = tally_run(s);
    return e == TALLY_OK ? log_denial(tx, serial, NULL, blocked, reason, now) : e;
}

static void read_operator(struct tally_stmt *s, struct authd_card_operator *op)
{
    *op = (struct authd_card_operator){.operator_id = (uint16_t)tally_column_int(s, 0),
                                       .set = tally_column_int(s, 1) != 0,
                                       .package_version = (uint32_t)tally_column_int(s, 2),
                                       .key6_low = (uint8_t)tally_column_int(s, 3),
                                       .key6_high = (uint8_t)tally_column_int(s, 4),
                                       .card_epoch = (uint16_t)tally_column_int(s, 5)};
}

enum tally_error authd_card_operator_get(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                         uint16_t operator_id, struct authd_card_operator *op)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT operator, is_set, package_version, key6_low, key6_high, card_epoch"
                             " FROM card_operators WHERE serial = ? AND operator = ?");
    memset(op, 0, sizeof *op);
    tally_bind_blob(s, 1, serial, SERIAL_SIZE);
    tally_bind_int(s, 2, operator_id);
    enum tally_error e = tally_first(s);
    if (e == TALLY_OK)
        read_operator(s, op);
    return e;
}

enum tally_error authd_card_operator_put(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                         const struct authd_card_operator *op)
{
    struct tally_stmt *s = tally_db_prepare(
        tx, "INSERT INTO card_operators (serial, operator, is_set, package_version, key6_low, key6_high, "
            "card_epoch)"
            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (serial, operator) DO UPDATE SET is_set = ?3,"
            " package_version = ?4, key6_low = ?5, key6_high = ?6, card_epoch = ?7"
            " WHERE card_operators.package_version = ?4 - 1");
    tally_bind_blob(s, 1, serial, SERIAL_SIZE);
    tally_bind_int(s, 2, op->operator_id);
    tally_bind_int(s, 3, op->set);
    tally_bind_int(s, 4, op->package_version);
    tally_bind_int(s, 5, op->key6_low);
    tally_bind_int(s, 6, op->key6_high);
    tally_bind_int(s, 7, op->card_epoch);
    enum tally_error e = tally_run(s);
    return e == TALLY_OK && tally_changes(tx) == 0 ? TALLY_E_STATE : e;
}

enum tally_error authd_card_operators(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                      struct authd_card_operator *ops, size_t max, size_t *count)
{
    bool row = true;
    enum tally_error e = TALLY_OK;
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT operator, is_set, package_version, key6_low, key6_high, card_epoch"
                             " FROM card_operators WHERE serial = ? ORDER BY operator");
    *count = 0;
    tally_bind_blob(s, 1, serial, SERIAL_SIZE);
    while (*count < max && (e = tally_step(s, &row)) == TALLY_OK && row)
        read_operator(s, &ops[(*count)++]);
    return e;
}

enum tally_error authd_card_ticket_count(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                         int64_t *count)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT count(*) FROM tickets WHERE serial = ?");
    tally_bind_blob(s, 1, serial, SERIAL_SIZE);
    enum tally_error e = tally_first(s);
    *count = e == TALLY_OK ? tally_column_int(s, 0) : 0;
    return e;
}

enum tally_error authd_ticket_insert(struct tally_tx *tx, const struct authd_ticket *t, int64_t now)
{
    struct tally_stmt *s = tally_db_prepare(
        tx,
        "INSERT INTO tickets (tid, serial, operator, sequence, replaces, replaces_tid, replaces_use_counter,"
        " suite, key_version, valid_to, digest, ciphertext, issued) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
        "?, ?)");
    tally_bind_blob(s, 1, t->tid, TID_SIZE);
    tally_bind_blob(s, 2, t->serial, SERIAL_SIZE);
    tally_bind_int(s, 3, t->operator_id);
    tally_bind_int(s, 4, t->sequence);
    tally_bind_int(s, 5, t->replaces);
    tally_bind_blob(s, 6, t->replaces_any ? t->replaces_tid : NULL, TID_SIZE);
    tally_bind_int(s, 7, t->replaces_use_counter);
    tally_bind_int(s, 8, t->suite);
    tally_bind_int(s, 9, t->key_version);
    tally_bind_int(s, 10, t->valid_to);
    tally_bind_blob(s, 11, t->digest, sizeof t->digest);
    tally_bind_blob(s, 12, t->ciphertext, t->ciphertext_size);
    tally_bind_int(s, 13, now);
    return tally_try(s);
}

static void read_ticket(struct tally_stmt *s, struct authd_ticket *t)
{
    size_t n;
    tally_column_blob_copy(s, 0, t->serial, SERIAL_SIZE);
    t->operator_id = (uint16_t)tally_column_int(s, 1);
    t->sequence = (uint32_t)tally_column_int(s, 2);
    t->replaces = (uint32_t)tally_column_int(s, 3);
    t->replaces_any = !tally_column_null(s, 4);
    if (t->replaces_any)
        tally_column_blob_copy(s, 4, t->replaces_tid, TID_SIZE);
    t->replaces_use_counter = (uint16_t)tally_column_int(s, 5);
    t->suite = (uint8_t)tally_column_int(s, 6);
    t->key_version = (uint8_t)tally_column_int(s, 7);
    t->valid_to = (uint32_t)tally_column_int(s, 8);
    t->blocked = tally_column_int(s, 9) != 0;
    tally_column_blob_copy(s, 10, t->digest, sizeof t->digest);
    const void *ciphertext = tally_column_blob(s, 11, &n);
    if (n <= sizeof t->ciphertext) {
        memcpy(t->ciphertext, ciphertext, n);
        t->ciphertext_size = n;
    }
}

enum tally_error authd_ticket_get(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                  struct authd_ticket *ticket)
{
    struct tally_stmt *s = tally_db_prepare(
        tx,
        "SELECT serial, operator, sequence, replaces, replaces_tid, replaces_use_counter, suite, key_version,"
        " valid_to, blocked, digest, ciphertext FROM tickets WHERE tid = ?");
    uint8_t wanted[TID_SIZE]; /* tid may be a part of *ticket */
    memcpy(wanted, tid, TID_SIZE);
    memset(ticket, 0, sizeof *ticket);
    tally_bind_blob(s, 1, wanted, TID_SIZE);
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e;
    memcpy(ticket->tid, wanted, TID_SIZE);
    read_ticket(s, ticket);
    return TALLY_OK;
}

enum tally_error authd_ticket_highest(struct tally_tx *tx, const uint8_t serial[SERIAL_SIZE],
                                      uint16_t operator_id, uint32_t *sequence)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT max(sequence) FROM tickets WHERE serial = ? AND operator = ?");
    tally_bind_blob(s, 1, serial, SERIAL_SIZE);
    tally_bind_int(s, 2, operator_id);
    enum tally_error e = tally_first(s);
    *sequence = e == TALLY_OK ? (uint32_t)tally_column_int(s, 0) : 0;
    return e;
}

enum tally_error authd_ticket_replaced(struct tally_tx *tx, const struct authd_ticket *ticket, bool *taken)
{
    struct tally_stmt *s = tally_db_prepare(
        tx, "SELECT 1 FROM tickets WHERE replaces_tid = ? AND replaces_use_counter = ? AND tid <> ?");
    *taken = false;
    tally_bind_blob(s, 1, ticket->replaces_tid, TID_SIZE);
    tally_bind_int(s, 2, ticket->replaces_use_counter);
    tally_bind_blob(s, 3, ticket->tid, TID_SIZE);
    return tally_step(s, taken);
}

enum tally_error authd_ticket_block(struct tally_tx *tx, const uint8_t tid[TID_SIZE], bool blocked,
                                    const char *reason, int64_t now)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT blocked FROM tickets WHERE tid = ?");
    tally_bind_blob(s, 1, tid, TID_SIZE);
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK || (tally_column_int(s, 0) != 0) == blocked)
        return e;
    s = tally_db_prepare(tx, "UPDATE tickets SET blocked = ?, reason = ? WHERE tid = ?");
    tally_bind_int(s, 1, blocked);
    tally_bind_text(s, 2, reason);
    tally_bind_blob(s, 3, tid, TID_SIZE);
    e = tally_run(s);
    return e == TALLY_OK ? log_denial(tx, NULL, tid, blocked, reason, now) : e;
}

enum tally_error authd_receipt_put(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                   const uint8_t usage[USAGE_SIZE], int64_t now)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "INSERT INTO receipts (tid, use_counter, card_transaction, usage, received)"
                             " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    tally_bind_blob(s, 1, tid, TID_SIZE);
    tally_bind_int(s, 2, be16_get(usage + 24));
    tally_bind_int(s, 3, be32_get(usage + 28));
    tally_bind_blob(s, 4, usage, USAGE_SIZE);
    tally_bind_int(s, 5, now);
    return tally_run(s);
}

enum tally_error authd_receipt_highest(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                       uint16_t *use_counter)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT max(use_counter) FROM receipts WHERE tid = ?");
    tally_bind_blob(s, 1, tid, TID_SIZE);
    enum tally_error e = tally_first(s);
    *use_counter = e == TALLY_OK ? (uint16_t)tally_column_int(s, 0) : 0;
    return e;
}
