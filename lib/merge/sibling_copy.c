/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds what a sibling still needs of the origin, and copies it to the sibling's data chunks. */
#include "lib/merge/sibling_private.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/base/text.h"

#include <inttypes.h>
#include <string.h>

/* How far the search for missing chunks has come in the writes of a plan. */
struct cursor {
    const struct snap_plan *plan;
    size_t next_write;
    uint64_t next_chunk; /* the chunks in front of it were looked at */
};

/*
 * The search relies on writes in the order of the origin. If it passed over a chunk, the sibling's view would be lost.
 */
static enum snap_status check_write(const struct snap_sibling *sibling, const struct cursor *cursor,
                                    struct snap_error *err)
{
    const struct snap_plan_write *write = &cursor->plan->writes[cursor->next_write];

    if (!snap_range_fits(write->target_offset_bytes, write->length_bytes, sibling->options.origin_bytes) ||
        (cursor->next_write > 0 &&
         write->target_offset_bytes < write[-1].target_offset_bytes + write[-1].length_bytes))
        return snap_fail(err, SNAP_E_INTERNAL, "%s: writes out of order, or beyond the origin's %" PRIu64 " bytes",
                         sibling->store->io->name, sibling->options.origin_bytes);
    return SNAP_OK;
}

/* Fills `pending` as far as there is room. *complete: no missing chunk is left. */
static enum snap_status collect(struct snap_sibling *sibling, struct cursor *cursor, bool *complete,
                                struct snap_error *err)
{
    const uint64_t chunk_bytes = sibling->store->layout.chunk_bytes;

