/* The virtual chip: image file, command line, and the firmware on it when power is lost. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "card/crypto/sym.h"
#include "card/ports/flashsim/flashsim.h"
#include "card/ports/vcard/image.h"
#include "card/ports/vcard/options.h"
#include "card/ports/vcard/vcard.h"
#include "tests/support/check_main.h"
#include "tests/support/direct.h"

static char folder[] = "/tmp/tally-test-vcard-XXXXXX";
static char path[64], key_path[64];
static const struct hal_identity identity = {{1, 2, 3, 4, 5, 6, 7, 8}, {9, 10, 11, 12, 13, 14, 15, 16, 17}};

static void start(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/card.img", folder);
    (void)snprintf(key_path, sizeof key_path, "%s/key", folder);
}

static void stop(void)
{
    (void)unlink(path);
    (void)unlink(key_path);
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(an_image_keeps_identity_and_flash)
{
    struct flashsim flash;
    uint8_t back[16];
    struct image image;
    struct stat st;
    ck_assert_int_eq(image_create(path, &identity), IMAGE_OK);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(image_open(path, &image), IMAGE_OK);
    ck_assert_mem_eq(&image.identity, &identity, sizeof identity);
    ck_assert(flashsim_open(&flash, image.flash, image.flash_size, IMAGE_UNIT, IMAGE_PAGE_SIZE, IMAGE_PAGES));
    ck_assert_int_eq(flash.flash.program(&flash, 0, "12345678", 8), HAL_OK);
    image_close(&image);
    ck_assert_int_eq(image_open(path, &image), IMAGE_OK);
    ck_assert(flashsim_open(&flash, image.flash, image.flash_size, IMAGE_UNIT, IMAGE_PAGE_SIZE, IMAGE_PAGES));
    ck_assert_int_eq(flash.flash.read(&flash, 0, back, sizeof back), HAL_OK);
    ck_assert_mem_eq(back, "12345678\xff\xff\xff\xff\xff\xff\xff\xff", sizeof back);
    image_close(&image);
}
END_TEST

START_TEST(an_image_is_never_overwritten_or_shared)
{
    struct image image, second;
    ck_assert_int_eq(image_create(path, &identity), IMAGE_OK);
    ck_assert_int_eq(image_create(path, &identity), IMAGE_EXISTS);
    ck_assert_int_eq(image_open(path, &image), IMAGE_OK);
    ck_assert_int_eq(image_open(path, &second), IMAGE_LOCKED);
    ck_assert_ptr_null(second.map);
    image_close(&image);
    ck_assert_int_eq(image_open(path, &second), IMAGE_OK);
    image_close(&second);
    ck_assert_int_eq(image_open(folder, &second), IMAGE_SYSTEM);
}
END_TEST

static void change_byte(off_t at, uint8_t value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ck_assert_int_eq(pwrite(fd, &value, 1, at), 1);
    close(fd);
}

START_TEST(other_files_are_no_images)
{
    struct image image;
    ck_assert_int_eq(image_open(path, &image), IMAGE_SYSTEM);
    for (off_t at = 0; at < 20; at++) {
        ck_assert_int_eq(image_create(path, &identity), IMAGE_OK);
        change_byte(at, 0x77);
        ck_assert_int_eq(image_open(path, &image), IMAGE_FORMAT);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_eq(image_create(path, &identity), IMAGE_OK);
    ck_assert_int_eq(truncate(path, IMAGE_HEAD_SIZE), 0);
    ck_assert_int_eq(image_open(path, &image), IMAGE_FORMAT);
}
END_TEST

static enum options_result parse(struct vcard_settings *s, const char *const *words)
{
    char *argv[16] = {(char *)(uintptr_t) "tally-vcard"};
    int argc = 1;
    for (; words[argc - 1] != NULL; argc++)
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    optind = 0;
    return vcard_options(argc, argv, s);
}

#define PARSE(s, ...) parse((s), (const char *const[]){__VA_ARGS__, NULL})

START_TEST(options_are_read)
{
    struct vcard_settings s;
    ck_assert_int_eq(PARSE(&s, "--image", "a", "--port", "77", "--cut-at", "9", "--cut-seed", "3",
                           "--drop-at-apdu", "4", "--delay-at", "5", "--delay-ms", "6", "--cut-exit"),
                     OPTIONS_RUN);
    ck_assert_str_eq(s.image, "a");
    ck_assert_uint_eq(s.link.port, 77);
    ck_assert_uint_eq(s.cut_at, 9);
    ck_assert_uint_eq(s.cut_seed, 3);
    ck_assert_uint_eq(s.link.faults.drop_command, 4);
    ck_assert_uint_eq(s.link.faults.delay_at, 5);
    ck_assert_uint_eq(s.link.faults.delay_ms, 6);
    ck_assert(s.link.end_when_torn);
    ck_assert(!s.create && !s.seeded);
}
END_TEST

START_TEST(wrong_options_are_refused)
{
    struct vcard_settings s;
    (void)!freopen("/dev/null", "w", stderr);
    ck_assert_int_eq(PARSE(&s, "--port", "77"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--image", "a", "--port", "65536"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--image", "a", "--cut-at", "-1"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--image", "a", "--cut-at", "1x"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--image", "a", "b"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--image", "a", "--nothing"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--image", "a", "--chip-id", "0102030405060708"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--create", "--image", "a", "--chip-id", "01020304050607"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--create", "--image", "a", "--chip-id", "010203040506070g"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--create", "--image", "a", "--admin-key", "/nowhere"), OPTIONS_WRONG);
    ck_assert_int_eq(PARSE(&s, "--create", "--image", "a", "--admin-key", "00112233445566778899aabbccddeeff",
                           "--admin-master", "00112233445566778899aabbccddeeff"),
                     OPTIONS_WRONG);
}
END_TEST

static void write_key(const char *bytes, size_t n)
{
    FILE *out = fopen(key_path, "we");
    ck_assert_uint_eq(fwrite(bytes, 1, n, out), n);
    fclose(out);
}

START_TEST(keys_come_as_digits_or_files_or_from_the_master)
{
    const uint8_t want[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                              0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    const char hex[] = "00112233445566778899aabbccddeeff\n";
    const struct bytes chip = {identity.chip_id, 8};
    uint8_t derived[16];
    struct vcard_settings s;
    write_key(hex, strlen(hex));
    ck_assert_int_eq(PARSE(&s, "--create", "--image", "a", "--admin-key", key_path), OPTIONS_RUN);
    ck_assert_mem_eq(s.identity.admin_key, want, 16);
    write_key((const char *)want, 16);
    ck_assert_int_eq(PARSE(&s, "--create", "--image", "a", "--admin-key", key_path), OPTIONS_RUN);
    ck_assert_mem_eq(s.identity.admin_key, want, 16);
    write_key((const char *)want, 15);
    ck_assert_int_eq(PARSE(&s, "--create", "--image", "a", "--admin-key", key_path), OPTIONS_WRONG);
    write_key(hex, 31);
    ck_assert_int_eq(PARSE(&s, "--create", "--image", "a", "--admin-key", key_path), OPTIONS_WRONG);

    ck_assert_int_eq(PARSE(&s, "--create", "--image", "a", "--chip-id", "0102030405060708", "--admin-master",
                           "00112233445566778899aabbccddeeff"),
                     OPTIONS_RUN);
    kdf_cmac(want, "tally/admin/1", &chip, 1, derived, sizeof derived);
    ck_assert_mem_eq(s.identity.chip_id, identity.chip_id, 8);
    ck_assert_mem_eq(s.identity.admin_key, derived, 16);
}
END_TEST

static struct vcard chip;
static struct image memory;

static void start_chip(void)
{
    memory = (struct image){.fd = -1, .identity = identity};
    memory.flash_size = flashsim_size(IMAGE_UNIT, IMAGE_PAGE_SIZE, IMAGE_PAGES);
    memory.flash = calloc(1, memory.flash_size);
    ck_assert(vcard_init(&chip, &memory));
}

static void stop_chip(void)
{
    free(memory.flash);
}

static uint16_t status_word(struct card_transport *t, const char *cmd, size_t n, uint8_t resp[64])
{
    size_t got;
    ck_assert_int_eq(tally_card_exchange(t, (const uint8_t *)cmd, n, resp, 64, &got), TALLY_OK);
    return (uint16_t)(resp[got - 2] << 8 | resp[got - 1]);
}

static const char get_status[] = "\x80\xf2\x00\x00\x00";

START_TEST(the_first_start_survives_a_cut_at_every_flash_operation)
{
    uint8_t resp[64];
    struct card_transport *t = test_direct_open(&vcard_ops, &chip);
    ck_assert_uint_eq(status_word(t, get_status, 5, resp), 0x9000);
    uint64_t total = flashsim_operations(&chip.flash);
    tally_card_close(t);
    ck_assert_uint_gt(total, 0);
    for (uint64_t n = 1; n <= total; n++) {
        memset(memory.flash, 0, memory.flash_size);
        ck_assert(vcard_init(&chip, &memory));
        vcard_cut_at(&chip, n, n * 7);
        t = test_direct_open(&vcard_ops, &chip);
        ck_assert(chip.flash.dead);
        ck_assert_int_eq(tally_card_begin(t), TALLY_OK);
        ck_assert(!chip.flash.dead);
        ck_assert_uint_eq(status_word(t, get_status, 5, resp), 0x9000);
        tally_card_close(t);
    }
}
END_TEST

/* SELECT of the issuer applet and INITIALIZE UPDATE: its answer has a random challenge. */
static void challenge(uint8_t resp[64])
{
    static const char select_issuer[] = "\x00\xa4\x04\x0c\x08\xf0TALLY\x01\x00";
    static const char initialize[] = "\x80\x50\x00\x00\x08"
                                     "12345678\x00";
    struct card_transport *t = test_direct_open(&vcard_ops, &chip);
    ck_assert_uint_eq(status_word(t, select_issuer, 13, resp), 0x9000);
    ck_assert_uint_eq(status_word(t, initialize, 14, resp), 0x9000);
    ck_assert_mem_eq(resp, identity.chip_id, 8);
    tally_card_close(t);
}

