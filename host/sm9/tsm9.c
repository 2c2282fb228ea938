#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "card/sm9/wipe.h"
#include "host/sm9/internal.h"

_Static_assert(TSM9_SIGN_PUBLIC_SIZE == G2_BYTES && TSM9_SIGN_KEY_SIZE == G1_BYTES &&
                   TSM9_ENCRYPT_PUBLIC_SIZE == G1_BYTES && TSM9_DECRYPT_KEY_SIZE == G2_BYTES &&
                   TSM9_MASTER_SIZE == SM9_KEY_BYTES && TSM9_SIGNATURE_SIZE == SM9_SIGNATURE_BYTES &&
                   TSM9_CAPSULE_SIZE == SM9_KEM_BYTES && TSM9_OVERHEAD == G1_BYTES + SM9_TAG_BYTES,
               "sizes are those of card/sm9");
_Static_assert(TSM9_ID_MAX == SM9_ID_MAX && TSM9_DERIVED_MAX == SM9_DERIVED_MAX &&
                   TSM9_MESSAGE_MAX == SM9_ENCRYPT_MAX,
               "limits are those of card/sm9");
_Static_assert((int)TSM9_E_KEY == SM9_E_KEY && (int)TSM9_E_POINT == SM9_E_POINT &&
                   (int)TSM9_E_RANGE == SM9_E_RANGE && (int)TSM9_E_LENGTH == SM9_E_LENGTH &&
                   (int)TSM9_E_MISMATCH == SM9_E_MISMATCH && (int)TSM9_E_UNUSABLE_ID == SM9_E_UNUSABLE_ID &&
                   (int)TSM9_E_RANDOM == SM9_E_RANDOM,
               "results are those of card/sm9");

struct tsm9_verifier {
    struct sm9_sign_public key;
};

struct tsm9_signer {
    struct sm9_sign_key key;
};

struct tsm9_exchange {
    struct sm9_exchange x;
    int used;
};

const char *tsm9_text(enum tsm9_result r)
{
    switch (r) {
    case TSM9_OK: return "ok";
    case TSM9_E_KEY: return "the key is not valid";
    case TSM9_E_POINT: return "a point is not in its group";
    case TSM9_E_RANGE: return "a number is out of range";
    case TSM9_E_LENGTH: return "a length is out of range";
    case TSM9_E_MISMATCH: return "it does not verify";
    case TSM9_E_UNUSABLE_ID: return "the identity cannot be used with this master key";
    case TSM9_E_RANDOM: return "the random source failed";
    case TSM9_E_MEMORY: return "out of memory";
    case TSM9_E_CIPHER: return "SM4 is not available";
    }
    return "unknown";
}

static int fill_from_kernel(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    for (size_t done = 0; done < n;) {
        ssize_t got = getrandom(out + done, n - done, 0);
        if (got <= 0)
            return -1;
        done += (size_t)got;
    }
    return 0;
}

struct sm9_random sm9lib_source(const struct tsm9_random *random)
{
    return random != NULL ? (struct sm9_random){random->fill, random->ctx}
                          : (struct sm9_random){fill_from_kernel, NULL};
}

static enum tsm9_result from(enum sm9_result r)
{
    return (enum tsm9_result)r;
}

/* ---- Key centre ---- */

enum tsm9_result tsm9_master_generate(uint8_t master[TSM9_MASTER_SIZE], const struct tsm9_random *random)
{
    struct sm9_random source = sm9lib_source(random);
    return from(sm9_master_generate(master, &source));
}

enum tsm9_result tsm9_sign_public(uint8_t ppub[TSM9_SIGN_PUBLIC_SIZE], const uint8_t master[TSM9_MASTER_SIZE])
{
    return from(sm9_sign_master_public(ppub, master));
}

enum tsm9_result tsm9_encrypt_public(uint8_t ppub[TSM9_ENCRYPT_PUBLIC_SIZE],
                                     const uint8_t master[TSM9_MASTER_SIZE])
{
    return from(sm9_encrypt_master_public(ppub, master));
}

enum tsm9_result tsm9_sign_extract(uint8_t ds[TSM9_SIGN_KEY_SIZE], const uint8_t master[TSM9_MASTER_SIZE],
                                   const uint8_t *id, size_t id_len)
{
    const struct sm9_id who = {id, id_len};
    return from(sm9_sign_extract(ds, master, &who));
}

enum tsm9_result tsm9_encrypt_extract(uint8_t de[TSM9_DECRYPT_KEY_SIZE],
                                      const uint8_t master[TSM9_MASTER_SIZE], const uint8_t *id,
                                      size_t id_len, enum tsm9_purpose purpose)
{
    const struct sm9_id who = {id, id_len};
    memset(de, 0, TSM9_DECRYPT_KEY_SIZE);
    if (purpose != TSM9_FOR_EXCHANGE && purpose != TSM9_FOR_ENCRYPTION)
        return TSM9_E_RANGE;
    return from(sm9_encrypt_extract(de, master, &who, (uint8_t)purpose));
}

