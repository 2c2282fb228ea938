/* The ceremony among centres in one process: what comes out, and what each bent message leads to. */
#include "tests/support/check_main.h"

#include <string.h>

#include "host/base/bytes.h"
#include "host/crypto/p256.h"
#include "host/ticketing/json_values.h"
#include "host/ticketing/keycentre/ceremony.h"
#include "host/ticketing/keycentre/points.h"

enum { GROUPS = 3, HEADER = 50 };

static const struct keycentre_size sizes[GROUPS] = {{2, 3}, {3, 5}, {4, 7}};
static const struct sm9_id gate = {(const uint8_t *)"gate:0001:0002:0003:7", 21};

static struct keycentre_group group;
static struct tally_key *keys[KEYCENTRE_CENTRES_MAX];
static struct keycentre_ceremony centres[KEYCENTRE_CENTRES_MAX];
static struct keycentre_message commits[KEYCENTRE_CENTRES_MAX], deals[KEYCENTRE_CENTRES_MAX],
    confirms[KEYCENTRE_CENTRES_MAX];
static struct keycentre_outcome outcomes[KEYCENTRE_CENTRES_MAX];
static struct keycentre_fault fault;

static void begin(struct keycentre_size size)
{
    memset(&group, 0, sizeof group);
    group.size = size;
    group.epochs = (struct keycentre_epochs){0, 60, 60, 0};
    for (unsigned i = 0; i < size.centres; i++) {
        size_t n;
        ck_assert_int_eq(tally_key_generate(SUITE_P256, &keys[i]), TALLY_OK);
        memcpy(group.signing_keys[i], tally_key_public(keys[i], &n), P256_PUBLIC_SIZE);
        centres[i] =
            (struct keycentre_ceremony){.group = &group, .index = (uint8_t)(i + 1), .signing_key = keys[i]};
        memset(centres[i].id, 0x5a, sizeof centres[i].id);
        ck_assert_int_eq(tally_random(centres[i].seed, KEYCENTRE_SEED), TALLY_OK);
    }
}

static void end(void)
{
    for (unsigned i = 0; i < group.size.centres; i++)
        tally_key_free(keys[i]);
}

static void commit_all(void)
{
    for (unsigned i = 0; i < group.size.centres; i++)
        ck_assert_int_eq(keycentre_ceremony_commit(&centres[i], &commits[i]), TALLY_OK);
}

static void deal_all(void)
{
    for (unsigned i = 0; i < group.size.centres; i++)
        ck_assert_int_eq(keycentre_ceremony_deal(&centres[i], commits, &deals[i], &fault), TALLY_OK);
}

static void confirm_all(void)
{
    for (unsigned i = 0; i < group.size.centres; i++) {
        ck_assert_int_eq(keycentre_ceremony_confirm(&centres[i], commits, deals, &outcomes[i], &fault),
                         TALLY_OK);
        confirms[i] = outcomes[i].confirm;
    }
}

/* Signs a message again that a test has bent, as a dishonest centre would. */
static void sign_again(struct keycentre_message *m, unsigned index)
{
    struct tally_bytes part = {m->bytes, m->n - ECDSA_SIZE};
    ck_assert_int_eq(tally_p256_sign(keys[index - 1], "tally/keycentre-ceremony/1", &part, 1,
                                     m->bytes + m->n - ECDSA_SIZE),
                     TALLY_OK);
}

START_TEST(all_get_the_same_group_and_shares_that_work)
{
    struct keycentre_partial parts[KEYCENTRE_CENTRES_MAX];
    uint8_t key[G2_BYTES];
    unsigned culprit;
    begin(sizes[_i]);
    commit_all();
    deal_all();
    /* {"messages":["…", …]} with all deals is the largest body: it fits a service's limit. */
    size_t body = 32;
    for (unsigned i = 0; i < group.size.centres; i++)
        body += 2 * deals[i].n + 3;
    ck_assert_uint_le(body, 65536);
    confirm_all();
    for (unsigned i = 0; i < group.size.centres; i++) {
        ck_assert_int_eq(keycentre_ceremony_finish(&centres[i], &outcomes[i].confirm, confirms, &fault),
                         TALLY_OK);
        ck_assert_mem_eq(&outcomes[i].group, &outcomes[0].group, sizeof outcomes[0].group);
        ck_assert_int_eq(keycentre_partial_make(&outcomes[i].share, KEYCENTRE_DECRYPT, &gate, &parts[i]),
                         TALLY_OK);
    }
    ck_assert_int_eq(keycentre_combine(&outcomes[0].group, KEYCENTRE_DECRYPT, &gate, parts,
                                       (uint8_t)((1U << group.size.centres) - 1), key, &culprit),
                     TALLY_OK);
    end();
}
END_TEST

