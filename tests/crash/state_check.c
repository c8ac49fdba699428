/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The promises, one function each. */
#include "tests/crash/state_check.h"

#include "lib/base/bytes.h"
#include "tests/crash/drive.h"
#include "tests/crash/reader.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool state_check_broken(struct state_check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(check->problem, sizeof check->problem, format, args);
    va_end(args);
    return false;
}

void state_check_init(struct state_check *check, const struct workload *workload, const struct images *images)
{
    const uint32_t block_bytes = workload->cow_block_bytes ? workload->cow_block_bytes : SNAP_SECTOR_BYTES;

    *check = (struct state_check){.workload = workload, .images = images};
    check->origin = io_mem_new("origin", images->origin_bytes, SNAP_SECTOR_BYTES, true);
    check->cow = io_mem_new("cow", images->cow_bytes, block_bytes, true);
    check->disk[0] = check->origin;
    check->disk[1] = check->cow;
    for (unsigned disk = 2; disk < images->disks; disk++)
        check->disk[disk] = io_mem_new("sibling", images->disk_bytes[disk], SNAP_SECTOR_BYTES, true);
    check->areas = test_calloc((size_t)images->areas, (size_t)images->chunk_bytes);
    check->origin_kept = test_calloc(1, (size_t)images->origin_bytes);
}

void state_check_free(struct state_check *check)
{
    state_check_wide_free(check);
    for (unsigned disk = 0; disk < check->images->disks; disk++)
        (void)snap_io_close(disk < 2 && check->bad[disk] ? check->bad[disk] : check->disk[disk], NULL);
    free(check->areas);
    free(check->origin_kept);
    free(check->undisturbed_cow);
}

/* A merge reads the header and the COW data and never writes them. */
static bool data_untouched(struct state_check *check, const char *when)
{
    const struct images *images = check->images;
    const uint8_t *cow = io_mem_bytes(check->cow);
    uint64_t at = 0;

    for (uint64_t area = 0; area <= images->areas; area++) {
        uint64_t end = area < images->areas ? reader_area_bytes(images->chunk_bytes, area) : images->cow_bytes;

        if (memcmp(cow + at, images->cow + at, (size_t)(end - at)) != 0)
            return state_check_broken(check, "%s, COW data or header have changed in front of area %" PRIu64, when,
                                      area);
        at = end + images->chunk_bytes;
    }
    return true;
}

/* The list as the kernel would load it, the view, and what was reported as committed. */
static bool view_right(struct state_check *check, uint64_t committed, uint64_t *entries)
{
    struct reader reader = {.cow = io_mem_bytes(check->cow), .cow_bytes = check->images->cow_bytes,
                            .origin = io_mem_bytes(check->origin), .origin_bytes = check->images->origin_bytes};
    const char *why;
    uint64_t chunk;
    bool right = true;

    if (!reader_load(&reader, &why))
        right = state_check_broken(check, "the store cannot be loaded: %s", why);
    else if (!reader_view_is(&reader, check->images->view, &chunk))
        right = state_check_broken(check, "the view has changed in origin chunk %" PRIu64 " (%" PRIu64
                                   " entries in the list)", chunk, reader.entries);
    else if (check->workload->keep_cow && reader.merged_from > committed)
        right = state_check_broken(check, "entry %" PRIu64 " is not merged, though all from %" PRIu64
                                   " on were said to be", reader.merged_from - 1, committed);
    else if (!check->workload->keep_cow && reader.entries > committed)
        right = state_check_broken(check, "%" PRIu64 " entries in the list, though all but %" PRIu64
                                   " were said to be merged", reader.entries, committed);
    *entries = reader.entries;
    reader_free(&reader);
    return right;
}

static void keep_areas(struct state_check *check)
{
    const uint64_t chunk_bytes = check->images->chunk_bytes;

    for (uint64_t area = 0; area < check->images->areas; area++)
        memcpy(check->areas + area * chunk_bytes,
               io_mem_bytes(check->cow) + reader_area_bytes(chunk_bytes, area), (size_t)chunk_bytes);
}

static bool all_zero(const uint8_t *bytes, uint64_t count)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, (size_t)count - 1) == 0;
}

