/* The firmware: the card behind the emulator's standard input and output, on flash that is a model in memory
 * shared with a file. */
#include <stdbool.h>
#include <string.h>

#include "card/apdu/card.h"
#include "card/ports/flashsim/flashsim.h"
#include "card/ports/mps2/counter.h"
#include "card/ports/mps2/messages.h"
#include "card/ports/mps2/paint.h"
#include "card/ports/mps2/semihosting.h"
#include "card/ports/vcard/image.h"
#include "card/wire/be.h"

/* The board's large memory; the machine's options put the card's image there. */
#define NVM ((uint8_t *)0x80000000u)

struct machine {
    struct semihosting console;
    struct flashsim flash;
    struct hal hal;
    uint64_t trip;
    uint8_t in[MESSAGE_COMMAND_MAX];
    uint8_t out[MESSAGE_HEADER + REPORT_SIZE + CARD_ANSWER_MAX];
};

static struct machine machine;
static struct card card;

static int host_random(void *ctx, uint8_t *buf, size_t n)
{
    const struct machine *m = ctx;
    uint8_t ask[MESSAGE_HEADER + 2] = {MESSAGE_RANDOM, 0, 2};
    be16_put(ask + MESSAGE_HEADER, (uint16_t)n);
    bool ok = semihosting_write(&m->console, ask, sizeof ask) && semihosting_read(&m->console, buf, n);
    return ok ? HAL_OK : HAL_FAIL;
}

static int identity(void *ctx, struct hal_identity *out)
{
    (void)ctx;
    memcpy(out->chip_id, NVM + IMAGE_AT_CHIP_ID, HAL_CHIP_ID_SIZE);
    memcpy(out->admin_key, NVM + IMAGE_AT_ADMIN_KEY, HAL_ADMIN_KEY_SIZE);
    return HAL_OK;
}

/* Returns the bytes of the answer. */
static size_t carry_out(struct machine *m, uint8_t type, size_t n, uint8_t *answer)
{
    switch (type) {
    case MESSAGE_BOOT:
        m->flash.power_seed = be64_get(m->in);
        card_init(&card, &m->hal);
        return 0;
    case MESSAGE_RESET: card_reset(&card); return 0;
    default: break;
    }
    if (n <= sizeof m->in)
        return card_transmit(&card, m->in, n, answer, CARD_ANSWER_MAX);
    be16_put(answer, SW_WRONG_LENGTH);
    return 2;
}

static bool serve_request(struct machine *m, uint8_t type, size_t n)
{
    uint8_t *report = m->out + MESSAGE_HEADER;
    paint_stack();
    counter_trip(m->trip);
    m->trip = 0;
    uint64_t start = counter_now();
    size_t len = carry_out(m, type, n, report + REPORT_SIZE);
    uint64_t took = counter_now() - start;
    counter_trip(0);
    len = m->flash.dead ? 0 : len;
    report[REPORT_DEAD] = m->flash.dead;
    report[REPORT_MISUSE] = m->flash.misuse > 0;
    be64_put(report + REPORT_INSTRUCTIONS, took);
    be32_put(report + REPORT_STACK, painted_over());
    m->out[0] = MESSAGE_DONE;
    be16_put(m->out + 1, (uint16_t)(REPORT_SIZE + len));
    return semihosting_write(&m->console, m->out, MESSAGE_HEADER + REPORT_SIZE + len);
}

static bool skip(const struct machine *m, size_t n)
{
    uint8_t away[64];
    for (size_t piece; n > 0; n -= piece) {
        piece = n < sizeof away ? n : sizeof away;
        if (!semihosting_read(&m->console, away, piece))
            return false;
    }
    return true;
}

static bool serve_one(struct machine *m)
{
    uint8_t header[MESSAGE_HEADER];
    if (!semihosting_read(&m->console, header, sizeof header))
        return false;
    size_t n = be16_get(header + 1), taken = n < sizeof m->in ? n : sizeof m->in;
    if (!semihosting_read(&m->console, m->in, taken) || !skip(m, n - taken))
        return false;
    switch (header[0]) {
    case MESSAGE_TRIP: m->trip = be64_get(m->in); return true;
    case MESSAGE_CUT: flashsim_cut_after(&m->flash, be64_get(m->in), be64_get(m->in + 8)); return true;
    default: return serve_request(m, header[0], n);
    }
}

static bool start(struct machine *m)
{
    const size_t size = flashsim_size(IMAGE_UNIT, IMAGE_PAGE_SIZE, IMAGE_PAGES);
    counter_init();
    m->hal = (struct hal){m, &m->flash.flash, host_random, identity};
    return semihosting_open(&m->console) &&
           flashsim_open(&m->flash, NVM + IMAGE_HEAD_SIZE, size, IMAGE_UNIT, IMAGE_PAGE_SIZE, IMAGE_PAGES);
}

int main(void)
{
    for (bool up = start(&machine); up;)
        up = serve_one(&machine);
    return 0;
}
