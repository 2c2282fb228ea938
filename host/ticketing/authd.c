#include "host/ticketing/authd.h"

#include "host/base/log.h"
#include "host/ticketing/json_values.h"

const struct tally_metric_family authd_metrics[] = {
    {.name = "authd_tickets", .type = TALLY_COUNTER, .help = "Requests for tickets by outcome"},
    {.name = NULL}};

const struct tally_endpoint authd_endpoints[] = {
    {.method = "POST",
     .path = "/v1/cards",
     .roles = {"personaliser"},
     .state_size = sizeof(struct authd_card),
     .prepare = authd_card_prepare,
     .apply = authd_card_apply},
    {.method = "GET",
     .path = "/v1/cards/{serial}",
     .roles = {"personaliser", "admin"},
     .read = authd_card_read},
    {.method = "POST",
     .path = "/v1/cards/{serial}/block",
     .roles = {"admin"},
     .state_size = sizeof(struct authd_block),
     .prepare = authd_card_block_prepare,
     .apply = authd_card_block_apply},
    {.method = "POST",
     .path = "/v1/cards/{serial}/unblock",
     .roles = {"admin"},
     .state_size = sizeof(struct authd_block),
     .prepare = authd_card_unblock_prepare,
     .apply = authd_card_block_apply},
    {.method = "POST",
     .path = "/v1/cards/{serial}/operators/{operator}/package",
     .roles = {"personaliser", "admin", "kiosk"},
     .state_size = sizeof(struct authd_package),
     .prepare = authd_package_prepare,
     .apply = authd_package_apply},
    {.method = "POST",
     .path = "/v1/tickets",
     .roles = {"ticketing"},
     .state_size = sizeof(struct authd_issue),
     .prepare = authd_issue_prepare,
     .apply = authd_issue_apply,
     .release = authd_issue_release},
    {.method = "GET",
     .path = "/v1/tickets/{tid}/ciphertext",
     .roles = {"kiosk"},
     .read = authd_ciphertext_read},
    {.method = "POST",
     .path = "/v1/tickets/{tid}/block",
     .roles = {"admin", "ticketing"},
     .state_size = sizeof(struct authd_block),
     .prepare = authd_ticket_block_prepare,
     .apply = authd_ticket_block_apply},
    {.method = "POST",
     .path = "/v1/tickets/{tid}/unblock",
     .roles = {"admin", "ticketing"},
     .state_size = sizeof(struct authd_block),
     .prepare = authd_ticket_unblock_prepare,
     .apply = authd_ticket_block_apply},
    {.method = "POST",
     .path = "/v1/receipts",
     .roles = {"ticketing"},
     .state_size = sizeof(struct authd_receipts),
     .prepare = authd_receipts_prepare,
     .apply = authd_receipts_apply},
    {.method = "GET", .path = "/v1/operators/{operator}", .roles = {"*"}, .read = authd_operator_read},
    {.method = "GET",
     .path = "/v1/operators/{operator}/denylist",
     .roles = {"*"},
     .read = authd_denylist_read},
    {.method = NULL}};

enum tally_error authd_init(struct authd *authd, struct tally_keystore *keys)
{
    authd->sequences = tally_sequences_new();
    if (authd->sequences == NULL)
        return TALLY_E_MEMORY;
    pthread_mutex_init(&authd->lock, NULL);
    authd->keys = keys;
    return TALLY_OK;
}

void authd_clear(struct authd *authd)
{
    if (authd->sequences == NULL)
        return;
    pthread_mutex_destroy(&authd->lock);
    tally_sequences_free(authd->sequences);
    tally_keystore_release(authd->keys);
}

struct tally_keystore *authd_keys(struct authd *authd)
{
    pthread_mutex_lock(&authd->lock);
    struct tally_keystore *keys = tally_keystore_acquire(authd->keys);
    pthread_mutex_unlock(&authd->lock);
    return keys;
}

enum tally_error authd_reload(struct authd *authd)
{
    struct tally_keystore *fresh = NULL;
    enum tally_error e = tally_keystore_load(authd->key_folder, &fresh);
    if (e == TALLY_OK) {
        pthread_mutex_lock(&authd->lock);
        struct tally_keystore *old = authd->keys;
        authd->keys = fresh;
        pthread_mutex_unlock(&authd->lock);
        tally_keystore_release(old);
    }
    tally_log(e == TALLY_OK ? TALLY_LOG_INFO : TALLY_LOG_ERROR, "keys", NULL,
              e == TALLY_OK ? "keys were read again" : "keys were refused; the old ones stay in use",
              TALLY_STR("reason", tally_error_text(e)));
    return e;
}

static bool no_such(struct tally_call *call)
{
    (void)tally_call_problem(call, TALLY_PROBLEM(NO_SUCH_RESOURCE), NULL);
    return false;
}

bool authd_param_serial(struct tally_call *call, uint8_t serial[SERIAL_SIZE])
{
    return tally_hex_parse(tally_http_param(call->request, "serial"), serial, SERIAL_SIZE) || no_such(call);
}

bool authd_param_tid(struct tally_call *call, uint8_t tid[TID_SIZE])
{
    return tally_hex_parse(tally_http_param(call->request, "tid"), tid, TID_SIZE) || no_such(call);
}

bool authd_param_operator(struct tally_call *call, uint16_t *operator_id)
{
    uint32_t number;
    bool good = tally_number_parse(tally_http_param(call->request, "operator"), 1, UINT16_MAX, &number);
    *operator_id = good ? (uint16_t)number : 0;
    return good || no_such(call);
}
