/* The host's SCP03 against a recorded session of a card in the field, and against this project's card. */
#include "card/apdu/scp03.h"
#include "card/crypto/sym.h"
#include "host/crypto/scp03.h"
#include "tests/unit/crypto_support.h"

enum { ANSWER_SIZE = TALLY_SCP03_INITIALIZE_SIZE };

/* A session that the pySim project recorded with an eUICC: AES-128, level 33, 8-byte MACs. */
#define CHALLENGE "fdf38259a1e0de44"
#define ANSWER    "000000000000000000003003703b1aca81e821f219081cdc01c26b372d"

static void recorded(struct tally_scp03 *s, struct tally_scp03_command *c)
{
    struct hex enc = unhex("000102030405060708090a0b0c0d0e0f"),
               mac = unhex("101112131415161718191a1b1c1d1e1f");
    struct hex challenge = unhex(CHALLENGE), answer = unhex(ANSWER);
    tally_scp03_begin(s, challenge.p);
    ck_assert_int_eq(tally_scp03_authenticate_with(s, enc.p, mac.p, answer.p, answer.n, c), TALLY_OK);
}

START_TEST(recorded_session)
{
    static const struct {
        uint8_t ins, p1, p2;
        const char *data, *wrapped;
    } later[] = {
        {0xf2, 0x20, 0x02, "", "ac6a59024bed84cc"},
        {0xca, 0x00, 0x66, "", "409912ad8fb7aed0"},
        {0xf2, 0x20, 0x02, "4f0212345c054f9f70c5", "5f3dafc3ac14c381536a488bf44e06d056df9d74dbd21e5a"},
        {0xf2, 0x80, 0x02, "4f00", "65165105be3373347d0424d4400af2ac393f569ec779389e"}};
    struct tally_scp03 s;
    struct tally_scp03_command c;
    struct hex request = unhex("bf3e035c015a");
    struct hex response = unhex("f3ba2b1013aa6224f5e1c138d71805c569e5439b47576260b75fc021b25097cb"
                                "2e68f8a0144975b9");
    uint8_t out[64];
    size_t n;
    recorded(&s, &c);
    ck_assert(c.cla == 0x84 && c.ins == 0x82 && c.p1 == 0x33 && c.p2 == 0);
    ck_assert_hex(c.data, c.n, "8c36f96bcc00724a4e13ad591d7da3f0");
    ck_assert_int_eq(tally_scp03_wrap(&s, 0x80, 0xe2, 0x91, 0, request.p, request.n, &c), TALLY_OK);
    ck_assert_uint_eq(c.cla, 0x84);
    ck_assert_hex(c.data, c.n, "267a85dfe4a98fca6fb0527e0dfecce4914e40401433c87f");
    ck_assert_int_eq(tally_scp03_unwrap(&s, 0x9000, response.p, response.n, out, &n), TALLY_OK);
    ck_assert_hex(out, n, "bf3e125a1089882119900000000000000000000005");
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        struct hex data = unhex(later[i].data);
        ck_assert_int_eq(
            tally_scp03_wrap(&s, 0x80, later[i].ins, later[i].p1, later[i].p2, data.p, data.n, &c), TALLY_OK);
        ck_assert_hex(c.data, c.n, later[i].wrapped);
        ck_assert_int_eq(tally_scp03_unwrap(&s, 0x6985, NULL, 0, out, &n), TALLY_OK); /* bare */
        ck_assert_uint_eq(n, 0);
    }
}
END_TEST

START_TEST(a_wrong_card_is_refused)
{
    struct hex enc = unhex("000102030405060708090a0b0c0d0e0f"),
               mac = unhex("101112131415161718191a1b1c1d1e1f");
    struct hex challenge = unhex(CHALLENGE), answer = unhex(ANSWER);
    for (size_t i = 11; i < answer.n; i++) {
        struct tally_scp03 s;
        struct tally_scp03_command c;
        if (i == 12) /* the variant's other bits only announce */
            continue;
        answer.p[i] ^= 0x02;
        tally_scp03_begin(&s, challenge.p);
        ck_assert_int_eq(tally_scp03_authenticate_with(&s, enc.p, mac.p, answer.p, answer.n, &c),
                         i == 11 ? TALLY_E_FORMAT : TALLY_E_CRYPTO);
        ck_assert(all_zero((uint8_t *)&s, sizeof s));
        ck_assert_uint_eq(c.n, 0);
        answer.p[i] ^= 0x02;
    }
}
END_TEST

