/* A pcscd of one's own with one virtual reader of two slots, for developers, demonstrations and tests.
 *
 * It is started by the systemd socket activation protocol on a socket in a fresh folder (mkdtemp), reads a
 * configuration folder that holds nothing but its one reader, and runs in a mount namespace of its own, so
 * that the system's pcscd, its files under /run and its USB readers stay untouched. Where namespaces are not
 * permitted it runs without root's rights instead. Clients reach it by the environment variable
 * PCSCLITE_CSOCK_NAME; the virtual cards (card/ports/vcard) connect to the two TCP ports.
 */
#ifndef TALLY_READER_PRIVATE_PCSCD_H
#define TALLY_READER_PRIVATE_PCSCD_H

#include <stdint.h>
#include <sys/types.h>

#include "host/base/error.h"

enum { TALLY_PRIVATE_PCSCD_SLOTS = 2 };

struct tally_private_pcscd;

/* Starts one and returns when it answers clients and listens for cards. The caller owns *out (NULL on
 * failure) and gives it back to tally_private_pcscd_stop. The process is killed by the kernel when the
 * calling thread ends. Errors: TALLY_E_NO_READER (pcscd or its vpcd driver is not installed or did not come
 * up), TALLY_E_IO, TALLY_E_MEMORY. A reason goes to standard error. */
enum tally_error tally_private_pcscd_start(struct tally_private_pcscd **out);

/* The socket for PCSCLITE_CSOCK_NAME; lives as long as p. */
const char *tally_private_pcscd_socket(const struct tally_private_pcscd *p);

/* The folder, mode 0711, removed with everything directly in it by tally_private_pcscd_stop. */
const char *tally_private_pcscd_folder(const struct tally_private_pcscd *p);

/* The TCP port on 127.0.0.1 of the slot, 0 or 1. */
uint16_t tally_private_pcscd_port(const struct tally_private_pcscd *p, unsigned slot);

/* The process id, or 0 while it is not running. */
pid_t tally_private_pcscd_pid(const struct tally_private_pcscd *p);

/* Kills the process as a crash would (SIGKILL) and waits for its end; clients are refused from then on. */
void tally_private_pcscd_kill(struct tally_private_pcscd *p);

/* Starts it again after a kill: same socket path, same ports. Errors as start. */
enum tally_error tally_private_pcscd_restart(struct tally_private_pcscd *p);

/* Ends the process (SIGTERM, SIGKILL after two seconds), removes the folder, frees p. NULL is allowed. */
void tally_private_pcscd_stop(struct tally_private_pcscd *p);

#endif
