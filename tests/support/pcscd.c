#include "tests/support/pcscd.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check_main.h"

#define AWAY_MS 2500 /* several looks of the reader, also on a busy machine */

struct tally_private_pcscd *test_pcscd_start(void)
{
    struct tally_private_pcscd *p;
    ck_assert_int_eq(tally_private_pcscd_start(&p), TALLY_OK);
    ck_assert_int_eq(setenv("PCSCLITE_CSOCK_NAME", tally_private_pcscd_socket(p), 1), 0);
    return p;
}

pid_t test_card_insert(const struct tally_private_pcscd *p, unsigned slot, const struct vcard_ops *ops,
                       void *card, struct vpcd_faults faults)
{
    pid_t parent = getpid(), pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid > 0)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    struct vpcd_options options = {
        .host = "127.0.0.1", .port = tally_private_pcscd_port(p, slot), .faults = faults, .away_ms = AWAY_MS};
    (void)vpcd_run(&options, ops, card);
    _exit(1);
}

void test_card_remove(pid_t card)
{
    ck_assert_int_eq(kill(card, SIGKILL), 0);
    ck_assert_int_eq(waitpid(card, NULL, 0), card);
}

struct card_transport *test_card_connect(struct tally_pcsc *p, int slot)
{
    char spec[16] = "";
    struct tally_reader r;
    struct card_transport *t;
    if (slot >= 0)
        (void)snprintf(spec, sizeof spec, "%d", slot);
    ck_assert_int_eq(tally_pcsc_wait_card(p, spec, TEST_DEADLINE_MS, &r), TALLY_OK);
    ck_assert_int_eq(tally_pcsc_connect(p, r.name, &t), TALLY_OK);
    return t;
}