/* ---- Keys ---- */

static void wipe_and_free(void *p, size_t n)
{
    if (p == NULL)
        return;
    sm9_wipe(p, n);
    free(p);
}

/* A new NAME made of BYTES by INIT, or NULL. */
#define DEFINE_KEY(NAME, SIZE, INIT)                                                                         \
    enum tsm9_result NAME##_new(struct NAME **key, const uint8_t bytes[SIZE])                                \
    {                                                                                                        \
        enum tsm9_result r = TSM9_E_MEMORY;                                                                  \
        *key = calloc(1, sizeof **key);                                                                      \
        if (*key != NULL)                                                                                    \
            r = from(INIT(&(*key)->key, bytes));                                                             \
        if (r != TSM9_OK) {                                                                                  \
            NAME##_free(*key);                                                                               \
            *key = NULL;                                                                                     \
        }                                                                                                    \
        return r;                                                                                            \
    }                                                                                                        \
    void NAME##_free(struct NAME *key)                                                                       \
    {                                                                                                        \
        wipe_and_free(key, sizeof *key);                                                                     \
    }

DEFINE_KEY(tsm9_verifier, TSM9_SIGN_PUBLIC_SIZE, sm9_sign_public_init)
DEFINE_KEY(tsm9_encrypter, TSM9_ENCRYPT_PUBLIC_SIZE, sm9_encrypt_public_init)
DEFINE_KEY(tsm9_signer, TSM9_SIGN_KEY_SIZE, sm9_sign_key_init)
DEFINE_KEY(tsm9_decrypter, TSM9_DECRYPT_KEY_SIZE, sm9_decrypt_key_init)

/* ---- Signature ---- */

enum tsm9_result tsm9_sign(uint8_t signature[TSM9_SIGNATURE_SIZE], const struct tsm9_verifier *key,
                           const struct tsm9_signer *own, const void *message, size_t len,
                           const struct tsm9_random *random)
{
    struct sm9_random source = sm9lib_source(random);
    return from(sm9_sign(signature, &key->key, &own->key, message, len, &source));
}

enum tsm9_result tsm9_verify(const uint8_t signature[TSM9_SIGNATURE_SIZE], const struct tsm9_verifier *key,
                             const uint8_t *id, size_t id_len, const void *message, size_t len)
{
    const struct sm9_id who = {id, id_len};
    return from(sm9_verify(signature, &key->key, &who, message, len));
}

/* ---- Key encapsulation ---- */

/* The key for one use, blinded for it; the caller wipes it. */
static enum tsm9_result blinded(struct sm9_decrypt_key *key, const struct tsm9_decrypter *own)
{
    struct sm9_random source = sm9lib_source(NULL);
    *key = own->key;
    return from(sm9_decrypt_key_blind(key, &source));
}

enum tsm9_result tsm9_encapsulate(uint8_t *secret, size_t n, uint8_t capsule[TSM9_CAPSULE_SIZE],
                                  const struct tsm9_encrypter *key, const uint8_t *id, size_t id_len,
                                  const struct tsm9_random *random)
{
    const struct sm9_id who = {id, id_len};
    struct sm9_random source = sm9lib_source(random);
    return from(sm9_encapsulate(secret, n, capsule, &key->key, &who, &source));
}

enum tsm9_result tsm9_decapsulate(uint8_t *secret, size_t n, const uint8_t capsule[TSM9_CAPSULE_SIZE],
                                  const struct tsm9_decrypter *own, const uint8_t *id, size_t id_len)
{
    const struct sm9_id who = {id, id_len};
    struct sm9_decrypt_key key;
    if (n >= 1 && n <= TSM9_DERIVED_MAX)
        memset(secret, 0, n);
    enum tsm9_result r = blinded(&key, own);
    if (r == TSM9_OK)
        r = from(sm9_decapsulate(secret, n, capsule, &key, &who));
    sm9_wipe(&key, sizeof key);
    return r;
}

/* ---- Encryption ---- */

enum { BLOCK = 16 };

size_t tsm9_ciphertext_size(enum tsm9_mode mode, size_t len)
{
    if (len < 1 || len > TSM9_MESSAGE_MAX)
        return 0;
    switch (mode) {
    case TSM9_STREAM: return TSM9_OVERHEAD + len;
    case TSM9_SM4_ECB: return TSM9_OVERHEAD + (len / BLOCK + 1) * BLOCK;
    }
    return 0;
}

