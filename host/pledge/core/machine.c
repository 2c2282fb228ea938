#include "host/pledge/core/machine.h"

#include <string.h>

static const struct pledge_rule *rule_for(const struct pledge_machine *machine, int64_t state, unsigned event,
                                          void *work)
{
    for (size_t i = 0; i < machine->rule_count; i++) {
        const struct pledge_rule *rule = &machine->rules[i];
        if (rule->state == state && rule->event == event &&
            (rule->guard == 0 || machine->guard_functions[rule->guard](work)))
            return rule;
    }
    return NULL;
}

enum tally_error pledge_machine_run(const struct pledge_machine *machine, int64_t *state, unsigned event,
                                    void *work)
{
    const struct pledge_rule *rule = rule_for(machine, *state, event, work);
    if (rule == NULL)
        return TALLY_E_STATE;
    *state = rule->next;
    enum tally_error e = TALLY_OK;
    for (size_t i = 0; e == TALLY_OK && i < PLEDGE_EFFECTS_MAX && rule->effects[i] != 0; i++)
        e = machine->effect_functions[rule->effects[i]](work);
    return e;
}

int pledge_name_find(const char *const *names, const char *name)
{
    for (int i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}
