/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The promises, one function each. */
#include "tests/crash/judge.h"

#include "lib/base/bytes.h"
#include "tests/crash/drive.h"
#include "tests/crash/reader.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool judge_broken(struct judge *judge, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(judge->problem, sizeof judge->problem, format, args);
    va_end(args);
    return false;
}

void judge_init(struct judge *judge, const struct workload *workload, const struct images *images)
{
    const uint32_t block_bytes = workload->cow_block_bytes ? workload->cow_block_bytes : SNAP_SECTOR_BYTES;

    *judge = (struct judge){.workload = workload, .images = images};
    judge->origin = io_mem_new("origin", images->origin_bytes, SNAP_SECTOR_BYTES, true);
    judge->cow = io_mem_new("cow", images->cow_bytes, block_bytes, true);
    judge->disk[0] = judge->origin;
    judge->disk[1] = judge->cow;
    for (unsigned disk = 2; disk < images->disks; disk++)
        judge->disk[disk] = io_mem_new("sibling", images->disk_bytes[disk], SNAP_SECTOR_BYTES, true);
    judge->areas = test_calloc((size_t)images->areas, (size_t)images->chunk_bytes);
    judge->origin_kept = test_calloc(1, (size_t)images->origin_bytes);
}

void judge_free(struct judge *judge)
{
    judge_wide_free(judge);
    for (unsigned disk = 0; disk < judge->images->disks; disk++)
        (void)snap_io_close(disk < 2 && judge->bad[disk] ? judge->bad[disk] : judge->disk[disk], NULL);
    free(judge->areas);
    free(judge->origin_kept);
    free(judge->undisturbed_cow);
}

/* A merge reads the header and the COW data and never writes them. */
static bool data_untouched(struct judge *judge, const char *when)
{
    const struct images *images = judge->images;
    const uint8_t *cow = io_mem_bytes(judge->cow);
    uint64_t at = 0;

    for (uint64_t area = 0; area <= images->areas; area++) {
        uint64_t end = area < images->areas ? reader_area_bytes(images->chunk_bytes, area) : images->cow_bytes;

        if (memcmp(cow + at, images->cow + at, (size_t)(end - at)) != 0)
            return judge_broken(judge, "%s, COW data or header have changed in front of area %" PRIu64, when,
                                area);
        at = end + images->chunk_bytes;
    }
    return true;
}

/* The list as the kernel would load it, the view, and what was reported as committed. */
static bool view_right(struct judge *judge, uint64_t committed, uint64_t *entries)
{
    struct reader reader = {.cow = io_mem_bytes(judge->cow), .cow_bytes = judge->images->cow_bytes,
                            .origin = io_mem_bytes(judge->origin), .origin_bytes = judge->images->origin_bytes};
    const char *why;
    uint64_t chunk;
    bool right = true;

    if (!reader_load(&reader, &why))
        right = judge_broken(judge, "the store cannot be loaded: %s", why);
    else if (!reader_view_is(&reader, judge->images->view, &chunk))
        right = judge_broken(judge, "the view has changed in origin chunk %" PRIu64 " (%" PRIu64
                             " entries in the list)", chunk, reader.entries);
    else if (judge->workload->keep_cow && reader.merged_from > committed)
        right = judge_broken(judge, "entry %" PRIu64 " is not merged, though all from %" PRIu64
                             " on were said to be", reader.merged_from - 1, committed);
    else if (!judge->workload->keep_cow && reader.entries > committed)
        right = judge_broken(judge, "%" PRIu64 " entries in the list, though all but %" PRIu64
                             " were said to be merged", reader.entries, committed);
    *entries = reader.entries;
    reader_free(&reader);
    return right;
}

static void keep_areas(struct judge *judge)
{
    const uint64_t chunk_bytes = judge->images->chunk_bytes;

    for (uint64_t area = 0; area < judge->images->areas; area++)
        memcpy(judge->areas + area * chunk_bytes,
               io_mem_bytes(judge->cow) + reader_area_bytes(chunk_bytes, area), (size_t)chunk_bytes);
}

static bool all_zero(const uint8_t *bytes, uint64_t count)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, (size_t)count - 1) == 0;
}

