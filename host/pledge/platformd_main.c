/* tally-platformd: see node.h. */
#include "host/pledge/node.h"

int main(int argc, char **argv)
{
    return pledge_node_main(PLEDGE_PLATFORM, "platformd",
                            "the pledge platform: registrations, orders, re-encryption", argc, argv);
}
