/* Tickets a second that tally-authd makes over HTTP, and how near that is to what the bare cryptography
 * allows.
 *
 *   authd.tickets_per_s  POST /v1/tickets answered 201, from signed requests on keep-alive connections
 *   authd.limit_ratio    that, divided by how often all cores together do the OpenSSL operations of one
 * ticket: verify the request's ECDSA signature, sign TF_V, make an ephemeral key and agree with the card's
 *
 * The two are measured in turn, several times; the figures are medians. The requests are signed before the
 * clock starts; the program that sends them shares the cores with the server, and that is counted against the
 * server.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "host/service/idempotency.h"
#include "tests/support/ticketing.h"

enum {
    ROUNDS = 5,
    CARDS = 256,
    REQUESTS = 6000, /* of one round */
    CONNECTIONS = 64,
    REQUEST_MAX = 4096,
    ANSWER_MAX = 4096,
    LIMIT_MS = 700, /* of one round of bare operations */
    CORES_MAX = 64
};

struct request {
    size_t n;
    char text[REQUEST_MAX];
};

static struct request *requests;
static struct test_services services;
static struct test_card cards[CARDS];

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Processor time that a process has used so far; other programs on the machine do not count. */
static double cpu_s(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) != 0)
        return 0;
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "bench_authd: %s: %s\n", what, strerror(errno));
    (void)test_services_stop(&services);
    exit(8);
}

/* Requests. */

static void make_cards(void)
{
    struct test_caller personaliser;
    test_caller_open(&personaliser, &services, TEST_PERSONALISER, TO_AUTHD);
    for (size_t i = 0; i < CARDS; i++) {
        test_card_make(&cards[i], false);
        test_card_register(&cards[i], &personaliser);
        test_card_set_operator(&cards[i], &personaliser, TEST_RAIL);
    }
    test_caller_close(&personaliser);
}

static void sign_request(const struct tally_signer *signer, const struct test_card *card,
                         struct request *request)
{
    char tid[2 * TID_SIZE + 1], key[TALLY_IDEMPOTENCY_KEY_SIZE];
    struct tally_signed_fields fields;
    const char *authority = services.authd.url + strlen("http://");
    json_t *json = test_ticket_request(card, TEST_RAIL, tid);
    char *body = json_dumps(json, JSON_COMPACT);
    if (body == NULL ||
        tally_idempotency_key_make(&tally_system_clock, &tally_system_random, key) != TALLY_OK)
        die("request");
    struct tally_http_header header = {"idempotency-key", key};
    struct tally_httpsig_message message = {.method = "POST",
                                            .authority = authority,
                                            .path = "/v1/tickets",
                                            .query = "",
                                            .headers = &header,
                                            .header_count = 1};
    if (tally_signer_sign(signer, &message, body, strlen(body), &fields) != TALLY_OK)
        die("signature");
    int n =
        snprintf(request->text, sizeof request->text,
                 "POST /v1/tickets HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                 "Content-Length: %zu\r\nContent-Digest: %s\r\nIdempotency-Key: %s\r\n"
                 "Signature-Input: %s\r\nSignature: %s\r\n\r\n%s",
                 authority, strlen(body), fields.content_digest, key, fields.input, fields.signature, body);
    if (n < 0 || (size_t)n >= sizeof request->text)
        die("request too long");
    request->n = (size_t)n;
    free(body);
    json_decref(json);
}

static void sign_requests(const struct tally_signer *signer)
{
    for (size_t i = 0; i < REQUESTS; i++)
        sign_request(signer, &cards[i % CARDS], &requests[i]);
}

/* Sending: one thread, one request under way on each connection. */

struct connection {
    int fd;
    size_t n; /* bytes of the answer so far */
    char answer[ANSWER_MAX];
};

static int dial(void)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(services.authd.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void send_next(struct connection *c, size_t *next)
{
    if (*next == REQUESTS)
        return;
    const struct request *request = &requests[(*next)++];
    /* Far smaller than the socket's buffer: it goes in one piece. */
    if (send(c->fd, request->text, request->n, MSG_NOSIGNAL) != (ssize_t)request->n)
        die("send");
    c->n = 0;
}

/* True when the whole answer is there. */
static bool receive(struct connection *c)
{
    ssize_t got = recv(c->fd, c->answer + c->n, sizeof c->answer - 1 - c->n, 0);
    if (got <= 0)
        die("receive");
    c->n += (size_t)got;
    c->answer[c->n] = '\0';
    const char *end = strstr(c->answer, "\r\n\r\n"), *length = strcasestr(c->answer, "\r\nContent-Length:");
    if (end == NULL || length == NULL)
        return false;
    size_t body = (size_t)strtoul(length + strlen("\r\nContent-Length:"), NULL, 10);
    if (c->n < (size_t)(end - c->answer) + 4 + body)
        return false;
    if (strncmp(c->answer, "HTTP/1.1 201", 12) != 0) {
        fprintf(stderr, "%s\n", c->answer);
        die("answer");
    }
    return true;
}

static double tickets_per_second(struct connection *connections, int poll)
{
    struct epoll_event events[CONNECTIONS];
    size_t next = 0, answered = 0;
    double start = now_s();
    for (size_t i = 0; i < CONNECTIONS; i++)
        send_next(&connections[i], &next);
    while (answered < REQUESTS) {
        int n = epoll_wait(poll, events, CONNECTIONS, 30000);
        if (n <= 0)
            die("wait");
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (receive(c)) {
                answered++;
                send_next(c, &next);
            }
        }
    }
    return REQUESTS / (now_s() - start);
}

/* The limit: what the cores do when they do nothing else. */

struct bare {
    EVP_PKEY *key, *peer;
    uint8_t point[P256_POINT_SIZE], digest[32], der[80];
    size_t der_size;
    double until;
    size_t done;
};

