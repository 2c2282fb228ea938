/* A kiosk at work: the card on its reader, the two servers, and the steps between them.
 *
 * A kiosk is not trusted: it relays ciphertexts to the card and receipts to the server, and can neither read
 * nor change them. Each step is remembered before it is taken (job.h) and can be taken again.
 */
#ifndef TALLY_KIOSK_KIOSK_H
#define TALLY_KIOSK_KIOSK_H

#include "reader-tools/common/client.h"
#include "reader-tools/common/tool_card.h"
#include "reader-tools/kiosk/job.h"

extern const struct tally_option kiosk_options[];

struct kiosk {
    const struct tool *tool;
    struct tool_card tc;
    struct tool_client ticketd, authd;
    const char *folder; /* of jobs */
    struct tally_card_state state;
    char serial[2 * SERIAL_SIZE + 1];
    bool progress; /* standard error is a terminal */
};

/* Connects to the servers; with_card also opens the card and verifies its PIN. Call kiosk_close in any case.
 */
enum tally_error kiosk_open(const struct tool *tool, bool with_card, struct kiosk *kiosk);
void kiosk_close(struct kiosk *kiosk);

/* Progress on a terminal; nothing elsewhere. kiosk_step_end wipes the line. */
void kiosk_step(const struct kiosk *kiosk, unsigned step, unsigned steps, const char *what);
void kiosk_step_end(const struct kiosk *kiosk);

/* Does what is left of a job, prints its receipt, and removes it. A card that was taken away, or a server
 * that does not answer, leaves the job for `resume`. */
enum tally_error kiosk_run(struct kiosk *kiosk, struct job *job);

/* Finds a ticket on the card. TALLY_E_NOT_FOUND. */
enum tally_error kiosk_find(struct kiosk *kiosk, const uint8_t tid[TID_SIZE],
                            struct tally_card_ticket *ticket);

/* The receipt for the customer, from a finished job. */
enum tally_error kiosk_print_receipt(struct kiosk *kiosk, const struct job *job);

/* The commands. */
enum tally_error kiosk_products(const struct tool *tool);
enum tally_error kiosk_services(const struct tool *tool);
enum tally_error kiosk_buy(const struct tool *tool);
enum tally_error kiosk_resume(const struct tool *tool);
enum tally_error kiosk_exchange(const struct tool *tool);
enum tally_error kiosk_refund(const struct tool *tool);
enum tally_error kiosk_load(const struct tool *tool);

#endif
