#include "tests/support/gate_world.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/bytes.h"
#include "host/crypto/certificate.h"
#include "host/crypto/package.h"
#include "host/crypto/ticket_crypto.h"
#include "tests/support/must.h"

#define OK(call) must((call) == TALLY_OK)

struct tally_sm9_holder world_holder(const struct world_operator *op, const struct identity *identity)
{
    struct tally_sm9_holder holder;
    OK(tally_sm9_extract(&op->centre, identity, &holder));
    return holder;
}

static void make_operator(struct world *w, struct world_operator *op, uint16_t id, uint8_t suite)
{
    op->id = id;
    op->suite = suite;
    if (suite == SUITE_SM9) {
        const struct identity server = {.scheme = IDENTITY_AUTHD, .operator_id = id, .epoch = WORLD_EPOCH};
        OK(tally_sm9_centre_make(&op->centre));
        const struct tally_sm9_holder holder = world_holder(op, &server);
        OK(tally_key_from_holder(&holder, &op->key1));
    } else {
        OK(tally_key_generate(suite, &op->key1));
    }
    OK(tally_key_generate(SUITE_P256, &op->authority));
    OK(tally_key_generate(SUITE_P256, &op->anchor));
    OK(tally_random_fill(&w->random.random, op->vmk[0], sizeof op->vmk));
}

static void personalise(struct world *w, const uint8_t admin_key[SYM_KEY_SIZE], bool with_rsa)
{
    struct tally_issuer issuer;
    uint8_t challenge[TALLY_SCP03_CHALLENGE_SIZE];
    size_t n;
    OK(tally_random_fill(&w->random.random, challenge, sizeof challenge));
    OK(tally_issuer_open_with_key(&issuer, &w->card, admin_key, challenge, NULL));
    OK(tally_issuer_put(&issuer, DO_SERIAL, w->serial, sizeof w->serial));
    OK(tally_issuer_put(&issuer, DO_ENROLMENT_KEY, tally_key_public(w->enrolment, &n), P256_PUBLIC_SIZE));
    OK(tally_issuer_put(&issuer, DO_INITIAL_PIN, (const uint8_t *)WORLD_PIN, strlen(WORLD_PIN)));
    OK(tally_issuer_generate(&issuer, KEY_REF_KEM, w->kem_key, sizeof w->kem_key));
    OK(tally_issuer_generate(&issuer, KEY_REF_AUTH, w->auth_key, sizeof w->auth_key));
    if (with_rsa) {
        struct tally_key *rsa;
        uint8_t parts[TALLY_RSA_PRIVATE_SIZE];
        OK(tally_key_generate(SUITE_RSA, &rsa));
        OK(tally_key_rsa_private(rsa, parts));
        OK(tally_issuer_put_rsa(&issuer, parts));
        memcpy(w->rsa_modulus, tally_key_public(rsa, &n), RSA_SIZE);
        tally_key_free(rsa);
    }
    OK(tally_issuer_set_life(&issuer, LIFE_PERSONALISED));
    tally_issuer_close(&issuer);
    OK(tally_card_select(&w->card, TALLY_AID_TICKET));
}

void world_start_on(struct world *w, struct card_transport *transport, const uint8_t admin_key[SYM_KEY_SIZE],
                    bool with_rsa)
{
    static const uint8_t serial[SERIAL_SIZE] = {0x54, 0x41, 0, 0, 0, 0, 0, 1};
    memset(w, 0, sizeof *w);
    tally_manual_clock_init(&w->clock, (int64_t)WORLD_NOW * 1000);
    tally_seeded_random_init(&w->random, 42u + admin_key[0]); /* other cards' worlds have other keys */
    memcpy(w->serial, serial, sizeof serial);
    OK(tally_key_generate(SUITE_P256, &w->enrolment));
    make_operator(w, &w->operators[0], 1, SUITE_P256);
    tally_card_init(&w->card, transport);
    personalise(w, admin_key, with_rsa);
    world_put_package(w, &w->operators[0], 1);
    if (with_rsa) {
        make_operator(w, &w->operators[1], 2, SUITE_RSA);
        world_put_package(w, &w->operators[1], 1);
    }
    snprintf(w->folder, sizeof w->folder, "/tmp/tally-gate-XXXXXX");
    must(mkdtemp(w->folder) != NULL);
}

