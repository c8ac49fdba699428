/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sibling from its opening to its last commit; the copying itself is in sibling_copy.c. */
#include "lib/merge/sibling_private.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/store/list_cut.h"
#include "lib/store/list_walk.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES_MAX (64u << 20)
#define APPEND_MEMORY_BYTES ((1u << 20) + (64u << 10)) /* the buffers of snap_list_append */

static enum snap_status fail_memory(const struct snap_sibling *sibling, struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM,
                     "%s: %" PRIu64 " MiB of memory are too little to keep count of this store's chunks",
                     sibling->store->io->name, sibling->options.memory_bytes >> 20);
}

static bool stopped(const struct snap_sibling *sibling)
{
    return sibling->options.stop && sibling->options.stop(sibling->options.stop_context);
}

/* Divides the memory: a quarter for the buffer, some for chunks that wait for their entries; the sets get the rest. */
static enum snap_status allocate(struct snap_sibling *sibling, struct snap_error *err)
{
    const struct snap_layout *layout = &sibling->store->layout;
    const uint64_t memory_bytes = sibling->options.memory_bytes;
    const uint64_t buffer_bytes = snap_min(memory_bytes / 4, BUFFER_BYTES_MAX);
    const uint64_t plan_entry_bytes = snap_plan_memory_bytes(layout->chunk_bytes, 1);
    uint64_t fixed_bytes;
    enum snap_status status;

    sibling->slice_bytes = layout->chunk_bytes;
    while (sibling->slice_bytes > buffer_bytes)
        sibling->slice_bytes /= 2;
    sibling->load_chunks_max = snap_max(buffer_bytes / (layout->chunk_bytes + plan_entry_bytes), 1);
    sibling->pending_max = memory_bytes / 32 / sizeof *sibling->pending;
    fixed_bytes = sibling->load_chunks_max * (plan_entry_bytes + sibling->slice_bytes) +
                  sibling->pending_max * sizeof *sibling->pending + SNAP_COPY_GROUP_MEMORY_BYTES +
                  APPEND_MEMORY_BYTES;

    sibling->pending = snap_array_new_unset(sibling->pending_max, sizeof *sibling->pending);
    sibling->buffer = snap_buffer_new_unset(sibling->load_chunks_max * sibling->slice_bytes);
    sibling->found = snap_chunkset_new(memory_bytes > fixed_bytes ? memory_bytes - fixed_bytes : 0);
    status = snap_plan_init(&sibling->plan, layout, SNAP_PLAN_COPY_OUT, sibling->load_chunks_max, err);
    if (status == SNAP_OK)
        status = snap_copy_group_init(&sibling->group, err);
    if (status == SNAP_OK && (!sibling->pending || !sibling->buffer || !sibling->found))
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory: copies need a buffer of %" PRIu64 " bytes",
                           sibling->store->io->name, sibling->load_chunks_max * sibling->slice_bytes);
    return status;
}

/* The slots behind the end are filled without being cleared, so they have to be zero. */
static enum snap_status check_zero(const struct snap_sibling *sibling, const struct snap_span *span,
                                   struct snap_error *err)
{
    for (uint32_t i = span->live; i < span->slots; i++) {
        if ((snap_span_old(span, i) | snap_span_new(span, i)) != 0)
            return snap_fail(err, SNAP_E_CORRUPT,
                             "%s: area %" PRIu64 " slot %" PRIu32 ": bytes that are no entry stand behind the end of "
                             "the list, so nothing can be added to it",
                             sibling->store->io->name, span->area, span->first_slot + i);
    }
    return SNAP_OK;
}

static enum snap_status read_list(struct snap_sibling *sibling, uint64_t *entries, uint64_t *highest_new_chunk,
                                  struct snap_error *err)
{
    struct snap_list_walk *walk = NULL;
    struct snap_span span = {.slots = 0};
    enum snap_status status = snap_list_walk_open(&walk, sibling->store, err);

    *entries = *highest_new_chunk = 0;
    while (status == SNAP_OK) {
        status = snap_list_walk_next(walk, &span, err);
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
    snap_list_walk_close(walk);
    return status;
}

static enum snap_status set_up(struct snap_sibling *sibling, struct snap_error *err)
{
    uint64_t entries, highest_new_chunk;
    enum snap_status status = allocate(sibling, err);

    if (status == SNAP_OK)
        status = read_list(sibling, &entries, &highest_new_chunk, err);
    if (status == SNAP_OK)
        status = snap_list_append_init(&sibling->append, sibling->store, entries, highest_new_chunk, err);
    if (status == SNAP_OK) {
        /* It gets what the first set leaves over; both may grow as their numbers need it. */
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
    snap_list_append_free(&sibling->append);
    snap_chunkset_free(sibling->found);
    snap_chunkset_free(sibling->added);
    free(sibling->pending);
    snap_buffer_free(sibling->buffer);
    snap_plan_free(&sibling->plan);
    snap_copy_group_free(&sibling->group);
    free(sibling);
}

/* Adds the chunks of the sibling that one entry of the merged store touches, and counts those that need a copy. */
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
    struct snap_list_walk *walk = NULL;
    struct snap_span span;
    enum snap_status status;

