/* A whole daemon in a process of its own: signed changes, idempotency, restart, signals, start rules. */
#include "host/service/keyfile.h"
#include "tests/support/check_main.h"
#include "tests/support/pg_world.h"
#include "tests/support/service_support.h"
#include "tests/support/sumd.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static enum tally_error add_to(const char *path, const char *key, const char *name, int64_t amount,
                               int64_t *total, int *problem)
{
    json_t *result, *body = json_pack("{s:s, s:I}", "name", name, "amount", (json_int_t)amount);
    enum tally_error e = tally_http_client_json(sumd.client, "POST", path, key, body, &result, problem);
    *total = json_integer_value(json_object_get(result, "total"));
    json_decref(body);
    json_decref(result);
    return e;
}

static enum tally_error add(const char *key, const char *name, int64_t amount, int64_t *total, int *problem)
{
    return add_to("/v1/sums", key, name, amount, total, problem);
}

static int64_t total_of(const char *name)
{
    char path[64];
    json_t *result;
    snprintf(path, sizeof path, "/v1/sums/%s", name);
    enum tally_error e = tally_http_client_json(sumd.client, "GET", path, NULL, NULL, &result, NULL);
    int64_t total = e == TALLY_OK ? json_integer_value(json_object_get(result, "total")) : -1;
    json_decref(result);
    return total;
}

START_TEST(a_change_counts_once)
{
    int64_t total;
    int problem;
    ck_assert_int_eq(add("k1", "a", 5, &total, &problem), TALLY_OK);
    ck_assert_int_eq(total, 5);
    ck_assert_int_eq(add("k1", "a", 5, &total, &problem), TALLY_OK);
    ck_assert_int_eq(total, 5);
    ck_assert_int_eq(add("k1", "a", 6, &total, &problem), TALLY_E_FORMAT);
    ck_assert_int_eq(problem, 301);
    ck_assert_int_eq(add_to("/v1/failing", "k1", "a", 5, &total, &problem), TALLY_E_FORMAT);
    ck_assert_int_eq(problem, 301);
    ck_assert_int_eq(add("k2", "a", 6, &total, &problem), TALLY_OK);
    ck_assert_int_eq(total, 11);
    /* The same after a restart. */
    ck_assert_int_eq(sumd_stop(SIGTERM), 0);
    sumd_start(0);
    ck_assert_int_eq(add("k1", "a", 5, &total, &problem), TALLY_OK);
    ck_assert_int_eq(total, 5);
    ck_assert_int_eq(total_of("a"), 11);
}
END_TEST

START_TEST(a_refused_change_leaves_nothing_and_its_key_may_be_used_again)
{
    int64_t total;
    int problem;
    ck_assert_int_eq(add("k1", "a", -5, &total, &problem), TALLY_E_STATE);
    ck_assert_int_eq(problem, 405);
    ck_assert_int_eq(add_to("/v1/failing", "k2", "a", 7, &total, &problem), TALLY_E_STATE);
    ck_assert_int_eq(problem, 406);
    ck_assert_int_eq(total_of("a"), -1);
    ck_assert_int_eq(add("k3", "a", 10, &total, &problem), TALLY_OK);
    ck_assert_int_eq(add("k1", "a", -5, &total, &problem), TALLY_OK);
    ck_assert_int_eq(total, 5);
}
END_TEST

static enum tally_error open_sum(const char *key, const char *name, int *problem)
{
    json_t *result, *body = json_pack("{s:s}", "name", name);
    enum tally_error e =
        tally_http_client_json(sumd.client, "POST", "/v1/opened", key, body, &result, problem);
    json_decref(body);
    json_decref(result);
    return e;
}

START_TEST(what_was_done_is_answered_so_even_where_it_would_be_refused_now)
{
    int problem;
    ck_assert_int_eq(open_sum("k1", "a", &problem), TALLY_OK);
    ck_assert_int_eq(open_sum("k1", "a", &problem), TALLY_OK);
    ck_assert_int_eq(open_sum("k1", "b", &problem), TALLY_E_FORMAT);
    ck_assert_int_eq(problem, 301);
    ck_assert_int_eq(open_sum("k2", "a", &problem), TALLY_E_STATE);
    ck_assert_int_eq(problem, 404);
    ck_assert_int_eq(total_of("b"), -1);
}
END_TEST

struct caller {
    const char *key;
    int ok, in_flight, other;
};

