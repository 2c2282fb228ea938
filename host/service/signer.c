#include "host/service/signer.h"

#include <string.h>

#include "host/base/bytes.h"

#define LABEL       "tally"
#define HEADERS_MAX 2

static void put_param(struct tally_text *text, const char *name, const char *value)
{
    tally_text_string(text, name);
    tally_text_string(text, "=\"");
    tally_text_string(text, value);
    tally_text_char(text, '"');
}

static enum tally_error put_input(const struct tally_signer *signer, bool digest, bool idempotency,
                                  struct tally_text *text)
{
    uint8_t nonce[TALLY_NONCE_SIZE];
    char nonce_hex[2 * TALLY_NONCE_SIZE + 1];
    int64_t created = tally_clock_wall_s(signer->clock);
    enum tally_error e = tally_random_fill(signer->random, nonce, sizeof nonce);
    if (e == TALLY_OK)
        e = tally_hex_encode(nonce, sizeof nonce, nonce_hex, sizeof nonce_hex);
    if (e != TALLY_OK)
        return e;
    tally_text_string(text, LABEL "=(\"@method\" \"@authority\" \"@path\" \"@query\"");
    tally_text_string(text, digest ? " \"content-digest\"" : "");
    tally_text_string(text, idempotency ? " \"idempotency-key\"" : "");
    tally_text_string(text, ");created=");
    tally_text_int(text, created);
    tally_text_string(text, ";expires=");
    tally_text_int(text, created + TALLY_SIGNATURE_LIFETIME_S);
    put_param(text, ";nonce", nonce_hex);
    put_param(text, ";keyid", signer->keyid);
    put_param(text, ";tag", signer->tag);
    return text->overflowed ? TALLY_E_FULL : TALLY_OK;
}

static enum tally_error sign(const struct tally_signer *signer, const struct tally_httpsig_message *message,
                             struct tally_signed_fields *fields)
{
    struct tally_httpsig sig;
    char base_data[TALLY_HTTPSIG_BASE_MAX];
    uint8_t signature[TALLY_HTTPSIG_SIZE];
    struct tally_text base, out;
    tally_text_init(&base, base_data, sizeof base_data);
    tally_text_init(&out, fields->signature, sizeof fields->signature);
    enum tally_error e = tally_httpsig_parse_input(fields->input, &sig);
    if (e == TALLY_OK)
        e = tally_httpsig_base(message, &sig, &base);
    if (e == TALLY_OK)
        e = tally_httpsig_sign(signer->key, base.data, base.length, signature);
    if (e != TALLY_OK)
        return e;
    tally_text_string(&out, LABEL "=:");
    tally_text_base64(&out, signature, sizeof signature);
    tally_text_char(&out, ':');
    return TALLY_OK;
}

enum tally_error tally_signer_sign(const struct tally_signer *signer,
                                   const struct tally_httpsig_message *message, const void *body,
                                   size_t body_size, struct tally_signed_fields *fields)
{
    struct tally_httpsig_message own = *message;
    struct tally_http_header headers[HEADERS_MAX];
    uint8_t digest[TALLY_DIGEST_SIZE];
    struct tally_text input;
    enum tally_error e = TALLY_OK;
    const char *key = tally_http_header_find(message->headers, message->header_count, "idempotency-key");
    fields->content_digest[0] = fields->signature[0] = '\0';
    tally_text_init(&input, fields->input, sizeof fields->input);
    own.headers = headers;
    own.header_count = 0;
    if (body_size > 0) {
        e = tally_sha256(body, body_size, digest);
        tally_content_digest_write(digest, fields->content_digest);
        headers[own.header_count++] = (struct tally_http_header){"content-digest", fields->content_digest};
    }
    if (key != NULL)
        headers[own.header_count++] = (struct tally_http_header){"idempotency-key", key};
    if (e == TALLY_OK)
        e = put_input(signer, body_size > 0, key != NULL, &input);
    if (e == TALLY_OK)
        e = sign(signer, &own, fields);
    if (e != TALLY_OK)
        fields->content_digest[0] = fields->input[0] = fields->signature[0] = '\0';
    return e;
}
