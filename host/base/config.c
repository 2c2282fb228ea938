#include "host/base/config.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum rank { RANK_FALLBACK, RANK_FILE, RANK_ENVIRONMENT, RANK_FLAG };

struct slot {
    const struct tally_option *option;
    enum rank rank;
    char *text; /* owned; NULL for no value */
    int64_t number;
};

struct tally_config {
    struct slot slots[TALLY_CONFIG_OPTIONS_MAX];
    size_t count;
    int operand_count;
    char *const *operands;
};

/* One load: the config being built, and where complaints go. */
struct loader {
    struct tally_config *config;
    const struct tally_config_input *input;
    FILE *messages;
};

static const struct tally_option built_in[] = {
    {"config", TALLY_OPTION_PATH, NULL, 0, 0, "read options from this file (key = value lines)"},
    {"help", TALLY_OPTION_BOOL, "false", 0, 0, "print this text and stop"},
    {NULL, TALLY_OPTION_STRING, NULL, 0, 0, NULL},
};

static struct slot *find_slot(const struct tally_config *config, const char *name, size_t n)
{
    for (size_t i = 0; i < config->count; i++) {
        const struct slot *slot = &config->slots[i];
        if (strlen(slot->option->name) == n && memcmp(slot->option->name, name, n) == 0)
            return (struct slot *)slot;
    }
    return NULL;
}

static bool parse_bool(const char *text, int64_t *value)
{
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *value = strcmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool parse_int(const char *text, int64_t min, int64_t max, int64_t *value)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || isspace((unsigned char)text[0]))
        return false;
    *value = number;
    return number >= min && number <= max;
}

/* Says what is wrong with a value, "" if nothing, and sets *number where the type has one. */
static void check_value(const struct tally_option *option, const char *text, int64_t *number, char *wrong,
                        size_t size)
{
    size_t length = strlen(text), max = option->max > 0 ? (size_t)option->max : TALLY_CONFIG_VALUE_MAX;
    *number = 0;
    wrong[0] = '\0';
    if (option->type == TALLY_OPTION_BOOL) {
        if (!parse_bool(text, number))
            snprintf(wrong, size, "value must be true or false");
    } else if (option->type == TALLY_OPTION_INT) {
        if (!parse_int(text, option->min, option->max, number))
            snprintf(wrong, size, "value must be a whole number from %lld to %lld", (long long)option->min,
                     (long long)option->max);
    } else if (length > max) {
        snprintf(wrong, size, "value is longer than %zu bytes", max);
    } else if (option->type == TALLY_OPTION_PATH && length == 0) {
        snprintf(wrong, size, "path must not be empty");
    }
}

static enum tally_error complain(const struct loader *loader, const char *where, const char *key,
                                 size_t key_size, const char *what)
{
    fprintf(loader->messages, "tally-%s: %s: %.*s%s%s\n", loader->input->tool, where, (int)key_size, key,
            key_size > 0 ? ": " : "", what);
    return TALLY_E_USAGE;
}

/* Takes one value from one source; a higher rank that is there already stays, but the value is checked
 * anyway. */
static enum tally_error set_value(struct loader *loader, struct slot *slot, const char *text, enum rank rank,
                                  const char *where)
{
    const char *name = slot->option->name;
    int64_t number;
    char wrong[96];
    check_value(slot->option, text, &number, wrong, sizeof wrong);
    if (wrong[0] == '\0' && slot->rank == rank && rank != RANK_FALLBACK)
        snprintf(wrong, sizeof wrong, "given twice");
    if (wrong[0] != '\0')
        return complain(loader, where, name, strlen(name), wrong);
    if (slot->rank > rank)
        return TALLY_OK;
    char *copy = strdup(text);
    if (copy == NULL)
        return TALLY_E_MEMORY;
    free(slot->text);
    slot->text = copy;
    slot->number = number;
    slot->rank = rank;
    return TALLY_OK;
}

static enum tally_error add_tables(struct loader *loader, const struct tally_option *const *tables)
{
    const struct tally_option *const own[] = {built_in, NULL};
    for (int pass = 0; pass < 2; pass++) {
        for (const struct tally_option *const *table = pass == 0 ? own : tables; *table != NULL; table++) {
            for (const struct tally_option *option = *table; option->name != NULL; option++) {
                struct tally_config *config = loader->config;
                assert(config->count < TALLY_CONFIG_OPTIONS_MAX);
                assert(find_slot(config, option->name, strlen(option->name)) == NULL);
                struct slot *slot = &config->slots[config->count++];
                *slot = (struct slot){.option = option};
                if (option->fallback == NULL)
                    continue;
                enum tally_error e =
                    set_value(loader, slot, option->fallback, RANK_FALLBACK, "built-in value");
                if (e != TALLY_OK)
                    return e;
            }
        }
    }
    return TALLY_OK;
}

