/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads areas in batches, the next ones in a thread while one is looked at. */
#include "lib/store/list_walk.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/crc32c.h"
#include "lib/base/worker.h"

#include <inttypes.h>
#include <stdlib.h>

#define PIECE_BYTES_MAX (1u << 20)       /* largest single request */
#define BATCH_BYTES (2u << 20)
#define BATCH_PIECES_MAX 1024u
#define BATCHES 3u                       /* one is looked at while up to two are read ahead */
#define BATCH_PIECES_FIRST 12u           /* as many areas as the kernel prefetches; then twice as many each time */

/* Pieces that are read together, by a thread of their own while the ones before them are looked at. */
struct batch {
    const struct snap_store *store;
    uint64_t first_piece;                /* area * pieces_per_area + piece */
    uint32_t pieces;
    uint8_t *buffer;
    struct iovec *iovs;
    struct snap_io_request *requests;
    enum snap_status status;             /* a failure of all of them, which none of them tells ... */
    struct snap_error reason;            /* ... and its reason */
};

struct snap_list_walk {
    const struct snap_store *store;
    uint64_t piece_bytes;                /* min(chunk, PIECE_BYTES_MAX) */
    uint32_t pieces_per_area;
    uint64_t pieces_on_device;
    uint64_t next_piece;                 /* to be handed out */
    uint32_t pieces_max;                 /* in a batch; not more than the device has, at least 1 */
    uint32_t pieces_wanted;              /* in the next batch */
    struct batch batches[BATCHES];       /* a ring */
    unsigned now;                        /* which of them is looked at */
    unsigned ahead;                      /* how many behind it are read, or will be */
    struct snap_worker reader;           /* of those */
    bool ended;                          /* the terminator was seen */
    bool over;
    bool (*stop)(void *context);         /* NULL: never */
    void *stop_context;
};

static bool batch_init(struct batch *batch, const struct snap_list_walk *walk)
{
    batch->store = walk->store;
    batch->buffer = snap_buffer_new_unset(walk->pieces_max * walk->piece_bytes);
    batch->iovs = calloc(walk->pieces_max, sizeof *batch->iovs);
    batch->requests = calloc(walk->pieces_max, sizeof *batch->requests);
    return batch->buffer && batch->iovs && batch->requests;
}

static void batch_free(struct batch *batch)
{
    snap_buffer_free(batch->buffer);
    free(batch->iovs);
    free(batch->requests);
}

static void set_up(struct snap_list_walk *walk, const struct snap_store *store)
{
    walk->store = store;
    walk->piece_bytes = snap_min(store->layout.chunk_bytes, PIECE_BYTES_MAX);
    walk->pieces_per_area = (uint32_t)(store->layout.chunk_bytes / walk->piece_bytes);
    walk->pieces_on_device = snap_layout_areas_on_device(&store->layout) * walk->pieces_per_area;
    walk->pieces_max = (uint32_t)snap_min(snap_min(BATCH_PIECES_MAX, BATCH_BYTES / walk->piece_bytes),
                                          snap_max(walk->pieces_on_device, 1));
    walk->pieces_wanted = BATCH_PIECES_FIRST;
}

enum snap_status snap_list_walk_open(struct snap_list_walk **entries, const struct snap_store *store,
                                     struct snap_error *err)
{
    struct snap_list_walk *walk = calloc(1, sizeof *walk);
    bool complete = true;

    *entries = walk;
    if (walk) {
        set_up(walk, store);
        for (unsigned i = 0; i < BATCHES && complete; i++)
            complete = batch_init(&walk->batches[i], walk);
        if (complete)
            return SNAP_OK;
    }
    snap_list_walk_close(walk);
    *entries = NULL;
    return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory reading the list", store->io->name);
}

void snap_list_walk_stop_on(struct snap_list_walk *walk, bool (*stop)(void *context), void *stop_context)
{
    walk->stop = stop;
    walk->stop_context = stop_context;
}

static void read_batch(void *argument)
{
    struct batch *batch = argument;

    /* Each request has its own result; whether one that failed matters is decided when it is reached. */
    batch->status = snap_io_transfer(batch->store->io, batch->requests, batch->pieces, &batch->reason);
    for (uint32_t i = 0; i < batch->pieces && batch->status != SNAP_E_CHANGED; i++)
        if (batch->requests[i].sys_errno != 0)
            batch->status = SNAP_OK;
}

static void start_batch(struct snap_list_walk *walk, struct batch *batch, uint64_t first_piece,
                        struct snap_worker *reader)
{
    const struct snap_layout *layout = &walk->store->layout;
    const uint64_t room = snap_min(walk->pieces_wanted, walk->pieces_max);

    batch->first_piece = first_piece;
    batch->pieces = (uint32_t)snap_min(room, walk->pieces_on_device - first_piece);
    for (uint32_t i = 0; i < batch->pieces; i++) {
        const uint64_t piece = first_piece + i;

        batch->iovs[i] = (struct iovec){batch->buffer + i * walk->piece_bytes, (size_t)walk->piece_bytes};
        batch->requests[i] = (struct snap_io_request){
            .kind = SNAP_IO_READ,
            .offset_bytes = snap_layout_area_chunk(layout, piece / walk->pieces_per_area) * layout->chunk_bytes +
                            piece % walk->pieces_per_area * walk->piece_bytes,
            .iov = &batch->iovs[i],
            .iov_count = 1,
        };
    }
    walk->pieces_wanted = (uint32_t)snap_min((uint64_t)walk->pieces_wanted * 2, BATCH_PIECES_MAX);
    snap_worker_do(reader, read_batch, batch);
}

