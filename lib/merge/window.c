/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a window begins and ends, and what its thread does to load it. */
#include "lib/merge/window.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/base/buffer.h"
#include "lib/merge/sort.h"
#include "lib/store/list_cut.h"
#include "lib/store/list_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What a window takes beside data and plan: its group, and for a moment the buffers in which entries are read. */
#define FIXED_MEMORY_BYTES (SNAP_COPY_GROUP_MEMORY_BYTES + (2u << 20))

void snap_window_size(const struct snap_layout *layout, uint64_t memory_bytes, uint64_t entries_wanted,
                      struct snap_window_size *size)
{
    const uint64_t entry_bytes =
        layout->chunk_bytes + snap_plan_memory_bytes(layout->chunk_bytes, 1);
    const uint64_t room_bytes = memory_bytes > 2 * FIXED_MEMORY_BYTES ? memory_bytes - FIXED_MEMORY_BYTES
                                                                      : memory_bytes / 2;

    size->entries = snap_min(room_bytes / entry_bytes, entries_wanted);
    size->slice_bytes = layout->chunk_bytes;
    if (size->entries > 0)
        return;
    size->entries = 1;
    while (size->slice_bytes > SNAP_PLAN_REQUEST_BYTES &&
           size->slice_bytes + entry_bytes - layout->chunk_bytes > room_bytes)
        size->slice_bytes /= 2;
}

enum snap_status snap_window_init(struct snap_window *window, const struct snap_store *store,
                                  const struct snap_window_size *size, uint64_t origin_sectors,
                                  const struct snap_copy_control *control, bool with_buffer, struct snap_error *err)
{
    enum snap_status status;

    memset(window, 0, sizeof *window);
    window->store = store;
    window->origin_sectors = origin_sectors;
    window->control = control;
    status = snap_plan_init(&window->plan, &store->layout, SNAP_PLAN_MERGE, size->entries, err);
    if (status == SNAP_OK)
        status = snap_copy_group_init(&window->group, err);
    if (status == SNAP_OK && with_buffer) {
        window->buffer = snap_buffer_new_unset(size->entries * size->slice_bytes);
        if (!window->buffer)
            status = snap_fail(err, SNAP_E_NOMEM, "out of memory: a window needs a buffer of %" PRIu64 " bytes",
                               size->entries * size->slice_bytes);
    }
    return status;
}

void snap_window_free(struct snap_window *window)
{
    (void)snap_window_wait(window, NULL);
    snap_plan_free(&window->plan);
    snap_copy_group_free(&window->group);
    snap_buffer_free(window->buffer);
    memset(window, 0, sizeof *window);
}

enum snap_status snap_window_table_init(struct snap_window_table *table, uint64_t entries, struct snap_error *err)
{
    *table = (struct snap_window_table){.entries = snap_array_new(entries, sizeof *table->entries),
                                        .spare = snap_array_new(entries, sizeof *table->spare)};
    if (!table->entries || !table->spare)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for a table of %" PRIu64 " entries", entries);
    return SNAP_OK;
}

void snap_window_table_free(struct snap_window_table *table)
{
    free(table->entries);
    free(table->spare);
    memset(table, 0, sizeof *table);
}

/* The window that ends where `done` began. */
static void next_window(const struct snap_store *store, const struct snap_window_range *done, uint64_t entries_max,
                        bool cut_wanted, struct snap_window_range *next)
{
    const uint64_t lowest = done->first > entries_max ? done->first - entries_max : 0;

    next->end = done->first;
    next->first = lowest ? snap_list_cut_single(store, lowest, next->end) : 0;
    next->good_cut = next->first < next->end;
    if ((next->end - next->first) * 2 < next->end - lowest && !(cut_wanted && next->good_cut)) {
        /* An atomic cut would shrink the window below half; take the full window and cut it in several units. */
        next->first = lowest;
        next->good_cut = false;
    }
}

struct snap_window_range snap_window_next(const struct snap_store *store, const struct snap_window_range *done,
                                          uint64_t entries_max, const struct snap_window_size *size, bool cut_wanted)
{
    const uint64_t chunk_bytes = store->layout.chunk_bytes;
    const bool same_window = done->first < done->end && !done->last_load;
    struct snap_window_range next = *done;
    uint64_t entries, behind;

    if (same_window && done->slice_offset_bytes + size->slice_bytes < chunk_bytes) {
        next.slice_offset_bytes += size->slice_bytes;
    } else {
        next.slice_offset_bytes = 0;
        next.part_first = same_window ? done->part_first + done->part_entries : 0;
        if (!same_window)
            next_window(store, done, entries_max, cut_wanted, &next);
        entries = next.end - next.first;
        next.part_entries = entries > size->entries ? snap_min(size->entries, entries - next.part_first) : 0;
    }
    next.slice_bytes = size->slice_bytes;
    behind = next.part_entries ? next.part_first + next.part_entries : next.end - next.first;
    next.last_load = behind == next.end - next.first && next.slice_offset_bytes + size->slice_bytes >= chunk_bytes;
    return next;
}