static void *change_once(void *arg)
{
    struct caller *caller = arg;
    int64_t total;
    int problem;
    enum tally_error e = add(caller->key, "a", 3, &total, &problem);
    caller->ok += e == TALLY_OK && total == 3;
    caller->in_flight += e == TALLY_E_STATE && problem == 302;
    caller->other += e != TALLY_OK && problem != 302;
    return NULL;
}

START_TEST(one_key_at_once_from_many_has_one_effect)
{
    struct caller callers[8];
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        callers[i] = (struct caller){.key = "same"};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, change_once, &callers[i]), 0);
    }
    int ok = 0, in_flight = 0;
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        ok += callers[i].ok;
        in_flight += callers[i].in_flight;
        ck_assert_int_eq(callers[i].other, 0);
    }
    ck_assert_int_ge(ok, 1);
    ck_assert_int_eq(ok + in_flight, 8);
    ck_assert_int_eq(total_of("a"), 3);
}
END_TEST

static void *post_wait(void *arg)
{
    json_t *result;
    int problem;
    enum tally_error e =
        tally_http_client_json(sumd.client, "POST", "/v1/wait", arg, NULL, &result, &problem);
    json_decref(result);
    return (void *)(intptr_t)(e == TALLY_OK ? 200 : problem);
}

/* Starts a change that waits, and returns once it has reached the writer, with the pipe's end that lets it
 * go. */
