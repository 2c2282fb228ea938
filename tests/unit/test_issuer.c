/* Life cycle, personalisation and the holder's PIN. */
#include "tests/support/check_main.h"
#include "tests/support/scp03_peer.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "card/apdu/pin.h"
#include "card/crypto/p256.h"
#include "card/crypto/rsa.h"
#include "card/wire/tlv.h"

static struct ramcard *rc;
static struct scp03_peer peer;
static struct reply reply;
static struct personalised data;

static const uint8_t serial[SERIAL_SIZE] = {0x54, 1, 2, 3, 4, 5, 6, 7};

static void setup(void)
{
    rc = ramcard_new(3);
    struct hal_identity identity = ramcard_identity(rc);
    peer_init(&peer, identity.admin_key);
    memcpy(data.serial, serial, sizeof serial);
    memcpy(data.enrolment_key, peer_point, P256_PUBLIC_SIZE);
}

static void setup_personalised(void)
{
    setup();
    peer_personalise(rc, &data, false);
}

static uint64_t operations(void)
{
    return flashsim_operations(ramcard_flash(rc));
}

static void teardown(void)
{
    ramcard_free(rc);
}

static uint16_t issue(uint8_t ins, uint16_t p1p2, const void *in, size_t n)
{
    peer_command(&peer, rc, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2, in, n, &reply);
    return reply.sw;
}

static uint8_t life(void)
{
    return card_life(ramcard_card(rc));
}

static uint16_t plain(uint8_t cla, uint8_t ins, uint16_t p1p2, const void *in, size_t n)
{
    const uint8_t header[] = {cla, ins, (uint8_t)(p1p2 >> 8), (uint8_t)p1p2};
    ramcard_command(rc, header, in, n, &reply);
    return reply.sw;
}

static uint16_t verify(const char *pin)
{
    return plain(CLA_ISO, INS_VERIFY_PIN, PIN_REFERENCE, pin, strlen(pin));
}

static uint16_t change(const char *old, const char *fresh)
{
    uint8_t in[1 + 64];
    size_t n = strlen(old);
    in[0] = (uint8_t)n;
    memcpy(in + 1, old, n);
    memcpy(in + 1 + n, fresh, strlen(fresh));
    return plain(CLA_ISO, INS_CHANGE_PIN, PIN_REFERENCE, in, 1 + n + strlen(fresh));
}

/* The issuer's channel on a card in the field needs the holder's PIN, or a blocked one. */
static void open_in_field(const char *pin)
{
    if (pin != NULL)
        ck_assert_uint_eq(verify(pin), SW_OK);
    peer_open(&peer, rc);
}

/* The status object with this tag. */
static struct tlv status_of(uint8_t tag)
{
    struct tlv status, found;
    ck_assert_uint_eq(plain(CLA_PROPRIETARY, INS_GET_STATUS, 0, NULL, 0), SW_OK);
    ck_assert(tlv_find(reply.data, reply.len, 0xE1, &status));
    ck_assert_uint_eq(reply.len, (size_t)(status.value - reply.data) + status.len);
    (void)tlv_find(status.value, status.len, tag, &found);
    return found;
}

/* ---- Personalisation ---- */

