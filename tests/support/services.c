#include "tests/support/services.h"

#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/process.h"

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

static int run(const struct test_services *services, const char *program, const char *const *arguments)
{
    return test_process_run(services->folder, program, arguments, "commands.log");
}

int test_authd_command(const struct test_services *services, const char *const *arguments)
{
    return run(services, TALLY_AUTHD_PATH, arguments);
}

int test_ticketd_command(const struct test_services *services, const char *const *arguments)
{
    return run(services, TALLY_TICKETD_PATH, arguments);
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
        test_process_show(services->folder, "commands.log");
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
    daemon->pid = test_process_spawn(services->folder, program, arguments, log);
    if (daemon->pid > 0 && test_process_port(services->folder, file, daemon->pid, &daemon->port)) {
        snprintf(daemon->url, sizeof daemon->url, "http://127.0.0.1:%u", daemon->port);
        return true;
    }
    test_process_show(services->folder, log);
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
    int status = test_process_end(daemon->pid);
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
    int status = test_process_end(daemon->pid);
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
        test_process_show(services->folder, "ticketd.log");
    if (!authd)
        test_process_show(services->folder, "authd.log");
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
        test_process_show(services->folder, "commands.log");
    return made;
}
