#include "host/ticketing/keycentre/keycentre.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/base/log.h"

const struct tally_metric_family keycentre_metrics[] = {
    {.name = "keycentre_requests", .type = TALLY_COUNTER, .help = "Requests for keys by outcome"},
    {.name = NULL}};

#define HOLDER_ROLES                                                                                         \
    {                                                                                                        \
        "authd", "personaliser", "gate"                                                                      \
    }
#define ROUND(step)                                                                                          \
    {                                                                                                        \
        .method = "POST", .path = "/v1/ceremonies/{id}/" #step, .roles = {"admin"},                          \
        .state_size = sizeof(struct keycentre_step), .prepare = keycentre_##step##_prepare,                  \
        .apply = keycentre_##step##_apply                                                                    \
    }

const struct tally_endpoint keycentre_endpoints[] = {
    {.method = "GET", .path = "/v1/parameters", .read = keycentre_parameters_read},
    {.method = "POST",
     .path = "/v1/keys",
     .roles = HOLDER_ROLES,
     .state_size = sizeof(struct keycentre_ask),
     .prepare = keycentre_keys_prepare,
     .apply = keycentre_keys_apply,
     .release = keycentre_keys_release},
    {.method = "POST",
     .path = "/v1/evidence",
     .roles = HOLDER_ROLES,
     .state_size = sizeof(struct keycentre_ask),
     .prepare = keycentre_evidence_prepare,
     .apply = keycentre_keys_apply,
     .release = keycentre_keys_release},
    {.method = "POST",
     .path = "/v1/revocations",
     .roles = {"admin"},
     .state_size = sizeof(struct keycentre_revocation),
     .prepare = keycentre_revocation_prepare,
     .apply = keycentre_revocation_apply},
    {.method = "GET", .path = "/v1/audit", .roles = {"admin"}, .read = keycentre_audit_read},
    ROUND(commit),
    ROUND(deal),
    ROUND(confirm),
    ROUND(finish),
    {.method = NULL}};

enum tally_error keycentre_secret_open(const struct keycentre_wrap *wrap,
                                       const struct keycentre_secret *secret, uint8_t *out, size_t n)
{
    memset(out, 0, n);
    if (secret->n != n + KEYCENTRE_WRAP_OVERHEAD)
        return TALLY_E_CRYPTO;
    return keycentre_wrap_unseal(wrap, secret->name, secret->wrapped, secret->n, out);
}

enum tally_error keycentre_secret_make(const struct keycentre_wrap *wrap, const char *name, const uint8_t *in,
                                       size_t n, struct keycentre_secret *secret)
{
    memset(secret, 0, sizeof *secret);
    if (strlen(name) > KEYCENTRE_SECRET_NAME_MAX || n > KEYCENTRE_SHARE_BYTES_MAX)
        return TALLY_E_BUG;
    memcpy(secret->name, name, strlen(name));
    secret->n = n + KEYCENTRE_WRAP_OVERHEAD;
    return keycentre_wrap_seal(wrap, name, in, n, secret->wrapped);
}

static enum tally_error open_named(struct tally_tx *tx, const struct keycentre_wrap *wrap, const char *name,
                                   uint8_t *out, size_t n)
{
    struct keycentre_secret secret;
    enum tally_error e = keycentre_secret_get(tx, name, &secret);
    return e == TALLY_OK ? keycentre_secret_open(wrap, &secret, out, n) : e;
}

static enum tally_error open_share(struct tally_tx *tx, const struct keycentre_wrap *wrap,
                                   struct keycentre_state *state)
{
    uint8_t bytes[KEYCENTRE_SHARE_BYTES_MAX];
    struct keycentre_secret secret;
    enum tally_error e = keycentre_secret_get(tx, "share", &secret);
    if (e == TALLY_OK && secret.n < KEYCENTRE_WRAP_OVERHEAD)
        e = TALLY_E_CRYPTO;
    size_t n = e == TALLY_OK ? secret.n - KEYCENTRE_WRAP_OVERHEAD : 0;
    if (e == TALLY_OK)
        e = keycentre_secret_open(wrap, &secret, bytes, n);
    if (e == TALLY_OK)
        e = keycentre_share_decode(bytes, n, state->settings.group.size, state->index, &state->share);
    tally_wipe(bytes, sizeof bytes);
    return e;
}

/* What one read of the database needs and gives. */
struct load {
    const struct keycentre_wrap *wrap;
    struct keycentre_state *state;
    uint8_t signing_key[P256_PRIVATE_SIZE];
    const uint8_t *own_public; /* of the signing key; NULL before it is known */
};

