/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills slots behind the end of the list, the area that links the others last. */
#include "lib/store/list_append.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/text.h"
#include "lib/store/list_read.h"

#include <inttypes.h>
#include <string.h>

#define VECTOR_BYTES (1u << 20)      /* pieces of areas that are written together */
#define PIECE_BYTES_MAX (256u << 10)
#define VECTOR_REQUESTS 256u

/* The entries of one commit. */
struct batch {
    const uint64_t *old_chunks;
    uint64_t count;
};

enum snap_status snap_list_append_init(struct snap_list_append *append, const struct snap_store *store,
                                       uint64_t entries, uint64_t highest_new_chunk, struct snap_error *err)
{
    const struct snap_layout *layout = &store->layout;

    *append = (struct snap_list_append){.store = store, .entries = entries};
    if (layout->chunk_bytes % store->io->logical_block_bytes != 0)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: the device has blocks of %" PRIu32 " bytes, the store has chunks of %" PRIu64
                         " bytes: single chunks cannot be written",
                         store->io->name, store->io->logical_block_bytes, layout->chunk_bytes);
    if (highest_new_chunk >= layout->cow_chunks || snap_layout_areas_on_device(layout) == 0)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: data chunk %" PRIu64 " is in use, but the device has %" PRIu64 " chunks",
                         store->io->name, highest_new_chunk, layout->cow_chunks);
    append->next_chunk = snap_layout_next_free(layout, highest_new_chunk);
    append->pieces = snap_buffer_new_unset(VECTOR_BYTES);
    append->unit = snap_buffer_new(snap_header_unit_bytes(store));
    if (!append->pieces || !append->unit)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for appending to the list", store->io->name);
    return SNAP_OK;
}

void snap_list_append_free(struct snap_list_append *append)
{
    snap_buffer_free(append->pieces);
    snap_buffer_free(append->unit);
    memset(append, 0, sizeof *append);
}

uint64_t snap_list_append_room(const struct snap_list_append *append)
{
    const struct snap_layout *layout = &append->store->layout;
    /* All slots but the very last. */
    const uint64_t slots = snap_layout_areas_on_device(layout) * layout->entries_per_area - 1;

    if (append->next_chunk >= layout->cow_chunks || append->entries >= slots)
        return 0;
    return snap_min(snap_layout_data_chunks_before(layout, layout->cow_chunks) -
                    snap_layout_data_chunks_before(layout, append->next_chunk),
                    slots - append->entries);
}

uint64_t snap_list_append_chunk(const struct snap_list_append *append, uint64_t k)
{
    const struct snap_layout *layout = &append->store->layout;

    /* The canonical order, entered where this list happens to be. */
    return snap_layout_canonical_chunk(layout, snap_layout_data_chunks_before(layout, append->next_chunk) + k);
}

static enum snap_status flush(struct snap_list_append *append, struct snap_list_append_counts *counts,
                              struct snap_error *err)
{
    counts->flushes++;
    return snap_io_flush(append->store->io, err);
}

static enum snap_status fail_used_up(const struct snap_list_append *append, struct snap_error *err)
{
    return snap_fail(err, SNAP_E_INTERNAL, "%s: an earlier write or flush failed; nothing more is written",
                     append->store->io->name);
}

enum snap_status snap_list_append_flush_list(struct snap_list_append *append, struct snap_list_append_counts *counts,
                                             struct snap_error *err)
{
    enum snap_status status;

    if (append->failed)
        return fail_used_up(append, err);
    if (append->list_flushed)
        return SNAP_OK;
    status = flush(append, counts, err);
    append->list_flushed = status == SNAP_OK;
    append->failed = status != SNAP_OK;
    return status;
}

/* The slots [index, index + slots) of one area, all of them behind the present end, as they shall be. */
static void fill_slots(const struct snap_list_append *append, const struct batch *batch, uint64_t index, uint64_t slots,
                       uint8_t *bytes)
{
    const uint64_t first = index - append->entries;
    const uint64_t live = first < batch->count ? snap_min(batch->count - first, slots) : 0;

    for (uint64_t i = 0; i < live; i++) {
        const struct snap_entry entry = {
            .old_chunk = batch->old_chunks[first + i],
            .new_chunk = snap_list_append_chunk(append, first + i),
        };

        snap_codec_encode_entry(&entry, bytes + i * SNAP_ENTRY_BYTES);
    }
    memset(bytes + live * SNAP_ENTRY_BYTES, 0, (size_t)((slots - live) * SNAP_ENTRY_BYTES));
}

/* The areas that nothing links yet: their order, and what a power failure leaves of them, do not matter. */
static enum snap_status write_areas(struct snap_list_append *append, const struct batch *batch,
                                    struct snap_list_append_counts *counts, struct snap_error *err)
{
    const struct snap_store *store = append->store;
    const uint64_t per_area = store->layout.entries_per_area;
    const uint64_t piece_bytes = snap_min(store->layout.chunk_bytes, PIECE_BYTES_MAX);
    const uint64_t piece_slots = piece_bytes / SNAP_ENTRY_BYTES;
    const uint64_t first_area = snap_layout_area_behind(&store->layout, append->entries);
    uint64_t end_area = snap_layout_area_behind(&store->layout, append->entries + batch->count);
    const size_t room = (size_t)snap_min(VECTOR_REQUESTS, VECTOR_BYTES / piece_bytes);
    uint64_t index = first_area * per_area;
    struct snap_io_request requests[VECTOR_REQUESTS];
    struct iovec iovs[VECTOR_REQUESTS];
    enum snap_status status = SNAP_OK;
    uint64_t end;

