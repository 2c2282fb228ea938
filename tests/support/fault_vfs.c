#include "tests/support/fault_vfs.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

/* The system's file follows in the same allocation. */
struct file {
    sqlite3_file base;
    sqlite3_io_methods methods;
};

static sqlite3_vfs vfs;
static atomic_int count, victim;
static atomic_bool full;

static sqlite3_file *real(sqlite3_file *f)
{
    return (sqlite3_file *)((struct file *)f + 1);
}

static int fails(void)
{
    return atomic_fetch_add(&count, 1) + 1 == atomic_load(&victim);
}

static int f_close(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}

static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return real(f)->pMethods->xRead(real(f), p, n, at);
}

static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (atomic_load(&full))
        return SQLITE_FULL;
    return fails() ? SQLITE_IOERR_WRITE : real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    return fails() ? SQLITE_IOERR_TRUNCATE : real(f)->pMethods->xTruncate(real(f), n);
}

static int f_sync(sqlite3_file *f, int flags)
{
    return fails() ? SQLITE_IOERR_FSYNC : real(f)->pMethods->xSync(real(f), flags);
}

static int f_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return real(f)->pMethods->xFileSize(real(f), n);
}

static int f_lock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xLock(real(f), level);
}

static int f_unlock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xUnlock(real(f), level);
}

static int f_reserved(sqlite3_file *f, int *out)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int f_control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int f_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

static int f_device(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}

static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void f_shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}

static int f_shm_unmap(sqlite3_file *f, int delete_it)
{
    return real(f)->pMethods->xShmUnmap(real(f), delete_it);
}

static const sqlite3_io_methods methods = {
    2,          f_close,       f_read,      f_write,   f_truncate, f_sync,   f_size,
    f_lock,     f_unlock,      f_reserved,  f_control, f_sector,   f_device, f_shm_map,
    f_shm_lock, f_shm_barrier, f_shm_unmap, NULL,      NULL};

static int v_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
    sqlite3_vfs *system = v->pAppData;
    memset(f, 0, sizeof(struct file));
    int result = system->xOpen(system, name, real(f), flags, out);
    if (result == SQLITE_OK)
        f->pMethods = &methods;
    return result;
}

void fault_vfs_register(void)
{
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    vfs = *system;
    vfs.zName = FAULT_VFS;
    vfs.szOsFile = (int)sizeof(struct file) + system->szOsFile;
    vfs.pAppData = system;
    vfs.xOpen = v_open;
    sqlite3_vfs_register(&vfs, 0);
}

void fault_vfs_arm(int n)
{
    atomic_store(&count, 0);
    atomic_store(&victim, n);
}

void fault_vfs_fill(bool on)
{
    atomic_store(&full, on);
}

int fault_vfs_count(void)
{
    return atomic_load(&count);
}
