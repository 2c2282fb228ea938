/* Who signed a request, and whether it may count: the policy over host/service/httpsig.h (specs/service.md).
 *
 * In this order: the fields parse; the Host field names this service; the signature covers what it must; tag;
 * times; the key is known; the body's digest; the signature; and last, so that only true requests are
 * remembered, that it was not received before. Any thread may call.
 */
#ifndef TALLY_SERVICE_AUTH_H
#define TALLY_SERVICE_AUTH_H

#include "host/base/clock.h"
#include "host/service/http_server.h"
#include "host/service/httpsig.h"
#include "host/service/keydir.h"
#include "host/service/nonces.h"

#define TALLY_AUTH_WINDOW_S        300 /* how far created may lie from now, either way */
#define TALLY_AUTH_AUTHORITIES_MAX 8

struct tally_auth {
    const struct tally_keydir *keys;
    struct tally_nonces *nonces;
    const char *tag;
    const char *
        authorities[TALLY_AUTH_AUTHORITIES_MAX]; /* Host values this service answers to; NULL ends the list */
    const struct tally_clock *clock;
    int64_t started_s; /* signatures made before are refused: their nonces may have been forgotten */
};

/* What is known of the caller of a request that passed. */
struct tally_caller {
    const struct tally_party *party;
    uint8_t nonce[TALLY_NONCE_ID_SIZE]; /* hash of key id and nonce */
    int64_t nonce_expires;              /* when the signature could not pass any more; seconds, inclusive */
    uint8_t body_digest[TALLY_DIGEST_SIZE]; /* SHA-256 of the body, also of an empty one */
};

/* NULL when the request is the party's, with *caller filled; else the problem, with *detail a constant text
 * or NULL. */
const struct tally_problem *tally_auth_check(const struct tally_auth *auth,
                                             const struct tally_http_request *request,
                                             struct tally_caller *caller, const char **detail);

#endif
