/* The whole system for tests of the tools: a private pcscd, cards as processes, both ticketing daemons with
 * two operators and something to sell. Tools run as a user runs them; everything that goes wrong fails the
 * test. */
#ifndef TALLY_TESTS_TOOLS_WORLD_H
#define TALLY_TESTS_TOOLS_WORLD_H

#include <jansson.h>

#include "tests/support/pcscd.h"
#include "tests/support/services.h"

enum { TOOLS_CARDS = 2, TOOLS_OUTPUT_MAX = 65536 };

#define TOOLS_DATE "2031-05-01"
#define TOOLS_PIN  "246810"
#define TOOLS_RAIL                                                                                           \
    "G1234" /* operator 1, P-256: product 10 (exchangeable, refundable), product 11 (neither) */
#define TOOLS_RAIL2   "G5678"
#define TOOLS_PARK    "PARK1" /* operator 2, RSA: product 20 */
#define TOOLS_STATION 100     /* where the services begin, and the gates stand: kits ../gate1 and ../gate2 */

struct tools_world {
    struct test_services services;
    struct tally_private_pcscd *pcscd;
    pid_t card[TOOLS_CARDS];    /* 0: not in its slot */
    char folder[TEST_PATH_MAX]; /* of this process */
    char today[11];             /* the services run today as well (YYYY-MM-DD, UTC) */
    char out[TOOLS_OUTPUT_MAX], err[TOOLS_OUTPUT_MAX];
};

/* Everything but cards. */
void tools_start(struct tools_world *w);
void tools_stop(struct tools_world *w);

/* For tests, in processes of their own, that share what an unchecked fixture has started: from here on cards,
 * kiosk and output are this process's. tools_leave takes the cards away. */
void tools_enter(struct tools_world *w);
void tools_leave(struct tools_world *w);

/* Puts a card into its slot; its chip is made when there is none. fault and at are an option of tally-vcard
 * ("--drop-answer-at", "7"), or NULL. */
void tools_insert(struct tools_world *w, unsigned slot, const char *fault, const char *at);

/* The same with a card whose power fails in this flash operation of its life in the slot (from 1), torn by
 * the seed; then it is gone, its process ended, until it is removed and inserted again. */
void tools_insert_torn(struct tools_world *w, unsigned slot, uint64_t operation, uint64_t seed);

/* Takes the card away, and waits until the reader has seen it. */
void tools_remove(struct tools_world *w, unsigned slot);

/* Runs a tool ("card", "kiosk", "gate") in the folder at the card's slot with a line of options as a shell
 * reads it, and returns its exit status. Servers, parties, keys, PIN and state are given already. */
int tools_run(struct tools_world *w, const char *tool, unsigned slot, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same, which must end with this status. */
void tools_expect(struct tools_world *w, int status, const char *tool, unsigned slot, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Personalises the card with the operators ("1,2"). */
void tools_personalise(struct tools_world *w, unsigned slot, const char *operators, bool rsa);

/* A kiosk's signed GET to one of the servers; the answer is in out. */
void tools_get(struct tools_world *w, bool authd, const char *path);

/* What the last tool printed, as JSON (a new reference). */
json_t *tools_json(const struct tools_world *w);

/* The tickets on the card, as JSON; *n is how many. */
json_t *tools_tickets(struct tools_world *w, unsigned slot, size_t *n);

/* The TID of the card's first ticket of that service. */
void tools_tid(struct tools_world *w, unsigned slot, const char *service, char tid[33]);

/* The number of unfinished jobs of the kiosk. */
unsigned tools_jobs(const struct tools_world *w);

#endif
