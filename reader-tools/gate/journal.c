#include "reader-tools/gate/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/wire/be.h"
#include "host/base/bytes.h"
#include "reader-tools/gate/journal_file.h"

/* In the gate's part of a usage record. */
#define AT_EVENT            1
#define AT_GATE_TRANSACTION 20

struct pending {
    uint8_t tid[TID_SIZE];
    uint32_t transaction;
    uint8_t event;
    char part[2 * USAGE_GATE_PART + 1]; /* as in its line, for the next file */
    uint8_t serial[SERIAL_SIZE];
};

struct gate_journal {
    char *folder;
    int lock, fd;
    uint16_t operator_id;
    uint32_t gate;
    unsigned first_file, last_file;
    char hash[JOURNAL_HASH_HEX + 1];
    uint64_t n, uploaded, backlog;
    uint32_t transaction, last_time;
    off_t size;
    size_t pending_count;
    struct pending pending[JOURNAL_PENDING_MAX];
    bool broken; /* a write failed: what is on disk is not known any more */
};

static size_t find_pending(const struct gate_journal *j, const uint8_t *tid)
{
    for (size_t i = 0; i < j->pending_count; i++)
        if (memcmp(j->pending[i].tid, tid, TID_SIZE) == 0)
            return i;
    return j->pending_count;
}

static void drop_pending(struct gate_journal *j, size_t i)
{
    if (i < j->pending_count) {
        memmove(&j->pending[i], &j->pending[i + 1], (j->pending_count - i - 1) * sizeof *j->pending);
        j->pending_count--;
    }
}

static enum tally_error note_intent(struct gate_journal *j, const struct journal_line *line)
{
    uint8_t part[USAGE_GATE_PART];
    size_t n = 0;
    if (!line->has_tid || tally_hex_decode(line->data, part, sizeof part, &n) != TALLY_OK || n != sizeof part)
        return TALLY_E_FORMAT;
    drop_pending(j, find_pending(j, line->tid));
    if (j->pending_count == JOURNAL_PENDING_MAX)
        drop_pending(j, 0);
    struct pending *p = &j->pending[j->pending_count++];
    *p = (struct pending){.transaction = be32_get(part + AT_GATE_TRANSACTION), .event = part[AT_EVENT]};
    memcpy(p->tid, line->tid, TID_SIZE);
    memcpy(p->serial, line->serial, SERIAL_SIZE);
    memcpy(p->part, line->data, sizeof p->part);
    if (p->transaction > j->transaction)
        j->transaction = p->transaction;
    return TALLY_OK;
}

/* Takes a line into the gate's memory: the same for lines read back and lines just written. */
static enum tally_error note(void *context, const struct journal_line *line)
{
    struct gate_journal *j = context;
    uint16_t operator_id;
    uint32_t gate, transaction;
    char hash[JOURNAL_HASH_HEX + 1];
    if (j->n != 0 && line->n != j->n + 1)
        return TALLY_E_CRYPTO;
    j->n = line->n;
    j->last_time = line->time;
    switch (line->kind) {
    case JOURNAL_BEGIN:
        if (!journal_begin_parse(line->data, &operator_id, &gate, &transaction, hash) || gate != j->gate ||
            operator_id != j->operator_id)
            return TALLY_E_FORMAT;
        if (transaction > j->transaction)
            j->transaction = transaction;
        return TALLY_OK;
    case JOURNAL_INTENT: return note_intent(j, line);
    case JOURNAL_DONE: j->backlog += line->n > j->uploaded; /* fall through */
    case JOURNAL_VOID: drop_pending(j, find_pending(j, line->tid)); break;
    default: break;
    }
    return TALLY_OK;
}

static enum tally_error sync_folder(const struct gate_journal *j)
{
    int fd = open(j->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return TALLY_E_IO;
    int rc = fsync(fd);
    close(fd);
    return rc == 0 ? TALLY_OK : TALLY_E_IO;
}

static enum tally_error append(struct gate_journal *j, struct journal_line *line, bool durable)
{
    char text[JOURNAL_LINE_MAX];
    size_t n;
    if (j->broken)
        return TALLY_E_IO;
    line->n = j->n + 1;
    enum tally_error e = journal_line_format(line, j->hash, text, &n);
    if (e != TALLY_OK)
        return e;
    ssize_t written;
    do
        written = write(j->fd, text, n);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)n || (durable && fdatasync(j->fd) != 0)) {
        j->broken = true;
        return TALLY_E_IO;
    }
    j->size += (off_t)n;
    return note(j, line);
}

