#include "host/base/log.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/base/text.h"

static struct {
    int fd;
    _Atomic int lowest;
    const struct tally_clock *clock;
} sink = {STDERR_FILENO, TALLY_LOG_INFO, &tally_system_clock};

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};

void tally_log_setup(int fd, enum tally_log_level lowest, const struct tally_clock *clock)
{
    sink.fd = fd;
    sink.clock = clock;
    atomic_store(&sink.lowest, (int)lowest);
}

bool tally_log_enabled(enum tally_log_level level)
{
    return (int)level >= atomic_load_explicit(&sink.lowest, memory_order_relaxed) && level < TALLY_LOG_OFF;
}

enum tally_error tally_log_level_parse(const char *name, enum tally_log_level *level)
{
    *level = TALLY_LOG_INFO;
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum tally_log_level)i;
            return TALLY_OK;
        }
    }
    return TALLY_E_FORMAT;
}

/* RFC 3339, UTC, milliseconds. */
static void put_time(struct tally_text *line)
{
    int64_t ms = tally_clock_wall_ms(sink.clock);
    time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char stamp[40];
    gmtime_r(&seconds, &utc);
    size_t n = strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S.", &utc);
    int part = (int)(ms % 1000);
    char millis[] = {(char)('0' + part / 100), (char)('0' + part / 10 % 10), (char)('0' + part % 10), 'Z'};
    tally_text_string(line, "{\"time\":\"");
    tally_text_bytes(line, stamp, n);
    tally_text_bytes(line, millis, sizeof millis);
    tally_text_char(line, '"');
}

static void put_key(struct tally_text *line, const char *name)
{
    tally_text_string(line, ",\"");
    tally_text_string(line, name);
    tally_text_string(line, "\":");
}

/* Writes the whole field or nothing. */
static void put_field(struct tally_text *line, const struct tally_log_field *field)
{
    size_t before = line->length;
    bool overflowed = line->overflowed;
    line->overflowed = false;
    put_key(line, field->name);
    if (field->kind == TALLY_LOG_STRING)
        tally_text_json(line, field->string);
    else if (field->kind == TALLY_LOG_INTEGER)
        tally_text_int(line, field->integer);
    else
        tally_text_string(line, field->integer ? "true" : "false");
    if (line->overflowed) {
        line->length = before;
        line->data[before] = '\0';
    }
    line->overflowed = line->overflowed || overflowed;
}

void tally_log_write(enum tally_log_level level, const char *component, const char *trace,
                     const char *message, const struct tally_log_field *fields)
{
    static const char tail_cut[] = ",\"truncated\":true}\n", tail[] = "}\n";
    char buffer[TALLY_LOG_LINE_MAX];
    struct tally_text line;
    tally_text_init(&line, buffer, sizeof buffer - sizeof tail_cut);
    put_time(&line);
    put_field(&line, &TALLY_STR("level", level_names[level]));
    put_field(&line, &TALLY_STR("component", component));
    if (trace != NULL)
        put_field(&line, &TALLY_STR("trace", trace));
    put_field(&line, &TALLY_STR("message", message));
    for (const struct tally_log_field *f = fields; f->name != NULL; f++)
        put_field(&line, f);
    bool cut = line.overflowed;
    line.size = sizeof buffer;
    tally_text_string(&line, cut ? tail_cut : tail);
    /* A log that cannot be written must not stop the service. */
    ssize_t written = write(sink.fd, line.data, line.length);
    (void)written;
}
