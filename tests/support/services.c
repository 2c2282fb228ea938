#include "tests/support/services.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Reached only when something is broken. */
enum { DEADLINE_MS = 60000 };

static const char *const party_ids[TEST_PARTIES] = {"personaliser", "ticketing", "kiosk", "gate", "admin"};

static bool fail(const char *what, const char *which)
{
    fprintf(stderr, "services: %s %s: %s\n", what, which, strerror(errno));
    return false;
}

void test_services_path(const struct test_services *services, const char *name, char out[TEST_PATH_MAX])
{
    if (snprintf(out, TEST_PATH_MAX, "%s/%s", services->folder, name) >= TEST_PATH_MAX)
        abort();
}

const char *test_party_id(enum test_party party)
{
    return party_ids[party];
}

void test_party_key(const struct test_services *services, enum test_party party, char out[TEST_PATH_MAX])
{
    char name[32];
    snprintf(name, sizeof name, "%s.pem", party_ids[party]);
    test_services_path(services, name, out);
}

/* Starts a program with its output appended to a log in the folder. It gets SIGKILL when this thread's
 * process ends. */
static pid_t spawn(const struct test_services *services, const char *program, const char *const *arguments,
                   const char *log)
{
    char path[TEST_PATH_MAX];
    char *argv[TEST_ARGS_MAX + 2] = {(char *)program};
    test_services_path(services, log, path);
    for (size_t i = 0; i < TEST_ARGS_MAX && arguments[i] != NULL; i++)
        argv[i + 1] = (char *)arguments[i];
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
        _exit(127);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        execv(program, argv);
    _exit(127);
}

