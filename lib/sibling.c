/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sibling.h"

#include "append.h"
#include "arith.h"
#include "chunkset.h"
#include "entries.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES_MAX (64u << 20)
#define APPEND_MEMORY_BYTES ((1u << 20) + (64u << 10)) /* the buffers of snap_append */

struct snap_sibling {
    const struct snap_store *store;
    struct snap_sibling_options options;
    struct snap_append append;
    struct snap_sibling_counts counts;
    struct snap_chunkset *found;     /* chunks with an entry when the list was read */
    struct snap_chunkset *added;     /* chunks that got one since; before the first copy: scratch of plan */
    bool invalid;
    bool failed;                     /* the sets may not be what is on the device */
    /* chunks that wait for their entries, in origin order; at least one always has room */
    uint64_t *pending;
    uint64_t pending_count, pending_max;
    /* the data on their way */
    struct snap_entry *moves;        /* read at new_chunk of the origin, written at old_chunk of the store */
    uint64_t moves_max;
    uint64_t slice_bytes;
    uint8_t *buffer;                 /* moves_max * slice_bytes */
    struct snap_plan plan;
    struct snap_copy_group group;
};

static enum snap_status fail_memory(const struct snap_sibling *sibling, struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM,
                     "%s: %" PRIu64 " MiB of memory are too little to keep count of this store's chunks; try more "
                     "with --memory",
                     sibling->store->io->name, sibling->options.memory_bytes >> 20);
}

static bool stopped(const struct snap_sibling *sibling)
{
    return sibling->options.stop && sibling->options.stop(sibling->options.stop_context);
}

/* Divides the memory: a quarter for data on their way, some for chunks that wait; the sets get the rest. */
static enum snap_status allocate(struct snap_sibling *sibling, struct snap_error *err)
{
    const struct snap_layout *layout = &sibling->store->layout;
    const uint64_t memory_bytes = sibling->options.memory_bytes;
    const uint64_t buffer_bytes = snap_min(memory_bytes / 4, BUFFER_BYTES_MAX);
    const uint64_t move_bytes =
        layout->chunk_bytes + sizeof *sibling->moves + snap_plan_memory_bytes(layout->chunk_bytes, 1);
    uint64_t fixed_bytes;
    enum snap_status status;

    sibling->slice_bytes = layout->chunk_bytes;
    while (sibling->slice_bytes > buffer_bytes)
        sibling->slice_bytes /= 2;
    sibling->moves_max = snap_max(buffer_bytes / move_bytes, 1);
    sibling->pending_max = memory_bytes / 32 / sizeof *sibling->pending;
    fixed_bytes = sibling->moves_max * (move_bytes - layout->chunk_bytes + sibling->slice_bytes) +
                  sibling->pending_max * sizeof *sibling->pending + SNAP_COPY_GROUP_MEMORY_BYTES +
                  APPEND_MEMORY_BYTES;

    sibling->moves = calloc((size_t)sibling->moves_max, sizeof *sibling->moves);
    sibling->pending = malloc((size_t)sibling->pending_max * sizeof *sibling->pending);
    sibling->buffer = snap_io_buffer_new_unset(sibling->moves_max * sibling->slice_bytes);
    sibling->found = snap_chunkset_new(memory_bytes > fixed_bytes ? memory_bytes - fixed_bytes : 0);
    status = snap_plan_init(&sibling->plan, layout, (size_t)sibling->moves_max, err);
    if (status == SNAP_OK)
        status = snap_copy_group_init(&sibling->group, err);
    if (status == SNAP_OK && (!sibling->moves || !sibling->pending || !sibling->buffer || !sibling->found))
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for copies of %" PRIu64 " bytes; try --memory",
                           sibling->store->io->name, sibling->moves_max * sibling->slice_bytes);
    return status;
}

