/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a take-back begins: a merge that was killed, or one that is whole. */
#include "run_internal.h"

#include "io_mem.h"

#include <stdlib.h>
#include <string.h>

/* A merge on copies, killed before its `steps`-th write or flush; the power stays on, or is lost as well. */
static enum snap_status merge_on_copies(const struct campaign *campaign, unsigned merged, uint64_t steps,
                                        bool power_lost, uint8_t **images, bool *dead, struct snap_error *err)
{
    const struct drive_options options = run_options(campaign->workload);
    const unsigned disks = campaign->images.disks;
    struct snap_io *mem[WORKLOAD_DISKS_MAX], *io[WORKLOAD_DISKS_MAX];
    struct guard guard;
    struct drive_report report;
    enum snap_status status;

    guard_init(&guard);
    guard.mortal = true;
    guard.steps_left = steps;
    for (unsigned disk = 0; disk < disks; disk++) {
        mem[disk] = io_mem_new("copy", campaign->images.disk_bytes[disk], SNAP_SECTOR_BYTES, true);
        memcpy(io_mem_bytes(mem[disk]), images[disk], (size_t)campaign->images.disk_bytes[disk]);
        io[disk] = guard_new(&guard, mem[disk]);
    }
    status = drive_merge_of(io, disks, merged, &options, &report, err);
    *dead = guard.dead;
    for (unsigned disk = 0; disk < disks; disk++) {
        if (power_lost)
            io_mem_drop_unflushed(mem[disk]);
        memcpy(images[disk], io_mem_bytes(mem[disk]), (size_t)campaign->images.disk_bytes[disk]);
        (void)snap_io_close(io[disk], NULL);
    }
    guard_destroy(&guard);
    return *dead ? SNAP_OK : status;
}

void run_prepare(struct campaign *campaign, uint64_t at, uint8_t **start, bool *hit)
{
    const bool redo = campaign->workload->event == EVENT_REDO;
    const struct run run = {.campaign = campaign, .at = at, .event = campaign->workload->event,
                            .operation = "before the start"};
    struct snap_error err = {0};
    enum snap_status status;

    for (unsigned disk = 0; disk < campaign->images.disks; disk++) {
        start[disk] = test_calloc(1, (size_t)campaign->images.disk_bytes[disk]);
        memcpy(start[disk], campaign->images.disk[disk], (size_t)campaign->images.disk_bytes[disk]);
    }
    status = merge_on_copies(campaign, 1, redo ? UINT64_MAX : at / 2, at % 2, start, hit, &err);
    if (status == SNAP_OK && redo)
        status = merge_on_copies(campaign, 2, at / 2, at % 2, start, hit, &err);
    if (status != SNAP_OK)
        run_broken(&run, "the merge failed: %s", err.text);
}
