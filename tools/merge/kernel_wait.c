/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waits while the kernel merges: asks it how far it is, and whether it goes on. */
#include "tools/merge/kernel.h"

#include "lib/base/clock.h"
#include "lib/device/dm_status.h"
#include "lib/device/dm_tables.h"
#include "lib/store/list_read.h"
#include "tools/cli/progress.h"

#include <string.h>

#define LOOK_NS 200000000u /* so often the kernel is asked how far it is */

/* What the kernel says of its merge now. SNAP_E_CHANGED: somebody has exchanged the table. */
static enum snap_status look(const struct merge_session *session, struct snap_dm_status *now, struct snap_error *err)
{
    struct snap_dm_tables tables;
    enum snap_status status =
        snap_dm_tables_read_one(session->kernel.base_number, SNAP_DM_TABLES_STATUS, &tables, err);
    const struct snap_dm_target *target =
        status == SNAP_OK && tables.count == 1 && tables.devices[0].active.count == 1
            ? &tables.devices[0].active.targets[0] : NULL;

    if (status == SNAP_OK && (!target || strcmp(target->type, "snapshot-merge") != 0))
        status = snap_fail(err, SNAP_E_CHANGED, "%s: it was removed, or has another table by now; it is not known "
                           "whether the merge is complete", session->kernel.base_name);
    else if (status == SNAP_OK && (!target->status || !snap_dm_status_parse(target->status, now)))
        status = snap_fail(err, SNAP_E_IO, "%s: the kernel says of the merge: %s", session->kernel.base_name,
                           target->status ? target->status : "nothing");
    snap_dm_tables_free(&tables);
    if (status != SNAP_OK)
        return status;
    switch (now->state) {
    case SNAP_DM_STATUS_FIGURES:
    case SNAP_DM_STATUS_OVERFLOW:
        return SNAP_OK;
    case SNAP_DM_STATUS_INVALID:
        return snap_fail(err, SNAP_E_INVALID, "%s: the kernel has given the store up and merges no further",
                         session->cow.path);
    default:
        return snap_fail(err, SNAP_E_IO, "%s: the kernel's merge met an error and does not go on (its state is \"%s\"; "
                         "dmesg may say more)", session->cow.path,
                         now->state == SNAP_DM_STATUS_MERGE_FAILED ? "Merge failed" : "Unknown");
    }
}

static enum snap_status has_entry(const struct merge_session *session, uint64_t index, bool *has,
                                  struct snap_error *err)
{
    struct snap_entry entry = {.new_chunk = 0};
    const enum snap_status status = snap_list_read_entries(&session->store, index, 1, &entry, err);

    *has = entry.new_chunk != 0;
    return status;
}

/*
 * With the mode PO, a snapshot that was full hands its state on to the merge, and the kernel says "Overflow" in place
 * of the figures. So the list is asked, of which the kernel takes entries from the end. Behind the end of a store that
 * nobody has checked there can be anything: that makes the figure wrong, but not whether something is left.
 */
static enum snap_status read_entries_left(const struct merge_session *session, uint64_t *left, struct snap_error *err)
{
    uint64_t none = session->job.entries;
    bool has;
    enum snap_status status = has_entry(session, 0, &has, err);

    *left = has ? 1 : 0;
    if (none == 0)
        none = snap_layout_capacity_entries(&session->store.layout);
    while (status == SNAP_OK && has && none - *left > 1) {
        const uint64_t middle = *left + (none - *left) / 2;
        bool reaches;

        status = has_entry(session, middle, &reaches, err);
        if (status == SNAP_OK && reaches)
            *left = middle + 1;
        else
            none = middle;
    }
    return status;
}

static enum snap_status find_entries_left(const struct merge_session *session, const struct snap_dm_status *now,
                                          uint64_t *left, struct snap_error *err)
{
    if (now->state == SNAP_DM_STATUS_OVERFLOW)
        return read_entries_left(session, left, err);
    if (now->state == SNAP_DM_STATUS_FIGURES && now->allocated_sectors >= now->metadata_sectors)
        *left = (now->allocated_sectors - now->metadata_sectors) / session->store.layout.chunk_sectors;
    return SNAP_OK;
}

static bool is_merged(const struct merge_session *session, const struct snap_dm_status *now)
{
    return snap_dm_status_merged(now) ||
           (now->state == SNAP_DM_STATUS_OVERFLOW && session->result.entries_left == 0);
}

enum snap_status merge_kernel_wait(struct merge_session *session, struct cli_progress *progress,
                                   struct snap_error *err)
{
    const struct snap_clock *clock = &snap_clock_system;
    struct snap_merge_result *result = &session->result;
    const uint64_t chunk_bytes = session->store.layout.chunk_bytes;

    for (bool first = true;; first = false) {
        struct snap_dm_status now = {.state = SNAP_DM_STATUS_UNKNOWN};
        enum snap_status status = look(session, &now, err);

        if (status == SNAP_OK)
            status = find_entries_left(session, &now, &result->entries_left, err);
        if (first && result->entries_left > session->job.entries)
            session->job.entries = result->entries_left; /* a snapshot in use got more, or nothing was counted */
        if (result->entries_left > session->job.entries)
            result->entries_left = session->job.entries;
        result->entries_merged = session->job.entries - result->entries_left;
        result->written_bytes = result->entries_merged * chunk_bytes;
        result->list_length = result->entries_left;
        cli_progress_update(progress, "merge", result->written_bytes, session->job.entries * chunk_bytes);
        if (status != SNAP_OK || is_merged(session, &now))
            return status;
        if (cli_stop_wanted())
            return snap_fail(err, SNAP_E_STOPPED, "stopped waiting");
        clock->sleep_ns(clock->context, LOOK_NS);
    }
}
