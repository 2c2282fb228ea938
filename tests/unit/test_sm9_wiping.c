/* What SM9's operations leave behind on the stack: each runs on a stack of its own, which is then searched
 * for the secrets, as bytes and as limbs. */
#include <pthread.h>
#include <sys/mman.h>

#include "tests/support/sm9_vectors.h"
#include "tests/unit/sm9_random.h"

enum { STACK = 1 << 18, PIECE = 16 /* bytes of a secret that may not be found */ };

static const struct sm9_id alice = {(const uint8_t *)SM9_VECTOR_ALICE, sizeof SM9_VECTOR_ALICE - 1};
static const struct sm9_id bob = {(const uint8_t *)SM9_VECTOR_BOB, sizeof SM9_VECTOR_BOB - 1};

/* What the operations work on: not on their stacks. */
static struct {
    uint8_t sign_master[SM9_KEY_BYTES], encrypt_master[SM9_KEY_BYTES];
    uint8_t ds[G1_BYTES], de[G2_BYTES], ppub_s[G2_BYTES], ppub_e[G1_BYTES];
    struct sm9_sign_public sign_public;
    struct sm9_encrypt_public encrypt_public;
    struct sm9_sign_key sign_key;
    struct sm9_decrypt_key decrypt_key;
    struct sm9_exchange exchange;
    uint8_t signature[SM9_SIGNATURE_BYTES], capsule[SM9_KEM_BYTES], key[32];
    uint8_t confirm_82[32], confirm_83[32];
    uint8_t message[64], sealed[G1_BYTES + SM9_TAG_BYTES + 64];
    enum sm9_result result;
} w;

/* Secrets to look for. */
static struct {
    const char *name;
    uint8_t bytes[32];
} secrets[64];
static size_t count;

static void remember(const char *name, const void *p)
{
    ck_assert_uint_lt(count, sizeof secrets / sizeof *secrets);
    secrets[count].name = name;
    memcpy(secrets[count++].bytes, p, 32);
}

/* A number as it crosses the interface, and as limbs. */
static void remember_number(const char *name, const uint8_t bytes[32])
{
    limb limbs[LIMBS];
    limbs_from_bytes(limbs, bytes);
    remember(name, bytes);
    remember(name, limbs);
}

static void remember_fp(const char *name, const struct fp *a)
{
    uint8_t bytes[FP_BYTES];
    fp_to_bytes(bytes, a);
    remember(name, bytes);
    remember(name, a->l);
}

/* A source whose numbers are secrets. */
static uint32_t drawn;

static int draw(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    ck_assert_uint_eq(n, FN_BYTES);
    fill_stream(&drawn, out, n);
    out[0] &= 0x7f;
    remember_number("a drawn scalar", out);
    return 0;
}

static const struct sm9_random source = {draw, NULL};

static void set_up(void)
{
    uint32_t state = 77;
    const struct sm9_random quiet = {fill_stream, &state};
    memset(&w, 0, sizeof w);
    ck_assert_int_eq(sm9_master_generate(w.sign_master, &quiet), SM9_OK);
    ck_assert_int_eq(sm9_master_generate(w.encrypt_master, &quiet), SM9_OK);
    ck_assert_int_eq(sm9_sign_master_public(w.ppub_s, w.sign_master), SM9_OK);
    ck_assert_int_eq(sm9_encrypt_master_public(w.ppub_e, w.encrypt_master), SM9_OK);
    ck_assert_int_eq(sm9_sign_extract(w.ds, w.sign_master, &alice), SM9_OK);
    ck_assert_int_eq(sm9_encrypt_extract(w.de, w.encrypt_master, &bob, SM9_HID_ENCRYPT), SM9_OK);
    ck_assert_int_eq(sm9_sign_public_init(&w.sign_public, w.ppub_s), SM9_OK);
    ck_assert_int_eq(sm9_encrypt_public_init(&w.encrypt_public, w.ppub_e), SM9_OK);
    ck_assert_int_eq(sm9_sign_key_init(&w.sign_key, w.ds), SM9_OK);
    ck_assert_int_eq(sm9_decrypt_key_init(&w.decrypt_key, w.de), SM9_OK);
    ck_assert_int_eq(sm9_encapsulate(w.key, sizeof w.key, w.capsule, &w.encrypt_public, &bob, &quiet),
                     SM9_OK);
    ck_assert_int_eq(sm9_encrypt(w.sealed, &w.encrypt_public, &bob, w.message, sizeof w.message, &quiet),
                     SM9_OK);
    count = 0;
    drawn = 1000;
    remember_number("the master key for signatures", w.sign_master);
    remember_number("the master key for encryption", w.encrypt_master);
    remember_fp("ds, x", &w.sign_key.ds.x);
    remember_fp("ds, y", &w.sign_key.ds.y);
    remember_fp("de, x0", &w.decrypt_key.de.x.c0);
    remember_fp("de, x1", &w.decrypt_key.de.x.c1);
    remember_fp("de, y0", &w.decrypt_key.de.y.c0);
    remember_fp("de, y1", &w.decrypt_key.de.y.c1);
}

