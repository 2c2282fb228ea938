/* Obtaining keys: from one centre, or combined from a group's partial keys. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/hpke.h"
#include "host/service/json.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keycentre/answer.h"
#include "host/ticketing/keycentre/client.h"

enum { SEALED_TEXT_MAX = 2 * (KEYCENTRE_EVIDENCE_BYTES_MAX + TALLY_HPKE_OVERHEAD) };

/* One fetch. Secret as a whole. */
struct fetch {
    const struct keycentre_parameters *parameters;
    const struct keycentre_caller *caller;
    const char *identity;
    struct sm9_id id;
    enum keycentre_use uses[KEYCENTRE_USES_MAX];
    size_t use_count;
    uint8_t whole[KEYCENTRE_USES_MAX][G2_BYTES];                               /* of a single centre */
    struct keycentre_partial parts[KEYCENTRE_USES_MAX][KEYCENTRE_CENTRES_MAX]; /* of a group */
    struct keycentre_evidence *evidence;                                       /* KEYCENTRE_CENTRES_MAX */
    char (*records)[KEYCENTRE_RECORD_TEXT];                                    /* of the keys */
    enum tally_error refusal;                                                  /* the last one */
};

/* Opens what centre `index` sealed: exactly n bytes. */
static enum tally_error open_answer(const struct fetch *f, const struct tally_key *key, const char *label,
                                    const json_t *answer, uint8_t index, size_t n, uint8_t *plain)
{
    const char *hex = json_string_value(json_object_get(answer, "sealed"));
    size_t size = 0, want = n + TALLY_HPKE_OVERHEAD;
    struct keycentre_aad aad = keycentre_aad(f->parameters->master, &index, f->identity);
    uint8_t *sealed = malloc(want);
    enum tally_error e = sealed != NULL ? TALLY_OK : TALLY_E_MEMORY;
    if (e == TALLY_OK && (hex == NULL || strlen(hex) > SEALED_TEXT_MAX ||
                          tally_hex_decode(hex, sealed, want, &size) != TALLY_OK || size != want))
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = tally_hpke_open(key, label, aad.parts, 3, sealed, size, plain);
    free(sealed);
    return e;
}

static json_t *request(const struct fetch *f, const struct tally_key *key, const char *use)
{
    uint8_t point[P256_POINT_SIZE] = {4};
    size_t n;
    memcpy(point + 1, tally_key_public(key, &n), P256_PUBLIC_SIZE);
    json_t *body = json_pack("{s:s}", "identity", f->identity);
    tally_json_set_hex(body, "recipient", point, sizeof point);
    if (use != NULL)
        json_object_set_new(body, "use", json_string(use));
    return body;
}

/* Keeps what the centre says of its record. */
static void keep_record(const struct fetch *f, unsigned slot, const json_t *answer)
{
    const json_t *record = json_object_get(answer, "record");
    const char *hash = json_string_value(json_object_get(record, "hash"));
    if (hash != NULL && strlen(hash) == 2 * KEYCENTRE_DIGEST)
        snprintf(f->records[slot], sizeof f->records[slot], "%lld:%s",
                 (long long)json_integer_value(json_object_get(record, "number")), hash);
}

/* Asks centre `index` (0: the single one) with a recipient key of its own, and opens n bytes. */
static enum tally_error ask(const struct fetch *f, uint8_t index, const char *path, const char *use,
                            const char *label, size_t n, uint8_t *plain)
{
    const char *url = f->parameters->urls[index > 0 ? index - 1 : 0];
    struct tally_key *key = NULL;
    struct tally_signer signer;
    struct tally_http_client *client = NULL;
    json_t *body = NULL, *answer = NULL;
    enum tally_error e = tally_key_generate(SUITE_P256, &key);
    if (e == TALLY_OK)
        e = keycentre_client_open(url, f->caller, &signer, &client);
    if (e == TALLY_OK) {
        body = request(f, key, use);
        e = keycentre_client_post(client, url, path, body, &answer);
    }
    if (e == TALLY_OK) {
        e = open_answer(f, key, label, answer, index, n, plain);
        if (e == TALLY_OK && use == NULL)
            keep_record(f, index > 0 ? index - 1U : 0, answer);
        if (e != TALLY_OK)
            fprintf(stderr, "%s%s: the answer does not open\n", url, path);
    }
    json_decref(body);
    json_decref(answer);
    tally_http_client_free(client);
    tally_key_free(key);
    return e;
}

