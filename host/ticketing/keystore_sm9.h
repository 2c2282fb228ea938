/* An operator's SM9 keys at rest (specs/ticketing.md, "Keys at rest"): those of its authentication server, of
 * cards and of gates, from the key files of a key centre, or from a key centre of its own in the folder. */
#ifndef TALLY_TICKETING_KEYSTORE_SM9_H
#define TALLY_TICKETING_KEYSTORE_SM9_H

#include "host/ticketing/keystore.h"

/* The keys of a card or gate: its key file in the folder "holders", checked, or extracted by the centre in
 * the folder. TALLY_E_NOT_FOUND when there is neither; TALLY_E_CRYPTO when the file is of other masters than
 * the newest key 1, or its keys do not belong together; errors of keyfile.h. *holder is zero on failure; the
 * caller wipes it. */
enum tally_error tally_keystore_holder(const struct tally_operator_keys *op, const struct identity *identity,
                                       struct tally_sm9_holder *holder);

/* Makes the folder of an operator of suite SM9. key1_file is the key file of authd:ID:EPOCH; NULL: the
 * operator is its own key centre, whose master keys are made and kept in the folder. Errors as
 * tally_keystore_add_operator, and TALLY_E_CRYPTO for a key file of another holder. */
enum tally_error tally_keystore_add_operator_sm9(const char *folder, uint16_t id, const char *key1_file);

/* The next version of key 1, from that file or, with NULL, extracted for the next epoch by the centre in the
 * folder (TALLY_E_USAGE when there is none). *version is 0 on failure. */
enum tally_error tally_keystore_roll_key1_sm9(const char *folder, uint16_t id, const char *key1_file,
                                              uint8_t *version);

/* The epoch that new packages give to cards, and the lowest that gates accept. TALLY_E_STATE when one would
 * sink or floor is above epoch. */
enum tally_error tally_keystore_set_card_epochs(const char *folder, uint16_t id, uint16_t epoch,
                                                uint16_t floor);

/* For keystore.c: what an operator's folder has beside the files of every suite. */
enum tally_error tally_keystore_load_sm9(const char *folder, struct tally_operator_keys *op);

#endif
