#include "card/ports/mps2/host/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "card/ports/mps2/messages.h"
#include "card/wire/be.h"

enum { ARGUMENTS = 24, RANDOM_MAX = 256 };

/* counter.h says why shift is 6. */
static void become_emulator(const struct mcard *m)
{
    char memory[96];
    const char *argv[ARGUMENTS] = {m->emulator, "-M", "mps2-an505,memory-backend=nvm", "-m", "16M"};
    size_t n = 5;
    (void)snprintf(memory, sizeof memory,
                   "memory-backend-file,id=nvm,size=%d,mem-path=/proc/self/fd/%d,share=on",
                   IMAGE_EMULATED_SIZE, m->image_fd);
    const char *const rest[] = {"-object",
                                memory,
                                "-kernel",
                                m->firmware,
                                "-display",
                                "none",
                                "-monitor",
                                "none",
                                "-serial",
                                "none",
                                "-semihosting-config",
                                "enable=on,target=native"};
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++)
        argv[n++] = rest[i];
    if (m->counting) {
        argv[n++] = "-icount";
        argv[n++] = "shift=6,align=off,sleep=off";
    }
    argv[n] = NULL;
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "tally-mcard: %s: %s\n", argv[0], strerror(errno));
}

/* The emulator must not outlive this process, nor get the signals of its terminal. */
static void child(const struct mcard *m, int link, pid_t parent)
{
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && setpgid(0, 0) == 0 && dup2(link, STDIN_FILENO) >= 0 &&
        dup2(link, STDOUT_FILENO) >= 0 && fcntl(m->image_fd, F_SETFD, 0) == 0)
        become_emulator(m);
    _exit(127);
}

bool machine_start(struct mcard *m)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    m->pid = fork();
    if (m->pid == 0)
        child(m, ends[1], parent);
    close(ends[1]);
    m->link = ends[0];
    if (m->pid > 0)
        return true;
    m->pid = 0;
    close(m->link);
    return false;
}

void machine_kill(struct mcard *m)
{
    if (m->pid == 0)
        return;
    (void)kill(m->pid, SIGKILL);
    while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(m->link);
    m->pid = 0;
}

static bool send_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool receive_all(int fd, uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t got = recv(fd, p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

bool machine_send(const struct mcard *m, uint8_t type, const void *payload, size_t n)
{
    uint8_t header[MESSAGE_HEADER] = {type};
    if (n > UINT16_MAX)
        return false;
    be16_put(header + 1, (uint16_t)n);
    return send_all(m->link, header, sizeof header) && send_all(m->link, payload, n);
}

static bool give_random(struct mcard *m, size_t n)
{
    uint8_t size[2], bytes[RANDOM_MAX];
    if (n != sizeof size || !receive_all(m->link, size, sizeof size) || be16_get(size) > sizeof bytes)
        return false;
    bool ok =
        chip_random_bytes(&m->random, bytes, be16_get(size)) && send_all(m->link, bytes, be16_get(size));
    explicit_bzero(bytes, sizeof bytes);
    return ok;
}

static bool take_done(struct mcard *m, size_t n, uint8_t *answer, size_t cap, size_t *len)
{
    uint8_t report[REPORT_SIZE];
    if (n < sizeof report || n - sizeof report > cap || !receive_all(m->link, report, sizeof report) ||
        !receive_all(m->link, answer, n - sizeof report))
        return false;
    m->report = (struct mcard_report){
        .dead = report[REPORT_DEAD] != 0,
        .misused = report[REPORT_MISUSE] != 0,
        .instructions = be64_get(report + REPORT_INSTRUCTIONS),
        .stack = be32_get(report + REPORT_STACK),
    };
    *len = n - sizeof report;
    return true;
}

bool machine_answer(struct mcard *m, uint8_t *answer, size_t cap, size_t *n)
{
    uint8_t header[MESSAGE_HEADER];
    *n = 0;
    while (receive_all(m->link, header, sizeof header)) {
        if (header[0] == MESSAGE_DONE)
            return take_done(m, be16_get(header + 1), answer, cap, n);
        if (header[0] != MESSAGE_RANDOM || !give_random(m, be16_get(header + 1)))
            return false;
    }
    return false;
}