/* The whole list was checked before. This looks again because another program may have written to the device since. */
static enum snap_status check_entries(const struct snap_window *window, const struct snap_entry *entries,
                                      uint64_t count, struct snap_error *err)
{
    const struct snap_store *store = window->store;
    const uint64_t origin_chunks = snap_layout_origin_chunks(&store->layout, window->origin_sectors);

    for (uint64_t i = 0; i < count; i++) {
        const struct snap_entry *entry = &entries[i];

        if (entry->old_chunk >= origin_chunks || !snap_layout_is_data_chunk(&store->layout, entry->new_chunk))
            return snap_fail(err, SNAP_E_CORRUPT,
                             "%s: entry %" PRIu64 " (origin chunk %" PRIu64 ", data chunk %" PRIu64
                             ") is out of range now, though the list was checked: another program writes to the "
                             "device; stop that, then repeat this command",
                             store->io->name, window->range.first + i, entry->old_chunk, entry->new_chunk);
    }
    return SNAP_OK;
}

/*
 * An entry that stands at a lower index as well is merged in the window of that one, and only there: the list goes on
 * naming it until then, whatever happens (merge.c, invariant 2). Here it is left out of the plan.
 */
static void leave_out_repeated(const struct snap_window *window, struct snap_entry *entries, uint64_t count)
{
    for (uint64_t i = 0; window->repeated && i < count; i++)
        if (snap_repeated_earlier(window->repeated, entries[i].old_chunk, window->range.first + i))
            entries[i].new_chunk = SNAP_PLAN_LEFT_OUT;
}

/*
 * The entries of the load in memory, read from the list unless they are in the table. NULL after a failure, which is in
 * window->status.
 */
static const struct snap_entry *entries_of(struct snap_window *window, uint64_t *count)
{
    const struct snap_window_range *range = &window->range;
    struct snap_window_table *table = range->part_entries ? window->table : NULL;
    struct snap_entry *entries = table ? table->entries : snap_plan_room(&window->plan);
    const uint64_t all = range->end - range->first;

    *count = table ? range->part_entries : all;
    if (table && table->first == range->first && table->end == range->end)
        return entries + range->part_first;
    if (table)
        table->first = table->end = 0;
    window->status = snap_list_read_entries(window->store, range->first, all, entries, &window->err);
    if (window->status == SNAP_OK)
        window->status = check_entries(window, entries, all, &window->err);
    if (window->status != SNAP_OK)
        return NULL;
    leave_out_repeated(window, entries, all);
    if (!table)
        return entries;
    snap_sort_entries(&table->entries, &table->spare, (size_t)all, SNAP_SORT_BY_OLD);
    table->first = range->first;
    table->end = range->end;
    return table->entries + range->part_first;
}

static void load(void *argument)
{
    struct snap_window *window = argument;
    const struct snap_window_range *range = &window->range;
    const struct snap_entry *entries;
    uint64_t count;

    window->status = SNAP_OK;
    window->entries_known = false;
    entries = entries_of(window, &count);
    if (!entries)
        return;
    window->entries_known = true;
    snap_plan_make(&window->plan, entries, (size_t)count, range->slice_offset_bytes, range->slice_bytes,
                   window->origin_sectors);
    if (!window->buffer)
        return;
    window->status = snap_copy_read(&window->plan, window->store->io, window->buffer, &window->group,
                                    window->control, &window->err);
    if (window->status == SNAP_OK && window->plan.bad_count > 0)
        snap_plan_drop_bad(&window->plan);
}

void snap_window_load(struct snap_window *window, const struct snap_window_range *range, struct snap_worker *ahead)
{
    window->range = *range;
    window->ahead = ahead;
    snap_worker_do(ahead, load, window);
}

enum snap_status snap_window_wait(struct snap_window *window, struct snap_error *err)
{
    snap_worker_wait(window->ahead);
    if (window->status != SNAP_OK && err)
        *err = window->err;
    return window->status;
}