void world_start(struct world *w, bool with_rsa)
{
    struct ramcard *rc = ramcard_new(7);
    const struct hal_identity identity = ramcard_identity(rc);
    struct ram_transport transport;
    ram_transport_init(&transport, rc);
    world_start_on(w, &transport.base, identity.admin_key, with_rsa);
    w->rc = rc;
    ram_transport_init(&w->transport, rc);
    w->card.transport = &w->transport.base;
}

void world_add_sm9(struct world *w)
{
    make_operator(w, &w->operators[2], 3, SUITE_SM9);
    world_put_package(w, &w->operators[2], 1);
}

static void remove_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;)
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir != NULL)
        closedir(dir);
    rmdir(folder);
}

void world_end(struct world *w)
{
    for (size_t i = 0; i < 3; i++) {
        tally_key_free(w->operators[i].key1);
        tally_key_free(w->operators[i].authority);
        tally_key_free(w->operators[i].anchor);
    }
    tally_key_free(w->enrolment);
    if (w->rc != NULL)
        ramcard_free(w->rc);
    remove_folder(w->folder);
}

void world_put_package(struct world *w, struct world_operator *op, uint8_t newest)
{
    struct tally_package p = {.operator_id = op->id,
                              .card_key_version = 1,
                              .action = TALLY_PACKAGE_SET,
                              .version = ++op->package_version,
                              .suite = op->suite,
                              .key6_count = 1,
                              .sub_key_count = newest};
    struct tally_enrolment e = {.operator_id = op->id, .version = 1};
    uint8_t enrolment[ENROLMENT_SIZE], sealed[TALLY_PACKAGE_MAX];
    size_t n;
    const uint8_t *key6 = tally_key_public(op->key1, &n);
    p.key6[0].version = 1;
    memcpy(p.serial, w->serial, SERIAL_SIZE);
    if (op->suite == SUITE_SM9) {
        struct identity card = {.scheme = IDENTITY_CARD, .epoch = WORLD_EPOCH};
        memcpy(card.serial, w->serial, SERIAL_SIZE);
        memcpy(p.key6[0].key, key6 + 2, SM9_EPOCH_SIZE);
        p.holder = world_holder(op, &card);
    } else {
        memcpy(p.key6[0].key, key6, n);
    }
    memcpy(p.gate_anchor, tally_key_public(op->anchor, &n), P256_PUBLIC_SIZE);
    memcpy(e.authority_key, tally_key_public(op->authority, &n), P256_PUBLIC_SIZE);
    OK(tally_card_certificate_make(op->authority, op->id, w->serial, w->auth_key + 1, p.card_certificate));
    for (uint8_t v = 1; v <= newest; v++) {
        p.sub_keys[v - 1].version = v;
        OK(tally_derive_sub_key(op->vmk[v - 1], v, op->id, w->serial, p.sub_keys[v - 1].sub_key));
        OK(tally_derive_id_key(op->vmk[v - 1], v, op->id, p.sub_keys[v - 1].id_key));
    }
    OK(tally_enrolment_make(w->enrolment, &e, enrolment));
    OK(tally_package_seal(&p, enrolment, op->authority, w->kem_key + 1, sealed, &n));
    OK(tally_card_put_package(&w->card, sealed, n));
}

