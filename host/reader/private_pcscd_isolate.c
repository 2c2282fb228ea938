#include "host/reader/private_pcscd_isolate.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define USB_DRIVERS "/usr/lib/pcsc/drivers"
#define PCSCD_STATE "/run/pcscd"
#define NOBODY      65534

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Lets a user without rights mount things, in a user namespace where only that user exists, as root. */
static bool enter_user_namespace(uid_t uid, gid_t gid)
{
    char line[32];
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return false;
    (void)write_file("/proc/self/setgroups", "deny");
    (void)snprintf(line, sizeof line, "0 %u 1", (unsigned)uid);
    if (!write_file("/proc/self/uid_map", line))
        return false;
    (void)snprintf(line, sizeof line, "0 %u 1", (unsigned)gid);
    return write_file("/proc/self/gid_map", line);
}

/* An empty folder over each USB driver bundle: this instance must not take readers from the system's pcscd.
 */
static void hide_usb_drivers(void)
{
    DIR *d = opendir(USB_DRIVERS);
    if (d == NULL)
        return;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[sizeof USB_DRIVERS + sizeof e->d_name];
        size_t n = strlen(e->d_name);
        (void)snprintf(path, sizeof path, "%s/%s", USB_DRIVERS, e->d_name);
        if (n > 7 && strcmp(e->d_name + n - 7, ".bundle") == 0)
            (void)mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k");
    }
    closedir(d);
}

static bool hide_system(void)
{
    struct stat st;
    const char *state = stat(PCSCD_STATE, &st) == 0 ? PCSCD_STATE : "/run";
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", state, "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") != 0)
        return false;
    hide_usb_drivers();
    return true;
}

bool tally_private_pcscd_isolate(int log)
{
    uid_t uid = geteuid();
    if (uid == 0 ? unshare(CLONE_NEWNS) == 0 : enter_user_namespace(uid, getegid()))
        return hide_system();
    if (uid != 0)
        return true;
    (void)mkdir(PCSCD_STATE, 0755);
    return fchown(log, NOBODY, NOBODY) == 0 && setgid(NOBODY) == 0 && setuid(NOBODY) == 0;
}