/* Slots are filled without being cleared: they have to be zero. */
static enum snap_status check_zero(const struct snap_sibling *sibling, const struct snap_span *span,
                                   struct snap_error *err)
{
    for (uint32_t i = span->live; i < span->slots; i++) {
        if ((snap_span_old(span, i) | snap_span_new(span, i)) != 0)
            return snap_fail(err, SNAP_E_CORRUPT,
                             "%s: area %" PRIu64 " slot %" PRIu32 ": garbage behind the end of the list",
                             sibling->store->io->name, span->area, span->first_slot + i);
    }
    return SNAP_OK;
}

static enum snap_status read_list(struct snap_sibling *sibling, uint64_t *entries, uint64_t *highest_new_chunk,
                                  struct snap_error *err)
{
    struct snap_entries *walk = NULL;
    struct snap_span span = {.slots = 0};
    enum snap_status status = snap_entries_open(&walk, sibling->store, err);

    *entries = *highest_new_chunk = 0;
    while (status == SNAP_OK) {
        status = snap_entries_next(walk, &span, err);
        if (status != SNAP_OK || span.slots == 0)
            break;
        for (uint32_t i = 0; i < span.live && status == SNAP_OK; i++) {
            bool was_there;

            *highest_new_chunk = snap_max(*highest_new_chunk, snap_span_new(&span, i));
            if (snap_chunkset_add(sibling->found, snap_span_old(&span, i), &was_there) != SNAP_OK)
                status = fail_memory(sibling, err);
        }
        *entries += span.live;
        if (status == SNAP_OK)
            status = check_zero(sibling, &span, err);
        if (status == SNAP_OK && stopped(sibling))
            status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    }
    snap_entries_close(walk);
    return status;
}

static enum snap_status set_up(struct snap_sibling *sibling, struct snap_error *err)
{
    uint64_t entries, highest_new_chunk;
    enum snap_status status = allocate(sibling, err);

    if (status == SNAP_OK)
        status = read_list(sibling, &entries, &highest_new_chunk, err);
    if (status == SNAP_OK)
        status = snap_append_init(&sibling->append, sibling->store, entries, highest_new_chunk, err);
    if (status == SNAP_OK) {
        /* What the first set leaves over: both may grow to what their numbers need. */
        sibling->added = snap_chunkset_new(snap_chunkset_room_bytes(sibling->found));
        if (!sibling->added)
            status = fail_memory(sibling, err);
    }
    return status;
}

enum snap_status snap_sibling_open(struct snap_sibling **result, const struct snap_store *store,
                                   const struct snap_sibling_options *options, struct snap_error *err)
{
    struct snap_sibling *sibling = calloc(1, sizeof *sibling);
    enum snap_status status;

    *result = NULL;
    if (!sibling)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory", store->io->name);
    sibling->store = store;
    sibling->options = *options;
    sibling->options.origin_bytes = snap_round_down(options->origin_bytes, SNAP_SECTOR_BYTES);
    sibling->options.memory_bytes = snap_max(options->memory_bytes, SNAP_SIBLING_MEMORY_MIN_BYTES);
    status = set_up(sibling, err);
    if (status == SNAP_OK)
        *result = sibling;
    else
        snap_sibling_close(sibling);
    return status;
}

void snap_sibling_close(struct snap_sibling *sibling)
{
    if (!sibling)
        return;
    snap_append_free(&sibling->append);
    snap_chunkset_free(sibling->found);
    snap_chunkset_free(sibling->added);
    free(sibling->pending);
    free(sibling->moves);
    snap_io_buffer_free(sibling->buffer);
    snap_plan_free(&sibling->plan);
    snap_copy_group_free(&sibling->group);
    free(sibling);
}

