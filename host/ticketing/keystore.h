/* The authentication server's keys at rest (specs/ticketing.md, "Keys at rest"), read whole into memory.
 *
 * A keystore is immutable once loaded; a daemon that reads the folder again swaps in a new one, and who holds
 * the old one keeps it until released. Every folder is 0700 and every file 0600, otherwise TALLY_E_DENIED.
 */
#ifndef TALLY_TICKETING_KEYSTORE_H
#define TALLY_TICKETING_KEYSTORE_H

#include "host/crypto/keyfile.h"
#include "host/crypto/sm9_file.h"
#include "host/ticketing/private_file.h"

enum { TALLY_KEYSTORE_OPERATORS_MAX = 256, TALLY_ENROLMENT_VERSION = 1 };

struct tally_operator_keys {
    uint16_t id;
    uint8_t suite;
    struct tally_key_ring key1; /* ascending; the newest signs */
    struct tally_secret_ring vmk;
    struct tally_key *authority, *gate_anchor; /* gate_anchor: NULL of suite SM9 */
    uint8_t sub_key_floor;                     /* at least one version of vmk is not below it */
    uint16_t gate_epoch_floor;
    uint8_t enrolment[ENROLMENT_SIZE]; /* signed by the card issuer when the keystore is loaded */

    /* Suite SM9: keystore_sm9.h. */
    uint16_t card_epoch, card_epoch_floor; /* what new packages give to cards; what gates accept */
    bool has_centre;
    struct tally_sm9_centre centre;
    char holders[TALLY_PATH_MAX]; /* folder of key files */
};

struct tally_keystore {
    struct tally_key *enrolment;
    uint8_t admin_master[SYM_KEY_SIZE];
    size_t count;
    struct tally_operator_keys *operators; /* ascending by id */
    _Atomic unsigned references;
};

/* Loads everything. *keys is NULL on failure, whose place is logged. The caller holds one reference. */
enum tally_error tally_keystore_load(const char *folder, struct tally_keystore **keys);
struct tally_keystore *tally_keystore_acquire(struct tally_keystore *keys);
/* Gives a reference back; the last wipes and frees. NULL is allowed. */
void tally_keystore_release(struct tally_keystore *keys);

/* The operator's keys, or NULL; they live as long as the keystore. */
const struct tally_operator_keys *tally_keystore_operator(const struct tally_keystore *keys, uint16_t id);

/* Makes the folder with the issuer's keys. TALLY_E_EXISTS when something is there. */
enum tally_error tally_keystore_init(const char *folder);
/* Makes an operator's folder: version 1 of key 1 and of the VMK, authority, gate anchor, floors 1 and 0. Of
 * suite SM9 the operator becomes its own key centre; see keystore_sm9.h. TALLY_E_EXISTS when it is there. */
enum tally_error tally_keystore_add_operator(const char *folder, uint16_t id, uint8_t suite);
/* Adds the next version of key 1 or of the VMK; *version is 0 on failure. */
enum tally_error tally_keystore_roll_key1(const char *folder, uint16_t id, uint8_t *version);
enum tally_error tally_keystore_roll_vmk(const char *folder, uint16_t id, uint8_t *version);
/* Raises the floors. TALLY_E_STATE when one would sink or no VMK version would be left. */
enum tally_error tally_keystore_set_floors(const char *folder, uint16_t id, uint8_t sub_key_floor,
                                           uint16_t gate_epoch_floor);

/* "p256", "rsa" or "sm9"; NULL for another suite. And back: 0 for another text. */
const char *tally_suite_name(uint8_t suite);
uint8_t tally_suite_parse(const char *name);

#endif
