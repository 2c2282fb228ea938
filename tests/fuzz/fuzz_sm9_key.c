/* Any bytes as an identity, and as an SM9 key file: what is read prints as it was. */
#include <stdlib.h>
#include <string.h>

#include "host/crypto/sm9_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[IDENTITY_MAX + 1], text[TALLY_SM9_FILE_MAX];
    struct identity identity;
    struct tally_sm9_holder holder;
    if (identity_parse((const char *)data, size, &identity) &&
        (identity_print(&identity, name) != size || memcmp(name, data, size) != 0))
        abort();
    if (tally_sm9_holder_parse((const char *)data, size, &holder) == TALLY_OK &&
        (tally_sm9_holder_print(&holder, text) != size || memcmp(text, data, size) != 0))
        abort();
    return 0;
}
