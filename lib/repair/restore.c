/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the entries behind the end, compares their data with the origin, and plans the slots as they shall be. */
#include "lib/repair/restore_private.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/check/chunkset.h"
#include "lib/store/list_read.h"
#include "lib/store/list_walk.h"

#include <stdlib.h>
#include <string.h>

#define COMPARE_BYTES (1u << 20)
#define OTHERS_OF 3u /* so many entries in their places are needed for each one that is not */

/* One slot behind the end of the list. */
struct slot {
    struct snap_entry found, want;
    bool fits;               /* an entry that may come back */
    bool other;              /* it may be an entry all the same: in another place than kernels give it since 3.13 */
};

struct behind {
    struct snap_edits *edits;
    const struct snap_store *store;
    struct snap_io *origin;
    uint64_t length;         /* of the list; slot 0 has this index */
    struct snap_chunkset *olds, *news; /* of the list, and the olds of the entries that fit */
    uint64_t origin_chunks;  /* UINT64_MAX: not known */
    struct slot *slots;
    uint64_t count;          /* up to the end of an area */
    uint64_t end;            /* behind the last one that fits */
    uint64_t fitting;
    uint64_t own_fitting, own_other; /* in the area of the end */
    uint8_t *unit;
};

static enum snap_status fail_memory(const struct behind *behind, struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what stands behind its list", behind->store->io->name);
}

/*
 * ---- what is there ---------------------------------------------------------------------------------------------
 */

/* The chunks that the list has. */
static enum snap_status gather_live(const struct behind *behind, struct snap_error *err)
{
    struct snap_list_walk *walk = NULL;
    struct snap_span span = {.slots = 1};
    bool was_there;
    enum snap_status status = snap_list_walk_open(&walk, behind->store, err);

    while (status == SNAP_OK && span.slots > 0) {
        status = snap_list_walk_next(walk, &span, err);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++) {
            status = snap_chunkset_add(behind->olds, snap_span_old(&span, i), &was_there);
            if (status == SNAP_OK)
                status = snap_chunkset_add(behind->news, snap_span_new(&span, i), &was_there);
            if (status != SNAP_OK)
                status = snap_fail(err, status, "%s: more memory is needed to compare its list with what stands behind "
                                   "it", behind->store->io->name);
        }
    }
    snap_list_walk_close(walk);
    return status;
}

static bool is_in_place(const struct behind *behind, uint64_t index, const struct snap_entry *entry)
{
    return snap_layout_is_data_chunk(&behind->store->layout, entry->new_chunk) &&
           entry->new_chunk == snap_layout_canonical_chunk(&behind->store->layout, index);
}

/* Reads the unit with the entry at `index`, and that entry. */
static enum snap_status read_entry(struct behind *behind, uint64_t index, struct snap_entry *entry,
                                   struct snap_error *err)
{
    const uint64_t unit_entries = behind->edits->unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t unit_first = snap_round_down(index, unit_entries);
    enum snap_status status = snap_edits_read(behind->edits, snap_list_read_offset_bytes(behind->store, unit_first),
                                              behind->unit, err);

    if (status == SNAP_OK)
        snap_codec_decode_entry(behind->unit + (index - unit_first) * SNAP_ENTRY_BYTES, entry);
    return status;
}

/* Reads the slots of one area that lie behind the end. */
static enum snap_status read_area(struct behind *behind, uint64_t area, struct snap_error *err)
{
    const uint64_t end = (area + 1) * behind->store->layout.entries_per_area;
    const uint64_t unit_entries = behind->edits->unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t first = behind->length + behind->count;

    for (uint64_t index = first; index < end; index++) {
        struct slot *slot = &behind->slots[behind->count++];

        *slot = (struct slot){.fits = false};
        if (index == first || index % unit_entries == 0) {
            enum snap_status status = read_entry(behind, index, &slot->found, err);

            if (status != SNAP_OK)
                return status;
        }
        snap_codec_decode_entry(behind->unit + index % unit_entries * SNAP_ENTRY_BYTES, &slot->found);
    }
    return SNAP_OK;
}

