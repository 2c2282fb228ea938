#include "reader-tools/kiosk/kiosk.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/bytes.h"

enum tally_error kiosk_open(const struct tool *tool, bool with_card, struct kiosk *k)
{
    const struct tally_config *c = tool->config;
    const char *party = tally_config_string(c, "party"), *key = tally_config_string(c, "party-key");
    const char *ca_file = tally_config_string(c, "ca-file");
    memset(k, 0, sizeof *k);
    k->tool = tool;
    k->folder = tally_config_string(c, "state");
    k->progress = isatty(STDERR_FILENO) == 1;
    enum tally_error e = tool_client_open(tool, &k->ticketd, tally_config_string(c, "ticketd"),
                                          "tally-ticketd", party, key, ca_file);
    if (e != TALLY_OK || !with_card)
        return e;
    if (k->folder == NULL)
        return tool_fail(tool, TALLY_E_USAGE, "--state is needed: the folder of unfinished work");
    e = tool_client_open(tool, &k->authd, tally_config_string(c, "authd"), "tally-authd", party, key,
                         ca_file);
    if (e == TALLY_OK)
        e = tool_card_open(tool, &k->tc);
    if (e == TALLY_OK)
        e = tool_card_login(tool, &k->tc, true);
    if (e != TALLY_OK)
        return e;
    e = tally_card_get_state(&k->tc.card, &k->state);
    if (e == TALLY_OK && !k->state.identified)
        e = TALLY_E_STATE;
    if (e != TALLY_OK)
        return tool_card_fail(tool, &k->tc, e, "status");
    return tally_hex_encode(k->state.serial, SERIAL_SIZE, k->serial, sizeof k->serial);
}

void kiosk_close(struct kiosk *k)
{
    tool_client_close(&k->ticketd);
    tool_client_close(&k->authd);
    tool_card_close(&k->tc);
}

void kiosk_step(const struct kiosk *k, unsigned step, unsigned steps, const char *what)
{
    if (k->progress)
        fprintf(stderr, "\r\033[K[%u/%u] %s - keep the card on the reader", step, steps, what);
}

void kiosk_step_end(const struct kiosk *k)
{
    if (k->progress)
        fputs("\r\033[K", stderr);
}

enum tally_error kiosk_find(struct kiosk *k, const uint8_t tid[TID_SIZE], struct tally_card_ticket *ticket)
{
    struct tally_card_ticket *list;
    size_t count;
    memset(ticket, 0, sizeof *ticket);
    enum tally_error e = tally_card_read_all(&k->tc.card, 0, NULL, &list, &count);
    if (e != TALLY_OK)
        return tool_card_fail(k->tool, &k->tc, e, "read");
    e = TALLY_E_NOT_FOUND;
    for (size_t i = 0; i < count && e != TALLY_OK; i++) {
        if (memcmp(list[i].face.tid, tid, TID_SIZE) == 0) {
            *ticket = list[i];
            e = TALLY_OK;
        }
    }
    free(list);
    return e;
}
