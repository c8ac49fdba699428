/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes and compares what a file of old bytes says of a store, and puts the bytes back. */
#include "lib/repair/saved.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/crc32c.h"

#include <inttypes.h>
#include <string.h>

#define READ_BYTES SNAP_SAVED_UNIT_BYTES_MAX /* a unit is never read in two steps */

static enum snap_status poll_stop(const struct snap_saved *saved, struct snap_error *err)
{
    return saved->stop && saved->stop(saved->stop_context) ? snap_fail(err, SNAP_E_STOPPED, "stopped") : SNAP_OK;
}

/*
 * ---- what stands around the edited units -----------------------------------------------------------------------
 */

struct digest {
    const struct snap_saved *saved;
    uint8_t *buffer;
    uint32_t crc32c;
};

/* Edited units count as zeros. */
static void leave_out(const struct digest *digest, uint64_t offset_bytes, uint64_t length_bytes)
{
    const struct snap_edits *edits = &digest->saved->edits;

    for (size_t i = 0; i < edits->count; i++) {
        const uint64_t unit_bytes = edits->items[i].offset_bytes;

        if (unit_bytes >= offset_bytes && unit_bytes - offset_bytes < length_bytes)
            memset(digest->buffer + (unit_bytes - offset_bytes), 0, (size_t)edits->unit_bytes);
    }
}

static enum snap_status digest_range(struct digest *digest, uint64_t offset_bytes, uint64_t length_bytes,
                                     struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    while (status == SNAP_OK && length_bytes > 0) {
        const uint64_t step_bytes = snap_min(length_bytes, READ_BYTES);

        status = poll_stop(digest->saved, err);
        if (status != SNAP_OK)
            break;
        status = snap_io_read(digest->saved->edits.io, offset_bytes, step_bytes, digest->buffer, err);
        if (status == SNAP_E_IO) { /* a bad sector, most likely the reason for the repair: it cannot be compared */
            memset(digest->buffer, 0, (size_t)step_bytes);
            status = SNAP_OK;
        }
        if (status != SNAP_OK)
            break;
        leave_out(digest, offset_bytes, step_bytes);
        digest->crc32c = snap_crc32c_add(digest->crc32c, digest->buffer, step_bytes);
        offset_bytes += step_bytes;
        length_bytes -= step_bytes;
    }
    return status;
}

/* Chunk 0 up to the fingerprint, and the areas. */
static enum snap_status digest_rest(const struct snap_saved *saved, uint32_t *crc32c, struct snap_error *err)
{
    struct digest digest = {.saved = saved, .buffer = snap_buffer_new_unset(READ_BYTES)};
    const uint64_t unit_bytes = saved->edits.unit_bytes;
    struct snap_layout layout;
    enum snap_status status = digest.buffer ? SNAP_OK
                                            : snap_fail(err, SNAP_E_NOMEM, "%s: out of memory to read its list",
                                                        saved->edits.io->name);

    if (status == SNAP_OK)
        status = snap_layout_init(&layout, saved->chunk_sectors, saved->cow_bytes / 512, err);
    if (status == SNAP_OK)
        status = digest_range(&digest, 0, snap_min(snap_max(unit_bytes, 1024), layout.chunk_bytes), err);
    for (uint64_t area = 0; status == SNAP_OK && area < saved->areas; area++)
        status = digest_range(&digest, snap_layout_area_chunk(&layout, area) * layout.chunk_bytes, layout.chunk_bytes,
                              err);
    snap_buffer_free(digest.buffer);
    *crc32c = digest.crc32c;
    return status;
}

enum snap_status snap_saved_make(struct snap_saved *saved, const struct snap_store *store,
                                 const struct snap_edits *edits, uint64_t entries, struct snap_error *err)
{
    const struct snap_layout *layout = &store->layout;

    *saved = (struct snap_saved){
        .cow_bytes = store->io->size_bytes,
        .chunk_sectors = layout->chunk_sectors,
        .edits = *edits,
    };
    /* One area more than the list has: what the kernel appends, it links from there. */
    saved->areas = snap_min(entries / layout->entries_per_area + 2, snap_layout_areas_on_device(layout));
    return digest_rest(saved, &saved->rest_crc32c, err);
}

