/* Message signatures: the vectors of RFC 9421 appendix B, and a parser that takes nothing else. */
#include "host/service/httpsig.h"
#include "host/service/keyfile.h"
#include "host/service/signer.h"
#include "tests/support/check_main.h"
#include "tests/support/service_support.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <string.h>

/* Appendix B.1.3, public half. */
static const char ecc_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\n"
                                 "w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n"
                                 "-----END PUBLIC KEY-----\n";
/* Appendix B.1.4, both halves: a published test key. */
static const char ed_public[] = "-----BEGIN PUBLIC KEY-----\n"
                                "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
                                "-----END PUBLIC KEY-----\n";
static const char ed_private[] = "-----BEGIN PRIVATE KEY-----\n"
                                 "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n"
                                 "-----END PRIVATE KEY-----\n";

/* The test request and response of appendix B.2. */
static const struct tally_http_header request_headers[] = {
    {"Host", "example.com"},
    {"Date", "Tue, 20 Apr 2021 02:07:55 GMT"},
    {"Content-Type", "application/json"},
    {"Content-Digest",
     "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"},
    {"Content-Length", "18"},
};
static const struct tally_httpsig_message request = {.method = "POST",
                                                     .authority = "example.com",
                                                     .path = "/foo",
                                                     .query = "param=Value&Pet=dog",
                                                     .headers = request_headers,
                                                     .header_count = 5};
static const struct tally_http_header response_headers[] = {
    {"Date", "Tue, 20 Apr 2021 02:07:56 GMT"},
    {"Content-Type", "application/json"},
    {"Content-Digest",
     "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:"},
    {"Content-Length", "23"},
};
static const struct tally_httpsig_message response = {
    .status = 200, .headers = response_headers, .header_count = 4};

static const char b24_input[] = "sig-b24=(\"@status\" \"content-type\" \"content-digest\" \"content-length\")"
                                ";created=1618884473;keyid=\"test-key-ecc-p256\"";
static const char b24_signature[] =
    "sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:";
static const char b26_input[] =
    "sig-b26=(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")"
    ";created=1618884473;keyid=\"test-key-ed25519\"";
static const char b26_signature[] =
    "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:";

static char base_data[TALLY_HTTPSIG_BASE_MAX];
static struct tally_text base;
static struct tally_httpsig sig;

static void parse_and_build(const char *input, const char *signature,
                            const struct tally_httpsig_message *message)
{
    ck_assert_int_eq(tally_httpsig_parse(input, signature, &sig), TALLY_OK);
    tally_text_init(&base, base_data, sizeof base_data);
    ck_assert_int_eq(tally_httpsig_base(message, &sig, &base), TALLY_OK);
}

