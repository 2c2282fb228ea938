/* Lost links, late and hostile answers, other processes and foreign tools. */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/pcscd.h"

#define SLOT_0 "Virtual PCD 00 00"

static struct tally_private_pcscd *service;
static struct tally_pcsc *pcsc;
static struct loop_card card;
static const struct vpcd_faults no_faults;
static uint8_t resp[TALLY_APDU_MAX_RESPONSE];

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

static enum tally_error ask(struct card_transport *t, uint8_t ins, unsigned p1p2, size_t cap, size_t *n)
{
    const uint8_t cmd[] = {0x80, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2};
    *n = 99;
    return tally_card_exchange(t, cmd, sizeof cmd, resp, cap, n);
}

static unsigned commands_seen(struct card_transport *t)
{
    size_t n;
    ck_assert_int_eq(ask(t, 0x14, 0, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(n, 3);
    return resp[0];
}

/* The card is lost at its second command and comes back by itself. */
static void lost_and_found(struct vpcd_faults faults)
{
    struct tally_reader r;
    size_t n;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    unsigned session = t->session;
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(commands_seen(t), 1);
    ck_assert_int_eq(ask(t, 0x14, 0, sizeof resp, &n), TALLY_E_CARD_LOST);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(t->loss, TALLY_LOSS_REMOVED);
    tally_card_end(t);
    ck_assert_int_eq(tally_pcsc_wait_removal(pcsc, SLOT_0, TEST_DEADLINE_MS), TALLY_OK);
    ck_assert_int_eq(tally_pcsc_wait_card(pcsc, SLOT_0, TEST_DEADLINE_MS, &r), TALLY_OK);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(t->session, session + 1);
    ck_assert_uint_eq(commands_seen(t), 1);
    tally_card_end(t);
    tally_card_close(t);
    test_card_remove(pid);
}

START_TEST(link_dropped_before_a_command)
{
    lost_and_found((struct vpcd_faults){.drop_command = 2});
}
END_TEST

START_TEST(link_dropped_before_an_answer)
{
    lost_and_found((struct vpcd_faults){.drop_answer = 2});
}
END_TEST

START_TEST(a_late_answer_is_an_answer)
{
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card,
                                 (struct vpcd_faults){.delay_at = 2, .delay_ms = 300});
    struct card_transport *t = test_card_connect(pcsc, 0);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(commands_seen(t), 1);
    ck_assert_uint_eq(commands_seen(t), 2);
    tally_card_end(t);
    tally_card_close(t);
    test_card_remove(pid);
}
END_TEST

START_TEST(answers_without_a_status_word_are_malformed)
{
    size_t n;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_int_eq(ask(t, 0x1a, 0x0100, sizeof resp, &n), TALLY_E_FORMAT);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(commands_seen(t), 2);
    tally_card_end(t);
    tally_card_close(t);
    test_card_remove(pid);
}
END_TEST

START_TEST(an_answer_too_long_for_the_caller_leaves_a_fresh_card)
{
    size_t n;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    unsigned session = t->session;
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    memset(resp, 0xee, sizeof resp);
    ck_assert_int_eq(ask(t, 0x12, 1000, 1001, &n), TALLY_E_FULL);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(resp[1001], 0xee);
    tally_card_end(t);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_uint_eq(t->session, session + 1);
    ck_assert_uint_eq(commands_seen(t), 1);
    tally_card_end(t);
    tally_card_close(t);
    test_card_remove(pid);
}
END_TEST

START_TEST(the_longest_messages_of_the_link_pass)
{
    static uint8_t cmd[VPCD_MESSAGE_MAX] = {
        0x80, 0x01, 0, 0, 0, (VPCD_MESSAGE_MAX - 7) >> 8, (VPCD_MESSAGE_MAX - 7) & 255};
    size_t n;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_int_eq(ask(t, 0x12, VPCD_MESSAGE_MAX - 2, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(n, VPCD_MESSAGE_MAX);
    ck_assert_int_eq(ask(t, 0x12, VPCD_MESSAGE_MAX - 1, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(resp[0], 0x67);
    ck_assert_int_eq(tally_card_exchange(t, cmd, sizeof cmd, resp, sizeof resp, &n), TALLY_OK);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(resp[0], 0x6d);
    tally_card_end(t);
    tally_card_close(t);
    test_card_remove(pid);
}
END_TEST

/* A card that tells by a pipe that it has a command, and then never answers. */
static int silent_pipe[2];

static size_t silent_transmit(void *c, const uint8_t *cmd, size_t n, uint8_t *out, size_t cap)
{
    (void)c;
    (void)cmd;
    (void)n;
    (void)out;
    (void)cap;
    (void)!write(silent_pipe[1], "", 1);
    (void)pause();
    return 0;
}

static void *remove_when_asked(void *pid)
{
    char byte;
    ck_assert_int_eq(read(silent_pipe[0], &byte, 1), 1);
    ck_assert_int_eq(kill(*(pid_t *)pid, SIGKILL), 0);
    return NULL;
}

START_TEST(no_answer_until_the_card_is_gone)
{
    struct vcard_ops silent = loop_card_ops;
    pthread_t thread;
    size_t n;
    ck_assert_int_eq(pipe(silent_pipe), 0);
    silent.transmit = silent_transmit;
    pid_t pid = test_card_insert(service, 0, &silent, &card, no_faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, remove_when_asked, &pid), 0);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert_int_eq(ask(t, 0x14, 0, sizeof resp, &n), TALLY_E_CARD_LOST);
    tally_card_end(t);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    tally_card_close(t);
}
END_TEST

START_TEST(two_cards_in_two_slots_at_once)
{
    pid_t first = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    pid_t second = test_card_insert(service, 1, &loop_card_ops, &card, no_faults);
    struct card_transport *a = test_card_connect(pcsc, 0), *b = test_card_connect(pcsc, 1);
    char name[64];
    ck_assert_int_eq(tally_card_begin(a), TALLY_OK);
    ck_assert_int_eq(tally_card_begin(b), TALLY_OK);
    for (unsigned i = 1; i <= 5; i++)
        ck_assert_uint_eq(commands_seen(a), i);
    ck_assert_uint_eq(commands_seen(b), 1);
    tally_card_describe(b, name, sizeof name);
    ck_assert_str_eq(name, "PC/SC reader Virtual PCD 00 01");
    tally_card_end(a);
    tally_card_end(b);
    tally_card_close(a);
    ck_assert_int_eq(tally_card_begin(b), TALLY_OK);
    ck_assert_uint_eq(commands_seen(b), 2);
    tally_card_end(b);
    tally_card_close(b);
    test_card_remove(first);
    test_card_remove(second);
}
END_TEST

static bool held;

static void *second_user(void *unused)
{
    struct tally_pcsc *other;
    (void)unused;
    ck_assert_int_eq(tally_pcsc_open(&other), TALLY_OK);
    struct card_transport *t = test_card_connect(other, 0);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    ck_assert(!__atomic_load_n(&held, __ATOMIC_SEQ_CST));
    tally_card_end(t);
    tally_card_close(t);
    tally_pcsc_close(other);
    return NULL;
}

START_TEST(a_transaction_keeps_others_out)
{
    pthread_t thread;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    struct card_transport *t = test_card_connect(pcsc, 0);
    ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
    held = true;
    ck_assert_int_eq(pthread_create(&thread, NULL, second_user, NULL), 0);
    for (unsigned i = 1; i <= 200; i++)
        ck_assert_uint_eq(commands_seen(t), i);
    __atomic_store_n(&held, false, __ATOMIC_SEQ_CST);
    tally_card_end(t);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    tally_card_close(t);
    test_card_remove(pid);
}
END_TEST

static void *wait_for_card(void *result)
{
    struct tally_reader r;
    *(enum tally_error *)result = tally_pcsc_wait_card(pcsc, NULL, TALLY_WAIT_FOREVER, &r);
    return NULL;
}

START_TEST(a_wait_outlives_the_service)
{
    pthread_t thread;
    enum tally_error result = TALLY_E_BUG;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_card, &result), 0);
    tally_private_pcscd_kill(service);
    ck_assert_int_eq(tally_private_pcscd_restart(service), TALLY_OK);
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(result, TALLY_OK);
    test_card_remove(pid);
}
END_TEST

START_TEST(a_wait_is_cancelled)
{
    pthread_t thread;
    enum tally_error result = TALLY_E_BUG;
    ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_card, &result), 0);
    tally_pcsc_cancel(pcsc);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(result, TALLY_E_STATE);
}
END_TEST

