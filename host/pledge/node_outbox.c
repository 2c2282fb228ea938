/* From the outbox to the other parties. */
#include <stdlib.h>
#include <string.h>

#include "host/pledge/core/seller.h"
#include "host/pledge/node.h"
#include "host/service/json.h"
#include "host/service/problem.h"

/* The path at the recipient's service: what is behind its address in the callback that it asked for. */
static const char *path_of(const struct pledge_peer *peer, const char *address)
{
    size_t n = strlen(peer->address);
    return address[0] != 0 && strncmp(address, peer->address, n) == 0 && address[n] == '/'
               ? address + n
               : PLEDGE_MESSAGES_PATH;
}

/* A refusal that repeating does not change. Signatures out of time, keys not known yet, things not there yet
 * and overload do change. */
static bool final_refusal(const struct tally_http_answer *answer)
{
    return answer->problem == TALLY_PROBLEM(REFUSED)->code ||
           answer->problem == TALLY_PROBLEM(EXISTS)->code ||
           answer->problem == TALLY_PROBLEM(INVALID_FIELD)->code ||
           answer->problem == TALLY_PROBLEM(MALFORMED_JSON)->code;
}

static enum tally_error post(struct pledge_node *node, const struct tally_outbox_item *item,
                             const char *address, const json_t *message, struct tally_outbox_answer *answer)
{
    struct tally_http_client *client = pledge_parties_client(node->parties, item->destination);
    const struct pledge_peer *peer =
        node->party.directory->find(node->party.directory->ctx, item->destination);
    struct tally_http_answer got = {.status = 0};
    if (client == NULL || peer == NULL)
        return TALLY_E_NOT_FOUND;
    char *body = json_dumps(message, JSON_COMPACT);
    if (body == NULL)
        return TALLY_E_MEMORY;
    struct tally_http_call call = {.method = "POST",
                                   .path = path_of(peer, address),
                                   .body = body,
                                   .body_size = strlen(body),
                                   .idempotency_key = item->id};
    enum tally_error e = tally_http_client_perform(client, &call, &got);
    answer->status = got.status;
    if (e == TALLY_OK && (got.status < 200 || got.status > 299)) {
        snprintf(answer->reason, sizeof answer->reason, "answered %d, problem %d", got.status, got.problem);
        e = final_refusal(&got) ? TALLY_E_DENIED : TALLY_E_SERVER;
    }
    tally_http_answer_clear(&got);
    free(body);
    return e;
}

enum tally_error pledge_node_send(void *ctx, const struct tally_outbox_item *item,
                                  struct tally_outbox_answer *answer)
{
    struct pledge_node *node = ctx;
    json_t *json = tally_json_parse((const char *)item->body, item->body_size);
    const char *address = json_string_value(json_object_get(json, "address"));
    const json_t *message = json_object_get(json, "message");
    enum tally_error e =
        address == NULL || message == NULL ? TALLY_E_DENIED : post(node, item, address, message, answer);
    /* An order that the platform refuses has an outcome: its sale has failed. */
    if (e == TALLY_E_DENIED && strcmp(item->kind, pledge_kinds[PLEDGE_K_ORDER].name) == 0)
        e = TALLY_OK;
    json_decref(json);
    return e;
}

enum tally_error pledge_node_settle(void *ctx, struct tally_tx *tx, const struct tally_outbox_item *item,
                                    const struct tally_outbox_answer *answer)
{
    struct pledge_node *node = ctx;
    struct pledge_sql_store store;
    if (answer->status >= 200 && answer->status <= 299)
        return TALLY_OK;
    json_t *json = tally_json_parse((const char *)item->body, item->body_size);
    const json_t *body = json_object_get(json_object_get(json, "message"), "body");
    const char *reference = json_string_value(json_object_get(body, "reference"));
    pledge_sql_store_init(&store, node->sql, &node->party, tx);
    enum tally_error e =
        reference == NULL ? TALLY_E_BUG : pledge_seller_refused(&node->party, &store.store, reference);
    json_decref(json);
    return e;
}
