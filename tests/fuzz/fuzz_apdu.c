/* The whole card, as a reader sees it: any sequence of commands gets answers of 2 bytes and more, and whoever
 * has no key changes neither life cycle nor keys.
 *
 * Input: a first byte that chooses the card (blank; in the field; in the field with the PIN verified; blank
 * with the issuer's channel open, where commands of CLA 84 are wrapped so that the fuzzer gets behind the
 * MAC), then commands, each with a length byte before it.
 */
#include <string.h>

#include "tests/support/must.h"
#include "tests/support/scp03_peer.h"

enum { BLANK, FIELD, FIELD_PIN, CHANNEL, CARDS };

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);

static struct ramcard *card[CARDS];
static void *start[CARDS];
static uint8_t kem_key[CARDS][KEY_P256_SIZE];
static struct scp03_peer channel;

static void prepare(void)
{
    static const uint8_t verify[] = {CLA_ISO, INS_VERIFY_PIN, 0x00, 0x81};
    struct personalised p = {.serial = {1}};
    struct reply reply;
    memcpy(p.enrolment_key, peer_point, sizeof p.enrolment_key);
    for (uint32_t i = 0; i < CARDS; i++)
        card[i] = ramcard_new(i);
    peer_personalise(card[FIELD], &p, false);
    peer_personalise(card[FIELD_PIN], &p, false);
    ramcard_command(card[FIELD_PIN], verify, (const uint8_t *)TEST_PIN, sizeof TEST_PIN - 1, &reply);
    struct hal_identity identity = ramcard_identity(card[CHANNEL]);
    peer_init(&channel, identity.admin_key);
    peer_open(&channel, card[CHANNEL]);
    for (int i = 0; i < CARDS; i++) {
        (void)card_record(ramcard_card(card[i]), REC_KEY_KEM, kem_key[i], sizeof kem_key[i]);
        start[i] = ramcard_save(card[i]);
    }
}

/* Wraps for the state that the card's channel is in. */
static void send_wrapped(const uint8_t *command, size_t n)
{
    const struct scp03 *open = &ramcard_card(card[CHANNEL])->channel;
    uint8_t wrapped[5 + PEER_WRAPPED_MAX];
    struct reply reply;
    memcpy(channel.chain, open->mac_chain, sizeof channel.chain);
    channel.counter = open->commands;
    size_t len = peer_wrap(&channel, command, command + 5, n - 5, wrapped + 5);
    memcpy(wrapped, command, 4);
    wrapped[4] = (uint8_t)len;
    ramcard_transmit(card[CHANNEL], wrapped, 5 + len, &reply);
    must(reply.sw != SW_OK || peer_unwrap(&channel, &reply));
}

static void send(int which, const uint8_t *command, size_t n)
{
    struct reply reply;
    bool makes_rsa = n > 3 && command[1] == INS_GENERATE_KEY && command[3] == KEY_REF_RSA; /* seconds */
    bool secure = n >= 5 && n <= 200 && command[0] == (CLA_PROPRIETARY | CLA_SECURE);
    bool opens = n > 1 && command[1] == INS_EXTERNAL_AUTHENTICATE;
    if (which == CHANNEL && makes_rsa)
        return;
    if (which == CHANNEL && secure && !opens && ramcard_card(card[which])->channel.state == SCP03_OPEN)
        send_wrapped(command, n);
    else
        ramcard_transmit(card[which], command, n, &reply);
}

static void expect_untouched(int which)
{
    static const uint8_t life[CARDS] = {LIFE_BLANK, LIFE_PERSONALISED, LIFE_PERSONALISED};
    uint8_t now[KEY_P256_SIZE];
    struct card *c = ramcard_card(card[which]);
    (void)card_record(c, REC_KEY_KEM, now, sizeof now);
    must(card_life(c) == life[which]);
    must(memcmp(now, kem_key[which], sizeof now) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
    if (card[0] == NULL)
        prepare();
    if (n == 0)
        return 0;
    int which = in[0] % CARDS;
    for (size_t at = 1; at < n;) {
        size_t len = in[at++];
        if (len > n - at)
            len = n - at;
        send(which, in + at, len);
        at += len;
    }
    if (which != CHANNEL)
        expect_untouched(which);
    ramcard_restore(card[which], start[which]);
    return 0;
}
