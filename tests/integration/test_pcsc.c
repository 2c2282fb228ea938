#include <signal.h>
#include <string.h>

#include "tests/support/check_main.h"
#include "tests/support/pcscd.h"

static struct tally_private_pcscd *service;
static struct tally_pcsc *pcsc;
static struct loop_card card;
static const struct vpcd_faults no_faults;

static void start(void)
{
    service = test_pcscd_start();
    ck_assert_int_eq(tally_pcsc_open(&pcsc), TALLY_OK);
}

static void stop(void)
{
    tally_pcsc_close(pcsc);
    tally_private_pcscd_stop(service);
}

/* Sends a command of header and data and expects TALLY_OK. */
static size_t send(struct card_transport *t, uint8_t ins, unsigned p1p2, uint8_t *resp, size_t cap)
{
    const uint8_t cmd[] = {0x80, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2, 0x00, 0x00, 0x00};
    size_t n;
    ck_assert_int_eq(tally_card_transmit(t, cmd, sizeof cmd, resp, cap, &n), TALLY_OK);
    ck_assert_uint_ge(n, 2);
    return n;
}

static enum tally_error try(struct card_transport *t, uint8_t ins, unsigned p1p2)
{
    const uint8_t cmd[] = {0x80, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2, 0x00};
    uint8_t resp[64];
    size_t n = 99;
    enum tally_error e = tally_card_transmit(t, cmd, sizeof cmd, resp, sizeof resp, &n);
    if (e != TALLY_OK)
        ck_assert_uint_eq(n, 0);
    return e;
}

/* How many commands the card has seen since it was powered or reset, this one included. */
static unsigned commands_seen(struct card_transport *t)
{
    uint8_t resp[16];
    ck_assert_uint_eq(send(t, 0x14, 0, resp, sizeof resp), 3);
    return resp[0];
}

START_TEST(lists_two_slots_and_the_card_in_one)
{
    struct tally_reader_list list;
    struct tally_reader r;
    ck_assert_int_eq(tally_pcsc_list(pcsc, &list), TALLY_OK);
    ck_assert_uint_eq(list.count, 2);
    ck_assert(!list.reader[0].card && !list.reader[1].card);
    pid_t pid = test_card_insert(service, 1, &loop_card_ops, &card, no_faults);
    ck_assert_int_eq(tally_pcsc_wait_card(pcsc, NULL, TEST_DEADLINE_MS, &r), TALLY_OK);
    ck_assert_str_eq(r.name, list.reader[1].name);
    ck_assert_bytes_eq(r.atr, r.atr_len, loop_card_atr, loop_card_atr_len);
    test_card_remove(pid);
}
END_TEST

START_TEST(exchanges_up_to_4_kilobytes)
{
    uint8_t resp[4200];
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(commands_seen(t), 1);
    ck_assert_uint_eq(send(t, 0x12, 4096, resp, sizeof resp), 4098);
    for (size_t i = 0; i < 4096; i++)
        ck_assert_uint_eq(resp[i], (uint8_t)i);
    tally_card_end(t);
    tally_card_close(t);
    test_card_remove(pid);
}
END_TEST

