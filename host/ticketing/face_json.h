/* Ticket faces as JSON: the members are the fields of struct ticket_face (card/wire/face.h);
 * specs/ticketing.md. */
#ifndef TALLY_TICKETING_FACE_JSON_H
#define TALLY_TICKETING_FACE_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "card/wire/face.h"
#include "host/ticketing/json_values.h"

/* The face as a new JSON object, sequence and key version included; NULL when memory is out. */
json_t *tally_face_to_json(const struct ticket_face *face);

/* Reads the face a ticket server sends: without sequence, replaces, replaces_use_counter, suite and
 * key_version, which only the authentication server fills in (here they are 0). On TALLY_E_FORMAT a member is
 * missing, unknown or outside its range: *in says which, and *face is zero. That the members agree with each
 * other is for face_valid to say once the face is complete. */
enum tally_error tally_face_from_json(const json_t *json, struct ticket_face *face, struct tally_json *in);

#endif
