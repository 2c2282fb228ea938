#include "host/pledge/core/party.h"

#include <stdio.h>
#include <string.h>

#include "host/base/bytes.h"

static const struct pledge_route *routes_of(enum pledge_role role)
{
    switch (role) {
    case PLEDGE_PLATFORM: return pledge_platform_routes;
    case PLEDGE_BANK: return pledge_bank_routes;
    case PLEDGE_PROVIDER: return pledge_provider_routes;
    case PLEDGE_FINANCING: return pledge_financing_routes;
    case PLEDGE_SELLER: return pledge_seller_routes;
    default: return NULL;
    }
}

static bool names_right(const struct pledge_message *message)
{
    static const struct pledge_field fields[] = {PLEDGE_F_TEXT(pledge_message, id, 1),
                                                 PLEDGE_F_TEXT(pledge_message, from, 1),
                                                 PLEDGE_F_TEXT(pledge_message, to, 1),
                                                 {.name = NULL}};
    return pledge_fields_check(fields, message, NULL) == TALLY_OK;
}

static enum tally_error signature_check(const struct pledge_party *party,
                                        const struct pledge_message *message)
{
    uint8_t bytes[PLEDGE_SIGNED_MAX];
    size_t n;
    enum tally_error e = pledge_message_bytes(message, bytes, sizeof bytes, &n);
    if (e != TALLY_OK)
        return TALLY_E_FORMAT;
    return party->crypto->verify(party->crypto->ctx, message->key, bytes, n, message->signature)
               ? TALLY_OK
               : TALLY_E_CRYPTO;
}

enum tally_error pledge_message_check(const struct pledge_party *party, const struct pledge_message *message)
{
    if (message->kind < 1 || message->kind >= PLEDGE_KIND_COUNT || !names_right(message))
        return TALLY_E_FORMAT;
    const struct pledge_kind_info *kind = &pledge_kinds[message->kind];
    if (pledge_fields_check(kind->fields, &message->body, NULL) != TALLY_OK)
        return TALLY_E_FORMAT;
    const struct pledge_peer *peer = party->directory->find(party->directory->ctx, message->from);
    if (kind->to != party->role || strcmp(message->to, party->name) != 0 || peer == NULL ||
        peer->role != kind->from)
        return TALLY_E_DENIED;
    if (peer->has_key && memcmp(peer->key, message->key, PLEDGE_KEY) != 0)
        return TALLY_E_DENIED;
    return signature_check(party, message);
}

enum tally_error pledge_message_sign(const struct pledge_party *party, struct pledge_message *message)
{
    uint8_t bytes[PLEDGE_SIGNED_MAX];
    size_t n;
    memcpy(message->key, party->key, PLEDGE_KEY);
    enum tally_error e = pledge_message_bytes(message, bytes, sizeof bytes, &n);
    if (e == TALLY_OK)
        e = party->crypto->sign(party->crypto->ctx, bytes, n, message->signature);
    return e;
}

enum tally_error pledge_handle(const struct pledge_party *party, const struct pledge_store *store,
                               const struct pledge_message *message)
{
    const struct pledge_route *route = routes_of(party->role);
    while (route != NULL && route->kind != PLEDGE_K_NO_KIND && (int64_t)route->kind != message->kind)
        route++;
    if (route == NULL || route->kind == PLEDGE_K_NO_KIND)
        return TALLY_E_DENIED;
    return route->handle(party, store, message);
}

enum tally_error pledge_pass(const struct pledge_party *party, const struct pledge_store *store, size_t max,
                             size_t *count)
{
    *count = 0;
    switch (party->role) {
    case PLEDGE_PLATFORM: return pledge_platform_pass(party, store, max, count);
    case PLEDGE_BANK: return pledge_bank_pass(party, store, max, count);
    case PLEDGE_FINANCING: return pledge_financing_pass(party, store, max, count);
    case PLEDGE_SELLER: return pledge_seller_pass(party, store, max, count);
    default: return TALLY_OK;
    }
}

int64_t pledge_now(const struct pledge_party *party)
{
    return tally_clock_wall_ms(party->clock);
}

enum tally_error pledge_begin(const struct pledge_party *party, enum pledge_kind kind, const char *to,
                              const char *a, int64_t line, int64_t attempt, struct pledge_message *message)
{
    memset(message, 0, sizeof *message);
    message->kind = kind;
    PLEDGE_SET(message->from, party->name);
    if (to == NULL) {
        const struct pledge_peer *peer =
            party->directory->of_role(party->directory->ctx, pledge_kinds[kind].to);
        if (peer == NULL)
            return TALLY_E_NOT_FOUND;
        to = peer->name;
    }
    PLEDGE_SET(message->to, to);
    char id[128];
    int n = snprintf(id, sizeof id, "%d:%s:%lld:%lld", (int)kind, a == NULL ? "" : a, (long long)line,
                     (long long)attempt);
    if (n < 0 || (size_t)n >= sizeof message->id)
        return TALLY_E_FULL;
    PLEDGE_SET(message->id, id);
    return TALLY_OK;
}

enum tally_error pledge_send(const struct pledge_store *store, const struct pledge_message *message)
{
    if (pledge_fields_check(pledge_kinds[message->kind].fields, &message->body, NULL) != TALLY_OK)
        return TALLY_E_BUG;
    return store->send(store->ctx, message);
}

enum tally_error pledge_number_make(const struct pledge_party *party, char letter, char out[PLEDGE_NUMBER])
{
    uint8_t random[8];
    memset(out, 0, PLEDGE_NUMBER);
    enum tally_error e = tally_random_fill(party->random, random, sizeof random);
    if (e != TALLY_OK)
        return e;
    char hex[2 * sizeof random + 1];
    e = tally_hex_encode(random, sizeof random, hex, sizeof hex);
    if (e == TALLY_OK)
        snprintf(out, PLEDGE_NUMBER, "%c%011llx%s", letter, (unsigned long long)pledge_now(party), hex);
    return e;
}

bool pledge_callback_right(const struct pledge_party *party, const char *from, const char *callback)
{
    const struct pledge_peer *peer = party->directory->find(party->directory->ctx, from);
    size_t n = peer == NULL ? 0 : strlen(peer->address);
    return n > 0 && strncmp(callback, peer->address, n) == 0 && (callback[n] == 0 || callback[n] == '/');
}

int64_t pledge_again_at(const struct pledge_party *party, int64_t attempts)
{
    int64_t wait = party->terms.ask_ms;
    for (int64_t i = 0; i < attempts && wait < party->terms.ask_max_ms; i++)
        wait *= 2;
    if (wait > party->terms.ask_max_ms)
        wait = party->terms.ask_max_ms;
    return pledge_now(party) + wait;
}

enum tally_error pledge_body_digest(const struct pledge_party *party, const struct pledge_message *message,
                                    uint8_t out[PLEDGE_DIGEST])
{
    uint8_t bytes[PLEDGE_SIGNED_MAX];
    struct pledge_buffer buffer = {.data = bytes, .size = sizeof bytes};
    pledge_put_text(&buffer, pledge_kinds[message->kind].name);
    pledge_fields_put(pledge_kinds[message->kind].fields, &message->body, &buffer);
    memset(out, 0, PLEDGE_DIGEST);
    if (buffer.overflowed)
        return TALLY_E_FULL;
    return party->crypto->digest(party->crypto->ctx, bytes, buffer.n, out);
}

enum tally_error pledge_tolerate(enum tally_error e)
{
    return e == TALLY_E_STATE ? TALLY_OK : e;
}
