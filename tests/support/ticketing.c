#include "tests/support/ticketing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card/wire/be.h"
#include "host/base/bytes.h"
#include "host/crypto/certificate.h"
#include "host/crypto/kdf.h"
#include "host/crypto/sm9.h"
#include "host/crypto/ticket_crypto.h"
#include "host/service/idempotency.h"
#include "host/service/json.h"
#include "host/service/keyfile.h"
#include "host/ticketing/face_json.h"

enum { PATH_MAX_BYTES = 256 };

void test_must(bool holds, const char *condition, const char *file, int line)
{
    if (holds)
        return;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
    exit(1);
}

void test_caller_open(struct test_caller *caller, const struct test_services *services, enum test_party party,
                      enum test_target target)
{
    char path[TEST_PATH_MAX];
    test_party_key(services, party, path);
    TEST_MUST(tally_key_file_load(path, false, &caller->key) == TALLY_OK);
    caller->signer = (struct tally_signer){.key = caller->key,
                                           .keyid = test_party_id(party),
                                           .tag = target == TO_AUTHD ? "tally-authd" : "tally-ticketd",
                                           .clock = &tally_system_clock,
                                           .random = &tally_system_random};
    struct tally_http_client_options options = {.base_url = target == TO_AUTHD ? services->authd.url
                                                                               : services->ticketd.url,
                                                .signer = &caller->signer};
    TEST_MUST(tally_http_client_new(&options, &caller->http) == TALLY_OK);
}

void test_caller_close(struct test_caller *caller)
{
    tally_http_client_free(caller->http);
    EVP_PKEY_free(caller->key);
}

json_t *test_call(struct test_caller *caller, const char *method, const char *path, const char *key,
                  const json_t *body, int *status, int *problem)
{
    char fresh[TALLY_IDEMPOTENCY_KEY_SIZE];
    struct tally_http_answer answer;
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    struct tally_http_call call = {.method = method,
                                   .path = path,
                                   .body = text,
                                   .body_size = text != NULL ? strlen(text) : 0,
                                   .idempotency_key = key};
    if (key == NULL && strcmp(method, "GET") != 0) {
        TEST_MUST(tally_idempotency_key_make(&tally_system_clock, &tally_system_random, fresh) == TALLY_OK);
        call.idempotency_key = fresh;
    }
    (void)tally_http_client_perform(caller->http, &call, &answer);
    json_t *json = answer.body != NULL ? tally_json_parse(answer.body, answer.body_size) : NULL;
    if (status != NULL)
        *status = answer.status;
    if (problem != NULL)
        *problem = answer.problem;
    free(text);
    tally_http_answer_clear(&answer);
    return json;
}

static void explain(const char *method, const char *path, const json_t *answer)
{
    char *text = json_dumps(answer, 0);
    fprintf(stderr, "%s %s: %s\n", method, path, text != NULL ? text : "no JSON");
    free(text);
}

json_t *test_expect(struct test_caller *caller, const char *method, const char *path, json_t *body,
                    int status)
{
    int got;
    json_t *answer = test_call(caller, method, path, NULL, body, &got, NULL);
    json_decref(body);
    if (got != status)
        explain(method, path, answer);
    TEST_MUST(got == status);
    return answer;
}

void test_refused(struct test_caller *caller, const char *method, const char *path, json_t *body, int problem)
{
    int got;
    json_t *answer = test_call(caller, method, path, NULL, body, NULL, &got);
    json_decref(body);
    if (got != problem)
        explain(method, path, answer);
    TEST_MUST(got == problem);
    json_decref(answer);
}

void test_hex(const json_t *object, const char *name, uint8_t *out, size_t n)
{
    size_t got;
    const char *text = json_string_value(json_object_get(object, name));
    TEST_MUST(text != NULL);
    TEST_MUST(tally_hex_decode(text, out, n, &got) == TALLY_OK);
    TEST_MUST(got == n);
}

void test_card_make(struct test_card *card, bool rsa)
{
    *card = (struct test_card){0};
    TEST_MUST(tally_random(card->serial, SERIAL_SIZE) == TALLY_OK);
    TEST_MUST(tally_random(card->chip_id, CHIP_ID_SIZE) == TALLY_OK);
    TEST_MUST(tally_hex_encode(card->serial, SERIAL_SIZE, card->serial_hex, sizeof card->serial_hex) ==
              TALLY_OK);
    TEST_MUST(tally_key_generate(SUITE_P256, &card->kem) == TALLY_OK);
    TEST_MUST(tally_key_generate(SUITE_P256, &card->auth) == TALLY_OK);
    if (rsa)
        TEST_MUST(tally_key_generate(SUITE_RSA, &card->rsa) == TALLY_OK);
}

void test_card_free(struct test_card *card)
{
    tally_key_free(card->kem);
    tally_key_free(card->auth);
    tally_key_free(card->rsa);
}

