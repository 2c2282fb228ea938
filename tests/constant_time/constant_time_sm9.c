/* As constant_time.c, for SM9: master keys, private keys of identities, and scalars that are drawn. */
#include <stdio.h>
#include <string.h>

#include "card/sm9/sm9.h"
#include "tests/constant_time/secret.h"

enum { KEY = 32 };

static const struct sm9_id id = {(const uint8_t *)"gate 501", 8};

/* Numbers that differ from call to call and are below the group's order. */
static int draw(void *ctx, uint8_t *out, size_t n)
{
    uint8_t *next = ctx;
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(i * 37 + *next);
    out[0] = 0;
    ++*next;
    return 0;
}

/* The same, secret. */
static int draw_secret(void *ctx, uint8_t *out, size_t n)
{
    (void)draw(ctx, out, n);
    secret(out, n);
    return 0;
}

static uint8_t open_state = 3, secret_state = 90;
static const struct sm9_random open_random = {draw, &open_state},
                               secret_random = {draw_secret, &secret_state};

static bool done(enum sm9_result r)
{
    public(&r, sizeof r);
    return r == SM9_OK;
}

struct centre {
    uint8_t master[SM9_KEY_BYTES], sign_public[G2_BYTES], encrypt_public[G1_BYTES];
    uint8_t ds[G1_BYTES], de[G2_BYTES];
};

static bool make_centre(struct centre *c)
{
    return done(sm9_master_generate(c->master, &open_random)) &&
           done(sm9_sign_master_public(c->sign_public, c->master)) &&
           done(sm9_encrypt_master_public(c->encrypt_public, c->master)) &&
           done(sm9_sign_extract(c->ds, c->master, &id)) &&
           done(sm9_encrypt_extract(c->de, c->master, &id, SM9_HID_ENCRYPT));
}

static bool master(struct centre *c)
{
    secret(c->master, sizeof c->master);
    return done(sm9_sign_master_public(c->sign_public, c->master)) &&
           done(sm9_encrypt_master_public(c->encrypt_public, c->master));
}

static bool extract(struct centre *c)
{
    secret(c->master, sizeof c->master);
    return done(sm9_sign_extract(c->ds, c->master, &id)) &&
           done(sm9_encrypt_extract(c->de, c->master, &id, SM9_HID_ENCRYPT));
}

static bool sign(struct centre *c)
{
    static struct sm9_sign_public key;
    uint8_t signature[SM9_SIGNATURE_BYTES];
    struct sm9_sign_key own;
    if (!done(sm9_sign_public_init(&key, c->sign_public)) || !done(sm9_sign_key_init(&own, c->ds)))
        return false;
    secret(&own, sizeof own);
    bool good = done(sm9_sign(signature, &key, &own, "ticket", 6, &secret_random));
    public(signature, sizeof signature);
    return good && done(sm9_verify(signature, &key, &id, "ticket", 6));
}

static bool encapsulate(struct centre *c)
{
    static struct sm9_encrypt_public key;
    struct sm9_decrypt_key own;
    uint8_t one[KEY], other[KEY], capsule[SM9_KEM_BYTES];
    if (!done(sm9_encrypt_public_init(&key, c->encrypt_public)) || !done(sm9_decrypt_key_init(&own, c->de)) ||
        !done(sm9_encapsulate(one, sizeof one, capsule, &key, &id, &secret_random)))
        return false;
    public(capsule, sizeof capsule);
    secret(&own, sizeof own);
    bool good = done(sm9_decrypt_key_blind(&own, &secret_random)) &&
                done(sm9_decapsulate(other, sizeof other, capsule, &own, &id));
    public(one, sizeof one);
    public(other, sizeof other);
    return good && memcmp(one, other, sizeof one) == 0;
}

static bool encrypt(struct centre *c)
{
    enum { N = 40 };
    static struct sm9_encrypt_public key;
    struct sm9_decrypt_key own;
    uint8_t message[N] = "what is written", back[N], sealed[G1_BYTES + SM9_TAG_BYTES + N];
    if (!done(sm9_encrypt_public_init(&key, c->encrypt_public)) || !done(sm9_decrypt_key_init(&own, c->de)))
        return false;
    secret(message, sizeof message);
    bool good = done(sm9_encrypt(sealed, &key, &id, message, N, &secret_random));
    public(sealed, sizeof sealed);
    secret(&own, sizeof own);
    good = done(sm9_decrypt(back, sealed, sizeof sealed, &own, &id)) && good;
    public(back, sizeof back);
    public(message, sizeof message);
    return good && memcmp(back, message, N) == 0;
}

/* With itself. */
static bool exchange(struct centre *c)
{
    static struct sm9_encrypt_public key;
    struct sm9_decrypt_key own;
    struct sm9_exchange x;
    uint8_t agreed[KEY], other[G1_BYTES], confirm_82[32], confirm_83[32];
    if (!done(sm9_encrypt_public_init(&key, c->encrypt_public)) || !done(sm9_decrypt_key_init(&own, c->de)) ||
        !done(sm9_exchange_begin(&x, &key, &id, &secret_random)))
        return false;
    public(x.mine, sizeof x.mine);
    memcpy(other, x.mine, sizeof other);
    secret(&own, sizeof own);
    return done(sm9_exchange_finish(&x, &key, &own, true, &id, &id, other, agreed, sizeof agreed, confirm_82,
                                    confirm_83));
}

static const struct {
    const char *name;
    bool (*run)(struct centre *c);
} cases[] = {{"master", master},           {"extract", extract}, {"sign", sign},
             {"encapsulate", encapsulate}, {"encrypt", encrypt}, {"exchange", exchange}};

int main(int argc, char **argv)
{
    static struct centre centre;
    bool known = false, good = make_centre(&centre);
    for (size_t i = 0; argc == 2 && i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(argv[1], cases[i].name) != 0)
            continue;
        known = true;
        good = cases[i].run(&centre) && good;
    }
    if (!known || !good)
        fprintf(stderr, "constant_time_sm9: %s\n", known ? "a result is wrong" : "no such case");
    return known && good ? 0 : 1;
}
