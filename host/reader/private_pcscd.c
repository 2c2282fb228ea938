#include "host/reader/private_pcscd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/reader/private_pcscd_isolate.h"

#define PCSCD       "/usr/sbin/pcscd"
#define VPCD_DRIVER "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
#define PORT_TRIES  64
#define READY_MS    15000
#define TERM_MS     2000
#define LISTEN_FD   3 /* sd_listen_fds(3): the first passed descriptor */
#define FOLDER_MAX  64
#define ENVIRON_MAX 512

struct tally_private_pcscd {
    char folder[FOLDER_MAX];
    char socket[FOLDER_MAX + 16];
    char config[FOLDER_MAX + 16];
    char log[FOLDER_MAX + 16];
    /* Bound but never listening: with SO_REUSEADDR on both sides the driver can listen on these ports, while
     * the kernel gives them to nobody else, not even between a kill and a restart. */
    int reserved[TALLY_PRIVATE_PCSCD_SLOTS];
    uint16_t port;
    pid_t pid;
};

static enum tally_error fail(const char *what)
{
    fprintf(stderr, "private pcscd: %s: %s\n", what, strerror(errno));
    return TALLY_E_IO;
}

/* Binds a TCP socket to the port, 0 for any free one; returns the descriptor or -1, and the port in *port. */
static int reserve_port(uint16_t *port)
{
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(*port), .sin_addr = {htonl(INADDR_ANY)}};
    socklen_t n = sizeof a;
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || getsockname(fd, (struct sockaddr *)&a, &n) != 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(a.sin_port);
    return fd;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Two adjacent free ports: the driver's second slot listens on the first one's port + 1. */
static enum tally_error reserve_ports(struct tally_private_pcscd *p)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        uint16_t first = 0;
        p->reserved[0] = reserve_port(&first);
        uint16_t second = (uint16_t)(first + 1);
        if (p->reserved[0] >= 0 && second != 0)
            p->reserved[1] = reserve_port(&second);
        if (p->reserved[1] >= 0) {
            p->port = first;
            return TALLY_OK;
        }
        close_fd(&p->reserved[0]);
    }
    return fail("no two adjacent free ports");
}

static enum tally_error write_config(const struct tally_private_pcscd *p)
{
    char path[sizeof p->config + 16];
    (void)snprintf(path, sizeof path, "%s/reader.conf", p->config);
    FILE *f = fopen(path, "we");
    if (f == NULL)
        return fail(path);
    fprintf(f, "FRIENDLYNAME \"Virtual PCD\"\nDEVICENAME /dev/null:0x%04X\nLIBPATH %s\nCHANNELID 0x%04X\n",
            p->port, VPCD_DRIVER, p->port);
    if (fclose(f) != 0 || chmod(path, 0644) != 0)
        return fail(path);
    return TALLY_OK;
}

/* pcscd reads every file in its configuration folder, so nothing but the reader's entry lives there. */
static enum tally_error make_folder(struct tally_private_pcscd *p)
{
    const char *tmp = getenv("TMPDIR");
    if (tmp == NULL || tmp[0] != '/' || strlen(tmp) > FOLDER_MAX - 24)
        tmp = "/tmp";
    (void)snprintf(p->folder, sizeof p->folder, "%s/tally-pcscd-XXXXXX", tmp);
    if (mkdtemp(p->folder) == NULL) {
        p->folder[0] = '\0';
        return fail("mkdtemp");
    }
    (void)snprintf(p->socket, sizeof p->socket, "%s/comm", p->folder);
    (void)snprintf(p->config, sizeof p->config, "%s/reader.conf.d", p->folder);
    (void)snprintf(p->log, sizeof p->log, "%s/log", p->folder);
    if (mkdir(p->config, 0755) != 0 || chmod(p->config, 0755) != 0 || chmod(p->folder, 0711) != 0)
        return fail(p->config);
    return write_config(p);
}

static int connect_or_listen(const char *path, bool listening)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    bool ok = listening ? bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, SOMAXCONN) == 0
                        : connect(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (!ok)
        close_fd(&fd);
    return fd;
}

/* The variables for pcscd: the caller's, less what would lead it elsewhere, and those of socket activation.
 */
static char **make_environment(char *fds, char *pid)
{
    static const char *const dropped[] = {"LISTEN_", "PCSCLITE_", "LD_PRELOAD="};
    extern char **environ;
    char **env = calloc(ENVIRON_MAX + 3, sizeof *env);
    size_t n = 0;
    for (size_t i = 0; env != NULL && environ[i] != NULL && n < ENVIRON_MAX; i++) {
        bool keep = true;
        for (size_t k = 0; k < sizeof dropped / sizeof *dropped; k++)
            keep = keep && strncmp(environ[i], dropped[k], strlen(dropped[k])) != 0;
        if (keep)
            env[n++] = environ[i];
    }
    if (env != NULL) {
        env[n++] = fds;
        env[n] = pid;
    }
    return env;
}

_Noreturn static void run_child(const struct tally_private_pcscd *p, int listener, int log, char **env,
                                char *pid_text, pid_t parent)
{
    char *argv[] = {"pcscd", "--foreground", "--config", (char *)p->config, NULL};
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    if (!tally_private_pcscd_isolate(log)) {
        perror("isolate");
        _exit(126);
    }
    if (listener == LISTEN_FD ? fcntl(listener, F_SETFD, 0) != 0 : dup2(listener, LISTEN_FD) < 0)
        _exit(126);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A Ctrl-C at the terminal is for the caller, who ends this process when it is time. */
    (void)setpgid(0, 0);
    if (getppid() != parent)
        _exit(126);
    (void)sprintf(pid_text, "LISTEN_PID=%ld", (long)getpid());
    execve(PCSCD, argv, env);
    perror(PCSCD);
    _exit(127);
}

