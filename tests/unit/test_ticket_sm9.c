/* What is particular to suite SM9 on the card: gates by identity, packages with keys of a key centre, and
 * what each of them must refuse. The ticket's life in this suite is in ticket_life and its neighbours. */
#include <string.h>

#include "card/wire/be.h"
#include "host/crypto/certificate.h"
#include "host/crypto/kdf.h"
#include "tests/support/check_main.h"
#include "tests/support/ticket_world.h"

static struct world w;

static uint16_t repeat(const struct tally_gate_command *c, struct reply *reply)
{
    return card_send(&w, c->ins, c->p1, c->p2, c->data, c->n, reply);
}

static struct tally_sm9_key *gate_key(const struct operator_world *op, uint32_t gate, uint16_t epoch)
{
    struct identity identity = gate_identity(op, gate);
    identity.epoch = epoch;
    return holder_key(op, &identity);
}

/* VERIFY with this key, which may be of anybody; the session is left as it is then. */
static uint16_t verify_with(struct gate *g, const struct tally_sm9_key *key, const struct ticket_face *face,
                            enum tally_error *opened)
{
    const struct tally_criterion criterion = by_tid(face);
    const uint8_t nonce[GATE_NONCE_SIZE] = {0x5a, (uint8_t)++g->transaction};
    ck_assert_int_eq(tally_gate_begin_identity(&g->session, key, WORLD_EPOCH, nonce, &criterion, &g->command),
                     TALLY_OK);
    *opened = TALLY_E_STATE;
    if (repeat(&g->command, &g->reply) == SW_OK)
        *opened = tally_gate_open(&g->session, NULL, g->reply.data, g->reply.len, &g->answer);
    return g->reply.sw;
}

/* ---- Gates ---- */

START_TEST(whoever_names_a_gate_needs_its_key)
{
    struct ticket_face face = load_one(&w, &w.metro);
    struct gate g = gate_of(&w.metro, GATE_1);
    struct operator_world other = w.metro;
    ck_assert_int_eq(tally_sm9_centre_make(&other.centre), TALLY_OK);
    struct tally_sm9_key *own = gate_key(&w.metro, GATE_1, WORLD_EPOCH),
                         *forged = gate_key(&other, GATE_1, WORLD_EPOCH);
    enum tally_error opened;
    struct snapshot before = take_snapshot(&w);
    ck_assert_uint_eq(verify_with(&g, forged, &face, &opened), SW_OK);
    ck_assert_int_eq(opened, TALLY_E_CRYPTO); /* a name without the key */
    ck_assert_uint_eq(verify_with(&g, own, &face, &opened), SW_OK);
    ck_assert_int_eq(opened, TALLY_OK);

    /* What the card answered to one gate is nothing to another of the same operator, nor to the same one
     * later. */
    struct reply recorded = g.reply;
    struct tally_sm9_key *neighbour = gate_key(&w.metro, GATE_2, WORLD_EPOCH);
    ck_assert_uint_eq(verify_with(&g, neighbour, &face, &opened), SW_OK);
    const struct tally_criterion criterion = by_tid(&face);
    static const uint8_t nonce[GATE_NONCE_SIZE] = {1};
    struct tally_sm9_key *readers[] = {neighbour, own};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(
            tally_gate_begin_identity(&g.session, readers[i], WORLD_EPOCH, nonce, &criterion, &g.command),
            TALLY_OK);
        ck_assert_int_eq(tally_gate_open(&g.session, NULL, recorded.data, recorded.len, &g.answer),
                         TALLY_E_CRYPTO);
    }
    assert_unchanged(&w, &before);
    tally_sm9_key_free(own);
    tally_sm9_key_free(forged);
    tally_sm9_key_free(neighbour);
}
END_TEST

START_TEST(a_gate_below_the_epoch_floor_is_refused)
{
    struct ticket_face face = load_one(&w, &w.metro);
    struct gate g = gate_of(&w.metro, GATE_1);
    enum tally_error opened;
    struct tally_sm9_key *old = gate_key(&w.metro, GATE_1, WORLD_EPOCH - 1),
                         *next = gate_key(&w.metro, GATE_1, WORLD_EPOCH + 1);
    ck_assert_uint_eq(verify_with(&g, old, &face, &opened), SW_AUTHENTICATION);
    ck_assert_uint_eq(verify_with(&g, next, &face, &opened), SW_OK);
    ck_assert_int_eq(opened, TALLY_OK);
    tally_sm9_key_free(old);
    tally_sm9_key_free(next);
}
END_TEST

