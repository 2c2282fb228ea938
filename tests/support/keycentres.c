#include "tests/support/keycentres.h"

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/service/keyfile.h"
#include "host/ticketing/commands.h"
#include "host/ticketing/keycentre/store.h"

enum { EPOCH_S = 3600, LEAD_S = 900, PATHS = 4, FILE_MAX = 1 << 20 };

const char *test_centres_path(const struct test_centres *centres, const char *name)
{
    static char paths[PATHS][CENTRE_PATH_MAX + 64];
    static unsigned next;
    char *path = paths[next++ % PATHS];
    snprintf(path, sizeof paths[0], "%s/%s", centres->folder, name);
    return path;
}

const char *test_centre_database(const struct test_centres *centres, unsigned i)
{
    char name[32];
    snprintf(name, sizeof name, "centre-%u.db", i);
    return test_centres_path(centres, name);
}

static void write_file(const struct test_centres *centres, const char *name, const char *text)
{
    const char *path = test_centres_path(centres, name);
    FILE *file = fopen(path, "we");
    TEST_MUST(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, 0600) == 0);
}

static size_t read_file(const struct test_centres *centres, const char *name, char *text, size_t size)
{
    FILE *file = fopen(test_centres_path(centres, name), "re");
    size_t n = file != NULL ? fread(text, 1, size - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    text[n] = '\0';
    return n;
}

int test_centres_run(const struct test_centres *centres, const char *log, const char *const *arguments)
{
    return test_process_run(centres->folder, TALLY_KEYCENTRE_PATH, arguments, log);
}

bool test_centres_said(const struct test_centres *centres, const char *log, const char *text)
{
    static char content[FILE_MAX];
    read_file(centres, log, content, sizeof content);
    return strstr(content, text) != NULL;
}

#define MUST_RUN(centres, ...) TEST_MUST(CENTRES_RUN(centres, "commands.log", __VA_ARGS__) == 0)

/* Parties and grants are made in this process: a group needs many. The commands have tests of their own. */
static void add_parties(const struct test_centres *centres)
{
    static const char *const parties[][2] = {{CENTRE_OPERATOR, "authd"},
                                             {CENTRE_STATION, "personaliser"},
                                             {CENTRE_NOBODY, "gate"},
                                             {CENTRE_ADMIN, "admin"}};
    for (size_t i = 0; i < sizeof parties / sizeof *parties; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s.pem", parties[i][0]);
        TEST_MUST(tally_party_make(test_centres_path(centres, "parties.json"), parties[i][0], parties[i][1],
                                   test_centres_path(centres, name)) == TALLY_OK);
    }
}

static enum tally_error grant_all(struct tally_tx *tx, void *arg)
{
    (void)arg;
    enum tally_error e = keycentre_grant_add(tx, CENTRE_OPERATOR, "authd:0001");
    if (e == TALLY_OK)
        e = keycentre_grant_add(tx, CENTRE_OPERATOR, "gate:0001:*:*");
    return e == TALLY_OK ? keycentre_grant_add(tx, CENTRE_STATION, "card:*") : e;
}

static void add_grants(const struct test_centres *centres, unsigned i)
{
    const struct tally_db_schema schemas[] = {keycentre_schema, {0}};
    struct tally_db *db;
    TEST_MUST(tally_db_open(&(struct tally_db_options){.location = test_centre_database(centres, i),
                                                       .schemas = schemas},
                            &db) == TALLY_OK);
    TEST_MUST(tally_db_write(db, grant_all, NULL) == TALLY_OK);
    tally_db_close(db);
}

/* The signing key that init printed. */
static void read_signing_key(const struct test_centres *centres, const char *log, char key[129])
{
    char text[4096];
    read_file(centres, log, text, sizeof text);
    const char *line = strstr(text, "signing_key ");
    TEST_MUST(line != NULL && strlen(line) > 12 + 128);
    memcpy(key, line + 12, 128);
    key[128] = '\0';
}

/* Ports are not known yet: centres are told of by their place, and the file is written again when all run. */
static void write_group(const struct test_centres *centres, char keys[][129], int64_t start)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < centres->count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "url",
                                              centres->at[i].url[0] != '\0' ? centres->at[i].url : "-",
                                              "signing_key", keys[i]));
    json_t *group = json_pack("{s:i, s:o, s:{s:I, s:i, s:i, s:i}}", "threshold", (int)centres->threshold,
                              "centres", list, "epochs", "start", (json_int_t)start, "length", EPOCH_S,
                              "card_length", 2 * EPOCH_S, "lead", LEAD_S);
    char *text = json_dumps(group, JSON_INDENT(1));
    write_file(centres, "group.json", text);
    free(text);
    json_decref(group);
}

