/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the superblocks of dm-raid, and finds the leg of a raid1 volume that is known to be right. */
#include "lib/lvm/raid.h"

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

#include <inttypes.h>

#define SUPERBLOCK_BYTES 4096u
#define MAGIC 0x64526d44u /* "DmRd" */
#define EXTENDED 1u       /* in the compatible features: the fields behind byte 60 count */

/* What would make another place of the data, or another meaning, of a leg than the plain one. */
static bool is_plain(const uint8_t *bytes)
{
    const bool extended = (snap_get_le32(bytes + 4) & EXTENDED) != 0;

    return snap_get_le32(bytes + 48) == 1 /* the level */ &&
           (!extended || (snap_get_le64(bytes + 64) == UINT64_MAX /* no reshape */ &&
                          snap_get_le64(bytes + 96) == 0 && snap_get_le64(bytes + 104) == 0 /* the data's offsets */ &&
                          snap_get_le32(bytes + 144) == 0 /* incompatible features */));
}

static enum snap_status judge(const char *name, const uint8_t *bytes, unsigned position, unsigned count,
                              struct snap_raid_leg *leg, struct snap_error *err)
{
    if (snap_get_le32(bytes) != MAGIC)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: no superblock of dm-raid: magic 0x%08" PRIx32 ", expected 0x%08x",
                         name, snap_get_le32(bytes), MAGIC);
    if (snap_get_le32(bytes + 8) != count || snap_get_le32(bytes + 12) != position)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: its superblock is that of leg %" PRIu32 " of %" PRIu32 ", expected "
                         "leg %u of %u", name, snap_get_le32(bytes + 12), snap_get_le32(bytes + 8), position, count);
    if (!is_plain(bytes))
        return snap_fail(err, SNAP_E_UNSUPPORTED, "%s: its superblock is not that of a plain raid1 volume", name);
    *leg = (struct snap_raid_leg){
        .present = true,
        .events = snap_get_le64(bytes + 16),
        .failed = snap_get_le64(bytes + 24),
        .recovered_sectors = snap_get_le64(bytes + 32),
        .resynced_sectors = snap_get_le64(bytes + 40),
    };
    return SNAP_OK;
}

enum snap_status snap_raid_read(struct snap_io *io, unsigned position, unsigned count, struct snap_raid_leg *leg,
                                struct snap_error *err)
{
    uint8_t *bytes;
    enum snap_status status;

    leg->present = false;
    if (io->size_bytes < SUPERBLOCK_BYTES)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: it has no room for a superblock of dm-raid", io->name);
    bytes = snap_buffer_new(SUPERBLOCK_BYTES);
    if (!bytes)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to read its superblock", io->name);
    status = snap_io_read(io, 0, SUPERBLOCK_BYTES, bytes, err);
    if (status == SNAP_OK)
        status = judge(io->name, bytes, position, count, leg, err);
    snap_buffer_free(bytes);
    return status;
}

static bool is_failed(const struct snap_raid_leg *of, unsigned leg)
{
    return of->present && (of->failed >> leg & 1) != 0;
}

/* Whether any leg says that this one had failed; or, with `newest_events`, one that is as new as that. */
static bool called_failed(const struct snap_raid_leg *legs, unsigned count, unsigned leg, uint64_t newest_events)
{
    for (unsigned i = 0; i < count; i++)
        if (is_failed(&legs[i], leg) && legs[i].events >= newest_events)
            return true;
    return false;
}

enum snap_status snap_raid_choose(const char *name, const struct snap_raid_leg *legs, unsigned count, unsigned *chosen,
                                  struct snap_error *err)
{
    uint64_t newest_events = 0;

    for (unsigned i = 0; i < count; i++)
        if (legs[i].present && legs[i].events > newest_events)
            newest_events = legs[i].events;
    for (unsigned i = 0; i < count; i++) {
        if (!legs[i].present && !called_failed(legs, count, i, newest_events))
            return snap_fail(err, SNAP_E_REFUSED, "%s: leg %u of its %u is missing or cannot be read, and no other leg "
                             "says that it had failed: it may be the newest", name, i, count);
        if (legs[i].present && legs[i].events == newest_events && legs[i].resynced_sectors != SNAP_RAID_IN_SYNC)
            return snap_fail(err, SNAP_E_REFUSED, "%s: its legs are not the same yet (%" PRIu64 " sectors are): let "
                             "LVM make them so", name, legs[i].resynced_sectors);
    }
    for (unsigned i = 0; i < count; i++) {
        if (legs[i].present && legs[i].events == newest_events && legs[i].recovered_sectors == SNAP_RAID_IN_SYNC &&
            !called_failed(legs, count, i, 0)) {
            *chosen = i;
            return SNAP_OK;
        }
    }
    return snap_fail(err, SNAP_E_REFUSED, "%s: none of its %u legs is known to be whole and the newest", name, count);
}
