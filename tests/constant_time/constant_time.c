/* Runs the card's cryptography under valgrind's memcheck with the secrets marked as undefined: it reports
 * every branch and every address that depends on one. What may depend on a secret, and why, is in
 * decisions.supp. With "leak" it does what must be reported, so that a silent tool is noticed. Exit status 1:
 * a result is wrong. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "card/apdu/scp03.h"
#include "card/crypto/hpke.h"
#include "card/crypto/p256.h"
#include "card/crypto/rsa.h"
#include "card/crypto/sm9_suite.h"
#include "card/crypto/sym.h"
#include "tests/constant_time/secret.h"

static struct rng rng;

static int system_like(void *ctx, uint8_t *buf, size_t n)
{
    (void)ctx;
    for (size_t i = 0; i < n; i++)
        buf[i] = (uint8_t)(i * 29 + 7);
    return HAL_OK;
}

static const struct hal hal = {.random = system_like};

/* A key of n bytes that nobody may look at. */
static void make_secret(uint8_t *p, size_t n)
{
    rng_bytes(&rng, p, n);
    secret(p, n);
}

static bool compares(void)
{
    uint8_t a[AES_BLOCK_SIZE], b[AES_BLOCK_SIZE];
    make_secret(a, sizeof a);
    memcpy(b, a, sizeof b);
    return told(equal_ct(a, b, sizeof a));
}

static bool authentication_codes(void)
{
    uint8_t key[SYM_KEY_SIZE], data[100], mac[AES_BLOCK_SIZE];
    struct bytes parts[] = {{data, 33}, {data + 33, sizeof data - 33}};
    make_secret(key, sizeof key);
    make_secret(data, sizeof data);
    cmac(key, parts, 2, mac);
    hmac_sha256((struct bytes){key, sizeof key}, parts, 2, data);
    return true;
}

/* As card/apdu/pin.c compares. */
static bool pins(void)
{
    uint8_t key[SYM_KEY_SIZE], pin[6], salt[16] = {1}, stored[16], verifier[16];
    struct bytes context[] = {{salt, sizeof salt}, {pin, sizeof pin}};
    make_secret(key, sizeof key);
    make_secret(pin, sizeof pin);
    kdf_cmac(key, LABEL_PIN, context, 2, stored, sizeof stored);
    kdf_cmac(key, LABEL_PIN, context, 2, verifier, sizeof verifier);
    return told(equal_ct(stored, verifier, sizeof stored));
}

static bool derivations(void)
{
    uint8_t key[SYM_KEY_SIZE], prk[SHA256_SIZE], out[64];
    struct bytes context = {key, 4};
    make_secret(key, sizeof key);
    kdf_cmac(key, LABEL_SUB_KEY, &context, 1, out, sizeof out);
    hkdf_extract((struct bytes){key, sizeof key}, &context, 1, prk);
    hkdf_expand(prk, &context, 1, out, sizeof out);
    return true;
}

static bool sealed_messages(void)
{
    uint8_t key[SYM_KEY_SIZE], nonce[SESSION_NONCE_SIZE] = {1}, data[90], tag[AEAD_TAG_SIZE];
    struct bytes aad = {nonce, 5};
    make_secret(key, sizeof key);
    make_secret(data, sizeof data);
    ccm_seal(key, nonce, &aad, 1, data, sizeof data, tag);
    public(data, sizeof data);
    public(tag, SESSION_TAG_SIZE);
    bool good = told(ccm_open(key, nonce, &aad, 1, data, sizeof data, tag));
    gcm_seal(key, nonce, &aad, 1, data, sizeof data, tag);
    public(data, sizeof data);
    public(tag, sizeof tag);
    return told(gcm_open(key, nonce, &aad, 1, data, sizeof data, tag)) && good;
}