START_TEST(personalises_a_card)
{
    struct tlv t;
    peer_personalise(rc, &data, true);
    ck_assert_uint_eq(life(), LIFE_PERSONALISED);
    ck_assert_uint_eq(data.kem_key[0], 0x04);
    ck_assert_uint_eq(data.auth_key[0], 0x04);
    ck_assert(p256_valid(data.kem_key + 1) && p256_valid(data.auth_key + 1));
    ck_assert_mem_ne(data.kem_key, data.auth_key, P256_POINT_SIZE);
    ck_assert_uint_eq(data.rsa_modulus[0] & 0x80, 0x80);

    ramcard_power_cycle(rc);
    ck_assert_uint_eq(life(), LIFE_PERSONALISED);
    ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
    ck_assert_uint_eq(plain(CLA_PROPRIETARY, INS_GET_DATA, DO_KEM_PUBLIC_KEY, NULL, 0), SW_OK);
    ck_assert_bytes_eq(reply.data, reply.len, data.kem_key, P256_POINT_SIZE);
    ck_assert_uint_eq(plain(CLA_PROPRIETARY, INS_GET_DATA, DO_AUTH_PUBLIC_KEY, NULL, 0), SW_OK);
    ck_assert_bytes_eq(reply.data, reply.len, data.auth_key, P256_POINT_SIZE);
    ck_assert_uint_eq(plain(CLA_PROPRIETARY, INS_GET_DATA, DO_RSA_PUBLIC_KEY, NULL, 0), SW_OK);
    ck_assert_bytes_eq(reply.data, reply.len, data.rsa_modulus, RSA_SIZE);
    ck_assert_uint_eq(plain(CLA_PROPRIETARY, INS_GET_DATA, DO_OPERATORS, NULL, 0), SW_OK);
    t = status_of(0x90);
    ck_assert_bytes_eq(t.value, t.len, serial, sizeof serial);
    t = status_of(0x84);
    ck_assert_uint_eq(t.value[0], 1 << (SUITE_P256 - 1) | 1 << (SUITE_RSA - 1) | 1 << (SUITE_SM9 - 1));
    t = status_of(0x97);
    ck_assert_uint_eq(t.value[0], 1);
}
END_TEST

/* The private key that was stored belongs to the public key that was answered. */
START_TEST(makes_key_pairs_that_belong_together)
{
    uint8_t private_key[P256_PRIVATE_SIZE], public_key[P256_PUBLIC_SIZE];
    peer_personalise(rc, &data, false);
    struct card *card = ramcard_card(rc);
    ck_assert_int_eq(store_read(&card->store, REC_KEY_KEM, KEY_P256_PRIVATE, private_key, sizeof private_key),
                     STORE_OK);
    ck_assert(p256_public(private_key, public_key));
    ck_assert_mem_eq(public_key, data.kem_key + 1, sizeof public_key);
}
END_TEST

START_TEST(needs_everything_before_it_is_personalised)
{
    uint8_t bad[P256_PUBLIC_SIZE];
    peer_open(&peer, rc);
    ck_assert_uint_eq(issue(INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0), SW_CONDITIONS);
    ck_assert_uint_eq(issue(INS_PUT_DATA, DO_SERIAL, serial, 7), SW_WRONG_LENGTH);
    ck_assert_uint_eq(issue(INS_PUT_DATA, DO_SERIAL, serial, 8), SW_OK);
    ck_assert_uint_eq(issue(INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0), SW_CONDITIONS);
    memcpy(bad, peer_point, sizeof bad);
    bad[63] ^= 1;
    ck_assert_uint_eq(issue(INS_PUT_DATA, DO_ENROLMENT_KEY, bad, sizeof bad), SW_WRONG_DATA);
    ck_assert_uint_eq(issue(INS_PUT_DATA, DO_ENROLMENT_KEY, peer_point, P256_PUBLIC_SIZE), SW_OK);
    ck_assert_uint_eq(issue(INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0), SW_CONDITIONS);
    ck_assert_uint_eq(issue(INS_PUT_DATA, DO_INITIAL_PIN, "12a4", 4), SW_WRONG_DATA);
    ck_assert_uint_eq(issue(INS_PUT_DATA, DO_INITIAL_PIN, "123", 3), SW_WRONG_LENGTH);
    ck_assert_uint_eq(issue(INS_PUT_DATA, DO_INITIAL_PIN, "123456789012", 12), SW_OK);
    ck_assert_uint_eq(issue(INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0), SW_CONDITIONS);
    ck_assert_uint_eq(issue(INS_GENERATE_KEY, KEY_REF_KEM, NULL, 0), SW_OK);
    ck_assert_uint_eq(issue(INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0), SW_CONDITIONS);
    ck_assert_uint_eq(issue(INS_GENERATE_KEY, 4, NULL, 0), SW_WRONG_P1P2);
    ck_assert_uint_eq(issue(INS_GENERATE_KEY, 0, NULL, 0), SW_WRONG_P1P2);
    peer_open(&peer, rc);
    ck_assert_uint_eq(issue(INS_GENERATE_KEY, KEY_REF_AUTH, NULL, 0), SW_OK);
    ck_assert_uint_eq(issue(INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0), SW_OK);
    ck_assert_uint_eq(life(), LIFE_PERSONALISED);
}
END_TEST

