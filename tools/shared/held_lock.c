/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens LVM's locking directory, and takes one lock for each group. */
#include "tools/shared/held_lock.h"

#include "tools/shared/volumes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_FOLDER "/etc/lvm"
#define WAIT_NS UINT64_C(3000000000) /* commands such as lvs have the lock for much less */

enum snap_status held_lock_add(struct held_lock *lock, const char *argument, struct snap_error *err)
{
    char *group;
    enum snap_status status = volumes_group_name(argument, &group, err);

    if (status != SNAP_OK)
        return status;
    for (size_t i = 0; i < lock->count; i++) {
        if (strcmp(lock->groups[i], group) == 0) {
            free(group);
            return SNAP_OK;
        }
    }
    if (lock->count == HELD_LOCK_GROUPS_MAX) {
        free(group);
        return snap_fail(err, SNAP_E_USAGE, "%s: too many LVM groups", argument);
    }
    lock->groups[lock->count++] = group;
    return SNAP_OK;
}

/* As LVM makes it: for root alone. Folders above it are for all. */
static bool make_folder(const char *path)
{
    char *copy = strdup(path);
    bool made = copy;

    for (char *slash = copy ? strchr(copy + 1, '/') : NULL; made && slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = mkdir(copy, 0755) == 0 || errno == EEXIST;
        *slash = '/';
    }
    made = made && (mkdir(path, 0700) == 0 || errno == EEXIST);
    free(copy);
    return made;
}

static enum snap_status open_folder(struct held_lock *lock, bool dry_run, struct snap_error *err)
{
    enum snap_status status = snap_group_lock_folder(SYSTEM_FOLDER, &lock->folder, err);

    if (status != SNAP_OK)
        return status;
    lock->folder_fd = open(lock->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock->folder_fd < 0 && errno == ENOENT && !dry_run && make_folder(lock->folder))
        lock->folder_fd = open(lock->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    lock->open = lock->folder_fd >= 0;
    if (lock->open || errno == ENOENT || errno == EROFS)
        return SNAP_OK;
    return snap_fail_errno(err, errno, "%s: cannot open LVM's locking directory", lock->folder);
}

enum snap_status held_lock_take(struct held_lock *lock, bool dry_run, struct snap_error *err)
{
    const struct snap_group_lock_wait wait = {&snap_clock_system, WAIT_NS, cli_stop_asked, NULL};
    enum snap_status status = open_folder(lock, dry_run, err);

    for (size_t i = 0; i < lock->count && lock->open && status == SNAP_OK; i++)
        status = snap_group_lock_take(&lock->locks[i], lock->folder_fd, lock->folder, lock->groups[i], &wait, err);
    lock->taken = status == SNAP_OK && lock->open;
    return status;
}

void held_lock_release(struct held_lock *lock)
{
    for (size_t i = 0; i < lock->count; i++) {
        snap_group_lock_release(lock->locks[i]);
        free(lock->groups[i]);
    }
    if (lock->open)
        (void)close(lock->folder_fd); /* nothing was written to it */
    free(lock->folder);
    *lock = (struct held_lock){.count = 0};
}
