/* Adds parties to the JSON file that host/service/keydir.h reads: the register of who may call a daemon. */
#ifndef TALLY_TICKETING_PARTY_FILE_H
#define TALLY_TICKETING_PARTY_FILE_H

#include "host/base/error.h"

/* Adds the public key (PEM) under keyid, for a party of the same name, and writes the file anew in one step
 * (mode 0600); a file that is not there is made. The same again is TALLY_OK; another key or role for a known
 * keyid TALLY_E_EXISTS; TALLY_E_FORMAT for a file or name that keydir would refuse. Not for use by two
 * processes at once. */
enum tally_error tally_party_add(const char *path, const char *keyid, const char *role,
                                 const char *public_pem);

#endif
