#include "host/crypto/certificate.h"

#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/p256.h"

enum { ENROLMENT_SIGNED = ENROLMENT_SIZE - ECDSA_SIZE };

enum tally_error tally_enrolment_make(const struct tally_key *issuer, const struct tally_enrolment *enrolment,
                                      uint8_t out[ENROLMENT_SIZE])
{
    be16_put(out, enrolment->operator_id);
    be16_put(out + 2, enrolment->version);
    memcpy(out + 4, enrolment->authority_key, P256_PUBLIC_SIZE);
    const struct tally_bytes part = {out, ENROLMENT_SIGNED};
    enum tally_error e = tally_p256_sign(issuer, LABEL_ENROLMENT, &part, 1, out + ENROLMENT_SIGNED);
    if (e != TALLY_OK)
        memset(out, 0, ENROLMENT_SIZE);
    return e;
}

enum tally_error tally_enrolment_verify(const struct tally_key *issuer, const uint8_t in[ENROLMENT_SIZE],
                                        struct tally_enrolment *enrolment)
{
    const struct tally_bytes part = {in, ENROLMENT_SIGNED};
    memset(enrolment, 0, sizeof *enrolment);
    enum tally_error e = tally_p256_verify(issuer, LABEL_ENROLMENT, &part, 1, in + ENROLMENT_SIGNED);
    if (e == TALLY_OK) {
        enrolment->operator_id = be16_get(in);
        enrolment->version = be16_get(in + 2);
        memcpy(enrolment->authority_key, in + 4, P256_PUBLIC_SIZE);
    }
    return e;
}

/* Offsets in a gate certificate. */
enum {
    GATE_VERSION = 1,
    AT_VERSION = 0,
    AT_KIND = 1,
    AT_OPERATOR = 2,
    AT_GATE = 4,
    AT_EPOCH = 8,
    AT_NOT_AFTER = 10,
    AT_KEY = 14
};

static size_t gate_key_size(uint8_t kind)
{
    return kind == GATE_P256 ? P256_PUBLIC_SIZE : kind == GATE_RSA ? RSA_SIZE : 0;
}

enum tally_error tally_gate_certificate_make(const struct tally_key *anchor,
                                             const struct tally_gate_certificate *certificate,
                                             uint8_t out[GATE_CERT_RSA_SIZE], size_t *n)
{
    size_t key_size = gate_key_size(certificate->kind), size = AT_KEY + key_size;
    memset(out, 0, GATE_CERT_RSA_SIZE);
    *n = 0;
    if (key_size == 0)
        return TALLY_E_FORMAT;
    out[AT_VERSION] = GATE_VERSION;
    out[AT_KIND] = certificate->kind;
    be16_put(out + AT_OPERATOR, certificate->operator_id);
    be32_put(out + AT_GATE, certificate->gate);
    be16_put(out + AT_EPOCH, certificate->epoch);
    be32_put(out + AT_NOT_AFTER, certificate->not_after);
    memcpy(out + AT_KEY, certificate->public_key, key_size);
    const struct tally_bytes part = {out, size};
    enum tally_error e = tally_p256_sign(anchor, LABEL_GATE_CERTIFICATE, &part, 1, out + size);
    if (e == TALLY_OK)
        *n = size + ECDSA_SIZE;
    else
        memset(out, 0, GATE_CERT_RSA_SIZE);
    return e;
}

enum tally_error tally_gate_certificate_read(const uint8_t *in, size_t n,
                                             struct tally_gate_certificate *certificate)
{
    memset(certificate, 0, sizeof *certificate);
    if (n < AT_KEY || in[AT_VERSION] != GATE_VERSION)
        return TALLY_E_FORMAT;
    size_t key_size = gate_key_size(in[AT_KIND]);
    if (key_size == 0 || n != AT_KEY + key_size + ECDSA_SIZE)
        return TALLY_E_FORMAT;
    certificate->kind = in[AT_KIND];
    certificate->operator_id = be16_get(in + AT_OPERATOR);
    certificate->gate = be32_get(in + AT_GATE);
    certificate->epoch = be16_get(in + AT_EPOCH);
    certificate->not_after = be32_get(in + AT_NOT_AFTER);
    memcpy(certificate->public_key, in + AT_KEY, key_size);
    return TALLY_OK;
}

enum tally_error tally_gate_certificate_verify(const struct tally_key *anchor, const uint8_t *in, size_t n,
                                               struct tally_gate_certificate *certificate)
{
    enum tally_error e = tally_gate_certificate_read(in, n, certificate);
    if (e != TALLY_OK)
        return e;
    const struct tally_bytes part = {in, n - ECDSA_SIZE};
    e = tally_p256_verify(anchor, LABEL_GATE_CERTIFICATE, &part, 1, in + part.n);
    if (e != TALLY_OK)
        memset(certificate, 0, sizeof *certificate);
    return e;
}

enum tally_error tally_card_certificate_make(const struct tally_key *authority, uint16_t operator_id,
                                             const uint8_t serial[SERIAL_SIZE],
                                             const uint8_t auth_key[P256_PUBLIC_SIZE],
                                             uint8_t certificate[ECDSA_SIZE])
{
    uint8_t op[2];
    be16_put(op, operator_id);
    const struct tally_bytes parts[] = {{op, sizeof op}, {serial, SERIAL_SIZE}, {auth_key, P256_PUBLIC_SIZE}};
    return tally_p256_sign(authority, LABEL_CARD_CERTIFICATE, parts, 3, certificate);
}

enum tally_error tally_card_certificate_verify(const struct tally_key *authority, uint16_t operator_id,
                                               const uint8_t serial[SERIAL_SIZE],
                                               const uint8_t auth_key[P256_PUBLIC_SIZE],
                                               const uint8_t certificate[ECDSA_SIZE])
{
    uint8_t op[2];
    be16_put(op, operator_id);
    const struct tally_bytes parts[] = {{op, sizeof op}, {serial, SERIAL_SIZE}, {auth_key, P256_PUBLIC_SIZE}};
    return tally_p256_verify(authority, LABEL_CARD_CERTIFICATE, parts, 3, certificate);
}
