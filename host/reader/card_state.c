#include <string.h>

#include "card/wire/be.h"
#include "card/wire/tlv.h"
#include "host/reader/card.h"

#define TAG_STATE 0xe1

struct field {
    uint8_t tag;
    uint8_t size;
    bool identified; /* one of those that name the card */
};

static const struct field fields[] = {
    {0x80, 3, false},           {0x81, 1, false}, {0x82, 1, false}, {0x83, 2, false}, {0x84, 1, false},
    {0x90, SERIAL_SIZE, true},  {0x91, 4, true},  {0x92, 2, true},  {0x93, 2, true},  {0x94, 4, true},
    {0x95, CHIP_ID_SIZE, true}, {0x96, 8, true},  {0x97, 1, true},  {0x98, 2, true},  {0x99, 2, true},
};

static void take(uint16_t tag, const uint8_t *v, struct tally_card_state *s)
{
    switch (tag) {
    case 0x80: memcpy(s->firmware, v, 3); break;
    case 0x81: s->life_cycle = v[0]; break;
    case 0x82: s->pin_tries_left = v[0]; break;
    case 0x83: s->command_max = be16_get(v); break;
    case 0x84: s->suites = v[0]; break;
    case 0x90: memcpy(s->serial, v, SERIAL_SIZE); break;
    case 0x91: s->transaction_counter = be32_get(v); break;
    case 0x92: s->tickets = be16_get(v); break;
    case 0x93: s->free_p256 = be16_get(v); break;
    case 0x94: s->free_bytes = be32_get(v); break;
    case 0x95: memcpy(s->chip_id, v, CHIP_ID_SIZE); break;
    case 0x96:
        s->erases_min = be32_get(v);
        s->erases_max = be32_get(v + 4);
        break;
    case 0x97: s->key_version = v[0]; break;
    case 0x98: s->free_rsa = be16_get(v); break;
    case 0x99: s->free_sm9 = be16_get(v); break;
    }
}

/* Takes all known fields; unknown tags are for later versions. Returns how many identifying ones there were,
 * or -1 when something is malformed or a field that must be there is not. */
static int take_fields(const uint8_t *in, size_t n, struct tally_card_state *s)
{
    const size_t count = sizeof fields / sizeof *fields;
    uint32_t seen = 0;
    struct tlv t;
    while (n > 0) {
        if (!tlv_next(&in, &n, &t))
            return -1;
        for (size_t i = 0; i < count; i++) {
            if (fields[i].tag != t.tag)
                continue;
            if (t.len != fields[i].size || (seen & 1u << i) != 0)
                return -1;
            seen |= 1u << i;
            take(t.tag, t.value, s);
        }
    }
    int identified = 0;
    for (size_t i = 0; i < count; i++) {
        bool there = (seen & 1u << i) != 0;
        if (!there && !fields[i].identified)
            return -1;
        identified += there && fields[i].identified;
    }
    return identified;
}

bool tally_card_state_parse(const uint8_t *data, size_t n, struct tally_card_state *state)
{
    struct tlv outer;
    memset(state, 0, sizeof *state);
    int identified = -1;
    if (tlv_next(&data, &n, &outer) && n == 0 && outer.tag == TAG_STATE)
        identified = take_fields(outer.value, outer.len, state);
    if (identified < 0) {
        memset(state, 0, sizeof *state);
        return false;
    }
    state->identified = identified > 0;
    return true;
}

enum tally_error tally_card_get_state(struct tally_card *card, struct tally_card_state *state)
{
    size_t n;
    memset(state, 0, sizeof *state);
    enum tally_error e = tally_card_command(card, CLA_PROPRIETARY, INS_GET_STATUS, 0, NULL, 0, 256, &n);
    if (e == TALLY_OK && !tally_card_state_parse(card->answer, n, state)) {
        card->error = tally_card_explain_error(TALLY_E_NO_CARD);
        e = TALLY_E_NO_CARD;
    }
    return e;
}

const char *tally_card_life_text(uint8_t life_cycle)
{
    switch (life_cycle) {
    case LIFE_BLANK: return "blank";
    case LIFE_PERSONALISED: return "personalised";
    case LIFE_IN_USE: return "in use";
    case LIFE_BLOCKED: return "blocked";
    default: return "unknown";
    }
}