START_TEST(identities_are_for_their_suite_alone)
{
    struct ticket_face face = load_one(&w, &w.metro);
    struct gate g = gate_of(&w.metro, GATE_1);
    struct reply reply;
    ck_assert_uint_eq(gate_verify_by_pair(&w, &g, GATE_SM9, by_tid(&face)), SW_OK);
    be16_put(g.command.data, RAIL_ID); /* on the card, of suite P-256 */
    ck_assert_uint_eq(repeat(&g.command, &reply), SW_KEY_ABSENT);
    be16_put(g.command.data, 0x0999); /* not on the card */
    ck_assert_uint_eq(repeat(&g.command, &reply), SW_KEY_ABSENT);
    be16_put(g.command.data, METRO_ID);
    for (size_t n = 0; n <= g.command.n + 8; n++)
        if (n != GATE_IDENTITY_SIZE + GATE_NONCE_SIZE + 10 && n != g.command.n)
            ck_assert_uint_eq(card_send(&w, INS_VERIFY, GATE_SM9, 0, g.command.data, n, &reply),
                              SW_WRONG_LENGTH);
    ck_assert_uint_eq(card_send(&w, INS_VERIFY, GATE_SM9, 1, g.command.data, g.command.n, &reply),
                      SW_WRONG_P1P2);
    ck_assert_uint_eq(repeat(&g.command, &reply), SW_OK);
}
END_TEST

/* The bytes where other operators have their gate anchor are those of a master key. */
START_TEST(certificates_are_nothing_to_this_suite)
{
    uint8_t data[GATE_CERT_RSA_SIZE + GATE_NONCE_SIZE + TID_SIZE] = {0};
    struct tally_gate_certificate c = {
        .kind = GATE_P256, .operator_id = METRO_ID, .gate = GATE_1, .epoch = WORLD_EPOCH};
    struct reply reply;
    size_t n;
    memcpy(c.public_key, tally_key_public(w.gate_p256, &n), P256_PUBLIC_SIZE);
    ck_assert_int_eq(tally_gate_certificate_make(w.metro.anchor, &c, data, &n), TALLY_OK);
    ck_assert_uint_eq(card_send(&w, INS_VERIFY, GATE_P256, 0, data, n + GATE_NONCE_SIZE + TID_SIZE, &reply),
                      SW_KEY_ABSENT);
    c.kind = GATE_RSA;
    memcpy(c.public_key, tally_key_public(w.gate_rsa, &n), RSA_SIZE);
    ck_assert_int_eq(tally_gate_certificate_make(w.metro.anchor, &c, data, &n), TALLY_OK);
    ck_assert_uint_eq(card_send(&w, INS_VERIFY, GATE_RSA, 0, data, n + GATE_NONCE_SIZE + TID_SIZE, &reply),
                      SW_KEY_ABSENT);
}
END_TEST

START_TEST(a_recorded_write_is_useless)
{
    struct ticket_face face = load_one(&w, &w.metro);
    struct gate g = gate_of(&w.metro, GATE_1);
    uint8_t part[USAGE_GATE_PART];
    struct reply reply;
    ck_assert_uint_eq(gate_verify_by_pair(&w, &g, GATE_SM9, by_tid(&face)), SW_OK);
    const struct tally_gate_command verify = g.command;
    gate_part(&g, EVENT_ENTRY, part);
    ck_assert_uint_eq(gate_write(&w, &g, face.tid, part, NULL), SW_OK);
    const struct tally_gate_command write = g.command;
    struct snapshot before = take_snapshot(&w);
    ck_assert_uint_eq(repeat(&write, &reply), SW_AUTHENTICATION);
    ck_assert_uint_eq(repeat(&verify, &reply), SW_OK); /* the same identity and nonce: other keys */
    ck_assert_uint_eq(repeat(&write, &reply), SW_AUTHENTICATION);
    ck_assert_uint_eq(repeat(&write, &reply), SW_SECURITY_STATUS);
    assert_unchanged(&w, &before);
}
END_TEST

/* ---- The card's proof ---- */