void snap_saved_free(struct snap_saved *saved)
{
    snap_edits_free(&saved->edits);
}

/*
 * ---- putting back ----------------------------------------------------------------------------------------------
 */

/* What the unit of edit `number` was before the first edit of it, and after this one, or an earlier one. */
static bool is_known(const struct snap_edits *edits, size_t number, const uint8_t *unit, bool *original)
{
    const uint64_t offset_bytes = edits->items[number].offset_bytes;
    bool known = false;

    *original = false;
    for (size_t i = 0; i < edits->count; i++) {
        const struct snap_edit *edit = &edits->items[i];

        if (edit->offset_bytes != offset_bytes)
            continue;
        if (!known && memcmp(edit->before, unit, (size_t)edits->unit_bytes) == 0)
            *original = known = true;
        known = known || memcmp(edit->after, unit, (size_t)edits->unit_bytes) == 0;
    }
    return known;
}

/* Each unit once, however many edits it has. */
static bool is_first(const struct snap_edits *edits, size_t number)
{
    for (size_t i = 0; i < number; i++)
        if (edits->items[i].offset_bytes == edits->items[number].offset_bytes)
            return false;
    return true;
}

static enum snap_status fail_changed(const struct snap_saved *saved, const char *name, uint64_t offset_bytes,
                                     struct snap_error *err)
{
    return snap_fail(err, SNAP_E_REFUSED, "%s: it was changed since its old bytes were saved in %s (byte %" PRIu64
                     " and those behind it): they do not fit any more", saved->edits.io->name, name, offset_bytes);
}

enum snap_status snap_saved_count(const struct snap_saved *saved, const char *name, uint64_t *units,
                                  struct snap_error *err)
{
    const struct snap_edits *edits = &saved->edits;
    uint8_t *unit = snap_buffer_new(edits->unit_bytes);
    uint32_t crc32c = 0;
    enum snap_status status = unit ? SNAP_OK
                                   : snap_fail(err, SNAP_E_NOMEM, "%s: out of memory to read its list",
                                               edits->io->name);

    *units = 0;
    for (size_t i = 0; status == SNAP_OK && i < edits->count; i++) {
        bool original;

        status = poll_stop(saved, err);
        if (status != SNAP_OK || !is_first(edits, i))
            continue;
        status = snap_io_read(edits->io, edits->items[i].offset_bytes, edits->unit_bytes, unit, err);
        if (status == SNAP_OK && !is_known(edits, i, unit, &original))
            status = fail_changed(saved, name, edits->items[i].offset_bytes, err);
        *units += status == SNAP_OK && !original;
    }
    snap_buffer_free(unit);
    if (status == SNAP_OK)
        status = digest_rest(saved, &crc32c, err);
    if (status == SNAP_OK && crc32c != saved->rest_crc32c)
        status = snap_fail(err, SNAP_E_REFUSED, "%s: its list was changed since its old bytes were saved in %s: they "
                           "do not fit any more", edits->io->name, name);
    return status;
}

enum snap_status snap_saved_put_back(const struct snap_saved *saved, struct snap_error *err)
{
    const struct snap_edits *edits = &saved->edits;
    uint8_t *unit = snap_buffer_new(edits->unit_bytes);
    enum snap_status status = unit ? SNAP_OK
                                   : snap_fail(err, SNAP_E_NOMEM, "%s: out of memory to write to it",
                                               edits->io->name);

    for (size_t i = edits->count; status == SNAP_OK && i-- > 0;) {
        const struct snap_edit *edit = &edits->items[i];

        status = poll_stop(saved, err);
        if (status == SNAP_OK)
            status = snap_io_read(edits->io, edit->offset_bytes, edits->unit_bytes, unit, err);
        if (status == SNAP_OK && memcmp(unit, edit->after, (size_t)edits->unit_bytes) == 0)
            status = snap_io_write(edits->io, edit->offset_bytes, edits->unit_bytes, edit->before, err);
        if (status == SNAP_OK && (i == 0 || edits->items[i - 1].flush))
            status = snap_io_flush(edits->io, err);
    }
    snap_buffer_free(unit);
    return status;
}
