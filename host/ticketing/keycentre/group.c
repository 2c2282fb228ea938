#include "host/ticketing/keycentre/group.h"

#include <string.h>

#include "host/base/bytes.h"
#include "host/service/json.h"
#include "host/ticketing/json_values.h"

enum { MASTERS_BYTES = G2_BYTES + G1_BYTES };

static const char group_label[] = "tally/keycentre-group/1", master_label[] = "tally/keycentre-master/1";

static void read_epochs(struct tally_json *in, struct keycentre_epochs *epochs)
{
    struct tally_json inner;
    tally_json_begin(&inner, tally_json_object(in, "epochs"));
    epochs->start = tally_json_int(&inner, "start", 0, UINT32_MAX);
    epochs->length = tally_json_int(&inner, "length", KEYCENTRE_EPOCH_LENGTH_MIN, KEYCENTRE_EPOCH_LENGTH_MAX);
    epochs->card_length =
        tally_json_int(&inner, "card_length", KEYCENTRE_EPOCH_LENGTH_MIN, KEYCENTRE_EPOCH_LENGTH_MAX);
    epochs->lead = tally_json_int(&inner, "lead", 0, KEYCENTRE_EPOCH_LENGTH_MAX);
    if (tally_json_end(&inner) != TALLY_OK || !keycentre_epochs_valid(epochs))
        tally_json_fault(in, "epochs", "has a member that is missing, unknown or out of range");
}

static bool read_centre(const json_t *json, struct keycentre_group *group, size_t i)
{
    struct tally_json in;
    struct tally_key *key = NULL;
    tally_json_begin(&in, json);
    tally_json_string_copy(&in, "url", 1, group->urls[i], sizeof group->urls[i]);
    tally_json_bytes(&in, "signing_key", group->signing_keys[i], P256_PUBLIC_SIZE);
    bool good = tally_json_end(&in) == TALLY_OK &&
                tally_key_from_public(group->signing_keys[i], P256_PUBLIC_SIZE, &key) == TALLY_OK &&
                keycentre_group_index(group, group->signing_keys[i]) == i + 1;
    tally_key_free(key);
    return good;
}

enum tally_error keycentre_group_read(const json_t *json, struct keycentre_group *group, const char **reason)
{
    struct tally_json in;
    memset(group, 0, sizeof *group);
    tally_json_begin(&in, json);
    group->size.threshold = (uint8_t)tally_json_int(&in, "threshold", 2, KEYCENTRE_THRESHOLD_MAX);
    const json_t *centres = tally_json_array(&in, "centres", 3, KEYCENTRE_CENTRES_MAX);
    group->size.centres = (uint8_t)json_array_size(centres);
    read_epochs(&in, &group->epochs);
    if (in.reason == NULL && !keycentre_size_valid(group->size))
        tally_json_fault(&in, "centres", "must be at least 2 threshold - 1");
    for (size_t i = 0; in.reason == NULL && i < group->size.centres; i++)
        if (!read_centre(json_array_get(centres, i), group, i))
            tally_json_fault(&in, "centres", "need a url and a signing_key each, P-256 in hex, each its own");
    enum tally_error e = tally_json_end(&in);
    *reason = e == TALLY_OK ? NULL : in.reason;
    if (e != TALLY_OK)
        memset(group, 0, sizeof *group);
    return e;
}

static uint8_t *put64(uint8_t *out, int64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        *out++ = (uint8_t)((uint64_t)value >> shift);
    return out;
}

static int64_t get64(const uint8_t *in)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | in[i];
    return (int64_t)value;
}

size_t keycentre_group_encode(const struct keycentre_group *group, uint8_t out[KEYCENTRE_GROUP_BYTES_MAX])
{
    uint8_t *at = out;
    *at++ = group->size.threshold;
    *at++ = group->size.centres;
    for (size_t i = 0; i < group->size.centres; i++, at += P256_PUBLIC_SIZE)
        memcpy(at, group->signing_keys[i], P256_PUBLIC_SIZE);
    at = put64(at, group->epochs.start);
    at = put64(at, group->epochs.length);
    at = put64(at, group->epochs.card_length);
    at = put64(at, group->epochs.lead);
    return (size_t)(at - out);
}

