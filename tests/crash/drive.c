/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of snapmerge, without its talk. */
#include "tests/crash/drive.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/merge/compare.h"
#include "lib/merge/leftovers.h"
#include "lib/merge/sibling.h"
#include "tests/crash/bad.h"
#include "tests/support/merge_once.h"

#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <sys/prctl.h>

struct drive_options drive_options_of(const struct workload *workload)
{
    return (struct drive_options){
        .window_entries_max = workload->window_entries_max,
        .load_entries_max = workload->load_entries_max,
        .table_entries_max = workload->table_entries_max,
        .read_ahead = workload->read_ahead,
        .verify = workload->verify,
        .skip_identical = workload->skip_identical,
        .continue_on_error = bad_any(workload),
        .drop_bad = workload->drop_bad,
        .undo = workload->undo,
        .keep_cow = workload->keep_cow,
        .compare_from = workload->compare_from,
    };
}

static void note_progress(void *context, const struct snap_merge_progress *progress)
{
    uint64_t *entries_left = context;

    *entries_left = progress->entries_left;
}

/* The first finding that is more than a note, as an error. A store with just the room it needs is full one day. */
static enum snap_status refuse(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    const struct snap_io *cow = context;

    if (finding->severity == SNAP_NOTE || finding->rule == SNAP_RULE_LIST_CUT ||
        finding->rule == SNAP_RULE_STORE_FULL)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_CORRUPT, "%s: %s: %s", cow->name, snap_rules_info(finding->rule)->id, finding->text);
}

/* The same for a list that has copies of entries from the start, of which a merge may leave one. */
static enum snap_status refuse_but_copies(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    return finding->rule == SNAP_RULE_ENTRY_LOST ? SNAP_OK : refuse(context, finding, err);
}

/* Reads and checks the list. */
static enum snap_status check(struct snap_io *cow, const struct snap_io *origin, bool has_copies,
                              struct snap_store *store, struct snap_findings *findings, struct snap_repeated *repeated,
                              struct snap_check_result *result, struct snap_error *err)
{
    const struct snap_check_options options = {
        .origin_sectors = origin->size_bytes / SNAP_SECTOR_BYTES,
        .origin_block_bytes = origin->logical_block_bytes,
        .memory_bytes = SNAP_CHECK_MEMORY_MIN_BYTES,
        .repeated = repeated,
    };
    enum snap_status status = snap_header_open(store, cow, err);

    findings->fn = has_copies ? refuse_but_copies : refuse;
    findings->context = cow;
    if (status == SNAP_OK && options.origin_sectors == 0) /* snapmerge asks for a chunk; the library takes less */
        return snap_fail(err, SNAP_E_REFUSED, "%s: empty", origin->name);
    if (status == SNAP_OK)
        status = snap_check(store, &options, findings, result, err);
    if (status == SNAP_OK && result->entries_beyond > 0)
        status = snap_fail(err, SNAP_E_REFUSED, "the store reaches beyond the origin");
    return status;
}

/* What continues the list behind its end must be merged; and which areas there hold nothing that is missed. */
static enum snap_status check_continuation(const struct snap_store *store, struct snap_io *origin,
                                           const struct snap_check_result *check, uint64_t *leftover_areas_end,
                                           struct snap_error *err)
{
    const struct snap_leftovers_search search = {.store = store, .origin = origin, .check = check,
                                             .memory_bytes = SNAP_MERGE_MEMORY_MIN_BYTES};
    const uint64_t behind = check->continuation_entries + check->earlier_entries;
    const uint64_t area_behind = snap_layout_area_behind(&store->layout, check->entries);
    enum snap_status status = SNAP_OK;
    bool equal = true;

    if (behind > 0)
        status = snap_compare_merged(store, origin, area_behind * store->layout.entries_per_area, behind,
                                     SNAP_MERGE_MEMORY_MIN_BYTES, NULL, NULL, &equal, err);
    if (status == SNAP_OK && !equal && check->continuation_entries == 0)
        return SNAP_OK;
    if (status == SNAP_OK && !equal)
        return snap_fail(err, SNAP_E_REFUSED, "list-cut, and the entries behind the end are not merged");
    return status == SNAP_OK ? snap_leftovers_find(&search, leftover_areas_end, err) : status;
}

