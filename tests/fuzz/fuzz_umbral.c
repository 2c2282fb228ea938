/* Any bytes as one of Umbral's objects (the first byte says which): what is read is written back byte for
 * byte, and checking it never goes astray. */
#include <string.h>

#include "host/crypto/umbral_extra.h"
#include "tests/support/must.h"
#include "tests/support/pledge_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct pledge_world w;
static uint8_t again[TALLY_OPENABLE_MAX];

static void same(const uint8_t *data, size_t size, size_t n)
{
    must(n == size && memcmp(again, data, size) == 0);
}

static void capsule(const uint8_t *data, size_t size)
{
    struct tally_umbral_capsule c;
    if (tally_umbral_capsule_read(data, size, &c) != TALLY_OK)
        return;
    tally_umbral_capsule_write(&c, again);
    same(data, size, TALLY_UMBRAL_CAPSULE_SIZE);
}

static void kfrag(const uint8_t *data, size_t size)
{
    struct tally_umbral_kfrag k;
    struct tally_umbral_verified_kfrag verified;
    if (tally_umbral_kfrag_read(data, size, &k) != TALLY_OK)
        return;
    tally_umbral_kfrag_write(&k, again);
    same(data, size, TALLY_UMBRAL_KFRAG_SIZE);
    (void)tally_umbral_kfrag_verify(&k, &w.bank.public_key, &w.provider.public_key, &w.seller.public_key,
                                    &verified);
}

static void cfrag(const uint8_t *data, size_t size)
{
    struct tally_umbral_cfrag f;
    if (tally_umbral_cfrag_read(data, size, &f) != TALLY_OK)
        return;
    tally_umbral_cfrag_write(&f, again);
    same(data, size, TALLY_UMBRAL_CFRAG_SIZE);
}

static void der(const uint8_t *data, size_t size)
{
    uint8_t signature[TALLY_UMBRAL_SIGNATURE_SIZE];
    size_t n;
    if (tally_umbral_signature_from_der(data, size, signature) != TALLY_OK)
        return;
    must(tally_umbral_signature_to_der(signature, again, &n) == TALLY_OK);
    same(data, size, n);
}

static void channel_key(const uint8_t *data, size_t size)
{
    struct tally_channel_key k;
    struct tally_verified_channel_key verified;
    size_t n;
    if (tally_channel_key_read(data, size, &k) != TALLY_OK)
        return;
    must(tally_channel_key_write(&k, again, &n) == TALLY_OK);
    same(data, size, n);
    (void)tally_channel_key_verify(&k, &w.bank.public_key, &verified);
}

static void grant(const uint8_t *data, size_t size)
{
    struct tally_grant g;
    struct tally_verified_grant verified;
    size_t n;
    if (tally_grant_read(data, size, &g) != TALLY_OK)
        return;
    must(tally_grant_write(&g, again, &n) == TALLY_OK);
    same(data, size, n);
    (void)tally_grant_verify(&g, &w.bank.public_key, &verified);
}

static void pledged(const uint8_t *data, size_t size)
{
    struct tally_pledged_ticket p;
    struct tally_verified_pledged_ticket verified;
    size_t n;
    if (tally_pledged_read(data, size, &p) != TALLY_OK)
        return;
    must(tally_pledged_write(&p, again, &n) == TALLY_OK);
    same(data, size, n);
    (void)tally_pledged_verify(&p, &w.provider.public_key, &verified);
}

static void openable(const uint8_t *data, size_t size)
{
    struct tally_openable_ticket o;
    uint8_t ticket[TALLY_TICKET_MAX];
    size_t n;
    if (tally_openable_read(data, size, &o) != TALLY_OK)
        return;
    must(tally_openable_write(&o, again, &n) == TALLY_OK);
    same(data, size, n);
    (void)tally_openable_open(&w.seller, &w.trust, &o, 1, ticket, &n);
}

static void evidence(const uint8_t *data, size_t size)
{
    struct tally_umbral_evidence e;
    if (tally_umbral_evidence_read(data, size, &e) != TALLY_OK)
        return;
    tally_umbral_evidence_write(&e, again);
    same(data, size, TALLY_UMBRAL_EVIDENCE_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const uint8_t *data, size_t size) = {
        capsule, kfrag, cfrag, der, channel_key, grant, pledged, openable, evidence};
    static bool ready;
    if (!ready)
        pledge_world_init(&w);
    ready = true;
    if (size > 0 && data[0] < sizeof readers / sizeof *readers)
        readers[data[0]](data + 1, size - 1);
    return 0;
}
