/* The npm package @nucypher/umbral-pre in a Node process, asked line by line (tests/interop/umbral.js). The
 * process ends when its input does, so none survives its test. */
#ifndef TALLY_TESTS_NPM_UMBRAL_H
#define TALLY_TESTS_NPM_UMBRAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether node is there, and the package where ./tally test installs it. */
bool npm_umbral_available(void);

void npm_umbral_start(void);
void npm_umbral_stop(void);

/* A request: its name, then its arguments, then npm_ask(), true when the answer is "ok". */
void npm_begin(const char *name);
void npm_bytes(const uint8_t *bytes, size_t n);
void npm_text(const char *word);
bool npm_ask(void);

/* Word i of the last answer, 0 the first after "ok". */
const char *npm_word(size_t i);
/* The same as bytes, of which there must be exactly n, or at most size. */
void npm_take(size_t i, uint8_t *out, size_t n);
size_t npm_take_some(size_t i, uint8_t *out, size_t size);

#endif
