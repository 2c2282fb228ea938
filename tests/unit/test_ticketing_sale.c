/* The rules of selling, sequence numbers in flight, keys at rest, and the register of callers. */
#include "host/ticketing/keystore.h"
#include "host/ticketing/party_file.h"
#include "host/ticketing/private_file.h"
#include "host/ticketing/sale.h"
#include "host/ticketing/sequences.h"
#include "tests/support/check_main.h"

#include <ftw.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct tally_product product = {.operator_id = 1,
                                             .id = 2,
                                             .profile = PROFILE_RAIL,
                                             .price = 1000,
                                             .currency = 156,
                                             .max_entries = 1,
                                             .exchangeable = true,
                                             .refundable = true};
static const struct tally_offer offer = {.operator_id = 1,
                                         .name = "G1      ",
                                         .date = 9800,
                                         .minute = 480,
                                         .from = 1,
                                         .to = 2,
                                         .coaches = 2,
                                         .seats_per_coach = 7};

static void make_face(struct ticket_face *face)
{
    static const uint8_t tid[TID_SIZE] = {1}, serial[SERIAL_SIZE] = {2};
    struct tally_sale sale = {.product = &product,
                              .service = &offer,
                              .tid = tid,
                              .serial = serial,
                              .fare_type = 1,
                              .seat = 12,
                              .now = 1700000000,
                              .utc_offset_minutes = 480};
    tally_sale_face(&sale, face);
}

START_TEST(a_sold_face_is_valid_once_completed)
{
    struct ticket_face face, order;
    static const uint8_t tid[TID_SIZE] = {3};
    make_face(&face);
    ck_assert_uint_eq(face.coach, 2);
    ck_assert_mem_eq(face.seat, "02A", SEAT_SIZE);
    ck_assert_uint_eq(face.valid_to - face.valid_from, TALLY_VALIDITY_S);
    /* Midnight of the service's day, eight hours ahead of UTC. */
    ck_assert_uint_eq(face.valid_from, 946684800u + 9800u * 86400u - 8u * 3600u);
    face.sequence = 5;
    face.suite = SUITE_P256;
    ck_assert(face_valid(&face));
    tally_void_face(&face, tid, 1000, 1700000000, &order);
    order.sequence = 6;
    order.replaces = 5;
    order.suite = SUITE_P256;
    ck_assert(face_valid(&order));
    ck_assert_uint_eq(order.price, 1000);
    ck_assert_mem_eq(order.serial, face.serial, SERIAL_SIZE);
}
END_TEST

START_TEST(every_seat_has_its_own_name)
{
    static bool seen[3][100]['F' + 1];
    char name[SEAT_SIZE];
    uint16_t coach;
    for (uint32_t i = 0; i < TALLY_SEATS_MAX * 2; i++) {
        tally_seat_name(i, TALLY_SEATS_MAX, &coach, name);
        int row = (name[0] - '0') * 10 + name[1] - '0';
        if (coach < 1 || coach > 2 || row < 1 || row > 99 || strchr("ABCDF", name[2]) == NULL ||
            seen[coach][row][(int)name[2]])
            ck_abort_msg("seat %u: coach %u, %.3s", i, coach, name);
        seen[coach][row][(int)name[2]] = true;
    }
}
END_TEST

START_TEST(refunds)
{
    struct ticket_face face;
    uint32_t amount;
    struct usage_record usage = {0};
    make_face(&face);
    ck_assert_int_eq(tally_refund(&face, &usage, &amount), SALE_OK);
    ck_assert_uint_eq(amount, 1000);
    usage.printed = true;
    ck_assert_int_eq(tally_refund(&face, &usage, &amount), SALE_OK);
    static const struct usage_record used[] = {
        {.entries = 1, .direction = INSIDE}, {.entries = 1}, {.clipped = true}};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        ck_assert_int_eq(tally_refund(&face, &used[i], &amount), SALE_USED);
        ck_assert_uint_eq(amount, 0);
    }
    face.flags &= (uint8_t)~FACE_REFUNDABLE;
    ck_assert_int_eq(tally_refund(&face, &usage, &amount), SALE_NOT_ALLOWED);
}
END_TEST

