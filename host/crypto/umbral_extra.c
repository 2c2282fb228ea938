#include "host/crypto/umbral_extra.h"

#include <string.h>

#include <secp256k1_recovery.h>

#include "host/crypto/kdf.h"
#include "host/crypto/umbral_curve.h"

/* ---- SecretKeyFactory ---- */

enum { INFO_MAX = 32 + TALLY_UMBRAL_LABEL_MAX };

struct info {
    uint8_t bytes[INFO_MAX];
    size_t n;
};

static enum tally_error derive(const uint8_t seed[TALLY_UMBRAL_SEED_SIZE], const char *purpose,
                               const uint8_t *label, size_t n, struct info *info, uint8_t *out, size_t out_n)
{
    memset(out, 0, out_n);
    if (n > TALLY_UMBRAL_LABEL_MAX)
        return TALLY_E_USAGE;
    info->n = strlen(purpose);
    memcpy(info->bytes, purpose, info->n);
    if (n > 0)
        memcpy(info->bytes + info->n, label, n);
    info->n += n;
    return tally_hkdf((struct tally_bytes){NULL, 0}, (struct tally_bytes){seed, TALLY_UMBRAL_SEED_SIZE},
                      &(struct tally_bytes){info->bytes, info->n}, 1, out, out_n);
}

enum tally_error tally_umbral_factory_key(const uint8_t seed[TALLY_UMBRAL_SEED_SIZE], const uint8_t *label,
                                          size_t n, struct tally_umbral_secret *key)
{
    struct info info;
    uint8_t wide[TALLY_UMBRAL_MADE_SECRET_SIZE];
    umbral_scalar scalar = {0};
    memset(key, 0, sizeof *key);
    enum tally_error e = derive(seed, "KEY_DERIVATION/", label, n, &info, wide, sizeof wide);
    if (e == TALLY_OK && !umbral_hash_under((struct tally_bytes){info.bytes, info.n},
                                            &(struct tally_bytes){wide, sizeof wide}, 1, scalar))
        e = TALLY_E_BUG;
    if (e == TALLY_OK)
        e = tally_umbral_secret_read(scalar, key);
    tally_wipe(wide, sizeof wide);
    tally_wipe(scalar, sizeof scalar);
    return e;
}

enum tally_error tally_umbral_factory_secret(const uint8_t seed[TALLY_UMBRAL_SEED_SIZE], const uint8_t *label,
                                             size_t n, uint8_t secret[TALLY_UMBRAL_MADE_SECRET_SIZE])
{
    struct info info;
    return derive(seed, "SECRET_DERIVATION/", label, n, &info, secret, TALLY_UMBRAL_MADE_SECRET_SIZE);
}

enum tally_error tally_umbral_factory_factory(const uint8_t seed[TALLY_UMBRAL_SEED_SIZE],
                                              const uint8_t *label, size_t n,
                                              uint8_t made[TALLY_UMBRAL_SEED_SIZE])
{
    struct info info;
    return derive(seed, "FACTORY_DERIVATION/", label, n, &info, made, TALLY_UMBRAL_SEED_SIZE);
}

/* ---- RecoverableSignature ---- */

enum tally_error tally_umbral_recover(const uint8_t digest[TALLY_SHA256_SIZE],
                                      const uint8_t signature[TALLY_UMBRAL_RECOVERABLE_SIZE],
                                      struct tally_umbral_public *signer)
{
    const secp256k1_context *ctx = umbral_context();
    secp256k1_ecdsa_recoverable_signature parsed;
    secp256k1_ecdsa_signature plain;
    uint8_t bytes[TALLY_UMBRAL_POINT_SIZE];
    size_t n = sizeof bytes;
    const uint8_t v = signature[TALLY_UMBRAL_SIGNATURE_SIZE];
    memset(signer, 0, sizeof *signer);
    if (v > 1 || secp256k1_ecdsa_recoverable_signature_parse_compact(ctx, &parsed, signature, v) != 1)
        return TALLY_E_FORMAT;
    /* A high s is no signature of ours, nor of the package. */
    if (secp256k1_ecdsa_recoverable_signature_convert(ctx, &plain, &parsed) != 1 ||
        secp256k1_ecdsa_signature_normalize(ctx, NULL, &plain) == 1 ||
        secp256k1_ecdsa_recover(ctx, &signer->at.point, &parsed, digest) != 1) {
        memset(signer, 0, sizeof *signer);
        return TALLY_E_CRYPTO;
    }
    secp256k1_ec_pubkey_serialize(ctx, bytes, &n, &signer->at.point, SECP256K1_EC_COMPRESSED);
    return tally_umbral_public_read(bytes, signer);
}

enum tally_error tally_umbral_recoverable(const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE],
                                          const uint8_t digest[TALLY_SHA256_SIZE],
                                          const struct tally_umbral_public *signer,
                                          uint8_t out[TALLY_UMBRAL_RECOVERABLE_SIZE])
{
    struct tally_umbral_public found;
    memcpy(out, signature, TALLY_UMBRAL_SIGNATURE_SIZE);
    for (uint8_t v = 0; v < 2; v++) {
        out[TALLY_UMBRAL_SIGNATURE_SIZE] = v;
        if (tally_umbral_recover(digest, out, &found) == TALLY_OK &&
            tally_umbral_public_equal(&found, signer))
            return TALLY_OK;
    }
    memset(out, 0, TALLY_UMBRAL_RECOVERABLE_SIZE);
    return TALLY_E_CRYPTO;
}

