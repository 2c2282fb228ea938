#include "host/ticketing/keystore_sm9.h"

#include <stdio.h>
#include <string.h>

#include "host/crypto/sm9.h"
#include "host/service/keyfile.h"
#include "host/ticketing/keystore_files.h"

enum { TEXT_MAX = 64, FILE_NAME_MAX = IDENTITY_MAX + 8 };

/* The holder's file: its identity with - for :, and .sm9. */
static void holder_file(const struct identity *identity, char name[FILE_NAME_MAX])
{
    char text[IDENTITY_MAX + 1];
    identity_print(identity, text);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == ':' ? '-' : *c;
    snprintf(name, FILE_NAME_MAX, "%s.sm9", text);
}

static bool same_identity(const struct identity *a, const struct identity *b)
{
    char x[IDENTITY_MAX + 1], y[IDENTITY_MAX + 1];
    return identity_print(a, x) > 0 && identity_print(b, y) > 0 && strcmp(x, y) == 0;
}

static const struct tally_sm9_masters *newest_masters(const struct tally_operator_keys *op)
{
    return tally_sm9_key_masters(tally_key_sm9(op->key1.at[op->key1.count - 1].key));
}

/* That a holder is whom it should be, of this operator's centre, and has keys that belong to it. */
static enum tally_error check_holder(const struct tally_operator_keys *op, const struct identity *identity,
                                     const struct tally_sm9_holder *holder)
{
    struct tally_sm9_key *key;
    if (!same_identity(&holder->identity, identity) ||
        memcmp(&holder->masters, newest_masters(op), sizeof holder->masters) != 0)
        return TALLY_E_CRYPTO;
    enum tally_error e = tally_sm9_key_make(holder, &key);
    tally_sm9_key_free(key);
    return e;
}

static enum tally_error from_file(const struct tally_operator_keys *op, const struct identity *identity,
                                  struct tally_sm9_holder *holder)
{
    char path[TALLY_PATH_MAX], name[FILE_NAME_MAX];
    holder_file(identity, name);
    enum tally_error e = tally_path_join(op->holders, name, path);
    if (e == TALLY_OK)
        e = tally_sm9_holder_load(path, holder);
    if (e == TALLY_OK)
        e = check_holder(op, identity, holder);
    if (e != TALLY_OK)
        tally_wipe(holder, sizeof *holder);
    return e;
}

enum tally_error tally_keystore_holder(const struct tally_operator_keys *op, const struct identity *identity,
                                       struct tally_sm9_holder *holder)
{
    memset(holder, 0, sizeof *holder);
    if (op->suite != SUITE_SM9)
        return TALLY_E_NOT_FOUND;
    enum tally_error e = from_file(op, identity, holder);
    if (e != TALLY_E_NOT_FOUND || !op->has_centre)
        return e;
    e = tally_sm9_extract(&op->centre, identity, holder);
    /* A centre that is not the one of key 1 would make keys that fit nothing. */
    if (e == TALLY_OK && memcmp(&holder->masters, newest_masters(op), sizeof holder->masters) != 0) {
        tally_wipe(holder, sizeof *holder);
        e = TALLY_E_CRYPTO;
    }
    return e;
}

/* --- the folder --- */

static enum tally_error read_card_epochs(const char *folder, uint16_t *epoch, uint16_t *floor)
{
    char path[TALLY_PATH_MAX], text[TEXT_MAX], end;
    unsigned a = 0, b = 0;
    size_t n;
    *epoch = *floor = 0;
    enum tally_error e = tally_path_join(folder, KEYSTORE_CARD_EPOCHS, path);
    if (e == TALLY_OK)
        e = tally_private_file_read(path, text, sizeof text, &n);
    if (e != TALLY_OK)
        return e;
    if (sscanf(text, "%5u %5u%c", &a, &b, &end) != 3 || end != '\n' || a > UINT16_MAX || b > a)
        return TALLY_E_FORMAT;
    *epoch = (uint16_t)a;
    *floor = (uint16_t)b;
    return TALLY_OK;
}

static enum tally_error load_centre(const char *folder, struct tally_sm9_centre *centre)
{
    char path[TALLY_PATH_MAX];
    enum tally_error e = tally_path_join(folder, KEYSTORE_CENTRE, path);
    return e == TALLY_OK ? tally_sm9_centre_load(path, centre) : e;
}

enum tally_error tally_keystore_load_sm9(const char *folder, struct tally_operator_keys *op)
{
    enum tally_error e = read_card_epochs(folder, &op->card_epoch, &op->card_epoch_floor);
    for (size_t i = 0; e == TALLY_OK && i < op->key1.count; i++) {
        const struct identity *identity = tally_sm9_key_identity(tally_key_sm9(op->key1.at[i].key));
        e = identity->operator_id == op->id ? TALLY_OK : TALLY_E_CRYPTO;
    }
    if (e == TALLY_OK)
        e = tally_path_join(folder, KEYSTORE_HOLDERS, op->holders);
    if (e == TALLY_OK)
        e = tally_private_folder_check(op->holders);
    if (e != TALLY_OK)
        return e;
    e = load_centre(folder, &op->centre);
    op->has_centre = e == TALLY_OK;
    return e == TALLY_E_NOT_FOUND ? TALLY_OK : e;
}

/* --- making and changing it --- */