/* The chunks of the sibling that one entry of the merged store touches. */
static enum snap_status plan_entry(struct snap_sibling *sibling, const struct snap_store *merged,
                                   uint64_t old_chunk, uint64_t *needed, struct snap_error *err)
{
    const uint64_t chunk_bytes = sibling->store->layout.chunk_bytes;
    const uint64_t origin_bytes = sibling->options.origin_bytes;
    uint64_t start_bytes, end_bytes;

    if (!snap_mul(old_chunk, merged->layout.chunk_bytes, &start_bytes) || start_bytes >= origin_bytes)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: an entry for origin chunk %" PRIu64 ", but the origin has %" PRIu64 " bytes",
                         merged->io->name, old_chunk, origin_bytes);
    end_bytes = start_bytes + snap_min(merged->layout.chunk_bytes, origin_bytes - start_bytes);
    for (uint64_t chunk = start_bytes / chunk_bytes; chunk * chunk_bytes < end_bytes; chunk++) {
        bool was_there = snap_chunkset_has(sibling->found, chunk);

        if (!was_there && snap_chunkset_add(sibling->added, chunk, &was_there) != SNAP_OK)
            return fail_memory(sibling, err);
        *needed += !was_there;
    }
    return SNAP_OK;
}

enum snap_status snap_sibling_plan(struct snap_sibling *sibling, const struct snap_store *merged, uint64_t entries,
                                   struct snap_sibling_need *need, struct snap_error *err)
{
    struct snap_entries *walk = NULL;
    struct snap_span span;
    enum snap_status status;

    *need = (struct snap_sibling_need){.free_chunks = snap_append_room(&sibling->append)};
    if (sibling->invalid)
        return SNAP_OK;
    if (sibling->append.settled || sibling->append.failed)
        return snap_fail(err, SNAP_E_INTERNAL, "%s: planning after the first copy", sibling->store->io->name);
    status = snap_entries_open(&walk, merged, err);
    while (status == SNAP_OK && entries > 0) {
        status = snap_entries_next(walk, &span, err);
        if (status == SNAP_OK && span.live == 0)
            status = snap_fail(err, SNAP_E_CORRUPT, "%s: the list became shorter while it was read",
                               merged->io->name);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live && entries > 0; i++, entries--) {
            status = plan_entry(sibling, merged, snap_span_old(&span, i), &need->needed_chunks, err);
            if (status == SNAP_OK && stopped(sibling))
                status = snap_fail(err, SNAP_E_STOPPED, "stopped");
        }
    }
    snap_entries_close(walk);
    snap_chunkset_clear(sibling->added); /* its memory stays: these chunks can be added when they are copied */
    return status;
}

/* How far the search for missing chunks has come in the writes of a plan. */
struct cursor {
    struct snap_plan *plan;
    size_t next_write;
    uint64_t next_chunk; /* those in front of it were looked at */
};

/* The writes come in origin order, so that each chunk is met once. One passed over would be a lost view. */
static enum snap_status check_write(const struct snap_sibling *sibling, const struct cursor *cursor,
                                    struct snap_error *err)
{
    const struct snap_plan_write *write = &cursor->plan->writes[cursor->next_write];

    if (!snap_range_fits(write->origin_offset_bytes, write->length_bytes, sibling->options.origin_bytes) ||
        (cursor->next_write > 0 &&
         write->origin_offset_bytes < write[-1].origin_offset_bytes + write[-1].length_bytes))
        return snap_fail(err, SNAP_E_INTERNAL, "%s: writes out of order, or beyond the origin's %" PRIu64 " bytes",
                         sibling->store->io->name, sibling->options.origin_bytes);
    return SNAP_OK;
}

/* Fills `pending` as far as there is room. *complete: nothing is left behind it. */
static enum snap_status collect(struct snap_sibling *sibling, struct cursor *cursor, bool *complete,
                                struct snap_error *err)
{
    const uint64_t chunk_bytes = sibling->store->layout.chunk_bytes;

