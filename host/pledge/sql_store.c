#include "host/pledge/sql_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/text.h"
#include "host/pledge/wire.h"
#include "host/service/outbox.h"

enum { KEYS_MAX = 4, TABLES_MAX = 12, TEXT_MAX = 4096, SCHEMA_MAX = 16384 };

struct statements {
    const struct pledge_table *table;
    char *get, *insert, *update, *due;
    char *list[KEYS_MAX][2]; /* by how many key fields are given; from the first, or after a row */
};

struct pledge_sql {
    struct statements tables[TABLES_MAX];
    size_t count;
    char component[32];
    char *schema;
    struct tally_db_migration migrations[2];
};

static void columns(struct tally_text *text, const struct pledge_field *fields, size_t from, size_t to,
                    const char *between, const char *after)
{
    for (size_t i = from; i < to && fields[i].name != NULL; i++) {
        if (i > from)
            tally_text_string(text, between);
        tally_text_string(text, "c_");
        tally_text_string(text, fields[i].name);
        tally_text_string(text, after);
    }
}

static size_t field_count(const struct pledge_table *table)
{
    size_t n = 0;
    while (table->fields[n].name != NULL)
        n++;
    return n;
}

static void marks(struct tally_text *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        tally_text_string(text, i == 0 ? "?" : ", ?");
}

/* Ends a statement: its text, or NULL when it did not fit or memory is out. */
static char *finish(const struct tally_text *text)
{
    return text->overflowed ? NULL : strdup(text->data);
}

static void begin(struct tally_text *text, char *data, const char *head, const struct pledge_table *table)
{
    tally_text_init(text, data, TEXT_MAX);
    tally_text_string(text, head);
    tally_text_string(text, "p_");
    tally_text_string(text, table->name);
}

static void select_all(struct tally_text *text, char *data, const struct pledge_table *table)
{
    tally_text_init(text, data, TEXT_MAX);
    tally_text_string(text, "SELECT ");
    columns(text, table->fields, 0, SIZE_MAX, ", ", "");
    tally_text_string(text, " FROM p_");
    tally_text_string(text, table->name);
}

static char *list_sql(const struct pledge_table *table, size_t keys, bool after)
{
    char data[TEXT_MAX];
    struct tally_text text;
    select_all(&text, data, table);
    if (keys > 0 || after)
        tally_text_string(&text, " WHERE ");
    columns(&text, table->fields, 0, keys, " AND ", " = ?");
    if (after) {
        tally_text_string(&text, keys > 0 ? " AND (" : "(");
        columns(&text, table->fields, 0, table->key_count, ", ", "");
        tally_text_string(&text, ") > (");
        marks(&text, table->key_count);
        tally_text_string(&text, ")");
    }
    tally_text_string(&text, " ORDER BY ");
    columns(&text, table->fields, 0, table->key_count, ", ", "");
    tally_text_string(&text, " LIMIT ?");
    return finish(&text);
}

static bool make(struct statements *s, const struct pledge_table *table)
{
    char data[TEXT_MAX];
    struct tally_text text;
    size_t n = field_count(table);
    s->table = table;
    select_all(&text, data, table);
    tally_text_string(&text, " WHERE ");
    columns(&text, table->fields, 0, table->key_count, " AND ", " = ?");
    s->get = finish(&text);
    begin(&text, data, "INSERT INTO ", table);
    tally_text_string(&text, " (");
    columns(&text, table->fields, 0, n, ", ", "");
    tally_text_string(&text, ") VALUES (");
    marks(&text, n);
    tally_text_string(&text, ") ON CONFLICT DO NOTHING");
    s->insert = finish(&text);
    begin(&text, data, "UPDATE ", table);
    tally_text_string(&text, " SET ");
    columns(&text, table->fields, table->key_count, n, ", ", " = ?");
    tally_text_string(&text, " WHERE ");
    columns(&text, table->fields, 0, table->key_count, " AND ", " = ?");
    s->update = finish(&text);
    select_all(&text, data, table);
    tally_text_string(&text, " WHERE c_due <= ? ORDER BY c_due LIMIT ?");
    s->due = finish(&text);
    bool made = s->get != NULL && s->insert != NULL && s->update != NULL && s->due != NULL;
    for (size_t keys = 0; keys <= table->key_count && keys < KEYS_MAX; keys++)
        for (int after = 0; after < 2; after++) {
            s->list[keys][after] = list_sql(table, keys, after == 1);
            made = made && s->list[keys][after] != NULL;
        }
    return made;
}

