/* Who takes part: a JSON file, and a client for each party's service.
 *
 *   {"parties": [{"name": "bank", "role": "bank", "key": "02..." or null, "url": "http://127.0.0.1:4000"}]}
 *
 * `key` is the public key that its messages are signed with, null for sellers, who bring theirs. `url` is
 * where its service is, also what its callbacks must begin with; "" for persons. Reading the file again
 * replaces all of it at once; what was there stays valid until the end. Any thread may look up.
 */
#ifndef TALLY_PLEDGE_PARTIES_H
#define TALLY_PLEDGE_PARTIES_H

#include <openssl/evp.h>

#include "host/base/clock.h"
#include "host/pledge/core/party.h"
#include "host/service/http_client.h"

#define PLEDGE_PARTIES_MAX      256
#define PLEDGE_PARTIES_FILE_MAX (1 << 20) /* bytes */

struct pledge_parties_options {
    const char *self;    /* own name: the key id of the requests */
    EVP_PKEY *http_key;  /* signs them; the caller's */
    const char *ca_file; /* or NULL */
    unsigned timeout_ms; /* of a call */
    const struct tally_clock *clock;
    const struct tally_random *random;
};

struct pledge_parties;

/* Empty at first. The options' strings must outlive it. NULL when memory is out. */
struct pledge_parties *pledge_parties_new(const struct pledge_parties_options *options);
void pledge_parties_free(struct pledge_parties *parties);
/* TALLY_E_IO, TALLY_E_FORMAT, TALLY_E_EXISTS (a name twice), TALLY_E_FULL; then nothing changes. One thread
 * at a time. */
enum tally_error pledge_parties_load(struct pledge_parties *parties, const char *path);

/* As the state machines want it; lives as long as the parties. */
const struct pledge_directory *pledge_parties_directory(struct pledge_parties *parties);
/* The client of a party's service; NULL when it has none. */
struct tally_http_client *pledge_parties_client(struct pledge_parties *parties, const char *name);

#endif