    *complete = false;
    for (; cursor->next_write < cursor->plan->write_count; cursor->next_write++) {
        const struct snap_plan_write *write = &cursor->plan->writes[cursor->next_write];
        const uint64_t end_chunk = snap_div_up(write->origin_offset_bytes + write->length_bytes, chunk_bytes);
        enum snap_status status = check_write(sibling, cursor, err);

        if (status != SNAP_OK)
            return status;
        cursor->next_chunk = snap_max(cursor->next_chunk, write->origin_offset_bytes / chunk_bytes);
        for (; cursor->next_chunk < end_chunk; cursor->next_chunk++) {
            if (snap_chunkset_has(sibling->found, cursor->next_chunk) ||
                snap_chunkset_has(sibling->added, cursor->next_chunk))
                continue;
            if (sibling->pending_count == sibling->pending_max)
                return SNAP_OK;
            sibling->pending[sibling->pending_count++] = cursor->next_chunk;
        }
    }
    *complete = true;
    return SNAP_OK;
}

/*
 * The plan of some moves: a plan of copies from the origin to the store, so the two are in exchanged roles. It
 * knows the end of what it writes to; here it is what it reads that ends in the middle of a chunk.
 */
static void plan_moves(struct snap_sibling *sibling, uint64_t count, uint64_t slice_offset_bytes)
{
    const struct snap_layout *layout = &sibling->store->layout;
    const uint64_t origin_bytes = sibling->options.origin_bytes;
    const uint64_t slice_bytes = sibling->slice_bytes;
    const uint64_t last_bytes = sibling->moves[count - 1].new_chunk * layout->chunk_bytes + slice_offset_bytes;
    const uint64_t there_bytes = last_bytes < origin_bytes ? origin_bytes - last_bytes : 0;
    struct snap_plan *plan = &sibling->plan;

    snap_plan_make(plan, layout, sibling->moves, (size_t)count, slice_offset_bytes, slice_bytes,
                   layout->cow_sectors);
    if (there_bytes >= slice_bytes)
        return;
    while (plan->read_count > 0 && plan->reads[plan->read_count - 1].cow_offset_bytes >= origin_bytes)
        plan->read_bytes -= plan->reads[--plan->read_count].length_bytes;
    if (plan->read_count > 0) {
        struct snap_plan_read *read = &plan->reads[plan->read_count - 1];
        const uint64_t length_bytes = snap_min(read->length_bytes, origin_bytes - read->cow_offset_bytes);

        plan->read_bytes -= read->length_bytes - length_bytes;
        read->length_bytes = (uint32_t)length_bytes;
    }
    /* Reads and places in the buffer are in the same order: the partial chunk is the last. */
    memset(sibling->buffer + (count - 1) * slice_bytes + there_bytes, 0, (size_t)(slice_bytes - there_bytes));
}

#define LOST UINT64_MAX /* in `pending`: cannot be read */

/* What the origin does not give must not be overwritten: chunks that cannot be read are lost to the plan, too. */
static void lose_unreadable(struct snap_sibling *sibling, uint64_t first, uint64_t count, struct snap_plan *plan)
{
    const uint64_t chunk_bytes = sibling->store->layout.chunk_bytes;

    for (uint64_t i = 0; i < count && sibling->plan.bad_count > 0; i++) {
        if (sibling->plan.fate[i] == SNAP_PLAN_GOOD) /* places are in the order of the moves */
            continue;
        sibling->pending[first + i] = LOST;
        snap_plan_mark_range(plan, sibling->moves[i].new_chunk * chunk_bytes,
                             (sibling->moves[i].new_chunk + 1) * chunk_bytes, SNAP_PLAN_UNKEPT);
    }
}

/* True if there were any. */
static bool forget_lost(struct snap_sibling *sibling)
{
    const uint64_t before = sibling->pending_count;
    uint64_t kept = 0;

    for (uint64_t i = 0; i < before; i++)
        if (sibling->pending[i] != LOST)
            sibling->pending[kept++] = sibling->pending[i];
    sibling->pending_count = kept;
    return kept < before;
}

/* The data of all pending chunks, as many at once as the buffer holds. */
static enum snap_status move_data(struct snap_sibling *sibling, struct snap_io *origin, struct snap_plan *plan,
                                  const struct snap_copy_control *reads, const struct snap_copy_control *writes,
                                  struct snap_error *err)
{
    const uint64_t chunk_bytes = sibling->store->layout.chunk_bytes;
    enum snap_status status = SNAP_OK;

