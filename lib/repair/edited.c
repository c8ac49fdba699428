/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads from the device, then lays the edited units over what was read. */
#include "lib/repair/edited.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"

#include <stdlib.h>
#include <string.h>

/* As an edit leaves it; the array of the edits may grow, and move. */
struct unit {
    uint64_t offset_bytes;
    const uint8_t *bytes;
    size_t number;       /* of the edit */
};

struct edited {
    struct snap_io io;
    const struct snap_edits *edits;
    struct unit *units;  /* the last edit of each unit, by its offset */
    size_t count;
};

/* Of the same unit, the earlier edit first. */
static int by_place(const void *left, const void *right)
{
    const struct unit *a = left, *b = right;

    if (a->offset_bytes != b->offset_bytes)
        return a->offset_bytes < b->offset_bytes ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static void sort_units(struct edited *edited)
{
    size_t kept = 0;

    if (edited->count > 0)
        qsort(edited->units, edited->count, sizeof *edited->units, by_place);
    for (size_t i = 0; i < edited->count; i++) {
        if (kept > 0 && edited->units[kept - 1].offset_bytes == edited->units[i].offset_bytes)
            kept--;
        edited->units[kept++] = edited->units[i];
    }
    edited->count = kept;
}

/* The first unit that ends behind this place. */
static size_t find_unit(const struct edited *edited, uint64_t offset_bytes)
{
    size_t low = 0, high = edited->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (edited->units[middle].offset_bytes + edited->edits->unit_bytes > offset_bytes)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* One buffer holds what stands at `offset_bytes`. */
static void lay_over(const struct edited *edited, uint64_t offset_bytes, const struct iovec *buffer)
{
    const uint64_t end_bytes = offset_bytes + buffer->iov_len, unit_bytes = edited->edits->unit_bytes;

    for (size_t i = find_unit(edited, offset_bytes); i < edited->count; i++) {
        const struct unit *unit = &edited->units[i];
        const uint64_t begin = snap_max(unit->offset_bytes, offset_bytes);
        const uint64_t end = snap_min(unit->offset_bytes + unit_bytes, end_bytes);

        if (begin >= end)
            return;
        memcpy((uint8_t *)buffer->iov_base + (begin - offset_bytes), unit->bytes + (begin - unit->offset_bytes),
               (size_t)(end - begin));
    }
}

static enum snap_status transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                 struct snap_error *err)
{
    const struct edited *edited = (const struct edited *)io;
    enum snap_status status = snap_io_transfer(edited->edits->io, requests, count, err);

    for (size_t r = 0; r < count; r++) {
        uint64_t offset_bytes = requests[r].offset_bytes;

        for (unsigned v = 0; v < requests[r].iov_count; v++) {
            lay_over(edited, offset_bytes, &requests[r].iov[v]);
            offset_bytes += requests[r].iov[v].iov_len;
        }
    }
    return status;
}

static enum snap_status close_edited(struct snap_io *io, struct snap_error *err)
{
    struct edited *edited = (struct edited *)io;

    (void)err;
    free(edited->units);
    free(edited);
    return SNAP_OK;
}

enum snap_status snap_edited_open(struct snap_io **io, const struct snap_edits *edits, struct snap_error *err)
{
    static const struct snap_io_ops ops = {.transfer = transfer, .close = close_edited};
    struct edited *edited = calloc(1, sizeof *edited);

    *io = NULL;
    if (edited)
        edited->units = snap_array_new(snap_max(edits->count, 1), sizeof *edited->units);
    if (!edited || !edited->units) {
        free(edited);
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what a repair would write", edits->io->name);
    }
    edited->edits = edits;
    edited->io = *edits->io;
    edited->io.ops = &ops;
    edited->io.writable = false;
    edited->count = edits->count;
    for (size_t i = 0; i < edits->count; i++)
        edited->units[i] = (struct unit){edits->items[i].offset_bytes, edits->items[i].after, i};
    sort_units(edited);
    *io = &edited->io;
    return SNAP_OK;
}
