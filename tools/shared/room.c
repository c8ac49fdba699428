/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks a file system for its free room. */
#include "tools/shared/room.h"

#include "lib/base/arith.h"

#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

/*
 * ext4 keeps a fiftieth of its blocks from everybody, but not more than so many of them. It counts those of its own
 * tables and journal as well, which it does not tell: so the share is taken larger.
 */
#define EXT4_KEPT_SHARE 32u
#define EXT4_KEPT_BLOCKS_MAX 4096u

/*
 * Where blocks are kept for root, "free" has them and "available" has not. Elsewhere the two differ for other reasons:
 * of btrfs, what is free may be of no use for data.
 */
static uint64_t available_blocks(int fd, const struct statvfs *seen)
{
    const uint64_t kept = snap_min(seen->f_blocks / EXT4_KEPT_SHARE, EXT4_KEPT_BLOCKS_MAX);
    struct statfs kind;

    if (geteuid() != 0 || fstatfs(fd, &kind) != 0 || kind.f_type != EXT4_SUPER_MAGIC || seen->f_bfree <= kept)
        return seen->f_bavail;
    return snap_max(seen->f_bavail, seen->f_bfree - kept);
}

bool room_free_bytes(int fd, uint64_t *free_bytes)
{
    struct statvfs seen;

    if (fstatvfs(fd, &seen) != 0 || seen.f_blocks == 0) /* one in memory without a limit has no blocks at all */
        return false;
    return snap_mul(available_blocks(fd, &seen), seen.f_frsize, free_bytes);
}
