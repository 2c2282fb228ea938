#include "host/base/error.h"

static const struct {
    const char *text;
    int exit_code;
} table[TALLY_E_COUNT] = {
    [TALLY_OK] = {"ok", 0},
    [TALLY_E_DENIED] = {"denied", 1},
    [TALLY_E_USAGE] = {"wrong usage or configuration", 2},
    [TALLY_E_NO_READER] = {"no reader", 3},
    [TALLY_E_NO_CARD] = {"no card", 4},
    [TALLY_E_CARD_LOST] = {"card lost", 5},
    [TALLY_E_CRYPTO] = {"cryptographic check failed", 6},
    [TALLY_E_FULL] = {"full", 7},
    [TALLY_E_SERVER] = {"server failed or unreachable", 8},
    [TALLY_E_NOT_FOUND] = {"not found", 1},
    [TALLY_E_EXISTS] = {"exists already", 1},
    [TALLY_E_FORMAT] = {"malformed input", 2},
    [TALLY_E_STATE] = {"not allowed in this state", 1},
    [TALLY_E_IO] = {"input/output failed", 8},
    [TALLY_E_MEMORY] = {"out of memory", 8},
    [TALLY_E_BUG] = {"internal error", 8},
    [TALLY_E_BUSY] = {"busy", 8},
};

const char *tally_error_text(enum tally_error e)
{
    return (unsigned)e < TALLY_E_COUNT ? table[e].text : "unknown error";
}

int tally_error_exit_code(enum tally_error e)
{
    return (unsigned)e < TALLY_E_COUNT ? table[e].exit_code : 8;
}
