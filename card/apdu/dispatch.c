#include "card/apdu/dispatch.h"

#include "card/apdu/pin.h"

enum { AID_MIN = 5, AID_MAX = 16, CHANGE_PIN_MIN = 1 + 2 * PIN_MIN, CHANGE_PIN_MAX = 1 + 2 * PIN_MAX };

static const struct command_row common[] = {
    {CLA_ISO, INS_SELECT, 0x04, 0x04, 0x00, 0x00, IN_ANY, SM_NONE, AID_MIN, AID_MAX, select_run},
    {CLA_ISO, INS_SELECT, 0x04, 0x04, SELECT_NO_FCI, SELECT_NO_FCI, IN_ANY, SM_NONE, AID_MIN, AID_MAX,
     select_run},
    {CLA_ISO, INS_VERIFY_PIN, 0, 0, PIN_REFERENCE, PIN_REFERENCE, IN_FIELD | IN_BLOCKED, SM_NONE, 0, PIN_MAX,
     pin_verify_run},
    {CLA_ISO, INS_CHANGE_PIN, 0, 0, PIN_REFERENCE, PIN_REFERENCE, IN_FIELD, SM_NONE, CHANGE_PIN_MIN,
     CHANGE_PIN_MAX, pin_change_run},
    {CLA_PROPRIETARY, INS_GET_STATUS, 0, 0, 0, 0, IN_ANY, SM_OPTIONAL, 0, 0, get_status_run},
    {CLA_PROPRIETARY, INS_GET_DATA, 0, UINT8_MAX, 0, UINT8_MAX, IN_BLANK | IN_FIELD, SM_OPTIONAL, 0, 0,
     get_data_run},
};

static bool class_known(uint8_t cla)
{
    cla &= (uint8_t)~CLA_CHAINING;
    return cla == CLA_ISO || cla == CLA_PROPRIETARY || cla == (CLA_PROPRIETARY | CLA_SECURE);
}

static uint8_t plain_class(uint8_t cla)
{
    return cla & (uint8_t) ~(CLA_CHAINING | CLA_SECURE);
}

static bool is_secure(uint8_t cla)
{
    return (cla & CLA_SECURE) != 0;
}

/* The same INS may mean something else, or nothing, in another class. */
static bool names(const uint8_t *header, const struct command_row *row)
{
    return row->ins == header[1] && row->cla == plain_class(header[0]) &&
           !(is_secure(header[0]) && row->security == SM_NONE);
}

static bool parameters_fit(const struct command_row *row, const uint8_t *header)
{
    return header[2] >= row->p1_min && header[2] <= row->p1_max && header[3] >= row->p2_min &&
           header[3] <= row->p2_max;
}

/* The row of this instruction that takes these parameters; else one that the life cycle allows; else any of
 * the instruction; else NULL. */
static const struct command_row *find_row(const struct command_row *rows, size_t count, const uint8_t *header,
                                          uint8_t life)
{
    const struct command_row *near = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!names(header, &rows[i]))
            continue;
        if (parameters_fit(&rows[i], header))
            return &rows[i];
        if (near == NULL || (rows[i].life & life) != 0)
            near = &rows[i];
    }
    return near;
}

static uint8_t life_set(uint8_t life)
{
    switch (life) {
    case LIFE_BLANK: return IN_BLANK;
    case LIFE_PERSONALISED: return IN_PERSONALISED;
    case LIFE_IN_USE: return IN_USE;
    case LIFE_BLOCKED: return IN_BLOCKED;
    default: return 0;
    }
}

static uint16_t check_security(const struct card *card, const struct command_row *row, uint8_t cla)
{
    if (!is_secure(cla))
        return row->security <= SM_OPTIONAL ? SW_OK : SW_SECURITY_STATUS;
    bool open = card->channel.state == SCP03_OPEN;
    return open || row->security == SM_OPENING ? SW_OK : SW_SECURITY_STATUS;
}

uint16_t dispatch_find(struct card *card, const uint8_t header[APDU_HEADER_SIZE],
                       const struct command_row **row)
{
    *row = NULL;
    if (!class_known(header[0]))
        return SW_CLA_UNSUPPORTED;
    uint8_t life = life_set(card_life(card));
    const struct command_row *found = find_row(common, sizeof common / sizeof common[0], header, life);
    if (found == NULL)
        found = find_row(card->selected->commands, card->selected->count, header, life);
    if (found == NULL)
        return SW_INS_UNSUPPORTED;
    if (life == 0)
        return SW_MEMORY_FAILURE;
    if ((found->life & life) == 0)
        return SW_CONDITIONS;
    if (!parameters_fit(found, header))
        return SW_WRONG_P1P2;
    uint16_t sw = check_security(card, found, header[0]);
    if (sw == SW_OK)
        *row = found;
    return sw;
}

static uint16_t run_row(struct card *card, const struct command_row *row, const struct apdu_command *command,
                        struct answer *answer)
{
    struct apdu_response response = {answer->data, RESPONSE_DATA_MAX, 0};
    if (command->len < row->min_len || command->len > row->max_len)
        return SW_WRONG_LENGTH;
    uint16_t sw = row->run(card, command, &response);
    answer->len = response.len;
    return sw;
}

uint16_t dispatch_run(struct card *card, const struct command_row *row, struct apdu_command *command,
                      struct answer *answer)
{
    bool unwrap = is_secure(command->cla) && row->security != SM_OPENING;
    if (unwrap && !scp03_unwrap(&card->channel, command))
        return SW_AUTHENTICATION;
    uint16_t sw = run_row(card, row, command, answer);
    if (sw != SW_OK)
        answer_drop(answer);
    else if (unwrap && card->channel.state == SCP03_OPEN)
        answer->len = scp03_wrap(&card->channel, answer->data, answer->len);
    return sw;
}
