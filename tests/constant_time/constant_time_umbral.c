/* As constant_time.c, for Umbral: keys of owner, receiver, signer and proxy, the bank's seed, and all scalars
 * that are drawn. */
#include <stdio.h>
#include <string.h>

#include "host/crypto/delegation.h"
#include "tests/constant_time/secret.h"
#include "tests/support/pledge_world.h"

enum { TEXT = 40 };

/* The world's source, its bytes secret. */
static enum tally_error draw_secret(void *ctx, uint8_t *out, size_t n)
{
    const struct tally_random *source = ctx;
    enum tally_error e = tally_random_fill(source, out, n);
    secret(out, n);
    return e;
}

static struct pledge_world w;
static struct tally_random secret_random = {draw_secret, NULL};
static struct tally_umbral_capsule capsule;
static uint8_t text[TEXT] = "what is printed on it", ciphertext[TEXT + TALLY_UMBRAL_OVERHEAD];

static bool done(enum tally_error e)
{
    public(&e, sizeof e);
    return e == TALLY_OK;
}

static bool prepare(void)
{
    pledge_world_init(&w);
    secret_random.ctx = (void *)(uintptr_t)w.random;
    return done(
        tally_umbral_encrypt(&w.bank.public_key, text, TEXT, NULL, 0, w.random, &capsule, ciphertext));
}

static bool same_text(uint8_t out[TEXT])
{
    public(out, TEXT);
    public(text, TEXT);
    return memcmp(out, text, TEXT) == 0;
}

static bool generate(void)
{
    struct tally_umbral_secret made;
    return done(tally_umbral_secret_generate(&secret_random, &made));
}

static bool encrypt(void)
{
    struct tally_umbral_capsule made;
    secret(text, TEXT);
    return done(
        tally_umbral_encrypt(&w.bank.public_key, text, TEXT, NULL, 0, &secret_random, &made, ciphertext));
}

static bool owner(void)
{
    uint8_t out[TEXT];
    secret(w.bank.scalar, sizeof w.bank.scalar);
    return done(tally_umbral_decrypt_original(&w.bank, &capsule, NULL, 0, ciphertext, sizeof ciphertext,
                                              out)) &&
           same_text(out);
}

static bool rekey(void)
{
    static const struct tally_umbral_rekey_options options = {2, 3, true, false};
    struct tally_umbral_verified_kfrag kfrags[3];
    secret(w.bank.scalar, sizeof w.bank.scalar);
    secret(w.stranger.scalar, sizeof w.stranger.scalar);
    return done(
        tally_umbral_rekey(&w.bank, &w.seller.public_key, &w.stranger, &options, &secret_random, kfrags));
}

static bool reencrypt(void)
{
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    struct tally_umbral_verified_kfrag kfrag;
    struct tally_umbral_verified_cfrag cfrag;
    if (!done(tally_umbral_rekey(&w.bank, &w.seller.public_key, &w.bank, &options, w.random, &kfrag)))
        return false;
    secret(kfrag.kfrag.key, sizeof kfrag.kfrag.key);
    return done(tally_umbral_kfrag_verify(&kfrag.kfrag, &w.bank.public_key, &w.bank.public_key,
                                          &w.seller.public_key, &kfrag)) &&
           done(tally_umbral_reencrypt(&capsule, &kfrag, &secret_random, &cfrag));
}

static bool receiver(void)
{
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    struct tally_umbral_verified_kfrag kfrag;
    struct tally_umbral_verified_cfrag cfrag;
    uint8_t out[TEXT];
    if (!done(tally_umbral_rekey(&w.bank, &w.seller.public_key, &w.bank, &options, w.random, &kfrag)) ||
        !done(tally_umbral_reencrypt(&capsule, &kfrag, w.random, &cfrag)))
        return false;
    secret(w.seller.scalar, sizeof w.seller.scalar);
    return done(tally_umbral_decrypt_reencrypted(&w.seller, &w.bank.public_key, &capsule, &cfrag, 1, NULL, 0,
                                                 ciphertext, sizeof ciphertext, out)) &&
           same_text(out);
}

static bool delegating(void)
{
    struct tally_umbral_secret made;
    secret(w.seed, sizeof w.seed);
    return done(tally_delegating_secret(w.seed, &w.scope, &made));
}

/* Shows that the checker sees: a multiplication that is not for secrets. */
static bool leak(void)
{
    secp256k1_pubkey p = capsule.e.point;
    secret(w.bank.scalar, sizeof w.bank.scalar);
    return secp256k1_ec_pubkey_tweak_mul(secp256k1_context_static, &p, w.bank.scalar) == 1;
}

static const struct {
    const char *name;
    bool (*run)(void);
} cases[] = {{"generate", generate},   {"encrypt", encrypt},   {"owner", owner},           {"rekey", rekey},
             {"reencrypt", reencrypt}, {"receiver", receiver}, {"delegating", delegating}, {"leak", leak}};

int main(int argc, char **argv)
{
    if (!prepare())
        return 2;
    for (size_t i = 0; argc == 2 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(argv[1], cases[i].name) == 0)
            return cases[i].run() ? 0 : 1;
    fprintf(stderr, "usage: constant_time_umbral CASE\n");
    return 2;
}
