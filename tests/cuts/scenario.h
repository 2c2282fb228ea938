/* Commands of the card, each with what specs/crash-guarantees.md says about it: which commits it makes, and
 * what each of them may do to which record. */
#ifndef TALLY_TESTS_CUTS_SCENARIO_H
#define TALLY_TESTS_CUTS_SCENARIO_H

#include "tests/cuts/cuts.h"
#include "tests/support/ticket_world.h"

/* What may happen to a record. */
enum effect {
    NOTHING_MORE, /* ends a list of rules */
    IS_NEW,
    IS_GONE,
    IS_SET,      /* made, or changed to anything */
    MAY_BE_SET,  /* or written with the value that it had */
    COUNTS_UP,   /* by 1: a number of 4 bytes */
    COUNTS_DOWN, /* by 1: a number of 1 byte */
    BECOMES      /* one byte, of this value */
};

struct rule {
    enum effect effect;
    uint16_t id;
    uint8_t value;
    uint8_t times; /* so many records of this type, whatever their slots; 0: this record */
};

enum { RULES_MAX = 6, STEPS_MAX = 3 };

struct step {
    struct rule rules[RULES_MAX];
};

struct scenario {
    const char *name;
    void (*prepare)(void); /* once: brings a card to where the command can be sent, and names it under_test */
    void (*open)(void);    /* after every power-on: what the command needs besides; NULL: nothing */
    uint16_t (*run)(void); /* sends it */
    uint16_t want;
    uint16_t already; /* the other answer when it is sent again, after it had come through; 0: none */
    bool differs;     /* sent again, it leaves other bytes */
    struct step steps[STEPS_MAX + 1]; /* the commits; one without rules ends them */
};

extern const struct scenario *const issuer_scenarios[];
extern const struct scenario ticket_scenarios[];
extern const int issuer_scenario_count, ticket_scenario_count;

/* Commands that never write. */
extern const struct scenario reading_scenarios[];
extern const int reading_scenario_count;

extern struct ramcard *under_test;
extern struct world scenario_world; /* made by scenario_set_up: a card in use with all three operators */
void scenario_set_up(void);

/* The next command of a long row of LOAD, EXCHANGE and DELETE on that card, ready to be run. */
const struct scenario *scenario_life(uint32_t *state);

/* For commands against the PIN, and against the issuer's key: the right and the wrong one; `what` names them.
 */
struct guess {
    const char *what;
    const struct scenario *right, *wrong;
    uint16_t verifier; /* record that the secret is compared with; 0: none on flash */
};
extern const struct guess guesses[];
extern const int guess_count;

/* Runs the command once, checks the answer, the number of its commits and what they change by the rules,
 * makes the cuts, and sends it again after some of them. */
void scenario_cut(const struct scenario *s, const struct cuts_plan *plan,
                  const uint64_t budget[CUTS_DEPTH - 1], struct cuts_tally *tally);

/* The same with a card that is prepared already; nothing is sent again. */
void scenario_cut_here(const struct scenario *s, const struct cuts_plan *plan,
                       const uint64_t budget[CUTS_DEPTH - 1], struct cuts_tally *tally);

/* That a guess is counted, durably, before the card knows whether it is right: until then the same is done to
 * the flash either way, and the record it is compared with is not read. */
void scenario_guess(const struct guess *g, struct cuts_tally *tally);

#endif
