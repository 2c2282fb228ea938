#include "host/crypto/umbral_curve.h"

#include <pthread.h>
#include <stdalign.h>
#include <stddef.h>
#include <string.h>

#include <secp256k1_ecdh.h>
#include <secp256k1_preallocated.h>

/* ---- Context ---- */

enum { CONTEXT_ROOM = 512 }; /* bytes; libsecp256k1 0.2 takes some 200 */

static pthread_once_t context_once = PTHREAD_ONCE_INIT;
static alignas(max_align_t) uint8_t context_memory[CONTEXT_ROOM];
static const secp256k1_context *context, *blinded_context;

/* Instead of an abort: the call returns 0, and we an error. What gets here is an object that was never made
 * or read, all zeros. */
static void refuse(const char *message, void *data)
{
    (void)message;
    (void)data;
}

static void make_context(void)
{
    uint8_t seed[32];
    context = secp256k1_context_static;
    if (secp256k1_context_preallocated_size(SECP256K1_CONTEXT_NONE) > sizeof context_memory)
        return;
    secp256k1_context *made = secp256k1_context_preallocated_create(context_memory, SECP256K1_CONTEXT_NONE);
    secp256k1_context_set_illegal_callback(made, refuse, NULL);
    context = made;
    if (tally_random(seed, sizeof seed) == TALLY_OK && secp256k1_context_randomize(made, seed) == 1)
        blinded_context = made;
    tally_wipe(seed, sizeof seed);
}

const secp256k1_context *umbral_context(void)
{
    pthread_once(&context_once, make_context);
    return context;
}

const secp256k1_context *umbral_blinded_context(void)
{
    pthread_once(&context_once, make_context);
    return blinded_context;
}

/* ---- Scalars ---- */

bool umbral_scalar_valid(const uint8_t in[TALLY_UMBRAL_SCALAR_SIZE])
{
    return secp256k1_ec_seckey_verify(umbral_context(), in) == 1;
}

enum tally_error umbral_scalar_random(const struct tally_random *random, umbral_scalar out)
{
    /* Each try fails with probability 2^-128: a source that fails four times is broken. */
    for (int i = 0; i < 4; i++) {
        enum tally_error e = tally_random_fill(random, out, TALLY_UMBRAL_SCALAR_SIZE);
        if (e != TALLY_OK)
            return e;
        if (umbral_scalar_valid(out))
            return TALLY_OK;
    }
    tally_wipe(out, TALLY_UMBRAL_SCALAR_SIZE);
    return TALLY_E_IO;
}

bool umbral_scalar_add(const umbral_scalar a, const umbral_scalar b, umbral_scalar out)
{
    umbral_scalar sum;
    memcpy(sum, a, sizeof sum);
    bool good = secp256k1_ec_seckey_tweak_add(umbral_context(), sum, b) == 1;
    memcpy(out, sum, sizeof sum);
    tally_wipe(sum, sizeof sum);
    return good;
}

bool umbral_scalar_mul(const umbral_scalar a, const umbral_scalar b, umbral_scalar out)
{
    umbral_scalar product;
    memcpy(product, a, sizeof product);
    bool good = secp256k1_ec_seckey_tweak_mul(umbral_context(), product, b) == 1;
    memcpy(out, product, sizeof product);
    tally_wipe(product, sizeof product);
    return good;
}

bool umbral_scalar_negate(const umbral_scalar a, umbral_scalar out)
{
    memmove(out, a, TALLY_UMBRAL_SCALAR_SIZE);
    return secp256k1_ec_seckey_negate(umbral_context(), out) == 1;
}

static const uint8_t order[TALLY_UMBRAL_SCALAR_SIZE] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe,
    0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

/* a to the power n-2, four bits of the exponent at a time: it is public, and each product takes constant
 * time.
 */
bool umbral_scalar_invert(const umbral_scalar a, umbral_scalar out)
{
    umbral_scalar power[16], result;
    bool good = true;
    memcpy(power[1], a, sizeof power[1]);
    for (size_t i = 2; good && i < 16; i++)
        good = umbral_scalar_mul(power[i - 1], a, power[i]);
    memcpy(result, power[15], sizeof result); /* the highest digit of n is f */
    for (size_t i = 1; good && i < 2 * sizeof order; i++) {
        /* The last byte of n-2 is 3f. */
        unsigned byte = i / 2 == sizeof order - 1 ? order[i / 2] - 2u : order[i / 2];
        unsigned digit = i % 2 == 0 ? byte >> 4 : byte & 15;
        for (int j = 0; good && j < 4; j++)
            good = umbral_scalar_mul(result, result, result);
        good = good && (digit == 0 || umbral_scalar_mul(result, power[digit], result));
    }
    memcpy(out, result, sizeof result);
    tally_wipe(power, sizeof power);
    tally_wipe(result, sizeof result);
    return good;
}