/* ---- The operations ---- */

static void master_publics(void)
{
    w.result = sm9_sign_master_public(w.ppub_s, w.sign_master);
    if (w.result == SM9_OK)
        w.result = sm9_encrypt_master_public(w.ppub_e, w.encrypt_master);
}

static void extractions(void)
{
    w.result = sm9_sign_extract(w.ds, w.sign_master, &alice);
    if (w.result == SM9_OK)
        w.result = sm9_encrypt_extract(w.de, w.encrypt_master, &bob, SM9_HID_ENCRYPT);
}

static void signing(void)
{
    w.result = sm9_sign(w.signature, &w.sign_public, &w.sign_key, w.message, sizeof w.message, &source);
}

static void encapsulating(void)
{
    w.result = sm9_encapsulate(w.key, sizeof w.key, w.capsule, &w.encrypt_public, &bob, &source);
}

static void decapsulating(void)
{
    w.result = sm9_decapsulate(w.key, sizeof w.key, w.capsule, &w.decrypt_key, &bob);
}

static void encrypting(void)
{
    w.result = sm9_encrypt(w.sealed, &w.encrypt_public, &bob, w.message, sizeof w.message, &source);
}

static void decrypting(void)
{
    w.result = sm9_decrypt(w.message, w.sealed, sizeof w.sealed, &w.decrypt_key, &bob);
}

static void exchanging(void)
{
    uint8_t peer[G1_BYTES];
    g1_to_bytes(peer, &g1_generator);
    w.result = sm9_exchange_begin(&w.exchange, &w.encrypt_public, &bob, &source);
    if (w.result == SM9_OK)
        w.result = sm9_exchange_finish(&w.exchange, &w.encrypt_public, &w.decrypt_key, true, &alice, &bob,
                                       peer, w.key, sizeof w.key, w.confirm_82, w.confirm_83);
}

static void (*const operations[])(void) = {master_publics, extractions, signing,    encapsulating,
                                           decapsulating,  encrypting,  decrypting, exchanging};
enum { OPERATIONS = sizeof operations / sizeof *operations };

/* Keeps a secret in a place that it does not wipe: what the search must find. */
__attribute__((noinline)) static void careless(void)
{
    volatile uint8_t copy[SM9_KEY_BYTES];
    for (size_t i = 0; i < sizeof copy; i++)
        copy[i] = w.sign_master[i];
    w.result = copy[0] == w.sign_master[0] ? SM9_OK : SM9_E_KEY;
}

/* ---- The search ---- */

/* Well below what the thread's own end writes over. */
static void *run(void *operation)
{
    volatile uint8_t room[1 << 14];
    room[0] = room[sizeof room - 1] = 0;
    (*(void (**)(void))operation)();
    room[1] = room[0];
    return NULL;
}

/* The name of a secret of which a piece is on the stack, or NULL. */
__attribute__((no_sanitize("address"))) static const char *search(const uint8_t *stack)
{
    size_t at = 0;
    /* It grew from above: what it never reached is zero. */
    while (at < STACK && stack[at] == 0)
        at++;
    for (at = at < PIECE ? 0 : at - PIECE; at + PIECE <= STACK; at++) {
        for (size_t i = 0; i < count; i++) {
            for (size_t piece = 0; piece + PIECE <= 32; piece += 8) {
                size_t same = 0;
                while (same < PIECE && stack[at + same] == secrets[i].bytes[piece + same])
                    same++;
                if (same == PIECE)
                    return secrets[i].name;
            }
        }
    }
    return NULL;
}

static const char *left_behind(void (*operation)(void))
{
    pthread_attr_t attributes;
    pthread_t thread;
    void *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(stack, MAP_FAILED);
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstack(&attributes, stack, STACK), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, run, &operation), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
    const char *found = search(stack);
    munmap(stack, STACK);
    return found;
}

START_TEST(nothing_is_left_on_the_stack)
{
    const char *found = left_behind(operations[_i]);
    ck_assert_int_eq(w.result, SM9_OK);
    ck_assert_msg(found == NULL, "%s", found);
}
END_TEST

START_TEST(the_search_finds_what_is_left)
{
    ck_assert_ptr_nonnull(left_behind(careless));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sm9 wiping");
    TCase *c = tcase_create("wiping");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, NULL);
    tcase_add_loop_test(c, nothing_is_left_on_the_stack, 0, OPERATIONS);
    tcase_add_test(c, the_search_finds_what_is_left);
    suite_add_tcase(s, c);
    return tally_check_main(s, NULL);
}
