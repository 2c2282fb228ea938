/* libtally-sm9: identity-based cryptography with SM9, for other programs.
 *
 * Standards: GB/T 38635.1-2020 (mathematics) and GB/T 38635.2-2020 (algorithms), which are GM/T 0044-2016;
 * the same algorithms are in ISO/IEC 14888-3 (signature), 11770-3 (key exchange) and 18033-5 (encryption).
 * Clauses below are of GB/T 38635.2. Security is that of a 256-bit Barreto-Naehrig curve: about 100 bits by
 * today's estimates.
 *
 * Bytes: numbers are 32 bytes, big-endian; points of G1 are x || y (64), of G2 x || y with the coefficient of
 * u first (128); neither has the 04 in front that some file formats want, but for the signature, which
 * contains it. An identity is 1 to 255 bytes of any content; both sides must spell it the same.
 *
 * Results: every function that can fail returns enum tsm9_result. On failure every output is zero, NULL for
 * keys. All pointers must be valid; a length of 0 is refused where 1 is the least. Outputs do not overlap
 * inputs.
 *
 * Keys are opaque, immutable once made, and may be used by any number of threads at the same time. Making one
 * checks it and prepares tables; keep it. Free each once; NULL is allowed. Private ones are wiped.
 *
 * Secrets decide neither branches nor addresses. Names and meanings here are stable: what is added gets a new
 * name.
 */
#ifndef TALLY_TSM9_H
#define TALLY_TSM9_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TSM9_MASTER_SIZE         32u        /* a master private key */
#define TSM9_SIGN_PUBLIC_SIZE    128u       /* Ppub-s, in G2 */
#define TSM9_SIGN_KEY_SIZE       64u        /* ds, in G1 */
#define TSM9_ENCRYPT_PUBLIC_SIZE 64u        /* Ppub-e, in G1 */
#define TSM9_DECRYPT_KEY_SIZE    128u       /* de, in G2 */
#define TSM9_SIGNATURE_SIZE      97u        /* h (32) || 04 || S (64) */
#define TSM9_CAPSULE_SIZE        64u        /* C of a key encapsulation */
#define TSM9_EXCHANGE_SIZE       64u        /* R of a key exchange */
#define TSM9_CONFIRMATION_SIZE   32u        /* SA, SB of a key exchange */
#define TSM9_ID_MAX              255u       /* bytes of an identity */
#define TSM9_DERIVED_MAX         1056u      /* bytes of a key encapsulated or agreed on */
#define TSM9_MESSAGE_MAX         (1u << 24) /* bytes of a message encrypted */
#define TSM9_OVERHEAD            96u /* bytes of a ciphertext before what is encrypted: C1 (64) || C3 (32) */

enum tsm9_result {
    TSM9_OK = 0,
    TSM9_E_KEY = 1,      /* a key is not in its group or range */
    TSM9_E_POINT = 2,    /* a point that came from the other side is not in its group */
    TSM9_E_RANGE = 3,    /* a number that came from the other side is out of range */
    TSM9_E_LENGTH = 4,   /* a length is out of range */
    TSM9_E_MISMATCH = 5, /* the signature, tag or padding is wrong */
    TSM9_E_UNUSABLE_ID =
        6, /* this identity and master key do not go together (probability 2^-256): roll the key */
    TSM9_E_RANDOM = 7, /* the random source failed */
    TSM9_E_MEMORY = 8, /* out of memory */
    TSM9_E_CIPHER = 9  /* OpenSSL has no SM4 here */
};

/* A short English text, never NULL. Any value is accepted. */
const char *tsm9_text(enum tsm9_result r);

/* A source of random bytes fit for keys: fills n bytes and returns 0, or anything else. Where one is asked
 * for, NULL means the kernel's, getrandom(2). */
struct tsm9_random {
    int (*fill)(void *ctx, uint8_t *out, size_t n);
    void *ctx;
};

/* ---- The key centre (clause 5.2, and the key generation of 6.1, 7.1, 8.1) ---- */

/* A number in [1, n - 1]: ks or ke. The caller wipes it. */
enum tsm9_result tsm9_master_generate(uint8_t master[TSM9_MASTER_SIZE], const struct tsm9_random *random);

