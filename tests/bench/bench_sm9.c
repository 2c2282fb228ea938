/* SM9: what the operations take, as medians of several rounds, and in units of OpenSSL's P-256 ECDH measured
 * in the same rounds. Compiled against each build of card/sm9, whose figures start with PREFIX. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "card/sm9/sm9.h"
#include "host/base/random.h"

enum { ROUNDS = 15, MESSAGE = 64, KEY = 32, FP_BATCH = 2000 };

static const double ROUND_US = 5000; /* of each operation, each round */

static int fill(void *ctx, uint8_t *out, size_t n)
{
    (void)ctx;
    return tally_random_fill(&tally_system_random, out, n) == TALLY_OK ? 0 : -1;
}

static const struct sm9_random random_source = {fill, NULL};
static const struct sm9_id id = {(const uint8_t *)"gate:1:77:2:12", 14};

static struct {
    uint8_t master[SM9_KEY_BYTES], ppub1[G1_BYTES], ppub2[G2_BYTES], ds[G1_BYTES], de[G2_BYTES];
    struct sm9_sign_public sign_public;
    struct sm9_encrypt_public encrypt_public;
    struct sm9_sign_key sign_key;
    struct sm9_decrypt_key decrypt_key;
    uint8_t signature[SM9_SIGNATURE_BYTES], capsule[SM9_KEM_BYTES], key[KEY];
    uint8_t message[MESSAGE], sealed[G1_BYTES + SM9_TAG_BYTES + MESSAGE];
    EVP_PKEY_CTX *ecdh;
    struct fp a;
    struct fp12 gt;
} w;

/* The multiplication alone: the other side's point was checked when it was set. */
static bool ecdh(void)
{
    uint8_t secret[32];
    size_t n = sizeof secret;
    return EVP_PKEY_derive(w.ecdh, secret, &n) == 1;
}

static bool prepare_ecdh(void)
{
    EVP_PKEY *mine = EVP_EC_gen("P-256"), *theirs = EVP_EC_gen("P-256");
    w.ecdh = mine != NULL ? EVP_PKEY_CTX_new(mine, NULL) : NULL;
    bool ok = theirs != NULL && w.ecdh != NULL && EVP_PKEY_derive_init(w.ecdh) == 1 &&
              EVP_PKEY_derive_set_peer(w.ecdh, theirs) == 1;
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    return ok;
}

static bool one_pairing(void)
{
    pairing(&w.gt, &g1_generator, &w.decrypt_key.de);
    return true;
}

static bool sign(void)
{
    return sm9_sign(w.signature, &w.sign_public, &w.sign_key, w.message, MESSAGE, &random_source) == SM9_OK;
}

static bool verify(void)
{
    return sm9_verify(w.signature, &w.sign_public, &id, w.message, MESSAGE) == SM9_OK;
}

static bool encrypt(void)
{
    return sm9_encrypt(w.sealed, &w.encrypt_public, &id, w.message, MESSAGE, &random_source) == SM9_OK;
}

static bool decrypt(void)
{
    uint8_t back[MESSAGE];
    return sm9_decrypt(back, w.sealed, sizeof w.sealed, &w.decrypt_key, &id) == SM9_OK;
}

static bool encapsulate(void)
{
    return sm9_encapsulate(w.key, KEY, w.capsule, &w.encrypt_public, &id, &random_source) == SM9_OK;
}

static bool decapsulate(void)
{
    return sm9_decapsulate(w.key, KEY, w.capsule, &w.decrypt_key, &id) == SM9_OK;
}

static bool extract(void)
{
    return sm9_sign_extract(w.ds, w.master, &id) == SM9_OK;
}

static bool extract_encrypt(void)
{
    return sm9_encrypt_extract(w.de, w.master, &id, SM9_HID_ENCRYPT) == SM9_OK;
}

static bool multiply_fp(void)
{
    for (int i = 0; i < FP_BATCH; i++)
        fp_mul(&w.a, &w.a, &g1_generator.y);
    return true;
}

static const struct operation {
    const char *name;
    bool (*run)(void);
} operations[] = {{"pairing", one_pairing},     {"sign", sign},       {"verify", verify},
                  {"encrypt", encrypt},         {"decrypt", decrypt}, {"encapsulate", encapsulate},
                  {"decapsulate", decapsulate}, {"extract", extract}, {"extract_encrypt", extract_encrypt},
                  {"fp_mul", multiply_fp}};
enum { OPERATIONS = sizeof operations / sizeof *operations };

/* Of the processor: what else the machine does counts less. */
static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Microseconds of one, over a round; false when it fails. */
static bool measure(bool (*run)(void), double *us)
{
    double start = now_us(), end;
    long n = 0;
    do {
        if (!run())
            return false;
        n++;
        end = now_us();
    } while (end - start < ROUND_US);
    *us = (end - start) / (double)n;
    return true;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, ascending);
    return values[ROUNDS / 2];
}

static void show(const char *name, double *us, double *ratio)
{
    double m = median(us);
    if (strcmp(name, "fp_mul") == 0) {
        printf(PREFIX "fp_mul_ns %.2f\n", m * 1e3 / FP_BATCH);
        return;
    }
    printf(PREFIX "%s_us %.1f\n", name, m);
    printf(PREFIX "%s_per_ecdh %.2f\n", name, median(ratio));
}

static bool prepare(void)
{
    w.a = g1_generator.x;
    return prepare_ecdh() && sm9_master_generate(w.master, &random_source) == SM9_OK &&
           sm9_sign_master_public(w.ppub2, w.master) == SM9_OK &&
           sm9_encrypt_master_public(w.ppub1, w.master) == SM9_OK && extract() && extract_encrypt() &&
           sm9_sign_public_init(&w.sign_public, w.ppub2) == SM9_OK &&
           sm9_encrypt_public_init(&w.encrypt_public, w.ppub1) == SM9_OK &&
           sm9_sign_key_init(&w.sign_key, w.ds) == SM9_OK &&
           sm9_decrypt_key_init(&w.decrypt_key, w.de) == SM9_OK && sign() && encrypt() && encapsulate();
}

static bool bench(void)
{
    static double us[OPERATIONS][ROUNDS], ratio[OPERATIONS][ROUNDS], unit[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < OPERATIONS; i++) {
            if (!measure(ecdh, &unit[round]) || !measure(operations[i].run, &us[i][round]))
                return false;
            ratio[i][round] = us[i][round] / unit[round];
        }
    }
    for (int i = 0; i < OPERATIONS; i++)
        show(operations[i].name, us[i], ratio[i]);
    printf(PREFIX "ecdh_us %.1f\n", median(unit));
    return true;
}

int main(void)
{
    bool ok = prepare() && bench();
    EVP_PKEY_CTX_free(w.ecdh);
    if (!ok)
        fprintf(stderr, "bench_sm9: an operation failed\n");
    return ok ? 0 : 1;
}
