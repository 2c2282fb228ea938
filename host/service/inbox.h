/* What others sent us, once each: UNIQUE(sender, id), in the transaction of the effect. Kept for ever. */
#ifndef TALLY_SERVICE_INBOX_H
#define TALLY_SERVICE_INBOX_H

#include <stdbool.h>

#include "host/service/db.h"

#define TALLY_INBOX_NAME_MAX    64 /* bytes of a sender's name or of an id */
#define TALLY_INBOX_DIGEST_SIZE 32

extern const struct tally_db_migration tally_inbox_migrations[];
#define TALLY_INBOX_SCHEMA                                                                                   \
    {                                                                                                        \
        "inbox", tally_inbox_migrations                                                                      \
    }

/* Within the operation that has the effect. *first says whether the message is new: only then is there
 * anything to do. TALLY_E_DENIED when the sender used the id for a message with another digest (SHA-256 of
 * all that matters), TALLY_E_FORMAT for names that are empty or too long. */
enum tally_error tally_inbox_take(struct tally_tx *tx, const char *sender, const char *id,
                                  const uint8_t digest[TALLY_INBOX_DIGEST_SIZE], int64_t now_ms, bool *first);

#endif