static bool batch_has(const struct batch *batch, uint64_t piece)
{
    return piece >= batch->first_piece && piece - batch->first_piece < batch->pieces;
}

static struct batch *batch_at(struct snap_list_walk *walk, unsigned behind_now)
{
    return &walk->batches[(walk->now + behind_now) % BATCHES];
}

/* Not behind the first batch, and few behind small ones: most lists end there, and a disk seeks for each area. */
static unsigned batches_wanted(const struct snap_list_walk *walk)
{
    if (walk->batches[walk->now].first_piece == 0)
        return 0;
    return walk->batches[walk->now].pieces < walk->pieces_max ? 1 : BATCHES - 1;
}

/* Makes `now` the batch that holds next_piece, which is on the device, and starts those behind it. */
static void turn_batch(struct snap_list_walk *walk)
{
    if (walk->ahead > 0 && batch_has(batch_at(walk, 1), walk->next_piece)) {
        snap_worker_wait_until(&walk->reader, walk->ahead - 1);
        walk->now = (walk->now + 1) % BATCHES;
        walk->ahead--;
    } else {
        snap_worker_wait(&walk->reader);
        walk->ahead = 0;
        start_batch(walk, batch_at(walk, 0), walk->next_piece, NULL);
    }
    while (walk->ahead < batches_wanted(walk)) {
        const struct batch *last = batch_at(walk, walk->ahead);

        if (last->first_piece + last->pieces >= walk->pieces_on_device)
            break;
        start_batch(walk, batch_at(walk, ++walk->ahead), last->first_piece + last->pieces, &walk->reader);
    }
}

static uint32_t count_live(const struct snap_span *span)
{
    uint32_t live = 0;

    while (live < span->slots && snap_span_new(span, live) != 0)
        live++;
    return live;
}

enum snap_status snap_list_walk_next(struct snap_list_walk *walk, struct snap_span *span, struct snap_error *err)
{
    const struct snap_store *store = walk->store;
    uint64_t area = walk->next_piece / walk->pieces_per_area;
    uint64_t piece = walk->next_piece % walk->pieces_per_area;
    const struct snap_io_request *request;
    const struct batch *now;

    *span = (struct snap_span){.area = area};
    if (walk->stop && walk->stop(walk->stop_context)) {
        walk->over = true;
        return snap_fail(err, SNAP_E_STOPPED, "%s: stopped while reading the list", store->io->name);
    }
    if (walk->over || (walk->ended && piece == 0)) {
        walk->over = true;
        return SNAP_OK;
    }
    if (walk->next_piece >= walk->pieces_on_device) {
        walk->over = true;
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: area %" PRIu64 " is full, so the list goes on in area %" PRIu64 " at sector %" PRIu64
                         ", but the device ends at sector %" PRIu64,
                         store->io->name, area - 1, area,
                         snap_layout_area_chunk(&store->layout, area) * store->layout.chunk_sectors,
                         store->layout.cow_sectors);
    }
    if (!batch_has(batch_at(walk, 0), walk->next_piece))
        turn_batch(walk);

    now = batch_at(walk, 0);
    request = &now->requests[walk->next_piece - now->first_piece];
    span->slots = (uint32_t)(walk->piece_bytes / SNAP_ENTRY_BYTES);
    span->first_slot = (uint32_t)(piece * span->slots);
    span->first_index = area * store->layout.entries_per_area + span->first_slot;
    span->bytes = request->iov->iov_base;
    if (now->status != SNAP_OK) {
        walk->over = true;
        if (err)
            *err = now->reason;
        return now->status;
    }
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

void snap_list_walk_seek_area(struct snap_list_walk *walk, uint64_t area)
{
    snap_worker_wait(&walk->reader);
    walk->next_piece = area * walk->pieces_per_area;
    walk->pieces_wanted = BATCH_PIECES_FIRST;
    walk->ended = false;
    walk->over = false;
}

enum snap_status snap_list_walk_digest(const struct snap_store *store, uint64_t count, uint32_t *crc32c,
                                       struct snap_error *err)
{
    struct snap_list_walk *walk = NULL;
    struct snap_span span;
    enum snap_status status = snap_list_walk_open(&walk, store, err);

    *crc32c = 0;
    while (status == SNAP_OK && count > 0) {
        uint64_t step;

        status = snap_list_walk_next(walk, &span, err);
        if (status == SNAP_OK && span.live == 0)
            status = snap_fail(err, SNAP_E_CORRUPT, "%s: the list became shorter while it was read; another program "
                               "writes to it: stop that, then repeat this command", store->io->name);
        if (status != SNAP_OK)
            break;
        step = snap_min(count, span.live);
        *crc32c = snap_crc32c_add(*crc32c, span.bytes, step * SNAP_ENTRY_BYTES);
        count -= step;
    }
    snap_list_walk_close(walk);
    return status;
}

void snap_list_walk_close(struct snap_list_walk *walk)
{
    if (!walk)
        return;
    snap_worker_end(&walk->reader);
    for (unsigned i = 0; i < BATCHES; i++)
        batch_free(&walk->batches[i]);
    free(walk);
}