/* Ppub-s = [ks] P2 and Ppub-e = [ke] P1. TSM9_E_KEY for a master key out of range. */
enum tsm9_result tsm9_sign_public(uint8_t ppub[TSM9_SIGN_PUBLIC_SIZE],
                                  const uint8_t master[TSM9_MASTER_SIZE]);
enum tsm9_result tsm9_encrypt_public(uint8_t ppub[TSM9_ENCRYPT_PUBLIC_SIZE],
                                     const uint8_t master[TSM9_MASTER_SIZE]);

/* What a key of encryption is extracted for: the function identifier hid. */
enum tsm9_purpose { TSM9_FOR_EXCHANGE = 2, TSM9_FOR_ENCRYPTION = 3 };

/* The private keys of an identity: ds = [ks / (H1(id || 01) + ks)] P1, and de = [ke / (H1(id || hid) + ke)]
 * P2. The caller wipes them. TSM9_E_KEY, TSM9_E_LENGTH, TSM9_E_UNUSABLE_ID. */
enum tsm9_result tsm9_sign_extract(uint8_t ds[TSM9_SIGN_KEY_SIZE], const uint8_t master[TSM9_MASTER_SIZE],
                                   const uint8_t *id, size_t id_len);
enum tsm9_result tsm9_encrypt_extract(uint8_t de[TSM9_DECRYPT_KEY_SIZE],
                                      const uint8_t master[TSM9_MASTER_SIZE], const uint8_t *id,
                                      size_t id_len, enum tsm9_purpose purpose);

/* ---- Keys ---- */

struct tsm9_verifier;  /* Ppub-s: signs and verifies with it. Some 90 kB, a pairing to make */
struct tsm9_encrypter; /* Ppub-e: encrypts and exchanges with it. The same */
struct tsm9_signer;    /* ds */
struct tsm9_decrypter; /* de */

/* TSM9_E_KEY when the point is not in its group (on the curve, and for G2 of order n). TSM9_E_MEMORY. */
enum tsm9_result tsm9_verifier_new(struct tsm9_verifier **key, const uint8_t ppub[TSM9_SIGN_PUBLIC_SIZE]);
enum tsm9_result tsm9_encrypter_new(struct tsm9_encrypter **key,
                                    const uint8_t ppub[TSM9_ENCRYPT_PUBLIC_SIZE]);
enum tsm9_result tsm9_signer_new(struct tsm9_signer **key, const uint8_t ds[TSM9_SIGN_KEY_SIZE]);
enum tsm9_result tsm9_decrypter_new(struct tsm9_decrypter **key, const uint8_t de[TSM9_DECRYPT_KEY_SIZE]);
void tsm9_verifier_free(struct tsm9_verifier *key);
void tsm9_encrypter_free(struct tsm9_encrypter *key);
void tsm9_signer_free(struct tsm9_signer *key);
void tsm9_decrypter_free(struct tsm9_decrypter *key);

/* ---- Signature (clause 6) ---- */

/* 6.2. message may be NULL when len is 0. The signature is right only if own belongs to key's centre: nothing
 * says so here, so verify one after extraction. TSM9_E_RANDOM. */
enum tsm9_result tsm9_sign(uint8_t signature[TSM9_SIGNATURE_SIZE], const struct tsm9_verifier *key,
                           const struct tsm9_signer *own, const void *message, size_t len,
                           const struct tsm9_random *random);

/* 6.4. TSM9_OK when the identity signed the message. TSM9_E_MISMATCH, TSM9_E_RANGE, TSM9_E_POINT when not;
 * TSM9_E_LENGTH for the identity's. */
enum tsm9_result tsm9_verify(const uint8_t signature[TSM9_SIGNATURE_SIZE], const struct tsm9_verifier *key,
                             const uint8_t *id, size_t id_len, const void *message, size_t len);

/* ---- Key encapsulation (clause 8) ---- */

/* 8.2: a fresh secret of n bytes (1..TSM9_DERIVED_MAX) for the identity, and the capsule that holds it.
 * TSM9_E_LENGTH, TSM9_E_RANDOM, TSM9_E_KEY. */
