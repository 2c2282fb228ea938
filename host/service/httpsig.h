/* HTTP message signatures (RFC 9421) and content digests (RFC 9530): the functions without a policy.
 *
 * Parsing takes a strict subset: one signature a message, canonical spacing, no escapes in strings, no
 * parameters on components, each known parameter at most once. What lies outside is TALLY_E_FORMAT, never
 * guessed at. All functions here are pure: they keep nothing and touch only what they are given. Algorithms:
 * ecdsa-p256-sha256 (section 3.3.4, 64 bytes r then s) and ed25519 (section 3.3.6), by the key's type.
 */
#ifndef TALLY_SERVICE_HTTPSIG_H
#define TALLY_SERVICE_HTTPSIG_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/base/error.h"
#include "host/base/text.h"
#include "host/service/http.h"

#define TALLY_HTTPSIG_COMPONENTS_MAX 16
#define TALLY_HTTPSIG_NAME_MAX       64   /* bytes of a component name */
#define TALLY_HTTPSIG_STRING_MAX     128  /* bytes of a string parameter */
#define TALLY_HTTPSIG_INPUT_MAX      1536 /* bytes of a Signature-Input field */
#define TALLY_HTTPSIG_BASE_MAX       8192 /* bytes of a signature base */
#define TALLY_HTTPSIG_SIZE           64   /* bytes of a signature, both algorithms */
#define TALLY_DIGEST_SIZE            32
#define TALLY_CONTENT_DIGEST_SIZE    56 /* "sha-256=:" 44 base64 digits ":" NUL, rounded up */

/* Part of a text that lives elsewhere; at is NULL when it is absent. */
struct tally_slice {
    const char *at;
    size_t size;
};

/* A parsed Signature-Input and Signature; slices point into the Signature-Input text. */
struct tally_httpsig {
    struct tally_slice components[TALLY_HTTPSIG_COMPONENTS_MAX]; /* names without quotes */
    size_t component_count;
    struct tally_slice params; /* the value of @signature-params */
    int64_t created, expires;  /* seconds since 1970; -1 when absent */
    struct tally_slice label, nonce, keyid, tag, alg;
    uint8_t signature[TALLY_HTTPSIG_SIZE];
};

/* The message that is signed: a request, or a response (status > 0). Strings that the components need are not
 * NULL. */
struct tally_httpsig_message {
    const char *method;
    const char *authority; /* host and port as in the Host field, without the scheme's default port */
    const char *path;
    const char *query; /* without '?' */
    int status;
    const struct tally_http_header *headers;
    size_t header_count;
};

/* Parses both fields. *sig is set on every path (all absent on failure). */
enum tally_error tally_httpsig_parse(const char *input, const char *signature, struct tally_httpsig *sig);
/* The Signature-Input alone; the signature is left zero. */
enum tally_error tally_httpsig_parse_input(const char *input, struct tally_httpsig *sig);

/* True when the signature covers the component. */
bool tally_httpsig_covers(const struct tally_httpsig *sig, const char *component);
/* True when the slice is there and equals the string. */
bool tally_slice_equals(struct tally_slice slice, const char *string);

/* Writes the signature base (section 2.5). Components: @method, @authority, @path, @query, @status, and
 * header fields. TALLY_E_NOT_FOUND when the message lacks a component, TALLY_E_FORMAT for another derived one
 * or a field value with a line break, TALLY_E_FULL when the buffer is too small. */
enum tally_error tally_httpsig_base(const struct tally_httpsig_message *message,
                                    const struct tally_httpsig *sig, struct tally_text *base);

/* "ecdsa-p256-sha256" or "ed25519"; NULL for a key of another kind. */
const char *tally_httpsig_algorithm(const EVP_PKEY *key);

/* TALLY_OK when the signature is the key's over the base, else TALLY_E_CRYPTO. */
enum tally_error tally_httpsig_verify(EVP_PKEY *key, const char *base, size_t base_size,
                                      const uint8_t signature[TALLY_HTTPSIG_SIZE]);

/* Signs the base. TALLY_E_CRYPTO for a key of another kind. */
enum tally_error tally_httpsig_sign(EVP_PKEY *key, const char *base, size_t base_size,
                                    uint8_t signature[TALLY_HTTPSIG_SIZE]);

/* SHA-256. */
enum tally_error tally_sha256(const void *data, size_t n, uint8_t digest[TALLY_DIGEST_SIZE]);

/* The Content-Digest field (RFC 9530 section 2) of a body with this SHA-256. */
void tally_content_digest_write(const uint8_t digest[TALLY_DIGEST_SIZE], char out[TALLY_CONTENT_DIGEST_SIZE]);
/* Reads such a field; only a single sha-256 member is taken. */
enum tally_error tally_content_digest_parse(const char *value, uint8_t digest[TALLY_DIGEST_SIZE]);

#endif
