/* WRITE USAGE and DELETE inside a gate session. */
#include "host/crypto/gate_session_internal.h"
#include "host/crypto/kdf.h"

enum { USAGE_AT_KEY_VERSION = 26 };

static enum tally_error seal_command(struct tally_gate_session *s, uint8_t ins, const uint8_t *plain,
                                     size_t n, uint8_t phase, struct tally_gate_command *command)
{
    uint8_t nonce[SESSION_NONCE_SIZE];
    const uint8_t header[] = {CLA_PROPRIETARY, ins, 0, 0};
    const struct tally_bytes aad = {header, sizeof header};
    memset(command, 0, sizeof *command);
    enum tally_error e = s->phase == PHASE_OPEN ? TALLY_OK : TALLY_E_STATE;
    if (e == TALLY_OK) {
        s->counter++;
        make_nonce(TO_CARD, s->counter, nonce);
        e = tally_ccm_seal(s->write_key, nonce, &aad, 1, plain, n, command->data);
    }
    if (e == TALLY_OK) {
        command->ins = ins;
        command->n = n + SESSION_TAG_SIZE;
        s->phase = phase;
    } else {
        tally_gate_end(s);
    }
    return e;
}

static enum tally_error open_response(const struct tally_gate_session *s, uint8_t ins,
                                      const uint8_t *response, size_t n, uint8_t *plain, size_t plain_size)
{
    uint8_t nonce[SESSION_NONCE_SIZE];
    const uint8_t header[] = {CLA_PROPRIETARY, ins, 0, 0};
    const struct tally_bytes aad = {header, sizeof header};
    if (n != plain_size + SESSION_TAG_SIZE)
        return TALLY_E_FORMAT;
    make_nonce(TO_GATE, s->counter, nonce);
    return tally_ccm_open(s->write_key, nonce, &aad, 1, response, n, plain);
}

/* When the receipt was made with the sub-key that this session knows, its MAC must be right. */
static enum tally_error check_receipt(const struct tally_gate_session *s, const uint8_t usage[USAGE_SIZE])
{
    uint8_t key[SYM_KEY_SIZE];
    if (s->mode != GATE_SUB_KEY || usage[USAGE_AT_KEY_VERSION] != s->key_version)
        return TALLY_OK;
    enum tally_error e = tally_derive_receipt_key(s->sub_key, key);
    if (e == TALLY_OK)
        e = tally_receipt_verify(key, s->serial, s->operator_id, s->tid, usage);
    tally_wipe(key, sizeof key);
    return e;
}

static enum tally_error finish(struct tally_gate_session *s, enum tally_error e, uint8_t usage[USAGE_SIZE])
{
    if (e == TALLY_OK)
        e = check_receipt(s, usage);
    s->phase = PHASE_OPEN;
    if (e != TALLY_OK) {
        memset(usage, 0, USAGE_SIZE);
        tally_gate_end(s);
    }
    return e;
}

enum tally_error tally_gate_write(struct tally_gate_session *s, const uint8_t tid[TID_SIZE],
                                  const uint8_t gate_part[USAGE_GATE_PART],
                                  struct tally_gate_command *command)
{
    uint8_t plain[TID_SIZE + USAGE_GATE_PART];
    memcpy(plain, tid, TID_SIZE);
    memcpy(plain + TID_SIZE, gate_part, USAGE_GATE_PART);
    memcpy(s->tid, tid, TID_SIZE);
    memcpy(s->gate_part, gate_part, USAGE_GATE_PART);
    return seal_command(s, INS_WRITE_USAGE, plain, sizeof plain, PHASE_WRITING, command);
}

enum tally_error tally_gate_written(struct tally_gate_session *s, const uint8_t *response, size_t n,
                                    uint8_t usage[USAGE_SIZE])
{
    memcpy(usage, s->gate_part, USAGE_GATE_PART);
    enum tally_error e = s->phase != PHASE_WRITING ? TALLY_E_STATE
                                                   : open_response(s, INS_WRITE_USAGE, response, n,
                                                                   usage + USAGE_GATE_PART, USAGE_CARD_PART);
    return finish(s, e, usage);
}

enum tally_error tally_gate_delete(struct tally_gate_session *s, const uint8_t tid[TID_SIZE],
                                   struct tally_gate_command *command)
{
    memcpy(s->tid, tid, TID_SIZE);
    return seal_command(s, INS_DELETE, tid, TID_SIZE, PHASE_DELETING, command);
}

enum tally_error tally_gate_deleted(struct tally_gate_session *s, const uint8_t *response, size_t n,
                                    uint8_t usage[USAGE_SIZE])
{
    enum { AT_EVENT = 1 };
    enum tally_error e = s->phase != PHASE_DELETING
                             ? TALLY_E_STATE
                             : open_response(s, INS_DELETE, response, n, usage, USAGE_SIZE);
    if (e == TALLY_OK && usage[AT_EVENT] != EVENT_DELETED)
        e = TALLY_E_FORMAT;
    return finish(s, e, usage);
}
