/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans what becomes of damaged entries: which are put right, which are dropped, and where a list gets its end. */
#include "lib/repair/repair_private.h"

#include "lib/base/arith.h"
#include "lib/check/places.h"
#include "lib/store/list_read.h"
#include "lib/store/list_walk.h"

#include <string.h>

/* The entry gets its own data chunk back. */
static enum snap_status set_new_chunk(struct snap_repair_work *work, const struct snap_repair_damaged *damaged,
                                       uint64_t new_chunk, struct snap_error *err)
{
    const uint64_t unit_entries = work->repair->edits.unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t unit_first = snap_round_down(damaged->index, unit_entries);
    const uint64_t offset_bytes = snap_list_read_offset_bytes(work->store, unit_first);
    const struct snap_entry entry = {damaged->old_chunk, new_chunk};
    enum snap_status status = snap_edits_read(&work->repair->edits, offset_bytes, work->unit, err);

    if (status != SNAP_OK)
        return status;
    snap_codec_encode_entry(&entry, work->unit + (damaged->index - unit_first) * SNAP_ENTRY_BYTES);
    return snap_edits_add(&work->repair->edits, offset_bytes, work->unit, err);
}

/* Another rule may be broken by the entry as well; the graver one, which comes first, says what becomes of it. */
static bool is_second(const struct snap_repair_work *work, size_t number)
{
    return number > 0 && work->damaged[number - 1].index == work->damaged[number].index;
}

enum snap_status snap_repair_put_right(struct snap_repair_work *work, bool *any, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    *any = false;
    for (size_t i = 0; status == SNAP_OK && i < work->damaged_count && work->options->change_view; i++) {
        const struct snap_repair_damaged *damaged = &work->damaged[i];

        if (damaged->own_chunk == 0 || is_second(work, i))
            continue;
        *any = snap_repair_may_mend(work, damaged->rule, true);
        snap_repair_note_change(work, damaged, false);
        status = set_new_chunk(work, damaged, damaged->own_chunk, err);
    }
    snap_edits_barrier(&work->repair->edits);
    return status;
}

static bool is_repeated(enum snap_rule rule)
{
    return rule == SNAP_RULE_ENTRY_REPEATED || rule == SNAP_RULE_ENTRY_REPEATED_OFTEN;
}

/*
 * An origin may have grown since its record was made, and the fingerprint beside that has to forget samples of it
 * (rule entry-old-range): with a record, it takes the origin to drop such an entry.
 */
static bool lacks_origin(const struct snap_repair_work *work, enum snap_rule rule)
{
    return rule == SNAP_RULE_ENTRY_OLD_RANGE && work->options->origin_sectors == 0 &&
           work->store->identity_state == SNAP_IDENTITY_OK;
}

/*
 * Copies of an entry are harmless where they are few: then they only go where entries are dropped anyway, whose drop
 * leaves such copies when it is interrupted. Where one of several entries for a chunk is kept, the others become copies
 * of it at first, anywhere in the list (rule entry-lost): the same command takes them off.
 */
static bool copies_matter(const struct snap_repair_work *work)
{
    const bool keeps_one = work->options->keep != SNAP_REPAIR_KEEP_BOTH && work->options->change_view;

    if (work->found[SNAP_RULE_ENTRY_REPEATED_OFTEN] > 0 || (keeps_one && work->found[SNAP_RULE_ENTRY_LOST] > 0))
        return true;
    for (size_t i = 0; i < work->damaged_count; i++)
        if (!is_repeated(work->damaged[i].rule) && !snap_repair_only_put_right(work->damaged[i].rule) &&
            work->options->change_view && !lacks_origin(work, work->damaged[i].rule))
            return true;
    return false;
}

/* Whether this finding, by itself, lets its entry be dropped. */
static bool may_drop(const struct snap_repair_work *work, enum snap_rule rule, bool drop_copies)
{
    if (is_repeated(rule))
        return drop_copies;
    return !snap_repair_only_put_right(rule) && work->options->change_view && !lacks_origin(work, rule);
}

