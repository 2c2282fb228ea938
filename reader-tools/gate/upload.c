#include "reader-tools/gate/upload.h"

#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"

enum { BATCH = 64, CHANGES_MAX = 100 };

const struct tally_option gate_link_options[] = {
    {"ticketd", TALLY_OPTION_STRING, NULL, 0, 250,
     "the ticket server, where receipts go (https://host:port)"},
    {"authd", TALLY_OPTION_STRING, NULL, 0, 250, "the authentication server, when not the kit's"},
    {"ca-file", TALLY_OPTION_PATH, NULL, 0, 0, "PEM file of the only certificate authorities trusted"},
    {.name = NULL},
};

/* "http://host:port/path" apart; the base is replaced by --authd. */
static void split_address(struct gate_link *link)
{
    const char *url = link->gate->kit.deny_list_url;
    const char *host = strstr(url, "://");
    const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    const char *base = tally_config_string(link->tool->config, "authd");
    if (path == NULL)
        return;
    snprintf(link->list_path, sizeof link->list_path, "%s", path);
    if (base != NULL)
        snprintf(link->authd_base, sizeof link->authd_base, "%s", base);
    else
        snprintf(link->authd_base, sizeof link->authd_base, "%.*s", (int)(path - url), url);
}

enum tally_error gate_link_open(const struct tool *tool, struct gate *gate, pthread_mutex_t *lock,
                                const char *state_folder, struct gate_link *link)
{
    const char *ca_file = tally_config_string(tool->config, "ca-file");
    const char *ticketd = tally_config_string(tool->config, "ticketd");
    enum tally_error e = TALLY_OK;
    *link = (struct gate_link){.tool = tool, .gate = gate, .lock = lock, .state_folder = state_folder};
    snprintf(link->key_path, sizeof link->key_path, "%s/party.pem", tally_config_string(tool->config, "kit"));
    split_address(link);
    if (ticketd != NULL) {
        e = tool_client_open(tool, &link->ticketd, ticketd, "tally-ticketd", gate->kit.party, link->key_path,
                             ca_file);
        link->has_ticketd = e == TALLY_OK;
    }
    if (e == TALLY_OK && link->list_path[0] != '\0') {
        e = tool_client_open(tool, &link->authd, link->authd_base, "tally-authd", gate->kit.party,
                             link->key_path, ca_file);
        link->has_authd = e == TALLY_OK;
    }
    return e;
}

void gate_link_close(struct gate_link *link)
{
    tool_client_close(&link->ticketd);
    tool_client_close(&link->authd);
    link->has_ticketd = link->has_authd = false;
}

static json_t *entry_of(const struct gate *gate, const struct journal_line *line)
{
    char tid[2 * TID_SIZE + 1], serial[2 * SERIAL_SIZE + 1];
    (void)tally_hex_encode(line->tid, TID_SIZE, tid, sizeof tid);
    (void)tally_hex_encode(line->serial, SERIAL_SIZE, serial, sizeof serial);
    return json_pack("{s:s, s:s, s:i, s:s}", "tid", tid, "serial", serial, "operator", gate->kit.operator_id,
                     "usage", line->data);
}

/* The idempotency key of a batch: gate and first and last line name its content for good. */
static void batch_key(const struct gate *gate, const struct journal_line *lines, size_t n, char *key,
                      size_t size)
{
    snprintf(key, size, "gate-%u-%lu-%llu-%llu", gate->kit.operator_id, (unsigned long)gate->kit.gate,
             (unsigned long long)lines[0].n, (unsigned long long)lines[n - 1].n);
}

static enum tally_error send_batch(struct gate_link *link, const struct journal_line *lines, size_t n)
{
    char key[128];
    json_t *entries = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(entries, entry_of(link->gate, &lines[i]));
    json_t *body = json_pack("{s:I, s:o}", "gate", (json_int_t)link->gate->kit.gate, "entries", entries);
    batch_key(link->gate, lines, n, key, sizeof key);
    enum tally_error e =
        body == NULL ? TALLY_E_MEMORY
                     : tool_client_call(link->tool, &link->ticketd, "POST", "/v1/journal", key, body, NULL);
    json_decref(body);
    return e;
}

