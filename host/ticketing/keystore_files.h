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

enum { TALLY_OPERATOR_FOLDER_MAX = 16 };

/* "operator-N". */
void tally_operator_folder(uint16_t id, char name[TALLY_OPERATOR_FOLDER_MAX]);

enum tally_error tally_keystore_read_suite(const char *folder, uint8_t *suite);
enum tally_error tally_keystore_read_floors(const char *folder, uint8_t *sub_key, uint16_t *gate_epoch);

#endif
