#include "host/crypto/ticket_crypto.h"

#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/hpke.h"
#include "host/crypto/kdf.h"
#include "host/crypto/key_internal.h"
#include "host/crypto/p256.h"
#include "host/crypto/rsa.h"

enum {
    CIPHERTEXT_VERSION = 1,
    PLAIN_MAX = FACE_SIZE + TALLY_TFV_MAX,
    /* Offsets in the header of ciphertext 1. */
    AT_VERSION = 0,
    AT_SUITE = 1,
    AT_OPERATOR = 2,
    AT_CARD_KEY_VERSION = 4
};

/* The content key of the RSA suite is used once, so its nonce may be constant. */
static const uint8_t zero_nonce[TALLY_GCM_NONCE_SIZE] = {0};

size_t tally_tfv_size(uint8_t suite)
{
    return suite == SUITE_P256 ? ECDSA_SIZE : suite == SUITE_RSA ? RSA_SIZE : 0;
}

enum tally_error tally_face_sign(const struct tally_key *key1, const uint8_t face[FACE_SIZE],
                                 uint8_t tfv[TALLY_TFV_MAX], size_t *n)
{
    const struct tally_bytes part = {face, FACE_SIZE};
    uint8_t suite = face[TALLY_FACE_AT_SUITE];
    enum tally_error e = TALLY_E_USAGE;
    memset(tfv, 0, TALLY_TFV_MAX);
    *n = 0;
    if (tally_key_usable(key1, suite, true))
        e = suite == SUITE_P256 ? tally_p256_sign(key1, LABEL_FACE, &part, 1, tfv)
                                : tally_pss_sign(key1, LABEL_FACE, &part, 1, tfv);
    if (e == TALLY_OK)
        *n = tally_tfv_size(suite);
    return e;
}

enum tally_error tally_face_verify(const struct tally_key *key6, const uint8_t face[FACE_SIZE],
                                   const uint8_t *tfv, size_t n)
{
    const struct tally_bytes part = {face, FACE_SIZE};
    uint8_t suite = tally_key_suite(key6);
    if (face[TALLY_FACE_AT_SUITE] != suite)
        return TALLY_E_CRYPTO;
    if (n != tally_tfv_size(suite))
        return TALLY_E_FORMAT;
    return suite == SUITE_P256 ? tally_p256_verify(key6, LABEL_FACE, &part, 1, tfv)
                               : tally_pss_verify(key6, LABEL_FACE, &part, 1, tfv);
}

/* OAEP of a fresh content key, then GCM under it. */
static enum tally_error seal_rsa(const uint8_t modulus[RSA_SIZE], const struct tally_bytes *header,
                                 const uint8_t *plain, size_t n, uint8_t *out)
{
    uint8_t key[SYM_KEY_SIZE];
    EVP_PKEY *pkey = tally_rsa_peer(modulus);
    enum tally_error e = pkey != NULL ? tally_random(key, sizeof key) : TALLY_E_CRYPTO;
    if (e == TALLY_OK)
        e = tally_oaep_to(pkey, LABEL_CIPHERTEXT_1, key, sizeof key, out);
    if (e == TALLY_OK)
        e = tally_gcm_seal(key, zero_nonce, header, 1, plain, n, out + RSA_SIZE);
    tally_wipe(key, sizeof key);
    EVP_PKEY_free(pkey);
    return e;
}

static enum tally_error open_rsa(const struct tally_key *card_key, const struct tally_bytes *header,
                                 const uint8_t *in, size_t n, uint8_t *plain)
{
    uint8_t key[TALLY_OAEP_MAX];
    size_t key_size;
    enum tally_error e = tally_oaep_decrypt(card_key, LABEL_CIPHERTEXT_1, in, key, &key_size);
    if (e == TALLY_OK && key_size != SYM_KEY_SIZE)
        e = TALLY_E_CRYPTO;
    if (e == TALLY_OK)
        e = tally_gcm_open(key, zero_nonce, header, 1, in + RSA_SIZE, n - RSA_SIZE, plain);
    tally_wipe(key, sizeof key);
    return e;
}

/* What the body of ciphertext 1 adds to the plaintext. */
static size_t overhead(uint8_t suite)
{
    return suite == SUITE_P256 ? TALLY_HPKE_OVERHEAD : RSA_SIZE + AEAD_TAG_SIZE;
}

enum tally_error tally_ciphertext_1_seal(const uint8_t face[FACE_SIZE], const uint8_t *tfv, size_t tfv_size,
                                         const uint8_t *card_key, size_t card_key_size,
                                         uint8_t card_key_version, uint8_t out[CIPHERTEXT_1_MAX], size_t *n)
{
    uint8_t plain[PLAIN_MAX], suite = face[TALLY_FACE_AT_SUITE];
    uint8_t *body = out + CIPHERTEXT_1_HEADER_SIZE;
    size_t plain_size = FACE_SIZE + tfv_size;
    memset(out, 0, CIPHERTEXT_1_MAX);
    *n = 0;
    if (tfv_size == 0 || tfv_size != tally_tfv_size(suite) ||
        card_key_size != (suite == SUITE_P256 ? P256_PUBLIC_SIZE : RSA_SIZE))
        return TALLY_E_FORMAT;
    memcpy(plain, face, FACE_SIZE);
    memcpy(plain + FACE_SIZE, tfv, tfv_size);
    out[AT_VERSION] = CIPHERTEXT_VERSION;
    out[AT_SUITE] = suite;
    memcpy(out + AT_OPERATOR, face + FACE_AT_OPERATOR, 2);
    out[AT_CARD_KEY_VERSION] = card_key_version;

    const struct tally_bytes header = {out, CIPHERTEXT_1_HEADER_SIZE};
    enum tally_error e = suite == SUITE_P256 ? tally_hpke_seal(card_key, LABEL_CIPHERTEXT_1, &header, 1,
                                                               plain, plain_size, body)
                                             : seal_rsa(card_key, &header, plain, plain_size, body);
    tally_wipe(plain, sizeof plain);
    if (e == TALLY_OK)
        *n = CIPHERTEXT_1_HEADER_SIZE + plain_size + overhead(suite);
    else
        memset(out, 0, CIPHERTEXT_1_MAX);
    return e;
}

