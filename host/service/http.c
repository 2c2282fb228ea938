#include "host/service/http.h"

#include <strings.h>

size_t tally_http_header_count(const struct tally_http_header *headers, size_t count, const char *name)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += strcasecmp(headers[i].name, name) == 0;
    return found;
}

const char *tally_http_header_find(const struct tally_http_header *headers, size_t count, const char *name)
{
    const char *value = NULL;
    for (size_t i = 0; i < count; i++) {
        if (strcasecmp(headers[i].name, name) != 0)
            continue;
        if (value != NULL)
            return NULL;
        value = headers[i].value;
    }
    return value;
}
