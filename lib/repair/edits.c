/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the bytes of each unit before and after, and writes unit by unit. */
#include "lib/repair/edits.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void snap_edits_init(struct snap_edits *edits, struct snap_io *io, uint64_t unit_bytes)
{
    *edits = (struct snap_edits){.io = io, .unit_bytes = unit_bytes};
}

void snap_edits_shorten(struct snap_edits *edits, size_t count)
{
    for (; edits->count > count; edits->count--) {
        snap_buffer_free(edits->items[edits->count - 1].before);
        snap_buffer_free(edits->items[edits->count - 1].after);
    }
}

void snap_edits_free(struct snap_edits *edits)
{
    snap_edits_shorten(edits, 0);
    free(edits->items);
    edits->items = NULL;
    edits->room = 0;
}

enum snap_status snap_edits_check_blocks(const struct snap_edits *edits, struct snap_error *err)
{
    if (edits->unit_bytes >= edits->io->logical_block_bytes)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_UNSUPPORTED,
                     "%s: its logical blocks have %" PRIu32 " bytes, but the store's chunks only %" PRIu64
                     ": such chunks can be read, but not written",
                     edits->io->name, edits->io->logical_block_bytes, edits->unit_bytes);
}

enum snap_status snap_edits_read(const struct snap_edits *edits, uint64_t offset_bytes, uint8_t *unit,
                                 struct snap_error *err)
{
    for (size_t i = edits->count; i-- > 0;)
        if (edits->items[i].offset_bytes == offset_bytes) {
            memcpy(unit, edits->items[i].after, (size_t)edits->unit_bytes);
            return SNAP_OK;
        }
    return snap_io_read(edits->io, offset_bytes, edits->unit_bytes, unit, err);
}

static enum snap_status fail_memory(const struct snap_edits *edits, struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is to be written to it", edits->io->name);
}

/* Room for one more. */
static enum snap_status grow(struct snap_edits *edits, struct snap_error *err)
{
    const size_t room = edits->room > 0 ? 2 * edits->room : 16;
    struct snap_edit *larger;

    if ((edits->count + 1) * 2 * edits->unit_bytes > SNAP_EDITS_BYTES_MAX)
        return snap_fail(err, SNAP_E_REFUSED, "%s: more than %u MiB of its list would have to be written; so much "
                         "damage is not mended in place", edits->io->name, SNAP_EDITS_BYTES_MAX >> 21);
    if (edits->count < edits->room)
        return SNAP_OK;
    larger = realloc(edits->items, room * sizeof *larger);
    if (!larger)
        return fail_memory(edits, err);
    edits->items = larger;
    edits->room = room;
    return SNAP_OK;
}

/* One write does, where the one before it is of the same unit and need not be durable first. */
static bool continues_last(const struct snap_edits *edits, uint64_t offset_bytes)
{
    return edits->count > 0 && !edits->items[edits->count - 1].flush &&
           edits->items[edits->count - 1].offset_bytes == offset_bytes;
}

enum snap_status snap_edits_add(struct snap_edits *edits, uint64_t offset_bytes, const uint8_t *unit,
                                struct snap_error *err)
{
    struct snap_edit edit = {.offset_bytes = offset_bytes};
    enum snap_status status;

    if (continues_last(edits, offset_bytes)) {
        memcpy(edits->items[edits->count - 1].after, unit, (size_t)edits->unit_bytes);
        return SNAP_OK;
    }
    status = grow(edits, err);
    if (status != SNAP_OK)
        return status;
    edit.before = snap_buffer_new(edits->unit_bytes);
    edit.after = snap_buffer_new(edits->unit_bytes);
    status = edit.before && edit.after ? snap_edits_read(edits, offset_bytes, edit.before, err)
                                       : fail_memory(edits, err);
    if (status == SNAP_OK && memcmp(edit.before, unit, (size_t)edits->unit_bytes) != 0) {
        memcpy(edit.after, unit, (size_t)edits->unit_bytes);
        edits->items[edits->count++] = edit;
        return SNAP_OK;
    }
    snap_buffer_free(edit.before);
    snap_buffer_free(edit.after);
    return status;
}

enum snap_status snap_edits_take(struct snap_edits *edits, struct snap_edits *from, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    size_t taken = 0;

    while (status == SNAP_OK && taken < from->count) {
        status = grow(edits, err);
        if (status == SNAP_OK)
            edits->items[edits->count++] = from->items[taken++];
    }
    if (status == SNAP_OK)
        from->count = 0;
    else
        edits->count -= taken; /* they still belong to the other */
    return status;
}

void snap_edits_barrier(struct snap_edits *edits)
{
    if (edits->count > 0)
        edits->items[edits->count - 1].flush = true;
}

enum snap_status snap_edits_apply(const struct snap_edits *edits, bool *begun, struct snap_error *err)
{
    uint8_t *unit = snap_buffer_new(edits->unit_bytes);
    enum snap_status status = unit ? SNAP_OK : fail_memory(edits, err);

    *begun = false;
    for (size_t i = 0; status == SNAP_OK && i < edits->count; i++) {
        const struct snap_edit *edit = &edits->items[i];

        status = snap_io_read(edits->io, edit->offset_bytes, edits->unit_bytes, unit, err);
        if (status == SNAP_OK && memcmp(unit, edit->before, (size_t)edits->unit_bytes) != 0)
            status = snap_fail(err, SNAP_E_CORRUPT, "%s: byte %" PRIu64 " and those behind it have changed since they "
                               "were read; another program writes to it: stop that, then check it again",
                               edits->io->name, edit->offset_bytes);
        if (status != SNAP_OK)
            break;
        *begun = true;
        status = snap_io_write(edits->io, edit->offset_bytes, edits->unit_bytes, edit->after, err);
        if (status == SNAP_OK && (edit->flush || i + 1 == edits->count))
            status = snap_io_flush(edits->io, err);
    }
    snap_buffer_free(unit);
    return status;
}