START_TEST(a_seed_makes_random_numbers_repeat)
{
    uint8_t first[64] = {0}, second[64] = {0};
    for (int seeded = 0; seeded <= 1; seeded++) {
        for (int run = 0; run < 2; run++) {
            memset(memory.flash, 0, memory.flash_size);
            ck_assert(vcard_init(&chip, &memory));
            if (seeded != 0)
                chip_random_seed(&chip.random, 42);
            challenge(run == 0 ? first : second);
        }
        ck_assert((memcmp(first, second, sizeof first) == 0) == (seeded != 0));
    }
}
END_TEST

START_TEST(flash_of_another_kind_is_refused)
{
    memset(memory.flash, 0x5a, memory.flash_size);
    ck_assert(!vcard_init(&chip, &memory));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vcard");
    TCase *files = tcase_create("files"), *card = tcase_create("card");
    tcase_add_checked_fixture(files, start, stop);
    tcase_add_test(files, an_image_keeps_identity_and_flash);
    tcase_add_test(files, an_image_is_never_overwritten_or_shared);
    tcase_add_test(files, other_files_are_no_images);
    tcase_add_test(files, options_are_read);
    tcase_add_test(files, wrong_options_are_refused);
    tcase_add_test(files, keys_come_as_digits_or_files_or_from_the_master);
    suite_add_tcase(s, files);
    tcase_set_timeout(card, 60);
    tcase_add_checked_fixture(card, start_chip, stop_chip);
    tcase_add_test(card, the_first_start_survives_a_cut_at_every_flash_operation);
    tcase_add_test(card, a_seed_makes_random_numbers_repeat);
    tcase_add_test(card, flash_of_another_kind_is_refused);
    suite_add_tcase(s, card);
    return tally_check_main(s, NULL);
}
