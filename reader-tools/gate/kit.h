/* A gate kit: what `tally-authd gate-kit` writes for one gate (specs/ticketing.md). */
#ifndef TALLY_GATE_KIT_H
#define TALLY_GATE_KIT_H

#include "host/crypto/key.h"
#include "host/crypto/keyfile.h"
#include "host/crypto/sm9.h"

enum { GATE_KIT_KEY6_MAX = 16, GATE_KIT_FILE_MAX = 65536, GATE_KIT_TEXT_MAX = 256 };

struct gate_kit {
    uint16_t operator_id;
    uint32_t gate, station;
    uint8_t suite;
    size_t key6_count;
    struct {
        uint8_t version;
        struct tally_key *key;
    } key6[GATE_KIT_KEY6_MAX];
    struct tally_key *authority;
    struct tally_secret_ring vmk;
    struct tally_key *p256, *rsa;   /* the gate's own pairs; NULL when the kit has none */
    struct tally_sm9_key *identity; /* suite SM9: the gate's identity; NULL when the kit has none */
    uint16_t card_epoch_floor;      /* lowest epoch of a card's identity that is accepted */
    uint8_t p256_certificate[GATE_CERT_P256_SIZE], rsa_certificate[GATE_CERT_RSA_SIZE];
    char party[GATE_KIT_TEXT_MAX];         /* the gate's name towards the servers; "" for none */
    char deny_list_url[GATE_KIT_TEXT_MAX]; /* "" for none */
};

/* Reads the folder, whose files must be closed to others. On failure, *kit is empty and what says which file
 * is wrong. TALLY_E_NOT_FOUND, TALLY_E_DENIED (open to others), TALLY_E_FORMAT, TALLY_E_CRYPTO,
 * TALLY_E_MEMORY. */
enum tally_error gate_kit_load(const char *folder, struct gate_kit *kit, char *what, size_t what_size);
void gate_kit_free(struct gate_kit *kit);

/* Key 6 of that version, or NULL. */
const struct tally_key *gate_kit_key6(const struct gate_kit *kit, uint8_t version);

#endif
