/* Changes of whole steps: a byte-wise mutator would mostly break the order of things that makes a session. */
#include "tests/fuzz/sequence.h"

#include <string.h>

struct dice {
    uint64_t state;
};

/* SplitMix64. */
static uint32_t roll(struct dice *d, uint32_t sides)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 33) % sides;
}

/* What belongs together. */
static const uint8_t scenes[][3] = {
    {STEP_VERIFY_TID, STEP_WRITE, STEP_WRITE},   {STEP_VERIFY_DATE, STEP_WRITE, STEP_REPLAY},
    {STEP_VERIFY_TID, STEP_DELETE, STEP_DELETE}, {STEP_PIN, STEP_READ, STEP_READ},
    {STEP_LOAD, STEP_EXCHANGE, STEP_EXCHANGE},   {STEP_LOAD, STEP_VERIFY_TID, STEP_WRITE},
    {STEP_PIN, STEP_CHANGE_PIN, STEP_STATUS},    {STEP_VERIFY_PAIR, STEP_WRITE, STEP_REPLAY},
    {STEP_PACKAGE, STEP_VERIFY_TID, STEP_WRITE}, {STEP_PIN, STEP_ISSUER, STEP_PIN},
};

static void make_step(struct dice *d, uint8_t *step, uint8_t kind)
{
    for (size_t i = 0; i < STEP_SIZE; i++)
        step[i] = (uint8_t)roll(d, 256);
    step[STEP_AT_KIND] = kind;
    if (roll(d, 3) != 0)
        step[STEP_AT_WAY] = 0;
    if (roll(d, 2) != 0)
        step[STEP_AT_CHANGE] = 0;
    if (roll(d, 4) != 0)
        step[STEP_AT_CUT] = 0;
}

static size_t insert(struct dice *d, uint8_t *data, size_t count, size_t max, const uint8_t *kinds, size_t n)
{
    size_t at = roll(d, (uint32_t)count + 1);
    if (count + n > max)
        return count;
    memmove(data + (at + n) * STEP_SIZE, data + at * STEP_SIZE, (count - at) * STEP_SIZE);
    for (size_t i = 0; i < n; i++)
        make_step(d, data + (at + i) * STEP_SIZE, kinds[i]);
    return count + n;
}

static size_t take_out(struct dice *d, uint8_t *data, size_t count)
{
    size_t at = roll(d, (uint32_t)count);
    memmove(data + at * STEP_SIZE, data + (at + 1) * STEP_SIZE, (count - at - 1) * STEP_SIZE);
    return count - 1;
}

/* Copies a step to another place. */
static size_t repeat(struct dice *d, uint8_t *data, size_t count, size_t max)
{
    uint8_t copy[STEP_SIZE];
    size_t at = roll(d, (uint32_t)count + 1);
    if (count >= max)
        return count;
    memcpy(copy, data + roll(d, (uint32_t)count) * STEP_SIZE, STEP_SIZE);
    memmove(data + (at + 1) * STEP_SIZE, data + at * STEP_SIZE, (count - at) * STEP_SIZE);
    memcpy(data + at * STEP_SIZE, copy, STEP_SIZE);
    return count + 1;
}

static void swap(struct dice *d, uint8_t *data, size_t count)
{
    uint8_t kept[STEP_SIZE];
    uint8_t *a = data + roll(d, (uint32_t)count) * STEP_SIZE,
            *b = data + roll(d, (uint32_t)count) * STEP_SIZE;
    memcpy(kept, a, STEP_SIZE);
    memcpy(a, b, STEP_SIZE);
    memcpy(b, kept, STEP_SIZE);
}

static void change_field(struct dice *d, uint8_t *data, size_t count)
{
    uint8_t *step = data + roll(d, (uint32_t)count) * STEP_SIZE;
    switch (roll(d, 4)) {
    case 0: step[STEP_AT_CUT] = (uint8_t)roll(d, 64); break;
    case 1: step[STEP_AT_CHANGE] = (uint8_t)roll(d, CHANGE_CUT_OFF + 1); break;
    case 2: step[STEP_AT_WAY] = (uint8_t)roll(d, 256); break;
    default: step[roll(d, STEP_SIZE)] = (uint8_t)roll(d, 256); break;
    }
}

size_t sequence_mutate(uint8_t *data, size_t n, size_t max, uint64_t seed)
{
    struct dice d = {seed};
    size_t count = n / STEP_SIZE, room = max / STEP_SIZE < STEPS_MAX ? max / STEP_SIZE : STEPS_MAX;
    if (count > room)
        count = room;
    for (uint32_t turns = 1 + roll(&d, 4); turns > 0; turns--) {
        const uint8_t kind = (uint8_t)roll(&d, STEP_KINDS);
        switch (count == 0 ? 0 : roll(&d, 8)) {
        case 0:
            count = insert(&d, data, count, room, scenes[roll(&d, sizeof scenes / sizeof *scenes)], 3);
            break;
        case 1: count = insert(&d, data, count, room, &kind, 1); break;
        case 2: count = take_out(&d, data, count); break;
        case 3: count = repeat(&d, data, count, room); break;
        case 4: swap(&d, data, count); break;
        default: change_field(&d, data, count); break;
        }
    }
    return count * STEP_SIZE;
}
