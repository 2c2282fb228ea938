/* The world around one card, for tests of the ticket applet: its issuer, three operators (one for each suite)
 * and their gates, played by host/crypto against the production card in this process.
 *
 * Keys and personalisation take time, so a program makes one world before its tests run; each test forks and
 * has its own copy.
 */
#ifndef TALLY_TESTS_TICKET_WORLD_H
#define TALLY_TESTS_TICKET_WORLD_H

#include "card/wire/face.h"
#include "card/wire/usage.h"
#include "host/crypto/gate_session.h"
#include "host/crypto/package.h"
#include "host/crypto/sm9.h"
#include "tests/support/ramcard.h"

enum {
    RAIL_ID = 0x0101,
    PARK_ID = 0x0202,
    METRO_ID = 0x0303,
    WORLD_DATE = 9800,
    WORLD_EPOCH = 5, /* floor, and of every certificate and SM9 identity */
    GATE_1 = 501,
    GATE_2 = 502,
    MESSAGE_MAX = COMMAND_DATA_MAX
};

/* One operator, with everything that it and the card issuer's registrar hold for it. */
struct operator_world {
    uint16_t id;
    uint8_t suite;
    struct tally_key *key1, *authority, *anchor;
    struct tally_sm9_centre centre; /* suite SM9 */
    uint8_t key6_version;
    uint8_t vmk[SYM_KEY_SIZE], vmk_version;
    uint16_t enrolment_version;
    uint32_t package_version;
    uint32_t sequence;
};

struct world {
    struct ramcard *rc;
    uint8_t serial[SERIAL_SIZE];
    uint8_t kem_key[P256_PUBLIC_SIZE], auth_key[P256_PUBLIC_SIZE], rsa_key[RSA_SIZE];
    struct tally_key *enrolment;
    struct tally_key *gate_p256, *gate_rsa;
    struct operator_world rail, park, metro; /* P-256, RSA, SM9 */
};

/* Bytes for the card. */
struct message {
    uint8_t data[MESSAGE_MAX];
    size_t n;
};

/* A gate, and the session it has. */
struct gate {
    struct operator_world *op;
    uint32_t id, transaction;
    struct tally_gate_session session;
    struct tally_gate_command command; /* the last one sent */
    struct tally_gate_answer answer;   /* to the last VERIFY */
    struct reply reply;                /* the last one */
};

/* A personalised card, not enrolled anywhere. Seeds make different cards of one issuer and the same
 * operators. */
void world_init(struct world *w, uint32_t seed);

/* A second card of the same issuer and operators. */
void world_second_card(const struct world *w, uint32_t seed, struct world *other);

void world_free(struct world *w);

/* Sends one command of CLA 80; returns the status word. */
uint16_t card_send(struct world *w, uint8_t ins, uint8_t p1, uint8_t p2, const void *data, size_t n,
                   struct reply *reply);

/* ---- Operator packages ---- */

/* The keys of an identity of this operator (suite SM9). The caller frees. */
struct tally_sm9_key *holder_key(const struct operator_world *op, const struct identity *identity);
struct tally_key *server_key(const struct operator_world *op, uint16_t epoch);

/* A key 1 of the operator's suite that is not its present one; of suite SM9, that of the next epoch. */
struct tally_key *another_key1(const struct operator_world *op);

struct identity card_identity(const struct world *w);
struct identity gate_identity(const struct operator_world *op, uint32_t gate);

/* What the operator would send now: one key 6, one sub-key, the next package version. */
struct tally_package package_of(struct world *w, struct operator_world *op);
void package_seal(struct world *w, struct operator_world *op, const struct tally_package *package,
                  struct message *out);

/* A package of arbitrary plaintext (n bytes, the signature by this authority is added) for whatever operator
 * the header names, with op's enrolment. */
void package_craft(struct world *w, struct operator_world *op, uint16_t header_operator,
                   const struct tally_key *authority, const uint8_t *plain, size_t n, struct message *out);
