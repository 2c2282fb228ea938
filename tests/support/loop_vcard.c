/* The loop card as a program with the options that tally-vreader gives to a card's program:
 * --create (does nothing) or --port N; --cut-exit ends it at once. */
#include <getopt.h>
#include <stdlib.h>

#include "tests/support/pcscd.h"

int main(int argc, char **argv)
{
    static const struct option options[] = {{"image", required_argument, NULL, 'i'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"create", no_argument, NULL, 'c'},
                                            {"cut-exit", no_argument, NULL, 'x'},
                                            {NULL, 0, NULL, 0}};
    static struct loop_card card;
    struct vpcd_options link = {.host = "127.0.0.1", .away_ms = 1000};
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == '?')
            return 2;
        if (c == 'c')
            return 0;
        if (c == 'x')
            return 5;
        if (c == 'p')
            link.port = (uint16_t)atoi(optarg);
    }
    (void)vpcd_run(&link, &loop_card_ops, &card);
    return 8;
}