static void create(struct tally_text *text, const struct pledge_table *table)
{
    static const char *const types[] = {
        [PLEDGE_INT] = "INTEGER", [PLEDGE_ENUM] = "INTEGER", [PLEDGE_TEXT] = "TEXT",
        [PLEDGE_FIXED] = "BLOB",  [PLEDGE_BYTES] = "BLOB",   [PLEDGE_LIST] = ""};
    tally_text_string(text, "CREATE TABLE p_");
    tally_text_string(text, table->name);
    tally_text_string(text, " (");
    for (const struct pledge_field *f = table->fields; f->name != NULL; f++) {
        tally_text_string(text, "c_");
        tally_text_string(text, f->name);
        tally_text_string(text, " ");
        tally_text_string(text, types[f->type]);
        tally_text_string(text, " NOT NULL, ");
    }
    tally_text_string(text, "PRIMARY KEY (");
    columns(text, table->fields, 0, table->key_count, ", ", "");
    tally_text_string(text, ")) STRICT, WITHOUT ROWID;");
    if (table->due == NULL)
        return;
    tally_text_string(text, "CREATE INDEX p_");
    tally_text_string(text, table->name);
    tally_text_string(text, "_due ON p_");
    tally_text_string(text, table->name);
    tally_text_string(text, " (c_due) WHERE c_due < 9223372036854775807;");
}

enum tally_error pledge_sql_new(enum pledge_role role, struct pledge_sql **out)
{
    const struct pledge_table *const *tables = pledge_tables_of(role);
    struct pledge_sql *sql = calloc(1, sizeof *sql);
    struct tally_text text;
    *out = NULL;
    if (sql == NULL)
        return TALLY_E_MEMORY;
    sql->schema = malloc(SCHEMA_MAX);
    bool made = sql->schema != NULL;
    if (made)
        tally_text_init(&text, sql->schema, SCHEMA_MAX);
    for (; made && tables[sql->count] != NULL && sql->count < TABLES_MAX; sql->count++) {
        made = make(&sql->tables[sql->count], tables[sql->count]);
        create(&text, tables[sql->count]);
    }
    if (!made || text.overflowed) {
        pledge_sql_free(sql);
        return made ? TALLY_E_BUG : TALLY_E_MEMORY;
    }
    snprintf(sql->component, sizeof sql->component, "pledge-%s", pledge_role_names[role]);
    sql->migrations[0] = (struct tally_db_migration){1, sql->schema};
    *out = sql;
    return TALLY_OK;
}

void pledge_sql_free(struct pledge_sql *sql)
{
    if (sql == NULL)
        return;
    for (size_t i = 0; i < TABLES_MAX; i++) {
        struct statements *s = &sql->tables[i];
        free(s->get);
        free(s->insert);
        free(s->update);
        free(s->due);
        for (size_t j = 0; j < KEYS_MAX; j++) {
            free(s->list[j][0]);
            free(s->list[j][1]);
        }
    }
    free(sql->schema);
    free(sql);
}

struct tally_db_schema pledge_sql_schema(const struct pledge_sql *sql)
{
    return (struct tally_db_schema){sql->component, sql->migrations};
}

/* ---- Within an operation ---- */

static const struct statements *statements_of(const struct pledge_sql_store *s,
                                              const struct pledge_table *table)
{
    for (size_t i = 0; i < s->sql->count; i++)
        if (s->sql->tables[i].table == table)
            return &s->sql->tables[i];
    return NULL;
}

/* Binds the fields from..to-1 of a row at the parameters from `at` on; returns the next free one. */
static int bind(struct tally_stmt *stmt, int at, const struct pledge_table *table, const void *row,
                size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        const struct pledge_field *f = &table->fields[i];
        const uint8_t *value = (const uint8_t *)row + f->offset;
        int64_t number;
        uint16_t n;
        switch (f->type) {
        case PLEDGE_INT:
        case PLEDGE_ENUM:
            memcpy(&number, value, sizeof number);
            tally_bind_int(stmt, at++, number);
            break;
        case PLEDGE_TEXT: tally_bind_text(stmt, at++, (const char *)value); break;
        case PLEDGE_FIXED: tally_bind_blob(stmt, at++, value, f->size); break;
        case PLEDGE_BYTES:
            memcpy(&n, value, sizeof n);
            tally_bind_blob(stmt, at++, value + sizeof n, n);
            break;
        case PLEDGE_LIST: break;
        }
    }
    return at;
}

static bool bytes_column(struct tally_stmt *stmt, int at, const struct pledge_field *f, uint8_t *value)
{
    size_t n;
    const void *bytes = tally_column_blob(stmt, at, &n);
    uint16_t count = (uint16_t)n;
    if (n > f->size)
        return false;
    memcpy(value, &count, sizeof count);
    if (n > 0)
        memcpy(value + sizeof count, bytes, n);
    return true;
}

/* The current row into a zeroed struct. False for a value that does not fit: somebody else wrote it. */
static bool columns_read(struct tally_stmt *stmt, const struct pledge_table *table, void *row)
{
    bool right = true;
    memset(row, 0, table->row_size);
    for (int i = 0; right && table->fields[i].name != NULL; i++) {
        const struct pledge_field *f = &table->fields[i];
        uint8_t *value = (uint8_t *)row + f->offset;
        int64_t number;
        switch (f->type) {
        case PLEDGE_INT:
        case PLEDGE_ENUM:
            number = tally_column_int(stmt, i);
            memcpy(value, &number, sizeof number);
            break;
        case PLEDGE_TEXT: right = tally_column_text_copy(stmt, i, (char *)value, f->size); break;
        case PLEDGE_FIXED: right = tally_column_blob_copy(stmt, i, value, f->size); break;
        case PLEDGE_BYTES: right = bytes_column(stmt, i, f, value); break;
        case PLEDGE_LIST: right = false; break;
        }
    }
    return right;
}