/* The two master keys, put together for once: each is what its public half says, and they differ. */
START_TEST(signing_and_encryption_have_keys_of_their_own)
{
    struct fn sign = scalar_of(0), encrypt = scalar_of(0);
    uint8_t bytes[FN_BYTES], ppub_s[G2_BYTES], ppub_e[G1_BYTES], ppub_other[G1_BYTES];
    begin(sizes[0]);
    commit_all();
    deal_all();
    confirm_all();
    for (unsigned i = 1; i <= 2; i++) {
        struct fn part, lambda = scalar_lagrange(3, i);
        ck_assert(fn_from_bytes(&part, outcomes[i - 1].share.sign));
        fn_mul(&part, &part, &lambda);
        fn_add(&sign, &sign, &part);
        ck_assert(fn_from_bytes(&part, outcomes[i - 1].share.encrypt));
        fn_mul(&part, &part, &lambda);
        fn_add(&encrypt, &encrypt, &part);
    }
    fn_to_bytes(bytes, &sign);
    ck_assert_int_eq(sm9_sign_master_public(ppub_s, bytes), SM9_OK);
    ck_assert_int_eq(sm9_encrypt_master_public(ppub_other, bytes), SM9_OK);
    fn_to_bytes(bytes, &encrypt);
    ck_assert_int_eq(sm9_encrypt_master_public(ppub_e, bytes), SM9_OK);
    ck_assert_mem_eq(ppub_s, outcomes[2].group.masters.sign, G2_BYTES);
    ck_assert_mem_eq(ppub_e, outcomes[2].group.masters.encrypt, G1_BYTES);
    ck_assert_mem_ne(ppub_e, ppub_other, G1_BYTES);
    end();
}
END_TEST

/* Any changed bit, a foreign signature, another ceremony, another group, another centre's place. */
START_TEST(messages_are_those_of_this_ceremony_by_that_centre)
{
    struct keycentre_message out;
    begin(sizes[0]);
    commit_all();
    for (size_t i = 0; i < commits[1].n; i += 7) {
        commits[1].bytes[i] ^= 4;
        ck_assert_int_eq(keycentre_ceremony_deal(&centres[0], commits, &out, &fault), TALLY_E_CRYPTO);
        ck_assert_uint_eq(fault.centre, 2);
        ck_assert_uint_eq(out.n, 0);
        commits[1].bytes[i] ^= 4;
    }
    commits[1].n--;
    ck_assert_int_eq(keycentre_ceremony_deal(&centres[0], commits, &out, &fault), TALLY_E_CRYPTO);
    commits[1].n++;
    sign_again(&commits[1], 3);
    ck_assert_int_eq(keycentre_ceremony_deal(&centres[0], commits, &out, &fault), TALLY_E_CRYPTO);
    sign_again(&commits[1], 2);
    struct keycentre_message first = commits[0];
    commits[0] = commits[1];
    ck_assert_int_eq(keycentre_ceremony_deal(&centres[0], commits, &out, &fault), TALLY_E_CRYPTO);
    ck_assert_uint_eq(fault.centre, 1);
    commits[0] = first;
    ck_assert_int_eq(keycentre_ceremony_deal(&centres[0], commits, &out, &fault), TALLY_OK);
    centres[0].id[0] ^= 1;
    ck_assert_int_eq(keycentre_ceremony_deal(&centres[0], commits, &out, &fault), TALLY_E_CRYPTO);
    centres[0].id[0] ^= 1;
    group.epochs.length++;
    ck_assert_int_eq(keycentre_ceremony_deal(&centres[0], commits, &out, &fault), TALLY_E_CRYPTO);
    end();
}
END_TEST

