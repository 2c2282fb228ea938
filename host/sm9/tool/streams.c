#include "host/sm9/tool/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "host/base/bytes.h"
#include "host/crypto/private_file.h"

enum { FIRST_PIECE = 1 << 14 };

enum tally_error complain(const char *what, enum tally_error e, const char *why)
{
    fprintf(stderr, "tally-sm9: %s: %s\n", what, why != NULL ? why : tally_error_text(e));
    return e;
}

void buffer_free(struct buffer *b)
{
    if (b->data != NULL)
        tally_wipe(b->data, b->size);
    free(b->data);
    *b = (struct buffer){NULL, 0};
}

/* A larger one with the same content; what held it is wiped, which realloc does not do. */
static bool grow(struct buffer *b, size_t *room, size_t max)
{
    size_t larger = *room == 0 ? FIRST_PIECE : 2 * *room;
    if (larger > max + 1)
        larger = max + 1;
    uint8_t *data = malloc(larger + 1);
    if (data == NULL)
        return false;
    if (b->size > 0)
        memcpy(data, b->data, b->size);
    size_t size = b->size;
    buffer_free(b);
    *b = (struct buffer){data, size};
    *room = larger;
    return true;
}

static bool is_standard(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

static enum tally_error read_all(FILE *file, size_t max, struct buffer *b)
{
    size_t room = 0;
    while (!feof(file)) {
        if (b->size == room && !grow(b, &room, max))
            return TALLY_E_MEMORY;
        b->size += fread(b->data + b->size, 1, room - b->size, file);
        if (ferror(file))
            return TALLY_E_IO;
        if (b->size > max)
            return TALLY_E_FULL;
    }
    b->data[b->size] = '\0';
    return TALLY_OK;
}

enum tally_error read_input(const char *path, size_t max, struct buffer *b)
{
    const char *name = is_standard(path) ? "standard input" : path;
    *b = (struct buffer){NULL, 0};
    FILE *file = is_standard(path) ? stdin : fopen(path, "re");
    if (file == NULL)
        return complain(name, TALLY_E_NOT_FOUND, strerror(errno));
    enum tally_error e = read_all(file, max, b);
    if (file != stdin)
        fclose(file);
    if (e == TALLY_OK)
        return e;
    buffer_free(b);
    return complain(name, e, e == TALLY_E_FULL ? "too long" : NULL);
}

enum tally_error write_output(const char *path, const void *data, size_t n)
{
    const char *name = is_standard(path) ? "standard output" : path;
    FILE *file = is_standard(path) ? stdout : fopen(path, "we");
    if (file == NULL)
        return complain(name, TALLY_E_IO, strerror(errno));
    bool good = fwrite(data, 1, n, file) == n;
    good = (file == stdout ? fflush(file) : fclose(file)) == 0 && good;
    return good ? TALLY_OK : complain(name, TALLY_E_IO, strerror(errno));
}

enum tally_error write_private(const char *path, const char *data, size_t n)
{
    if (is_standard(path))
        return write_output(path, data, n);
    enum tally_error e = tally_key_bytes_write(path, data, n);
    return e == TALLY_OK ? e : complain(path, e, NULL);
}

static enum tally_error first_line(FILE *file, char passphrase[SM9_PASSPHRASE_SIZE])
{
    if (file == NULL || fgets(passphrase, SM9_PASSPHRASE_SIZE, file) == NULL)
        return TALLY_E_USAGE;
    size_t n = strcspn(passphrase, "\r\n");
    /* A line that did not end was too long, unless the file ended. */
    bool whole = passphrase[n] != '\0' || feof(file) || fgetc(file) == EOF;
    passphrase[n] = '\0';
    return whole ? TALLY_OK : TALLY_E_USAGE;
}

static enum tally_error ask(const char *question, bool twice, char passphrase[SM9_PASSPHRASE_SIZE])
{
    int terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0)
        return complain("passphrase", TALLY_E_USAGE, "no terminal to ask for it; say where it is");
    close(terminal);
    if (EVP_read_pw_string_min(passphrase, 1, SM9_PASSPHRASE_SIZE - 1, question, twice) == 0)
        return TALLY_OK;
    return complain("passphrase", TALLY_E_USAGE, "not read");
}

/* What follows the prefix, or NULL. */
static const char *after(const char *text, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncmp(text, prefix, n) == 0 ? text + n : NULL;
}

static enum tally_error from_text(const char *text, char passphrase[SM9_PASSPHRASE_SIZE])
{
    if (text == NULL || strlen(text) >= SM9_PASSPHRASE_SIZE)
        return TALLY_E_USAGE;
    memcpy(passphrase, text, strlen(text) + 1);
    return TALLY_OK;
}

static enum tally_error from_descriptor(const char *number, char passphrase[SM9_PASSPHRASE_SIZE])
{
    char *end;
    long fd = strtol(number, &end, 10);
    if (end == number || *end != '\0' || fd < 0 || fd > 1 << 20)
        return TALLY_E_USAGE;
    FILE *file = fdopen((int)fd, "r");
    enum tally_error e = first_line(file, passphrase);
    if (file != NULL)
        fclose(file);
    return e;
}

enum tally_error read_passphrase(const char *argument, const char *question, bool twice,
                                 char passphrase[SM9_PASSPHRASE_SIZE])
{
    enum tally_error e = TALLY_E_USAGE;
    const char *rest;
    memset(passphrase, 0, SM9_PASSPHRASE_SIZE);
    if (argument == NULL)
        return ask(question, twice, passphrase);
    if ((rest = after(argument, "pass:")) != NULL) {
        e = from_text(rest, passphrase);
    } else if ((rest = after(argument, "env:")) != NULL) {
        e = from_text(getenv(rest), passphrase);
    } else if ((rest = after(argument, "file:")) != NULL) {
        FILE *file = fopen(rest, "re");
        e = first_line(file, passphrase);
        if (file != NULL)
            fclose(file);
    } else if ((rest = after(argument, "fd:")) != NULL) {
        e = from_descriptor(rest, passphrase);
    } else if (strcmp(argument, "stdin") == 0) {
        e = first_line(stdin, passphrase);
    }
    if (e == TALLY_OK && passphrase[0] == '\0')
        e = TALLY_E_USAGE;
    return e == TALLY_OK ? e : complain("passphrase", e, "cannot be read, or is empty or too long");
}