enum tsm9_result tsm9_encapsulate(uint8_t *secret, size_t n, uint8_t capsule[TSM9_CAPSULE_SIZE],
                                  const struct tsm9_encrypter *key, const uint8_t *id, size_t id_len,
                                  const struct tsm9_random *random);

/* 8.4: the secret in the capsule. A capsule for another identity or centre gives another secret, not an
 * error. TSM9_E_LENGTH, TSM9_E_POINT, TSM9_E_MISMATCH. */
enum tsm9_result tsm9_decapsulate(uint8_t *secret, size_t n, const uint8_t capsule[TSM9_CAPSULE_SIZE],
                                  const struct tsm9_decrypter *own, const uint8_t *id, size_t id_len);

/* ---- Public-key encryption (clause 9) ---- */

/* With the key stream of the KDF, or SM4 on blocks of 16 bytes in ECB mode with PKCS #7 padding, as in the
 * standard's example. ECB shows which blocks of one message are equal: use the stream. The numbers are EnType
 * of GM/T 0080. */
enum tsm9_mode { TSM9_STREAM = 0, TSM9_SM4_ECB = 1 };

/* Bytes of the ciphertext of a message of len bytes; 0 when len or mode is out of range. */
size_t tsm9_ciphertext_size(enum tsm9_mode mode, size_t len);

/* 9.2: out is C1 || C3 || C2, tsm9_ciphertext_size(mode, len) bytes; len is 1..TSM9_MESSAGE_MAX.
 * TSM9_E_LENGTH, TSM9_E_RANDOM, TSM9_E_KEY; TSM9_E_MEMORY and TSM9_E_CIPHER by SM4. */
enum tsm9_result tsm9_encrypt(uint8_t *out, enum tsm9_mode mode, const struct tsm9_encrypter *key,
                              const uint8_t *id, size_t id_len, const uint8_t *message, size_t len,
                              const struct tsm9_random *random);

/* 9.4: message has room for len - TSM9_OVERHEAD bytes; *message_len of them are the message. Nothing is
 * decrypted before the tag is right. TSM9_E_LENGTH, TSM9_E_POINT, TSM9_E_MISMATCH; TSM9_E_MEMORY and
 * TSM9_E_CIPHER by SM4. */
enum tsm9_result tsm9_decrypt(uint8_t *message, size_t *message_len, enum tsm9_mode mode, const uint8_t *in,
                              size_t len, const struct tsm9_decrypter *own, const uint8_t *id, size_t id_len);

/* ---- Key exchange (clause 7) ---- */

struct tsm9_exchange; /* one side of one exchange: not to be shared, used once */

/* 7.2, A1 to A4 or B1 to B4: draws r, and R = [r] Q of the other side, to be sent. */
enum tsm9_result tsm9_exchange_new(struct tsm9_exchange **x, uint8_t r[TSM9_EXCHANGE_SIZE],
                                   const struct tsm9_encrypter *key, const uint8_t *peer, size_t peer_len,
                                   const struct tsm9_random *random);
void tsm9_exchange_free(struct tsm9_exchange *x);

struct tsm9_side {
    const uint8_t *id;
    size_t id_len;
};

/* 7.2, the rest: n bytes of key (1..TSM9_DERIVED_MAX), and the confirmations of both sides: the responder
 * sends confirm_responder (SB, prefix 82), the initiator confirm_initiator (SA, prefix 83), and each
 * compares, in constant time, what it gets. own is a key for TSM9_FOR_EXCHANGE. x can then only be freed.
 * TSM9_E_POINT, TSM9_E_LENGTH; TSM9_E_KEY when x was used. */
enum tsm9_result tsm9_exchange_finish(struct tsm9_exchange *x, const struct tsm9_encrypter *key,
                                      const struct tsm9_decrypter *own, int initiator,
                                      struct tsm9_side initiator_side, struct tsm9_side responder_side,
                                      const uint8_t peer_r[TSM9_EXCHANGE_SIZE], uint8_t *secret, size_t n,
                                      uint8_t confirm_responder[TSM9_CONFIRMATION_SIZE],
                                      uint8_t confirm_initiator[TSM9_CONFIRMATION_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