/* With the URLs of the processes, once they run. */
static void rewrite_group(const struct test_centres *centres)
{
    json_t *group = json_load_file(test_centres_path(centres, "group.json"), 0, NULL);
    json_t *list = json_object_get(group, "centres");
    for (unsigned i = 0; i < centres->count; i++)
        json_object_set_new(json_array_get(list, i), "url", json_string(centres->at[i].url));
    char *text = json_dumps(group, JSON_INDENT(1));
    write_file(centres, "group.json", text);
    free(text);
    json_decref(group);
}

static void init_centre(const struct test_centres *centres, unsigned i, int64_t start, char key[129])
{
    char text[24], log[32];
    snprintf(text, sizeof text, "%lld", (long long)start);
    snprintf(log, sizeof log, "init-%u.log", i);
    TEST_MUST(CENTRES_RUN(centres, log, "init", "--database", test_centre_database(centres, i), "--kek-file",
                          test_centres_path(centres, "kek"), "--epoch-start", text, "--epoch-length", "3600",
                          "--card-epoch-length", "7200", "--epoch-lead", "900",
                          centres->threshold > 0 ? "--threshold=true" : "--threshold=false") == 0);
    if (centres->threshold > 0)
        read_signing_key(centres, log, key);
}

void test_centres_make(struct test_centres *centres, unsigned threshold, unsigned count,
                       int64_t start_offset_s)
{
    char keys[CENTRES_MAX][129];
    const char *base = getenv("TMPDIR");
    int64_t start = tally_clock_wall_s(&tally_system_clock) - start_offset_s;
    *centres = (struct test_centres){.count = count, .threshold = threshold};
    snprintf(centres->folder, sizeof centres->folder, "%s/tally-centres-XXXXXX",
             base != NULL ? base : "/tmp");
    TEST_MUST(mkdtemp(centres->folder) != NULL);
    write_file(centres, "kek", "correct horse battery staple\n");
    add_parties(centres);
    for (unsigned i = 0; i < count; i++) {
        init_centre(centres, i, start, keys[i]);
        add_grants(centres, i);
    }
    if (threshold == 0)
        return;
    write_group(centres, keys, start);
    for (unsigned i = 0; i < count; i++)
        MUST_RUN(centres, "join", "--database", test_centre_database(centres, i), "--kek-file",
                 test_centres_path(centres, "kek"), "--group", test_centres_path(centres, "group.json"));
}

void test_centre_start(struct test_centres *centres, unsigned i)
{
    char port_file[CENTRE_PATH_MAX + 64], file[32], log[32], port[8];
    snprintf(file, sizeof file, "centre-%u.port", i);
    snprintf(port_file, sizeof port_file, "%s", test_centres_path(centres, file));
    snprintf(log, sizeof log, "centre-%u.log", i);
    snprintf(port, sizeof port, "%u", centres->at[i].port);
    const char *const arguments[] = {"serve",
                                     "--database",
                                     test_centre_database(centres, i),
                                     "--kek-file",
                                     test_centres_path(centres, "kek"),
                                     "--trusted-keys",
                                     test_centres_path(centres, "parties.json"),
                                     "--port",
                                     port,
                                     "--port-file",
                                     port_file,
                                     "--log-level",
                                     "debug",
                                     NULL};
    unlink(port_file);
    centres->at[i].pid = test_process_spawn(centres->folder, TALLY_KEYCENTRE_PATH, arguments, log);
    bool up = centres->at[i].pid > 0 &&
              test_process_port(centres->folder, file, centres->at[i].pid, &centres->at[i].port);
    if (!up)
        test_process_show(centres->folder, log);
    TEST_MUST(up);
    snprintf(centres->at[i].url, sizeof centres->at[i].url, "http://127.0.0.1:%u", centres->at[i].port);
}

