#include "host/reader/card_issuer.h"

#include <string.h>

#include "card/wire/tlv.h"
#include "host/base/bytes.h"

#define SHORT_NE  256
#define RSA_PART  128
#define TAG_RSA_P 0x81
#define RSA_PARTS 5

static enum tally_error channel_error(struct tally_card *card, enum tally_error e)
{
    if (e == TALLY_E_FORMAT)
        e = TALLY_E_NO_CARD;
    if (e != TALLY_OK)
        card->error = tally_card_explain_error(e);
    if (e == TALLY_E_CRYPTO)
        card->error.text = "the administration key is not this card's, or the secure channel was disturbed";
    return e;
}

static enum tally_error send(struct tally_card *card, const struct tally_scp03_command *c, size_t *n)
{
    return tally_card_command(card, c->cla, c->ins, (uint16_t)(c->p1 << 8 | c->p2), c->data, c->n, SHORT_NE,
                              n);
}

/* Sends a wrapped command and opens its answer, whatever its status: the channel keeps count of both. */
static enum tally_error exchange(struct tally_issuer *issuer, const struct tally_scp03_command *command,
                                 uint8_t *out, size_t size, size_t *out_n)
{
    struct tally_card *card = issuer->card;
    uint8_t plain[TALLY_CARD_DATA_MAX];
    size_t n, plain_n = 0;
    enum tally_error e = send(card, command, &n);
    if (card->error.sw == 0)
        return e;
    enum tally_error opened =
        tally_scp03_unwrap(&issuer->channel, card->error.sw, card->answer, n, plain, &plain_n);
    if (e == TALLY_OK && opened == TALLY_OK && plain_n > size)
        opened = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = channel_error(card, opened);
    if (e == TALLY_OK && plain_n > 0) {
        memcpy(out, plain, plain_n);
        *out_n = plain_n;
    }
    tally_wipe(plain, sizeof plain);
    return e;
}

/* INITIALIZE UPDATE, whose answer stays in card->answer. */
static enum tally_error initialize(struct tally_issuer *issuer, struct tally_card *card,
                                   const uint8_t *challenge, uint8_t chip_id[CHIP_ID_SIZE], size_t *n)
{
    memset(issuer, 0, sizeof *issuer);
    memset(chip_id, 0, CHIP_ID_SIZE);
    issuer->card = card;
    tally_scp03_begin(&issuer->channel, challenge);
    enum tally_error e = tally_card_select(card, TALLY_AID_ISSUER);
    if (e == TALLY_OK)
        e = tally_card_command(card, CLA_PROPRIETARY, INS_INITIALIZE_UPDATE, 0, challenge,
                               TALLY_SCP03_CHALLENGE_SIZE, SHORT_NE, n);
    return e == TALLY_OK ? channel_error(card, tally_scp03_chip_id(card->answer, *n, chip_id)) : e;
}

/* EXTERNAL AUTHENTICATE, whose own answer is bare: the card's proof was its cryptogram. */
static enum tally_error authenticate(struct tally_issuer *issuer, const uint8_t admin_key[SYM_KEY_SIZE],
                                     size_t n)
{
    struct tally_scp03_command command;
    struct tally_card *card = issuer->card;
    enum tally_error e =
        channel_error(card, tally_scp03_authenticate(&issuer->channel, admin_key, card->answer, n, &command));
    if (e == TALLY_OK)
        e = send(card, &command, &n);
    return e == TALLY_OK && n != 0 ? channel_error(card, TALLY_E_FORMAT) : e;
}

enum tally_error tally_issuer_open(struct tally_issuer *issuer, struct tally_card *card,
                                   const uint8_t master[SYM_KEY_SIZE],
                                   const uint8_t challenge[TALLY_SCP03_CHALLENGE_SIZE],
                                   uint8_t chip_id[CHIP_ID_SIZE])
{
    uint8_t admin_key[SYM_KEY_SIZE], own[CHIP_ID_SIZE];
    size_t n = 0;
    uint8_t *chip = chip_id != NULL ? chip_id : own;
    enum tally_error e = initialize(issuer, card, challenge, chip, &n);
    if (e == TALLY_OK)
        e = channel_error(card, tally_derive_admin_key(master, chip, admin_key));
    if (e == TALLY_OK)
        e = authenticate(issuer, admin_key, n);
    tally_wipe(admin_key, sizeof admin_key);
    return e;
}

