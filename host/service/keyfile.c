#include "host/service/keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/base/log.h"
#include "host/service/httpsig.h"

static enum tally_error check_private(int fd)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return TALLY_E_IO;
    bool ours = info.st_uid == geteuid() || info.st_uid == 0;
    return S_ISREG(info.st_mode) && ours && (info.st_mode & 077) == 0 ? TALLY_OK : TALLY_E_DENIED;
}

static enum tally_error read_all(int fd, char *data, size_t size, size_t *n)
{
    for (;;) {
        ssize_t got = read(fd, data + *n, size - *n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return TALLY_E_IO;
        if (got == 0)
            break;
        *n += (size_t)got;
        if (*n == size)
            return TALLY_E_FULL;
    }
    data[*n] = '\0';
    return TALLY_OK;
}

enum tally_error tally_private_file_read(const char *path, char *data, size_t size, size_t *n)
{
    *n = 0;
    data[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? TALLY_E_NOT_FOUND : errno == ELOOP ? TALLY_E_DENIED : TALLY_E_IO;
    enum tally_error e = check_private(fd);
    if (e == TALLY_OK)
        e = read_all(fd, data, size, n);
    close(fd);
    if (e != TALLY_OK) {
        tally_wipe(data, size);
        *n = 0;
    }
    return e;
}

/* Answers OpenSSL's question for a passphrase: there is none. */
static int no_passphrase(char *out, int size, int writing, void *ctx)
{
    (void)out, (void)size, (void)writing, (void)ctx;
    return -1;
}

static enum tally_error parse_private(const char *pem, size_t n, EVP_PKEY **key)
{
    BIO *in = BIO_new_mem_buf(pem, (int)n);
    *key = in != NULL ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;
    BIO_free(in);
    ERR_clear_error();
    if (*key != NULL && tally_httpsig_algorithm(*key) != NULL)
        return TALLY_OK;
    EVP_PKEY_free(*key);
    *key = NULL;
    return TALLY_E_CRYPTO;
}

static enum tally_error write_new(const char *path, const char *data, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? TALLY_E_EXISTS : TALLY_E_IO;
    bool ok = write(fd, data, n) == (ssize_t)n && fsync(fd) == 0;
    if (close(fd) == 0 && ok)
        return TALLY_OK;
    unlink(path);
    return TALLY_E_IO;
}

static enum tally_error generate_file(const char *path)
{
    enum tally_error e = TALLY_E_CRYPTO;
    char *pem;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    BIO *out = BIO_new(BIO_s_secmem());
    if (key != NULL && out != NULL &&
        PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1) {
        long n = BIO_get_mem_data(out, &pem);
        e = write_new(path, pem, (size_t)n);
        tally_wipe(pem, (size_t)n);
    }
    BIO_free(out);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return e;
}

enum tally_error tally_key_file_load(const char *path, bool generate, EVP_PKEY **key)
{
    char pem[TALLY_KEY_FILE_MAX];
    size_t n;
    *key = NULL;
    enum tally_error e = tally_private_file_read(path, pem, sizeof pem, &n);
    if (e == TALLY_E_NOT_FOUND && generate) {
        e = generate_file(path);
        /* Another process may have made it in between: its key counts. */
        if (e == TALLY_OK || e == TALLY_E_EXISTS)
            e = tally_private_file_read(path, pem, sizeof pem, &n);
    }
    if (e == TALLY_OK)
        e = parse_private(pem, n, key);
    tally_wipe(pem, sizeof pem);
    if (e != TALLY_OK)
        tally_log(TALLY_LOG_ERROR, "keys", NULL,
                  "key file refused: it must be a P-256 or Ed25519 key in PEM, mode 0600",
                  TALLY_STR("path", path), TALLY_STR("reason", tally_error_text(e)));
    return e;
}

enum tally_error tally_public_key_parse(const char *pem, EVP_PKEY **key)
{
    size_t n = strnlen(pem, TALLY_KEY_FILE_MAX);
    BIO *in = n < TALLY_KEY_FILE_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;
    *key = in != NULL ? PEM_read_bio_PUBKEY(in, NULL, no_passphrase, NULL) : NULL;
    BIO_free(in);
    ERR_clear_error();
    if (*key != NULL && tally_httpsig_algorithm(*key) != NULL)
        return TALLY_OK;
    EVP_PKEY_free(*key);
    *key = NULL;
    return TALLY_E_CRYPTO;
}

enum tally_error tally_public_key_write(EVP_PKEY *key, char out[TALLY_PUBLIC_PEM_MAX])
{
    enum tally_error e = TALLY_E_CRYPTO;
    char *pem;
    out[0] = '\0';
    BIO *mem = BIO_new(BIO_s_mem());
    if (mem != NULL && PEM_write_bio_PUBKEY(mem, key) == 1) {
        long n = BIO_get_mem_data(mem, &pem);
        if (n > 0 && n < TALLY_PUBLIC_PEM_MAX) {
            memcpy(out, pem, (size_t)n);
            out[n] = '\0';
            e = TALLY_OK;
        }
    }
    BIO_free(mem);
    ERR_clear_error();
    return e;
}
