#include "host/ticketing/ticketd_store.h"

#include <string.h>

#include "card/wire/be.h"

/* States 0 to 3 and 5 hold a seat (ticket_state.h): `holds` says so for the unique index that makes it
 * impossible to sell a seat twice, whatever the code above does. */
static const struct tally_db_migration migrations[] = {
    {1, "CREATE TABLE products ("
        "  operator INTEGER NOT NULL,"
        "  id INTEGER NOT NULL,"
        "  name TEXT NOT NULL,"
        "  profile INTEGER NOT NULL,"
        "  price INTEGER NOT NULL,"
        "  currency INTEGER NOT NULL,"
        "  max_entries INTEGER NOT NULL,"
        "  max_temporary_exits INTEGER NOT NULL,"
        "  exchangeable INTEGER NOT NULL,"
        "  refundable INTEGER NOT NULL,"
        "  holder_required INTEGER NOT NULL,"
        "  zone_map INTEGER NOT NULL,"
        "  PRIMARY KEY (operator, id)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE services ("
        "  operator INTEGER NOT NULL,"
        "  name BLOB NOT NULL CHECK (length(name) = 8),"
        "  date INTEGER NOT NULL,"
        "  minute INTEGER NOT NULL,"
        "  from_place INTEGER NOT NULL,"
        "  to_place INTEGER NOT NULL,"
        "  coaches INTEGER NOT NULL,"
        "  seats_per_coach INTEGER NOT NULL,"
        "  next_seat INTEGER NOT NULL CHECK (next_seat <= coaches * seats_per_coach),"
        "  PRIMARY KEY (operator, date, name)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE freed_seats ("
        "  operator INTEGER NOT NULL,"
        "  name BLOB NOT NULL,"
        "  date INTEGER NOT NULL,"
        "  seat INTEGER NOT NULL,"
        "  PRIMARY KEY (operator, name, date, seat)) STRICT, WITHOUT ROWID;"
        "CREATE TABLE orders ("
        "  id BLOB PRIMARY KEY CHECK (length(id) = 16),"
        "  party TEXT NOT NULL,"
        "  currency INTEGER NOT NULL,"
        "  total INTEGER NOT NULL,"
        "  created INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE TABLE tickets ("
        "  id INTEGER PRIMARY KEY,"
        "  tid BLOB NOT NULL UNIQUE CHECK (length(tid) = 16),"
        "  order_id BLOB NOT NULL REFERENCES orders,"
        "  state INTEGER NOT NULL,"
        "  face BLOB NOT NULL CHECK (length(face) = 115),"
        "  operator INTEGER NOT NULL,"
        "  service BLOB NOT NULL,"
        "  date INTEGER NOT NULL,"
        "  seat INTEGER,"
        "  holds INTEGER NOT NULL,"
        "  replaces_tid BLOB,"
        "  usage BLOB,"
        "  request BLOB,"
        "  amount INTEGER NOT NULL,"
        "  attempts INTEGER NOT NULL,"
        "  next_attempt INTEGER NOT NULL,"
        "  block_pending INTEGER NOT NULL,"
        "  problem TEXT NOT NULL) STRICT;"
        "CREATE UNIQUE INDEX tickets_seat ON tickets (operator, service, date, seat) WHERE holds = 1;"
        "CREATE UNIQUE INDEX tickets_replacement ON tickets (replaces_tid)"
        "  WHERE replaces_tid IS NOT NULL AND state <> 7;"
        "CREATE INDEX tickets_order ON tickets (order_id);"
        "CREATE INDEX tickets_due ON tickets (next_attempt) WHERE state = 0 OR block_pending = 1;"
        "CREATE TABLE journal ("
        "  tid BLOB NOT NULL,"
        "  card_transaction INTEGER NOT NULL,"
        "  usage BLOB NOT NULL CHECK (length(usage) = 40),"
        "  serial BLOB NOT NULL,"
        "  operator INTEGER NOT NULL,"
        "  gate INTEGER NOT NULL,"
        "  validity INTEGER NOT NULL,"
        "  received INTEGER NOT NULL,"
        "  PRIMARY KEY (tid, card_transaction, usage)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX journal_unchecked ON journal (received) WHERE validity = 0;"},
    {0, NULL}};

