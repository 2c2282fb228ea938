#include "reader-tools/gate/journal_file.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "reader-tools/gate/journal.h"

bool journal_path(const char *folder, unsigned file, char out[JOURNAL_PATH_MAX])
{
    int n = snprintf(out, JOURNAL_PATH_MAX, "%s/journal.%06u", folder, file);
    return n > 0 && n < JOURNAL_PATH_MAX;
}

static unsigned file_number(const char *name)
{
    static const char prefix[] = "journal.";
    const size_t n = sizeof prefix - 1;
    if (strncmp(name, prefix, n) != 0 || strlen(name) != n + 6 || strspn(name + n, "0123456789") != 6)
        return 0;
    return (unsigned)strtoul(name + n, NULL, 10);
}

enum tally_error journal_files(const char *folder, unsigned *first, unsigned *last)
{
    unsigned count = 0;
    *first = 0;
    *last = 0;
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return errno == ENOENT ? TALLY_E_NOT_FOUND : TALLY_E_IO;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        unsigned number = file_number(entry->d_name);
        if (number == 0)
            continue;
        count++;
        if (*first == 0 || number < *first)
            *first = number;
        if (number > *last)
            *last = number;
    }
    closedir(dir);
    return count == 0 || *last - *first + 1 == count ? TALLY_OK : TALLY_E_FORMAT;
}

bool journal_begin_parse(const char *data, uint16_t *operator_id, uint32_t *gate, uint32_t *transaction,
                         char hash[JOURNAL_HASH_HEX + 1])
{
    int end = 0;
    char canonical[JOURNAL_DATA_MAX + 1];
    if (sscanf(data, "%" SCNu16 ".%" SCNu32 ".%" SCNu32 ".%64[0-9a-f]%n", operator_id, gate, transaction,
               hash, &end) != 4 ||
        data[end] != '\0' || strlen(hash) != JOURNAL_HASH_HEX)
        return false;
    snprintf(canonical, sizeof canonical, "%u.%" PRIu32 ".%" PRIu32 ".%s", *operator_id, *gate, *transaction,
             hash);
    return strcmp(canonical, data) == 0;
}

/* The first line of a file names the hash it follows: that is where a chain whose older files were put away
 * starts. */
static enum tally_error start_chain(const char *text, struct journal_scan *scan)
{
    struct journal_line line;
    char hash[JOURNAL_HASH_HEX + 1];
    uint16_t operator_id;
    uint32_t gate, transaction;
    enum tally_error e = journal_line_parse(text, false, hash, &line);
    if (e != TALLY_OK)
        return e;
    if (line.kind != JOURNAL_BEGIN ||
        !journal_begin_parse(line.data, &operator_id, &gate, &transaction, hash))
        return TALLY_E_FORMAT;
    if (scan->chained && strcmp(hash, scan->hash) != 0)
        return TALLY_E_CRYPTO;
    memcpy(scan->hash, hash, sizeof hash);
    scan->chained = true;
    return TALLY_OK;
}

enum tally_error journal_scan_file(const char *path, struct journal_scan *scan, journal_visitor *visit,
                                   void *context)
{
    char text[JOURNAL_LINE_MAX];
    struct journal_line line;
    enum tally_error e = TALLY_OK;
    scan->lines = 0;
    scan->end = 0;
    scan->torn = false;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return TALLY_E_IO;
    while (e == TALLY_OK && fgets(text, sizeof text, file) != NULL) {
        size_t n = strlen(text);
        if (n == 0 || text[n - 1] != '\n') {
            scan->torn = true;
            e = feof(file) ? TALLY_OK : TALLY_E_FORMAT;
            break;
        }
        text[n - 1] = '\0';
        if (scan->lines == 0)
            e = start_chain(text, scan);
        if (e == TALLY_OK)
            e = journal_line_parse(text, true, scan->hash, &line);
        if (e == TALLY_OK)
            e = visit(context, &line);
        if (e == TALLY_OK) {
            scan->lines++;
            scan->end = ftell(file);
        }
    }
    if (e == TALLY_OK && ferror(file))
        e = TALLY_E_IO;
    fclose(file);
    return e;
}
