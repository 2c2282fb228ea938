/* What server and client share: header fields. */
#ifndef TALLY_SERVICE_HTTP_H
#define TALLY_SERVICE_HTTP_H

#include <stddef.h>

struct tally_http_header {
    const char *name; /* any case */
    const char *value;
};

/* The value of the only field of that name (any case); NULL when there is none or more than one. */
const char *tally_http_header_find(const struct tally_http_header *headers, size_t count, const char *name);

/* How many fields have that name. */
size_t tally_http_header_count(const struct tally_http_header *headers, size_t count, const char *name);

#endif
