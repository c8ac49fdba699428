/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The legs of a raid1 volume: what their superblocks say, and which of them holds what the volume shows. */
#ifndef DMSNAP_LVM_RAID
#define DMSNAP_LVM_RAID

#include "lib/base/error.h"
#include "lib/io/io.h"

#include <stdbool.h>
#include <stdint.h>

/* A superblock has one bit for each in its first mask of failed legs; LVM makes no more than ten. */
#define SNAP_RAID_LEGS_MAX 64u

#define SNAP_RAID_IN_SYNC UINT64_MAX /* of the two places below */

struct snap_raid_leg {
    bool present;             /* its superblock was read, and is sound; else nothing below counts */
    uint64_t events;          /* how often the superblocks were written: of several, the newest has the most */
    uint64_t failed;          /* bit i: leg i had failed when this one was written */
    uint64_t recovered_sectors; /* how far this leg was rebuilt */
    uint64_t resynced_sectors;  /* how far the legs were made the same after the volume was made */
};

/*
 * Reads the superblock that dm-raid keeps in front of a leg, in a small volume of its own. `position` is that of the
 * leg, of `count` legs. SNAP_E_CORRUPT: there is none, or it is not of this leg; SNAP_E_UNSUPPORTED: the volume is
 * being changed into one of another shape. SNAP_E_IO, SNAP_E_NOMEM. leg->present is set on success only.
 */
enum snap_status snap_raid_read(struct snap_io *io, unsigned position, unsigned count, struct snap_raid_leg *leg,
                                struct snap_error *err);

/*
 * Which leg shows what the volume would show: one with the newest superblock, whole, and called failed by no other one.
 * SNAP_E_REFUSED: none is known to; for one, a leg that is not there may be newer. Messages begin with `name`.
 */
enum snap_status snap_raid_choose(const char *name, const struct snap_raid_leg *legs, unsigned count, unsigned *chosen,
                                  struct snap_error *err);

#endif
