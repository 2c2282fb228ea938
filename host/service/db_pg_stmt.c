/* PostgreSQL: statements. Prepared when they run first, when the types of their parameters are known; values
 * and results travel in binary. */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/service/db_dialect.h"
#include "host/service/db_pg.h"

/* Types by their numbers in pg_type.h, which are fixed. */
enum { TYPE_NONE = 0, TYPE_BOOL = 16, TYPE_BYTEA = 17, TYPE_INT8 = 20, TYPE_INT2 = 21, TYPE_INT4 = 23 };
enum { TYPE_TEXT = 25, TYPE_NUMERIC = 1700 };

struct value {
    char *data; /* malloc'd; kept for the next binding */
    size_t size, length;
    bool null;
    Oid type;
};

struct statement {
    char *sql;
    int parameters;
    struct value values[TALLY_DB_PARAMETERS_MAX];
    Oid prepared[TALLY_DB_PARAMETERS_MAX]; /* types it was prepared with */
    char name[16];
    unsigned generation; /* of the connection that knows the name; 0: none */
    PGresult *result;
    int row; /* the current one; -1 before the first */
};

enum tally_error pg_prepare(struct tally_stmt *stmt)
{
    struct statement *s = calloc(1, sizeof *s);
    if (s == NULL)
        return TALLY_E_MEMORY;
    s->sql = db_dialect_translate(stmt->sql, false, &s->parameters);
    if (s->sql == NULL || s->parameters < 0 || s->parameters > TALLY_DB_PARAMETERS_MAX) {
        enum tally_error e = s->sql == NULL ? TALLY_E_MEMORY : TALLY_E_BUG;
        free(s->sql);
        free(s);
        return e;
    }
    for (int i = 0; i < s->parameters; i++)
        s->values[i].null = true;
    stmt->own = s;
    return TALLY_OK;
}

void pg_reset(struct tally_stmt *stmt, bool clear)
{
    struct statement *s = stmt->own;
    PQclear(s->result);
    s->result = NULL;
    for (int i = 0; clear && i < s->parameters; i++)
        s->values[i].null = true;
}

void pg_finalise(struct tally_stmt *stmt)
{
    struct statement *s = stmt->own;
    PQclear(s->result);
    for (int i = 0; i < s->parameters; i++)
        free(s->values[i].data);
    free(s->sql);
    free(s);
}

static enum tally_error set(struct tally_stmt *stmt, int at, Oid type, const void *bytes, size_t n)
{
    struct statement *s = stmt->own;
    if (at < 1 || at > s->parameters) {
        tally_log(TALLY_LOG_ERROR, "db", NULL, "no such parameter", TALLY_INT("number", at),
                  TALLY_STR("sql", stmt->sql));
        return TALLY_E_IO;
    }
    struct value *value = &s->values[at - 1];
    if (n + 1 > value->size) {
        char *data = realloc(value->data, n + 1);
        if (data == NULL)
            return TALLY_E_MEMORY;
        value->data = data;
        value->size = n + 1;
    }
    if (n > 0)
        memcpy(value->data, bytes, n);
    value->length = n;
    value->type = type;
    value->null = bytes == NULL;
    return TALLY_OK;
}

enum tally_error pg_bind_int(struct tally_stmt *stmt, int at, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    return set(stmt, at, TYPE_INT8, &wire, sizeof wire);
}

enum tally_error pg_bind_text(struct tally_stmt *stmt, int at, const char *text)
{
    return set(stmt, at, TYPE_TEXT, text, text != NULL ? strlen(text) : 0);
}

enum tally_error pg_bind_blob(struct tally_stmt *stmt, int at, const void *bytes, size_t n)
{
    return set(stmt, at, TYPE_BYTEA, bytes, bytes != NULL ? n : 0);
}

