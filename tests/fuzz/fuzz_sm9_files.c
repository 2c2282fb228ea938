/* Any bytes as a file of tally-sm9, the first byte saying which: what is read can be written back byte for
 * byte, and a key that is read can be used or is refused. */
#include <stdlib.h>
#include <string.h>

#include "host/sm9/tool/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const uint8_t *got, size_t got_n, const uint8_t *want, size_t want_n)
{
    if (got_n != want_n || memcmp(got, want, want_n) != 0)
        abort();
}

static void signature(const uint8_t *in, size_t n)
{
    uint8_t signature[TSM9_SIGNATURE_SIZE], again[SM9_SIGNATURE_DER_MAX];
    if (sm9_signature_parse(in, n, signature) == TALLY_OK)
        same(again, sm9_signature_print(again, signature), in, n);
}

static void ciphertext(const uint8_t *in, size_t n)
{
    enum tsm9_mode mode;
    size_t raw_n;
    uint8_t *raw = malloc(n + 1), *again = malloc(n + SM9_CIPHERTEXT_DER_EXTRA);
    if (raw != NULL && again != NULL && sm9_ciphertext_parse(in, n, &mode, raw, &raw_n) == TALLY_OK)
        same(again, sm9_ciphertext_print(again, mode, raw, raw_n), in, n);
    free(raw);
    free(again);
}

static void public_key(const char *text, size_t n)
{
    struct sm9_public key, back;
    struct tsm9_verifier *verifier;
    char *again;
    size_t again_n;
    if (sm9_public_parse(text, n, &key) != TALLY_OK)
        return;
    if (sm9_public_print(&key, &again, &again_n) != TALLY_OK ||
        sm9_public_parse(again, again_n, &back) != TALLY_OK || memcmp(&key, &back, sizeof key) != 0)
        abort();
    sm9_text_free(again, again_n);
    if (key.signs && tsm9_verifier_new(&verifier, key.master_public) == TSM9_OK)
        tsm9_verifier_free(verifier);
}

static void private_key(const char *text, size_t n)
{
    struct sm9_private key, back;
    char *again;
    size_t again_n;
    if (sm9_private_is_encrypted(text) || sm9_private_parse(text, n, NULL, &key) != TALLY_OK)
        return;
    if (sm9_private_print(&key, NULL, &again, &again_n) != TALLY_OK ||
        sm9_private_parse(again, again_n, NULL, &back) != TALLY_OK || memcmp(&key, &back, sizeof key) != 0)
        abort();
    sm9_text_free(again, again_n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t n = size - 1;
    char *text = calloc(1, size);
    if (text == NULL)
        return 0;
    memcpy(text, data + 1, n);
    switch (data[0] % 4) {
    case 0: signature(data + 1, n); break;
    case 1: ciphertext(data + 1, n); break;
    case 2: public_key(text, n); break;
    default: private_key(text, n); break;
    }
    free(text);
    return 0;
}
