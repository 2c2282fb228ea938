/* The issuer's secure channel, against a peer written from the standard that shares no code with the card. */
#include "tests/support/check_main.h"
#include "tests/support/scp03_peer.h"

#include <string.h>

#include "card/wire/be.h"
#include "card/wire/tlv.h"

static struct ramcard *rc;
static struct scp03_peer peer;
static struct reply reply;

static const uint8_t get_status[4] = {0x84, INS_GET_STATUS, 0, 0};
static const uint8_t put_serial[4] = {0x84, INS_PUT_DATA, 0x02, 0x01};
static const uint8_t serial[SERIAL_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};

static void setup(void)
{
    rc = ramcard_new(2);
    struct hal_identity identity = ramcard_identity(rc);
    peer_init(&peer, identity.admin_key);
}

static uint64_t operations(void)
{
    return flashsim_operations(ramcard_flash(rc));
}

static void teardown(void)
{
    ramcard_free(rc);
}

static uint8_t channel(void)
{
    return ramcard_card(rc)->channel.state;
}

static bool serial_is_there(void)
{
    return card_has_record(ramcard_card(rc), REC_SERIAL);
}

/* Everything a channel knows is gone when it is closed. */
static void expect_closed(void)
{
    static const struct scp03 closed;
    ck_assert_mem_eq(&ramcard_card(rc)->channel, &closed, sizeof closed);
}