static size_t answer_size(const struct fetch *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->use_count; i++)
        n += keycentre_key_size(f->uses[i]) + (f->parameters->threshold ? (size_t)FN_BYTES : 0);
    return n;
}

static enum tally_error fetch_single(struct fetch *f)
{
    uint8_t plain[KEYCENTRE_ANSWER_MAX];
    const uint8_t *at = plain;
    enum tally_error e = ask(f, 0, "/v1/keys", NULL, KEYCENTRE_KEY_LABEL, answer_size(f), plain);
    for (size_t i = 0; e == TALLY_OK && i < f->use_count; i++) {
        memcpy(f->whole[i], at, keycentre_key_size(f->uses[i]));
        at += keycentre_key_size(f->uses[i]);
        e = keycentre_key_check(&f->parameters->keys.masters, f->uses[i], &f->id, f->whole[i]);
        if (e != TALLY_OK)
            e = TALLY_E_CRYPTO;
    }
    tally_wipe(plain, sizeof plain);
    return e;
}

/* Partial keys of every centre that answers; returns who did. */
static uint8_t gather_parts(struct fetch *f)
{
    uint8_t plain[KEYCENTRE_ANSWER_MAX], answered = 0;
    for (unsigned i = 0; i < f->parameters->keys.size.centres; i++) {
        const uint8_t *at = plain;
        enum tally_error e =
            ask(f, (uint8_t)(i + 1), "/v1/keys", NULL, KEYCENTRE_KEY_LABEL, answer_size(f), plain);
        if (e != TALLY_OK) {
            f->refusal = e;
            continue;
        }
        for (size_t use = 0; use < f->use_count; use++) {
            keycentre_partial_decode(f->uses[use], at, &f->parts[use][i]);
            at += FN_BYTES + keycentre_key_size(f->uses[use]);
        }
        answered = (uint8_t)(answered | 1U << i);
    }
    tally_wipe(plain, sizeof plain);
    return answered;
}

static bool same_partial(const struct keycentre_partial *a, const struct keycentre_partial *b)
{
    return tally_equal_ct(a, b, sizeof *a);
}

/* Evidence of those who answered; who shows none, or another answer than before, is at fault. */
static uint8_t gather_evidence(struct fetch *f, size_t use, uint8_t answered, uint8_t *culprits)
{
    struct keycentre_size size = f->parameters->keys.size;
    uint8_t *plain = malloc(KEYCENTRE_EVIDENCE_BYTES_MAX), shown = 0;
    for (unsigned i = 0; plain != NULL && i < size.centres; i++) {
        struct keycentre_evidence *evidence = &f->evidence[i];
        size_t n = keycentre_evidence_size(size, i + 1, f->uses[use]);
        if ((answered >> i & 1) == 0)
            continue;
        if (ask(f, (uint8_t)(i + 1), "/v1/evidence", f->uses[use] == KEYCENTRE_SIGN ? "sign" : "decrypt",
                KEYCENTRE_EVIDENCE_LABEL, n, plain) != TALLY_OK ||
            keycentre_evidence_decode(size, i + 1, f->uses[use], plain, n, evidence) != TALLY_OK ||
            !same_partial(&evidence->partial, &f->parts[use][i]))
            *culprits = (uint8_t)(*culprits | 1U << i);
        else
            shown = (uint8_t)(shown | 1U << i);
    }
    if (plain != NULL)
        tally_wipe(plain, KEYCENTRE_EVIDENCE_BYTES_MAX);
    free(plain);
    return shown;
}

static void name(const char *what, uint8_t set, const struct keycentre_parameters *parameters)
{
    for (unsigned i = 0; i < KEYCENTRE_CENTRES_MAX; i++)
        if ((set >> i & 1) != 0)
            fprintf(stderr, "centre %u, %s, %s\n", i + 1, parameters->urls[i], what);
}

