/* VERIFY by a key of the gate's own: what the kinds of key have in common. */
#ifndef TALLY_APPLETS_TICKET_GATE_PAIR_H
#define TALLY_APPLETS_TICKET_GATE_PAIR_H

#include "card/applets/ticket/gate.h"
#include "card/crypto/sm9_suite.h"

struct card;

/* A VERIFY command taken apart, and what follows from it. */
struct meeting {
    uint8_t mode;              /* P1 */
    const uint8_t *credential; /* certificate, or identity */
    size_t credential_size;
    const uint8_t *criterion;
    size_t criterion_size;

    uint32_t gate;
    int slot;   /* operator */
    int ticket; /* its slot, or NO_SLOT */
    struct operator_head head;
    uint8_t serial[SERIAL_SIZE];
    uint8_t counter[4];
    uint8_t transcript[SHA256_SIZE]; /* T */
    uint8_t keys[2 * SYM_KEY_SIZE];  /* K_answer, K_write */
};

/* Suite SM9. Checks operator and epoch of the identity: 9000, 6A88, 6988. */
uint16_t gate_identity_check(struct card *card, struct meeting *m);

/* Writes K, 64 bytes, and the secret that only this identity gets from it. */
bool gate_identity_agree(struct card *card, const struct meeting *m, uint8_t k[SM9_G1_SIZE],
                         uint8_t z[SM9_SECRET_SIZE]);

/* Writes the epoch of the card's identity and its signature over the parts: 98 bytes. False when the memory
 * failed. */
enum { GATE_IDENTITY_PROOF_SIZE = SM9_EPOCH_SIZE + SM9_CODE_SIZE };
bool gate_identity_prove(struct card *card, const struct meeting *m, const struct bytes *parts, size_t count,
                         uint8_t out[GATE_IDENTITY_PROOF_SIZE]);

#endif
