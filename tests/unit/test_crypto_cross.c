/* Card (BearSSL) against host (OpenSSL): what one makes, the other must take, and nothing else. */
#include "card/crypto/hpke.h"
#include "card/crypto/rsa.h"
#include "host/crypto/hpke.h"
#include "host/crypto/kdf.h"
#include "host/crypto/p256.h"
#include "host/crypto/rsa.h"
#include "tests/unit/crypto_support.h"

enum { ROUNDS = 40, TEXT_MAX = 400 };

static const char label[] = "tally/test/1";

/* A random input, cut into the same two parts for both sides. */
struct input {
    uint8_t key[16], nonce[13], text[TEXT_MAX], aad[TEXT_MAX];
    size_t n, aad_n;
    struct bytes card[2];
    struct tally_bytes host[2];
};

static void draw(struct rng *rng, struct input *in)
{
    uint8_t sizes[6];
    rng_bytes(rng, sizes, sizeof sizes);
    rng_bytes(rng, in->key, sizeof in->key);
    rng_bytes(rng, in->nonce, sizeof in->nonce);
    rng_bytes(rng, in->text, sizeof in->text);
    rng_bytes(rng, in->aad, sizeof in->aad);
    in->n = (size_t)(sizes[0] << 8 | sizes[1]) % TEXT_MAX;
    in->aad_n = (size_t)(sizes[2] << 8 | sizes[3]) % TEXT_MAX;
    size_t cut = in->aad_n > 0 ? sizes[4] % in->aad_n : 0;
    in->card[0] = (struct bytes){in->aad, cut};
    in->card[1] = (struct bytes){in->aad + cut, in->aad_n - cut};
    in->host[0] = (struct tally_bytes){in->aad, cut};
    in->host[1] = (struct tally_bytes){in->aad + cut, in->aad_n - cut};
}

START_TEST(macs_and_derivations_agree)
{
    struct rng rng;
    struct input in;
    seeded_rng(&rng, 100);
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t card[100], host[100];
        draw(&rng, &in);
        cmac(in.key, in.card, 2, card);
        ck_assert_int_eq(tally_cmac(in.key, in.host, 2, host), TALLY_OK);
        ck_assert_mem_eq(card, host, 16);
        size_t n = 1 + in.n % sizeof card;
        kdf_cmac(in.key, label, in.card, 2, card, n);
        ck_assert_int_eq(tally_kdf_cmac(in.key, label, in.host, 2, host, n), TALLY_OK);
        ck_assert_mem_eq(card, host, n);
        hkdf((struct bytes){in.key, 16}, (struct bytes){in.text, in.n}, in.card, 2, card, n);
        ck_assert_int_eq(tally_hkdf((struct tally_bytes){in.key, 16}, (struct tally_bytes){in.text, in.n},
                                    in.host, 2, host, n),
                         TALLY_OK);
        ck_assert_mem_eq(card, host, n);
        sha256_labelled(label, in.card, 2, card);
        ck_assert_int_eq(tally_sha256_labelled(label, in.host, 2, host), TALLY_OK);
        ck_assert_mem_eq(card, host, 32);
    }
}
END_TEST

START_TEST(block_modes_agree)
{
    struct rng rng;
    struct input in;
    seeded_rng(&rng, 101);
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t card[TEXT_MAX], host[TEXT_MAX];
        draw(&rng, &in);
        in.n -= in.n % 16;
        memcpy(card, in.text, in.n);
        cbc_encrypt(in.key, in.aad, card, in.n);
        ck_assert_int_eq(tally_cbc_encrypt(in.key, in.aad, in.text, in.n, host), TALLY_OK);
        ck_assert_mem_eq(card, host, in.n);
        cbc_decrypt(in.key, in.aad, card, in.n);
        ck_assert_mem_eq(card, in.text, in.n);
        aes128_block(in.key, in.text, card);
        ck_assert_int_eq(tally_aes_decrypt(in.key, card, host), TALLY_OK);
        ck_assert_mem_eq(host, in.text, 16);
    }
}
END_TEST

