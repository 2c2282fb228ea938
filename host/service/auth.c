#include "host/service/auth.h"

#include <string.h>
#include <strings.h>

#include "host/base/bytes.h"

static bool is_our_authority(const struct tally_auth *auth, const char *host)
{
    for (size_t i = 0; i < TALLY_AUTH_AUTHORITIES_MAX && auth->authorities[i] != NULL; i++)
        if (strcasecmp(auth->authorities[i], host) == 0)
            return true;
    return false;
}

static const struct tally_problem *parse(const struct tally_http_request *request, struct tally_httpsig *sig)
{
    const struct tally_http_header *headers = request->headers;
    size_t n = request->header_count;
    if (tally_http_header_count(headers, n, "signature") == 0 ||
        tally_http_header_count(headers, n, "signature-input") == 0)
        return TALLY_PROBLEM(SIGNATURE_MISSING);
    const char *input = tally_http_header(request, "signature-input"),
               *value = tally_http_header(request, "signature");
    if (input == NULL || value == NULL || tally_httpsig_parse(input, value, sig) != TALLY_OK)
        return TALLY_PROBLEM(SIGNATURE_MALFORMED);
    return NULL;
}

/* The signature must cover all of the request that is acted upon, and carry what freshness needs. */
static bool covers_enough(const struct tally_httpsig *sig, const struct tally_http_request *request,
                          const char **detail)
{
    static const char *const always[] = {"@method", "@authority", "@path", "@query"};
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        if (!tally_httpsig_covers(sig, always[i])) {
            *detail = "@method, @authority, @path and @query must be covered";
            return false;
        }
    if (request->body_size > 0 && !tally_httpsig_covers(sig, "content-digest")) {
        *detail = "a body needs content-digest to be covered";
        return false;
    }
    bool has_key = tally_http_header_count(request->headers, request->header_count, "idempotency-key") > 0;
    if (has_key && !tally_httpsig_covers(sig, "idempotency-key")) {
        *detail = "idempotency-key must be covered";
        return false;
    }
    *detail = "created, expires, nonce, keyid and tag must be given";
    return sig->created >= 0 && sig->expires >= 0 && sig->nonce.at != NULL && sig->keyid.at != NULL &&
           sig->tag.at != NULL;
}

static bool in_time(const struct tally_auth *auth, const struct tally_httpsig *sig, int64_t now,
                    const char **detail)
{
    *detail = "created is more than 300 seconds from now";
    if (sig->created < now - TALLY_AUTH_WINDOW_S || sig->created > now + TALLY_AUTH_WINDOW_S)
        return false;
    *detail = "expired";
    if (sig->expires < now || sig->expires < sig->created)
        return false;
    *detail = "signed before the service started; sign again";
    return sig->created >= auth->started_s;
}

static const struct tally_problem *check_body(const struct tally_http_request *request,
                                              const struct tally_httpsig *sig, struct tally_caller *caller)
{
    uint8_t claimed[TALLY_DIGEST_SIZE];
    const char *field = tally_http_header(request, "content-digest");
    if (tally_sha256(request->body, request->body_size, caller->body_digest) != TALLY_OK)
        return TALLY_PROBLEM(INTERNAL);
    if (request->body_size == 0 && !tally_httpsig_covers(sig, "content-digest"))
        return NULL;
    if (field == NULL || tally_content_digest_parse(field, claimed) != TALLY_OK ||
        !tally_equal_ct(claimed, caller->body_digest, sizeof claimed))
        return TALLY_PROBLEM(DIGEST_MISMATCH);
    return NULL;
}

static const struct tally_problem *check_signature(const struct tally_http_request *request, const char *host,
                                                   const struct tally_httpsig *sig,
                                                   const struct tally_party *party)
{
    char data[TALLY_HTTPSIG_BASE_MAX];
    struct tally_text base;
    struct tally_httpsig_message message = {.method = request->method,
                                            .authority = host,
                                            .path = request->path,
                                            .query = request->query,
                                            .headers = request->headers,
                                            .header_count = request->header_count};
    tally_text_init(&base, data, sizeof data);
    if (sig->alg.at != NULL && !tally_slice_equals(sig->alg, tally_httpsig_algorithm(party->key)))
        return TALLY_PROBLEM(SIGNATURE_INVALID);
    if (tally_httpsig_base(&message, sig, &base) != TALLY_OK)
        return TALLY_PROBLEM(SIGNATURE_COVERAGE);
    if (tally_httpsig_verify(party->key, base.data, base.length, sig->signature) != TALLY_OK)
        return TALLY_PROBLEM(SIGNATURE_INVALID);
    return NULL;
}

/* Remembered until the signature could not be accepted any more by its times. */
static const struct tally_problem *take_nonce(const struct tally_auth *auth, const struct tally_httpsig *sig,
                                              int64_t now, struct tally_caller *caller)
{
    char data[2 * TALLY_HTTPSIG_STRING_MAX + 2];
    uint8_t digest[TALLY_DIGEST_SIZE];
    struct tally_text text;
    tally_text_init(&text, data, sizeof data);
    tally_text_bytes(&text, sig->keyid.at, sig->keyid.size);
    tally_text_char(&text, '\n');
    tally_text_bytes(&text, sig->nonce.at, sig->nonce.size);
    if (text.overflowed || tally_sha256(text.data, text.length, digest) != TALLY_OK)
        return TALLY_PROBLEM(INTERNAL);
    memcpy(caller->nonce, digest, sizeof caller->nonce);
    int64_t last = sig->created + TALLY_AUTH_WINDOW_S;
    caller->nonce_expires = sig->expires < last ? sig->expires : last;
    enum tally_error e = tally_nonces_take(auth->nonces, caller->nonce, caller->nonce_expires, now);
    if (e == TALLY_E_EXISTS)
        return TALLY_PROBLEM(REPLAYED);
    return e == TALLY_OK ? NULL : TALLY_PROBLEM(OVERLOADED);
}

const struct tally_problem *tally_auth_check(const struct tally_auth *auth,
                                             const struct tally_http_request *request,
                                             struct tally_caller *caller, const char **detail)
{
    struct tally_httpsig sig;
    int64_t now = tally_clock_wall_s(auth->clock);
    memset(caller, 0, sizeof *caller);
    *detail = NULL;
    const struct tally_problem *problem = parse(request, &sig);
    if (problem != NULL)
        return problem;
    const char *host = tally_http_header(request, "host");
    if (host == NULL || !is_our_authority(auth, host))
        return TALLY_PROBLEM(MISDIRECTED);
    if (!covers_enough(&sig, request, detail))
        return TALLY_PROBLEM(SIGNATURE_COVERAGE);
    if (!tally_slice_equals(sig.tag, auth->tag))
        return *detail = NULL, TALLY_PROBLEM(SIGNATURE_TAG);
    if (!in_time(auth, &sig, now, detail))
        return TALLY_PROBLEM(SIGNATURE_TIME);
    *detail = NULL;
    const struct tally_party *party = tally_keydir_find(auth->keys, sig.keyid.at, sig.keyid.size);
    if (party == NULL)
        return TALLY_PROBLEM(UNKNOWN_KEY);
    problem = check_body(request, &sig, caller);
    if (problem == NULL)
        problem = check_signature(request, host, &sig, party);
    if (problem == NULL)
        problem = take_nonce(auth, &sig, now, caller);
    if (problem == NULL)
        caller->party = party;
    return problem;
}