static enum tally_error spawn(struct tally_private_pcscd *p)
{
    enum tally_error e = TALLY_OK;
    char fds[] = "LISTEN_FDS=1", pid_text[48] = "LISTEN_PID=0";
    char **env = make_environment(fds, pid_text);
    int log = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)unlink(p->socket);
    int listener = connect_or_listen(p->socket, true);
    pid_t parent = getpid();
    if (env == NULL || log < 0 || listener < 0) {
        e = fail(p->socket);
        goto out;
    }
    p->pid = fork();
    if (p->pid == 0)
        run_child(p, listener, log, env, pid_text, parent);
    if (p->pid < 0) {
        p->pid = 0;
        e = fail("fork");
    }
out:
    close_fd(&listener);
    close_fd(&log);
    free(env);
    return e;
}

/* Asks for the protocol version as every client does first (pcsc-lite's winscard_msg.h: a header of size and
 * command, then major, minor, result). pcscd serves clients only after it has loaded its readers, so any
 * answer means that cards can connect. Returns false when the process ends or the deadline passes first. */
static bool wait_ready(const struct tally_private_pcscd *p)
{
    const uint32_t ask[5] = {12, 0x11, 4, 4, 0};
    uint32_t answer[3];
    int fd = connect_or_listen(p->socket, false), process = pidfd_open(p->pid, 0);
    bool ok = false;
    if (fd >= 0 && process >= 0 && send(fd, ask, sizeof ask, MSG_NOSIGNAL) == sizeof ask) {
        struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = process, .events = POLLIN}};
        ok = poll(fds, 2, READY_MS) > 0 && recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0;
    }
    close_fd(&fd);
    close_fd(&process);
    return ok;
}

static void print_log(const struct tally_private_pcscd *p)
{
    char line[256];
    FILE *f = fopen(p->log, "re");
    for (int i = 0; f != NULL && i < 20 && fgets(line, sizeof line, f) != NULL; i++)
        fprintf(stderr, "private pcscd: %s", line);
    if (f != NULL)
        fclose(f);
}

enum tally_error tally_private_pcscd_restart(struct tally_private_pcscd *p)
{
    tally_private_pcscd_kill(p);
    enum tally_error e = spawn(p);
    if (e == TALLY_OK && !wait_ready(p)) {
        fprintf(stderr, "private pcscd: it did not come up\n");
        print_log(p);
        tally_private_pcscd_kill(p);
        e = TALLY_E_NO_READER;
    }
    return e;
}

enum tally_error tally_private_pcscd_start(struct tally_private_pcscd **out)
{
    *out = NULL;
    if (access(PCSCD, X_OK) != 0 || access(VPCD_DRIVER, R_OK) != 0) {
        fprintf(stderr, "private pcscd: needs %s and %s (Debian: pcscd, vsmartcard-vpcd)\n", PCSCD,
                VPCD_DRIVER);
        return TALLY_E_NO_READER;
    }
    struct tally_private_pcscd *p = calloc(1, sizeof *p);
    if (p == NULL)
        return TALLY_E_MEMORY;
    p->reserved[0] = p->reserved[1] = -1;
    enum tally_error e = reserve_ports(p);
    if (e == TALLY_OK)
        e = make_folder(p);
    if (e == TALLY_OK)
        e = tally_private_pcscd_restart(p);
    if (e == TALLY_OK)
        *out = p;
    else
        tally_private_pcscd_stop(p);
    return e;
}

const char *tally_private_pcscd_socket(const struct tally_private_pcscd *p)
{
    return p->socket;
}

const char *tally_private_pcscd_folder(const struct tally_private_pcscd *p)
{
    return p->folder;
}

uint16_t tally_private_pcscd_port(const struct tally_private_pcscd *p, unsigned slot)
{
    return (uint16_t)(p->port + (slot == 0 ? 0 : 1));
}

pid_t tally_private_pcscd_pid(const struct tally_private_pcscd *p)
{
    return p->pid;
}

/* Signals the process and reaps it; after the deadline (negative: none) it is killed. */
static void end_process(struct tally_private_pcscd *p, int signal_number, int deadline_ms)
{
    if (p->pid <= 0)
        return;
    int process = pidfd_open(p->pid, 0);
    (void)kill(p->pid, signal_number);
    struct pollfd fd = {.fd = process, .events = POLLIN};
    if (process < 0 || poll(&fd, 1, deadline_ms) == 0)
        (void)kill(p->pid, SIGKILL);
    while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    close_fd(&process);
    p->pid = 0;
}

void tally_private_pcscd_kill(struct tally_private_pcscd *p)
{
    end_process(p, SIGKILL, -1);
    (void)unlink(p->socket);
}

static void remove_folder(const char *folder, unsigned depth)
{
    DIR *d = opendir(folder);
    if (d == NULL)
        return;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(d), e->d_name, 0) != 0 && errno == EISDIR && depth > 0) {
            char path[FOLDER_MAX + 16 + sizeof e->d_name];
            (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            remove_folder(path, depth - 1);
        }
    }
    closedir(d);
    (void)rmdir(folder);
}

void tally_private_pcscd_stop(struct tally_private_pcscd *p)
{
    if (p == NULL)
        return;
    end_process(p, SIGTERM, TERM_MS);
    if (p->folder[0] != '\0')
        remove_folder(p->folder, 1);
    close_fd(&p->reserved[0]);
    close_fd(&p->reserved[1]);
    free(p);
}
