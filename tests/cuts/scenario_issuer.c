/* The issuer's commands and the holder's PIN. */
#include <check.h>
#include <string.h>

#include "card/apdu/pin.h"
#include "tests/cuts/scenario.h"
#include "tests/support/must.h"
#include "tests/support/scp03_peer.h"

#define OTHER_PIN "98765"
#define WRONG_PIN "000000"

enum { FACTOR = 128, FACTORS = 5 };

static struct scp03_peer peer;
static struct reply reply;

static uint16_t plain(uint8_t cla, uint8_t ins, uint16_t p1p2, const void *in, size_t n)
{
    const uint8_t header[] = {cla, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2};
    ramcard_command(under_test, header, in, n, &reply);
    return reply.sw;
}

static uint16_t issue(uint8_t ins, uint16_t p1p2, const void *in, size_t n)
{
    peer_command(&peer, under_test, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2, in, n, &reply);
    return reply.sw;
}

static uint16_t verify(const char *pin)
{
    return plain(CLA_ISO, INS_VERIFY_PIN, PIN_REFERENCE, pin, strlen(pin));
}

/* ---- A blank chip ---- */

static void blank(void)
{
    under_test = ramcard_new(7);
    struct hal_identity identity = ramcard_identity(under_test);
    peer_init(&peer, identity.admin_key);
    /* So that the count of failures is there. */
    peer_open(&peer, under_test);
}

/* On a card in the field the issuer needs the holder's PIN. */
static void channel(void)
{
    if (card_life(ramcard_card(under_test)) != LIFE_BLANK)
        must(verify(TEST_PIN) == SW_OK);
    peer_open(&peer, under_test);
}

static void challenge(void)
{
    ramcard_select(under_test, TALLY_AID_ISSUER);
    must(peer_begin(&peer, under_test) == SW_OK);
}

static uint16_t authenticate(void)
{
    return peer_finish(&peer, under_test);
}

static uint16_t authenticate_wrongly(void)
{
    struct scp03_peer stranger = peer;
    stranger.host_cryptogram[0] ^= 1;
    return peer_finish(&stranger, under_test);
}

static uint16_t put_serial(void)
{
    static const uint8_t serial[SERIAL_SIZE] = {0x54, 1, 2, 3};
    return issue(INS_PUT_DATA, DO_SERIAL, serial, sizeof serial);
}

static uint16_t put_enrolment_key(void)
{
    return issue(INS_PUT_DATA, DO_ENROLMENT_KEY, peer_point, sizeof peer_point);
}

static uint16_t put_pin(void)
{
    return issue(INS_PUT_DATA, DO_INITIAL_PIN, TEST_PIN, strlen(TEST_PIN));
}

static uint16_t generate_kem(void)
{
    return issue(INS_GENERATE_KEY, KEY_REF_KEM, NULL, 0);
}

static uint16_t generate_auth(void)
{
    return issue(INS_GENERATE_KEY, KEY_REF_AUTH, NULL, 0);
}

static uint16_t put_key(void)
{
    static uint8_t in[FACTORS * (3 + FACTOR)];
    uint8_t private_key[TALLY_RSA_PRIVATE_SIZE];
    must(tally_key_rsa_private(scenario_world.gate_rsa, private_key) == TALLY_OK);
    for (size_t i = 0; i < FACTORS; i++) {
        uint8_t *at = in + i * (3 + FACTOR);
        at[0] = (uint8_t)(0x81 + i);
        at[1] = 0x81;
        at[2] = FACTOR;
        memcpy(at + 3, private_key + i * FACTOR, FACTOR);
    }
    return issue(INS_PUT_KEY, KEY_REF_RSA, in, sizeof in);
}

static void all_but_status(void)
{
    blank();
    must(put_serial() == SW_OK && put_enrolment_key() == SW_OK && put_pin() == SW_OK);
    must(generate_kem() == SW_OK && generate_auth() == SW_OK);
}

static void key_there(void)
{
    blank();
    must(generate_kem() == SW_OK);
}

static uint16_t personalised(void)
{
    return issue(INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0);
}

/* ---- A card in the field ---- */

static void in_field(void)
{
    under_test = scenario_world.rc;
    struct hal_identity identity = ramcard_identity(under_test);
    peer_init(&peer, identity.admin_key);
    must(verify(TEST_PIN) == SW_OK);
}

static void blocked(void)
{
    in_field();
    channel();
    must(issue(INS_SET_STATUS, LIFE_BLOCKED, NULL, 0) == SW_OK);
}

static uint16_t block(void)
{
    return issue(INS_SET_STATUS, LIFE_BLOCKED, NULL, 0);
}

static uint16_t unblock(void)
{
    return issue(INS_SET_STATUS, LIFE_IN_USE, NULL, 0);
}

static uint16_t reset_pin(void)
{
    return issue(INS_RESET_PIN, PIN_REFERENCE, TEST_PIN, strlen(TEST_PIN));
}

static uint16_t verify_right(void)
{
    return verify(TEST_PIN);
}

static uint16_t verify_wrong(void)
{
    return verify(WRONG_PIN);
}

static uint16_t change(const char *old)
{
    uint8_t in[1 + 2 * PIN_MAX] = {(uint8_t)strlen(old)};
    memcpy(in + 1, old, in[0]);
    memcpy(in + 1 + in[0], OTHER_PIN, strlen(OTHER_PIN));
    return plain(CLA_ISO, INS_CHANGE_PIN, PIN_REFERENCE, in, 1u + in[0] + strlen(OTHER_PIN));
}

static uint16_t change_right(void)
{
    return change(TEST_PIN);
}

static uint16_t change_wrong(void)
{
    return change(WRONG_PIN);
}

