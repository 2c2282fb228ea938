/* Where a server listens: address rules, sockets, TLS files, the port file. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/service/http_internal.h"
#include "host/service/keyfile.h"

#define PEM_MAX 65536

static enum tally_error refuse(enum tally_error e, const char *what, const char *value)
{
    tally_log(TALLY_LOG_ERROR, "http", NULL, what, TALLY_STR("value", value),
              TALLY_STR("system", e == TALLY_E_IO ? strerror(errno) : ""));
    return e;
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static enum tally_error read_certificate(const char *path, char **text)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    *text = fd >= 0 ? malloc(PEM_MAX) : NULL;
    ssize_t n = *text != NULL ? read(fd, *text, PEM_MAX - 1) : -1;
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return refuse(TALLY_E_IO, "cannot read TLS certificate", path);
    (*text)[n] = '\0';
    return TALLY_OK;
}

static enum tally_error read_key(const char *path, char **text)
{
    size_t n;
    *text = malloc(PEM_MAX);
    if (*text == NULL)
        return TALLY_E_MEMORY;
    enum tally_error e = tally_private_file_read(path, *text, PEM_MAX, &n);
    if (e == TALLY_OK)
        return TALLY_OK;
    return refuse(e == TALLY_E_DENIED ? TALLY_E_USAGE : TALLY_E_IO,
                  "TLS key must be a readable file of mode 0600", path);
}

static enum tally_error load_tls(struct tally_http_server *server)
{
    const struct tally_http_options *options = &server->options;
    if ((options->tls_certificate == NULL) != (options->tls_key == NULL))
        return refuse(TALLY_E_USAGE, "TLS needs both a certificate and a key", "");
    if (options->tls_certificate == NULL)
        return TALLY_OK;
    enum tally_error e = read_certificate(options->tls_certificate, &server->certificate);
    return e == TALLY_OK ? read_key(options->tls_key, &server->key) : e;
}

static enum tally_error bind_unix(struct tally_http_server *server, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat there;
    if (strlen(path) >= sizeof address.sun_path)
        return refuse(TALLY_E_USAGE, "unix socket path is too long", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    /* A socket left by a process that is gone may be replaced; anything else may not. */
    if (lstat(path, &there) == 0 && S_ISSOCK(there.st_mode))
        unlink(path);
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(path, 0660) != 0)
        return refuse(TALLY_E_IO, "cannot bind unix socket", path);
    return TALLY_OK;
}

static enum tally_error bind_address(struct tally_http_server *server, const struct addrinfo *info)
{
    const struct tally_http_options *options = &server->options;
    int on = 1;
    if (!is_loopback(info->ai_addr) && server->key == NULL)
        return refuse(TALLY_E_USAGE, "listening beyond loopback needs TLS", options->address);
    server->listener = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->listener < 0 || setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(server->listener, info->ai_addr, info->ai_addrlen) != 0)
        return refuse(TALLY_E_IO, "cannot bind", options->address);
    struct sockaddr_storage bound;
    socklen_t size = sizeof bound;
    if (getsockname(server->listener, (struct sockaddr *)&bound, &size) != 0)
        return refuse(TALLY_E_IO, "cannot read the port", options->address);
    server->port = ntohs(bound.ss_family == AF_INET ? ((struct sockaddr_in *)&bound)->sin_port
                                                    : ((struct sockaddr_in6 *)&bound)->sin6_port);
    return TALLY_OK;
}

static enum tally_error bind_tcp(struct tally_http_server *server)
{
    char port[8];
    snprintf(port, sizeof port, "%u", server->options.port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *info = NULL;
    if (getaddrinfo(server->options.address, port, &hints, &info) != 0)
        return refuse(TALLY_E_USAGE, "address is not a numeric IP address", server->options.address);
    enum tally_error e = bind_address(server, info);
    freeaddrinfo(info);
    return e;
}

/* Written beside and renamed, so that who waits for the file never reads half of it. */
enum tally_error http_write_port_file(const struct tally_http_server *server)
{
    const char *path = server->options.port_file;
    char temporary[4096], line[16];
    if (path == NULL)
        return TALLY_OK;
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return refuse(TALLY_E_USAGE, "port file path is too long", path);
    int n = snprintf(line, sizeof line, "%u\n", server->port);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool written = fd >= 0 && write(fd, line, (size_t)n) == n;
    if (fd >= 0)
        close(fd);
    if (!written || rename(temporary, path) != 0)
        return refuse(TALLY_E_IO, "cannot write port file", path);
    return TALLY_OK;
}

enum tally_error http_listen(struct tally_http_server *server)
{
    enum tally_error e = load_tls(server);
    if (e == TALLY_OK)
        e = server->options.unix_socket != NULL ? bind_unix(server, server->options.unix_socket)
                                                : bind_tcp(server);
    if (e == TALLY_OK && listen(server->listener, 1024) != 0)
        e = refuse(TALLY_E_IO, "cannot listen", server->options.address);
    return e;
}
