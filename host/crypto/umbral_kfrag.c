#include <string.h>

#include "host/crypto/umbral_curve.h"

/* ---- What is signed ---- */

static size_t put_key(const struct tally_umbral_public *key, uint8_t *out)
{
    out[0] = key != NULL;
    if (key == NULL)
        return 1;
    memcpy(out + 1, key->at.bytes, TALLY_UMBRAL_POINT_SIZE);
    return 1 + TALLY_UMBRAL_POINT_SIZE;
}

size_t
umbral_kfrag_message(const uint8_t id[TALLY_UMBRAL_ID_SIZE], const struct tally_umbral_point *commitment,
                     const struct tally_umbral_point *precursor, const struct tally_umbral_public *delegating,
                     const struct tally_umbral_public *receiving, uint8_t out[UMBRAL_KFRAG_MESSAGE_MAX])
{
    uint8_t *at = out;
    memcpy(at, id, TALLY_UMBRAL_ID_SIZE);
    at += TALLY_UMBRAL_ID_SIZE;
    memcpy(at, commitment->bytes, TALLY_UMBRAL_POINT_SIZE);
    at += TALLY_UMBRAL_POINT_SIZE;
    memcpy(at, precursor->bytes, TALLY_UMBRAL_POINT_SIZE);
    at += TALLY_UMBRAL_POINT_SIZE;
    at += put_key(delegating, at);
    at += put_key(receiving, at);
    return (size_t)(at - out);
}

/* ---- Making fragments ---- */

/* One delegation: what all its fragments have in common. */
struct delegation {
    const struct tally_umbral_secret *signer;
    const struct tally_umbral_public *delegating, *receiving;
    const struct tally_umbral_rekey_options *options;
    const struct tally_random *random;
    struct tally_umbral_point precursor, dh;
    struct umbral_shared shared;
    umbral_scalar polynomial[TALLY_UMBRAL_SHARES_MAX]; /* coefficients; the constant one is a/d */
};

/* X = xG, D = xB, d = H(X, B, D), f0 = a/d, and f1 … at random. */
static enum tally_error begin(struct delegation *g, const umbral_scalar a)
{
    umbral_scalar x, d;
    enum tally_error e = umbral_scalar_random(g->random, x);
    if (e == TALLY_OK) {
        g->shared = (struct umbral_shared){&g->precursor, &g->receiving->at, &g->dh};
        bool good = umbral_base_mul(x, &g->precursor) && umbral_point_mul(&g->receiving->at, x, &g->dh) &&
                    umbral_hash_shared(&g->shared, d) && umbral_scalar_invert(d, d) &&
                    umbral_scalar_mul(a, d, g->polynomial[0]);
        e = good ? TALLY_OK : TALLY_E_BUG;
    }
    for (size_t i = 1; e == TALLY_OK && i < g->options->threshold; i++)
        e = umbral_scalar_random(g->random, g->polynomial[i]);
    tally_wipe(x, sizeof x);
    tally_wipe(d, sizeof d);
    return e;
}

/* The polynomial at the share index of this id, by Horner's rule. */
static bool evaluate(const struct delegation *g, const uint8_t id[TALLY_UMBRAL_ID_SIZE], umbral_scalar out)
{
    umbral_scalar x;
    size_t i = g->options->threshold - 1;
    bool good = i == 0 || umbral_hash_polynomial_arg(&g->shared, id, x);
    memcpy(out, g->polynomial[i], TALLY_UMBRAL_SCALAR_SIZE);
    while (good && i-- > 0)
        good = umbral_scalar_mul(out, x, out) && umbral_scalar_add(out, g->polynomial[i], out);
    tally_wipe(x, sizeof x);
    return good;
}

static enum tally_error sign(const struct delegation *g, const struct tally_umbral_kfrag *k, bool delegating,
                             bool receiving, uint8_t out[TALLY_UMBRAL_SIGNATURE_SIZE])
{
    uint8_t message[UMBRAL_KFRAG_MESSAGE_MAX];
    size_t n = umbral_kfrag_message(k->id, &k->commitment, &k->precursor, delegating ? g->delegating : NULL,
                                    receiving ? g->receiving : NULL, message);
    return tally_umbral_sign(g->signer, &(struct tally_bytes){message, n}, 1, g->random, out);
}

