#include "card/applets/ticket/package_content.h"

#include <string.h>

#include "card/crypto/p256.h"
#include "card/wire/be.h"

enum { ACTION_SET = 1, ACTION_REMOVE = 2 };

struct reader {
    const uint8_t *p;
    size_t left;
};

/* Takes n bytes; NULL when they are not there. */
static const uint8_t *take(struct reader *r, size_t n)
{
    if (n > r->left)
        return NULL;
    const uint8_t *p = r->p;
    r->p += n;
    r->left -= n;
    return p;
}

/* Takes a count of 1..max and so many items, which begin with an ascending version not below floor. */
static const uint8_t *take_list(struct reader *r, uint8_t max, size_t item, uint8_t floor, uint8_t *count)
{
    const uint8_t *n = take(r, 1);
    if (n == NULL || *n < 1 || *n > max)
        return NULL;
    const uint8_t *list = take(r, *n * item);
    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < *n; i++)
        if (list[i * item] < floor || (i > 0 && list[i * item] <= list[(i - 1) * item]))
            return NULL;
    *count = *n;
    return list;
}

static bool parse_head(struct reader *r, struct package *package)
{
    const uint8_t *head = take(r, SERIAL_SIZE + 1 + 4 + 1 + 2);
    if (head == NULL)
        return false;
    head += SERIAL_SIZE;
    if (head[0] != ACTION_SET && head[0] != ACTION_REMOVE)
        return false;
    package->set = head[0] == ACTION_SET;
    package->package_version = be32_get(head + 1);
    package->sub_key_floor = head[5];
    package->epoch_floor = be16_get(head + 6);
    return package->operator_id != 0;
}

static bool parse_keys(struct reader *r, struct package *package)
{
    const uint8_t *suite = take(r, 1);
    if (suite == NULL || suite_key_size(*suite) == 0)
        return false;
    package->suite = *suite;
    package->key6 = take_list(r, KEY6_MAX, 1 + suite_key_size(*suite), 0, &package->key6_count);
    if (package->key6 == NULL)
        return false;
    bool sm9 = *suite == SUITE_SM9;
    package->authority = take(r, OPERATOR_AUTHORITY_SIZE);
    package->holder = sm9 ? take(r, SM9_HOLDER_SIZE) : NULL;
    package->sub_keys =
        take_list(r, SUB_KEYS_MAX, SUB_KEY_ITEM_SIZE, package->sub_key_floor, &package->sub_key_count);
    return package->authority != NULL && (!sm9 || package->holder != NULL) && package->sub_keys != NULL;
}

bool package_parse(const uint8_t *plain, size_t n, struct package *package)
{
    struct reader r = {plain, n};
    return parse_head(&r, package) && (!package->set || parse_keys(&r, package)) && r.left == 0;
}

size_t package_encode(const struct package *package, uint8_t record[OPERATOR_SIZE_MAX])
{
    memset(record, 0, OPERATOR_SIZE_MAX);
    record[OPERATOR_AT_STATE] = package->set ? OPERATOR_ACTIVE : OPERATOR_REMOVED;
    be16_put(record + OPERATOR_AT_ID, package->operator_id);
    be16_put(record + OPERATOR_AT_ENROLMENT, package->enrolment_version);
    be32_put(record + OPERATOR_AT_PACKAGE, package->package_version);
    record[OPERATOR_AT_SUB_KEY_FLOOR] = package->sub_key_floor;
    be16_put(record + OPERATOR_AT_EPOCH_FLOOR, package->epoch_floor);
    if (!package->set)
        return OPERATOR_MARK_SIZE;

    size_t key6_size = package->key6_count * (1 + suite_key_size(package->suite));
    record[OPERATOR_AT_SUITE] = package->suite;
    memcpy(record + OPERATOR_AT_AUTHORITY, package->authority, OPERATOR_AUTHORITY_SIZE);
    record[OPERATOR_AT_SUB_KEYS] = package->sub_key_count;
    memcpy(record + OPERATOR_AT_SUB_KEYS + 1, package->sub_keys,
           package->sub_key_count * (size_t)SUB_KEY_ITEM_SIZE);
    record[OPERATOR_AT_KEY6] = package->key6_count;
    memcpy(record + OPERATOR_AT_KEY6 + 1, package->key6, key6_size);
    return OPERATOR_AT_KEY6 + 1 + key6_size;
}
