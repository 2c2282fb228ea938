/* What tally-gate's options mean. */
#ifndef TALLY_GATE_SETTINGS_H
#define TALLY_GATE_SETTINGS_H

#include "reader-tools/common/tool.h"
#include "reader-tools/gate/tap.h"

extern const struct tally_option gate_options[];

struct gate_settings {
    const char *state_folder;
    bool by_tid, date_today; /* the criterion's date is the day of the tap */
    struct tally_criterion criterion;
    enum gate_action action;
    uint8_t document_type;
    char document_number[64];
    int32_t utc_offset_s;
};

/* Reads the gate kit and the options into gate and settings; opens no journal. Says on standard error what is
 * wrong. Call gate_settings_release in any case. */
enum tally_error gate_settings_read(const struct tool *tool, struct gate *gate,
                                    struct gate_settings *settings);
void gate_settings_release(struct gate *gate);

/* Opens journal and deny list in the state folder, which is made when it is not there. */
enum tally_error gate_settings_open_state(const struct tool *tool, struct gate *gate,
                                          const struct gate_settings *settings);

/* The request of a tap that begins now. */
struct gate_request gate_settings_request(const struct gate *gate, const struct gate_settings *settings);

/* "TYPE:NUMBER", the type 1 to 3 or id, passport, other. False when it is neither. */
bool gate_document_parse(const char *text, uint8_t *type, char *number, size_t size);

#endif
