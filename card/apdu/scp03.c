#include "card/apdu/scp03.h"

#include <string.h>

#include "card/crypto/sym.h"
#include "card/wire/be.h"

/* Derivation constants, Amendment D table 4-1. */
enum {
    DERIVE_CARD_CRYPTOGRAM = 0x00,
    DERIVE_HOST_CRYPTOGRAM = 0x01,
    DERIVE_S_ENC = 0x04,
    DERIVE_S_MAC = 0x06,
    DERIVE_S_RMAC = 0x07
};

enum { PADDING_MARK = 0x80, RESPONSE_ICV = 0x80 };

struct challenges {
    const uint8_t *host, *card;
};

/* Amendment D 4.1.5: one round of SP 800-108 counter mode; n <= 16 bytes. */
static void derive(const uint8_t key[SYM_KEY_SIZE], uint8_t constant, const struct challenges *c,
                   uint8_t *out, size_t n)
{
    uint8_t fixed[16] = {0};
    uint8_t block[AES_BLOCK_SIZE];
    fixed[11] = constant;
    be16_put(fixed + 13, (uint16_t)(8 * n));
    fixed[15] = 1;
    struct bytes parts[] = {
        {fixed, sizeof fixed}, {c->host, SCP03_CHALLENGE_SIZE}, {c->card, SCP03_CHALLENGE_SIZE}};
    cmac(key, parts, 3, block);
    memcpy(out, block, n);
    wipe(block, sizeof block);
}

void scp03_close(struct scp03 *channel)
{
    wipe(channel, sizeof *channel);
}

void scp03_begin(struct scp03 *channel, const struct scp03_keys *keys,
                 const uint8_t host_challenge[SCP03_CHALLENGE_SIZE],
                 const uint8_t card_challenge[SCP03_CHALLENGE_SIZE],
                 uint8_t card_cryptogram[SCP03_CRYPTOGRAM_SIZE])
{
    struct challenges c = {host_challenge, card_challenge};
    scp03_close(channel);
    derive(keys->enc, DERIVE_S_ENC, &c, channel->s_enc, SYM_KEY_SIZE);
    derive(keys->mac, DERIVE_S_MAC, &c, channel->s_mac, SYM_KEY_SIZE);
    derive(keys->mac, DERIVE_S_RMAC, &c, channel->s_rmac, SYM_KEY_SIZE);
    derive(channel->s_mac, DERIVE_HOST_CRYPTOGRAM, &c, channel->host_cryptogram, SCP03_CRYPTOGRAM_SIZE);
    derive(channel->s_mac, DERIVE_CARD_CRYPTOGRAM, &c, card_cryptogram, SCP03_CRYPTOGRAM_SIZE);
    channel->state = SCP03_CHALLENGED;
}

/* Amendment D 6.2.4. Advances the chain when the MAC at the end of the data is right, and cuts it off. */
static bool check_mac(struct scp03 *channel, struct apdu_command *command)
{
    uint8_t header[7] = {command->cla, command->ins, command->p1, command->p2};
    uint8_t mac[AES_BLOCK_SIZE];
    size_t header_size = 5;
    if (command->len < SCP03_MAC_SIZE)
        return false;
    if (command->len <= UINT8_MAX) {
        header[4] = (uint8_t)command->len;
    } else {
        be16_put(header + 5, (uint16_t)command->len);
        header_size = 7;
    }
    size_t n = command->len - SCP03_MAC_SIZE;
    struct bytes parts[] = {
        {channel->mac_chain, SCP03_BLOCK_SIZE}, {header, header_size}, {command->data, n}};
    cmac(channel->s_mac, parts, 3, mac);
    bool right = equal_ct(mac, command->data + n, SCP03_MAC_SIZE);
    if (right) {
        memcpy(channel->mac_chain, mac, SCP03_BLOCK_SIZE);
        command->len = n;
    }
    wipe(mac, sizeof mac);
    return right;
}

bool scp03_authenticate(struct scp03 *channel, const struct apdu_command *command)
{
    struct apdu_command rest = *command;
    bool right = channel->state == SCP03_CHALLENGED && check_mac(channel, &rest) &&
                 rest.len == SCP03_CRYPTOGRAM_SIZE &&
                 equal_ct(rest.data, channel->host_cryptogram, SCP03_CRYPTOGRAM_SIZE);
    if (right)
        channel->state = SCP03_OPEN;
    else
        scp03_close(channel);
    return right;
}

/* Amendment D 6.2.6 and 6.2.7: the counter, marked in its highest byte for responses, as one encrypted block.
 */
static void initial_vector(const struct scp03 *channel, uint8_t mark, uint8_t iv[AES_BLOCK_SIZE])
{
    uint8_t counter[AES_BLOCK_SIZE] = {mark};
    be32_put(counter + 12, channel->commands);
    aes128_block(channel->s_enc, counter, iv);
}

/* Amendment D 4.1.4: 80 and zeros up to a whole block, always at least one byte. */
static bool unpad(const uint8_t *data, size_t *n)
{
    size_t end = *n;
    while (end > 0 && data[end - 1] == 0)
        end--;
    if (end == 0 || data[end - 1] != PADDING_MARK || *n - end >= AES_BLOCK_SIZE)
        return false;
    *n = end - 1;
    return true;
}

static bool decrypt(const struct scp03 *channel, struct apdu_command *command)
{
    uint8_t iv[AES_BLOCK_SIZE];
    if (command->len == 0)
        return true;
    if (command->len % AES_BLOCK_SIZE != 0)
        return false;
    initial_vector(channel, 0, iv);
    cbc_decrypt(channel->s_enc, iv, command->data, command->len);
    return unpad(command->data, &command->len);
}

bool scp03_unwrap(struct scp03 *channel, struct apdu_command *command)
{
    bool right =
        channel->state == SCP03_OPEN && channel->commands < UINT32_MAX && check_mac(channel, command);
    if (right) {
        channel->commands++;
        right = decrypt(channel, command);
    }
    if (!right)
        scp03_close(channel);
    return right;
}

static size_t encrypt_response(const struct scp03 *channel, uint8_t *data, size_t n)
{
    uint8_t iv[AES_BLOCK_SIZE];
    if (n == 0)
        return 0;
    size_t padded = n + AES_BLOCK_SIZE - n % AES_BLOCK_SIZE;
    memset(data + n, 0, padded - n);
    data[n] = PADDING_MARK;
    initial_vector(channel, RESPONSE_ICV, iv);
    cbc_encrypt(channel->s_enc, iv, data, padded);
    return padded;
}

size_t scp03_wrap(const struct scp03 *channel, uint8_t *data, size_t n)
{
    uint8_t status[2];
    uint8_t mac[AES_BLOCK_SIZE];
    be16_put(status, SW_OK);
    n = encrypt_response(channel, data, n);
    struct bytes parts[] = {{channel->mac_chain, SCP03_BLOCK_SIZE}, {data, n}, {status, sizeof status}};
    cmac(channel->s_rmac, parts, 3, mac);
    memcpy(data + n, mac, SCP03_MAC_SIZE);
    return n + SCP03_MAC_SIZE;
}
