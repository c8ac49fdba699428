/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/store/header.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_READ_BYTES (1u << 20)    /* largest single request */
#define ENTRIES_REQUESTS 256u            /* requests handed over at once */
#define ENTRIES_VECTOR_BYTES ENTRIES_READ_BYTES /* buffer for one vector of requests; the largest fits */
#define ZERO_VECTOR_BYTES (4u << 20)

static bool all_zero(const uint8_t *bytes, size_t count)
{
    return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

static enum snap_header_defect judge_header(struct snap_store *store, uint64_t size_bytes)
{
    const struct snap_header *header = &store->header;
    bool chunk_size_good = snap_layout_chunk_sectors_valid(header->chunk_sectors);

    if (header->magic == 0)
        return SNAP_HEADER_EMPTY;
    if (header->magic != SNAP_MAGIC)
        return SNAP_HEADER_MAGIC;
    if (header->version != SNAP_DISK_VERSION)
        return SNAP_HEADER_VERSION;
    if (chunk_size_good)
        (void)snap_layout_init(&store->layout, header->chunk_sectors, size_bytes / SNAP_SECTOR_BYTES, NULL);
    if (header->valid == 0)
        return SNAP_HEADER_INVALID;
    if (!chunk_size_good)
        return SNAP_HEADER_CHUNK_SIZE;
    return snap_layout_areas_on_device(&store->layout) == 0 ? SNAP_HEADER_NO_AREA : SNAP_HEADER_GOOD;
}

enum snap_status snap_header_read(struct snap_store *store, struct snap_io *io, struct snap_error *err)
{
    uint8_t *sector;
    enum snap_status status;

    memset(store, 0, sizeof *store);
    store->io = io;
    store->defect = SNAP_HEADER_TOO_SMALL;
    if (io->size_bytes < SNAP_HEADER_SECTOR_BYTES)
        return SNAP_OK;
    sector = snap_buffer_new(SNAP_HEADER_SECTOR_BYTES);
    if (!sector)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory reading the header", io->name);
    status = snap_io_read(io, 0, SNAP_HEADER_SECTOR_BYTES, sector, err);
    if (status == SNAP_OK) {
        snap_codec_decode_header(sector, &store->header);
        store->identity_state = snap_codec_decode_record(sector, &store->identity);
        store->spare_bytes = store->identity_state == SNAP_IDENTITY_NONE &&
                             !all_zero(sector + SNAP_HEADER_BYTES, SNAP_HEADER_SECTOR_BYTES - SNAP_HEADER_BYTES);
        store->defect = judge_header(store, io->size_bytes);
    }
    snap_buffer_free(sector);
    return status;
}

enum snap_status snap_header_fail_defect(const struct snap_store *store, struct snap_error *err)
{
    const char *name = store->io->name;

    switch (store->defect) {
    case SNAP_HEADER_GOOD:
        return SNAP_OK;
    case SNAP_HEADER_TOO_SMALL:
        return snap_fail(err, SNAP_E_NOT_STORE, "%s: not a snapshot store: %" PRIu64 " bytes, too small for a header",
                         name, store->io->size_bytes);
    case SNAP_HEADER_EMPTY:
        return snap_fail(err, SNAP_E_NOT_STORE,
                         "%s: not a snapshot store: the first 4 bytes are zero, expected the magic \"SnAp\" "
                         "(never used, or reset: the kernel would start a new store here)",
                         name);
    case SNAP_HEADER_MAGIC:
        return snap_fail(err, SNAP_E_NOT_STORE,
                         "%s: not a snapshot store: magic 0x%08" PRIx32 " at byte 0, expected 0x%08x (\"SnAp\")", name,
                         store->header.magic, SNAP_MAGIC);
    case SNAP_HEADER_VERSION:
        return snap_fail(err, SNAP_E_VERSION, "%s: header: disk version %" PRIu32 " at byte 8, expected %u", name,
                         store->header.version, SNAP_DISK_VERSION);
    case SNAP_HEADER_INVALID:
        return snap_fail(err, SNAP_E_INVALID,
                         "%s: header: the store is marked invalid (valid is 0 at byte 4, expected 1): "
                         "it overflowed or met an I/O error, and misses origin data since then",
                         name);
    case SNAP_HEADER_CHUNK_SIZE:
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: header: chunk size of %" PRIu32 " sectors at byte 12, expected a power of two from 1 to %u",
                         name, store->header.chunk_sectors, SNAP_CHUNK_SECTORS_MAX);
    case SNAP_HEADER_NO_AREA:
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: header: with chunks of %" PRIu32 " sectors, metadata area 0 ends at sector %" PRIu64
                         ", but the device has %" PRIu64 " sectors",
                         name, store->header.chunk_sectors, (uint64_t)store->header.chunk_sectors * 2,
                         store->layout.cow_sectors);
    }
    return snap_fail(err, SNAP_E_INTERNAL, "%s: unknown header defect", name);
}

enum snap_status snap_header_open(struct snap_store *store, struct snap_io *io, struct snap_error *err)
{
    enum snap_status status = snap_header_read(store, io, err);

    return status == SNAP_OK ? snap_header_fail_defect(store, err) : status;
}

uint64_t snap_list_read_offset_bytes(const struct snap_store *store, uint64_t index)
{
    const struct snap_layout *layout = &store->layout;
    uint64_t offset_bytes;

    if (!snap_mul(snap_layout_area_chunk(layout, index / layout->entries_per_area), layout->chunk_bytes, &offset_bytes))
        return UINT64_MAX;
    return offset_bytes + index % layout->entries_per_area * SNAP_ENTRY_BYTES;
}

