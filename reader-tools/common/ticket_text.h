/* Tickets for people and for programs: a table and JSON. */
#ifndef TALLY_TOOLS_TICKET_TEXT_H
#define TALLY_TOOLS_TICKET_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "host/reader/card.h"

/* Heading and one line a ticket. */
void ticket_print_table(FILE *out, const struct tally_card_ticket *tickets, size_t count);

/* {"face": {...}, "usage": {...}, "usage_record": hex}; NULL when memory is out. */
json_t *ticket_to_json(const struct tally_card_ticket *ticket);

/* The usage record's fields; NULL when memory is out. */
json_t *usage_to_json(const struct usage_record *usage);

/* "loaded", "entry", ... "deleted", "unknown". */
const char *usage_event_name(uint8_t event);

/* What the holder can do with it: "unused", "inside", "outside for a while", "left", "used up",
 * "invalidated". */
const char *usage_state_name(const struct usage_record *usage);

/* "12.50" and the three-letter code for the usual currencies, their number for others. */
void money_text(int64_t amount, uint16_t currency, char *out, size_t size);

/* "2026-11-21 14:05" of days since 2000-01-01 and minutes. */
void service_time_text(uint16_t date, uint16_t minute, char *out, size_t size);

#endif