enum tally_error keycentre_group_decode(const uint8_t *in, size_t n, struct keycentre_group *group)
{
    memset(group, 0, sizeof *group);
    if (n < 2)
        return TALLY_E_FORMAT;
    struct keycentre_size size = {in[0], in[1]};
    if (!keycentre_size_valid(size) || n != 2U + size.centres * (size_t)P256_PUBLIC_SIZE + 32)
        return TALLY_E_FORMAT;
    group->size = size;
    in += 2;
    for (size_t i = 0; i < size.centres; i++, in += P256_PUBLIC_SIZE)
        memcpy(group->signing_keys[i], in, P256_PUBLIC_SIZE);
    group->epochs = (struct keycentre_epochs){get64(in), get64(in + 8), get64(in + 16), get64(in + 24)};
    if (keycentre_epochs_valid(&group->epochs))
        return TALLY_OK;
    memset(group, 0, sizeof *group);
    return TALLY_E_FORMAT;
}

enum tally_error keycentre_group_digest(const struct keycentre_group *group, uint8_t digest[KEYCENTRE_DIGEST])
{
    uint8_t bytes[KEYCENTRE_GROUP_BYTES_MAX];
    struct tally_bytes part = {bytes, keycentre_group_encode(group, bytes)};
    return tally_sha256_labelled(group_label, &part, 1, digest);
}

unsigned keycentre_group_index(const struct keycentre_group *group, const uint8_t key[P256_PUBLIC_SIZE])
{
    for (unsigned i = 0; i < group->size.centres; i++)
        if (memcmp(group->signing_keys[i], key, P256_PUBLIC_SIZE) == 0)
            return i + 1;
    return 0;
}

enum tally_error keycentre_masters_digest(const struct keycentre_masters *masters,
                                          uint8_t digest[KEYCENTRE_DIGEST])
{
    const struct tally_bytes parts[] = {{masters->sign, G2_BYTES}, {masters->encrypt, G1_BYTES}};
    return tally_sha256_labelled(master_label, parts, 2, digest);
}

static uint8_t *put_masters(uint8_t *out, const struct keycentre_masters *masters)
{
    memcpy(out, masters->sign, G2_BYTES);
    memcpy(out + G2_BYTES, masters->encrypt, G1_BYTES);
    return out + MASTERS_BYTES;
}

static const uint8_t *get_masters(const uint8_t *in, struct keycentre_masters *masters)
{
    memcpy(masters->sign, in, G2_BYTES);
    memcpy(masters->encrypt, in + G2_BYTES, G1_BYTES);
    return in + MASTERS_BYTES;
}

size_t keycentre_public_encode(const struct keycentre_group_public *group,
                               uint8_t out[KEYCENTRE_PUBLIC_BYTES_MAX])
{
    uint8_t *at = put_masters(out, &group->masters);
    for (size_t i = 0; i < group->size.centres; i++)
        at = put_masters(at, &group->shares[i]);
    return (size_t)(at - out);
}

enum tally_error keycentre_public_decode(const uint8_t *in, size_t n, struct keycentre_size size,
                                         struct keycentre_group_public *group)
{
    memset(group, 0, sizeof *group);
    if (n != (1U + size.centres) * (size_t)MASTERS_BYTES)
        return TALLY_E_FORMAT;
    group->size = size;
    in = get_masters(in, &group->masters);
    for (size_t i = 0; i < size.centres; i++)
        in = get_masters(in, &group->shares[i]);
    return TALLY_OK;
}

size_t keycentre_share_encode(const struct keycentre_share *share, uint8_t out[KEYCENTRE_SHARE_BYTES_MAX])
{
    uint8_t sets[KEYCENTRE_SETS_MAX];
    unsigned count = keycentre_sets(share->size, share->index, sets);
    memcpy(out, share->sign, SM9_KEY_BYTES);
    memcpy(out + SM9_KEY_BYTES, share->encrypt, SM9_KEY_BYTES);
    memcpy(out + 2 * SM9_KEY_BYTES, share->mask_keys, count * (size_t)KEYCENTRE_MASK_KEY_SIZE);
    return 2 * SM9_KEY_BYTES + count * (size_t)KEYCENTRE_MASK_KEY_SIZE;
}

enum tally_error keycentre_share_decode(const uint8_t *in, size_t n, struct keycentre_size size,
                                        unsigned index, struct keycentre_share *share)
{
    uint8_t sets[KEYCENTRE_SETS_MAX];
    unsigned count = keycentre_sets(size, index, sets);
    memset(share, 0, sizeof *share);
    if (n != 2 * SM9_KEY_BYTES + count * (size_t)KEYCENTRE_MASK_KEY_SIZE)
        return TALLY_E_FORMAT;
    share->size = size;
    share->index = (uint8_t)index;
    memcpy(share->sign, in, SM9_KEY_BYTES);
    memcpy(share->encrypt, in + SM9_KEY_BYTES, SM9_KEY_BYTES);
    memcpy(share->mask_keys, in + 2 * SM9_KEY_BYTES, count * (size_t)KEYCENTRE_MASK_KEY_SIZE);
    return TALLY_OK;
}