static void set_point(json_t *json, const char *name, const struct tally_key *key)
{
    uint8_t point[P256_POINT_SIZE] = {4};
    size_t n;
    memcpy(point + 1, tally_key_public(key, &n), P256_PUBLIC_SIZE);
    tally_json_set_hex(json, name, point, sizeof point);
}

json_t *test_card_json(const struct test_card *card)
{
    size_t n;
    json_t *json = json_pack("{s:i}", "card_key_version", 1);
    tally_json_set_hex(json, "serial", card->serial, SERIAL_SIZE);
    tally_json_set_hex(json, "chip_id", card->chip_id, CHIP_ID_SIZE);
    set_point(json, "kem_key", card->kem);
    set_point(json, "auth_key", card->auth);
    if (card->rsa != NULL)
        tally_json_set_hex(json, "rsa_modulus", tally_key_public(card->rsa, &n), RSA_SIZE);
    return json;
}

void test_card_register(struct test_card *card, struct test_caller *personaliser)
{
    json_decref(test_expect(personaliser, "POST", "/v1/cards", test_card_json(card), 201));
}

void test_card_set_operator(struct test_card *card, struct test_caller *personaliser, uint16_t operator_id)
{
    char path[PATH_MAX_BYTES];
    uint8_t raw[TALLY_PACKAGE_MAX], enrolment_key[P256_PUBLIC_SIZE];
    struct tally_key *issuer;
    size_t n;
    snprintf(path, sizeof path, "/v1/operators/%u", operator_id);
    json_t *operator_keys = test_expect(personaliser, "GET", path, NULL, 200);
    test_hex(operator_keys, "enrolment_key", enrolment_key, sizeof enrolment_key);
    TEST_MUST(tally_key_from_public(enrolment_key, sizeof enrolment_key, &issuer) == TALLY_OK);
    snprintf(path, sizeof path, "/v1/cards/%s/operators/%u/package", card->serial_hex, operator_id);
    json_t *answer = test_expect(personaliser, "POST", path, json_pack("{s:s}", "action", "set"), 200);
    const char *hex = json_string_value(json_object_get(answer, "package"));
    TEST_MUST(tally_hex_decode(hex, raw, sizeof raw, &n) == TALLY_OK);
    struct tally_package *package = &card->packages[operator_id - 1];
    TEST_MUST(tally_package_open(card->kem, issuer, raw, n, package) == TALLY_OK);
    TEST_MUST(memcmp(package->serial, card->serial, SERIAL_SIZE) == 0);
    TEST_MUST(package->operator_id == operator_id);
    TEST_MUST(package->version == json_integer_value(json_object_get(answer, "package_version")));
    tally_key_free(issuer);
    json_decref(operator_keys);
    json_decref(answer);
}

/* The whole of a key 6, of which a package of suite SM9 has the epoch. Returns its size. */
static size_t raw_key6(const struct tally_package *package, size_t i, uint8_t raw[TALLY_PUBLIC_MAX])
{
    const struct tally_sm9_masters *masters = &package->holder.masters;
    memcpy(raw, package->key6[i].key, TALLY_PUBLIC_MAX);
    if (package->suite != SUITE_SM9)
        return package->suite == SUITE_RSA ? RSA_SIZE : P256_PUBLIC_SIZE;
    be16_put(raw, package->operator_id);
    memcpy(raw + 2, package->key6[i].key, SM9_EPOCH_SIZE);
    memcpy(raw + 4, masters->sign, sizeof masters->sign);
    memcpy(raw + 4 + sizeof masters->sign, masters->encrypt, sizeof masters->encrypt);
    return TALLY_SM9_PUBLIC_SIZE;
}

/* Key 6 of that version, as the card has it. */
static struct tally_key *key6(const struct tally_package *package, uint8_t version)
{
    struct tally_key *key = NULL;
    uint8_t raw[TALLY_PUBLIC_MAX];
    for (size_t i = 0; i < package->key6_count; i++)
        if (package->key6[i].version == version)
            TEST_MUST(tally_key_from_public(raw, raw_key6(package, i, raw), &key) == TALLY_OK);
    TEST_MUST(key != NULL);
    return key;
}

static size_t open_sm9(const struct tally_package *package, const uint8_t *ciphertext, size_t n,
                       uint8_t raw[FACE_SIZE], uint8_t tfv[TALLY_TFV_MAX])
{
    struct tally_sm9_key *key;
    TEST_MUST(tally_sm9_key_make(&package->holder, &key) == TALLY_OK);
    TEST_MUST(tally_ciphertext_1_open_sm9(key, ciphertext, n, raw, tfv) == TALLY_OK);
    tally_sm9_key_free(key);
    return SM9_CODE_SIZE;
}

