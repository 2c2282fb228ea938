#include "host/ticketing/keycentre/wrap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "host/base/bytes.h"
#include "host/service/keyfile.h"

/* RFC 7914: 32 MB. */
enum { SCRYPT_N = 32768, SCRYPT_R = 8, SCRYPT_P = 1, SCRYPT_MEMORY = 64 << 20 };

static struct keycentre_passphrase from_environment;

void keycentre_passphrase_take_environment(void)
{
    char *value = getenv(KEYCENTRE_PASSPHRASE_VARIABLE);
    if (value == NULL)
        return;
    size_t n = strlen(value);
    if (n <= KEYCENTRE_PASSPHRASE_MAX) {
        memcpy(from_environment.text, value, n);
        from_environment.n = n;
    }
    tally_wipe(value, n); /* also what /proc shows */
    unsetenv(KEYCENTRE_PASSPHRASE_VARIABLE);
}

static enum tally_error read_descriptor(int fd, struct keycentre_passphrase *passphrase)
{
    ssize_t got = 1;
    while (got > 0 && passphrase->n < sizeof passphrase->text) {
        got = read(fd, passphrase->text + passphrase->n, sizeof passphrase->text - passphrase->n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            passphrase->n += (size_t)got;
    }
    close(fd);
    return got < 0 ? TALLY_E_IO : TALLY_OK;
}

enum tally_error keycentre_passphrase_read(const char *file, int64_t fd,
                                           struct keycentre_passphrase *passphrase)
{
    enum tally_error e = TALLY_OK;
    memset(passphrase, 0, sizeof *passphrase);
    if (file != NULL)
        e = tally_private_file_read(file, passphrase->text, sizeof passphrase->text, &passphrase->n);
    else if (fd >= 0)
        e = read_descriptor((int)fd, passphrase);
    else
        *passphrase = from_environment;
    if (e == TALLY_OK && passphrase->n > 0 && passphrase->text[passphrase->n - 1] == '\n')
        passphrase->n--;
    if (e == TALLY_OK &&
        (passphrase->n < KEYCENTRE_PASSPHRASE_MIN || passphrase->n > KEYCENTRE_PASSPHRASE_MAX))
        e = TALLY_E_USAGE;
    if (e != TALLY_OK) {
        tally_wipe(passphrase, sizeof *passphrase);
        fprintf(stderr, "passphrase (--kek-file, mode 0600; --kek-fd; or %s; %d to %d bytes): %s\n",
                KEYCENTRE_PASSPHRASE_VARIABLE, KEYCENTRE_PASSPHRASE_MIN, KEYCENTRE_PASSPHRASE_MAX,
                tally_error_text(e));
    }
    return e;
}

enum tally_error keycentre_wrap_open(const struct keycentre_passphrase *passphrase,
                                     const uint8_t salt[KEYCENTRE_SALT], const uint8_t centre[KEYCENTRE_ID],
                                     struct keycentre_wrap *wrap)
{
    memset(wrap, 0, sizeof *wrap);
    memcpy(wrap->centre, centre, KEYCENTRE_ID);
    if (EVP_PBE_scrypt(passphrase->text, passphrase->n, salt, KEYCENTRE_SALT, SCRYPT_N, SCRYPT_R, SCRYPT_P,
                       SCRYPT_MEMORY, wrap->key, sizeof wrap->key) == 1)
        return TALLY_OK;
    tally_wipe(wrap, sizeof *wrap);
    return TALLY_E_MEMORY;
}

enum tally_error keycentre_wrap_seal(const struct keycentre_wrap *wrap, const char *name, const uint8_t *in,
                                     size_t n, uint8_t *out)
{
    const struct tally_bytes aad[] = {{wrap->centre, KEYCENTRE_ID}, {(const uint8_t *)name, strlen(name)}};
    enum tally_error e = tally_random(out, TALLY_GCM_NONCE_SIZE);
    if (e == TALLY_OK)
        e = tally_gcm_seal(wrap->key, out, aad, 2, in, n, out + TALLY_GCM_NONCE_SIZE);
    if (e != TALLY_OK)
        memset(out, 0, n + KEYCENTRE_WRAP_OVERHEAD);
    return e;
}

enum tally_error keycentre_wrap_unseal(const struct keycentre_wrap *wrap, const char *name, const uint8_t *in,
                                       size_t n, uint8_t *out)
{
    const struct tally_bytes aad[] = {{wrap->centre, KEYCENTRE_ID}, {(const uint8_t *)name, strlen(name)}};
    if (n < KEYCENTRE_WRAP_OVERHEAD)
        return TALLY_E_CRYPTO;
    return tally_gcm_open(wrap->key, in, aad, 2, in + TALLY_GCM_NONCE_SIZE, n - TALLY_GCM_NONCE_SIZE, out);
}
