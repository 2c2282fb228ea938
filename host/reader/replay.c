#include "host/reader/replay.h"

#include <stdlib.h>
#include <string.h>

enum kind { KIND_ATR, KIND_COMMAND, KIND_ANSWER, KIND_LOST, KIND_END };

struct entry {
    enum kind kind;
    size_t line;
    size_t start, n; /* in the pool of values, one 16-bit cell a byte */
};

#define HIDDEN 0x100 /* cell of a byte that the trace hides */

struct replay {
    struct card_transport base;
    struct entry *entry;
    size_t count, room, next;
    uint16_t *cell;
    size_t cells, cell_room;
    char reason[160];
};

static enum tally_error grow(void **items, size_t *room, size_t need, size_t item, size_t limit)
{
    if (need <= *room)
        return TALLY_OK;
    if (need > limit)
        return TALLY_E_FULL;
    size_t want = *room * 2 > need ? *room * 2 : need + 64;
    void *bigger = reallocarray(*items, want, item);
    if (bigger == NULL)
        return TALLY_E_MEMORY;
    *items = bigger;
    *room = want;
    return TALLY_OK;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads pairs of digits or dots up to a space or the end of the line; the rest of a line is for people. */
static enum tally_error read_cells(struct replay *r, const char *text, struct entry *e)
{
    size_t n = strcspn(text, " \r\n");
    e->start = r->cells;
    e->n = n / 2;
    if (n % 2 != 0 || n == 0)
        return TALLY_E_FORMAT;
    enum tally_error error =
        grow((void **)&r->cell, &r->cell_room, r->cells + e->n, sizeof *r->cell, TALLY_REPLAY_MAX_BYTES);
    if (error != TALLY_OK)
        return error;
    for (size_t i = 0; i < n; i += 2) {
        int hi = digit(text[i]), lo = digit(text[i + 1]);
        bool hidden = text[i] == '.' && text[i + 1] == '.';
        if (!hidden && (hi < 0 || lo < 0))
            return TALLY_E_FORMAT;
        r->cell[r->cells++] = hidden ? HIDDEN : (uint16_t)(hi << 4 | lo);
    }
    return TALLY_OK;
}

static bool starts(const char *line, const char *with)
{
    return strncmp(line, with, strlen(with)) == 0;
}

/* A command stands before each answer, and nothing else between them. */
static bool in_order(const struct replay *r, enum kind kind)
{
    bool pending = r->count > 0 && r->entry[r->count - 1].kind == KIND_COMMAND;
    return pending == (kind == KIND_ANSWER || kind == KIND_LOST);
}

static enum tally_error read_line(struct replay *r, const char *line, size_t number)
{
    struct entry e = {.line = number, .start = r->cells};
    enum tally_error error = TALLY_OK;
    if (line[0] == '#' || line[strspn(line, " \r\n")] == '\0')
        return TALLY_OK;
    if (starts(line, "A<< lost"))
        e.kind = KIND_LOST;
    else if (starts(line, "A<< "))
        e.kind = KIND_ANSWER;
    else if (starts(line, "A>> "))
        e.kind = KIND_COMMAND;
    else if (starts(line, "ATR "))
        e.kind = KIND_ATR;
    else
        return TALLY_E_FORMAT;
    if (!in_order(r, e.kind))
        return TALLY_E_FORMAT;
    if (e.kind != KIND_LOST)
        error = read_cells(r, line + 4, &e);
    if (error == TALLY_OK && e.kind == KIND_ATR && e.n > TALLY_ATR_MAX)
        error = TALLY_E_FORMAT;
    if (error == TALLY_OK)
        error = grow((void **)&r->entry, &r->room, r->count + 1, sizeof *r->entry, TALLY_REPLAY_MAX_ENTRIES);
    if (error == TALLY_OK)
        r->entry[r->count++] = e;
    return error;
}

static enum tally_error read_all(struct replay *r, FILE *in, size_t *line)
{
    char *text = NULL;
    size_t room = 0, number = 0;
    enum tally_error e = TALLY_OK;
    while (e == TALLY_OK && getline(&text, &room, in) >= 0)
        e = read_line(r, text, ++number);
    if (e == TALLY_OK && ferror(in))
        e = TALLY_E_IO;
    *line = e == TALLY_E_FORMAT ? number : 0;
    free(text);
    return e;
}

static enum kind upcoming(const struct replay *r)
{
    return r->next < r->count ? r->entry[r->next].kind : KIND_END;
}

static void take_atr(struct replay *r)
{
    const struct entry *e = &r->entry[r->next++];
    r->base.atr_len = e->n;
    for (size_t i = 0; i < e->n; i++)
        r->base.atr[i] = (uint8_t)r->cell[e->start + i];
    r->base.length_mode = tally_atr_length_mode(r->base.atr, r->base.atr_len);
    r->base.session++;
}

static enum tally_error differ(struct replay *r, const char *what)
{
    if (r->reason[0] == '\0' && r->next < r->count)
        (void)snprintf(r->reason, sizeof r->reason, "line %zu of the trace: %s", r->entry[r->next].line,
                       what);
    else if (r->reason[0] == '\0')
        (void)snprintf(r->reason, sizeof r->reason, "after the end of the trace: %s", what);
    return TALLY_E_STATE;
}

static enum tally_error check_command(struct replay *r, const uint8_t *cmd, size_t n)
{
    char what[96];
    if (upcoming(r) != KIND_COMMAND)
        return differ(r, "a command was sent where none is recorded");
    const struct entry *e = &r->entry[r->next];
    if (e->n != n) {
        (void)snprintf(what, sizeof what, "a command of %zu bytes was sent, %zu are recorded", n, e->n);
        return differ(r, what);
    }
    for (size_t i = 0; i < n; i++) {
        if (r->cell[e->start + i] != HIDDEN && r->cell[e->start + i] != cmd[i]) {
            (void)snprintf(what, sizeof what, "byte %zu of the command differs", i);
            return differ(r, what);
        }
    }
    return TALLY_OK;
}

static enum tally_error replay_exchange(struct card_transport *t, const uint8_t *cmd, size_t n, uint8_t *resp,
                                        size_t cap, size_t *resp_len)
{
    struct replay *r = (struct replay *)t;
    *resp_len = 0;
    if (r->reason[0] != '\0')
        return TALLY_E_STATE;
    enum tally_error error = check_command(r, cmd, n);
    if (error != TALLY_OK)
        return error;
    r->next++;
    if (upcoming(r) == KIND_END)
        return differ(r, "the trace ends before this command's answer");
    const struct entry *e = &r->entry[r->next++];
    if (e->kind == KIND_LOST) {
        t->loss = TALLY_LOSS_REMOVED;
        return TALLY_E_CARD_LOST;
    }
    if (e->n > cap)
        return TALLY_E_FULL;
    for (size_t i = 0; i < e->n; i++)
        resp[i] = r->cell[e->start + i] == HIDDEN ? 0 : (uint8_t)r->cell[e->start + i];
    *resp_len = e->n;
    return TALLY_OK;
}

/* The recorder lost its session here, so the player does. */
static enum tally_error replay_begin(struct card_transport *t)
{
    struct replay *r = (struct replay *)t;
    if (r->reason[0] != '\0')
        return TALLY_E_STATE;
    if (upcoming(r) == KIND_ATR) {
        take_atr(r);
        t->loss = TALLY_LOSS_RESET;
    }
    return TALLY_OK;
}

static void replay_end(struct card_transport *t)
{
    (void)t;
}

static enum tally_error replay_reset(struct card_transport *t)
{
    struct replay *r = (struct replay *)t;
    if (r->reason[0] != '\0')
        return TALLY_E_STATE;
    if (upcoming(r) != KIND_ATR)
        return differ(r, "the card was reset where no ATR is recorded");
    take_atr(r);
    return TALLY_OK;
}

static void replay_describe(const struct card_transport *t, char *out, size_t out_size)
{
    const struct replay *r = (const struct replay *)t;
    (void)snprintf(out, out_size, "trace of %zu entries", r->count);
}

static void replay_close(struct card_transport *t)
{
    struct replay *r = (struct replay *)t;
    free(r->entry);
    free(r->cell);
    free(r);
}

static const struct card_transport_ops replay_ops = {
    .exchange = replay_exchange,
    .begin = replay_begin,
    .end = replay_end,
    .reset = replay_reset,
    .describe = replay_describe,
    .close = replay_close,
};

enum tally_error tally_replay_open(FILE *in, struct card_transport **out, size_t *line)
{
    *out = NULL;
    *line = 0;
    struct replay *r = calloc(1, sizeof *r);
    if (r == NULL)
        return TALLY_E_MEMORY;
    r->base.ops = &replay_ops;
    enum tally_error e = read_all(r, in, line);
    if (e != TALLY_OK) {
        replay_close(&r->base);
        return e;
    }
    if (upcoming(r) == KIND_ATR)
        take_atr(r);
    *out = &r->base;
    return TALLY_OK;
}

const char *tally_replay_reason(const struct card_transport *t)
{
    return ((const struct replay *)t)->reason;
}

bool tally_replay_finished(const struct card_transport *t)
{
    const struct replay *r = (const struct replay *)t;
    return r->reason[0] == '\0' && r->next == r->count;
}
