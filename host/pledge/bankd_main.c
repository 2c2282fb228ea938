/* tally-bankd: see node.h. */
#include "host/pledge/node.h"

int main(int argc, char **argv)
{
    return pledge_node_main(PLEDGE_BANK, "bankd", "the bank: books, holds, loans, re-encryption keys", argc,
                            argv);
}