START_TEST(opens_and_protects_both_directions)
{
    struct tlv status, chip_id;
    struct hal_identity identity = ramcard_identity(rc);
    peer_open(&peer, rc);
    ck_assert_uint_eq(channel(), SCP03_OPEN);
    peer_command(&peer, rc, INS_GET_STATUS, 0, 0, NULL, 0, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    ck_assert(tlv_find(reply.data, reply.len, 0xE1, &status));
    ck_assert(tlv_find(status.value, status.len, 0x95, &chip_id));
    ck_assert_bytes_eq(chip_id.value, chip_id.len, identity.chip_id, 8);
    peer_command(&peer, rc, INS_PUT_DATA, 2, 1, serial, sizeof serial, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    ck_assert(serial_is_there());
    peer_command(&peer, rc, INS_GET_STATUS, 0, 0, NULL, 0, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
}
END_TEST

/* Amendment D by hand, so that peer and card cannot share one misreading: fixed keys and challenges against
 * values computed step by step from the standard's formulas with a generic AES and CMAC tool. */
START_TEST(derives_what_the_standard_says)
{
    static const uint8_t s_enc[] = {0x43, 0x33, 0x73, 0xB1, 0x07, 0xC9, 0x99, 0x2E,
                                    0xE8, 0xD8, 0x7A, 0x07, 0xC5, 0x4D, 0x4B, 0x54};
    static const uint8_t s_mac[] = {0x89, 0x3D, 0xD0, 0x94, 0x3B, 0x89, 0x98, 0x0E,
                                    0xDE, 0x2F, 0x94, 0x1E, 0xB2, 0x27, 0x12, 0x72};
    static const uint8_t s_rmac[] = {0xFC, 0x77, 0xBA, 0x59, 0x74, 0x39, 0xBE, 0x49,
                                     0xCD, 0x82, 0xF0, 0x5A, 0x85, 0xAD, 0x76, 0x49};
    static const uint8_t by_card[] = {0x07, 0xEC, 0x1E, 0xE8, 0xBA, 0xF6, 0xDE, 0xD1};
    static const uint8_t by_host[] = {0x1A, 0x6C, 0x4C, 0x10, 0x6F, 0x37, 0xC5, 0xC7};
    struct scp03_keys keys;
    struct scp03 c = {0};
    uint8_t host[8], card[8], cryptogram[8];
    for (uint8_t i = 0; i < 16; i++)
        keys.enc[i] = keys.mac[i] = (uint8_t)(0x40 + i);
    for (uint8_t i = 0; i < 8; i++) {
        host[i] = i;
        card[i] = (uint8_t)(0xF0 + i);
    }
    scp03_begin(&c, &keys, host, card, cryptogram);
    ck_assert_mem_eq(c.s_enc, s_enc, sizeof s_enc);
    ck_assert_mem_eq(c.s_mac, s_mac, sizeof s_mac);
    ck_assert_mem_eq(c.s_rmac, s_rmac, sizeof s_rmac);
    ck_assert_mem_eq(cryptogram, by_card, sizeof by_card);
    ck_assert_mem_eq(c.host_cryptogram, by_host, sizeof by_host);
}
END_TEST

START_TEST(takes_every_length_short_extended_and_chained)
{
    uint8_t data[700], wrapped[PEER_WRAPPED_MAX];
    static const uint8_t header[4] = {0x84, INS_PUT_KEY, 0, KEY_REF_RSA};
    static const size_t lengths[] = {1, 15, 16, 17, 31, 32, 223, 224, 239, 240, 255, 256, 654, 656};
    memset(data, 0, sizeof data); /* zeros: the padding must be found behind them */
    peer_open(&peer, rc);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t n = peer_wrap(&peer, header, data, lengths[i], wrapped);
        if (i % 2 == 0)
            ramcard_command(rc, header, wrapped, n, &reply);
        else
            ramcard_chained(rc, header, wrapped, n, 100, &reply);
        ck_assert_uint_eq(reply.sw, SW_WRONG_LENGTH); /* decrypted to a length that PUT KEY does not take */
        ck_assert_uint_eq(channel(), SCP03_OPEN);
    }
    size_t n = peer_wrap(&peer, header, data, 655, wrapped);
    ramcard_chained(rc, header, wrapped, n, 255, &reply);
    ck_assert_uint_eq(reply.sw, SW_WRONG_DATA); /* the right length: now the data is looked at */
    ck_assert_uint_eq(channel(), SCP03_OPEN);
}
END_TEST

/* Every single bit of a command: header, data, MAC. */
START_TEST(refuses_every_changed_bit)
{
    uint8_t command[5 + 24];
    for (size_t bit = 0; bit < 8 * sizeof command; bit++) {
        if (bit / 8 == 4) /* Lc: 6700 before anything is computed */
            continue;
        card_reset(ramcard_card(rc)); /* of a chain that a bit of CLA announced */
        peer_open(&peer, rc);
        memcpy(command, put_serial, 4);
        size_t n = peer_wrap(&peer, put_serial, serial, sizeof serial, command + 5);
        command[4] = (uint8_t)n;
        ck_assert_uint_eq(n + 5, sizeof command);
        command[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ramcard_transmit(rc, command, sizeof command, &reply);
        ck_assert(!serial_is_there());
        if (bit / 8 > 4) {
            ck_assert_uint_eq(reply.sw, SW_AUTHENTICATION);
            expect_closed();
        }
    }
}
END_TEST

START_TEST(refuses_a_replayed_command)
{
    uint8_t wrapped[PEER_WRAPPED_MAX];
    peer_open(&peer, rc);
    size_t n = peer_wrap(&peer, get_status, NULL, 0, wrapped);
    ramcard_command(rc, get_status, wrapped, n, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    ramcard_command(rc, get_status, wrapped, n, &reply);
    ck_assert_uint_eq(reply.sw, SW_AUTHENTICATION);
    expect_closed();
    ramcard_command(rc, get_status, wrapped, n, &reply);
    ck_assert_uint_eq(reply.sw, SW_SECURITY_STATUS);
}
END_TEST

START_TEST(refuses_commands_out_of_order)
{
    uint8_t first[PEER_WRAPPED_MAX], second[PEER_WRAPPED_MAX];
    peer_open(&peer, rc);
    (void)peer_wrap(&peer, put_serial, serial, sizeof serial, first);
    size_t n = peer_wrap(&peer, put_serial, serial, sizeof serial, second);
    ramcard_command(rc, put_serial, second, n, &reply);
    ck_assert_uint_eq(reply.sw, SW_AUTHENTICATION);
    expect_closed();
    ramcard_command(rc, put_serial, first, n, &reply);
    ck_assert_uint_eq(reply.sw, SW_SECURITY_STATUS);
    ck_assert(!serial_is_there());
}
END_TEST

/* A command of one channel is worth nothing in the next one. */
START_TEST(refuses_a_command_of_another_channel)
{
    uint8_t wrapped[PEER_WRAPPED_MAX];
    peer_open(&peer, rc);
    size_t n = peer_wrap(&peer, put_serial, serial, sizeof serial, wrapped);
    peer_open(&peer, rc);
    ramcard_command(rc, put_serial, wrapped, n, &reply);
    ck_assert_uint_eq(reply.sw, SW_AUTHENTICATION);
    ck_assert(!serial_is_there());
}
END_TEST

/* With a right MAC, wrong padding: only a peer that knows the keys gets here. */
START_TEST(refuses_wrong_padding)
{
    enum { SIZE = 2 * SCP03_BLOCK_SIZE };
    static const uint8_t plain[][SIZE] = {{0},           {[16] = 0x80, [17] = 1},    {[31] = 0x01},
                                          {[16] = 0x40}, {[30] = 0x80, [31] = 0x40}, {[15] = 0x80}};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        uint8_t data[SIZE + SCP03_MAC_SIZE], counter[16] = {[15] = 1}, iv[16], mac[16];
        const uint8_t header[5] = {0x84, INS_PUT_DATA, 2, 1, sizeof data};
        peer_open(&peer, rc);
        struct scp03 keys = ramcard_card(rc)->channel;
        memcpy(data, plain[i], SIZE);
        aes128_block(keys.s_enc, counter, iv);
        cbc_encrypt(keys.s_enc, iv, data, SIZE);
        struct bytes parts[] = {{keys.mac_chain, 16}, {header, 5}, {data, SIZE}};
        cmac(keys.s_mac, parts, 3, mac);
        memcpy(data + SIZE, mac, SCP03_MAC_SIZE);
        ramcard_command(rc, put_serial, data, sizeof data, &reply);
        ck_assert_uint_eq(reply.sw, SW_AUTHENTICATION);
        expect_closed();
    }
}
END_TEST

START_TEST(refuses_data_shorter_than_a_mac)
{
    static const uint8_t zeros[24];
    for (size_t n = 0; n <= 24; n++) {
        peer_open(&peer, rc);
        ramcard_command(rc, put_serial, zeros, n, &reply);
        ck_assert_uint_eq(reply.sw, SW_AUTHENTICATION);
        expect_closed();
    }
}
END_TEST

START_TEST(wants_the_channel)
{
    const uint8_t plain[4] = {0x80, INS_PUT_DATA, 2, 1};
    ramcard_select(rc, TALLY_AID_ISSUER);
    ramcard_command(rc, plain, serial, sizeof serial, &reply);
    ck_assert_uint_eq(reply.sw, SW_SECURITY_STATUS);
    ramcard_command(rc, put_serial, serial, sizeof serial, &reply);
    ck_assert_uint_eq(reply.sw, SW_SECURITY_STATUS);
    ck_assert_uint_eq(peer_begin(&peer, rc), SW_OK); /* begun is not open */
    ramcard_command(rc, put_serial, serial, sizeof serial, &reply);
    ck_assert_uint_eq(reply.sw, SW_SECURITY_STATUS);
    peer_open(&peer, rc);
    ramcard_command(rc, plain, serial, sizeof serial, &reply);
    ck_assert_uint_eq(reply.sw, SW_SECURITY_STATUS);
    ck_assert(!serial_is_there());
}
END_TEST

/* A plain command in between learns nothing that only the issuer may know, and does not disturb. */
START_TEST(gives_plain_commands_no_authority)
{
    const uint8_t plain[4] = {0x80, INS_GET_STATUS, 0, 0};
    struct tlv status, chip_id;
    peer_open(&peer, rc);
    ramcard_command(rc, plain, NULL, 0, &reply);
    ck_assert(tlv_find(reply.data, reply.len, 0xE1, &status));
    ck_assert(!tlv_find(status.value, status.len, 0x95, &chip_id));
    peer_command(&peer, rc, INS_PUT_DATA, 2, 1, serial, sizeof serial, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
}
END_TEST

/* Refused before the MAC: as if not sent. Refused after it: the channel goes on. */
START_TEST(survives_commands_that_are_merely_refused)
{
    static const uint8_t unknown[4] = {0x84, 0xEE, 0, 0}, wrong[4] = {0x84, INS_PUT_DATA, 2, 9};
    peer_open(&peer, rc);
    ramcard_command(rc, unknown, serial, sizeof serial, &reply);
    ck_assert_uint_eq(reply.sw, SW_INS_UNSUPPORTED);
    ramcard_command(rc, wrong, serial, sizeof serial, &reply);
    ck_assert_uint_eq(reply.sw, SW_WRONG_P1P2);
    peer_command(&peer, rc, INS_PUT_DATA, 2, 1, serial, 7, &reply);
    ck_assert_uint_eq(reply.sw, SW_WRONG_LENGTH);
    peer_command(&peer, rc, INS_PUT_DATA, 2, 1, serial, sizeof serial, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
}
END_TEST

START_TEST(closes_at_select_reset_and_a_new_beginning)
{
    peer_open(&peer, rc);
    ramcard_select(rc, TALLY_AID_ISSUER);
    expect_closed();
    peer_open(&peer, rc);
    ramcard_select(rc, TALLY_AID_TICKET);
    expect_closed();
    peer_open(&peer, rc);
    card_reset(ramcard_card(rc));
    expect_closed();
    peer_open(&peer, rc);
    ck_assert_uint_eq(peer_begin(&peer, rc), SW_OK);
    ck_assert_uint_eq(channel(), SCP03_CHALLENGED);
}
END_TEST

/* ---- Opening ---- */

static uint16_t fail_once(void)
{
    uint16_t sw = peer_begin(&peer, rc);
    if (sw != SW_OK)
        return sw;
    peer.host_cryptogram[0] ^= 1;
    return peer_finish(&peer, rc);
}

START_TEST(refuses_a_wrong_cryptogram_and_a_wrong_mac)
{
    static const uint8_t header[] = {0x84, INS_EXTERNAL_AUTHENTICATE, 0x33, 0};
    uint8_t data[16] = {0};
    ramcard_select(rc, TALLY_AID_ISSUER);
    ck_assert_uint_eq(fail_once(), SW_AUTHENTICATION);
    expect_closed();
    ck_assert_uint_eq(peer_begin(&peer, rc), SW_OK);
    memcpy(data, peer.host_cryptogram, 8);
    ramcard_command(rc, header, data, sizeof data, &reply);
    ck_assert_uint_eq(reply.sw, SW_AUTHENTICATION);
    expect_closed();
    ck_assert_uint_eq(peer_finish(&peer, rc), SW_CONDITIONS);
}
END_TEST

START_TEST(takes_level_33_only)
{
    uint8_t header[] = {0x84, INS_EXTERNAL_AUTHENTICATE, 0, 0};
    static const uint8_t data[16];
    ramcard_select(rc, TALLY_AID_ISSUER);
    for (unsigned level = 0; level <= 255; level++) {
        if (level == 0x33)
            continue;
        header[2] = (uint8_t)level;
        ramcard_command(rc, header, data, sizeof data, &reply);
        ck_assert_uint_eq(reply.sw, SW_WRONG_P1P2);
    }
    header[0] = 0x80;
    header[2] = 0x33;
    ramcard_command(rc, header, data, sizeof data, &reply);
    ck_assert_uint_eq(reply.sw, SW_SECURITY_STATUS);
}
END_TEST

START_TEST(never_repeats_a_challenge)
{
    static const uint8_t header[] = {0x80, INS_INITIALIZE_UPDATE, 0, 0};
    static const uint8_t challenge[8];
    uint8_t seen[50][8];
    ramcard_select(rc, TALLY_AID_ISSUER);
    for (size_t i = 0; i < 50; i++) {
        ramcard_command(rc, header, challenge, 8, &reply);
        memcpy(seen[i], reply.data + 13, 8);
        for (size_t j = 0; j < i; j++)
            ck_assert_mem_ne(seen[i], seen[j], 8);
    }
}
END_TEST

START_TEST(locks_after_five_failures)
{
    ramcard_select(rc, TALLY_AID_ISSUER);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_eq(fail_once(), SW_AUTHENTICATION);
    ck_assert_uint_eq(fail_once(), SW_PIN_BLOCKED);
    ck_assert_uint_eq(peer_begin(&peer, rc), SW_PIN_BLOCKED);
    /* From now on one attempt a power session, at no cost in flash. */
    for (unsigned i = 0; i < 10; i++) {
        ramcard_power_cycle(rc);
        ramcard_select(rc, TALLY_AID_ISSUER);
        uint64_t before = operations();
        ck_assert_uint_eq(fail_once(), SW_AUTHENTICATION);
        ck_assert_uint_eq(fail_once(), SW_PIN_BLOCKED);
        ck_assert_uint_eq(operations(), before);
    }
    /* Who has the key is not locked out, and starts the count again. */
    ramcard_power_cycle(rc);
    peer_open(&peer, rc);
    ramcard_select(rc, TALLY_AID_ISSUER);
    for (unsigned i = 0; i < 5; i++)
        ck_assert_uint_eq(fail_once(), SW_AUTHENTICATION);
    ck_assert_uint_eq(fail_once(), SW_PIN_BLOCKED);
}
END_TEST

/* Power cuts between failures do not give tries back. */
START_TEST(counts_failures_across_power_cuts)
{
    for (unsigned i = 0; i < 4; i++) {
        ramcard_select(rc, TALLY_AID_ISSUER);
        ck_assert_uint_eq(fail_once(), SW_AUTHENTICATION);
        ramcard_power_cycle(rc);
    }
    ramcard_select(rc, TALLY_AID_ISSUER);
    ck_assert_uint_eq(fail_once(), SW_AUTHENTICATION);
    ck_assert_uint_eq(fail_once(), SW_PIN_BLOCKED);
}
END_TEST

/* When the count cannot be written, the proof is not looked at. */
START_TEST(counts_before_it_compares)
{
    ramcard_select(rc, TALLY_AID_ISSUER);
    ck_assert_uint_eq(peer_begin(&peer, rc), SW_OK);
    flashsim_cut_after(ramcard_flash(rc), 0, 1);
    ck_assert_uint_eq(peer_finish(&peer, rc), SW_MEMORY_FAILURE);
    expect_closed();
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("scp03");
    TCase *t = tcase_create("scp03");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, opens_and_protects_both_directions);
    tcase_add_test(t, derives_what_the_standard_says);
    tcase_add_test(t, takes_every_length_short_extended_and_chained);
    tcase_add_test(t, refuses_every_changed_bit);
    tcase_add_test(t, refuses_a_replayed_command);
    tcase_add_test(t, refuses_commands_out_of_order);
    tcase_add_test(t, refuses_a_command_of_another_channel);
    tcase_add_test(t, refuses_wrong_padding);
    tcase_add_test(t, refuses_data_shorter_than_a_mac);
    tcase_add_test(t, wants_the_channel);
    tcase_add_test(t, gives_plain_commands_no_authority);
    tcase_add_test(t, survives_commands_that_are_merely_refused);
    tcase_add_test(t, closes_at_select_reset_and_a_new_beginning);
    tcase_add_test(t, refuses_a_wrong_cryptogram_and_a_wrong_mac);
    tcase_add_test(t, takes_level_33_only);
    tcase_add_test(t, never_repeats_a_challenge);
    tcase_add_test(t, locks_after_five_failures);
    tcase_add_test(t, counts_failures_across_power_cuts);
    tcase_add_test(t, counts_before_it_compares);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
