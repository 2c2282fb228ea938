/* Forward-only, numbered migrations, one sequence a component. */
#include "host/base/log.h"
#include "host/service/db_engine.h"

static enum tally_error read_version(struct tally_tx *tx, const char *component, int *version)
{
    bool row;
    struct tally_stmt *stmt = tally_db_prepare(tx, "SELECT version FROM tally_schema WHERE component = ?1");
    tally_bind_text(stmt, 1, component);
    enum tally_error e = tally_step(stmt, &row);
    *version = e == TALLY_OK && row ? (int)tally_column_int(stmt, 0) : 0;
    db_release_statements(tx);
    return e;
}

static enum tally_error write_version(struct tally_tx *tx, const char *component, int version)
{
    struct tally_stmt *stmt =
        tally_db_prepare(tx, "INSERT INTO tally_schema (component, version) VALUES (?1, ?2) "
                             "ON CONFLICT (component) DO UPDATE SET version = excluded.version");
    tally_bind_text(stmt, 1, component);
    tally_bind_int(stmt, 2, version);
    enum tally_error e = tally_run(stmt);
    db_release_statements(tx);
    return e;
}

static enum tally_error apply(struct tally_tx *tx, const struct tally_db_schema *schema,
                              const struct tally_db_migration *migration)
{
    enum tally_error e = tx->db->engine->exec(tx, migration->sql);
    if (e == TALLY_OK)
        e = write_version(tx, schema->component, migration->version);
    if (e == TALLY_OK)
        tally_log(TALLY_LOG_INFO, "db", NULL, "schema migrated", TALLY_STR("schema", schema->component),
                  TALLY_INT("version", migration->version));
    return e;
}

static int newest(const struct tally_db_schema *schema)
{
    int version = 0;
    for (const struct tally_db_migration *m = schema->migrations; m->sql != NULL; m++)
        version = m->version;
    return version;
}

static enum tally_error migrate_component(struct tally_tx *tx, const struct tally_db_schema *schema)
{
    int version;
    enum tally_error e = read_version(tx, schema->component, &version);
    if (e == TALLY_OK && version > newest(schema)) {
        tally_log(TALLY_LOG_ERROR, "db", NULL, "schema is newer than this program",
                  TALLY_STR("schema", schema->component), TALLY_INT("version", version),
                  TALLY_INT("known", newest(schema)));
        e = TALLY_E_STATE;
    }
    for (const struct tally_db_migration *m = schema->migrations; e == TALLY_OK && m->sql != NULL; m++) {
        if (m->version <= version)
            continue;
        e = m->version == version + 1 ? apply(tx, schema, m) : TALLY_E_BUG;
        version = m->version;
    }
    return e;
}

/* Everything in one writer's transaction, from reading the versions to writing them: two processes that start
 * at once migrate once. */
enum tally_error db_migrate(struct tally_tx *tx, const struct tally_db_schema *schemas)
{
    const struct db_engine *engine = tx->db->engine;
    enum tally_error e = engine->begin(tx);
    if (e != TALLY_OK)
        return e;
    e = engine->exec(tx, "CREATE TABLE IF NOT EXISTS tally_schema "
                         "(component TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID");
    for (const struct tally_db_schema *s = schemas; e == TALLY_OK && s->component != NULL; s++)
        e = migrate_component(tx, s);
    if (e == TALLY_OK)
        e = engine->commit(tx);
    if (e != TALLY_OK)
        (void)engine->rollback(tx);
    tx->failed = TALLY_OK;
    return e;
}
