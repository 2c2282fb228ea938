/* Public parameters, and calls. */
#include "host/ticketing/keycentre/client.h"

#include <stdio.h>
#include <string.h>

#include "host/service/idempotency.h"
#include "host/service/json.h"
#include "host/ticketing/json_values.h"

enum { ATTEMPTS = 3, IN_FLIGHT = 302 };

#define TAG "tally-keycentre"

/* --- Calls --- */

enum tally_error keycentre_client_open(const char *url, const struct keycentre_caller *caller,
                                       struct tally_signer *signer, struct tally_http_client **client)
{
    *signer = (struct tally_signer){.key = caller->key,
                                    .keyid = caller->party,
                                    .tag = TAG,
                                    .clock = &tally_system_clock,
                                    .random = &tally_system_random};
    const struct tally_http_client_options options = {
        .base_url = url, .ca_file = caller->ca_file, .signer = caller->key != NULL ? signer : NULL};
    return tally_http_client_new(&options, client);
}

static void complain(const char *url, const char *path, enum tally_error e, const json_t *result)
{
    const char *title = json_string_value(json_object_get(result, "title"));
    const char *detail = json_string_value(json_object_get(result, "detail"));
    fprintf(stderr, "%s%s: %s%s%s\n", url, path, title != NULL ? title : tally_error_text(e),
            detail != NULL ? ": " : "", detail != NULL ? detail : "");
}

enum tally_error keycentre_client_post(struct tally_http_client *client, const char *url, const char *path,
                                       const json_t *body, json_t **result)
{
    char key[TALLY_IDEMPOTENCY_KEY_SIZE];
    int problem = 0;
    *result = NULL;
    enum tally_error e = tally_idempotency_key_make(&tally_system_clock, &tally_system_random, key);
    for (int i = 0; i < ATTEMPTS; i++) {
        if (e != TALLY_OK && i == 0)
            break;
        json_decref(*result);
        e = tally_http_client_json(client, "POST", path, key, body, result, &problem);
        if (e != TALLY_E_SERVER && problem != IN_FLIGHT)
            break;
    }
    if (e != TALLY_OK) {
        complain(url, path, e, *result);
        json_decref(*result);
        *result = NULL;
    }
    return e;
}

/* --- Parameters --- */

static void read_epochs(struct tally_json *in, bool published, struct keycentre_epochs *epochs)
{
    struct tally_json inner;
    tally_json_begin(&inner, tally_json_object(in, "epochs"));
    epochs->start = tally_json_int(&inner, "start", 0, UINT32_MAX);
    epochs->length = tally_json_int(&inner, "length", 1, KEYCENTRE_EPOCH_LENGTH_MAX);
    epochs->card_length = tally_json_int(&inner, "card_length", 1, KEYCENTRE_EPOCH_LENGTH_MAX);
    epochs->lead = tally_json_int(&inner, "lead", 0, KEYCENTRE_EPOCH_LENGTH_MAX);
    if (published)
        (void)tally_json_object(&inner, "now");
    if (tally_json_end(&inner) != TALLY_OK || !keycentre_epochs_valid(epochs))
        tally_json_fault(in, "epochs", "is not a schedule");
}

static void read_hex_list(struct tally_json *in, const char *name, size_t count, uint8_t *out, size_t n,
                          size_t stride)
{
    const json_t *list = tally_json_array(in, name, count, count);
    for (size_t i = 0; in->reason == NULL && i < count; i++) {
        const char *hex = json_string_value(json_array_get(list, i));
        if (hex == NULL || strlen(hex) != 2 * n || !tally_hex_parse(hex, out + i * stride, n))
            tally_json_fault(in, name, "must be points in hex");
    }
}

