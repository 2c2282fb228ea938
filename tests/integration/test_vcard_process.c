/* tally-vcard or tally-mcard, and tally-vreader, with the real firmware, as processes. */
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/check_main.h"
#include "tests/support/chosen_card.h"
#include "tests/support/direct.h"

#define GET_STATUS "opensc-tool --reader 0 --send-apdu 80:F2:00:00:00"
#define CHIP_ID    "0102030405060708"

static char folder[] = "/tmp/tally-test-process-XXXXXX";
static char image[64], out[8192];

static void start(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(image, sizeof image, "%s/card.img", folder);
}

static void stop(void)
{
    (void)unlink(image);
    ck_assert_int_eq(rmdir(folder), 0);
}

/* Runs a program with arguments through a shell and returns its exit status; what it prints is in out. */
static int run(const char *program, const char *arguments)
{
    char command[2048];
    (void)snprintf(command, sizeof command, "%s --image %s %s 2>&1", program, image, arguments);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    int status = pclose(f);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static bool says(const char *text)
{
    return strstr(out, text) != NULL;
}

START_TEST(a_foreign_tool_gets_the_cards_status)
{
    ck_assert_int_eq(run(TALLY_VREADER, "-- " GET_STATUS), 0);
    ck_assert_msg(says("SW1=0x90, SW2=0x00") && says("E1 12 80 03"), "%s", out);
}
END_TEST

START_TEST(a_chip_is_the_same_in_every_run)
{
    const char *identify = "-- opensc-tool --reader 0 -s 00:A4:04:0C:08:F0:54:41:4C:4C:59:01:00 "
                           "-s 80:50:00:00:08:00:00:00:00:00:00:00:00:00";
    ck_assert_int_eq(run(chosen_program(), "--create --chip-id " CHIP_ID), 0);
    ck_assert_str_eq(out, CHIP_ID "\n");
    ck_assert_int_eq(run(chosen_program(), "--create --chip-id " CHIP_ID), 8);
    ck_assert(says("exists already"));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(run(TALLY_VREADER, identify), 0);
        ck_assert_msg(says("01 02 03 04 05 06 07 08"), "%s", out);
    }
}
END_TEST

START_TEST(a_card_torn_at_its_first_start_comes_back)
{
    ck_assert_int_eq(run(TALLY_VREADER, "--cut-at 50 --cut-seed 3 --verbose -- " GET_STATUS), 0);
    ck_assert_msg(says("power cut after 50 flash operations") && says("SW1=0x90, SW2=0x00"), "%s", out);
}
END_TEST

START_TEST(a_torn_card_ends_if_told_so_and_stays_usable)
{
    ck_assert_int_eq(run(TALLY_VREADER, "--cut-at 50 --cut-exit"), 5);
    ck_assert_int_eq(run(TALLY_VREADER, "-- " GET_STATUS), 0);
    ck_assert_msg(says("SW1=0x90, SW2=0x00"), "%s", out);
}
END_TEST

START_TEST(an_image_is_used_by_one_process_at_a_time)
{
    char command[256];
    (void)snprintf(command, sizeof command, "-- %s --port 1 --image %s", chosen_program(), image);
    ck_assert_int_eq(run(TALLY_VREADER, command), 8);
    ck_assert_msg(says("is in use by another process"), "%s", out);
}
END_TEST

/* A place to connect to, like a reader's: a card powers on when it is there. */
static int listen_anywhere(char port[16])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    (void)snprintf(port, 16, "%u", ntohs(a.sin_port));
    return fd;
}

/* Kills a card's process as soon as it says that it powers on: while it sets up its flash. */
static void kill_at_power_on(const char *port)
{
    int fds[2];
    char line[128];
    ck_assert_int_eq(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)dup2(fds[1], STDERR_FILENO);
        execl(chosen_program(), chosen_program(), "--image", image, "--port", port, "--verbose",
              (char *)NULL);
        _exit(127);
    }
    close(fds[1]);
    FILE *in = fdopen(fds[0], "r");
    ck_assert_ptr_nonnull(fgets(line, sizeof line, in));
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_ptr_nonnull(strstr(line, "card: power on after 0 flash operations\n"));
    fclose(in);
}

/* The emulator of a killed tally-mcard has the image until the kernel has ended it as well. */
static void wait_until_free(void)
{
    int fd = open(image, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    close(fd);
}

START_TEST(a_killed_process_leaves_a_usable_image)
{
    static const uint8_t get_status[] = {0x80, 0xf2, 0, 0, 0};
    static struct chosen_card chip;
    struct image opened;
    char port[16];
    uint8_t resp[64];
    size_t n;
    int fd = listen_anywhere(port);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(run(chosen_program(), "--create"), 0);
        kill_at_power_on(port);
        wait_until_free();
        ck_assert_int_eq(image_open(image, &opened), IMAGE_OK);
        chosen_init(&chip, &opened);
        struct card_transport *t = test_direct_open(chip.ops, chip.card);
        ck_assert_int_eq(tally_card_exchange(t, get_status, sizeof get_status, resp, sizeof resp, &n),
                         TALLY_OK);
        ck_assert_uint_eq(resp[n - 2], 0x90);
        tally_card_close(t);
        image_close(&opened);
        ck_assert_int_eq(unlink(image), 0);
    }
    close(fd);
}
END_TEST

int main(void)
{
    if (!chosen_available())
        return CARD_SKIPPED;
    Suite *s = suite_create("vcard_process");
    TCase *c = tcase_create("vcard_process");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, start, stop);
    tcase_add_test(c, a_foreign_tool_gets_the_cards_status);
    tcase_add_test(c, a_chip_is_the_same_in_every_run);
    tcase_add_test(c, a_card_torn_at_its_first_start_comes_back);
    tcase_add_test(c, a_torn_card_ends_if_told_so_and_stays_usable);
    tcase_add_test(c, an_image_is_used_by_one_process_at_a_time);
    tcase_add_test(c, a_killed_process_leaves_a_usable_image);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
