/* Names in the folder of keys; for keystore*.c alone. */
#ifndef TALLY_TICKETING_KEYSTORE_FILES_H
#define TALLY_TICKETING_KEYSTORE_FILES_H

#include <stdint.h>

#include "host/ticketing/private_file.h"

#define KEYSTORE_ISSUER       "issuer"
#define KEYSTORE_ENROLMENT    "enrolment.pem"
#define KEYSTORE_ADMIN_MASTER "admin-master.key"
#define KEYSTORE_SUITE        "suite"
#define KEYSTORE_FLOORS       "floors"
#define KEYSTORE_KEY1         "key1"
#define KEYSTORE_VMK          "vmk"
#define KEYSTORE_AUTHORITY    "authority.pem"
#define KEYSTORE_GATE_ANCHOR  "gate-anchor.pem"
#define KEYSTORE_CENTRE       "centre.key"
#define KEYSTORE_HOLDERS      "holders"
#define KEYSTORE_CARD_EPOCHS  "card-epochs"

enum { TALLY_OPERATOR_FOLDER_MAX = 16 };

/* "operator-N". */
void tally_operator_folder(uint16_t id, char name[TALLY_OPERATOR_FOLDER_MAX]);

/* The folder of an operator, whose parent is checked. */
enum tally_error tally_keystore_operator_path(const char *folder, uint16_t id, char path[TALLY_PATH_MAX]);

/* Makes it, with what every suite has: all but key 1 and what speaks for gates. */
enum tally_error tally_keystore_begin_operator(const char *folder, uint16_t id, uint8_t suite,
                                               char path[TALLY_PATH_MAX]);
enum tally_error tally_keystore_make_text(const char *folder, const char *name, const char *text);

enum tally_error tally_keystore_read_suite(const char *folder, uint8_t *suite);
enum tally_error tally_keystore_read_floors(const char *folder, uint8_t *sub_key, uint16_t *gate_epoch);

#endif
