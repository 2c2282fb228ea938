/* The binary formats of delegation.h: writer and reader, both with a memory for failure. Internal to
 * host/crypto/delegation_*.c. */
#ifndef TALLY_CRYPTO_DELEGATION_CODEC_H
#define TALLY_CRYPTO_DELEGATION_CODEC_H

#include "host/crypto/delegation.h"

enum { DELEGATION_VERSION = 1 };
enum delegation_type {
    DELEGATION_CHANNEL_KEY = 1,
    DELEGATION_GRANT,
    DELEGATION_PLEDGED,
    DELEGATION_OPENABLE,
    DELEGATION_ENVELOPE
};

struct delegation_writer {
    uint8_t *out;
    size_t n, size;
    bool good; /* false: something did not fit or may not be written */
};

struct delegation_reader {
    const uint8_t *at, *end;
    bool good; /* false: something was not as it must be */
};

void delegation_put(struct delegation_writer *w, const uint8_t *bytes, size_t n);
void delegation_put_head(struct delegation_writer *w, enum delegation_type type);
void delegation_put_number(struct delegation_writer *w, uint64_t value, size_t bytes);
void delegation_put_scope(struct delegation_writer *w, const struct tally_scope *scope);
void delegation_put_context(struct delegation_writer *w, const struct tally_ticket_context *context);

void delegation_get(struct delegation_reader *r, uint8_t *out, size_t n);
const uint8_t *delegation_take(struct delegation_reader *r, size_t n); /* NULL on failure */
void delegation_get_head(struct delegation_reader *r, enum delegation_type type);
uint64_t delegation_get_number(struct delegation_reader *r, size_t bytes);
void delegation_get_scope(struct delegation_reader *r, struct tally_scope *scope);
void delegation_get_context(struct delegation_reader *r, struct tally_ticket_context *context);
void delegation_get_point(struct delegation_reader *r, struct tally_umbral_public *key);
bool delegation_finished(const struct delegation_reader *r);

bool delegation_same_scope(const struct tally_scope *a, const struct tally_scope *b);
bool delegation_same_context(const struct tally_ticket_context *a, const struct tally_ticket_context *b);

/* What a signature covers: all that the object's encoding has in front of it. TALLY_E_USAGE when the struct
 * is not sound. */
enum tally_error delegation_channel_key_signed(const struct tally_channel_key *k,
                                               uint8_t out[TALLY_CHANNEL_KEY_MAX], size_t *n);
enum tally_error delegation_grant_signed(const struct tally_grant *g, uint8_t out[TALLY_GRANT_MAX],
                                         size_t *n);
enum tally_error delegation_pledged_signed(const struct tally_pledged_ticket *p,
                                           uint8_t out[TALLY_PLEDGED_MAX], size_t *n);

#define DELEGATION_CHANNEL_KEY_LABEL "tally/channel-key/1"
#define DELEGATION_GRANT_LABEL       "tally/grant/1"
#define DELEGATION_PLEDGED_LABEL     "tally/pledged-ticket/1"
#define DELEGATION_CONTENT_LABEL     "tally/ticket-content/1"
#define DELEGATION_SECRET_LABEL      "tally/delegating-key/1"

enum tally_error delegation_sign(const struct tally_umbral_secret *signer, const char *label,
                                 const uint8_t *bytes, size_t n, const struct tally_random *random,
                                 uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE]);
enum tally_error delegation_verify(const struct tally_umbral_public *signer, const char *label,
                                   const uint8_t *bytes, size_t n,
                                   const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE]);

#endif
