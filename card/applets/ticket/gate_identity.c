/* VERIFY by the gate's identity, suite SM9: no certificate, and no pairing here (specs/session.md). */
#include "card/apdu/card.h"
#include "card/applets/ticket/change.h"
#include "card/applets/ticket/gate_pair.h"
#include "card/wire/be.h"

/* Offsets in the credential. */
enum { AT_OPERATOR = 0, AT_GATE = 2, AT_EPOCH = 6 };

uint16_t gate_identity_check(struct card *card, struct meeting *m)
{
    m->slot = operators_find(card, be16_get(m->credential + AT_OPERATOR), &m->head);
    if (m->slot < 0 || m->head.suite != SUITE_SM9)
        return SW_KEY_ABSENT;
    m->gate = be32_get(m->credential + AT_GATE);
    return be16_get(m->credential + AT_EPOCH) < m->head.epoch_floor ? SW_AUTHENTICATION : SW_OK;
}

/* Neither of the next two is inlined: their keys need no place on the stack during the powers. */
__attribute__((noinline)) static bool load_sealer(struct card *card, int slot)
{
    uint8_t master[SM9_G1_SIZE], power[SM9_POWER_SIZE];
    return record_read(card, RECORD(REC_SM9_HOLDER, slot), SM9_HOLDER_ENCRYPT_MASTER, master,
                       sizeof master) &&
           record_read(card, RECORD(REC_SM9_POWERS, slot), SM9_POWER_ENCRYPT, power, sizeof power) &&
           sm9_load_sealer(&card->sm9, master, power);
}

__attribute__((noinline)) static bool load_signer(struct card *card, int slot)
{
    uint8_t power[SM9_POWER_SIZE];
    return record_read(card, RECORD(REC_SM9_POWERS, slot), SM9_POWER_SIGN, power, sizeof power) &&
           sm9_load_signer(&card->sm9, power);
}

bool gate_identity_agree(struct card *card, const struct meeting *m, uint8_t k[SM9_G1_SIZE],
                         uint8_t z[SM9_SECRET_SIZE])
{
    const struct identity gate = {.scheme = IDENTITY_GATE,
                                  .operator_id = m->head.id,
                                  .gate = m->gate,
                                  .epoch = be16_get(m->credential + AT_EPOCH)};
    return load_sealer(card, m->slot) && sm9_seal_secret(&card->sm9, &card->rng, &gate, k, z);
}

bool gate_identity_prove(struct card *card, const struct meeting *m, const struct bytes *parts, size_t count,
                         uint8_t out[GATE_IDENTITY_PROOF_SIZE])
{
    uint8_t key[SM9_G1_SIZE];
    uint16_t holder = RECORD(REC_SM9_HOLDER, m->slot);
    bool ok =
        load_signer(card, m->slot) && record_read(card, holder, SM9_HOLDER_EPOCH, out, SM9_EPOCH_SIZE) &&
        record_read(card, holder, SM9_HOLDER_SIGN_KEY, key, sizeof key) &&
        sm9_sign_parts(&card->sm9, &card->rng, key, LABEL_CARD_PROOF, parts, count, out + SM9_EPOCH_SIZE);
    wipe(key, sizeof key);
    return ok;
}