/* Areas that the repeated merge knew of are zero, others as they were; the same as undisturbed where nothing was left. */
static bool areas_right(struct judge *judge, uint64_t known_areas)
{
    const struct images *images = judge->images;
    const uint8_t *cow = io_mem_bytes(judge->cow);
    bool same = true;

    for (uint64_t area = 0; area < images->areas; area++) {
        uint64_t at = reader_area_bytes(images->chunk_bytes, area);

        if (area < (known_areas ? known_areas : 1)) {
            if (!all_zero(cow + at, images->chunk_bytes))
                return judge_broken(judge, "merged again, area %" PRIu64 " is not zero", area);
        } else if (memcmp(cow + at, judge->areas + area * images->chunk_bytes, (size_t)images->chunk_bytes) != 0) {
            return judge_broken(judge, "merged again, area %" PRIu64 " has changed", area);
        }
        if (judge->undisturbed_cow && memcmp(cow + at, judge->undisturbed_cow + at, (size_t)images->chunk_bytes) != 0)
            same = false;
    }
    judge->leftovers += !same;
    return true;
}

static bool merges_again(struct judge *judge, uint64_t entries)
{
    const struct drive_options options = {.window_entries_max = judge->workload->window_entries_max};
    const uint64_t per_area = judge->images->chunk_bytes / 16;
    uint64_t known_areas = (entries + per_area - 1) / per_area;
    struct drive_report report;
    struct snap_error err = {0};
    enum snap_status status = drive_merge(judge->origin, judge->cow, &options, &report, &err);

    (void)snap_io_flush(judge->origin, NULL); /* forgets what it could take back */
    (void)snap_io_flush(judge->cow, NULL);
    if (status != SNAP_OK)
        return judge_broken(judge, "merging again: %.500s", err.text);
    if (report.check.entries != entries)
        return judge_broken(judge, "the check counts %" PRIu64 " entries, but there are %" PRIu64,
                            report.check.entries, entries);
    if (memcmp(io_mem_bytes(judge->origin), judge->images->view, (size_t)judge->images->origin_bytes) != 0)
        return judge_broken(judge, "merged again, the origin is not the view");
    if (report.job.stale_areas_end > known_areas)
        known_areas = report.job.stale_areas_end;
    judge->cut_lists += report.job.stale_areas_end > 0;
    return data_untouched(judge, "merged again") && areas_right(judge, known_areas);
}

/* Once more without a write to the COW, with a checkpoint that claims what it likes. */
static bool merges_kept(struct judge *judge, uint64_t claim)
{
    const struct images *images = judge->images;
    const struct drive_options options = {.window_entries_max = judge->workload->window_entries_max,
                                          .keep_cow = true, .compare_from = claim};
    struct drive_report report;
    struct snap_error err = {0};
    enum snap_status status = drive_merge(judge->origin, judge->cow, &options, &report, &err);

    (void)snap_io_flush(judge->origin, NULL); /* forgets what it could take back */
    if (status != SNAP_OK)
        return judge_broken(judge, "keeping the COW again, compared from %" PRIu64 ": %.500s", claim, err.text);
    if (memcmp(io_mem_bytes(judge->origin), images->view, (size_t)images->origin_bytes) != 0)
        return judge_broken(judge, "keeping the COW again, compared from %" PRIu64 ": the origin is not the view",
                            claim);
    if (memcmp(io_mem_bytes(judge->cow), images->cow, (size_t)images->cow_bytes) != 0)
        return judge_broken(judge, "keeping the COW again, compared from %" PRIu64 ": the COW has changed", claim);
    memcpy(io_mem_bytes(judge->origin), judge->origin_kept, (size_t)images->origin_bytes);
    return true;
}

/* No checkpoint, the latest, a stale or forged one, and a system where nothing can be compared. */
static bool merges_kept_always(struct judge *judge, uint64_t entries, uint64_t committed)
{
    const uint64_t claims[] = {0, committed, workload_mix(judge->random++) % (entries + 1), UINT64_MAX};

    if (memcmp(io_mem_bytes(judge->cow), judge->images->cow, (size_t)judge->images->cow_bytes) != 0)
        return judge_broken(judge, "the COW has changed");
    memcpy(judge->origin_kept, io_mem_bytes(judge->origin), (size_t)judge->images->origin_bytes);
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
        if (!merges_kept(judge, claims[i]))
            return false;
    return true;
}

bool judge_state(struct judge *judge, uint64_t committed)
{
    uint64_t entries;

    if (judge_is_wide(judge->workload))
        return judge_wide_state(judge, committed);
    if (!view_right(judge, committed, &entries) || !data_untouched(judge, "after the crash"))
        return false;
    keep_areas(judge);
    if (judge->workload->keep_cow && !merges_kept_always(judge, entries, committed))
        return false;
    return merges_again(judge, entries);
}