void test_centres_start(struct test_centres *centres)
{
    for (unsigned i = 0; i < centres->count; i++)
        test_centre_start(centres, i);
    if (centres->threshold > 0)
        rewrite_group(centres);
}

static int end(struct test_centres *centres, unsigned i, int signal)
{
    kill(centres->at[i].pid, signal);
    int status = test_process_end(centres->at[i].pid);
    centres->at[i].pid = 0;
    return status;
}

void test_centre_stop(struct test_centres *centres, unsigned i)
{
    char log[32];
    snprintf(log, sizeof log, "centre-%u.log", i);
    int status = end(centres, i, SIGTERM);
    if (status != 0)
        test_process_show(centres->folder, log);
    TEST_MUST(status == 0);
}

void test_centre_kill(struct test_centres *centres, unsigned i)
{
    TEST_MUST(WIFSIGNALED(end(centres, i, SIGKILL)));
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

void test_centres_remove(struct test_centres *centres)
{
    for (unsigned i = 0; i < centres->count; i++)
        if (centres->at[i].pid > 0)
            test_centre_stop(centres, i);
    nftw(centres->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void test_centres_parameters(struct test_centres *centres, struct keycentre_parameters *parameters)
{
    char urls[CENTRES_MAX * 64] = "";
    for (unsigned i = 0; i < centres->count; i++)
        snprintf(urls + strlen(urls), sizeof urls - strlen(urls), "%s%s", i > 0 ? "," : "",
                 centres->at[i].url);
    unlink(test_centres_path(centres, "parameters.json"));
    MUST_RUN(centres, "parameters", "--url", urls, "--out", test_centres_path(centres, "parameters.json"));
    json_t *json = json_load_file(test_centres_path(centres, "parameters.json"), 0, NULL);
    TEST_MUST(keycentre_parameters_read_json(json, parameters) == TALLY_OK);
    json_decref(json);
}

void test_centres_set_up(struct test_centres *centres)
{
    MUST_RUN(centres, "ceremony", "--group", test_centres_path(centres, "group.json"), "--party",
             CENTRE_ADMIN, "--party-key", test_centres_path(centres, CENTRE_ADMIN ".pem"));
}

int test_centres_fetch(const struct test_centres *centres, const char *party, const char *identity,
                       const char *out)
{
    char key[64];
    snprintf(key, sizeof key, "%s.pem", party);
    unlink(test_centres_path(centres, out));
    unlink(test_centres_path(centres, "fetch.log"));
    return CENTRES_RUN(centres, "fetch.log", "fetch", "--identity", identity, "--parameters",
                       test_centres_path(centres, "parameters.json"), "--party", party, "--party-key",
                       test_centres_path(centres, key), "--out", test_centres_path(centres, out));
}

void test_centre_caller(struct test_caller *caller, const struct test_centres *centres, unsigned i,
                        const char *party)
{
    char name[64];
    snprintf(name, sizeof name, "%s.pem", party);
    TEST_MUST(tally_key_file_load(test_centres_path(centres, name), false, &caller->key) == TALLY_OK);
    const struct keycentre_caller who = {.party = party, .key = caller->key};
    TEST_MUST(keycentre_client_open(centres->at[i].url, &who, &caller->signer, &caller->http) == TALLY_OK);
}