/* Takes m off a unless that is negative, in bytes; 2m must exceed 2^256. */
static void subtract_once(uint8_t a[TALLY_UMBRAL_SCALAR_SIZE], const uint8_t m[TALLY_UMBRAL_SCALAR_SIZE])
{
    uint8_t t[TALLY_UMBRAL_SCALAR_SIZE];
    unsigned borrow = 0;
    for (size_t i = sizeof t; i-- > 0;) {
        unsigned difference = (unsigned)a[i] - m[i] - borrow;
        t[i] = (uint8_t)difference;
        borrow = (difference >> 8) & 1;
    }
    unsigned keep = 0u - borrow;
    for (size_t i = 0; i < sizeof t; i++)
        a[i] = (uint8_t)((a[i] & keep) | (t[i] & ~keep));
    tally_wipe(t, sizeof t);
}

void umbral_scalar_reduce_nonzero(uint8_t a[TALLY_UMBRAL_SCALAR_SIZE])
{
    uint8_t order_less_one[TALLY_UMBRAL_SCALAR_SIZE];
    unsigned carry = 1;
    memcpy(order_less_one, order, sizeof order);
    order_less_one[sizeof order - 1]--;
    subtract_once(a, order_less_one);
    for (size_t i = TALLY_UMBRAL_SCALAR_SIZE; i-- > 0;) {
        carry += a[i];
        a[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

bool umbral_scalar_reduce_wide(const uint8_t in[2 * TALLY_UMBRAL_SCALAR_SIZE], umbral_scalar out)
{
    /* 2^256 mod n. */
    static const umbral_scalar radix = {[15] = 0x01, 0x45, 0x51, 0x23, 0x19, 0x50, 0xb7, 0x5f, 0xc4,
                                        0x40,        0x2d, 0xa1, 0x73, 0x2f, 0xc9, 0xbe, 0xbf};
    umbral_scalar low;
    memcpy(out, in, TALLY_UMBRAL_SCALAR_SIZE);
    memcpy(low, in + TALLY_UMBRAL_SCALAR_SIZE, sizeof low);
    subtract_once(out, order);
    subtract_once(low, order);
    bool good = umbral_scalar_mul(out, radix, out) && umbral_scalar_add(out, low, out);
    tally_wipe(low, sizeof low);
    return good;
}

/* ---- Points ---- */

bool umbral_point_read(const uint8_t in[TALLY_UMBRAL_POINT_SIZE], struct tally_umbral_point *out)
{
    if (secp256k1_ec_pubkey_parse(umbral_context(), &out->point, in, TALLY_UMBRAL_POINT_SIZE) != 1)
        return false;
    memcpy(out->bytes, in, TALLY_UMBRAL_POINT_SIZE);
    return true;
}

bool umbral_point_equal(const struct tally_umbral_point *a, const struct tally_umbral_point *b)
{
    return tally_equal_ct(a->bytes, b->bytes, TALLY_UMBRAL_POINT_SIZE);
}

static void compress(struct tally_umbral_point *p)
{
    size_t n = TALLY_UMBRAL_POINT_SIZE;
    secp256k1_ec_pubkey_serialize(umbral_context(), p->bytes, &n, &p->point, SECP256K1_EC_COMPRESSED);
}

bool umbral_base_mul(const umbral_scalar k, struct tally_umbral_point *out)
{
    const secp256k1_context *ctx = umbral_blinded_context();
    if (ctx == NULL || secp256k1_ec_pubkey_create(ctx, &out->point, k) != 1)
        return false;
    compress(out);
    return true;
}

/* The product itself, 04 || x || y, instead of a hash of it. */
static int keep_point(unsigned char *out, const unsigned char *x, const unsigned char *y, void *data)
{
    (void)data;
    out[0] = 4;
    memcpy(out + 1, x, 32);
    memcpy(out + 33, y, 32);
    return 1;
}

bool umbral_point_mul(const struct tally_umbral_point *a, const umbral_scalar k,
                      struct tally_umbral_point *out)
{
    uint8_t raw[65];
    bool good = secp256k1_ecdh(umbral_context(), raw, &a->point, k, keep_point, NULL) == 1 &&
                secp256k1_ec_pubkey_parse(umbral_context(), &out->point, raw, sizeof raw) == 1;
    if (good) {
        out->bytes[0] = (uint8_t)(2 + (raw[64] & 1));
        memcpy(out->bytes + 1, raw + 1, 32);
    }
    tally_wipe(raw, sizeof raw);
    return good;
}

bool umbral_point_mul_public(const struct tally_umbral_point *a, const umbral_scalar k,
                             struct tally_umbral_point *out)
{
    out->point = a->point;
    if (secp256k1_ec_pubkey_tweak_mul(umbral_context(), &out->point, k) != 1)
        return false;
    compress(out);
    return true;
}

bool umbral_point_add(const struct tally_umbral_point *a, const struct tally_umbral_point *b,
                      struct tally_umbral_point *out)
{
    secp256k1_pubkey sum;
    const secp256k1_pubkey *const terms[2] = {&a->point, &b->point};
    if (secp256k1_ec_pubkey_combine(umbral_context(), &sum, terms, 2) != 1)
        return false;
    out->point = sum;
    compress(out);
    tally_wipe(&sum, sizeof sum);
    return true;
}
