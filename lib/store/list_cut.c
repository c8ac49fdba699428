/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shortens the list from its end, one atomic unit at a time. */
#include "lib/store/list_cut.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/store/list_read.h"

#include <inttypes.h>
#include <string.h>

#define ZERO_VECTOR_BYTES (4u << 20)

uint64_t snap_list_cut_single(const struct snap_store *store, uint64_t lowest, uint64_t length)
{
    const uint64_t per_area = store->layout.entries_per_area;
    const uint64_t last_unit_slot = per_area - snap_header_unit_bytes(store) / SNAP_ENTRY_BYTES;
    uint64_t slot = lowest % per_area;
    uint64_t cut = slot >= last_unit_slot ? lowest : lowest - slot + last_unit_slot;

    return cut < length ? cut : length;
}

/* The end of what must be cleared: everything behind this area is unreachable once its slots are. */
static uint64_t cut_end(const struct snap_store *store, uint64_t length, uint64_t new_length)
{
    const uint64_t per_area = store->layout.entries_per_area;

    return snap_min(length, snap_round_down(new_length, per_area) + per_area);
}

uint64_t snap_list_cut_units(const struct snap_store *store, uint64_t length, uint64_t new_length)
{
    const uint64_t unit_entries = snap_header_unit_bytes(store) / SNAP_ENTRY_BYTES;

    return new_length >= length
               ? 0
               : (cut_end(store, length, new_length) - 1) / unit_entries - new_length / unit_entries + 1;
}

/* The unit in which the list will end, as it shall be: the entries in front of the new end, then zeros. */
static enum snap_status read_last_unit(const struct snap_store *store, uint64_t new_length, uint8_t *unit,
                                       struct snap_error *err)
{
    const uint64_t unit_bytes = snap_header_unit_bytes(store);
    const uint64_t unit_first = snap_round_down(new_length, unit_bytes / SNAP_ENTRY_BYTES);
    const uint64_t keep_bytes = (new_length - unit_first) * SNAP_ENTRY_BYTES;
    enum snap_status status =
        snap_io_read(store->io, snap_list_read_offset_bytes(store, unit_first), unit_bytes, unit, err);

    if (status == SNAP_OK)
        memset(unit + keep_bytes, 0, (size_t)(unit_bytes - keep_bytes));
    return status;
}

enum snap_status snap_list_cut(const struct snap_store *store, uint64_t length, uint64_t new_length,
                               struct snap_list_cut_counts *counts, struct snap_error *err)
{
    const uint64_t unit_bytes = snap_header_unit_bytes(store);
    const uint64_t unit_entries = unit_bytes / SNAP_ENTRY_BYTES;
    uint64_t unit_first = snap_round_down(cut_end(store, length, new_length) - 1, unit_entries); /* of the last unit */
    enum snap_status status = SNAP_OK;
    uint8_t *zeros, *last;

    if (new_length >= length)
        return snap_fail(err, SNAP_E_INTERNAL, "%s: cannot shorten a list of %" PRIu64 " entries to %" PRIu64,
                         store->io->name, length, new_length);
    zeros = snap_buffer_new(unit_bytes);
    last = snap_buffer_new(unit_bytes);
    if (!zeros || !last)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory shortening the list", store->io->name);
    else
        status = read_last_unit(store, new_length, last, err); /* before the first write: it may fail */
    while (status == SNAP_OK) {
        const bool is_last = unit_first <= new_length;

        status = snap_io_write(store->io, snap_list_read_offset_bytes(store, unit_first), unit_bytes,
                               is_last ? last : zeros, err);
        if (status != SNAP_OK)
            break;
        counts->written_bytes += unit_bytes;
        counts->flushes++;
        status = snap_io_flush(store->io, err); /* before the unit in front of it: else garbage behind a terminator */
        if (is_last)
            break;
        unit_first -= unit_entries;
    }
    snap_buffer_free(zeros);
    snap_buffer_free(last);
    return status;
}

enum snap_status snap_list_cut_zero_areas(const struct snap_store *store, uint64_t first_area, uint64_t count,
                                          struct snap_error *err)
{
    const uint64_t chunk_bytes = store->layout.chunk_bytes;
    const uint64_t piece_bytes = snap_min(chunk_bytes, ZERO_VECTOR_BYTES);
    struct snap_io_request requests[64];
    struct iovec zeros = {.iov_len = (size_t)piece_bytes};
    enum snap_status status = SNAP_OK;
    struct snap_error reason;
    enum snap_status failure = SNAP_OK; /* the first; what can be zeroed is, all the same */
    size_t filled = 0;

    if (count == 0)
        return SNAP_OK;
    zeros.iov_base = snap_buffer_new(piece_bytes);
    if (!zeros.iov_base)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory clearing areas", store->io->name);
    for (uint64_t area = first_area + count; status == SNAP_OK && area-- > first_area;) {
        uint64_t area_bytes = snap_layout_area_chunk(&store->layout, area) * chunk_bytes;

        for (uint64_t done_bytes = 0; status == SNAP_OK && done_bytes < chunk_bytes; done_bytes += piece_bytes) {
            requests[filled++] = (struct snap_io_request){
                .kind = SNAP_IO_WRITE, .offset_bytes = area_bytes + done_bytes, .iov = &zeros, .iov_count = 1};
            if (filled == sizeof requests / sizeof requests[0] ||
                (area == first_area && done_bytes + piece_bytes == chunk_bytes)) {
                status = snap_io_transfer(store->io, requests, filled, failure == SNAP_OK ? &reason : NULL);
                filled = 0;
            }
            if (status != SNAP_OK && failure == SNAP_OK)
                failure = status;
            if (status == SNAP_E_IO)
                status = SNAP_OK;
        }
    }
    snap_buffer_free(zeros.iov_base);
    if (failure != SNAP_OK && err)
        *err = reason;
    return failure;
}
