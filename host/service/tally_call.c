/* tally-call: one signed request to a Tally service, for operators and scripts: what curl is, with the
 * party's signature. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/base/config.h"
#include "host/base/log.h"
#include "host/service/http_client.h"
#include "host/service/keyfile.h"
#include "host/service/problem.h"

enum { BODY_MAX = 1 << 20, KEY_BYTES = 16 };

static const struct tally_option options[] = {
    {"url", TALLY_OPTION_STRING, NULL, 0, 250, "the service (https://host:port)"},
    {"tag", TALLY_OPTION_STRING, NULL, 0, 64, "the service's signature tag: tally-authd, tally-ticketd"},
    {"party", TALLY_OPTION_STRING, NULL, 0, 64, "who calls: the key id at the service"},
    {"party-key", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file with the caller's key"},
    {"ca-file", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file of the only certificate authorities trusted"},
    {"idempotency-key", TALLY_OPTION_STRING, NULL, 0, 128, "of a change; else a random one"},
    {.name = NULL},
};

static enum tally_error fail(enum tally_error e, const char *what)
{
    fprintf(stderr, "tally-call: %s: %s\n", what, tally_error_text(e));
    return e;
}

/* The body: the operand, or standard input for "-". The caller frees *body, which may be NULL for none. */
static enum tally_error read_body(const char *operand, char **body)
{
    *body = NULL;
    if (operand == NULL)
        return TALLY_OK;
    if (strcmp(operand, "-") != 0) {
        *body = strdup(operand);
        return *body != NULL ? TALLY_OK : TALLY_E_MEMORY;
    }
    *body = calloc(1, BODY_MAX + 1);
    if (*body == NULL)
        return TALLY_E_MEMORY;
    size_t n = fread(*body, 1, BODY_MAX, stdin);
    return n < BODY_MAX && !ferror(stdin) ? TALLY_OK : TALLY_E_FULL;
}

static enum tally_error choose_idempotency_key(const struct tally_config *config, char out[129])
{
    const char *given = tally_config_string(config, "idempotency-key");
    uint8_t random[KEY_BYTES];
    if (given != NULL) {
        snprintf(out, 129, "%s", given);
        return TALLY_OK;
    }
    enum tally_error e = tally_random_fill(&tally_system_random, random, sizeof random);
    return e == TALLY_OK ? tally_hex_encode(random, sizeof random, out, 129) : e;
}

/* Prints the answer's body and turns its status into the exit code. */
static enum tally_error perform(struct tally_http_client *client, const struct tally_http_call *call)
{
    struct tally_http_answer answer;
    enum tally_error e = tally_http_client_perform(client, call, &answer);
    if (e != TALLY_OK)
        return fail(e, call->path);
    if (answer.body_size > 0) {
        fwrite(answer.body, 1, answer.body_size, stdout);
        putchar('\n');
    }
    e = tally_error_of_status(answer.status);
    if (e != TALLY_OK)
        fprintf(stderr, "tally-call: %s %s: status %d\n", call->method, call->path, answer.status);
    tally_http_answer_clear(&answer);
    return e;
}

static enum tally_error open_client(const struct tally_config *config, EVP_PKEY *key,
                                    struct tally_signer *signer, struct tally_http_client **client)
{
    *signer = (struct tally_signer){.key = key,
                                    .keyid = tally_config_string(config, "party"),
                                    .tag = tally_config_string(config, "tag"),
                                    .clock = &tally_system_clock,
                                    .random = &tally_system_random};
    const struct tally_http_client_options client_options = {.base_url = tally_config_string(config, "url"),
                                                             .ca_file =
                                                                 tally_config_string(config, "ca-file"),
                                                             .signer = signer,
                                                             .answer_max = 16 << 20};
    return tally_http_client_new(&client_options, client);
}

static enum tally_error run(const struct tally_config *config)
{
    char *const *operands;
    char *body = NULL, idempotency_key[129];
    EVP_PKEY *key = NULL;
    struct tally_http_client *client = NULL;
    struct tally_signer signer;
    static const char *const needed[] = {"url", "tag", "party", "party-key"};
    int n = tally_config_operands(config, &operands);
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (tally_config_string(config, needed[i]) == NULL)
            return fail(TALLY_E_USAGE, needed[i]);
    if (n < 2 || n > 3)
        return fail(TALLY_E_USAGE, "METHOD PATH [BODY]");

    enum tally_error e = tally_key_file_load(tally_config_string(config, "party-key"), false, &key);
    if (e == TALLY_OK)
        e = read_body(n == 3 ? operands[2] : NULL, &body);
    if (e == TALLY_OK)
        e = choose_idempotency_key(config, idempotency_key);
    if (e == TALLY_OK)
        e = open_client(config, key, &signer, &client);
    if (e != TALLY_OK) {
        fail(e, "cannot call");
        goto out;
    }
    bool change = strcmp(operands[0], "GET") != 0 && strcmp(operands[0], "HEAD") != 0;
    e = perform(client, &(struct tally_http_call){.method = operands[0],
                                                  .path = operands[1],
                                                  .body = body,
                                                  .body_size = body != NULL ? strlen(body) : 0,
                                                  .idempotency_key = change ? idempotency_key : NULL});
out:
    tally_http_client_free(client);
    EVP_PKEY_free(key);
    free(body);
    return e;
}

int main(int argc, char **argv)
{
    const struct tally_option *const tables[] = {options, NULL};
    const struct tally_config_input input = {
        .tool = "call",
        .summary = "makes one signed request to a Tally service and prints the answer",
        .operands = "METHOD PATH [BODY|-]",
        .argc = argc,
        .argv = argv,
        .environment = environ};
    struct tally_config *config;
    bool help;
    tally_log_setup(2, TALLY_LOG_WARN, &tally_system_clock);
    enum tally_error e = tally_config_load(&input, tables, stderr, &config, &help);
    if (e == TALLY_OK && !help)
        e = run(config);
    tally_config_free(config);
    return tally_error_exit_code(e);
}