const struct tally_db_schema ticketd_schema = {"ticketd", migrations};

_Static_assert(TICKET_ORDERED == 0 && TICKET_CANCELLED == 7, "the schema names these states");

enum tally_error ticketd_order_insert(struct tally_tx *tx, const struct ticketd_order *order,
                                      const char *party)
{
    struct tally_stmt *s = tally_db_prepare(
        tx, "INSERT INTO orders (id, party, currency, total, created) VALUES (?, ?, ?, ?, ?)");
    tally_bind_blob(s, 1, order->id, TICKETD_ORDER_ID);
    tally_bind_text(s, 2, party);
    tally_bind_int(s, 3, order->currency);
    tally_bind_int(s, 4, order->total);
    tally_bind_int(s, 5, order->created);
    return tally_run(s);
}

enum tally_error ticketd_order_get(struct tally_tx *tx, const uint8_t id[TICKETD_ORDER_ID],
                                   struct ticketd_order *order)
{
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT currency, total, created FROM orders WHERE id = ?");
    memset(order, 0, sizeof *order);
    tally_bind_blob(s, 1, id, TICKETD_ORDER_ID);
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e;
    memcpy(order->id, id, TICKETD_ORDER_ID);
    order->currency = (uint16_t)tally_column_int(s, 0);
    order->total = tally_column_int(s, 1);
    order->created = tally_column_int(s, 2);
    return TALLY_OK;
}

/* The face is kept as its 115 bytes; those of an unfinished face do not decode, so the store has its own way
 * back: sequence and suite are put in place of the zeroes for decoding alone. */
static void face_to_row(const struct ticket_face *face, uint8_t row[FACE_SIZE])
{
    struct ticket_face filled = *face;
    filled.sequence = UINT32_MAX;
    filled.suite = SUITE_P256;
    if (face->profile == PROFILE_VOID)
        filled.replaces = 1;
    face_encode(&filled, row);
}

static bool face_from_row(const uint8_t row[FACE_SIZE], struct ticket_face *face)
{
    bool good = face_decode(row, face);
    face->sequence = 0;
    face->suite = 0;
    face->replaces = 0;
    return good;
}

