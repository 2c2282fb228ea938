#include "host/ticketing/sequences.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A key's entry is within REACH slots of its hash. An idle entry stays until its slot is needed: a worker
 * that read the table just before another's commit still finds the number that was used. */
enum { SLOTS = 16384, REACH = 16, KEY_SIZE = SERIAL_SIZE + 2 };

struct slot {
    uint8_t key[KEY_SIZE];
    uint32_t next; /* 0: never used */
    uint32_t busy;
};

struct tally_sequences {
    pthread_mutex_t lock;
    struct slot slots[SLOTS];
};

struct tally_sequences *tally_sequences_new(void)
{
    struct tally_sequences *sequences = calloc(1, sizeof *sequences);
    if (sequences != NULL)
        pthread_mutex_init(&sequences->lock, NULL);
    return sequences;
}

void tally_sequences_free(struct tally_sequences *sequences)
{
    if (sequences == NULL)
        return;
    pthread_mutex_destroy(&sequences->lock);
    free(sequences);
}

static void make_key(const uint8_t serial[SERIAL_SIZE], uint16_t operator_id, uint8_t key[KEY_SIZE])
{
    memcpy(key, serial, SERIAL_SIZE);
    key[SERIAL_SIZE] = (uint8_t)(operator_id >> 8);
    key[SERIAL_SIZE + 1] = (uint8_t)operator_id;
}

/* FNV-1a. */
static size_t home_of(const uint8_t key[KEY_SIZE])
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < KEY_SIZE; i++)
        h = (h ^ key[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 32) % SLOTS;
}

/* The key's slot; without one, a slot that may be taken over when `make`; otherwise NULL. */
static struct slot *slot_of(struct tally_sequences *sequences, const uint8_t key[KEY_SIZE], bool make)
{
    size_t home = home_of(key);
    struct slot *idle = NULL;
    for (size_t i = 0; i < REACH; i++) {
        struct slot *slot = &sequences->slots[(home + i) % SLOTS];
        if (slot->next != 0 && memcmp(slot->key, key, KEY_SIZE) == 0)
            return slot;
        if (slot->busy == 0 && (idle == NULL || (slot->next == 0 && idle->next != 0)))
            idle = slot;
    }
    if (!make || idle == NULL)
        return NULL;
    memcpy(idle->key, key, KEY_SIZE);
    idle->next = 1;
    return idle;
}

enum tally_error tally_sequence_take(struct tally_sequences *sequences, const uint8_t serial[SERIAL_SIZE],
                                     uint16_t operator_id, uint32_t highest, uint32_t *number)
{
    uint8_t key[KEY_SIZE];
    enum tally_error e = TALLY_E_FULL;
    *number = 0;
    make_key(serial, operator_id, key);
    pthread_mutex_lock(&sequences->lock);
    struct slot *slot = slot_of(sequences, key, true);
    if (slot != NULL && slot->next <= highest && highest < UINT32_MAX)
        slot->next = highest + 1;
    if (slot != NULL && slot->next > highest && slot->next < UINT32_MAX) {
        *number = slot->next++;
        slot->busy++;
        e = TALLY_OK;
    }
    pthread_mutex_unlock(&sequences->lock);
    return e;
}

void tally_sequence_done(struct tally_sequences *sequences, const uint8_t serial[SERIAL_SIZE],
                         uint16_t operator_id, uint32_t number, bool used)
{
    uint8_t key[KEY_SIZE];
    make_key(serial, operator_id, key);
    pthread_mutex_lock(&sequences->lock);
    struct slot *slot = slot_of(sequences, key, false);
    if (slot != NULL && slot->busy > 0) {
        slot->busy--;
        if (!used && slot->next == number + 1)
            slot->next = number;
    }
    pthread_mutex_unlock(&sequences->lock);
}
