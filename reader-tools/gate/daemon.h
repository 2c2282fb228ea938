/* The gate as a daemon: waits for cards, decides offline, exchanges journal and lists in the background. */
#ifndef TALLY_GATE_DAEMON_H
#define TALLY_GATE_DAEMON_H

#include "reader-tools/gate/report.h"
#include "reader-tools/gate/settings.h"
#include "reader-tools/gate/upload.h"

extern const struct tally_option gate_daemon_options[];

/* Runs until SIGTERM or SIGINT. State and journal are open. */
enum tally_error gate_daemon_run(const struct tool *tool, struct gate *gate,
                                 const struct gate_settings *settings);

/* One tap on the card in the reader; the outcome is the error (gate_reason_error). */
enum tally_error gate_once(const struct tool *tool, struct gate *gate, const struct gate_settings *settings);

#endif