START_TEST(refuses_the_field_commands_before_personalisation)
{
    ck_assert_uint_eq(verify(TEST_PIN), SW_CONDITIONS);
    ck_assert_uint_eq(change(TEST_PIN, "1234"), SW_CONDITIONS);
    peer_open(&peer, rc);
    const uint8_t reset[] = {0x84, INS_RESET_PIN, 0, PIN_REFERENCE};
    ramcard_command(rc, reset, (const uint8_t *)"1234", 4, &reply);
    ck_assert_uint_eq(reply.sw, SW_CONDITIONS);
}
END_TEST

/* Every change is complete in flash when it is answered: a power cycle between any two steps. */
START_TEST(personalises_across_power_cycles)
{
    static const struct {
        uint8_t ins;
        uint16_t p1p2;
        const void *in;
        size_t n;
    } steps[] = {
        {INS_PUT_DATA, DO_SERIAL, serial, sizeof serial},
        {INS_PUT_DATA, DO_ENROLMENT_KEY, peer_point, P256_PUBLIC_SIZE},
        {INS_PUT_DATA, DO_INITIAL_PIN, "4711", 4},
        {INS_GENERATE_KEY, KEY_REF_KEM, NULL, 0},
        {INS_GENERATE_KEY, KEY_REF_AUTH, NULL, 0},
        {INS_SET_STATUS, LIFE_PERSONALISED, NULL, 0},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        peer_open(&peer, rc);
        ck_assert_uint_eq(issue(steps[i].ins, steps[i].p1p2, steps[i].in, steps[i].n), SW_OK);
        ramcard_power_cycle(rc);
    }
    ck_assert_uint_eq(life(), LIFE_PERSONALISED);
    ck_assert_uint_eq(verify("4711"), SW_OK);
}
END_TEST

/* A flash that fails: 6581, nothing else answered until the power comes back, and then one of the two states.
 */
START_TEST(answers_a_failing_flash)
{
    peer_open(&peer, rc);
    flashsim_cut_after(ramcard_flash(rc), 0, 1);
    ck_assert_uint_eq(issue(INS_PUT_DATA, DO_SERIAL, serial, sizeof serial), SW_MEMORY_FAILURE);
    ck_assert_uint_eq(plain(CLA_PROPRIETARY, INS_GET_STATUS, 0, NULL, 0), SW_MEMORY_FAILURE);
    ck_assert_uint_eq(plain(CLA_ISO, INS_SELECT, 0x0400, serial, 8), SW_MEMORY_FAILURE);
    ramcard_power_cycle(rc);
    ck_assert_uint_eq(life(), LIFE_BLANK);
    peer_open(&peer, rc);
    ck_assert_uint_eq(issue(INS_PUT_DATA, DO_SERIAL, serial, sizeof serial), SW_OK);
}
END_TEST

/* ---- RSA ---- */

struct rsa_parts {
    uint8_t factor[5][RSA_FACTOR_SIZE];
    uint8_t modulus[RSA_SIZE];
};

static void part_of(const EVP_PKEY *key, const char *name, uint8_t *out, size_t size)
{
    BIGNUM *n = NULL;
    ck_assert_int_eq(EVP_PKEY_get_bn_param(key, name, &n), 1);
    ck_assert_int_eq(BN_bn2binpad(n, out, (int)size), (int)size);
    BN_clear_free(n);
}