/* A parameter keeps its type over a binding that leaves it out. */
static bool is_prepared(const struct statement *s, const struct pg_connection *c)
{
    if (s->generation != c->generation)
        return false;
    for (int i = 0; i < s->parameters; i++)
        if (s->values[i].type != s->prepared[i])
            return false;
    return true;
}

static bool send_prepare(struct statement *s, struct pg_connection *c)
{
    for (int i = 0; i < s->parameters; i++)
        s->prepared[i] = s->values[i].type;
    snprintf(s->name, sizeof s->name, "s%u", ++c->next_name);
    return PQsendPrepare(c->handle, s->name, s->sql, s->parameters, s->prepared) == 1;
}

static bool send_execute(const struct statement *s, struct pg_connection *c)
{
    const char *values[TALLY_DB_PARAMETERS_MAX];
    int lengths[TALLY_DB_PARAMETERS_MAX], formats[TALLY_DB_PARAMETERS_MAX];
    for (int i = 0; i < s->parameters; i++) {
        values[i] = s->values[i].null ? NULL : s->values[i].data;
        lengths[i] = (int)s->values[i].length;
        formats[i] = 1;
    }
    return PQsendQueryPrepared(c->handle, s->name, s->parameters, values, lengths, formats, 1) == 1;
}

/* Sends what is queued, the preparation when it is needed, and the statement, whose result is not expected
 * yet. */
static enum tally_error send(struct tally_stmt *stmt)
{
    struct tally_tx *tx = stmt->tx;
    struct pg_connection *c = pg_of(tx);
    struct statement *s = stmt->own;
    enum tally_error e = pg_send_queue(tx);
    if (e != TALLY_OK)
        return e;
    if (!is_prepared(s, c)) {
        if (!send_prepare(s, c))
            return pg_lost(tx, stmt->sql);
        s->generation = c->generation;
        pg_expect(tx, stmt->sql, stmt, false);
    }
    return send_execute(s, c) ? TALLY_OK : pg_lost(tx, stmt->sql);
}

void pg_forget_statement(struct tally_stmt *stmt)
{
    struct statement *s = stmt->own;
    s->generation = 0;
}

/* The statement's own result, after those of what went before it. */
static enum tally_error read_result(struct tally_stmt *stmt)
{
    struct statement *s = stmt->own;
    struct pg_connection *c = pg_of(stmt->tx);
    PGresult *result = pg_result(stmt->tx);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        enum tally_error e = pg_error(stmt->tx, result, stmt->sql);
        PQclear(result);
        return e;
    }
    s->result = result;
    s->row = -1;
    c->changes = atoll(PQcmdTuples(result));
    c->wrote = c->wrote || strncmp(PQcmdStatus(result), "SELECT", 6) != 0;
    return TALLY_OK;
}

/* Everything in one flight: what is queued, the preparation when it is needed, the statement, and `after`. */
static enum tally_error run(struct tally_stmt *stmt, const char *after)
{
    struct tally_tx *tx = stmt->tx;
    enum tally_error e = send(stmt);
    if (e != TALLY_OK)
        return e;
    if (after != NULL && PQsendQueryParams(pg_of(tx)->handle, after, 0, NULL, NULL, NULL, NULL, 1) != 1)
        return pg_lost(tx, stmt->sql);
    e = pg_read_expected(tx);
    enum tally_error own = e == TALLY_E_SERVER ? e : read_result(stmt);
    if (after != NULL && own != TALLY_E_SERVER)
        PQclear(pg_result(tx));
    enum tally_error synced = pg_read_sync(tx);
    if (e == TALLY_OK)
        e = own;
    return e == TALLY_OK ? synced : e;
}

enum tally_error pg_post(struct tally_stmt *stmt, bool *row)
{
    struct pg_connection *c = pg_of(stmt->tx);
    *row = false;
    if (stmt->tx->careful || stmt->tx->kind == DB_READ)
        return pg_step(stmt, row);
    enum tally_error e = send(stmt);
    if (e != TALLY_OK)
        return e;
    pg_expect(stmt->tx, stmt->sql, NULL, false);
    c->wrote = true;
    return c->expected_count + 2 * PG_QUEUE_MAX < PG_EXPECTED_MAX ? TALLY_OK : pg_flush(stmt->tx);
}

