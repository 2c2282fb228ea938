/* Who did what: an append-only log in the database, each entry hashed over the one before it, its head signed
 * from time to time. specs/service.md has the bytes.
 *
 * An entry is written in the transaction of what it tells. Whoever changes, drops or inserts an entry breaks
 * the chain; whoever rewrites it from there on or cuts its end off contradicts a signed head, of which copies
 * should be kept elsewhere.
 */
#ifndef TALLY_SERVICE_AUDIT_H
#define TALLY_SERVICE_AUDIT_H

#include <stdbool.h>

#include "host/service/db.h"
#include "host/service/httpsig.h"

#define TALLY_AUDIT_NAME_MAX   64   /* bytes of an actor, action, subject or key id; none is empty */
#define TALLY_AUDIT_DETAIL_MAX 4096 /* bytes */

extern const struct tally_db_migration tally_audit_migrations[];
#define TALLY_AUDIT_SCHEMA                                                                                   \
    {                                                                                                        \
        "audit", tally_audit_migrations                                                                      \
    }

struct tally_audit_entry {
    const char *actor;   /* who: a party, an operator */
    const char *action;  /* did what: "loan-approved" */
    const char *subject; /* to what: the id of an order, a project … */
    const void *detail;  /* whatever else; may be NULL; nothing personal, nothing secret */
    size_t detail_size;
    int64_t at_ms;
};

/* Within the operation. *number counts entries from 1. TALLY_E_FORMAT beyond the limits. */
enum tally_error tally_audit_append(struct tally_tx *tx, const struct tally_audit_entry *entry,
                                    int64_t *number);

/* The end of the chain; number 0 and zeroes for an empty one. */
struct tally_audit_head {
    int64_t number;
    uint8_t hash[TALLY_DIGEST_SIZE];
};

/* Signs the end of the chain (P-256 or Ed25519) and writes the signature, unless that end is signed already
 * or there is none. Not within an operation. *head is what is signed. */
enum tally_error tally_audit_sign(struct tally_db *db, EVP_PKEY *key, const char *keyid, int64_t now_ms,
                                  struct tally_audit_head *head);

/* The public key of a key id, or NULL; the caller's. */
typedef EVP_PKEY *tally_audit_key(void *ctx, const char *keyid);

struct tally_audit_verdict {
    int64_t entries, heads;      /* how many were read and are good */
    int64_t bad;                 /* the number of the first entry or head that is not; 0: all are good */
    const char *reason;          /* of bad; "" */
    struct tally_audit_head end; /* to be compared with copies of heads kept elsewhere */
};

/* Reads the whole chain and every head in one snapshot. TALLY_OK with a verdict, whatever it is; errors are
 * the database's alone. A head of an unknown key is bad. */
enum tally_error tally_audit_verify(struct tally_db *db, tally_audit_key *find_key, void *ctx,
                                    struct tally_audit_verdict *verdict);

#endif
