#include "host/crypto/package.h"

#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "host/crypto/p256.h"

enum { PACKAGE_VERSION = 1, PACKAGE_MARK = 1, ENVELOPE_SIZE = TALLY_PACKAGE_HEADER_SIZE + ENROLMENT_SIZE };

/* --- the plaintext, one field after the other --- */

struct writer {
    uint8_t *at;
};

static void put(struct writer *w, const void *p, size_t n)
{
    memcpy(w->at, p, n);
    w->at += n;
}

static void put8(struct writer *w, size_t v)
{
    *w->at++ = (uint8_t)v;
}

static size_t key6_size(uint8_t suite)
{
    switch (suite) {
    case SUITE_P256: return P256_PUBLIC_SIZE;
    case SUITE_RSA: return RSA_SIZE;
    default: return SM9_EPOCH_SIZE;
    }
}

/* The card's keys are its own. */
static bool holder_good(const struct tally_package *p)
{
    return p->suite != SUITE_SM9 ||
           (p->holder.identity.scheme == IDENTITY_CARD && p->holder.signs && p->holder.decrypts &&
            memcmp(p->holder.identity.serial, p->serial, SERIAL_SIZE) == 0);
}

static bool sub_keys_good(const struct tally_package *p)
{
    if (p->sub_key_count < 1 || p->sub_key_count > SUB_KEYS_MAX)
        return false;
    for (size_t i = 0; i < p->sub_key_count; i++)
        if (p->sub_keys[i].version < p->sub_key_floor || p->sub_keys[i].version == 0 ||
            (i > 0 && p->sub_keys[i].version <= p->sub_keys[i - 1].version))
            return false;
    return true;
}

static bool package_good(const struct tally_package *p)
{
    if (p->operator_id == 0 || p->version == 0)
        return false;
    if (p->action == TALLY_PACKAGE_REMOVE)
        return true;
    return p->action == TALLY_PACKAGE_SET && p->suite >= SUITE_P256 && p->suite <= SUITE_SM9 &&
           p->key6_count >= 1 && p->key6_count <= KEY6_MAX &&
           (p->key6_count == 1 || p->key6[0].version != p->key6[1].version) && sub_keys_good(p) &&
           holder_good(p);
}

/* Ppub-s, then what the card keeps as one record. */
static void put_holder(struct writer *w, const struct tally_sm9_holder *holder)
{
    uint8_t epoch[SM9_EPOCH_SIZE];
    be16_put(epoch, holder->identity.epoch);
    put(w, holder->masters.sign, sizeof holder->masters.sign);
    put(w, holder->masters.encrypt, sizeof holder->masters.encrypt);
    put(w, epoch, sizeof epoch);
    put(w, holder->sign_key, sizeof holder->sign_key);
    put(w, holder->decrypt_key, sizeof holder->decrypt_key);
}

static void put_keys(struct writer *w, const struct tally_package *p)
{
    put8(w, p->suite);
    put8(w, p->key6_count);
    for (size_t i = 0; i < p->key6_count; i++) {
        put8(w, p->key6[i].version);
        put(w, p->key6[i].key, key6_size(p->suite));
    }
    if (p->suite == SUITE_SM9) {
        put_holder(w, &p->holder);
    } else {
        put(w, p->gate_anchor, sizeof p->gate_anchor);
        put(w, p->card_certificate, sizeof p->card_certificate);
    }
    put8(w, p->sub_key_count);
    for (size_t i = 0; i < p->sub_key_count; i++) {
        put8(w, p->sub_keys[i].version);
        put(w, p->sub_keys[i].sub_key, SYM_KEY_SIZE);
        put(w, p->sub_keys[i].id_key, SYM_KEY_SIZE);
    }
}

/* Writes all but the signature and returns the size. */
static size_t put_package(const struct tally_package *p, uint8_t plain[TALLY_PACKAGE_PLAIN_MAX])
{
    struct writer w = {plain};
    uint8_t be[4];
    put(&w, p->serial, SERIAL_SIZE);
    put8(&w, p->action);
    be32_put(be, p->version);
    put(&w, be, 4);
    put8(&w, p->sub_key_floor);
    be16_put(be, p->epoch_floor);
    put(&w, be, 2);
    if (p->action == TALLY_PACKAGE_SET)
        put_keys(&w, p);
    return (size_t)(w.at - plain);
}

enum tally_error tally_package_seal(const struct tally_package *package,
                                    const uint8_t enrolment[ENROLMENT_SIZE],
                                    const struct tally_key *authority,
                                    const uint8_t card_key[P256_PUBLIC_SIZE], uint8_t out[TALLY_PACKAGE_MAX],
                                    size_t *n)
{
    uint8_t plain[TALLY_PACKAGE_PLAIN_MAX];
    memset(out, 0, TALLY_PACKAGE_MAX);
    *n = 0;
    if (!package_good(package) || be16_get(enrolment) != package->operator_id)
        return TALLY_E_FORMAT;
    out[0] = PACKAGE_VERSION;
    out[1] = PACKAGE_MARK;
    be16_put(out + 2, package->operator_id);
    out[4] = package->card_key_version;
    memcpy(out + TALLY_PACKAGE_HEADER_SIZE, enrolment, ENROLMENT_SIZE);

    size_t size = put_package(package, plain);
    const struct tally_bytes parts[] = {{out, TALLY_PACKAGE_HEADER_SIZE}, {plain, size}};
    const struct tally_bytes aad = {out, ENVELOPE_SIZE};
    enum tally_error e = tally_p256_sign(authority, LABEL_OPERATOR_PACKAGE, parts, 2, plain + size);
    size += ECDSA_SIZE;
    if (e == TALLY_OK)
        e = tally_hpke_seal(card_key, LABEL_OPERATOR_PACKAGE, &aad, 1, plain, size, out + ENVELOPE_SIZE);
    tally_wipe(plain, sizeof plain);
    if (e == TALLY_OK)
        *n = ENVELOPE_SIZE + size + TALLY_HPKE_OVERHEAD;
    else
        memset(out, 0, TALLY_PACKAGE_MAX);
    return e;
}