/* Only its data chunk is lost: the one that the kernel gives to this slot comes back, if an entry follows it. */
static enum snap_status mend_terminator(struct behind *behind, struct snap_error *err)
{
    const struct snap_layout *layout = &behind->store->layout;
    struct snap_entry *found = &behind->slots[0].found;
    const uint64_t next = behind->length + 1;
    const bool next_is_read = behind->count > 1;
    struct snap_entry following;
    enum snap_status status = SNAP_OK;

    if (found->old_chunk == 0 ||
        (!next_is_read && next / layout->entries_per_area >= snap_layout_areas_on_device(layout)))
        return SNAP_OK;
    if (!next_is_read)
        status = read_entry(behind, next, &following, err);
    if (status == SNAP_OK && is_in_place(behind, next, next_is_read ? &behind->slots[1].found : &following))
        found->new_chunk = snap_layout_canonical_chunk(layout, behind->length);
    return status == SNAP_E_IO ? SNAP_OK : status;
}

/* Whether the same stands in its place as well: an interrupted repair leaves that. */
static bool is_copy(const struct behind *behind, const struct slot *slot)
{
    const uint64_t i = snap_layout_data_chunks_before(&behind->store->layout, slot->found.new_chunk) - behind->length;

    return i < behind->count && memcmp(&behind->slots[i].found, &slot->found, sizeof slot->found) == 0;
}

/*
 * Which slots from `first` on hold an entry that the list lacks. With a chunk of a live entry it is what a move has
 * left, or is overwritten: nothing is lost with it. An entry beyond the origin is none of it.
 */
static enum snap_status judge_slots(struct behind *behind, uint64_t first, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (uint64_t i = first; status == SNAP_OK && i < behind->count; i++) {
        struct slot *slot = &behind->slots[i];
        bool was_there = true;

        if (!snap_layout_is_data_chunk(&behind->store->layout, slot->found.new_chunk) ||
            slot->found.old_chunk >= behind->origin_chunks ||
            snap_chunkset_has(behind->news, slot->found.new_chunk))
            continue;
        if (!is_in_place(behind, behind->length + i, &slot->found)) {
            slot->other = !snap_chunkset_has(behind->olds, slot->found.old_chunk);
            continue;
        }
        status = snap_chunkset_add(behind->olds, slot->found.old_chunk, &was_there);
        if (status != SNAP_OK)
            status = fail_memory(behind, err);
        slot->fits = status == SNAP_OK && !was_there;
    }
    return status;
}

/*
 * Whether the list may have gone on behind the area that begins with slot `first`. Only entries that fit tell: they
 * stay what they are until all of them are in the list, whatever a crash leaves of the rest. Behind an entry in the
 * last slot, whatever stands in the next area would be in the list, and the list may have gone on behind that.
 */
static bool leads_on(const struct behind *behind, uint64_t first)
{
    return first == 0 || behind->slots[first - 1].fits || behind->slots[first].fits ||
           behind->slots[behind->count - 1].fits;
}

/* All areas that the list may have had; one more than those, so that there is an end. */
static enum snap_status read_slots(struct behind *behind, struct snap_error *err)
{
    const struct snap_layout *layout = &behind->store->layout;
    uint64_t area = behind->length / layout->entries_per_area;
    bool more = true;

    while (more && area < snap_layout_areas_on_device(layout) &&
           behind->count + layout->entries_per_area <= SNAP_RESTORE_SLOTS_MAX) {
        const uint64_t first = behind->count;
        enum snap_status status = read_area(behind, area, err);

        if (status == SNAP_E_IO) { /* what cannot be read brings nothing back */
            behind->count = first;
            return SNAP_OK;
        }
        if (status == SNAP_OK && first == 0)
            status = mend_terminator(behind, err);
        if (status == SNAP_OK)
            status = judge_slots(behind, first, err);
        if (status != SNAP_OK)
            return status;
        more = leads_on(behind, first);
        area++;
    }
    return SNAP_OK;
}

/*
 * ---- what of it is merged --------------------------------------------------------------------------------------
 */

