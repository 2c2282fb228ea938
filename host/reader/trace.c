#include "host/reader/trace.h"

#include <string.h>
#include <time.h>

#include "host/reader/apdu.h"

#define INS_GET_RESPONSE 0xc0

const struct tally_redaction tally_redaction_default[] = {
    {0, 0, 0x20, 0xff, true, false}, /* VERIFY */
    {0, 0, 0x24, 0xff, true, false}, /* CHANGE REFERENCE DATA */
    {0, 0, 0x2c, 0xff, true, false}, /* RESET RETRY COUNTER */
    {0, 0, 0x50, 0xff, true, true},  /* INITIALIZE UPDATE */
    {0, 0, 0x82, 0xff, true, false}, /* EXTERNAL AUTHENTICATE */
    {0, 0, 0xd8, 0xff, true, true},  /* PUT KEY */
    {0, 0, 0xda, 0xfe, true, false}, /* PUT DATA, both codings */
};
const size_t tally_redaction_default_count = sizeof tally_redaction_default / sizeof *tally_redaction_default;

static uint64_t monotonic(void *context)
{
    (void)context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void tally_trace_init(struct tally_trace *t, FILE *out)
{
    *t = (struct tally_trace){.out = out,
                              .rules = tally_redaction_default,
                              .rule_count = tally_redaction_default_count,
                              .clock = monotonic};
}

static uint64_t now(const struct tally_trace *t)
{
    return t->clock != NULL ? t->clock(t->clock_context) : monotonic(NULL);
}

static void put_hex(FILE *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%02X", p[i]);
}

static void put_hidden(FILE *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fputs("..", out);
}

static const struct tally_redaction *find_rule(const struct tally_trace *t, const uint8_t *cmd)
{
    for (size_t i = 0; i < t->rule_count; i++) {
        const struct tally_redaction *r = &t->rules[i];
        if ((cmd[0] & r->cla_mask) == r->cla && (cmd[1] & r->ins_mask) == r->ins)
            return r;
    }
    return NULL;
}

/* Shows the header and, in a well-formed command, the length fields; a malformed one shows its header alone,
 * for there a secret may stand where a length belongs. */
static void put_hidden_command(FILE *out, const uint8_t *cmd, size_t n)
{
    struct tally_apdu a;
    if (tally_apdu_parse(cmd, n, &a) != TALLY_OK) {
        put_hex(out, cmd, 4);
        put_hidden(out, n - 4);
        return;
    }
    size_t before = a.nc > 0 ? (size_t)(a.data - cmd) : n;
    put_hex(out, cmd, before);
    put_hidden(out, a.nc);
    put_hex(out, cmd + before + a.nc, n - before - a.nc);
}

void tally_trace_atr(struct tally_trace *t, const uint8_t *atr, size_t n)
{
    if (t == NULL)
        return;
    fputs("ATR ", t->out);
    put_hex(t->out, atr, n);
    fputc('\n', t->out);
    t->hide_answer = false;
}

void tally_trace_command(struct tally_trace *t, const uint8_t *cmd, size_t n)
{
    if (t == NULL)
        return;
    const struct tally_redaction *rule = n >= 4 ? find_rule(t, cmd) : NULL;
    if (n < 4 || cmd[1] != INS_GET_RESPONSE)
        t->hide_answer = rule != NULL && rule->answer;
    fputs("A>> ", t->out);
    if (rule != NULL && rule->command)
        put_hidden_command(t->out, cmd, n);
    else
        put_hex(t->out, cmd, n);
    fputc('\n', t->out);
    t->sent_at = now(t);
}

static void put_time(struct tally_trace *t, uint64_t received_at)
{
    fprintf(t->out, " (%.2f ms)\n", (double)(received_at - t->sent_at) / 1e6);
    fflush(t->out);
}

void tally_trace_answer(struct tally_trace *t, const uint8_t *resp, size_t n)
{
    if (t == NULL)
        return;
    uint64_t received_at = now(t);
    size_t data = n >= 2 ? n - 2 : 0;
    fputs("A<< ", t->out);
    if (t->hide_answer) {
        put_hidden(t->out, data);
        put_hex(t->out, resp + data, n - data);
    } else {
        put_hex(t->out, resp, n);
    }
    put_time(t, received_at);
}

void tally_trace_lost(struct tally_trace *t)
{
    if (t == NULL)
        return;
    uint64_t received_at = now(t);
    fputs("A<< lost", t->out);
    put_time(t, received_at);
}

void tally_trace_comment(struct tally_trace *t, const char *text)
{
    if (t == NULL)
        return;
    fputs("# ", t->out);
    for (; *text != '\0'; text++)
        fputc(*text == '\n' || *text == '\r' ? ' ' : *text, t->out);
    fputc('\n', t->out);
}
