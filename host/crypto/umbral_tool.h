/* tally-umbral: what its commands share. Messages for people go to standard error. */
#ifndef TALLY_CRYPTO_UMBRAL_TOOL_H
#define TALLY_CRYPTO_UMBRAL_TOOL_H

#include "host/base/config.h"
#include "host/crypto/umbral.h"

enum {
    UMBRAL_MESSAGE_MAX = TALLY_UMBRAL_CAPSULE_SIZE + TALLY_UMBRAL_PLAINTEXT_MAX + TALLY_UMBRAL_OVERHEAD,
    UMBRAL_TOOL_CONTEXT_MAX = 256 /* characters */
};

/* Writes "tally-umbral: WHAT: TEXT" unless e is TALLY_OK; returns e. */
enum tally_error umbral_tool_fail(enum tally_error e, const char *what);

/* The value of an option that must be given; NULL, with a message, when it is not. */
const char *umbral_tool_needs(const struct tally_config *config, const char *name);

/* The secret key in the file that an option names (64 hex digits, closed to others). The caller wipes. */
enum tally_error umbral_tool_secret(const struct tally_config *config, const char *option,
                                    struct tally_umbral_secret *secret);

/* A public key: 66 hex digits, or a file with them. */
enum tally_error umbral_tool_public(const struct tally_config *config, const char *option,
                                    struct tally_umbral_public *public_key);

/* Everything in a file, or on standard input when path is NULL, into a buffer of max bytes that the caller
 * wipes and frees; NULL on failure. TALLY_E_FULL when it is more. */
enum tally_error umbral_tool_read(const char *path, size_t max, uint8_t **data, size_t *n);

/* A new file (0600), or standard output when path is NULL. TALLY_E_EXISTS: nothing is ever replaced. */
enum tally_error umbral_tool_write(const char *path, const uint8_t *data, size_t n);

/* A message, capsule and ciphertext, from --in; the caller frees *ciphertext. */
enum tally_error umbral_tool_message(const char *path, struct tally_umbral_capsule *capsule,
                                     uint8_t **ciphertext, size_t *n);

/* --context as additional data; 0 parts without it. */
size_t umbral_tool_context(const struct tally_config *config, struct tally_bytes *part);

/* "show": what is in the file that --in names; --signed-by checks its signature. */
enum tally_error umbral_tool_show(const struct tally_config *config);

#endif
