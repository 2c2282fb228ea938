#include "reader-tools/gate/settings.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "host/base/bytes.h"
#include "host/ticketing/json_values.h"

#define DAY_S          86400
#define EPOCH_2000_DAY 10957 /* days from 1970-01-01 to 2000-01-01 */

const struct tally_option gate_options[] = {
    {"kit", TALLY_OPTION_PATH, NULL, 0, 0, "folder of the gate kit (tally-authd gate-kit)"},
    {"state", TALLY_OPTION_PATH, NULL, 0, 0, "folder of journal and deny list"},
    {"once", TALLY_OPTION_BOOL, "false", 0, 0, "one tap, then stop; the exit status is its outcome"},
    {"event", TALLY_OPTION_STRING, "auto", 0, 16,
     "auto, entry, temporary-exit, re-entry, exit, clip, print, undo, delete"},
    {"mode", TALLY_OPTION_STRING, "sub-key", 0, 8, "how the gate proves itself: sub-key, p256, rsa, sm9"},
    {"criterion", TALLY_OPTION_STRING, "today", 0, 32, "which ticket: today, TID, or DATE[/SERVICE]"},
    {"service", TALLY_OPTION_STRING, NULL, 0, SERVICE_SIZE, "only tickets of this service"},
    {"date", TALLY_OPTION_STRING, NULL, 0, 10, "only tickets of this day (YYYY-MM-DD), with --service"},
    {"show-document", TALLY_OPTION_STRING, NULL, 0, 40, "the document the holder shows, TYPE:NUMBER"},
    {"holder", TALLY_OPTION_STRING, "when-shown", 0, 10, "check of the holder: ignore, when-shown, required"},
    {"station", TALLY_OPTION_INT, "-1", -1, UINT32_MAX, "station or venue; -1: the kit's"},
    {"station-rule", TALLY_OPTION_STRING, "both", 0, 5, "compare stations: free, entry, both"},
    {"zone", TALLY_OPTION_INT, "-1", -1, 31, "zone the gate stands in; -1: none"},
    {"gate-bit", TALLY_OPTION_INT, "-1", -1, 31, "the gate's place in a venue's gate set; -1: none"},
    {"opens", TALLY_OPTION_INT, "-1", -1, 1440,
     "minutes before the service from which on entry is open; -1: no window"},
    {"closes", TALLY_OPTION_INT, "0", 0, 1440, "minutes after the service until which entry is open"},
    {"utc-offset", TALLY_OPTION_INT, "0", -1440, 1440, "minutes of local time ahead of UTC"},
    {"stale-list", TALLY_OPTION_STRING, "accept", 0, 6, "when the deny list has expired: accept, refuse"},
    {"pass-back", TALLY_OPTION_INT, "0", 0, 86400, "seconds between two passages of a ticket"},
    {"stay-max", TALLY_OPTION_INT, "0", 0, 31536000, "seconds inside after which the staff must let out"},
    {"clock-skew", TALLY_OPTION_INT, "300", 0, 86400, "seconds of difference that raise the clock alarm"},
    {.name = NULL},
};

/* Finds text in a list of names ended by NULL. */
static bool choose(const struct tool *tool, const char *option, const char *const *names, int *index)
{
    const char *text = tally_config_string(tool->config, option);
    for (*index = 0; names[*index] != NULL; ++*index)
        if (strcmp(names[*index], text) == 0)
            return true;
    (void)tool_fail(tool, TALLY_E_USAGE, "--%s: %s is none of its values (see --help)", option, text);
    return false;
}

bool gate_document_parse(const char *text, uint8_t *type, char *number, size_t size)
{
    static const struct {
        const char *name;
        uint8_t type;
    } types[] = {{"1", 1}, {"id", 1}, {"2", 2}, {"passport", 2}, {"3", 3}, {"other", 3}};
    const char *colon = strchr(text, ':');
    *type = 0;
    if (colon == NULL || colon[1] == '\0' || strlen(colon + 1) >= size)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i].name) == (size_t)(colon - text) &&
            memcmp(types[i].name, text, (size_t)(colon - text)) == 0)
            *type = types[i].type;
    memcpy(number, colon + 1, strlen(colon + 1) + 1);
    return *type != 0;
}

static void pad_service(uint8_t out[SERVICE_SIZE], const char *name)
{
    memset(out, ' ', SERVICE_SIZE);
    memcpy(out, name, strnlen(name, SERVICE_SIZE));
}