static uint8_t add(uint8_t set, unsigned centre)
{
    return centre > 0 ? (uint8_t)(set | 1U << (centre - 1)) : set;
}

/* Combines; when that fails finds who is to blame and goes on without them, if enough are left. */
static enum tally_error combine(struct fetch *f, size_t use, uint8_t answered, struct keycentre_keys *keys)
{
    const struct keycentre_group_public *group = &f->parameters->keys;
    uint8_t culprits = 0, suspects = 0, *key = f->whole[use];
    unsigned culprit;
    enum tally_error e =
        keycentre_combine(group, f->uses[use], &f->id, f->parts[use], answered, key, &culprit);
    if (e == TALLY_OK)
        return e;
    culprits = add(culprits, culprit);
    uint8_t shown = gather_evidence(f, use, (uint8_t)(answered & ~culprits), &culprits);
    uint8_t found, pairs;
    keycentre_judge(group, f->uses[use], &f->id, f->evidence, shown, &found, &pairs);
    culprits = (uint8_t)(culprits | found);
    suspects = pairs;
    name("answered wrongly", culprits, f->parameters);
    name("contradicts another: one of them is wrong", suspects, f->parameters);
    keys->culprits = (uint8_t)(keys->culprits | culprits);
    keys->suspects = (uint8_t)(keys->suspects | suspects);
    answered = (uint8_t)(answered & ~culprits & ~suspects);
    e = keycentre_combine(group, f->uses[use], &f->id, f->parts[use], answered, key, &culprit);
    return e == TALLY_OK ? TALLY_OK : TALLY_E_CRYPTO;
}

static enum tally_error fetch_group(struct fetch *f, struct keycentre_keys *keys)
{
    unsigned needed = keycentre_answers_needed(f->parameters->keys.size);
    f->evidence = calloc(KEYCENTRE_CENTRES_MAX, sizeof *f->evidence);
    if (f->evidence == NULL)
        return TALLY_E_MEMORY;
    uint8_t answered = gather_parts(f);
    keys->silent = (uint8_t)(~answered & ((1U << f->parameters->keys.size.centres) - 1));
    if ((unsigned)__builtin_popcount(answered) < needed) {
        fprintf(stderr, "%d centres answered, %u are needed\n", __builtin_popcount(answered), needed);
        return f->refusal == TALLY_E_DENIED ? TALLY_E_DENIED : TALLY_E_SERVER;
    }
    enum tally_error e = TALLY_OK;
    for (size_t use = 0; e == TALLY_OK && use < f->use_count; use++)
        e = combine(f, use, answered, keys);
    return e;
}

static void take(const struct fetch *f, struct keycentre_keys *keys)
{
    for (size_t i = 0; i < f->use_count; i++) {
        if (f->uses[i] == KEYCENTRE_SIGN) {
            keys->signs = true;
            memcpy(keys->sign, f->whole[i], G1_BYTES);
        } else {
            keys->decrypts = true;
            memcpy(keys->decrypt, f->whole[i], G2_BYTES);
        }
    }
}

enum tally_error keycentre_fetch(const struct keycentre_parameters *parameters,
                                 const struct keycentre_caller *caller, const char *identity,
                                 struct keycentre_keys *keys)
{
    struct identity parsed;
    struct fetch *f = calloc(1, sizeof *f);
    memset(keys, 0, sizeof *keys);
    if (f == NULL)
        return TALLY_E_MEMORY;
    *f = (struct fetch){
        .parameters = parameters, .caller = caller, .identity = identity, .records = keys->records};
    f->id = (struct sm9_id){(const uint8_t *)identity, strlen(identity)};
    enum tally_error e = identity_parse(identity, strlen(identity), &parsed) ? TALLY_OK : TALLY_E_USAGE;
    if (e == TALLY_OK) {
        f->use_count = keycentre_uses(parsed.scheme, f->uses);
        e = parameters->threshold ? fetch_group(f, keys) : fetch_single(f);
    }
    if (e == TALLY_OK)
        take(f, keys);
    if (f->evidence != NULL)
        tally_wipe(f->evidence, KEYCENTRE_CENTRES_MAX * sizeof *f->evidence);
    free(f->evidence);
    tally_wipe(f, sizeof *f);
    free(f);
    return e;
}
