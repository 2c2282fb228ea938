#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/crypto/private_file.h"
#include "host/crypto/umbral_tool.h"

enum { SECRET_DIGITS = 2 * TALLY_UMBRAL_SCALAR_SIZE, PUBLIC_DIGITS = 2 * TALLY_UMBRAL_POINT_SIZE };

enum tally_error umbral_tool_fail(enum tally_error e, const char *what)
{
    if (e != TALLY_OK)
        fprintf(stderr, "tally-umbral: %s: %s\n", what, tally_error_text(e));
    return e;
}

const char *umbral_tool_needs(const struct tally_config *config, const char *name)
{
    const char *value = tally_config_string(config, name);
    if (value == NULL)
        fprintf(stderr, "tally-umbral: --%s is needed\n", name);
    return value;
}

enum tally_error umbral_tool_secret(const struct tally_config *config, const char *option,
                                    struct tally_umbral_secret *secret)
{
    char text[TALLY_KEYFILE_MAX];
    uint8_t scalar[TALLY_UMBRAL_SCALAR_SIZE];
    size_t n, size;
    memset(secret, 0, sizeof *secret);
    const char *path = umbral_tool_needs(config, option);
    if (path == NULL)
        return TALLY_E_USAGE;
    enum tally_error e = tally_key_bytes_read(path, text, &n);
    if (e == TALLY_OK && n == SECRET_DIGITS + 1 && text[SECRET_DIGITS] == '\n')
        text[--n] = '\0';
    if (e == TALLY_OK && (n != SECRET_DIGITS || strlen(text) != n ||
                          tally_hex_decode(text, scalar, sizeof scalar, &size) != TALLY_OK))
        e = TALLY_E_FORMAT;
    if (e == TALLY_OK)
        e = tally_umbral_secret_read(scalar, secret);
    tally_wipe(text, sizeof text);
    tally_wipe(scalar, sizeof scalar);
    return umbral_tool_fail(e, path);
}

static enum tally_error parse_public(const char *text, size_t digits, struct tally_umbral_public *public_key)
{
    char copy[PUBLIC_DIGITS + 1] = "";
    uint8_t bytes[TALLY_UMBRAL_POINT_SIZE];
    size_t n;
    if (digits != PUBLIC_DIGITS)
        return TALLY_E_FORMAT;
    memcpy(copy, text, digits);
    enum tally_error e = tally_hex_decode(copy, bytes, sizeof bytes, &n);
    if (e == TALLY_OK && n != sizeof bytes)
        e = TALLY_E_FORMAT;
    return e == TALLY_OK ? tally_umbral_public_read(bytes, public_key) : e;
}

enum tally_error umbral_tool_public(const struct tally_config *config, const char *option,
                                    struct tally_umbral_public *public_key)
{
    uint8_t *text;
    size_t n;
    memset(public_key, 0, sizeof *public_key);
    const char *value = umbral_tool_needs(config, option);
    if (value == NULL)
        return TALLY_E_USAGE;
    if (strlen(value) == PUBLIC_DIGITS && strspn(value, "0123456789abcdefABCDEF") == PUBLIC_DIGITS)
        return umbral_tool_fail(parse_public(value, PUBLIC_DIGITS, public_key), option);
    enum tally_error e = umbral_tool_read(value, PUBLIC_DIGITS + 1, &text, &n);
    if (e != TALLY_OK)
        return e;
    if (n == PUBLIC_DIGITS + 1 && text[PUBLIC_DIGITS] == '\n')
        n--;
    e = parse_public((const char *)text, n, public_key);
    free(text);
    return umbral_tool_fail(e, value);
}

static enum tally_error read_stream(FILE *file, size_t max, uint8_t **data, size_t *n)
{
    *data = malloc(max + 1);
    if (*data == NULL)
        return TALLY_E_MEMORY;
    *n = fread(*data, 1, max + 1, file);
    return ferror(file) ? TALLY_E_IO : *n > max ? TALLY_E_FULL : TALLY_OK;
}

enum tally_error umbral_tool_read(const char *path, size_t max, uint8_t **data, size_t *n)
{
    *data = NULL;
    *n = 0;
    FILE *file = path != NULL ? fopen(path, "re") : stdin;
    if (file == NULL)
        return umbral_tool_fail(errno == ENOENT ? TALLY_E_NOT_FOUND : TALLY_E_IO, path);
    enum tally_error e = read_stream(file, max, data, n);
    if (path != NULL)
        fclose(file);
    if (e != TALLY_OK) {
        if (*data != NULL)
            tally_wipe(*data, *n);
        free(*data);
        *data = NULL;
        *n = 0;
    }
    return umbral_tool_fail(e, path != NULL ? path : "standard input");
}

enum tally_error umbral_tool_write(const char *path, const uint8_t *data, size_t n)
{
    if (path != NULL)
        return umbral_tool_fail(tally_key_bytes_write(path, (const char *)data, n), path);
    bool good = fwrite(data, 1, n, stdout) == n && fflush(stdout) == 0;
    return umbral_tool_fail(good ? TALLY_OK : TALLY_E_IO, "standard output");
}

enum tally_error umbral_tool_message(const char *path, struct tally_umbral_capsule *capsule,
                                     uint8_t **ciphertext, size_t *n)
{
    memset(capsule, 0, sizeof *capsule);
    enum tally_error e = umbral_tool_read(path, UMBRAL_MESSAGE_MAX, ciphertext, n);
    if (e != TALLY_OK)
        return e;
    e = *n < TALLY_UMBRAL_CAPSULE_SIZE + TALLY_UMBRAL_OVERHEAD
            ? TALLY_E_FORMAT
            : tally_umbral_capsule_read(*ciphertext, TALLY_UMBRAL_CAPSULE_SIZE, capsule);
    if (e == TALLY_OK) {
        *n -= TALLY_UMBRAL_CAPSULE_SIZE;
        memmove(*ciphertext, *ciphertext + TALLY_UMBRAL_CAPSULE_SIZE, *n);
    } else {
        free(*ciphertext);
        *ciphertext = NULL;
        *n = 0;
    }
    return umbral_tool_fail(e, path != NULL ? path : "standard input");
}

size_t umbral_tool_context(const struct tally_config *config, struct tally_bytes *part)
{
    const char *text = tally_config_string(config, "context");
    *part = (struct tally_bytes){(const uint8_t *)text, text != NULL ? strlen(text) : 0};
    return text != NULL;
}
