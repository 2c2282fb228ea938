/* Key files and the directory of trusted keys. */
#include "host/base/log.h"
#include "host/service/httpsig.h"
#include "host/service/keydir.h"
#include "host/service/keyfile.h"
#include "tests/support/check_main.h"
#include "tests/support/service_support.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64], path[160];

static void setup(void)
{
    tally_log_setup(STDERR_FILENO, TALLY_LOG_OFF, &tally_system_clock);
    folder_make(folder);
    folder_path(folder, "key.pem", path);
}

static void teardown(void)
{
    folder_remove(folder);
}

START_TEST(a_key_is_made_once_when_asked)
{
    EVP_PKEY *key, *again;
    struct stat info;
    ck_assert_int_eq(tally_key_file_load(path, false, &key), TALLY_E_NOT_FOUND);
    ck_assert_ptr_null(key);
    ck_assert_int_eq(tally_key_file_load(path, true, &key), TALLY_OK);
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 07777, 0600);
    ck_assert_int_eq(tally_key_file_load(path, true, &again), TALLY_OK);
    ck_assert_int_eq(EVP_PKEY_eq(key, again), 1);
    EVP_PKEY_free(key);
    EVP_PKEY_free(again);
}
END_TEST

START_TEST(files_open_to_others_are_refused)
{
    static const mode_t modes[] = {0601, 0604, 0620, 0640, 0644, 0666, 0777};
    EVP_PKEY *key;
    ck_assert_int_eq(tally_key_file_load(path, true, &key), TALLY_OK);
    EVP_PKEY_free(key);
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        ck_assert_int_eq(chmod(path, modes[i]), 0);
        ck_assert_int_eq(tally_key_file_load(path, true, &key), TALLY_E_DENIED);
        ck_assert_ptr_null(key);
    }
    ck_assert_int_eq(chmod(path, 0400), 0);
    ck_assert_int_eq(tally_key_file_load(path, false, &key), TALLY_OK);
    EVP_PKEY_free(key);
}
END_TEST

START_TEST(links_folders_and_junk_are_refused)
{
    char link[160];
    EVP_PKEY *key;
    ck_assert_int_eq(tally_key_file_load(path, true, &key), TALLY_OK);
    EVP_PKEY_free(key);
    folder_path(folder, "link.pem", link);
    ck_assert_int_eq(symlink(path, link), 0);
    ck_assert_int_eq(tally_key_file_load(link, false, &key), TALLY_E_DENIED);
    ck_assert_int_eq(tally_key_file_load(folder, false, &key), TALLY_E_DENIED);
    file_write(path, "not a key", 0600);
    ck_assert_int_eq(tally_key_file_load(path, true, &key), TALLY_E_CRYPTO);
    char *text = file_read(path);
    ck_assert_str_eq(text, "not a key");
    free(text);
    file_write(path, "", 0600);
    ck_assert_int_eq(tally_key_file_load(path, false, &key), TALLY_E_CRYPTO);
    char *big = calloc(1, TALLY_KEY_FILE_MAX + 1);
    memset(big, 'x', TALLY_KEY_FILE_MAX);
    file_write(path, big, 0600);
    free(big);
    ck_assert_int_eq(tally_key_file_load(path, false, &key), TALLY_E_FULL);
}
END_TEST

START_TEST(keys_of_other_kinds_and_with_passphrases_are_refused)
{
    EVP_PKEY *key, *p384 = EVP_EC_gen("P-384"), *p256 = EVP_EC_gen("P-256");
    file_write(path, "", 0600);
    FILE *file = fopen(path, "we");
    ck_assert_int_eq(PEM_write_PrivateKey(file, p384, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    ck_assert_int_eq(tally_key_file_load(path, false, &key), TALLY_E_CRYPTO);
    file = fopen(path, "we");
    ck_assert_int_eq(
        PEM_write_PrivateKey(file, p256, EVP_aes_128_cbc(), (const unsigned char *)"pass", 4, NULL, NULL), 1);
    fclose(file);
    ck_assert_int_eq(tally_key_file_load(path, false, &key), TALLY_E_CRYPTO);
    EVP_PKEY_free(p384);
    EVP_PKEY_free(p256);
}
END_TEST

static void make_pem(char pem[TALLY_PUBLIC_PEM_MAX])
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ck_assert_int_eq(tally_public_key_write(key, pem), TALLY_OK);
    EVP_PKEY_free(key);
}

static const struct tally_party *find(const struct tally_keydir *keys, const char *keyid)
{
    return tally_keydir_find(keys, keyid, strlen(keyid));
}

START_TEST(parties_are_found_by_key_id)
{
    char pem[TALLY_PUBLIC_PEM_MAX], name[16];
    struct tally_keydir *keys = tally_keydir_new();
    make_pem(pem);
    ck_assert_ptr_null(find(keys, "k"));
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "k%d", i * 7 % 40);
        ck_assert_int_eq(tally_keydir_add(keys, name, "p", "gate", pem), TALLY_OK);
    }
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "k%d", i);
        ck_assert_str_eq(find(keys, name)->keyid, name);
    }
    ck_assert_ptr_null(find(keys, ""));
    ck_assert_ptr_null(find(keys, "k"));
    ck_assert_ptr_null(find(keys, "k40"));
    ck_assert_str_eq(tally_keydir_find(keys, "k12345", 3)->keyid, "k12");
    ck_assert_int_eq(tally_keydir_add(keys, "k7", "q", "gate", pem), TALLY_E_EXISTS);
    ck_assert_int_eq(tally_keydir_add(keys, "", "q", "gate", pem), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_keydir_add(keys, "a b", "q", "gate", pem), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_keydir_add(keys, "x", "q", "gate\n", pem), TALLY_E_FORMAT);
    ck_assert_int_eq(tally_keydir_add(keys, "x", "q", "gate", "pem"), TALLY_E_CRYPTO);
    tally_keydir_free(keys);
}
END_TEST