enum tally_error tally_ciphertext_1_open(const struct tally_key *card_key, const uint8_t *in, size_t n,
                                         uint8_t face[FACE_SIZE], uint8_t tfv[TALLY_TFV_MAX],
                                         size_t *tfv_size)
{
    uint8_t plain[PLAIN_MAX], suite = tally_key_suite(card_key);
    size_t size = tally_tfv_size(suite);
    const struct tally_bytes header = {in, CIPHERTEXT_1_HEADER_SIZE};
    memset(face, 0, FACE_SIZE);
    memset(tfv, 0, TALLY_TFV_MAX);
    *tfv_size = 0;
    if (n != CIPHERTEXT_1_HEADER_SIZE + FACE_SIZE + size + overhead(suite) ||
        in[AT_VERSION] != CIPHERTEXT_VERSION || in[AT_SUITE] != suite)
        return TALLY_E_FORMAT;
    const uint8_t *body = in + CIPHERTEXT_1_HEADER_SIZE;
    size_t body_size = n - CIPHERTEXT_1_HEADER_SIZE;
    enum tally_error e = suite == SUITE_P256 ? tally_hpke_open(card_key, LABEL_CIPHERTEXT_1, &header, 1, body,
                                                               body_size, plain)
                                             : open_rsa(card_key, &header, body, body_size, plain);
    if (e == TALLY_OK) {
        memcpy(face, plain, FACE_SIZE);
        memcpy(tfv, plain + FACE_SIZE, size);
        *tfv_size = size;
    }
    tally_wipe(plain, sizeof plain);
    return e;
}

enum tally_error tally_receipt_mac(const uint8_t receipt_key[SYM_KEY_SIZE], const uint8_t serial[SERIAL_SIZE],
                                   uint16_t operator_id, const uint8_t tid[TID_SIZE],
                                   const uint8_t usage[USAGE_SIZE], uint8_t mac[RECEIPT_MAC_SIZE])
{
    uint8_t op[2], full[TALLY_BLOCK_SIZE];
    be16_put(op, operator_id);
    const struct tally_bytes parts[] = {
        {serial, SERIAL_SIZE}, {op, sizeof op}, {tid, TID_SIZE}, {usage, USAGE_MACED}};
    enum tally_error e = tally_cmac(receipt_key, parts, 4, full);
    memcpy(mac, full, RECEIPT_MAC_SIZE);
    tally_wipe(full, sizeof full);
    return e;
}

enum tally_error tally_receipt_verify(const uint8_t receipt_key[SYM_KEY_SIZE],
                                      const uint8_t serial[SERIAL_SIZE], uint16_t operator_id,
                                      const uint8_t tid[TID_SIZE], const uint8_t usage[USAGE_SIZE])
{
    uint8_t mac[RECEIPT_MAC_SIZE];
    enum tally_error e = tally_receipt_mac(receipt_key, serial, operator_id, tid, usage, mac);
    if (e == TALLY_OK && !tally_equal_ct(mac, usage + USAGE_MACED, sizeof mac))
        e = TALLY_E_CRYPTO;
    tally_wipe(mac, sizeof mac);
    return e;
}

/* Spaces out, upper case, printable ASCII only; 0 when that is impossible. */
static size_t normalise(const char *number, uint8_t out[TALLY_DOCUMENT_NUMBER_MAX])
{
    size_t n = 0;
    for (size_t i = 0; number[i] != '\0'; i++) {
        uint8_t c = (uint8_t)number[i];
        if (i >= TALLY_DOCUMENT_NUMBER_MAX || c < ' ' || c > '~')
            return 0;
        if (c != ' ')
            out[n++] = c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
    }
    return n;
}

enum tally_error tally_holder_hash(const uint8_t tid[TID_SIZE], uint8_t document_type, const char *number,
                                   uint8_t hash[HOLDER_HASH_SIZE])
{
    enum { TYPE_MIN = 1, TYPE_MAX = 3 };
    uint8_t text[TALLY_DOCUMENT_NUMBER_MAX], digest[TALLY_SHA256_SIZE];
    size_t n = normalise(number, text);
    memset(hash, 0, HOLDER_HASH_SIZE);
    if (n == 0 || document_type < TYPE_MIN || document_type > TYPE_MAX)
        return TALLY_E_FORMAT;
    const struct tally_bytes parts[] = {{tid, TID_SIZE}, {&document_type, 1}, {text, n}};
    enum tally_error e = tally_sha256_labelled(LABEL_HOLDER, parts, 3, digest);
    if (e == TALLY_OK)
        memcpy(hash, digest, HOLDER_HASH_SIZE);
    tally_wipe(text, sizeof text);
    tally_wipe(digest, sizeof digest);
    return e;
}