/* What a dealer can do wrong after committing, each signed by itself; centre 1 finds it and names it. */
START_TEST(dishonest_dealers_are_named)
{
    static struct keycentre_outcome outcome;
    const unsigned dealer = 3;
    struct keycentre_message *bent = &deals[dealer - 1];
    begin(sizes[0]);
    commit_all();
    if (_i == 2) /* a new seed after the commit: other polynomials than committed to */
        centres[dealer - 1].seed[0] ^= 1;
    deal_all();
    switch (_i) {
    case 0: /* a commitment that was not committed to */ bent->bytes[HEADER] ^= 1; break;
    case 1: /* a package that is not what was dealt */
        bent->bytes[HEADER + 2 * (G2_BYTES + G1_BYTES) + 70] ^= 1;
        break;
    default: break;
    }
    sign_again(bent, dealer);
    ck_assert_int_eq(keycentre_ceremony_confirm(&centres[0], commits, deals, &outcome, &fault),
                     TALLY_E_CRYPTO);
    ck_assert_uint_eq(fault.centre, dealer);
    ck_assert_ptr_nonnull(fault.reason);
    static const struct keycentre_outcome none;
    ck_assert_mem_eq(&outcome, &none, sizeof none);
    end();
}
END_TEST

/* A dealer that deals one receiver a share of another polynomial, correctly sealed. */
START_TEST(a_share_off_the_polynomial_is_found)
{
    static struct keycentre_outcome outcome;
    struct keycentre_message other, honest;
    const size_t at = HEADER + 2 * (G2_BYTES + G1_BYTES), package = 64 + 1 * 32 + 81;
    begin(sizes[0]);
    commit_all();
    deal_all();
    /* Packages to centre 1 from the same dealer in the same ceremony, but from another seed. */
    honest = deals[2];
    centres[2].seed[0] ^= 1;
    ck_assert_int_eq(keycentre_ceremony_deal(&centres[2], commits, &other, &fault), TALLY_OK);
    memcpy(deals[2].bytes + at, other.bytes + at, package);
    sign_again(&deals[2], 3);
    ck_assert_int_eq(keycentre_ceremony_confirm(&centres[0], commits, deals, &outcome, &fault),
                     TALLY_E_CRYPTO);
    ck_assert_uint_eq(fault.centre, 3);
    ck_assert_str_eq(fault.reason, "its share does not match its commitments");
    /* The others would not notice: they are told by centre 1, which confirms nothing. */
    ck_assert_int_eq(keycentre_ceremony_confirm(&centres[1], commits, deals, &outcome, &fault), TALLY_OK);
    deals[2] = honest;
    ck_assert_int_eq(keycentre_ceremony_confirm(&centres[0], commits, deals, &outcome, &fault), TALLY_OK);
    end();
}
END_TEST

START_TEST(all_must_have_seen_the_same)
{
    struct keycentre_message bent;
    begin(sizes[0]);
    commit_all();
    deal_all();
    /* Centre 3 shows centre 2 another deal than the others: the same content, sealed anew. */
    struct keycentre_message shown = deals[2];
    ck_assert_int_eq(keycentre_ceremony_deal(&centres[2], commits, &deals[2], &fault), TALLY_OK);
    ck_assert_int_eq(keycentre_ceremony_confirm(&centres[1], commits, deals, &outcomes[1], &fault), TALLY_OK);
    bent = outcomes[1].confirm;
    deals[2] = shown;
    confirm_all();
    struct keycentre_message honest = confirms[1];
    confirms[1] = bent;
    ck_assert_int_eq(keycentre_ceremony_finish(&centres[0], &outcomes[0].confirm, confirms, &fault),
                     TALLY_E_CRYPTO);
    ck_assert_uint_eq(fault.centre, 2);
    ck_assert_str_eq(fault.reason, "it was shown other deals");
    /* And another mask key than ours. */
    confirms[1] = honest;
    confirms[1].bytes[HEADER + 32] ^= 1;
    sign_again(&confirms[1], 2);
    ck_assert_int_eq(keycentre_ceremony_finish(&centres[0], &outcomes[0].confirm, confirms, &fault),
                     TALLY_E_CRYPTO);
    ck_assert_str_eq(fault.reason, "it holds another mask key");
    confirms[1] = honest;
    ck_assert_int_eq(keycentre_ceremony_finish(&centres[0], &outcomes[0].confirm, confirms, &fault),
                     TALLY_OK);
    end();
}
END_TEST

