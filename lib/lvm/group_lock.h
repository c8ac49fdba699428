/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM's own lock of a group: a file in its locking directory, taken and given back as LVM's commands do. */
#ifndef DMSNAP_LVM_GROUP_LOCK
#define DMSNAP_LVM_GROUP_LOCK

#include "lib/base/clock.h"
#include "lib/base/error.h"

#include <stdbool.h>

struct snap_group_lock;

/* Where LVM locks if its configuration names no other place. */
#define SNAP_GROUP_LOCK_FOLDER "/run/lock/lvm"

/*
 * The locking directory that the configuration in `system_folder` (lvm.conf, then lvmlocal.conf) names, or the usual
 * one; *folder is malloc'ed. SNAP_E_REFUSED: a file is there and cannot be read or understood, so that nobody knows
 * where LVM locks. SNAP_E_NOMEM.
 */
enum snap_status snap_group_lock_folder(const char *system_folder, char **folder, struct snap_error *err);

struct snap_group_lock_wait {
    const struct snap_clock *clock;
    uint64_t most_ns;                /* a command that only looks at the group has the lock for a moment */
    bool (*stop)(void *context);     /* NULL: never */
    void *stop_context;
};

/*
 * Takes the lock of `group` for writing in the open directory `folder_fd`, which stays the caller's and is open as long
 * as the lock; `folder` is its name, for messages. Nobody else has it from then on, neither for writing nor for
 * reading. SNAP_E_BUSY: somebody has it; the text says who. SNAP_E_USAGE: no group can have this name. SNAP_E_STOPPED,
 * SNAP_E_PERM, SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_group_lock_take(struct snap_group_lock **lock, int folder_fd, const char *folder,
                                      const char *group, const struct snap_group_lock_wait *wait,
                                      struct snap_error *err);

/* Gives it back; NULL is fine. */
void snap_group_lock_release(struct snap_group_lock *lock);

#endif