static void read_group(struct tally_json *in, struct keycentre_parameters *p)
{
    struct keycentre_masters *shares = p->keys.shares;
    p->keys.size.threshold = (uint8_t)tally_json_int(in, "threshold", 2, KEYCENTRE_THRESHOLD_MAX);
    p->keys.size.centres = (uint8_t)tally_json_int(in, "centres", 3, KEYCENTRE_CENTRES_MAX);
    if (in->reason == NULL && !keycentre_size_valid(p->keys.size))
        tally_json_fault(in, "centres", "do not fit the threshold");
    read_hex_list(in, "sign_shares", p->keys.size.centres, shares[0].sign, G2_BYTES, sizeof *shares);
    read_hex_list(in, "encrypt_shares", p->keys.size.centres, shares[0].encrypt, G1_BYTES, sizeof *shares);
}

/* What a published object and a file have in common. */
static void read_common(struct tally_json *in, bool published, struct keycentre_parameters *p)
{
    uint8_t master[KEYCENTRE_DIGEST];
    const char *kind = tally_json_string(in, "kind", 1, 16);
    p->threshold = strcmp(kind, "threshold") == 0;
    if (in->reason == NULL && !p->threshold && strcmp(kind, "single") != 0)
        tally_json_fault(in, "kind", "must be single or threshold");
    tally_json_bytes(in, "sign_master", p->keys.masters.sign, G2_BYTES);
    tally_json_bytes(in, "encrypt_master", p->keys.masters.encrypt, G1_BYTES);
    tally_json_bytes(in, "master", p->master, sizeof p->master);
    if (in->reason == NULL && (keycentre_masters_digest(&p->keys.masters, master) != TALLY_OK ||
                               memcmp(master, p->master, sizeof master) != 0))
        tally_json_fault(in, "master", "is not the digest of the master keys");
    read_epochs(in, published, &p->epochs);
    if (p->threshold)
        read_group(in, p);
}

static enum tally_error end(struct tally_json *in, struct keycentre_parameters *p)
{
    enum tally_error e = tally_json_end(in);
    if (e != TALLY_OK) {
        fprintf(stderr, "parameters: %s %s\n", in->field, in->reason);
        memset(p, 0, sizeof *p);
    }
    return e;
}

enum tally_error keycentre_parameters_parse(const json_t *json, struct keycentre_parameters *p,
                                            unsigned *index)
{
    struct tally_json in;
    memset(p, 0, sizeof *p);
    tally_json_begin(&in, json);
    read_common(&in, true, p);
    *index = p->threshold ? (unsigned)tally_json_int(&in, "index", 1, KEYCENTRE_CENTRES_MAX) : 0;
    if (in.reason == NULL && *index > p->keys.size.centres)
        tally_json_fault(&in, "index", "is beyond the group");
    return end(&in, p);
}

enum tally_error keycentre_parameters_read_json(const json_t *json, struct keycentre_parameters *p)
{
    struct tally_json in;
    memset(p, 0, sizeof *p);
    tally_json_begin(&in, json);
    read_common(&in, false, p);
    p->count = p->threshold ? p->keys.size.centres : 1;
    const json_t *urls = tally_json_array(&in, "urls", p->count, p->count);
    for (unsigned i = 0; in.reason == NULL && i < p->count; i++) {
        const char *url = json_string_value(json_array_get(urls, i));
        if (url == NULL || strlen(url) > KEYCENTRE_URL_MAX)
            tally_json_fault(&in, "urls", "must be URLs");
        else
            snprintf(p->urls[i], sizeof p->urls[i], "%s", url);
    }
    return end(&in, p);
}

static void append_hex(json_t *list, const uint8_t *bytes, size_t n)
{
    json_t *holder = json_object();
    tally_json_set_hex(holder, "hex", bytes, n);
    json_array_append(list, json_object_get(holder, "hex"));
    json_decref(holder);
}

