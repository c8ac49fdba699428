/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads that the map of entries divides between two devices. */
#include "lib/view/view.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/view/view_map_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define REQUESTS_MAX 512u
#define REQUEST_BYTES_MAX (1u << 20)

struct snap_view {
    const struct snap_store *store;
    struct snap_io *origin;
    struct snap_view_map map;
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
    const uint64_t origin_chunks =
        snap_layout_origin_chunks(&store->layout, origin->size_bytes / SNAP_SECTOR_BYTES);
    struct snap_view *view = calloc(1, sizeof *view);

    *result = view;
    if (view) {
        view->store = store;
        view->origin = origin;
    }
    if (!view || !snap_view_map_init(&view->map, store, origin_chunks, memory_bytes)) {
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

void snap_view_skip_damaged(struct snap_view *view, const struct snap_view_skip *skip)
{
    view->map.skip = skip;
}

static enum snap_status tell_skipped(const struct snap_view *view, uint64_t old_chunk, enum snap_view_damage damage,
                                     struct snap_error *err)
{
    return view->map.skip->skipped ? view->map.skip->skipped(view->map.skip->context, old_chunk, damage, err) : SNAP_OK;
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

/* A part of a chunk that the store does not tell, as the caller wants it. */
static enum snap_status queue_damaged(struct snap_view *view, const struct snap_mapped *entry, uint64_t skip_bytes,
                                      uint64_t length_bytes, uint8_t *buffer, struct snap_error *err)
{
    enum snap_status status =
        tell_skipped(view, entry->old_chunk, (enum snap_view_damage)(entry->new_chunk - SNAP_VIEW_DAMAGE_FIRST), err);

    if (status != SNAP_OK)
        return status;
    if (view->map.skip->as_origin)
        return queue_read(view, ORIGIN, entry->old_chunk * view->store->layout.chunk_bytes + skip_bytes, length_bytes,
                          buffer, err);
    memset(buffer, 0, (size_t)length_bytes);
    return SNAP_OK;
}

/* Queues the read of a part of one mapped chunk. */
static enum snap_status queue_mapped(struct snap_view *view, const struct snap_mapped *entry, uint64_t skip_bytes,
                                     uint64_t length_bytes, uint8_t *buffer, struct snap_error *err)
{
    const struct snap_layout *layout = &view->store->layout;

    if (view->map.skip && entry->new_chunk >= SNAP_VIEW_DAMAGE_FIRST)
        return queue_damaged(view, entry, skip_bytes, length_bytes, buffer, err);
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
        enum snap_status status = snap_view_map_cover(&view->map, chunk, err);
        size_t entry;

        if (status != SNAP_OK)
            return status;
        entry = snap_view_map_lower_bound(&view->map, chunk);
        if (entry < view->map.count && view->map.entries[entry].old_chunk == chunk) {
            status = queue_mapped(view, &view->map.entries[entry], offset_bytes % chunk_bytes, step_bytes, at, err);
        } else { /* up to the next entry, or as far as the map goes */
            uint64_t end_chunk = entry < view->map.count ? view->map.entries[entry].old_chunk : view->map.end_chunk;

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

/*
 * The text of a read that failed for this data chunk says where the chunk belongs. Or the chunk is skipped: `buffer`
 * gets what stands for [offset, offset + length) of it.
 */
static enum snap_status end_unreadable(struct snap_view *view, const struct snap_mapped *entry, uint64_t offset_bytes,
                                       uint64_t length_bytes, uint8_t *buffer, struct snap_error *err)
{
    char reason[SNAP_ERROR_REASON_BYTES];

    if (view->map.skip) {
        const enum snap_status status = tell_skipped(view, entry->old_chunk, SNAP_VIEW_UNREADABLE, err);

        if (status == SNAP_OK && view->map.skip->as_origin)
            return snap_io_read(view->origin, offset_bytes, length_bytes, buffer, err);
        memset(buffer, 0, (size_t)length_bytes);
        return status;
    }
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
            const size_t entry = snap_view_map_lower_bound(&view->map, chunk);

            if (entry < view->map.count && view->map.entries[entry].old_chunk == chunk)
                status = end_unreadable(view, &view->map.entries[entry], offset_bytes, step_bytes, at, err);
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

    while (chunk < view->map.origin_chunks) {
        enum snap_status status = snap_view_map_cover(&view->map, chunk, err);
        size_t entry;

        if (status != SNAP_OK)
            return status;
        entry = snap_view_map_lower_bound(&view->map, chunk);
        if (entry < view->map.count) {
            *next_entry_bytes = snap_max(view->map.entries[entry].old_chunk * chunk_bytes, offset_bytes);
            return SNAP_OK;
        }
        chunk = view->map.end_chunk;
    }
    *next_entry_bytes = snap_view_size_bytes(view);
    return SNAP_OK;
}

void snap_view_close(struct snap_view *view)
{
    if (!view)
        return;
    snap_view_map_free(&view->map);
    free(view);
}
