/* The OpenAPI 3.1 document of the pledge's daemons, made from the tables that the code reads messages by. */
#ifndef TALLY_PLEDGE_OPENAPI_H
#define TALLY_PLEDGE_OPENAPI_H

#include <jansson.h>

/* NULL when memory is out. */
json_t *pledge_openapi(void);

#endif
