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

#define EXTENTS_AT_ONCE 64u

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

/* What is missing in front of extents; a fragmented image has very many of them, so they are asked for in batches. */
struct batch {
    uint64_t from_bytes, end_bytes; /* what is still to be counted */
    uint64_t asked_bytes;           /* extents that begin before it were told */
    uint64_t block_bytes, missing_bytes;
    bool last;                      /* there is no other extent */
};

static void count_gap(struct batch *batch, uint64_t gap_end_bytes)
{
    const uint64_t end_bytes = snap_min(gap_end_bytes, batch->end_bytes);

    if (end_bytes > batch->from_bytes)
        batch->missing_bytes += snap_div_up(end_bytes - batch->from_bytes, batch->block_bytes) * batch->block_bytes;
}

/* False: the file system tells no extents (errno). */
static bool count_batch(int fd, struct batch *batch)
{
    _Alignas(struct fiemap) char room[sizeof(struct fiemap) + EXTENTS_AT_ONCE * sizeof(struct fiemap_extent)];
    struct fiemap *map = (void *)room;

    *map = (struct fiemap){.fm_start = batch->asked_bytes,
                           .fm_length = FIEMAP_MAX_OFFSET - batch->asked_bytes,
                           .fm_extent_count = EXTENTS_AT_ONCE};
    if (ioctl(fd, SNAP_IOCTL_REQUEST(FS_IOC_FIEMAP), map) != 0)
        return false;
    batch->last = map->fm_mapped_extents < EXTENTS_AT_ONCE;
    for (uint32_t i = 0; i < map->fm_mapped_extents && i < EXTENTS_AT_ONCE; i++) {
        const struct fiemap_extent *extent = &map->fm_extents[i];
        uint64_t extent_end_bytes;

        if (!snap_add(extent->fe_logical, extent->fe_length, &extent_end_bytes) ||
            extent_end_bytes <= batch->asked_bytes) {
            batch->last = true; /* no file system says so; it would never end */
            break;
        }
        batch->asked_bytes = extent_end_bytes;
        if ((extent->fe_flags & FIEMAP_EXTENT_SHARED) != 0)
            continue;
        count_gap(batch, extent->fe_logical);
        batch->from_bytes = snap_max(batch->from_bytes, extent_end_bytes);
    }
    return true;
}

/* Where holes are all that the file system tells, or all that can be asked. */
static enum snap_status count_one(const struct snap_io *io, struct batch *batch, struct snap_error *err)
{
    uint64_t start_bytes = 0, length_bytes = 0;
    const enum snap_status status = snap_extents_next(io, batch->from_bytes, &start_bytes, &length_bytes, err);

    if (status != SNAP_OK)
        return status;
    count_gap(batch, start_bytes);
    batch->from_bytes = start_bytes + length_bytes;
    return SNAP_OK;
}

enum snap_status snap_extents_missing(const struct snap_io *io, uint64_t from_bytes, uint64_t to_bytes,
                                      bool (*stop)(void *context), void *stop_context, uint64_t *missing_bytes,
                                      struct snap_error *err)
{
    struct batch batch = {.from_bytes = from_bytes,
                          .end_bytes = snap_min(to_bytes, io->size_bytes),
                          .asked_bytes = from_bytes,
                          .block_bytes = snap_extents_block_bytes(io)};
    struct snap_file_info info;
    bool in_batches;

    *missing_bytes = 0;
    snap_file_get_info(io, &info);
    in_batches = !info.block_device;
    while (batch.from_bytes < batch.end_bytes) {
        enum snap_status status = SNAP_OK;

        in_batches = in_batches && count_batch(snap_file_fd(io), &batch);
        if (!in_batches)
            status = count_one(io, &batch, err); /* it also says what else may be wrong */
        if (status != SNAP_OK)
            return status;
        if (stop && stop(stop_context))
            return snap_fail(err, SNAP_E_STOPPED, "stopped");
        if (in_batches && (batch.last || batch.asked_bytes >= batch.end_bytes)) {
            count_gap(&batch, batch.end_bytes);
            break;
        }
    }
    *missing_bytes = batch.missing_bytes;
    return SNAP_OK;
}