static void change_holder(size_t offset, const uint8_t *bytes, size_t n)
{
    struct store *store = &ramcard_card(w.rc)->store;
    struct store_cursor cursor = store_first(REC_SM9_HOLDER >> 8);
    uint8_t record[SM9_HOLDER_SIZE];
    ck_assert(store_next(store, &cursor));
    ck_assert_int_eq(store_read(store, cursor.id, 0, record, sizeof record), STORE_OK);
    memcpy(record + offset, bytes, n);
    const struct store_change change = {cursor.id, sizeof record, record};
    ck_assert_int_eq(store_commit(store, &change, 1), STORE_OK);
}

/* A copy of a card's tickets with another card's signing key, or with one that has run out. */
START_TEST(a_card_without_its_own_key_proves_nothing)
{
    struct ticket_face face = load_one(&w, &w.metro);
    struct gate g = gate_of(&w.metro, GATE_1);
    struct identity other = card_identity(&w);
    struct tally_sm9_holder holder;
    struct tally_sm9_key *key = gate_key(&w.metro, GATE_1, WORLD_EPOCH);
    enum tally_error opened;
    uint8_t epoch[SM9_EPOCH_SIZE];
    other.serial[0] ^= 1;
    ck_assert_int_eq(tally_sm9_extract(&w.metro.centre, &other, &holder), TALLY_OK);
    change_holder(SM9_HOLDER_SIGN_KEY, holder.sign_key, sizeof holder.sign_key);
    ck_assert_uint_eq(verify_with(&g, key, &face, &opened), SW_OK);
    ck_assert_int_eq(opened, TALLY_E_CRYPTO);

    other = card_identity(&w);
    other.epoch = WORLD_EPOCH - 1;
    ck_assert_int_eq(tally_sm9_extract(&w.metro.centre, &other, &holder), TALLY_OK);
    change_holder(SM9_HOLDER_SIGN_KEY, holder.sign_key, sizeof holder.sign_key);
    ck_assert_uint_eq(verify_with(&g, key, &face, &opened), SW_OK);
    ck_assert_int_eq(opened, TALLY_E_CRYPTO); /* not of the epoch that the card says */
    be16_put(epoch, other.epoch);
    change_holder(SM9_HOLDER_EPOCH, epoch, sizeof epoch);
    ck_assert_uint_eq(verify_with(&g, key, &face, &opened), SW_OK);
    ck_assert_int_eq(opened, TALLY_E_CRYPTO); /* below the floor */

    other.epoch = WORLD_EPOCH + 1;
    ck_assert_int_eq(tally_sm9_extract(&w.metro.centre, &other, &holder), TALLY_OK);
    change_holder(SM9_HOLDER_SIGN_KEY, holder.sign_key, sizeof holder.sign_key);
    be16_put(epoch, other.epoch);
    change_holder(SM9_HOLDER_EPOCH, epoch, sizeof epoch);
    ck_assert_uint_eq(verify_with(&g, key, &face, &opened), SW_OK);
    ck_assert_int_eq(opened, TALLY_OK);
    tally_sm9_key_free(key);
}
END_TEST

START_TEST(an_answer_with_any_flipped_byte_is_refused)
{
    struct ticket_face face = load_one(&w, &w.metro);
    struct gate g = gate_of(&w.metro, GATE_1);
    struct tally_sm9_key *key = gate_key(&w.metro, GATE_1, WORLD_EPOCH);
    enum tally_error opened;
    const struct tally_criterion criterion = by_tid(&face);
    ck_assert_uint_eq(verify_with(&g, key, &face, &opened), SW_OK);
    ck_assert_int_eq(opened, TALLY_OK);
    const uint8_t nonce[GATE_NONCE_SIZE] = {0x5a, (uint8_t)g.transaction};
    for (size_t i = 0; i < g.reply.len; i += i < SM9_G1_SIZE ? 7 : 29) {
        ck_assert_int_eq(
            tally_gate_begin_identity(&g.session, key, WORLD_EPOCH, nonce, &criterion, &g.command), TALLY_OK);
        g.reply.data[i] ^= (uint8_t)(1 << i % 8);
        ck_assert_int_eq(tally_gate_open(&g.session, NULL, g.reply.data, g.reply.len, &g.answer),
                         TALLY_E_CRYPTO);
        g.reply.data[i] ^= (uint8_t)(1 << i % 8);
    }
    ck_assert_int_eq(tally_gate_begin_identity(&g.session, key, WORLD_EPOCH, nonce, &criterion, &g.command),
                     TALLY_OK);
    ck_assert_int_eq(tally_gate_open(&g.session, NULL, g.reply.data, g.reply.len - 1, &g.answer),
                     TALLY_E_FORMAT);
    tally_sm9_key_free(key);
}
END_TEST

