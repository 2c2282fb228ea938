/* A tool's signed calls to a Tally service (specs/service.md). */
#ifndef TALLY_TOOLS_CLIENT_H
#define TALLY_TOOLS_CLIENT_H

#include <jansson.h>

#include "host/service/http_client.h"
#include "reader-tools/common/tool.h"

enum { TOOL_PATH_MAX = 512, TOOL_KEY_SIZE = 33 };

struct tool_client {
    struct tally_http_client *http;
    struct tally_signer signer;
    EVP_PKEY *key;
};

/* Prepares calls to the service at url, signed for the application tag ("tally-authd") as the party with the
 * PEM key at key_path (both NULL: not signed). ca_file may be NULL. Says on standard error what is wrong. The
 * strings must outlive the client. Call tool_client_close in any case. */
enum tally_error tool_client_open(const struct tool *tool, struct tool_client *client, const char *url,
                                  const char *tag, const char *party, const char *key_path,
                                  const char *ca_file);
void tool_client_close(struct tool_client *client);

/* One call; key is the idempotency key of a change, NULL for GET. *result (may be NULL when nothing of it is
 * wanted) is a new reference, or NULL on failure, which is explained on standard error. */
enum tally_error tool_client_call(const struct tool *tool, struct tool_client *client, const char *method,
                                  const char *path, const char *key, const json_t *body, json_t **result);

/* A fresh idempotency key: 32 hex digits. */
enum tally_error tool_client_key(char key[TOOL_KEY_SIZE]);

#endif
