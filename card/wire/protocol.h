/* Constants that the card and the host share: specs/apdu.md, specs/formats.md and specs/session.md in code.
 */
#ifndef TALLY_WIRE_PROTOCOL_H
#define TALLY_WIRE_PROTOCOL_H

/* Application identifiers: proprietary, unregistered (ISO/IEC 7816-5 category F). */
#define TALLY_AID_PREFIX 0xF0, 'T', 'A', 'L', 'L', 'Y', 0x01
#define TALLY_AID_LEN    8
#define TALLY_AID_ISSUER 0x00 /* last byte: life cycle and personalisation */
#define TALLY_AID_TICKET 0x01

/* Class bytes. */
#define CLA_ISO         0x00
#define CLA_PROPRIETARY 0x80
#define CLA_SECURE      0x04 /* bit: GlobalPlatform secure messaging */
#define CLA_CHAINING    0x10 /* bit: more data follows, ISO/IEC 7816-4 5.1.1 */

/* Instructions, any applet. */
#define INS_SELECT       0xA4
#define INS_GET_RESPONSE 0xC0
#define INS_VERIFY_PIN   0x20
#define INS_CHANGE_PIN   0x24
#define INS_GET_STATUS   0xF2
#define INS_GET_DATA     0xCA
/* Ticket applet. */
#define INS_LOAD        0xE2
#define INS_READ        0xB2
#define INS_VERIFY      0x88
#define INS_WRITE_USAGE 0xDC
#define INS_DELETE      0xE4
#define INS_EXCHANGE    0xE6
#define INS_PUT_DATA    0xDA
/* Issuer applet: GlobalPlatform SCP03 and personalisation. */
#define INS_INITIALIZE_UPDATE     0x50
#define INS_EXTERNAL_AUTHENTICATE 0x82
#define INS_GENERATE_KEY          0x46
#define INS_PUT_KEY               0xD8
#define INS_SET_STATUS            0xF0
#define INS_RESET_PIN             0x2C

/* Status words. */
#define SW_OK                   0x9000
#define SW_MORE                 0x6100 /* + bytes available, 00 = 256 or more */
#define SW_PIN_TRIES            0x63C0 /* + tries left */
#define SW_MEMORY_FAILURE       0x6581
#define SW_WRONG_LENGTH         0x6700
#define SW_LAST_CHAIN_EXPECTED  0x6883
#define SW_CHAINING_UNSUPPORTED 0x6884
#define SW_SECURITY_STATUS      0x6982
#define SW_PIN_BLOCKED          0x6983
#define SW_CONDITIONS           0x6985
#define SW_AUTHENTICATION       0x6988
#define SW_WRONG_DATA           0x6A80
#define SW_FILE_NOT_FOUND       0x6A82
#define SW_RECORD_NOT_FOUND     0x6A83
#define SW_NO_ROOM              0x6A84
#define SW_WRONG_P1P2           0x6A86
#define SW_KEY_ABSENT           0x6A88
#define SW_TICKET_EXISTS        0x6A89
#define SW_WRONG_LE             0x6C00 /* + bytes available */
#define SW_INS_UNSUPPORTED      0x6D00
#define SW_CLA_UNSUPPORTED      0x6E00
#define SW_INTERNAL             0x6F00

/* Data objects of PUT DATA and GET DATA, P1 P2. */
#define DO_KEM_PUBLIC_KEY   0x0101 /* get: card key 2, P-256, 65 bytes */
#define DO_AUTH_PUBLIC_KEY  0x0102 /* get: card authentication key, P-256, 65 bytes */
#define DO_RSA_PUBLIC_KEY   0x0103 /* get: card key 2, RSA modulus, 256 bytes */
#define DO_OPERATORS        0x0110 /* get: list, 12 bytes each */
#define DO_SERIAL           0x0201 /* put, issuer: card application serial, 8 bytes */
#define DO_ENROLMENT_KEY    0x0202 /* put, issuer: P-256 public key, 64 bytes */
#define DO_INITIAL_PIN      0x0203 /* put, issuer: 4..12 digits */
#define DO_OPERATOR_PACKAGE 0x0301 /* put, ticket applet */

/* Key references, P2 of GENERATE KEY and PUT KEY. */
#define KEY_REF_KEM  0x01
#define KEY_REF_AUTH 0x02
#define KEY_REF_RSA  0x03

