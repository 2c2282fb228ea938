/* What a gate exchanges with the servers, when they can be reached: receipts out, deny lists in. */
#ifndef TALLY_GATE_UPLOAD_H
#define TALLY_GATE_UPLOAD_H

#include <pthread.h>

#include "reader-tools/common/client.h"
#include "reader-tools/gate/tap.h"

/* The ticket server as the gate sees it; lock guards gate->journal and gate->list. */
struct gate_link {
    const struct tool *tool;
    struct gate *gate;
    pthread_mutex_t *lock;
    const char *state_folder;
    struct tool_client ticketd, authd;
    bool has_ticketd, has_authd;
    char authd_base[256], list_path[256]; /* the deny list's address in two parts */
    char key_path[1024];
    bool kept;        /* a whole list was put into the state folder by this process */
    unsigned changes; /* pieces of the list kept since the last whole one */
};

extern const struct tally_option gate_link_options[];

/* Prepares the calls; without --ticketd nothing is uploaded, without a deny list address none is fetched.
 * Call gate_link_close in any case. */
enum tally_error gate_link_open(const struct tool *tool, struct gate *gate, pthread_mutex_t *lock,
                                const char *state_folder, struct gate_link *link);
void gate_link_close(struct gate_link *link);

/* Sends receipts until none are left; *sent is how many. TALLY_E_SERVER when the server cannot be reached. */
enum tally_error gate_link_upload(struct gate_link *link, unsigned *sent);

/* Fetches what changed in the deny list, or all of it, and keeps it in the state folder when it is newer and
 * right. */
enum tally_error gate_link_fetch_list(struct gate_link *link);

#endif