/* Reads the option at argv[*at]; *at ends on its last word. */
static enum tally_error read_flag(struct loader *loader, int *at)
{
    const struct tally_config_input *input = loader->input;
    const char *name = input->argv[*at] + 2;
    size_t n = strcspn(name, "=");
    struct slot *slot = find_slot(loader->config, name, n);
    if (slot == NULL)
        return complain(loader, "command line", input->argv[*at], n + 2, "unknown option (see --help)");
    const char *value = NULL;
    if (name[n] == '=')
        value = name + n + 1;
    else if (slot->option->type == TALLY_OPTION_BOOL)
        value = "true";
    else if (*at + 1 < input->argc)
        value = input->argv[++*at];
    else
        return complain(loader, "command line", input->argv[*at], n + 2, "needs a value");
    return set_value(loader, slot, value, RANK_FLAG, "command line");
}

static enum tally_error read_flags(struct loader *loader)
{
    const struct tally_config_input *input = loader->input;
    int at = 1;
    for (; at < input->argc; at++) {
        const char *word = input->argv[at];
        if (strcmp(word, "--") == 0) {
            at++;
            break;
        }
        if (word[0] != '-' || word[1] == '\0')
            break;
        if (word[1] != '-')
            return complain(loader, "command line", word, strlen(word), "options begin with two dashes");
        enum tally_error e = read_flag(loader, &at);
        if (e != TALLY_OK)
            return e;
    }
    if (at < input->argc && input->operands == NULL)
        return complain(loader, "command line", input->argv[at], strlen(input->argv[at]),
                        "unexpected argument");
    loader->config->operand_count = input->argc > at ? input->argc - at : 0;
    loader->config->operands = input->argv + (at < input->argc ? at : input->argc);
    return TALLY_OK;
}

/* Turns the n characters of NAME after the prefix into an option's name; false if too long. */
static bool option_name(const char *name, size_t n, char *out, size_t size)
{
    if (n >= size)
        return false;
    for (size_t i = 0; i < n; i++)
        out[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
    out[n] = '\0';
    return true;
}

static enum tally_error read_environment(struct loader *loader)
{
    char prefix[64];
    int prefix_size = snprintf(prefix, sizeof prefix, "TALLY_%s_", loader->input->tool);
    for (int i = 0; i < prefix_size; i++)
        prefix[i] = prefix[i] == '-' || prefix[i] == ' ' ? '_' : (char)toupper((unsigned char)prefix[i]);
    for (char *const *entry = loader->input->environment; *entry != NULL; entry++) {
        const char *equals = strchr(*entry, '=');
        if (strncmp(*entry, prefix, (size_t)prefix_size) != 0 || equals == NULL)
            continue;
        char name[64];
        const char *key = *entry + prefix_size;
        struct slot *slot = NULL;
        if (option_name(key, (size_t)(equals - key), name, sizeof name))
            slot = find_slot(loader->config, name, strlen(name));
        if (slot == NULL)
            return complain(loader, "environment", *entry, (size_t)(equals - *entry),
                            "unknown option (see --help)");
        enum tally_error e = set_value(loader, slot, equals + 1, RANK_ENVIRONMENT, "environment");
        if (e != TALLY_OK)
            return e;
    }
    return TALLY_OK;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        n--;
    text[n] = '\0';
    return text;
}

/* Puts the folder of `file` before a relative path; what has a scheme ("sqlite:…", "postgresql:…") is none.
 */
static enum tally_error resolve_path(const char *file, const char *value, char *out, size_t size)
{
    const char *slash = strrchr(file, '/');
    size_t scheme = strspn(value, "abcdefghijklmnopqrstuvwxyz");
    bool located = scheme > 1 && value[scheme] == ':';
    bool relative = value[0] != '/' && value[0] != '\0' && slash != NULL && !located;
    int n = snprintf(out, size, "%.*s%s", relative ? (int)(slash + 1 - file) : 0, file, value);
    return n >= 0 && (size_t)n < size ? TALLY_OK : TALLY_E_USAGE;
}

static enum tally_error read_line(struct loader *loader, char *line, const char *file, const char *where)
{
    char *key = trim(line);
    if (*key == '\0' || *key == '#')
        return TALLY_OK;
    char *equals = strchr(key, '=');
    if (equals == NULL || equals == key)
        return complain(loader, where, "", 0, "malformed line: expected key = value");
    *equals = '\0';
    key = trim(key);
    char *value = trim(equals + 1);
    struct slot *slot = find_slot(loader->config, key, strlen(key));
    if (slot == NULL || slot->option == &built_in[0] || slot->option == &built_in[1])
        return complain(loader, where, key, strlen(key), "unknown option (see --help)");
    char path[TALLY_CONFIG_VALUE_MAX + 1];
    if (slot->option->type == TALLY_OPTION_PATH) {
        if (resolve_path(file, value, path, sizeof path) != TALLY_OK)
            return complain(loader, where, key, strlen(key), "path is too long");
        value = path;
    }
    return set_value(loader, slot, value, RANK_FILE, where);
}

static enum tally_error read_file(struct loader *loader, const char *path)
{
    char line[TALLY_CONFIG_LINE_MAX + 1], where[TALLY_CONFIG_VALUE_MAX + 32];
    enum tally_error e = TALLY_OK;
    size_t total = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return complain(loader, path, "", 0, strerror(errno));
    for (int number = 1; e == TALLY_OK && fgets(line, sizeof line, file) != NULL; number++) {
        size_t n = strlen(line);
        total += n;
        snprintf(where, sizeof where, "%s:%d", path, number);
        if (total > TALLY_CONFIG_FILE_MAX)
            e = complain(loader, where, "", 0, "file is too long");
        else if (n == 0 || (line[n - 1] != '\n' && !feof(file)))
            e = complain(loader, where, "", 0, "line is too long or has a NUL character");
        else
            e = read_line(loader, line, path, where);
    }
    if (e == TALLY_OK && ferror(file))
        e = complain(loader, path, "", 0, "cannot be read");
    fclose(file);
    return e;
}

enum tally_error tally_config_load(const struct tally_config_input *input,
                                   const struct tally_option *const *tables, FILE *messages,
                                   struct tally_config **config, bool *help)
{
    *config = NULL;
    *help = false;
    struct loader loader = {.config = calloc(1, sizeof *loader.config), .input = input, .messages = messages};
    if (loader.config == NULL)
        return TALLY_E_MEMORY;
    enum tally_error e = add_tables(&loader, tables);
    if (e == TALLY_OK)
        e = read_flags(&loader);
    if (e == TALLY_OK && tally_config_bool(loader.config, "help")) {
        *help = true;
        tally_config_help(input, tables, stdout);
        goto out;
    }
    if (e == TALLY_OK)
        e = read_environment(&loader);
    if (e == TALLY_OK && tally_config_string(loader.config, "config") != NULL)
        e = read_file(&loader, tally_config_string(loader.config, "config"));
    if (e == TALLY_OK) {
        *config = loader.config;
        return TALLY_OK;
    }
out:
    tally_config_free(loader.config);
    return e;
}

void tally_config_free(struct tally_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->count; i++)
        free(config->slots[i].text);
    free(config);
}