START_TEST(exchanges)
{
    struct ticket_face face;
    int64_t difference;
    struct usage_record usage = {0};
    make_face(&face);
    ck_assert_int_eq(tally_exchange(&face, &usage, 700, &difference), SALE_OK);
    ck_assert_int_eq(difference, -300);
    usage.entries = 1; /* travelled a part and left */
    ck_assert_int_eq(tally_exchange(&face, &usage, 700, &difference), SALE_OK);
    ck_assert_int_eq(difference, 700);
    usage.direction = TEMPORARILY_OUTSIDE;
    ck_assert_int_eq(tally_exchange(&face, &usage, 700, &difference), SALE_INSIDE);
    ck_assert_int_eq(difference, 0);
    usage = (struct usage_record){.clipped = true};
    ck_assert_int_eq(tally_exchange(&face, &usage, 700, &difference), SALE_USED_UP);
    usage = (struct usage_record){.entries = 1, .exited = true};
    ck_assert_int_eq(tally_exchange(&face, &usage, 700, &difference), SALE_USED_UP);
    face.flags &= (uint8_t)~FACE_EXCHANGEABLE;
    usage = (struct usage_record){0};
    ck_assert_int_eq(tally_exchange(&face, &usage, 700, &difference), SALE_NOT_ALLOWED);
}
END_TEST

START_TEST(sequences_in_flight_differ)
{
    static const uint8_t card[SERIAL_SIZE] = {1}, other[SERIAL_SIZE] = {2};
    struct tally_sequences *s = tally_sequences_new();
    uint32_t a, b, c;
    ck_assert_int_eq(tally_sequence_take(s, card, 1, 4, &a), TALLY_OK);
    ck_assert_int_eq(tally_sequence_take(s, card, 1, 4, &b), TALLY_OK);
    ck_assert_uint_eq(a, 5);
    ck_assert_uint_eq(b, 6);
    ck_assert_int_eq(tally_sequence_take(s, card, 2, 0, &c), TALLY_OK);
    ck_assert_uint_eq(c, 1);
    ck_assert_int_eq(tally_sequence_take(s, other, 1, 0, &c), TALLY_OK);
    ck_assert_uint_eq(c, 1);
    /* A worker that read the table before the commit of another still gets a number of its own. */
    tally_sequence_done(s, card, 1, 5, true);
    tally_sequence_done(s, card, 1, 6, true);
    ck_assert_int_eq(tally_sequence_take(s, card, 1, 4, &a), TALLY_OK);
    ck_assert_uint_eq(a, 7);
    /* A number that was not used comes back. */
    tally_sequence_done(s, card, 1, 7, false);
    ck_assert_int_eq(tally_sequence_take(s, card, 1, 6, &a), TALLY_OK);
    ck_assert_uint_eq(a, 7);
    /* The table is the authority. */
    ck_assert_int_eq(tally_sequence_take(s, card, 1, 100, &a), TALLY_OK);
    ck_assert_uint_eq(a, 101);
    ck_assert_int_eq(tally_sequence_take(s, card, 1, UINT32_MAX, &a), TALLY_E_FULL);
    ck_assert_uint_eq(a, 0);
    tally_sequences_free(s);
}
END_TEST

enum { THREADS = 4, TAKEN = 2000 };

struct worker {
    struct tally_sequences *sequences;
    uint32_t taken[TAKEN];
};

static void *take_many(void *arg)
{
    static const uint8_t card[SERIAL_SIZE] = {9};
    struct worker *worker = arg;
    for (size_t i = 0; i < TAKEN; i++)
        if (tally_sequence_take(worker->sequences, card, 1, 0, &worker->taken[i]) == TALLY_OK)
            tally_sequence_done(worker->sequences, card, 1, worker->taken[i], true);
    return NULL;
}