static struct snap_merge_options merge_options(const struct drive_options *options)
{
    return (struct snap_merge_options){
        .memory_bytes = SNAP_MERGE_MEMORY_MIN_BYTES,
        .window_entries_max = options->window_entries_max,
        .load_entries_max = options->load_entries_max,
        .table_entries_max = options->table_entries_max,
        .read_ahead = options->read_ahead,
        .rate_bytes = options->rate_bytes,
        .rate_requests = options->rate_requests,
        .interval_seconds = options->interval_seconds,
        .clock = options->clock,
        .verify = options->verify,
        .skip_identical = options->skip_identical,
        .continue_on_error = options->continue_on_error,
        .drop_bad = options->drop_bad,
        .keep_cow = options->keep_cow,
        .compare_from = options->compare_from,
        .checkpoint = options->checkpoint,
        .checkpoint_context = options->checkpoint_context,
        .bad = options->bad,
        .bad_context = options->bad_context,
        .stop = options->stop,
        .stop_context = options->stop_context,
        .progress = options->entries_left ? note_progress : NULL,
        .progress_context = options->entries_left,
    };
}

/* The other stores: checked like the one that is merged, and with enough room. */
struct others {
    struct snap_store stores[DRIVE_SIBLINGS_MAX];
    struct snap_sibling *siblings[DRIVE_SIBLINGS_MAX];
    size_t count;
};

static void close_others(struct others *others)
{
    for (size_t i = 0; i < others->count; i++)
        snap_sibling_close(others->siblings[i]);
}

static enum snap_status open_other(struct others *others, struct snap_io *io, struct snap_io *origin,
                                   struct snap_error *err)
{
    struct snap_sibling_options options = {.origin_bytes = origin->size_bytes};
    struct snap_store *store = &others->stores[others->count];
    struct snap_findings findings = {0};
    struct snap_check_result result;
    enum snap_status status = check(io, origin, false, store, &findings, NULL, &result, err);

    if (status == SNAP_OK)
        status = check_continuation(store, origin, &result, &options.leftover_areas_end, err);
    if (status == SNAP_OK)
        status = snap_sibling_open(&others->siblings[others->count], store, &options, err);
    others->count += status == SNAP_OK;
    return status;
}

static enum snap_status plan_others(struct others *others, const struct snap_store *merged, uint64_t entries,
                                    struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < others->count && status == SNAP_OK; i++) {
        struct snap_sibling_need need;

        status = snap_sibling_plan(others->siblings[i], merged, entries, &need, err);
        if (status == SNAP_OK && need.needed_chunks > need.free_chunks)
            status = snap_fail(err, SNAP_E_NOSPC, "%s: %" PRIu64 " chunks needed, %" PRIu64 " free",
                               others->stores[i].io->name, need.needed_chunks, need.free_chunks);
    }
    return status;
}

enum snap_status drive_merge_of(struct snap_io *const *disk, unsigned disks, unsigned merged,
                                const struct drive_options *options, struct drive_report *report,
                                struct snap_error *err)
{
    struct snap_merge_options merge = merge_options(options);
    struct snap_repeated *repeated = snap_repeated_new(SNAP_CHECK_MEMORY_MIN_BYTES);
    struct others others = {.count = 0};
    struct snap_store store;
    enum snap_status status;

    memset(report, 0, sizeof *report);
    if (!repeated)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for repeated entries");
    status = check(disk[merged], disk[0], options->has_copies, &store, &report->findings, repeated, &report->check,
                   err);
    if (status == SNAP_OK)
        status = check_continuation(&store, disk[0], &report->check, &report->job.leftover_areas_end, err);
    for (unsigned other = 1; other < disks && status == SNAP_OK; other++)
        if (other != merged)
            status = open_other(&others, disk[other], disk[0], err);
    if (status == SNAP_OK)
        status = plan_others(&others, &store, report->check.entries, err);
    if (status == SNAP_OK) {
        report->job.entries = report->check.entries;
        report->job.total_bytes = report->check.merge_bytes;
        report->job.runs = report->check.runs;
        report->job.repeated = repeated;
        merge.siblings = others.siblings;
        merge.sibling_count = others.count;
        merge.keep_fingerprint = options->undo && merged == 1;
        report->merging = true;
        if (options->before_merge)
            options->before_merge(options->before_merge_context);
        status = merge_once(&store, disk[0], &report->job, &merge, &report->result, err);
    }
    report->job.repeated = NULL;
    snap_repeated_free(repeated);
    close_others(&others);
    return status;
}

enum snap_status drive_merge(struct snap_io *origin, struct snap_io *cow, const struct drive_options *options,
                             struct drive_report *report, struct snap_error *err)
{
    struct snap_io *const disk[] = {origin, cow};

    return drive_merge_of(disk, 2, 1, options, report, err);
}

bool drive_goes_on(struct snap_io *cow, struct snap_io *origin)
{
    struct snap_findings findings = {0};
    struct snap_check_result result;
    struct snap_store store;

    return check(cow, origin, false, &store, &findings, NULL, &result, NULL) != SNAP_OK ||
           result.continuation_entries > 0;
}

void drive_keep_memory(void)
{
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* all three are hints */
    (void)mallopt(M_TRIM_THRESHOLD, 1 << 30);
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 28);
}
