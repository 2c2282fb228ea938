/* Carrying the messages of a ceremony from centre to centre: their content is between the centres. */
#include <stdio.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keycentre/client.h"

enum { PATH_TEXT = 64, ID_TEXT = 2 * KEYCENTRE_CEREMONY_ID + 1 };

/* One round at one centre. */
static enum tally_error step(const char *url, const struct keycentre_caller *caller, const char *path,
                             const json_t *body, json_t **answer)
{
    struct tally_signer signer;
    struct tally_http_client *client = NULL;
    enum tally_error e = keycentre_client_open(url, caller, &signer, &client);
    if (e == TALLY_OK)
        e = keycentre_client_post(client, url, path, body, answer);
    else
        fprintf(stderr, "%s: %s\n", url, tally_error_text(e));
    tally_http_client_free(client);
    return e;
}

/* One round at all centres. *body becomes the next round's: all their messages. */
static enum tally_error round_of_all(const struct keycentre_group *group,
                                     const struct keycentre_caller *caller, const char *path, json_t **body,
                                     json_t **last)
{
    json_t *messages = json_array();
    enum tally_error e = TALLY_OK;
    for (unsigned i = 0; e == TALLY_OK && i < group->size.centres; i++) {
        json_decref(*last);
        *last = NULL;
        e = step(group->urls[i], caller, path, *body, last);
        if (e == TALLY_OK)
            json_array_append(messages, json_object_get(*last, "message"));
    }
    json_decref(*body);
    *body = json_pack("{s:o}", "messages", messages);
    return e;
}

enum tally_error keycentre_ceremony_run(const struct keycentre_group *group,
                                        const struct keycentre_caller *caller,
                                        const uint8_t id[KEYCENTRE_CEREMONY_ID],
                                        uint8_t master[KEYCENTRE_DIGEST])
{
    static const char *const rounds[] = {"commit", "deal", "confirm", "finish"};
    char path[PATH_TEXT], text[ID_TEXT];
    json_t *body = json_object(), *last = NULL;
    memset(master, 0, KEYCENTRE_DIGEST);
    enum tally_error e = tally_hex_encode(id, KEYCENTRE_CEREMONY_ID, text, sizeof text);
    for (size_t i = 0; e == TALLY_OK && i < sizeof rounds / sizeof *rounds; i++) {
        snprintf(path, sizeof path, "/v1/ceremonies/%s/%s", text, rounds[i]);
        e = round_of_all(group, caller, path, &body, &last);
    }
    const char *digest = json_string_value(json_object_get(last, "master"));
    if (e == TALLY_OK && (digest == NULL || !tally_hex_parse(digest, master, KEYCENTRE_DIGEST)))
        e = TALLY_E_FORMAT;
    json_decref(body);
    json_decref(last);
    return e;
}
