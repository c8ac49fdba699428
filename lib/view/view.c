/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sorted map of the entries of a part of the origin, and reads that it divides between two devices. */
#include "lib/view/view.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/base/bytes.h"
#include "lib/store/list_walk.h"

#include <inttypes.h>
#include <stdlib.h>

#define REQUESTS_MAX 512u
#define REQUEST_BYTES_MAX (1u << 20)

/* An entry that may be in the map; `index` orders entries of one chunk, the first on disk counts. */
struct mapped {
    uint64_t old_chunk;
    uint64_t new_chunk;
    uint64_t index;
};

struct snap_view {
    const struct snap_store *store;
    struct snap_io *origin;
    uint64_t origin_chunks;
    /* All entries with first_chunk <= old < end_chunk, sorted by old, each once. */
    uint64_t first_chunk, end_chunk;
    struct mapped *map;
    size_t count;
    uint64_t room;
    /* Requests of one read */
    struct snap_io_request requests[2][REQUESTS_MAX]; /* origin, COW */
    struct iovec iovs[2][REQUESTS_MAX];
    size_t queued[2];
    uint64_t requests_made;
    int cow_errno; /* of the first request of the last read that the COW failed; 0: none */
};

enum { ORIGIN, COW };

enum snap_status snap_view_open(struct snap_view **result, const struct snap_store *store, struct snap_io *origin,
                                uint64_t memory_bytes, struct snap_error *err)
{
    struct snap_view *view = calloc(1, sizeof *view);

    *result = view;
    if (view) {
        view->store = store;
        view->origin = origin;
        view->origin_chunks = snap_layout_origin_chunks(&store->layout, origin->size_bytes / SNAP_SECTOR_BYTES);
        view->room = snap_max(memory_bytes, SNAP_VIEW_MEMORY_MIN_BYTES) / sizeof *view->map;
        view->map = snap_array_new_unset(view->room, sizeof *view->map);
    }
    if (!view || !view->map) {
        snap_view_close(view);
        *result = NULL;
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for the view", store->io->name);
    }
    return SNAP_OK;
}

uint64_t snap_view_size_bytes(const struct snap_view *view)
{
    return snap_round_down(view->origin->size_bytes, SNAP_SECTOR_BYTES);
}

struct snap_io *snap_view_origin(const struct snap_view *view)
{
    return view->origin;
}

uint64_t snap_view_chunk_bytes(const struct snap_view *view)
{
    return view->store->layout.chunk_bytes;
}

uint64_t snap_view_requests(const struct snap_view *view)
{
    return view->requests_made;
}

static int by_old(const void *a, const void *b)
{
    const struct mapped *left = a, *right = b;

    if (left->old_chunk != right->old_chunk)
        return left->old_chunk > right->old_chunk ? 1 : -1;
    return (left->index > right->index) - (left->index < right->index);
}

/* Sorts; of several entries for one chunk keeps the first on disk. */
static void tidy(struct snap_view *view)
{
    size_t kept = 0;

    qsort(view->map, view->count, sizeof *view->map, by_old);
    for (size_t i = 0; i < view->count; i++)
        if (kept == 0 || view->map[kept - 1].old_chunk != view->map[i].old_chunk)
            view->map[kept++] = view->map[i];
    view->count = kept;
}

/* The map is full: keeps the lower half of it, and ends the part that it covers there. */
static void halve(struct snap_view *view)
{
    tidy(view);
    if (view->count * 2 <= view->room)
        return;
    view->count /= 2;
    view->end_chunk = view->map[view->count - 1].old_chunk + 1;
}

/* Maps as many chunks from `first_chunk` on as there is room for. */
static enum snap_status load_map(struct snap_view *view, uint64_t first_chunk, struct snap_error *err)
{
    struct snap_list_walk *walk;
    struct snap_span span;
    enum snap_status status = snap_list_walk_open(&walk, view->store, err);

