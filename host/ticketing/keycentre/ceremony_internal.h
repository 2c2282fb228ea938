/* What ceremony.c and ceremony_confirm.c share: the shape of messages and of packages. */
#ifndef TALLY_TICKETING_KEYCENTRE_CEREMONY_INTERNAL_H
#define TALLY_TICKETING_KEYCENTRE_CEREMONY_INTERNAL_H

#include "host/crypto/hpke.h"
#include "host/ticketing/keycentre/ceremony.h"

#define CEREMONY_PACKAGE_LABEL "tally/keycentre-package/1"

enum {
    HEADER = 1 + KEYCENTRE_CEREMONY_ID + KEYCENTRE_DIGEST + 1,
    COMMIT_BODY = P256_PUBLIC_SIZE + KEYCENTRE_DIGEST,
    MASTERS_BYTES = G2_BYTES + G1_BYTES,
    PACKAGE_MAX = 2 * FN_BYTES + KEYCENTRE_OWN_SETS_MAX * KEYCENTRE_MASK_KEY_SIZE
};

/* Appends; the caller knows that it fits. */
void ceremony_put(struct keycentre_message *m, const void *bytes, size_t n);
/* The header, and the signature behind the body. */
enum tally_error ceremony_begin(const struct keycentre_ceremony *c, enum keycentre_message_kind kind,
                                struct keycentre_message *m);
enum tally_error ceremony_sign(const struct keycentre_ceremony *c, struct keycentre_message *m);

/* Whether m is a message of that kind, this ceremony and group, by that centre, with a body of so many bytes.
 */
bool ceremony_genuine(const struct keycentre_ceremony *c, const struct keycentre_message *m,
                      enum keycentre_message_kind kind, unsigned index, size_t body);
/* TALLY_E_CRYPTO with the fault set. */
enum tally_error ceremony_blame(struct keycentre_fault *fault, unsigned centre, const char *reason);
enum tally_error ceremony_check_commits(const struct keycentre_ceremony *c,
                                        const struct keycentre_message *commits,
                                        struct keycentre_fault *fault);

/* The key pair that packages of this ceremony are sealed to. The caller frees it. */
enum tally_error ceremony_sealing_key(const struct keycentre_ceremony *c, struct tally_key **key);
/* Of a dealer's commitments, MASTERS_BYTES for each coefficient. */
enum tally_error ceremony_commitment_digest(const struct keycentre_ceremony *c, unsigned dealer,
                                            const uint8_t *commitments, uint8_t digest[KEYCENTRE_DIGEST]);

/* Bytes of a package before sealing, and of a deal's body. */
size_t ceremony_package_size(struct keycentre_size size, unsigned dealer, unsigned receiver);
size_t ceremony_deal_body(struct keycentre_size size, unsigned dealer);
/* What a package belongs to: the ceremony, dealer and receiver. Returns aad. */
struct tally_bytes *ceremony_package_aad(const struct keycentre_ceremony *c, const uint8_t pair[2],
                                         struct tally_bytes aad[2]);

#endif
