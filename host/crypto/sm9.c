#include "host/crypto/sm9.h"

#include <stdlib.h>
#include <string.h>

struct tally_sm9_key {
    struct identity identity;
    struct tally_sm9_masters masters;
    bool signs, decrypts;
    struct sm9_sign_key sign_key;
    struct sm9_decrypt_key decrypt_key;
    struct sm9_sign_public sign;
    struct sm9_encrypt_public encrypt;
};

static int fill(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return tally_random(out, n) == TALLY_OK ? 0 : -1;
}

struct sm9_random tally_sm9_random(void)
{
    return (struct sm9_random){fill, NULL};
}

static enum tally_error translate(enum sm9_result r)
{
    switch (r) {
    case SM9_OK: return TALLY_OK;
    case SM9_E_LENGTH: return TALLY_E_FORMAT;
    case SM9_E_RANDOM: return TALLY_E_BUG;
    default: return TALLY_E_CRYPTO;
    }
}

/* An identity's text, which lives as long as this. */
struct named {
    char text[IDENTITY_MAX + 1];
    struct sm9_id id;
};

static const struct sm9_id *name_of(const struct identity *identity, struct named *named)
{
    named->id = (struct sm9_id){(const uint8_t *)named->text, identity_print(identity, named->text)};
    return &named->id;
}

/* That the private halves are those of this identity under these masters: nothing else would notice a damaged
 * or misplaced file. */
static enum tally_error check_belonging(const struct tally_sm9_key *key)
{
    uint8_t signature[SM9_CODE_SIZE], c[SM9_G1_SIZE];
    uint8_t secret[TALLY_SM9_SECRET_SIZE], again[TALLY_SM9_SECRET_SIZE];
    enum tally_error e = TALLY_OK;
    if (key->signs) {
        e = tally_sm9_sign(key, "", NULL, 0, signature);
        if (e == TALLY_OK)
            e = tally_sm9_verify(key, &key->identity, "", NULL, 0, signature);
    }
    if (e == TALLY_OK && key->decrypts) {
        e = tally_sm9_encapsulate(key, &key->identity, c, secret);
        if (e == TALLY_OK)
            e = tally_sm9_decapsulate(key, c, again);
        if (e == TALLY_OK && !tally_equal_ct(secret, again, sizeof secret))
            e = TALLY_E_CRYPTO;
    }
    tally_wipe(secret, sizeof secret);
    tally_wipe(again, sizeof again);
    return e;
}

static enum tally_error fill_in(struct tally_sm9_key *key, const struct tally_sm9_holder *holder)
{
    struct named named;
    key->identity = holder->identity;
    key->masters = holder->masters;
    key->signs = holder->signs;
    key->decrypts = holder->decrypts;
    if (name_of(&key->identity, &named)->len == 0)
        return TALLY_E_FORMAT;
    enum sm9_result r = sm9_sign_public_init(&key->sign, holder->masters.sign);
    if (r == SM9_OK)
        r = sm9_encrypt_public_init(&key->encrypt, holder->masters.encrypt);
    if (r == SM9_OK && key->signs)
        r = sm9_sign_key_init(&key->sign_key, holder->sign_key);
    if (r == SM9_OK && key->decrypts)
        r = sm9_decrypt_key_init(&key->decrypt_key, holder->decrypt_key);
    return r == SM9_OK ? check_belonging(key) : translate(r);
}

enum tally_error tally_sm9_key_make(const struct tally_sm9_holder *holder, struct tally_sm9_key **key)
{
    struct tally_sm9_key *k = calloc(1, sizeof *k);
    *key = NULL;
    if (k == NULL)
        return TALLY_E_MEMORY;
    enum tally_error e = fill_in(k, holder);
    if (e == TALLY_OK)
        *key = k;
    else
        tally_sm9_key_free(k);
    return e;
}

enum tally_error tally_sm9_key_public(const struct tally_sm9_masters *masters,
                                      const struct identity *identity, struct tally_sm9_key **key)
{
    const struct tally_sm9_holder holder = {.identity = *identity, .masters = *masters};
    return tally_sm9_key_make(&holder, key);
}

