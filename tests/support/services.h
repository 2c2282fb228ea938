/* The two ticketing daemons as real processes, for tests of kiosk and gate, for benchmarks and the demo.
 *
 * Everything lies in a fresh folder below $TMPDIR or /tmp and goes with it. The daemons listen on loopback,
 * on ports the system chose; they are ended by process id, and die with the process that started them.
 * Functions return false, with a message on standard error, when something could not be done.
 */
#ifndef TALLY_TESTS_SERVICES_H
#define TALLY_TESTS_SERVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TEST_RAIL = 1, TEST_PARK = 2, TEST_METRO = 3 }; /* operators: P-256, RSA-2048, SM9 */

/* Parties of both daemons; the key id is the name in lower case ("kiosk"). */
enum test_party { TEST_PERSONALISER, TEST_TICKETING, TEST_KIOSK, TEST_GATE, TEST_ADMIN, TEST_PARTIES };

enum { TEST_PATH_MAX = 256, TEST_URL_MAX = 64, TEST_LOCATION_MAX = 320, TEST_ARGS_MAX = 32 };

struct test_daemon {
    pid_t pid;              /* 0: not running */
    uint16_t port;          /* kept over a restart */
    char url[TEST_URL_MAX]; /* "http://127.0.0.1:PORT" */
};

struct test_services {
    char folder[TEST_PATH_MAX];
    struct test_daemon authd, ticketd;
    /* Where their databases are, set before they are prepared; "": files in the folder. */
    char authd_database[TEST_LOCATION_MAX], ticketd_database[TEST_LOCATION_MAX];
    const char *ticketd_options[8]; /* more flags for tally-ticketd, set before it starts; NULL ends them */
};

/* Makes folder, keys, two operators and parties, and starts both daemons. */
bool test_services_start(struct test_services *services);
/* The same in steps: everything but the daemons, then each. */
bool test_services_prepare(struct test_services *services);
bool test_authd_start(struct test_services *services);
bool test_ticketd_start(struct test_services *services);
/* Ends what runs and removes the folder. False when a daemon did not end with status 0. */
bool test_services_stop(struct test_services *services);

/* SIGTERM and the end of the process: true when its status was 0. SIGKILL: true when it is gone. */
bool test_daemon_terminate(struct test_daemon *daemon);
bool test_daemon_kill(struct test_daemon *daemon);

/* A path in the folder: "keys", "authd.db", "authd-parties.json", "ticketd.db", "ticketd-parties.json",
 * "authd.log", "ticketd.log", "kiosk.pem" … */
void test_services_path(const struct test_services *services, const char *name, char out[TEST_PATH_MAX]);
const char *test_party_id(enum test_party party);
/* Its private key file. */
void test_party_key(const struct test_services *services, enum test_party party, char out[TEST_PATH_MAX]);

/* Runs tally-authd or tally-ticketd with arguments (NULL-terminated, argv[0] left out) to its end; the exit
 * status, or -1. Output goes to the folder's "commands.log". */
int test_authd_command(const struct test_services *services, const char *const *arguments);
int test_ticketd_command(const struct test_services *services, const char *const *arguments);

/* Makes the gate kit of an operator in folder/name and registers its party at tally-ticketd. Before the
 * daemons start, or followed by SIGHUP to both. */
bool test_gate_kit(const struct test_services *services, uint16_t operator_id, uint32_t gate,
                   uint32_t station, const char *name);

#endif
