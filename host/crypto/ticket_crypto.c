#include "host/crypto/ticket_crypto.h"

#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/hpke.h"
#include "host/crypto/kdf.h"
#include "host/crypto/key_internal.h"
#include "host/crypto/p256.h"
#include "host/crypto/rsa.h"
#include "host/crypto/sm9.h"

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
    switch (suite) {
    case SUITE_P256: return ECDSA_SIZE;
    case SUITE_RSA: return RSA_SIZE;
    case SUITE_SM9: return SM9_CODE_SIZE;
    default: return 0;
    }
}

static enum tally_error sign(const struct tally_key *key1, uint8_t suite, const struct tally_bytes *face,
                             uint8_t *tfv)
{
    switch (suite) {
    case SUITE_P256: return tally_p256_sign(key1, LABEL_FACE, face, 1, tfv);
    case SUITE_RSA: return tally_pss_sign(key1, LABEL_FACE, face, 1, tfv);
    default: return tally_sm9_sign(tally_key_sm9(key1), LABEL_FACE, face, 1, tfv);
    }
}

/* The signer's identity comes from the face and the key's epoch: a key of another operator's server signs no
 * face. */
static enum tally_error verify_sm9(const struct tally_key *key6, const struct tally_bytes *face,
                                   const uint8_t *tfv)
{
    const struct tally_sm9_key *sm9 = tally_key_sm9(key6);
    const struct identity *server = tally_sm9_key_identity(sm9);
    if (server->operator_id != be16_get(face->p + FACE_AT_OPERATOR))
        return TALLY_E_CRYPTO;
    return tally_sm9_verify(sm9, server, LABEL_FACE, face, 1, tfv);
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
        e = sign(key1, suite, &part, tfv);
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
    switch (suite) {
    case SUITE_P256: return tally_p256_verify(key6, LABEL_FACE, &part, 1, tfv);
    case SUITE_RSA: return tally_pss_verify(key6, LABEL_FACE, &part, 1, tfv);
    default: return verify_sm9(key6, &part, tfv);
    }
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
    switch (suite) {
    case SUITE_P256: return TALLY_HPKE_OVERHEAD;
    case SUITE_RSA: return RSA_SIZE + AEAD_TAG_SIZE;
    default: return SM9_G1_SIZE + AEAD_TAG_SIZE;
    }
}

/* The content key of suite SM9 from the secret that was encapsulated. */
static enum tally_error content_key(const uint8_t secret[TALLY_SM9_SECRET_SIZE], uint8_t key[SYM_KEY_SIZE])
{
    const struct tally_bytes info = {(const uint8_t *)LABEL_CIPHERTEXT_1, sizeof LABEL_CIPHERTEXT_1 - 1};
    return tally_hkdf((struct tally_bytes){NULL, 0}, (struct tally_bytes){secret, TALLY_SM9_SECRET_SIZE},
                      &info, 1, key, SYM_KEY_SIZE);
}

/* The low byte of the epoch takes the place of a key version. */
static void put_header(const uint8_t face[FACE_SIZE], uint8_t card_key_version, uint8_t *out)
{
    out[AT_VERSION] = CIPHERTEXT_VERSION;
    out[AT_SUITE] = face[TALLY_FACE_AT_SUITE];
    memcpy(out + AT_OPERATOR, face + FACE_AT_OPERATOR, 2);
    out[AT_CARD_KEY_VERSION] = card_key_version;
}

