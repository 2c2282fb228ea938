/* Keys at rest: saved and loaded whole, or refused. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/crypto/keyfile.h"
#include "host/crypto/p256.h"
#include "host/crypto/rsa.h"
#include "tests/unit/crypto_support.h"

enum { PATH_SIZE = 256 };

static char folder[] = "/tmp/tally-keyfile-XXXXXX";
static struct tally_key *p256, *rsa;

static void make_keys(void)
{
    ck_assert_int_eq(tally_key_generate(SUITE_P256, &p256), TALLY_OK);
    ck_assert_int_eq(tally_key_generate(SUITE_RSA, &rsa), TALLY_OK);
}

static void free_keys(void)
{
    tally_key_free(p256);
    tally_key_free(rsa);
}

static void set_up(void)
{
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder)); /* mode 0700 */
}

static void tear_down(void)
{
    char command[PATH_SIZE];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_folder(const char *name)
{
    static char path[4][PATH_SIZE];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, PATH_SIZE, "%s/%s", folder, name);
    return p;
}

static void write_file(const char *name, const char *text, size_t n, mode_t mode)
{
    FILE *f = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(in_folder(name), mode), 0);
}

static size_t read_file(const char *name, char *out, size_t size)
{
    FILE *f = fopen(in_folder(name), "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, size, f);
    fclose(f);
    return n;
}

static enum tally_error load_error(const char *name, const char *passphrase)
{
    struct tally_key *key;
    enum tally_error e = tally_keyfile_load(in_folder(name), passphrase, &key);
    ck_assert((key != NULL) == (e == TALLY_OK));
    tally_key_free(key);
    return e;
}

static void check_round_trip(const struct tally_key *key, const char *name, const char *passphrase)
{
    struct tally_key *back;
    struct stat st;
    size_t n, m;
    ck_assert_int_eq(tally_keyfile_save(in_folder(name), passphrase, key), TALLY_OK);
    ck_assert_int_eq(stat(in_folder(name), &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(tally_keyfile_load(in_folder(name), passphrase, &back), TALLY_OK);
    ck_assert(tally_key_is_private(back));
    const uint8_t *a = tally_key_public(key, &n), *b = tally_key_public(back, &m);
    ck_assert_bytes_eq(a, n, b, m);
    tally_key_free(back);
    ck_assert_int_eq(tally_keyfile_save(in_folder(name), passphrase, key), TALLY_E_EXISTS);
}

START_TEST(key_files_round_trip)
{
    char text[TALLY_KEYFILE_MAX];
    check_round_trip(p256, "a.pem", NULL);
    check_round_trip(rsa, "b.pem", NULL);
    check_round_trip(p256, "c.pem", "correct horse");
    check_round_trip(rsa, "d.pem", "correct horse");
    read_file("a.pem", text, sizeof text);
    ck_assert_int_eq(strncmp(text, "-----BEGIN PRIVATE KEY-----", 27), 0);
    read_file("c.pem", text, sizeof text);
    ck_assert_int_eq(strncmp(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----", 37), 0);
}
END_TEST

START_TEST(wrong_passphrases_are_refused)
{
    char longest[TALLY_PASSPHRASE_MAX + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    ck_assert_int_eq(tally_keyfile_save(in_folder("a.pem"), "correct horse", p256), TALLY_OK);
    ck_assert_int_eq(load_error("a.pem", "wrong horse"), TALLY_E_CRYPTO);
    ck_assert_int_eq(load_error("a.pem", ""), TALLY_E_CRYPTO);
    ck_assert_int_eq(load_error("a.pem", NULL), TALLY_E_CRYPTO);
    ck_assert_int_eq(load_error("a.pem", longest), TALLY_E_CRYPTO);
    ck_assert_int_eq(load_error("a.pem", "correct horse"), TALLY_OK);
    ck_assert_int_eq(tally_keyfile_save(in_folder("b.pem"), "", p256), TALLY_E_USAGE);
    ck_assert_int_eq(tally_keyfile_save(in_folder("b.pem"), longest, p256), TALLY_E_USAGE);
    ck_assert_int_eq(access(in_folder("b.pem"), F_OK), -1);
}
END_TEST

START_TEST(files_that_others_can_reach_are_refused)
{
    static const mode_t bad[] = {0640, 0604, 0620, 0602, 0610, 0601, 0644, 0777};
    uint8_t secret[16] = {1};
    ck_assert_int_eq(tally_keyfile_save(in_folder("a.pem"), NULL, p256), TALLY_OK);
    ck_assert_int_eq(tally_secret_save(in_folder("a.key"), secret), TALLY_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(chmod(in_folder("a.pem"), bad[i]), 0);
        ck_assert_int_eq(chmod(in_folder("a.key"), bad[i]), 0);
        ck_assert_int_eq(load_error("a.pem", NULL), TALLY_E_DENIED);
        ck_assert_int_eq(tally_secret_load(in_folder("a.key"), secret), TALLY_E_DENIED);
        ck_assert(all_zero(secret, sizeof secret));
    }
    ck_assert_int_eq(chmod(in_folder("a.pem"), 0400), 0);
    ck_assert_int_eq(load_error("a.pem", NULL), TALLY_OK);
}
END_TEST

START_TEST(what_is_no_plain_file_is_refused)
{
    ck_assert_int_eq(load_error("none.pem", NULL), TALLY_E_NOT_FOUND);
    ck_assert_int_eq(tally_keyfile_save(in_folder("a.pem"), NULL, p256), TALLY_OK);
    ck_assert_int_eq(symlink(in_folder("a.pem"), in_folder("link.pem")), 0);
    ck_assert_int_eq(load_error("link.pem", NULL), TALLY_E_DENIED);
    ck_assert_int_eq(mkdir(in_folder("dir.pem"), 0700), 0);
    ck_assert_int_eq(load_error("dir.pem", NULL), TALLY_E_DENIED);
    ck_assert_int_eq(mkfifo(in_folder("pipe.pem"), 0600), 0);
    ck_assert_int_eq(load_error("pipe.pem", NULL), TALLY_E_DENIED);
}
END_TEST

static bool same_key(const struct tally_key *a, const struct tally_key *b)
{
    uint8_t x[32], y[32];
    size_t n;
    ck_assert_int_eq(tally_key_p256_private(a, x), TALLY_OK);
    ck_assert_int_eq(tally_key_p256_private(b, y), TALLY_OK);
    return memcmp(x, y, 32) == 0 && memcmp(tally_key_public(a, &n), tally_key_public(b, &n), 64) == 0;
}

START_TEST(damaged_key_files_are_refused)
{
    static char text[2 * TALLY_KEYFILE_MAX];
    for (int encrypted = 0; encrypted < 2; encrypted++) {
        const char *passphrase = encrypted ? "correct horse" : NULL;
        unlink(in_folder("a.pem"));
        ck_assert_int_eq(tally_keyfile_save(in_folder("a.pem"), passphrase, p256), TALLY_OK);
        size_t n = read_file("a.pem", text, sizeof text);
        for (size_t cut = 0; cut + 2 < n; cut += 23) {
            write_file("cut.pem", text, cut, 0600);
            ck_assert_int_eq(load_error("cut.pem", passphrase), TALLY_E_FORMAT);
        }
        /* A changed digit: malformed, or a key whose halves do not belong together. Never accepted. */
        for (size_t i = 60; i + 60 < n; i += encrypted ? 53 : 7) {
            char before = text[i];
            if (before == '\n')
                continue;
            text[i] = before == 'A' ? 'B' : 'A';
            write_file("bad.pem", text, n, 0600);
            struct tally_key *key;
            enum tally_error e = tally_keyfile_load(in_folder("bad.pem"), passphrase, &key);
            if (e == TALLY_OK) /* a digit that says nothing about the key: a version or padding */
                ck_assert(same_key(key, p256));
            else
                ck_assert(e == TALLY_E_FORMAT || e == TALLY_E_CRYPTO);
            tally_key_free(key);
            text[i] = before;
        }
    }
    memset(text, 'A', sizeof text);
    write_file("long.pem", text, sizeof text, 0600);
    ck_assert_int_eq(load_error("long.pem", NULL), TALLY_E_FORMAT);
}
END_TEST

/* Other kinds of keys, made with the openssl tool. */
START_TEST(keys_of_other_kinds_are_refused)
{
    static const char ed25519[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                                  "-----END PRIVATE KEY-----\n";
    static const char public_key[] = "-----BEGIN PUBLIC KEY-----\n"
                                     "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n"
                                     "-----END PUBLIC KEY-----\n";
    write_file("ed.pem", ed25519, sizeof ed25519 - 1, 0600);
    ck_assert_int_eq(load_error("ed.pem", NULL), TALLY_E_CRYPTO);
    write_file("pub.pem", public_key, sizeof public_key - 1, 0600);
    ck_assert_int_eq(load_error("pub.pem", NULL), TALLY_E_FORMAT);
}
END_TEST

START_TEST(public_keys_are_not_saved)
{
    struct tally_key *pub;
    size_t n;
    ck_assert_int_eq(tally_key_from_public(tally_key_public(p256, &n), 64, &pub), TALLY_OK);
    ck_assert_int_eq(tally_keyfile_save(in_folder("a.pem"), NULL, pub), TALLY_E_USAGE);
    tally_key_free(pub);
}
END_TEST

START_TEST(secrets_round_trip)
{
    uint8_t in[16], out[16];
    char text[64];
    ck_assert_int_eq(tally_random(in, sizeof in), TALLY_OK);
    ck_assert_int_eq(tally_secret_save(in_folder("a.key"), in), TALLY_OK);
    ck_assert_int_eq(tally_secret_save(in_folder("a.key"), in), TALLY_E_EXISTS);
    ck_assert_int_eq(tally_secret_load(in_folder("a.key"), out), TALLY_OK);
    ck_assert_mem_eq(in, out, 16);
    ck_assert_uint_eq(read_file("a.key", text, sizeof text), 33);
    static const char *const bad[] = {"",
                                      "\n",
                                      "00112233445566778899aabbccddeef",
                                      "00112233445566778899aabbccddeeff0",
                                      "00112233445566778899aabbccddeefg",
                                      "00112233445566778899aabbccddeeff\n\n",
                                      " 0112233445566778899aabbccddeeff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file("bad.key", bad[i], strlen(bad[i]), 0600);
        ck_assert_int_eq(tally_secret_load(in_folder("bad.key"), out), TALLY_E_FORMAT);
        ck_assert(all_zero(out, sizeof out));
    }
    write_file("nul.key", "0011223344\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32, 0600);
    ck_assert_int_eq(tally_secret_load(in_folder("nul.key"), out), TALLY_E_FORMAT);
    write_file("ok.key", "00112233445566778899AABBCCDDEEFF", 32, 0600);
    ck_assert_int_eq(tally_secret_load(in_folder("ok.key"), out), TALLY_OK);
}
END_TEST

START_TEST(key_rings_roll)
{
    struct tally_key_ring ring;
    uint8_t version;
    ck_assert_int_eq(tally_key_ring_load(folder, "key1", NULL, &ring), TALLY_E_NOT_FOUND);
    for (unsigned v = 1; v <= 3; v++) {
        ck_assert_int_eq(tally_key_ring_roll(folder, "key1", NULL, SUITE_P256, &version), TALLY_OK);
        ck_assert_uint_eq(version, v);
    }
    ck_assert_int_eq(tally_keyfile_save(in_folder("key1-v12.pem"), NULL, p256), TALLY_OK);
    /* Neighbours that are not meant. */
    ck_assert_int_eq(tally_keyfile_save(in_folder("key10-v1.pem"), NULL, p256), TALLY_OK);
    ck_assert_int_eq(tally_keyfile_save(in_folder("key1.pem"), NULL, p256), TALLY_OK);
    write_file("key1-v5.pem.bak", "x", 1, 0644);
    ck_assert_int_eq(tally_key_ring_load(folder, "key1", NULL, &ring), TALLY_OK);
    ck_assert_uint_eq(ring.count, 4);
    static const uint8_t versions[] = {1, 2, 3, 12};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_uint_eq(ring.at[i].version, versions[i]);
        ck_assert_ptr_eq(tally_key_ring_find(&ring, versions[i]), ring.at[i].key);
    }
    ck_assert_ptr_null(tally_key_ring_find(&ring, 4));
    tally_key_ring_free(&ring);
    ck_assert_uint_eq(ring.count, 0);
    ck_assert_int_eq(tally_key_ring_roll(folder, "key1", NULL, SUITE_RSA, &version), TALLY_OK);
    ck_assert_uint_eq(version, 13);
}
END_TEST

START_TEST(secret_rings_roll)
{
    struct tally_secret_ring ring;
    uint8_t version, first[16] = {0};
    ck_assert_int_eq(tally_secret_ring_load(folder, "vmk", &ring), TALLY_E_NOT_FOUND);
    ck_assert_int_eq(tally_secret_save(in_folder("vmk-v254.key"), first), TALLY_OK);
    ck_assert_int_eq(tally_secret_ring_roll(folder, "vmk", &version), TALLY_OK);
    ck_assert_uint_eq(version, 255);
    ck_assert_int_eq(tally_secret_ring_roll(folder, "vmk", &version), TALLY_E_FULL);
    ck_assert_uint_eq(version, 0);
    ck_assert_int_eq(tally_secret_ring_load(folder, "vmk", &ring), TALLY_OK);
    ck_assert_uint_eq(ring.count, 2);
    ck_assert_mem_eq(tally_secret_ring_find(&ring, 254), first, 16);
    ck_assert_mem_ne(tally_secret_ring_find(&ring, 255), first, 16);
    ck_assert_ptr_null(tally_secret_ring_find(&ring, 1));
    tally_secret_ring_wipe(&ring);
    ck_assert(all_zero((uint8_t *)&ring, sizeof ring));
}
END_TEST

START_TEST(bad_folders_are_refused)
{
    struct tally_secret_ring ring;
    struct tally_key_ring keys;
    uint8_t version, secret[16] = {1};
    ck_assert_int_eq(tally_secret_save(in_folder("vmk-v1.key"), secret), TALLY_OK);
    ck_assert_int_eq(chmod(folder, 0750), 0);
    ck_assert_int_eq(tally_secret_ring_load(folder, "vmk", &ring), TALLY_E_DENIED);
    ck_assert_int_eq(tally_secret_ring_roll(folder, "vmk", &version), TALLY_E_DENIED);
    ck_assert_int_eq(tally_key_ring_load(folder, "key1", NULL, &keys), TALLY_E_DENIED);
    ck_assert_int_eq(chmod(folder, 0700), 0);
    ck_assert_int_eq(tally_secret_ring_load(in_folder("none"), "vmk", &ring), TALLY_E_NOT_FOUND);

    /* One bad file, and the ring is refused, not shortened. */
    ck_assert_int_eq(tally_secret_save(in_folder("vmk-v2.key"), secret), TALLY_OK);
    ck_assert_int_eq(chmod(in_folder("vmk-v2.key"), 0644), 0);
    ck_assert_int_eq(tally_secret_ring_load(folder, "vmk", &ring), TALLY_E_DENIED);
    ck_assert_uint_eq(ring.count, 0);
    ck_assert_int_eq(chmod(in_folder("vmk-v2.key"), 0600), 0);
    static const char *const names[] = {"vmk-v0.key", "vmk-v01.key", "vmk-v256.key", "vmk-vx.key",
                                        "vmk-v.key"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_int_eq(tally_secret_save(in_folder(names[i]), secret), TALLY_OK);
        ck_assert_int_eq(tally_secret_ring_load(folder, "vmk", &ring), TALLY_E_FORMAT);
        ck_assert_int_eq(unlink(in_folder(names[i])), 0);
    }
    ck_assert_int_eq(tally_secret_ring_load(folder, "vmk", &ring), TALLY_OK);
    ck_assert_uint_eq(ring.count, 2);
}
END_TEST

START_TEST(rings_have_a_limit)
{
    struct tally_secret_ring ring;
    uint8_t secret[16] = {1};
    char name[32];
    for (int v = 1; v <= TALLY_RING_MAX + 1; v++) {
        snprintf(name, sizeof name, "vmk-v%d.key", v);
        ck_assert_int_eq(tally_secret_load(in_folder("none"), secret), TALLY_E_NOT_FOUND);
        write_file(name, "00112233445566778899aabbccddeeff\n", 33, 0600);
        if (v == TALLY_RING_MAX)
            ck_assert_int_eq(tally_secret_ring_load(folder, "vmk", &ring), TALLY_OK);
    }
    ck_assert_int_eq(tally_secret_ring_load(folder, "vmk", &ring), TALLY_E_FULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("key files");
    TCase *t = tcase_create("files");
    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, make_keys, free_keys);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, key_files_round_trip);
    tcase_add_test(t, wrong_passphrases_are_refused);
    tcase_add_test(t, files_that_others_can_reach_are_refused);
    tcase_add_test(t, what_is_no_plain_file_is_refused);
    tcase_add_test(t, damaged_key_files_are_refused);
    tcase_add_test(t, keys_of_other_kinds_are_refused);
    tcase_add_test(t, public_keys_are_not_saved);
    tcase_add_test(t, secrets_round_trip);
    tcase_add_test(t, key_rings_roll);
    tcase_add_test(t, secret_rings_roll);
    tcase_add_test(t, bad_folders_are_refused);
    tcase_add_test(t, rings_have_a_limit);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
