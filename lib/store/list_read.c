/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads entries of the list by their index, in vectors of large aligned requests. */
#include "lib/store/list_read.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"

#include <stdlib.h>

#define READ_BYTES_MAX (1u << 20)   /* largest single request */
#define VECTOR_BYTES READ_BYTES_MAX /* buffer for one vector of requests; the largest fits */
#define VECTOR_REQUESTS 256u        /* requests handed over at once */

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
    struct snap_io_request requests[VECTOR_REQUESTS];
    struct iovec iovs[VECTOR_REQUESTS];
    uint32_t lead_entries[VECTOR_REQUESTS]; /* read for alignment, in front of those asked for */
    uint32_t entries[VECTOR_REQUESTS];
    uint8_t *buffer;
};

/* Fills the vector with reads for up to `count` entries from `index`; returns how many entries it covers. */
static uint64_t fill_vector(const struct snap_store *store, uint64_t index, uint64_t count,
                            struct entries_vector *vector, size_t *requests)
{
    const uint32_t per_area = store->layout.entries_per_area;
    const uint64_t block_entries = snap_header_unit_bytes(store) / SNAP_ENTRY_BYTES;
    uint64_t used_bytes = 0;
    uint64_t covered = 0;

    for (*requests = 0; *requests < VECTOR_REQUESTS && covered < count; (*requests)++) {
        uint64_t slot = (index + covered) % per_area;
        uint64_t start = snap_round_down(slot, block_entries);
        uint64_t end = snap_min(snap_min(slot + (count - covered), per_area),
                                start + READ_BYTES_MAX / SNAP_ENTRY_BYTES);
        uint64_t aligned_end = snap_div_up(end, block_entries) * block_entries;
        uint64_t length_bytes = (aligned_end - start) * SNAP_ENTRY_BYTES;

        if (used_bytes + length_bytes > VECTOR_BYTES)
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
    vector->buffer = snap_buffer_new_unset(VECTOR_BYTES);
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