/* The gravest finding about the entry: whether by it the entry goes (`dropped`), or stays as it is. */
static bool is_found(const struct snap_repair_work *work, uint64_t index, bool dropped, bool drop_copies)
{
    size_t low = 0, high = work->damaged_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (work->damaged[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == work->damaged_count || work->damaged[low].index != index)
        return false;
    return dropped ? may_drop(work, work->damaged[low].rule, drop_copies)
                   : snap_repair_only_put_right(work->damaged[low].rule);
}

/*
 * Whether nothing tells which data chunk is the own one of an entry that stays: a finding says so, or its number would
 * look damaged in the slot of another (rule entry-new-outlier), which begins with `far`, or the entry whose place that
 * is has it as well.
 */
static enum snap_status is_undecided(const struct snap_repair_work *work, uint64_t index, uint64_t far,
                                     bool drop_copies, bool *undecided, struct snap_error *err)
{
    const struct snap_layout *layout = &work->store->layout;
    struct snap_entry entry, other;
    uint64_t home;
    enum snap_status status = snap_list_read_entries(work->store, index, 1, &entry, err);

    *undecided = false;
    if (status != SNAP_OK || entry.new_chunk == snap_layout_canonical_chunk(layout, index))
        return status;
    *undecided = is_found(work, index, false, drop_copies) || !snap_layout_is_data_chunk(layout, entry.new_chunk);
    if (*undecided)
        return SNAP_OK;
    home = snap_layout_data_chunks_before(layout, entry.new_chunk);
    *undecided = home >= far;
    if (home >= work->length)
        return SNAP_OK;
    status = snap_list_read_entries(work->store, home, 1, &other, err);
    if (status == SNAP_OK && other.new_chunk == entry.new_chunk)
        *undecided = other.old_chunk != entry.old_chunk; /* else it is a copy that was on its way */
    return status;
}

/*
 * Where the homes of entries begin that are too far behind a list of `left` entries to be there by moves, as a check
 * counts it then (lib/check/places.c). UINT64_MAX: so many will be out of their places that it judges none of them.
 */
static enum snap_status find_far(const struct snap_repair_work *work, uint64_t left, bool drop_copies, uint64_t *far,
                                 struct snap_error *err)
{
    const struct snap_layout *layout = &work->store->layout;
    struct snap_list_walk *walk = NULL;
    struct snap_span span = {.live = 1};
    uint64_t moved = 0, out = 0;
    enum snap_status status = snap_list_walk_open(&walk, work->store, err);

    while (status == SNAP_OK && span.live > 0) {
        status = snap_list_walk_next(walk, &span, err);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++) {
            const uint64_t index = span.first_index + i, chunk = snap_span_new(&span, i);

            const bool in_place = chunk == snap_layout_canonical_chunk(layout, index);

            if ((in_place && index < left) || is_found(work, index, true, drop_copies))
                continue;
            out++;
            moved += in_place || (snap_layout_is_data_chunk(layout, chunk) &&
                                  snap_layout_data_chunks_before(layout, chunk) >= left);
        }
    }
    snap_list_walk_close(walk);
    *far = out > SNAP_PLACES_MAX || out * SNAP_PLACES_SHARE > left ? UINT64_MAX : left + 2 * moved + 2;
    return status;
}

/*
 * A drop moves the last entries into the slots of others. One of which nothing tells its own data chunk must not move:
 * the next run would take the chunk of its new slot for that, which has the data of the entry that was dropped there.
 */
static enum snap_status would_move_undecided(const struct snap_repair_work *work, bool drop_copies, bool *undecided,
                                             struct snap_error *err)
{
    uint64_t drops = 0, left, far;
    enum snap_status status;