    if (status != SNAP_OK)
        return status;
    view->first_chunk = first_chunk;
    view->end_chunk = view->origin_chunks;
    view->count = 0;
    do {
        status = snap_list_walk_next(walk, &span, err);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++) {
            const struct mapped entry = {
                .old_chunk = snap_span_old(&span, i),
                .new_chunk = snap_span_new(&span, i),
                .index = span.first_index + i,
            };

            if (entry.old_chunk < first_chunk || entry.old_chunk >= view->end_chunk)
                continue;
            if (view->count == view->room)
                halve(view);
            if (entry.old_chunk < view->end_chunk)
                view->map[view->count++] = entry;
        }
    } while (status == SNAP_OK && span.live != 0);
    snap_list_walk_close(walk);
    if (status == SNAP_OK)
        tidy(view);
    else
        view->first_chunk = view->end_chunk = 0;
    return status;
}

/* The first mapped entry at or behind the chunk, which the map covers; `count` where there is none. */
static size_t lower_bound(const struct snap_view *view, uint64_t chunk)
{
    size_t low = 0, high = view->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (view->map[middle].old_chunk < chunk)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum snap_status cover(struct snap_view *view, uint64_t chunk, struct snap_error *err)
{
    if (chunk >= view->first_chunk && chunk < view->end_chunk)
        return SNAP_OK;
    return load_map(view, chunk, err);
}

static enum snap_status submit(struct snap_view *view, struct snap_error *err)
{
    enum snap_status status = snap_io_transfer(view->origin, view->requests[ORIGIN], view->queued[ORIGIN], err);

    view->cow_errno = 0;
    if (status != SNAP_OK)
        view->queued[COW] = 0; /* not tried */
    else
        status = snap_io_transfer(view->store->io, view->requests[COW], view->queued[COW], err);
    for (size_t i = 0; i < view->queued[COW] && status != SNAP_OK && view->cow_errno == 0; i++)
        view->cow_errno = view->requests[COW][i].sys_errno;
    view->requests_made += view->queued[ORIGIN] + view->queued[COW];
    view->queued[ORIGIN] = view->queued[COW] = 0;
    return status;
}

static enum snap_status queue_read(struct snap_view *view, int which, uint64_t offset_bytes, uint64_t length_bytes,
                                   uint8_t *buffer, struct snap_error *err)
{
    while (length_bytes > 0) {
        uint64_t step_bytes = snap_min(length_bytes, REQUEST_BYTES_MAX);
        size_t at = view->queued[which];
        struct iovec *last = at ? &view->iovs[which][at - 1] : NULL;

        if (last && view->requests[which][at - 1].offset_bytes + last->iov_len == offset_bytes &&
            (uint8_t *)last->iov_base + last->iov_len == buffer && last->iov_len + step_bytes <= REQUEST_BYTES_MAX) {
            last->iov_len += (size_t)step_bytes;
        } else {
            if (at == REQUESTS_MAX) {
                enum snap_status status = submit(view, err);

                if (status != SNAP_OK)
                    return status;
                at = 0;
            }
            view->iovs[which][at] = (struct iovec){buffer, (size_t)step_bytes};
            view->requests[which][at] = (struct snap_io_request){.kind = SNAP_IO_READ,
                                                                 .offset_bytes = offset_bytes,
                                                                 .iov = &view->iovs[which][at],
                                                                 .iov_count = 1};
            view->queued[which]++;
        }
        offset_bytes += step_bytes;
        buffer += step_bytes;
        length_bytes -= step_bytes;
    }
    return SNAP_OK;
}

/* Queues the read of a part of one mapped chunk. */
static enum snap_status queue_mapped(struct snap_view *view, const struct mapped *entry, uint64_t skip_bytes,
                                     uint64_t length_bytes, uint8_t *buffer, struct snap_error *err)
{
    const struct snap_layout *layout = &view->store->layout;

    if (entry->new_chunk >= layout->cow_chunks)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: entry %" PRIu64 ": the data of origin chunk %" PRIu64 " are in chunk %" PRIu64
                         ", but the device has %" PRIu64 " chunks",
                         view->store->io->name, entry->index, entry->old_chunk, entry->new_chunk, layout->cow_chunks);
    return queue_read(view, COW, entry->new_chunk * layout->chunk_bytes + skip_bytes, length_bytes, buffer, err);
}

enum snap_status snap_view_read(struct snap_view *view, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                struct snap_error *err)
{
    const uint64_t chunk_bytes = view->store->layout.chunk_bytes;
    uint8_t *at = buffer;

