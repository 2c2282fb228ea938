#include "card/wire/usage.h"

#include <string.h>

#include "card/wire/be.h"

void usage_encode(const struct usage_record *u, uint8_t out[USAGE_SIZE])
{
    out[0] = USAGE_VERSION;
    out[1] = u->event;
    out[2] = u->entries;
    out[3] = u->temporary_exits;
    out[4] = u->exited;
    out[5] = u->clipped;
    out[6] = u->printed;
    out[7] = u->direction;
    be32_put(out + 8, u->gate);
    be32_put(out + 12, u->station);
    be32_put(out + 16, u->time);
    be32_put(out + 20, u->gate_transaction);
    be16_put(out + 24, u->use_counter);
    out[26] = u->receipt_key_version;
    out[27] = u->authority;
    be32_put(out + 28, u->card_transaction_counter);
    memcpy(out + USAGE_MACED, u->mac, RECEIPT_MAC_SIZE);
}

bool usage_decode(const uint8_t in[USAGE_SIZE], struct usage_record *u)
{
    memset(u, 0, sizeof *u);
    if (in[0] != USAGE_VERSION || in[1] > EVENT_DELETED || in[4] > 1 || in[5] > 1 || in[6] > 1 ||
        in[7] > TEMPORARILY_OUTSIDE || in[27] > BY_GATE_SM9)
        return false;
    u->event = in[1];
    u->entries = in[2];
    u->temporary_exits = in[3];
    u->exited = in[4] == 1;
    u->clipped = in[5] == 1;
    u->printed = in[6] == 1;
    u->direction = in[7];
    u->gate = be32_get(in + 8);
    u->station = be32_get(in + 12);
    u->time = be32_get(in + 16);
    u->gate_transaction = be32_get(in + 20);
    u->use_counter = be16_get(in + 24);
    u->receipt_key_version = in[26];
    u->authority = in[27];
    u->card_transaction_counter = be32_get(in + 28);
    memcpy(u->mac, in + USAGE_MACED, RECEIPT_MAC_SIZE);
    return true;
}

static enum usage_verdict enter(const struct ticket_face *face, struct usage_record *u)
{
    if (u->exited)
        return USAGE_HAS_EXITED;
    if (u->clipped)
        return USAGE_IS_CLIPPED;
    if (u->direction != OUTSIDE)
        return USAGE_ALREADY_INSIDE;
    if (u->entries >= face->max_entries)
        return USAGE_ENTRIES_USED_UP;
    u->entries++;
    u->direction = INSIDE;
    return USAGE_ALLOWED;
}

static enum usage_verdict leave_for_a_while(const struct ticket_face *face, struct usage_record *u)
{
    if (u->direction != INSIDE)
        return USAGE_NOT_INSIDE;
    if (u->temporary_exits >= face->max_temporary_exits)
        return USAGE_TEMPORARY_EXITS_USED_UP;
    u->temporary_exits++;
    u->direction = TEMPORARILY_OUTSIDE;
    return USAGE_ALLOWED;
}

static enum usage_verdict come_back(struct usage_record *u)
{
    if (u->direction != TEMPORARILY_OUTSIDE)
        return USAGE_NOT_TEMPORARILY_OUTSIDE;
    if (u->clipped)
        return USAGE_IS_CLIPPED;
    u->direction = INSIDE;
    return USAGE_ALLOWED;
}

static enum usage_verdict leave(const struct ticket_face *face, struct usage_record *u)
{
    if (u->direction != INSIDE)
        return USAGE_NOT_INSIDE;
    u->direction = OUTSIDE;
    u->exited = u->clipped || u->entries >= face->max_entries;
    return USAGE_ALLOWED;
}

static enum usage_verdict clip(struct usage_record *u)
{
    if (u->exited)
        return USAGE_HAS_EXITED;
    if (u->clipped)
        return USAGE_IS_CLIPPED;
    u->clipped = true;
    return USAGE_ALLOWED;
}

static enum usage_verdict print_paper(struct usage_record *u)
{
    if (u->printed)
        return USAGE_IS_PRINTED;
    u->printed = true;
    return USAGE_ALLOWED;
}

/* Each event that can be undone has exactly one state it can have come from, so no history is stored. */
static enum usage_verdict undo(struct usage_record *u, uint32_t gate)
{
    if (u->gate != gate)
        return USAGE_NOTHING_TO_UNDO;
    switch (u->event) {
    case EVENT_ENTRY:
        if (u->entries == 0)
            return USAGE_NOTHING_TO_UNDO;
        u->entries--;
        u->direction = OUTSIDE;
        return USAGE_ALLOWED;
    case EVENT_TEMPORARY_EXIT:
        if (u->temporary_exits == 0)
            return USAGE_NOTHING_TO_UNDO;
        u->temporary_exits--;
        u->direction = INSIDE;
        return USAGE_ALLOWED;
    case EVENT_REENTRY: u->direction = TEMPORARILY_OUTSIDE; return USAGE_ALLOWED;
    case EVENT_EXIT:
        u->exited = false;
        u->direction = INSIDE;
        return USAGE_ALLOWED;
    default: return USAGE_NOTHING_TO_UNDO;
    }
}

static enum usage_verdict apply(const struct ticket_face *face, enum usage_event event, uint32_t gate,
                                struct usage_record *u)
{
    switch (event) {
    case EVENT_ENTRY: return enter(face, u);
    case EVENT_TEMPORARY_EXIT: return leave_for_a_while(face, u);
    case EVENT_REENTRY: return come_back(u);
    case EVENT_EXIT: return leave(face, u);
    case EVENT_CLIP: return clip(u);
    case EVENT_PRINT: return print_paper(u);
    case EVENT_UNDO: return undo(u, gate);
    case EVENT_LOADED:
    case EVENT_DELETED: break;
    }
    return USAGE_NO_SUCH_EVENT;
}

enum usage_verdict usage_apply(const struct ticket_face *face, const struct usage_record *before,
                               enum usage_event event, const struct usage_place *place,
                               struct usage_record *after)
{
    struct usage_record u = *before;
    enum usage_verdict verdict = USAGE_COUNTER_EXHAUSTED;
    if (u.use_counter < UINT16_MAX)
        verdict = apply(face, event, place->gate, &u);
    if (verdict != USAGE_ALLOWED) {
        *after = *before;
        return verdict;
    }
    u.event = (uint8_t)event;
    u.gate = place->gate;
    u.station = place->station;
    u.time = place->time;
    u.gate_transaction = place->gate_transaction;
    u.use_counter++;
    u.receipt_key_version = 0;
    u.authority = 0;
    u.card_transaction_counter = 0;
    memset(u.mac, 0, sizeof u.mac);
    *after = u;
    return USAGE_ALLOWED;
}
