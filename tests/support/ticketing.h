/* Callers of the ticketing services, and cards of paper: a card's keys without a card, for tests of the
 * services. Everything that goes wrong fails the test. */
#ifndef TALLY_TESTS_TICKETING_H
#define TALLY_TESTS_TICKETING_H

#include <jansson.h>

#include "card/wire/usage.h"
#include "host/crypto/package.h"
#include "host/service/http_client.h"
#include "tests/support/services.h"

/* As an assertion of Check, but also outside of tests: benchmarks use these functions too. */
#define TEST_MUST(condition) test_must((condition), #condition, __FILE__, __LINE__)
void test_must(bool holds, const char *condition, const char *file, int line);

/* One party's way to one daemon. */
struct test_caller {
    struct tally_http_client *http;
    struct tally_signer signer;
    EVP_PKEY *key;
};

enum test_target { TO_AUTHD, TO_TICKETD };

void test_caller_open(struct test_caller *caller, const struct test_services *services, enum test_party party,
                      enum test_target target);
void test_caller_close(struct test_caller *caller);

/* Makes a request and returns the answer (a new reference, NULL when it has no JSON). *status is its HTTP
 * status, 0 when none came; *problem the registry's number. Both may be NULL. A change without a key gets a
 * fresh one. */
json_t *test_call(struct test_caller *caller, const char *method, const char *path, const char *key,
                  const json_t *body, int *status, int *problem);
/* The same, which must give this status; takes body's reference. */
json_t *test_expect(struct test_caller *caller, const char *method, const char *path, json_t *body,
                    int status);
/* The same, which must give this problem. */
void test_refused(struct test_caller *caller, const char *method, const char *path, json_t *body,
                  int problem);

/* Reads a member of n bytes of hex. */
void test_hex(const json_t *object, const char *name, uint8_t *out, size_t n);

enum { TEST_CARD_OPERATORS = 3, TEST_CIPHERTEXT_MAX = 1024 };

struct test_card {
    uint8_t serial[SERIAL_SIZE], chip_id[CHIP_ID_SIZE];
    char serial_hex[2 * SERIAL_SIZE + 1];
    struct tally_key *kem, *auth, *rsa;                 /* rsa NULL for a card without */
    struct tally_package packages[TEST_CARD_OPERATORS]; /* by operator - 1 */
    uint32_t transaction;
};

/* A card with random keys. RSA costs a fraction of a second. */
void test_card_make(struct test_card *card, bool rsa);
void test_card_free(struct test_card *card);
/* The body that registers it. */
json_t *test_card_json(const struct test_card *card);
/* Registers the card and gives it the operator's package, checked and opened as a card does. */
void test_card_register(struct test_card *card, struct test_caller *personaliser);
void test_card_set_operator(struct test_card *card, struct test_caller *personaliser, uint16_t operator_id);

/* Opens ciphertext 1 with the card's key and checks TF_V with the key 6 the package brought. */
void test_card_open(const struct test_card *card, const uint8_t *ciphertext, size_t n,
                    struct ticket_face *face);
/* Fetches and opens the ciphertext of a ticket; *kind, unless NULL, is "load" or "exchange". */
void test_card_fetch(const struct test_card *card, struct test_caller *kiosk, const char *tid,
                     const char *kind, struct ticket_face *face);
/* Signs a usage record as the card does: fills version, authority, transaction counter and MAC. hex takes
 * 2 * USAGE_SIZE + 1 bytes. */
void test_card_sign(struct test_card *card, const struct ticket_face *face, struct usage_record *usage,
                    char *hex);
/* The record of an event after another (NULL: the ticket was just loaded), signed. */
void test_card_event(struct test_card *card, const struct ticket_face *face,
                     const struct usage_record *before, enum usage_event event, struct usage_record *after,
                     char *hex);

/* A face as a ticket server asks for it, with a random TID: JSON {"face": …}. */
json_t *test_ticket_request(const struct test_card *card, uint16_t operator_id, char tid[2 * TID_SIZE + 1]);

#endif
