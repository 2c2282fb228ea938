/* Key centres as real processes, with what surrounds them: databases, passphrases, parties, grants.
 *
 * Everything lies in a fresh folder below $TMPDIR or /tmp and goes with it. Whatever goes wrong fails the
 * test.
 */
#ifndef TALLY_TESTS_KEYCENTRES_H
#define TALLY_TESTS_KEYCENTRES_H

#include "host/ticketing/keycentre/client.h"
#include "tests/support/process.h"
#include "tests/support/ticketing.h"

enum { CENTRES_MAX = 7, CENTRE_PATH_MAX = 256 };

/* Parties of every centre and their roles; the key id is the name. */
#define CENTRE_OPERATOR "operator-1" /* authd; authd:0001, gate:0001:*:* */
#define CENTRE_STATION  "station"    /* personaliser; card:* */
#define CENTRE_NOBODY   "nobody"     /* gate; no grants */
#define CENTRE_ADMIN    "boss"       /* admin */

struct test_centres {
    char folder[CENTRE_PATH_MAX];
    unsigned count, threshold; /* threshold 0: one single centre */
    struct {
        pid_t pid;
        uint16_t port; /* kept over a restart */
        char url[64];
    } at[CENTRES_MAX];
};

/* Makes one single centre, or with threshold > 0 a group of `count` that have joined, parties and grants;
 * nothing runs. start_offset_s: when epoch 0 began, before now; epochs last an hour, lead a quarter. */
void test_centres_make(struct test_centres *centres, unsigned threshold, unsigned count,
                       int64_t start_offset_s);
void test_centres_remove(struct test_centres *centres);

void test_centre_start(struct test_centres *centres, unsigned i);
void test_centre_stop(struct test_centres *centres, unsigned i);
void test_centre_kill(struct test_centres *centres, unsigned i);
void test_centres_start(struct test_centres *centres);

/* folder/NAME, in a buffer that the next call but three uses again. */
const char *test_centres_path(const struct test_centres *centres, const char *name);
/* The database of centre i. */
const char *test_centre_database(const struct test_centres *centres, unsigned i);

/* Runs tally-keycentre with arguments (NULL-terminated) to its end: the exit status. Its output is in
 * folder/LOG. */
int test_centres_run(const struct test_centres *centres, const char *log, const char *const *arguments);
#define CENTRES_RUN(centres, log, ...)                                                                       \
    test_centres_run((centres), (log), (const char *const[]){__VA_ARGS__, NULL})

/* Whether folder/LOG contains the text. */
bool test_centres_said(const struct test_centres *centres, const char *log, const char *text);

/* The ceremony, and parameters in folder/parameters.json. */
void test_centres_set_up(struct test_centres *centres);
void test_centres_parameters(struct test_centres *centres, struct keycentre_parameters *parameters);

/* "fetch" as a party into folder/OUT: the exit status. */
int test_centres_fetch(const struct test_centres *centres, const char *party, const char *identity,
                       const char *out);

/* A caller towards centre i; closed with test_caller_close. */
void test_centre_caller(struct test_caller *caller, const struct test_centres *centres, unsigned i,
                        const char *party);

#endif
