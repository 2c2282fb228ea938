/* tally-umbral as a process: the whole way through files, refusals and exit codes. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/crypto/umbral.h"
#include "tests/support/check_main.h"
#include "tests/support/pledge_world.h"

enum { OUT = 8192, LINE = 2048, KEY_DIGITS = 66, TEXT = 5000 };
enum { OK = 0, RULE = 1, WRONG = 2, CRYPTO = 6 };

static char folder[] = "/tmp/tally-umbral-XXXXXX";
static char out[OUT], owner[KEY_DIGITS + 1], seller[KEY_DIGITS + 1], signer[KEY_DIGITS + 1],
    stranger[KEY_DIGITS + 1];

/* Runs a line of shell in the folder with the tool as $U, and returns its exit status; what it says is in
 * out. */
__attribute__((format(printf, 1, 2))) static int run(const char *format, ...)
{
    char line[LINE], command[LINE + 256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    snprintf(command, sizeof command, "cd '%s' && U='%s'; { %s; } 2>&1", folder, TALLY_UMBRAL, line);
    FILE *f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(out, 1, sizeof out - 1, f);
    out[n] = '\0';
    int status = pclose(f);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define expect(status, ...) ck_assert_msg(run(__VA_ARGS__) == (status), "%s", out)
#define says(text)          ck_assert_msg(strstr(out, (text)) != NULL, "%s", out)

static void make_key(const char *name, char *public_key)
{
    expect(OK, "$U keygen --key %s.key", name);
    ck_assert_uint_eq(strlen(out), KEY_DIGITS + 1);
    memcpy(public_key, out, KEY_DIGITS);
}

static void set_up(void)
{
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    make_key("owner", owner);
    make_key("seller", seller);
    make_key("signer", signer);
    make_key("stranger", stranger);
    expect(OK, "printf 'coach 5, seat 12' >ticket && $U encrypt --to %s --in ticket --out message", owner);
}

static void tear_down(void)
{
    expect(OK, "rm -rf '%s'", folder);
}

static void delegate(const char *more)
{
    expect(OK, "$U rekey --key owner.key --signer signer.key --to %s --out rk %s", seller, more);
}

#define PARTIES "--from %s --to %s --signed-by %s", owner, seller, signer

static void reencrypt(int i)
{
    expect(OK, "$U reencrypt --kfrag rk-%d.kfrag --in message --out c%d --from %s --to %s --signed-by %s", i,
           i, owner, seller, signer);
}

START_TEST(the_whole_way)
{
    delegate("");
    expect(OK, "$U verify --kfrag rk-1.kfrag " PARTIES);
    says("a key fragment from that owner");
    reencrypt(1);
    expect(OK, "$U verify --cfrag c1 --in message " PARTIES);
    says("a capsule fragment of that message");
    expect(OK, "$U open --key seller.key --from %s --signed-by %s --cfrags c1 --in message", owner, signer);
    ck_assert_str_eq(out, "coach 5, seat 12");
    expect(OK, "$U decrypt --key owner.key --in message --out clear && cmp clear ticket");
}
END_TEST

START_TEST(pipes_and_public_files)
{
    expect(OK, "$U public --key owner.key >owner.pub && printf secret | $U encrypt --to owner.pub | $U "
               "decrypt --key owner.key");
    ck_assert_str_eq(out, "secret");
    expect(OK, "$U encrypt --to owner.pub </dev/null | $U decrypt --key owner.key");
    ck_assert_str_eq(out, "");
    expect(OK, "head -c 200000 /dev/zero >big && $U encrypt --to owner.pub --in big | $U decrypt --key "
               "owner.key | cmp - big");
}
END_TEST

START_TEST(two_of_three)
{
    delegate("--threshold 2 --shares 3");
    for (int i = 1; i <= 3; i++)
        reencrypt(i);
#define OPEN "$U open --key seller.key --from %s --signed-by %s --in message --cfrags "
    expect(OK, OPEN "c1,c3", owner, signer);
    ck_assert_str_eq(out, "coach 5, seat 12");
    expect(OK, OPEN "c3,c2,c1", owner, signer);
    expect(CRYPTO, OPEN "c2", owner, signer);
    expect(CRYPTO, OPEN "c2,c2", owner, signer);
    expect(RULE, OPEN "c1,,c2", owner, signer);
}
END_TEST

START_TEST(wrong_keys)
{
    delegate("");
    reencrypt(1);
    expect(CRYPTO, "$U decrypt --key stranger.key --in message");
    ck_assert_ptr_null(strstr(out, "coach"));
    expect(CRYPTO, "$U open --key stranger.key --from %s --signed-by %s --cfrags c1 --in message", owner,
           signer);
    expect(CRYPTO, "$U verify --kfrag rk-1.kfrag --from %s --to %s --signed-by %s", stranger, seller, signer);
    expect(CRYPTO, "$U verify --kfrag rk-1.kfrag --from %s --to %s --signed-by %s", owner, stranger, signer);
    expect(CRYPTO, "$U verify --kfrag rk-1.kfrag --from %s --to %s --signed-by %s", owner, seller, stranger);
    expect(CRYPTO, "$U reencrypt --kfrag rk-1.kfrag --in message --from %s --to %s --signed-by %s", owner,
           seller, stranger);
    expect(OK, "$U encrypt --to %s --in ticket --out other", owner);
    expect(CRYPTO, "$U verify --cfrag c1 --in other " PARTIES);
}
END_TEST

START_TEST(context)
{
    expect(OK, "$U encrypt --to %s --context 'channel 7' --in ticket --out bound", owner);
    expect(OK, "$U decrypt --key owner.key --context 'channel 7' --in bound");
    expect(CRYPTO, "$U decrypt --key owner.key --context 'channel 8' --in bound");
    expect(CRYPTO, "$U decrypt --key owner.key --in bound");
    expect(CRYPTO, "$U decrypt --key owner.key --context 'channel 7' --in message");
}
END_TEST

START_TEST(damaged_files)
{
    delegate("");
    reencrypt(1);
    expect(WRONG, "head -c 144 message | $U decrypt --key owner.key");
    expect(CRYPTO, "head -c 150 message | $U decrypt --key owner.key");
    expect(CRYPTO, "{ head -c 104 message; printf 'x'; tail -c +106 message; } | $U decrypt --key owner.key");
    expect(WRONG, "head -c 309 rk-1.kfrag >short && $U verify --kfrag short " PARTIES);
    expect(WRONG, "head -c 380 c1 >short2 && $U verify --cfrag short2 --in message " PARTIES);
    expect(WRONG, "printf 'zz' >bad.pub && $U encrypt --to bad.pub --in ticket");
    expect(WRONG, "$U encrypt --to 05%s --in ticket", owner + 2);
    expect(WRONG, "printf '%%064d\\n' 0 >zero.key && chmod 600 zero.key && $U public --key zero.key");
}
END_TEST

START_TEST(files_are_private_and_never_replaced)
{
    struct stat st;
    char path[128];
    static const char *const names[] = {"owner.key", "message", "rk-1.kfrag"};
    delegate("");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_uint_eq(st.st_mode & 0777, 0600);
    }
    expect(RULE, "$U keygen --key owner.key");
    expect(OK, "$U public --key owner.key");
    ck_assert_mem_eq(out, owner, KEY_DIGITS);
    expect(RULE, "$U encrypt --to %s --in ticket --out message", owner);
    /* A name that is taken among those of three: none is written. */
    expect(OK, "touch many-3.kfrag");
    expect(RULE, "$U rekey --key owner.key --signer signer.key --to %s --shares 3 --out many", seller);
    expect(OK, "test ! -e many-1.kfrag");
    expect(OK, "chmod 644 owner.key");
    expect(RULE, "$U public --key owner.key");
}
END_TEST

START_TEST(usage)
{
    expect(WRONG, "$U");
    says("reencrypt");
    expect(OK, "$U --help");
    expect(WRONG, "$U nothing");
    expect(OK, "$U rekey --help");
    says("--threshold");
    expect(WRONG, "$U encrypt --in ticket");
    says("--to is needed");
    expect(WRONG, "$U encrypt --to %s --nothing", owner);
    expect(WRONG, "$U rekey --key owner.key --signer signer.key --to %s --out x --threshold 3 --shares 2",
           seller);
    expect(WRONG, "$U verify --from %s --to %s --signed-by %s", owner, seller, signer);
    expect(RULE, "$U decrypt --key nowhere.key --in message");
}
END_TEST

/* The files are the library's own objects. */
START_TEST(files_are_what_the_library_reads)
{
    uint8_t bytes[TEXT], text[TEXT];
    char path[128], hex[2 * TALLY_UMBRAL_SCALAR_SIZE + 1];
    struct tally_umbral_secret secret;
    struct tally_umbral_capsule capsule;
    size_t n;
    snprintf(path, sizeof path, "%s/message", folder);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    snprintf(path, sizeof path, "%s/owner.key", folder);
    f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(hex, sizeof hex, f));
    fclose(f);
    size_t size;
    ck_assert_int_eq(tally_hex_decode(hex, text, sizeof text, &size), TALLY_OK);
    ck_assert_int_eq(tally_umbral_secret_read(text, &secret), TALLY_OK);
    ck_assert_int_eq(tally_umbral_capsule_read(bytes, TALLY_UMBRAL_CAPSULE_SIZE, &capsule), TALLY_OK);
    ck_assert_int_eq(tally_umbral_decrypt_original(&secret, &capsule, NULL, 0,
                                                   bytes + TALLY_UMBRAL_CAPSULE_SIZE,
                                                   n - TALLY_UMBRAL_CAPSULE_SIZE, text),
                     TALLY_OK);
    ck_assert_mem_eq(text, "coach 5, seat 12", 16);
}
END_TEST

