#include "host/ticketing/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/service/keyfile.h"

static enum tally_error error_of(int error)
{
    switch (error) {
    case EEXIST: return TALLY_E_EXISTS;
    case ENOENT: return TALLY_E_NOT_FOUND;
    case EACCES:
    case EPERM: return TALLY_E_DENIED;
    default: return TALLY_E_IO;
    }
}

enum tally_error tally_private_folder_make(const char *path)
{
    return mkdir(path, 0700) == 0 ? TALLY_OK : error_of(errno);
}

enum tally_error tally_private_folder_check(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return error_of(errno);
    bool private =
        S_ISDIR(st.st_mode) && (st.st_mode & 077) == 0 && (st.st_uid == geteuid() || st.st_uid == 0);
    return private ? TALLY_OK : TALLY_E_DENIED;
}

static enum tally_error write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, data, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return TALLY_E_IO;
        data += wrote;
        n -= (size_t)wrote;
    }
    return fsync(fd) == 0 ? TALLY_OK : TALLY_E_IO;
}

enum tally_error tally_private_file_create(const char *path, const void *data, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_of(errno);
    enum tally_error e = write_all(fd, data, n);
    if (close(fd) != 0 && e == TALLY_OK)
        e = TALLY_E_IO;
    if (e != TALLY_OK)
        unlink(path);
    return e;
}

enum tally_error tally_private_file_replace(const char *path, const void *data, size_t n)
{
    char next[TALLY_PATH_MAX];
    int length = snprintf(next, sizeof next, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof next)
        return TALLY_E_FULL;
    unlink(next);
    enum tally_error e = tally_private_file_create(next, data, n);
    if (e == TALLY_OK && rename(next, path) != 0) {
        e = error_of(errno);
        unlink(next);
    }
    return e;
}

enum tally_error tally_private_file_load(const char *path, size_t max, char **data, size_t *n)
{
    *n = 0;
    *data = malloc(max + 1);
    if (*data == NULL)
        return TALLY_E_MEMORY;
    enum tally_error e = tally_private_file_read(path, *data, max + 1, n);
    if (e != TALLY_OK) {
        tally_wipe(*data, max + 1);
        free(*data);
        *data = NULL;
        *n = 0;
    }
    return e;
}

enum tally_error tally_path_join(const char *folder, const char *name, char out[TALLY_PATH_MAX])
{
    int n = snprintf(out, TALLY_PATH_MAX, "%s/%s", folder, name);
    if (n >= 0 && n < TALLY_PATH_MAX)
        return TALLY_OK;
    out[0] = '\0';
    return TALLY_E_FULL;
}