static int start_waiting(pthread_t *thread, const char *key)
{
    ck_assert_int_eq(pthread_create(thread, NULL, post_wait, (void *)(uintptr_t)key), 0);
    int fd = open(sumd.pipe, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

START_TEST(a_key_in_flight_is_refused_meanwhile)
{
    pthread_t thread;
    void *status;
    int fd = start_waiting(&thread, "w1");
    ck_assert_int_eq((intptr_t)post_wait("w1"), 302);
    ck_assert_int_eq(write(fd, "x", 1), 1);
    close(fd);
    pthread_join(thread, &status);
    ck_assert_int_eq((intptr_t)status, 200);
    /* Now the stored answer is given, without waiting. */
    ck_assert_int_eq((intptr_t)post_wait("w1"), 200);
}
END_TEST

START_TEST(sigterm_lets_what_is_under_way_finish)
{
    pthread_t thread;
    void *answer;
    int status, fd = start_waiting(&thread, "w1");
    kill(sumd.pid, SIGTERM);
    /* Wait until it takes nobody new, then let the change go on. */
    for (int refused = 0; !refused;) {
        struct tally_http_client_options options = {.base_url = sumd.base_url};
        struct tally_http_client *probe;
        struct tally_http_call call = {.method = "GET", .path = "/healthz"};
        struct tally_http_answer got;
        ck_assert_int_eq(tally_http_client_new(&options, &probe), TALLY_OK);
        refused = tally_http_client_perform(probe, &call, &got) != TALLY_OK;
        tally_http_answer_clear(&got);
        tally_http_client_free(probe);
    }
    ck_assert_int_eq(write(fd, "x", 1), 1);
    close(fd);
    pthread_join(thread, &answer);
    ck_assert_int_eq((intptr_t)answer, 200);
    ck_assert_int_eq(waitpid(sumd.pid, &status, 0), sumd.pid);
    sumd.pid = 0;
    ck_assert_int_eq(status, 0);
    sumd_start(0);
    ck_assert_int_eq((intptr_t)post_wait("w1"), 200);
}
END_TEST

/* A signed POST as it goes over the wire. */
static size_t record(char *bytes, size_t size, const char *key, const char *body)
{
    struct tally_signed_fields fields;
    struct tally_http_header header = {"idempotency-key", key};
    struct tally_httpsig_message message = {.method = "POST",
                                            .authority = sumd.base_url + strlen("http://"),
                                            .path = "/v1/sums",
                                            .query = "",
                                            .headers = &header,
                                            .header_count = 1};
    ck_assert_int_eq(tally_signer_sign(&sumd.signer, &message, body, strlen(body), &fields), TALLY_OK);
    return (size_t)snprintf(
        bytes, size,
        "POST /v1/sums HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
        "Idempotency-Key: %s\r\nContent-Digest: %s\r\nSignature-Input: %s\r\nSignature: %s\r\n"
        "Connection: close\r\n\r\n%s",
        message.authority, strlen(body), key, fields.content_digest, fields.input, fields.signature, body);
}

static void ck_sent(const char *bytes, const char *status, const char *part)
{
    char *answer = http_raw(sumd.port, bytes, strlen(bytes));
    ck_assert_msg(strncmp(answer + 9, status, 3) == 0 && strstr(answer, part) != NULL, "answer: %s", answer);
    free(answer);
}

START_TEST(a_recorded_change_is_refused_before_and_after_a_restart)
{
    char bytes[4096];
    /* The caller's clock is ahead, so that its signature looks younger than the restarted service. */
    struct tally_manual_clock ahead;
    tally_manual_clock_init(&ahead, tally_clock_wall_ms(&tally_system_clock) + 200000);
    sumd.signer.clock = &ahead.clock;
    record(bytes, sizeof bytes, "k1", "{\"name\":\"a\",\"amount\":5}");
    ck_sent(bytes, "200", "{\"total\":5}");
    ck_sent(bytes, "401", "\"code\":208");
    ck_assert_int_eq(sumd_stop(SIGTERM), 0);
    /* On the same port, so that the recorded Host is still right. */
    sumd_start(sumd.port);
    ck_sent(bytes, "401", "\"code\":208");
    /* The honest caller signs again and gets the stored answer. */
    record(bytes, sizeof bytes, "k1", "{\"name\":\"a\",\"amount\":5}");
    ck_sent(bytes, "200", "Idempotency-Replayed: true");
    ck_assert_int_eq(total_of("a"), 5);
}
END_TEST

START_TEST(bad_bodies_and_keys_are_named)
{
    char bytes[4096];
    record(bytes, sizeof bytes, "k1", "{\"name\":\"a\",\"amount\":\"5\"}");
    ck_sent(bytes, "422", "\"field\":\"/amount\"");
    record(bytes, sizeof bytes, "k1", "{\"name\":\"a\",\"amount\":5,\"colour\":1}");
    ck_sent(bytes, "422", "\"field\":\"/colour\"");
    record(bytes, sizeof bytes, "k1", "{\"name\":\"a\"");
    ck_sent(bytes, "400", "\"code\":400");
    record(bytes, sizeof bytes, "k1", "[1]");
    ck_sent(bytes, "400", "\"code\":400");
    record(bytes, sizeof bytes, "k 1", "{\"name\":\"a\",\"amount\":5}");
    ck_sent(bytes, "400", "\"code\":300");
    record(bytes, sizeof bytes, "0123456789012345678901234567890123456789012345678901234567890123x", "{}");
    ck_sent(bytes, "400", "\"code\":300");
    record(bytes, sizeof bytes, "k1", "{\"name\":\"a\",\"amount\":5}");
    memcpy(strstr(bytes, "application/json"), "application/jsom", 16);
    ck_sent(bytes, "415", "\"code\":104");
    int64_t total;
    int problem;
    ck_assert_int_eq(add(NULL, "a", 5, &total, &problem), TALLY_E_FORMAT);
    ck_assert_int_eq(problem, 300);
    ck_sent("POST /v1/sums HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", "401",
            "\"code\":200");
    ck_assert_int_eq(total_of("a"), -1);
}
END_TEST

START_TEST(roles_are_kept_apart_and_sighup_reads_the_keys_again)
{
    int64_t total;
    int problem;
    json_t *result;
    ck_assert_int_eq(tally_http_client_json(sumd.client, "DELETE", "/v1/sums", "d1", NULL, &result, &problem),
                     TALLY_E_DENIED);
    ck_assert_int_eq(problem, 209);
    json_decref(result);
    EVP_PKEY *gate_key = sumd_add_party("gate-9", "gate");
    sumd.signer.key = gate_key;
    sumd.signer.keyid = "gate-9";
    ck_assert_int_eq(add("k1", "a", 5, &total, &problem), TALLY_E_DENIED);
    ck_assert_int_eq(problem, 205);
    kill(sumd.pid, SIGHUP);
    do {
        ck_assert_int_eq(add("k1", "a", 5, &total, &problem), TALLY_E_DENIED);
    } while (problem == 205);
    ck_assert_int_eq(problem, 209);
    ck_assert_int_eq(tally_http_client_json(sumd.client, "GET", "/v1/sums/a", NULL, NULL, &result, &problem),
                     TALLY_E_NOT_FOUND);
    json_decref(result);
    sumd.signer.key = sumd.kiosk_key;
    sumd.signer.keyid = "kiosk-1";
    ck_assert_int_eq(add("k1", "a", 5, &total, &problem), TALLY_OK);
    EVP_PKEY_free(gate_key);
}
END_TEST

static _Atomic int asked, confirmed;

static void *ask_two_hundred(void *arg)
{
    char key[16];
    int64_t total;
    int problem;
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "k%d", i);
        confirmed += add(key, "a", 1, &total, &problem) == TALLY_OK;
        asked++;
    }
    return arg;
}

