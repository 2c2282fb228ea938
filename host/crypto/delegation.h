/* Pledged tickets over Umbral: one delegating key for each issuing channel, re-encryption keys bound to
 * channel and epoch, tickets with their context and the provider's signatures. specs/umbral.md has the
 * formats and the argument.
 *
 *   bank      channel key (signed)  ->  provider        grant (signed; holds the re-encryption key)  ->
 * platform provider  pledged ticket        ->  platform        openable ticket  ->  seller
 *
 * Structs are values; _read and _write turn them into bytes and back, in one encoding only. What was verified
 * has a type of its own, and only that is worked with. Errors as in umbral.h, and TALLY_E_DENIED: sound
 * objects that do not belong together (another channel, epoch, key or receiver). On every failure results are
 * zero. TALLY_E_USAGE from functions that make something: a text that is empty, too long or not printable
 * ASCII without blanks, an epoch of 0, a ticket of 0 bytes or more than TALLY_TICKET_MAX.
 */
#ifndef TALLY_CRYPTO_DELEGATION_H
#define TALLY_CRYPTO_DELEGATION_H

#include "host/crypto/umbral.h"

enum {
    TALLY_DELEGATION_SEED_SIZE = 32,
    TALLY_DELEGATION_TEXT_SIZE = 40, /* of a name or number, its NUL included */
    TALLY_TICKET_MAX = 1024,         /* bytes of a ticket in clear */

    /* Most bytes of each object. */
    TALLY_SCOPE_MAX = 3 * TALLY_DELEGATION_TEXT_SIZE + 4,
    TALLY_CONTEXT_MAX = TALLY_SCOPE_MAX + 4 * TALLY_DELEGATION_TEXT_SIZE + 4 + 8,
    TALLY_CHANNEL_KEY_MAX = 2 + TALLY_SCOPE_MAX + TALLY_UMBRAL_POINT_SIZE + TALLY_UMBRAL_SIGNATURE_SIZE,
    TALLY_GRANT_MAX = TALLY_CHANNEL_KEY_MAX + TALLY_UMBRAL_POINT_SIZE + 3 + TALLY_UMBRAL_KFRAG_SIZE,
    TALLY_ENVELOPE_MAX = 2 + TALLY_CONTEXT_MAX + 2 + TALLY_TICKET_MAX + TALLY_UMBRAL_SIGNATURE_SIZE,
    TALLY_PLEDGED_MAX = 2 + TALLY_CONTEXT_MAX + TALLY_UMBRAL_POINT_SIZE + TALLY_UMBRAL_CAPSULE_SIZE + 2 +
                        TALLY_ENVELOPE_MAX + TALLY_UMBRAL_OVERHEAD + TALLY_UMBRAL_SIGNATURE_SIZE,
    TALLY_OPENABLE_MAX = 2 + TALLY_UMBRAL_POINT_SIZE + TALLY_UMBRAL_CFRAG_SIZE + 2 + TALLY_PLEDGED_MAX
};

/* ---- Channel keys: the bank's delegating keys ---- */

/* What one delegating key is for. Texts are 1 to 39 characters of printable ASCII without blanks; a new epoch
 * (from 1 up) makes a new key. */
struct tally_scope {
    char bank[TALLY_DELEGATION_TEXT_SIZE];
    char channel[TALLY_DELEGATION_TEXT_SIZE]; /* the issuing channel's number */
    char project[TALLY_DELEGATION_TEXT_SIZE];
    uint32_t epoch;
};

/* The public key of a scope, signed by the bank. */
struct tally_channel_key {
    struct tally_scope scope;
    struct tally_umbral_public key;
    uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE];
};
struct tally_verified_channel_key {
    struct tally_channel_key channel_key;
};

/* The delegating key itself: HMAC-SHA512 of the scope under the bank's seed, modulo n. The caller wipes. */
enum tally_error tally_delegating_secret(const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                         const struct tally_scope *scope, struct tally_umbral_secret *secret);
enum tally_error tally_channel_key_make(const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                        const struct tally_scope *scope,
                                        const struct tally_umbral_secret *bank,
                                        const struct tally_random *random,
                                        struct tally_verified_channel_key *channel_key);
/* The bank signed it. */
enum tally_error tally_channel_key_verify(const struct tally_channel_key *channel_key,
                                          const struct tally_umbral_public *bank,
                                          struct tally_verified_channel_key *verified);

/* ---- Grants: re-encryption keys from a channel to a seller ---- */

struct tally_grant {
    struct tally_scope scope;
    struct tally_umbral_public channel_key, receiver;
    uint8_t threshold, shares, index; /* index counts from 1; each proxy has one */
    struct tally_umbral_kfrag kfrag;  /* secret */
    uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE];
};
struct tally_verified_grant {
    struct tally_grant grant;
};

/* Makes `shares` grants, one for each proxy; 1 of 1 for a platform alone. Only the seller's public key is
 * needed. The caller wipes them. */
enum tally_error tally_grant_make(const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                  const struct tally_scope *scope, const struct tally_umbral_public *receiver,
                                  uint8_t threshold, uint8_t shares, const struct tally_umbral_secret *bank,
                                  const struct tally_random *random, struct tally_verified_grant *grants);