json_t *keycentre_parameters_json(const struct keycentre_parameters *p)
{
    json_t *urls = json_array();
    for (unsigned i = 0; i < p->count; i++)
        json_array_append_new(urls, json_string(p->urls[i]));
    json_t *json = json_pack(
        "{s:s, s:o, s:{s:I, s:I, s:I, s:I}}", "kind", p->threshold ? "threshold" : "single", "urls", urls,
        "epochs", "start", (json_int_t)p->epochs.start, "length", (json_int_t)p->epochs.length, "card_length",
        (json_int_t)p->epochs.card_length, "lead", (json_int_t)p->epochs.lead);
    tally_json_set_hex(json, "master", p->master, sizeof p->master);
    tally_json_set_hex(json, "sign_master", p->keys.masters.sign, G2_BYTES);
    tally_json_set_hex(json, "encrypt_master", p->keys.masters.encrypt, G1_BYTES);
    if (!p->threshold)
        return json;
    json_t *sign = json_array(), *encrypt = json_array();
    for (unsigned i = 0; i < p->keys.size.centres; i++) {
        append_hex(sign, p->keys.shares[i].sign, G2_BYTES);
        append_hex(encrypt, p->keys.shares[i].encrypt, G1_BYTES);
    }
    json_object_set_new(json, "threshold", json_integer(p->keys.size.threshold));
    json_object_set_new(json, "centres", json_integer(p->keys.size.centres));
    json_object_set_new(json, "sign_shares", sign);
    json_object_set_new(json, "encrypt_shares", encrypt);
    return json;
}

static enum tally_error ask(const char *url, const char *ca_file, struct keycentre_parameters *p,
                            unsigned *index)
{
    const struct keycentre_caller nobody = {.ca_file = ca_file};
    struct tally_signer signer;
    struct tally_http_client *client = NULL;
    json_t *answer = NULL;
    enum tally_error e = keycentre_client_open(url, &nobody, &signer, &client);
    if (e == TALLY_OK)
        e = tally_http_client_json(client, "GET", "/v1/parameters", NULL, NULL, &answer, NULL);
    if (e != TALLY_OK)
        complain(url, "/v1/parameters", e, answer);
    else
        e = keycentre_parameters_parse(answer, p, index);
    json_decref(answer);
    tally_http_client_free(client);
    return e;
}

/* The first answer stands; every other must equal it, URLs apart. */
static enum tally_error merge(struct keycentre_parameters *all, const struct keycentre_parameters *one,
                              unsigned index, const char *url)
{
    unsigned slot = one->threshold ? index - 1 : 0;
    if (all->count == 0) {
        *all = *one;
        all->count = one->threshold ? one->keys.size.centres : 1;
    } else if (!one->threshold || all->threshold != one->threshold ||
               memcmp(&all->keys, &one->keys, sizeof all->keys) != 0 ||
               memcmp(&all->epochs, &one->epochs, sizeof all->epochs) != 0 || all->urls[slot][0] != '\0') {
        fprintf(stderr, "%s: its parameters are not those of the others\n", url);
        return TALLY_E_CRYPTO;
    }
    snprintf(all->urls[slot], sizeof all->urls[slot], "%s", url);
    return TALLY_OK;
}

enum tally_error keycentre_parameters_fetch(const char *const *urls, unsigned count, const char *ca_file,
                                            struct keycentre_parameters *parameters)
{
    struct keycentre_parameters one;
    unsigned index;
    enum tally_error e = TALLY_OK;
    memset(parameters, 0, sizeof *parameters);
    for (unsigned i = 0; e == TALLY_OK && i < count; i++) {
        e = strlen(urls[i]) <= KEYCENTRE_URL_MAX ? ask(urls[i], ca_file, &one, &index) : TALLY_E_USAGE;
        if (e == TALLY_OK)
            e = merge(parameters, &one, index, urls[i]);
    }
    if (e == TALLY_OK && parameters->count != count) {
        fprintf(stderr, "the group has %u centres: name the URLs of all\n", parameters->count);
        e = TALLY_E_USAGE;
    }
    if (e != TALLY_OK)
        memset(parameters, 0, sizeof *parameters);
    return e;
}
