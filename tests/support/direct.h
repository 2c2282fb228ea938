/* A transport straight into a card in the same process, without a reader: for tests, fuzzers and benchmarks.
 */
#ifndef TALLY_TESTS_DIRECT_H
#define TALLY_TESTS_DIRECT_H

#include "card/ports/vcard/vpcd_link.h"
#include "host/reader/transport.h"

/* Powers the card on. ops and card stay the caller's. tally_card_close powers it off. A transmit that answers
 * nothing is TALLY_E_CARD_LOST with TALLY_LOSS_REMOVED; the next tally_card_begin powers the card on again in
 * a new session, or is TALLY_E_NO_CARD when it loses its power again at that. NULL when memory is short. */
struct card_transport *test_direct_open(const struct vcard_ops *ops, void *card);

#endif
