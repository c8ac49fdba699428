/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two orders of a plan, and the requests that neighbours in them make together. */
#include "lib/merge/plan.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/base/bytes.h"
#include "lib/merge/sort.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static size_t requests_per_slice(uint64_t chunk_bytes)
{
    return (size_t)snap_div_up(chunk_bytes, SNAP_PLAN_REQUEST_BYTES);
}

uint64_t snap_plan_memory_bytes(uint64_t chunk_bytes, size_t entries_max)
{
    return entries_max * (2 * sizeof(struct snap_entry) + 2 * sizeof(size_t) + sizeof(uint8_t) +
                          requests_per_slice(chunk_bytes) * (sizeof(struct snap_plan_read) +
                                                             sizeof(struct snap_plan_write) +
                                                             sizeof(struct snap_plan_piece)));
}

enum snap_status snap_plan_init(struct snap_plan *plan, const struct snap_layout *layout,
                                enum snap_plan_direction direction, uint64_t entries_max, struct snap_error *err)
{
    const uint64_t requests_max = entries_max * requests_per_slice(layout->chunk_bytes);

    *plan = (struct snap_plan){
        .direction = direction,
        .chunk_bytes = layout->chunk_bytes,
        .entries_max = (size_t)entries_max,
        .entries = snap_array_new(entries_max, sizeof *plan->entries),
        .spare_entries = snap_array_new(entries_max, sizeof *plan->spare_entries),
        .order = snap_array_new(entries_max, sizeof *plan->order),
        .spare_order = snap_array_new(entries_max, sizeof *plan->spare_order),
        .fate = snap_array_new(entries_max, sizeof *plan->fate),
        .reads = snap_array_new(requests_max, sizeof *plan->reads),
        .writes = snap_array_new(requests_max, sizeof *plan->writes),
        .pieces = snap_array_new(requests_max, sizeof *plan->pieces),
    };
    if (!plan->entries || !plan->spare_entries || !plan->order || !plan->spare_order || !plan->fate || !plan->reads ||
        !plan->writes || !plan->pieces)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory planning copies of %" PRIu64 " chunks", entries_max);
    return SNAP_OK;
}

void snap_plan_free(struct snap_plan *plan)
{
    free(plan->entries);
    free(plan->spare_entries);
    free(plan->order);
    free(plan->spare_order);
    free(plan->fate);
    free(plan->reads);
    free(plan->writes);
    free(plan->pieces);
    memset(plan, 0, sizeof *plan);
}

struct snap_entry *snap_plan_room(struct snap_plan *plan)
{
    return plan->spare_entries;
}

static uint64_t source_chunk(const struct snap_plan *plan, const struct snap_entry *entry)
{
    return plan->direction == SNAP_PLAN_MERGE ? entry->new_chunk : entry->old_chunk;
}

static uint64_t target_chunk(const struct snap_plan *plan, const struct snap_entry *entry)
{
    return plan->direction == SNAP_PLAN_MERGE ? entry->old_chunk : entry->new_chunk;
}

/* How much of the entry's slice lies on the origin: all of it, unless the origin ends inside of its chunk. */
static uint64_t clipped_bytes(const struct snap_plan *plan, const struct snap_entry *entry)
{
    const uint64_t offset_bytes = entry->old_chunk * plan->chunk_bytes + plan->slice_offset_bytes;

    return offset_bytes >= plan->origin_bytes ? 0 : snap_min(plan->slice_bytes, plan->origin_bytes - offset_bytes);
}

static void add_read(struct snap_plan *plan, uint64_t source_offset_bytes, uint64_t buffer_offset_bytes,
                     uint64_t length_bytes)
{
    struct snap_plan_read *last = plan->read_count ? &plan->reads[plan->read_count - 1] : NULL;

    plan->read_bytes += length_bytes;
    while (length_bytes > 0) {
        const uint64_t request_bytes = snap_min(length_bytes, SNAP_PLAN_REQUEST_BYTES);

        if (last && last->source_offset_bytes + last->length_bytes == source_offset_bytes &&
            last->buffer_offset_bytes + last->length_bytes == buffer_offset_bytes &&
            last->length_bytes + request_bytes <= SNAP_PLAN_REQUEST_BYTES) {
            last->length_bytes += (uint32_t)request_bytes;
        } else {
            last = &plan->reads[plan->read_count++];
            *last = (struct snap_plan_read){source_offset_bytes, buffer_offset_bytes, (uint32_t)request_bytes};
        }
        source_offset_bytes += request_bytes;
        buffer_offset_bytes += request_bytes;
        length_bytes -= request_bytes;
    }
}

static void add_piece(struct snap_plan *plan, struct snap_plan_write *write, uint64_t buffer_offset_bytes,
                      uint64_t length_bytes)
{
    struct snap_plan_piece *last = write->pieces ? &plan->pieces[plan->piece_count - 1] : NULL;

    if (last && last->buffer_offset_bytes + last->length_bytes == buffer_offset_bytes) {
        last->length_bytes += (uint32_t)length_bytes;
    } else {
        plan->pieces[plan->piece_count++] = (struct snap_plan_piece){buffer_offset_bytes, (uint32_t)length_bytes};
        write->pieces++;
    }
    write->length_bytes += (uint32_t)length_bytes;
}