static enum tally_error next_row(const struct tally_stmt *stmt, bool *row)
{
    struct statement *s = stmt->own;
    *row = ++s->row < PQntuples(s->result);
    return TALLY_OK;
}

enum tally_error pg_step(struct tally_stmt *stmt, bool *row)
{
    const struct statement *s = stmt->own;
    *row = false;
    enum tally_error e = s->result == NULL ? run(stmt, NULL) : TALLY_OK;
    return e == TALLY_OK ? next_row(stmt, row) : e;
}

enum tally_error pg_try(struct tally_stmt *stmt, bool *row)
{
    *row = false;
    pg_queue(stmt->tx, "SAVEPOINT attempt");
    enum tally_error e = run(stmt, "RELEASE attempt");
    if (e == TALLY_E_EXISTS) {
        pg_queue(stmt->tx, "ROLLBACK TO attempt");
        pg_queue(stmt->tx, "RELEASE attempt");
    }
    return e == TALLY_OK ? next_row(stmt, row) : e;
}

static const uint8_t *field(struct tally_stmt *stmt, int at, Oid *type, size_t *n)
{
    const struct statement *s = stmt->own;
    *type = TYPE_NONE;
    *n = 0;
    if (s->result == NULL || s->row < 0 || s->row >= PQntuples(s->result) || at >= PQnfields(s->result) ||
        PQgetisnull(s->result, s->row, at))
        return NULL;
    *type = PQftype(s->result, at);
    *n = (size_t)PQgetlength(s->result, s->row, at);
    return (const uint8_t *)PQgetvalue(s->result, s->row, at);
}

static uint64_t big_endian(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* A whole number as NUMERIC, which sum() gives: count, weight, sign, scale, then digits to the base of 10,000
 * (numeric_send). */
static int64_t numeric(const uint8_t *bytes, size_t n)
{
    if (n < 8)
        return 0;
    size_t digits = (size_t)big_endian(bytes, 2);
    int64_t weight = (int16_t)big_endian(bytes + 2, 2), value = 0;
    bool negative = big_endian(bytes + 4, 2) == 0x4000;
    if (weight > 4 || n < 8 + 2 * digits)
        return 0;
    for (int64_t i = 0; i <= weight; i++) {
        int64_t digit = (size_t)i < digits ? (int64_t)big_endian(bytes + 8 + 2 * i, 2) : 0;
        if (__builtin_mul_overflow(value, 10000, &value) || __builtin_sub_overflow(value, digit, &value))
            return 0;
    }
    return negative ? value : -value;
}

int64_t pg_column_int(struct tally_stmt *stmt, int at)
{
    Oid type;
    size_t n;
    const uint8_t *bytes = field(stmt, at, &type, &n);
    if (bytes == NULL)
        return 0;
    switch (type) {
    case TYPE_INT8: return (int64_t)big_endian(bytes, 8);
    case TYPE_INT4: return (int32_t)big_endian(bytes, 4);
    case TYPE_INT2: return (int16_t)big_endian(bytes, 2);
    case TYPE_BOOL: return bytes[0];
    case TYPE_NUMERIC: return numeric(bytes, n);
    default: return 0;
    }
}

bool pg_column_null(struct tally_stmt *stmt, int at)
{
    Oid type;
    size_t n;
    return field(stmt, at, &type, &n) == NULL;
}

/* libpq puts a NUL after every value. */
const char *pg_column_text(struct tally_stmt *stmt, int at)
{
    Oid type;
    size_t n;
    return (const char *)field(stmt, at, &type, &n);
}

const void *pg_column_blob(struct tally_stmt *stmt, int at, size_t *n)
{
    Oid type;
    return field(stmt, at, &type, n);
}
