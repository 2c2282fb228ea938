/* One party of a pledge: what it stands on, and its two doors, messages and time.
 *
 * Nothing here waits, opens files or reads a clock by itself: transaction, clock, random source, keys and
 * directory are passed in, so that the simulator runs the very code of the daemons. Every function that takes
 * a store runs within one transaction of the caller's: an error means it must be undone, messages included.
 */
#ifndef TALLY_PLEDGE_PARTY_H
#define TALLY_PLEDGE_PARTY_H

#include "host/base/clock.h"
#include "host/base/random.h"
#include "host/pledge/core/machine.h"
#include "host/pledge/core/rows.h"

/* What a sealed ticket is bound to: additional data of the encryption and part of what the provider signs. */
struct pledge_ticket_context {
    char order[PLEDGE_NUMBER], channel[PLEDGE_NUMBER], type[PLEDGE_TICKET_TYPE];
    int64_t line, price;
    char project[PLEDGE_NUMBER], serial[PLEDGE_NUMBER]; /* set by the provider */
    int64_t epoch;                                      /* likewise */
};

/* The cryptography a party needs; those it does not need may be NULL. Only the bank's has rekey and
 * channel_key, only the provider's seal, only a seller's open: no other party has the keys for it. */
struct pledge_crypto {
    enum tally_error (*sign)(void *ctx, const uint8_t *bytes, size_t n, uint8_t signature[PLEDGE_SIGNATURE]);
    bool (*verify)(void *ctx, const uint8_t key[PLEDGE_KEY], const uint8_t *bytes, size_t n,
                   const uint8_t signature[PLEDGE_SIGNATURE]);
    enum tally_error (*digest)(void *ctx, const uint8_t *bytes, size_t n, uint8_t out[PLEDGE_DIGEST]);
    /* Bank: the channel's key pair and a re-encryption key from it to a seller. */
    enum tally_error (*channel_key)(void *ctx, const char *channel, const char *project, int64_t epoch,
                                    uint8_t key[PLEDGE_KEY], uint8_t signature[PLEDGE_SIGNATURE]);
    enum tally_error (*rekey)(void *ctx, const char *channel, const char *project, int64_t epoch,
                              const uint8_t seller_key[PLEDGE_KEY], struct pledge_rk *rk);
    /* Platform and provider: the channel's key is the bank's; the re-encryption key belongs to it and seller.
     */
    bool (*channel_key_right)(void *ctx, const char *channel, const char *project, int64_t epoch,
                              const uint8_t key[PLEDGE_KEY], const uint8_t signature[PLEDGE_SIGNATURE]);
    bool (*rk_right)(void *ctx, const struct pledge_rk *rk, const uint8_t channel_key[PLEDGE_KEY],
                     const uint8_t seller_key[PLEDGE_KEY]);
    /* Provider: makes a ticket and encrypts it under the channel's key. */
    enum tally_error (*seal)(void *ctx, const struct pledge_ticket_context *context,
                             const uint8_t channel_key[PLEDGE_KEY], struct pledge_sealed *out);
    /* Platform: the sealed ticket is well-formed, under this key, and the provider's for this order's line.
     */
    bool (*sealed_right)(void *ctx, const struct pledge_ticket_context *context,
                         const uint8_t channel_key[PLEDGE_KEY], const struct pledge_sealed *sealed);
    enum tally_error (*reencrypt)(void *ctx, const struct pledge_rk *rk, const struct pledge_sealed *sealed,
                                  const uint8_t channel_key[PLEDGE_KEY], const uint8_t seller_key[PLEDGE_KEY],
                                  struct pledge_openable *out);
    /* Seller: checks all there is to check and decrypts. */
    enum tally_error (*open)(void *ctx, const struct pledge_openable *openable, struct pledge_plain *plain);
    void *ctx;
};

/* Somebody who is known: for sellers the message carries the key, and the wing's registers decide. */
struct pledge_peer {
    char name[PLEDGE_PARTY];
    enum pledge_role role;
    bool has_key;
    uint8_t key[PLEDGE_KEY];
    char address[PLEDGE_URL]; /* callbacks it asks for begin with this; "" for none */
};
struct pledge_directory {
    const struct pledge_peer *(*find)(void *ctx, const char *name);         /* NULL when unknown */
    const struct pledge_peer *(*of_role)(void *ctx, enum pledge_role role); /* the only party of a role */
    void *ctx;
};

