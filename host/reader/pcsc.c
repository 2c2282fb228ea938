#include "host/reader/pcsc.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/reader/pcsc_context.h"

#define PNP_READER    "\\\\?PnP?\\Notification"
#define NAMES_MAX     (TALLY_READERS_MAX * TALLY_READER_NAME_MAX + 1)
#define SLICE_MS      1000 /* longest single wait: a lost wake-up costs no more than this */
#define NO_SERVICE_MS 200  /* between looks for a service that does not run; nothing announces it */

static const struct {
    LONG rv;
    enum pcsc_meaning meaning;
} meanings[] = {
    {SCARD_S_SUCCESS, PCSC_OK},
    {SCARD_E_TIMEOUT, PCSC_TIMEOUT},
    {SCARD_W_RESET_CARD, PCSC_RESET},
    {SCARD_W_UNPOWERED_CARD, PCSC_RESET},
    {SCARD_W_REMOVED_CARD, PCSC_GONE},
    {SCARD_E_NO_SMARTCARD, PCSC_GONE},
    {SCARD_W_UNRESPONSIVE_CARD, PCSC_GONE},
    {SCARD_E_NOT_TRANSACTED, PCSC_GONE},
    {SCARD_E_UNKNOWN_READER, PCSC_NO_READER},
    {SCARD_E_READER_UNAVAILABLE, PCSC_NO_READER},
    {SCARD_E_NO_READERS_AVAILABLE, PCSC_NO_READER},
    {SCARD_E_NO_SERVICE, PCSC_NO_SERVICE},
    {SCARD_E_SERVICE_STOPPED, PCSC_NO_SERVICE},
    {SCARD_F_COMM_ERROR, PCSC_NO_SERVICE},
    {SCARD_F_INTERNAL_ERROR, PCSC_NO_SERVICE},
    {SCARD_E_INVALID_HANDLE, PCSC_NO_SERVICE},
    {SCARD_E_SHARING_VIOLATION, PCSC_BUSY},
    {SCARD_E_INSUFFICIENT_BUFFER, PCSC_TOO_LONG},
    {SCARD_E_CANCELLED, PCSC_CANCELLED},
};

enum pcsc_meaning tally_pcsc_note(struct tally_pcsc *p, LONG rv)
{
    p->last = rv;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].rv == rv)
            return meanings[i].meaning;
    }
    return PCSC_OTHER;
}

enum tally_error tally_pcsc_establish(struct tally_pcsc *p)
{
    if (p->established)
        return TALLY_OK;
    SCARDCONTEXT context = 0;
    LONG rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context);
    if (tally_pcsc_note(p, rv) != PCSC_OK)
        return TALLY_E_NO_READER;
    p->context = context;
    p->established = true;
    p->generation++;
    return TALLY_OK;
}

void tally_pcsc_drop(struct tally_pcsc *p)
{
    if (p->established)
        (void)SCardReleaseContext(p->context);
    p->established = false;
}

enum tally_error tally_pcsc_open(struct tally_pcsc **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? TALLY_OK : TALLY_E_MEMORY;
}

void tally_pcsc_close(struct tally_pcsc *p)
{
    if (p == NULL)
        return;
    tally_pcsc_drop(p);
    free(p);
}

const char *tally_pcsc_reason(const struct tally_pcsc *p)
{
    return pcsc_stringify_error(p->last);
}

/* The service's multi-string of reader names; no readers gives an empty one. */
static enum pcsc_meaning list_names(struct tally_pcsc *p, char names[NAMES_MAX])
{
    DWORD n = NAMES_MAX - 1;
    memset(names, 0, NAMES_MAX);
    enum pcsc_meaning m = tally_pcsc_note(p, SCardListReaders(p->context, NULL, names, &n));
    if (m == PCSC_OK || m == PCSC_NO_READER) {
        if (m == PCSC_NO_READER)
            names[0] = '\0';
        return PCSC_OK;
    }
    return m;
}

static void take_state(struct tally_reader *r, const SCARD_READERSTATE *s)
{
    size_t n = s->cbAtr <= TALLY_ATR_MAX ? s->cbAtr : 0;
    r->mute = (s->dwEventState & SCARD_STATE_MUTE) != 0;
    r->card = (s->dwEventState & SCARD_STATE_PRESENT) != 0 && !r->mute;
    r->exclusive = (s->dwEventState & SCARD_STATE_EXCLUSIVE) != 0;
    r->in_use = (s->dwEventState & SCARD_STATE_INUSE) != 0;
    r->atr_len = r->card ? n : 0;
    memcpy(r->atr, s->rgbAtr, r->atr_len);
}

/* Lists the readers and their states as they are now, and the states for a later wait (NULL: not wanted). */
static enum pcsc_meaning look(struct tally_pcsc *p, struct tally_reader_list *list,
                              SCARD_READERSTATE states[TALLY_READERS_MAX])
{
    char names[NAMES_MAX];
    enum pcsc_meaning m = list_names(p, names);
    memset(list, 0, sizeof *list);
    for (char *name = names; m == PCSC_OK && *name != '\0' && list->count < TALLY_READERS_MAX;
         name += strlen(name) + 1) {
        struct tally_reader *r = &list->reader[list->count++];
        memcpy(r->name, name, strnlen(name, sizeof r->name - 1));
        memset(&states[list->count - 1], 0, sizeof *states);
        states[list->count - 1].szReader = r->name;
    }
    if (m != PCSC_OK || list->count == 0)
        return m;
    m = tally_pcsc_note(p, SCardGetStatusChange(p->context, 0, states, (DWORD)list->count));
    /* A reader that vanished between the two calls: the next look will not see it. */
    if (m == PCSC_TIMEOUT || m == PCSC_NO_READER)
        m = PCSC_OK;
    for (size_t i = 0; i < list->count; i++)
        take_state(&list->reader[i], &states[i]);
    return m;
}