START_TEST(gathers_61xx_and_obeys_6cxx)
{
    uint8_t resp[1200];
    const uint8_t short_le[] = {0x80, 0x18, 0x07, 0x00, 0x00};
    size_t n;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(send(t, 0x16, 1000, resp, sizeof resp), 1002);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(resp[i], (uint8_t)i);
    ck_assert_int_eq(tally_card_transmit(t, short_le, sizeof short_le, resp, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(n, 9);
    tally_card_end(t);
    tally_card_close(t);
    test_card_remove(pid);
}
END_TEST

START_TEST(card_pulled_in_mid_command_and_put_back)
{
    struct tally_reader r;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    unsigned session = t->session;
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(t->session, session);
    ck_assert_int_eq(try(t, 0x1e, 0), TALLY_E_CARD_LOST);
    ck_assert_int_eq(t->loss, TALLY_LOSS_REMOVED);
    tally_card_end(t);
    test_card_remove(pid);
    ck_assert_int_eq(tally_pcsc_wait_removal(pcsc, "Virtual PCD 00 00", TEST_DEADLINE_MS), TALLY_OK);
    ck_assert_int_eq(tally_card_begin(t), TALLY_E_NO_CARD);

    pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    ck_assert_int_eq(tally_pcsc_wait_card(pcsc, "00 00", TEST_DEADLINE_MS, &r), TALLY_OK);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(t->session, session + 1);
    ck_assert_uint_eq(commands_seen(t), 1);
    tally_card_end(t);
    tally_card_close(t);
    test_card_remove(pid);
}
END_TEST

START_TEST(reset_by_another_process_is_reported_once)
{
    struct tally_pcsc *other;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    struct card_transport *mine = test_card_connect(pcsc, 0), *theirs;
    unsigned session = mine->session;
    ck_assert_int_eq(tally_card_begin(mine), TALLY_OK);
    ck_assert_uint_eq(commands_seen(mine), 1);
    ck_assert_uint_eq(commands_seen(mine), 2);
    tally_card_end(mine);

    ck_assert_int_eq(tally_pcsc_open(&other), TALLY_OK);
    theirs = test_card_connect(other, 0);
    ck_assert_int_eq(tally_card_reset(theirs), TALLY_OK);

    ck_assert_int_eq(tally_card_begin(mine), TALLY_OK);
    ck_assert_uint_eq(mine->session, session + 1);
    ck_assert_int_eq(mine->loss, TALLY_LOSS_RESET);
    ck_assert_uint_eq(commands_seen(mine), 1);
    tally_card_end(mine);
    ck_assert_int_eq(tally_card_begin(mine), TALLY_OK);
    ck_assert_uint_eq(mine->session, session + 1);
    ck_assert_uint_eq(commands_seen(mine), 2);
    tally_card_end(mine);

    tally_card_close(theirs);
    tally_card_close(mine);
    tally_pcsc_close(other);
    test_card_remove(pid);
}
END_TEST

START_TEST(survives_a_restart_of_the_service)
{
    struct tally_reader r;
    struct tally_reader_list list;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    unsigned session = t->session;
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    tally_private_pcscd_kill(service);
    ck_assert_int_eq(try(t, 0x14, 0), TALLY_E_CARD_LOST);
    ck_assert_int_eq(t->loss, TALLY_LOSS_SERVICE);
    tally_card_end(t);
    ck_assert_int_eq(tally_card_begin(t), TALLY_E_NO_READER);
    ck_assert_int_eq(tally_pcsc_list(pcsc, &list), TALLY_E_NO_READER);

    ck_assert_int_eq(tally_private_pcscd_restart(service), TALLY_OK);
    ck_assert_int_eq(tally_pcsc_wait_card(pcsc, "0", TEST_DEADLINE_MS, &r), TALLY_OK);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(t->session, session + 1);
    ck_assert_uint_eq(commands_seen(t), 1);
    tally_card_end(t);
    tally_card_close(t);
    test_card_remove(pid);
}
END_TEST

START_TEST(an_old_context_is_renewed_by_any_call)
{
    struct tally_reader_list list;
    struct card_transport *t;
    ck_assert_int_eq(tally_pcsc_list(pcsc, &list), TALLY_OK);
    ck_assert_int_eq(tally_private_pcscd_restart(service), TALLY_OK);
    ck_assert_int_eq(tally_pcsc_list(pcsc, &list), TALLY_OK);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_int_eq(tally_private_pcscd_restart(service), TALLY_OK);
    ck_assert_int_eq(tally_pcsc_connect(pcsc, list.reader[0].name, &t), TALLY_E_NO_CARD);
    ck_assert_str_eq(tally_pcsc_reason(pcsc), "No smart card inserted.");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pcsc");
    TCase *c = tcase_create("pcsc");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, start, stop);
    tcase_add_test(c, lists_two_slots_and_the_card_in_one);
    tcase_add_test(c, exchanges_up_to_4_kilobytes);
    tcase_add_test(c, gathers_61xx_and_obeys_6cxx);
    tcase_add_test(c, card_pulled_in_mid_command_and_put_back);
    tcase_add_test(c, reset_by_another_process_is_reported_once);
    tcase_add_test(c, survives_a_restart_of_the_service);
    tcase_add_test(c, an_old_context_is_renewed_by_any_call);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
