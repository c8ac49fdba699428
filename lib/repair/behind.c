/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans what becomes of the bytes behind the end of the list: entries again, or zeros. */
#include "lib/repair/repair_private.h"

#include "lib/base/arith.h"
#include "lib/repair/restore_private.h"
#include "lib/store/list_read.h"

#include <stdlib.h>
#include <string.h>

/* What is told of them: of those that come back, or what the first round that looked for some has found. */
static void tell(struct snap_repair_work *work, enum snap_rule rule, const struct snap_restore *restore, bool restores)
{
    struct snap_repair *repair = work->repair;

    if (!restores && (repair->restores || repair->behind_found > 0))
        return;
    repair->behind_found = restore->found;
    repair->behind_lost += restores ? restore->lost : 0;
    repair->behind_merged = restore->merged;
    repair->behind_fits = restore->count > 0;
    repair->behind_back += restores ? restore->count : 0;
    repair->restores = restores;
    for (size_t i = 0; i < restore->count && restores; i++)
        snap_repair_note_change(work, &(struct snap_repair_damaged){.old_chunk = restore->old_chunks[i], .rule = rule},
                                false);
}

enum snap_status snap_repair_plan_restore(struct snap_repair_work *work, bool *restores, struct snap_error *err)
{
    struct snap_edits *edits = &work->repair->edits;
    const bool garbage = work->found[SNAP_RULE_GARBAGE_BEHIND_END] > 0;
    const enum snap_rule rule = garbage ? SNAP_RULE_GARBAGE_BEHIND_END : SNAP_RULE_LIST_CUT;
    struct snap_restore restore;
    struct snap_edits planned;
    enum snap_status status;

    *restores = false;
    if (!work->check.list_complete || work->found[rule] == 0)
        return SNAP_OK;
    snap_edits_init(&planned, work->store->io, edits->unit_bytes);
    status = snap_restore_plan(&planned, work->store, work->options->origin, work->length,
                               work->options->memory_bytes, &restore, err);
    if (status == SNAP_OK) {
        work->behind_found = restore.found;
        work->behind_merged = restore.merged;
        *restores = restore.count > 0 && snap_repair_may_mend(work, rule, work->options->change_view);
        tell(work, rule, &restore, *restores);
    }
    /* What is lost for good has samples that no merge has written to. */
    if (status == SNAP_OK && *restores && restore.lost > 0)
        status = snap_repair_forget_samples(work, err);
    if (status == SNAP_OK && *restores)
        status = snap_edits_take(edits, &planned, err);
    snap_edits_free(&planned);
    free(restore.old_chunks);
    return status;
}

/* Whether something behind the end looks like an entry: then it may be what a fault has cut off. */
static bool may_be_entries(const struct snap_repair_work *work, const uint8_t *bytes, uint64_t length_bytes)
{
    struct snap_entry entry;

    for (uint64_t at = 0; at < length_bytes; at += SNAP_ENTRY_BYTES) {
        snap_codec_decode_entry(bytes + at, &entry);
        if (snap_layout_is_data_chunk(&work->store->layout, entry.new_chunk))
            return true;
    }
    return false;
}

enum snap_status snap_repair_plan_scrub(struct snap_repair_work *work, struct snap_error *err)
{
    const uint64_t unit_bytes = work->repair->edits.unit_bytes, unit_entries = unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t per_area = work->store->layout.entries_per_area;
    const uint64_t end = snap_round_down(work->length, per_area) + per_area;
    bool entries = false, allowed = false;
    enum snap_status status = SNAP_OK;

    if (work->found[SNAP_RULE_GARBAGE_BEHIND_END] == 0 || !work->check.list_complete)
        return SNAP_OK;
    for (int pass = 0; pass < 2 && status == SNAP_OK; pass++) { /* all of it is looked at before anything is planned */
        for (uint64_t first = end; status == SNAP_OK && first > snap_round_down(work->length, unit_entries);) {
            uint64_t kept_bytes;

            first -= unit_entries;
            kept_bytes = first < work->length ? (work->length - first) * SNAP_ENTRY_BYTES : 0;
            status = snap_edits_read(&work->repair->edits, snap_list_read_offset_bytes(work->store, first), work->unit,
                                     err);
            if (status == SNAP_OK && pass == 0)
                entries |= may_be_entries(work, work->unit + kept_bytes, unit_bytes - kept_bytes);
            memset(work->unit + kept_bytes, 0, (size_t)(unit_bytes - kept_bytes));
            if (status == SNAP_OK && pass == 1)
                status = snap_edits_add(&work->repair->edits, snap_list_read_offset_bytes(work->store, first),
                                        work->unit, err);
        }
        if (pass == 0)
            allowed = snap_repair_may_mend(
                work, SNAP_RULE_GARBAGE_BEHIND_END,
                work->behind_merged ||
                    (work->behind_found == 0 && (!entries || work->options->clear_entries)));
        if (!allowed)
            break;
    }
    snap_edits_barrier(&work->repair->edits);
    return status;
}
