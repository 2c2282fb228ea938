#include "card/crypto/sm9_suite.h"

#include <string.h>

bool sm9_powers(struct sm9_work *work, const uint8_t sign_master[SM9_G2_SIZE],
                const uint8_t encrypt_master[SM9_G1_SIZE], uint8_t sign_power[SM9_POWER_SIZE],
                uint8_t encrypt_power[SM9_POWER_SIZE])
{
    bool ok = sm9_sign_public_init(&work->key.sign, sign_master) == SM9_OK;
    sm9_sign_public_save(&work->key.sign, sign_power);
    ok = ok && sm9_encrypt_public_init(&work->key.encrypt, encrypt_master) == SM9_OK;
    sm9_encrypt_public_save(&work->key.encrypt, encrypt_power);
    if (!ok) {
        memset(sign_power, 0, SM9_POWER_SIZE);
        memset(encrypt_power, 0, SM9_POWER_SIZE);
    }
    return ok;
}

bool sm9_private_valid(const uint8_t sign_key[SM9_G1_SIZE], const uint8_t decrypt_key[SM9_G2_SIZE])
{
    struct sm9_sign_key ds;
    struct sm9_decrypt_key de;
    bool ok = sm9_sign_key_init(&ds, sign_key) == SM9_OK && sm9_decrypt_key_init(&de, decrypt_key) == SM9_OK;
    wipe(&ds, sizeof ds);
    wipe(&de, sizeof de);
    return ok;
}

static int draw(void *ctx, uint8_t *out, size_t n)
{
    rng_bytes(ctx, out, n);
    return 0;
}

bool sm9_open_secret(struct rng *rng, const uint8_t decrypt_key[SM9_G2_SIZE], const struct identity *identity,
                     const uint8_t c[SM9_G1_SIZE], uint8_t secret[SM9_SECRET_SIZE])
{
    char text[IDENTITY_MAX + 1];
    struct sm9_decrypt_key de;
    const struct sm9_id id = {(const uint8_t *)text, identity_print(identity, text)};
    const struct sm9_random random = {draw, rng};
    memset(secret, 0, SM9_SECRET_SIZE);
    bool ok = sm9_decrypt_key_init(&de, decrypt_key) == SM9_OK &&
              sm9_decrypt_key_blind(&de, &random) == SM9_OK &&
              sm9_decapsulate(secret, SM9_SECRET_SIZE, c, &de, &id) == SM9_OK;
    wipe(&de, sizeof de);
    return ok;
}

bool sm9_load_sealer(struct sm9_work *work, const uint8_t encrypt_master[SM9_G1_SIZE],
                     const uint8_t encrypt_power[SM9_POWER_SIZE])
{
    return sm9_encrypt_public_load(&work->key.encrypt, encrypt_master, encrypt_power) == SM9_OK;
}

bool sm9_load_signer(struct sm9_work *work, const uint8_t sign_power[SM9_POWER_SIZE])
{
    return sm9_sign_public_load(&work->key.sign, NULL, sign_power) == SM9_OK;
}

bool sm9_load_verifier(struct sm9_work *work, const uint8_t sign_master[SM9_G2_SIZE],
                       const uint8_t sign_power[SM9_POWER_SIZE])
{
    return sm9_sign_public_load(&work->key.sign, sign_master, sign_power) == SM9_OK;
}

bool sm9_seal_secret(const struct sm9_work *work, struct rng *rng, const struct identity *identity,
                     uint8_t c[SM9_G1_SIZE], uint8_t secret[SM9_SECRET_SIZE])
{
    char text[IDENTITY_MAX + 1];
    const struct sm9_id id = {(const uint8_t *)text, identity_print(identity, text)};
    const struct sm9_random random = {draw, rng};
    if (sm9_encapsulate(secret, SM9_SECRET_SIZE, c, &work->key.encrypt, &id, &random) == SM9_OK)
        return true;
    wipe(c, SM9_G1_SIZE);
    wipe(secret, SM9_SECRET_SIZE);
    return false;
}

/* label || parts in one piece; its length, 0 when it does not fit. */
static size_t join(const char *label, const struct bytes *parts, size_t count,
                   uint8_t message[SM9_MESSAGE_MAX])
{
    size_t n = strlen(label);
    if (n > SM9_MESSAGE_MAX)
        return 0;
    memcpy(message, label, n);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].n > SM9_MESSAGE_MAX - n)
            return 0;
        memcpy(message + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    return n;
}

/* What a nonce is made of besides random bytes. */
struct hedge {
    struct rng *rng;
    struct bytes key, message;
};

static int draw_hedged(void *ctx, uint8_t *out, size_t n)
{
    const struct hedge *h = ctx;
    uint8_t fresh[SHA256_SIZE], mac[SHA256_SIZE];
    const struct bytes parts[] = {
        {(const uint8_t *)LABEL_SM9_NONCE, sizeof LABEL_SM9_NONCE - 1}, h->message, {fresh, sizeof fresh}};
    if (n != sizeof mac)
        return -1;
    rng_bytes(h->rng, fresh, sizeof fresh);
    hmac_sha256(h->key, parts, 3, mac);
    memcpy(out, mac, n);
    wipe(fresh, sizeof fresh);
    wipe(mac, sizeof mac);
    return 0;
}

bool sm9_sign_parts(struct sm9_work *work, struct rng *rng, const uint8_t sign_key[SM9_G1_SIZE],
                    const char *label, const struct bytes *parts, size_t count,
                    uint8_t signature[SM9_CODE_SIZE])
{
    struct sm9_sign_key ds;
    size_t n = join(label, parts, count, work->message);
    struct hedge hedge = {rng, {sign_key, SM9_G1_SIZE}, {work->message, n}};
    const struct sm9_random random = {draw_hedged, &hedge};
    memset(work->signature, 0, sizeof work->signature);
    bool ok = n > 0 && sm9_sign_key_init(&ds, sign_key) == SM9_OK &&
              sm9_sign(work->signature, &work->key.sign, &ds, work->message, n, &random) == SM9_OK;
    memcpy(signature, work->signature, FN_BYTES);
    memcpy(signature + FN_BYTES, work->signature + FN_BYTES + 1, G1_BYTES);
    wipe(&ds, sizeof ds);
    return ok;
}

bool sm9_verify_parts(struct sm9_work *work, const struct identity *identity, const char *label,
                      const struct bytes *parts, size_t count, const uint8_t signature[SM9_CODE_SIZE])
{
    enum { POINT_FOLLOWS = 4 };
    char text[IDENTITY_MAX + 1];
    const struct sm9_id id = {(const uint8_t *)text, identity_print(identity, text)};
    size_t n = join(label, parts, count, work->message);
    memcpy(work->signature, signature, FN_BYTES);
    work->signature[FN_BYTES] = POINT_FOLLOWS;
    memcpy(work->signature + FN_BYTES + 1, signature + FN_BYTES, G1_BYTES);
    return n > 0 && sm9_verify(work->signature, &work->key.sign, &id, work->message, n) == SM9_OK;
}