enum tally_error ticketd_ticket_insert(struct tally_tx *tx, const struct ticketd_ticket *t)
{
    uint8_t face[FACE_SIZE];
    struct tally_stmt *s = tally_db_prepare(
        tx,
        "INSERT INTO tickets (tid, order_id, state, face, operator, service, date, seat, holds, replaces_tid,"
        " usage, request, amount, attempts, next_attempt, block_pending, problem)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    face_to_row(&t->face, face);
    tally_bind_blob(s, 1, t->tid, TID_SIZE);
    tally_bind_blob(s, 2, t->order, TICKETD_ORDER_ID);
    tally_bind_int(s, 3, t->state);
    tally_bind_blob(s, 4, face, FACE_SIZE);
    tally_bind_int(s, 5, t->face.operator_id);
    tally_bind_blob(s, 6, t->face.service, SERVICE_SIZE);
    tally_bind_int(s, 7, t->face.service_date);
    if (t->has_seat)
        tally_bind_int(s, 8, t->seat);
    tally_bind_int(s, 9, t->has_seat && tally_ticket_holds_seat(t->state));
    tally_bind_blob(s, 10, t->replaces ? t->replaces_tid : NULL, TID_SIZE);
    tally_bind_blob(s, 11, t->replaces ? t->usage : NULL, USAGE_SIZE);
    tally_bind_blob(s, 12, t->replaces ? t->request : NULL, TICKETD_DIGEST);
    tally_bind_int(s, 13, t->amount);
    tally_bind_int(s, 14, t->attempts);
    tally_bind_int(s, 15, t->next_attempt_ms);
    tally_bind_int(s, 16, t->block_pending);
    tally_bind_text(s, 17, t->problem);
    return tally_run(s);
}

#define TICKET_COLUMNS                                                                                       \
    "tid, order_id, state, face, seat, replaces_tid, usage, request, amount, attempts, next_attempt,"        \
    " block_pending, problem"

static enum tally_error read_ticket(struct tally_stmt *s, struct ticketd_ticket *t)
{
    uint8_t face[FACE_SIZE];
    memset(t, 0, sizeof *t);
    bool good = tally_column_blob_copy(s, 0, t->tid, TID_SIZE) &&
                tally_column_blob_copy(s, 1, t->order, TICKETD_ORDER_ID) &&
                tally_column_blob_copy(s, 3, face, FACE_SIZE) && face_from_row(face, &t->face);
    t->state = (enum tally_ticket_state)tally_column_int(s, 2);
    t->has_seat = !tally_column_null(s, 4);
    t->seat = (uint32_t)tally_column_int(s, 4);
    t->replaces = !tally_column_null(s, 5);
    if (t->replaces)
        good = good && tally_column_blob_copy(s, 5, t->replaces_tid, TID_SIZE) &&
               tally_column_blob_copy(s, 6, t->usage, USAGE_SIZE) &&
               tally_column_blob_copy(s, 7, t->request, TICKETD_DIGEST);
    t->amount = tally_column_int(s, 8);
    t->attempts = (uint32_t)tally_column_int(s, 9);
    t->next_attempt_ms = tally_column_int(s, 10);
    t->block_pending = tally_column_int(s, 11) != 0;
    tally_column_text_copy(s, 12, t->problem, sizeof t->problem);
    return good ? TALLY_OK : TALLY_E_IO;
}

static enum tally_error first_ticket(struct tally_stmt *s, const uint8_t tid[TID_SIZE],
                                     struct ticketd_ticket *t)
{
    tally_bind_blob(s, 1, tid, TID_SIZE);
    enum tally_error e = tally_first(s);
    if (e == TALLY_OK)
        e = read_ticket(s, t);
    if (e != TALLY_OK)
        memset(t, 0, sizeof *t);
    return e;
}

enum tally_error ticketd_ticket_get(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                    struct ticketd_ticket *t)
{
    return first_ticket(tally_db_prepare(tx, "SELECT " TICKET_COLUMNS " FROM tickets WHERE tid = ?"), tid, t);
}

enum tally_error ticketd_ticket_replacement(struct tally_tx *tx, const uint8_t tid[TID_SIZE],
                                            struct ticketd_ticket *t)
{
    return first_ticket(
        tally_db_prepare(tx, "SELECT " TICKET_COLUMNS " FROM tickets WHERE replaces_tid = ? AND state <> 7"),
        tid, t);
}

enum tally_error ticketd_ticket_update(struct tally_tx *tx, const struct ticketd_ticket *t)
{
    bool holds = t->has_seat && tally_ticket_holds_seat(t->state);
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT holds FROM tickets WHERE tid = ?");
    tally_bind_blob(s, 1, t->tid, TID_SIZE);
    enum tally_error e = tally_first(s);
    if (e != TALLY_OK)
        return e;
    bool held = tally_column_int(s, 0) != 0;
    s = tally_db_prepare(tx, "UPDATE tickets SET state = ?, holds = ?, attempts = ?, next_attempt = ?,"
                             " block_pending = ?, problem = ? WHERE tid = ?");
    tally_bind_int(s, 1, t->state);
    tally_bind_int(s, 2, holds);
    tally_bind_int(s, 3, t->attempts);
    tally_bind_int(s, 4, t->next_attempt_ms);
    tally_bind_int(s, 5, t->block_pending);
    tally_bind_text(s, 6, t->problem);
    tally_bind_blob(s, 7, t->tid, TID_SIZE);
    e = tally_run(s);
    if (e == TALLY_OK && held && !holds)
        e = ticketd_seat_free(tx, t->face.operator_id, t->face.service, t->face.service_date, t->seat);
    return e;
}

enum tally_error ticketd_order_tickets(struct tally_tx *tx, const uint8_t id[TICKETD_ORDER_ID],
                                       ticketd_visit_ticket *visit, void *ctx)
{
    struct ticketd_ticket ticket;
    bool row = false;
    enum tally_error e;
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT " TICKET_COLUMNS " FROM tickets WHERE order_id = ? ORDER BY id");
    tally_bind_blob(s, 1, id, TICKETD_ORDER_ID);
    while ((e = tally_step(s, &row)) == TALLY_OK && row) {
        e = read_ticket(s, &ticket);
        if (e == TALLY_OK)
            e = visit(ctx, &ticket);
        if (e != TALLY_OK)
            return e;
    }
    return e;
}

enum tally_error ticketd_tickets_due(struct tally_tx *tx, int64_t now_ms, size_t max,
                                     uint8_t (*tids)[TID_SIZE], size_t *count)
{
    bool row = true;
    enum tally_error e = TALLY_OK;
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT tid FROM tickets WHERE (state = 0 OR block_pending = 1) AND"
                             " next_attempt <= ? ORDER BY next_attempt");
    *count = 0;
    tally_bind_int(s, 1, now_ms);
    while (*count < max && (e = tally_step(s, &row)) == TALLY_OK && row)
        tally_column_blob_copy(s, 0, tids[(*count)++], TID_SIZE);
    return e;
}