/* ---- Ciphertext 1 ---- */

/* For the card's own identity and under its masters, whatever face and key 1 are. */
static uint16_t load_crafted(const struct tally_key *key1, const struct ticket_face *face, uint16_t epoch)
{
    struct message m;
    struct reply reply;
    uint8_t *header = m.data, *c = header + CIPHERTEXT_1_HEADER_SIZE, *body = c + SM9_G1_SIZE;
    uint8_t plain[FACE_SIZE + TALLY_TFV_MAX], secret[TALLY_SM9_SECRET_SIZE], key[SYM_KEY_SIZE];
    static const uint8_t nonce[GCM_NONCE_SIZE];
    const struct tally_bytes aad = {header, CIPHERTEXT_1_HEADER_SIZE};
    const struct tally_bytes info = {(const uint8_t *)LABEL_CIPHERTEXT_1, sizeof LABEL_CIPHERTEXT_1 - 1};
    struct identity card = card_identity(&w);
    size_t n;
    card.epoch = epoch;
    memcpy(header, (const uint8_t[]){1, SUITE_SM9, METRO_ID >> 8, METRO_ID & 0xff, (uint8_t)epoch},
           CIPHERTEXT_1_HEADER_SIZE);
    face_encode(face, plain);
    ck_assert_int_eq(tally_face_sign(key1, plain, plain + FACE_SIZE, &n), TALLY_OK);
    ck_assert_int_eq(tally_sm9_encapsulate(tally_key_sm9(w.metro.key1), &card, c, secret), TALLY_OK);
    ck_assert_int_eq(tally_hkdf((struct tally_bytes){NULL, 0}, (struct tally_bytes){secret, sizeof secret},
                                &info, 1, key, sizeof key),
                     TALLY_OK);
    ck_assert_int_eq(tally_gcm_seal(key, nonce, &aad, 1, plain, FACE_SIZE + SM9_CODE_SIZE, body), TALLY_OK);
    m.n = CIPHERTEXT_1_HEADER_SIZE + SM9_G1_SIZE + FACE_SIZE + SM9_CODE_SIZE + AEAD_TAG_SIZE;
    return load_message(&w, &m, &reply);
}

START_TEST(anybody_can_encrypt_and_only_the_server_signs)
{
    struct ticket_face face = face_of(&w, &w.metro);
    struct operator_world other = w.metro, centre = w.metro;
    other.id = RAIL_ID; /* a server of another operator that has the same key centre */
    ck_assert_int_eq(tally_sm9_centre_make(&centre.centre), TALLY_OK);
    struct tally_key *forgers[] = {server_key(&other, WORLD_EPOCH), server_key(&centre, WORLD_EPOCH),
                                   server_key(&w.metro, WORLD_EPOCH - 1),
                                   server_key(&w.metro, WORLD_EPOCH + 1)};
    struct snapshot before = take_snapshot(&w);
    for (size_t i = 0; i < sizeof forgers / sizeof forgers[0]; i++) {
        ck_assert_uint_eq(load_crafted(forgers[i], &face, WORLD_EPOCH), SW_AUTHENTICATION);
        tally_key_free(forgers[i]);
    }
    ck_assert_uint_eq(load_crafted(w.metro.key1, &face, WORLD_EPOCH + 1), SW_KEY_ABSENT);
    ck_assert_uint_eq(load_crafted(w.metro.key1, &face, WORLD_EPOCH + 256), SW_AUTHENTICATION);
    struct ticket_face elsewhere = face;
    elsewhere.serial[0] ^= 1; /* the issuer's mistake */
    ck_assert_uint_eq(load_crafted(w.metro.key1, &elsewhere, WORLD_EPOCH), SW_WRONG_DATA);
    assert_unchanged(&w, &before);
    ck_assert_uint_eq(load_crafted(w.metro.key1, &face, WORLD_EPOCH), SW_OK);
}
END_TEST

/* ---- Packages ---- */

static uint16_t put(const struct tally_package *p)
{
    struct message m;
    package_seal(&w, &w.metro, p, &m);
    return package_send(&w, &m);
}