START_TEST(after_kill_every_key_asked_again_counts_once)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_two_hundred, NULL), 0);
    while (asked < 50)
        sched_yield();
    (void)sumd_stop(SIGKILL);
    pthread_join(thread, NULL);
    int before = confirmed;
    ck_assert_int_ge(before, 50);
    sumd_start(0);
    ck_assert_int_ge(total_of("a"), before);
    (void)ask_two_hundred(NULL);
    ck_assert_int_eq(confirmed - before, 200);
    ck_assert_int_eq(total_of("a"), 200);
}
END_TEST

static json_t *dead_letters(const char *after)
{
    char path[96];
    json_t *result;
    int problem;
    snprintf(path, sizeof path, "/v1/outbox/dead?after=%s", after);
    ck_assert_int_eq(tally_http_client_json(sumd.client, "GET", path, NULL, NULL, &result, &problem),
                     TALLY_OK);
    return result;
}

START_TEST(dead_letters_are_listed_and_sent_again_by_an_administrator)
{
    json_t *result;
    int problem, attempts = 0;
    ck_assert_int_eq(
        tally_http_client_json(sumd.client, "PUT", "/v1/letters/m1", "l1", NULL, &result, &problem),
        TALLY_OK);
    json_decref(result);
    ck_assert_int_eq(
        tally_http_client_json(sumd.client, "GET", "/v1/outbox/dead", NULL, NULL, &result, &problem),
        TALLY_E_DENIED);
    ck_assert_int_eq(problem, 209);
    json_decref(result);
    EVP_PKEY *admin = sumd_add_party("admin-1", "admin");
    ck_assert_int_eq(sumd_stop(SIGTERM), 0);
    sumd_start(0);
    sumd.signer.key = admin;
    sumd.signer.keyid = "admin-1";
    /* Dies, is sent again, and dies again. */
    for (int round = 1; round <= 2; round++) {
        json_t *letter = NULL;
        for (result = NULL; letter == NULL;) {
            json_decref(result);
            result = dead_letters("");
            letter = json_array_get(json_object_get(result, "messages"), 0);
        }
        ck_assert_str_eq(json_string_value(json_object_get(letter, "id")), "m1");
        ck_assert_str_eq(json_string_value(json_object_get(letter, "reason")), "nobody lives there");
        attempts += (int)json_integer_value(json_object_get(letter, "attempts"));
        json_decref(result);
        result = dead_letters("m1");
        ck_assert_uint_eq(json_array_size(json_object_get(result, "messages")), 0);
        json_decref(result);
        char key[8];
        snprintf(key, sizeof key, "r%d", round);
        ck_assert_int_eq(tally_http_client_json(sumd.client, "POST", "/v1/outbox/dead/m1/resend", key, NULL,
                                                &result, &problem),
                         TALLY_OK);
        json_decref(result);
    }
    ck_assert_int_eq(attempts, 2);
    ck_assert_int_eq(tally_http_client_json(sumd.client, "POST", "/v1/outbox/dead/m2/resend", "r3", NULL,
                                            &result, &problem),
                     TALLY_E_NOT_FOUND);
    json_decref(result);
    EVP_PKEY_free(admin);
}
END_TEST