/* Our card, as far as the channel goes. */
struct both {
    struct tally_scp03 host;
    struct scp03 card;
    struct tally_scp03_command c;
};

static const uint8_t admin[16] = {0xad}, challenge[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static void answer_of(struct both *b, uint8_t answer[ANSWER_SIZE])
{
    static const uint8_t which[] = {1, 2};
    static const uint8_t card_challenge[8] = {9, 8, 7, 6, 5, 4, 3, 2};
    const struct bytes context[] = {{&which[0], 1}, {&which[1], 1}};
    struct scp03_keys keys;
    kdf_cmac(admin, LABEL_ADMIN, &context[0], 1, keys.enc, 16);
    kdf_cmac(admin, LABEL_ADMIN, &context[1], 1, keys.mac, 16);
    memset(answer, 0, ANSWER_SIZE);
    memset(answer, 0xc1, 8); /* chip id */
    answer[11] = 3;
    answer[12] = 0x60;
    memcpy(answer + 13, card_challenge, 8);
    scp03_begin(&b->card, &keys, challenge, card_challenge, answer + 21);
}

static struct apdu_command as_apdu(struct tally_scp03_command *c)
{
    return (struct apdu_command){
        .cla = c->cla, .ins = c->ins, .p1 = c->p1, .p2 = c->p2, .data = c->data, .len = c->n};
}

static void open_channel(struct both *b)
{
    uint8_t answer[ANSWER_SIZE];
    answer_of(b, answer);
    tally_scp03_begin(&b->host, challenge);
    ck_assert_int_eq(tally_scp03_authenticate(&b->host, admin, answer, sizeof answer, &b->c), TALLY_OK);
    struct apdu_command apdu = as_apdu(&b->c);
    ck_assert(scp03_authenticate(&b->card, &apdu));
}

START_TEST(with_our_card)
{
    struct both b;
    struct rng rng;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 231, 232, 239, 240, 247, 248, 640, 655, 1247};
    seeded_rng(&rng, 300);
    open_channel(&b);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t text[TALLY_SCP03_PLAIN_MAX], response[TALLY_SCP03_DATA_MAX + 32], out[TALLY_SCP03_DATA_MAX];
        size_t n;
        rng_bytes(&rng, text, sizes[i]);
        ck_assert_int_eq(tally_scp03_wrap(&b.host, 0x80, 0xda, 2, (uint8_t)i, text, sizes[i], &b.c),
                         TALLY_OK);
        struct apdu_command apdu = as_apdu(&b.c);
        ck_assert(scp03_unwrap(&b.card, &apdu));
        ck_assert_bytes_eq(apdu.data, apdu.len, text, sizes[i]);
        memcpy(response, text, sizes[i]);
        size_t wrapped = scp03_wrap(&b.card, response, sizes[i]);
        ck_assert_int_eq(tally_scp03_unwrap(&b.host, 0x9000, response, wrapped, out, &n), TALLY_OK);
        ck_assert_bytes_eq(out, n, text, sizes[i]);
    }
}
END_TEST

START_TEST(the_card_refuses_what_was_changed)
{
    for (size_t i = 0; i < 28; i++) {
        struct both b;
        open_channel(&b);
        ck_assert_int_eq(tally_scp03_wrap(&b.host, 0x80, 0xda, 2, 1, challenge, 8, &b.c), TALLY_OK);
        struct apdu_command apdu = as_apdu(&b.c);
        if (i < 24)
            b.c.data[i] ^= 1;
        apdu.ins ^= i == 24;
        apdu.p1 ^= i == 25;
        apdu.p2 ^= i == 26;
        apdu.len -= i == 27;
        ck_assert(!scp03_unwrap(&b.card, &apdu));
    }
}
END_TEST

