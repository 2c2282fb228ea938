#include "reader-tools/common/tool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/reader/card.h"

const struct tally_option tool_options[] = {
    {"reader", TALLY_OPTION_STRING, NULL, 0, 127, "reader: index, name or part of it (-r)"},
    {"wait", TALLY_OPTION_INT, "3", 0, 86400, "seconds to wait for a card"},
    {"verbose", TALLY_OPTION_BOOL, "false", 0, 0, "write every command and answer to standard error (-v)"},
    {"trace", TALLY_OPTION_PATH, NULL, 0, 0, "append every command and answer to this file"},
    {"json", TALLY_OPTION_BOOL, "false", 0, 0, "write JSON (-j)"},
    {.name = NULL},
};

const struct tally_option tool_pin_options[] = {
    {"pin", TALLY_OPTION_STRING, NULL, 0, PIN_MAX,
     "the card's PIN; other users may see it: rather use pin-file"},
    {"pin-file", TALLY_OPTION_PATH, NULL, 0, 0, "file with the card's PIN in its first line"},
    {.name = NULL},
};

static const struct {
    char letter;
    const char *option;
} abbreviations[] = {{'r', "--reader"}, {'v', "--verbose"}, {'j', "--json"}, {'h', "--help"}};

static const struct tally_option *find_option(const struct tally_option *const *tables, const char *name,
                                              size_t n)
{
    for (; *tables != NULL; tables++)
        for (const struct tally_option *o = *tables; o->name != NULL; o++)
            if (strlen(o->name) == n && memcmp(o->name, name, n) == 0)
                return o;
    return NULL;
}

static const char *expand(const char *word)
{
    if (word[0] == '-' && word[1] != '\0' && word[2] == '\0')
        for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++)
            if (abbreviations[i].letter == word[1])
                return abbreviations[i].option;
    return word;
}

/* True when the option takes its value from the next word. */
static bool takes_next(const struct tally_option *const *tables, const char *word)
{
    const char *name = word + 2;
    if (strchr(name, '=') != NULL || strcmp(name, "help") == 0)
        return false;
    const struct tally_option *o = find_option(tables, name, strlen(name));
    return strcmp(name, "config") == 0 || (o != NULL && o->type != TALLY_OPTION_BOOL);
}

/* Puts options before operands, with "--" between, so that both may be mixed on the command line. */
static int sort_words(struct tool *tool, const struct tally_option *const *tables, int argc, char **argv)
{
    char *operands[TOOL_ARGUMENTS_MAX];
    int n = 0, m = 0;
    bool options = true, dangling = false;
    tool->words[n++] = argv[0];
    for (int i = 1; i < argc; i++) {
        const char *word = options ? expand(argv[i]) : argv[i];
        if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options && word[0] == '-' && word[1] != '\0') {
            tool->words[n++] = (char *)(uintptr_t)word;
            dangling = word[1] == '-' && takes_next(tables, word) && i + 1 == argc;
            if (word[1] == '-' && takes_next(tables, word) && !dangling)
                tool->words[n++] = argv[++i];
        } else {
            operands[m++] = argv[i];
        }
    }
    if (dangling)
        return n; /* for the loader to complain about */
    tool->words[n++] = (char *)(uintptr_t) "--";
    memcpy(tool->words + n, operands, (size_t)m * sizeof *operands);
    return n + m;
}

bool tool_start(struct tool *tool, const char *name, const char *summary, const char *operands,
                const struct tally_option *const *tables, int argc, char **argv, int *status)
{
    extern char **environ;
    bool help = false;
    memset(tool, 0, sizeof *tool);
    tool->name = name;
    *status = tally_error_exit_code(TALLY_E_USAGE);
    if (argc < 1 || argc > TOOL_ARGUMENTS_MAX) {
        (void)tool_fail(tool, TALLY_E_USAGE, "too many arguments");
        return false;
    }
    const struct tally_config_input input = {.tool = name,
                                             .summary = summary,
                                             .operands = operands,
                                             .argc = sort_words(tool, tables, argc, argv),
                                             .argv = tool->words,
                                             .environment = environ};
    enum tally_error e = tally_config_load(&input, tables, stderr, &tool->config, &help);
    if (e != TALLY_OK || help) {
        *status = tally_error_exit_code(e);
        return false;
    }
    tool->operand_count = tally_config_operands(tool->config, &tool->operands);
    tool->json = tally_config_bool(tool->config, "json");
    tool->verbose = tally_config_bool(tool->config, "verbose");
    *status = 0;
    return true;
}

