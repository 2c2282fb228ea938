#include "host/crypto/scp03.h"

#include <string.h>

#include "card/wire/be.h"

enum { PHASE_NONE, PHASE_BEGUN, PHASE_OPEN, PHASE_WAITING };

/* Data derivation constants, Amendment D table 4-1. */
enum { CARD_CRYPTOGRAM = 0x00, HOST_CRYPTOGRAM = 0x01, S_ENC = 0x04, S_MAC = 0x06, S_RMAC = 0x07 };

/* The static keys: contexts of the derivation from K_admin. */
enum { K_ENC = 1, K_MAC = 2 };

/* The answer to INITIALIZE UPDATE, Amendment D 7.1.1.4. */
enum {
    AT_CHIP_ID = 0,
    AT_PROTOCOL = 11,
    AT_VARIANT = 12,
    AT_CHALLENGE = 13,
    AT_CRYPTOGRAM = 21,
    PROTOCOL_SCP03 = 0x03,
    VARIANT_S16 = 0x01 /* MACs of 16 bytes */
};

enum { LEVEL = 0x33, RESPONSE_MARK = 0x80, PADDING = 0x80 };

struct challenges {
    const uint8_t *host, *card;
};

void tally_scp03_end(struct tally_scp03 *s)
{
    tally_wipe(s, sizeof *s);
}

void tally_scp03_begin(struct tally_scp03 *s, const uint8_t host_challenge[TALLY_SCP03_CHALLENGE_SIZE])
{
    tally_scp03_end(s);
    memcpy(s->host_challenge, host_challenge, TALLY_SCP03_CHALLENGE_SIZE);
    s->phase = PHASE_BEGUN;
}

enum tally_error tally_scp03_chip_id(const uint8_t *answer, size_t n, uint8_t chip_id[CHIP_ID_SIZE])
{
    memset(chip_id, 0, CHIP_ID_SIZE);
    if (n != TALLY_SCP03_INITIALIZE_SIZE || answer[AT_PROTOCOL] != PROTOCOL_SCP03 ||
        (answer[AT_VARIANT] & VARIANT_S16) != 0)
        return TALLY_E_FORMAT;
    memcpy(chip_id, answer + AT_CHIP_ID, CHIP_ID_SIZE);
    return TALLY_OK;
}

/* Amendment D 4.1.5: label of 12 bytes that ends in the constant, 00, bits, counter 1, both challenges. */
static enum tally_error derive(const uint8_t key[SYM_KEY_SIZE], uint8_t constant, const struct challenges *c,
                               uint8_t *out, size_t n)
{
    uint8_t fixed[16] = {0}, block[TALLY_BLOCK_SIZE];
    fixed[11] = constant;
    be16_put(fixed + 13, (uint16_t)(n * 8));
    fixed[15] = 1;
    const struct tally_bytes parts[] = {
        {fixed, sizeof fixed}, {c->host, TALLY_SCP03_CHALLENGE_SIZE}, {c->card, TALLY_SCP03_CHALLENGE_SIZE}};
    enum tally_error e = tally_cmac(key, parts, 3, block);
    memcpy(out, block, n);
    tally_wipe(block, sizeof block);
    return e;
}

static enum tally_error static_key(const uint8_t admin_key[SYM_KEY_SIZE], uint8_t which,
                                   uint8_t key[SYM_KEY_SIZE])
{
    const struct tally_bytes context = {&which, 1};
    return tally_kdf_cmac(admin_key, LABEL_ADMIN, &context, 1, key, SYM_KEY_SIZE);
}

static enum tally_error session_keys(struct tally_scp03 *s, const uint8_t k_enc[SYM_KEY_SIZE],
                                     const uint8_t k_mac[SYM_KEY_SIZE], const struct challenges *c)
{
    enum tally_error e = derive(k_enc, S_ENC, c, s->enc_key, SYM_KEY_SIZE);
    if (e == TALLY_OK)
        e = derive(k_mac, S_MAC, c, s->mac_key, SYM_KEY_SIZE);
    if (e == TALLY_OK)
        e = derive(k_mac, S_RMAC, c, s->rmac_key, SYM_KEY_SIZE);
    return e;
}