    *need = (struct snap_sibling_need){.free_chunks = snap_list_append_room(&sibling->append)};
    if (sibling->invalid)
        return SNAP_OK;
    if (sibling->append.list_flushed || sibling->append.failed)
        return snap_fail(err, SNAP_E_INTERNAL, "%s: planning after the first copy", sibling->store->io->name);
    status = snap_list_walk_open(&walk, merged, err);
    while (status == SNAP_OK && entries > 0) {
        status = snap_list_walk_next(walk, &span, err);
        if (status == SNAP_OK && span.live == 0)
            status = snap_fail(err, SNAP_E_CORRUPT, "%s: the list became shorter while it was read; another program "
                               "writes to it: stop that, then repeat this command",
                               merged->io->name);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live && entries > 0; i++, entries--) {
            status = plan_entry(sibling, merged, snap_span_old(&span, i), &need->needed_chunks, err);
            if (status == SNAP_OK && stopped(sibling))
                status = snap_fail(err, SNAP_E_STOPPED, "stopped");
        }
    }
    snap_list_walk_close(walk);
    snap_chunkset_clear(sibling->added); /* its memory stays, so that adding these chunks later cannot fail */
    return status;
}

static void count_append(struct snap_sibling *sibling, const struct snap_list_append_counts *counts)
{
    sibling->counts.metadata_bytes += counts->metadata_bytes;
    sibling->counts.flushes += counts->flushes;
}

bool snap_sibling_usable(const struct snap_sibling *sibling)
{
    return !sibling->failed && !sibling->append.failed;
}

bool snap_sibling_origin_unread(const struct snap_sibling *sibling)
{
    return sibling->origin_unread;
}

enum snap_status snap_sibling_check_usable(const struct snap_sibling *sibling, struct snap_error *err)
{
    if (!snap_sibling_usable(sibling))
        return snap_fail(err, SNAP_E_INTERNAL, "%s: a write or flush failed before; nothing more is written",
                         sibling->store->io->name);
    return SNAP_OK;
}

/* Zeroes the leftover areas, whose entries could look like the continuation of the list when it grows. */
static enum snap_status zero_leftover_areas(struct snap_sibling *sibling, struct snap_error *err)
{
    const struct snap_layout *layout = &sibling->store->layout;
    const uint64_t first = snap_layout_area_behind(layout, sibling->append.entries);
    const uint64_t end = sibling->options.leftover_areas_end;
    enum snap_status status;

    if (first >= end)
        return SNAP_OK;
    status = snap_list_cut_zero_areas(sibling->store, first, end - first, err);
    if (status == SNAP_OK)
        sibling->counts.metadata_bytes += (end - first) * layout->chunk_bytes;
    return status;
}

enum snap_status snap_sibling_flush_list(struct snap_sibling *sibling, struct snap_error *err)
{
    struct snap_list_append_counts counts = {0};
    enum snap_status status;

    if (sibling->invalid)
        return SNAP_OK;
    status = snap_sibling_check_usable(sibling, err);
    if (status != SNAP_OK || sibling->append.list_flushed)
        return status;
    status = zero_leftover_areas(sibling, err);
    if (status == SNAP_OK) {
        status = snap_list_append_flush_list(&sibling->append, &counts, err);
        count_append(sibling, &counts);
    }
    sibling->failed = status != SNAP_OK;
    return status;
}

enum snap_status snap_sibling_commit(struct snap_sibling *sibling, struct snap_error *err)
{
    struct snap_list_append_counts counts = {0};
    enum snap_status status;

    if (sibling->invalid)
        return SNAP_OK;
    status = snap_sibling_check_usable(sibling, err);
    if (status != SNAP_OK)
        return status;
    status = snap_list_append_commit(&sibling->append, sibling->pending, sibling->pending_count, &counts, err);
    count_append(sibling, &counts);
    for (uint64_t i = 0; i < sibling->pending_count && status == SNAP_OK; i++) {
        bool was_there;

        if (snap_chunkset_add(sibling->added, sibling->pending[i], &was_there) != SNAP_OK) {
            sibling->failed = true; /* cannot happen after snap_sibling_plan, which has reserved the memory */
            status = fail_memory(sibling, err);
        }
    }
    if (status == SNAP_OK)
        sibling->counts.copied_chunks += sibling->pending_count;
    sibling->pending_count = 0;
    return status;
}

/* Writes chunk 0 as the kernel leaves it. If that is torn, its first sector is the old or the new one; no one reads the
 * rest. */
static enum snap_status write_invalid(struct snap_sibling *sibling, struct snap_error *err)
{
    const struct snap_layout *layout = &sibling->store->layout;
    const struct snap_header header = {SNAP_MAGIC, 0, SNAP_DISK_VERSION, layout->chunk_sectors};
    const uint64_t piece_bytes = snap_min(sibling->slice_bytes, SNAP_PLAN_REQUEST_BYTES);
    enum snap_status status = SNAP_OK;

    memset(sibling->buffer, 0, (size_t)piece_bytes);
    snap_codec_encode_header(&header, sibling->buffer);
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
    status = snap_sibling_check_usable(sibling, err);
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