/* The holder that key 1 is to be, by file or by the centre in the folder. */
static enum tally_error server_holder(const char *folder, uint16_t id, uint16_t epoch, const char *file,
                                      struct tally_sm9_holder *holder)
{
    const struct identity server = {.scheme = IDENTITY_AUTHD, .operator_id = id, .epoch = epoch};
    struct tally_sm9_centre centre;
    memset(holder, 0, sizeof *holder);
    if (file != NULL) {
        enum tally_error e = tally_sm9_holder_load(file, holder);
        bool ours = holder->identity.scheme == IDENTITY_AUTHD && holder->identity.operator_id == id;
        return e == TALLY_OK && !ours ? TALLY_E_CRYPTO : e;
    }
    enum tally_error e = load_centre(folder, &centre);
    if (e == TALLY_OK)
        e = tally_sm9_extract(&centre, &server, holder);
    tally_wipe(&centre, sizeof centre);
    return e == TALLY_E_NOT_FOUND ? TALLY_E_USAGE : e;
}

/* Checks the holder's keys and saves them as the next version of key 1. */
static enum tally_error install_key1(const char *folder, const struct tally_sm9_holder *holder,
                                     uint8_t *version)
{
    struct tally_key *key;
    enum tally_error e = tally_key_from_holder(holder, &key);
    tally_key_free(key);
    return e == TALLY_OK ? tally_key_ring_add_holder(folder, KEYSTORE_KEY1, holder, version) : e;
}

static enum tally_error make_centre(const char *folder)
{
    char path[TALLY_PATH_MAX];
    struct tally_sm9_centre centre;
    enum tally_error e = tally_path_join(folder, KEYSTORE_CENTRE, path);
    if (e == TALLY_OK)
        e = tally_sm9_centre_make(&centre);
    if (e == TALLY_OK)
        e = tally_sm9_centre_save(path, &centre);
    tally_wipe(&centre, sizeof centre);
    return e;
}

enum tally_error tally_keystore_add_operator_sm9(const char *folder, uint16_t id, const char *key1_file)
{
    char path[TALLY_PATH_MAX], holders[TALLY_PATH_MAX];
    struct tally_sm9_holder holder = {0};
    uint8_t version;
    enum tally_error e = tally_keystore_begin_operator(folder, id, SUITE_SM9, path);
    if (e == TALLY_OK)
        e = tally_path_join(path, KEYSTORE_HOLDERS, holders);
    if (e == TALLY_OK)
        e = tally_private_folder_make(holders);
    if (e == TALLY_OK)
        e = tally_keystore_make_text(path, KEYSTORE_CARD_EPOCHS, "0 0\n");
    if (e == TALLY_OK && key1_file == NULL)
        e = make_centre(path);
    if (e == TALLY_OK)
        e = server_holder(path, id, 0, key1_file, &holder);
    if (e == TALLY_OK)
        e = install_key1(path, &holder, &version);
    tally_wipe(&holder, sizeof holder);
    return e;
}

/* The epoch after the newest version's. */
static enum tally_error next_epoch(const char *folder, uint16_t *epoch)
{
    struct tally_key_ring ring;
    enum tally_error e = tally_key_ring_load(folder, KEYSTORE_KEY1, NULL, &ring);
    *epoch = 0;
    if (e != TALLY_OK)
        return e;
    const struct tally_sm9_key *newest = tally_key_sm9(ring.at[ring.count - 1].key);
    unsigned next = newest != NULL ? tally_sm9_key_identity(newest)->epoch + 1u : 0;
    tally_key_ring_free(&ring);
    *epoch = (uint16_t)next;
    return next <= UINT16_MAX ? TALLY_OK : TALLY_E_FULL;
}

enum tally_error tally_keystore_roll_key1_sm9(const char *folder, uint16_t id, const char *key1_file,
                                              uint8_t *version)
{
    char path[TALLY_PATH_MAX];
    struct tally_sm9_holder holder = {0};
    uint16_t epoch = 0;
    *version = 0;
    enum tally_error e = tally_keystore_operator_path(folder, id, path);
    if (e == TALLY_OK)
        e = next_epoch(path, &epoch);
    if (e == TALLY_OK)
        e = server_holder(path, id, epoch, key1_file, &holder);
    if (e == TALLY_OK)
        e = install_key1(path, &holder, version);
    tally_wipe(&holder, sizeof holder);
    return e;
}

enum tally_error tally_keystore_set_card_epochs(const char *folder, uint16_t id, uint16_t epoch,
                                                uint16_t floor)
{
    char path[TALLY_PATH_MAX], file[TALLY_PATH_MAX], text[TEXT_MAX];
    uint16_t old_epoch, old_floor;
    enum tally_error e = tally_keystore_operator_path(folder, id, path);
    if (e == TALLY_OK)
        e = read_card_epochs(path, &old_epoch, &old_floor);
    if (e == TALLY_OK && (epoch < old_epoch || floor < old_floor || floor > epoch))
        e = TALLY_E_STATE;
    if (e == TALLY_OK)
        e = tally_path_join(path, KEYSTORE_CARD_EPOCHS, file);
    if (e != TALLY_OK)
        return e;
    int n = snprintf(text, sizeof text, "%u %u\n", epoch, floor);
    return tally_private_file_replace(file, text, (size_t)n);
}