START_TEST(rfc9421_b24_ecdsa_verifies)
{
    EVP_PKEY *key;
    ck_assert_int_eq(tally_public_key_parse(ecc_public, &key), TALLY_OK);
    parse_and_build(b24_input, b24_signature, &response);
    ck_assert_str_eq(
        base.data,
        "\"@status\": 200\n\"content-type\": application/json\n\"content-digest\": sha-512=:"
        "mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n"
        "\"content-length\": 23\n\"@signature-params\": (\"@status\" \"content-type\" "
        "\"content-digest\" \"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\"");
    ck_assert_int_eq(sig.created, 1618884473);
    ck_assert_int_eq(sig.expires, -1);
    ck_assert(tally_slice_equals(sig.keyid, "test-key-ecc-p256"));
    ck_assert_int_eq(tally_httpsig_verify(key, base.data, base.length, sig.signature), TALLY_OK);
    for (size_t i = 0; i < sizeof sig.signature; i++) {
        sig.signature[i] ^= 1;
        ck_assert_int_eq(tally_httpsig_verify(key, base.data, base.length, sig.signature), TALLY_E_CRYPTO);
        sig.signature[i] ^= 1;
    }
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(rfc9421_b26_ed25519_verifies_and_signs_the_same)
{
    uint8_t signature[TALLY_HTTPSIG_SIZE];
    EVP_PKEY *public, *private;
    BIO *in = BIO_new_mem_buf(ed_private, -1);
    private = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO_free(in);
    ck_assert_int_eq(tally_public_key_parse(ed_public, &public), TALLY_OK);
    parse_and_build(b26_input, b26_signature, &request);
    ck_assert_int_eq(tally_httpsig_verify(public, base.data, base.length, sig.signature), TALLY_OK);
    ck_assert_int_eq(tally_httpsig_sign(private, base.data, base.length, signature), TALLY_OK);
    ck_assert_mem_eq(signature, sig.signature, sizeof signature);
    base.data[10] ^= 1;
    ck_assert_int_eq(tally_httpsig_verify(public, base.data, base.length, sig.signature), TALLY_E_CRYPTO);
    EVP_PKEY_free(public);
    EVP_PKEY_free(private);
}
END_TEST

START_TEST(ecdsa_signatures_are_64_bytes_whatever_their_numbers)
{
    uint8_t signature[TALLY_HTTPSIG_SIZE];
    bool short_r = false, high_r = false;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    /* Until both DER forms of r came up: with a zero in front, and with its first byte missing. */
    for (int i = 0; i < 20000 && !(short_r && high_r); i++) {
        ck_assert_int_eq(tally_httpsig_sign(key, "base", 4, signature), TALLY_OK);
        bool interesting = (signature[0] == 0 && !short_r) || (signature[0] >= 0x80 && !high_r);
        short_r = short_r || signature[0] == 0;
        high_r = high_r || signature[0] >= 0x80;
        if (interesting)
            ck_assert_int_eq(tally_httpsig_verify(key, "base", 4, signature), TALLY_OK);
    }
    ck_assert(short_r && high_r);
    memset(signature, 0, sizeof signature);
    ck_assert_int_eq(tally_httpsig_verify(key, "base", 4, signature), TALLY_E_CRYPTO);
    memset(signature, 0xFF, sizeof signature);
    ck_assert_int_eq(tally_httpsig_verify(key, "base", 4, signature), TALLY_E_CRYPTO);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(keys_of_other_kinds_are_refused)
{
    uint8_t signature[TALLY_HTTPSIG_SIZE];
    EVP_PKEY *keys[] = {EVP_EC_gen("P-384"), EVP_PKEY_Q_keygen(NULL, NULL, "X25519")};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_ptr_null(tally_httpsig_algorithm(keys[i]));
        ck_assert_int_eq(tally_httpsig_sign(keys[i], "x", 1, signature), TALLY_E_CRYPTO);
        ck_assert_int_eq(tally_httpsig_verify(keys[i], "x", 1, signature), TALLY_E_CRYPTO);
        EVP_PKEY_free(keys[i]);
    }
}
END_TEST

START_TEST(malformed_inputs_are_refused)
{
    static const char *const bad[] = {"",
                                      "sig",
                                      "sig=",
                                      "sig=(",
                                      "sig=()x",
                                      "sig=();",
                                      "sig=();created",
                                      "sig=();created=",
                                      "sig=();created=x",
                                      "sig=();created=-1",
                                      "sig=();created=1618884473.5",
                                      "sig=();created=1234567890123456",
                                      "sig=() ;created=1",
                                      "sig=(); created=1",
                                      "sig=();created=1;created=1",
                                      "sig=();created=\"1\"",
                                      "sig=();nonce=1",
                                      "sig=();nonce=\"",
                                      "sig=();nonce=\"a",
                                      "sig=();nonce=\"a\\\"b\"",
                                      "sig=();nonce=\"\"",
                                      "sig=();nonce=\"a\";nonce=\"b\"",
                                      "sig=();nonce=\"\x01\"",
                                      "sig=();nonce=\"\xc3\xa9\"",
                                      "sig=();other=\"x\"",
                                      "sig=();alg",
                                      "Sig=()",
                                      "1sig=()",
                                      "=()",
                                      "sig=(@method)",
                                      "sig=(\"@method)",
                                      "sig=(\"\")",
                                      "sig=(\"@method\"",
                                      "sig=(\"@method\" )",
                                      "sig=( \"@method\")",
                                      "sig=(\"@method\"  \"@path\")",
                                      "sig=(\"@method\"\"@path\")",
                                      "sig=(\"@method\" \"@method\")",
                                      "sig=(\"Date\")",
                                      "sig=(\"date\";sf)",
                                      "sig=(\"@query-param\";name=\"x\")",
                                      "sig=(\"@method\"), b=()",
                                      "sig=();created=1,",
                                      ("sig=(\"a\" \"b\" \"c\" \"d\" \"e\" \"f\" \"g\" \"h\" \"i\" \"j\" "
                                       "\"k\" \"l\" \"m\" \"n\" \"o\" \"p\" \"q\")"),
                                      " sig=()",
                                      "sig=() ",
                                      "sig =()"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(tally_httpsig_parse_input(bad[i], &sig) == TALLY_E_FORMAT, "taken: %s", bad[i]);
        ck_assert_uint_eq(sig.component_count, 0);
        ck_assert_ptr_null(sig.params.at);
        ck_assert_int_eq(sig.created, -1);
    }
}
END_TEST

START_TEST(every_truncation_of_a_good_input_is_refused_or_shorter)
{
    char text[TALLY_HTTPSIG_INPUT_MAX];
    for (size_t n = 0; n < strlen(b26_input); n++) {
        memcpy(text, b26_input, n);
        text[n] = '\0';
        /* Whole parameters may be missing; then they are known to be. */
        if (tally_httpsig_parse_input(text, &sig) == TALLY_OK)
            ck_assert(sig.keyid.at == NULL);
    }
}
END_TEST

START_TEST(limits_of_inputs_hold)
{
    char text[TALLY_HTTPSIG_INPUT_MAX + 64];
    char name[TALLY_HTTPSIG_STRING_MAX + 2];
    memset(name, 'n', sizeof name);
    name[TALLY_HTTPSIG_STRING_MAX] = '\0';
    snprintf(text, sizeof text, "sig=();nonce=\"%s\"", name);
    ck_assert_int_eq(tally_httpsig_parse_input(text, &sig), TALLY_OK);
    ck_assert_uint_eq(sig.nonce.size, TALLY_HTTPSIG_STRING_MAX);
    snprintf(text, sizeof text, "sig=();nonce=\"%sn\"", name);
    ck_assert_int_eq(tally_httpsig_parse_input(text, &sig), TALLY_E_FORMAT);
    name[TALLY_HTTPSIG_NAME_MAX] = '\0';
    snprintf(text, sizeof text, "sig=(\"%s\")", name);
    ck_assert_int_eq(tally_httpsig_parse_input(text, &sig), TALLY_OK);
    snprintf(text, sizeof text, "sig=(\"%sn\")", name);
    ck_assert_int_eq(tally_httpsig_parse_input(text, &sig), TALLY_E_FORMAT);
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(tally_httpsig_parse_input(text, &sig), TALLY_E_FORMAT);
}
END_TEST

START_TEST(malformed_signatures_are_refused)
{
    static const char *const bad[] = {
        "",
        "sig",
        "sig=",
        "sig=:",
        "sig=::",
        "sig=:AAAA:",
        "other=:",
        "sig=:!!!!:",
        "other=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
        "sig=wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
        "sig=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCwA=:",
        "sig=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCx==:",
        "sig=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==: ",
        ("sig=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:, "
         "b=:AA==:")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(tally_httpsig_parse("sig=()", bad[i], &sig) == TALLY_E_FORMAT, "taken: %s", bad[i]);
}
END_TEST

static enum tally_error build(const struct tally_httpsig_message *message, const char *input)
{
    ck_assert_int_eq(tally_httpsig_parse_input(input, &sig), TALLY_OK);
    tally_text_init(&base, base_data, sizeof base_data);
    return tally_httpsig_base(message, &sig, &base);
}

START_TEST(bases_follow_the_derivation_rules)
{
    static const struct tally_http_header headers[] = {
        {"X-Many", "  one \t"}, {"x-other", "o"}, {"X-MANY", "two"}, {"X-Empty", ""}};
    struct tally_httpsig_message message = {.method = "GET",
                                            .authority = "EXAMPLE.com:8443",
                                            .path = "/",
                                            .query = "",
                                            .headers = headers,
                                            .header_count = 4};
    ck_assert_int_eq(build(&message, "s=(\"@query\" \"@authority\" \"x-many\" \"x-empty\" \"@path\")"),
                     TALLY_OK);
    ck_assert_str_eq(
        base.data,
        "\"@query\": ?\n\"@authority\": example.com:8443\n\"x-many\": one, two\n\"x-empty\": \n"
        "\"@path\": /\n\"@signature-params\": (\"@query\" \"@authority\" \"x-many\" \"x-empty\" \"@path\")");
    ck_assert_int_eq(build(&request, "s=(\"x-none\")"), TALLY_E_NOT_FOUND);
    ck_assert_int_eq(build(&request, "s=(\"@status\")"), TALLY_E_FORMAT);
    ck_assert_int_eq(build(&request, "s=(\"@target-uri\")"), TALLY_E_FORMAT);
    ck_assert_int_eq(build(&request, "s=(\"@signature-params\")"), TALLY_E_FORMAT);
    ck_assert_int_eq(build(&response, "s=(\"@method\")"), TALLY_E_FORMAT);
    static const struct tally_http_header folded[] = {{"a", "x\r\n\"@method\": GET"}};
    message.headers = folded;
    message.header_count = 1;
    ck_assert_int_eq(build(&message, "s=(\"a\")"), TALLY_E_FORMAT);
    tally_text_init(&base, base_data, 64);
    ck_assert_int_eq(tally_httpsig_parse_input(b26_input, &sig), TALLY_OK);
    ck_assert_int_eq(tally_httpsig_base(&request, &sig, &base), TALLY_E_FULL);
}
END_TEST

START_TEST(content_digests_go_there_and_back)
{
    uint8_t digest[TALLY_DIGEST_SIZE], back[TALLY_DIGEST_SIZE];
    char text[TALLY_CONTENT_DIGEST_SIZE];
    /* RFC 9530 appendix B.1: the digest of {"hello": "world"} and a line feed. */
    ck_assert_int_eq(tally_sha256("{\"hello\": \"world\"}\n", 19, digest), TALLY_OK);
    tally_content_digest_write(digest, text);
    ck_assert_str_eq(text, "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:");
    ck_assert_int_eq(tally_content_digest_parse(text, back), TALLY_OK);
    ck_assert_mem_eq(back, digest, sizeof back);
    static const char *const bad[] = {
        "",
        "sha-256",
        "sha-256=::",
        "sha-256=:AAAA:",
        "sha-512=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDh=:",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDgA:",
        "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:, sha-512=:AAAA:"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(tally_content_digest_parse(bad[i], back) == TALLY_E_FORMAT, "taken: %s", bad[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_httpsig");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, rfc9421_b24_ecdsa_verifies);
    tcase_add_test(all, rfc9421_b26_ed25519_verifies_and_signs_the_same);
    tcase_add_test(all, ecdsa_signatures_are_64_bytes_whatever_their_numbers);
    tcase_add_test(all, keys_of_other_kinds_are_refused);
    tcase_add_test(all, malformed_inputs_are_refused);
    tcase_add_test(all, every_truncation_of_a_good_input_is_refused_or_shorter);
    tcase_add_test(all, limits_of_inputs_hold);
    tcase_add_test(all, malformed_signatures_are_refused);
    tcase_add_test(all, bases_follow_the_derivation_rules);
    tcase_add_test(all, content_digests_go_there_and_back);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
