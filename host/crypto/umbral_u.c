/* Multiples of the second generator U by a table: a sum of 64 points instead of a multiplication. */
#include <pthread.h>
#include <string.h>

#include "host/crypto/umbral_curve.h"

enum { WINDOWS = 64, ENTRIES = 16, WORDS = sizeof(secp256k1_pubkey) / sizeof(uint64_t) };

/* RFC 9380, secp256k1_XMD:SHA-256_SSWU_RO_: message "POINT_U", domain "PARAMETERS". */
const uint8_t umbral_u_bytes[TALLY_UMBRAL_POINT_SIZE] = {
    0x03, 0x07, 0x93, 0x90, 0xd0, 0xfb, 0xe2, 0x20, 0xfc, 0x34, 0xaa, 0xb8, 0xec, 0xbf, 0x49, 0x09, 0x80,
    0x98, 0x03, 0x68, 0x20, 0xfa, 0xdb, 0x98, 0xc0, 0x31, 0x43, 0xe5, 0x5d, 0xb8, 0xec, 0x73, 0xcd};

/* table[i][j] = (j+1)·16^i·U. No entry is the point at infinity, which libsecp256k1 cannot hold: the digits
 * of k - 0x11…11 select, so that the ones of all windows together put back what was taken off. */
static union entry {
    secp256k1_pubkey point;
    uint64_t word[WORDS];
} table[WINDOWS][ENTRIES];
static bool table_made;
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static bool add(const secp256k1_pubkey *a, const secp256k1_pubkey *b, secp256k1_pubkey *out)
{
    const secp256k1_pubkey *const terms[2] = {a, b};
    return secp256k1_ec_pubkey_combine(umbral_context(), out, terms, 2) == 1;
}

static void make_table(void)
{
    bool good = secp256k1_ec_pubkey_parse(umbral_context(), &table[0][0].point, umbral_u_bytes,
                                          sizeof umbral_u_bytes) == 1;
    for (size_t i = 0; good && i < WINDOWS; i++) {
        if (i > 0)
            table[i][0] = table[i - 1][ENTRIES - 1];
        for (size_t j = 1; good && j < ENTRIES; j++)
            good = add(&table[i][j - 1].point, &table[i][0].point, &table[i][j].point);
    }
    table_made = good;
}

/* Reads the whole row, whatever the digit. */
static void look_up(const union entry row[ENTRIES], unsigned digit, union entry *out)
{
    memset(out, 0, sizeof *out);
    for (unsigned j = 0; j < ENTRIES; j++) {
        uint64_t mask = (uint64_t)0 - (uint64_t)(((j ^ digit) - 1u) >> 31);
        for (size_t w = 0; w < WORDS; w++)
            out->word[w] |= row[j].word[w] & mask;
    }
}

bool umbral_u_mul(const umbral_scalar k, struct tally_umbral_point *out)
{
    umbral_scalar ones, digits;
    union entry chosen[WINDOWS];
    const secp256k1_pubkey *terms[WINDOWS];
    pthread_once(&table_once, make_table);
    memset(ones, 0x11, sizeof ones);
    if (!table_made || !umbral_scalar_negate(ones, ones) || !umbral_scalar_add(k, ones, digits))
        return false;
    for (size_t i = 0; i < WINDOWS; i++) {
        unsigned byte = digits[TALLY_UMBRAL_SCALAR_SIZE - 1 - i / 2];
        look_up(table[i], (byte >> (4 * (i & 1))) & 15, &chosen[i]);
        terms[i] = &chosen[i].point;
    }
    /* Branches of the sum depend on coincidences of partial sums only, of probability 2^-250. */
    bool good = secp256k1_ec_pubkey_combine(umbral_context(), &out->point, terms, WINDOWS) == 1;
    if (good) {
        size_t n = TALLY_UMBRAL_POINT_SIZE;
        secp256k1_ec_pubkey_serialize(umbral_context(), out->bytes, &n, &out->point, SECP256K1_EC_COMPRESSED);
    }
    tally_wipe(chosen, sizeof chosen);
    tally_wipe(digits, sizeof digits);
    return good;
}