/* Periods in milliseconds. hold_ms must exceed issue_ms: money is held longer than tickets are waited for. */
struct pledge_terms {
    int64_t ask_ms; /* first asking again; doubled each time up to ask_max_ms */
    int64_t ask_max_ms;
    int64_t issue_ms; /* a line that has not both money and ticket by then is given up */
    int64_t hold_ms;  /* the bank gives held money back after it */
};

struct pledge_machines {
    const struct pledge_machine *line, *hold, *loan, *grant, *disposal, *ticket, *issuing, *channel,
        *redemption, *project, *sold;
};
extern const struct pledge_machines pledge_machines;

struct pledge_party {
    enum pledge_role role;
    char name[PLEDGE_PARTY];
    uint8_t key[PLEDGE_KEY]; /* its own public key for messages */
    char callback[PLEDGE_URL];
    const struct tally_clock *clock;
    const struct tally_random *random;
    const struct pledge_crypto *crypto;
    const struct pledge_directory *directory;
    struct pledge_terms terms;
    const struct pledge_machines *machines;
};

/* Checks a message before anything is touched: limits, recipient, sender and its role, signature.
 * TALLY_E_FORMAT, TALLY_E_DENIED (not for us, unknown sender, wrong role or key), TALLY_E_CRYPTO. */
enum tally_error pledge_message_check(const struct pledge_party *party, const struct pledge_message *message);

/* Has the effect of a message that was checked. TALLY_OK also when it was known before and changes nothing.
 * TALLY_E_DENIED: a rule refuses it for good. TALLY_E_STATE: it is not in the table of this state.
 * TALLY_E_NOT_FOUND: it names what is not here. TALLY_E_EXISTS: the same number, another content. */
enum tally_error pledge_handle(const struct pledge_party *party, const struct pledge_store *store,
                               const struct pledge_message *message);

/* What is due is asked again, given up or given back: up to max rows. *count is how many there were. */
enum tally_error pledge_pass(const struct pledge_party *party, const struct pledge_store *store, size_t max,
                             size_t *count);

/* Signs: fills key and signature. What the outbox does when it sends. */
enum tally_error pledge_message_sign(const struct pledge_party *party, struct pledge_message *message);

/* For the files of this folder. */

typedef enum tally_error pledge_handler(const struct pledge_party *party, const struct pledge_store *store,
                                        const struct pledge_message *message);
struct pledge_route {
    enum pledge_kind kind;
    pledge_handler *handle;
};
extern const struct pledge_route pledge_platform_routes[], pledge_bank_routes[], pledge_provider_routes[],
    pledge_financing_routes[], pledge_seller_routes[]; /* end with kind 0 */

typedef enum tally_error pledge_passer(const struct pledge_party *party, const struct pledge_store *store,
                                       size_t max, size_t *count);
pledge_passer pledge_platform_pass, pledge_bank_pass, pledge_financing_pass, pledge_seller_pass;

int64_t pledge_now(const struct pledge_party *party); /* ms */
/* Begins a message to the only party of the kind's role (or to `to`, when that is not NULL): zeroed, with
 * kind, id "kind.a.n[.b]", from and to. a may be NULL. */
enum tally_error pledge_begin(const struct pledge_party *party, enum pledge_kind kind, const char *to,
                              const char *a, int64_t line, int64_t attempt, struct pledge_message *message);
enum tally_error pledge_send(const struct pledge_store *store, const struct pledge_message *message);
/* A number nobody has: letter, time, random; ascending with time. */
enum tally_error pledge_number_make(const struct pledge_party *party, char letter, char out[PLEDGE_NUMBER]);
/* Whether a callback is where its asker may have one. */
bool pledge_callback_right(const struct pledge_party *party, const char *from, const char *callback);
/* When the attempt after so many is due. */
int64_t pledge_again_at(const struct pledge_party *party, int64_t attempts);
/* SHA-256 of the message's body: what makes the same number the same request. */
enum tally_error pledge_body_digest(const struct pledge_party *party, const struct pledge_message *message,
                                    uint8_t out[PLEDGE_DIGEST]);
/* A table's refusal is no failure: what does not fit the state changes nothing. */
enum tally_error pledge_tolerate(enum tally_error e);

#endif
