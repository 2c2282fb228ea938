/* What a client of key centres does: public parameters, keys combined and checked, and the rounds of a
 * ceremony relayed. specs/keycentre.md. */
#ifndef TALLY_TICKETING_KEYCENTRE_CLIENT_H
#define TALLY_TICKETING_KEYCENTRE_CLIENT_H

#include "card/wire/identity.h"
#include "host/service/http_client.h"
#include "host/ticketing/keycentre/ceremony.h"

enum { KEYCENTRE_RECORD_TEXT = 20 + 1 + 2 * KEYCENTRE_DIGEST + 1 };

/* The trust anchor of everybody who uses keys of a centre or group. */
struct keycentre_parameters {
    bool threshold;
    struct keycentre_group_public keys; /* of a single centre masters alone */
    struct keycentre_epochs epochs;
    uint8_t master[KEYCENTRE_DIGEST];
    unsigned count;                                          /* of URLs: 1, or n */
    char urls[KEYCENTRE_CENTRES_MAX][KEYCENTRE_URL_MAX + 1]; /* of a group in order of index */
};

/* What a centre's GET /v1/parameters says. *index is 0 for a single centre. TALLY_E_FORMAT. */
enum tally_error keycentre_parameters_parse(const json_t *json, struct keycentre_parameters *parameters,
                                            unsigned *index);
/* Asks every URL; all members of a group must answer, and all the same. TALLY_E_CRYPTO when they differ,
 * TALLY_E_SERVER. A message says what failed. */
enum tally_error keycentre_parameters_fetch(const char *const *urls, unsigned count, const char *ca_file,
                                            struct keycentre_parameters *parameters);
/* A new reference, or NULL. */
json_t *keycentre_parameters_json(const struct keycentre_parameters *parameters);
enum tally_error keycentre_parameters_read_json(const json_t *json, struct keycentre_parameters *parameters);

/* Who calls. */
struct keycentre_caller {
    const char *party;
    EVP_PKEY *key;
    const char *ca_file; /* or NULL */
};

/* What came out. Secret: the caller wipes. */
struct keycentre_keys {
    bool signs, decrypts;
    uint8_t sign[G1_BYTES], decrypt[G2_BYTES];
    /* For people, and for tests: who did not answer, who answered wrongly. Sets of centres. */
    uint8_t silent, culprits, suspects;
    /* What each centre's audit log will show for this, "NUMBER:HASH"; "" for none. */
    char records[KEYCENTRE_CENTRES_MAX][KEYCENTRE_RECORD_TEXT];
};

/* Obtains an identity's keys, each checked by pairing. TALLY_E_DENIED: refused, TALLY_E_SERVER: too few
 * answers, TALLY_E_CRYPTO: no right key in what was answered. Messages name centres and reasons. */
enum tally_error keycentre_fetch(const struct keycentre_parameters *parameters,
                                 const struct keycentre_caller *caller, const char *identity,
                                 struct keycentre_keys *keys);

/* Relays the four rounds among the group's centres and returns the digest of the new master keys. A ceremony
 * that was interrupted goes on under its id. */
enum tally_error keycentre_ceremony_run(const struct keycentre_group *group,
                                        const struct keycentre_caller *caller,
                                        const uint8_t id[KEYCENTRE_CEREMONY_ID],
                                        uint8_t master[KEYCENTRE_DIGEST]);

/* A client for one URL that signs as the caller; signer must outlive it. */
enum tally_error keycentre_client_open(const char *url, const struct keycentre_caller *caller,
                                       struct tally_signer *signer, struct tally_http_client **client);

/* One change under a fresh idempotency key, asked again while the outcome is not known. *result is a new
 * reference or NULL. A message says what was refused. */
enum tally_error keycentre_client_post(struct tally_http_client *client, const char *url, const char *path,
                                       const json_t *body, json_t **result);

#endif
