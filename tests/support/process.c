#include "tests/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The deadline is reached only when something is broken. */
enum { DEADLINE_MS = 60000, PATH_TEXT = 512 };

/* Starts a program with its output appended to a log in the folder. It gets SIGKILL when this thread's
 * process ends. */
pid_t test_process_spawn(const char *folder, const char *program, const char *const *arguments,
                         const char *log)
{
    char path[PATH_TEXT];
    char *argv[TEST_PROCESS_ARGS_MAX + 2] = {(char *)program};
    snprintf(path, sizeof path, "%s/%s", folder, log);
    for (size_t i = 0; i < TEST_PROCESS_ARGS_MAX && arguments[i] != NULL; i++)
        argv[i + 1] = (char *)arguments[i];
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
        _exit(127);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        execv(program, argv);
    _exit(127);
}

/* The process's status by an event, not by asking again and again; -1 when the deadline passed. */
int test_process_end(pid_t pid)
{
    int status = -1, fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    if (fd < 0 || poll(&end, 1, DEADLINE_MS) != 1) {
        kill(pid, SIGKILL);
        fprintf(stderr, "a process did not end: killed\n");
    }
    if (fd >= 0)
        close(fd);
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

/* Reads the port once the file is whole: it is watched, with the process, until one of them says something.
 */
bool test_process_port(const char *folder, const char *file, pid_t pid, uint16_t *port)
{
    char path[PATH_TEXT], text[16] = "", events[4096];
    int watch = inotify_init1(IN_CLOEXEC), end = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd wait[] = {{.fd = watch, .events = POLLIN}, {.fd = end, .events = POLLIN}};
    bool ready = false,
         over = watch < 0 || end < 0 || inotify_add_watch(watch, folder, IN_CLOSE_WRITE | IN_MOVED_TO) < 0;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    while (!ready && !over) {
        FILE *in = fopen(path, "re");
        ready = in != NULL && fgets(text, sizeof text, in) != NULL && strchr(text, '\n') != NULL;
        if (in != NULL)
            fclose(in);
        if (!ready)
            over = poll(wait, 2, DEADLINE_MS) < 1 || wait[1].revents != 0 ||
                   read(watch, events, sizeof events) < 0;
    }
    if (watch >= 0)
        close(watch);
    if (end >= 0)
        close(end);
    if (ready)
        *port = (uint16_t)atoi(text);
    return ready;
}

int test_process_run(const char *folder, const char *program, const char *const *arguments, const char *log)
{
    pid_t pid = test_process_spawn(folder, program, arguments, log);
    int status = pid > 0 ? test_process_end(pid) : -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void test_process_show(const char *folder, const char *log)
{
    char path[PATH_TEXT], line[1024];
    snprintf(path, sizeof path, "%s/%s", folder, log);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        fputs(line, stderr);
    if (file != NULL)
        fclose(file);
}
