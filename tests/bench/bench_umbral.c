/* umbral.*: processor time of each operation in microseconds, and how many times more the npm package takes,
 * measured in turns in one run. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/crypto/umbral.h"
#include "tests/support/must.h"
#include "tests/support/npm_umbral.h"
#include "tests/support/pledge_world.h"

enum { ROUNDS = 61, TIMES = 12, PLAINTEXT = 200 };

static struct tally_umbral_secret owner, receiver, signer;
static struct tally_umbral_capsule capsule;
static struct tally_umbral_verified_kfrag kfrag;
static struct tally_umbral_verified_cfrag cfrag;
static uint8_t plaintext[PLAINTEXT], ciphertext[PLAINTEXT + TALLY_UMBRAL_OVERHEAD];
static const struct tally_random *const rnd = &tally_system_random;

static enum tally_error do_encrypt(void)
{
    struct tally_umbral_capsule c;
    uint8_t out[sizeof ciphertext];
    return tally_umbral_encrypt(&owner.public_key, plaintext, sizeof plaintext, NULL, 0, rnd, &c, out);
}

static enum tally_error do_rekey(void)
{
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    struct tally_umbral_verified_kfrag k;
    return tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, rnd, &k);
}

static enum tally_error do_reencrypt(void)
{
    struct tally_umbral_verified_cfrag f;
    return tally_umbral_reencrypt(&capsule, &kfrag, rnd, &f);
}

static enum tally_error do_open_owner(void)
{
    uint8_t out[PLAINTEXT];
    return tally_umbral_decrypt_original(&owner, &capsule, NULL, 0, ciphertext, sizeof ciphertext, out);
}

static enum tally_error do_open_seller(void)
{
    uint8_t out[PLAINTEXT];
    return tally_umbral_decrypt_reencrypted(&receiver, &owner.public_key, &capsule, &cfrag, 1, NULL, 0,
                                            ciphertext, sizeof ciphertext, out);
}

/* ---- Pledged tickets: each party's whole step, from bytes to bytes ---- */

static struct pledge_world world;
static uint8_t grant_bytes[TALLY_GRANT_MAX], pledged_bytes[TALLY_PLEDGED_MAX],
    openable_bytes[TALLY_OPENABLE_MAX];
static size_t grant_n, pledged_n, openable_n;

static enum tally_error do_pledge(void)
{
    struct tally_verified_pledged_ticket pledged;
    uint8_t out[TALLY_PLEDGED_MAX];
    size_t n;
    enum tally_error e = tally_pledged_make(&world.channel_key, &world.context, plaintext, sizeof plaintext,
                                            &world.provider, rnd, &pledged);
    return e == TALLY_OK ? tally_pledged_write(&pledged.pledged, out, &n) : e;
}

static enum tally_error do_redeem(void)
{
    struct tally_pledged_ticket read;
    struct tally_verified_pledged_ticket pledged;
    struct tally_openable_ticket openable;
    uint8_t out[TALLY_OPENABLE_MAX];
    size_t n;
    enum tally_error e = tally_pledged_read(pledged_bytes, pledged_n, &read);
    if (e == TALLY_OK)
        e = tally_pledged_verify(&read, &world.provider.public_key, &pledged);
    if (e == TALLY_OK)
        e = tally_pledged_reencrypt(&world.grant, &pledged, rnd, &openable);
    return e == TALLY_OK ? tally_openable_write(&openable, out, &n) : e;
}

static enum tally_error do_receive(void)
{
    struct tally_openable_ticket openable;
    uint8_t ticket[TALLY_TICKET_MAX];
    size_t n;
    enum tally_error e = tally_openable_read(openable_bytes, openable_n, &openable);
    return e == TALLY_OK ? tally_openable_open(&world.seller, &world.trust, &openable, 1, ticket, &n) : e;
}

static enum tally_error do_take_grant(void)
{
    struct tally_grant read;
    struct tally_verified_grant grant;
    enum tally_error e = tally_grant_read(grant_bytes, grant_n, &read);
    return e == TALLY_OK ? tally_grant_verify(&read, &world.bank.public_key, &grant) : e;
}

static void prepare_world(void)
{
    pledge_world_init(&world);
    const struct tally_verified_pledged_ticket pledged = pledge_ticket(&world, &world.scope);
    const struct tally_openable_ticket openable = pledge_openable(&world, &world.grant, &pledged);
    must(tally_grant_write(&world.grant.grant, grant_bytes, &grant_n) == TALLY_OK);
    must(tally_pledged_write(&pledged.pledged, pledged_bytes, &pledged_n) == TALLY_OK);
    must(tally_openable_write(&openable, openable_bytes, &openable_n) == TALLY_OK);
}

static void prepare(void)
{
    static const struct tally_umbral_rekey_options options = {1, 1, true, true};
    must(tally_umbral_secret_generate(rnd, &owner) == TALLY_OK);
    must(tally_umbral_secret_generate(rnd, &receiver) == TALLY_OK);
    must(tally_umbral_secret_generate(rnd, &signer) == TALLY_OK);
    must(tally_umbral_encrypt(&owner.public_key, plaintext, sizeof plaintext, NULL, 0, rnd, &capsule,
                              ciphertext) == TALLY_OK);
    must(tally_umbral_rekey(&owner, &receiver.public_key, &signer, &options, rnd, &kfrag) == TALLY_OK);
    must(tally_umbral_reencrypt(&capsule, &kfrag, rnd, &cfrag) == TALLY_OK);
}

static double measure_here(enum tally_error (*operation)(void))
{
    struct timespec start, end;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    for (int i = 0; i < TIMES; i++)
        must(operation() == TALLY_OK);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return ((double)(end.tv_sec - start.tv_sec) * 1e6 + (double)(end.tv_nsec - start.tv_nsec) / 1e3) / TIMES;
}

static double measure_there(const char *name)
{
    char times[8];
    snprintf(times, sizeof times, "%d", TIMES);
    npm_begin("time");
    npm_text(name);
    npm_text(times);
    must(npm_ask());
    return strtod(npm_word(0), NULL);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *samples)
{
    qsort(samples, ROUNDS, sizeof *samples, by_value);
    return samples[ROUNDS / 2];
}

static void compare(const char *name, enum tally_error (*operation)(void), bool npm)
{
    double ours[ROUNDS], ratio[ROUNDS];
    measure_here(operation);
    if (npm)
        measure_there(name);
    for (int i = 0; i < ROUNDS; i++) {
        ours[i] = measure_here(operation);
        ratio[i] = npm ? measure_there(name) / ours[i] : 0;
    }
    printf("umbral.%s_us %.1f\n", name, median(ours));
    if (npm)
        printf("umbral.vs_npm.%s %.2f\n", name, median(ratio));
}

int main(void)
{
    bool npm = npm_umbral_available();
    if (npm)
        npm_umbral_start();
    else
        fprintf(stderr, "bench_umbral: the npm package is not there: no comparison\n");
    prepare();
    compare("encrypt", do_encrypt, npm);
    compare("rekey", do_rekey, npm);
    compare("reencrypt", do_reencrypt, npm);
    compare("open_owner", do_open_owner, npm);
    compare("open_seller", do_open_seller, npm);
    if (npm)
        npm_umbral_stop();
    prepare_world();
    compare("pledge", do_pledge, false);
    compare("take_grant", do_take_grant, false);
    compare("redeem", do_redeem, false);
    compare("receive", do_receive, false);
    return 0;
}