static bool secure_channel(void)
{
    struct scp03 channel;
    struct scp03_keys keys;
    uint8_t challenge[SCP03_CHALLENGE_SIZE] = {1}, cryptogram[SCP03_CRYPTOGRAM_SIZE];
    uint8_t data[SCP03_CRYPTOGRAM_SIZE + SCP03_MAC_SIZE] = {2};
    struct apdu_command command = {
        CLA_PROPRIETARY | CLA_SECURE, INS_EXTERNAL_AUTHENTICATE, SCP03_LEVEL, 0, data, sizeof data};
    make_secret((uint8_t *)&keys, sizeof keys);
    scp03_begin(&channel, &keys, challenge, challenge, cryptogram);
    return !told(scp03_authenticate(&channel, &command));
}

static bool curve(void)
{
    uint8_t key[P256_PRIVATE_SIZE], peer_key[P256_PRIVATE_SIZE], public_key[P256_PUBLIC_SIZE],
        peer[P256_PUBLIC_SIZE], x[P256_SECRET_SIZE], signature[ECDSA_SIZE];
    if (!p256_generate(&rng, peer_key, peer) || !p256_draw(&rng, key))
        return false;
    secret(key, sizeof key);
    bool good = told(p256_public(key, public_key));
    good = told(p256_ecdh(key, peer, x)) && good;
    good = told(p256_sign(key, LABEL_CARD_PROOF, NULL, 0, signature)) && good;
    public(public_key, sizeof public_key);
    public(signature, sizeof signature);
    return good && p256_verify(public_key, LABEL_CARD_PROOF, NULL, 0, signature);
}

static bool hybrid(void)
{
    uint8_t key[P256_PRIVATE_SIZE], public_key[P256_PUBLIC_SIZE], enc[HPKE_ENC_SIZE],
        data[64 + AEAD_TAG_SIZE];
    const struct hpke_key pair = {key, public_key};
    if (!p256_generate(&rng, key, public_key) ||
        !hpke_seal(&rng, public_key, LABEL_CIPHERTEXT_1, NULL, 0, enc, data, 64))
        return false;
    secret(key, sizeof key);
    return told(hpke_open(&pair, LABEL_CIPHERTEXT_1, NULL, 0, enc, data, sizeof data));
}

/* The lengths of the factors are public: BearSSL looks for their first bytes. */
static bool rsa(void)
{
    static uint8_t key[RSA_PRIVATE_SIZE], modulus[RSA_SIZE], block[RSA_SIZE];
    size_t n;
    if (!rsa_generate(&rng, key, modulus) ||
        !rsa_oaep_encrypt(&rng, modulus, LABEL_GATE_RSA, (const uint8_t *)"ticket", 6, block))
        return false;
    secret(key, sizeof key);
    public(key, 1);
    public(key + RSA_FACTOR_SIZE, 1);
    bool good = told(rsa_oaep_decrypt(key, LABEL_GATE_RSA, block, &n));
    public(block, sizeof block);
    public(&n, sizeof n);
    return good && n == 6 && memcmp(block, "ticket", 6) == 0;
}

/* What one key centre gave to a card and to a gate, and its master keys. */
struct identities {
    struct identity card, gate;
    uint8_t sign_master[SM9_G2_SIZE], encrypt_master[SM9_G1_SIZE];
    uint8_t sign_power[SM9_POWER_SIZE], encrypt_power[SM9_POWER_SIZE];
    uint8_t sign_key[SM9_G1_SIZE], decrypt_key[SM9_G2_SIZE], gate_key[SM9_G2_SIZE];
    struct sm9_work work;
};

