#include "tests/support/scp03_peer.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

#include "tests/support/must.h"

const uint8_t peer_point[P256_PUBLIC_SIZE] = {
    0x6B, 0x17, 0xD1, 0xF2, 0xE1, 0x2C, 0x42, 0x47, 0xF8, 0xBC, 0xE6, 0xE5, 0x63, 0xA4, 0x40, 0xF2,
    0x77, 0x03, 0x7D, 0x81, 0x2D, 0xEB, 0x33, 0xA0, 0xF4, 0xA1, 0x39, 0x45, 0xD8, 0x98, 0xC2, 0x96,
    0x4F, 0xE3, 0x42, 0xE2, 0xFE, 0x1A, 0x7F, 0x9B, 0x8E, 0xE7, 0xEB, 0x4A, 0x7C, 0x0F, 0x9E, 0x16,
    0x2B, 0xCE, 0x33, 0x57, 0x6B, 0x31, 0x5E, 0xCE, 0xCB, 0xB6, 0x40, 0x68, 0x37, 0xBF, 0x51, 0xF5};

/* AES-128-CMAC of a flat string. */
static void cmac_of(const uint8_t key[16], const uint8_t *in, size_t n, uint8_t out[16])
{
    char cipher[] = "AES-128-CBC";
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string("cipher", cipher, sizeof cipher - 1), OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    size_t got;
    must(EVP_MAC_init(ctx, key, 16, params) == 1);
    must(EVP_MAC_update(ctx, in, n) == 1);
    must(EVP_MAC_final(ctx, out, &got, 16) == 1);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

/* n is a multiple of 16. */
static void aes_cbc(bool encrypt, const uint8_t key[16], const uint8_t iv[16], const uint8_t *in, size_t n,
                    uint8_t *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int got;
    must(EVP_CipherInit_ex(ctx, EVP_aes_128_cbc(), NULL, key, iv, encrypt) == 1);
    EVP_CIPHER_CTX_set_padding(ctx, 0);
    must(EVP_CipherUpdate(ctx, out, &got, in, (int)n) == 1);
    must(got == (int)n);
    EVP_CIPHER_CTX_free(ctx);
}

/* specs/formats.md: CMAC(K, 01 || "tally/admin/1" || 00 || number || 0080). */
static void static_key(const uint8_t admin_key[16], uint8_t number, uint8_t out[16])
{
    uint8_t in[18] = {1};
    memcpy(in + 1, "tally/admin/1", 13);
    in[15] = number;
    in[16] = 0x00;
    in[17] = 0x80;
    cmac_of(admin_key, in, sizeof in, out);
}

void peer_init(struct scp03_peer *peer, const uint8_t admin_key[16])
{
    memset(peer, 0, sizeof *peer);
    static_key(admin_key, 1, peer->enc);
    static_key(admin_key, 2, peer->mac);
}

/* Amendment D 4.1.5. */
static void session_value(const uint8_t key[16], uint8_t constant, const uint8_t challenges[16],
                          uint16_t bits, uint8_t out[16])
{
    uint8_t in[32] = {0};
    in[11] = constant;
    in[13] = (uint8_t)(bits >> 8);
    in[14] = (uint8_t)bits;
    in[15] = 1;
    memcpy(in + 16, challenges, 16);
    cmac_of(key, in, sizeof in, out);
}

uint16_t peer_begin(struct scp03_peer *peer, struct ramcard *rc)
{
    static const uint8_t header[] = {0x80, 0x50, 0x00, 0x00};
    static const uint8_t fixed[] = {0x00, 0x00, 0x00, 0x03, 0x60};
    static uint8_t number;
    uint8_t challenges[16] = "HostRand", block[16];
    struct reply reply;
    challenges[7] = ++number;
    ramcard_command(rc, header, challenges, 8, &reply);
    if (reply.sw != 0x9000)
        return reply.sw;
    struct hal_identity identity = ramcard_identity(rc);
    must(reply.len == 29);
    must(memcmp(reply.data, identity.chip_id, 8) == 0);
    must(memcmp(reply.data + 8, fixed, sizeof fixed) == 0);
    memcpy(challenges + 8, reply.data + 13, 8);
    session_value(peer->enc, 0x04, challenges, 128, peer->s_enc);
    session_value(peer->mac, 0x06, challenges, 128, peer->s_mac);
    session_value(peer->mac, 0x07, challenges, 128, peer->s_rmac);
    session_value(peer->s_mac, 0x00, challenges, 64, block);
    must(memcmp(reply.data + 21, block, 8) == 0);
    session_value(peer->s_mac, 0x01, challenges, 64, block);
    memcpy(peer->host_cryptogram, block, 8);
    memset(peer->chain, 0, sizeof peer->chain);
    peer->counter = 0;
    return reply.sw;
}

/* Appends the MAC to the n bytes at out and moves the chain on. */
static size_t append_mac(struct scp03_peer *peer, const uint8_t header[4], uint8_t *out, size_t n)
{
    uint8_t in[16 + 7 + PEER_WRAPPED_MAX];
    size_t total = n + 8, at = 16;
    memcpy(in, peer->chain, 16);
    in[at++] = header[0] | 0x04;
    memcpy(in + at, header + 1, 3);
    at += 3;
    if (total > 255) {
        in[at++] = 0;
        in[at++] = (uint8_t)(total >> 8);
    }
    in[at++] = (uint8_t)total;
    memcpy(in + at, out, n);
    cmac_of(peer->s_mac, in, at + n, peer->chain);
    memcpy(out + n, peer->chain, 8);
    return total;
}

uint16_t peer_finish(struct scp03_peer *peer, struct ramcard *rc)
{
    static const uint8_t header[] = {0x84, 0x82, 0x33, 0x00};
    uint8_t data[16];
    struct reply reply;
    memcpy(data, peer->host_cryptogram, 8);
    size_t n = append_mac(peer, header, data, 8);
    ramcard_command(rc, header, data, n, &reply);
    return reply.sw;
}

void peer_open(struct scp03_peer *peer, struct ramcard *rc)
{
    ramcard_select(rc, TALLY_AID_ISSUER);
    must(peer_begin(peer, rc) == 0x9000);
    must(peer_finish(peer, rc) == 0x9000);
}

static void counter_block(const struct scp03_peer *peer, uint8_t first, uint8_t icv[16])
{
    static const uint8_t zero[16];
    uint8_t block[16] = {first};
    for (size_t i = 0; i < 4; i++)
        block[12 + i] = (uint8_t)(peer->counter >> (24 - 8 * i));
    aes_cbc(true, peer->s_enc, zero, block, 16, icv);
}

size_t peer_wrap(struct scp03_peer *peer, const uint8_t header[4], const uint8_t *data, size_t n,
                 uint8_t *out)
{
    uint8_t icv[16], padded[PEER_WRAPPED_MAX] = {0};
    size_t len = 0;
    must(n + 24 <= PEER_WRAPPED_MAX);
    peer->counter++;
    if (n > 0) {
        len = (n / 16 + 1) * 16;
        memcpy(padded, data, n);
        padded[n] = 0x80;
        counter_block(peer, 0x00, icv);
        aes_cbc(true, peer->s_enc, icv, padded, len, out);
    }
    return append_mac(peer, header, out, len);
}

bool peer_unwrap(const struct scp03_peer *peer, struct reply *reply)
{
    uint8_t in[16 + sizeof reply->data + 2], mac[16], icv[16];
    if (reply->sw != 0x9000)
        return reply->len == 0;
    if (reply->len < 8 || (reply->len - 8) % 16 != 0)
        return false;
    size_t n = reply->len - 8;
    memcpy(in, peer->chain, 16);
    memcpy(in + 16, reply->data, n);
    in[16 + n] = 0x90;
    in[17 + n] = 0x00;
    cmac_of(peer->s_rmac, in, 18 + n, mac);
    if (memcmp(mac, reply->data + n, 8) != 0)
        return false;
    reply->len = 0;
    if (n == 0)
        return true;
    counter_block(peer, 0x80, icv);
    memcpy(in, reply->data, n);
    aes_cbc(false, peer->s_enc, icv, in, n, reply->data);
    while (n > 0 && reply->data[n - 1] == 0)
        n--;
    if (n == 0 || reply->data[n - 1] != 0x80)
        return false;
    reply->len = n - 1;
    return true;
}

void peer_command(struct scp03_peer *peer, struct ramcard *rc, uint8_t ins, uint8_t p1, uint8_t p2,
                  const uint8_t *data, size_t n, struct reply *reply)
{
    const uint8_t header[] = {0x84, ins, p1, p2};
    uint8_t wrapped[PEER_WRAPPED_MAX];
    size_t len = peer_wrap(peer, header, data, n, wrapped);
    ramcard_command(rc, header, wrapped, len, reply);
    must(peer_unwrap(peer, reply));
}

static void step(struct scp03_peer *peer, struct ramcard *rc, uint8_t ins, uint16_t p1p2, const void *data,
                 size_t n, struct reply *reply)
{
    peer_command(peer, rc, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2, data, n, reply);
    must(reply->sw == 0x9000);
}

void peer_personalise(struct ramcard *rc, struct personalised *p, bool with_rsa)
{
    struct scp03_peer peer;
    struct reply reply;
    struct hal_identity identity = ramcard_identity(rc);
    peer_init(&peer, identity.admin_key);
    peer_open(&peer, rc);
    step(&peer, rc, INS_PUT_DATA, DO_SERIAL, p->serial, sizeof p->serial, &reply);
    step(&peer, rc, INS_PUT_DATA, DO_ENROLMENT_KEY, p->enrolment_key, sizeof p->enrolment_key, &reply);
    step(&peer, rc, INS_PUT_DATA, DO_INITIAL_PIN, TEST_PIN, sizeof TEST_PIN - 1, &reply);
    step(&peer, rc, INS_GENERATE_KEY, KEY_REF_KEM, NULL, 0, &reply);
    memcpy(p->kem_key, reply.data, sizeof p->kem_key);
    step(&peer, rc, INS_GENERATE_KEY, KEY_REF_AUTH, NULL, 0, &reply);
    memcpy(p->auth_key, reply.data, sizeof p->auth_key);
    memset(p->rsa_modulus, 0, sizeof p->rsa_modulus);
    if (with_rsa) {
        step(&peer, rc, INS_GENERATE_KEY, KEY_REF_RSA, NULL, 0, &reply);
        memcpy(p->rsa_modulus, reply.data, sizeof p->rsa_modulus);
    }
    step(&peer, rc, INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0, &reply);
    ramcard_select(rc, TALLY_AID_TICKET);
}
