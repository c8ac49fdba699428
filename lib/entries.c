/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "entries.h"

#include "arith.h"

#include <inttypes.h>
#include <stdlib.h>

#define PIECE_BYTES_MAX (1u << 20)       /* largest single request */
#define BATCH_BYTES (4u << 20)
#define BATCH_PIECES_MAX 1024u
#define BATCH_PIECES_FIRST 12u           /* as many areas as the kernel prefetches; then twice as many each time */

struct snap_entries {
    const struct snap_store *store;
    uint64_t piece_bytes;                /* min(chunk, PIECE_BYTES_MAX) */
    uint32_t pieces_per_area;
    uint64_t areas;                      /* on the device */
    uint64_t next_piece;                 /* to be handed out; area * pieces_per_area + piece */
    uint64_t batch_first_piece;
    uint32_t batch_pieces;               /* in the buffer */
    uint32_t batch_pieces_wanted;
    bool ended;                          /* the terminator was seen */
    bool over;
    uint8_t *buffer;
    struct iovec *iovs;
    struct snap_io_request *requests;
};

enum snap_status snap_entries_open(struct snap_entries **entries, const struct snap_store *store, struct snap_error *err)
{
    struct snap_entries *walk = calloc(1, sizeof *walk);

    *entries = walk;
    if (walk) {
        walk->store = store;
        walk->piece_bytes = snap_min(store->layout.chunk_bytes, PIECE_BYTES_MAX);
        walk->pieces_per_area = (uint32_t)(store->layout.chunk_bytes / walk->piece_bytes);
        walk->areas = snap_areas_on_device(&store->layout);
        walk->batch_pieces_wanted = BATCH_PIECES_FIRST;
        walk->buffer = snap_io_buffer_new(BATCH_BYTES);
        walk->iovs = calloc(BATCH_PIECES_MAX, sizeof *walk->iovs);
        walk->requests = calloc(BATCH_PIECES_MAX, sizeof *walk->requests);
    }
    if (!walk || !walk->buffer || !walk->iovs || !walk->requests) {
        snap_entries_close(walk);
        *entries = NULL;
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory reading the list", store->io->name);
    }
    return SNAP_OK;
}

/* Reads pieces from next_piece on. Whether one that failed matters is decided when it is reached. */
static void read_batch(struct snap_entries *walk)
{
    uint64_t pieces_left = walk->areas * walk->pieces_per_area - walk->next_piece;
    uint64_t pieces = snap_min(snap_min(walk->batch_pieces_wanted, BATCH_BYTES / walk->piece_bytes), pieces_left);

    for (uint64_t i = 0; i < pieces; i++) {
        uint64_t piece = walk->next_piece + i;
        uint64_t area_bytes = snap_area_chunk(&walk->store->layout, piece / walk->pieces_per_area) *
                              walk->store->layout.chunk_bytes;

        walk->iovs[i] = (struct iovec){walk->buffer + i * walk->piece_bytes, (size_t)walk->piece_bytes};
        walk->requests[i] = (struct snap_io_request){
            .kind = SNAP_IO_READ,
            .offset_bytes = area_bytes + piece % walk->pieces_per_area * walk->piece_bytes,
            .iov = &walk->iovs[i],
            .iov_count = 1,
        };
    }
    walk->batch_first_piece = walk->next_piece;
    walk->batch_pieces = (uint32_t)pieces;
    walk->batch_pieces_wanted = (uint32_t)snap_min((uint64_t)walk->batch_pieces_wanted * 2, BATCH_PIECES_MAX);
    (void)snap_io_transfer(walk->store->io, walk->requests, (size_t)pieces, NULL); /* each request has its own result */
}

static uint32_t count_live(const struct snap_span *span)
{
    uint32_t live = 0;

    while (live < span->slots && snap_span_new(span, live) != 0)
        live++;
    return live;
}

enum snap_status snap_entries_next(struct snap_entries *walk, struct snap_span *span, struct snap_error *err)
{
    const struct snap_store *store = walk->store;
    uint64_t area = walk->next_piece / walk->pieces_per_area;
    uint64_t piece = walk->next_piece % walk->pieces_per_area;
    const struct snap_io_request *request;

    *span = (struct snap_span){.area = area};
    if (walk->over || (walk->ended && piece == 0)) {
        walk->over = true;
        return SNAP_OK;
    }
    if (area >= walk->areas) {
        walk->over = true;
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: area %" PRIu64 " is full, so the list goes on in area %" PRIu64 " at sector %" PRIu64
                         ", but the device ends at sector %" PRIu64,
                         store->io->name, area - 1, area,
                         snap_area_chunk(&store->layout, area) * store->layout.chunk_sectors,
                         store->layout.cow_sectors);
    }
    if (walk->next_piece - walk->batch_first_piece >= walk->batch_pieces)
        read_batch(walk);

    request = &walk->requests[walk->next_piece - walk->batch_first_piece];
    span->slots = (uint32_t)(walk->piece_bytes / SNAP_ENTRY_BYTES);
    span->first_slot = (uint32_t)(piece * span->slots);
    span->first_index = area * store->layout.entries_per_area + span->first_slot;
    span->bytes = request->iov->iov_base;
    if (request->sys_errno != 0) {
        walk->over = true;
        return snap_fail_errno(err, request->sys_errno, "%s: cannot read metadata area %" PRIu64 " at byte %" PRIu64,
                               store->io->name, area, request->offset_bytes);
    }
    if (!walk->ended) {
        span->live = count_live(span);
        walk->ended = span->live < span->slots;
    }
    walk->next_piece++;
    return SNAP_OK;
}

void snap_entries_seek_area(struct snap_entries *walk, uint64_t area)
{
    walk->next_piece = area * walk->pieces_per_area;
    walk->batch_first_piece = 0;
    walk->batch_pieces = 0;
    walk->batch_pieces_wanted = BATCH_PIECES_FIRST;
    walk->ended = false;
    walk->over = false;
}

void snap_entries_close(struct snap_entries *walk)
{
    if (!walk)
        return;
    snap_io_buffer_free(walk->buffer);
    free(walk->iovs);
    free(walk->requests);
    free(walk);
}