static bool make_identities(struct identities *x)
{
    static const uint8_t master[SM9_KEY_BYTES] = {0, 1, 2, 3};
    char card[IDENTITY_MAX + 1], gate[IDENTITY_MAX + 1];
    x->card = (struct identity){.scheme = IDENTITY_CARD, .serial = {7}, .epoch = 1};
    x->gate = (struct identity){.scheme = IDENTITY_GATE, .operator_id = 1, .gate = 501, .epoch = 1};
    const struct sm9_id card_id = {(const uint8_t *)card, identity_print(&x->card, card)};
    const struct sm9_id gate_id = {(const uint8_t *)gate, identity_print(&x->gate, gate)};
    return sm9_sign_master_public(x->sign_master, master) == SM9_OK &&
           sm9_encrypt_master_public(x->encrypt_master, master) == SM9_OK &&
           sm9_sign_extract(x->sign_key, master, &card_id) == SM9_OK &&
           sm9_encrypt_extract(x->decrypt_key, master, &card_id, SM9_HID_ENCRYPT) == SM9_OK &&
           sm9_encrypt_extract(x->gate_key, master, &gate_id, SM9_HID_ENCRYPT) == SM9_OK &&
           sm9_powers(&x->work, x->sign_master, x->encrypt_master, x->sign_power, x->encrypt_power);
}

/* PUT DATA looks at the keys, LOAD decrypts with one, VERIFY by identity draws a secret and signs. */
static bool card_identity(void)
{
    static struct identities x;
    uint8_t c[SM9_G1_SIZE], sent[SM9_SECRET_SIZE], got[SM9_SECRET_SIZE], signature[SM9_CODE_SIZE];
    if (!make_identities(&x) || !sm9_load_sealer(&x.work, x.encrypt_master, x.encrypt_power) ||
        !sm9_seal_secret(&x.work, &rng, &x.card, c, sent))
        return false;
    secret(x.sign_key, sizeof x.sign_key);
    secret(x.decrypt_key, sizeof x.decrypt_key);
    bool good = told(sm9_private_valid(x.sign_key, x.decrypt_key));
    good = told(sm9_open_secret(&rng, x.decrypt_key, &x.card, c, got)) && good;
    public(got, sizeof got);
    good = memcmp(got, sent, sizeof got) == 0 && good;

    secret(&rng, sizeof rng);
    public(&rng.drbg.vtable, sizeof rng.drbg.vtable);
    public(&rng.drbg.digest_class, sizeof rng.drbg.digest_class);
    good = told(sm9_seal_secret(&x.work, &rng, &x.gate, c, sent)) && good;
    public(c, sizeof c);
    public(sent, sizeof sent);
    good = told(sm9_open_secret(&rng, x.gate_key, &x.gate, c, got)) && good;
    public(got, sizeof got);
    good = memcmp(got, sent, sizeof got) == 0 && good;
    good = sm9_load_signer(&x.work, x.sign_power) && good;
    good = told(sm9_sign_parts(&x.work, &rng, x.sign_key, LABEL_CARD_PROOF, NULL, 0, signature)) && good;
    public(signature, sizeof signature);
    return good && sm9_load_verifier(&x.work, x.sign_master, x.sign_power) &&
           sm9_verify_parts(&x.work, &x.card, LABEL_CARD_PROOF, NULL, 0, signature);
}

/* What must be reported: a comparison that ends early, and a table looked up by a secret. */
static bool leaks(void)
{
    static const uint8_t table[256] = {1, 2, 3};
    uint8_t key[SYM_KEY_SIZE];
    make_secret(key, sizeof key);
    volatile uint8_t looked_up = table[key[0]];
    (void)looked_up;
    for (size_t i = 0; i < sizeof key; i++)
        if (key[i] == 0)
            return true;
    return true;
}

static const struct {
    const char *name;
    bool (*run)(void);
} cases[] = {
    {"compare", compares},
    {"mac", authentication_codes},
    {"pin", pins},
    {"derive", derivations},
    {"seal", sealed_messages},
    {"channel", secure_channel},
    {"curve", curve},
    {"hybrid", hybrid},
    {"rsa", rsa},
    {"identity", card_identity},
    {"leak", leaks},
};

int main(int argc, char **argv)
{
    bool known = false, good = rng_init(&rng, &hal);
    for (size_t i = 0; argc == 2 && i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(argv[1], cases[i].name) != 0)
            continue;
        known = true;
        good = cases[i].run() && good;
    }
    if (!known || !good)
        fprintf(stderr, "constant_time: %s\n", known ? "a result is wrong" : "no such case");
    return known && good ? 0 : 1;
}
