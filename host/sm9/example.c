/* An example of libtally-sm9: a key centre, a signature, and a message that only its receiver reads.
 *
 *     cc example.c $(pkg-config --cflags --libs tally-sm9) && ./a.out
 */
#include <stdio.h>
#include <string.h>

#include <tally/tsm9.h>

static const uint8_t alice[] = "alice@example.org", bob[] = "bob@example.org";
enum { ALICE = sizeof alice - 1, BOB = sizeof bob - 1 };

/* The centre's part: master keys, which it keeps, and the keys it hands to the two. */
struct centre {
    uint8_t sign_public[TSM9_SIGN_PUBLIC_SIZE], encrypt_public[TSM9_ENCRYPT_PUBLIC_SIZE];
    uint8_t alice_signs[TSM9_SIGN_KEY_SIZE], bob_decrypts[TSM9_DECRYPT_KEY_SIZE];
};

static enum tsm9_result make_centre(struct centre *c)
{
    uint8_t ks[TSM9_MASTER_SIZE], ke[TSM9_MASTER_SIZE];
    enum tsm9_result r = tsm9_master_generate(ks, NULL);
    if (r == TSM9_OK)
        r = tsm9_master_generate(ke, NULL);
    if (r == TSM9_OK)
        r = tsm9_sign_public(c->sign_public, ks);
    if (r == TSM9_OK)
        r = tsm9_encrypt_public(c->encrypt_public, ke);
    if (r == TSM9_OK)
        r = tsm9_sign_extract(c->alice_signs, ks, alice, ALICE);
    if (r == TSM9_OK)
        r = tsm9_encrypt_extract(c->bob_decrypts, ke, bob, BOB, TSM9_FOR_ENCRYPTION);
    memset(ks, 0, sizeof ks); /* a real centre uses a function that the compiler may not remove */
    memset(ke, 0, sizeof ke);
    return r;
}

static enum tsm9_result sign_and_verify(const struct centre *c)
{
    static const char text[] = "see you at the gate";
    uint8_t signature[TSM9_SIGNATURE_SIZE];
    struct tsm9_verifier *verifier = NULL;
    struct tsm9_signer *signer = NULL;
    enum tsm9_result r = tsm9_verifier_new(&verifier, c->sign_public);
    if (r == TSM9_OK)
        r = tsm9_signer_new(&signer, c->alice_signs);
    if (r == TSM9_OK)
        r = tsm9_sign(signature, verifier, signer, text, sizeof text, NULL);
    if (r == TSM9_OK)
        r = tsm9_verify(signature, verifier, alice, ALICE, text, sizeof text);
    tsm9_signer_free(signer);
    tsm9_verifier_free(verifier);
    return r;
}

static enum tsm9_result encrypt_and_decrypt(const struct centre *c)
{
    static const uint8_t text[] = "platform 4";
    uint8_t sealed[TSM9_OVERHEAD + sizeof text], back[sizeof text];
    size_t n = 0;
    struct tsm9_encrypter *encrypter = NULL;
    struct tsm9_decrypter *decrypter = NULL;
    enum tsm9_result r = tsm9_encrypter_new(&encrypter, c->encrypt_public);
    if (r == TSM9_OK)
        r = tsm9_encrypt(sealed, TSM9_STREAM, encrypter, bob, BOB, text, sizeof text, NULL);
    if (r == TSM9_OK)
        r = tsm9_decrypter_new(&decrypter, c->bob_decrypts);
    if (r == TSM9_OK)
        r = tsm9_decrypt(back, &n, TSM9_STREAM, sealed, sizeof sealed, decrypter, bob, BOB);
    if (r == TSM9_OK)
        printf("bob reads: %s\n", (const char *)back);
    tsm9_decrypter_free(decrypter);
    tsm9_encrypter_free(encrypter);
    return r;
}

int main(void)
{
    struct centre c;
    enum tsm9_result r = make_centre(&c);
    if (r == TSM9_OK)
        r = sign_and_verify(&c);
    if (r == TSM9_OK)
        r = encrypt_and_decrypt(&c);
    if (r != TSM9_OK)
        fprintf(stderr, "example: %s\n", tsm9_text(r));
    return r != TSM9_OK;
}