/* Opens file number `file`, new, and writes what the gate has to remember into it. */
static enum tally_error begin_file(struct gate_journal *j, unsigned file, uint32_t now)
{
    char path[JOURNAL_PATH_MAX];
    struct journal_line line = {.kind = JOURNAL_BEGIN, .time = now};
    if (file > JOURNAL_FILES_MAX || !journal_path(j->folder, file, path))
        return TALLY_E_FULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return TALLY_E_IO;
    if (j->fd >= 0)
        close(j->fd);
    j->fd = fd;
    j->size = 0;
    j->last_file = file;
    if (j->first_file == 0)
        j->first_file = file;
    snprintf(line.data, sizeof line.data, "%u.%" PRIu32 ".%" PRIu32 ".%s", j->operator_id, j->gate,
             j->transaction, j->hash);
    enum tally_error e = append(j, &line, false);
    for (size_t left = j->pending_count; e == TALLY_OK && left > 0; left--) {
        const struct pending *p = &j->pending[0]; /* noting the line moves it to the end */
        struct journal_line intent = {
            .kind = JOURNAL_INTENT, .time = now, .has_tid = true, .has_serial = true};
        memcpy(intent.tid, p->tid, TID_SIZE);
        memcpy(intent.serial, p->serial, SERIAL_SIZE);
        memcpy(intent.data, p->part, sizeof p->part);
        e = append(j, &intent, false);
    }
    if (e == TALLY_OK && fdatasync(j->fd) != 0)
        e = TALLY_E_IO;
    return e == TALLY_OK ? sync_folder(j) : e;
}

static enum tally_error read_uploaded(struct gate_journal *j)
{
    char path[JOURNAL_PATH_MAX];
    snprintf(path, sizeof path, "%s/uploaded", j->folder);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? TALLY_OK : TALLY_E_IO;
    enum tally_error e = fscanf(file, "%" SCNu64, &j->uploaded) == 1 ? TALLY_OK : TALLY_E_FORMAT;
    fclose(file);
    return e;
}

/* Reads everything back and opens the last file for appending, without a line that a crash cut off. */
static enum tally_error read_back(struct gate_journal *j)
{
    struct journal_scan scan = {.chained = j->first_file == 1};
    char path[JOURNAL_PATH_MAX] = "";
    enum tally_error e = TALLY_OK;
    journal_first_hash(scan.hash);
    for (unsigned file = j->first_file; e == TALLY_OK && file <= j->last_file; file++) {
        if (!journal_path(j->folder, file, path))
            return TALLY_E_USAGE;
        e = journal_scan_file(path, &scan, note, j);
        if (e == TALLY_OK && scan.torn && file != j->last_file)
            e = TALLY_E_FORMAT;
    }
    if (e != TALLY_OK)
        return e;
    memcpy(j->hash, scan.hash, sizeof j->hash);
    j->size = scan.end;
    j->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (j->fd < 0 || (scan.torn && (ftruncate(j->fd, scan.end) != 0 || fdatasync(j->fd) != 0)))
        return TALLY_E_IO;
    return TALLY_OK;
}

/* A first file that was cut off before its first line was whole is as good as none. */
static enum tally_error load(struct gate_journal *j, uint32_t now)
{
    char path[JOURNAL_PATH_MAX];
    enum tally_error e = read_uploaded(j);
    if (e == TALLY_OK)
        e = journal_files(j->folder, &j->first_file, &j->last_file);
    if (e != TALLY_OK)
        return e;
    if (j->last_file != 0) {
        e = read_back(j);
        if (e != TALLY_OK || j->size > 0)
            return e;
        close(j->fd);
        j->fd = -1;
        if (!journal_path(j->folder, j->last_file, path) || unlink(path) != 0)
            return TALLY_E_IO;
        return begin_file(j, j->last_file, now);
    }
    journal_first_hash(j->hash);
    return begin_file(j, 1, now);
}

static enum tally_error take_lock(struct gate_journal *j)
{
    char path[JOURNAL_PATH_MAX];
    if (snprintf(path, sizeof path, "%s/lock", j->folder) >= JOURNAL_PATH_MAX)
        return TALLY_E_USAGE;
    j->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (j->lock < 0)
        return TALLY_E_IO;
    return flock(j->lock, LOCK_EX | LOCK_NB) == 0 ? TALLY_OK : TALLY_E_STATE;
}

enum tally_error gate_journal_open(const char *folder, uint16_t operator_id, uint32_t gate, uint32_t now,
                                   struct gate_journal **out)
{
    *out = NULL;
    struct gate_journal *j = calloc(1, sizeof *j);
    if (j == NULL)
        return TALLY_E_MEMORY;
    j->lock = -1;
    j->fd = -1;
    j->operator_id = operator_id;
    j->gate = gate;
    j->folder = strdup(folder);
    enum tally_error e = j->folder == NULL ? TALLY_E_MEMORY : take_lock(j);
    if (e == TALLY_OK)
        e = load(j, now);
    if (e == TALLY_OK)
        *out = j;
    else
        gate_journal_close(j);
    return e;
}

void gate_journal_close(struct gate_journal *j)
{
    if (j == NULL)
        return;
    if (j->fd >= 0)
        close(j->fd);
    if (j->lock >= 0)
        close(j->lock);
    free(j->folder);
    free(j);
}

uint32_t gate_journal_next_transaction(const struct gate_journal *j)
{
    return j->transaction + 1;
}