static void add_write(struct snap_plan *plan, uint64_t target_offset_bytes, uint64_t buffer_offset_bytes,
                      uint64_t length_bytes)
{
    struct snap_plan_write *last = plan->write_count ? &plan->writes[plan->write_count - 1] : NULL;

    plan->write_bytes += length_bytes;
    while (length_bytes > 0) {
        const uint64_t request_bytes = snap_min(length_bytes, SNAP_PLAN_REQUEST_BYTES);

        if (!last || last->target_offset_bytes + last->length_bytes != target_offset_bytes ||
            last->length_bytes + request_bytes > SNAP_PLAN_REQUEST_BYTES || last->pieces == SNAP_PLAN_REQUEST_PIECES) {
            last = &plan->writes[plan->write_count++];
            *last = (struct snap_plan_write){.target_offset_bytes = target_offset_bytes,
                                             .first_piece = plan->piece_count};
        }
        add_piece(plan, last, buffer_offset_bytes, request_bytes);
        target_offset_bytes += request_bytes;
        buffer_offset_bytes += request_bytes;
        length_bytes -= request_bytes;
    }
}

/* Plans the writes of all good chunks, or of those that differ between `buffer` and `found` where these are given. */
static void plan_writes(struct snap_plan *plan, const uint8_t *buffer, const uint8_t *found)
{
    plan->write_count = plan->piece_count = 0;
    plan->write_bytes = plan->equal_bytes = 0;
    for (size_t i = 0; i < plan->count; i++) {
        const size_t place = plan->order[i];
        const struct snap_entry *entry = &plan->entries[place];
        const uint64_t place_bytes = place * plan->slice_bytes;
        const uint64_t length_bytes =
            plan->direction == SNAP_PLAN_MERGE ? clipped_bytes(plan, entry) : plan->slice_bytes;

        if (plan->fate[place] != SNAP_PLAN_GOOD)
            continue;
        if (buffer && memcmp(buffer + place_bytes, found + place_bytes, (size_t)length_bytes) == 0)
            plan->equal_bytes += length_bytes;
        else
            add_write(plan, target_chunk(plan, entry) * plan->chunk_bytes + plan->slice_offset_bytes, place_bytes,
                      length_bytes);
    }
}

/*
 * Moving bad entries to the end of the list may be interrupted. It then leaves entries that are repeated as a whole,
 * which are neighbours once all are sorted by their source. Returns how many are left,
 * without those that are to be left out.
 */
static size_t drop_repeated(struct snap_entry *sorted, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (sorted[i].new_chunk == SNAP_PLAN_LEFT_OUT)
            continue;
        else if (kept == 0 || sorted[i].new_chunk != sorted[kept - 1].new_chunk ||
            sorted[i].old_chunk != sorted[kept - 1].old_chunk)
            sorted[kept++] = sorted[i];
    return kept;
}

void snap_plan_make(struct snap_plan *plan, const struct snap_entry *entries, size_t count, uint64_t slice_offset_bytes,
                    uint64_t slice_bytes, uint64_t origin_sectors)
{
    const bool merges = plan->direction == SNAP_PLAN_MERGE;

    plan->slice_offset_bytes = slice_offset_bytes;
    plan->slice_bytes = slice_bytes;
    plan->origin_bytes = origin_sectors * SNAP_SECTOR_BYTES;
    plan->read_count = 0;
    plan->read_bytes = 0;
    if (count > 0)
        memcpy(plan->entries, entries, count * sizeof *entries);

    /* Neighbours on the source are neighbours in the buffer, so that they are one request. */
    snap_sort_entries(&plan->entries, &plan->spare_entries, count, merges ? SNAP_SORT_BY_NEW : SNAP_SORT_BY_OLD);
    plan->count = drop_repeated(plan->entries, count);
    plan->buffer_bytes = plan->count * slice_bytes;
    memset(plan->fate, SNAP_PLAN_GOOD, plan->count);
    plan->bad_count = 0;
    for (size_t place = 0; place < plan->count; place++) {
        const struct snap_entry *entry = &plan->entries[place];

        add_read(plan, source_chunk(plan, entry) * plan->chunk_bytes + slice_offset_bytes, place * slice_bytes,
                 clipped_bytes(plan, entry));
    }
    snap_sort_places(plan->entries, plan->count, merges ? SNAP_SORT_BY_OLD : SNAP_SORT_BY_NEW, &plan->order,
                     &plan->spare_order);
    plan_writes(plan, NULL, NULL);
}

void snap_plan_drop_equal(struct snap_plan *plan, const uint8_t *buffer, const uint8_t *found)
{
    plan_writes(plan, buffer, found);
}

void snap_plan_mark_bad(struct snap_plan *plan, uint64_t buffer_offset_bytes, enum snap_plan_fate fate)
{
    const size_t place = (size_t)(buffer_offset_bytes / plan->slice_bytes);

    plan->bad_count += plan->fate[place] == SNAP_PLAN_GOOD;
    plan->fate[place] = (uint8_t)fate;
}

/* The index in `order` of the first place whose target chunk is not in front of `chunk`. */
static size_t find_target(const struct snap_plan *plan, uint64_t chunk)
{
    size_t low = 0, high = plan->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (target_chunk(plan, &plan->entries[plan->order[middle]]) < chunk)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void snap_plan_mark_range(struct snap_plan *plan, uint64_t start_bytes, uint64_t end_bytes, enum snap_plan_fate fate)
{
    for (size_t i = find_target(plan, start_bytes / plan->chunk_bytes); i < plan->count; i++) {
        const size_t place = plan->order[i];
        const uint64_t chunk_offset_bytes = target_chunk(plan, &plan->entries[place]) * plan->chunk_bytes;
        const uint64_t slice_offset_bytes = chunk_offset_bytes + plan->slice_offset_bytes;

        if (chunk_offset_bytes >= end_bytes)
            return;
        if (slice_offset_bytes < end_bytes && slice_offset_bytes + plan->slice_bytes > start_bytes &&
            plan->fate[place] == SNAP_PLAN_GOOD)
            snap_plan_mark_bad(plan, place * plan->slice_bytes, fate);
    }
}

void snap_plan_drop_bad(struct snap_plan *plan)
{
    plan_writes(plan, NULL, NULL);
}
