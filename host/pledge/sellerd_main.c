/* tally-sellerd: see node.h. */
#include "host/pledge/node.h"

int main(int argc, char **argv)
{
    return pledge_node_main(PLEDGE_SELLER, "sellerd", "a seller: sales, decrypted tickets", argc, argv);
}
