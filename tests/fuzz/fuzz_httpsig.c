/* Any text as Signature-Input, Signature and Content-Digest fields: what parses keeps its promises about
 * lengths and makes a signature base or a clear refusal. */
#include <stdlib.h>
#include <string.h>

#include "host/service/httpsig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_slice(struct tally_slice slice, const char *text, size_t len, size_t max)
{
    if (slice.at == NULL)
        return;
    if (slice.at < text || slice.at + slice.size > text + len || slice.size > max)
        abort();
}

static void check_parsed(const struct tally_httpsig *sig, const char *input)
{
    size_t len = strlen(input);
    if (sig->component_count > TALLY_HTTPSIG_COMPONENTS_MAX)
        abort();
    for (size_t i = 0; i < sig->component_count; i++)
        check_slice(sig->components[i], input, len, TALLY_HTTPSIG_NAME_MAX);
    check_slice(sig->params, input, len, TALLY_HTTPSIG_INPUT_MAX);
    check_slice(sig->nonce, input, len, TALLY_HTTPSIG_STRING_MAX);
    check_slice(sig->keyid, input, len, TALLY_HTTPSIG_STRING_MAX);
    check_slice(sig->tag, input, len, TALLY_HTTPSIG_STRING_MAX);

    char buffer[TALLY_HTTPSIG_BASE_MAX];
    struct tally_http_header headers[] = {{"content-digest", "sha-256=:AA==:"}, {"idempotency-key", "k"}};
    struct tally_httpsig_message message = {.method = "POST",
                                            .authority = "a.example",
                                            .path = "/v1",
                                            .query = "q=1",
                                            .headers = headers,
                                            .header_count = 2};
    struct tally_text base;
    tally_text_init(&base, buffer, sizeof buffer);
    (void)tally_httpsig_base(&message, sig, &base);
}

/* The input is three texts, separated by NUL. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 3);
    if (copy == NULL)
        return 0;
    memcpy(copy, data, size);
    memset(copy + size, 0, 3);
    const char *input = copy, *signature = input + strlen(input) + 1;
    const char *digest = signature < copy + size + 2 ? signature + strlen(signature) + 1 : "";
    if (digest > copy + size + 2)
        digest = "";
    if (signature > copy + size + 2)
        signature = "";

    struct tally_httpsig sig;
    uint8_t sha256[TALLY_DIGEST_SIZE];
    if (tally_httpsig_parse(input, signature, &sig) == TALLY_OK)
        check_parsed(&sig, input);
    if (tally_httpsig_parse_input(input, &sig) == TALLY_OK)
        check_parsed(&sig, input);
    (void)tally_content_digest_parse(digest, sha256);
    free(copy);
    return 0;
}