static enum tally_error make_fragment(const struct delegation *g, struct tally_umbral_kfrag *k)
{
    enum tally_error e = tally_random_fill(g->random, k->id, sizeof k->id);
    if (e != TALLY_OK)
        return e;
    k->precursor = g->precursor;
    k->delegating_signed = g->options->sign_delegating;
    k->receiving_signed = g->options->sign_receiving;
    if (!evaluate(g, k->id, k->key) || !umbral_u_mul(k->key, &k->commitment))
        return TALLY_E_BUG;
    e = sign(g, k, true, true, k->for_receiver);
    /* With both keys under it, the proxies' message is the receiver's, and one signature serves both. */
    if (e == TALLY_OK && k->delegating_signed && k->receiving_signed)
        memcpy(k->for_proxy, k->for_receiver, sizeof k->for_proxy);
    else if (e == TALLY_OK)
        e = sign(g, k, k->delegating_signed, k->receiving_signed, k->for_proxy);
    return e;
}

enum tally_error
tally_umbral_rekey(const struct tally_umbral_secret *delegating, const struct tally_umbral_public *receiving,
                   const struct tally_umbral_secret *signer, const struct tally_umbral_rekey_options *options,
                   const struct tally_random *random, struct tally_umbral_verified_kfrag *kfrags)
{
    if (options->shares > TALLY_UMBRAL_SHARES_MAX)
        return TALLY_E_USAGE;
    memset(kfrags, 0, options->shares * sizeof *kfrags);
    if (options->threshold < 1 || options->threshold > options->shares)
        return TALLY_E_USAGE;
    struct delegation g = {.signer = signer,
                           .delegating = &delegating->public_key,
                           .receiving = receiving,
                           .options = options,
                           .random = random};
    enum tally_error e = begin(&g, delegating->scalar);
    for (size_t i = 0; e == TALLY_OK && i < options->shares; i++)
        e = make_fragment(&g, &kfrags[i].kfrag);
    if (e != TALLY_OK)
        tally_wipe(kfrags, options->shares * sizeof *kfrags);
    tally_wipe(&g, sizeof g);
    return e;
}

/* ---- Checking them ---- */

static enum tally_error check(const struct tally_umbral_kfrag *k, const struct tally_umbral_public *verifying,
                              const struct tally_umbral_public *delegating,
                              const struct tally_umbral_public *receiving,
                              const uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE])
{
    uint8_t message[UMBRAL_KFRAG_MESSAGE_MAX];
    size_t n = umbral_kfrag_message(k->id, &k->commitment, &k->precursor, delegating, receiving, message);
    return tally_umbral_verify(verifying, &(struct tally_bytes){message, n}, 1, signature);
}

/* What the proxy can check: its own signature, and the receiver's when both keys are known and it is another.
 */
static enum tally_error check_signatures(const struct tally_umbral_kfrag *k,
                                         const struct tally_umbral_public *verifying,
                                         const struct tally_umbral_public *delegating,
                                         const struct tally_umbral_public *receiving)
{
    bool checked = k->delegating_signed && k->receiving_signed &&
                   memcmp(k->for_proxy, k->for_receiver, sizeof k->for_proxy) == 0;
    if ((delegating == NULL && k->delegating_signed) || (receiving == NULL && k->receiving_signed))
        return TALLY_E_CRYPTO;
    enum tally_error e = check(k, verifying, k->delegating_signed ? delegating : NULL,
                               k->receiving_signed ? receiving : NULL, k->for_proxy);
    if (e == TALLY_OK && !checked && delegating != NULL && receiving != NULL)
        e = check(k, verifying, delegating, receiving, k->for_receiver);
    return e;
}

enum tally_error tally_umbral_kfrag_verify(const struct tally_umbral_kfrag *kfrag,
                                           const struct tally_umbral_public *verifying,
                                           const struct tally_umbral_public *delegating,
                                           const struct tally_umbral_public *receiving,
                                           struct tally_umbral_verified_kfrag *verified)
{
    struct tally_umbral_point commitment;
    struct tally_umbral_kfrag copy = *kfrag; /* verified may be where it came from */
    enum tally_error e = TALLY_E_CRYPTO;
    if (umbral_u_mul(copy.key, &commitment) && umbral_point_equal(&commitment, &copy.commitment))
        e = check_signatures(&copy, verifying, delegating, receiving);
    if (e == TALLY_OK)
        verified->kfrag = copy;
    else
        tally_wipe(verified, sizeof *verified);
    tally_wipe(&copy, sizeof copy);
    return e;
}

void tally_umbral_kfrag_wipe(struct tally_umbral_kfrag *kfrag)
{
    tally_wipe(kfrag, sizeof *kfrag);
}