static int exit_code(char *const *words)
{
    int status;
    pid_t pid = sumd_run(words);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define WORDS(...) ((char *const[]){__VA_ARGS__, "--log-level", "off", NULL})

START_TEST(a_daemon_that_cannot_serve_says_so_and_ends)
{
    char bad_keys[160], other[160];
    folder_path(sumd.folder, "bad.json", bad_keys);
    folder_path(sumd.folder, "other.db", other);
    file_write(bad_keys, "{", 0600);
    int out = dup(STDOUT_FILENO), errors = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    int codes[] = {exit_code(WORDS("--help")),
                   exit_code(WORDS("--colour", "red")),
                   exit_code(WORDS("--port", "70000", "--database", other)),
                   exit_code(WORDS("--port", "0")),
                   exit_code(WORDS("--database", other, "--address", "0.0.0.0")),
                   exit_code(WORDS("--database", other, "--trusted-keys", bad_keys)),
                   exit_code(WORDS("--database", "/nonexistent/x.db")),
                   exit_code(WORDS("--database", other, "--refuse-to-start")),
                   exit_code((char *const[]){"--database", other, "--log-level", "loud", NULL})};
    dup2(out, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    close(out);
    close(errors);
    close(null);
    static const int expected[] = {0, 2, 2, 2, 2, 2, 8, 1, 2};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        ck_assert_msg(codes[i] == expected[i], "case %zu ended with %d", i, codes[i]);
}
END_TEST

/* The second process; its port. It answers to the first one's authority. */
static uint16_t start_second(pid_t *pid)
{
    char port_file[160];
    folder_path(sumd.folder, "port-2", port_file);
    char *words[] = {"--database",  sumd.database, "--port",         "0",
                     "--port-file", port_file,     "--trusted-keys", sumd.keys_file,
                     "--log-level", "off",         "--authority",    sumd.base_url + 7,
                     NULL};
    *pid = sumd_run(words);
    while (access(port_file, R_OK) != 0) {
        ck_assert_int_eq(waitpid(*pid, NULL, WNOHANG), 0);
        usleep(1000);
    }
    char *text = file_read(port_file);
    uint16_t port = (uint16_t)atoi(text);
    free(text);
    return port;
}

static void ck_sent_to(uint16_t port, const char *bytes, const char *status, const char *part)
{
    uint16_t first = sumd.port;
    sumd.port = port;
    ck_sent(bytes, status, part);
    sumd.port = first;
}

START_TEST(processes_that_share_a_database_are_one_service)
{
    char bytes[4096], key[16];
    pid_t pid;
    pthread_t thread;
    uint16_t second = start_second(&pid);
    /* A change that one refused cannot be replayed to the other. */
    record(bytes, sizeof bytes, "r1", "{\"name\":\"b\",\"amount\":-5}");
    ck_sent(bytes, "409", "\"code\":405");
    ck_sent_to(second, bytes, "401", "\"code\":208");
    record(bytes, sizeof bytes, "r2", "{\"name\":\"b\",\"amount\":5}");
    ck_sent_to(second, bytes, "200", "{\"total\":5}");
    ck_sent(bytes, "401", "\"code\":208");
    record(bytes, sizeof bytes, "r2", "{\"name\":\"b\",\"amount\":5}");
    ck_sent(bytes, "200", "Idempotency-Replayed: true");
    /* The same keys at both at once. */
    ck_assert_int_eq(pthread_create(&thread, NULL, ask_two_hundred, NULL), 0);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "k%d", i);
        record(bytes, sizeof bytes, key, "{\"name\":\"a\",\"amount\":1}");
        char *answer = http_raw(second, bytes, strlen(bytes));
        ck_assert_msg(strncmp(answer + 9, "200", 3) == 0, "answer: %s", answer);
        free(answer);
    }
    pthread_join(thread, NULL);
    ck_assert_int_eq(confirmed, 200);
    ck_assert_int_eq(total_of("a"), 200);
    kill(pid, SIGTERM);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

int main(int argc, char **argv)
{
    sumd.postgres = argc > 1 && strcmp(argv[1], "postgresql") == 0;
    if (sumd.postgres && !pg_world_start(false))
        return 1;
    Suite *suite = suite_create("http_service");
    TCase *all = tcase_create("daemon");
    tcase_set_timeout(all, 100);
    tcase_add_checked_fixture(all, sumd_setup, sumd_teardown);
    tcase_add_test(all, a_change_counts_once);
    tcase_add_test(all, a_refused_change_leaves_nothing_and_its_key_may_be_used_again);
    tcase_add_test(all, what_was_done_is_answered_so_even_where_it_would_be_refused_now);
    tcase_add_test(all, one_key_at_once_from_many_has_one_effect);
    tcase_add_test(all, a_key_in_flight_is_refused_meanwhile);
    tcase_add_test(all, sigterm_lets_what_is_under_way_finish);
    tcase_add_test(all, a_recorded_change_is_refused_before_and_after_a_restart);
    tcase_add_test(all, bad_bodies_and_keys_are_named);
    tcase_add_test(all, roles_are_kept_apart_and_sighup_reads_the_keys_again);
    tcase_add_test(all, after_kill_every_key_asked_again_counts_once);
    tcase_add_test(all, dead_letters_are_listed_and_sent_again_by_an_administrator);
    tcase_add_test(all, a_daemon_that_cannot_serve_says_so_and_ends);
    if (sumd.postgres)
        tcase_add_test(all, processes_that_share_a_database_are_one_service);
    suite_add_tcase(suite, all);
    bool postgres = sumd.postgres;
    int status = tally_check_main(suite, NULL);
    return !postgres || pg_world_stop() ? status : 1;
}