#define FAILURES(n)                                                                                          \
    {                                                                                                        \
        {                                                                                                    \
            {                                                                                                \
                BECOMES, REC_ADMIN_FAILURES, n, 0                                                            \
            }                                                                                                \
        }                                                                                                    \
    }
#define ONE(what, id)                                                                                        \
    {                                                                                                        \
        {                                                                                                    \
            {                                                                                                \
                {                                                                                            \
                    what, id, 0, 0                                                                           \
                }                                                                                            \
            }                                                                                                \
        }                                                                                                    \
    }
#define A_TRY_LESS                                                                                           \
    {                                                                                                        \
        {                                                                                                    \
            {                                                                                                \
                COUNTS_DOWN, REC_PIN_TRIES, 0, 0                                                             \
            }                                                                                                \
        }                                                                                                    \
    }

enum { ONE_TRY_LESS = SW_PIN_TRIES | (PIN_TRIES - 1), TWO_TRIES_LESS = SW_PIN_TRIES | (PIN_TRIES - 2) };

static const struct scenario authenticate_right_scenario = {
    "EXTERNAL AUTHENTICATE, right", blank, challenge, authenticate, SW_OK, 0, false,
    {FAILURES(1), FAILURES(0)}};
static const struct scenario authenticate_wrong_scenario = {"EXTERNAL AUTHENTICATE, wrong",
                                                            blank,
                                                            challenge,
                                                            authenticate_wrongly,
                                                            SW_AUTHENTICATION,
                                                            0,
                                                            true,
                                                            {FAILURES(1)}};
static const struct scenario verify_right_scenario = {
    "VERIFY PIN, right",
    in_field,
    NULL,
    verify_right,
    SW_OK,
    0,
    false,
    {A_TRY_LESS, {{{BECOMES, REC_PIN_TRIES, PIN_TRIES, 0}}}}};
static const struct scenario verify_wrong_scenario = {
    "VERIFY PIN, wrong", in_field, NULL, verify_wrong, ONE_TRY_LESS, TWO_TRIES_LESS, true, {A_TRY_LESS}};
static const struct scenario change_right_scenario = {
    "CHANGE PIN, right",
    in_field,
    NULL,
    change_right,
    SW_OK,
    ONE_TRY_LESS,
    true,
    {A_TRY_LESS, {{{IS_SET, REC_PIN, 0, 0}, {BECOMES, REC_PIN_TRIES, PIN_TRIES, 0}}}}};
static const struct scenario change_wrong_scenario = {
    "CHANGE PIN, wrong", in_field, NULL, change_wrong, ONE_TRY_LESS, TWO_TRIES_LESS, true, {A_TRY_LESS}};

const struct guess guesses[] = {
    {"VERIFY PIN", &verify_right_scenario, &verify_wrong_scenario, REC_PIN},
    {"CHANGE PIN", &change_right_scenario, &change_wrong_scenario, REC_PIN},
    {"EXTERNAL AUTHENTICATE", &authenticate_right_scenario, &authenticate_wrong_scenario, 0},
};
const int guess_count = sizeof guesses / sizeof guesses[0];

static const struct scenario scenarios[] = {
    {"PUT DATA serial", blank, channel, put_serial, SW_OK, 0, false, ONE(IS_NEW, REC_SERIAL)},
    {"PUT DATA enrolment key", blank, channel, put_enrolment_key, SW_OK, 0, false,
     ONE(IS_NEW, REC_ENROLMENT_KEY)},
    {"PUT DATA initial PIN",
     blank,
     channel,
     put_pin,
     SW_OK,
     0,
     true,
     {{{{IS_NEW, REC_PIN, 0, 0}, {IS_NEW, REC_PIN_TRIES, 0, 0}}}}},
    {"GENERATE KEY, first", blank, channel, generate_auth, SW_OK, 0, true, ONE(IS_NEW, REC_KEY_AUTH)},
    {"GENERATE KEY, another", key_there, channel, generate_kem, SW_OK, 0, true, ONE(IS_SET, REC_KEY_KEM)},
    {"PUT KEY", blank, channel, put_key, SW_OK, 0, false, ONE(IS_NEW, REC_KEY_RSA)},
    {"SET STATUS personalised",
     all_but_status,
     channel,
     personalised,
     SW_OK,
     SW_CONDITIONS,
     false,
     {{{{BECOMES, REC_LIFE_CYCLE, LIFE_PERSONALISED, 0}}}}},
    {"SET STATUS blocked",
     in_field,
     channel,
     block,
     SW_OK,
     SW_CONDITIONS,
     false,
     {{{{BECOMES, REC_LIFE_CYCLE, LIFE_BLOCKED, 0}}}}},
    {"SET STATUS in use",
     blocked,
     channel,
     unblock,
     SW_OK,
     SW_CONDITIONS,
     false,
     {{{{BECOMES, REC_LIFE_CYCLE, LIFE_IN_USE, 0}}}}},
    {"RESET PIN", in_field, channel, reset_pin, SW_OK, 0, true, ONE(IS_SET, REC_PIN)},
};

const struct scenario *const issuer_scenarios[] = {&authenticate_right_scenario,
                                                   &authenticate_wrong_scenario,
                                                   &verify_right_scenario,
                                                   &verify_wrong_scenario,
                                                   &change_right_scenario,
                                                   &change_wrong_scenario,
                                                   &scenarios[0],
                                                   &scenarios[1],
                                                   &scenarios[2],
                                                   &scenarios[3],
                                                   &scenarios[4],
                                                   &scenarios[5],
                                                   &scenarios[6],
                                                   &scenarios[7],
                                                   &scenarios[8],
                                                   &scenarios[9]};
const int issuer_scenario_count = sizeof issuer_scenarios / sizeof issuer_scenarios[0];