    for (uint64_t done = 0, count; done < sibling->pending_count && status == SNAP_OK; done += count) {
        count = snap_min(sibling->moves_max, sibling->pending_count - done);
        for (uint64_t i = 0; i < count; i++)
            sibling->moves[i] = (struct snap_entry){.old_chunk = snap_append_chunk(&sibling->append, done + i),
                                                    .new_chunk = sibling->pending[done + i]};
        for (uint64_t at = 0; at < chunk_bytes && status == SNAP_OK; at += sibling->slice_bytes) {
            plan_moves(sibling, count, at);
            status = snap_copy_read(&sibling->plan, origin, sibling->buffer, &sibling->group, reads, err);
            if (status != SNAP_OK)
                break;
            sibling->counts.read_bytes += sibling->plan.read_bytes;
            if (sibling->plan.bad_count > 0) {
                lose_unreadable(sibling, done, count, plan);
                snap_plan_drop_bad(&sibling->plan);
            }
            status = snap_copy_write(&sibling->plan, sibling->store->io, sibling->buffer, &sibling->group, writes,
                                     err);
            if (status == SNAP_OK)
                sibling->counts.written_bytes += sibling->plan.write_bytes;
        }
    }
    return status;
}

static void count_append(struct snap_sibling *sibling, const struct snap_append_counts *counts)
{
    sibling->counts.metadata_bytes += counts->metadata_bytes;
    sibling->counts.flushes += counts->flushes;
}

/* After what failed, nobody knows what the list is. */
static enum snap_status check_usable(const struct snap_sibling *sibling, struct snap_error *err)
{
    if (sibling->failed || sibling->append.failed)
        return snap_fail(err, SNAP_E_INTERNAL, "%s: a write or flush failed before; nothing more is written",
                         sibling->store->io->name);
    return SNAP_OK;
}

/* Areas that nothing reaches, but whose entries fit the end of the list. */
static enum snap_status zero_stale_areas(struct snap_sibling *sibling, struct snap_error *err)
{
    const struct snap_layout *layout = &sibling->store->layout;
    const uint64_t first = sibling->append.entries / layout->entries_per_area + 1;
    const uint64_t end = sibling->options.stale_areas_end;
    enum snap_status status;

    if (first >= end)
        return SNAP_OK;
    status = snap_store_zero_areas(sibling->store, first, end - first, err);
    if (status == SNAP_OK)
        sibling->counts.metadata_bytes += (end - first) * layout->chunk_bytes;
    return status;
}

enum snap_status snap_sibling_settle(struct snap_sibling *sibling, struct snap_error *err)
{
    struct snap_append_counts counts = {0};
    enum snap_status status;

    if (sibling->invalid)
        return SNAP_OK;
    status = check_usable(sibling, err);
    if (status != SNAP_OK || sibling->append.settled)
        return status;
    status = zero_stale_areas(sibling, err);
    if (status == SNAP_OK) {
        status = snap_append_settle(&sibling->append, &counts, err);
        count_append(sibling, &counts);
    }
    sibling->failed = status != SNAP_OK;
    return status;
}

static enum snap_status copy_pending(struct snap_sibling *sibling, struct snap_io *origin, struct snap_plan *plan,
                                     const struct snap_copy_control *reads, const struct snap_copy_control *writes,
                                     struct snap_error *err)
{
    const uint64_t room = snap_append_room(&sibling->append);
    enum snap_status status;

    if (sibling->pending_count == 0)
        return SNAP_OK;
    if (sibling->pending_count > room)
        return snap_fail(err, SNAP_E_NOSPC,
                         "%s: the store has room for %" PRIu64 " more chunks, but %" PRIu64
                         " have to be copied to it",
                         sibling->store->io->name, room, sibling->pending_count);
    status = snap_sibling_settle(sibling, err);
    while (status == SNAP_OK) { /* each time with less chunks, and what is left moves up: data lie in the order of the entries */
        status = move_data(sibling, origin, plan, reads, writes, err);
        if (!forget_lost(sibling))
            break;
    }
    return status;
}