START_TEST(a_file_is_added_to_and_loaded_again)
{
    char pem[TALLY_PUBLIC_PEM_MAX];
    struct tally_keydir *keys = tally_keydir_new();
    make_pem(pem);
    folder_path(folder, "trusted.json", path);
    ck_assert_int_eq(tally_keydir_load(keys, path), TALLY_E_IO);
    ck_assert_int_eq(tally_keydir_file_add(path, "k1", "east", "kiosk", pem), TALLY_OK);
    ck_assert_int_eq(tally_keydir_load(keys, path), TALLY_OK);
    const struct tally_party *party = find(keys, "k1");
    ck_assert_str_eq(party->name, "east");
    ck_assert_int_eq(tally_keydir_file_add(path, "k2", "east", "kiosk", pem), TALLY_OK);
    ck_assert_int_eq(tally_keydir_file_add(path, "k2", "east", "kiosk", pem), TALLY_E_EXISTS);
    ck_assert_int_eq(tally_keydir_file_add(path, "k3", "east", "kiosk", "junk"), TALLY_E_FORMAT);
    ck_assert_ptr_null(find(keys, "k2"));
    ck_assert_int_eq(tally_keydir_load(keys, path), TALLY_OK);
    ck_assert_str_eq(find(keys, "k2")->role, "kiosk");
    /* What was found before the second load is still there. */
    ck_assert_str_eq(party->keyid, "k1");
    tally_keydir_free(keys);
}
END_TEST

START_TEST(a_bad_file_changes_nothing)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"keys\": {}}",
        "{\"keys\": [], \"more\": 1}",
        "{\"keys\": [1]}",
        "{\"keys\": [{}]}",
        "{\"keys\": [{\"keyid\": \"a\", \"party\": \"b\", \"role\": \"c\"}]}",
        "{\"keys\": [{\"keyid\": \"a\", \"party\": \"b\", \"role\": \"c\", \"public_key\": \"junk\"}]}",
        "{\"keys\": [{\"keyid\": 1, \"party\": \"b\", \"role\": \"c\", \"public_key\": \"junk\"}]}",
        "{\"keys\": [], \"keys\": []}",
        "{\"keys\": []} x"};
    char pem[TALLY_PUBLIC_PEM_MAX];
    struct tally_keydir *keys = tally_keydir_new();
    make_pem(pem);
    ck_assert_int_eq(tally_keydir_add(keys, "k1", "east", "kiosk", pem), TALLY_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        file_write(path, bad[i], 0644);
        ck_assert_msg(tally_keydir_load(keys, path) == TALLY_E_FORMAT, "taken: %s", bad[i]);
        ck_assert_ptr_nonnull(find(keys, "k1"));
    }
    tally_keydir_free(keys);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_keys");
    TCase *all = tcase_create("all");
    tcase_add_checked_fixture(all, setup, teardown);
    tcase_add_test(all, a_key_is_made_once_when_asked);
    tcase_add_test(all, files_open_to_others_are_refused);
    tcase_add_test(all, links_folders_and_junk_are_refused);
    tcase_add_test(all, keys_of_other_kinds_and_with_passphrases_are_refused);
    tcase_add_test(all, parties_are_found_by_key_id);
    tcase_add_test(all, a_file_is_added_to_and_loaded_again);
    tcase_add_test(all, a_bad_file_changes_nothing);
    suite_add_tcase(suite, all);
    return tally_check_main(suite, NULL);
}