    /* The area behind as well: with the list's end next to it, what an earlier use left there could seem to go on. */
    if (end_area > first_area && end_area < snap_layout_areas_on_device(&store->layout))
        end_area++;
    end = end_area * per_area;
    while (index < end && status == SNAP_OK) {
        size_t filled = 0;

        for (; index < end && filled < room; index += piece_slots, filled++) {
            iovs[filled] = (struct iovec){append->pieces + filled * piece_bytes, (size_t)piece_bytes};
            fill_slots(append, batch, index, piece_slots, iovs[filled].iov_base);
            requests[filled] = (struct snap_io_request){
                .kind = SNAP_IO_WRITE,
                .offset_bytes = snap_list_read_offset_bytes(store, index),
                .iov = &iovs[filled],
                .iov_count = 1,
            };
        }
        status = snap_io_transfer(store->io, requests, filled, err);
        counts->metadata_bytes += filled * piece_bytes;
    }
    return status;
}

/* Reads the unit that holds the present end: what stands in front of the end must be kept, behind it are zeros. */
static enum snap_status read_first_unit(struct snap_list_append *append, uint64_t unit_first, struct snap_error *err)
{
    const struct snap_store *store = append->store;
    const uint64_t unit_bytes = snap_header_unit_bytes(store);
    enum snap_status status =
        snap_io_read(store->io, snap_list_read_offset_bytes(store, unit_first), unit_bytes, append->unit, err);

    for (uint64_t i = 0; i < unit_bytes / SNAP_ENTRY_BYTES && status == SNAP_OK; i++) {
        struct snap_entry entry;

        snap_codec_decode_entry(append->unit + i * SNAP_ENTRY_BYTES, &entry);
        if (unit_first + i < append->entries ? entry.new_chunk == 0 : (entry.old_chunk | entry.new_chunk) != 0)
            status = snap_fail(err, SNAP_E_CORRUPT,
                               "%s: the list has no longer %" PRIu64 " entries, though it was checked: another program "
                               "writes to the device; stop that, then repeat this command",
                               store->io->name, append->entries);
    }
    return status;
}

/*
 * The current area, unit by unit. Each is durable before the next is written, or entries could stand behind a
 * terminator. `unit` holds what read_first_unit found.
 */
static enum snap_status write_units(struct snap_list_append *append, const struct batch *batch,
                                    struct snap_list_append_counts *counts, struct snap_error *err)
{
    const struct snap_store *store = append->store;
    const uint64_t per_area = store->layout.entries_per_area;
    const uint64_t unit_bytes = snap_header_unit_bytes(store);
    const uint64_t unit_entries = unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t end =
        snap_min(append->entries + batch->count, snap_round_down(append->entries, per_area) + per_area);
    enum snap_status status = SNAP_OK;

    for (uint64_t first = snap_round_down(append->entries, unit_entries); first < end && status == SNAP_OK;
         first += unit_entries) {
        const uint64_t kept = first < append->entries ? append->entries - first : 0;

        fill_slots(append, batch, first + kept, unit_entries - kept, append->unit + kept * SNAP_ENTRY_BYTES);
        status = snap_io_write(store->io, snap_list_read_offset_bytes(store, first), unit_bytes, append->unit,
                               err);
        if (status != SNAP_OK)
            break;
        counts->metadata_bytes += unit_bytes;
        status = flush(append, counts, err);
    }
    return status;
}

enum snap_status snap_list_append_commit(struct snap_list_append *append, const uint64_t *old_chunks, uint64_t count,
                                         struct snap_list_append_counts *counts, struct snap_error *err)
{
    const struct batch batch = {.old_chunks = old_chunks, .count = count};
    const uint64_t unit_entries = snap_header_unit_bytes(append->store) / SNAP_ENTRY_BYTES;
    const uint64_t per_area = append->store->layout.entries_per_area;
    enum snap_status status;

    if (count == 0)
        return SNAP_OK;
    if (append->failed || !append->list_flushed)
        return append->failed ? fail_used_up(append, err)
                              : snap_fail(err, SNAP_E_INTERNAL, "%s: its list was not flushed before the append",
                                          append->store->io->name);
    if (count > snap_list_append_room(append))
        return snap_fail(err, SNAP_E_NOSPC, "%s: the store has room for %" PRIu64 " more %s, not for %" PRIu64,
                         append->store->io->name, snap_list_append_room(append),
                         snap_text_form(snap_list_append_room(append), "chunk", "chunks"), count);

    status = read_first_unit(append, snap_round_down(append->entries, unit_entries), err); /* first: it may fail */
    if (status == SNAP_OK && append->entries / per_area != (append->entries + count - 1) / per_area)
        status = flush(append, counts, err); /* entries that nothing links yet fit the list already: see the header */
    if (status == SNAP_OK)
        status = write_areas(append, &batch, counts, err);
    if (status == SNAP_OK)
        status = flush(append, counts, err);
    if (status == SNAP_OK)
        status = write_units(append, &batch, counts, err);
    append->failed = status != SNAP_OK;
    if (status != SNAP_OK)
        return status;
    append->next_chunk = snap_layout_next_free(&append->store->layout, snap_list_append_chunk(append, count - 1));
    append->entries += count;
    return SNAP_OK;
}