/* The process's status by an event, not by asking again and again; -1 when the deadline passed. */
static int wait_end(pid_t pid)
{
    int status = -1, fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    if (fd < 0 || poll(&end, 1, DEADLINE_MS) != 1) {
        kill(pid, SIGKILL);
        fail("a process did not end:", "killed");
    }
    if (fd >= 0)
        close(fd);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

static int run(const struct test_services *services, const char *program, const char *const *arguments)
{
    pid_t pid = spawn(services, program, arguments, "commands.log");
    int status = pid > 0 ? wait_end(pid) : -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int test_authd_command(const struct test_services *services, const char *const *arguments)
{
    return run(services, TALLY_AUTHD_PATH, arguments);
}

int test_ticketd_command(const struct test_services *services, const char *const *arguments)
{
    return run(services, TALLY_TICKETD_PATH, arguments);
}

static void show(const struct test_services *services, const char *log)
{
    char path[TEST_PATH_MAX], line[1024];
    test_services_path(services, log, path);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        fputs(line, stderr);
    if (file != NULL)
        fclose(file);
}

#define AUTHD(services, ...)   (test_authd_command(services, (const char *const[]){__VA_ARGS__, NULL}) == 0)
#define TICKETD(services, ...) (test_ticketd_command(services, (const char *const[]){__VA_ARGS__, NULL}) == 0)

static bool add_parties(const struct test_services *services)
{
    char key[TEST_PATH_MAX], authd[TEST_PATH_MAX], ticketd[TEST_PATH_MAX];
    test_services_path(services, "authd-parties.json", authd);
    test_services_path(services, "ticketd-parties.json", ticketd);
    for (enum test_party party = 0; party < TEST_PARTIES; party++) {
        const char *id = party_ids[party];
        test_party_key(services, party, key);
        if (!AUTHD(services, "add-party", "--trusted-keys", authd, "--id", id, "--role", id, "--out", key) ||
            !TICKETD(services, "add-party", "--trusted-keys", ticketd, "--id", id, "--role", id, "--key",
                     key))
            return fail("add party", id);
    }
    return true;
}

static void database_of(const struct test_services *services, const char *name, char out[TEST_LOCATION_MAX])
{
    const char *set = strcmp(name, "authd") == 0 ? services->authd_database : services->ticketd_database;
    int n = snprintf(out, TEST_LOCATION_MAX, "%s", set);
    if (n == 0)
        snprintf(out, TEST_LOCATION_MAX, "%s/%s.db", services->folder, name);
}

bool test_services_prepare(struct test_services *services)
{
    char keys[TEST_PATH_MAX], database[TEST_LOCATION_MAX];
    const char *base = getenv("TMPDIR");
    snprintf(services->folder, sizeof services->folder, "%s/tally-services-XXXXXX",
             base != NULL ? base : "/tmp");
    if (mkdtemp(services->folder) == NULL)
        return fail("make folder", services->folder);
    test_services_path(services, "keys", keys);
    database_of(services, "authd", database);
    bool ready = AUTHD(services, "init", "--keys", keys, "--database", database) &&
                 AUTHD(services, "add-operator", "--keys", keys, "--operator", "1", "--suite", "p256") &&
                 AUTHD(services, "add-operator", "--keys", keys, "--operator", "2", "--suite", "rsa") &&
                 AUTHD(services, "add-operator", "--keys", keys, "--operator", "3", "--suite", "sm9") &&
                 add_parties(services);
    if (!ready)
        show(services, "commands.log");
    return ready;
}

/* Reads the port once the file is whole: it is watched, with the process, until one of them says something.
 */
static bool wait_port(const char *folder, const char *file, struct test_daemon *daemon)
{
    char path[TEST_PATH_MAX * 2], text[16] = "", events[4096];
    int watch = inotify_init1(IN_CLOEXEC), end = (int)syscall(SYS_pidfd_open, daemon->pid, 0);
    struct pollfd wait[] = {{.fd = watch, .events = POLLIN}, {.fd = end, .events = POLLIN}};
    bool ready = false,
         over = watch < 0 || end < 0 || inotify_add_watch(watch, folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    while (!ready && !over) {
        FILE *in = fopen(path, "re");
        ready = in != NULL && fgets(text, sizeof text, in) != NULL && strchr(text, '\n') != NULL;
        if (in != NULL)
            fclose(in);
        if (!ready)
            over = poll(wait, 2, DEADLINE_MS) < 1 || wait[1].revents != 0 ||
                   read(watch, events, sizeof events) < 0;
    }
    if (watch >= 0)
        close(watch);
    if (end >= 0)
        close(end);
    daemon->port = ready ? (uint16_t)atoi(text) : daemon->port;
    return ready;
}

/* Starts a daemon on the port it had before, or on any. */
static bool start(struct test_services *services, struct test_daemon *daemon, const char *program,
                  const char *name, const char **arguments, size_t count)
{
    char database[TEST_LOCATION_MAX], parties[TEST_PATH_MAX], port_path[TEST_PATH_MAX], file[32], log[32],
        port[8];
    database_of(services, name, database);
    snprintf(file, sizeof file, "%s-parties.json", name);
    test_services_path(services, file, parties);
    snprintf(file, sizeof file, "%s.port", name);
    test_services_path(services, file, port_path);
    snprintf(log, sizeof log, "%s.log", name);
    snprintf(port, sizeof port, "%u", daemon->port);
    const char *const common[] = {"--database", database,      "--trusted-keys", parties,       "--port",
                                  port,         "--port-file", port_path,        "--log-level", "warn"};
    if (count + sizeof common / sizeof *common >= TEST_ARGS_MAX)
        return false;
    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        arguments[count++] = common[i];
    arguments[count] = NULL;
    unlink(port_path);
    daemon->pid = spawn(services, program, arguments, log);
    if (daemon->pid > 0 && wait_port(services->folder, file, daemon)) {
        snprintf(daemon->url, sizeof daemon->url, "http://127.0.0.1:%u", daemon->port);
        return true;
    }
    show(services, log);
    return fail("start", name);
}

bool test_authd_start(struct test_services *services)
{
    char keys[TEST_PATH_MAX];
    const char *arguments[TEST_ARGS_MAX + 1] = {"serve", "--keys", keys};
    test_services_path(services, "keys", keys);
    return start(services, &services->authd, TALLY_AUTHD_PATH, "authd", arguments, 3);
}

bool test_ticketd_start(struct test_services *services)
{
    char key[TEST_PATH_MAX];
    const char *arguments[TEST_ARGS_MAX + 1] = {
        "serve", "--authd-url", services->authd.url, "--party", "ticketing", "--party-key", key};
    size_t count = 7;
    test_party_key(services, TEST_TICKETING, key);
    for (size_t i = 0; i < sizeof services->ticketd_options / sizeof *services->ticketd_options &&
                       services->ticketd_options[i] != NULL;
         i++)
        arguments[count++] = services->ticketd_options[i];
    return start(services, &services->ticketd, TALLY_TICKETD_PATH, "ticketd", arguments, count);
}

bool test_services_start(struct test_services *services)
{
    return test_services_prepare(services) && test_authd_start(services) && test_ticketd_start(services);
}

bool test_daemon_terminate(struct test_daemon *daemon)
{
    if (daemon->pid <= 0)
        return true;
    kill(daemon->pid, SIGTERM);
    int status = wait_end(daemon->pid);
    daemon->pid = 0;
    if (status != 0)
        fprintf(stderr, "services: a daemon ended with %s %d\n", WIFEXITED(status) ? "status" : "signal",
                WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    return status == 0;
}

bool test_daemon_kill(struct test_daemon *daemon)
{
    if (daemon->pid <= 0)
        return false;
    kill(daemon->pid, SIGKILL);
    int status = wait_end(daemon->pid);
    daemon->pid = 0;
    return WIFSIGNALED(status);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

bool test_services_stop(struct test_services *services)
{
    bool ticketd = test_daemon_terminate(&services->ticketd), authd = test_daemon_terminate(&services->authd);
    if (!ticketd)
        show(services, "ticketd.log");
    if (!authd)
        show(services, "authd.log");
    if (services->folder[0] != '\0')
        nftw(services->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    services->folder[0] = '\0';
    return ticketd && authd;
}

bool test_gate_kit(const struct test_services *services, uint16_t operator_id, uint32_t gate,
                   uint32_t station, const char *name)
{
    char keys[TEST_PATH_MAX], database[TEST_LOCATION_MAX], authd[TEST_PATH_MAX], ticketd[TEST_PATH_MAX];
    char out[TEST_PATH_MAX], party_key[TEST_PATH_MAX + 16], op[16], number[16], place[16], party[64];
    test_services_path(services, "keys", keys);
    database_of(services, "authd", database);
    test_services_path(services, "authd-parties.json", authd);
    test_services_path(services, "ticketd-parties.json", ticketd);
    test_services_path(services, name, out);
    snprintf(party_key, sizeof party_key, "%s/party.pem", out);
    snprintf(op, sizeof op, "%u", operator_id);
    snprintf(number, sizeof number, "%u", gate);
    snprintf(place, sizeof place, "%u", station);
    snprintf(party, sizeof party, "gate-%u-%u", operator_id, gate);
    const char *url = services->authd.url[0] != '\0' ? services->authd.url : "http://127.0.0.1:1";
    bool made = AUTHD(services, "gate-kit", "--keys", keys, "--database", database, "--trusted-keys", authd,
                      "--operator", op, "--gate", number, "--station", place, "--url", url, "--out", out) &&
                TICKETD(services, "add-party", "--trusted-keys", ticketd, "--id", party, "--role", "gate",
                        "--key", party_key);
    if (!made)
        show(services, "commands.log");
    return made;
}