static enum tally_error check_card(const struct tally_scp03 *s, const struct challenges *c,
                                   const uint8_t *cryptogram)
{
    uint8_t expected[TALLY_SCP03_MAC_SIZE];
    enum tally_error e = derive(s->mac_key, CARD_CRYPTOGRAM, c, expected, sizeof expected);
    if (e == TALLY_OK && !tally_equal_ct(expected, cryptogram, sizeof expected))
        e = TALLY_E_CRYPTO;
    tally_wipe(expected, sizeof expected);
    return e;
}

/* Amendment D 6.2.4: appends the MAC to the command's data; the whole of it becomes the chaining value. Lc
 * counts the MAC and is in its short form up to 255. */
static enum tally_error append_mac(struct tally_scp03 *s, struct tally_scp03_command *c)
{
    uint8_t header[7] = {c->cla, c->ins, c->p1, c->p2}, mac[TALLY_BLOCK_SIZE];
    size_t lc = c->n + TALLY_SCP03_MAC_SIZE, header_n = lc <= UINT8_MAX ? 5 : 7;
    if (header_n == 5)
        header[4] = (uint8_t)lc;
    else
        be16_put(header + 5, (uint16_t)lc);
    const struct tally_bytes parts[] = {{s->chain, sizeof s->chain}, {header, header_n}, {c->data, c->n}};
    enum tally_error e = tally_cmac(s->mac_key, parts, 3, mac);
    memcpy(s->chain, mac, sizeof mac);
    memcpy(c->data + c->n, mac, TALLY_SCP03_MAC_SIZE);
    c->n = lc;
    return e;
}

static enum tally_error settle(struct tally_scp03 *s, enum tally_error e, uint8_t phase,
                               struct tally_scp03_command *command)
{
    s->phase = phase;
    if (e != TALLY_OK) {
        memset(command, 0, sizeof *command);
        tally_scp03_end(s);
    }
    return e;
}

enum tally_error tally_scp03_authenticate_with(struct tally_scp03 *s, const uint8_t k_enc[SYM_KEY_SIZE],
                                               const uint8_t k_mac[SYM_KEY_SIZE], const uint8_t *answer,
                                               size_t n, struct tally_scp03_command *command)
{
    uint8_t chip_id[CHIP_ID_SIZE];
    memset(command, 0, sizeof *command);
    enum tally_error e = s->phase == PHASE_BEGUN ? tally_scp03_chip_id(answer, n, chip_id) : TALLY_E_STATE;
    const struct challenges c = {s->host_challenge, e == TALLY_OK ? answer + AT_CHALLENGE : NULL};
    if (e == TALLY_OK)
        e = session_keys(s, k_enc, k_mac, &c);
    if (e == TALLY_OK)
        e = check_card(s, &c, answer + AT_CRYPTOGRAM);
    if (e == TALLY_OK) {
        command->cla = CLA_PROPRIETARY | CLA_SECURE;
        command->ins = INS_EXTERNAL_AUTHENTICATE;
        command->p1 = LEVEL;
        command->n = TALLY_SCP03_MAC_SIZE;
        e = derive(s->mac_key, HOST_CRYPTOGRAM, &c, command->data, TALLY_SCP03_MAC_SIZE);
    }
    if (e == TALLY_OK)
        e = append_mac(s, command);
    return settle(s, e, PHASE_OPEN, command);
}

enum tally_error tally_scp03_authenticate(struct tally_scp03 *s, const uint8_t admin_key[SYM_KEY_SIZE],
                                          const uint8_t *answer, size_t n,
                                          struct tally_scp03_command *command)
{
    uint8_t k_enc[SYM_KEY_SIZE], k_mac[SYM_KEY_SIZE];
    memset(command, 0, sizeof *command);
    enum tally_error e = static_key(admin_key, K_ENC, k_enc);
    if (e == TALLY_OK)
        e = static_key(admin_key, K_MAC, k_mac);
    if (e == TALLY_OK)
        e = tally_scp03_authenticate_with(s, k_enc, k_mac, answer, n, command);
    tally_wipe(k_enc, sizeof k_enc);
    tally_wipe(k_mac, sizeof k_mac);
    return e;
}

/* Amendment D 6.2.6 and 6.2.7: the encrypted counter of commands, its first byte marked for responses. */
static enum tally_error make_iv(const struct tally_scp03 *s, uint8_t mark, uint8_t iv[TALLY_BLOCK_SIZE])
{
    uint8_t counter[TALLY_BLOCK_SIZE] = {mark};
    be32_put(counter + 12, s->counter);
    return tally_aes_encrypt(s->enc_key, counter, iv);
}

