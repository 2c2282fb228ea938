#include "card/crypto/sym.h"

#include <string.h>

#include "card/wire/be.h"

void wipe(void *p, size_t n)
{
    volatile uint8_t *v = p;
    while (n-- > 0)
        *v++ = 0;
}

bool equal_ct(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;
    uint8_t diff = 0;
    for (size_t i = 0; i < n; i++)
        diff |= (uint8_t)(x[i] ^ y[i]);
    return diff == 0;
}

void aes128_block(const uint8_t key[SYM_KEY_SIZE], const uint8_t in[AES_BLOCK_SIZE],
                  uint8_t out[AES_BLOCK_SIZE])
{
    /* One block of CBC with a zero IV is the bare cipher. */
    uint8_t zero[AES_BLOCK_SIZE] = {0};
    memmove(out, in, AES_BLOCK_SIZE);
    cbc_encrypt(key, zero, out, AES_BLOCK_SIZE);
}

/* Doubling in GF(2^128), RFC 4493 2.3, without a branch on the secret. */
static void cmac_double(uint8_t block[AES_BLOCK_SIZE])
{
    uint8_t carry = block[0] >> 7;
    for (size_t i = 0; i + 1 < AES_BLOCK_SIZE; i++)
        block[i] = (uint8_t)(block[i] << 1 | block[i + 1] >> 7);
    block[AES_BLOCK_SIZE - 1] = (uint8_t)(block[AES_BLOCK_SIZE - 1] << 1 ^ (0x87 & -carry));
}

/* CBC-MAC over a stream; the last block, full or not, is kept back for the subkey. */
struct cmac_stream {
    br_aes_ct_ctrcbc_keys aes;
    uint8_t mac[AES_BLOCK_SIZE];
    uint8_t last[AES_BLOCK_SIZE];
    size_t held; /* bytes in last */
};

static void cmac_init(struct cmac_stream *s, const uint8_t key[SYM_KEY_SIZE])
{
    memset(s, 0, sizeof *s);
    br_aes_ct_ctrcbc_init(&s->aes, key, SYM_KEY_SIZE);
}

static void cmac_add(struct cmac_stream *s, const uint8_t *p, size_t n)
{
    while (n > 0) {
        if (s->held == AES_BLOCK_SIZE) {
            br_aes_ct_ctrcbc_mac(&s->aes, s->mac, s->last, AES_BLOCK_SIZE);
            s->held = 0;
        }
        size_t take = AES_BLOCK_SIZE - s->held < n ? AES_BLOCK_SIZE - s->held : n;
        memcpy(s->last + s->held, p, take);
        s->held += take;
        p += take;
        n -= take;
    }
}

static void cmac_final(struct cmac_stream *s, uint8_t mac[AES_BLOCK_SIZE])
{
    uint8_t subkey[AES_BLOCK_SIZE] = {0}, zero[AES_BLOCK_SIZE] = {0};
    br_aes_ct_ctrcbc_mac(&s->aes, subkey, zero, AES_BLOCK_SIZE);
    cmac_double(subkey);
    if (s->held < AES_BLOCK_SIZE) {
        cmac_double(subkey);
        memset(s->last + s->held, 0, AES_BLOCK_SIZE - s->held);
        s->last[s->held] = 0x80;
    }
    for (size_t i = 0; i < AES_BLOCK_SIZE; i++)
        s->last[i] ^= subkey[i];
    br_aes_ct_ctrcbc_mac(&s->aes, s->mac, s->last, AES_BLOCK_SIZE);
    memcpy(mac, s->mac, AES_BLOCK_SIZE);
    wipe(subkey, sizeof subkey);
    wipe(s, sizeof *s);
}

void cmac(const uint8_t key[SYM_KEY_SIZE], const struct bytes *parts, size_t count,
          uint8_t mac[AES_BLOCK_SIZE])
{
    struct cmac_stream s;
    cmac_init(&s, key);
    for (size_t i = 0; i < count; i++)
        cmac_add(&s, parts[i].p, parts[i].n);
    cmac_final(&s, mac);
}

void kdf_cmac(const uint8_t key[SYM_KEY_SIZE], const char *label, const struct bytes *context, size_t count,
              uint8_t *out, size_t n)
{
    static const uint8_t separator = 0;
    uint8_t bits[2], block[AES_BLOCK_SIZE];
    be16_put(bits, (uint16_t)(n * 8));
    for (uint8_t counter = 1; n > 0; counter++) {
        struct cmac_stream s;
        cmac_init(&s, key);
        cmac_add(&s, &counter, 1);
        cmac_add(&s, (const uint8_t *)label, strlen(label));
        cmac_add(&s, &separator, 1);
        for (size_t i = 0; i < count; i++)
            cmac_add(&s, context[i].p, context[i].n);
        cmac_add(&s, bits, sizeof bits);
        cmac_final(&s, block);
        size_t take = n < AES_BLOCK_SIZE ? n : AES_BLOCK_SIZE;
        memcpy(out, block, take);
        out += take;
        n -= take;
    }
    wipe(block, sizeof block);
}

void cbc_encrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t iv[AES_BLOCK_SIZE], uint8_t *data, size_t n)
{
    br_aes_ct_cbcenc_keys aes;
    uint8_t chain[AES_BLOCK_SIZE];
    memcpy(chain, iv, sizeof chain);
    br_aes_ct_cbcenc_init(&aes, key, SYM_KEY_SIZE);
    br_aes_ct_cbcenc_run(&aes, chain, data, n);
    wipe(&aes, sizeof aes);
}

void cbc_decrypt(const uint8_t key[SYM_KEY_SIZE], const uint8_t iv[AES_BLOCK_SIZE], uint8_t *data, size_t n)
{
    br_aes_ct_cbcdec_keys aes;
    uint8_t chain[AES_BLOCK_SIZE];
    memcpy(chain, iv, sizeof chain);
    br_aes_ct_cbcdec_init(&aes, key, SYM_KEY_SIZE);
    br_aes_ct_cbcdec_run(&aes, chain, data, n);
    wipe(&aes, sizeof aes);
}
