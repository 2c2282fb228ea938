/* Chapters of a project's story, told by its persons and enterprises. */
#ifndef TALLY_TESTS_SIM_STORY_H
#define TALLY_TESTS_SIM_STORY_H

#include "tests/sim/world.h"

struct story {
    struct sim_world *world;
    bool simple; /* P9 instead of P14 */
    struct sim_faults faults;
    char project[PLEDGE_NUMBER], channel[PLEDGE_NUMBER];
    int64_t stock;
    unsigned sales;
};

/* Lets the world come to rest; when faults keep it from that, without faults. False after a finding. */
bool story_settle(struct story *s);
/* Opens a prepay account with money on it. */
void story_account(struct story *s, const char *number, const char *name, int64_t amount);
/* P6, P7: application, loan, issuing channel. */
bool story_finance(struct story *s);
/* P2-P5: a seller registers, the bank computes its re-encryption key. */
bool story_enrol(struct story *s, enum sim_who who);
/* The bank's prices in the simple form: 90 an adult, 50 a child. */
void story_unpledge_terms(struct story *s);
/* Two operators, one after the other. */
void story_approve(struct story *s, enum sim_who who, enum pledge_subject subject, enum sim_who seller);
/* One sale; its reference is "sale-N", N counted in s->sales. */
void story_sell(struct story *s, enum sim_who who, const char *type, int64_t quantity);
/* P16, P17: seller B gets a disposal project: 80 an adult, 40 a child. Ordered by operator 1, approved by 2.
 */
bool story_dispose(struct story *s);

#endif
