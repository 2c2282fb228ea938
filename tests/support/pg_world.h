/* A private PostgreSQL 15: for tests over a real server, for benchmarks.
 *
 * Its cluster lies in a fresh folder below /tmp (or $TMPDIR, unless we are root) and goes with it. It listens
 * on a socket in that folder alone, which only its user and root can enter; as root it runs as "postgres" or
 * "nobody". No other cluster of the machine is used or touched. A keeper process starts the server, starts it
 * again whenever it dies, and ends it by process id; it dies with the program that started it. Functions
 * return false, with a message on standard error, when something could not be done.
 */
#ifndef TALLY_TESTS_PG_WORLD_H
#define TALLY_TESTS_PG_WORLD_H

#include <stdbool.h>
#include <sys/types.h>

enum { PG_LOCATION_MAX = 320 };

/* Makes and starts the cluster; once a program, before anything forks that uses it. durable: with fsync, for
 * figures; tests kill processes, not machines, and are faster without. */
bool pg_world_start(bool durable);
bool pg_world_stop(void);

/* An empty schema of its own: what tally_db_open takes as a location. */
bool pg_world_fresh(char location[PG_LOCATION_MAX]);
/* Runs SQL there. */
bool pg_world_exec(const char *location, const char *sql);
/* Runs a query; the first column of the first row as a number into *value. */
bool pg_world_number(const char *location, const char *sql, long long *value);
/* kill -9 of the server, which comes back by itself; true once the old one is gone. */
bool pg_world_kill_server(void);
/* Waits until the server answers. */
bool pg_world_wait(void);

#endif
