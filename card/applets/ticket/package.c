#include "card/applets/ticket/package.h"

#include <string.h>

#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/applets/ticket/kem.h"
#include "card/applets/ticket/package_content.h"
#include "card/applets/ticket/session.h"
#include "card/applets/ticket/tickets.h"
#include "card/applets/ticket/window.h"
#include "card/applets/ticket/deletion.h"
#include "card/crypto/sm9_suite.h"
#include "card/wire/be.h"

/* Offsets: in the command, and in the enrolment. */
enum { AT_KIND = 1, AT_OPERATOR = 2, AT_KEY_VERSION = 4, AT_ENROLMENT = CIPHERTEXT_1_HEADER_SIZE };
enum { IN_ENROLMENT_VERSION = 2, IN_ENROLMENT_KEY = 4, IN_ENROLMENT_SIGNATURE = 68 };
enum { FORMAT_VERSION = 1, KIND = 1 };

static uint16_t check_header(struct card *card, const uint8_t *data)
{
    uint8_t key_version;
    if (data[0] != FORMAT_VERSION || data[AT_KIND] != KIND)
        return SW_WRONG_DATA;
    if (!record_read(card, REC_KEY_KEM, 0, &key_version, 1) || key_version != data[AT_KEY_VERSION])
        return SW_KEY_ABSENT;
    return SW_OK;
}

static bool enrolment_is_right(struct card *card, const uint8_t *data)
{
    uint8_t key[P256_PUBLIC_SIZE];
    const uint8_t *enrolment = data + AT_ENROLMENT;
    const struct bytes content = {enrolment, IN_ENROLMENT_SIGNATURE};
    return record_read(card, REC_ENROLMENT_KEY, 0, key, sizeof key) &&
           memcmp(enrolment, data + AT_OPERATOR, 2) == 0 &&
           p256_verify(key, LABEL_ENROLMENT, &content, 1, enrolment + IN_ENROLMENT_SIGNATURE);
}

/* The authority's signature is the last thing in the plaintext, so it is checked before anything there is
 * read. */
static bool signature_is_right(const uint8_t *data, const uint8_t *plain, size_t signed_size)
{
    const struct bytes parts[] = {{data, CIPHERTEXT_1_HEADER_SIZE}, {plain, signed_size}};
    return p256_verify(data + AT_ENROLMENT + IN_ENROLMENT_KEY, LABEL_OPERATOR_PACKAGE, parts, 2,
                       plain + signed_size);
}

/* Opens the package in place and reads what is in it. */
static uint16_t open_package(struct card *card, const struct apdu_command *command, struct package *package)
{
    uint8_t *data = command->data, *plain = data + PACKAGE_PREFIX_SIZE + HPKE_ENC_SIZE;
    size_t signed_size = command->len - PACKAGE_PREFIX_SIZE - HPKE_OVERHEAD - ECDSA_SIZE;
    uint8_t serial[SERIAL_SIZE];
    uint16_t sw = check_header(card, data);
    if (sw != SW_OK)
        return sw;
    if (!enrolment_is_right(card, data) ||
        kem_open(card, LABEL_OPERATOR_PACKAGE, data, PACKAGE_PREFIX_SIZE, command->len) == NULL ||
        !signature_is_right(data, plain, signed_size))
        return SW_AUTHENTICATION;
    if (!card_serial(card, serial))
        return SW_MEMORY_FAILURE;
    package->operator_id = be16_get(data + AT_OPERATOR);
    package->enrolment_version = be16_get(data + AT_ENROLMENT + IN_ENROLMENT_VERSION);
    if (!package_parse(plain, signed_size, package) || memcmp(serial, plain, SERIAL_SIZE) != 0)
        return SW_WRONG_DATA;
    return SW_OK;
}

/* Nothing may go back to what it was. */
static bool is_newer(const struct package *package, const struct operator_head *known)
{
    return package->enrolment_version >= known->enrolment_version &&
           package->package_version > known->package_version &&
           package->sub_key_floor >= known->sub_key_floor && package->epoch_floor >= known->epoch_floor &&
           (known->state != OPERATOR_ACTIVE || !package->set || package->suite == known->suite);
}

/* A slot for an operator that the card has not met; -1 when there are too many. */
static int new_slot(struct card *card)
{
    int slot = 0;
    while (slot < OPERATOR_SLOTS && record_exists(card, RECORD(REC_OPERATOR, slot)))
        slot++;
    return slot < OPERATOR_SLOTS ? slot : -1;
}

static size_t active_operators(struct card *card)
{
    struct operator_head head;
    size_t n = 0;
    for (int slot = -1; operators_next(card, &slot, &head);)
        n += head.state == OPERATOR_ACTIVE;
    return n;
}

