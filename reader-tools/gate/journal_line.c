#include "reader-tools/gate/journal_line.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/bytes.h"

#define LABEL_JOURNAL "tally/journal/1"

static const char *const kinds[JOURNAL_KINDS] = {"begin", "intent", "done", "void", "refused"};

static enum tally_error digest(const char *text, size_t n, char hash[JOURNAL_HASH_HEX + 1])
{
    uint8_t md[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_Digest(text, n, md, &len, EVP_sha256(), NULL) != 1)
        return TALLY_E_CRYPTO;
    return tally_hex_encode(md, len, hash, JOURNAL_HASH_HEX + 1);
}

void journal_first_hash(char hash[JOURNAL_HASH_HEX + 1])
{
    if (digest(LABEL_JOURNAL, strlen(LABEL_JOURNAL), hash) != TALLY_OK)
        memset(hash, '0', JOURNAL_HASH_HEX);
    hash[JOURNAL_HASH_HEX] = '\0';
}

/* The hash of the n bytes of text that follows from the hash before. */
static enum tally_error chain(const char *before, const char *text, size_t n, char out[JOURNAL_HASH_HEX + 1])
{
    char buffer[JOURNAL_HASH_HEX + 1 + JOURNAL_LINE_MAX];
    if (n > JOURNAL_LINE_MAX)
        return TALLY_E_FORMAT;
    memcpy(buffer, before, JOURNAL_HASH_HEX);
    buffer[JOURNAL_HASH_HEX] = ' ';
    memcpy(buffer + JOURNAL_HASH_HEX + 1, text, n);
    return digest(buffer, JOURNAL_HASH_HEX + 1 + n, out);
}

static void put_id(bool there, const uint8_t *bytes, size_t n, char *out, size_t size)
{
    snprintf(out, size, "-");
    if (there)
        (void)tally_hex_encode(bytes, n, out, size);
}

enum tally_error journal_line_format(const struct journal_line *line, char hash[JOURNAL_HASH_HEX + 1],
                                     char out[JOURNAL_LINE_MAX], size_t *n)
{
    char tid[2 * TID_SIZE + 1], serial[2 * SERIAL_SIZE + 1], own[JOURNAL_HASH_HEX + 1];
    put_id(line->has_tid, line->tid, TID_SIZE, tid, sizeof tid);
    put_id(line->has_serial, line->serial, SERIAL_SIZE, serial, sizeof serial);
    *n = 0;
    int len = snprintf(out, JOURNAL_LINE_MAX, "%" PRIu64 " %" PRIu32 " %s %s %s %s", line->n, line->time,
                       kinds[line->kind], tid, serial, line->data);
    if (len < 0 || (size_t)len + 1 + JOURNAL_HASH_HEX + 2 > JOURNAL_LINE_MAX)
        return TALLY_E_BUG;
    enum tally_error e = chain(hash, out, (size_t)len, own);
    if (e != TALLY_OK)
        return e;
    memcpy(hash, own, sizeof own);
    len += snprintf(out + len, JOURNAL_LINE_MAX - (size_t)len, " %s\n", own);
    *n = (size_t)len;
    return TALLY_OK;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = isdigit((unsigned char)text[0]) ? strtoull(text, &end, 10) : 0;
    return isdigit((unsigned char)text[0]) && errno == 0 && *end == '\0' && *value <= max;
}

static bool parse_id(const char *text, uint8_t *out, size_t size, bool *there)
{
    size_t n = 0;
    *there = strcmp(text, "-") != 0;
    return !*there || (tally_hex_decode(text, out, size, &n) == TALLY_OK && n == size);
}

static bool parse_fields(char *field[6], struct journal_line *line)
{
    uint64_t time;
    if (!parse_number(field[0], UINT64_MAX, &line->n) || !parse_number(field[1], UINT32_MAX, &time))
        return false;
    line->time = (uint32_t)time;
    line->kind = JOURNAL_KINDS;
    for (int k = 0; k < JOURNAL_KINDS; k++)
        if (strcmp(field[2], kinds[k]) == 0)
            line->kind = (enum journal_kind)k;
    if (line->kind == JOURNAL_KINDS || !parse_id(field[3], line->tid, TID_SIZE, &line->has_tid) ||
        !parse_id(field[4], line->serial, SERIAL_SIZE, &line->has_serial))
        return false;
    size_t n = strlen(field[5]);
    if (n == 0 || n > JOURNAL_DATA_MAX)
        return false;
    memcpy(line->data, field[5], n + 1);
    return true;
}

enum tally_error journal_line_parse(const char *text, bool check_hash, char hash[JOURNAL_HASH_HEX + 1],
                                    struct journal_line *line)
{
    char copy[JOURNAL_LINE_MAX], own[JOURNAL_HASH_HEX + 1];
    char *field[6];
    memset(line, 0, sizeof *line);
    size_t n = strlen(text);
    if (n >= sizeof copy || n < JOURNAL_HASH_HEX + 1 || text[n - JOURNAL_HASH_HEX - 1] != ' ')
        return TALLY_E_FORMAT;
    size_t signed_len = n - JOURNAL_HASH_HEX - 1;
    const char *stated = text + signed_len + 1;
    memcpy(copy, text, signed_len);
    copy[signed_len] = '\0';
    char *rest = copy;
    for (int i = 0; i < 6; i++)
        if ((field[i] = strsep(&rest, " ")) == NULL)
            return TALLY_E_FORMAT;
    if (rest != NULL || !parse_fields(field, line)) {
        memset(line, 0, sizeof *line);
        return TALLY_E_FORMAT;
    }
    enum tally_error e = check_hash ? chain(hash, text, signed_len, own) : TALLY_OK;
    if (e == TALLY_OK && check_hash && strcmp(own, stated) != 0)
        e = TALLY_E_CRYPTO;
    if (e == TALLY_OK)
        memcpy(hash, stated, JOURNAL_HASH_HEX + 1);
    else
        memset(line, 0, sizeof *line);
    return e;
}
