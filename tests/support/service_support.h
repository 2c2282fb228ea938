/* For tests of the services: private folders, files, raw HTTP, a signed request held in memory, a
 * certificate. */
#ifndef TALLY_TESTS_SERVICE_SUPPORT_H
#define TALLY_TESTS_SERVICE_SUPPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Makes an empty folder under /tmp; the path is the caller's to pass to folder_remove. */
void folder_make(char path[64]);
void folder_remove(const char *path);
/* folder/name into out. */
void folder_path(const char *folder, const char *name, char out[160]);
/* Writes a whole file with this mode, over what is there. */
void file_write(const char *path, const char *text, mode_t mode);
/* The whole file, malloc'd, with a NUL. */
char *file_read(const char *path);

/* Writes a P-256 key and a certificate for localhost and 127.0.0.1, self-signed, valid now. */
void certificate_make(const char *certificate_path, const char *key_path);

/* Sends bytes to 127.0.0.1:port and returns all that comes until the peer closes (malloc'd, with a NUL). */
char *http_raw(uint16_t port, const char *bytes, size_t n);
/* A connection of one's own. */
int http_connect(uint16_t port);
/* Reads one response with a Content-Length; returns its status. */
int http_read_status(int fd);

#endif