/* The keys of suite SM9, and what is computed of them into powers. */
static bool sm9_keys_good(struct card *card, const struct package *package, uint8_t powers[SM9_POWERS_SIZE])
{
    const uint8_t *holder = package->holder;
    return sm9_private_valid(holder + SM9_HOLDER_SIGN_KEY, holder + SM9_HOLDER_DECRYPT_KEY) &&
           sm9_powers(&card->sm9, package->authority, holder + SM9_HOLDER_ENCRYPT_MASTER,
                      powers + SM9_POWER_SIGN, powers + SM9_POWER_ENCRYPT);
}

/* Records that loading and deleting will need are made here, so that a full card can still exchange. */
static uint16_t set_operator(struct card *card, int slot, const struct package *package,
                             const uint8_t powers[SM9_POWERS_SIZE])
{
    static const uint8_t zero[LAST_DELETION_SIZE];
    uint8_t record[OPERATOR_SIZE_MAX];
    struct changes changes;
    uint32_t counter;
    changes_begin(&changes);
    if (!changes_count(card, &changes, &counter))
        return SW_MEMORY_FAILURE;
    changes_put(&changes, RECORD(REC_OPERATOR, slot), record, package_encode(package, record));
    if (!record_exists(card, RECORD(REC_SEQUENCE, slot)))
        changes_put(&changes, RECORD(REC_SEQUENCE, slot), zero, WINDOW_SIZE);
    if (!record_exists(card, RECORD(REC_LAST_DELETION, slot)))
        changes_put(&changes, RECORD(REC_LAST_DELETION, slot), zero, LAST_DELETION_SIZE);
    if (package->suite == SUITE_SM9) {
        changes_put(&changes, RECORD(REC_SM9_HOLDER, slot), package->holder, SM9_HOLDER_SIZE);
        changes_put(&changes, RECORD(REC_SM9_POWERS, slot), powers, SM9_POWERS_SIZE);
    }
    uint16_t sw = changes_commit(card, &changes);
    wipe(record, sizeof record);
    return sw;
}

/* Deletes some tickets of the operator; *more tells whether it deleted any. */
static uint16_t delete_some(struct card *card, uint16_t operator_id, bool *more)
{
    uint8_t head[FACE_HEAD_SIZE];
    struct changes changes;
    changes_begin(&changes);
    for (int slot = NO_SLOT; changes.count + 2 <= CHANGES_MAX && tickets_next(card, &slot, head);) {
        if (be16_get(head + FACE_AT_OPERATOR) != operator_id)
            continue;
        changes_delete(&changes, RECORD(REC_FACE, slot));
        changes_delete(&changes, RECORD(REC_USAGE, slot));
    }
    *more = changes.count > 0;
    return *more ? changes_commit(card, &changes) : SW_OK;
}

/* More tickets than fit into one commit go in several. The operator goes last: cut short, the package is
 * still newer than what the card knows, and finishes the work when it is sent again. */
static uint16_t remove_operator(struct card *card, int slot, const struct package *package)
{
    uint8_t mark[OPERATOR_SIZE_MAX];
    struct changes changes;
    uint32_t counter;
    uint16_t sw = SW_OK;
    for (bool more = true; more && sw == SW_OK;)
        sw = delete_some(card, package->operator_id, &more);
    if (sw != SW_OK)
        return sw;

    changes_begin(&changes);
    if (!changes_count(card, &changes, &counter))
        return SW_MEMORY_FAILURE;
    changes_put(&changes, RECORD(REC_OPERATOR, slot), mark, package_encode(package, mark));
    static const uint16_t types[] = {REC_LAST_DELETION, REC_SM9_HOLDER, REC_SM9_POWERS};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (record_exists(card, RECORD(types[i], slot)))
            changes_delete(&changes, RECORD(types[i], slot));
    return changes_commit(card, &changes);
}

/* scratch has room for the powers; what is in it afterwards is public. */
static uint16_t apply(struct card *card, const struct package *package, uint8_t scratch[SM9_POWERS_SIZE])
{
    struct operator_head known;
    int slot = operators_find_any(card, package->operator_id, &known);
    if (slot >= 0 && !is_newer(package, &known))
        return SW_CONDITIONS;
    if (slot < 0)
        slot = new_slot(card);
    if (slot < 0 ||
        (package->set && known.state != OPERATOR_ACTIVE && active_operators(card) >= OPERATORS_MAX))
        return SW_NO_ROOM;
    if (package->set && package->suite == SUITE_SM9 && !sm9_keys_good(card, package, scratch))
        return SW_WRONG_DATA;
    return package->set ? set_operator(card, slot, package, scratch) : remove_operator(card, slot, package);
}

uint16_t package_put(struct card *card, const struct apdu_command *command, struct apdu_response *response)
{
    struct package package;
    memset(&package, 0, sizeof package);
    session_end(&card->ticket.gate);
    uint16_t sw = open_package(card, command, &package);
    if (sw == SW_OK)
        sw = apply(card, &package, response->data);
    wipe(command->data, command->len);
    wipe(&package, sizeof package);
    return sw;
}
