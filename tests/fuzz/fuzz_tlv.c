/* Any bytes as BER-TLV: the reader stays inside its input, and what it reads can be written back byte for
 * byte. */
#include <stdlib.h>
#include <string.h>

#include "card/wire/tlv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *again = malloc(size + 1);
    if (again == NULL)
        return 0;
    const uint8_t *in = data;
    size_t left = size;
    struct tlv object;
    struct tlv_writer w;
    tlv_writer_init(&w, again, size);
    while (tlv_next(&in, &left, &object))
        tlv_put(&w, object.tag, object.value, object.len);
    if (!w.ok || w.len != size - left || memcmp(again, data, w.len) != 0)
        abort();
    free(again);
    return 0;
}