START_TEST(sequences_are_unique_across_threads)
{
    static struct worker workers[THREADS];
    static bool seen[THREADS * TAKEN + 1];
    pthread_t threads[THREADS];
    struct tally_sequences *s = tally_sequences_new();
    for (size_t t = 0; t < THREADS; t++) {
        workers[t].sequences = s;
        ck_assert_int_eq(pthread_create(&threads[t], NULL, take_many, &workers[t]), 0);
    }
    for (size_t t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    for (size_t t = 0; t < THREADS; t++)
        for (size_t i = 0; i < TAKEN; i++) {
            uint32_t n = workers[t].taken[i];
            if (n < 1 || n > THREADS * TAKEN || seen[n])
                ck_abort_msg("number %u", n);
            seen[n] = true;
        }
    tally_sequences_free(s);
}
END_TEST

static char folder[] = "/tmp/tally-keystore-XXXXXX";

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *where)
{
    (void)info, (void)type, (void)where;
    return remove(path);
}

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void path_of(const char *name, char out[TALLY_PATH_MAX])
{
    ck_assert_int_eq(tally_path_join(folder, name, out), TALLY_OK);
}

START_TEST(keystore_round_trip)
{
    char keys[TALLY_PATH_MAX];
    struct tally_keystore *store;
    uint8_t version;
    path_of("keys", keys);
    ck_assert_int_eq(tally_keystore_init(keys), TALLY_OK);
    ck_assert_int_eq(tally_keystore_init(keys), TALLY_E_EXISTS);
    ck_assert_int_eq(tally_keystore_add_operator(keys, 10, SUITE_P256), TALLY_OK);
    ck_assert_int_eq(tally_keystore_add_operator(keys, 9, SUITE_P256), TALLY_OK);
    ck_assert_int_eq(tally_keystore_add_operator(keys, 9, SUITE_P256), TALLY_E_EXISTS);
    ck_assert_int_eq(tally_keystore_add_operator(keys, 0, SUITE_P256), TALLY_E_USAGE);
    ck_assert_int_eq(tally_keystore_add_operator(keys, 8, SUITE_SM9 + 1), TALLY_E_USAGE);
    ck_assert_int_eq(tally_keystore_roll_key1(keys, 9, &version), TALLY_OK);
    ck_assert_uint_eq(version, 2);
    ck_assert_int_eq(tally_keystore_roll_vmk(keys, 9, &version), TALLY_OK);
    ck_assert_uint_eq(version, 2);
    ck_assert_int_eq(tally_keystore_set_floors(keys, 9, 3, 0), TALLY_E_STATE);
    ck_assert_int_eq(tally_keystore_set_floors(keys, 9, 2, 7), TALLY_OK);
    ck_assert_int_eq(tally_keystore_set_floors(keys, 9, 1, 7), TALLY_E_STATE);
    ck_assert_int_eq(tally_keystore_set_floors(keys, 9, 2, 6), TALLY_E_STATE);
    ck_assert_int_eq(tally_keystore_load(keys, &store), TALLY_OK);
    const struct tally_operator_keys *op = tally_keystore_operator(store, 9);
    ck_assert_ptr_nonnull(op);
    ck_assert_uint_eq(op->key1.count, 2);
    ck_assert_uint_eq(op->vmk.count, 2);
    ck_assert_uint_eq(op->sub_key_floor, 2);
    ck_assert_uint_eq(op->gate_epoch_floor, 7);
    ck_assert_ptr_nonnull(tally_keystore_operator(store, 10));
    ck_assert_ptr_null(tally_keystore_operator(store, 11));
    tally_keystore_release(store);
}
END_TEST