enum tsm9_result tsm9_encrypt(uint8_t *out, enum tsm9_mode mode, const struct tsm9_encrypter *key,
                              const uint8_t *id, size_t id_len, const uint8_t *message, size_t len,
                              const struct tsm9_random *random)
{
    const struct sm9_id who = {id, id_len};
    struct sm9_random source = sm9lib_source(random);
    size_t size = tsm9_ciphertext_size(mode, len);
    if (size == 0)
        return TSM9_E_LENGTH;
    memset(out, 0, size);
    return mode == TSM9_STREAM ? from(sm9_encrypt(out, &key->key, &who, message, len, &source))
                               : sm9lib_encrypt_blocks(out, &key->key, &who, message, len, &source);
}

enum tsm9_result tsm9_decrypt(uint8_t *message, size_t *message_len, enum tsm9_mode mode, const uint8_t *in,
                              size_t len, const struct tsm9_decrypter *own, const uint8_t *id, size_t id_len)
{
    const struct sm9_id who = {id, id_len};
    *message_len = 0;
    if (len <= TSM9_OVERHEAD || len > TSM9_OVERHEAD + TSM9_MESSAGE_MAX + BLOCK)
        return TSM9_E_LENGTH;
    memset(message, 0, len - TSM9_OVERHEAD);
    if (mode != TSM9_STREAM && mode != TSM9_SM4_ECB)
        return TSM9_E_LENGTH;
    struct sm9_decrypt_key key;
    enum tsm9_result r = blinded(&key, own);
    if (r == TSM9_OK && mode == TSM9_SM4_ECB) {
        r = sm9lib_decrypt_blocks(message, message_len, in, len, &key, &who);
    } else if (r == TSM9_OK) {
        r = from(sm9_decrypt(message, in, len, &key, &who));
        *message_len = r == TSM9_OK ? len - TSM9_OVERHEAD : 0;
    }
    sm9_wipe(&key, sizeof key);
    return r;
}

/* ---- Key exchange ---- */

enum tsm9_result tsm9_exchange_new(struct tsm9_exchange **x, uint8_t r[TSM9_EXCHANGE_SIZE],
                                   const struct tsm9_encrypter *key, const uint8_t *peer, size_t peer_len,
                                   const struct tsm9_random *random)
{
    const struct sm9_id who = {peer, peer_len};
    struct sm9_random source = sm9lib_source(random);
    enum tsm9_result result = TSM9_E_MEMORY;
    memset(r, 0, TSM9_EXCHANGE_SIZE);
    *x = calloc(1, sizeof **x);
    if (*x != NULL)
        result = from(sm9_exchange_begin(&(*x)->x, &key->key, &who, &source));
    if (result != TSM9_OK) {
        tsm9_exchange_free(*x);
        *x = NULL;
    } else {
        memcpy(r, (*x)->x.mine, TSM9_EXCHANGE_SIZE);
    }
    return result;
}

void tsm9_exchange_free(struct tsm9_exchange *x)
{
    wipe_and_free(x, sizeof *x);
}

enum tsm9_result tsm9_exchange_finish(struct tsm9_exchange *x, const struct tsm9_encrypter *key,
                                      const struct tsm9_decrypter *own, int initiator,
                                      struct tsm9_side initiator_side, struct tsm9_side responder_side,
                                      const uint8_t peer_r[TSM9_EXCHANGE_SIZE], uint8_t *secret, size_t n,
                                      uint8_t confirm_responder[TSM9_CONFIRMATION_SIZE],
                                      uint8_t confirm_initiator[TSM9_CONFIRMATION_SIZE])
{
    const struct sm9_id a = {initiator_side.id, initiator_side.id_len};
    const struct sm9_id b = {responder_side.id, responder_side.id_len};
    memset(confirm_responder, 0, TSM9_CONFIRMATION_SIZE);
    memset(confirm_initiator, 0, TSM9_CONFIRMATION_SIZE);
    if (n >= 1 && n <= TSM9_DERIVED_MAX)
        memset(secret, 0, n);
    if (a.len < 1 || a.len > TSM9_ID_MAX || b.len < 1 || b.len > TSM9_ID_MAX)
        return TSM9_E_LENGTH;
    if (x->used)
        return TSM9_E_KEY;
    struct sm9_decrypt_key secret_key;
    enum tsm9_result r = blinded(&secret_key, own);
    if (r == TSM9_OK)
        r = from(sm9_exchange_finish(&x->x, &key->key, &secret_key, initiator != 0, &a, &b, peer_r, secret, n,
                                     confirm_responder, confirm_initiator));
    sm9_wipe(&secret_key, sizeof secret_key);
    x->used = r == TSM9_OK;
    return r;
}
