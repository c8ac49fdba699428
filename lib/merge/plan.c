/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/merge/plan.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/io/io.h"
#include "lib/merge/sort.h"

#include <stdlib.h>
#include <string.h>

static size_t requests_per_slice(uint64_t chunk_bytes)
{
    return (size_t)snap_div_up(chunk_bytes, SNAP_PLAN_REQUEST_BYTES);
}

uint64_t snap_plan_memory_bytes(uint64_t chunk_bytes, size_t entries_max)
{
    return entries_max * (2 * sizeof(struct snap_entry) + sizeof(uint8_t) +
                          requests_per_slice(chunk_bytes) * (sizeof(struct snap_plan_read) +
                                                             sizeof(struct snap_plan_write) +
                                                             sizeof(struct snap_plan_piece)));
}

enum snap_status snap_plan_init(struct snap_plan *plan, const struct snap_layout *layout, size_t entries_max,
                                struct snap_error *err)
{
    size_t requests_max = entries_max * requests_per_slice(layout->chunk_bytes);

    memset(plan, 0, sizeof *plan);
    plan->entries_max = entries_max;
    plan->reads_max = plan->pieces_max = requests_max;
    plan->reads = calloc(requests_max, sizeof *plan->reads);
    plan->writes = calloc(requests_max, sizeof *plan->writes);
    plan->pieces = calloc(requests_max, sizeof *plan->pieces);
    plan->order = calloc(entries_max, sizeof *plan->order);
    plan->spare = calloc(entries_max, sizeof *plan->spare);
    plan->fate = calloc(entries_max, sizeof *plan->fate);
    if (!plan->reads || !plan->writes || !plan->pieces || !plan->order || !plan->spare || !plan->fate)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory planning a window of %zu chunks", entries_max);
    return SNAP_OK;
}

void snap_plan_free(struct snap_plan *plan)
{
    free(plan->reads);
    free(plan->writes);
    free(plan->pieces);
    free(plan->order);
    free(plan->spare);
    free(plan->fate);
    memset(plan, 0, sizeof *plan);
}

/* What of the slice lies on the origin: all of it but in the last, partial chunk. */
static uint64_t clipped_bytes(uint64_t origin_offset_bytes, uint64_t slice_bytes, uint64_t origin_bytes)
{
    return origin_offset_bytes >= origin_bytes ? 0 : snap_min(slice_bytes, origin_bytes - origin_offset_bytes);
}

