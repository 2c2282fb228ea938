/* What tally-keycentre stores, as typed operations: all of its SQL is behind this header (store*.c).
 *
 * Functions that take a transaction are called from within an operation of host/service/db.h. They return
 * TALLY_E_NOT_FOUND for a row that is not there, TALLY_E_EXISTS for one that may be there only once, and
 * TALLY_E_IO. Out-parameters are zero on failure.
 */
#ifndef TALLY_TICKETING_KEYCENTRE_STORE_H
#define TALLY_TICKETING_KEYCENTRE_STORE_H

#include "host/service/db.h"
#include "host/ticketing/keycentre/ceremony.h"
#include "host/ticketing/keycentre/policy.h"
#include "host/ticketing/keycentre/wrap.h"

enum {
    KEYCENTRE_PARTY_MAX = 64,
    KEYCENTRE_REASON_MAX = 200,
    KEYCENTRE_SECRET_NAME_MAX = 48,
    KEYCENTRE_SECRETS_MAX = 64, /* in one database */
    KEYCENTRE_WRAPPED_MAX = KEYCENTRE_SHARE_BYTES_MAX + KEYCENTRE_WRAP_OVERHEAD,
    KEYCENTRE_CEREMONIES_MAX = 16,
    KEYCENTRE_EVENT_MAX = 24,
    KEYCENTRE_SUBJECT_MAX = 128,
    KEYCENTRE_REQUEST_MAX = 32,
    KEYCENTRE_AUDIT_PAGE = 100 /* records read at once */
};

extern const struct tally_db_schema keycentre_schema;

/* What does not change but by a ceremony. */
struct keycentre_settings {
    uint8_t centre[KEYCENTRE_ID], salt[KEYCENTRE_SALT];
    bool threshold;
    bool joined;                        /* a threshold centre knows its group */
    struct keycentre_group group;       /* with epochs; of a single centre epochs alone */
    bool set_up;                        /* there are master keys */
    struct keycentre_group_public keys; /* of a single centre masters alone */
};
enum tally_error keycentre_settings_get(struct tally_tx *tx, struct keycentre_settings *settings);
/* TALLY_E_EXISTS when the database is a centre's already. */
enum tally_error keycentre_settings_insert(struct tally_tx *tx, const struct keycentre_settings *settings);
/* Replaces salt, group and keys. */
enum tally_error keycentre_settings_update(struct tally_tx *tx, const struct keycentre_settings *settings);

/* Secrets by name, wrapped already. Names: sign, encrypt, signing-key, share, seed-ID, share-ID. */
struct keycentre_secret {
    char name[KEYCENTRE_SECRET_NAME_MAX + 1];
    size_t n;
    uint8_t wrapped[KEYCENTRE_WRAPPED_MAX];
};
enum tally_error keycentre_secret_put(struct tally_tx *tx,
                                      const struct keycentre_secret *secret); /* or replaces */
enum tally_error keycentre_secret_get(struct tally_tx *tx, const char *name, struct keycentre_secret *secret);
enum tally_error keycentre_secret_delete(struct tally_tx *tx,
                                         const char *name); /* also when it is not there */
/* All names, at most KEYCENTRE_SECRETS_MAX. */
enum tally_error keycentre_secret_names(struct tally_tx *tx, char names[][KEYCENTRE_SECRET_NAME_MAX + 1],
                                        size_t *count);

/* Grants. Adding the same again changes nothing; TALLY_E_FULL beyond KEYCENTRE_GRANTS_MAX of a party.
 * Removing: TALLY_E_NOT_FOUND. */
enum tally_error keycentre_grant_add(struct tally_tx *tx, const char *party, const char *pattern);
enum tally_error keycentre_grant_remove(struct tally_tx *tx, const char *party, const char *pattern);
/* *granted: a pattern of the party matches. */
enum tally_error keycentre_granted(struct tally_tx *tx, const char *party, const struct identity *identity,
                                   bool *granted);
typedef void keycentre_grant_visit(void *ctx, const char *party, const char *pattern);
enum tally_error keycentre_grants(struct tally_tx *tx, keycentre_grant_visit *visit, void *ctx);

/* Revoked holders. *changed is false when it was so already. */
enum tally_error keycentre_revoke(struct tally_tx *tx, const char *holder, bool revoked, const char *reason,
                                  int64_t now, bool *changed);
enum tally_error keycentre_revoked(struct tally_tx *tx, const char *holder, bool *revoked);

/* --- The audit log: store_audit.c --- */

struct keycentre_record {
    int64_t number, time;
    char event[KEYCENTRE_EVENT_MAX + 1], party[KEYCENTRE_PARTY_MAX + 1], subject[KEYCENTRE_SUBJECT_MAX + 1],
        request[KEYCENTRE_REQUEST_MAX + 1];
    uint8_t hash[KEYCENTRE_DIGEST];
};
/* Appends: fills number and hash of *record, the rest is given. */
enum tally_error keycentre_audit_append(struct tally_tx *tx, struct keycentre_record *record);
/* The hash before the first record. */
void keycentre_audit_origin(const uint8_t centre[KEYCENTRE_ID], uint8_t hash[KEYCENTRE_DIGEST]);
enum tally_error keycentre_audit_hash(const uint8_t before[KEYCENTRE_DIGEST],
                                      const struct keycentre_record *record, uint8_t hash[KEYCENTRE_DIGEST]);
/* The next records after number `after`, ascending, at most KEYCENTRE_AUDIT_PAGE, until the visit returns
 * something else than TALLY_OK. */
typedef enum tally_error keycentre_record_visit(void *ctx, const struct keycentre_record *record);
enum tally_error keycentre_audit_page(struct tally_tx *tx, int64_t after, keycentre_record_visit *visit,
                                      void *ctx);

/* --- Ceremonies: store_ceremony.c --- */

enum keycentre_round {
    ROUND_NONE,
    ROUND_COMMITTED,
    ROUND_DEALT,
    ROUND_CONFIRMED,
    ROUND_FINISHED,
    ROUND_FAILED
};

struct keycentre_ceremony_row {
    uint8_t id[KEYCENTRE_CEREMONY_ID];
    enum keycentre_round round;
    struct keycentre_message commit, deal, confirm;          /* this centre's own, as far as it came */
    struct keycentre_message commits[KEYCENTRE_CENTRES_MAX]; /* all, from ROUND_DEALT on */
    uint8_t deals_digest[KEYCENTRE_DIGEST], confirms_digest[KEYCENTRE_DIGEST]; /* of what was shown */
    struct keycentre_group_public keys;                                        /* from ROUND_CONFIRMED on */
};
/* TALLY_E_FULL beyond KEYCENTRE_CEREMONIES_MAX. */
enum tally_error keycentre_ceremony_insert(struct tally_tx *tx, const struct keycentre_ceremony_row *row,
                                           int64_t now);
/* size is the group's. ROUND_NONE when there is none. */
enum tally_error keycentre_ceremony_get(struct tally_tx *tx, const uint8_t id[KEYCENTRE_CEREMONY_ID],
                                        struct keycentre_size size, struct keycentre_ceremony_row *row);
/* Moves on from round `before`. TALLY_E_STATE when the ceremony is not there. */
enum tally_error keycentre_ceremony_update(struct tally_tx *tx, const struct keycentre_ceremony_row *row,
                                           struct keycentre_size size, enum keycentre_round before);

#endif
