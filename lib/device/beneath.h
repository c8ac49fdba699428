/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which block devices the file system of an open file or folder lies on. */
#ifndef DMSNAP_DEVICE_BENEATH
#define DMSNAP_DEVICE_BENEATH

#include <stddef.h>
#include <stdint.h>

#define SNAP_BENEATH_MAX 64u /* devices of one file system */

struct snap_beneath {
    uint64_t numbers[SNAP_BENEATH_MAX];
    size_t count;
};

/*
 * By the number of the file system; where that is made up (btrfs, overlayfs) by the mount table: the source, with all
 * other devices of the same btrfs, or the upper layer. None for tmpfs and NFS, and where the system does not tell.
 * `fd` is a file or a folder; O_PATH is enough.
 */
void snap_beneath_find(int fd, struct snap_beneath *beneath);

/* The same for a file system and a mount (-1: not known), with <root>/proc and <root>/sys as the sources, for tests. */
void snap_beneath_find_at(const char *root, uint64_t file_system, int mount_id, struct snap_beneath *beneath);

#endif
