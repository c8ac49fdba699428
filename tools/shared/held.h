/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM volumes that are written to: their groups are locked, and their physical volumes held, for a whole run. */
#ifndef DMSNAP_TOOLS_SHARED_HELD
#define DMSNAP_TOOLS_SHARED_HELD

#include "lib/lvm/group_lock.h"
#include "tools/shared/devices.h"
#include "tools/shared/held_lock.h"
#include "tools/shared/sandbox.h"
#include "tools/shared/volumes.h"

/* A physical volume. It is opened once for holding it; volumes on it have ios of their own beside that. */
struct held_pv {
    struct device device; /* its io is NULL until it is held */
    bool shared;          /* device-mapper has it as well: only LVM's lock keeps others from these extents */
};

struct held {
    struct cli *cli;
    bool used;               /* a volume was named */
    bool dry_run;            /* it is only foreseen that it can be written to */
    const char *way_out;     /* of an active volume, besides what LVM can do, for this program; NULL: none */
    struct volumes volumes;
    struct held_pv *pvs;     /* as the physical volumes of `volumes` */
    struct held_lock lock;
    struct snap_confine_place *places; /* for the sandbox */
    size_t place_count, backing_count; /* the last ones are files behind loop devices, and belong to this */
};

/*
 * Before the sandbox: where one of the arguments (each may be NULL) is a volume, finds the physical volumes and takes
 * LVM's lock of each group that is named, for a whole run; waits for it some seconds at most. Images alone need no
 * lock, since LVM does not see them. held_close in any case.
 */
enum snap_status held_start(struct held *held, const struct cli_strings *devices, const char *const *arguments,
                            size_t count, struct snap_error *err);

/* What the sandbox has to leave open; borrowed until held_close. */
void held_allow(struct held *held, struct sandbox *sandbox);

/* Reads the metadata, under the lock. What was passed over is said as warnings. */
enum snap_status held_read(struct held *held, struct snap_error *err);

/*
 * Opens one volume, for writing or only for reading, with the engine of `options`. Its physical volumes are held from
 * then on. Refused is all that snap_group_refuse_writing and snap_mapped_refuse refuse, and a physical volume that is
 * in use by anything but device-mapper. devices_close in any case, before held_close.
 */
enum snap_status held_open(struct held *held, const char *name, const struct snap_file_options *options,
                           struct device *device, struct snap_error *err);

/* Once all are open: SNAP_E_CHANGED where the metadata are not what they were when they were read first. */
enum snap_status held_read_again(const struct held *held, struct snap_error *err);

void held_close(struct held *held);

#endif