bool gate_journal_pending(const struct gate_journal *j, const uint8_t tid[TID_SIZE], uint32_t *transaction,
                          uint8_t *event)
{
    size_t i = find_pending(j, tid);
    *transaction = i < j->pending_count ? j->pending[i].transaction : 0;
    *event = i < j->pending_count ? j->pending[i].event : 0;
    return i < j->pending_count;
}

uint32_t gate_journal_last_time(const struct gate_journal *j)
{
    return j->last_time;
}

uint64_t gate_journal_backlog(const struct gate_journal *j)
{
    return j->backlog;
}

/* Appends a line about a ticket; before it, a file that has grown too long is followed by a new one. */
static enum tally_error add(struct gate_journal *j, struct journal_line *line, const uint8_t *tid,
                            const uint8_t *serial, bool durable)
{
    if (j->size >= JOURNAL_FILE_BYTES) {
        enum tally_error e = begin_file(j, j->last_file + 1, line->time);
        if (e != TALLY_OK)
            return e;
    }
    line->has_tid = tid != NULL;
    line->has_serial = serial != NULL;
    if (tid != NULL)
        memcpy(line->tid, tid, TID_SIZE);
    if (serial != NULL)
        memcpy(line->serial, serial, SERIAL_SIZE);
    return append(j, line, durable);
}

enum tally_error gate_journal_intent(struct gate_journal *j, uint32_t now, const uint8_t tid[TID_SIZE],
                                     const uint8_t serial[SERIAL_SIZE], const uint8_t part[USAGE_GATE_PART])
{
    struct journal_line line = {.kind = JOURNAL_INTENT, .time = now};
    (void)tally_hex_encode(part, USAGE_GATE_PART, line.data, sizeof line.data);
    return add(j, &line, tid, serial, true);
}

enum tally_error gate_journal_done(struct gate_journal *j, uint32_t now, const uint8_t tid[TID_SIZE],
                                   const uint8_t serial[SERIAL_SIZE], const uint8_t usage[USAGE_SIZE])
{
    struct journal_line line = {.kind = JOURNAL_DONE, .time = now};
    (void)tally_hex_encode(usage, USAGE_SIZE, line.data, sizeof line.data);
    return add(j, &line, tid, serial, true);
}

enum tally_error gate_journal_void(struct gate_journal *j, uint32_t now, const uint8_t tid[TID_SIZE],
                                   const uint8_t serial[SERIAL_SIZE])
{
    struct journal_line line = {.kind = JOURNAL_VOID, .time = now};
    uint32_t transaction;
    uint8_t event;
    (void)gate_journal_pending(j, tid, &transaction, &event);
    snprintf(line.data, sizeof line.data, "%" PRIu32, transaction);
    return add(j, &line, tid, serial, true);
}

enum tally_error gate_journal_refused(struct gate_journal *j, uint32_t now, const uint8_t *tid,
                                      const uint8_t *serial, unsigned reason)
{
    struct journal_line line = {.kind = JOURNAL_REFUSED, .time = now};
    snprintf(line.data, sizeof line.data, "%u", reason);
    return add(j, &line, tid, serial, false);
}

struct unsent {
    uint64_t after;
    struct journal_line *lines;
    size_t size, count;
};

static enum tally_error collect(void *context, const struct journal_line *line)
{
    struct unsent *u = context;
    if (line->kind == JOURNAL_DONE && line->n > u->after && u->count < u->size)
        u->lines[u->count++] = *line;
    return TALLY_OK;
}

enum tally_error gate_journal_unsent(struct gate_journal *j, struct journal_line *lines, size_t size,
                                     size_t *count)
{
    struct unsent u = {.after = j->uploaded, .lines = lines, .size = size};
    char path[JOURNAL_PATH_MAX];
    enum tally_error e = TALLY_OK;
    for (unsigned file = j->first_file; e == TALLY_OK && file <= j->last_file && u.count < size; file++) {
        struct journal_scan scan = {.chained = false};
        e = journal_path(j->folder, file, path) ? journal_scan_file(path, &scan, collect, &u) : TALLY_E_USAGE;
    }
    *count = e == TALLY_OK ? u.count : 0;
    return e;
}

enum tally_error gate_journal_sent(struct gate_journal *j, uint64_t n, size_t count)
{
    char path[JOURNAL_PATH_MAX], fresh[JOURNAL_PATH_MAX];
    snprintf(path, sizeof path, "%s/uploaded", j->folder);
    snprintf(fresh, sizeof fresh, "%s/uploaded.new", j->folder);
    FILE *file = fopen(fresh, "we");
    if (file == NULL)
        return TALLY_E_IO;
    bool ok = fprintf(file, "%" PRIu64 "\n", n) > 0 && fflush(file) == 0 && fdatasync(fileno(file)) == 0;
    ok = fclose(file) == 0 && ok && rename(fresh, path) == 0;
    if (!ok)
        return TALLY_E_IO;
    j->uploaded = n;
    j->backlog -= count < j->backlog ? count : j->backlog;
    return TALLY_OK;
}