/* Areas that the repeated merge knew of are zero, the others as they were; as undisturbed where nothing was left. */
static bool areas_right(struct state_check *check, uint64_t known_areas)
{
    const struct images *images = check->images;
    const uint8_t *cow = io_mem_bytes(check->cow);
    bool same = true;

    for (uint64_t area = 0; area < images->areas; area++) {
        uint64_t at = reader_area_bytes(images->chunk_bytes, area);

        if (area < (known_areas ? known_areas : 1)) {
            if (!all_zero(cow + at, images->chunk_bytes))
                return state_check_broken(check, "merged again, area %" PRIu64 " is not zero", area);
        } else if (memcmp(cow + at, check->areas + area * images->chunk_bytes, (size_t)images->chunk_bytes) != 0) {
            return state_check_broken(check, "merged again, area %" PRIu64 " has changed", area);
        }
        if (check->undisturbed_cow && memcmp(cow + at, check->undisturbed_cow + at, (size_t)images->chunk_bytes) != 0)
            same = false;
    }
    check->leftovers += !same;
    return true;
}

static bool merges_again(struct state_check *check, uint64_t entries)
{
    const struct drive_options options = {.window_entries_max = check->workload->window_entries_max};
    const uint64_t per_area = check->images->chunk_bytes / 16;
    uint64_t known_areas = (entries + per_area - 1) / per_area;
    struct drive_report report;
    struct snap_error err = {0};
    enum snap_status status = drive_merge(check->origin, check->cow, &options, &report, &err);

    (void)snap_io_flush(check->origin, NULL); /* forgets what it could take back */
    (void)snap_io_flush(check->cow, NULL);
    if (status != SNAP_OK)
        return state_check_broken(check, "merging again: %.500s", err.text);
    if (report.check.entries != entries)
        return state_check_broken(check, "the check counts %" PRIu64 " entries, but there are %" PRIu64,
                                  report.check.entries, entries);
    if (memcmp(io_mem_bytes(check->origin), check->images->view, (size_t)check->images->origin_bytes) != 0)
        return state_check_broken(check, "merged again, the origin is not the view");
    if (report.job.leftover_areas_end > known_areas)
        known_areas = report.job.leftover_areas_end;
    check->cut_lists += report.job.leftover_areas_end > 0;
    return data_untouched(check, "merged again") && areas_right(check, known_areas);
}

/* Once more without a write to the COW, with a checkpoint that claims what it likes. */
static bool merges_kept(struct state_check *check, uint64_t claim)
{
    const struct images *images = check->images;
    const struct drive_options options = {.window_entries_max = check->workload->window_entries_max,
                                          .keep_cow = true, .compare_from = claim};
    struct drive_report report;
    struct snap_error err = {0};
    enum snap_status status = drive_merge(check->origin, check->cow, &options, &report, &err);

    (void)snap_io_flush(check->origin, NULL); /* forgets what it could take back */
    if (status != SNAP_OK)
        return state_check_broken(check, "keeping the COW again, compared from %" PRIu64 ": %.500s", claim, err.text);
    if (memcmp(io_mem_bytes(check->origin), images->view, (size_t)images->origin_bytes) != 0)
        return state_check_broken(check, "keeping the COW again, compared from %" PRIu64 ": the origin is not the view",
                                  claim);
    if (memcmp(io_mem_bytes(check->cow), images->cow, (size_t)images->cow_bytes) != 0)
        return state_check_broken(check, "keeping the COW again, compared from %" PRIu64 ": the COW has changed",
                                  claim);
    memcpy(io_mem_bytes(check->origin), check->origin_kept, (size_t)images->origin_bytes);
    return true;
}

/* No checkpoint, the latest, a stale or forged one, and a system where nothing can be compared. */
static bool merges_kept_always(struct state_check *check, uint64_t entries, uint64_t committed)
{
    const uint64_t claims[] = {0, committed, workload_mix(check->random++) % (entries + 1), UINT64_MAX};

    if (memcmp(io_mem_bytes(check->cow), check->images->cow, (size_t)check->images->cow_bytes) != 0)
        return state_check_broken(check, "the COW has changed");
    memcpy(check->origin_kept, io_mem_bytes(check->origin), (size_t)check->images->origin_bytes);
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
        if (!merges_kept(check, claims[i]))
            return false;
    return true;
}

bool state_check_image(struct state_check *check, uint64_t committed)
{
    uint64_t entries;

    if (state_check_is_wide(check->workload))
        return state_check_wide_image(check, committed);
    if (!view_right(check, committed, &entries) || !data_untouched(check, "after the crash"))
        return false;
    keep_areas(check);
    if (check->workload->keep_cow && !merges_kept_always(check, entries, committed))
        return false;
    return merges_again(check, entries);
}
