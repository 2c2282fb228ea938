#include "tests/cuts/tape.h"

#include <string.h>

#include "tests/support/must.h"

static int tape_read(void *ctx, uint32_t address, void *buf, size_t n)
{
    struct tape *tape = ctx;
    tape->reads++;
    tape->read_bytes += n;
    if (address < tape->watch_to && address + n > tape->watch_from && tape->first_touch == SIZE_MAX)
        tape->first_touch = tape->count;
    return tape->real.read(tape->sim, address, buf, n);
}

static struct tape_op *next(struct tape *tape, bool erase, uint32_t at)
{
    must(tape->count < TAPE_MAX);
    struct tape_op *op = &tape->ops[tape->count];
    memset(op, 0, sizeof *op);
    op->erase = erase;
    op->at = at;
    return op;
}

/* Operations that the model refused, for a unit that is not erased, are none. */
static void keep(struct tape *tape, uint64_t before)
{
    tape->count += flashsim_operations(tape->sim) > before;
}

static int tape_program(void *ctx, uint32_t address, const void *data, size_t n)
{
    struct tape *tape = ctx;
    const uint8_t *from = data;
    uint32_t unit = tape->real.unit;
    if (n % unit != 0)
        return tape->real.program(tape->sim, address, data, n);
    for (size_t at = 0; at < n; at += unit) {
        struct tape_op *op = next(tape, false, address + (uint32_t)at);
        memcpy(op->data, from + at, unit);
        uint64_t before = flashsim_operations(tape->sim);
        int result = tape->real.program(tape->sim, op->at, op->data, unit);
        keep(tape, before);
        if (result != HAL_OK)
            return result;
    }
    return HAL_OK;
}

static int tape_erase(void *ctx, uint32_t page)
{
    struct tape *tape = ctx;
    (void)next(tape, true, page);
    uint64_t before = flashsim_operations(tape->sim);
    int result = tape->real.erase(tape->sim, page);
    keep(tape, before);
    return result;
}

void tape_begin(struct tape *tape, struct flashsim *sim)
{
    must(tape->sim == NULL);
    tape->sim = sim;
    tape->real = sim->flash;
    tape->count = 0;
    tape->reads = tape->read_bytes = 0;
    tape->first_touch = SIZE_MAX;
    sim->flash.ctx = tape;
    sim->flash.read = tape_read;
    sim->flash.program = tape_program;
    sim->flash.erase = tape_erase;
}

void tape_end(struct tape *tape)
{
    tape->sim->flash = tape->real;
    tape->sim = NULL;
}

void tape_play(const struct tape *tape, size_t k, struct flashsim *sim)
{
    const struct tape_op *op = &tape->ops[k];
    if (op->erase)
        (void)sim->flash.erase(sim, op->at);
    else
        (void)sim->flash.program(sim, op->at, op->data, sim->flash.unit);
}
