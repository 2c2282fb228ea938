/* Log lines as JSON objects, one a line, on standard error: time, level, component, trace id, message,
 * fields.
 *
 *     tally_log(TALLY_LOG_INFO, "http", trace, "request refused", TALLY_STR("reason", why),
 * TALLY_INT("status", 401));
 *
 * A line is written with one write(2) and is at most TALLY_LOG_LINE_MAX bytes; fields that do not fit are
 * left out and "truncated":true says so. There is no field kind for byte strings: who wants to log some must
 * encode them and so think about it. Keys, codes, plaintexts and identity documents are never logged: that is
 * the caller's duty. All functions may be called from any thread.
 */
#ifndef TALLY_BASE_LOG_H
#define TALLY_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "host/base/clock.h"
#include "host/base/error.h"

#define TALLY_LOG_LINE_MAX 4096

enum tally_log_level { TALLY_LOG_DEBUG, TALLY_LOG_INFO, TALLY_LOG_WARN, TALLY_LOG_ERROR, TALLY_LOG_OFF };

struct tally_log_field {
    const char *name; /* a plain identifier: it is not escaped */
    enum { TALLY_LOG_STRING, TALLY_LOG_INTEGER, TALLY_LOG_BOOLEAN } kind;
    const char *string;
    int64_t integer;
};

#define TALLY_STR(key, value)                                                                                \
    ((struct tally_log_field){.name = (key), .kind = TALLY_LOG_STRING, .string = (value)})
#define TALLY_INT(key, value)                                                                                \
    ((struct tally_log_field){.name = (key), .kind = TALLY_LOG_INTEGER, .integer = (value)})
#define TALLY_BOOL(key, value)                                                                               \
    ((struct tally_log_field){.name = (key), .kind = TALLY_LOG_BOOLEAN, .integer = (value)})

/* Where lines go, from which level on, and by which clock. Until called: standard error, INFO, system clock.
 * Call it before threads start. The descriptor stays the caller's. */
void tally_log_setup(int fd, enum tally_log_level lowest, const struct tally_clock *clock);

/* True when a line of this level would be written: ask before costly preparation. */
bool tally_log_enabled(enum tally_log_level level);

/* "debug", "info", "warn", "error", "off"; TALLY_E_FORMAT for anything else, *level is then TALLY_LOG_INFO.
 */
enum tally_error tally_log_level_parse(const char *name, enum tally_log_level *level);

/* trace may be NULL. Fields end with one whose name is NULL; the macro below adds it. */
void tally_log_write(enum tally_log_level level, const char *component, const char *trace,
                     const char *message, const struct tally_log_field *fields);

#define tally_log(level, component, trace, message, ...)                                                     \
    do {                                                                                                     \
        if (tally_log_enabled(level))                                                                        \
            tally_log_write((level), (component), (trace), (message),                                        \
                            (const struct tally_log_field[]){__VA_ARGS__ __VA_OPT__(, ){.name = NULL}});     \
    } while (0)

#endif
