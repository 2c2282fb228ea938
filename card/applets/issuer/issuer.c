#include "card/applets/issuer/issuer.h"

#include "card/applets/issuer/commands.h"
#include "card/apdu/pin.h"

enum { CLA = CLA_PROPRIETARY, EXTERNAL_DATA = SCP03_CRYPTOGRAM_SIZE + SCP03_MAC_SIZE };

static const struct command_row commands[] = {
    {CLA, INS_INITIALIZE_UPDATE, 0, 0, 0, 0, IN_ANY, SM_NONE, SCP03_CHALLENGE_SIZE, SCP03_CHALLENGE_SIZE,
     initialize_update_run},
    {CLA, INS_EXTERNAL_AUTHENTICATE, SCP03_LEVEL, SCP03_LEVEL, 0, 0, IN_ANY, SM_OPENING, EXTERNAL_DATA,
     EXTERNAL_DATA, external_authenticate_run},
    {CLA, INS_PUT_DATA, DO_SERIAL >> 8, DO_SERIAL >> 8, DO_SERIAL & 0xFF, DO_SERIAL & 0xFF, IN_BLANK,
     SM_REQUIRED, SERIAL_SIZE, SERIAL_SIZE, put_serial_run},
    {CLA, INS_PUT_DATA, DO_ENROLMENT_KEY >> 8, DO_ENROLMENT_KEY >> 8, DO_ENROLMENT_KEY & 0xFF,
     DO_ENROLMENT_KEY & 0xFF, IN_BLANK, SM_REQUIRED, P256_PUBLIC_SIZE, P256_PUBLIC_SIZE,
     put_enrolment_key_run},
    {CLA, INS_PUT_DATA, DO_INITIAL_PIN >> 8, DO_INITIAL_PIN >> 8, DO_INITIAL_PIN & 0xFF,
     DO_INITIAL_PIN & 0xFF, IN_BLANK, SM_REQUIRED, PIN_MIN, PIN_MAX, put_pin_run},
    {CLA, INS_GENERATE_KEY, 0, 0, KEY_REF_KEM, KEY_REF_AUTH, IN_BLANK, SM_REQUIRED, 0, 0, generate_p256_run},
    {CLA, INS_GENERATE_KEY, 0, 0, KEY_REF_RSA, KEY_REF_RSA, IN_BLANK, SM_REQUIRED, 0, 0, generate_rsa_run},
    {CLA, INS_PUT_KEY, 0, 0, KEY_REF_RSA, KEY_REF_RSA, IN_BLANK, SM_REQUIRED, PUT_KEY_SIZE, PUT_KEY_SIZE,
     put_key_run},
    {CLA, INS_SET_STATUS, 0, 0, LIFE_PERSONALISED, LIFE_PERSONALISED, IN_BLANK, SM_REQUIRED, 0, 0,
     finish_run},
    {CLA, INS_SET_STATUS, 0, 0, LIFE_BLOCKED, LIFE_BLOCKED, IN_FIELD, SM_REQUIRED, 0, 0, set_life_run},
    {CLA, INS_SET_STATUS, 0, 0, LIFE_IN_USE, LIFE_IN_USE, IN_BLOCKED, SM_REQUIRED, 0, 0, set_life_run},
    {CLA, INS_RESET_PIN, 0, 0, PIN_REFERENCE, PIN_REFERENCE, IN_FIELD | IN_BLOCKED, SM_REQUIRED, PIN_MIN,
     PIN_MAX, put_pin_run},
};

static void deselect(struct card *card)
{
    scp03_close(&card->channel);
}

const struct applet issuer_applet = {
    .aid_last = TALLY_AID_ISSUER,
    .commands = commands,
    .count = sizeof commands / sizeof commands[0],
    .deselect = deselect,
};