static enum tally_error read_criterion(const struct tool *tool, struct gate_settings *s)
{
    const char *text = tally_config_string(tool->config, "criterion");
    char day[11] = "";
    size_t n;
    if (strcmp(text, "today") == 0) {
        s->date_today = true;
        return TALLY_OK;
    }
    if (tally_hex_decode(text, s->criterion.tid, TID_SIZE, &n) == TALLY_OK && n == TID_SIZE) {
        s->criterion.by_tid = true;
        return TALLY_OK;
    }
    size_t len = strcspn(text, "/");
    if (len < sizeof day)
        memcpy(day, text, len);
    const char *service = text[len] == '/' ? text + len + 1 : "";
    if (len >= sizeof day || !tally_date_parse(day, &s->criterion.date) || strlen(service) > SERVICE_SIZE)
        return tool_fail(tool, TALLY_E_USAGE, "--criterion: %s is neither today, a TID, nor DATE[/SERVICE]",
                         text);
    if (service[0] != '\0')
        pad_service(s->criterion.service, service);
    return TALLY_OK;
}

static enum tally_error read_service(const struct tool *tool, struct gate_rules *rules)
{
    const char *service = tally_config_string(tool->config, "service");
    const char *date = tally_config_string(tool->config, "date");
    if (service == NULL)
        return date == NULL ? TALLY_OK : tool_fail(tool, TALLY_E_USAGE, "--date needs --service");
    rules->service_bound = true;
    pad_service((uint8_t *)rules->service, service);
    if (date != NULL && !tally_date_parse(date, &rules->date))
        return tool_fail(tool, TALLY_E_USAGE, "--date: %s is not a date (YYYY-MM-DD)", date);
    return TALLY_OK;
}

/* Whether an option that has -1 for nothing has a value. */
static bool given(const struct tool *tool, const char *name, int64_t *value)
{
    *value = tally_config_int(tool->config, name);
    return *value >= 0;
}

static void read_numbers(const struct tool *tool, struct gate_rules *r)
{
    const struct tally_config *c = tool->config;
    int64_t value;
    if (given(tool, "station", &value))
        r->station = (uint32_t)value;
    r->zone = given(tool, "zone", &value) ? (uint8_t)value : GATE_NO_ZONE;
    r->gate_set_bit = given(tool, "gate-bit", &value) ? (uint8_t)value : GATE_NO_ZONE;
    r->window = given(tool, "opens", &value);
    r->opens_s = r->window ? (uint32_t)value * 60 : 0;
    r->closes_s = (uint32_t)tally_config_int(c, "closes") * 60;
    r->utc_offset_s = (int32_t)tally_config_int(c, "utc-offset") * 60;
    r->pass_back_s = (uint32_t)tally_config_int(c, "pass-back");
    r->stay_max_s = (uint32_t)tally_config_int(c, "stay-max");
    r->skew_s = (uint32_t)tally_config_int(c, "clock-skew");
}

static enum tally_error read_rules(const struct tool *tool, struct gate *gate)
{
    static const char *const stations[] = {"free", "entry", "both", NULL};
    static const char *const holders[] = {"ignore", "when-shown", "required", NULL};
    static const char *const lists[] = {"accept", "refuse", NULL};
    static const char *const modes[] = {"sub-key", "p256", "rsa", "sm9", NULL};
    struct gate_rules *r = &gate->rules;
    int station, holder, list, mode;
    r->operator_id = gate->kit.operator_id;
    r->gate = gate->kit.gate;
    r->station = gate->kit.station;
    if (!choose(tool, "station-rule", stations, &station) || !choose(tool, "holder", holders, &holder) ||
        !choose(tool, "stale-list", lists, &list) || !choose(tool, "mode", modes, &mode))
        return TALLY_E_USAGE;
    r->station_rule = (enum gate_station_rule)station;
    r->holder_rule = (enum gate_holder_rule)holder;
    r->refuse_when_stale = list == 1;
    gate->mode = (uint8_t)mode; /* in the order of GATE_SUB_KEY, GATE_P256, GATE_RSA, GATE_SM9 */
    read_numbers(tool, r);
    if ((gate->mode == GATE_P256 && gate->kit.p256 == NULL) ||
        (gate->mode == GATE_RSA && gate->kit.rsa == NULL) ||
        (gate->mode == GATE_SM9 && gate->kit.identity == NULL))
        return tool_fail(tool, TALLY_E_USAGE, "the gate kit has no key pair for this mode");
    return read_service(tool, r);
}