static enum tally_error get(void *ctx, const struct pledge_table *table, void *row)
{
    struct pledge_sql_store *s = ctx;
    const struct statements *sql = statements_of(s, table);
    if (sql == NULL)
        return TALLY_E_BUG;
    struct tally_stmt *stmt = tally_db_prepare(s->tx, sql->get);
    bool found;
    bind(stmt, 1, table, row, 0, table->key_count);
    enum tally_error e = tally_step(stmt, &found);
    if (e != TALLY_OK)
        return e;
    if (!found)
        return TALLY_E_NOT_FOUND;
    return columns_read(stmt, table, row) ? TALLY_OK : TALLY_E_IO;
}

static enum tally_error insert(void *ctx, const struct pledge_table *table, const void *row)
{
    struct pledge_sql_store *s = ctx;
    const struct statements *sql = statements_of(s, table);
    if (sql == NULL)
        return TALLY_E_BUG;
    struct tally_stmt *stmt = tally_db_prepare(s->tx, sql->insert);
    bind(stmt, 1, table, row, 0, field_count(table));
    enum tally_error e = tally_run(stmt);
    return e == TALLY_OK && tally_changes(s->tx) == 0 ? TALLY_E_EXISTS : e;
}

static enum tally_error update(void *ctx, const struct pledge_table *table, const void *row)
{
    struct pledge_sql_store *s = ctx;
    const struct statements *sql = statements_of(s, table);
    if (sql == NULL)
        return TALLY_E_BUG;
    struct tally_stmt *stmt = tally_db_prepare(s->tx, sql->update);
    int at = bind(stmt, 1, table, row, table->key_count, field_count(table));
    bind(stmt, at, table, row, 0, table->key_count);
    enum tally_error e = tally_run(stmt);
    return e == TALLY_OK && tally_changes(s->tx) == 0 ? TALLY_E_NOT_FOUND : e;
}

static enum tally_error rows_read(struct tally_stmt *stmt, const struct pledge_table *table, void *rows,
                                  size_t max, size_t *count)
{
    bool more = true;
    enum tally_error e = TALLY_OK;
    for (*count = 0; *count < max; (*count)++) {
        e = tally_step(stmt, &more);
        if (e != TALLY_OK || !more)
            break;
        if (!columns_read(stmt, table, (uint8_t *)rows + *count * table->row_size))
            return TALLY_E_IO;
    }
    return e;
}

static enum tally_error due(void *ctx, const struct pledge_table *table, int64_t until, void *rows,
                            size_t max, size_t *count)
{
    struct pledge_sql_store *s = ctx;
    const struct statements *sql = statements_of(s, table);
    *count = 0;
    if (sql == NULL)
        return TALLY_E_BUG;
    struct tally_stmt *stmt = tally_db_prepare(s->tx, sql->due);
    tally_bind_int(stmt, 1, until);
    tally_bind_int(stmt, 2, (int64_t)max);
    return rows_read(stmt, table, rows, max, count);
}

static enum tally_error list(void *ctx, const struct pledge_table *table, unsigned keys, const void *like,
                             const void *after, void *rows, size_t max, size_t *count)
{
    struct pledge_sql_store *s = ctx;
    const struct statements *sql = statements_of(s, table);
    *count = 0;
    if (sql == NULL || keys >= KEYS_MAX)
        return TALLY_E_BUG;
    struct tally_stmt *stmt = tally_db_prepare(s->tx, sql->list[keys][after != NULL]);
    int at = bind(stmt, 1, table, like, 0, keys);
    if (after != NULL)
        at = bind(stmt, at, table, after, 0, table->key_count);
    tally_bind_int(stmt, at, (int64_t)max);
    return rows_read(stmt, table, rows, max, count);
}

static enum tally_error send(void *ctx, const struct pledge_message *message)
{
    struct pledge_sql_store *s = ctx;
    struct pledge_message signed_message = *message;
    if (s->party == NULL)
        return TALLY_E_BUG;
    enum tally_error e = pledge_message_sign(s->party, &signed_message);
    if (e != TALLY_OK)
        return e;
    json_t *json = json_pack("{s:s, s:o}", "address", message->address, "message",
                             pledge_message_write(&signed_message));
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    e = text == NULL ? TALLY_E_MEMORY
                     : tally_outbox_put(s->tx, message->id, message->to, pledge_kinds[message->kind].name,
                                        text, strlen(text), pledge_now(s->party));
    free(text);
    return e;
}

void pledge_sql_store_init(struct pledge_sql_store *s, const struct pledge_sql *sql,
                           const struct pledge_party *party, struct tally_tx *tx)
{
    *s = (struct pledge_sql_store){.store = {.get = get,
                                             .insert = insert,
                                             .update = update,
                                             .due = due,
                                             .list = list,
                                             .send = send,
                                             .ctx = s},
                                   .sql = sql,
                                   .party = party,
                                   .tx = tx};
}
