/* tally-vreader as a developer runs it, with the loop card's program in place of tally-vcard. */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check_main.h"

#define LOOP "--vcard " LOOP_VCARD " "

static char out[8192];

/* Runs tally-vreader with the arguments through a shell and returns its exit status; what it prints is in
 * out. */
static int vreader(const char *arguments)
{
    char command[2048];
    (void)snprintf(command, sizeof command, "%s %s 2>&1", TALLY_VREADER, arguments);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    int status = pclose(f);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(runs_a_command_with_its_reader)
{
    int status = vreader(LOOP "-- opensc-tool --reader 0 --send-apdu 80:10:00:00:02:68:69");
    ck_assert_msg(status == 0 && strstr(out, "68 69 hi") != NULL, "%d: %s", status, out);
    status = vreader(LOOP "--slots 2 opensc-tool --list-readers");
    ck_assert_msg(status == 0 && strstr(out, "0    Yes") != NULL && strstr(out, "1    Yes") != NULL, "%d: %s",
                  status, out);
}
END_TEST

START_TEST(ends_as_its_command_does)
{
    ck_assert_int_eq(vreader(LOOP "-- sh -c 'exit 42'"), 42);
    ck_assert_int_eq(vreader(LOOP "-- sh -c 'kill -9 $$'"), 137);
    ck_assert_int_eq(vreader(LOOP "-- /nowhere/at/all"), 127);
}
END_TEST

START_TEST(wrong_usage_is_told)
{
    ck_assert_int_eq(vreader("--help"), 0);
    ck_assert_ptr_nonnull(strstr(out, "usage: tally-vreader"));
    ck_assert_int_eq(vreader(LOOP "--slots 3"), 2);
    ck_assert_int_eq(vreader(LOOP "--no-such-option"), 2);
    ck_assert_int_eq(vreader("--vcard /nowhere/at/all"), 2);
    ck_assert_ptr_nonnull(strstr(out, "--vcard"));
    ck_assert_int_eq(vreader(LOOP "--image2 x --slots 1"), 2);
}
END_TEST

START_TEST(a_card_that_ends_ends_the_reader)
{
    ck_assert_int_ne(vreader(LOOP "--cut-exit"), 0);
}
END_TEST

START_TEST(serves_another_shell_until_it_is_told_to_end)
{
    int fds[2], status;
    char line[256];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(fds[1], STDOUT_FILENO);
        close(fds[0]);
        close(fds[1]);
        execl(TALLY_VREADER, TALLY_VREADER, "--vcard", LOOP_VCARD, (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    FILE *in = fdopen(fds[0], "r");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, in));
    ck_assert_int_eq(strncmp(line, "export PCSCLITE_CSOCK_NAME=/", 28), 0);
    line[strcspn(line, "\n")] = '\0';

    char command[512];
    (void)snprintf(command, sizeof command, "%s; opensc-tool --reader 0 --atr", line);
    FILE *f = popen(command, "r");
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    ck_assert_int_eq(pclose(f), 0);
    ck_assert_ptr_nonnull(strstr(out, "3b:88:80"));

    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(access(strchr(line, '/'), F_OK), -1);
    fclose(in);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vreader");
    TCase *c = tcase_create("vreader");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, runs_a_command_with_its_reader);
    tcase_add_test(c, ends_as_its_command_does);
    tcase_add_test(c, wrong_usage_is_told);
    tcase_add_test(c, a_card_that_ends_ends_the_reader);
    tcase_add_test(c, serves_another_shell_until_it_is_told_to_end);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
