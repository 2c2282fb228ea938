/* Shared by the files of the audit. */
#ifndef TALLY_PLEDGE_AUDIT_INTERNAL_H
#define TALLY_PLEDGE_AUDIT_INTERNAL_H

#include "host/pledge/core/audit.h"

void pledge_found(struct pledge_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

typedef enum tally_error pledge_visit(void *ctx, const void *row);
/* Every row of a table. */
enum tally_error pledge_each(const struct pledge_store *store, const struct pledge_table *table,
                             pledge_visit *visit, void *ctx);

#endif
