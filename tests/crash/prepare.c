/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merges on copies of the images, which the runs of a workload start from. */
#include "tests/crash/prepare.h"

#include "lib/base/bytes.h"
#include "tests/crash/drive.h"
#include "tests/crash/guard.h"
#include "tests/support/io_mem.h"

#include <stdlib.h>
#include <string.h>

/* A merge on copies, killed before its `steps`-th write or flush; the power stays on, or is lost as well. */
static enum snap_status merge_on_copies(const struct workload *workload, const struct images *images, unsigned merged,
                                        uint64_t steps, bool power_lost, uint8_t **start, bool *killed,
                                        struct snap_error *err)
{
    const struct drive_options options = drive_options_of(workload);
    struct snap_io *mem[WORKLOAD_DISKS_MAX], *io[WORKLOAD_DISKS_MAX];
    struct guard guard;
    struct drive_report report;
    enum snap_status status;

    guard_init(&guard);
    guard.mortal = true;
    guard.steps_left = steps;
    for (unsigned disk = 0; disk < images->disks; disk++) {
        mem[disk] = io_mem_new("copy", images->disk_bytes[disk], SNAP_SECTOR_BYTES, true);
        memcpy(io_mem_bytes(mem[disk]), start[disk], (size_t)images->disk_bytes[disk]);
        io[disk] = guard_new(&guard, mem[disk]);
    }
    status = drive_merge_of(io, images->disks, merged, &options, &report, err);
    *killed = guard.dead;
    for (unsigned disk = 0; disk < images->disks; disk++) {
        if (power_lost)
            io_mem_drop_unflushed(mem[disk]);
        memcpy(start[disk], io_mem_bytes(mem[disk]), (size_t)images->disk_bytes[disk]);
        (void)snap_io_close(io[disk], NULL);
    }
    guard_destroy(&guard);
    return *killed ? SNAP_OK : status;
}

unsigned prepare_merged(const struct workload *workload)
{
    return workload->event == EVENT_TAKE_BACK ? 2 : 1;
}

enum snap_status prepare_start(const struct workload *workload, const struct images *images, uint64_t at,
                               uint8_t **start, bool *killed, struct snap_error *err)
{
    const bool redo = workload->event == EVENT_REDO;
    enum snap_status status = SNAP_OK;

    *killed = false;
    for (unsigned disk = 0; disk < images->disks; disk++) {
        start[disk] = test_calloc(1, (size_t)images->disk_bytes[disk]);
        memcpy(start[disk], images->disk[disk], (size_t)images->disk_bytes[disk]);
    }
    if (redo || workload->event == EVENT_TAKE_BACK)
        status = merge_on_copies(workload, images, 1, redo ? UINT64_MAX : at / 2, at % 2, start, killed, err);
    if (status == SNAP_OK && redo)
        status = merge_on_copies(workload, images, 2, at / 2, at % 2, start, killed, err);
    return status;
}