static void add_read(struct snap_plan *plan, uint64_t cow_offset_bytes, uint64_t buffer_offset_bytes,
                     uint64_t length_bytes)
{
    struct snap_plan_read *last = plan->read_count ? &plan->reads[plan->read_count - 1] : NULL;

    plan->read_bytes += length_bytes;
    while (length_bytes > 0) {
        uint64_t step = snap_min(length_bytes, SNAP_PLAN_REQUEST_BYTES);

        if (last && last->cow_offset_bytes + last->length_bytes == cow_offset_bytes &&
            last->buffer_offset_bytes + last->length_bytes == buffer_offset_bytes &&
            last->length_bytes + step <= SNAP_PLAN_REQUEST_BYTES) {
            last->length_bytes += (uint32_t)step;
        } else {
            last = &plan->reads[plan->read_count++];
            *last = (struct snap_plan_read){cow_offset_bytes, buffer_offset_bytes, (uint32_t)step};
        }
        cow_offset_bytes += step;
        buffer_offset_bytes += step;
        length_bytes -= step;
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

static void add_write(struct snap_plan *plan, uint64_t origin_offset_bytes, uint64_t buffer_offset_bytes,
                      uint64_t length_bytes)
{
    struct snap_plan_write *last = plan->write_count ? &plan->writes[plan->write_count - 1] : NULL;

    plan->write_bytes += length_bytes;
    while (length_bytes > 0) {
        uint64_t step = snap_min(length_bytes, SNAP_PLAN_REQUEST_BYTES);

        if (!last || last->origin_offset_bytes + last->length_bytes != origin_offset_bytes ||
            last->length_bytes + step > SNAP_PLAN_REQUEST_BYTES || last->pieces == SNAP_PLAN_REQUEST_PIECES) {
            last = &plan->writes[plan->write_count++];
            *last = (struct snap_plan_write){.origin_offset_bytes = origin_offset_bytes,
                                             .first_piece = plan->piece_count};
        }
        add_piece(plan, last, buffer_offset_bytes, step);
        origin_offset_bytes += step;
        buffer_offset_bytes += step;
        length_bytes -= step;
    }
}

/* The writes of all good entries, or of those that differ between `buffer` and `found` where these are given. */
static void plan_writes(struct snap_plan *plan, const uint8_t *buffer, const uint8_t *found)
{
    plan->write_count = plan->piece_count = 0;
    plan->write_bytes = plan->equal_bytes = 0;
    for (size_t i = 0; i < plan->count; i++) {
        uint64_t origin_offset_bytes = plan->order[i].old_chunk * plan->chunk_bytes + plan->slice_offset_bytes;
        uint64_t place_bytes = plan->order[i].new_chunk * plan->slice_bytes;
        uint64_t length_bytes = clipped_bytes(origin_offset_bytes, plan->slice_bytes, plan->origin_bytes);

        if (plan->fate[plan->order[i].new_chunk] != SNAP_PLAN_GOOD)
            continue;
        if (buffer && memcmp(buffer + place_bytes, found + place_bytes, (size_t)length_bytes) == 0)
            plan->equal_bytes += length_bytes;
        else
            add_write(plan, origin_offset_bytes, place_bytes, length_bytes);
    }
}

/* Sorted by data chunk, entries that are repeated as a whole are neighbours: an interrupted move leaves such (format 13). */
static size_t drop_repeated(struct snap_entry *sorted, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (kept == 0 || sorted[i].new_chunk != sorted[kept - 1].new_chunk ||
            sorted[i].old_chunk != sorted[kept - 1].old_chunk)
            sorted[kept++] = sorted[i];
    return kept;
}

void snap_plan_make(struct snap_plan *plan, const struct snap_layout *layout, const struct snap_entry *entries,
                    size_t count, uint64_t slice_offset_bytes, uint64_t slice_bytes, uint64_t origin_sectors)
{
    plan->slice_offset_bytes = slice_offset_bytes;
    plan->slice_bytes = slice_bytes;
    plan->chunk_bytes = layout->chunk_bytes;
    plan->origin_bytes = origin_sectors * SNAP_SECTOR_BYTES;
    plan->read_count = 0;
    plan->read_bytes = 0;
    memcpy(plan->order, entries, count * sizeof *entries);

    /* Reads: the i-th chunk in COW order goes to the i-th place in the buffer, so that neighbours make one request. */
    snap_sort_by_new(&plan->order, &plan->spare, count);
    plan->count = drop_repeated(plan->order, count);
    plan->buffer_bytes = plan->count * slice_bytes;
    memset(plan->fate, SNAP_PLAN_GOOD, plan->count);
    plan->bad_count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        uint64_t origin_offset_bytes = plan->order[i].old_chunk * layout->chunk_bytes + slice_offset_bytes;

        add_read(plan, plan->order[i].new_chunk * layout->chunk_bytes + slice_offset_bytes, i * slice_bytes,
                 clipped_bytes(origin_offset_bytes, slice_bytes, plan->origin_bytes));
        plan->order[i].new_chunk = i; /* from here on: the place in the buffer */
    }
    /* Writes: the same chunks in origin order. */
    snap_sort_by_old(&plan->order, &plan->spare, plan->count);
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

void snap_plan_mark_range(struct snap_plan *plan, uint64_t start_bytes, uint64_t end_bytes, enum snap_plan_fate fate)
{
    const uint64_t first_chunk = start_bytes / plan->chunk_bytes;
    size_t low = 0, high = plan->count;

    while (low < high) { /* the first in origin order that may reach it */
        const size_t middle = low + (high - low) / 2;

        if (plan->order[middle].old_chunk < first_chunk)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < plan->count && plan->order[low].old_chunk * plan->chunk_bytes < end_bytes; low++) {
        const uint64_t place = plan->order[low].new_chunk;
        const uint64_t from_bytes = plan->order[low].old_chunk * plan->chunk_bytes + plan->slice_offset_bytes;

        if (from_bytes < end_bytes && from_bytes + plan->slice_bytes > start_bytes &&
            plan->fate[place] == SNAP_PLAN_GOOD)
            snap_plan_mark_bad(plan, place * plan->slice_bytes, fate);
    }
}

uint64_t snap_plan_data_chunk(const struct snap_plan *plan, uint64_t place)
{
    const uint64_t place_bytes = place * plan->slice_bytes;
    size_t low = 0, high = plan->read_count;

    while (high - low > 1) { /* reads stand in the order of their places */
        size_t middle = low + (high - low) / 2;

        if (plan->reads[middle].buffer_offset_bytes <= place_bytes)
            low = middle;
        else
            high = middle;
    }
    return (plan->reads[low].cow_offset_bytes + (place_bytes - plan->reads[low].buffer_offset_bytes)) / plan->chunk_bytes;
}

void snap_plan_drop_bad(struct snap_plan *plan)
{
    plan_writes(plan, NULL, NULL);
}
