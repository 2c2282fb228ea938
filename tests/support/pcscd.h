/* A private pcscd for one test, and cards for its two slots as child processes.
 *
 * Meant for checked fixtures of Check programs in fork mode: libpcsclite fixes its socket at first use, so
 * each test needs a process of its own. The kernel ends the children with the test, whatever becomes of it.
 */
#ifndef TALLY_TESTS_PCSCD_H
#define TALLY_TESTS_PCSCD_H

#include <stdbool.h>
#include <sys/types.h>

#include "card/ports/vcard/vpcd_link.h"
#include "host/reader/pcsc.h"
#include "host/reader/private_pcscd.h"

/* Deadline for everything that is waited for, generous: reached only when something is broken. */
#define TEST_DEADLINE_MS 60000

/* Starts a private pcscd and sets PCSCLITE_CSOCK_NAME. Fails the test otherwise. */
struct tally_private_pcscd *test_pcscd_start(void);

/* Puts a card into a slot: a child process that serves ops over the link. away_ms is set when it is 0. */
pid_t test_card_insert(const struct tally_private_pcscd *p, unsigned slot, const struct vcard_ops *ops,
                       void *card, struct vpcd_faults faults);

/* Ends the card's process as the loss of its field would. */
void test_card_remove(pid_t card);

/* Waits for a card in the slot (-1: any), connects, and fails the test if that cannot be. */
struct card_transport *test_card_connect(struct tally_pcsc *p, int slot);

/* A tiny card for the tests of the way to a card; it knows these commands, class 80:
 *   10       echoes its data, chained (90 10) or not
 *   12 P1 P2 answers P1P2 bytes 00 01 02 … in one piece
 *   14       answers how many commands came since power-on or reset, this one included (one byte)
 *   16 P1 P2 answers P1P2 bytes in pieces: 61xx, GET RESPONSE
 *   18 P1    answers P1 bytes if Le is P1, 6CP1 otherwise
 *   1A P1    answers P1 bytes A5 and no status word
 *   1C       never answers
 *   1E       loses its power
 * Anything else gets 6D00, less than a header 6700. */
struct loop_card {
    uint8_t counter;
    uint8_t gathered[4096];
    size_t gathered_len;
    size_t pending, pending_at;
};
extern const struct vcard_ops loop_card_ops;
extern const uint8_t loop_card_atr[];
extern const size_t loop_card_atr_len;

#endif
