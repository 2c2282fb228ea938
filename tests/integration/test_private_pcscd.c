#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/pcscd.h"

#define SYSTEM_PID_FILE "/run/pcscd/pcscd.pid"

START_TEST(leaves_the_system_and_nothing_behind)
{
    struct stat before, during;
    char folder[128];
    int had = stat(SYSTEM_PID_FILE, &before);
    struct tally_private_pcscd *p = test_pcscd_start();
    pid_t pid = tally_private_pcscd_pid(p);
    (void)snprintf(folder, sizeof folder, "%s", tally_private_pcscd_folder(p));
    ck_assert_int_eq(stat(SYSTEM_PID_FILE, &during), had);
    if (had == 0)
        ck_assert_mem_eq(&before.st_mtim, &during.st_mtim, sizeof before.st_mtim);
    ck_assert_int_eq(access(tally_private_pcscd_socket(p), F_OK), 0);
    ck_assert_int_eq(kill(pid, 0), 0);
    tally_private_pcscd_stop(p);
    ck_assert_int_eq(kill(pid, 0), -1);
    ck_assert_int_eq(errno, ESRCH);
    ck_assert_int_eq(access(folder, F_OK), -1);
    ck_assert_int_eq(stat(SYSTEM_PID_FILE, &during), had);
}
END_TEST

START_TEST(instances_run_side_by_side)
{
    struct tally_private_pcscd *p[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(tally_private_pcscd_start(&p[i]), TALLY_OK);
        for (int k = 0; k < i; k++) {
            ck_assert_str_ne(tally_private_pcscd_socket(p[i]), tally_private_pcscd_socket(p[k]));
            for (unsigned slot = 0; slot < 4; slot++)
                ck_assert_uint_ne(tally_private_pcscd_port(p[i], slot / 2),
                                  tally_private_pcscd_port(p[k], slot % 2));
        }
    }
    for (int i = 0; i < 4; i++)
        tally_private_pcscd_stop(p[i]);
}
END_TEST

START_TEST(restart_keeps_socket_and_ports)
{
    struct tally_private_pcscd *p = test_pcscd_start();
    char path[128];
    uint16_t port = tally_private_pcscd_port(p, 1);
    pid_t pid = tally_private_pcscd_pid(p);
    (void)snprintf(path, sizeof path, "%s", tally_private_pcscd_socket(p));
    tally_private_pcscd_kill(p);
    ck_assert_int_eq(tally_private_pcscd_pid(p), 0);
    ck_assert_int_eq(tally_private_pcscd_restart(p), TALLY_OK);
    ck_assert_str_eq(tally_private_pcscd_socket(p), path);
    ck_assert_uint_eq(tally_private_pcscd_port(p, 1), port);
    ck_assert_int_ne(tally_private_pcscd_pid(p), pid);
    tally_private_pcscd_stop(p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("private_pcscd");
    TCase *c = tcase_create("private_pcscd");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, leaves_the_system_and_nothing_behind);
    tcase_add_test(c, instances_run_side_by_side);
    tcase_add_test(c, restart_keeps_socket_and_ports);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
