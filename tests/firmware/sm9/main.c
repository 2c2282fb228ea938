/* A firmware of its own for the card's microcontroller: SM9's vectors, then what the operations take. In the
 * memory map of the card's firmware. Prints the values that are wrong, lines "name number", and a summary. */
#include <stdint.h>
#include <string.h>

#include "card/ports/mps2/counter.h"
#include "card/ports/mps2/paint.h"
#include "card/ports/mps2/semihosting.h"
#include "card/sm9/sm9.h"
#include "tests/firmware/sm9/reference.h"
#include "tests/support/sm9_kat.h"

static uint32_t passed, failed;

static void say_number(uint64_t n)
{
    char text[24], *at = text + sizeof text;
    *--at = '\0';
    do {
        *--at = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    semihosting_say(at);
}

static void result(void *ctx, const char *name, bool ok)
{
    (void)ctx;
    if (ok) {
        passed++;
        return;
    }
    failed++;
    semihosting_say("wrong: ");
    semihosting_say(name);
    semihosting_say("\n");
}

static void figure(const char *operation, const char *what, uint64_t n)
{
    semihosting_say("sm9.m33.");
    semihosting_say(operation);
    semihosting_say(what);
    say_number(n);
    semihosting_say("\n");
}

/* Bytes that look random and are the same in every run. */
static int draw(void *ctx, uint8_t *out, size_t n)
{
    uint32_t *state = ctx;
    for (size_t i = 0; i < n; i++) {
        *state = *state * 1664525u + 1013904223u;
        out[i] = (uint8_t)(*state >> 24);
    }
    out[0] &= 0x7f;
    return 0;
}

enum { MESSAGE = 64, KEY = 32 };

/* One identity with its keys. Public keys are large: never both at once. */
static struct {
    uint32_t state;
    struct sm9_random random;
    uint8_t master[SM9_KEY_BYTES], ppub1[G1_BYTES], ppub2[G2_BYTES], ds[G1_BYTES], de[G2_BYTES];
    struct sm9_sign_key sign_key;
    struct sm9_decrypt_key decrypt_key;
    uint8_t signature[SM9_SIGNATURE_BYTES], capsule[SM9_KEM_BYTES], key[KEY], key_again[KEY];
    uint8_t message[MESSAGE], sealed[G1_BYTES + SM9_TAG_BYTES + MESSAGE];
    struct fp a, b;
    struct fp12 gt;
} w;
static union {
    struct sm9_sign_public sign;
    struct sm9_encrypt_public encrypt;
} public_key;
static const struct sm9_id id = {(const uint8_t *)"gate:1:77:2:12", 14};

static bool empty(void)
{
    return true;
}

static bool fp_multiplication(void)
{
    fp_mul(&w.a, &w.a, &w.b);
    return true;
}

static bool pairing_value(void)
{
    pairing(&w.gt, &g1_generator, &w.decrypt_key.de);
    return true;
}

static bool sign_public(void)
{
    return sm9_sign_public_init(&public_key.sign, w.ppub2) == SM9_OK;
}

static bool sign(void)
{
    return sm9_sign(w.signature, &public_key.sign, &w.sign_key, w.message, MESSAGE, &w.random) == SM9_OK;
}

static bool verify(void)
{
    return sm9_verify(w.signature, &public_key.sign, &id, w.message, MESSAGE) == SM9_OK;
}

static bool encrypt_public(void)
{
    return sm9_encrypt_public_init(&public_key.encrypt, w.ppub1) == SM9_OK;
}

static bool encapsulate(void)
{
    return sm9_encapsulate(w.key, KEY, w.capsule, &public_key.encrypt, &id, &w.random) == SM9_OK;
}

static bool decapsulate(void)
{
    return sm9_decapsulate(w.key_again, KEY, w.capsule, &w.decrypt_key, &id) == SM9_OK &&
           memcmp(w.key, w.key_again, KEY) == 0;
}

static bool encrypt(void)
{
    return sm9_encrypt(w.sealed, &public_key.encrypt, &id, w.message, MESSAGE, &w.random) == SM9_OK;
}

static bool decrypt(void)
{
    uint8_t back[MESSAGE];
    return sm9_decrypt(back, w.sealed, sizeof w.sealed, &w.decrypt_key, &id) == SM9_OK &&
           memcmp(back, w.message, MESSAGE) == 0;
}

static bool extract(void)
{
    return sm9_sign_extract(w.ds, w.master, &id) == SM9_OK;
}

static bool extract_encrypt(void)
{
    return sm9_encrypt_extract(w.de, w.master, &id, SM9_HID_ENCRYPT) == SM9_OK;
}

static bool read_decrypt_key(void)
{
    return sm9_decrypt_key_init(&w.decrypt_key, w.de) == SM9_OK;
}

/* In this order: each uses what earlier ones made. */
static const struct {
    const char *name;
    bool (*run)(void);
} operations[] = {
    {"extract", extract},
    {"extract_encrypt", extract_encrypt},
    {"read_decrypt_key", read_decrypt_key},
    {"fp_mul", fp_multiplication},
    {"pairing", pairing_value},
    {"read_sign_public", sign_public},
    {"sign", sign},
    {"verify", verify},
    {"read_encrypt_public", encrypt_public},
    {"encapsulate", encapsulate},
    {"decapsulate", decapsulate},
    {"encrypt", encrypt},
    {"decrypt", decrypt},
};

struct spent {
    uint64_t instructions;
    uint32_t stack;
};

static bool measure(bool (*run)(void), struct spent *spent)
{
    uint64_t start;
    bool ok;
    paint_stack();
    start = counter_now();
    ok = run();
    spent->instructions = counter_now() - start;
    spent->stack = painted_over();
    return ok;
}

static bool prepare(void)
{
    w.random = (struct sm9_random){draw, &w.state};
    w.a = g1_generator.x;
    w.b = g1_generator.y;
    (void)draw(&w.state, w.message, sizeof w.message);
    return sm9_master_generate(w.master, &w.random) == SM9_OK &&
           sm9_sign_master_public(w.ppub2, w.master) == SM9_OK &&
           sm9_encrypt_master_public(w.ppub1, w.master) == SM9_OK &&
           sm9_sign_extract(w.ds, w.master, &id) == SM9_OK && sm9_sign_key_init(&w.sign_key, w.ds) == SM9_OK;
}

static void figures(void)
{
    struct spent none, spent;
    result(NULL, "prepare", prepare());
    (void)measure(empty, &none);
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        result(NULL, operations[i].name, measure(operations[i].run, &spent));
        figure(operations[i].name, "_instructions ", spent.instructions - none.instructions);
        figure(operations[i].name, "_stack ", spent.stack - none.stack);
    }
}

int main(void)
{
    const struct sm9_kat kat = {result, NULL};
    counter_init();
    result(NULL, "assembly", assembly_is_the_reference());
    sm9_kat_run(&kat);
    figures();
    semihosting_say("tally-test: ");
    say_number(passed);
    semihosting_say(" passed, ");
    say_number(failed);
    semihosting_say(" failed\n");
    return 0;
}
