/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans the moves, the cut and the areas behind it, unit by unit. */
#include "lib/repair/drop_private.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/store/list_read.h"

#include <string.h>

struct drop {
    struct snap_edits *edits;
    const struct snap_store *store;
    uint64_t length, new_length;
    const uint64_t *dropped;
    size_t count;
    uint64_t unit_entries;
    uint8_t *unit, *source;
};

/* The last entry below *index that stays; its index afterwards in *index. There is one: more slots are empty. */
static enum snap_status take_last(struct drop *drop, uint64_t *index, size_t *dropped_left, uint8_t *entry,
                                  struct snap_error *err)
{
    uint64_t unit_first;
    enum snap_status status;

    --*index;
    while (*dropped_left > 0 && drop->dropped[*dropped_left - 1] == *index) {
        --*dropped_left;
        --*index;
    }
    unit_first = snap_round_down(*index, drop->unit_entries);
    status = snap_edits_read(drop->edits, snap_list_read_offset_bytes(drop->store, unit_first), drop->source, err);
    if (status == SNAP_OK)
        memcpy(entry, drop->source + (*index - unit_first) * SNAP_ENTRY_BYTES, SNAP_ENTRY_BYTES);
    return status;
}

/*
 * Each slot of a dropped entry in front of the new end gets an entry from behind it, which for a while is in the list
 * twice.
 */
static enum snap_status plan_moves(struct drop *drop, struct snap_error *err)
{
    uint64_t last = drop->length;
    size_t dropped_left = drop->count;
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; status == SNAP_OK && i < drop->count && drop->dropped[i] < drop->new_length;) {
        const uint64_t unit_first = snap_round_down(drop->dropped[i], drop->unit_entries);
        const uint64_t offset_bytes = snap_list_read_offset_bytes(drop->store, unit_first);

        status = snap_edits_read(drop->edits, offset_bytes, drop->unit, err);
        while (status == SNAP_OK && i < drop->count && drop->dropped[i] < drop->new_length &&
               drop->dropped[i] < unit_first + drop->unit_entries) {
            status = take_last(drop, &last, &dropped_left,
                               drop->unit + (drop->dropped[i] - unit_first) * SNAP_ENTRY_BYTES, err);
            i++;
        }
        if (status == SNAP_OK)
            status = snap_edits_add(drop->edits, offset_bytes, drop->unit, err);
    }
    snap_edits_barrier(drop->edits);
    return status;
}

/* As snap_list_cut: from the end of the area backwards, and the unit with the new end last. */
static enum snap_status plan_cut(struct drop *drop, struct snap_error *err)
{
    const uint64_t per_area = drop->store->layout.entries_per_area;
    const uint64_t end =
        snap_min(drop->length, snap_round_down(drop->new_length, per_area) + per_area);
    uint64_t unit_first = snap_round_down(end - 1, drop->unit_entries);
    enum snap_status status;

    for (;;) {
        const uint64_t offset_bytes = snap_list_read_offset_bytes(drop->store, unit_first);
        const uint64_t kept = drop->new_length > unit_first ? drop->new_length - unit_first : 0;

        status = snap_edits_read(drop->edits, offset_bytes, drop->unit, err);
        if (status != SNAP_OK)
            return status;
        for (uint64_t slot = kept; slot < drop->unit_entries && unit_first + slot < end; slot++)
            memset(drop->unit + slot * SNAP_ENTRY_BYTES, 0, SNAP_ENTRY_BYTES);
        status = snap_edits_add(drop->edits, offset_bytes, drop->unit, err);
        snap_edits_barrier(drop->edits);
        if (status != SNAP_OK || unit_first <= drop->new_length)
            return status;
        unit_first -= drop->unit_entries;
    }
}

/* Highest first: whatever is left after a crash does not follow the list. */
static enum snap_status plan_areas_behind(struct drop *drop, struct snap_error *err)
{
    const uint64_t per_area = drop->store->layout.entries_per_area;
    const uint64_t first = snap_round_down(drop->new_length, per_area) + per_area;
    enum snap_status status = SNAP_OK;

    memset(drop->unit, 0, (size_t)drop->edits->unit_bytes);
    for (uint64_t end = snap_div_up(drop->length, drop->unit_entries) * drop->unit_entries;
         status == SNAP_OK && end > first; end -= drop->unit_entries)
        status = snap_edits_add(drop->edits, snap_list_read_offset_bytes(drop->store, end - drop->unit_entries),
                                drop->unit, err);
    return status;
}

enum snap_status snap_drop_plan(struct snap_edits *edits, const struct snap_store *store, uint64_t length,
                                const uint64_t *dropped, size_t count, struct snap_error *err)
{
    struct drop drop = {
        .edits = edits,
        .store = store,
        .length = length,
        .new_length = length - count,
        .dropped = dropped,
        .count = count,
        .unit_entries = edits->unit_bytes / SNAP_ENTRY_BYTES,
        .unit = snap_buffer_new(edits->unit_bytes),
        .source = snap_buffer_new(edits->unit_bytes),
    };
    enum snap_status status = drop.unit && drop.source
                                  ? SNAP_OK
                                  : snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for its list", store->io->name);

    if (status == SNAP_OK && count > 0)
        status = plan_moves(&drop, err);
    if (status == SNAP_OK && count > 0)
        status = plan_cut(&drop, err);
    if (status == SNAP_OK && count > 0)
        status = plan_areas_behind(&drop, err);
    snap_buffer_free(drop.unit);
    snap_buffer_free(drop.source);
    return status;
}
