#include "tests/support/pg_world.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_SIZE = 200, BASE_MAX = 64, POLL_MS = 10, DEADLINE_MS = 60000 };

static struct {
    char folder[PATH_SIZE];
    const struct passwd *user; /* NULL: our own */
    bool durable;
    pid_t keeper;
    unsigned schemas;
} world;

static bool complain(const char *what)
{
    fprintf(stderr, "pg_world: %s (see %s/log)\n", what, world.folder);
    return false;
}

/* In the child: another user when we are root, output to the log, no life after the parent. */
static void become_server(void)
{
    char log[PATH_SIZE + 8];
    snprintf(log, sizeof log, "%s/log", world.folder);
    if (world.user != NULL &&
        (setgroups(0, NULL) != 0 || setgid(world.user->pw_gid) != 0 || setuid(world.user->pw_uid) != 0))
        _exit(126);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGQUIT);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir(world.folder) != 0)
        _exit(126);
}

static pid_t spawn(const char *program, const char *const *arguments)
{
    char path[PATH_SIZE];
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    become_server();
    snprintf(path, sizeof path, "%s/%s", TALLY_PG_BIN, program);
    execv(path, (char *const *)(uintptr_t)arguments);
    _exit(127);
}

static bool make_cluster(void)
{
    char data[PATH_SIZE + 8];
    int status = -1;
    snprintf(data, sizeof data, "%s/data", world.folder);
    const char *const arguments[] = {"initdb",     "-D",
                                     data,         "-U",
                                     "tally",      "--auth=trust",
                                     "--no-sync",  "--encoding=UTF8",
                                     "--locale=C", "--no-instructions",
                                     NULL};
    pid_t pid = spawn("initdb", arguments);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static pid_t start_server(void)
{
    char data[PATH_SIZE + 8], sockets[PATH_SIZE + 32];
    snprintf(data, sizeof data, "%s/data", world.folder);
    snprintf(sockets, sizeof sockets, "unix_socket_directories=%s", world.folder);
    const char *const arguments[] = {"postgres",
                                     "-D",
                                     data,
                                     "-c",
                                     sockets,
                                     "-c",
                                     "listen_addresses=",
                                     "-c",
                                     world.durable ? "fsync=on" : "fsync=off",
                                     "-c",
                                     "max_connections=100",
                                     "-c",
                                     "shared_buffers=64MB",
                                     "-c",
                                     "log_min_messages=warning",
                                     NULL};
    return spawn("postgres", arguments);
}

/* Keeps a server running until SIGTERM; the last one is shut down fast. */
static _Noreturn void keep(void)
{
    sigset_t set;
    int got = 0;
    pid_t server = start_server();
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    while (server > 0 && sigwait(&set, &got) == 0 && got != SIGTERM) {
        pid_t gone = waitpid(server, NULL, WNOHANG);
        /* The dead server's children may hold its memory for a moment: the next one then ends at once. */
        if (gone == server) {
            (void)poll(NULL, 0, POLL_MS);
            server = start_server();
        }
    }
    if (server > 0)
        kill(server, SIGINT);
    while (server > 0 && waitpid(server, NULL, 0) < 0 && errno == EINTR)
        continue;
    _exit(0);
}

static void base_location(char location[PG_LOCATION_MAX])
{
    snprintf(location, PG_LOCATION_MAX, "postgresql:///postgres?host=%s&user=tally", world.folder);
}

static PGresult *query(const char *location, const char *sql)
{
    PGconn *handle = PQconnectdb(location);
    PGresult *result = PQstatus(handle) == CONNECTION_OK ? PQexec(handle, sql) : NULL;
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        PQclear(result);
        result = NULL;
    }
    PQfinish(handle);
    return result;
}

bool pg_world_exec(const char *location, const char *sql)
{
    PGresult *result = query(location, sql);
    PQclear(result);
    return result != NULL || complain(sql);
}

bool pg_world_number(const char *location, const char *sql, long long *value)
{
    PGresult *result = query(location, sql);
    bool good = result != NULL && PQntuples(result) > 0;
    *value = good ? atoll(PQgetvalue(result, 0, 0)) : 0;
    PQclear(result);
    return good || complain(sql);
}

bool pg_world_wait(void)
{
    char location[PG_LOCATION_MAX];
    base_location(location);
    for (int waited = 0; waited < DEADLINE_MS; waited += POLL_MS) {
        if (PQping(location) == PQPING_OK)
            return true;
        (void)poll(NULL, 0, POLL_MS);
    }
    return complain("the server does not answer");
}

static bool make_folder(void)
{
    /* Another user must get there when we are root; a socket's path is short. */
    const char *base = geteuid() != 0 ? getenv("TMPDIR") : NULL;
    if (base == NULL || strlen(base) > BASE_MAX)
        base = "/tmp";
    snprintf(world.folder, sizeof world.folder, "%s/tally-pg-XXXXXX", base);
    if (mkdtemp(world.folder) == NULL)
        return complain("no folder");
    if (geteuid() != 0)
        return true;
    world.user = getpwnam("postgres");
    if (world.user == NULL)
        world.user = getpwnam("nobody");
    if (world.user == NULL || chown(world.folder, world.user->pw_uid, world.user->pw_gid) != 0)
        return complain("no user for the server");
    return true;
}

bool pg_world_start(bool durable)
{
    world.durable = durable;
    if (!make_folder())
        return false;
    if (!make_cluster())
        return complain("initdb failed");
    pid_t parent = getpid();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    world.keeper = fork();
    if (world.keeper == 0) {
        sigprocmask(SIG_BLOCK, &set, NULL);
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent)
            _exit(0);
        keep();
    }
    return world.keeper > 0 && pg_world_wait();
}

bool pg_world_stop(void)
{
    char command[PATH_SIZE + 16];
    int status = -1;
    if (world.keeper > 0) {
        kill(world.keeper, SIGTERM);
        while (waitpid(world.keeper, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    snprintf(command, sizeof command, "rm -rf '%s'", world.folder);
    return system(command) == 0 && (world.keeper == 0 || status == 0);
}

bool pg_world_fresh(char location[PG_LOCATION_MAX])
{
    char base[PG_LOCATION_MAX], sql[64];
    int id = getpid();
    base_location(base);
    snprintf(sql, sizeof sql, "CREATE SCHEMA t%d_%u", id, ++world.schemas);
    int n =
        snprintf(location, PG_LOCATION_MAX, "%s&options=-csearch_path%%3Dt%d_%u", base, id, world.schemas);
    return n < PG_LOCATION_MAX && pg_world_exec(base, sql);
}

static pid_t server_pid(void)
{
    char path[PATH_SIZE + 32];
    int pid = 0;
    snprintf(path, sizeof path, "%s/data/postmaster.pid", world.folder);
    FILE *file = fopen(path, "re");
    if (file != NULL && fscanf(file, "%d", &pid) != 1)
        pid = 0;
    if (file != NULL)
        fclose(file);
    return pid;
}

bool pg_world_kill_server(void)
{
    pid_t pid = server_pid();
    if (pid <= 1 || kill(pid, SIGKILL) != 0)
        return complain("no server to kill");
    for (int waited = 0; waited < DEADLINE_MS; waited += POLL_MS) {
        if (server_pid() != pid)
            return true;
        (void)poll(NULL, 0, POLL_MS);
    }
    return complain("the killed server does not go");
}