enum tally_error tally_issuer_open_with_key(struct tally_issuer *issuer, struct tally_card *card,
                                            const uint8_t admin_key[SYM_KEY_SIZE],
                                            const uint8_t challenge[TALLY_SCP03_CHALLENGE_SIZE],
                                            uint8_t chip_id[CHIP_ID_SIZE])
{
    uint8_t own[CHIP_ID_SIZE];
    size_t n = 0;
    enum tally_error e = initialize(issuer, card, challenge, chip_id != NULL ? chip_id : own, &n);
    return e == TALLY_OK ? authenticate(issuer, admin_key, n) : e;
}

void tally_issuer_close(struct tally_issuer *issuer)
{
    tally_scp03_end(&issuer->channel);
}

enum tally_error tally_issuer_command(struct tally_issuer *issuer, uint8_t ins, uint16_t p1p2,
                                      const uint8_t *data, size_t n, uint8_t *out, size_t size, size_t *out_n)
{
    struct tally_scp03_command command;
    *out_n = 0;
    enum tally_error e =
        channel_error(issuer->card, tally_scp03_wrap(&issuer->channel, CLA_PROPRIETARY, ins,
                                                     (uint8_t)(p1p2 >> 8), (uint8_t)p1p2, data, n, &command));
    if (e == TALLY_OK)
        e = exchange(issuer, &command, out, size, out_n);
    tally_wipe(&command, sizeof command);
    return e;
}

enum tally_error tally_issuer_get_state(struct tally_issuer *issuer, struct tally_card_state *state)
{
    uint8_t data[SHORT_NE];
    size_t n;
    memset(state, 0, sizeof *state);
    enum tally_error e = tally_issuer_command(issuer, INS_GET_STATUS, 0, NULL, 0, data, sizeof data, &n);
    if (e == TALLY_OK && !tally_card_state_parse(data, n, state))
        e = channel_error(issuer->card, TALLY_E_NO_CARD);
    return e;
}

enum tally_error tally_issuer_put(struct tally_issuer *issuer, uint16_t object, const uint8_t *data, size_t n)
{
    size_t none;
    return tally_issuer_command(issuer, INS_PUT_DATA, object, data, n, NULL, 0, &none);
}

enum tally_error tally_issuer_generate(struct tally_issuer *issuer, uint8_t key_reference,
                                       uint8_t *public_key, size_t size)
{
    size_t n;
    memset(public_key, 0, size);
    enum tally_error e =
        tally_issuer_command(issuer, INS_GENERATE_KEY, key_reference, NULL, 0, public_key, size, &n);
    if (e == TALLY_OK && n != size) {
        memset(public_key, 0, size);
        e = channel_error(issuer->card, TALLY_E_NO_CARD);
    }
    return e;
}

enum tally_error tally_issuer_put_rsa(struct tally_issuer *issuer, const uint8_t parts[RSA_PARTS * RSA_PART])
{
    uint8_t data[RSA_PARTS * (RSA_PART + 4)];
    struct tlv_writer w;
    size_t none;
    tlv_writer_init(&w, data, sizeof data);
    for (uint16_t i = 0; i < RSA_PARTS; i++)
        tlv_put(&w, (uint16_t)(TAG_RSA_P + i), parts + i * RSA_PART, RSA_PART);
    enum tally_error e =
        w.ok ? tally_issuer_command(issuer, INS_PUT_KEY, KEY_REF_RSA, data, w.len, NULL, 0, &none)
             : TALLY_E_BUG;
    tally_wipe(data, sizeof data);
    return e;
}

enum tally_error tally_issuer_set_life(struct tally_issuer *issuer, uint8_t life_cycle)
{
    size_t none;
    return tally_issuer_command(issuer, INS_SET_STATUS, life_cycle, NULL, 0, NULL, 0, &none);
}

enum tally_error tally_issuer_reset_pin(struct tally_issuer *issuer, const char *pin)
{
    size_t none;
    if (!tally_card_pin_valid(pin)) {
        issuer->card->error = tally_card_explain_error(TALLY_E_FORMAT);
        return TALLY_E_FORMAT;
    }
    return tally_issuer_command(issuer, INS_RESET_PIN, 0x0081, (const uint8_t *)pin, strlen(pin), NULL, 0,
                                &none);
}