struct ticket_face world_face(struct world *w, const struct world_operator *op)
{
    const uint32_t now = (uint32_t)tally_clock_wall_s(&w->clock.clock);
    struct ticket_face f = {.profile = PROFILE_RAIL,
                            .operator_id = op->id,
                            .product = 1,
                            .issued = now - 100,
                            .valid_from = now - 50,
                            .valid_to = now + 5000,
                            .sequence = op->sequence + 1,
                            .service_date = (uint16_t)(now / 86400 - 10957),
                            .service_minute = 480,
                            .from = WORLD_STATION,
                            .to = WORLD_DESTINATION,
                            .coach = 3,
                            .fare_class = 2,
                            .fare_type = 1,
                            .price = 5000,
                            .currency = 156,
                            .max_entries = 2,
                            .max_temporary_exits = 1,
                            .point_of_sale = 9,
                            .suite = op->suite,
                            .key_version = 1};
    OK(tally_random_fill(&w->random.random, f.tid, TID_SIZE));
    memcpy(f.serial, w->serial, SERIAL_SIZE);
    memcpy(f.service, WORLD_SERVICE, SERVICE_SIZE);
    memcpy(f.seat, "12A", SEAT_SIZE);
    return f;
}

void world_seal(struct world *w, const struct tally_key *key1, const struct ticket_face *face,
                uint8_t out[CIPHERTEXT_1_MAX], size_t *n)
{
    uint8_t bytes[FACE_SIZE], tfv[TALLY_TFV_MAX];
    size_t tfv_size;
    bool rsa = face->suite == SUITE_RSA;
    must(face_valid(face));
    face_encode(face, bytes);
    OK(tally_face_sign(key1, bytes, tfv, &tfv_size));
    if (face->suite == SUITE_SM9) {
        OK(tally_ciphertext_1_seal_sm9(bytes, tfv, tally_key_sm9(key1), WORLD_EPOCH, out, n));
        return;
    }
    OK(tally_ciphertext_1_seal(bytes, tfv, tfv_size, rsa ? w->rsa_modulus : w->kem_key + 1,
                               rsa ? RSA_SIZE : P256_PUBLIC_SIZE, 1, out, n));
}

void world_load(struct world *w, struct world_operator *op, const struct ticket_face *face)
{
    uint8_t ciphertext[CIPHERTEXT_1_MAX], usage[USAGE_SIZE];
    size_t n;
    world_seal(w, op->key1, face, ciphertext, &n);
    OK(tally_card_load(&w->card, ciphertext, n, usage));
    if (face->sequence > op->sequence)
        op->sequence = face->sequence;
}

static void add_pair(const struct world_operator *op, uint8_t kind, struct tally_key **key,
                     uint8_t *certificate)
{
    struct tally_gate_certificate c = {
        .kind = kind, .operator_id = op->id, .gate = WORLD_GATE, .epoch = 1, .not_after = WORLD_NOW + 100000};
    uint8_t made[GATE_CERT_RSA_SIZE];
    size_t n;
    OK(tally_key_generate(kind == GATE_RSA ? SUITE_RSA : SUITE_P256, key));
    const uint8_t *public_key = tally_key_public(*key, &n);
    memcpy(c.public_key, public_key, n);
    OK(tally_gate_certificate_make(op->anchor, &c, made, &n));
    memcpy(certificate, made, n);
}

static void add_identity(const struct world_operator *op, struct gate_kit *kit)
{
    const struct identity gate = {
        .scheme = IDENTITY_GATE, .operator_id = op->id, .gate = WORLD_GATE, .epoch = 1};
    const struct tally_sm9_holder holder = world_holder(op, &gate);
    OK(tally_sm9_key_make(&holder, &kit->identity));
    kit->card_epoch_floor = WORLD_EPOCH;
}

