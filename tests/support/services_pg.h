/* The ticketing daemons over PostgreSQL, for test programs that are run a second time with the argument
 * "postgresql". */
#ifndef TALLY_TESTS_SERVICES_PG_H
#define TALLY_TESTS_SERVICES_PG_H

#include "tests/support/services.h"

/* With that argument: starts the private server and gives each daemon an empty schema. Before the tests run.
 */
bool test_services_choose(struct test_services *services, int argc, char *const *argv);
/* Ends the server, if any; the program's exit status. */
int test_services_end(const struct test_services *services, int status);

#endif