/* ---- ReencryptionEvidence ---- */

static bool fill_points(const struct tally_umbral_capsule *c, const struct tally_umbral_cfrag *f,
                        struct tally_umbral_point p[TALLY_UMBRAL_EVIDENCE_POINTS])
{
    umbral_scalar h;
    p[0] = c->e;
    p[2] = f->e1;
    p[4] = f->e2;
    p[5] = c->v;
    p[7] = f->v1;
    p[9] = f->v2;
    p[11] = f->commitment;
    p[13] = f->u2;
    return umbral_hash_cfrag(c, f, h) && umbral_point_mul_public(&p[0], f->z, &p[1]) &&
           umbral_point_mul_public(&p[2], h, &p[3]) && umbral_point_mul_public(&p[5], f->z, &p[6]) &&
           umbral_point_mul_public(&p[7], h, &p[8]) && umbral_u_mul(f->z, &p[10]) &&
           umbral_point_mul_public(&p[11], h, &p[12]);
}

enum tally_error tally_umbral_evidence_make(const struct tally_umbral_capsule *capsule,
                                            const struct tally_umbral_verified_cfrag *cfrag,
                                            const struct tally_umbral_public *verifying,
                                            const struct tally_umbral_public *delegating,
                                            const struct tally_umbral_public *receiving,
                                            struct tally_umbral_evidence *evidence)
{
    const struct tally_umbral_cfrag *f = &cfrag->cfrag;
    uint8_t message[UMBRAL_KFRAG_MESSAGE_MAX], recoverable[TALLY_UMBRAL_RECOVERABLE_SIZE];
    memset(evidence, 0, sizeof *evidence);
    size_t n = umbral_kfrag_message(f->id, &f->commitment, &f->precursor, delegating, receiving, message);
    enum tally_error e =
        tally_sha256_labelled("", &(struct tally_bytes){message, n}, 1, evidence->message_digest);
    if (e == TALLY_OK)
        e = tally_umbral_recoverable(f->for_receiver, evidence->message_digest, verifying, recoverable);
    if (e == TALLY_OK && !fill_points(capsule, f, evidence->point))
        e = TALLY_E_CRYPTO;
    evidence->v = e == TALLY_OK && recoverable[TALLY_UMBRAL_SIGNATURE_SIZE] == 1;
    if (e != TALLY_OK)
        memset(evidence, 0, sizeof *evidence);
    return e;
}

/* MessagePack: an array of 16 (dc 0010), 14 points, the digest, a boolean. */
static const uint8_t evidence_head[] = {0xdc, 0x00, 0x10};
enum { BIN8 = 0xc4, FALSE = 0xc2, TRUE = 0xc3, POINT_ENTRY = 2 + TALLY_UMBRAL_POINT_SIZE };

void tally_umbral_evidence_write(const struct tally_umbral_evidence *evidence,
                                 uint8_t out[TALLY_UMBRAL_EVIDENCE_SIZE])
{
    memcpy(out, evidence_head, sizeof evidence_head);
    out += sizeof evidence_head;
    for (size_t i = 0; i < TALLY_UMBRAL_EVIDENCE_POINTS; i++, out += POINT_ENTRY) {
        out[0] = BIN8;
        out[1] = TALLY_UMBRAL_POINT_SIZE;
        memcpy(out + 2, evidence->point[i].bytes, TALLY_UMBRAL_POINT_SIZE);
    }
    out[0] = BIN8;
    out[1] = TALLY_SHA256_SIZE;
    memcpy(out + 2, evidence->message_digest, TALLY_SHA256_SIZE);
    out[2 + TALLY_SHA256_SIZE] = evidence->v ? TRUE : FALSE;
}

enum tally_error tally_umbral_evidence_read(const uint8_t *in, size_t n,
                                            struct tally_umbral_evidence *evidence)
{
    memset(evidence, 0, sizeof *evidence);
    bool good = n == TALLY_UMBRAL_EVIDENCE_SIZE && memcmp(in, evidence_head, sizeof evidence_head) == 0;
    in += good ? sizeof evidence_head : 0;
    for (size_t i = 0; good && i < TALLY_UMBRAL_EVIDENCE_POINTS; i++, in += POINT_ENTRY)
        good = in[0] == BIN8 && in[1] == TALLY_UMBRAL_POINT_SIZE &&
               umbral_point_read(in + 2, &evidence->point[i]);
    if (good) {
        const uint8_t flag = in[2 + TALLY_SHA256_SIZE];
        memcpy(evidence->message_digest, in + 2, TALLY_SHA256_SIZE);
        evidence->v = flag == TRUE;
        good = in[0] == BIN8 && in[1] == TALLY_SHA256_SIZE && (flag == TRUE || flag == FALSE);
    }
    if (!good)
        memset(evidence, 0, sizeof *evidence);
    return good ? TALLY_OK : TALLY_E_FORMAT;
}