void test_card_open(const struct test_card *card, const uint8_t *ciphertext, size_t n,
                    struct ticket_face *face)
{
    uint8_t raw[FACE_SIZE], tfv[TALLY_TFV_MAX];
    size_t tfv_size;
    const struct tally_key *key = ciphertext[1] == SUITE_RSA ? card->rsa : card->kem;
    if (ciphertext[1] == SUITE_SM9)
        tfv_size = open_sm9(&card->packages[be16_get(ciphertext + 2) - 1], ciphertext, n, raw, tfv);
    else
        TEST_MUST(tally_ciphertext_1_open(key, ciphertext, n, raw, tfv, &tfv_size) == TALLY_OK);
    TEST_MUST(face_decode(raw, face));
    TEST_MUST(memcmp(face->serial, card->serial, SERIAL_SIZE) == 0);
    struct tally_key *verify = key6(&card->packages[face->operator_id - 1], face->key_version);
    TEST_MUST(tally_face_verify(verify, raw, tfv, tfv_size) == TALLY_OK);
    tally_key_free(verify);
}

void test_card_fetch(const struct test_card *card, struct test_caller *kiosk, const char *tid,
                     const char *kind, struct ticket_face *face)
{
    char path[PATH_MAX_BYTES];
    uint8_t ciphertext[TEST_CIPHERTEXT_MAX];
    size_t n;
    snprintf(path, sizeof path, "/v1/tickets/%s/ciphertext", tid);
    json_t *answer = test_expect(kiosk, "GET", path, NULL, 200);
    TEST_MUST(strcmp(json_string_value(json_object_get(answer, "kind")), kind) == 0);
    TEST_MUST(strcmp(json_string_value(json_object_get(answer, "serial")), card->serial_hex) == 0);
    const char *hex = json_string_value(json_object_get(answer, "ciphertext"));
    TEST_MUST(tally_hex_decode(hex, ciphertext, sizeof ciphertext, &n) == TALLY_OK);
    test_card_open(card, ciphertext, n, face);
    json_decref(answer);
}

void test_card_sign(struct test_card *card, const struct ticket_face *face, struct usage_record *usage,
                    char *hex)
{
    const struct tally_package *package = &card->packages[face->operator_id - 1];
    const struct tally_package_sub_key *newest = &package->sub_keys[package->sub_key_count - 1];
    uint8_t receipt_key[SYM_KEY_SIZE], raw[USAGE_SIZE];
    usage->receipt_key_version = newest->version;
    usage->card_transaction_counter = ++card->transaction;
    TEST_MUST(tally_derive_receipt_key(newest->sub_key, receipt_key) == TALLY_OK);
    usage_encode(usage, raw);
    TEST_MUST(tally_receipt_mac(receipt_key, card->serial, face->operator_id, face->tid, raw, usage->mac) ==
              TALLY_OK);
    usage_encode(usage, raw);
    TEST_MUST(tally_hex_encode(raw, sizeof raw, hex, 2 * USAGE_SIZE + 1) == TALLY_OK);
}

void test_card_event(struct test_card *card, const struct ticket_face *face,
                     const struct usage_record *before, enum usage_event event, struct usage_record *after,
                     char *hex)
{
    static const struct usage_record nothing;
    struct usage_place place = {
        .gate = 7, .station = 3, .time = 1, .gate_transaction = card->transaction + 1};
    *after = before != NULL ? *before : nothing;
    if (event == EVENT_LOADED || event == EVENT_DELETED) {
        after->event = (uint8_t)event;
        after->authority = BY_ISSUER;
        after->use_counter = (uint16_t)(after->use_counter + (event == EVENT_DELETED));
    } else {
        TEST_MUST(usage_apply(face, after, event, &place, after) == USAGE_ALLOWED);
        after->authority = BY_SUB_KEY;
    }
    test_card_sign(card, face, after, hex);
}

json_t *test_ticket_request(const struct test_card *card, uint16_t operator_id, char tid[2 * TID_SIZE + 1])
{
    static const char *const not_asked[] = {"sequence", "replaces", "replaces_use_counter", "suite",
                                            "key_version"};
    struct ticket_face face = {.profile = PROFILE_RAIL,
                               .operator_id = operator_id,
                               .product = 1,
                               .issued = 2000000000,
                               .valid_from = 2000000000,
                               .valid_to = 4000000000,
                               .flags = FACE_EXCHANGEABLE | FACE_REFUNDABLE,
                               .service_date = 9800,
                               .service_minute = 480,
                               .from = 1,
                               .to = 2,
                               .coach = 3,
                               .fare_class = 1,
                               .fare_type = 1,
                               .price = 55300,
                               .currency = 156,
                               .max_entries = 1,
                               .max_temporary_exits = 1,
                               .point_of_sale = 1};
    TEST_MUST(tally_random(face.tid, TID_SIZE) == TALLY_OK);
    memcpy(face.serial, card->serial, SERIAL_SIZE);
    memcpy(face.service, "G1      ", SERVICE_SIZE);
    memcpy(face.seat, "05F", SEAT_SIZE);
    TEST_MUST(tally_hex_encode(face.tid, TID_SIZE, tid, 2 * TID_SIZE + 1) == TALLY_OK);
    json_t *json = tally_face_to_json(&face);
    for (size_t i = 0; i < sizeof not_asked / sizeof *not_asked; i++)
        json_object_del(json, not_asked[i]);
    return json_pack("{s:o}", "face", json);
}