void world_open_gate(struct world *w, const struct world_operator *op, uint8_t mode, struct gate *gate)
{
    size_t n;
    memset(gate, 0, sizeof *gate);
    gate_denylist_init(&gate->list);
    struct gate_kit *kit = &gate->kit;
    *kit = (struct gate_kit){.operator_id = op->id,
                             .gate = WORLD_GATE,
                             .station = WORLD_STATION,
                             .suite = op->suite,
                             .key6_count = 1};
    kit->key6[0].version = 1;
    const uint8_t *raw = tally_key_public(op->key1, &n);
    OK(tally_key_from_public(raw, n, &kit->key6[0].key));
    raw = tally_key_public(op->authority, &n);
    OK(tally_key_from_public(raw, n, &kit->authority));
    kit->vmk.count = 1;
    kit->vmk.at[0].version = 1;
    memcpy(kit->vmk.at[0].secret, op->vmk[0], SYM_KEY_SIZE);
    if (mode == GATE_P256)
        add_pair(op, GATE_P256, &kit->p256, kit->p256_certificate);
    if (mode == GATE_RSA)
        add_pair(op, GATE_RSA, &kit->rsa, kit->rsa_certificate);
    if (mode == GATE_SM9)
        add_identity(op, kit);
    gate->mode = mode;
    gate->rules = (struct gate_rules){.operator_id = op->id,
                                      .gate = WORLD_GATE,
                                      .station = WORLD_STATION,
                                      .station_rule = GATE_STATIONS_ENTRY,
                                      .zone = GATE_NO_ZONE,
                                      .gate_set_bit = GATE_NO_ZONE,
                                      .holder_rule = GATE_HOLDER_WHEN_SHOWN,
                                      .skew_s = 300};
    gate->clock = &w->clock.clock;
    gate->random = &w->random.random;
    OK(gate_journal_open(w->folder, op->id, WORLD_GATE, WORLD_NOW, &gate->journal));
}

void world_close_gate(struct gate *gate)
{
    gate_journal_close(gate->journal);
    gate_denylist_free(&gate->list);
    gate_kit_free(&gate->kit);
}

static void write_hex(const char *folder, const char *name, const uint8_t *bytes, size_t n)
{
    char path[256], hex[2 * GATE_CERT_RSA_SIZE + 1];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    OK(tally_hex_encode(bytes, n, hex, sizeof hex));
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    must(fd >= 0);
    must(dprintf(fd, "%s\n", hex) > 0);
    close(fd);
}

static void write_pair(const struct world_operator *op, const char *folder, uint8_t kind, const char *name)
{
    char path[256], file[32];
    struct tally_key *key;
    uint8_t certificate[GATE_CERT_RSA_SIZE];
    add_pair(op, kind, &key, certificate);
    snprintf(path, sizeof path, "%s/%s.pem", folder, name);
    OK(tally_keyfile_save(path, NULL, key));
    snprintf(file, sizeof file, "%s.cert", name);
    write_hex(folder, file, certificate, kind == GATE_RSA ? GATE_CERT_RSA_SIZE : GATE_CERT_P256_SIZE);
    tally_key_free(key);
}

void world_write_kit(struct world *w, const struct world_operator *op, const char *folder)
{
    char path[256], key6[2 * TALLY_PUBLIC_MAX + 1], authority[2 * P256_PUBLIC_SIZE + 1];
    size_t n;
    must(mkdir(folder, 0700) == 0);
    const uint8_t *raw = tally_key_public(op->key1, &n);
    OK(tally_hex_encode(raw, n, key6, sizeof key6));
    raw = tally_key_public(op->authority, &n);
    OK(tally_hex_encode(raw, n, authority, sizeof authority));
    snprintf(path, sizeof path, "%s/kit.json", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    must(fd >= 0);
    must(dprintf(
             fd,
             "{\"operator\": %u, \"gate\": %d, \"station\": %d, \"suite\": %u, \"key6\": [{\"version\": 1, "
             "\"key\": \"%s\"}], \"authority_key\": \"%s\", \"sub_key_versions\": [1]}\n",
             op->id, WORLD_GATE, WORLD_STATION, op->suite, key6, authority) > 0);
    close(fd);
    write_hex(folder, "vmk-v1.key", op->vmk[0], SYM_KEY_SIZE);
    if (op->suite == SUITE_SM9) {
        const struct identity gate = {
            .scheme = IDENTITY_GATE, .operator_id = op->id, .gate = WORLD_GATE, .epoch = 1};
        const struct tally_sm9_holder holder = world_holder(op, &gate);
        snprintf(path, sizeof path, "%s/gate.sm9", folder);
        OK(tally_sm9_holder_save(path, &holder));
        return;
    }
    write_pair(op, folder, GATE_P256, "gate-p256");
    if (w->operators[1].id != 0)
        write_pair(op, folder, GATE_RSA, "gate-rsa");
}