START_TEST(the_host_refuses_what_was_changed)
{
    for (size_t i = 0; i < 28; i++) {
        struct both b;
        uint8_t response[64] = {1, 2, 3}, out[64];
        size_t n;
        open_channel(&b);
        ck_assert_int_eq(tally_scp03_wrap(&b.host, 0x80, 0x46, 0, 1, NULL, 0, &b.c), TALLY_OK);
        struct apdu_command apdu = as_apdu(&b.c);
        ck_assert(scp03_unwrap(&b.card, &apdu));
        size_t wrapped = scp03_wrap(&b.card, response, 3);
        ck_assert_uint_eq(wrapped, 24);
        if (i < 24)
            response[i] ^= 1;
        if (i == 25)
            wrapped = 7; /* MAC cut off */
        if (i == 26)
            wrapped = 0;
        /* An error status with data, and, at 24, none of these changes. */
        enum tally_error e =
            tally_scp03_unwrap(&b.host, i == 27 ? 0x6985 : 0x9000, response, wrapped, out, &n);
        ck_assert_int_eq(e, i == 24 ? TALLY_OK : i < 24 ? TALLY_E_CRYPTO : TALLY_E_FORMAT);
        ck_assert_uint_eq(n, i == 24 ? 3 : 0);
        if (i != 24)
            ck_assert_int_eq(tally_scp03_wrap(&b.host, 0x80, 0x46, 0, 1, NULL, 0, &b.c), TALLY_E_STATE);
    }
}
END_TEST

START_TEST(order_and_limits)
{
    struct both b;
    uint8_t answer[ANSWER_SIZE], chip[8], big[TALLY_SCP03_PLAIN_MAX + 1] = {0}, out[8];
    size_t n;
    answer_of(&b, answer);
    ck_assert_int_eq(tally_scp03_chip_id(answer, sizeof answer, chip), TALLY_OK);
    ck_assert_mem_eq(chip, answer, 8);
    ck_assert_int_eq(tally_scp03_chip_id(answer, sizeof answer - 1, chip), TALLY_E_FORMAT);
    ck_assert(all_zero(chip, sizeof chip));
    answer[12] |= 1; /* 16-byte MACs */
    ck_assert_int_eq(tally_scp03_chip_id(answer, sizeof answer, chip), TALLY_E_FORMAT);

    tally_scp03_end(&b.host);
    ck_assert_int_eq(tally_scp03_authenticate(&b.host, admin, answer, sizeof answer, &b.c), TALLY_E_STATE);
    tally_scp03_begin(&b.host, challenge);
    ck_assert_int_eq(tally_scp03_authenticate(&b.host, admin, NULL, 0, &b.c), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_scp03_wrap(&b.host, 0x80, 0x46, 0, 1, NULL, 0, &b.c), TALLY_E_STATE);

    open_channel(&b);
    ck_assert_int_eq(tally_scp03_unwrap(&b.host, 0x9000, big, 8, out, &n), TALLY_E_STATE);
    open_channel(&b);
    ck_assert_int_eq(tally_scp03_wrap(&b.host, 0x80, 0x46, 0, 1, big, sizeof big, &b.c), TALLY_E_FULL);
    ck_assert_uint_eq(b.c.n, 0);
    open_channel(&b);
    ck_assert_int_eq(tally_scp03_wrap(&b.host, 0x80, 0x46, 0, 1, NULL, 0, &b.c), TALLY_OK);
    ck_assert_int_eq(tally_scp03_wrap(&b.host, 0x80, 0x46, 0, 1, NULL, 0, &b.c), TALLY_E_STATE);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("scp03");
    TCase *t = tcase_create("channel");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, recorded_session);
    tcase_add_test(t, a_wrong_card_is_refused);
    tcase_add_test(t, with_our_card);
    tcase_add_test(t, the_card_refuses_what_was_changed);
    tcase_add_test(t, the_host_refuses_what_was_changed);
    tcase_add_test(t, order_and_limits);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
