/* State machines as tables: specs/pledge.md has the same tables, and a test compares the two.
 *
 * A rule says: in this state, on this event, if this guard holds, go to that state and do these effects. The
 * first rule that fits counts. What is in no rule changes nothing.
 */
#ifndef TALLY_PLEDGE_MACHINE_H
#define TALLY_PLEDGE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"

#define PLEDGE_EFFECTS_MAX 4

struct pledge_rule {
    uint8_t state, event, guard /* 0: always */, next;
    uint8_t effects[PLEDGE_EFFECTS_MAX]; /* ends with 0 or when full */
};

/* A rule of a table whose states begin with `states` and whose events with ON_. */
#define PLEDGE_RULE(states, state, event, guard, next, ...)                                                  \
    {                                                                                                        \
        states##state, ON_##event, guard, states##next,                                                      \
        {                                                                                                    \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }

typedef bool pledge_guard(void *work);
typedef enum tally_error pledge_effect(void *work);

struct pledge_machine {
    const char *name;
    const char *const *states, *const *events, *const *guards, *const *effects; /* end with NULL */
    const struct pledge_rule *rules;
    size_t rule_count;
    pledge_guard *const *guard_functions;   /* by number; 0 unused */
    pledge_effect *const *effect_functions; /* likewise */
};

/* Runs the event. *state is set before the effects run. TALLY_E_STATE and nothing done when no rule fits;
 * else the first effect's error: the caller must then undo its transaction. */
enum tally_error pledge_machine_run(const struct pledge_machine *machine, int64_t *state, unsigned event,
                                    void *work);

/* The number of a name in a list that ends with NULL; -1 when it is not there. */
int pledge_name_find(const char *const *names, const char *name);

#endif
