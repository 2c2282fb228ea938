/* tally-financed: see node.h. */
#include "host/pledge/node.h"

int main(int argc, char **argv)
{
    return pledge_node_main(PLEDGE_FINANCING, "financed", "the financing platform: projects and redemptions",
                            argc, argv);
}