/* One vector of reads: consecutive entries, their bytes back to back in the buffer but for alignment at both ends. */
struct entries_vector {
    struct snap_io_request requests[ENTRIES_REQUESTS];
    struct iovec iovs[ENTRIES_REQUESTS];
    uint32_t lead_entries[ENTRIES_REQUESTS]; /* read for alignment, in front of those asked for */
    uint32_t entries[ENTRIES_REQUESTS];
    uint8_t *buffer;
};

/* Fills the vector with reads for up to `count` entries from `index`; returns how many entries it covers. */
static uint64_t fill_vector(const struct snap_store *store, uint64_t index, uint64_t count, struct entries_vector *vector,
                            size_t *requests)
{
    const uint32_t per_area = store->layout.entries_per_area;
    const uint64_t block_entries = snap_list_cut_unit_bytes(store) / SNAP_ENTRY_BYTES;
    uint64_t used_bytes = 0;
    uint64_t covered = 0;

    for (*requests = 0; *requests < ENTRIES_REQUESTS && covered < count; (*requests)++) {
        uint64_t slot = (index + covered) % per_area;
        uint64_t start = snap_round_down(slot, block_entries);
        uint64_t end = snap_min(snap_min(slot + (count - covered), per_area), start + ENTRIES_READ_BYTES / SNAP_ENTRY_BYTES);
        uint64_t aligned_end = snap_div_up(end, block_entries) * block_entries;
        uint64_t length_bytes = (aligned_end - start) * SNAP_ENTRY_BYTES;

        if (used_bytes + length_bytes > ENTRIES_VECTOR_BYTES)
            break;
        vector->iovs[*requests] = (struct iovec){vector->buffer + used_bytes, (size_t)length_bytes};
        vector->requests[*requests] = (struct snap_io_request){
            .kind = SNAP_IO_READ,
            .offset_bytes = snap_list_read_offset_bytes(store, index + covered) - (slot - start) * SNAP_ENTRY_BYTES,
            .iov = &vector->iovs[*requests],
            .iov_count = 1,
        };
        vector->lead_entries[*requests] = (uint32_t)(slot - start);
        vector->entries[*requests] = (uint32_t)(end - slot);
        used_bytes += length_bytes;
        covered += end - slot;
    }
    return covered;
}

enum snap_status snap_list_read_entries(const struct snap_store *store, uint64_t first_index, uint64_t count,
                                         struct snap_entry *entries, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    struct entries_vector *vector = malloc(sizeof *vector);

    if (!vector)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory reading entries", store->io->name);
    vector->buffer = snap_buffer_new_unset(ENTRIES_VECTOR_BYTES);
    if (!vector->buffer)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory reading entries", store->io->name);
    while (status == SNAP_OK && count > 0) {
        size_t requests;
        uint64_t covered = fill_vector(store, first_index, count, vector, &requests);

        status = snap_io_transfer(store->io, vector->requests, requests, err);
        for (size_t r = 0; status == SNAP_OK && r < requests; r++) {
            const uint8_t *bytes = (const uint8_t *)vector->iovs[r].iov_base +
                                   (size_t)vector->lead_entries[r] * SNAP_ENTRY_BYTES;

            for (uint32_t i = 0; i < vector->entries[r]; i++)
                snap_codec_decode_entry(bytes + (size_t)i * SNAP_ENTRY_BYTES, entries++);
        }
        first_index += covered;
        count -= covered;
    }
    snap_buffer_free(vector->buffer);
    free(vector);
    return status;
}

uint64_t snap_list_cut_unit_bytes(const struct snap_store *store)
{
    return snap_min(snap_max(SNAP_SECTOR_BYTES, store->io->logical_block_bytes), store->layout.chunk_bytes);
}

uint64_t snap_list_cut_single(const struct snap_store *store, uint64_t lowest, uint64_t length)
{
    const uint64_t per_area = store->layout.entries_per_area;
    const uint64_t last_unit_slot = per_area - snap_list_cut_unit_bytes(store) / SNAP_ENTRY_BYTES;
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
    const uint64_t unit_entries = snap_list_cut_unit_bytes(store) / SNAP_ENTRY_BYTES;

    return new_length >= length
               ? 0
               : (cut_end(store, length, new_length) - 1) / unit_entries - new_length / unit_entries + 1;
}

/* The unit in which the list will end, as it shall be: the entries in front of the new end, then zeros. */
static enum snap_status read_last_unit(const struct snap_store *store, uint64_t new_length, uint8_t *unit,
                                       struct snap_error *err)
{
    const uint64_t unit_bytes = snap_list_cut_unit_bytes(store);
    const uint64_t unit_first = snap_round_down(new_length, unit_bytes / SNAP_ENTRY_BYTES);
    const uint64_t keep_bytes = (new_length - unit_first) * SNAP_ENTRY_BYTES;
    enum snap_status status =
        snap_io_read(store->io, snap_list_read_offset_bytes(store, unit_first), unit_bytes, unit, err);

    if (status == SNAP_OK)
        memset(unit + keep_bytes, 0, (size_t)(unit_bytes - keep_bytes));
    return status;
}

enum snap_status snap_list_cut_shorten(const struct snap_store *store, uint64_t length, uint64_t new_length,
                                    struct snap_shorten_counts *counts, struct snap_error *err)
{
    const uint64_t unit_bytes = snap_list_cut_unit_bytes(store);
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
