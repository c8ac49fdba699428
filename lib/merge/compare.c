/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the entries as a merge does, and reads the same places of the origin. */
#include "lib/merge/compare.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/merge/window.h"

#include <string.h>

#define WINDOW_BYTES_MAX (16u << 20) /* small, because most comparisons end at an early difference */

static bool pieces_equal(const struct snap_plan *plan, const uint8_t *left, const uint8_t *right)
{
    for (size_t i = 0; i < plan->piece_count; i++) {
        const struct snap_plan_piece *piece = &plan->pieces[i];

        if (memcmp(left + piece->buffer_offset_bytes, right + piece->buffer_offset_bytes, piece->length_bytes) != 0)
            return false;
    }
    return true;
}

/* Loads one range of entries with their data, and compares them. */
static enum snap_status compare_range(struct snap_window *window, const struct snap_window_range *range,
                                      struct snap_io *origin, uint8_t *found, bool *equal, struct snap_error *err)
{
    enum snap_status status;

    snap_window_load(window, range, NULL);
    status = snap_window_wait(window, err);
    if (status == SNAP_OK)
        status = snap_copy_read_target(&window->plan, origin, found, &window->group, window->control, err);
    if (status == SNAP_OK)
        *equal = pieces_equal(&window->plan, window->buffer, found);
    return status;
}

enum snap_status snap_compare_merged(const struct snap_store *store, struct snap_io *origin, uint64_t first_index,
                                     uint64_t count, uint64_t memory_bytes, bool (*stop)(void *context),
                                     void *stop_context, bool *equal, struct snap_error *err)
{
    const uint64_t chunk_bytes = store->layout.chunk_bytes;
    struct snap_throttle throttle;
    const struct snap_copy_control control = {
        .clock = &snap_clock_system, .throttle = &throttle, .stop = stop, .stop_context = stop_context};
    struct snap_window_size size;
    struct snap_window window;
    uint8_t *found = NULL;
    enum snap_status status;

    *equal = true;
    snap_throttle_init(&throttle, &snap_clock_system, 0, 0);
    snap_window_size(&store->layout, snap_min(memory_bytes / 2, WINDOW_BYTES_MAX), snap_max(count, 1), &size);
    status = snap_window_init(&window, store, &size, origin->size_bytes / SNAP_SECTOR_BYTES, &control, true, err);
    if (status == SNAP_OK) {
        found = snap_buffer_new_unset(size.entries * size.slice_bytes);
        if (!found)
            status = snap_fail(err, SNAP_E_NOMEM, "out of memory comparing %s with the origin", store->io->name);
    }
    for (uint64_t done = 0; done < count && status == SNAP_OK && *equal;) {
        const uint64_t load_entries = snap_min(size.entries, count - done);

        for (uint64_t at = 0; at < chunk_bytes && status == SNAP_OK && *equal; at += size.slice_bytes) {
            const struct snap_window_range range = {.first = first_index + done,
                                                    .end = first_index + done + load_entries,
                                                    .slice_offset_bytes = at,
                                                    .slice_bytes = size.slice_bytes};

            status = compare_range(&window, &range, origin, found, equal, err);
        }
        done += load_entries;
    }
    snap_window_free(&window);
    snap_buffer_free(found);
    if (status != SNAP_OK)
        *equal = false;
    return status;
}
