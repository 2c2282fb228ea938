#include "host/crypto/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum tally_error from_errno(void)
{
    switch (errno) {
    case ENOENT:
    case ENOTDIR: return TALLY_E_NOT_FOUND;
    case EACCES:
    case EPERM:
    case ELOOP: return TALLY_E_DENIED;
    case EEXIST: return TALLY_E_EXISTS;
    case ENAMETOOLONG: return TALLY_E_USAGE;
    default: return TALLY_E_IO;
    }
}

static bool closed_to_others(const struct stat *st)
{
    return (st->st_uid == geteuid() || st->st_uid == 0) && (st->st_mode & (S_IRWXG | S_IRWXO)) == 0;
}

static bool read_all(int fd, char *data, size_t size, size_t *n)
{
    for (*n = 0; *n < size;) {
        ssize_t got = read(fd, data + *n, size - *n);
        if (got < 0 && errno != EINTR)
            return false;
        if (got == 0)
            return true;
        if (got > 0)
            *n += (size_t)got;
    }
    return true;
}

enum tally_error tally_key_bytes_read(const char *path, char data[TALLY_KEYFILE_MAX], size_t *n)
{
    struct stat st;
    enum tally_error e = TALLY_OK;
    memset(data, 0, TALLY_KEYFILE_MAX);
    *n = 0;
    /* Without blocking, so that a pipe put in the file's place cannot hold us up. */
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return from_errno();
    if (fstat(fd, &st) != 0)
        e = TALLY_E_IO;
    else if (!S_ISREG(st.st_mode) || !closed_to_others(&st))
        e = TALLY_E_DENIED;
    else if (st.st_size >= TALLY_KEYFILE_MAX)
        e = TALLY_E_FORMAT;
    else if (!read_all(fd, data, TALLY_KEYFILE_MAX - 1, n))
        e = TALLY_E_IO;
    close(fd);
    if (e != TALLY_OK) {
        tally_wipe(data, TALLY_KEYFILE_MAX);
        *n = 0;
    }
    return e;
}

static bool write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t put = write(fd, data, n);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0) {
            data += put;
            n -= (size_t)put;
        }
    }
    return fsync(fd) == 0;
}

/* So that the file's name survives a crash, too. */
static bool sync_folder_of(const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

enum tally_error tally_key_bytes_write(const char *path, const char *data, size_t n)
{
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (len < 0 || (size_t)len >= sizeof temporary)
        return TALLY_E_USAGE;
    int fd = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (fd < 0)
        return from_errno();
    enum tally_error e = TALLY_OK;
    if (!write_all(fd, data, n))
        e = TALLY_E_IO;
    close(fd);
    /* A link, unlike a rename, does not replace. */
    if (e == TALLY_OK && link(temporary, path) != 0)
        e = from_errno();
    unlink(temporary);
    if (e == TALLY_OK && !sync_folder_of(path))
        e = TALLY_E_IO;
    return e;
}

enum tally_error tally_key_folder_check(const char *dir)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return from_errno();
    if (!S_ISDIR(st.st_mode))
        return TALLY_E_NOT_FOUND;
    return closed_to_others(&st) ? TALLY_OK : TALLY_E_DENIED;
}