/* ---- show ---- */

static struct pledge_world w;

static void save(const char *name, const uint8_t *bytes, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
}

static void hex_of(const struct tally_umbral_secret *s, char text[KEY_DIGITS + 1])
{
    ck_assert_int_eq(tally_hex_encode(s->public_key.at.bytes, TALLY_UMBRAL_POINT_SIZE, text, KEY_DIGITS + 1),
                     TALLY_OK);
}

START_TEST(show_tells_and_keeps_secrets)
{
    uint8_t bytes[TALLY_OPENABLE_MAX];
    char bank[KEY_DIGITS + 1], provider[KEY_DIGITS + 1], secret[2 * TALLY_UMBRAL_SCALAR_SIZE + 1];
    size_t n;
    pledge_world_init(&w);
    hex_of(&w.bank, bank);
    hex_of(&w.provider, provider);
    const struct tally_verified_pledged_ticket p = pledge_ticket(&w, &w.scope);
    const struct tally_openable_ticket o = pledge_openable(&w, &w.grant, &p);
    ck_assert_int_eq(tally_channel_key_write(&w.channel_key.channel_key, bytes, &n), TALLY_OK);
    save("channel", bytes, n);
    ck_assert_int_eq(tally_grant_write(&w.grant.grant, bytes, &n), TALLY_OK);
    save("grant", bytes, n);
    ck_assert_int_eq(tally_pledged_write(&p.pledged, bytes, &n), TALLY_OK);
    save("pledged", bytes, n);
    ck_assert_int_eq(tally_openable_write(&o, bytes, &n), TALLY_OK);
    save("openable", bytes, n);
    expect(OK, "$U show --in channel --signed-by %s", bank);
    says("CH-0001");
    says("signature    right");
    expect(OK, "$U show --in grant --signed-by %s", bank);
    says("1 of 1, number 1");
    ck_assert_int_eq(
        tally_hex_encode(w.grant.grant.kfrag.key, TALLY_UMBRAL_SCALAR_SIZE, secret, sizeof secret), TALLY_OK);
    ck_assert_ptr_null(strstr(out, secret));
    expect(OK, "$U show --in pledged --signed-by %s", provider);
    says("ORD-77");
    expect(OK, "$U show <openable");
    says("openable ticket");
    expect(CRYPTO, "$U show --in openable --signed-by %s", bank);
    expect(CRYPTO, "$U show --in grant --signed-by %s", provider);
    delegate("");
    reencrypt(1);
    expect(OK, "$U show --in message && $U show --in rk-1.kfrag && $U show --in c1");
    says("message");
    says("key fragment");
    says("capsule fragment");
    expect(WRONG, "$U show --in message --signed-by %s", bank);
    expect(WRONG, "head -c 100 pledged | $U show");
    expect(WRONG, "$U show </dev/null");
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("umbral_cmd");
    TCase *t = tcase_create("tool");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_whole_way);
    tcase_add_test(t, pipes_and_public_files);
    tcase_add_test(t, two_of_three);
    tcase_add_test(t, wrong_keys);
    tcase_add_test(t, context);
    tcase_add_test(t, damaged_files);
    tcase_add_test(t, files_are_private_and_never_replaced);
    tcase_add_test(t, usage);
    tcase_add_test(t, files_are_what_the_library_reads);
    tcase_add_test(t, show_tells_and_keeps_secrets);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(make_suite(), NULL);
}
