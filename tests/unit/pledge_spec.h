/* The tables of specs/pledge.md as the code has them. */
#ifndef TALLY_TESTS_PLEDGE_SPEC_H
#define TALLY_TESTS_PLEDGE_SPEC_H

#include <stdio.h>

#include "host/base/text.h"
#include "host/pledge/core/party.h"

static inline void pledge_spec_machine(const struct pledge_machine *machine, char *out, size_t size)
{
    struct tally_text text;
    tally_text_init(&text, out, size);
    tally_text_string(&text, "| state | event | guard | next | effects |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < machine->rule_count; i++) {
        const struct pledge_rule *rule = &machine->rules[i];
        const char *const cells[] = {machine->states[rule->state], machine->events[rule->event],
                                     machine->guards[rule->guard], machine->states[rule->next]};
        for (size_t j = 0; j < 4; j++) {
            tally_text_string(&text, j == 0 ? "| " : cells[j - 1][0] != 0 ? " | " : "| ");
            tally_text_string(&text, cells[j]);
        }
        tally_text_string(&text, " |");
        for (size_t j = 0; j < PLEDGE_EFFECTS_MAX && rule->effects[j] != 0; j++) {
            tally_text_string(&text, j == 0 ? " " : ", ");
            tally_text_string(&text, machine->effects[rule->effects[j]]);
        }
        tally_text_string(&text, " |\n");
    }
}

static inline void pledge_spec_messages(char *out, size_t size)
{
    struct tally_text text;
    tally_text_init(&text, out, size);
    tally_text_string(&text, "| message | from | to | fields |\n|---|---|---|---|\n");
    for (int i = 1; i < PLEDGE_KIND_COUNT; i++) {
        const struct pledge_kind_info *kind = &pledge_kinds[i];
        const char *const cells[] = {kind->name, pledge_role_names[kind->from], pledge_role_names[kind->to]};
        for (size_t j = 0; j < 3; j++) {
            tally_text_string(&text, j == 0 ? "| " : " | ");
            tally_text_string(&text, cells[j]);
        }
        for (const struct pledge_field *f = kind->fields; f->name != NULL; f++) {
            tally_text_string(&text, f == kind->fields ? " | " : ", ");
            tally_text_string(&text, f->name);
        }
        tally_text_string(&text, " |\n");
    }
}

#endif