enum tally_error ticketd_next_due(struct tally_tx *tx, int64_t *at_ms)
{
    struct tally_stmt *s =
        tally_db_prepare(tx, "SELECT min(next_attempt) FROM tickets WHERE state = 0 OR block_pending = 1");
    enum tally_error e = tally_first(s);
    *at_ms = e == TALLY_OK && !tally_column_null(s, 0) ? tally_column_int(s, 0) : INT64_MAX;
    return e;
}

enum tally_error ticketd_journal_insert(struct tally_tx *tx, const struct ticketd_journal_entry *entry,
                                        int64_t now)
{
    struct tally_stmt *s = tally_db_prepare(
        tx, "INSERT INTO journal (tid, card_transaction, usage, serial, operator, gate, validity,"
            " received) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    tally_bind_blob(s, 1, entry->tid, TID_SIZE);
    tally_bind_int(s, 2, be32_get(entry->usage + 28));
    tally_bind_blob(s, 3, entry->usage, USAGE_SIZE);
    tally_bind_blob(s, 4, entry->serial, SERIAL_SIZE);
    tally_bind_int(s, 5, entry->operator_id);
    tally_bind_int(s, 6, entry->gate);
    tally_bind_int(s, 7, entry->validity);
    tally_bind_int(s, 8, now);
    return tally_try(s);
}

enum tally_error ticketd_journal_unchecked(struct tally_tx *tx, size_t max,
                                           struct ticketd_journal_entry *entries, size_t *count)
{
    bool row = true;
    enum tally_error e = TALLY_OK;
    struct tally_stmt *s = tally_db_prepare(tx, "SELECT tid, usage, serial, operator, gate FROM journal"
                                                " WHERE validity = 0 ORDER BY received");
    *count = 0;
    while (*count < max && (e = tally_step(s, &row)) == TALLY_OK && row) {
        struct ticketd_journal_entry *entry = &entries[(*count)++];
        *entry = (struct ticketd_journal_entry){.operator_id = (uint16_t)tally_column_int(s, 3),
                                                .gate = (uint32_t)tally_column_int(s, 4)};
        tally_column_blob_copy(s, 0, entry->tid, TID_SIZE);
        tally_column_blob_copy(s, 1, entry->usage, USAGE_SIZE);
        tally_column_blob_copy(s, 2, entry->serial, SERIAL_SIZE);
    }
    return e;
}

enum tally_error ticketd_journal_set(struct tally_tx *tx, const struct ticketd_journal_entry *entry)
{
    struct tally_stmt *s = tally_db_prepare(
        tx, "UPDATE journal SET validity = ? WHERE tid = ? AND card_transaction = ? AND usage = ?");
    tally_bind_int(s, 1, entry->validity);
    tally_bind_blob(s, 2, entry->tid, TID_SIZE);
    tally_bind_int(s, 3, be32_get(entry->usage + 28));
    tally_bind_blob(s, 4, entry->usage, USAGE_SIZE);
    return tally_run(s);
}
