#include "reader-tools/common/tool_card.h"

#include <string.h>
#include <unistd.h>

#include "host/base/bytes.h"

static enum tally_error open_trace(const struct tool *tool, struct tool_card *tc)
{
    const char *path = tally_config_string(tool->config, "trace");
    if (path != NULL) {
        tc->trace_file = fopen(path, "ae");
        if (tc->trace_file == NULL)
            return tool_fail(tool, TALLY_E_USAGE, "%s: cannot be written", path);
        setvbuf(tc->trace_file, NULL, _IOLBF, 0);
        tally_trace_init(&tc->trace, tc->trace_file);
    } else {
        tally_trace_init(&tc->trace, stderr);
    }
    if (path != NULL || tool->verbose)
        tally_card_set_trace(tc->transport, &tc->trace);
    return TALLY_OK;
}

enum tally_error tool_card_open_service(const struct tool *tool, struct tool_card *tc)
{
    memset(tc, 0, sizeof *tc);
    enum tally_error e = tally_pcsc_open(&tc->pcsc);
    return e == TALLY_OK ? e : tool_fail(tool, e, "%s", tally_error_text(e));
}

/* Says which readers there are when none or several match. */
static enum tally_error explain_reader(const struct tool *tool, struct tool_card *tc, const char *spec,
                                       enum tally_error e)
{
    struct tally_reader_list list;
    char why[512] = "";
    size_t index;
    if (e == TALLY_E_NO_CARD)
        return tool_fail(tool, e, "no card");
    if (tally_pcsc_list(tc->pcsc, &list) != TALLY_OK)
        return tool_fail(tool, e, "the PC/SC service does not run (%s)", tally_pcsc_reason(tc->pcsc));
    if (list.count == 0)
        return tool_fail(tool, e, "there is no reader");
    (void)tally_reader_select(&list, spec, &index, why, sizeof why);
    return tool_fail(tool, e, "%s", why[0] != '\0' ? why : tally_error_text(e));
}

enum tally_error tool_card_open(const struct tool *tool, struct tool_card *tc)
{
    struct tally_reader reader;
    const char *spec = tally_config_string(tool->config, "reader");
    enum tally_error e = tool_card_open_service(tool, tc);
    if (e != TALLY_OK)
        return e;
    e = tally_pcsc_wait_card(tc->pcsc, spec, (int)tally_config_int(tool->config, "wait") * 1000, &reader);
    if (e != TALLY_OK)
        return explain_reader(tool, tc, spec, e);
    e = tally_pcsc_connect(tc->pcsc, reader.name, &tc->transport);
    if (e != TALLY_OK)
        return tool_fail(tool, e, "%s: %s", reader.name,
                         e == TALLY_E_STATE ? "another program has the card for itself"
                                            : tally_error_text(e));
    e = open_trace(tool, tc);
    if (e == TALLY_OK) {
        e = tally_card_begin(tc->transport);
        tc->begun = e == TALLY_OK;
        if (e != TALLY_OK)
            return tool_fail(tool, e, "%s: %s", reader.name, tally_error_text(e));
    }
    tally_card_init(&tc->card, tc->transport);
    return e;
}

void tool_card_close(struct tool_card *tc)
{
    if (tc->begun)
        tally_card_end(tc->transport);
    tally_card_close(tc->transport);
    tally_pcsc_close(tc->pcsc);
    if (tc->trace_file != NULL)
        fclose(tc->trace_file);
    memset(tc, 0, sizeof *tc);
}

enum tally_error tool_card_fail(const struct tool *tool, const struct tool_card *tc, enum tally_error e,
                                const char *doing)
{
    if (tc->card.error.sw != 0)
        return tool_fail(tool, e, "%s: %s [%04X]", doing, tc->card.error.text, tc->card.error.sw);
    return tool_fail(tool, e, "%s: %s", doing, tc->card.error.text);
}

enum tally_error tool_card_login(const struct tool *tool, struct tool_card *tc, bool need_pin)
{
    char pin[TOOL_PIN_SIZE];
    enum tally_error e = tally_card_select(&tc->card, TALLY_AID_TICKET);
    if (e != TALLY_OK)
        return tool_card_fail(tool, tc, e, "select");
    bool given = tally_config_string(tool->config, "pin") != NULL ||
                 tally_config_string(tool->config, "pin-file") != NULL;
    if (!given && !need_pin)
        return TALLY_OK;
    e = tool_read_pin(tool, "PIN", pin);
    if (e == TALLY_OK) {
        e = tally_card_verify_pin(&tc->card, pin);
        if (e != TALLY_OK)
            e = tool_card_fail(tool, tc, e, "PIN");
    }
    tally_wipe(pin, sizeof pin);
    return e;
}
