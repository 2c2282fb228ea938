/* Programs that tests start: in a folder, their output in a log there, ended by process id, and dead when the
 * process that started them is. Functions say on standard error what could not be done. */
#ifndef TALLY_TESTS_PROCESS_H
#define TALLY_TESTS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TEST_PROCESS_ARGS_MAX = 32 };

/* Starts a program with arguments (NULL-terminated, argv[0] left out), its output appended to folder/log. It
 * gets SIGKILL when this thread's process ends. -1 when it could not be started. */
pid_t test_process_spawn(const char *folder, const char *program, const char *const *arguments,
                         const char *log);
/* Waits for its end, by an event; the status of waitpid, or -1. */
int test_process_end(pid_t pid);
/* Both: the exit status, or -1. */
int test_process_run(const char *folder, const char *program, const char *const *arguments, const char *log);
/* Waits until folder/file has a whole line, and reads the port in it; false when the process ends first. */
bool test_process_port(const char *folder, const char *file, pid_t pid, uint16_t *port);
/* Copies folder/log to standard error. */
void test_process_show(const char *folder, const char *log);

#endif
