/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the file system for its extents, or for its holes where it does not tell the extents. */
#include "lib/io/extents.h"

#include "lib/base/arith.h"
#include "lib/base/ioctl.h"
#include "lib/io/file.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* The first extent that reaches behind `offset`; *length_bytes is 0 where there is none. False: not told (errno). */
static bool ask_extent(int fd, uint64_t offset_bytes, uint64_t *start_bytes, uint64_t *length_bytes)
{
    _Alignas(struct fiemap) char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)];
    struct fiemap *map = (void *)room;
    const struct fiemap_extent *extent = map->fm_extents;

    for (;;) {
        *map = (struct fiemap){
            .fm_start = offset_bytes, .fm_length = FIEMAP_MAX_OFFSET - offset_bytes, .fm_extent_count = 1};
        if (ioctl(fd, SNAP_IOCTL_REQUEST(FS_IOC_FIEMAP), map) != 0)
            return false;
        *length_bytes = 0;
        if (map->fm_mapped_extents == 0)
            return true;
        *start_bytes = snap_max(extent->fe_logical, offset_bytes);
        *length_bytes = extent->fe_logical + extent->fe_length - *start_bytes;
        if ((extent->fe_flags & FIEMAP_EXTENT_SHARED) == 0 || *length_bytes == 0)
            return true;
        offset_bytes = *start_bytes + *length_bytes;
    }
}

/* A hole may be reserved there, as on a tmpfs; only of a file that has all its blocks this is known. */
static enum snap_status ask_holes(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                  uint64_t *length_bytes, struct snap_error *err)
{
    struct stat seen;

    if (fstat(snap_file_fd(io), &seen) == 0 && (uint64_t)seen.st_blocks * 512 >= io->size_bytes) {
        *start_bytes = snap_min(offset_bytes, io->size_bytes);
        *length_bytes = io->size_bytes - *start_bytes;
        return SNAP_OK;
    }
    return snap_file_next_data(io, offset_bytes, start_bytes, length_bytes, err);
}

enum snap_status snap_extents_next(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                   uint64_t *length_bytes, struct snap_error *err)
{
    struct snap_file_info info;

    snap_file_get_info(io, &info);
    if (info.block_device || offset_bytes >= io->size_bytes)
        return snap_file_next_data(io, offset_bytes, start_bytes, length_bytes, err);
    if (!ask_extent(snap_file_fd(io), offset_bytes, start_bytes, length_bytes)) {
        if (errno != EOPNOTSUPP && errno != ENOTTY && errno != EINVAL && errno != ENOSYS)
            return snap_fail_errno(err, errno, "%s: looking for its extents at byte %" PRIu64, io->name, offset_bytes);
        return ask_holes(io, offset_bytes, start_bytes, length_bytes, err);
    }
    if (*length_bytes == 0 || *start_bytes >= io->size_bytes) {
        *start_bytes = io->size_bytes;
        *length_bytes = 0;
    }
    *length_bytes = snap_min(*length_bytes, io->size_bytes - *start_bytes);
    return SNAP_OK;
}

uint64_t snap_extents_block_bytes(const struct snap_io *io)
{
    struct snap_file_info info;
    struct statvfs room;

    snap_file_get_info(io, &info);
    return !info.block_device && fstatvfs(snap_file_fd(io), &room) == 0 && room.f_frsize > 0 ? room.f_frsize : 1;
}

enum snap_status snap_extents_missing(const struct snap_io *io, uint64_t from_bytes, uint64_t to_bytes,
                                      bool (*stop)(void *context), void *stop_context, uint64_t *missing_bytes,
                                      struct snap_error *err)
{
    const uint64_t block_bytes = snap_extents_block_bytes(io), end_bytes = snap_min(to_bytes, io->size_bytes);

    *missing_bytes = 0;
    while (from_bytes < end_bytes) {
        uint64_t start_bytes, length_bytes;
        const enum snap_status status = snap_extents_next(io, from_bytes, &start_bytes, &length_bytes, err);

        if (status != SNAP_OK)
            return status;
        if (stop && stop(stop_context))
            return snap_fail(err, SNAP_E_STOPPED, "stopped");
        if (start_bytes > from_bytes)
            *missing_bytes += snap_div_up(snap_min(start_bytes, end_bytes) - from_bytes, block_bytes) * block_bytes;
        from_bytes = start_bytes + length_bytes;
    }
    return SNAP_OK;
}
