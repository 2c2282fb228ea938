/* How n centres make master keys that none of them knows: the messages of the ceremony and what each of them
 * must satisfy (specs/keycentre.md, "Ceremony"). Pure functions of a centre's seed and of what it received;
 * keeping state and moving messages is the callers'.
 */
#ifndef TALLY_TICKETING_KEYCENTRE_CEREMONY_H
#define TALLY_TICKETING_KEYCENTRE_CEREMONY_H

#include "host/ticketing/keycentre/group.h"

enum {
    KEYCENTRE_MESSAGE_INDEX = 1 + 16 + 32, /* where a message has its centre's number */
    KEYCENTRE_CEREMONY_ID = 16,
    KEYCENTRE_SEED = 32,
    KEYCENTRE_MESSAGE_MAX = 4608 /* bytes; the largest is a deal in a group of 4 of 7 */
};

enum keycentre_message_kind { KEYCENTRE_COMMIT = 1, KEYCENTRE_DEAL, KEYCENTRE_CONFIRM };

struct keycentre_message {
    size_t n;
    uint8_t bytes[KEYCENTRE_MESSAGE_MAX];
};

/* One centre in one ceremony. */
struct keycentre_ceremony {
    const struct keycentre_group *group;
    uint8_t index;
    const struct tally_key *signing_key; /* the centre's own, private */
    uint8_t id[KEYCENTRE_CEREMONY_ID];
    uint8_t seed[KEYCENTRE_SEED]; /* random; all of this centre's contributions come from it. Secret */
};

/* Who is to blame when a step fails: 0 for nobody, and a constant text. */
struct keycentre_fault {
    unsigned centre;
    const char *reason;
};

/* What a centre has when all deals were good. share is secret. */
struct keycentre_outcome {
    struct keycentre_share share;
    struct keycentre_group_public group;
    struct keycentre_message confirm; /* this centre's own */
};

/* The three messages. Lists of messages are by index - 1 and have group->size.centres entries. Errors:
 * TALLY_E_CRYPTO with *fault for a message that is not what it must be; TALLY_E_MEMORY, TALLY_E_BUG. Outputs
 * are zero on failure. */
enum tally_error keycentre_ceremony_commit(const struct keycentre_ceremony *ceremony,
                                           struct keycentre_message *commit);
enum tally_error keycentre_ceremony_deal(const struct keycentre_ceremony *ceremony,
                                         const struct keycentre_message *commits,
                                         struct keycentre_message *deal, struct keycentre_fault *fault);
enum tally_error keycentre_ceremony_confirm(const struct keycentre_ceremony *ceremony,
                                            const struct keycentre_message *commits,
                                            const struct keycentre_message *deals,
                                            struct keycentre_outcome *outcome, struct keycentre_fault *fault);

/* TALLY_OK when all centres confirmed what this one did; own is this centre's confirm. */
enum tally_error keycentre_ceremony_finish(const struct keycentre_ceremony *ceremony,
                                           const struct keycentre_message *own,
                                           const struct keycentre_message *confirms,
                                           struct keycentre_fault *fault);

#endif
