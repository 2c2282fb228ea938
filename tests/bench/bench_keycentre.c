/* keycentre.*: processor time of extraction, by one centre and by groups: a centre's partial key, and what
 * the client does with the answers, the check by pairing included. Card's identity, decryption key, which is
 * the dearer. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tests/support/keycentre_group.h"
#include "tests/support/must.h"

enum { ROUNDS = 15, TIMES = 8 };

static const struct sm9_id id = {(const uint8_t *)"card:0102030405060708:7", 23};
static struct test_group group;
static struct keycentre_partial parts[KEYCENTRE_CENTRES_MAX];

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void whole(void)
{
    uint8_t master[FN_BYTES], key[G2_BYTES];
    fn_to_bytes(master, &group.encrypt);
    must(sm9_encrypt_extract(key, master, &id, SM9_HID_ENCRYPT) == SM9_OK);
}

static void partial(void)
{
    struct keycentre_partial out;
    must(keycentre_partial_make(&group.shares[0], KEYCENTRE_DECRYPT, &id, &out) == TALLY_OK);
}

static void combine(void)
{
    uint8_t key[G2_BYTES], all = (uint8_t)((1U << group.group.size.centres) - 1);
    unsigned culprit;
    must(keycentre_combine(&group.group, KEYCENTRE_DECRYPT, &id, parts, all, key, &culprit) == TALLY_OK);
}

static void evidence(void)
{
    static struct keycentre_evidence out;
    must(keycentre_evidence_make(&group.shares[0], KEYCENTRE_DECRYPT, &id, &out) == TALLY_OK);
}

static void measure(const char *name, void (*operation)(void))
{
    double rounds[ROUNDS];
    for (size_t r = 0; r < ROUNDS; r++) {
        double start = cpu_us();
        for (size_t i = 0; i < TIMES; i++)
            operation();
        double us = (cpu_us() - start) / TIMES;
        size_t at = r;
        for (; at > 0 && rounds[at - 1] > us; at--)
            rounds[at] = rounds[at - 1];
        rounds[at] = us;
    }
    printf("keycentre.%s_us %.0f\n", name, rounds[ROUNDS / 2]);
}

int main(void)
{
    static const struct keycentre_size sizes[] = {{2, 3}, {3, 5}, {4, 7}};
    char name[48];
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        test_group_make(&group, sizes[s], &tally_system_random);
        for (unsigned i = 0; i < sizes[s].centres; i++)
            must(keycentre_partial_make(&group.shares[i], KEYCENTRE_DECRYPT, &id, &parts[i]) == TALLY_OK);
        if (s == 0)
            measure("extract", whole);
        const struct {
            const char *name;
            void (*run)(void);
        } operations[] = {{"partial", partial}, {"combine", combine}, {"evidence", evidence}};
        for (size_t o = 0; o < sizeof operations / sizeof *operations; o++) {
            snprintf(name, sizeof name, "%s_%u_of_%u", operations[o].name, sizes[s].threshold,
                     sizes[s].centres);
            measure(name, operations[o].run);
        }
    }
    return 0;
}
