#include "tests/support/ramcard.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/wire/be.h"
#include "tests/support/must.h"
#include "tests/support/unpoison.h"

enum { PAGE_SIZE = 2048, SHORT_DATA_MAX = 255, COMMAND_MAX = 4 + 3 + 65535 + 2 };

struct ramcard {
    pid_t home; /* the process that last sent a command */
    uint32_t seed, drawn;
    struct ramcard_shape shape;
    bool random_broken;
    struct hal_identity identity;
    struct hal hal;
    struct card card;
    struct flashsim sim;
    void *memory;
    struct ramcard_body body; /* all NULL: none */
    struct flashsim look;     /* at a copy of the body's flash */
};

void (*ramcard_settle)(struct ramcard *rc);

struct ramcard_shape ramcard_shape = {.unit = 8, .pages = 32};

/* SHA-256(seed || count), block after block. */
static int seeded_random(void *ctx, uint8_t *buf, size_t n)
{
    struct ramcard *rc = ctx;
    uint8_t in[8], block[SHA256_DIGEST_LENGTH];
    while (n > 0) {
        size_t piece = n < sizeof block ? n : sizeof block;
        be32_put(in, rc->seed);
        be32_put(in + 4, rc->drawn++);
        SHA256(in, sizeof in, block);
        unpoison(block, sizeof block);
        memcpy(buf, block, piece);
        buf += piece;
        n -= piece;
    }
    return rc->random_broken ? HAL_FAIL : HAL_OK;
}

static int identity(void *ctx, struct hal_identity *out)
{
    *out = ((struct ramcard *)ctx)->identity;
    return HAL_OK;
}

static size_t memory_size(const struct ramcard *rc)
{
    return flashsim_size(rc->shape.unit, PAGE_SIZE, rc->shape.pages);
}

static void open_flash(const struct ramcard *rc, struct flashsim *sim, void *memory)
{
    must(flashsim_open(sim, memory, memory_size(rc), rc->shape.unit, PAGE_SIZE, rc->shape.pages));
}

static struct ramcard *make_chip(uint32_t seed)
{
    struct ramcard *rc = calloc(1, sizeof *rc);
    must(rc != NULL);
    rc->shape = ramcard_shape;
    size_t size = memory_size(rc);
    rc->seed = seed;
    must(seeded_random(rc, (uint8_t *)&rc->identity, sizeof rc->identity) == HAL_OK);
    rc->memory = calloc(1, size);
    must(rc->memory != NULL);
    open_flash(rc, &rc->sim, rc->memory);
    rc->hal = (struct hal){rc, &rc->sim.flash, seeded_random, identity};
    return rc;
}

struct ramcard *ramcard_new(uint32_t seed)
{
    struct ramcard *rc = make_chip(seed);
    card_init(&rc->card, &rc->hal);
    return rc;
}

struct ramcard *ramcard_new_cut(uint32_t seed, uint64_t n)
{
    struct ramcard *rc = make_chip(seed);
    flashsim_cut_after(&rc->sim, n, n + seed);
    card_init(&rc->card, &rc->hal);
    return rc;
}

void ramcard_free(struct ramcard *rc)
{
    must(rc->sim.misuse == 0);
    free(rc->memory);
    free(rc);
}

/* Mounting may write, so it is done on a copy. */
static void look_at_records(struct ramcard *rc)
{
    memcpy(rc->memory, rc->body.memory, memory_size(rc));
    open_flash(rc, &rc->look, rc->memory);
    must(store_mount(&rc->card.store, &rc->look.flash) == STORE_OK);
}

struct card *ramcard_card(struct ramcard *rc)
{
    if (rc->body.ctx != NULL)
        look_at_records(rc);
    return &rc->card;
}

void ramcard_move(struct ramcard *rc, const struct ramcard_body *body)
{
    rc->body = *body;
    memcpy(body->memory, rc->memory, memory_size(rc));
    open_flash(rc, &rc->sim, body->memory);
    must(body->power_on(body->ctx, rc->seed));
}

struct hal_identity ramcard_identity(const struct ramcard *rc)
{
    return rc->identity;
}

void ramcard_power_cycle(struct ramcard *rc)
{
    flashsim_power_on(&rc->sim, rc->seed);
    if (rc->body.ctx != NULL) {
        must(rc->body.power_on(rc->body.ctx, rc->seed));
        return;
    }
    memset(&rc->card, 0xA5, sizeof rc->card);
    card_init(&rc->card, &rc->hal);
}

struct flashsim *ramcard_flash(struct ramcard *rc)
{
    return &rc->sim;
}

void *ramcard_save(const struct ramcard *rc)
{
    size_t size = memory_size(rc);
    must(rc->body.ctx == NULL);
    uint8_t *saved = malloc(sizeof *rc + size);
    must(saved != NULL);
    memcpy(saved, rc, sizeof *rc);
    memcpy(saved + sizeof *rc, rc->memory, size);
    return saved;
}

