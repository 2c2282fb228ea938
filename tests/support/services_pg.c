#include "tests/support/services_pg.h"

#include <string.h>

#include "tests/support/pg_world.h"

_Static_assert((int)PG_LOCATION_MAX == (int)TEST_LOCATION_MAX, "one holds the other");

bool test_services_choose(struct test_services *services, int argc, char *const *argv)
{
    if (argc < 2 || strcmp(argv[1], "postgresql") != 0)
        return true;
    return pg_world_start(false) && pg_world_fresh(services->authd_database) &&
           pg_world_fresh(services->ticketd_database);
}

int test_services_end(const struct test_services *services, int status)
{
    bool ended = services->authd_database[0] == '\0' || pg_world_stop();
    return ended ? status : 1;
}
