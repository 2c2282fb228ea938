/* Messages and rows as JSON: names and limits come from the tables of host/pledge/core. Binary values are
 * lower-case hex, named values their names. */
#ifndef TALLY_PLEDGE_WIRE_H
#define TALLY_PLEDGE_WIRE_H

#include <jansson.h>

#include "host/pledge/core/message.h"

/* Bytes of the longest name of a member that is told, with its NUL. */
#define PLEDGE_FIELD_NAME_MAX 80

/* The whole message: {kind, id, from, to, key, signature, body}. NULL when memory is out. */
json_t *pledge_message_write(const struct pledge_message *message);
/* Reads one strictly: unknown members are refused. TALLY_E_FORMAT with the JSON pointer of what is wrong in
 * field; *message is zeroed then. */
enum tally_error pledge_message_read(const json_t *json, struct pledge_message *message,
                                     char field[PLEDGE_FIELD_NAME_MAX]);
/* The body alone, for tools: kind is set by the caller. */
enum tally_error pledge_body_read(const json_t *json, enum pledge_kind kind, union pledge_body *body,
                                  char field[PLEDGE_FIELD_NAME_MAX]);

/* Any described object. With `hide`, bytes of variable length (tickets, re-encryption keys) become their
 * length. */
json_t *pledge_object_write(const struct pledge_field *fields, const void *object, bool hide);

#endif