static const struct slot *need_slot(const struct tally_config *config, const char *name)
{
    const struct slot *slot = find_slot(config, name, strlen(name));
    if (slot == NULL)
        abort();
    return slot;
}

const char *tally_config_string(const struct tally_config *config, const char *name)
{
    const struct slot *slot = need_slot(config, name);
    if (slot->option->type != TALLY_OPTION_STRING && slot->option->type != TALLY_OPTION_PATH)
        abort();
    return slot->text;
}

int64_t tally_config_int(const struct tally_config *config, const char *name)
{
    const struct slot *slot = need_slot(config, name);
    if (slot->option->type != TALLY_OPTION_INT)
        abort();
    return slot->number;
}

bool tally_config_bool(const struct tally_config *config, const char *name)
{
    const struct slot *slot = need_slot(config, name);
    if (slot->option->type != TALLY_OPTION_BOOL)
        abort();
    return slot->number != 0;
}

int tally_config_operands(const struct tally_config *config, char *const **operands)
{
    *operands = config->operands;
    return config->operand_count;
}

static void help_table(const struct tally_option *table, FILE *out)
{
    static const char *const kinds[] = {"TEXT", "NUMBER", "", "PATH"};
    for (const struct tally_option *option = table; option->name != NULL; option++) {
        char left[64];
        snprintf(left, sizeof left, "--%s %s", option->name, kinds[option->type]);
        fprintf(out, "  %-32s %s", left, option->help);
        if (option->type == TALLY_OPTION_INT)
            fprintf(out, " [%lld to %lld]", (long long)option->min, (long long)option->max);
        if (option->fallback != NULL && option->type != TALLY_OPTION_BOOL)
            fprintf(out, " (%s)", option->fallback);
        fputc('\n', out);
    }
}

void tally_config_help(const struct tally_config_input *input, const struct tally_option *const *tables,
                       FILE *out)
{
    const char *operands = input->operands;
    fprintf(out, "usage: tally-%s [OPTION ...]%s%s\n%s\n\noptions (value when not given):\n", input->tool,
            operands != NULL ? " " : "", operands != NULL ? operands : "", input->summary);
    for (const struct tally_option *const *table = tables; *table != NULL; table++)
        help_table(*table, out);
    help_table(built_in, out);
    fprintf(out,
            "\nEach option may also stand in the file named by --config, or in the environment as TALLY_");
    for (const char *c = input->tool; *c != '\0'; c++)
        fputc(*c == '-' || *c == ' ' ? '_' : toupper((unsigned char)*c), out);
    fprintf(out, "_<OPTION>.\nThe command line wins over the environment, the environment over the file.\n");
}
