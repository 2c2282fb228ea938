/* Ticket faces as JSON: the members are the fields of struct ticket_face (card/wire/face.h);
 * specs/ticketing.md. */
#ifndef TALLY_TICKETING_FACE_JSON_H
#define TALLY_TICKETING_FACE_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "card/wire/face.h"
#include "host/ticketing/json_read.h"

/* The face as a new JSON object, sequence and key version included; NULL when memory is out. */
json_t *tally_face_to_json(const struct ticket_face *face);

/* Reads the face a ticket server sends: without sequence, replaces, replaces_use_counter, suite and
 * key_version, which only the authentication server fills in (here they are 0). False when a member is
 * missing, unknown or outside its range; *wrong then names it and *face is zero. That the members agree with
 * each other is for face_valid to say once the face is complete. */
bool tally_face_from_json(const json_t *json, struct ticket_face *face, const char **wrong);

/* Hash of the holder's document, bound to one ticket by its TID (specs/formats.md): spaces are removed and
 * letters made upper case first. False when the number is empty, longer than TALLY_DOCUMENT_MAX or has other
 * characters than ASCII letters, digits, '-' and space. */
enum { TALLY_DOCUMENT_MAX = 32 };
bool tally_holder_hash(const uint8_t tid[TID_SIZE], uint8_t document_type, const char *number,
                       uint8_t out[HOLDER_HASH_SIZE]);

#endif