/* Every file and folder opened to others in turn: the whole is refused; and so is damaged content. */
START_TEST(keystore_refuses_open_or_damaged_files)
{
    static const char *const names[] = {"keys",
                                        "keys/issuer",
                                        "keys/issuer/enrolment.pem",
                                        "keys/issuer/admin-master.key",
                                        "keys/operator-1",
                                        "keys/operator-1/suite",
                                        "keys/operator-1/floors",
                                        "keys/operator-1/key1-v1.pem",
                                        "keys/operator-1/vmk-v1.key",
                                        "keys/operator-1/authority.pem",
                                        "keys/operator-1/gate-anchor.pem"};
    char keys[TALLY_PATH_MAX], path[TALLY_PATH_MAX];
    struct tally_keystore *store;
    path_of("keys", keys);
    ck_assert_int_eq(tally_keystore_init(keys), TALLY_OK);
    ck_assert_int_eq(tally_keystore_add_operator(keys, 1, SUITE_P256), TALLY_OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct stat st;
        path_of(names[i], path);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(chmod(path, st.st_mode | 040), 0);
        ck_assert_msg(tally_keystore_load(keys, &store) == TALLY_E_DENIED, "%s", names[i]);
        ck_assert_ptr_null(store);
        ck_assert_int_eq(chmod(path, st.st_mode), 0);
        if (S_ISREG(st.st_mode)) {
            char *text;
            size_t n;
            ck_assert_int_eq(tally_private_file_load(path, 8192, &text, &n), TALLY_OK);
            ck_assert_int_eq(tally_private_file_replace(path, "x\n", 2), TALLY_OK);
            ck_assert_msg(tally_keystore_load(keys, &store) != TALLY_OK, "%s", names[i]);
            ck_assert_int_eq(tally_private_file_replace(path, text, n), TALLY_OK);
            free(text);
        }
    }
    ck_assert_int_eq(tally_keystore_load(keys, &store), TALLY_OK);
    tally_keystore_release(store);
}
END_TEST

static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                          "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYP7UuiVanTHJYet0xjVtaMBJuJI7\n"
                          "Yfps5mliLmDyn7Z5A/4QCLi8maQa6elWKLxk8vGyDC1+n1F3o8KU1EYimQ==\n"
                          "-----END PUBLIC KEY-----\n";

START_TEST(parties_are_added_once)
{
    char path[TALLY_PATH_MAX], *text;
    size_t n;
    path_of("parties.json", path);
    ck_assert_int_eq(tally_party_add(path, "kiosk-1", "kiosk", pem), TALLY_OK);
    ck_assert_int_eq(tally_party_add(path, "kiosk-1", "kiosk", pem), TALLY_OK);
    ck_assert_int_eq(tally_party_add(path, "kiosk-1", "admin", pem), TALLY_E_EXISTS);
    ck_assert_int_eq(tally_party_add(path, "kiosk-2", "kiosk", pem), TALLY_OK);
    ck_assert_int_ne(tally_party_add(path, "kiosk 3", "kiosk", pem), TALLY_OK);
    ck_assert_int_ne(tally_party_add(path, "kiosk-3", "kiosk", "not a key"), TALLY_OK);
    ck_assert_int_eq(tally_private_file_load(path, 65536, &text, &n), TALLY_OK);
    ck_assert_ptr_nonnull(strstr(text, "kiosk-2"));
    ck_assert_ptr_null(strstr(text, "kiosk-3"));
    free(text);
    ck_assert_int_eq(tally_private_file_replace(path, "{", 1), TALLY_OK);
    ck_assert_int_eq(tally_party_add(path, "kiosk-4", "kiosk", pem), TALLY_E_FORMAT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ticketing rules and keys");
    TCase *rules = tcase_create("rules"), *files = tcase_create("files");
    tcase_add_test(rules, a_sold_face_is_valid_once_completed);
    tcase_add_test(rules, every_seat_has_its_own_name);
    tcase_add_test(rules, refunds);
    tcase_add_test(rules, exchanges);
    tcase_add_test(rules, sequences_in_flight_differ);
    tcase_add_test(rules, sequences_are_unique_across_threads);
    tcase_set_timeout(rules, 60);
    suite_add_tcase(suite, rules);
    tcase_add_checked_fixture(files, make_folder, remove_folder);
    tcase_add_test(files, keystore_round_trip);
    tcase_add_test(files, keystore_refuses_open_or_damaged_files);
    tcase_add_test(files, parties_are_added_once);
    tcase_set_timeout(files, 60);
    suite_add_tcase(suite, files);
    return tally_check_main(suite, NULL);
}