START_TEST(an_empty_reader_is_told_from_none)
{
    struct tally_reader r;
    struct card_transport *t;
    ck_assert_int_eq(tally_pcsc_wait_card(pcsc, "0", 0, &r), TALLY_E_NO_CARD);
    ck_assert_int_eq(tally_pcsc_wait_card(pcsc, "nothing like it", 0, &r), TALLY_E_NO_READER);
    ck_assert_int_eq(tally_pcsc_connect(pcsc, SLOT_0, &t), TALLY_E_NO_CARD);
    ck_assert_ptr_null(t);
    ck_assert_int_eq(tally_pcsc_connect(pcsc, "nothing like it", &t), TALLY_E_NO_READER);
    ck_assert_ptr_null(t);
}
END_TEST

/* Runs a shell command and looks for a text in what it prints. */
static void expect_output(const char *command, const char *text)
{
    char out[4096];
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    int status = pclose(f);
    ck_assert_msg(status == 0 && strstr(out, text) != NULL, "%s: status %d\n%s", command, status, out);
}

START_TEST(foreign_tools_reach_the_card)
{
    struct tally_reader r;
    pid_t pid = test_card_insert(service, 0, &loop_card_ops, &card, no_faults);
    ck_assert_int_eq(tally_pcsc_wait_card(pcsc, NULL, TEST_DEADLINE_MS, &r), TALLY_OK);
    expect_output("opensc-tool --reader 0 --atr 2>&1", "3b:88:80:01:80:73");
    expect_output("opensc-tool --reader 0 --send-apdu 80:10:00:00:02:68:69 2>&1", "68 69 hi");
    expect_output("echo '80 10 00 00 02 68 69' | scriptor -r '" SLOT_0 "' 2>&1", "68 69 90 00");
    test_card_remove(pid);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pcsc_faults");
    TCase *c = tcase_create("pcsc_faults");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, start, stop);
    tcase_add_test(c, link_dropped_before_a_command);
    tcase_add_test(c, link_dropped_before_an_answer);
    tcase_add_test(c, a_late_answer_is_an_answer);
    tcase_add_test(c, answers_without_a_status_word_are_malformed);
    tcase_add_test(c, an_answer_too_long_for_the_caller_leaves_a_fresh_card);
    tcase_add_test(c, the_longest_messages_of_the_link_pass);
    tcase_add_test(c, no_answer_until_the_card_is_gone);
    tcase_add_test(c, two_cards_in_two_slots_at_once);
    tcase_add_test(c, a_transaction_keeps_others_out);
    tcase_add_test(c, a_wait_outlives_the_service);
    tcase_add_test(c, a_wait_is_cancelled);
    tcase_add_test(c, an_empty_reader_is_told_from_none);
    tcase_add_test(c, foreign_tools_reach_the_card);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