static void make_rsa(struct rsa_parts *parts)
{
    static const char *const names[] = {OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2,
                                        OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2,
                                        OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    EVP_PKEY *key = EVP_RSA_gen(2048);
    ck_assert_ptr_nonnull(key);
    for (size_t i = 0; i < 5; i++)
        part_of(key, names[i], parts->factor[i], RSA_FACTOR_SIZE);
    part_of(key, OSSL_PKEY_PARAM_RSA_N, parts->modulus, RSA_SIZE);
    EVP_PKEY_free(key);
}

static size_t encode_rsa(const struct rsa_parts *parts, uint8_t *out, size_t size)
{
    struct tlv_writer w;
    tlv_writer_init(&w, out, size);
    for (size_t i = 0; i < 5; i++)
        tlv_put(&w, (uint16_t)(0x81 + i), parts->factor[i], RSA_FACTOR_SIZE);
    return w.len;
}

START_TEST(takes_an_rsa_key_that_is_consistent)
{
    struct rsa_parts parts;
    uint8_t in[700];
    make_rsa(&parts);
    size_t n = encode_rsa(&parts, in, sizeof in);
    ck_assert_uint_eq(n, 655);
    peer_open(&peer, rc);
    ck_assert_uint_eq(issue(INS_PUT_KEY, KEY_REF_RSA, in, n), SW_OK);
    ck_assert_uint_eq(reply.len, 0);
    ck_assert_uint_eq(issue(INS_GET_DATA, DO_RSA_PUBLIC_KEY, NULL, 0), SW_OK);
    ck_assert_bytes_eq(reply.data, reply.len, parts.modulus, RSA_SIZE);
}
END_TEST

START_TEST(refuses_an_rsa_key_that_is_not)
{
    struct rsa_parts right, wrong;
    uint8_t in[700];
    make_rsa(&right);
    peer_open(&peer, rc);
    for (size_t i = 0; i < 5; i++) {
        wrong = right;
        wrong.factor[i][100] ^= 2;
        size_t n = encode_rsa(&wrong, in, sizeof in);
        ck_assert_uint_eq(issue(INS_PUT_KEY, KEY_REF_RSA, in, n), SW_WRONG_DATA);
    }
    size_t n = encode_rsa(&right, in, sizeof in);
    in[131] = 0x81; /* a tag out of order */
    ck_assert_uint_eq(issue(INS_PUT_KEY, KEY_REF_RSA, in, n), SW_WRONG_DATA);
    ck_assert_uint_eq(issue(INS_PUT_KEY, KEY_REF_RSA, in, n - 1), SW_WRONG_LENGTH);
    ck_assert_uint_eq(issue(INS_GET_DATA, DO_RSA_PUBLIC_KEY, NULL, 0), SW_KEY_ABSENT);
}
END_TEST

/* ---- Life cycle ---- */

START_TEST(keeps_keys_after_personalisation)
{
    open_in_field(TEST_PIN);
    const uint8_t rows[][2] = {{0, KEY_REF_KEM}, {0, KEY_REF_AUTH}, {0, KEY_REF_RSA}};
    for (size_t i = 0; i < 3; i++) {
        const uint8_t header[] = {0x84, INS_GENERATE_KEY, rows[i][0], rows[i][1]};
        ramcard_command(rc, header, NULL, 0, &reply);
        ck_assert_uint_eq(reply.sw, SW_CONDITIONS);
    }
    for (uint8_t object = 1; object <= 3; object++) {
        const uint8_t header[] = {0x84, INS_PUT_DATA, 2, object};
        ramcard_command(rc, header, serial, 8, &reply);
        ck_assert_uint_eq(reply.sw, SW_CONDITIONS);
    }
    const uint8_t put_key[] = {0x84, INS_PUT_KEY, 0, KEY_REF_RSA};
    ramcard_command(rc, put_key, serial, 8, &reply);
    ck_assert_uint_eq(reply.sw, SW_CONDITIONS);
}
END_TEST

static uint16_t refused_status(uint8_t state)
{
    const uint8_t header[] = {0x84, INS_SET_STATUS, 0, state};
    ramcard_command(rc, header, NULL, 0, &reply);
    return reply.sw;
}

START_TEST(moves_through_the_life_cycle)
{
    open_in_field(TEST_PIN);
    ck_assert_uint_eq(refused_status(LIFE_PERSONALISED), SW_CONDITIONS);
    ck_assert_uint_eq(refused_status(LIFE_IN_USE), SW_CONDITIONS);
    ck_assert_uint_eq(refused_status(LIFE_BLANK), SW_WRONG_P1P2);
    ck_assert_uint_eq(issue(INS_SET_STATUS, LIFE_BLOCKED, NULL, 0), SW_OK);
    ck_assert_uint_eq(life(), LIFE_BLOCKED);
    ck_assert_uint_eq(refused_status(LIFE_BLOCKED), SW_CONDITIONS);
    ck_assert_uint_eq(refused_status(LIFE_PERSONALISED), SW_CONDITIONS);

    ramcard_power_cycle(rc);
    ck_assert_uint_eq(life(), LIFE_BLOCKED);
    ck_assert_uint_eq(status_of(0x81).value[0], LIFE_BLOCKED);
    ck_assert_uint_eq(change(TEST_PIN, "1234"), SW_CONDITIONS);
    ck_assert_uint_eq(plain(CLA_PROPRIETARY, INS_GET_DATA, DO_KEM_PUBLIC_KEY, NULL, 0), SW_CONDITIONS);
    open_in_field(TEST_PIN);
    ck_assert_uint_eq(issue(INS_SET_STATUS, LIFE_IN_USE, NULL, 0), SW_OK);
    ck_assert_uint_eq(life(), LIFE_IN_USE);
    ck_assert_uint_eq(issue(INS_SET_STATUS, LIFE_BLOCKED, NULL, 0), SW_OK);
}
END_TEST

START_TEST(hides_the_chip_id_after_personalisation)
{
    ramcard_select(rc, TALLY_AID_ISSUER);
    ck_assert_uint_eq(peer_begin(&peer, rc), SW_SECURITY_STATUS);
    ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
    ck_assert_uint_eq(peer_begin(&peer, rc), SW_OK);
    ramcard_power_cycle(rc);
    for (unsigned i = 0; i < PIN_TRIES; i++)
        (void)verify("0000");
    ramcard_select(rc, TALLY_AID_ISSUER);
    ck_assert_uint_eq(peer_begin(&peer, rc), SW_OK);
}
END_TEST

START_TEST(tells_strangers_nothing_that_differs)
{
    for (unsigned tag = 0x90; tag <= 0x99; tag++)
        ck_assert_ptr_null(status_of((uint8_t)tag).value);
    ck_assert_uint_eq(plain(CLA_PROPRIETARY, INS_GET_DATA, DO_KEM_PUBLIC_KEY, NULL, 0), SW_SECURITY_STATUS);
    ck_assert_uint_eq(plain(CLA_PROPRIETARY, INS_GET_DATA, DO_OPERATORS, NULL, 0), SW_SECURITY_STATUS);
    ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
    for (unsigned tag = 0x90; tag <= 0x99; tag++)
        ck_assert_ptr_nonnull(status_of((uint8_t)tag).value);
}
END_TEST

/* ---- PIN ---- */

START_TEST(verifies_and_counts)
{
    ck_assert_uint_eq(verify(""), SW_PIN_TRIES | 5);
    ck_assert_uint_eq(verify("000000"), SW_PIN_TRIES | 4);
    ck_assert_uint_eq(verify("27448"), SW_PIN_TRIES | 3); /* a prefix */
    ck_assert_uint_eq(verify(""), SW_PIN_TRIES | 3);
    ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
    ck_assert_uint_eq(verify(""), SW_OK);
    ck_assert_uint_eq(status_of(0x82).value[0], PIN_TRIES);
    ck_assert_uint_eq(verify("000000"), SW_PIN_TRIES | 4);
    ck_assert_uint_eq(verify(""), SW_PIN_TRIES | 4); /* no longer verified */
    ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
}
END_TEST

START_TEST(blocks_after_the_last_try)
{
    for (unsigned left = PIN_TRIES; left-- > 0;)
        ck_assert_uint_eq(verify("000000"), SW_PIN_TRIES | left);
    ck_assert_uint_eq(verify(TEST_PIN), SW_PIN_BLOCKED);
    ck_assert_uint_eq(verify(""), SW_PIN_BLOCKED);
    ck_assert_uint_eq(change(TEST_PIN, "1234"), SW_PIN_BLOCKED);
    ramcard_power_cycle(rc);
    ck_assert_uint_eq(verify(TEST_PIN), SW_PIN_BLOCKED);

    open_in_field(NULL);
    ck_assert_uint_eq(issue(INS_RESET_PIN, PIN_REFERENCE, "98765", 5), SW_OK);
    ck_assert_uint_eq(verify(""), SW_PIN_TRIES | 5);
    ck_assert_uint_eq(verify(TEST_PIN), SW_PIN_TRIES | 4);
    ck_assert_uint_eq(verify("98765"), SW_OK);
}
END_TEST

START_TEST(takes_digits_only_and_charges_nothing_for_others)
{
    ck_assert_uint_eq(verify("123"), SW_WRONG_DATA);
    ck_assert_uint_eq(verify("12345a"), SW_WRONG_DATA);
    ck_assert_uint_eq(verify("1234 "), SW_WRONG_DATA);
    ck_assert_uint_eq(verify("1234567890123"), SW_WRONG_LENGTH);
    ck_assert_uint_eq(change(TEST_PIN, "12/4"), SW_WRONG_DATA);
    ck_assert_uint_eq(change(TEST_PIN, "123"), SW_WRONG_DATA);
    ck_assert_uint_eq(change(TEST_PIN, "1234567890123"), SW_WRONG_DATA);
    ck_assert_uint_eq(plain(CLA_ISO, INS_CHANGE_PIN, PIN_REFERENCE, "\xFFxxxxxxxxxx", 11), SW_WRONG_DATA);
    ck_assert_uint_eq(plain(CLA_ISO, INS_VERIFY_PIN, 0x0080, "1234", 4), SW_WRONG_P1P2);
    ck_assert_uint_eq(verify(""), SW_PIN_TRIES | 5);
}
END_TEST

START_TEST(forgets_the_pin_at_reset_but_not_at_select)
{
    ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
    ramcard_select(rc, TALLY_AID_ISSUER);
    ck_assert_uint_eq(verify(""), SW_OK);
    card_reset(ramcard_card(rc));
    ck_assert_uint_eq(verify(""), SW_PIN_TRIES | 5);
}
END_TEST

START_TEST(changes_the_pin)
{
    ck_assert_uint_eq(change("000000", "1234"), SW_PIN_TRIES | 4);
    ck_assert_uint_eq(verify("1234"), SW_PIN_TRIES | 3);
    ck_assert_uint_eq(change(TEST_PIN, "123456789012"), SW_OK);
    ck_assert_uint_eq(verify(""), SW_OK);
    ck_assert_uint_eq(verify(TEST_PIN), SW_PIN_TRIES | 4);
    ramcard_power_cycle(rc);
    ck_assert_uint_eq(verify("123456789012"), SW_OK);
    ck_assert_uint_eq(verify(""), SW_OK);
}
END_TEST

/* Power cut at every flash operation of a wrong try: either the try counts, or the card never said that it
 * was wrong. */
START_TEST(gives_no_try_back_to_a_power_cut)
{
    for (uint64_t cut = 0;; cut++) {
        uint8_t before = pin_tries(ramcard_card(rc));
        flashsim_cut_after(ramcard_flash(rc), cut, 1);
        uint16_t sw = verify("000000");
        ramcard_power_cycle(rc);
        uint8_t after = pin_tries(ramcard_card(rc));
        ck_assert_uint_le(after, before);
        if (sw != SW_MEMORY_FAILURE) {
            ck_assert_uint_eq(sw, SW_PIN_TRIES | (before - 1u));
            ck_assert_uint_eq(after, before - 1u);
            break;
        }
        if (after <= 1)
            ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
    }
}
END_TEST

/* The order itself: with a flash that does not take the try, right and wrong PIN cannot be told apart. And
 * with power gone right after the try was written, the right PIN has cost it. */
START_TEST(counts_the_try_before_it_compares)
{
    static const char *const pins[] = {TEST_PIN, "000000"};
    for (size_t i = 0; i < 2; i++) {
        flashsim_cut_after(ramcard_flash(rc), 0, 1);
        ck_assert_uint_eq(verify(pins[i]), SW_MEMORY_FAILURE);
        ck_assert(!ramcard_card(rc)->pin_verified);
        ramcard_power_cycle(rc);
    }
    ck_assert_uint_eq(verify(""), SW_PIN_TRIES | 5);
    uint64_t start = operations();
    ck_assert_uint_eq(verify("000000"), SW_PIN_TRIES | 4);
    uint64_t cost = operations() - start;
    ck_assert_uint_gt(cost, 0);
    ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
    flashsim_cut_after(ramcard_flash(rc), cost, 1);
    ck_assert_uint_eq(verify(TEST_PIN), SW_MEMORY_FAILURE);
    ck_assert(!ramcard_card(rc)->pin_verified);
    ramcard_power_cycle(rc);
    ck_assert_uint_eq(verify(""), SW_PIN_TRIES | 4);
    ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
}
END_TEST

/* Cut a CHANGE PIN anywhere: afterwards one PIN works, the old or the new one, and not both. */
START_TEST(changes_the_pin_whole_or_not_at_all)
{
    bool changed = false;
    for (uint64_t cut = 0; !changed; cut++) {
        flashsim_cut_after(ramcard_flash(rc), cut, 1);
        changed = change(TEST_PIN, "98765") == SW_OK;
        ramcard_power_cycle(rc);
        bool old_works = verify(TEST_PIN) == SW_OK;
        bool new_works = verify("98765") == SW_OK;
        ck_assert_int_ne(old_works, new_works);
        if (changed)
            ck_assert(new_works);
        else if (new_works)
            ck_assert_uint_eq(change("98765", TEST_PIN), SW_OK);
        else
            ck_assert_uint_eq(verify(TEST_PIN), SW_OK);
        ck_assert_uint_lt(cut, 200);
    }
}
END_TEST

/* The same PIN on two chips, and twice on one, gives different records. */
START_TEST(salts_and_binds_the_verifier)
{
    uint8_t first[PIN_RECORD_SIZE], second[PIN_RECORD_SIZE];
    struct card *card = ramcard_card(rc);
    ck_assert(card_record(card, REC_PIN, first, sizeof first));
    ck_assert_uint_eq(change(TEST_PIN, TEST_PIN), SW_OK);
    ck_assert(card_record(card, REC_PIN, second, sizeof second));
    ck_assert_mem_ne(first, second, PIN_SALT_SIZE);
    ck_assert_mem_ne(first + PIN_SALT_SIZE, second + PIN_SALT_SIZE, PIN_VERIFIER_SIZE);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("issuer");
    TCase *blank = tcase_create("blank");
    tcase_add_checked_fixture(blank, setup, teardown);
    tcase_set_timeout(blank, 60);
    tcase_add_test(blank, personalises_a_card);
    tcase_add_test(blank, makes_key_pairs_that_belong_together);
    tcase_add_test(blank, needs_everything_before_it_is_personalised);
    tcase_add_test(blank, refuses_the_field_commands_before_personalisation);
    tcase_add_test(blank, personalises_across_power_cycles);
    tcase_add_test(blank, answers_a_failing_flash);
    tcase_add_test(blank, takes_an_rsa_key_that_is_consistent);
    tcase_add_test(blank, refuses_an_rsa_key_that_is_not);
    suite_add_tcase(s, blank);
    TCase *field = tcase_create("field");
    tcase_add_checked_fixture(field, setup_personalised, teardown);
    tcase_set_timeout(field, 60);
    tcase_add_test(field, keeps_keys_after_personalisation);
    tcase_add_test(field, moves_through_the_life_cycle);
    tcase_add_test(field, hides_the_chip_id_after_personalisation);
    tcase_add_test(field, tells_strangers_nothing_that_differs);
    tcase_add_test(field, verifies_and_counts);
    tcase_add_test(field, blocks_after_the_last_try);
    tcase_add_test(field, takes_digits_only_and_charges_nothing_for_others);
    tcase_add_test(field, forgets_the_pin_at_reset_but_not_at_select);
    tcase_add_test(field, changes_the_pin);
    tcase_add_test(field, gives_no_try_back_to_a_power_cut);
    tcase_add_test(field, counts_the_try_before_it_compares);
    tcase_add_test(field, changes_the_pin_whole_or_not_at_all);
    tcase_add_test(field, salts_and_binds_the_verifier);
    suite_add_tcase(s, field);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
