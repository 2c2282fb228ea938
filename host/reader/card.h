/* Typed commands to a Tally card over any struct card_transport: specs/apdu.md.
 *
 * A struct tally_card is a borrowed transport, buffers and the card's last word. The functions send one
 * command each (readings of lists: several) and neither begin nor end exclusive use of the card: that is the
 * caller's, with tally_card_begin and tally_card_end, around as much as belongs together. What the card
 * answers is taken for hostile: every length and value is checked before it is used, and an answer that
 * breaks the specification is TALLY_E_NO_CARD.
 *
 * Errors of all functions: TALLY_E_CARD_LOST from the transport, TALLY_E_NO_CARD as above, TALLY_E_FORMAT for
 * arguments out of range, and what tally_card_explain makes of the status word. card->error then says it in
 * words.
 */
#ifndef TALLY_READER_CARD_H
#define TALLY_READER_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "card/wire/face.h"
#include "card/wire/protocol.h"
#include "card/wire/usage.h"
#include "host/base/error.h"
#include "host/reader/card_status.h"
#include "host/reader/transport.h"

enum {
    TALLY_CARD_DATA_MAX = 1264,                           /* data bytes of a command or an answer */
    TALLY_CARD_COMMAND_MAX = 7 + TALLY_CARD_DATA_MAX + 2, /* extended case 4 */
    TALLY_CARD_TICKETS_MAX = 1024,                        /* that one reading takes from a card */
    TALLY_OPERATOR_ENTRY_SIZE = 12
};

struct tally_card {
    struct card_transport *transport; /* borrowed */
    struct tally_card_error error;    /* of the last command */
    size_t bytes_out, bytes_in;       /* command and answer bytes since the caller last set them to 0 */
    unsigned commands;
    uint8_t command[TALLY_CARD_COMMAND_MAX];
    uint8_t answer[TALLY_CARD_DATA_MAX + 2];
};

/* Prepares card for use over transport; sends nothing. Nothing needs to be freed. */
void tally_card_init(struct tally_card *card, struct card_transport *transport);

/* One command; its answer's data, at most TALLY_CARD_DATA_MAX bytes, lies in card->answer until the next one.
 * *n is set on every path. TALLY_OK only for 9000. ne is the number of answer bytes asked for (0: none). */
enum tally_error tally_card_command(struct tally_card *card, uint8_t cla, uint8_t ins, uint16_t p1p2,
                                    const uint8_t *data, size_t nc, size_t ne, size_t *n);

/* SELECT of the issuer's applet (TALLY_AID_ISSUER) or the ticket applet (TALLY_AID_TICKET). */
enum tally_error tally_card_select(struct tally_card *card, uint8_t applet);

struct tally_card_state {
    uint8_t firmware[3];
    uint8_t life_cycle; /* LIFE_... */
    uint8_t pin_tries_left;
    uint16_t command_max; /* data bytes */
    uint8_t suites;       /* bit n-1: suite n */
    bool identified;      /* the fields below are there: PIN or issuer session */
    uint8_t serial[SERIAL_SIZE];
    uint32_t transaction_counter;
    uint16_t tickets, free_p256, free_rsa, free_sm9;
    uint32_t free_bytes;
    uint8_t chip_id[CHIP_ID_SIZE];
    uint32_t erases_min, erases_max;
    uint8_t key_version;
};

/* GET STATUS. *state is zero on failure. */
enum tally_error tally_card_get_state(struct tally_card *card, struct tally_card_state *state);

/* Parses the data of a GET STATUS answer. False, and *state zero, when it is malformed. */
bool tally_card_state_parse(const uint8_t *data, size_t n, struct tally_card_state *state);

/* "blank", "personalised", "in use", "blocked" or "unknown". */
const char *tally_card_life_text(uint8_t life_cycle);

/* GET DATA of an object of exactly size bytes. out is zero on failure. */
enum tally_error tally_card_get_data(struct tally_card *card, uint16_t object, uint8_t *out, size_t size);

struct tally_card_operator {
    uint16_t operator_id;
    uint8_t state; /* 1 active, 2 removed */
    uint8_t suite;
    uint32_t package_version;
    uint8_t key6_version, sub_key_version, sub_key_floor;
};

/* The operators the card knows: at most size of them go into list; *count is how many (0 on failure).
 * TALLY_E_FULL when there are more. */
enum tally_error tally_card_get_operators(struct tally_card *card, struct tally_card_operator *list,
                                          size_t size, size_t *count);

/* True for 4 to 12 decimal digits. */
bool tally_card_pin_valid(const char *pin);

enum tally_error tally_card_verify_pin(struct tally_card *card, const char *pin);
enum tally_error tally_card_change_pin(struct tally_card *card, const char *old_pin, const char *new_pin);

struct tally_card_ticket {
    uint8_t face_bytes[FACE_SIZE];
    uint8_t usage_bytes[USAGE_SIZE];
    struct ticket_face face;
    struct usage_record usage;
};

/* READ with usage: tickets of that day (days since 2000-01-01; 0: any) and later, of that service
 * (SERVICE_SIZE bytes, padded; NULL: any). The first call has first true; TALLY_E_NOT_FOUND after the last.
 * *ticket is zero on failure. */
enum tally_error tally_card_read(struct tally_card *card, bool first, uint16_t date, const char *service,
                                 struct tally_card_ticket *ticket);

/* Reads all of them: at most TALLY_CARD_TICKETS_MAX. The caller frees *list (NULL when none or on failure).
 */
enum tally_error tally_card_read_all(struct tally_card *card, uint16_t date, const char *service,
                                     struct tally_card_ticket **list, size_t *count);

/* LOAD of ciphertext 1; usage receives the new usage record, zero on failure. */
enum tally_error tally_card_load(struct tally_card *card, const uint8_t *ciphertext, size_t n,
                                 uint8_t usage[USAGE_SIZE]);

/* EXCHANGE: deleted receives the usage record of the ticket that went, loaded that of the one that came;
 * *has_loaded is false for a void order. Both zero on failure. */
enum tally_error tally_card_exchange_ticket(struct tally_card *card, const uint8_t *ciphertext, size_t n,
                                            uint8_t deleted[USAGE_SIZE], uint8_t loaded[USAGE_SIZE],
                                            bool *has_loaded);

/* PUT DATA of an operator package. */
enum tally_error tally_card_put_package(struct tally_card *card, const uint8_t *package, size_t n);

#endif
