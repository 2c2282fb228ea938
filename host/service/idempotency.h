/* One effect per Idempotency-Key: answers are stored in the transaction that causes them, and given again.
 *
 * A change claims its key first, so that the same key cannot be worked on twice at once. In the transaction
 * it looks for a stored answer; when there is none it has its effect and stores its answer. What fails and is
 * undone stores nothing: the key may be tried again. Keys belong to a party and are kept for ever.
 */
#ifndef TALLY_SERVICE_IDEMPOTENCY_H
#define TALLY_SERVICE_IDEMPOTENCY_H

#include "host/base/clock.h"
#include "host/base/random.h"
#include "host/service/auth.h"
#include "host/service/db.h"
#include "host/service/http_server.h"

#define TALLY_IDEMPOTENCY_KEY_MAX  64 /* bytes, of A-Z a-z 0-9 . _ : - */
#define TALLY_IDEMPOTENCY_KEY_SIZE 41 /* of a key made here, with its NUL */

/* The tables; part of every service's schemas. */
extern const struct tally_db_migration tally_idempotency_migrations[];
#define TALLY_IDEMPOTENCY_SCHEMA                                                                             \
    {                                                                                                        \
        "idempotency", tally_idempotency_migrations                                                          \
    }

/* Makes a fresh key for a client: 12 hex digits of time in milliseconds, so that a party's keys grow and the
 * server's index stays dense, '-', 24 random hex digits. */
enum tally_error tally_idempotency_key_make(const struct tally_clock *clock,
                                            const struct tally_random *random,
                                            char key[TALLY_IDEMPOTENCY_KEY_SIZE]);

/* Keys being worked on in this process. */
struct tally_inflight;
struct tally_inflight *tally_inflight_new(void);
void tally_inflight_free(struct tally_inflight *inflight);

/* What identifies one change. */
struct tally_idempotency {
    const char *party;
    const char *key;
    uint8_t fingerprint[TALLY_DIGEST_SIZE]; /* of method, path, query and body */
    uint8_t nonce[TALLY_NONCE_ID_SIZE];     /* of the signature that caused it */
    uint32_t bucket;                        /* the claim's */
    struct tally_idempotency *next;         /* the claim's */
};

/* Fills the identity of a request. NULL, or the problem with its key. Strings stay the request's and the
 * caller's. */
const struct tally_problem *tally_idempotency_read(const struct tally_http_request *request,
                                                   const struct tally_caller *caller,
                                                   struct tally_idempotency *id);

/* TALLY_E_STATE when the same key of the party is claimed; else claimed until released, id staying where it
 * is. */
enum tally_error tally_idempotency_claim(struct tally_inflight *inflight, struct tally_idempotency *id);
void tally_idempotency_release(struct tally_inflight *inflight, struct tally_idempotency *id);

/* A stored answer; body is malloc'd. */
struct tally_stored_answer {
    int status; /* 0: none is stored */
    char content_type[64];
    char *body;
    size_t body_size;
};

/* What is known of a key: a stored answer, or a problem (it was used for another request, or the very same
 * signature came again), or neither. */
struct tally_idempotency_known {
    struct tally_stored_answer answer;
    const struct tally_problem *problem;
};

/* Looks the key up within an operation. *known is set on every path; its body is the caller's to free. */
enum tally_error tally_idempotency_look(struct tally_tx *tx, const struct tally_idempotency *id,
                                        struct tally_idempotency_known *known);

/* Stores the answer; within the operation that has the effect. TALLY_E_EXISTS when the key is stored already.
 */
enum tally_error tally_idempotency_store(struct tally_tx *tx, const struct tally_idempotency *id,
                                         const struct tally_http_response *response, int64_t now);

#endif