void ramcard_restore(struct ramcard *rc, const void *saved)
{
    memcpy(rc, saved, sizeof *rc);
    memcpy(rc->memory, (const uint8_t *)saved + sizeof *rc, memory_size(rc));
}

void ramcard_break_random(struct ramcard *rc, bool broken)
{
    rc->random_broken = broken;
}

/* A cut that was ordered at the look from outside is the body's to carry out; a body that lost its power says
 * what the card in this process says then. */
static size_t body_transmit(struct ramcard *rc, const uint8_t *in, size_t n, uint8_t *out)
{
    size_t got = 0;
    if (rc->sim.cut_planned)
        rc->body.cut_after(rc->body.ctx, rc->sim.cut_left, rc->sim.cut_seed);
    rc->sim.cut_planned = false;
    if (!rc->sim.dead)
        got = rc->body.transmit(rc->body.ctx, in, n, out, CARD_ANSWER_MAX);
    rc->sim.dead = got == 0;
    if (got == 0)
        be16_put(out, SW_MEMORY_FAILURE);
    return got == 0 ? 2 : got;
}

static void settle(struct ramcard *rc)
{
    if (ramcard_settle == NULL || rc->home == getpid())
        return;
    rc->home = getpid();
    ramcard_settle(rc);
}

void ramcard_transmit(struct ramcard *rc, const uint8_t *command, size_t n, struct reply *reply)
{
    uint8_t *exact = malloc(n > 0 ? n : 1);
    uint8_t *answer = malloc(CARD_ANSWER_MAX);
    must(exact != NULL);
    must(answer != NULL);
    if (n > 0)
        memcpy(exact, command, n);
    unpoison(exact, n);
    settle(rc);
    size_t got = rc->body.ctx == NULL ? card_transmit(&rc->card, exact, n, answer, CARD_ANSWER_MAX)
                                      : body_transmit(rc, exact, n, answer);
    must(got >= 2);
    must(got <= CARD_ANSWER_MAX);
    reply->len = got - 2;
    memcpy(reply->data, answer, reply->len);
    reply->sw = be16_get(answer + reply->len);
    free(answer);
    free(exact);
}

static void follow(struct ramcard *rc, struct reply *reply)
{
    static const uint8_t get_response[] = {CLA_ISO, INS_GET_RESPONSE, 0, 0, 0};
    struct reply more;
    while ((reply->sw & 0xff00) == SW_MORE) {
        ramcard_transmit(rc, get_response, sizeof get_response, &more);
        must(more.len <= sizeof reply->data - reply->len);
        memcpy(reply->data + reply->len, more.data, more.len);
        reply->len += more.len;
        reply->sw = more.sw;
    }
}

static size_t build_short(uint8_t *out, const uint8_t header[4], const uint8_t *data, size_t n)
{
    memcpy(out, header, 4);
    if (n == 0) {
        out[4] = 0;
        return 5;
    }
    out[4] = (uint8_t)n;
    memcpy(out + 5, data, n);
    out[5 + n] = 0;
    return 6 + n;
}

static size_t build_extended(uint8_t *out, const uint8_t header[4], const uint8_t *data, size_t n)
{
    memcpy(out, header, 4);
    out[4] = 0;
    be16_put(out + 5, (uint16_t)n);
    memcpy(out + 7, data, n);
    be16_put(out + 7 + n, 0);
    return 9 + n;
}

void ramcard_command(struct ramcard *rc, const uint8_t header[4], const uint8_t *data, size_t n,
                     struct reply *reply)
{
    uint8_t *command = malloc(COMMAND_MAX);
    must(command != NULL);
    must(n <= 65535);
    size_t len = n <= SHORT_DATA_MAX ? build_short(command, header, data, n)
                                     : build_extended(command, header, data, n);
    ramcard_transmit(rc, command, len, reply);
    follow(rc, reply);
    free(command);
}

void ramcard_chained(struct ramcard *rc, const uint8_t header[4], const uint8_t *data, size_t n, size_t part,
                     struct reply *reply)
{
    uint8_t command[6 + SHORT_DATA_MAX];
    uint8_t chained[4] = {header[0] | CLA_CHAINING, header[1], header[2], header[3]};
    while (n > part) {
        size_t len = build_short(command, chained, data, part);
        ramcard_transmit(rc, command, len - 1, reply);
        if (reply->sw != SW_OK)
            return;
        data += part;
        n -= part;
    }
    size_t len = build_short(command, header, data, n);
    ramcard_transmit(rc, command, len, reply);
    follow(rc, reply);
}

void ramcard_select(struct ramcard *rc, uint8_t aid_last)
{
    static const uint8_t header[] = {CLA_ISO, INS_SELECT, 0x04, 0x00};
    const uint8_t aid[TALLY_AID_LEN] = {TALLY_AID_PREFIX, aid_last};
    struct reply reply;
    ramcard_command(rc, header, aid, sizeof aid, &reply);
    must(reply.sw == SW_OK);
}
