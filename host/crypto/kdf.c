#include "host/crypto/kdf.h"

#include <string.h>

#include "card/wire/be.h"

enum { PARTS_MAX = 8 }; /* of a context or info */

enum tally_error tally_kdf_cmac(const uint8_t key[SYM_KEY_SIZE], const char *label,
                                const struct tally_bytes *context, size_t count, uint8_t *out, size_t n)
{
    static const uint8_t separator = 0;
    struct tally_bytes parts[PARTS_MAX + 4];
    uint8_t counter, bits[2], block[TALLY_BLOCK_SIZE];
    size_t last = count + 3;
    if (count > PARTS_MAX || n < 1 || n > TALLY_KDF_MAX)
        return TALLY_E_FULL;
    be16_put(bits, (uint16_t)(n * 8));
    parts[0] = (struct tally_bytes){&counter, 1};
    parts[1] = (struct tally_bytes){(const uint8_t *)label, strlen(label)};
    parts[2] = (struct tally_bytes){&separator, 1};
    for (size_t i = 0; i < count; i++)
        parts[3 + i] = context[i];
    parts[last] = (struct tally_bytes){bits, sizeof bits};

    enum tally_error e = TALLY_OK;
    counter = 1;
    for (size_t done = 0; done < n && e == TALLY_OK; done += TALLY_BLOCK_SIZE, counter++) {
        e = tally_cmac(key, parts, last + 1, block);
        memcpy(out + done, block, n - done < TALLY_BLOCK_SIZE ? n - done : TALLY_BLOCK_SIZE);
    }
    tally_wipe(block, sizeof block);
    if (e != TALLY_OK)
        tally_wipe(out, n);
    return e;
}

enum tally_error tally_hkdf_extract(struct tally_bytes salt, const struct tally_bytes *ikm, size_t count,
                                    uint8_t prk[TALLY_SHA256_SIZE])
{
    return tally_hmac_sha256(salt, ikm, count, prk);
}

enum tally_error tally_hkdf_expand(const uint8_t prk[TALLY_SHA256_SIZE], const struct tally_bytes *info,
                                   size_t count, uint8_t *out, size_t n)
{
    struct tally_bytes parts[PARTS_MAX + 2];
    uint8_t counter, block[TALLY_SHA256_SIZE];
    if (count > PARTS_MAX || n > TALLY_HKDF_MAX)
        return TALLY_E_FULL;
    parts[0] = (struct tally_bytes){block, 0}; /* T(0) is empty */
    for (size_t i = 0; i < count; i++)
        parts[1 + i] = info[i];
    parts[1 + count] = (struct tally_bytes){&counter, 1};

    enum tally_error e = TALLY_OK;
    counter = 1;
    for (size_t done = 0; done < n && e == TALLY_OK; done += TALLY_SHA256_SIZE, counter++) {
        e = tally_hmac_sha256((struct tally_bytes){prk, TALLY_SHA256_SIZE}, parts, count + 2, block);
        memcpy(out + done, block, n - done < TALLY_SHA256_SIZE ? n - done : TALLY_SHA256_SIZE);
        parts[0].n = TALLY_SHA256_SIZE;
    }
    tally_wipe(block, sizeof block);
    if (e != TALLY_OK)
        tally_wipe(out, n);
    return e;
}

enum tally_error tally_hkdf(struct tally_bytes salt, struct tally_bytes ikm, const struct tally_bytes *info,
                            size_t count, uint8_t *out, size_t n)
{
    uint8_t prk[TALLY_SHA256_SIZE];
    enum tally_error e = tally_hkdf_extract(salt, &ikm, 1, prk);
    if (e == TALLY_OK)
        e = tally_hkdf_expand(prk, info, count, out, n);
    tally_wipe(prk, sizeof prk);
    return e;
}

enum tally_error tally_derive_sub_key(const uint8_t vmk[SYM_KEY_SIZE], uint8_t version, uint16_t operator_id,
                                      const uint8_t serial[SERIAL_SIZE], uint8_t sub_key[SYM_KEY_SIZE])
{
    uint8_t op[2];
    be16_put(op, operator_id);
    const struct tally_bytes context[] = {{serial, SERIAL_SIZE}, {op, sizeof op}, {&version, 1}};
    return tally_kdf_cmac(vmk, LABEL_SUB_KEY, context, 3, sub_key, SYM_KEY_SIZE);
}

enum tally_error tally_derive_id_key(const uint8_t vmk[SYM_KEY_SIZE], uint8_t version, uint16_t operator_id,
                                     uint8_t id_key[SYM_KEY_SIZE])
{
    uint8_t op[2];
    be16_put(op, operator_id);
    const struct tally_bytes context[] = {{op, sizeof op}, {&version, 1}};
    return tally_kdf_cmac(vmk, LABEL_ID_KEY, context, 2, id_key, SYM_KEY_SIZE);
}

enum tally_error tally_derive_receipt_key(const uint8_t sub_key[SYM_KEY_SIZE],
                                          uint8_t receipt_key[SYM_KEY_SIZE])
{
    return tally_kdf_cmac(sub_key, LABEL_RECEIPT, NULL, 0, receipt_key, SYM_KEY_SIZE);
}

enum tally_error tally_derive_admin_key(const uint8_t master[SYM_KEY_SIZE],
                                        const uint8_t chip_id[CHIP_ID_SIZE], uint8_t admin_key[SYM_KEY_SIZE])
{
    const struct tally_bytes context = {chip_id, CHIP_ID_SIZE};
    return tally_kdf_cmac(master, LABEL_ADMIN, &context, 1, admin_key, SYM_KEY_SIZE);
}
