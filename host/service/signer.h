/* Signs requests by the profile of specs/service.md: what a client of a Tally service does. */
#ifndef TALLY_SERVICE_SIGNER_H
#define TALLY_SERVICE_SIGNER_H

#include "host/base/clock.h"
#include "host/base/random.h"
#include "host/service/httpsig.h"

#define TALLY_SIGNATURE_LIFETIME_S 60 /* from created to expires */
#define TALLY_NONCE_SIZE           16 /* random bytes; sent in hex */

struct tally_signer {
    EVP_PKEY *key;     /* P-256 or Ed25519 private key; the caller's */
    const char *keyid; /* what the service's key directory calls it */
    const char *tag;   /* the service's signature tag, "tally-authd" */
    const struct tally_clock *clock;
    const struct tally_random *random;
};

/* Fields to be sent with the request. content_digest is "" when there is no body. */
struct tally_signed_fields {
    char content_digest[TALLY_CONTENT_DIGEST_SIZE];
    char input[TALLY_HTTPSIG_INPUT_MAX];
    char signature[128];
};

/* Signs the request over @method, @authority, @path, @query, content-digest when there is a body, and
 * idempotency-key when message->headers has one. All fields are "" on failure. */
enum tally_error tally_signer_sign(const struct tally_signer *signer,
                                   const struct tally_httpsig_message *message, const void *body,
                                   size_t body_size, struct tally_signed_fields *fields);

#endif