static enum tally_error load(struct tally_tx *tx, void *arg)
{
    struct load *l = arg;
    struct keycentre_state *state = l->state;
    struct keycentre_settings *settings = &state->settings;
    enum tally_error e = keycentre_settings_get(tx, settings);
    if (e == TALLY_OK && settings->threshold && l->own_public == NULL)
        return open_named(tx, l->wrap, "signing-key", l->signing_key, sizeof l->signing_key);
    if (e == TALLY_OK && settings->joined) {
        state->index = (uint8_t)keycentre_group_index(&settings->group, l->own_public);
        e = state->index > 0 ? TALLY_OK : TALLY_E_STATE;
    }
    if (e != TALLY_OK || !settings->set_up)
        return e;
    e = keycentre_masters_digest(&settings->keys.masters, state->master);
    if (e == TALLY_OK && settings->threshold)
        return open_share(tx, l->wrap, state);
    if (e == TALLY_OK)
        e = open_named(tx, l->wrap, "sign", state->sign, SM9_KEY_BYTES);
    return e == TALLY_OK ? open_named(tx, l->wrap, "encrypt", state->encrypt, SM9_KEY_BYTES) : e;
}

static const uint8_t *own_public(const struct keycentre *centre)
{
    size_t n;
    return centre->signing_key != NULL ? tally_key_public(centre->signing_key, &n) : NULL;
}

enum tally_error keycentre_reload(struct keycentre *centre)
{
    struct keycentre_state fresh;
    struct load l = {.wrap = &centre->wrap, .state = &fresh, .own_public = own_public(centre)};
    memset(&fresh, 0, sizeof fresh);
    enum tally_error e = tally_db_read(centre->db, load, &l);
    if (e == TALLY_OK && fresh.settings.threshold && l.own_public == NULL) {
        e = tally_key_from_private(l.signing_key, &centre->signing_key);
        l.own_public = own_public(centre);
        if (e == TALLY_OK)
            e = tally_db_read(centre->db, load, &l);
    }
    if (e == TALLY_OK) {
        pthread_mutex_lock(&centre->lock);
        centre->state = fresh;
        pthread_mutex_unlock(&centre->lock);
    }
    tally_wipe(&fresh, sizeof fresh);
    tally_wipe(&l, sizeof l);
    return e;
}

static enum tally_error read_settings(struct tally_tx *tx, void *arg)
{
    return keycentre_settings_get(tx, arg);
}

enum tally_error keycentre_open(struct keycentre *centre, struct tally_db *db,
                                const struct keycentre_passphrase *passphrase,
                                const struct tally_clock *clock)
{
    struct keycentre_settings settings;
    centre->db = db;
    centre->clock = clock;
    enum tally_error e = tally_db_read(db, read_settings, &settings);
    if (e == TALLY_OK)
        e = keycentre_wrap_open(passphrase, settings.salt, settings.centre, &centre->wrap);
    if (e != TALLY_OK)
        return e;
    memcpy(centre->salt, settings.salt, sizeof centre->salt);
    pthread_mutex_init(&centre->lock, NULL);
    e = keycentre_reload(centre);
    if (e != TALLY_OK)
        keycentre_clear(centre);
    return e;
}

void keycentre_clear(struct keycentre *centre)
{
    pthread_mutex_destroy(&centre->lock);
    tally_key_free(centre->signing_key);
    centre->signing_key = NULL;
    tally_wipe(&centre->wrap, sizeof centre->wrap);
    tally_wipe(&centre->state, sizeof centre->state);
}

void keycentre_state_copy(struct keycentre *centre, struct keycentre_state *state)
{
    pthread_mutex_lock(&centre->lock);
    *state = centre->state;
    pthread_mutex_unlock(&centre->lock);
    /* A ceremony may have ended since, or the centre joined its group. */
    if (state->settings.set_up || keycentre_reload(centre) != TALLY_OK)
        return;
    pthread_mutex_lock(&centre->lock);
    *state = centre->state;
    pthread_mutex_unlock(&centre->lock);
}

enum tally_error keycentre_log(struct tally_call *call, struct tally_tx *tx, const char *event,
                               const char *subject, struct keycentre_record *record)
{
    memset(record, 0, sizeof *record);
    record->time = tally_clock_wall_s(call->clock);
    snprintf(record->event, sizeof record->event, "%s", event);
    snprintf(record->party, sizeof record->party, "%s", call->caller.party->name);
    snprintf(record->subject, sizeof record->subject, "%s", subject);
    snprintf(record->request, sizeof record->request, "%s", call->request->trace);
    return keycentre_audit_append(tx, record);
}

int keycentre_set_hex(json_t *object, const char *name, const uint8_t *bytes, size_t n)
{
    char *text = malloc(2 * n + 1);
    int result = -1;
    if (text != NULL && tally_hex_encode(bytes, n, text, 2 * n + 1) == TALLY_OK)
        result = json_object_set_new_nocheck(object, name, json_stringn_nocheck(text, 2 * n));
    free(text);
    return result;
}
