#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/reader/pcsc.h"

#define INDEX_DIGITS 2 /* longer numbers are parts of names */

/* Appends to why, as far as it has room; *used counts what is there. */
static void append(char *why, size_t size, size_t *used, const char *text)
{
    size_t n = strlen(text);
    if (why == NULL || size == 0)
        return;
    if (n > size - 1 - *used)
        n = size - 1 - *used;
    memcpy(why + *used, text, n);
    *used += n;
    why[*used] = '\0';
}

static bool matches(const struct tally_reader *r, size_t index, const char *spec)
{
    if (spec == NULL || spec[0] == '\0')
        return true;
    if (strspn(spec, "0123456789") == strlen(spec) && strlen(spec) <= INDEX_DIGITS)
        return (size_t)atoi(spec) == index;
    return strcasestr(r->name, spec) != NULL;
}

static void explain(const struct tally_reader_list *list, const bool *hit, size_t hits, const char *spec,
                    char *why, size_t size)
{
    size_t used = 0;
    char line[TALLY_READER_NAME_MAX + 32];
    if (list->count == 0) {
        append(why, size, &used, "no reader is connected");
        return;
    }
    append(why, size, &used, hits == 0 ? "no reader matches '" : "several readers match '");
    append(why, size, &used, spec != NULL ? spec : "");
    append(why, size, &used, "':");
    for (size_t i = 0; i < list->count; i++) {
        if (hits > 0 && !hit[i])
            continue;
        (void)snprintf(line, sizeof line, "\n  %zu: %s", i, list->reader[i].name);
        append(why, size, &used, line);
    }
}

enum tally_error tally_reader_select(const struct tally_reader_list *list, const char *spec, size_t *index,
                                     char *why, size_t why_size)
{
    bool hit[TALLY_READERS_MAX] = {false}, any = spec == NULL || spec[0] == '\0';
    size_t hits = 0, with_card = 0, last = 0, last_card = 0;
    *index = 0;
    if (why != NULL && why_size > 0)
        why[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        if (!any && strcmp(list->reader[i].name, spec) == 0) {
            *index = i;
            return TALLY_OK;
        }
        hit[i] = matches(&list->reader[i], i, spec);
        if (!hit[i])
            continue;
        hits++;
        last = i;
        if (list->reader[i].card) {
            with_card++;
            last_card = i;
        }
    }
    if (hits == 1 || (any && with_card == 1)) {
        *index = hits == 1 ? last : last_card;
        return TALLY_OK;
    }
    explain(list, hit, hits, spec, why, why_size);
    return TALLY_E_NO_READER;
}
