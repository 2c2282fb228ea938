/* A SQLite VFS over the system's whose N-th write or sync fails, to see what a database makes of it. */
#ifndef TALLY_TESTS_FAULT_VFS_H
#define TALLY_TESTS_FAULT_VFS_H

#include <stdbool.h>

#define FAULT_VFS "tally-fault"

/* Registers the VFS; once a process. */
void fault_vfs_register(void);
/* The n-th write, sync or truncation from now fails with an I/O error, once; 0: none. */
void fault_vfs_arm(int n);
/* A full disk: every write fails until it is off. */
void fault_vfs_fill(bool full);
/* How many such calls there were since arming. */
int fault_vfs_count(void);

#endif