    *undecided = false;
    for (size_t i = 0; i < work->damaged_count; i++)
        drops += !is_second(work, i) && may_drop(work, work->damaged[i].rule, drop_copies);
    if (drops == 0)
        return SNAP_OK;
    left = work->length - snap_min(drops, work->length);
    status = find_far(work, left, drop_copies, &far, err);
    for (uint64_t index = left; index < work->length && status == SNAP_OK && !*undecided; index++)
        if (far != UINT64_MAX && !is_found(work, index, true, drop_copies))
            status = is_undecided(work, index, far, drop_copies, undecided, err);
    return status;
}

/* Which entries are dropped; what the view shows instead of them. */
static enum snap_status decide(struct snap_repair_work *work, struct snap_error *err)
{
    const bool drop_copies = copies_matter(work);
    bool held_back = false;
    enum snap_status status = SNAP_OK;

    if (work->check.list_complete)
        status = would_move_undecided(work, drop_copies, &held_back, err);
    for (size_t i = 0; i < work->damaged_count && status == SNAP_OK; i++) {
        struct snap_repair_damaged *damaged = &work->damaged[i];
        const bool repeated = is_repeated(damaged->rule), drops = may_drop(work, damaged->rule, drop_copies);

        if (snap_repair_only_put_right(damaged->rule)) {
            if (damaged->own_chunk != 0) /* else it was put right */
                (void)snap_repair_may_mend(work, damaged->rule, false);
            continue;
        }
        work->repair->held_back += drops && held_back;
        if ((repeated && !drop_copies) || !snap_repair_may_mend(work, damaged->rule, drops && !held_back))
            continue;
        if (is_second(work, i))
            continue;
        if (snap_repair_own_chunk_waits(work, damaged))
            *(damaged->own_used ? &work->repair->own_used : &work->repair->own_unsure) += 1;
        if (!repeated && damaged->rule != SNAP_RULE_DUPLICATE_OLD) /* what changes by that one is noted already */
            snap_repair_note_change(work, damaged, true);
        damaged->drops = true;
        work->dropped[work->dropped_count++] = damaged->index;
    }
    return status;
}

/*
 * A list that goes on where the device ends, or where an area cannot be read, needs an end in front of that. One entry
 * that is dropped makes room for it: a damaged one, or else the last.
 */
static enum snap_status decide_end(struct snap_repair_work *work, struct snap_error *err)
{
    const uint64_t per_area = work->store->layout.entries_per_area;
    const enum snap_rule rule =
        work->found[SNAP_RULE_LIST_PAST_END] > 0 ? SNAP_RULE_LIST_PAST_END : SNAP_RULE_AREA_UNREADABLE;
    struct snap_repair_damaged last = {.index = snap_round_down(work->length, per_area) - 1, .rule = rule};
    struct snap_entry entry;
    enum snap_status status;

    if (work->check.list_complete || work->length < per_area ||
        !snap_repair_may_mend(work, rule, work->options->change_view))
        return SNAP_OK;
    work->length = last.index + 1; /* of an area that cannot be read, some entries may have been */
    work->repair->gives_up_rest = true;
    while (work->dropped_count > 0 && work->dropped[work->dropped_count - 1] > last.index)
        work->dropped_count--;
    if (work->dropped_count > 0)
        return SNAP_OK;
    status = snap_list_read_entries(work->store, last.index, 1, &entry, err);
    if (status != SNAP_OK)
        return status;
    last.old_chunk = entry.old_chunk;
    snap_repair_note_change(work, &last, true);
    work->dropped[work->dropped_count++] = last.index;
    return SNAP_OK;
}

enum snap_status snap_repair_decide_entries(struct snap_repair_work *work, struct snap_error *err)
{
    enum snap_status status;

    if (!work->check.list_complete && work->length < work->store->layout.entries_per_area)
        return SNAP_OK; /* its first area cannot be used: a drop would end the list there, and give up all behind it */
    status = decide(work, err);
    return status == SNAP_OK ? decide_end(work, err) : status;
}

