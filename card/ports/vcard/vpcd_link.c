#include "card/ports/vcard/vpcd_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_MS 50 /* between attempts to connect; nothing announces a reader */

enum { CONTROL_OFF = 0, CONTROL_ON = 1, CONTROL_RESET = 2, CONTROL_ATR = 4 };

enum outcome { GO_ON, LINK_LOST, POWER_LOST };

struct link {
    const struct vpcd_options *options;
    const struct vcard_ops *ops;
    void *card;
    int fd;
    bool powered;
    uint64_t commands;
    uint8_t in[VPCD_MESSAGE_MAX];
    uint8_t out[2 + VPCD_MESSAGE_MAX]; /* length and message leave in one piece */
};

/* The driver sends a length and its message separately. Without an acknowledgement at once its second piece
 * waits for the first one's, which the kernel delays; the option wears off, so it is set again for every
 * receive. */
static bool receive(int fd, uint8_t *buf, size_t n)
{
    for (size_t have = 0; have < n;) {
        int one = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
        ssize_t r = recv(fd, buf + have, n - have, 0);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return false;
        have += (size_t)r;
    }
    return true;
}

static enum outcome send_message(struct link *l, size_t n)
{
    l->out[0] = (uint8_t)(n >> 8);
    l->out[1] = (uint8_t)n;
    for (size_t sent = 0; sent < n + 2;) {
        ssize_t r = send(l->fd, l->out + sent, n + 2 - sent, MSG_NOSIGNAL);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return LINK_LOST;
        sent += (size_t)r;
    }
    return GO_ON;
}

static enum outcome power_on(struct link *l)
{
    bool was_on = l->powered;
    l->powered = true;
    return was_on || l->ops->power_on(l->card) ? GO_ON : POWER_LOST;
}

static void power_off(struct link *l)
{
    if (l->powered)
        l->ops->power_off(l->card);
    l->powered = false;
}

static enum outcome control(struct link *l, uint8_t what)
{
    enum outcome o;
    switch (what) {
    case CONTROL_OFF: power_off(l); return GO_ON;
    case CONTROL_ON: return power_on(l);
    case CONTROL_RESET: o = power_on(l); return o != GO_ON || l->ops->reset(l->card) ? o : POWER_LOST;
    default: return send_message(l, l->ops->atr(l->card, l->out + 2));
    }
}

/* The driver waits for an answer without a time-out, so every command gets one, even from a card that it
 * forgot to power on after a fast reconnection. */
static enum outcome command(struct link *l, size_t n)
{
    const struct vpcd_faults *f = &l->options->faults;
    l->commands++;
    if (l->commands == f->drop_command)
        return POWER_LOST;
    if (l->commands == f->delay_at)
        (void)poll(NULL, 0, (int)f->delay_ms);
    if (power_on(l) != GO_ON)
        return POWER_LOST;
    size_t answer = l->ops->transmit(l->card, l->in, n, l->out + 2, VPCD_MESSAGE_MAX);
    if (answer == 0 || l->commands == f->drop_answer)
        return POWER_LOST;
    return send_message(l, answer);
}

static enum outcome serve_one(struct link *l)
{
    uint8_t length[2];
    if (!receive(l->fd, length, sizeof length))
        return LINK_LOST;
    size_t n = (size_t)length[0] << 8 | length[1];
    if (!receive(l->fd, l->in, n))
        return LINK_LOST;
    bool is_control = n == 1 && (l->in[0] <= CONTROL_RESET || l->in[0] == CONTROL_ATR);
    return is_control ? control(l, l->in[0]) : command(l, n);
}

static bool connect_to_reader(struct link *l, const struct sockaddr_in *address)
{
    for (;;) {
        int one = 1;
        l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (l->fd < 0)
            return false;
        (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(l->fd, (const struct sockaddr *)address, sizeof *address) == 0)
            return true;
        close(l->fd);
        (void)poll(NULL, 0, RETRY_MS);
    }
}

enum vpcd_end vpcd_run(const struct vpcd_options *options, const struct vcard_ops *ops, void *card)
{
    struct link l = {.options = options, .ops = ops, .card = card};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1)
        return VPCD_BAD_ADDRESS;
    for (;;) {
        if (!connect_to_reader(&l, &address))
            return VPCD_BAD_ADDRESS;
        enum outcome o = power_on(&l);
        while (o == GO_ON)
            o = serve_one(&l);
        power_off(&l);
        close(l.fd);
        if (o == POWER_LOST && options->end_when_torn)
            return VPCD_TORN;
        if (o == POWER_LOST)
            (void)poll(NULL, 0, (int)options->away_ms);
    }
}
