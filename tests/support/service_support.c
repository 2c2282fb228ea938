#include "tests/support/service_support.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void folder_make(char path[64])
{
    strcpy(path, "/tmp/tally-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

void folder_remove(const char *path)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", path);
    ck_assert_int_eq(system(command), 0);
}

void folder_path(const char *folder, const char *name, char out[160])
{
    ck_assert_int_lt(snprintf(out, 160, "%s/%s", folder, name), 160);
}

void file_write(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
}

char *file_read(const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &info), 0);
    char *text = calloc(1, (size_t)info.st_size + 1);
    ck_assert_ptr_nonnull(text);
    ck_assert_int_eq(read(fd, text, (size_t)info.st_size), info.st_size);
    close(fd);
    return text;
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

void certificate_make(const char *certificate_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    ck_assert_int_eq(X509_set_version(certificate, X509_VERSION_3), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
    add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);

    file_write(key_path, "", 0600);
    FILE *file = fopen(key_path, "we");
    ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    file = fopen(certificate_path, "we");
    ck_assert_int_eq(PEM_write_X509(file, certificate), 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

int http_connect(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval patience = {.tv_sec = 60};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

char *http_raw(uint16_t port, const char *bytes, size_t n)
{
    int fd = http_connect(port);
    char *answer = calloc(1, 65536);
    size_t used = 0;
    /* A server that has seen enough may close while we still send. */
    for (size_t sent = 0; sent < n;) {
        ssize_t done = send(fd, bytes + sent, n - sent, MSG_NOSIGNAL);
        if (done <= 0)
            break;
        sent += (size_t)done;
    }
    shutdown(fd, SHUT_WR);
    for (ssize_t got; used < 65535 && (got = read(fd, answer + used, 65535 - used)) > 0;)
        used += (size_t)got;
    close(fd);
    return answer;
}

int http_read_status(int fd)
{
    char answer[65536] = "";
    for (size_t used = 0; used < sizeof answer - 1;) {
        ssize_t got = read(fd, answer + used, sizeof answer - 1 - used);
        if (got <= 0)
            return -1;
        used += (size_t)got;
        answer[used] = '\0';
        const char *end = strstr(answer, "\r\n\r\n"), *length = strcasestr(answer, "content-length:");
        if (end != NULL && length != NULL &&
            used >= (size_t)(end + 4 - answer) + strtoul(length + 15, NULL, 10))
            return atoi(answer + strlen("HTTP/1.1 "));
    }
    return -1;
}
