/* Part of private_pcscd: keeps a pcscd away from the system's. */
#ifndef TALLY_READER_PRIVATE_PCSCD_ISOLATE_H
#define TALLY_READER_PRIVATE_PCSCD_ISOLATE_H

#include <stdbool.h>

/* Called in a child process before it executes pcscd: hides the system's pcscd state folder and USB drivers
 * in a mount namespace of its own. Where that is not permitted, a user without rights stays as he is, and
 * root becomes nobody, who cannot write the process id file; the folder for it has to exist, or pcscd would
 * not start. log is the descriptor of a file that stays writable. False: this process must not become pcscd.
 */
bool tally_private_pcscd_isolate(int log);

#endif
