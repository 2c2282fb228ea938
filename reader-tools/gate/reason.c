#include "reader-tools/gate/reason.h"

#include <stddef.h>

static const struct {
    enum gate_reason reason;
    const char *name, *text;
} table[] = {
#define ROW(id, number, name, text) {GATE_##id, name, text},
    GATE_REASONS(ROW)
#undef ROW
};

static const size_t rows = sizeof table / sizeof *table;

const char *gate_reason_name(enum gate_reason reason)
{
    for (size_t i = 0; i < rows; i++)
        if (table[i].reason == reason)
            return table[i].name;
    return "unknown";
}

const char *gate_reason_text(enum gate_reason reason)
{
    for (size_t i = 0; i < rows; i++)
        if (table[i].reason == reason)
            return table[i].text;
    return "Please ask the staff";
}

bool gate_reason_at(unsigned index, enum gate_reason *reason)
{
    *reason = index < rows ? table[index].reason : GATE_ACCEPTED;
    return index < rows;
}

enum gate_reason gate_reason_of_usage(enum usage_verdict verdict)
{
    switch (verdict) {
    case USAGE_ALLOWED: return GATE_ACCEPTED;
    case USAGE_ALREADY_INSIDE: return GATE_ALREADY_INSIDE;
    case USAGE_NOT_INSIDE: return GATE_NOT_INSIDE;
    case USAGE_NOT_TEMPORARILY_OUTSIDE: return GATE_NOT_TEMPORARILY_OUTSIDE;
    case USAGE_ENTRIES_USED_UP: return GATE_ENTRIES_USED_UP;
    case USAGE_TEMPORARY_EXITS_USED_UP: return GATE_TEMPORARY_EXITS_USED_UP;
    case USAGE_HAS_EXITED: return GATE_HAS_EXITED;
    case USAGE_IS_CLIPPED: return GATE_CLIPPED;
    case USAGE_IS_PRINTED: return GATE_PRINTED;
    case USAGE_NOTHING_TO_UNDO: return GATE_NOTHING_TO_UNDO;
    case USAGE_COUNTER_EXHAUSTED: return GATE_COUNTER_EXHAUSTED;
    case USAGE_NO_SUCH_EVENT: return GATE_NO_SUCH_EVENT;
    }
    return GATE_NO_SUCH_EVENT;
}

enum tally_error gate_reason_error(enum gate_reason reason)
{
    switch ((int)reason) {
    case GATE_ACCEPTED:
    case GATE_RATIFIED: return TALLY_OK;
    case GATE_CARD_LOST: return TALLY_E_CARD_LOST;
    case GATE_NOT_A_TALLY_CARD: return TALLY_E_NO_CARD;
    case GATE_JOURNAL_FAILED: return TALLY_E_IO;
    default: break;
    }
    return reason >= GATE_FORGED_TICKET && reason <= GATE_UNKNOWN_KEY ? TALLY_E_CRYPTO : TALLY_E_DENIED;
}
