/* Which record is where: the one list of store ids. High byte: type. Low byte: index (slot). */
#ifndef TALLY_STORE_RECORDS_H
#define TALLY_STORE_RECORDS_H

/* The card itself. */
#define REC_LIFE_CYCLE     0x0100 /* 1: LIFE_*; absent = blank */
#define REC_SERIAL         0x0101 /* 8: card application serial */
#define REC_COUNTER        0x0102 /* 4: card transaction counter */
#define REC_PIN            0x0103 /* salt 16, verifier 16 */
#define REC_PIN_TRIES      0x0104 /* 1: tries left */
#define REC_ENROLMENT_KEY  0x0105 /* 64: card issuer's enrolment public key */
#define REC_ADMIN_FAILURES 0x0106 /* 1: failed EXTERNAL AUTHENTICATE in a row; absent = 0 */

/* Card keys; the low byte is the key reference of card/wire/protocol.h. First byte: key version. */
#define REC_KEY      0x0200
#define REC_KEY_KEM  0x0201 /* version 1, private 32, public x || y 64 */
#define REC_KEY_AUTH 0x0202 /* version 1, private 32, public x || y 64 */
#define REC_KEY_RSA  0x0203 /* version 1, p, q, dp, dq, iq 128 each, modulus 256 */

/* One of each per operator, enrolled or removed; the low byte is the operator's slot. Layouts:
 * specs/formats.md. */
#define REC_OPERATOR 0x0300
#define REC_SEQUENCE 0x0400 /* sequence window: highest sequence 4, bit map 8 */

/* One of each per ticket; the low byte is the ticket's slot. */
#define REC_FACE  0x0500 /* TF_A || TF_V */
#define REC_USAGE 0x0600 /* TF_B */

/* One per operator, as above. */
#define REC_LAST_DELETION 0x0700 /* sequence of the ordering face 4, TID 16, TF_B 40 */

/* One of each per active operator of suite SM9, as above. */
#define REC_SM9_HOLDER 0x0800 /* Ppub-e 64, card epoch 2, ds 64, de 128 */
#define REC_SM9_POWERS 0x0900 /* e(P1, Ppub-s) 384, e(Ppub-e, P2) 384: computed by the card, public */

/* Where the parts of the key records lie. */
enum {
    KEY_P256_PRIVATE = 1,
    KEY_P256_PUBLIC = 33,
    KEY_P256_SIZE = 97,
    KEY_RSA_PRIVATE = 1, /* p || q || dp || dq || iq */
    KEY_RSA_MODULUS = 641,
    KEY_RSA_SIZE = 897,
    SM9_HOLDER_ENCRYPT_MASTER = 0,
    SM9_HOLDER_EPOCH = 64,
    SM9_HOLDER_SIGN_KEY = 66,
    SM9_HOLDER_DECRYPT_KEY = 130,
    SM9_POWER_SIGN = 0,
    SM9_POWER_ENCRYPT = 384,
    SM9_POWERS_SIZE = 768
};

#endif