void tool_finish(struct tool *tool)
{
    tally_config_free(tool->config);
    tool->config = NULL;
}

enum tally_error tool_fail(const struct tool *tool, enum tally_error e, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "tally-%s: ", tool->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return e;
}

enum tally_error tool_print_json(json_t *object)
{
    if (object == NULL)
        return TALLY_E_MEMORY;
    int rc = json_dumpf(object, stdout, JSON_COMPACT);
    json_decref(object);
    return rc == 0 && putchar('\n') != EOF && fflush(stdout) == 0 ? TALLY_OK : TALLY_E_IO;
}

enum tally_error tool_read_line(const char *path, char *out, size_t size)
{
    out[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return TALLY_E_NOT_FOUND;
    enum tally_error e = fgets(out, (int)size, file) != NULL ? TALLY_OK : TALLY_E_FORMAT;
    size_t n = strcspn(out, "\r\n");
    if (e == TALLY_OK && out[n] == '\0' && !feof(file))
        e = TALLY_E_FULL;
    fclose(file);
    out[e == TALLY_OK ? n : 0] = '\0';
    return e;
}

enum tally_error tool_ask(const struct tool *tool, const char *question, char *answer, size_t size)
{
    struct termios before, quiet;
    enum tally_error e = TALLY_E_USAGE;
    answer[0] = '\0';
    FILE *terminal = fopen("/dev/tty", "r+e");
    if (terminal == NULL || tcgetattr(fileno(terminal), &before) != 0) {
        if (terminal != NULL)
            fclose(terminal);
        return tool_fail(tool, e, "no terminal to ask for the PIN: use --pin-file");
    }
    setvbuf(terminal, NULL, _IONBF, 0);
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, &quiet);
    fprintf(terminal, "%s: ", question);
    if (fgets(answer, (int)size, terminal) != NULL) {
        answer[strcspn(answer, "\r\n")] = '\0';
        e = TALLY_OK;
    }
    (void)tcsetattr(fileno(terminal), TCSAFLUSH, &before);
    fputc('\n', terminal);
    fclose(terminal);
    return e;
}

enum tally_error tool_read_pin(const struct tool *tool, const char *question, char pin[TOOL_PIN_SIZE])
{
    const char *given = tally_config_string(tool->config, "pin");
    const char *path = tally_config_string(tool->config, "pin-file");
    enum tally_error e = TALLY_OK;
    pin[0] = '\0';
    if (path != NULL) {
        e = tool_read_line(path, pin, TOOL_PIN_SIZE);
        if (e != TALLY_OK)
            return tool_fail(tool, TALLY_E_USAGE, "%s: %s", path, tally_error_text(e));
    } else if (given != NULL) {
        snprintf(pin, TOOL_PIN_SIZE, "%s", given);
    } else {
        e = tool_ask(tool, question, pin, TOOL_PIN_SIZE);
    }
    if (e == TALLY_OK && !tally_card_pin_valid(pin)) {
        tally_wipe(pin, TOOL_PIN_SIZE);
        e = tool_fail(tool, TALLY_E_USAGE, "a PIN has 4 to 12 digits");
    }
    return e;
}

bool tool_parse_number(const char *text, uint64_t max, uint64_t *value)
{
    char *end = NULL;
    errno = 0;
    *value = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;
    return end != NULL && *end == '\0' && errno == 0 && *value <= max;
}