enum tally_error gate_link_upload(struct gate_link *link, unsigned *sent)
{
    struct journal_line *lines = calloc(BATCH, sizeof *lines);
    enum tally_error e = lines == NULL ? TALLY_E_MEMORY : TALLY_OK;
    *sent = 0;
    for (size_t n = 1; e == TALLY_OK && n > 0 && link->has_ticketd;) {
        pthread_mutex_lock(link->lock);
        e = gate_journal_unsent(link->gate->journal, lines, BATCH, &n);
        pthread_mutex_unlock(link->lock);
        if (e != TALLY_OK || n == 0)
            break;
        e = send_batch(link, lines, n);
        if (e != TALLY_OK)
            break;
        pthread_mutex_lock(link->lock);
        e = gate_journal_sent(link->gate->journal, lines[n - 1].n, n);
        pthread_mutex_unlock(link->lock);
        *sent += (unsigned)n;
    }
    free(lines);
    return e;
}

/* Puts a whole list in the file's place. */
static bool replace_file(const char *path, const char *text, size_t n)
{
    char fresh[1040];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    FILE *file = fopen(fresh, "we");
    bool ok = file != NULL && fwrite(text, 1, n, file) == n;
    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    return ok && rename(fresh, path) == 0;
}

/* A change is put behind the list it belongs to: each is signed, and they are read in order. */
static bool append_file(const char *path, const char *text, size_t n)
{
    FILE *file = fopen(path, "ae");
    bool ok = file != NULL && fwrite(text, 1, n, file) == n;
    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    return ok;
}

static enum tally_error keep_list(struct gate_link *link, bool change, const char *text, size_t n)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/denylist", link->state_folder);
    bool ok = change ? append_file(path, text, n) : replace_file(path, text, n);
    link->changes = change ? link->changes + 1 : 0;
    if (!ok)
        link->changes = CHANGES_MAX; /* whatever is there now: a whole list comes next */
    return ok ? TALLY_OK : TALLY_E_IO;
}

/* Takes an answer over; *change tells what it was. */
static enum tally_error take_list(struct gate_link *link, const struct tally_http_answer *answer,
                                  bool *change)
{
    struct gate *gate = link->gate;
    const char *text = answer->body != NULL ? answer->body : "";
    pthread_mutex_lock(link->lock);
    enum tally_error e = gate_denylist_update(&gate->list, gate->kit.operator_id, gate->kit.authority, text,
                                              answer->body_size, change);
    pthread_mutex_unlock(link->lock);
    return e;
}

enum tally_error gate_link_fetch_list(struct gate_link *link)
{
    struct tally_http_answer answer;
    char path[300];
    bool change;
    if (!link->has_authd)
        return TALLY_OK;
    /* The kit's list is not in the state folder: changes can follow only once a whole one was kept there. */
    if (link->kept && link->changes < CHANGES_MAX)
        snprintf(path, sizeof path, "%s?since=%lu", link->list_path, (unsigned long)link->gate->list.version);
    else
        snprintf(path, sizeof path, "%s", link->list_path);
    const struct tally_http_call call = {.method = "GET", .path = path};
    enum tally_error e = tally_http_client_perform(link->authd.http, &call, &answer);
    if (e == TALLY_OK && answer.status != 200)
        e = TALLY_E_SERVER;
    if (e == TALLY_OK) {
        e = take_list(link, &answer, &change);
        if (e == TALLY_OK)
            e = keep_list(link, change, answer.body, answer.body_size);
        link->kept = link->kept || e == TALLY_OK;
        if (e == TALLY_E_EXISTS)
            e = TALLY_OK;
    }
    tally_http_answer_clear(&answer);
    return e;
}
