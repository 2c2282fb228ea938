/* Code that is wrong on purpose: what the simulator must notice. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/schedule.h"
#include "tests/support/must.h"

const struct sim_mutant sim_mutants[] = {
    {.name = "no idempotency check: a request to pay that comes again holds money again",
     .machine = "hold",
     .state = "held",
     .event = "pay",
     .next = "held",
     .effects = "hold_money tell",
     .no_unique_entries = true},
    {.name = "debit before hold: the first request takes the money",
     .machine = "hold",
     .state = "new",
     .event = "pay",
     .was_next = "held",
     .next = "captured",
     .effects = "hold_money capture_money tell"},
    {.name = "hold without cover",
     .machine = "hold",
     .state = "new",
     .event = "pay",
     .was_next = "held",
     .next = "held",
     .no_guard = true},
    {.name = "money given back after it was taken",
     .machine = "hold",
     .state = "captured",
     .event = "capture",
     .next = "voided",
     .effects = "release_money tell"},
    {.name = "hold after the void that overtook it",
     .from = 100,
     .machine = "hold",
     .state = "voided",
     .event = "pay",
     .next = "held",
     .effects = "hold_money tell",
     .no_unique_entries = true},
    {.name = "capture of a hold that ran out",
     .from = 310,
     .machine = "hold",
     .state = "voided",
     .event = "capture",
     .next = "captured",
     .effects = "capture_money tell"},
    {.name = "deliver before capture",
     .machine = "line",
     .state = "paid",
     .event = "ticket",
     .next = "issuing",
     .effects = "keep_ticket issue_ticket deliver"},
    {.name = "deliver as soon as there is a ticket",
     .machine = "line",
     .state = "open",
     .event = "ticket",
     .next = "issuing",
     .effects = "keep_ticket issue_ticket deliver"},
    {.name = "ticket not returned when the money is refused",
     .machine = "line",
     .state = "ticketed",
     .event = "refused",
     .next = "failed",
     .effects = "tell_failed"},
    {.name = "money not given back when the line is given up",
     .from = 690,
     .machine = "line",
     .state = "paid",
     .event = "deadline",
     .next = "returning",
     .effects = "return_ticket tell_failed"},
    {.name = "a ticket that comes too late is kept",
     .from = 20,
     .machine = "line",
     .state = "failed",
     .event = "ticket"},
    {.name = "failed is said although the ticket may still come",
     .machine = "line",
     .state = "paid",
     .event = "none",
     .next = "failed",
     .effects = "tell_failed"},
    {.name = "every request for a ticket takes one",
     .machine = "ticket",
     .state = "reserved",
     .event = "request",
     .next = "reserved",
     .effects = "reserve tell"},
    {.name = "oversold",
     .machine = "ticket",
     .state = "new",
     .event = "request",
     .was_next = "reserved",
     .next = "reserved",
     .no_guard = true},
    {.name = "a returned ticket's place stays taken",
     .machine = "ticket",
     .state = "reserved",
     .event = "return",
     .next = "returned",
     .effects = "tell"},
    {.name = "a request after the return makes a ticket",
     .machine = "ticket",
     .state = "returned",
     .event = "request",
     .next = "reserved",
     .effects = "reserve tell",
     .no_guard = true},
    {.name = "a redemption that was void is paid",
     .from = 80,
     .machine = "redemption",
     .state = "voided",
     .event = "redeem",
     .next = "captured",
     .effects = "tell"},
    {.name = "a repayment is not booked",
     .machine = "redemption",
     .state = "capturing",
     .event = "bank_captured",
     .next = "captured",
     .effects = "tell"},
    {.name = "one operator is enough for a loan",
     .machine = "loan",
     .state = "approved_once",
     .event = "approve",
     .next = "done",
     .no_guard = true},
    {.name = "one operator is enough for a re-encryption key",
     .machine = "grant",
     .state = "approved_once",
     .event = "approve",
     .next = "done",
     .no_guard = true},
    {.name = "the seller throws a ticket away that comes after a refusal",
     .machine = "sold",
     .state = "asked",
     .event = "delivered",
     .next = "failed",
     .effects = "settle"},
    {.name = "outbox outside the transaction", .leaky_outbox = true},
    {.name = "received is said before it is kept", .ack_before_commit = true},
    {.name = "signatures are not checked", .trusting = true},
    {.name = NULL}};

static const struct pledge_machine **machine_of(struct pledge_machines *machines, const char *name)
{
    const struct pledge_machine **all[] = {&machines->line,    &machines->hold,     &machines->loan,
                                           &machines->grant,   &machines->disposal, &machines->ticket,
                                           &machines->issuing, &machines->channel,  &machines->redemption,
                                           &machines->project, &machines->sold};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp((*all[i])->name, name) == 0)
            return all[i];
    must(name == NULL); /* there is none of that name */
    return NULL;
}

static uint8_t number_of(const char *const *names, const char *name)
{
    int n = pledge_name_find(names, name);
    must(n >= 0);
    return (uint8_t)n;
}

static size_t rule_of(const struct pledge_machine *machine, const struct sim_mutant *mutant)
{
    uint8_t state = number_of(machine->states, mutant->state),
            event = number_of(machine->events, mutant->event);
    for (size_t i = 0; i < machine->rule_count; i++)
        if (machine->rules[i].state == state && machine->rules[i].event == event &&
            (mutant->was_next == NULL ||
             machine->rules[i].next == number_of(machine->states, mutant->was_next)))
            return i;
    must(mutant == NULL); /* there is no such rule */
    return 0;
}

static void set_effects(const struct pledge_machine *machine, struct pledge_rule *rule, const char *effects)
{
    char text[128], *rest = NULL;
    size_t n = 0;
    memset(rule->effects, 0, sizeof rule->effects);
    strncpy(text, effects, sizeof text - 1);
    text[sizeof text - 1] = 0;
    for (char *name = strtok_r(text, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest))
        rule->effects[n++] = number_of(machine->effects, name);
}

void sim_run(uint64_t seed, const struct sim_mutant *mutant, struct sim_result *result)
{
    struct pledge_machines machines = pledge_machines;
    struct pledge_machine changed;
    struct pledge_rule rules[64];
    if (mutant != NULL && mutant->machine != NULL) {
        const struct pledge_machine **place = machine_of(&machines, mutant->machine);
        size_t at = rule_of(*place, mutant);
        changed = **place;
        must(changed.rule_count <= sizeof rules / sizeof rules[0]);
        memcpy(rules, changed.rules, changed.rule_count * sizeof *rules);
        if (mutant->next == NULL)
            rules[at].state = UINT8_MAX;
        else
            rules[at].next = number_of(changed.states, mutant->next);
        if (mutant->effects != NULL)
            set_effects(&changed, &rules[at], mutant->effects);
        if (mutant->no_guard)
            rules[at].guard = 0;
        changed.rules = rules;
        *place = &changed;
    }
    sim_run_world(seed, &machines, mutant, result);
}
