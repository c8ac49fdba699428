/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM's locks of the groups that a program names, taken before its sandbox. */
#ifndef DMSNAP_TOOLS_SHARED_HELD_LOCK
#define DMSNAP_TOOLS_SHARED_HELD_LOCK

#include "lib/lvm/group_lock.h"
#include "tools/cli/cli.h"

#define HELD_LOCK_GROUPS_MAX (CLI_STRINGS_MAX + 4u)

struct held_lock {
    bool taken;               /* of all groups; else nobody can lock here, as held_lock_take tells */
    bool open;
    int folder_fd;            /* where `open` is set */
    char *folder;
    struct snap_group_lock *locks[HELD_LOCK_GROUPS_MAX];
    char *groups[HELD_LOCK_GROUPS_MAX];
    size_t count;
};

/* Notes that the group of lvm:VG/LV is to be locked. SNAP_E_USAGE: it is no such name. */
enum snap_status held_lock_add(struct held_lock *lock, const char *argument, struct snap_error *err);

/*
 * Takes all of them. LVM's locking directory is made where it is missing, but not in a dry run. Where it is missing and
 * cannot be made, LVM cannot lock here either: SNAP_OK without `taken`. SNAP_E_BUSY names who has a lock.
 */
enum snap_status held_lock_take(struct held_lock *lock, bool dry_run, struct snap_error *err);

void held_lock_release(struct held_lock *lock);

#endif
