/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks a file system for its free room. */
#include "tools/shared/room.h"

#include "lib/base/arith.h"

#include <sys/statvfs.h>

bool room_free_bytes(int fd, uint64_t *free_bytes)
{
    struct statvfs seen;

    if (fstatvfs(fd, &seen) != 0 || seen.f_blocks == 0) /* one in memory without a limit has no blocks at all */
        return false;
    return snap_mul(seen.f_bavail, seen.f_frsize, free_bytes);
}
