#include "card/sm9/sm3.h"

#include <string.h>

#include "card/sm9/wipe.h"
#include "card/wire/be.h"

static uint32_t rotate(uint32_t x, unsigned n)
{
    n &= 31;
    return n == 0 ? x : x << n | x >> (32 - n);
}

static uint32_t p0(uint32_t x)
{
    return x ^ rotate(x, 9) ^ rotate(x, 17);
}

static uint32_t p1(uint32_t x)
{
    return x ^ rotate(x, 15) ^ rotate(x, 23);
}

/* The message expansion is kept in a ring of 16 words: word j+4 is needed in round j. */
static uint32_t expand(uint32_t w[16], unsigned j)
{
    uint32_t x = w[j % 16] ^ w[(j + 7) % 16] ^ rotate(w[(j + 13) % 16], 15);
    w[j % 16] = p1(x) ^ rotate(w[(j + 3) % 16], 7) ^ w[(j + 10) % 16];
    return w[j % 16];
}

static void compress(uint32_t v[8], const uint8_t block[SM3_BLOCK])
{
    uint32_t w[16], s[8];
    for (size_t i = 0; i < 16; i++)
        w[i] = be32_get(block + 4 * i);
    memcpy(s, v, sizeof s);
    for (unsigned j = 0; j < 64; j++) {
        /* w[j] is used now and is replaced by w[j + 16] afterwards. */
        uint32_t word = w[j % 16], ahead = word ^ w[(j + 4) % 16];
        uint32_t constant = j < 16 ? 0x79cc4519 : 0x7a879d8a;
        uint32_t ss1 = rotate(rotate(s[0], 12) + s[4] + rotate(constant, j), 7);
        uint32_t ss2 = ss1 ^ rotate(s[0], 12);
        uint32_t ff = j < 16 ? s[0] ^ s[1] ^ s[2] : (s[0] & s[1]) | (s[0] & s[2]) | (s[1] & s[2]);
        uint32_t gg = j < 16 ? s[4] ^ s[5] ^ s[6] : (s[4] & s[5]) | (~s[4] & s[6]);
        uint32_t tt1 = ff + s[3] + ss2 + ahead;
        uint32_t tt2 = gg + s[7] + ss1 + word;
        s[3] = s[2];
        s[2] = rotate(s[1], 9);
        s[1] = s[0];
        s[0] = tt1;
        s[7] = s[6];
        s[6] = rotate(s[5], 19);
        s[5] = s[4];
        s[4] = p0(tt2);
        expand(w, j);
    }
    for (size_t i = 0; i < 8; i++)
        v[i] ^= s[i];
    sm9_wipe(w, sizeof w);
    sm9_wipe(s, sizeof s);
}

void sm3_init(struct sm3 *c)
{
    static const uint32_t iv[8] = {0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600,
                                   0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e};
    memcpy(c->state, iv, sizeof iv);
    c->length = 0;
}

void sm3_update(struct sm3 *c, const void *data, size_t n)
{
    const uint8_t *in = data;
    size_t used = (size_t)(c->length % SM3_BLOCK);
    c->length += n;
    while (n > 0) {
        size_t take = SM3_BLOCK - used < n ? SM3_BLOCK - used : n;
        memcpy(c->block + used, in, take);
        in += take;
        n -= take;
        used += take;
        if (used == SM3_BLOCK) {
            compress(c->state, c->block);
            used = 0;
        }
    }
}

void sm3_final(struct sm3 *c, uint8_t out[SM3_SIZE])
{
    static const uint8_t padding[SM3_BLOCK] = {0x80};
    uint64_t bits = c->length * 8;
    uint8_t length[8];
    size_t used = (size_t)(c->length % SM3_BLOCK);
    be32_put(length, (uint32_t)(bits >> 32));
    be32_put(length + 4, (uint32_t)bits);
    sm3_update(c, padding, used < 56 ? 56 - used : 120 - used);
    sm3_update(c, length, sizeof length);
    for (size_t i = 0; i < 8; i++)
        be32_put(out + 4 * i, c->state[i]);
    sm9_wipe(c, sizeof *c);
}