/* --- reading --- */

/* Once something is missing, good turns false and zeros come back. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool good;
};

static void get(struct reader *r, void *out, size_t n)
{
    if (!r->good || n > r->left) {
        r->good = false;
        memset(out, 0, n);
        return;
    }
    memcpy(out, r->at, n);
    r->at += n;
    r->left -= n;
}

static uint8_t get8(struct reader *r)
{
    uint8_t v;
    get(r, &v, 1);
    return v;
}

static void get_holder(struct reader *r, const uint8_t serial[SERIAL_SIZE], struct tally_sm9_holder *holder)
{
    uint8_t epoch[SM9_EPOCH_SIZE];
    *holder = (struct tally_sm9_holder){.identity.scheme = IDENTITY_CARD, .signs = true, .decrypts = true};
    memcpy(holder->identity.serial, serial, SERIAL_SIZE);
    get(r, holder->masters.sign, sizeof holder->masters.sign);
    get(r, holder->masters.encrypt, sizeof holder->masters.encrypt);
    get(r, epoch, sizeof epoch);
    holder->identity.epoch = be16_get(epoch);
    get(r, holder->sign_key, sizeof holder->sign_key);
    get(r, holder->decrypt_key, sizeof holder->decrypt_key);
}

static void get_keys(struct reader *r, struct tally_package *p)
{
    p->suite = get8(r);
    p->key6_count = get8(r);
    r->good = r->good && p->key6_count <= KEY6_MAX;
    for (size_t i = 0; r->good && i < p->key6_count; i++) {
        p->key6[i].version = get8(r);
        get(r, p->key6[i].key, key6_size(p->suite));
    }
    if (p->suite == SUITE_SM9) {
        get_holder(r, p->serial, &p->holder);
    } else {
        get(r, p->gate_anchor, sizeof p->gate_anchor);
        get(r, p->card_certificate, sizeof p->card_certificate);
    }
    p->sub_key_count = get8(r);
    r->good = r->good && p->sub_key_count <= SUB_KEYS_MAX;
    for (size_t i = 0; r->good && i < p->sub_key_count; i++) {
        p->sub_keys[i].version = get8(r);
        get(r, p->sub_keys[i].sub_key, SYM_KEY_SIZE);
        get(r, p->sub_keys[i].id_key, SYM_KEY_SIZE);
    }
}

static bool get_package(const uint8_t *plain, size_t n, struct tally_package *p)
{
    struct reader r = {plain, n, true};
    uint8_t be[4];
    get(&r, p->serial, SERIAL_SIZE);
    p->action = get8(&r);
    get(&r, be, 4);
    p->version = be32_get(be);
    p->sub_key_floor = get8(&r);
    get(&r, be, 2);
    p->epoch_floor = be16_get(be);
    if (p->action == TALLY_PACKAGE_SET)
        get_keys(&r, p);
    return r.good && r.left == 0 && package_good(p);
}

static enum tally_error check_signature(const struct tally_enrolment *enrolment, const uint8_t *header,
                                        const uint8_t *plain, size_t n)
{
    struct tally_key *authority;
    enum tally_error e = tally_key_from_public(enrolment->authority_key, P256_PUBLIC_SIZE, &authority);
    if (e != TALLY_OK)
        return e;
    const struct tally_bytes parts[] = {{header, TALLY_PACKAGE_HEADER_SIZE}, {plain, n}};
    e = tally_p256_verify(authority, LABEL_OPERATOR_PACKAGE, parts, 2, plain + n);
    tally_key_free(authority);
    return e;
}

enum tally_error tally_package_open(const struct tally_key *card_key, const struct tally_key *issuer,
                                    const uint8_t *in, size_t n, struct tally_package *package)
{
    uint8_t plain[TALLY_PACKAGE_PLAIN_MAX];
    struct tally_enrolment enrolment;
    memset(package, 0, sizeof *package);
    if (n < ENVELOPE_SIZE + TALLY_HPKE_OVERHEAD + ECDSA_SIZE || n > TALLY_PACKAGE_MAX ||
        in[0] != PACKAGE_VERSION || in[1] != PACKAGE_MARK)
        return TALLY_E_FORMAT;
    const struct tally_bytes aad = {in, ENVELOPE_SIZE};
    size_t size = n - ENVELOPE_SIZE - TALLY_HPKE_OVERHEAD - ECDSA_SIZE;
    enum tally_error e = tally_enrolment_verify(issuer, in + TALLY_PACKAGE_HEADER_SIZE, &enrolment);
    if (e == TALLY_OK && enrolment.operator_id != be16_get(in + 2))
        e = TALLY_E_CRYPTO;
    if (e == TALLY_OK)
        e = tally_hpke_open(card_key, LABEL_OPERATOR_PACKAGE, &aad, 1, in + ENVELOPE_SIZE, n - ENVELOPE_SIZE,
                            plain);
    if (e == TALLY_OK)
        e = check_signature(&enrolment, in, plain, size);
    package->operator_id = be16_get(in + 2);
    package->card_key_version = in[4];
    if (e == TALLY_OK && !get_package(plain, size, package))
        e = TALLY_E_FORMAT;
    tally_wipe(plain, sizeof plain);
    if (e != TALLY_OK)
        tally_wipe(package, sizeof *package);
    return e;
}