    *complete = false;
    for (; cursor->next_write < cursor->plan->write_count; cursor->next_write++) {
        const struct snap_plan_write *write = &cursor->plan->writes[cursor->next_write];
        const uint64_t end_chunk = snap_div_up(write->target_offset_bytes + write->length_bytes, chunk_bytes);
        enum snap_status status = check_write(sibling, cursor, err);

        if (status != SNAP_OK)
            return status;
        cursor->next_chunk = snap_max(cursor->next_chunk, write->target_offset_bytes / chunk_bytes);
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
 * Plans one slice of `count` pending chunks, from the one with the index `first` on. They are in the order of the
 * origin, so that the place of each in the buffer is its number from `first` on. Where the origin ends inside of the
 * last one, the rest of its place becomes zeros.
 */
static void plan_load(struct snap_sibling *sibling, uint64_t first, uint64_t count, uint64_t slice_offset_bytes)
{
    const uint64_t slice_bytes = sibling->slice_bytes, origin_bytes = sibling->options.origin_bytes;
    const uint64_t last_bytes =
        sibling->pending[first + count - 1] * sibling->store->layout.chunk_bytes + slice_offset_bytes;
    const uint64_t there_bytes = last_bytes < origin_bytes ? snap_min(origin_bytes - last_bytes, slice_bytes) : 0;
    struct snap_entry *entries = snap_plan_room(&sibling->plan);

    for (uint64_t i = 0; i < count; i++)
        entries[i] = (struct snap_entry){.old_chunk = sibling->pending[first + i],
                                         .new_chunk = snap_list_append_chunk(&sibling->append, first + i)};
    snap_plan_make(&sibling->plan, entries, (size_t)count, slice_offset_bytes, slice_bytes,
                   origin_bytes / SNAP_SECTOR_BYTES);
    memset(sibling->buffer + (count - 1) * slice_bytes + there_bytes, 0, (size_t)(slice_bytes - there_bytes));
}

/*
 * Takes the chunks that could not be read from the origin out of `pending`, and marks what `plan` writes to them: what
 * cannot be copied out must not be overwritten. The chunks behind them in `pending` move up, because data chunks are
 * given in the order of the entries.
 */
static void leave_out_unreadable(struct snap_sibling *sibling, uint64_t first, uint64_t count, struct snap_plan *plan)
{
    const uint64_t chunk_bytes = sibling->store->layout.chunk_bytes;
    uint64_t kept = first;

    for (uint64_t i = first; i < sibling->pending_count; i++) {
        const uint64_t chunk = sibling->pending[i];

        if (i - first < count && sibling->plan.fate[i - first] != SNAP_PLAN_GOOD)
            snap_plan_mark_range(plan, chunk * chunk_bytes, (chunk + 1) * chunk_bytes, SNAP_PLAN_UNKEPT);
        else
            sibling->pending[kept++] = chunk;
    }
    sibling->pending_count = kept;
}

/*
 * Copies the content of `count` pending chunks. *again: some could not be read and were left out; the others, which
 * have other data chunks now, are still to be copied.
 */
static enum snap_status copy_load(struct snap_sibling *sibling, struct snap_io *origin, uint64_t first, uint64_t count,
                                  struct snap_plan *plan, const struct snap_copy_control *reads,
                                  const struct snap_copy_control *writes, bool *again, struct snap_error *err)
{
    const uint64_t chunk_bytes = sibling->store->layout.chunk_bytes;
    enum snap_status status = SNAP_OK;

    *again = false;
    for (uint64_t at = 0; at < chunk_bytes && status == SNAP_OK; at += sibling->slice_bytes) {
        plan_load(sibling, first, count, at);
        status = snap_copy_read(&sibling->plan, origin, sibling->buffer, &sibling->group, reads, err);
        sibling->origin_unread = status != SNAP_OK;
        if (status != SNAP_OK)
            break;
        sibling->counts.read_bytes += sibling->plan.read_bytes;
        if (sibling->plan.bad_count > 0) {
            *again = true;
            leave_out_unreadable(sibling, first, count, plan);
            break;
        }
        status = snap_copy_write(&sibling->plan, sibling->store->io, sibling->buffer, &sibling->group, writes, err);
        if (status == SNAP_OK)
            sibling->counts.written_bytes += sibling->plan.write_bytes;
    }
    return status;
}

/* Copies the content of all pending chunks, in loads of the buffer. */
static enum snap_status copy_loads(struct snap_sibling *sibling, struct snap_io *origin, struct snap_plan *plan,
                                   const struct snap_copy_control *reads, const struct snap_copy_control *writes,
                                   struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (uint64_t done = 0; done < sibling->pending_count && status == SNAP_OK;) {
        const uint64_t count = snap_min(sibling->load_chunks_max, sibling->pending_count - done);
        bool again;

        status = copy_load(sibling, origin, done, count, plan, reads, writes, &again, err);
        if (!again)
            done += count;
    }
    return status;
}

static enum snap_status copy_pending(struct snap_sibling *sibling, struct snap_io *origin, struct snap_plan *plan,
                                     const struct snap_copy_control *reads, const struct snap_copy_control *writes,
                                     struct snap_error *err)
{
    const uint64_t room = snap_list_append_room(&sibling->append);
    enum snap_status status;

    if (sibling->pending_count == 0)
        return SNAP_OK;
    if (sibling->pending_count > room)
        return snap_fail(err, SNAP_E_NOSPC,
                         "%s: the store has room for %" PRIu64 " more %s, but %" PRIu64 " have to be copied to it",
                         sibling->store->io->name, room, snap_text_form(room, "chunk", "chunks"),
                         sibling->pending_count);
    status = snap_sibling_flush_list(sibling, err);
    if (status == SNAP_OK)
        status = copy_loads(sibling, origin, plan, reads, writes, err);
    return status;
}

enum snap_status snap_sibling_copy(struct snap_sibling *sibling, struct snap_io *origin, struct snap_plan *plan,
                                   const struct snap_copy_control *reads, const struct snap_copy_control *writes,
                                   struct snap_error *err)
{
    struct cursor cursor = {.plan = plan};
    bool complete = false;
    enum snap_status status;

    if (sibling->invalid)
        return SNAP_OK;
    status = snap_sibling_check_usable(sibling, err);
    if (status == SNAP_OK && sibling->pending_count > 0)
        return snap_fail(err, SNAP_E_INTERNAL, "%s: the last copy was not committed", sibling->store->io->name);
    while (status == SNAP_OK && !complete) {
        status = collect(sibling, &cursor, &complete, err);
        if (status == SNAP_OK)
            status = copy_pending(sibling, origin, plan, reads, writes, err);
        /* The origin is still as it was, so these entries are right although they come early. */
        if (status == SNAP_OK && !complete)
            status = snap_sibling_commit(sibling, err);
    }
    if (status != SNAP_OK)
        sibling->pending_count = 0;
    return status;
}
