#include "tests/support/npm_umbral.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "tests/support/must.h"

enum { LINE_MAX_SIZE = 1 << 16, WORDS_MAX = 80 };

static pid_t node;
static FILE *to_node, *from_node;
static char line[LINE_MAX_SIZE], *words[WORDS_MAX];
static size_t word_count;

bool npm_umbral_available(void)
{
    return access(TALLY_NODE_MODULES "/@nucypher/umbral-pre/package.json", R_OK) == 0 &&
           system("node --version >/dev/null 2>&1") == 0;
}

void npm_umbral_start(void)
{
    int request[2], answer[2];
    posix_spawn_file_actions_t actions;
    char *const argv[] = {(char *)"node", (char *)TALLY_INTEROP "/umbral.js", NULL};
    must(setenv("NODE_PATH", TALLY_NODE_MODULES, 1) == 0);
    must(pipe(request) == 0 && pipe(answer) == 0);
    must(posix_spawn_file_actions_init(&actions) == 0);
    must(posix_spawn_file_actions_adddup2(&actions, request[0], STDIN_FILENO) == 0);
    must(posix_spawn_file_actions_adddup2(&actions, answer[1], STDOUT_FILENO) == 0);
    for (int i = 0; i < 2; i++) {
        must(posix_spawn_file_actions_addclose(&actions, request[i]) == 0);
        must(posix_spawn_file_actions_addclose(&actions, answer[i]) == 0);
    }
    must(posix_spawnp(&node, argv[0], &actions, NULL, argv, environ) == 0);
    posix_spawn_file_actions_destroy(&actions);
    close(request[0]);
    close(answer[1]);
    to_node = fdopen(request[1], "w");
    from_node = fdopen(answer[0], "r");
    must(to_node != NULL && from_node != NULL);
}

void npm_umbral_stop(void)
{
    int status;
    fclose(to_node);
    must(waitpid(node, &status, 0) == node && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    fclose(from_node);
}

void npm_begin(const char *name)
{
    fputs(name, to_node);
}

void npm_text(const char *word)
{
    fprintf(to_node, " %s", word);
}

void npm_bytes(const uint8_t *bytes, size_t n)
{
    fputc(' ', to_node);
    if (n == 0)
        fputc('-', to_node);
    for (size_t i = 0; i < n; i++)
        fprintf(to_node, "%02x", bytes[i]);
}

bool npm_ask(void)
{
    char *rest = line;
    fputc('\n', to_node);
    must(fflush(to_node) == 0 && fgets(line, sizeof line, from_node) != NULL);
    for (word_count = 0; word_count < WORDS_MAX; word_count++) {
        words[word_count] = strsep(&rest, " \n");
        if (words[word_count] == NULL || *words[word_count] == '\0')
            break;
    }
    must(word_count > 0);
    return strcmp(words[0], "ok") == 0;
}

const char *npm_word(size_t i)
{
    must(i + 1 < word_count);
    return words[i + 1];
}

size_t npm_take_some(size_t i, uint8_t *out, size_t size)
{
    size_t n;
    const char *word = npm_word(i);
    must(tally_hex_decode(strcmp(word, "-") == 0 ? "" : word, out, size, &n) == TALLY_OK);
    return n;
}

void npm_take(size_t i, uint8_t *out, size_t n)
{
    must(npm_take_some(i, out, n) == n);
}