/* The bank signed it, and its key fragment is from that channel's key to that receiver. */
enum tally_error tally_grant_verify(const struct tally_grant *grant, const struct tally_umbral_public *bank,
                                    struct tally_verified_grant *verified);
void tally_grant_wipe(struct tally_grant *grant);

/* ---- Pledged tickets ---- */

/* What a pledged ticket is bound to. */
struct tally_ticket_context {
    struct tally_scope scope;
    char provider[TALLY_DELEGATION_TEXT_SIZE], order[TALLY_DELEGATION_TEXT_SIZE];
    uint32_t line; /* which ticket of the order */
    char type[TALLY_DELEGATION_TEXT_SIZE];
    uint64_t price; /* smallest unit of the currency */
    char serial[TALLY_DELEGATION_TEXT_SIZE];
};

struct tally_pledged_ticket {
    struct tally_ticket_context context;
    struct tally_umbral_public channel_key;
    struct tally_umbral_capsule capsule;
    uint16_t ciphertext_n;
    uint8_t ciphertext[TALLY_ENVELOPE_MAX + TALLY_UMBRAL_OVERHEAD];
    uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE];
};
struct tally_verified_pledged_ticket {
    struct tally_pledged_ticket pledged;
};

/* Provider: signs n bytes of ticket with their context, encrypts both to the channel key, and signs the
 * result. TALLY_E_DENIED when the context is of another scope than the key. */
enum tally_error tally_pledged_make(const struct tally_verified_channel_key *channel_key,
                                    const struct tally_ticket_context *context, const uint8_t *ticket,
                                    size_t n, const struct tally_umbral_secret *provider,
                                    const struct tally_random *random,
                                    struct tally_verified_pledged_ticket *pledged);
/* Anybody, without reading it: the provider signed exactly this ciphertext with this context. */
enum tally_error tally_pledged_verify(const struct tally_pledged_ticket *pledged,
                                      const struct tally_umbral_public *provider,
                                      struct tally_verified_pledged_ticket *verified);
/* The bank, whose ticket it is: decrypts and checks what is inside. *n is set on every path. */
enum tally_error tally_pledged_open(const uint8_t seed[TALLY_DELEGATION_SEED_SIZE],
                                    const struct tally_verified_pledged_ticket *pledged,
                                    const struct tally_umbral_public *provider,
                                    uint8_t ticket[TALLY_TICKET_MAX], size_t *n);

/* ---- Openable tickets: re-encrypted to a seller ---- */

struct tally_openable_ticket {
    struct tally_umbral_public receiver;
    struct tally_umbral_cfrag cfrag;
    struct tally_pledged_ticket pledged;
};

/* Platform, or one proxy of several. TALLY_E_DENIED unless grant and ticket are of one scope and key. */
enum tally_error tally_pledged_reencrypt(const struct tally_verified_grant *grant,
                                         const struct tally_verified_pledged_ticket *pledged,
                                         const struct tally_random *random,
                                         struct tally_openable_ticket *openable);

/* Whom the seller trusts, and what it asked for: a scope, or NULL for any. */
struct tally_open_trust {
    const struct tally_umbral_public *bank, *provider;
    const struct tally_scope *scope;
};

/* Seller: from one openable ticket, or `count` (at most TALLY_UMBRAL_SHARES_MAX) of the same ticket from
 * different proxies. Checks the provider's signatures outside and inside, that the bank delegated to this
 * receiver, that the proxies did their work right, and that inside and outside speak of one context. *n is
 * set on every path. */
enum tally_error tally_openable_open(const struct tally_umbral_secret *receiver,
                                     const struct tally_open_trust *trust,
                                     const struct tally_openable_ticket *openables, size_t count,
                                     uint8_t ticket[TALLY_TICKET_MAX], size_t *n);

/* ---- Bytes. Writing sets *n and takes sound structs only (TALLY_E_USAGE otherwise). ---- */

enum tally_error tally_channel_key_write(const struct tally_channel_key *channel_key,
                                         uint8_t out[TALLY_CHANNEL_KEY_MAX], size_t *n);
enum tally_error tally_channel_key_read(const uint8_t *in, size_t n, struct tally_channel_key *channel_key);

/* out holds a secret: the caller wipes it. */
enum tally_error tally_grant_write(const struct tally_grant *grant, uint8_t out[TALLY_GRANT_MAX], size_t *n);
enum tally_error tally_grant_read(const uint8_t *in, size_t n, struct tally_grant *grant);

enum tally_error tally_pledged_write(const struct tally_pledged_ticket *pledged,
                                     uint8_t out[TALLY_PLEDGED_MAX], size_t *n);
enum tally_error tally_pledged_read(const uint8_t *in, size_t n, struct tally_pledged_ticket *pledged);

enum tally_error tally_openable_write(const struct tally_openable_ticket *openable,
                                      uint8_t out[TALLY_OPENABLE_MAX], size_t *n);
enum tally_error tally_openable_read(const uint8_t *in, size_t n, struct tally_openable_ticket *openable);

#endif
