#include "host/pledge/parties.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/base/log.h"
#include "host/service/json.h"

struct member {
    struct pledge_peer peer;
    char tag[PLEDGE_PARTY + 8];
    struct tally_signer signer;
    struct tally_http_client *client;
};

struct snapshot {
    struct snapshot *older;
    size_t count;
    struct member members[];
};

struct pledge_parties {
    struct pledge_parties_options options;
    struct pledge_directory directory;
    struct snapshot *_Atomic current;
};

static struct member *member_of(struct pledge_parties *parties, const char *name)
{
    struct snapshot *now = atomic_load(&parties->current);
    for (size_t i = 0; now != NULL && i < now->count; i++)
        if (strcmp(now->members[i].peer.name, name) == 0)
            return &now->members[i];
    return NULL;
}

static const struct pledge_peer *find(void *ctx, const char *name)
{
    const struct member *member = member_of(ctx, name);
    return member == NULL ? NULL : &member->peer;
}

static const struct pledge_peer *of_role(void *ctx, enum pledge_role role)
{
    struct pledge_parties *parties = ctx;
    const struct snapshot *now = atomic_load(&parties->current);
    for (size_t i = 0; now != NULL && i < now->count; i++)
        if (now->members[i].peer.role == role)
            return &now->members[i].peer;
    return NULL;
}

struct pledge_parties *pledge_parties_new(const struct pledge_parties_options *options)
{
    struct pledge_parties *parties = calloc(1, sizeof *parties);
    if (parties == NULL)
        return NULL;
    parties->options = *options;
    parties->directory = (struct pledge_directory){.find = find, .of_role = of_role, .ctx = parties};
    return parties;
}

static void snapshot_free(struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->count; i++)
        tally_http_client_free(snapshot->members[i].client);
    free(snapshot);
}

void pledge_parties_free(struct pledge_parties *parties)
{
    if (parties == NULL)
        return;
    for (struct snapshot *s = atomic_load(&parties->current), *older; s != NULL; s = older) {
        older = s->older;
        snapshot_free(s);
    }
    free(parties);
}

/* The signature tag of a role's daemon. */
static const char *daemon_of(enum pledge_role role)
{
    switch (role) {
    case PLEDGE_PLATFORM: return "platformd";
    case PLEDGE_BANK: return "bankd";
    case PLEDGE_PROVIDER: return "providerd";
    case PLEDGE_FINANCING: return "financed";
    case PLEDGE_SELLER: return "sellerd";
    default: return "";
    }
}

static enum tally_error connect_member(const struct pledge_parties *parties, struct member *member)
{
    const struct pledge_parties_options *o = &parties->options;
    if (member->peer.address[0] == 0 || o->http_key == NULL)
        return TALLY_OK;
    snprintf(member->tag, sizeof member->tag, "tally-%s", daemon_of(member->peer.role));
    member->signer = (struct tally_signer){
        .key = o->http_key, .keyid = o->self, .tag = member->tag, .clock = o->clock, .random = o->random};
    struct tally_http_client_options client = {.base_url = member->peer.address,
                                               .ca_file = o->ca_file,
                                               .connect_timeout_ms = o->timeout_ms,
                                               .timeout_ms = o->timeout_ms,
                                               .signer = &member->signer};
    return tally_http_client_new(&client, &member->client);
}

static enum tally_error member_read(const struct pledge_parties *parties, const json_t *json,
                                    struct member *member)
{
    struct tally_json in;
    tally_json_begin(&in, json);
    tally_json_string_copy(&in, "name", 1, member->peer.name, sizeof member->peer.name);
    int role = pledge_name_find(pledge_role_names, tally_json_string(&in, "role", 1, 16));
    member->peer.has_key = tally_json_has(&in, "key");
    if (member->peer.has_key)
        tally_json_hex(&in, "key", member->peer.key, PLEDGE_KEY, PLEDGE_KEY);
    tally_json_string_copy(&in, "url", 0, member->peer.address, sizeof member->peer.address);
    if (role < PLEDGE_PLATFORM || role >= PLEDGE_ROLE_COUNT)
        tally_json_fault(&in, "role", "is none there is");
    else if (!member->peer.has_key && role != PLEDGE_SELLER)
        tally_json_fault(&in, "key", "is needed for all but sellers");
    member->peer.role = (enum pledge_role)role;
    enum tally_error e = tally_json_end(&in);
    if (e != TALLY_OK)
        tally_log(TALLY_LOG_ERROR, "pledge", NULL, "the file of parties is malformed",
                  TALLY_STR("party", member->peer.name), TALLY_STR("field", in.field));
    return e == TALLY_OK ? connect_member(parties, member) : e;
}

static enum tally_error snapshot_read(const struct pledge_parties *parties, const json_t *array,
                                      struct snapshot *next)
{
    size_t n = json_array_size(array);
    enum tally_error e = TALLY_OK;
    for (; e == TALLY_OK && next->count < n; next->count++) {
        e = member_read(parties, json_array_get(array, next->count), &next->members[next->count]);
        for (size_t i = 0; e == TALLY_OK && i < next->count; i++)
            if (strcmp(next->members[i].peer.name, next->members[next->count].peer.name) == 0)
                e = TALLY_E_EXISTS;
    }
    return e;
}

static enum tally_error file_read(const char *path, json_t **json)
{
    FILE *f = fopen(path, "re");
    char *text = malloc(PLEDGE_PARTIES_FILE_MAX + 1);
    size_t n = f == NULL || text == NULL ? 0 : fread(text, 1, PLEDGE_PARTIES_FILE_MAX + 1, f);
    enum tally_error e = f == NULL ? TALLY_E_IO : text == NULL ? TALLY_E_MEMORY : TALLY_OK;
    *json = e == TALLY_OK && n <= PLEDGE_PARTIES_FILE_MAX ? tally_json_parse(text, n) : NULL;
    if (f != NULL)
        fclose(f);
    free(text);
    return e == TALLY_OK && *json == NULL ? TALLY_E_FORMAT : e;
}

enum tally_error pledge_parties_load(struct pledge_parties *parties, const char *path)
{
    json_t *json = NULL;
    struct snapshot *next = NULL;
    struct tally_json in;
    enum tally_error e = file_read(path, &json);
    if (e != TALLY_OK)
        goto out;
    tally_json_begin(&in, json);
    const json_t *array = tally_json_array(&in, "parties", 1, PLEDGE_PARTIES_MAX);
    e = tally_json_end(&in);
    if (e != TALLY_OK)
        goto out;
    next = calloc(1, sizeof *next + json_array_size(array) * sizeof next->members[0]);
    e = next == NULL ? TALLY_E_MEMORY : snapshot_read(parties, array, next);
    if (e == TALLY_OK) {
        next->older = atomic_load(&parties->current);
        atomic_store(&parties->current, next);
        next = NULL;
    }
out:
    if (next != NULL)
        snapshot_free(next);
    json_decref(json);
    return e;
}

const struct pledge_directory *pledge_parties_directory(struct pledge_parties *parties)
{
    return &parties->directory;
}

struct tally_http_client *pledge_parties_client(struct pledge_parties *parties, const char *name)
{
    struct member *member = member_of(parties, name);
    return member == NULL ? NULL : member->client;
}
