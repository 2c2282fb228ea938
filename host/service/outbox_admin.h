/* Dead letters over HTTP, for a person: what there is, and send it again. A wing puts TALLY_OUTBOX_ENDPOINTS
 * into its table and knows a role "admin". */
#ifndef TALLY_SERVICE_OUTBOX_ADMIN_H
#define TALLY_SERVICE_OUTBOX_ADMIN_H

#include "host/service/endpoint.h"
#include "host/service/outbox.h"

/* GET /v1/outbox/dead?after=ID: {"messages": [{"id", "destination", "kind", "created_ms", "died_ms",
 * "attempts", "reason"}]}, at most TALLY_OUTBOX_DEAD_MAX, in the order of ids. */
enum tally_error tally_outbox_dead_read(struct tally_call *call);
/* POST /v1/outbox/dead/{id}/resend: {"id"}. */
enum tally_error tally_outbox_resend_apply(struct tally_call *call, void *state, struct tally_tx *tx);

#define TALLY_OUTBOX_ENDPOINTS                                                                               \
    {.method = "GET", .path = "/v1/outbox/dead", .roles = {"admin"}, .read = tally_outbox_dead_read},        \
    {                                                                                                        \
        .method = "POST", .path = "/v1/outbox/dead/{id}/resend", .roles = {"admin"},                         \
        .apply = tally_outbox_resend_apply                                                                   \
    }

#endif
