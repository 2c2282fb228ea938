/* As constant_time.c, for the key centre's part in threshold extraction and in a ceremony: shares, mask keys,
 * polynomials. */
#include <stdio.h>
#include <string.h>

#include "host/ticketing/keycentre/threshold.h"
#include "tests/constant_time/secret.h"

static const struct keycentre_size size = {2, 3};
static const struct sm9_id id = {(const uint8_t *)"gate:0001:0002:0003:7", 21};

static void fill(void *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)p)[i] = (uint8_t)(i * 37 + seed);
}

static bool done(enum tally_error e)
{
    public(&e, sizeof e);
    return e == TALLY_OK;
}

static struct keycentre_share share_of(unsigned index)
{
    struct keycentre_share share = {.size = size, .index = (uint8_t)index};
    fill(share.sign, sizeof share.sign, 1);
    fill(share.encrypt, sizeof share.encrypt, 2);
    fill(share.mask_keys, sizeof share.mask_keys, 3);
    secret(share.sign, sizeof share.sign);
    secret(share.encrypt, sizeof share.encrypt);
    secret(share.mask_keys, sizeof share.mask_keys);
    return share;
}

static bool partial(void)
{
    struct keycentre_share share = share_of(1);
    struct keycentre_partial out;
    return done(keycentre_partial_make(&share, KEYCENTRE_SIGN, &id, &out)) &&
           done(keycentre_partial_make(&share, KEYCENTRE_DECRYPT, &id, &out));
}

static bool evidence(void)
{
    static struct keycentre_evidence out;
    struct keycentre_share share = share_of(2);
    return done(keycentre_evidence_make(&share, KEYCENTRE_SIGN, &id, &out));
}

/* A dealer's part, and the receiver's check of it. */
static bool deal(void)
{
    struct keycentre_polynomials polynomials = {0};
    struct keycentre_masters commitments[KEYCENTRE_THRESHOLD_MAX];
    uint8_t sign[FN_BYTES], encrypt[FN_BYTES], sum[FN_BYTES] = {0};
    for (unsigned k = 0; k < size.threshold; k++) {
        uint8_t wide[FN_HASH_BYTES];
        fill(wide, sizeof wide, 5 + k);
        secret(wide, sizeof wide);
        fn_from_hash(&polynomials.sign[k], wide);
        fn_from_hash(&polynomials.encrypt[k], wide);
    }
    keycentre_commitments(size, &polynomials, commitments);
    public(commitments, sizeof commitments);
    keycentre_deal(size, &polynomials, 3, sign, encrypt);
    return done(keycentre_deal_check(size, commitments, 3, sign, encrypt)) &&
           done(keycentre_scalar_add(sum, sign)) && done(keycentre_scalar_add(sum, encrypt));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool (*run)(void);
    } cases[] = {{"partial", partial}, {"evidence", evidence}, {"deal", deal}};
    for (size_t i = 0; argc == 2 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(argv[1], cases[i].name) == 0)
            return cases[i].run() ? 0 : 1;
    fprintf(stderr, "constant_time_keycentre: no such case\n");
    return 1;
}