void tally_sm9_key_free(struct tally_sm9_key *key)
{
    if (key == NULL)
        return;
    tally_wipe(&key->sign_key, sizeof key->sign_key);
    tally_wipe(&key->decrypt_key, sizeof key->decrypt_key);
    free(key);
}

const struct identity *tally_sm9_key_identity(const struct tally_sm9_key *key)
{
    return &key->identity;
}

const struct tally_sm9_masters *tally_sm9_key_masters(const struct tally_sm9_key *key)
{
    return &key->masters;
}

bool tally_sm9_key_is_private(const struct tally_sm9_key *key)
{
    return key->signs || key->decrypts;
}

/* label || parts in one piece. */
struct message {
    uint8_t bytes[TALLY_SM9_MESSAGE_MAX];
    size_t n;
};

static bool join(const char *label, const struct tally_bytes *parts, size_t count, struct message *m)
{
    m->n = strlen(label);
    if (m->n > sizeof m->bytes)
        return false;
    memcpy(m->bytes, label, m->n);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].n > sizeof m->bytes - m->n)
            return false;
        memcpy(m->bytes + m->n, parts[i].p, parts[i].n);
        m->n += parts[i].n;
    }
    return true;
}

enum tally_error tally_sm9_sign(const struct tally_sm9_key *key, const char *label,
                                const struct tally_bytes *parts, size_t count,
                                uint8_t signature[SM9_CODE_SIZE])
{
    uint8_t whole[SM9_SIGNATURE_BYTES];
    struct message m;
    const struct sm9_random random = tally_sm9_random();
    memset(signature, 0, SM9_CODE_SIZE);
    if (!key->signs)
        return TALLY_E_USAGE;
    if (!join(label, parts, count, &m))
        return TALLY_E_FORMAT;
    enum sm9_result r = sm9_sign(whole, &key->sign, &key->sign_key, m.bytes, m.n, &random);
    if (r == SM9_OK) {
        memcpy(signature, whole, FN_BYTES);
        memcpy(signature + FN_BYTES, whole + FN_BYTES + 1, G1_BYTES);
    }
    return translate(r);
}

enum tally_error tally_sm9_verify(const struct tally_sm9_key *key, const struct identity *identity,
                                  const char *label, const struct tally_bytes *parts, size_t count,
                                  const uint8_t signature[SM9_CODE_SIZE])
{
    enum { UNCOMPRESSED = 4 };
    uint8_t whole[SM9_SIGNATURE_BYTES];
    struct message m;
    struct named named;
    if (!join(label, parts, count, &m))
        return TALLY_E_FORMAT;
    memcpy(whole, signature, FN_BYTES);
    whole[FN_BYTES] = UNCOMPRESSED;
    memcpy(whole + FN_BYTES + 1, signature + FN_BYTES, G1_BYTES);
    return translate(sm9_verify(whole, &key->sign, name_of(identity, &named), m.bytes, m.n));
}

enum tally_error tally_sm9_encapsulate(const struct tally_sm9_key *key, const struct identity *identity,
                                       uint8_t c[SM9_G1_SIZE], uint8_t secret[TALLY_SM9_SECRET_SIZE])
{
    struct named named;
    const struct sm9_random random = tally_sm9_random();
    memset(secret, 0, TALLY_SM9_SECRET_SIZE);
    enum sm9_result r =
        sm9_encapsulate(secret, TALLY_SM9_SECRET_SIZE, c, &key->encrypt, name_of(identity, &named), &random);
    if (r != SM9_OK) {
        tally_wipe(c, SM9_G1_SIZE);
        tally_wipe(secret, TALLY_SM9_SECRET_SIZE);
    }
    return translate(r);
}

enum tally_error tally_sm9_decapsulate(const struct tally_sm9_key *key, const uint8_t c[SM9_G1_SIZE],
                                       uint8_t secret[TALLY_SM9_SECRET_SIZE])
{
    struct named named;
    memset(secret, 0, TALLY_SM9_SECRET_SIZE);
    if (!key->decrypts)
        return TALLY_E_USAGE;
    return translate(sm9_decapsulate(secret, TALLY_SM9_SECRET_SIZE, c, &key->decrypt_key,
                                     name_of(&key->identity, &named)));
}
