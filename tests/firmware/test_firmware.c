/* What is the target's own: personalised on the microcontroller, its flash in a file, its power a process. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/support/check_main.h"
#include "tests/support/mcucard.h"
#include "tests/support/scp03_peer.h"

enum { SKIPPED = 77, STACK_RESERVED = 6 * 1024 };

static struct ramcard *rc;
static struct mcucard *mcu;

static void set_up(void)
{
    rc = ramcard_new(3);
    mcu = mcucard_take(rc, false, 3);
}

static void tear_down(void)
{
    ramcard_free(rc);
    mcucard_free(mcu);
}

static uint16_t verify_pin(const char *pin)
{
    static const uint8_t header[4] = {CLA_ISO, INS_VERIFY_PIN, 0, 0x81};
    struct reply reply;
    ramcard_command(rc, header, (const uint8_t *)pin, strlen(pin), &reply);
    return reply.sw;
}

static struct personalised personalise(void)
{
    struct personalised p = {.serial = {1, 2, 3}};
    memcpy(p.enrolment_key, peer_point, sizeof p.enrolment_key);
    peer_personalise(rc, &p, false);
    return p;
}

START_TEST(is_personalised_like_any_card)
{
    struct personalised p = personalise();
    uint8_t serial[SERIAL_SIZE], kem[KEY_P256_SIZE];
    ck_assert_uint_eq(p.kem_key[0], 4);
    /* The card of this process reads the flash that the other one wrote. */
    struct card *look = ramcard_card(rc);
    ck_assert_uint_eq(card_life(look), LIFE_PERSONALISED);
    ck_assert(card_serial(look, serial));
    ck_assert_mem_eq(serial, p.serial, SERIAL_SIZE);
    ck_assert(card_record(look, REC_KEY_KEM, kem, sizeof kem));
    ck_assert_mem_eq(kem + KEY_P256_PUBLIC, p.kem_key + 1, P256_PUBLIC_SIZE);
    ck_assert_uint_lt(mcucard_spent(mcu).stack, STACK_RESERVED);
}
END_TEST

START_TEST(pin_tries_survive_the_kill)
{
    personalise();
    ck_assert_uint_eq(verify_pin("9999"), SW_PIN_TRIES | (PIN_TRIES - 1));
    ck_assert_uint_eq(verify_pin("9999"), SW_PIN_TRIES | (PIN_TRIES - 2));
    ck_assert_int_eq(kill(mcucard_machine(mcu)->pid, SIGKILL), 0);
    ck_assert_uint_eq(verify_pin("9999"), SW_MEMORY_FAILURE);
    ramcard_power_cycle(rc);
    ck_assert_uint_eq(verify_pin(""), SW_PIN_TRIES | (PIN_TRIES - 2));
    for (unsigned left = PIN_TRIES - 2; left > 1; left--)
        ck_assert_uint_eq(verify_pin("9999"), SW_PIN_TRIES | (left - 1));
    ck_assert_uint_eq(verify_pin("9999"), SW_PIN_TRIES);
    ramcard_power_cycle(rc);
    ck_assert_uint_eq(verify_pin(TEST_PIN), SW_PIN_BLOCKED);
}
END_TEST

START_TEST(commands_longer_than_its_buffer_are_answered)
{
    static uint8_t command[7 + 65535] = {CLA_PROPRIETARY, INS_LOAD, 0, 0, 0, 0xff, 0xff};
    static const uint8_t status[] = {CLA_PROPRIETARY, INS_GET_STATUS, 0, 0, 0};
    struct reply reply;
    for (size_t n = 1; n < 7 + 1400; n += 61) {
        ramcard_transmit(rc, command, n, &reply);
        ck_assert_uint_ne(reply.sw, SW_OK);
    }
    ramcard_transmit(rc, command, VPCD_MESSAGE_MAX, &reply);
    ck_assert_uint_eq(reply.sw, SW_WRONG_LENGTH);
    ramcard_transmit(rc, status, sizeof status, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
}
END_TEST

/* The count is the same in two runs, and power is lost at the instruction that was asked for: a cut far
 * beyond the command does not happen, one within it does. */
START_TEST(counts_instructions_and_trips_at_one)
{
    static const uint8_t status[] = {CLA_PROPRIETARY, INS_GET_STATUS, 0, 0, 0};
    uint64_t counts[2];
    struct reply reply;
    struct mcard *machine = mcucard_machine(mcu);
    machine->counting = true;
    for (size_t i = 0; i < 2; i++) {
        ramcard_power_cycle(rc);
        mcucard_spent(mcu);
        ramcard_transmit(rc, status, sizeof status, &reply);
        counts[i] = mcucard_spent(mcu).instructions;
    }
    ck_assert_uint_eq(counts[0], counts[1]);
    ck_assert_uint_gt(counts[0], 1000);
    mcard_trip(machine, 2 * counts[0]);
    ramcard_transmit(rc, status, sizeof status, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
    mcard_trip(machine, counts[0] / 2);
    ramcard_transmit(rc, status, sizeof status, &reply);
    ck_assert_uint_eq(reply.sw, SW_MEMORY_FAILURE);
    ramcard_power_cycle(rc);
    ramcard_transmit(rc, status, sizeof status, &reply);
    ck_assert_uint_eq(reply.sw, SW_OK);
}
END_TEST

int main(void)
{
    if (!mcucard_available())
        return SKIPPED;
    Suite *s = suite_create("firmware");
    TCase *c = tcase_create("target");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, is_personalised_like_any_card);
    tcase_add_test(c, pin_tries_survive_the_kill);
    tcase_add_test(c, commands_longer_than_its_buffer_are_answered);
    tcase_add_test(c, counts_instructions_and_trips_at_one);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
