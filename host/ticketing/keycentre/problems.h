/* What the key centre refuses, by number: 1100-1149 of the registry of host/service/problem.h. Numbers and
 * names never change. */
#ifndef TALLY_TICKETING_KEYCENTRE_PROBLEMS_H
#define TALLY_TICKETING_KEYCENTRE_PROBLEMS_H

#include "host/service/problem.h"

#define KEYCENTRE_PROBLEM_LIST(X)                                                                            \
    X(NOT_SET_UP, 1100, 409, "not-set-up", "The key centre has no master keys yet")                          \
    X(IDENTITY_NOT_GRANTED, 1101, 403, "identity-not-granted", "The caller may not ask for this identity")   \
    X(IDENTITY_REVOKED, 1102, 403, "identity-revoked", "The holder is revoked")                              \
    X(EPOCH_CLOSED, 1103, 403, "epoch-closed", "Keys of this epoch are not given out now")                   \
    X(NOT_THRESHOLD, 1104, 409, "not-threshold", "The key centre is not one of a group")                     \
    X(SET_UP_ALREADY, 1105, 409, "set-up-already", "The key centre has master keys already")                 \
    X(CEREMONY_CONFLICT, 1106, 409, "ceremony-conflict", "The ceremony does not go on like this")            \
    X(CEREMONY_FAILED, 1107, 409, "ceremony-failed", "A centre's contribution is wrong")

#define KEYCENTRE_PROBLEM_ENUM(id, code, status, name, title) KEYCENTRE_##id,
enum keycentre_problem_id { KEYCENTRE_PROBLEM_LIST(KEYCENTRE_PROBLEM_ENUM) KEYCENTRE_PROBLEM_COUNT };
#undef KEYCENTRE_PROBLEM_ENUM

extern const struct tally_problem keycentre_problems[KEYCENTRE_PROBLEM_COUNT];
#define KEYCENTRE_PROBLEM(id) (&keycentre_problems[KEYCENTRE_##id])

#endif
