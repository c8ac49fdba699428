/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares two devices step by step, and leaves out what both call a hole. */
#include "lib/view/diff.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

#include <inttypes.h>
#include <string.h>

#define STEP_BYTES (4u << 20)

struct diff {
    struct snap_create *create; /* NULL: what differs is only counted */
    uint64_t chunks;            /* that differ */
    const struct snap_layout *layout;
    struct snap_io *origin, *newer;
    uint64_t size_bytes;
    uint64_t step_bytes;   /* a multiple of the chunk */
    uint8_t *buffers[2];
};

/* The first chunk at or behind `offset` in which at least one of the two may hold data. */
static enum snap_status skip_holes(const struct diff *diff, const struct snap_diff_control *control,
                                   uint64_t *offset_bytes, struct snap_error *err)
{
    uint64_t start_bytes[2], length_bytes[2];
    enum snap_status status;

    if (!control->next_data)
        return SNAP_OK;
    status = control->next_data(diff->origin, *offset_bytes, &start_bytes[0], &length_bytes[0], err);
    if (status == SNAP_OK)
        status = control->next_data(diff->newer, *offset_bytes, &start_bytes[1], &length_bytes[1], err);
    if (status == SNAP_OK)
        *offset_bytes = snap_max(*offset_bytes,
                                 snap_round_down(snap_min(start_bytes[0], start_bytes[1]), diff->layout->chunk_bytes));
    return status;
}

/* Compares [offset, offset + length); counts and adds what differs. Only the end of the devices is no whole chunk. */
static enum snap_status compare_step(struct diff *diff, uint64_t offset_bytes, uint64_t length_bytes,
                                     struct snap_error *err)
{
    const uint64_t chunk_bytes = diff->layout->chunk_bytes;
    enum snap_status status = snap_io_read(diff->origin, offset_bytes, length_bytes, diff->buffers[0], err);

    if (status == SNAP_OK)
        status = snap_io_read(diff->newer, offset_bytes, length_bytes, diff->buffers[1], err);
    for (uint64_t at = 0; status == SNAP_OK && at < length_bytes; at += chunk_bytes) {
        uint64_t compare_bytes = snap_min(chunk_bytes, length_bytes - at);

        if (memcmp(diff->buffers[0] + at, diff->buffers[1] + at, (size_t)compare_bytes) == 0)
            continue;
        diff->chunks++;
        if (!diff->create)
            continue;
        memset(diff->buffers[1] + at + compare_bytes, 0, (size_t)(chunk_bytes - compare_bytes));
        status = snap_create_add(diff->create, (offset_bytes + at) / chunk_bytes, diff->buffers[1] + at, err);
    }
    return status;
}

static enum snap_status compare_all(struct diff *diff, const struct snap_diff_control *control, struct snap_error *err)
{
    struct snap_io *origin = diff->origin, *newer = diff->newer;
    enum snap_status status = SNAP_OK;
    uint64_t offset_bytes = 0;

    diff->size_bytes = snap_round_down(origin->size_bytes, SNAP_SECTOR_BYTES);
    diff->step_bytes = snap_max(STEP_BYTES, diff->layout->chunk_bytes);
    if (diff->size_bytes != snap_round_down(newer->size_bytes, SNAP_SECTOR_BYTES))
        return snap_fail(err, SNAP_E_REFUSED, "%s has %" PRIu64 " sectors, but %s has %" PRIu64 "; they must be equal",
                         origin->name, origin->size_bytes / SNAP_SECTOR_BYTES, newer->name,
                         newer->size_bytes / SNAP_SECTOR_BYTES);
    for (int i = 0; i < 2; i++) {
        diff->buffers[i] = snap_buffer_new(diff->step_bytes);
        if (!diff->buffers[i])
            status = snap_fail(err, SNAP_E_NOMEM, "out of memory comparing chunks of %" PRIu64 " bytes",
                               diff->layout->chunk_bytes);
    }
    while (status == SNAP_OK) {
        uint64_t length_bytes;

        status = skip_holes(diff, control, &offset_bytes, err);
        if (status == SNAP_OK && control->stop && control->stop(control->stop_context))
            status = snap_fail(err, SNAP_E_STOPPED, "stopped while comparing");
        if (status != SNAP_OK || offset_bytes >= diff->size_bytes)
            break;
        length_bytes = snap_min(diff->step_bytes, diff->size_bytes - offset_bytes);
        status = compare_step(diff, offset_bytes, length_bytes, err);
        offset_bytes += length_bytes;
        if (control->progress)
            control->progress(control->progress_context, offset_bytes, diff->size_bytes);
    }
    snap_buffer_free(diff->buffers[0]);
    snap_buffer_free(diff->buffers[1]);
    return status;
}

enum snap_status snap_diff(struct snap_create *create, const struct snap_layout *layout, struct snap_io *origin,
                           struct snap_io *newer, const struct snap_diff_control *control, struct snap_error *err)
{
    struct diff diff = {.create = create, .layout = layout, .origin = origin, .newer = newer};

    return compare_all(&diff, control, err);
}

enum snap_status snap_diff_count(const struct snap_layout *layout, struct snap_io *origin, struct snap_io *newer,
                                 const struct snap_diff_control *control, uint64_t *chunks, struct snap_error *err)
{
    struct diff diff = {.layout = layout, .origin = origin, .newer = newer};
    const enum snap_status status = compare_all(&diff, control, err);

    *chunks = diff.chunks;
    return status;
}
