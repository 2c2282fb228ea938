/* What the firmware and the program that runs it (card/ports/mps2/host) tell each other over the emulator's
 * standard input and output: type 1 byte, length 2 bytes, payload. Numbers are big-endian. The firmware
 * answers BOOT, RESET and COMMAND, and may ask for RANDOM before it does. */
#ifndef TALLY_CARD_PORTS_MPS2_MESSAGES_H
#define TALLY_CARD_PORTS_MPS2_MESSAGES_H

enum message_type {
    MESSAGE_TRIP = 'T',    /* instructions 8: power is lost so many into the next request; no answer */
    MESSAGE_CUT = 'F',     /* operations 8, seed 8: flashsim_cut_after; no answer */
    MESSAGE_BOOT = 'B',    /* the first request: seed 8, for flashsim_power_on */
    MESSAGE_RESET = 'X',   /* empty */
    MESSAGE_COMMAND = 'C', /* an APDU; longer than MESSAGE_COMMAND_MAX it is answered 6700 */
    MESSAGE_DONE = 'D',    /* report, and the answer to a command */
    MESSAGE_RANDOM = 'R',  /* firmware: size 2; answered with that many bytes and no header */
};

enum {
    MESSAGE_HEADER = 3,
    MESSAGE_COMMAND_MAX = 1280 /* bytes */
};

/* The report, 14 bytes: dead 1 (the flash lost power, and so did everything) || misuse 1 (the flash was asked
 * for what no flash can do) || instructions 8 || stack 4, bytes at the deepest. */
enum { REPORT_DEAD = 0, REPORT_MISUSE = 1, REPORT_INSTRUCTIONS = 2, REPORT_STACK = 10, REPORT_SIZE = 14 };

#endif
