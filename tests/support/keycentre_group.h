/* A threshold group from one dealer, who in a test may know everything: shares, mask keys and the master
 * keys. */
#ifndef TALLY_TESTS_KEYCENTRE_GROUP_H
#define TALLY_TESTS_KEYCENTRE_GROUP_H

#include "host/base/random.h"
#include "host/ticketing/keycentre/threshold.h"

struct test_group {
    struct keycentre_group_public group;
    struct keycentre_share shares[KEYCENTRE_CENTRES_MAX];
    struct fn sign, encrypt; /* the master keys */
};

void test_group_make(struct test_group *group, struct keycentre_size size, const struct tally_random *random);

#endif