    if (!snap_range_fits(offset_bytes, length_bytes, snap_view_size_bytes(view)))
        return snap_fail(err, SNAP_E_INTERNAL, "%s: read beyond the end of the view", view->origin->name);
    view->queued[ORIGIN] = view->queued[COW] = 0;
    while (length_bytes > 0) {
        uint64_t chunk = offset_bytes / chunk_bytes;
        uint64_t step_bytes = snap_min(length_bytes, (chunk + 1) * chunk_bytes - offset_bytes);
        enum snap_status status = cover(view, chunk, err);
        size_t entry;

        if (status != SNAP_OK)
            return status;
        entry = lower_bound(view, chunk);
        if (entry < view->count && view->map[entry].old_chunk == chunk) {
            status = queue_mapped(view, &view->map[entry], offset_bytes % chunk_bytes, step_bytes, at, err);
        } else { /* up to the next entry, or as far as the map goes */
            uint64_t end_chunk = entry < view->count ? view->map[entry].old_chunk : view->end_chunk;

            step_bytes = snap_min(length_bytes, end_chunk * chunk_bytes - offset_bytes);
            status = queue_read(view, ORIGIN, offset_bytes, step_bytes, at, err);
        }
        if (status != SNAP_OK)
            return status;
        offset_bytes += step_bytes;
        length_bytes -= step_bytes;
        at += step_bytes;
    }
    return submit(view, err);
}

/* The text of a read that failed for this data chunk says where the chunk belongs. */
static enum snap_status fail_data_chunk(const struct snap_view *view, const struct mapped *entry,
                                        struct snap_error *err)
{
    char reason[SNAP_ERROR_REASON_BYTES];

    return snap_fail(err, SNAP_E_CORRUPT, "%s: data chunk %" PRIu64 " of origin chunk %" PRIu64 " (byte %" PRIu64
                     " of the snapshot) cannot be read: %s", view->store->io->name, entry->new_chunk, entry->old_chunk,
                     entry->old_chunk * view->store->layout.chunk_bytes, snap_error_reason(view->cow_errno, reason));
}

enum snap_status snap_view_read_chunks(struct snap_view *view, uint64_t offset_bytes, uint64_t length_bytes,
                                       void *buffer, struct snap_error *err)
{
    const uint64_t chunk_bytes = view->store->layout.chunk_bytes;
    enum snap_status status = SNAP_OK;
    uint8_t *at = buffer;

    while (length_bytes > 0 && status == SNAP_OK) {
        const uint64_t chunk = offset_bytes / chunk_bytes;
        const uint64_t step_bytes = snap_min(length_bytes, (chunk + 1) * chunk_bytes - offset_bytes);

        view->cow_errno = 0;
        status = snap_view_read(view, offset_bytes, step_bytes, at, err);
        if (status == SNAP_E_IO && snap_error_is_medium(view->cow_errno)) {
            const size_t entry = lower_bound(view, chunk);

            if (entry < view->count && view->map[entry].old_chunk == chunk)
                return fail_data_chunk(view, &view->map[entry], err);
        }
        offset_bytes += step_bytes;
        length_bytes -= step_bytes;
        at += step_bytes;
    }
    return status;
}

enum snap_status snap_view_next_entry(struct snap_view *view, uint64_t offset_bytes, uint64_t *next_entry_bytes,
                                      struct snap_error *err)
{
    const uint64_t chunk_bytes = view->store->layout.chunk_bytes;
    uint64_t chunk = offset_bytes / chunk_bytes;

    while (chunk < view->origin_chunks) {
        enum snap_status status = cover(view, chunk, err);
        size_t entry;

        if (status != SNAP_OK)
            return status;
        entry = lower_bound(view, chunk);
        if (entry < view->count) {
            *next_entry_bytes = snap_max(view->map[entry].old_chunk * chunk_bytes, offset_bytes);
            return SNAP_OK;
        }
        chunk = view->end_chunk;
    }
    *next_entry_bytes = snap_view_size_bytes(view);
    return SNAP_OK;
}

void snap_view_close(struct snap_view *view)
{
    if (!view)
        return;
    free(view->map);
    free(view);
}
