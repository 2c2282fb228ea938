/* with-postgres NAME... -- COMMAND [ARG...]: runs a command while a private PostgreSQL (pg_world.h) runs.
 * TALLY_DATABASES in its environment names a file with a line "NAME LOCATION" for each name: an empty schema.
 * The exit status is the command's, 8 when the server could not be started or ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/pg_world.h"

static bool write_locations(const char *path, char *const *names)
{
    char location[PG_LOCATION_MAX];
    FILE *file = fopen(path, "we");
    bool good = file != NULL;
    for (; good && *names != NULL && strcmp(*names, "--") != 0; names++)
        good = pg_world_fresh(location) && fprintf(file, "%s %s\n", *names, location) > 0;
    return file != NULL && fclose(file) == 0 && good;
}

static int run(char *const *command)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        execvp(command[0], command);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 8;
}

int main(int argc, char **argv)
{
    char path[] = "/tmp/tally-databases-XXXXXX";
    int at = 1, fd = mkstemp(path);
    while (at < argc && strcmp(argv[at], "--") != 0)
        at++;
    if (fd < 0 || at + 1 >= argc) {
        fprintf(stderr, "usage: with-postgres NAME... -- COMMAND [ARG...]\n");
        return 2;
    }
    close(fd);
    int status = 8;
    if (pg_world_start(false) && write_locations(path, argv + 1) && setenv("TALLY_DATABASES", path, 1) == 0)
        status = run(argv + at + 1);
    (void)unlink(path);
    return pg_world_stop() ? status : 8;
}