START_TEST(aeads_agree)
{
    struct rng rng;
    struct input in;
    seeded_rng(&rng, 102);
    for (int i = 0; i < ROUNDS; i++) {
        uint8_t card[TEXT_MAX + 16], host[TEXT_MAX + 16];
        draw(&rng, &in);
        memcpy(card, in.text, in.n);
        ccm_seal(in.key, in.nonce, in.card, 2, card, in.n, card + in.n);
        ck_assert_int_eq(tally_ccm_seal(in.key, in.nonce, in.host, 2, in.text, in.n, host), TALLY_OK);
        ck_assert_mem_eq(card, host, in.n + 8);
        ck_assert(ccm_open(in.key, in.nonce, in.card, 2, host, in.n, host + in.n));
        ck_assert_int_eq(tally_ccm_open(in.key, in.nonce, in.host, 2, card, in.n + 8, card), TALLY_OK);
        ck_assert_mem_eq(card, in.text, in.n);
        gcm_seal(in.key, in.nonce, in.card, 2, card, in.n, card + in.n);
        ck_assert_int_eq(tally_gcm_open(in.key, in.nonce, in.host, 2, card, in.n + 16, host), TALLY_OK);
        ck_assert_mem_eq(host, in.text, in.n);
    }
}
END_TEST

/* The same P-256 key on both sides. */
static struct tally_key *shared_key(struct rng *rng, uint8_t private_key[32], uint8_t public_key[64])
{
    struct tally_key *key;
    size_t n;
    ck_assert(p256_generate(rng, private_key, public_key));
    ck_assert_int_eq(tally_key_from_private(private_key, &key), TALLY_OK);
    ck_assert_mem_eq(tally_key_public(key, &n), public_key, 64);
    return key;
}

START_TEST(ecdsa_both_ways)
{
    struct rng rng;
    struct input in;
    uint8_t d[32], q[64], sig[64];
    seeded_rng(&rng, 103);
    for (int i = 0; i < ROUNDS; i++) {
        struct tally_key *key = shared_key(&rng, d, q);
        draw(&rng, &in);
        ck_assert(p256_sign(d, label, in.card, 2, sig));
        ck_assert_int_eq(tally_p256_verify(key, label, in.host, 2, sig), TALLY_OK);
        ck_assert_int_eq(tally_p256_sign(key, label, in.host, 2, sig), TALLY_OK);
        ck_assert(p256_verify(q, label, in.card, 2, sig));
        sig[i] ^= 2;
        ck_assert(!p256_verify(q, label, in.card, 2, sig));
        tally_key_free(key);
    }
}
END_TEST

START_TEST(ecdh_both_ways)
{
    struct rng rng;
    uint8_t d[32], q[64], x[32], y[32];
    struct tally_key *other;
    size_t n;
    seeded_rng(&rng, 104);
    for (int i = 0; i < ROUNDS; i++) {
        tally_key_free(shared_key(&rng, d, q));
        ck_assert_int_eq(tally_key_generate(SUITE_P256, &other), TALLY_OK);
        ck_assert_int_eq(tally_p256_ecdh(other, q, x), TALLY_OK);
        ck_assert(p256_ecdh(d, tally_key_public(other, &n), y));
        ck_assert_mem_eq(x, y, 32);
        tally_key_free(other);
    }
}
END_TEST

START_TEST(hpke_both_ways)
{
    struct rng rng;
    struct input in;
    uint8_t d[32], q[64], sealed[TALLY_HPKE_OVERHEAD + TEXT_MAX], out[TEXT_MAX];
    struct hpke_key card_key = {d, q};
    seeded_rng(&rng, 105);
    for (int i = 0; i < ROUNDS; i++) {
        struct tally_key *key = shared_key(&rng, d, q);
        draw(&rng, &in);
        ck_assert_int_eq(tally_hpke_seal(q, label, in.host, 2, in.text, in.n, sealed), TALLY_OK);
        ck_assert(hpke_open(&card_key, label, in.card, 2, sealed, sealed + 65, in.n + 16));
        ck_assert_mem_eq(sealed + 65, in.text, in.n);

        memcpy(sealed + 65, in.text, in.n);
        ck_assert(hpke_seal(&rng, q, label, in.card, 2, sealed, sealed + 65, in.n));
        ck_assert_int_eq(tally_hpke_open(key, label, in.host, 2, sealed, in.n + TALLY_HPKE_OVERHEAD, out),
                         TALLY_OK);
        ck_assert_mem_eq(out, in.text, in.n);
        tally_key_free(key);
    }
}
END_TEST

