#include "host/service/idempotency.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"

#define BUCKETS 1024

const struct tally_db_migration tally_idempotency_migrations[] = {
    {1, "CREATE TABLE idempotency ("
        " party TEXT NOT NULL,"
        " key TEXT NOT NULL,"
        " fingerprint BLOB NOT NULL,"
        " nonce BLOB NOT NULL,"
        " status INTEGER NOT NULL,"
        " content_type TEXT NOT NULL,"
        " body BLOB NOT NULL,"
        " created INTEGER NOT NULL,"
        " PRIMARY KEY (party, key)) STRICT, WITHOUT ROWID"},
    {0, NULL},
};

enum tally_error tally_idempotency_key_make(const struct tally_clock *clock,
                                            const struct tally_random *random,
                                            char key[TALLY_IDEMPOTENCY_KEY_SIZE])
{
    uint8_t bytes[12];
    char hex[25];
    key[0] = '\0';
    enum tally_error e = tally_random_fill(random, bytes, sizeof bytes);
    if (e == TALLY_OK)
        e = tally_hex_encode(bytes, sizeof bytes, hex, sizeof hex);
    if (e == TALLY_OK)
        snprintf(key, TALLY_IDEMPOTENCY_KEY_SIZE, "%012llx-%s",
                 (unsigned long long)tally_clock_wall_ms(clock) & 0xFFFFFFFFFFFF, hex);
    return e;
}

struct tally_inflight {
    pthread_mutex_t lock;
    struct tally_idempotency *buckets[BUCKETS];
};

struct tally_inflight *tally_inflight_new(void)
{
    struct tally_inflight *inflight = calloc(1, sizeof *inflight);
    if (inflight != NULL)
        pthread_mutex_init(&inflight->lock, NULL);
    return inflight;
}

void tally_inflight_free(struct tally_inflight *inflight)
{
    if (inflight == NULL)
        return;
    pthread_mutex_destroy(&inflight->lock);
    free(inflight);
}

/* FNV-1a. A party can only make its own keys collide, to its own loss. */
static uint32_t hash(const char *text, uint32_t value)
{
    for (; *text != '\0'; text++)
        value = (value ^ (uint8_t)*text) * 16777619U;
    return value;
}

static bool well_formed(const char *key)
{
    size_t n = strnlen(key, TALLY_IDEMPOTENCY_KEY_MAX + 1);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)key[i]) && strchr("._:-", key[i]) == NULL)
            return false;
    return n >= 1 && n <= TALLY_IDEMPOTENCY_KEY_MAX;
}

/* Parts end in NUL, which occurs in none of them, so that no two requests have the same text. */
static enum tally_error fingerprint(const struct tally_http_request *request,
                                    const struct tally_caller *caller, uint8_t out[TALLY_DIGEST_SIZE])
{
    char data[TALLY_HTTP_TARGET_MAX + 128];
    const char *const parts[] = {request->method, request->path, request->query};
    struct tally_text text;
    tally_text_init(&text, data, sizeof data);
    for (size_t i = 0; i < 3; i++)
        tally_text_bytes(&text, parts[i], strlen(parts[i]) + 1);
    tally_text_bytes(&text, (const char *)caller->body_digest, TALLY_DIGEST_SIZE);
    return text.overflowed ? TALLY_E_FULL : tally_sha256(text.data, text.length, out);
}

const struct tally_problem *tally_idempotency_read(const struct tally_http_request *request,
                                                   const struct tally_caller *caller,
                                                   struct tally_idempotency *id)
{
    const char *key = tally_http_header(request, "idempotency-key");
    *id = (struct tally_idempotency){.party = caller->party->name, .key = key};
    if (key == NULL || !well_formed(key))
        return TALLY_PROBLEM(IDEMPOTENCY_KEY);
    memcpy(id->nonce, caller->nonce, sizeof id->nonce);
    id->bucket = hash(key, hash(id->party, 2166136261U)) % BUCKETS;
    return fingerprint(request, caller, id->fingerprint) == TALLY_OK ? NULL : TALLY_PROBLEM(INTERNAL);
}

