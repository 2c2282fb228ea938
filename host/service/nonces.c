#include "host/service/nonces.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS    16
#define SLOTS_MIN 256
#define EMPTY     INT64_MIN

struct slot {
    uint8_t id[TALLY_NONCE_ID_SIZE];
    int64_t expires; /* EMPTY: free */
};

/* An open-addressing table, at most three quarters full; expired entries go when it is rebuilt. */
struct shard {
    pthread_mutex_t lock;
    struct slot *slots;
    size_t size, used; /* size is a power of two */
    int64_t swept;     /* when a rebuild last made room, so that a full table is not swept on every call */
};

struct tally_nonces {
    struct shard shards[SHARDS];
    size_t shard_max; /* slots */
};

static struct slot *make_slots(size_t n)
{
    struct slot *slots = malloc(n * sizeof *slots);
    for (size_t i = 0; slots != NULL && i < n; i++)
        slots[i].expires = EMPTY;
    return slots;
}

struct tally_nonces *tally_nonces_new(size_t capacity)
{
    struct tally_nonces *nonces = calloc(1, sizeof *nonces);
    if (nonces == NULL)
        return NULL;
    nonces->shard_max = SLOTS_MIN;
    while (nonces->shard_max * 3 / 4 * SHARDS < capacity)
        nonces->shard_max *= 2;
    bool ok = true;
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *shard = &nonces->shards[i];
        pthread_mutex_init(&shard->lock, NULL);
        shard->slots = make_slots(SLOTS_MIN);
        shard->size = SLOTS_MIN;
        shard->swept = INT64_MIN;
        ok = ok && shard->slots != NULL;
    }
    if (ok)
        return nonces;
    tally_nonces_free(nonces);
    return NULL;
}

void tally_nonces_free(struct tally_nonces *nonces)
{
    if (nonces == NULL)
        return;
    for (size_t i = 0; i < SHARDS; i++) {
        pthread_mutex_destroy(&nonces->shards[i].lock);
        free(nonces->shards[i].slots);
    }
    free(nonces);
}

/* The slot that has the id, or the free one where it would go. */
static struct slot *find(struct slot *slots, size_t size, const uint8_t id[TALLY_NONCE_ID_SIZE])
{
    uint64_t hash;
    memcpy(&hash, id + 8, sizeof hash);
    size_t at = hash & (size - 1);
    while (slots[at].expires != EMPTY && memcmp(slots[at].id, id, TALLY_NONCE_ID_SIZE) != 0)
        at = (at + 1) & (size - 1);
    return &slots[at];
}

/* Drops what has expired; grows when that leaves the table more than half full. */
static enum tally_error make_room(struct shard *shard, size_t max, int64_t now)
{
    size_t live = 0, size = shard->size;
    if (size == max && shard->swept == now)
        return TALLY_E_FULL;
    shard->swept = now;
    for (size_t i = 0; i < shard->size; i++)
        live += shard->slots[i].expires != EMPTY && shard->slots[i].expires >= now;
    if (live > size / 2 && size < max)
        size *= 2;
    struct slot *slots = make_slots(size);
    if (slots == NULL)
        return TALLY_E_FULL;
    for (size_t i = 0; i < shard->size; i++)
        if (shard->slots[i].expires != EMPTY && shard->slots[i].expires >= now)
            *find(slots, size, shard->slots[i].id) = shard->slots[i];
    free(shard->slots);
    shard->slots = slots;
    shard->size = size;
    shard->used = live;
    return live < size * 3 / 4 ? TALLY_OK : TALLY_E_FULL;
}

static enum tally_error take(struct shard *shard, size_t max, const uint8_t *id, int64_t expires, int64_t now)
{
    struct slot *slot = find(shard->slots, shard->size, id);
    if (slot->expires != EMPTY && slot->expires >= now)
        return TALLY_E_EXISTS;
    if (slot->expires != EMPTY) {
        slot->expires = expires;
        return TALLY_OK;
    }
    if (shard->used >= shard->size * 3 / 4) {
        enum tally_error e = make_room(shard, max, now);
        if (e != TALLY_OK)
            return e;
        slot = find(shard->slots, shard->size, id);
    }
    memcpy(slot->id, id, TALLY_NONCE_ID_SIZE);
    slot->expires = expires;
    shard->used++;
    return TALLY_OK;
}

enum tally_error tally_nonces_take(struct tally_nonces *nonces, const uint8_t id[TALLY_NONCE_ID_SIZE],
                                   int64_t expires, int64_t now)
{
    struct shard *shard = &nonces->shards[id[0] % SHARDS];
    pthread_mutex_lock(&shard->lock);
    enum tally_error e = take(shard, nonces->shard_max, id, expires, now);
    pthread_mutex_unlock(&shard->lock);
    return e;
}

const struct tally_db_migration tally_nonces_migrations[] = {
    {1, "CREATE TABLE nonces (id BLOB PRIMARY KEY CHECK (length(id) = 16), expires INTEGER NOT NULL)"
        " STRICT, WITHOUT ROWID;"
        "CREATE INDEX nonces_expires ON nonces (expires)"},
    {0, NULL},
};

enum tally_error tally_nonces_take_shared(struct tally_tx *tx, const uint8_t id[TALLY_NONCE_ID_SIZE],
                                          int64_t expires, int64_t now)
{
    struct tally_stmt *s = tally_db_prepare(tx, "DELETE FROM nonces WHERE id IN (SELECT id FROM nonces"
                                                " WHERE expires < ? ORDER BY expires LIMIT 2)");
    tally_bind_int(s, 1, now);
    enum tally_error e = tally_run(s);
    if (e != TALLY_OK)
        return e;
    s = tally_db_prepare(tx, "INSERT INTO nonces (id, expires) VALUES (?, ?) ON CONFLICT DO NOTHING");
    tally_bind_blob(s, 1, id, TALLY_NONCE_ID_SIZE);
    tally_bind_int(s, 2, expires);
    e = tally_run(s);
    return e == TALLY_OK && tally_changes(tx) == 0 ? TALLY_E_EXISTS : e;
}