struct rsa_pair {
    struct tally_key *host;
    uint8_t card[RSA_PRIVATE_SIZE], modulus[256];
};

static void make_rsa(struct rng *rng, struct rsa_pair *pair)
{
    size_t n;
    ck_assert_int_eq(tally_key_generate(SUITE_RSA, &pair->host), TALLY_OK);
    ck_assert_int_eq(tally_key_rsa_private(pair->host, pair->card), TALLY_OK);
    ck_assert(rsa_modulus(pair->card, pair->modulus));
    ck_assert_mem_eq(pair->modulus, tally_key_public(pair->host, &n), 256);
    ck_assert(rsa_consistent(rng, pair->card, pair->modulus));
}

START_TEST(oaep_both_ways)
{
    struct rng rng;
    struct input in;
    struct rsa_pair pair;
    uint8_t block[256], out[TALLY_OAEP_MAX];
    size_t n;
    seeded_rng(&rng, 106);
    make_rsa(&rng, &pair);
    for (int i = 0; i < ROUNDS; i++) {
        draw(&rng, &in);
        in.n %= TALLY_OAEP_MAX + 1;
        ck_assert_int_eq(tally_oaep_encrypt(pair.host, label, in.text, in.n, block), TALLY_OK);
        ck_assert(rsa_oaep_decrypt(pair.card, label, block, &n));
        ck_assert_bytes_eq(block, n, in.text, in.n);
        ck_assert(rsa_oaep_encrypt(&rng, pair.modulus, label, in.text, in.n, block));
        ck_assert_int_eq(tally_oaep_decrypt(pair.host, label, block, out, &n), TALLY_OK);
        ck_assert_bytes_eq(out, n, in.text, in.n);
    }
    tally_key_free(pair.host);
}
END_TEST

START_TEST(pss_from_the_host_verifies_on_the_card)
{
    struct rng rng;
    struct input in;
    struct rsa_pair pair;
    uint8_t sig[256];
    seeded_rng(&rng, 107);
    make_rsa(&rng, &pair);
    for (int i = 0; i < ROUNDS; i++) {
        draw(&rng, &in);
        ck_assert_int_eq(tally_pss_sign(pair.host, label, in.host, 2, sig), TALLY_OK);
        ck_assert(rsa_pss_verify(pair.modulus, label, in.card, 2, sig));
        ck_assert(!rsa_pss_verify(pair.modulus, "tally/test/2", in.card, 2, sig));
        sig[6 * i] ^= 0x20;
        ck_assert(!rsa_pss_verify(pair.modulus, label, in.card, 2, sig));
    }
    ck_assert(!rsa_pss_verify(pair.modulus, label, in.card, 2, pair.modulus));
    pair.modulus[255] ^= 1;
    ck_assert(!rsa_pss_verify(pair.modulus, label, in.card, 2, sig));
    tally_key_free(pair.host);
}
END_TEST

/* An encoded message of EMSA-PSS as RFC 8017 9.1.1 makes it, except for what the fields say. */
struct pss_form {
    size_t salt_n;
    uint8_t separator, trailer, top;
    size_t stray; /* where in the zeros a 1 stands, or 0 */
};