static void must(int result)
{
    if (result != 1)
        die("OpenSSL");
}

static void one_ticket(struct bare *b, EVP_PKEY_CTX *sign, EVP_PKEY_CTX *verify, EVP_PKEY_CTX *generate)
{
    uint8_t der[80], secret[32];
    size_t der_size = sizeof der, secret_size = sizeof secret;
    EVP_PKEY *ephemeral = NULL, *card = EVP_PKEY_new();
    must(EVP_PKEY_verify(verify, b->der, b->der_size, b->digest, sizeof b->digest));
    must(EVP_PKEY_sign(sign, der, &der_size, b->digest, sizeof b->digest));
    must(EVP_PKEY_copy_parameters(card, b->peer));
    must(EVP_PKEY_set1_encoded_public_key(card, b->point, sizeof b->point));
    must(EVP_PKEY_keygen(generate, &ephemeral));
    EVP_PKEY_CTX *derive = EVP_PKEY_CTX_new(ephemeral, NULL);
    must(EVP_PKEY_derive_init(derive));
    must(EVP_PKEY_derive_set_peer_ex(derive, card, 0));
    must(EVP_PKEY_derive(derive, secret, &secret_size));
    EVP_PKEY_CTX_free(derive);
    EVP_PKEY_free(ephemeral);
    EVP_PKEY_free(card);
}

static void *work(void *arg)
{
    struct bare *b = arg;
    EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(b->key, NULL), *verify = EVP_PKEY_CTX_new(b->key, NULL);
    EVP_PKEY_CTX *generate = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    must(EVP_PKEY_sign_init(sign));
    must(EVP_PKEY_verify_init(verify));
    must(EVP_PKEY_keygen_init(generate));
    must(EVP_PKEY_CTX_set_group_name(generate, "P-256"));
    for (b->done = 0; now_s() < b->until; b->done++)
        one_ticket(b, sign, verify, generate);
    EVP_PKEY_CTX_free(sign);
    EVP_PKEY_CTX_free(verify);
    EVP_PKEY_CTX_free(generate);
    return NULL;
}

static void prepare_bare(struct bare *b)
{
    size_t n;
    b->key = EVP_EC_gen("P-256");
    b->peer = EVP_EC_gen("P-256");
    EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(b->key, NULL);
    b->der_size = sizeof b->der;
    must(EVP_PKEY_sign_init(sign));
    must(EVP_PKEY_sign(sign, b->der, &b->der_size, b->digest, sizeof b->digest));
    must(EVP_PKEY_get_octet_string_param(b->peer, "pub", b->point, sizeof b->point, &n));
    EVP_PKEY_CTX_free(sign);
}

static double limit_per_second(const struct bare *prepared, double *cpu_us)
{
    struct bare bare[CORES_MAX];
    pthread_t threads[CORES_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = cores < 1 ? 1 : cores > CORES_MAX ? CORES_MAX : (size_t)cores, done = 0;
    double start = now_s(), cpu = cpu_s(0);
    for (size_t i = 0; i < count; i++) {
        bare[i] = *prepared;
        bare[i].until = start + LIMIT_MS / 1000.0;
        if (pthread_create(&threads[i], NULL, work, &bare[i]) != 0)
            die("thread");
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        done += bare[i].done;
    }
    *cpu_us = (cpu_s(0) - cpu) * 1e6 / (double)done;
    return (double)done / (now_s() - start);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, ascending);
    return values[ROUNDS / 2];
}

int main(void)
{
    static struct connection connections[CONNECTIONS];
    double tickets[ROUNDS], limits[ROUNDS], ratios[ROUNDS];
    struct test_caller ticketing;
    struct bare bare = {0};
    int poll = epoll_create1(EPOLL_CLOEXEC);
    requests = calloc(REQUESTS, sizeof *requests);
    if (poll < 0 || requests == NULL || !test_services_prepare(&services) || !test_authd_start(&services))
        die("start");
    make_cards();
    test_caller_open(&ticketing, &services, TEST_TICKETING, TO_AUTHD);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        connections[i].fd = dial();
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};
        epoll_ctl(poll, EPOLL_CTL_ADD, connections[i].fd, &event);
    }
    prepare_bare(&bare);
    for (size_t r = 0; r < ROUNDS; r++) {
        double server_us, client_us, bare_us;
        sign_requests(&ticketing.signer);
        server_us = -cpu_s(services.authd.pid);
        client_us = -cpu_s(0);
        tickets[r] = tickets_per_second(connections, poll);
        server_us = (server_us + cpu_s(services.authd.pid)) * 1e6 / REQUESTS;
        client_us = (client_us + cpu_s(0)) * 1e6 / REQUESTS;
        limits[r] = limit_per_second(&bare, &bare_us);
        ratios[r] = tickets[r] / limits[r];
        fprintf(stderr,
                "round %zu: %.0f tickets/s, limit %.0f/s, ratio %.3f; processor time of a ticket: server "
                "%.0f us, "
                "client %.0f us, bare %.0f us, ratio %.3f\n",
                r + 1, tickets[r], limits[r], ratios[r], server_us, client_us, bare_us,
                bare_us / (server_us + client_us));
    }
    printf("authd.tickets_per_s %.0f\n", median(tickets));
    printf("authd.limit_ratio %.3f\n", median(ratios));
    for (size_t i = 0; i < CONNECTIONS; i++)
        close(connections[i].fd);
    close(poll);
    test_caller_close(&ticketing);
    for (size_t i = 0; i < CARDS; i++)
        test_card_free(&cards[i]);
    EVP_PKEY_free(bare.key);
    EVP_PKEY_free(bare.peer);
    free(requests);
    return test_services_stop(&services) ? 0 : 8;
}