/*
 * ---- what is written -------------------------------------------------------------------------------------------
 */

/* Whether an entry that is dropped has one of the numbers of this one. */
static bool is_dropped_too(const struct snap_repair_work *work, const struct snap_entry *entry)
{
    for (size_t i = 0; i < work->damaged_count; i++)
        if (work->damaged[i].drops && !is_repeated(work->damaged[i].rule) &&
            (work->damaged[i].old_chunk == entry->old_chunk || work->damaged[i].new_chunk == entry->new_chunk))
            return true;
    return false;
}

enum snap_status snap_repair_clear_behind(struct snap_repair_work *work, struct snap_error *err)
{
    const struct snap_layout *layout = &work->store->layout;
    const uint64_t area = snap_layout_area_behind(layout, work->length - work->dropped_count);
    const uint64_t index = area * layout->entries_per_area;
    const uint64_t offset_bytes = snap_list_read_offset_bytes(work->store, index);
    const bool looks_cut = work->was_not_cut &&
                           (work->length - work->dropped_count) % (SNAP_SECTOR_BYTES / SNAP_ENTRY_BYTES) == 0;
    struct snap_entry entry;
    enum snap_status status;

    if (work->dropped_count == 0 || index < work->length || area >= snap_layout_areas_on_device(layout))
        return SNAP_OK;
    status = snap_edits_read(&work->repair->edits, offset_bytes, work->unit, err);
    if (status == SNAP_E_IO) /* then nobody takes it for entries either */
        return SNAP_OK;
    snap_codec_decode_entry(work->unit, &entry);
    if (status != SNAP_OK || entry.new_chunk != snap_layout_canonical_chunk(layout, index) ||
        (work->check.list_complete && !looks_cut && !is_dropped_too(work, &entry)))
        return status;
    memset(work->unit, 0, (size_t)work->repair->edits.unit_bytes);
    status = snap_edits_add(&work->repair->edits, offset_bytes, work->unit, err);
    snap_edits_barrier(&work->repair->edits);
    return status;
}

/* Steps in which entries that are dropped change where they are. A run after a crash judges what these have left. */
enum step {
    GIVE_UP_FAR, /* what may look as if it could be put right once others are gone: first those that others speak ... */
    GIVE_UP,     /* ... against, then these others */
    SAME_DATA,   /* a move must not change which is the last of several entries for one chunk */
    STEPS
};

/* What the step makes of the data chunk; the same: nothing. */
static uint64_t stepped(const struct snap_repair_work *work, const struct snap_repair_damaged *damaged, enum step step)
{
    const struct snap_layout *layout = &work->store->layout;
    const bool far = !snap_check_may_be_cut(layout, work->check.entries, damaged->new_chunk);

    if (damaged->rule == SNAP_RULE_DUPLICATE_OLD)
        return step == SAME_DATA ? damaged->kept_chunk : damaged->new_chunk;
    if (step != (far ? GIVE_UP_FAR : GIVE_UP) || !snap_repair_own_chunk_waits(work, damaged))
        return damaged->new_chunk;
    /* No data, and no area that a list here could reach. */
    return snap_layout_area_chunk(layout, snap_layout_areas_on_device(layout) + 1);
}

enum snap_status snap_repair_plan_entries(struct snap_repair_work *work, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (int step = GIVE_UP_FAR; step < STEPS; step++) {
        for (size_t i = 0; status == SNAP_OK && i < work->damaged_count; i++) {
            const struct snap_repair_damaged *damaged = &work->damaged[i];
            const uint64_t chunk = stepped(work, damaged, (enum step)step);

            if (damaged->drops && damaged->index < work->length && chunk != damaged->new_chunk)
                status = set_new_chunk(work, damaged, chunk, err);
        }
        snap_edits_barrier(&work->repair->edits);
    }
    return status;
}