static void pss_encode_with(const struct pss_form *form, const uint8_t salt[64], uint8_t em[256])
{
    enum { DB = 223 };
    static const uint8_t zeros[8];
    uint8_t digest[32], mask[32], *h = em + DB;
    sha256_labelled(label, NULL, 0, digest);
    const struct bytes hashed[] = {{zeros, 8}, {digest, 32}, {salt, form->salt_n}};
    sha256_labelled("", hashed, 3, h);
    memset(em, 0, DB);
    em[DB - form->salt_n - 1] = form->separator;
    memcpy(em + DB - form->salt_n, salt, form->salt_n);
    if (form->stray != 0)
        em[form->stray] = 1;
    for (size_t i = 0; i < DB; i++) {
        const uint8_t counter[4] = {0, 0, 0, (uint8_t)(i / 32)};
        const struct bytes seed[] = {{h, 32}, {counter, 4}};
        if (i % 32 == 0)
            sha256_labelled("", seed, 2, mask);
        em[i] ^= mask[i % 32];
    }
    em[0] = (uint8_t)((em[0] & 0x7f) | form->top);
    em[255] = form->trailer;
}

/* Looks for a salt that leaves the number small, so that it stays below the modulus with its top bit set. */
static void pss_encode(const struct pss_form *form, uint8_t em[256])
{
    uint8_t salt[64] = {5, 6, 7};
    do {
        salt[0]++;
        pss_encode_with(form, salt, em);
    } while (form->top != 0 && (em[0] & 0x7f) > 0x10);
}

/* Signs whatever it is given: the bare RSA operation. */
static void raw_sign(const struct hex *key, uint8_t block[256])
{
    uint8_t parts[5][128];
    memcpy(parts, key->p, sizeof parts);
    const br_rsa_private_key sk = {2048, parts[0], 128, parts[1], 128, parts[2],
                                   128,  parts[3], 128, parts[4], 128};
    ck_assert_uint_eq(br_rsa_i31_private(block, &sk), 1);
}

START_TEST(malformed_pss_is_refused)
{
    static const struct pss_form forms[] = {
        {32, 1, 0xbc, 0, 0},    /* the right one */
        {20, 1, 0xbc, 0, 0},    /* a shorter salt */
        {0, 1, 0xbc, 0, 0},     /* none */
        {64, 1, 0xbc, 0, 0},    /* a longer one */
        {32, 2, 0xbc, 0, 0},    /* another separator */
        {32, 0, 0xbc, 0, 0},    /* none */
        {32, 1, 0xcc, 0, 0},    /* another trailer */
        {32, 1, 0xbc, 0x80, 0}, /* a bit too many */
        {32, 1, 0xbc, 0, 1},    /* not all zeros, at the beginning */
        {32, 1, 0xbc, 0, 189},  /* and at the end */
    };
    struct hex key = unhex(RSA_KEY_A);
    struct tally_key *host;
    uint8_t modulus[256], sig[256];
    ck_assert(rsa_modulus(key.p, modulus));
    ck_assert_int_eq(tally_key_from_public(modulus, 256, &host), TALLY_OK);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        pss_encode(&forms[i], sig);
        raw_sign(&key, sig);
        ck_assert_int_eq(rsa_pss_verify(modulus, label, NULL, 0, sig), i == 0);
        ck_assert_int_eq(tally_pss_verify(host, label, NULL, 0, sig), i == 0 ? TALLY_OK : TALLY_E_CRYPTO);
    }
    /* Values that are no residues, or have no content. */
    memset(sig, 0xff, sizeof sig);
    ck_assert(!rsa_pss_verify(modulus, label, NULL, 0, sig));
    memset(sig, 0, sizeof sig);
    ck_assert(!rsa_pss_verify(modulus, label, NULL, 0, sig));
    sig[255] = 1;
    ck_assert(!rsa_pss_verify(modulus, label, NULL, 0, sig));
    tally_key_free(host);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("card and host");
    TCase *t = tcase_create("cross");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, macs_and_derivations_agree);
    tcase_add_test(t, block_modes_agree);
    tcase_add_test(t, aeads_agree);
    tcase_add_test(t, ecdsa_both_ways);
    tcase_add_test(t, ecdh_both_ways);
    tcase_add_test(t, hpke_both_ways);
    tcase_add_test(t, oaep_both_ways);
    tcase_add_test(t, pss_from_the_host_verifies_on_the_card);
    tcase_add_test(t, malformed_pss_is_refused);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return tally_check_main(suite(), NULL);
}
