/* tally-gate: verifies tickets, decides, and marks them; a daemon, or one tap for scripts. */
#include <inttypes.h>
#include <string.h>

#include "host/base/log.h"
#include "reader-tools/gate/daemon.h"

static const char summary[] =
    "verifies tickets, decides offline, and marks them\n"
    "commands:\n"
    "  run             waits for cards (what it does without a command)\n"
    "  upload          sends the journal's receipts to the ticket server, fetches the list\n"
    "  verify-journal  checks the journal's chain of hashes\n"
    "  reasons         lists reason codes, names and passenger texts";

static enum tally_error verify_journal(const struct tool *tool)
{
    const char *folder = tally_config_string(tool->config, "state");
    struct journal_report r;
    if (folder == NULL)
        return tool_fail(tool, TALLY_E_USAGE, "--state is needed");
    enum tally_error e = gate_journal_verify(folder, &r);
    if (e == TALLY_E_NOT_FOUND)
        return tool_fail(tool, e, "%s: there is no journal", folder);
    if (tool->json) {
        (void)tool_print_json(json_pack(
            "{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:b, s:i, s:I}", "whole", e == TALLY_OK, "lines",
            (json_int_t)r.lines, "intents", (json_int_t)r.intents, "receipts", (json_int_t)r.receipts,
            "voids", (json_int_t)r.voids, "refusals", (json_int_t)r.refusals, "last", (json_int_t)r.last,
            "hash", r.hash, "torn", r.torn, "bad_file", (int)r.bad_file, "bad_line", (json_int_t)r.bad_line));
        return e;
    }
    if (e != TALLY_OK)
        return tool_fail(tool, e, "%s: journal.%06u, line %" PRIu64 ": %s", folder, r.bad_file, r.bad_line,
                         e == TALLY_E_CRYPTO ? "the chain is broken here" : tally_error_text(e));
    printf("whole: %" PRIu64 " lines, %" PRIu64 " receipts, %" PRIu64 " refusals%s\nlast line %" PRIu64
           ", hash %s\n",
           r.lines, r.receipts, r.refusals, r.torn ? "; an unfinished line at the end" : "", r.last, r.hash);
    return TALLY_OK;
}

static enum tally_error list_reasons(const struct tool *tool)
{
    enum gate_reason reason;
    json_t *array = json_array();
    for (unsigned i = 0; gate_reason_at(i, &reason); i++) {
        if (tool->json)
            json_array_append_new(array, json_pack("{s:i, s:s, s:s, s:i}", "reason", (int)reason, "name",
                                                   gate_reason_name(reason), "text", gate_reason_text(reason),
                                                   "exit", tally_error_exit_code(gate_reason_error(reason))));
        else
            printf("%3d  %-24s %s\n", (int)reason, gate_reason_name(reason), gate_reason_text(reason));
    }
    if (tool->json)
        return tool_print_json(array);
    json_decref(array);
    return TALLY_OK;
}

static enum tally_error upload(const struct tool *tool, struct gate *gate,
                               const struct gate_settings *settings)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    struct gate_link link;
    unsigned sent = 0;
    enum tally_error e = gate_link_open(tool, gate, &lock, settings->state_folder, &link);
    if (e == TALLY_OK)
        e = gate_link_upload(&link, &sent);
    if (e == TALLY_OK)
        e = gate_link_fetch_list(&link);
    if (tool->json)
        (void)tool_print_json(json_pack("{s:i, s:I, s:I}", "sent", (int)sent, "backlog",
                                        (json_int_t)gate_journal_backlog(gate->journal), "list_version",
                                        (json_int_t)gate->list.version));
    else
        printf("%u receipts sent, %" PRIu64 " left, deny list %" PRIu32 "\n", sent,
               gate_journal_backlog(gate->journal), gate->list.version);
    gate_link_close(&link);
    return e;
}

static enum tally_error with_gate(const struct tool *tool, const char *command)
{
    struct gate gate;
    struct gate_settings settings;
    enum tally_error e = gate_settings_read(tool, &gate, &settings);
    if (e == TALLY_OK)
        e = gate_settings_open_state(tool, &gate, &settings);
    if (e == TALLY_OK && strcmp(command, "upload") == 0)
        e = upload(tool, &gate, &settings);
    else if (e == TALLY_OK && tally_config_bool(tool->config, "once"))
        e = gate_once(tool, &gate, &settings);
    else if (e == TALLY_OK)
        e = gate_daemon_run(tool, &gate, &settings);
    gate_settings_release(&gate);
    return e;
}

static enum tally_error run(const struct tool *tool)
{
    const char *command = tool->operand_count > 0 ? tool->operands[0] : "run";
    if (tool->operand_count > 1)
        return tool_fail(tool, TALLY_E_USAGE, "%s: unexpected argument", tool->operands[1]);
    if (strcmp(command, "verify-journal") == 0)
        return verify_journal(tool);
    if (strcmp(command, "reasons") == 0)
        return list_reasons(tool);
    if (strcmp(command, "run") != 0 && strcmp(command, "upload") != 0)
        return tool_fail(tool, TALLY_E_USAGE, "%s: no such command (see --help)", command);
    return with_gate(tool, command);
}

int main(int argc, char **argv)
{
    const struct tally_option *const tables[] = {tool_options, gate_options, gate_link_options,
                                                 gate_daemon_options, NULL};
    struct tool tool;
    int status;
    if (!tool_start(&tool, "gate", summary, "[COMMAND]", tables, argc, argv, &status))
        return status;
    tally_log_setup(2, TALLY_LOG_WARN, &tally_system_clock);
    status = tally_error_exit_code(run(&tool));
    tool_finish(&tool);
    return status;
}
