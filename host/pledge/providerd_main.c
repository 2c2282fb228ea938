/* tally-providerd: see node.h. */
#include "host/pledge/node.h"

int main(int argc, char **argv)
{
    return pledge_node_main(PLEDGE_PROVIDER, "providerd",
                            "the ticket provider: issuing channels, stock, tickets", argc, argv);
}