START_TEST(what_is_kept_comes_back)
{
    uint8_t bytes[KEYCENTRE_PUBLIC_BYTES_MAX], share_bytes[KEYCENTRE_SHARE_BYTES_MAX],
        group_bytes[KEYCENTRE_GROUP_BYTES_MAX];
    static struct keycentre_group_public public_again;
    struct keycentre_share share_again;
    struct keycentre_group group_again;
    begin(sizes[_i]);
    commit_all();
    deal_all();
    confirm_all();
    size_t n = keycentre_public_encode(&outcomes[0].group, bytes);
    ck_assert_int_eq(keycentre_public_decode(bytes, n, group.size, &public_again), TALLY_OK);
    ck_assert_mem_eq(&public_again, &outcomes[0].group, sizeof public_again);
    ck_assert_int_eq(keycentre_public_decode(bytes, n - 1, group.size, &public_again), TALLY_E_FORMAT);
    n = keycentre_share_encode(&outcomes[0].share, share_bytes);
    ck_assert_int_eq(keycentre_share_decode(share_bytes, n, group.size, 1, &share_again), TALLY_OK);
    ck_assert_mem_eq(&share_again, &outcomes[0].share, sizeof share_again);
    ck_assert_int_eq(keycentre_share_decode(share_bytes, n - 1, group.size, 1, &share_again), TALLY_E_FORMAT);
    n = keycentre_group_encode(&group, group_bytes);
    ck_assert_int_eq(keycentre_group_decode(group_bytes, n, &group_again), TALLY_OK);
    ck_assert_mem_eq(&group_again, &group, sizeof group);
    ck_assert_int_eq(keycentre_group_decode(group_bytes, n - 1, &group_again), TALLY_E_FORMAT);
    group_bytes[0] = 5;
    ck_assert_int_eq(keycentre_group_decode(group_bytes, n, &group_again), TALLY_E_FORMAT);
    end();
}
END_TEST

static json_t *group_json(void)
{
    json_t *centres_json = json_array();
    for (unsigned i = 0; i < 3; i++) {
        json_t *centre = json_pack("{s:s}", "url", "https://centre.example:8450");
        tally_json_set_hex(centre, "signing_key", group.signing_keys[i], P256_PUBLIC_SIZE);
        json_array_append_new(centres_json, centre);
    }
    return json_pack("{s:i, s:o, s:{s:i, s:i, s:i, s:i}}", "threshold", 2, "centres", centres_json, "epochs",
                     "start", 0, "length", 3600, "card_length", 7200, "lead", 900);
}

static void member(json_t *json, const char *name, json_t *value)
{
    json_object_set_new(json, name, value);
}

/* Each case spoils one thing. */
START_TEST(bad_group_files_are_refused)
{
    struct keycentre_group read;
    const char *reason;
    begin(sizes[0]);
    for (int i = 0; i < 11; i++) {
        json_t *json = group_json(), *list = json_object_get(json, "centres"),
               *first = json_array_get(list, 0), *epochs = json_object_get(json, "epochs");
        switch (i) {
        case 0: break;
        case 1: member(json, "threshold", json_integer(1)); break;
        case 2: member(json, "threshold", json_integer(3)); break;
        case 3: json_array_remove(list, 2); break;
        case 4:
            member(first, "signing_key",
                   json_incref(json_object_get(json_array_get(list, 1), "signing_key")));
            break;
        case 5: member(first, "signing_key", json_string("00")); break;
        case 6:
            tally_json_set_hex(first, "signing_key", (const uint8_t[P256_PUBLIC_SIZE]){1}, P256_PUBLIC_SIZE);
            break;
        case 7: member(first, "more", json_true()); break;
        case 8: member(epochs, "lead", json_integer(3601)); break;
        case 9: member(json, "more", json_true()); break;
        default: member(json, "centres", json_object()); break;
        }
        enum tally_error e = keycentre_group_read(json, &read, &reason);
        ck_assert_msg(e == (i == 0 ? TALLY_OK : TALLY_E_FORMAT), "case %d", i);
        ck_assert((reason == NULL) == (i == 0));
        ck_assert_uint_eq(read.size.centres, i == 0 ? 3 : 0);
        json_decref(json);
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keycentre ceremony");
    TCase *c = tcase_create("ceremony");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, all_get_the_same_group_and_shares_that_work, 0, GROUPS);
    tcase_add_test(c, signing_and_encryption_have_keys_of_their_own);
    tcase_add_test(c, messages_are_those_of_this_ceremony_by_that_centre);
    tcase_add_loop_test(c, dishonest_dealers_are_named, 0, 3);
    tcase_add_test(c, a_share_off_the_polynomial_is_found);
    tcase_add_test(c, all_must_have_seen_the_same);
    tcase_add_test(c, bad_group_files_are_refused);
    tcase_add_loop_test(c, what_is_kept_comes_back, 0, GROUPS - 1);
    suite_add_tcase(suite, c);
    return tally_check_main(suite, NULL);
}
