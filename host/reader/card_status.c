#include "host/reader/card_status.h"

#include <stddef.h>

#include "card/wire/protocol.h"

#define ANY_INS 0x00

struct meaning {
    uint8_t ins; /* ANY_INS or the one instruction this line is about */
    uint16_t sw, mask;
    enum tally_error error;
    const char *text;
};

/* The first line that fits counts, so what is said to one instruction stands before what is said to all. */
static const struct meaning meanings[] = {
    {INS_LOAD, SW_WRONG_DATA, 0xffff, TALLY_E_DENIED, "the ticket is malformed or was made for another card"},
    {INS_LOAD, SW_TICKET_EXISTS, 0xffff, TALLY_E_EXISTS, "this ticket is on the card already"},
    {INS_LOAD, SW_CONDITIONS, 0xffff, TALLY_E_STATE,
     "the ticket was loaded before, or replaces another, or the card is not in use"},
    {INS_LOAD, SW_KEY_ABSENT, 0xffff, TALLY_E_NOT_FOUND,
     "the card does not know this operator or key version"},
    {INS_LOAD, SW_AUTHENTICATION, 0xffff, TALLY_E_CRYPTO, "the card cannot authenticate the ticket"},
    {INS_EXCHANGE, SW_WRONG_DATA, 0xffff, TALLY_E_DENIED,
     "the ticket is malformed or was made for another card"},
    {INS_EXCHANGE, SW_RECORD_NOT_FOUND, 0xffff, TALLY_E_NOT_FOUND,
     "the ticket to be replaced is not on the card"},
    {INS_EXCHANGE, SW_CONDITIONS, 0xffff, TALLY_E_STATE, "the ticket to be replaced was used in between"},
    {INS_EXCHANGE, SW_TICKET_EXISTS, 0xffff, TALLY_E_EXISTS, "the new ticket is on the card already"},
    {INS_EXCHANGE, SW_AUTHENTICATION, 0xffff, TALLY_E_CRYPTO, "the card cannot authenticate the ticket"},
    {INS_READ, SW_RECORD_NOT_FOUND, 0xffff, TALLY_E_NOT_FOUND, "no ticket, or no more"},
    {INS_VERIFY, SW_KEY_ABSENT, 0xffff, TALLY_E_NOT_FOUND,
     "the card does not know this operator or key version"},
    {INS_VERIFY, SW_AUTHENTICATION, 0xffff, TALLY_E_CRYPTO,
     "the card does not accept the gate's certificate"},
    {INS_WRITE_USAGE, SW_RECORD_NOT_FOUND, 0xffff, TALLY_E_NOT_FOUND,
     "this operator has no such ticket on the card"},
    {INS_WRITE_USAGE, SW_CONDITIONS, 0xffff, TALLY_E_STATE, "the card does not allow this event"},
    {INS_WRITE_USAGE, SW_SECURITY_STATUS, 0xffff, TALLY_E_STATE, "there is no gate session"},
    {INS_WRITE_USAGE, SW_AUTHENTICATION, 0xffff, TALLY_E_CRYPTO, "the card cannot authenticate the gate"},
    {INS_DELETE, SW_RECORD_NOT_FOUND, 0xffff, TALLY_E_NOT_FOUND,
     "this operator has no such ticket on the card"},
    {INS_DELETE, SW_SECURITY_STATUS, 0xffff, TALLY_E_STATE, "there is no gate session"},
    {INS_DELETE, SW_AUTHENTICATION, 0xffff, TALLY_E_CRYPTO, "the card cannot authenticate the gate"},
    {INS_PUT_DATA, SW_CONDITIONS, 0xffff, TALLY_E_STATE,
     "the card holds this version or a later one, or is not in the state for it"},
    {INS_PUT_DATA, SW_AUTHENTICATION, 0xffff, TALLY_E_CRYPTO, "the card cannot authenticate the data"},
    {INS_GET_DATA, SW_KEY_ABSENT, 0xffff, TALLY_E_NOT_FOUND, "the card has no such data object"},
    {INS_GET_DATA, SW_SECURITY_STATUS, 0xffff, TALLY_E_DENIED, "the card asks for its PIN first"},
    {INS_READ, SW_SECURITY_STATUS, 0xffff, TALLY_E_DENIED, "the card asks for its PIN first"},
    {INS_INITIALIZE_UPDATE, SW_SECURITY_STATUS, 0xffff, TALLY_E_DENIED, "the card asks for its PIN first"},
    {INS_INITIALIZE_UPDATE, SW_PIN_BLOCKED, 0xffff, TALLY_E_DENIED,
     "the issuer's applet is locked: too many failures in this power session"},
    {INS_EXTERNAL_AUTHENTICATE, SW_AUTHENTICATION, 0xffff, TALLY_E_CRYPTO,
     "the card does not accept the administration key"},
    {INS_EXTERNAL_AUTHENTICATE, SW_PIN_BLOCKED, 0xffff, TALLY_E_DENIED,
     "the issuer's applet is locked: too many failures in this power session"},
    {INS_SELECT, SW_FILE_NOT_FOUND, 0xffff, TALLY_E_NO_CARD, "this is not a Tally card"},
    {INS_GET_STATUS, SW_CLA_UNSUPPORTED, 0xffff, TALLY_E_NO_CARD, "this is not a Tally card"},
    {INS_GET_STATUS, SW_INS_UNSUPPORTED, 0xffff, TALLY_E_NO_CARD, "this is not a Tally card"},

    {ANY_INS, SW_OK, 0xffff, TALLY_OK, "ok"},
    {ANY_INS, SW_MORE, 0xff00, TALLY_E_STATE, "more data waits to be fetched"},
    {ANY_INS, SW_PIN_TRIES, 0xffff, TALLY_E_DENIED, "wrong PIN, no tries left: the PIN is blocked"},
    {ANY_INS, SW_PIN_TRIES | 1, 0xffff, TALLY_E_DENIED, "wrong PIN, 1 try left"},
    {ANY_INS, SW_PIN_TRIES | 2, 0xffff, TALLY_E_DENIED, "wrong PIN, 2 tries left"},
    {ANY_INS, SW_PIN_TRIES | 3, 0xffff, TALLY_E_DENIED, "wrong PIN, 3 tries left"},
    {ANY_INS, SW_PIN_TRIES | 4, 0xffff, TALLY_E_DENIED, "wrong PIN, 4 tries left"},
    {ANY_INS, SW_PIN_TRIES, 0xfff0, TALLY_E_DENIED, "wrong PIN"},
    {ANY_INS, SW_MEMORY_FAILURE, 0xffff, TALLY_E_IO, "the card's memory failed"},
    {ANY_INS, SW_WRONG_LENGTH, 0xffff, TALLY_E_FORMAT, "wrong length"},
    {ANY_INS, SW_LAST_CHAIN_EXPECTED, 0xffff, TALLY_E_FORMAT, "the parts of a chained command do not agree"},
    {ANY_INS, SW_CHAINING_UNSUPPORTED, 0xffff, TALLY_E_FORMAT, "command chaining is not supported"},
    {ANY_INS, SW_SECURITY_STATUS, 0xffff, TALLY_E_DENIED, "PIN or session needed first"},
    {ANY_INS, SW_PIN_BLOCKED, 0xffff, TALLY_E_DENIED, "the PIN is blocked"},
    {ANY_INS, SW_CONDITIONS, 0xffff, TALLY_E_STATE, "not allowed in the card's state"},
    {ANY_INS, SW_AUTHENTICATION, 0xffff, TALLY_E_CRYPTO, "a cryptographic check on the card failed"},
    {ANY_INS, SW_WRONG_DATA, 0xffff, TALLY_E_DENIED, "the card refuses the data"},
    {ANY_INS, SW_FILE_NOT_FOUND, 0xffff, TALLY_E_NOT_FOUND, "no such application"},
    {ANY_INS, SW_RECORD_NOT_FOUND, 0xffff, TALLY_E_NOT_FOUND, "no such ticket"},
    {ANY_INS, SW_NO_ROOM, 0xffff, TALLY_E_FULL, "the card has no room left"},
    {ANY_INS, SW_WRONG_P1P2, 0xffff, TALLY_E_FORMAT, "wrong parameters P1 P2"},
    {ANY_INS, SW_KEY_ABSENT, 0xffff, TALLY_E_NOT_FOUND, "the card has no such operator, key or object"},
    {ANY_INS, SW_TICKET_EXISTS, 0xffff, TALLY_E_EXISTS, "this ticket is on the card already"},
    {ANY_INS, SW_WRONG_LE, 0xff00, TALLY_E_FORMAT, "wrong expected length"},
    {ANY_INS, SW_INS_UNSUPPORTED, 0xffff, TALLY_E_FORMAT, "instruction unknown to the selected application"},
    {ANY_INS, SW_CLA_UNSUPPORTED, 0xffff, TALLY_E_FORMAT, "class unknown to the card"},
    {ANY_INS, SW_INTERNAL, 0xffff, TALLY_E_IO, "the card had an internal error"},
};

struct tally_card_error tally_card_explain(uint8_t ins, uint16_t sw)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const struct meaning *m = &meanings[i];
        if ((m->ins == ANY_INS || m->ins == ins) && (sw & m->mask) == m->sw)
            return (struct tally_card_error){sw, m->error, m->text};
    }
    return (struct tally_card_error){sw, TALLY_E_NO_CARD, "a status word that no Tally card answers"};
}

struct tally_card_error tally_card_explain_error(enum tally_error error)
{
    const char *text = tally_error_text(error);
    if (error == TALLY_E_NO_CARD)
        text = "the card's answer is malformed: this is not a Tally card";
    return (struct tally_card_error){0, error, text};
}