static enum tally_error read_event(const struct tool *tool, struct gate_settings *s)
{
    const char *event = tally_config_string(tool->config, "event");
    const char *document = tally_config_string(tool->config, "show-document");
    if (!gate_action_parse(event, &s->action))
        return tool_fail(tool, TALLY_E_USAGE, "--event: %s is no event (see --help)", event);
    if (document != NULL &&
        !gate_document_parse(document, &s->document_type, s->document_number, sizeof s->document_number))
        return tool_fail(tool, TALLY_E_USAGE, "--show-document: not TYPE:NUMBER");
    return TALLY_OK;
}

enum tally_error gate_settings_read(const struct tool *tool, struct gate *gate, struct gate_settings *s)
{
    const char *kit = tally_config_string(tool->config, "kit");
    char what[512];
    memset(gate, 0, sizeof *gate);
    memset(s, 0, sizeof *s);
    gate_denylist_init(&gate->list);
    gate->clock = &tally_system_clock;
    gate->random = &tally_system_random;
    s->state_folder = tally_config_string(tool->config, "state");
    if (kit == NULL || s->state_folder == NULL)
        return tool_fail(tool, TALLY_E_USAGE, "--kit and --state are needed");
    enum tally_error e = gate_kit_load(kit, &gate->kit, what, sizeof what);
    if (e != TALLY_OK)
        return tool_fail(tool, TALLY_E_USAGE, "%s", what);
    e = read_rules(tool, gate);
    if (e == TALLY_OK)
        e = read_criterion(tool, s);
    if (e == TALLY_OK)
        e = read_event(tool, s);
    s->utc_offset_s = gate->rules.utc_offset_s;
    return e;
}

void gate_settings_release(struct gate *gate)
{
    gate_journal_close(gate->journal);
    gate->journal = NULL;
    gate_denylist_free(&gate->list);
    gate_kit_free(&gate->kit);
}

/* The newest of the kit's list and the one that was fetched since. */
static enum tally_error open_list(const struct tool *tool, struct gate *gate, const char *folder)
{
    char path[1024];
    const char *const folders[] = {tally_config_string(tool->config, "kit"), folder};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/denylist", folders[i]);
        enum tally_error e =
            gate_denylist_read_file(&gate->list, gate->kit.operator_id, gate->kit.authority, path);
        if (e != TALLY_OK && e != TALLY_E_NOT_FOUND && e != TALLY_E_EXISTS)
            return tool_fail(tool, e, "%s: %s", path, tally_error_text(e));
    }
    return TALLY_OK;
}

enum tally_error gate_settings_open_state(const struct tool *tool, struct gate *gate,
                                          const struct gate_settings *s)
{
    uint32_t now = (uint32_t)tally_clock_wall_s(gate->clock);
    if (mkdir(s->state_folder, 0700) != 0 && errno != EEXIST)
        return tool_fail(tool, TALLY_E_IO, "%s: %s", s->state_folder, strerror(errno));
    enum tally_error e =
        gate_journal_open(s->state_folder, gate->kit.operator_id, gate->kit.gate, now, &gate->journal);
    if (e == TALLY_E_STATE)
        return tool_fail(tool, e, "%s: another process has the journal", s->state_folder);
    if (e != TALLY_OK)
        return tool_fail(tool, e, "%s: the journal: %s (see tally-gate verify-journal)", s->state_folder,
                         tally_error_text(e));
    return open_list(tool, gate, s->state_folder);
}

struct gate_request gate_settings_request(const struct gate *gate, const struct gate_settings *s)
{
    struct gate_request request = {.criterion = s->criterion,
                                   .action = s->action,
                                   .document_type = s->document_type,
                                   .document_number = s->document_number};
    if (s->date_today) {
        int64_t local = tally_clock_wall_s(gate->clock) + s->utc_offset_s;
        request.criterion.date = (uint16_t)(local / DAY_S - EPOCH_2000_DAY);
        if (gate->rules.service_bound)
            memcpy(request.criterion.service, gate->rules.service, SERVICE_SIZE);
    }
    return request;
}
