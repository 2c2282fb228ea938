/* The operators a card knows, one record each: layout in specs/formats.md, "Operator record on the card". */
#ifndef TALLY_APPLETS_TICKET_OPERATORS_H
#define TALLY_APPLETS_TICKET_OPERATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/crypto/sym.h"

struct card;

_Static_assert(SM9_G2_SIZE == P256_PUBLIC_SIZE + ECDSA_SIZE,
               "Ppub-s takes the place of anchor and certificate");

enum { OPERATOR_SLOTS = 64, OPERATOR_ACTIVE = 1, OPERATOR_REMOVED = 2 };

/* Offsets in the record. */
enum {
    OPERATOR_AT_STATE = 0,
    OPERATOR_AT_ID = 1,
    OPERATOR_AT_ENROLMENT = 3,
    OPERATOR_AT_PACKAGE = 5,
    OPERATOR_AT_SUB_KEY_FLOOR = 9,
    OPERATOR_AT_EPOCH_FLOOR = 10,
    OPERATOR_AT_SUITE = 12,
    OPERATOR_MARK_SIZE = 13,    /* all there is of a removed operator */
    OPERATOR_AT_AUTHORITY = 13, /* gate anchor and card certificate; suite SM9: Ppub-s */
    OPERATOR_AT_ANCHOR = OPERATOR_AT_AUTHORITY,
    OPERATOR_AT_CERTIFICATE = OPERATOR_AT_ANCHOR + P256_PUBLIC_SIZE,
    OPERATOR_AUTHORITY_SIZE = P256_PUBLIC_SIZE + ECDSA_SIZE,
    OPERATOR_AT_SUB_KEYS = OPERATOR_AT_AUTHORITY + OPERATOR_AUTHORITY_SIZE,
    SUB_KEY_ITEM_SIZE = 1 + 2 * SYM_KEY_SIZE,
    SUB_KEYS_SIZE = 1 + SUB_KEYS_MAX * SUB_KEY_ITEM_SIZE,
    OPERATOR_AT_KEY6 = OPERATOR_AT_SUB_KEYS + SUB_KEYS_SIZE,
    OPERATOR_SIZE_MAX = OPERATOR_AT_KEY6 + 1 + KEY6_MAX * (1 + RSA_SIZE)
};

/* Everything of an operator but its keys. */
struct operator_head {
    uint8_t state;
    uint16_t id;
    uint16_t enrolment_version;
    uint32_t package_version;
    uint8_t sub_key_floor;
    uint16_t epoch_floor;
    uint8_t suite; /* 0 when removed */
};

struct sub_key {
    uint8_t version;
    uint8_t key[SYM_KEY_SIZE];    /* K_sub: key 4 = key 5 of the tap */
    uint8_t id_key[SYM_KEY_SIZE]; /* K_id */
};

/* Steps to the next operator known, removed ones too: begin with *slot = -1. False after the last one. The
 * bytes are not checked against decay of the memory. */
bool operators_next(struct card *card, int *slot, struct operator_head *head);

/* Finds an operator; the slot, or -1 and *head zero. The first: removed ones too. */
int operators_find_any(struct card *card, uint16_t id, struct operator_head *head);
int operators_find(struct card *card, uint16_t id, struct operator_head *head);

/* The sub-key of this version, or the newest. False, and *key zero, when there is none. The caller wipes it.
 */
bool operators_sub_key(struct card *card, int slot, uint8_t version, struct sub_key *key);
bool operators_newest_sub_key(struct card *card, int slot, struct sub_key *key);

/* Key 6 of this version: 64 bytes (P-256), 256 (RSA modulus) or 2 (SM9: epoch of the authentication server's
 * identity). False, and key zero, when there is none. */
bool operators_key6(struct card *card, int slot, uint8_t suite, uint8_t version, uint8_t key[RSA_SIZE]);

/* Bytes of a key 6, 0 for a suite that this card has not. */
size_t suite_key_size(uint8_t suite);

#endif
