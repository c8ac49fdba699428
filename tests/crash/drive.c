/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of snapmerge, without its talk. */
#include "drive.h"

#include "arith.h"
#include "compare.h"

#include <string.h>

static void note_progress(void *context, const struct snap_merge_progress *progress)
{
    uint64_t *entries_left = context;

    *entries_left = progress->entries_left;
}

/* The first finding that is more than a note, as an error. */
static enum snap_status refuse(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    const struct snap_io *cow = context;

    if (finding->severity == SNAP_NOTE || finding->rule == SNAP_RULE_LIST_CUT)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_CORRUPT, "%s: %s: %s", cow->name, snap_rule_info(finding->rule)->id, finding->text);
}

enum snap_status drive_merge(struct snap_io *origin, struct snap_io *cow, const struct drive_options *options,
                             struct drive_report *report, struct snap_error *err)
{
    const struct snap_check_options check_options = {
        .origin_sectors = origin->size_bytes / SNAP_SECTOR_BYTES,
        .origin_block_bytes = origin->logical_block_bytes,
        .memory_bytes = SNAP_CHECK_MEMORY_MIN_BYTES,
    };
    struct snap_merge_options merge_options = {
        .memory_bytes = SNAP_MERGE_MEMORY_MIN_BYTES,
        .window_entries_max = options->window_entries_max,
        .load_entries_max = options->load_entries_max,
        .read_ahead = options->read_ahead,
        .keep_cow = options->keep_cow,
        .compare_from = options->compare_from,
        .checkpoint = options->checkpoint,
        .checkpoint_context = options->checkpoint_context,
        .stop = options->stop,
        .stop_context = options->stop_context,
        .progress = options->entries_left ? note_progress : NULL,
        .progress_context = options->entries_left,
    };
    struct snap_store store;
    enum snap_status status;

    memset(report, 0, sizeof *report);
    report->findings.fn = refuse;
    report->findings.context = cow;
    status = snap_store_open(&store, cow, err);
    if (status == SNAP_OK)
        status = snap_check(&store, &check_options, &report->findings, &report->check, err);
    if (status != SNAP_OK)
        return status;
    report->job.entries = report->check.entries;
    report->job.total_bytes = report->check.merge_bytes;
    report->job.runs = report->check.runs;
    if (report->check.continuation_entries > 0) {
        const uint64_t per_area = store.layout.entries_per_area;
        const uint64_t area = report->check.continuation_area;
        bool equal;

        status = snap_compare_merged(&store, origin, area * per_area, report->check.continuation_entries,
                                     SNAP_MERGE_MEMORY_MIN_BYTES, NULL, NULL, &equal, err);
        if (status != SNAP_OK)
            return status;
        if (!equal)
            return snap_fail(err, SNAP_E_REFUSED, "list-cut, and the entries behind the end are not merged");
        report->job.stale_areas_end = area + snap_div_up(report->check.continuation_entries, per_area);
    }
    report->merging = true;
    if (options->before_merge)
        options->before_merge(options->before_merge_context);
    return snap_merge(&store, origin, &report->job, &merge_options, &report->result, err);
}
