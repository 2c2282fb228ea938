/* tally-sumd, a small service for tests: named sums, changes that wait and that fail; and a harness that runs
 * it in a process of its own with a folder, keys and a signing client. */
#ifndef TALLY_TESTS_SUMD_H
#define TALLY_TESTS_SUMD_H

#include "host/service/http_client.h"
#include "host/service/service.h"

/* POST /v1/sums {name, amount} (role kiosk) adds; a sum never goes below zero. POST /v1/failing does the same
 * and then fails. POST /v1/opened {name} makes a sum that
 * must not be there. POST /v1/wait waits in the writer for a byte in sumd.pipe. DELETE /v1/sums is for the
 * role admin. PUT /v1/letters/{id} puts a message into the outbox that can never be delivered. GET
 * /v1/sums/{name} is for every known party. */
extern const struct tally_service_spec sumd_spec;

struct sumd {
    bool postgres; /* set before sumd_setup: over a pg_world that runs, in a fresh schema */
    char folder[64], database[320], port_file[160], keys_file[160], pipe[160], base_url[64];
    uint16_t port;
    pid_t pid; /* 0: not running */
    EVP_PKEY *kiosk_key;
    struct tally_signer signer; /* the client's: key id kiosk-1, party station-east; may be changed */
    struct tally_http_client *client;
};
extern struct sumd sumd;

void sumd_setup(void);
void sumd_teardown(void);
/* Starts it on this port (0: any) and waits until it serves. */
void sumd_start(uint16_t port);
/* Sends the signal; the status that waitpid gives. */
int sumd_stop(int signal);
/* Runs tally-sumd with these words (NULL-terminated) in a process of its own. */
pid_t sumd_run(char *const *words);
/* Makes a key for a new party of that role and adds it to the file of trusted keys. */
EVP_PKEY *sumd_add_party(const char *keyid, const char *role);

#endif