uint16_t package_send(struct world *w, const struct message *message);

/* Seals and sends; the test fails unless 9000. */
void enrol(struct world *w, struct operator_world *op);
void remove_operator(struct world *w, struct operator_world *op);

/* ---- Tickets ---- */

/* A rail or admission face for this card with a new TID and the next sequence. */
struct ticket_face face_of(struct world *w, struct operator_world *op);

/* A face that replaces old, and a void order for it. */
struct ticket_face face_replacing(struct world *w, struct operator_world *op, const struct ticket_face *old,
                                  uint16_t use_counter);
struct ticket_face void_order_for(struct world *w, struct operator_world *op, const struct ticket_face *old,
                                  uint16_t use_counter);

void face_seal(struct world *w, struct operator_world *op, const struct ticket_face *face,
               struct message *out);

/* A P-256 ciphertext 1 under a header that names this operator, whatever the face says. */
void face_craft(struct world *w, const struct tally_key *key1, uint16_t header_operator,
                const struct ticket_face *face, struct message *out);

uint16_t load_message(struct world *w, const struct message *message, struct reply *reply);
uint16_t exchange_message(struct world *w, const struct message *message, struct reply *reply);

/* Seals and loads. */
uint16_t load(struct world *w, struct operator_world *op, const struct ticket_face *face);
uint16_t exchange(struct world *w, struct operator_world *op, const struct ticket_face *face,
                  struct reply *reply);

/* Seals and loads a face_of; the test fails unless 9000. */
struct ticket_face load_one(struct world *w, struct operator_world *op);

/* ---- Gates ---- */

struct gate gate_of(struct operator_world *op, uint32_t id);

struct tally_criterion by_tid(const struct ticket_face *face);
struct tally_criterion by_date(uint16_t date, const char *service);

/* VERIFY with the sub-key, or with the gate's own pair or identity (mode GATE_P256, GATE_RSA or GATE_SM9).
 * Returns the status word; the test fails when it is 9000 and the answer does not open or is not what the
 * card's keys say. */
uint16_t gate_verify(struct world *w, struct gate *g, struct tally_criterion criterion);
uint16_t gate_verify_by_pair(struct world *w, struct gate *g, uint8_t mode, struct tally_criterion criterion);

/* What this gate would write now: the event applied to the answer's usage record, with the next transaction.
 */
void gate_part(struct gate *g, enum usage_event event, uint8_t part[USAGE_GATE_PART]);

/* WRITE USAGE of these bytes into the ticket, inside the session. *usage, when not NULL: the new record. */
uint16_t gate_write(struct world *w, struct gate *g, const uint8_t tid[TID_SIZE],
                    const uint8_t part[USAGE_GATE_PART], uint8_t usage[USAGE_SIZE]);
uint16_t gate_delete_ticket(struct world *w, struct gate *g, const uint8_t tid[TID_SIZE],
                            uint8_t usage[USAGE_SIZE]);

/* VERIFY by TID and WRITE USAGE of the event. */
uint16_t tap(struct world *w, struct gate *g, const struct ticket_face *face, enum usage_event event);

/* True when the record is authentic for this ticket under the operator's present sub-key. */
bool receipt_is_right(struct world *w, struct operator_world *op, const uint8_t tid[TID_SIZE],
                      const uint8_t usage[USAGE_SIZE]);

/* ---- What the card holds ---- */

/* A digest of every record but those that count failed PIN tries; equal digests: nothing changed. */
struct snapshot {
    uint8_t digest[32];
};
struct snapshot take_snapshot(struct world *w);
void assert_unchanged(struct world *w, const struct snapshot *before);
bool snapshot_equal(const struct snapshot *a, const struct snapshot *b);

/* The usage record as stored; false when the ticket is not on the card. */
bool stored_usage(struct world *w, const struct ticket_face *face, uint8_t usage[USAGE_SIZE]);

#endif