/* Pads with 80 00 … and encrypts; a command without data stays so. */
static enum tally_error encrypt(struct tally_scp03 *s, const uint8_t *data, size_t n,
                                struct tally_scp03_command *command)
{
    uint8_t iv[TALLY_BLOCK_SIZE];
    s->counter++;
    if (n == 0)
        return TALLY_OK;
    memcpy(command->data, data, n);
    command->data[n] = PADDING;
    command->n = n + TALLY_BLOCK_SIZE - n % TALLY_BLOCK_SIZE;
    enum tally_error e = make_iv(s, 0, iv);
    return e == TALLY_OK ? tally_cbc_encrypt(s->enc_key, iv, command->data, command->n, command->data) : e;
}

enum tally_error tally_scp03_wrap(struct tally_scp03 *s, uint8_t cla, uint8_t ins, uint8_t p1, uint8_t p2,
                                  const uint8_t *data, size_t n, struct tally_scp03_command *command)
{
    memset(command, 0, sizeof *command);
    enum tally_error e = TALLY_OK;
    if (s->phase != PHASE_OPEN)
        e = TALLY_E_STATE;
    else if (n > TALLY_SCP03_PLAIN_MAX)
        e = TALLY_E_FULL;
    command->cla = cla | CLA_SECURE;
    command->ins = ins;
    command->p1 = p1;
    command->p2 = p2;
    if (e == TALLY_OK)
        e = encrypt(s, data, n, command);
    if (e == TALLY_OK)
        e = append_mac(s, command);
    return settle(s, e, PHASE_WAITING, command);
}

static enum tally_error check_response_mac(const struct tally_scp03 *s, uint16_t sw, const uint8_t *answer,
                                           size_t n)
{
    uint8_t status[2], mac[TALLY_BLOCK_SIZE];
    be16_put(status, sw);
    const struct tally_bytes parts[] = {{s->chain, sizeof s->chain}, {answer, n}, {status, sizeof status}};
    enum tally_error e = tally_cmac(s->rmac_key, parts, 3, mac);
    if (e == TALLY_OK && !tally_equal_ct(mac, answer + n, TALLY_SCP03_MAC_SIZE))
        e = TALLY_E_CRYPTO;
    tally_wipe(mac, sizeof mac);
    return e;
}

/* Takes 80 00 … off; false when it is not there. */
static bool unpad(const uint8_t *data, size_t *n)
{
    size_t end = *n;
    while (end > 0 && data[end - 1] == 0)
        end--;
    if (end == 0 || data[end - 1] != PADDING || *n - end >= TALLY_BLOCK_SIZE)
        return false;
    *n = end - 1;
    return true;
}

static enum tally_error decrypt(const struct tally_scp03 *s, const uint8_t *answer, size_t n, uint8_t *out,
                                size_t *out_n)
{
    uint8_t iv[TALLY_BLOCK_SIZE];
    if (n == 0)
        return TALLY_OK;
    enum tally_error e = make_iv(s, RESPONSE_MARK, iv);
    if (e == TALLY_OK)
        e = tally_cbc_decrypt(s->enc_key, iv, answer, n, out);
    *out_n = n;
    if (e == TALLY_OK && !unpad(out, out_n))
        e = TALLY_E_FORMAT;
    return e;
}

enum tally_error tally_scp03_unwrap(struct tally_scp03 *s, uint16_t sw, const uint8_t *answer, size_t n,
                                    uint8_t *out, size_t *out_n)
{
    enum tally_error e = TALLY_OK;
    *out_n = 0;
    if (s->phase != PHASE_WAITING)
        e = TALLY_E_STATE;
    else if (sw == SW_OK ? n < TALLY_SCP03_MAC_SIZE : n != 0)
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK && sw == SW_OK) {
        size_t data_n = n - TALLY_SCP03_MAC_SIZE;
        e = check_response_mac(s, sw, answer, data_n);
        if (e == TALLY_OK)
            e = decrypt(s, answer, data_n, out, out_n);
    }
    s->phase = PHASE_OPEN;
    if (e != TALLY_OK) {
        tally_wipe(out, n);
        *out_n = 0;
        tally_scp03_end(s);
    }
    return e;
}
