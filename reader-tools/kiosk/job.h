/* A kiosk's memory of what it has begun: one file a job, written before each step, so that whatever is
 * interrupted can be finished later, on this card.
 *
 * The file is JSON: {kind, serial, key, path, request, order, tickets: [{tid, old, step, usage, new_usage}]}.
 * It holds the holder's document number until the order is answered, so the folder is closed to others (0700,
 * files 0600).
 */
#ifndef TALLY_KIOSK_JOB_H
#define TALLY_KIOSK_JOB_H

#include <jansson.h>
#include <stdbool.h>

#include "card/wire/protocol.h"
#include "host/base/error.h"

enum { JOB_PATH_MAX = 1024, JOBS_MAX = 1000, JOB_FILE_MAX = 65536 };

enum job_kind { JOB_BUY, JOB_EXCHANGE, JOB_REFUND };

/* Steps of a ticket within a job. */
#define JOB_ORDERED "ordered" /* the server knows it; the card may or may not have it */
#define JOB_ON_CARD "on-card" /* the receipt is in the file; the server does not have it yet */
#define JOB_TOLD    "told"    /* done */

struct job {
    char path[JOB_PATH_MAX]; /* of the file */
    json_t *root;            /* owned */
};

/* Makes a job with its file. request is borrowed. TALLY_E_IO, TALLY_E_MEMORY; *job is empty on failure. */
enum tally_error job_create(const char *folder, enum job_kind kind, const char *serial, const char *key,
                            const char *request_path, json_t *request, struct job *job);

/* Writes the file anew, whole or not at all, durable when it returns. */
enum tally_error job_save(const struct job *job);

/* Removes the file: nothing is left to be done. */
void job_remove(const struct job *job);

void job_free(struct job *job);

/* "buy", "exchange", "refund". */
const char *job_kind_name(enum job_kind kind);
enum job_kind job_kind_of(const struct job *job);
const char *job_text(const struct job *job, const char *name); /* a member's text, NULL when there is none */

/* The files of unfinished jobs in the folder, oldest first: calls visit with each that can be read, and goes
 * on after a failure of one. The first failure is returned; *seen is how many there were. A folder that is
 * not there is empty. */
enum tally_error job_each(const char *folder, enum tally_error (*visit)(void *context, struct job *job),
                          void *context, unsigned *seen);

#endif
