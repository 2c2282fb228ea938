/* The gate's side of specs/session.md, over bytes: no reader, no clock, no randomness of its own.
 *
 * Begin gives the VERIFY command; tally_gate_open takes the answer; then any number of tally_gate_write or
 * tally_gate_delete, each followed by the function that takes its answer. The first failure ends the session:
 * its keys are wiped and every further call is TALLY_E_STATE. tally_gate_end wipes; call it in any case.
 */
#ifndef TALLY_CRYPTO_GATE_SESSION_H
#define TALLY_CRYPTO_GATE_SESSION_H

#include "host/crypto/ticket_crypto.h"

enum {
    TALLY_CRITERION_MAX = TID_SIZE,
    TALLY_GATE_COMMAND_MAX = GATE_CERT_RSA_SIZE + GATE_NONCE_SIZE + TALLY_CRITERION_MAX
};

/* Which ticket: its TID, or a day and a service (all zero bytes: any service of that day). */
struct tally_criterion {
    bool by_tid;
    uint8_t tid[TID_SIZE];
    uint16_t date; /* days since 2000-01-01 */
    uint8_t service[SERVICE_SIZE];
};

/* A command for the card; CLA is 80. */
struct tally_gate_command {
    uint8_t ins, p1, p2;
    uint8_t data[TALLY_GATE_COMMAND_MAX];
    size_t n;
};

/* What the card said. When found is false only serial and counter mean anything. */
struct tally_gate_answer {
    bool found;
    uint8_t serial[SERIAL_SIZE];
    uint32_t card_transaction_counter;
    uint8_t face[FACE_SIZE];
    uint8_t tfv[TALLY_TFV_MAX];
    size_t tfv_size;
    uint8_t usage[USAGE_SIZE];
};

/* Private to the functions below. */
struct tally_gate_session {
    uint8_t phase, mode, suite, key_version;
    uint16_t operator_id;
    uint8_t vmk[SYM_KEY_SIZE];
    const struct tally_key *pair;         /* borrowed */
    const struct tally_sm9_key *identity; /* borrowed */
    uint16_t card_epoch_floor;
    struct tally_gate_command verify;
    uint8_t sub_key[SYM_KEY_SIZE]; /* sub-key mode, once the card is known */
    uint8_t write_key[SYM_KEY_SIZE];
    uint8_t serial[SERIAL_SIZE];
    uint32_t counter;
    uint8_t tid[TID_SIZE];              /* of the command under way */
    uint8_t gate_part[USAGE_GATE_PART]; /* likewise */
};

/* Begins with the operator's verification master key of version vmk_version. nonce is 8 fresh random bytes;
 * suite is the operator's. */
enum tally_error tally_gate_begin_sub_key(struct tally_gate_session *s, uint16_t operator_id, uint8_t suite,
                                          uint32_t gate, const uint8_t vmk[SYM_KEY_SIZE], uint8_t vmk_version,
                                          const uint8_t nonce[GATE_NONCE_SIZE],
                                          const struct tally_criterion *criterion,
                                          struct tally_gate_command *command);

/* Begins with the gate's own key pair, which must outlive the session and be the one in the certificate
 * (142 or 334 bytes); otherwise TALLY_E_USAGE. */
enum tally_error tally_gate_begin_pair(struct tally_gate_session *s, uint8_t suite,
                                       const struct tally_key *pair, const uint8_t *certificate,
                                       size_t certificate_size, const uint8_t nonce[GATE_NONCE_SIZE],
                                       const struct tally_criterion *criterion,
                                       struct tally_gate_command *command);

/* Begins with the gate's SM9 identity, which must outlive the session; TALLY_E_USAGE when it is no gate's or
 * has no key. Cards whose identity has an epoch below the floor are refused. */
enum tally_error tally_gate_begin_identity(struct tally_gate_session *s, const struct tally_sm9_key *gate,
                                           uint16_t card_epoch_floor, const uint8_t nonce[GATE_NONCE_SIZE],
                                           const struct tally_criterion *criterion,
                                           struct tally_gate_command *command);

/* Takes ciphertext 2. Checks the tag, the card's serial against the face's, with a pair also the card's
 * certificate (with the operator's authority public key, which may be NULL with a sub-key or identity) and
 * proof: TALLY_E_CRYPTO; TALLY_E_FORMAT for a wrong length. TF_V is the caller's to check. *answer is zero on
 * failure. */
enum tally_error tally_gate_open(struct tally_gate_session *s, const struct tally_key *authority,
                                 const uint8_t *response, size_t n, struct tally_gate_answer *answer);

/* WRITE USAGE (ciphertext 3) and its answer: the whole usage record, which is the receipt. The receipt's MAC
 * is checked when it was made under this session's sub-key version; in other cases tally_receipt_verify is
 * the caller's. */
enum tally_error tally_gate_write(struct tally_gate_session *s, const uint8_t tid[TID_SIZE],
                                  const uint8_t gate_part[USAGE_GATE_PART],
                                  struct tally_gate_command *command);
enum tally_error tally_gate_written(struct tally_gate_session *s, const uint8_t *response, size_t n,
                                    uint8_t usage[USAGE_SIZE]);

/* DELETE and its answer: the deletion receipt. */
enum tally_error tally_gate_delete(struct tally_gate_session *s, const uint8_t tid[TID_SIZE],
                                   struct tally_gate_command *command);
enum tally_error tally_gate_deleted(struct tally_gate_session *s, const uint8_t *response, size_t n,
                                    uint8_t usage[USAGE_SIZE]);

void tally_gate_end(struct tally_gate_session *s);

#endif
