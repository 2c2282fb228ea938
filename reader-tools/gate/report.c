#include "reader-tools/gate/report.h"

#include <inttypes.h>

#include "host/base/bytes.h"
#include "reader-tools/common/ticket_text.h"

const char *gate_state_name(enum gate_state state)
{
    static const char *const names[] = {"READY",      "OFFLINE",   "LIST-STALE",
                                        "CLOCK-SKEW", "NO-READER", "OUT-OF-SERVICE"};
    return state <= GATE_OUT_OF_SERVICE ? names[state] : "UNKNOWN";
}

static double milliseconds(uint64_t us)
{
    return (double)us / 1000.0;
}

static void print_ticket(FILE *out, const struct gate_tap *tap)
{
    char when[32], tid[2 * TID_SIZE + 1];
    const struct ticket_face *f = &tap->face;
    service_time_text(f->service_date, f->service_minute, when, sizeof when);
    (void)tally_hex_encode(f->tid, TID_SIZE, tid, sizeof tid);
    fprintf(out, " %.8s %s %s, %u/%u entries, %s;", tid, usage_state_name(&tap->usage), when,
            tap->usage.entries, f->max_entries, usage_event_name(tap->usage.event));
}

void gate_report_line(FILE *out, const struct gate *gate, const struct gate_tap *tap)
{
    fprintf(out, "%s %d %s: %s;", tap->open ? "OPEN" : "STOP", (int)tap->reason,
            gate_reason_name(tap->reason), gate_action_name(tap->action));
    if (tap->has_ticket)
        print_ticket(out, tap);
    if (tap->card_error.sw != 0 && tap->card_error.sw != SW_OK)
        fprintf(out, " card %04X;", tap->card_error.sw);
    if (tap->clock_alarm)
        fputs(" clock?;", out);
    fprintf(out, " %u APDU, %zu+%zu bytes, %.1f ms (", tap->commands, tap->bytes_out, tap->bytes_in,
            milliseconds(tap->total_us));
    for (unsigned p = 0; p < GATE_PHASES; p++)
        fprintf(out, "%s%s %.1f", p == 0 ? "" : ", ", gate_phase_name((enum gate_phase)p),
                milliseconds(tap->phase_us[p]));
    fprintf(out, "); gate %u.%" PRIu32 "; %s\n", gate->rules.operator_id, gate->rules.gate,
            gate_reason_text(tap->reason));
    fflush(out);
}

static int set_hex(json_t *o, const char *name, const uint8_t *bytes, size_t n)
{
    char hex[2 * TID_SIZE + 1];
    (void)tally_hex_encode(bytes, n, hex, sizeof hex);
    return json_object_set_new(o, name, json_string(hex));
}

json_t *gate_report_json(const struct gate *gate, const struct gate_tap *tap)
{
    json_t *o = json_pack("{s:b, s:i, s:s, s:s, s:s, s:b, s:b, s:b, s:i, s:I, s:i, s:I, s:I, s:I}", "open",
                          tap->open, "reason", (int)tap->reason, "name", gate_reason_name(tap->reason),
                          "text", gate_reason_text(tap->reason), "event", gate_action_name(tap->action),
                          "ratified", tap->ratified, "torn", tap->torn, "clock_alarm", tap->clock_alarm,
                          "operator", gate->rules.operator_id, "gate", (json_int_t)gate->rules.gate, "apdus",
                          (int)tap->commands, "bytes_out", (json_int_t)tap->bytes_out, "bytes_in",
                          (json_int_t)tap->bytes_in, "us", (json_int_t)tap->total_us);
    json_t *phases = json_object();
    for (unsigned p = 0; p < GATE_PHASES; p++)
        json_object_set_new(phases, gate_phase_name((enum gate_phase)p),
                            json_integer((json_int_t)tap->phase_us[p]));
    bool ok = json_object_set_new(o, "phase_us", phases) == 0;
    if (ok && tap->card_error.sw != 0)
        ok = json_object_set_new(o, "sw", json_sprintf("%04X", tap->card_error.sw)) == 0;
    if (ok && tap->known)
        ok = set_hex(o, "serial", tap->serial, SERIAL_SIZE) == 0;
    if (ok && tap->has_ticket)
        ok = set_hex(o, "tid", tap->face.tid, TID_SIZE) == 0 &&
             json_object_set_new(o, "usage", usage_to_json(&tap->usage)) == 0;
    if (ok)
        return o;
    json_decref(o);
    return NULL;
}
