#include "card/ports/vcard/image.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/ports/flashsim/flashsim.h"

/* Offsets in the head; numbers are big-endian. The rest of the head is zero. */
enum { AT_MAGIC = 0, AT_VERSION = 8, AT_UNIT = 10, AT_PAGE_SIZE = 12, AT_PAGES = 16 };

#define MAGIC   "TALLYIMG"
#define VERSION 1

/* New flash is all zero bytes to flashsim. */
static size_t file_size(void)
{
    return IMAGE_HEAD_SIZE + flashsim_size(IMAGE_UNIT, IMAGE_PAGE_SIZE, IMAGE_PAGES);
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

/* All of the head that is the same for every chip of this layout. */
static void make_head(uint8_t head[IMAGE_AT_CHIP_ID])
{
    memset(head, 0, IMAGE_AT_CHIP_ID);
    memcpy(head + AT_MAGIC, MAGIC, strlen(MAGIC));
    put16(head + AT_VERSION, VERSION);
    put16(head + AT_UNIT, IMAGE_UNIT);
    put32(head + AT_PAGE_SIZE, IMAGE_PAGE_SIZE);
    put32(head + AT_PAGES, IMAGE_PAGES);
}

static bool write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

/* The file is written under another name and linked to its own when it is whole. */
enum image_result image_create(const char *path, const struct hal_identity *identity)
{
    enum image_result result = IMAGE_SYSTEM;
    uint8_t *bytes = NULL;
    char temporary[PATH_MAX] = "";
    int fd = -1;
    if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary) {
        errno = ENAMETOOLONG;
        return IMAGE_SYSTEM;
    }
    bytes = calloc(1, file_size());
    fd = bytes != NULL ? mkostemp(temporary, O_CLOEXEC) : -1;
    if (fd < 0)
        goto out;
    make_head(bytes);
    memcpy(bytes + IMAGE_AT_CHIP_ID, identity->chip_id, HAL_CHIP_ID_SIZE);
    memcpy(bytes + IMAGE_AT_ADMIN_KEY, identity->admin_key, HAL_ADMIN_KEY_SIZE);
    if (fchmod(fd, 0600) != 0 || !write_all(fd, bytes, file_size()) || fsync(fd) != 0)
        goto out;
    if (link(temporary, path) == 0)
        result = IMAGE_OK;
    else if (errno == EEXIST)
        result = IMAGE_EXISTS;
out:
    if (fd >= 0) {
        int saved = errno;
        (void)unlink(temporary);
        close(fd);
        errno = saved;
    }
    if (bytes != NULL)
        explicit_bzero(bytes, IMAGE_HEAD_SIZE);
    free(bytes);
    return result;
}

static enum image_result map_file(struct image *image)
{
    struct stat st;
    uint8_t head[IMAGE_AT_CHIP_ID];
    if (flock(image->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? IMAGE_LOCKED : IMAGE_SYSTEM;
    if (fstat(image->fd, &st) != 0)
        return IMAGE_SYSTEM;
    if (!S_ISREG(st.st_mode) || (st.st_size != (off_t)file_size() && st.st_size != IMAGE_EMULATED_SIZE))
        return IMAGE_FORMAT;
    void *map = mmap(NULL, file_size(), PROT_READ | PROT_WRITE, MAP_SHARED, image->fd, 0);
    if (map == MAP_FAILED)
        return IMAGE_SYSTEM;
    image->map = map;
    make_head(head);
    return memcmp(image->map, head, sizeof head) == 0 ? IMAGE_OK : IMAGE_FORMAT;
}

enum image_result image_open(const char *path, struct image *image)
{
    memset(image, 0, sizeof *image);
    image->fd = open(path, O_RDWR | O_CLOEXEC);
    if (image->fd < 0)
        return IMAGE_SYSTEM;
    enum image_result r = map_file(image);
    if (r != IMAGE_OK) {
        int saved = errno;
        image_close(image);
        errno = saved;
        return r;
    }
    image->flash = image->map + IMAGE_HEAD_SIZE;
    image->flash_size = file_size() - IMAGE_HEAD_SIZE;
    memcpy(image->identity.chip_id, image->map + IMAGE_AT_CHIP_ID, HAL_CHIP_ID_SIZE);
    memcpy(image->identity.admin_key, image->map + IMAGE_AT_ADMIN_KEY, HAL_ADMIN_KEY_SIZE);
    return IMAGE_OK;
}

void image_close(struct image *image)
{
    if (image->map != NULL)
        (void)munmap(image->map, file_size());
    if (image->fd >= 0)
        close(image->fd);
    explicit_bzero(image, sizeof *image);
    image->fd = -1;
}
