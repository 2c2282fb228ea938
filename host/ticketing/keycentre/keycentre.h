/* The key centre's daemon: what its files share. specs/keycentre.md. */
#ifndef TALLY_TICKETING_KEYCENTRE_KEYCENTRE_H
#define TALLY_TICKETING_KEYCENTRE_KEYCENTRE_H

#include <pthread.h>

#include "host/service/endpoint.h"
#include "host/ticketing/keycentre/answer.h"
#include "host/ticketing/keycentre/problems.h"
#include "host/ticketing/keycentre/store.h"

/* A centre as it is now. Secret as a whole: copies are wiped. */
struct keycentre_state {
    struct keycentre_settings settings;
    uint8_t master[KEYCENTRE_DIGEST];                    /* zero before there are keys */
    uint8_t index;                                       /* 0: a single centre, or one without group */
    uint8_t sign[SM9_KEY_BYTES], encrypt[SM9_KEY_BYTES]; /* single */
    struct keycentre_share share;                        /* threshold */
};

struct keycentre {
    struct tally_db *db;
    const struct tally_clock *clock;
    struct keycentre_wrap wrap;
    uint8_t salt[KEYCENTRE_SALT];  /* of wrap: what is wrapped must be readable under the database's */
    struct tally_key *signing_key; /* of a threshold centre, else NULL */
    pthread_mutex_t lock;          /* guards state */
    struct keycentre_state state;
    struct tally_metric *issued, *evidence, *refused;
};

/* Reads the database, which must have been made by init, and unwraps. TALLY_E_NOT_FOUND: it was not;
 * TALLY_E_CRYPTO: the passphrase is wrong. On failure there is nothing to clear. */
enum tally_error keycentre_open(struct keycentre *centre, struct tally_db *db,
                                const struct keycentre_passphrase *passphrase,
                                const struct tally_clock *clock);
void keycentre_clear(struct keycentre *centre);

/* Reads settings and keys again: after a ceremony, or at SIGHUP. On failure the old ones stay. */
enum tally_error keycentre_reload(struct keycentre *centre);

/* The caller wipes the copy. Before there are master keys the database is read again. */
void keycentre_state_copy(struct keycentre *centre, struct keycentre_state *state);

/* Opens or makes a wrapped secret of exactly n bytes. TALLY_E_CRYPTO. */
enum tally_error keycentre_secret_open(const struct keycentre_wrap *wrap,
                                       const struct keycentre_secret *secret, uint8_t *out, size_t n);
enum tally_error keycentre_secret_make(const struct keycentre_wrap *wrap, const char *name, const uint8_t *in,
                                       size_t n, struct keycentre_secret *secret);

extern const struct tally_endpoint keycentre_endpoints[];
extern const struct tally_metric_family keycentre_metrics[];

/* Writes a record about the caller of a change, in its transaction. */
enum tally_error keycentre_log(struct tally_call *call, struct tally_tx *tx, const char *event,
                               const char *subject, struct keycentre_record *record);

/* Sets a member to n bytes in hex, of any size. */
int keycentre_set_hex(json_t *object, const char *name, const uint8_t *bytes, size_t n);

/* The steps of the endpoints and what passes between the two of a change, by file. */

/* keys.c */
struct keycentre_ask {
    struct identity identity;
    char text[IDENTITY_MAX + 1], holder[KEYCENTRE_HOLDER_MAX + 1];
    enum keycentre_use use; /* of evidence */
    uint8_t recipient[P256_PUBLIC_SIZE];
    uint8_t master[KEYCENTRE_DIGEST], index;
    const char *event;
    uint8_t *sealed; /* malloc'd */
    size_t sealed_size;
};
enum tally_error keycentre_keys_prepare(struct tally_call *call, void *state);
enum tally_error keycentre_evidence_prepare(struct tally_call *call, void *state);
enum tally_error keycentre_keys_apply(struct tally_call *call, void *state, struct tally_tx *tx);
void keycentre_keys_release(void *state);

/* admin.c */
struct keycentre_revocation {
    char holder[KEYCENTRE_HOLDER_MAX + 1], reason[KEYCENTRE_REASON_MAX + 1];
    bool revoked;
};
enum tally_error keycentre_revocation_prepare(struct tally_call *call, void *state);
enum tally_error keycentre_revocation_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error keycentre_parameters_read(struct tally_call *call);
enum tally_error keycentre_audit_read(struct tally_call *call);

/* rounds.c */
struct keycentre_step {
    uint8_t id[KEYCENTRE_CEREMONY_ID];
    struct keycentre_settings settings;
    struct keycentre_ceremony_row row; /* as it was, then as it will be */
    enum keycentre_round before;       /* of the row that was read */
    bool done;                         /* the step was made before: only its answer is wanted */
    struct keycentre_secret secret;    /* to be put with the row; n = 0 for none */
    struct keycentre_fault fault;      /* whose contribution failed */
};
enum tally_error keycentre_commit_prepare(struct tally_call *call, void *state);
enum tally_error keycentre_commit_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error keycentre_deal_prepare(struct tally_call *call, void *state);
enum tally_error keycentre_deal_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error keycentre_confirm_prepare(struct tally_call *call, void *state);
enum tally_error keycentre_confirm_apply(struct tally_call *call, void *state, struct tally_tx *tx);
enum tally_error keycentre_finish_prepare(struct tally_call *call, void *state);
enum tally_error keycentre_finish_apply(struct tally_call *call, void *state, struct tally_tx *tx);

#endif