/* Whether the origin has what this entry holds; what cannot be read is not known to be there. */
static bool is_on_origin(const struct behind *behind, const struct snap_entry *entry, uint8_t *buffer)
{
    const uint64_t chunk_bytes = behind->store->layout.chunk_bytes;
    const uint64_t from_bytes = entry->new_chunk * chunk_bytes, at_bytes = entry->old_chunk * chunk_bytes;
    const uint64_t length_bytes = snap_min(chunk_bytes, behind->origin->size_bytes - at_bytes);

    for (uint64_t done_bytes = 0; done_bytes < length_bytes; done_bytes += COMPARE_BYTES) {
        const uint64_t step_bytes = snap_min(length_bytes - done_bytes, COMPARE_BYTES);

        if (snap_io_read(behind->store->io, from_bytes + done_bytes, step_bytes, buffer, NULL) != SNAP_OK ||
            snap_io_read(behind->origin, at_bytes + done_bytes, step_bytes, buffer + COMPARE_BYTES, NULL) != SNAP_OK ||
            memcmp(buffer, buffer + COMPARE_BYTES, (size_t)step_bytes) != 0)
            return false;
    }
    return true;
}

/* Counts the entries; *merged: the origin has all of them. */
static enum snap_status compare_with_origin(struct behind *behind, bool *merged, struct snap_error *err)
{
    const uint64_t per_area = behind->store->layout.entries_per_area;
    const uint64_t own_slots = per_area - behind->length % per_area;
    uint8_t *buffer = snap_buffer_new_unset(2 * COMPARE_BYTES);

    *merged = !!behind->origin;
    if (!buffer)
        return fail_memory(behind, err);
    for (uint64_t i = 0; i < behind->count; i++) {
        const struct slot *slot = &behind->slots[i];

        if (!slot->fits && !slot->other)
            continue;
        behind->fitting += slot->fits;
        behind->own_fitting += slot->fits && i < own_slots;
        behind->own_other += slot->other && i < own_slots && !is_copy(behind, slot);
        behind->end = slot->fits ? i + 1 : behind->end;
        *merged = *merged && is_on_origin(behind, &slot->found, buffer);
    }
    snap_buffer_free(buffer);
    return SNAP_OK;
}

/*
 * ---- what is written -------------------------------------------------------------------------------------------
 */

/* Adds the unit with slot `i` as it shall be. */
static enum snap_status add_unit(struct behind *behind, uint64_t i, struct snap_error *err)
{
    const uint64_t unit_entries = behind->edits->unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t unit_first = snap_round_down(behind->length + i, unit_entries);
    const uint64_t offset_bytes = snap_list_read_offset_bytes(behind->store, unit_first);
    enum snap_status status = snap_edits_read(behind->edits, offset_bytes, behind->unit, err);

    for (uint64_t index = snap_max(unit_first, behind->length); index < unit_first + unit_entries; index++)
        snap_codec_encode_entry(&behind->slots[index - behind->length].want,
                                behind->unit + (index - unit_first) * SNAP_ENTRY_BYTES);
    return status == SNAP_OK ? snap_edits_add(behind->edits, offset_bytes, behind->unit, err) : status;
}

/* Slots in front of the new end get an entry each: their own, or one from behind the new end, the last one first. */
static void fill(struct behind *behind)
{
    uint64_t last = behind->end;

    for (uint64_t i = 0; i < behind->count; i++) {
        struct slot *slot = &behind->slots[i];

        slot->want = slot->fits ? slot->found : (struct snap_entry){0, 0};
        if (slot->fits || i >= behind->fitting)
            continue;
        do
            last--;
        while (!behind->slots[last].fits);
        slot->want = behind->slots[last].found;
    }
}

/*
 * First what the list does not reach, then the unit with its end: at once the list goes on. Entries that were copied to
 * the front are behind its new end, or in it twice, until they are cleared, from the end to the front.
 */
static enum snap_status plan_writes(struct behind *behind, struct snap_error *err)
{
    const uint64_t unit_entries = behind->edits->unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t second = unit_entries - behind->length % unit_entries; /* of the unit behind the end's */
    enum snap_status status = SNAP_OK;

