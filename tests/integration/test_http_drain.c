/* Requests that wait, and a server's orderly end. */
#include "host/base/log.h"
#include "host/service/http_server.h"
#include "tests/support/check_main.h"
#include "tests/support/service_support.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct tally_http_server *server;
static uint16_t port;

/* Requests put aside until the test lets them go. */
#define WAITING_MAX 32
static struct tally_http_request *waiting[WAITING_MAX];
static _Atomic int waiting_count;
static sem_t arrived;

static void wait_for_test(struct tally_http_request *request, struct tally_http_response *response, void *ctx)
{
    (void)response, (void)ctx;
    tally_http_defer(request);
    waiting[atomic_fetch_add(&waiting_count, 1)] = request;
    sem_post(&arrived);
}

static void let_go(int i)
{
    struct tally_http_request *request = waiting[i];
    tally_http_respond_json(request, tally_http_deferred_response(request), 200,
                            json_pack("{s:i}", "turn", i));
    tally_http_finish(request);
}

static void await_arrivals(int n)
{
    while (n > 0)
        n -= sem_wait(&arrived) == 0;
}

static const struct tally_http_route routes[] = {
    {"GET", "/v1/wait", wait_for_test, NULL},
    {NULL, NULL, NULL, NULL},
};

static void setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    sem_init(&arrived, 0, 0);
    struct tally_http_options options = {.address = "127.0.0.1",
                                         .connections_max = 64,
                                         .idle_timeout_s = 60,
                                         .body_timeout_s = 30,
                                         .body_max = 4096,
                                         .threads = 2,
                                         .routes = routes,
                                         .clock = &tally_system_clock};
    ck_assert_int_eq(tally_http_server_start(&options, &server), TALLY_OK);
    port = tally_http_server_port(server);
}

static void teardown(void)
{
    tally_http_server_free(server);
}

static const char wait_request[] = "GET /v1/wait HTTP/1.1\r\nHost: x\r\n\r\n";

/* Sends the request on a new connection. */
static int send_wait(void)
{
    int fd = http_connect(port);
    ck_assert_int_eq(write(fd, wait_request, strlen(wait_request)), (ssize_t)strlen(wait_request));
    return fd;
}

/* The status of a request for the server's health. */
static int health(void)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = http_connect(port);
    ck_assert_int_eq(write(fd, request, strlen(request)), (ssize_t)strlen(request));
    int status = http_read_status(fd);
    close(fd);
    return status;
}

START_TEST(many_requests_wait_on_two_threads_and_all_are_answered)
{
    int fds[24];
    for (int i = 0; i < 24; i++) {
        fds[i] = send_wait();
    }
    await_arrivals(24);
    /* The threads are free meanwhile. */
    ck_assert_int_eq(health(), 200);
    for (int i = 23; i >= 0; i--)
        let_go(i);
    for (int i = 0; i < 24; i++) {
        ck_assert_int_eq(http_read_status(fds[i]), 200);
        close(fds[i]);
    }
}
END_TEST

START_TEST(a_waiting_request_survives_its_callers_leaving)
{
    int fd = send_wait();
    await_arrivals(1);
    close(fd);
    ck_assert_int_eq(health(), 200);
    let_go(0);
    ck_assert_int_eq(health(), 200);
    ck_assert_int_eq(tally_http_server_drain(server, 60000), TALLY_OK);
}
END_TEST

static void *drain(void *arg)
{
    (void)arg;
    return (void *)(intptr_t)tally_http_server_drain(server, 60000);
}

START_TEST(draining_finishes_what_is_under_way_and_takes_nothing_new)
{
    static const char ready[] = "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    pthread_t drainer;
    void *result;
    int fd, idle = http_connect(port), late;
    ck_assert_int_eq(write(idle, ready, strlen(ready)), (ssize_t)strlen(ready));
    ck_assert_int_eq(http_read_status(idle), 200);
    fd = send_wait();
    await_arrivals(1);
    ck_assert_int_eq(pthread_create(&drainer, NULL, drain, NULL), 0);
    ck_assert_int_eq(getpeername(fd, (struct sockaddr *)&address, &size), 0);
    /* From some moment on nobody new gets in. */
    for (;;) {
        late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int refused = connect(late, (struct sockaddr *)&address, size);
        close(late);
        if (refused != 0)
            break;
        usleep(1000);
    }
    ck_assert_int_eq(write(idle, ready, strlen(ready)), (ssize_t)strlen(ready));
    ck_assert_int_eq(http_read_status(idle), 503);
    close(idle);
    let_go(0);
    ck_assert_int_eq(http_read_status(fd), 200);
    close(fd);
    pthread_join(drainer, &result);
    ck_assert_int_eq((intptr_t)result, TALLY_OK);
}
END_TEST

START_TEST(draining_ends_at_its_deadline)
{
    int fd = send_wait();
    await_arrivals(1);
    ck_assert_int_eq(tally_http_server_drain(server, 1), TALLY_E_STATE);
    let_go(0);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_drain");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, many_requests_wait_on_two_threads_and_all_are_answered);
    tcase_add_test(all, a_waiting_request_survives_its_callers_leaving);
    tcase_add_test(all, draining_finishes_what_is_under_way_and_takes_nothing_new);
    tcase_add_test(all, draining_ends_at_its_deadline);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
