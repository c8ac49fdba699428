/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks over the view from entry to entry, and reads neighbours together. */
#include "lib/repair/rewrite.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"

#include <string.h>

#define STEP_BYTES (4u << 20)

/* Places of one step, in old chunks, of which the store does not tell what they hold. */
struct holes {
    uint64_t first_chunk, count; /* of the step */
    uint8_t *bits;
};

struct pass {
    struct snap_rewrite *rewrite;
    struct snap_create *create;
    struct snap_view *view;
    struct holes holes;
    uint64_t step_bytes;
    uint8_t *buffer, *origin_buffer;
};

static enum snap_status note_hole(void *context, uint64_t old_chunk, enum snap_view_damage damage,
                                  struct snap_error *err)
{
    struct pass *pass = context;
    const uint64_t i = old_chunk - pass->holes.first_chunk;

    (void)damage;
    (void)err;
    if (i < pass->holes.count && !(pass->holes.bits[i / 8] >> i % 8 & 1)) {
        pass->holes.bits[i / 8] |= (uint8_t)(1u << i % 8);
        pass->rewrite->damaged_chunks++;
    }
    return SNAP_OK;
}

/* Whether no old chunk in this range has sound data. */
static bool nothing_known(const struct pass *pass, uint64_t offset_bytes, uint64_t length_bytes)
{
    const uint64_t old_bytes = snap_view_chunk_bytes(pass->view);
    const uint64_t end_chunk = snap_div_up(offset_bytes + length_bytes, old_bytes);

    for (uint64_t chunk = offset_bytes / old_bytes; chunk < end_chunk; chunk++) {
        const uint64_t i = chunk - pass->holes.first_chunk;

        if (!(pass->holes.bits[i / 8] >> i % 8 & 1))
            return false;
    }
    return true;
}

/* The end of a range of new chunks from `offset` on, each of which has an entry, and which fits in one step. */
static enum snap_status find_end(struct pass *pass, uint64_t offset_bytes, uint64_t *end_bytes, struct snap_error *err)
{
    const uint64_t chunk_bytes = pass->rewrite->layout->chunk_bytes, size_bytes = snap_view_size_bytes(pass->view);
    enum snap_status status = SNAP_OK;

    *end_bytes = offset_bytes;
    do {
        uint64_t next_bytes = 0;

        *end_bytes += snap_min(chunk_bytes, size_bytes - *end_bytes);
        if (*end_bytes == size_bytes || *end_bytes - offset_bytes + chunk_bytes > pass->step_bytes)
            break;
        status = snap_view_next_entry(pass->view, *end_bytes, &next_bytes, err);
        if (status == SNAP_OK && next_bytes >= *end_bytes + chunk_bytes)
            break;
    } while (status == SNAP_OK);
    return status;
}

static enum snap_status take_chunk(struct pass *pass, uint64_t offset_bytes, uint8_t *bytes, const uint8_t *origin,
                                   struct snap_error *err)
{
    const struct snap_layout *layout = pass->rewrite->layout;
    const uint64_t length_bytes = snap_min(layout->chunk_bytes, snap_view_size_bytes(pass->view) - offset_bytes);

    if (nothing_known(pass, offset_bytes, length_bytes) ||
        (pass->rewrite->leave_out_equal && memcmp(bytes, origin, (size_t)length_bytes) == 0))
        return SNAP_OK;
    pass->rewrite->entries++;
    if (!pass->create)
        return SNAP_OK;
    memset(bytes + length_bytes, 0, (size_t)(layout->chunk_bytes - length_bytes));
    return snap_create_add(pass->create, offset_bytes / layout->chunk_bytes, bytes, err);
}

static enum snap_status take_range(struct pass *pass, uint64_t offset_bytes, uint64_t end_bytes,
                                   struct snap_error *err)
{
    const uint64_t old_bytes = snap_view_chunk_bytes(pass->view), chunk_bytes = pass->rewrite->layout->chunk_bytes;
    enum snap_status status;

    pass->holes.first_chunk = offset_bytes / old_bytes;
    pass->holes.count = snap_div_up(end_bytes, old_bytes) - pass->holes.first_chunk;
    memset(pass->holes.bits, 0, (size_t)snap_div_up(pass->holes.count, 8));
    status = snap_view_read(pass->view, offset_bytes, end_bytes - offset_bytes, pass->buffer, err);
    if (status == SNAP_OK && pass->rewrite->leave_out_equal)
        status = snap_io_read(pass->rewrite->origin, offset_bytes, end_bytes - offset_bytes, pass->origin_buffer, err);
    for (uint64_t at = 0; status == SNAP_OK && at < end_bytes - offset_bytes; at += chunk_bytes)
        status = take_chunk(pass, offset_bytes + at, pass->buffer + at, pass->origin_buffer + at, err);
    return status;
}

static enum snap_status take_all(struct pass *pass, struct snap_error *err)
{
    const struct snap_rewrite *rewrite = pass->rewrite;
    const uint64_t size_bytes = snap_view_size_bytes(pass->view), chunk_bytes = rewrite->layout->chunk_bytes;
    uint64_t offset_bytes = 0, end_bytes, next_bytes = 0;
    enum snap_status status = SNAP_OK;

    while (status == SNAP_OK && offset_bytes < size_bytes) {
        status = snap_view_next_entry(pass->view, offset_bytes, &next_bytes, err);
        if (status != SNAP_OK || next_bytes >= size_bytes)
            break;
        offset_bytes = next_bytes;
        if (rewrite->stop && rewrite->stop(rewrite->stop_context))
            return snap_fail(err, SNAP_E_STOPPED, "stopped while copying a store");
        offset_bytes = snap_round_down(offset_bytes, chunk_bytes);
        status = find_end(pass, offset_bytes, &end_bytes, err);
        if (status == SNAP_OK)
            status = take_range(pass, offset_bytes, end_bytes, err);
        offset_bytes = end_bytes;
        if (rewrite->progress)
            rewrite->progress(rewrite->progress_context, offset_bytes, size_bytes);
    }
    return status;
}

enum snap_status snap_rewrite(struct snap_rewrite *rewrite, struct snap_create *create, struct snap_error *err)
{
    struct pass pass = {
        .rewrite = rewrite,
        .create = create,
        .step_bytes = snap_max(STEP_BYTES, rewrite->layout->chunk_bytes),
    };
    const struct snap_view_skip skip = {
        .as_origin = true,
        .shared_chunks = rewrite->shared_chunks,
        .shared_count = rewrite->shared_count,
        .displaced = rewrite->displaced,
        .displaced_count = rewrite->displaced_count,
        .skipped = note_hole,
        .context = &pass,
    };
    enum snap_status status =
        snap_view_open(&pass.view, rewrite->store, rewrite->origin, rewrite->memory_bytes, err);

    rewrite->entries = rewrite->damaged_chunks = 0;
    if (status != SNAP_OK)
        return status;
    snap_view_skip_damaged(pass.view, &skip);
    pass.buffer = snap_buffer_new_unset(pass.step_bytes);
    pass.origin_buffer = snap_buffer_new_unset(pass.step_bytes);
    pass.holes.bits = snap_buffer_new(pass.step_bytes / snap_view_chunk_bytes(pass.view) / 8 + 16);
    if (!pass.buffer || !pass.origin_buffer || !pass.holes.bits)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory to copy it", rewrite->store->io->name);
    else
        status = take_all(&pass, err);
    snap_buffer_free(pass.buffer);
    snap_buffer_free(pass.origin_buffer);
    snap_buffer_free(pass.holes.bits);
    snap_view_close(pass.view);
    return status;
}
