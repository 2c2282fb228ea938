#include "tests/support/pg_proxy.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINKS_MAX = 32, CHUNK = 65536 };

/* "COMMIT" as the text of a command; "COMMITTED" of BEGIN is another. */
static const char commit_text[] = "COMMIT";

struct link {
    int client, server;      /* -1: free */
    enum pg_proxy_cut order; /* the commit is on its way: what becomes of its answer */
};

struct pg_proxy {
    char folder[108], server[108];
    int listener, stop[2];
    pthread_t thread;
    _Atomic enum pg_proxy_cut cut;
    atomic_bool refuse;
    atomic_int cuts;
    struct link links[LINKS_MAX];
};

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void drop(struct link *link)
{
    close(link->client);
    close(link->server);
    *link = (struct link){-1, -1, PG_PROXY_PASS};
}

static void accept_one(struct pg_proxy *proxy)
{
    int client = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    int server = atomic_load(&proxy->refuse) ? -1 : connect_to(proxy->server);
    for (size_t i = 0; client >= 0 && server >= 0 && i < LINKS_MAX; i++) {
        if (proxy->links[i].client >= 0)
            continue;
        proxy->links[i] = (struct link){client, server, PG_PROXY_PASS};
        return;
    }
    close(client);
    close(server);
}

static bool forward(int from, int to, char *chunk, size_t *n)
{
    ssize_t got = recv(from, chunk, CHUNK, 0);
    *n = got > 0 ? (size_t)got : 0;
    return to < 0 ? got > 0 : got > 0 && send(to, chunk, (size_t)got, MSG_NOSIGNAL) == got;
}

/* How far the chunk goes up to and with the command's text and its NUL; 0: it is not there. */
static size_t through_commit(const char *chunk, size_t n)
{
    const char *at = memmem(chunk, n, commit_text, sizeof commit_text);
    return at != NULL ? (size_t)(at - chunk) + sizeof commit_text : 0;
}

/* Counted first: the client goes on as soon as it sees the end. */
static void cut(struct pg_proxy *proxy, struct link *link, const char *last_words, size_t n)
{
    atomic_fetch_add(&proxy->cuts, 1);
    (void)send(link->client, last_words, n, MSG_NOSIGNAL);
    drop(link);
}

static void from_client(struct pg_proxy *proxy, struct link *link, char *chunk)
{
    size_t n;
    if (!forward(link->client, -1, chunk, &n)) {
        drop(link);
        return;
    }
    enum pg_proxy_cut order =
        through_commit(chunk, n) > 0 ? atomic_exchange(&proxy->cut, PG_PROXY_PASS) : PG_PROXY_PASS;
    if (order == PG_PROXY_CUT_BEFORE) {
        cut(proxy, link, "", 0);
        return;
    }
    if (order == PG_PROXY_CUT_AFTER_AND_REFUSE)
        atomic_store(&proxy->refuse, true);
    link->order = order;
    if (send(link->server, chunk, n, MSG_NOSIGNAL) != (ssize_t)n)
        drop(link);
}

static void from_server(struct pg_proxy *proxy, struct link *link, char *chunk)
{
    size_t n;
    if (link->order == PG_PROXY_PASS) {
        if (!forward(link->server, link->client, chunk, &n))
            drop(link);
        return;
    }
    if (!forward(link->server, -1, chunk, &n)) {
        drop(link);
        return;
    }
    size_t answer = through_commit(chunk, n);
    bool answered = link->order == PG_PROXY_CUT_ANSWERED;
    if (answer > 0)
        cut(proxy, link, chunk, answered ? answer : 0);
    else if (answered)
        (void)send(link->client, chunk, n, MSG_NOSIGNAL);
}

static void *run(void *arg)
{
    struct pg_proxy *proxy = arg;
    static _Thread_local char chunk[CHUNK];
    for (;;) {
        struct pollfd fds[2 + 2 * LINKS_MAX] = {{proxy->stop[0], POLLIN, 0}, {proxy->listener, POLLIN, 0}};
        for (size_t i = 0; i < LINKS_MAX; i++) {
            fds[2 + 2 * i] = (struct pollfd){proxy->links[i].client, POLLIN, 0};
            fds[3 + 2 * i] = (struct pollfd){proxy->links[i].server, POLLIN, 0};
        }
        if (poll(fds, 2 + 2 * LINKS_MAX, -1) < 0 || fds[0].revents != 0)
            return NULL;
        for (size_t i = 0; i < LINKS_MAX; i++) {
            if (fds[3 + 2 * i].revents != 0 && proxy->links[i].server >= 0)
                from_server(proxy, &proxy->links[i], chunk);
            if (fds[2 + 2 * i].revents != 0 && proxy->links[i].client >= 0)
                from_client(proxy, &proxy->links[i], chunk);
        }
        if (fds[1].revents != 0)
            accept_one(proxy);
    }
}

static bool start_listening(struct pg_proxy *proxy)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/.s.PGSQL.5432", proxy->folder);
    proxy->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(proxy->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
           listen(proxy->listener, LINKS_MAX) == 0 && pipe(proxy->stop) == 0 &&
           pthread_create(&proxy->thread, NULL, run, proxy) == 0;
}

struct pg_proxy *pg_proxy_start(const char *location, char through[PG_LOCATION_MAX])
{
    const char *host = strstr(location, "host="), *rest = host != NULL ? strchr(host, '&') : NULL;
    struct pg_proxy *proxy = calloc(1, sizeof *proxy);
    if (rest == NULL || proxy == NULL) {
        free(proxy);
        return NULL;
    }
    host += strlen("host=");
    snprintf(proxy->server, sizeof proxy->server, "%.*s/.s.PGSQL.5432", (int)(rest - host), host);
    strcpy(proxy->folder, "/tmp/tally-proxy-XXXXXX");
    for (size_t i = 0; i < LINKS_MAX; i++)
        proxy->links[i] = (struct link){-1, -1, PG_PROXY_PASS};
    if (mkdtemp(proxy->folder) == NULL || !start_listening(proxy)) {
        free(proxy);
        return NULL;
    }
    snprintf(through, PG_LOCATION_MAX, "%.*s%s%s", (int)(host - location), location, proxy->folder, rest);
    return proxy;
}

void pg_proxy_set(struct pg_proxy *proxy, enum pg_proxy_cut order)
{
    atomic_store(&proxy->cut, order);
    atomic_store(&proxy->refuse, false);
}

int pg_proxy_cuts(const struct pg_proxy *proxy)
{
    return atomic_load(&proxy->cuts);
}

void pg_proxy_stop(struct pg_proxy *proxy)
{
    char path[128];
    if (write(proxy->stop[1], "x", 1) == 1)
        pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < LINKS_MAX; i++)
        if (proxy->links[i].client >= 0)
            drop(&proxy->links[i]);
    close(proxy->listener);
    close(proxy->stop[0]);
    close(proxy->stop[1]);
    snprintf(path, sizeof path, "%s/.s.PGSQL.5432", proxy->folder);
    (void)unlink(path);
    (void)rmdir(proxy->folder);
    free(proxy);
}