    fill(behind);
    for (uint64_t i = second; status == SNAP_OK && i < behind->count; i += unit_entries)
        status = add_unit(behind, i, err);
    snap_edits_barrier(behind->edits);
    if (status == SNAP_OK)
        status = add_unit(behind, 0, err);
    snap_edits_barrier(behind->edits);
    for (uint64_t i = behind->fitting; i < behind->count; i++)
        behind->slots[i].want = (struct snap_entry){0, 0};
    for (uint64_t i = behind->count; status == SNAP_OK && i > behind->fitting;) {
        i = i > unit_entries ? i - unit_entries : 0;
        status = add_unit(behind, i, err);
        snap_edits_barrier(behind->edits);
    }
    return status;
}

/*
 * While entries are in the list twice, it goes up to the first slot that holds none. That must be one of those that
 * were read: else what nobody has looked at would be in the list.
 */
static bool has_end(const struct behind *behind)
{
    for (uint64_t i = behind->fitting; i < behind->count; i++)
        if (!behind->slots[i].fits)
            return true;
    return false;
}

static enum snap_status note_olds(struct behind *behind, struct snap_restore *restore, struct snap_error *err)
{
    restore->old_chunks = snap_array_new(behind->fitting, sizeof *restore->old_chunks);
    if (!restore->old_chunks)
        return fail_memory(behind, err);
    for (uint64_t i = 0; i < behind->end; i++)
        if (behind->slots[i].fits)
            restore->old_chunks[restore->count++] = behind->slots[i].found.old_chunk;
    return SNAP_OK;
}

/*
 * Whether what fits is the list. In the area of the end only a fault leaves entries in their places: kernels zero an
 * area before they use it. Others beside them may be the list of an old kernel. Areas behind that one may be of an
 * earlier store: at least half of the slots must fit.
 */
static bool is_proved(const struct behind *behind)
{
    return behind->own_fitting > OTHERS_OF * behind->own_other ||
           (behind->fitting > 0 && behind->fitting * 2 >= behind->end);
}

static enum snap_status plan(struct behind *behind, struct snap_restore *restore, struct snap_error *err)
{
    enum snap_status status = gather_live(behind, err);

    if (status == SNAP_OK)
        status = read_slots(behind, err);
    if (status == SNAP_OK)
        status = compare_with_origin(behind, &restore->merged, err);
    restore->merged = restore->merged && behind->fitting > 0;
    restore->found = behind->fitting;
    restore->lost = behind->end - behind->fitting;
    if (status != SNAP_OK || !behind->origin || restore->merged || !is_proved(behind) || !has_end(behind))
        return status;
    status = note_olds(behind, restore, err);
    return status == SNAP_OK ? plan_writes(behind, err) : status;
}

enum snap_status snap_restore_plan(struct snap_edits *edits, const struct snap_store *store, struct snap_io *origin,
                                   uint64_t length, uint64_t memory_bytes, struct snap_restore *restore,
                                   struct snap_error *err)
{
    struct behind behind = {
        .edits = edits,
        .store = store,
        .origin = origin,
        .length = length,
        .olds = snap_chunkset_new(memory_bytes / 2),
        .news = snap_chunkset_new(memory_bytes / 2),
        .origin_chunks = origin ? snap_layout_origin_chunks(&store->layout, origin->size_bytes / SNAP_SECTOR_BYTES)
                                : UINT64_MAX,
        .slots = snap_array_new(SNAP_RESTORE_SLOTS_MAX, sizeof *behind.slots),
        .unit = snap_buffer_new(edits->unit_bytes),
    };
    enum snap_status status = SNAP_OK;

    *restore = (struct snap_restore){.count = 0};
    if (!behind.olds || !behind.news || !behind.slots || !behind.unit)
        status = fail_memory(&behind, err);
    else
        status = plan(&behind, restore, err);
    snap_chunkset_free(behind.olds);
    snap_chunkset_free(behind.news);
    free(behind.slots);
    snap_buffer_free(behind.unit);
    return status;
}
