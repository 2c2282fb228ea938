#include "tests/support/torn_card.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/support/chosen_card.h"
#include "tests/support/must.h"

/* What both processes see. The test writes the plan and raises ordered; the card writes the rest. */
struct shared {
    struct torn_plan plan;
    _Atomic unsigned ordered, cuts;
    _Atomic bool away;
    _Atomic uint64_t operations;
};

struct torn_card {
    struct shared *shared;
    pid_t pid;
    int bell; /* a byte into this pipe calls the card back */
};

/* The card's process. */
struct body {
    struct chosen_card chosen;
    struct shared *shared;
    struct torn_plan plan;
    unsigned taken;
    bool on, again_ordered;
    uint64_t base; /* operations before the plan */
    uint8_t *flash, *saved;
    size_t flash_size;
};

static void note(struct body *b)
{
    atomic_store(&b->shared->operations, chosen_operations(&b->chosen) - b->base);
}

static void order(struct body *b, uint64_t operation, uint64_t seed)
{
    if (operation > 0)
        chosen_cut_at(&b->chosen, chosen_operations(&b->chosen) + operation, seed);
}

/* Told before the link is closed, so that whoever notices the loss knows why. */
static void lost(struct body *b)
{
    atomic_fetch_add(&b->shared->cuts, 1);
    atomic_store(&b->shared->away, true);
}

static bool power_on(void *ctx)
{
    struct body *b = ctx;
    if (b->on)
        return true;
    if (atomic_load(&b->shared->cuts) == 1 && !b->again_ordered) {
        b->again_ordered = true;
        order(b, b->plan.again, b->plan.seed / 7 + 1);
    }
    b->on = b->chosen.ops->power_on(b->chosen.card);
    if (!b->on)
        atomic_fetch_add(&b->shared->cuts, 1);
    note(b);
    return b->on;
}

static void power_off(void *ctx)
{
    struct body *b = ctx;
    b->on = false;
    b->chosen.ops->power_off(b->chosen.card);
}

static bool reset(void *ctx)
{
    struct body *b = ctx;
    bool ok = b->chosen.ops->reset(b->chosen.card);
    note(b);
    if (!ok)
        lost(b);
    return ok;
}

static size_t atr(void *ctx, uint8_t *out)
{
    const struct body *b = ctx;
    return b->chosen.ops->atr(b->chosen.card, out);
}

/* The old chip comes back while nobody looks. */
static bool take_plan(struct body *b)
{
    b->taken = atomic_load(&b->shared->ordered);
    b->plan = b->shared->plan;
    power_off(b);
    memcpy(b->flash, b->saved, b->flash_size);
    b->base = chosen_operations(&b->chosen);
    b->again_ordered = false;
    atomic_store(&b->shared->cuts, 0);
    chosen_cut_at(&b->chosen, 0, 0);
    order(b, b->plan.cut_at, b->plan.seed);
    return power_on(b);
}

static size_t transmit(void *ctx, const uint8_t *cmd, size_t n, uint8_t *resp, size_t cap)
{
    struct body *b = ctx;
    bool on = b->taken == atomic_load(&b->shared->ordered) || take_plan(b);
    size_t answer = on ? b->chosen.ops->transmit(b->chosen.card, cmd, n, resp, cap) : 0;
    note(b);
    if (answer == 0)
        lost(b);
    return answer;
}

static const struct vcard_ops torn_ops = {
    .power_on = power_on,
    .power_off = power_off,
    .reset = reset,
    .atr = atr,
    .transmit = transmit,
};

/* Powered before it is there for the reader: what is cut in the recovery needs no second return. */
static void serve(struct body *b, const struct vpcd_options *link, int bell)
{
    char called;
    do {
        while (!power_on(b))
            power_off(b);
        (void)vpcd_run(link, &torn_ops, b);
    } while (read(bell, &called, 1) == 1);
}

static void become_card(struct shared *shared, uint16_t port, const char *path, int bell)
{
    static struct body b;
    static struct image image;
    const struct vpcd_options link = {.host = "127.0.0.1", .port = port, .end_when_torn = true};
    must(image_open(path, &image) == IMAGE_OK);
    b.shared = shared;
    b.flash = image.flash;
    b.flash_size = image.flash_size;
    b.saved = malloc(b.flash_size);
    must(b.saved != NULL);
    memcpy(b.saved, b.flash, b.flash_size);
    chosen_init(&b.chosen, &image);
    serve(&b, &link, bell);
}

struct torn_card *torn_card_insert(const struct tally_private_pcscd *pcscd, unsigned slot, const char *path)
{
    struct torn_card *c = calloc(1, sizeof *c);
    int ends[2];
    must(c != NULL && pipe2(ends, O_CLOEXEC) == 0);
    void *map = mmap(NULL, sizeof *c->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(map != MAP_FAILED);
    c->shared = map;
    c->bell = ends[1];
    pid_t parent = getpid();
    c->pid = fork();
    must(c->pid >= 0);
    if (c->pid > 0) {
        close(ends[0]);
        return c;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent)
        become_card(c->shared, tally_private_pcscd_port(pcscd, slot), path, ends[0]);
    _exit(1);
}

void torn_card_remove(struct torn_card *c)
{
    test_card_remove(c->pid);
    close(c->bell);
    (void)munmap(c->shared, sizeof *c->shared);
    free(c);
}

void torn_card_begin(struct torn_card *c, const struct torn_plan *plan)
{
    c->shared->plan = *plan;
    atomic_store(&c->shared->cuts, 0);
    atomic_fetch_add(&c->shared->ordered, 1);
}

bool torn_card_away(const struct torn_card *c)
{
    return atomic_load(&c->shared->away);
}

void torn_card_return(struct torn_card *c)
{
    atomic_store(&c->shared->away, false);
    must(write(c->bell, "", 1) == 1);
}

uint64_t torn_card_operations(const struct torn_card *c)
{
    return atomic_load(&c->shared->operations);
}

unsigned torn_card_cuts(const struct torn_card *c)
{
    return atomic_load(&c->shared->cuts);
}
