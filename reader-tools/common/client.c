#include "reader-tools/common/client.h"

#include <openssl/evp.h>
#include <string.h>

#include "host/base/bytes.h"
#include "host/service/keyfile.h"

enum tally_error tool_client_open(const struct tool *tool, struct tool_client *client, const char *url,
                                  const char *tag, const char *party, const char *key_path,
                                  const char *ca_file)
{
    memset(client, 0, sizeof *client);
    if (url == NULL)
        return tool_fail(tool, TALLY_E_USAGE, "the address of %s is not given (see --help)", tag);
    if ((party == NULL) != (key_path == NULL))
        return tool_fail(tool, TALLY_E_USAGE, "a party and its key belong together (see --help)");
    if (key_path != NULL) {
        enum tally_error e = tally_key_file_load(key_path, false, &client->key);
        if (e != TALLY_OK)
            return tool_fail(tool, TALLY_E_USAGE, "%s: %s", key_path, tally_error_text(e));
        client->signer = (struct tally_signer){.key = client->key,
                                               .keyid = party,
                                               .tag = tag,
                                               .clock = &tally_system_clock,
                                               .random = &tally_system_random};
    }
    const struct tally_http_client_options options = {.base_url = url,
                                                      .ca_file = ca_file,
                                                      .signer = key_path != NULL ? &client->signer : NULL,
                                                      .answer_max = 32 << 20};
    enum tally_error e = tally_http_client_new(&options, &client->http);
    return e == TALLY_OK ? e : tool_fail(tool, e, "%s: %s", url, tally_error_text(e));
}

void tool_client_close(struct tool_client *client)
{
    tally_http_client_free(client->http);
    EVP_PKEY_free(client->key);
    memset(client, 0, sizeof *client);
}

/* What a problem says, in its most telling words. */
static const char *problem_text(const json_t *problem, enum tally_error e)
{
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *title = json_string_value(json_object_get(problem, "title"));
    return detail != NULL ? detail : title != NULL ? title : tally_error_text(e);
}

enum tally_error tool_client_call(const struct tool *tool, struct tool_client *client, const char *method,
                                  const char *path, const char *key, const json_t *body, json_t **result)
{
    json_t *answer = NULL;
    int problem = 0;
    if (result != NULL)
        *result = NULL;
    enum tally_error e = tally_http_client_json(client->http, method, path, key, body, &answer, &problem);
    if (e != TALLY_OK) {
        const char *field = json_string_value(json_object_get(answer, "field"));
        (void)tool_fail(tool, e, "%s %s: %s%s%s%s", method, path, problem_text(answer, e),
                        field != NULL ? " (" : "", field != NULL ? field : "", field != NULL ? ")" : "");
        json_decref(answer);
        return e;
    }
    if (result != NULL)
        *result = answer;
    else
        json_decref(answer);
    return TALLY_OK;
}

enum tally_error tool_client_key(char key[TOOL_KEY_SIZE])
{
    uint8_t random[(TOOL_KEY_SIZE - 1) / 2];
    key[0] = '\0';
    enum tally_error e = tally_random_fill(&tally_system_random, random, sizeof random);
    return e == TALLY_OK ? tally_hex_encode(random, sizeof random, key, TOOL_KEY_SIZE) : e;
}