START_TEST(keys_out_of_their_groups_are_malformed)
{
    const struct tally_package good = package_of(&w, &w.metro);
    struct tally_package p;
    uint8_t *const keys[] = {p.holder.masters.sign, p.holder.masters.encrypt, p.holder.sign_key,
                             p.holder.decrypt_key};
    struct snapshot before = take_snapshot(&w);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        p = good;
        keys[i][40] ^= 1; /* not on the curve */
        ck_assert_uint_eq(put(&p), SW_WRONG_DATA);
        p = good;
        memset(keys[i], 0xff, FP_BYTES); /* not below p */
        ck_assert_uint_eq(put(&p), SW_WRONG_DATA);
    }
    assert_unchanged(&w, &before);
    ck_assert_uint_eq(put(&good), SW_OK);
}
END_TEST

START_TEST(new_masters_come_with_a_package)
{
    struct ticket_face face = load_one(&w, &w.metro), late = face_of(&w, &w.metro);
    struct operator_world before = w.metro;
    struct message sealed;
    struct gate g = gate_of(&w.metro, GATE_1);
    face_seal(&w, &w.metro, &late, &sealed);
    ck_assert_int_eq(tally_sm9_centre_make(&w.metro.centre), TALLY_OK);
    w.metro.key1 = server_key(&w.metro, WORLD_EPOCH);
    struct tally_package p = package_of(&w, &w.metro);
    ck_assert_uint_eq(put(&p), SW_OK);

    struct reply reply;
    enum tally_error opened;
    ck_assert_uint_eq(load_message(&w, &sealed, &reply), SW_AUTHENTICATION); /* under the old ones */
    load_one(&w, &w.metro);
    ck_assert_uint_eq(gate_verify_by_pair(&w, &g, GATE_SM9, by_date(1, "")), SW_OK);
    struct tally_sm9_key *old = gate_key(&before, GATE_1, WORLD_EPOCH);
    ck_assert_uint_eq(verify_with(&g, old, &face, &opened), SW_OK);
    ck_assert_int_eq(opened, TALLY_E_CRYPTO);
    tally_sm9_key_free(old);
    tally_key_free(w.metro.key1);
    w.metro.key1 = before.key1;
    ck_assert_uint_eq(tap(&w, &g, &face, EVENT_ENTRY), SW_OK); /* what was loaded stays good */
}
END_TEST

START_TEST(nothing_is_left_of_an_operator_that_leaves)
{
    const struct store *store = &ramcard_card(w.rc)->store;
    load_one(&w, &w.metro);
    remove_operator(&w, &w.metro);
    struct store_cursor holders = store_first(REC_SM9_HOLDER >> 8), powers = store_first(REC_SM9_POWERS >> 8);
    ck_assert(!store_next(store, &holders));
    ck_assert(!store_next(store, &powers));
    w.metro.suite = SUITE_P256; /* it may come back with another suite */
    tally_key_free(w.metro.key1);
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &w.metro.key1), TALLY_OK);
    enrol(&w, &w.metro);
    struct ticket_face face = load_one(&w, &w.metro);
    struct gate g = gate_of(&w.metro, GATE_1);
    ck_assert_uint_eq(tap(&w, &g, &face, EVENT_ENTRY), SW_OK);
    ck_assert_uint_eq(gate_verify_by_pair(&w, &g, GATE_P256, by_tid(&face)), SW_OK);
}
END_TEST

static void set_up(void)
{
    world_init(&w, 31);
    enrol(&w, &w.rail);
    enrol(&w, &w.metro);
}

static void tear_down(void)
{
    world_free(&w);
}

int main(void)
{
    Suite *s = suite_create("ticket sm9");
    TCase *c = tcase_create("identities");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_add_test(c, whoever_names_a_gate_needs_its_key);
    tcase_add_test(c, a_gate_below_the_epoch_floor_is_refused);
    tcase_add_test(c, identities_are_for_their_suite_alone);
    tcase_add_test(c, certificates_are_nothing_to_this_suite);
    tcase_add_test(c, a_recorded_write_is_useless);
    tcase_add_test(c, a_card_without_its_own_key_proves_nothing);
    tcase_add_test(c, an_answer_with_any_flipped_byte_is_refused);
    tcase_add_test(c, anybody_can_encrypt_and_only_the_server_signs);
    tcase_add_test(c, keys_out_of_their_groups_are_malformed);
    tcase_add_test(c, new_masters_come_with_a_package);
    tcase_add_test(c, nothing_is_left_of_an_operator_that_leaves);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