/* look, on a new context if the service was restarted. */
static enum tally_error look_again(struct tally_pcsc *p, struct tally_reader_list *list,
                                   SCARD_READERSTATE states[TALLY_READERS_MAX])
{
    memset(list, 0, sizeof *list);
    for (int attempt = 0; attempt < 2; attempt++) {
        enum tally_error e = tally_pcsc_establish(p);
        if (e != TALLY_OK)
            return e;
        enum pcsc_meaning m = look(p, list, states);
        if (m == PCSC_OK)
            return TALLY_OK;
        tally_pcsc_drop(p);
    }
    memset(list, 0, sizeof *list);
    return TALLY_E_NO_READER;
}

enum tally_error tally_pcsc_list(struct tally_pcsc *p, struct tally_reader_list *list)
{
    SCARD_READERSTATE states[TALLY_READERS_MAX];
    return look_again(p, list, states);
}

struct deadline {
    bool forever;
    struct timespec end;
};

static struct deadline deadline_in(int timeout_ms)
{
    struct deadline d = {.forever = timeout_ms < 0};
    clock_gettime(CLOCK_MONOTONIC, &d.end);
    if (!d.forever) {
        d.end.tv_sec += timeout_ms / 1000;
        d.end.tv_nsec += timeout_ms % 1000 * 1000000L;
    }
    return d;
}

/* Milliseconds left, at most the limit, 0 when over. */
static int left(const struct deadline *d, int limit)
{
    struct timespec now;
    if (d->forever)
        return limit;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t ms =
        ((int64_t)d->end.tv_sec - now.tv_sec) * 1000 + (d->end.tv_nsec - now.tv_nsec + 999999) / 1000000;
    return ms <= 0 ? 0 : ms < limit ? (int)ms : limit;
}

/* Waits for any change against what look saw, or of the set of readers. */
static void wait_change(struct tally_pcsc *p, const struct tally_reader_list *list, SCARD_READERSTATE *states,
                        int ms)
{
    DWORD n = (DWORD)list->count;
    for (DWORD i = 0; i < n; i++)
        states[i].dwCurrentState = states[i].dwEventState & ~(DWORD)SCARD_STATE_CHANGED;
    memset(&states[n], 0, sizeof *states);
    states[n].szReader = PNP_READER;
    states[n].dwCurrentState = SCARD_STATE_UNAWARE;
    enum pcsc_meaning m = tally_pcsc_note(p, SCardGetStatusChange(p->context, (DWORD)ms, states, n + 1));
    if (m != PCSC_OK && m != PCSC_TIMEOUT && m != PCSC_CANCELLED && m != PCSC_NO_READER)
        tally_pcsc_drop(p);
}

/* The reader that spec means and that holds a card: its index, or the count when there is none. *matched
 * tells whether a reader matches at all. */
static size_t find_card(const struct tally_reader_list *list, const char *spec, bool *matched)
{
    bool any = spec == NULL || spec[0] == '\0';
    *matched = any && list->count > 0;
    if (!any) {
        size_t i;
        *matched = tally_reader_select(list, spec, &i, NULL, 0) == TALLY_OK;
        return *matched && list->reader[i].card ? i : list->count;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->reader[i].card)
            return i;
    }
    return list->count;
}

enum tally_error tally_pcsc_wait_card(struct tally_pcsc *p, const char *spec, int timeout_ms,
                                      struct tally_reader *found)
{
    struct deadline d = deadline_in(timeout_ms);
    SCARD_READERSTATE states[TALLY_READERS_MAX + 1];
    struct tally_reader_list list;
    memset(found, 0, sizeof *found);
    while (!atomic_exchange(&p->cancelled, false)) {
        bool matched = false;
        enum tally_error e = look_again(p, &list, states);
        size_t i = find_card(&list, spec, &matched);
        if (i < list.count) {
            *found = list.reader[i];
            return TALLY_OK;
        }
        if (left(&d, 1) == 0)
            return matched ? TALLY_E_NO_CARD : TALLY_E_NO_READER;
        if (e == TALLY_OK)
            wait_change(p, &list, states, left(&d, SLICE_MS));
        else
            (void)poll(NULL, 0, left(&d, NO_SERVICE_MS));
    }
    return TALLY_E_STATE;
}

enum tally_error tally_pcsc_wait_removal(struct tally_pcsc *p, const char *name, int timeout_ms)
{
    struct deadline d = deadline_in(timeout_ms);
    SCARD_READERSTATE states[TALLY_READERS_MAX + 1];
    struct tally_reader_list list;
    while (!atomic_exchange(&p->cancelled, false)) {
        size_t i = 0;
        if (look_again(p, &list, states) != TALLY_OK)
            return TALLY_OK;
        while (i < list.count && strcmp(list.reader[i].name, name) != 0)
            i++;
        if (i == list.count || (!list.reader[i].card && !list.reader[i].mute))
            return TALLY_OK;
        if (left(&d, 1) == 0)
            return TALLY_E_STATE;
        wait_change(p, &list, states, left(&d, SLICE_MS));
    }
    return TALLY_E_STATE;
}

void tally_pcsc_cancel(struct tally_pcsc *p)
{
    atomic_store(&p->cancelled, true);
    if (p->established)
        (void)SCardCancel(p->context);
}