static bool same(const struct tally_idempotency *a, const struct tally_idempotency *b)
{
    return strcmp(a->key, b->key) == 0 && strcmp(a->party, b->party) == 0;
}

enum tally_error tally_idempotency_claim(struct tally_inflight *inflight, struct tally_idempotency *id)
{
    enum tally_error e = TALLY_OK;
    pthread_mutex_lock(&inflight->lock);
    struct tally_idempotency **bucket = &inflight->buckets[id->bucket];
    for (const struct tally_idempotency *other = *bucket; other != NULL; other = other->next)
        if (same(id, other))
            e = TALLY_E_STATE;
    if (e == TALLY_OK) {
        id->next = *bucket;
        *bucket = id;
    }
    pthread_mutex_unlock(&inflight->lock);
    return e;
}

void tally_idempotency_release(struct tally_inflight *inflight, struct tally_idempotency *id)
{
    pthread_mutex_lock(&inflight->lock);
    struct tally_idempotency **at = &inflight->buckets[id->bucket];
    while (*at != NULL && *at != id)
        at = &(*at)->next;
    if (*at == id)
        *at = id->next;
    pthread_mutex_unlock(&inflight->lock);
}

static enum tally_error read_answer(struct tally_stmt *stmt, struct tally_stored_answer *answer)
{
    const void *body = tally_column_blob(stmt, 4, &answer->body_size);
    if (!tally_column_text_copy(stmt, 3, answer->content_type, sizeof answer->content_type))
        return TALLY_E_BUG;
    answer->body = malloc(answer->body_size + 1);
    if (answer->body == NULL)
        return TALLY_E_MEMORY;
    if (answer->body_size > 0)
        memcpy(answer->body, body, answer->body_size);
    answer->body[answer->body_size] = '\0';
    answer->status = (int)tally_column_int(stmt, 2);
    return TALLY_OK;
}

enum tally_error tally_idempotency_look(struct tally_tx *tx, const struct tally_idempotency *id,
                                        struct tally_idempotency_known *known)
{
    bool row;
    uint8_t found[TALLY_DIGEST_SIZE], nonce[TALLY_NONCE_ID_SIZE];
    *known = (struct tally_idempotency_known){0};
    struct tally_stmt *stmt =
        tally_db_prepare(tx, "SELECT fingerprint, nonce, status, content_type, body FROM idempotency "
                             "WHERE party = ?1 AND key = ?2");
    tally_bind_text(stmt, 1, id->party);
    tally_bind_text(stmt, 2, id->key);
    enum tally_error e = tally_step(stmt, &row);
    if (e != TALLY_OK || !row)
        return e;
    if (!tally_column_blob_copy(stmt, 0, found, sizeof found) ||
        !tally_column_blob_copy(stmt, 1, nonce, sizeof nonce))
        return TALLY_E_BUG;
    if (memcmp(nonce, id->nonce, sizeof nonce) == 0)
        known->problem = TALLY_PROBLEM(REPLAYED);
    else if (memcmp(found, id->fingerprint, sizeof found) != 0)
        known->problem = TALLY_PROBLEM(IDEMPOTENCY_REUSED);
    else
        e = read_answer(stmt, &known->answer);
    return e;
}

enum tally_error tally_idempotency_store(struct tally_tx *tx, const struct tally_idempotency *id,
                                         const struct tally_http_response *response, int64_t now)
{
    struct tally_stmt *stmt = tally_db_prepare(
        tx, "INSERT INTO idempotency (party, key, fingerprint, nonce, status, content_type, body, created) "
            "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    tally_bind_text(stmt, 1, id->party);
    tally_bind_text(stmt, 2, id->key);
    tally_bind_blob(stmt, 3, id->fingerprint, sizeof id->fingerprint);
    tally_bind_blob(stmt, 4, id->nonce, sizeof id->nonce);
    tally_bind_int(stmt, 5, response->status);
    tally_bind_text(stmt, 6, response->content_type != NULL ? response->content_type : "");
    tally_bind_blob(stmt, 7, response->body != NULL ? response->body : "", response->body_size);
    tally_bind_int(stmt, 8, now);
    return tally_post(stmt);
}