enum snap_status snap_sibling_copy(struct snap_sibling *sibling, struct snap_io *origin,
                                   struct snap_plan *plan, const struct snap_copy_control *reads,
                                   const struct snap_copy_control *writes, struct snap_error *err)
{
    struct cursor cursor = {.plan = plan};
    bool complete = false;
    enum snap_status status;

    if (sibling->invalid)
        return SNAP_OK;
    status = check_usable(sibling, err);
    if (status == SNAP_OK && sibling->pending_count > 0)
        return snap_fail(err, SNAP_E_INTERNAL, "%s: the copy before was not committed", sibling->store->io->name);
    while (status == SNAP_OK && !complete) {
        status = collect(sibling, &cursor, &complete, err);
        if (status == SNAP_OK)
            status = copy_pending(sibling, origin, plan, reads, writes, err);
        /* The origin is still as it was: entries that come early are right. */
        if (status == SNAP_OK && !complete)
            status = snap_sibling_commit(sibling, err);
    }
    if (status != SNAP_OK)
        sibling->pending_count = 0;
    return status;
}

enum snap_status snap_sibling_commit(struct snap_sibling *sibling, struct snap_error *err)
{
    struct snap_append_counts counts = {0};
    enum snap_status status;

    if (sibling->invalid)
        return SNAP_OK;
    status = check_usable(sibling, err);
    if (status != SNAP_OK)
        return status;
    status = snap_append_commit(&sibling->append, sibling->pending, sibling->pending_count, &counts, err);
    count_append(sibling, &counts);
    for (uint64_t i = 0; i < sibling->pending_count && status == SNAP_OK; i++) {
        bool was_there;

        if (snap_chunkset_add(sibling->added, sibling->pending[i], &was_there) != SNAP_OK) {
            sibling->failed = true; /* not after plan, which has reserved the memory */
            status = fail_memory(sibling, err);
        }
    }
    if (status == SNAP_OK)
        sibling->counts.copied_chunks += sibling->pending_count;
    sibling->pending_count = 0;
    return status;
}

/* Chunk 0 as the kernel leaves it. Torn, its first sector is the old or the new one; what follows nobody reads. */
static enum snap_status write_invalid(struct snap_sibling *sibling, struct snap_error *err)
{
    const struct snap_layout *layout = &sibling->store->layout;
    const struct snap_header header = {SNAP_MAGIC, 0, SNAP_DISK_VERSION, layout->chunk_sectors};
    const uint64_t piece_bytes = snap_min(sibling->slice_bytes, SNAP_PLAN_REQUEST_BYTES);
    enum snap_status status = SNAP_OK;

    memset(sibling->buffer, 0, (size_t)piece_bytes);
    snap_header_encode(&header, sibling->buffer);
    for (uint64_t at = 0; at < layout->chunk_bytes && status == SNAP_OK; at += piece_bytes) {
        status = snap_io_write(sibling->store->io, at, piece_bytes, sibling->buffer, err);
        if (status == SNAP_OK)
            sibling->counts.metadata_bytes += piece_bytes;
        memset(sibling->buffer, 0, SNAP_HEADER_BYTES);
    }
    return status;
}

enum snap_status snap_sibling_invalidate(struct snap_sibling *sibling, struct snap_error *err)
{
    enum snap_status status;

    if (sibling->invalid)
        return SNAP_OK;
    status = check_usable(sibling, err);
    if (status != SNAP_OK)
        return status;
    status = write_invalid(sibling, err);
    if (status == SNAP_OK) {
        sibling->counts.flushes++;
        status = snap_io_flush(sibling->store->io, err);
    }
    sibling->invalid = status == SNAP_OK;
    sibling->failed = status != SNAP_OK;
    return status;
}

const struct snap_sibling_counts *snap_sibling_counts(const struct snap_sibling *sibling)
{
    return &sibling->counts;
}