enum tally_error tally_ciphertext_1_seal_sm9(const uint8_t face[FACE_SIZE], const uint8_t tfv[SM9_CODE_SIZE],
                                             const struct tally_sm9_key *masters, uint16_t card_epoch,
                                             uint8_t out[CIPHERTEXT_1_MAX], size_t *n)
{
    enum { PLAIN = FACE_SIZE + SM9_CODE_SIZE };
    uint8_t plain[PLAIN], secret[TALLY_SM9_SECRET_SIZE], key[SYM_KEY_SIZE];
    uint8_t *c = out + CIPHERTEXT_1_HEADER_SIZE;
    struct identity card = {.scheme = IDENTITY_CARD, .epoch = card_epoch};
    const struct tally_bytes header = {out, CIPHERTEXT_1_HEADER_SIZE};
    memset(out, 0, CIPHERTEXT_1_MAX);
    *n = 0;
    if (face[TALLY_FACE_AT_SUITE] != SUITE_SM9)
        return TALLY_E_FORMAT;
    memcpy(card.serial, face + FACE_AT_SERIAL, SERIAL_SIZE);
    memcpy(plain, face, FACE_SIZE);
    memcpy(plain + FACE_SIZE, tfv, SM9_CODE_SIZE);
    put_header(face, (uint8_t)card_epoch, out);
    enum tally_error e = tally_sm9_encapsulate(masters, &card, c, secret);
    if (e == TALLY_OK)
        e = content_key(secret, key);
    if (e == TALLY_OK)
        e = tally_gcm_seal(key, zero_nonce, &header, 1, plain, PLAIN, c + SM9_G1_SIZE);
    if (e == TALLY_OK)
        *n = CIPHERTEXT_1_HEADER_SIZE + PLAIN + overhead(SUITE_SM9);
    else
        memset(out, 0, CIPHERTEXT_1_MAX);
    tally_wipe(plain, sizeof plain);
    tally_wipe(secret, sizeof secret);
    tally_wipe(key, sizeof key);
    return e;
}

enum tally_error tally_ciphertext_1_open_sm9(const struct tally_sm9_key *card, const uint8_t *in, size_t n,
                                             uint8_t face[FACE_SIZE], uint8_t tfv[SM9_CODE_SIZE])
{
    enum { PLAIN = FACE_SIZE + SM9_CODE_SIZE };
    uint8_t plain[PLAIN], secret[TALLY_SM9_SECRET_SIZE], key[SYM_KEY_SIZE];
    const struct tally_bytes header = {in, CIPHERTEXT_1_HEADER_SIZE};
    const uint8_t *c = in + CIPHERTEXT_1_HEADER_SIZE;
    memset(face, 0, FACE_SIZE);
    memset(tfv, 0, SM9_CODE_SIZE);
    if (n != CIPHERTEXT_1_HEADER_SIZE + PLAIN + overhead(SUITE_SM9) || in[AT_VERSION] != CIPHERTEXT_VERSION ||
        in[AT_SUITE] != SUITE_SM9)
        return TALLY_E_FORMAT;
    enum tally_error e = tally_sm9_decapsulate(card, c, secret);
    if (e == TALLY_OK)
        e = content_key(secret, key);
    if (e == TALLY_OK)
        e = tally_gcm_open(key, zero_nonce, &header, 1, c + SM9_G1_SIZE, PLAIN + AEAD_TAG_SIZE, plain);
    if (e == TALLY_OK) {
        memcpy(face, plain, FACE_SIZE);
        memcpy(tfv, plain + FACE_SIZE, SM9_CODE_SIZE);
    }
    tally_wipe(plain, sizeof plain);
    tally_wipe(secret, sizeof secret);
    tally_wipe(key, sizeof key);
    return e;
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
    if (tfv_size == 0 || suite == SUITE_SM9 || tfv_size != tally_tfv_size(suite) ||
        card_key_size != (suite == SUITE_P256 ? P256_PUBLIC_SIZE : RSA_SIZE))
        return TALLY_E_FORMAT;
    memcpy(plain, face, FACE_SIZE);
    memcpy(plain + FACE_SIZE, tfv, tfv_size);
    put_header(face, card_key_version, out);

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
    if (suite == SUITE_SM9 || n != CIPHERTEXT_1_HEADER_SIZE + FACE_SIZE + size + overhead(suite) ||
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