/* VERIFY P1: how the gate proves itself. */
#define GATE_SUB_KEY 0x00
#define GATE_P256    0x01
#define GATE_RSA     0x02
#define GATE_SM9     0x03

/* READ P1 and P2. */
#define READ_FIRST      0x00
#define READ_NEXT       0x01
#define READ_FACE       0x00
#define READ_FACE_USAGE 0x01

/* Life cycle. */
#define LIFE_BLANK        0x01
#define LIFE_PERSONALISED 0x03
#define LIFE_IN_USE       0x07
#define LIFE_BLOCKED      0x0F

/* Suites. */
#define SUITE_P256 1
#define SUITE_RSA  2
#define SUITE_SM9  3

/* Domain separation: labels of signatures, key derivation and encryption. */
#define LABEL_FACE             "tally/face/1"
#define LABEL_HOLDER           "tally/holder/1"
#define LABEL_SUB_KEY          "tally/sub/1"
#define LABEL_ID_KEY           "tally/id/1"
#define LABEL_RECEIPT          "tally/receipt/1"
#define LABEL_ADMIN            "tally/admin/1"
#define LABEL_PIN              "tally/pin/1"
#define LABEL_ANSWER           "tally/answer/1"
#define LABEL_WRITE            "tally/write/1"
#define LABEL_CIPHERTEXT_1     "tally/ciphertext-1/1"
#define LABEL_OPERATOR_PACKAGE "tally/operator-package/1"
#define LABEL_ENROLMENT        "tally/enrolment/1"
#define LABEL_GATE_CERTIFICATE "tally/gate-certificate/1"
#define LABEL_CARD_CERTIFICATE "tally/card-certificate/1"
#define LABEL_GATE_PAIR        "tally/gate-pair/1"
#define LABEL_GATE_RSA         "tally/gate-rsa/1"
#define LABEL_SESSION          "tally/session/1"
#define LABEL_CARD_PROOF       "tally/card-proof/1"
#define LABEL_SM9_NONCE        "tally/sm9-nonce/1"

/* Sizes in bytes. */
enum {
    SERIAL_SIZE = 8,
    CHIP_ID_SIZE = 8,
    TID_SIZE = 16,
    SERVICE_SIZE = 8,
    SYM_KEY_SIZE = 16,     /* every AES key: VMK, K_sub, K_id, session keys, administration key */
    P256_PUBLIC_SIZE = 64, /* x || y */
    P256_POINT_SIZE = 65,  /* 04 || x || y */
    P256_PRIVATE_SIZE = 32,
    ECDSA_SIZE = 64,    /* r || s */
    RSA_SIZE = 256,     /* modulus, signature, OAEP block */
    SM9_G1_SIZE = 64,   /* x || y: master key for encryption, signing key, encapsulated key */
    SM9_G2_SIZE = 128,  /* x || y, u-coefficient first: master key for signatures, decryption key */
    SM9_CODE_SIZE = 96, /* signature: h || S */
    SM9_EPOCH_SIZE = 2,
    SM9_HOLDER_SIZE = SM9_G1_SIZE + SM9_EPOCH_SIZE + SM9_G1_SIZE + SM9_G2_SIZE, /* formats.md, operator package */
    AEAD_TAG_SIZE = 16, /* ciphertext 1, operator package */
    SESSION_TAG_SIZE = 8,
    SESSION_NONCE_SIZE = 13,
    GATE_NONCE_SIZE = 8,
    PSEUDONYM_SIZE = 16,
    CIPHERTEXT_1_HEADER_SIZE = 5,
    CIPHERTEXT_1_MAX = CIPHERTEXT_1_HEADER_SIZE + RSA_SIZE + 115 + RSA_SIZE + AEAD_TAG_SIZE,
    ENROLMENT_SIZE = 132,
    GATE_IDENTITY_SIZE = 8, /* operator, gate, epoch: of gate:OPERATOR:STATION:UNIT:EPOCH */
    GATE_CERT_P256_SIZE = 142,
    GATE_CERT_RSA_SIZE = 334,
    PIN_MIN = 4,
    PIN_MAX = 12,
    PIN_TRIES = 5,
    OPERATORS_MAX = 16,  /* enrolled at once on a card */
    KEY6_MAX = 2,        /* versions of key 6 an operator may have on a card */
    SUB_KEYS_MAX = 3,    /* versions of the sub-key */
    SEQUENCE_WINDOW = 64 /* how far back an unused sequence number still loads */
};

#endif
