/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the few entries that are out of place, and holds them against what moves and kernels leave. */
#include "lib/check/places.h"

#include "lib/base/arith.h"
#include "lib/check/duplicates.h"
#include "lib/store/list_read.h"

#include <stdlib.h>

#define IN_FLIGHT 64u /* old kernels: so many copies, at most, are under way at once when they crash */

void snap_places_init(struct snap_places *places, const struct snap_store *store)
{
    places->store = store;
    places->entries = places->count = 0;
    places->last_count = 0;
    places->judged = false;
}

/*
 * ---- while the list is walked ----------------------------------------------------------------------------------
 */

/* The old of an entry before this one of the span, `back` steps; false: the list begins there. */
static bool old_before(const struct snap_places *places, const struct snap_span *span, uint32_t i, uint32_t back,
                       uint64_t *old_chunk)
{
    if (back <= i)
        *old_chunk = snap_span_old(span, i - back);
    else if (back - i <= places->last_count)
        *old_chunk = places->last[back - i - 1];
    else
        return false;
    return true;
}

static void note_place(struct snap_places *places, const struct snap_span *span, uint32_t i)
{
    struct snap_place *place;

    if (places->count++ >= SNAP_PLACES_MAX)
        return;
    place = &places->at[places->count - 1];
    *place = (struct snap_place){
        .index = span->first_index + i,
        .old_chunk = snap_span_old(span, i),
        .new_chunk = snap_span_new(span, i),
        .home = UINT64_MAX,
    };
    while (place->before_count < SNAP_PLACES_NEAR &&
           old_before(places, span, i, place->before_count + 1, &place->before[place->before_count]))
        place->before_count++;
}

/* An entry may be one of those behind the places that were noted last. False: it is behind all of these. */
static bool note_behind(struct snap_places *places, uint64_t index, uint64_t old_chunk)
{
    for (uint64_t i = places->count; i > 0; i--) {
        struct snap_place *place = &places->at[i - 1];

        if (index - place->index > SNAP_PLACES_NEAR)
            return i < places->count;
        place->behind[place->behind_count++] = old_chunk;
    }
    return places->count > 0;
}

void snap_places_feed(struct snap_places *places, const struct snap_span *span)
{
    const uint64_t canonical = snap_layout_canonical_chunk(&places->store->layout, span->first_index);
    uint64_t last[SNAP_PLACES_NEAR];
    unsigned last_count = 0;
    bool near = places->count > 0;

    places->entries += span->live;
    if (places->count > SNAP_PLACES_MAX)
        return;
    for (uint32_t i = 0; i < span->live && places->count <= SNAP_PLACES_MAX; i++) {
        near = near && note_behind(places, span->first_index + i, snap_span_old(span, i));
        if (snap_span_new(span, i) != canonical + i) {
            note_place(places, span, i);
            near = places->count <= SNAP_PLACES_MAX;
        }
    }
    while (last_count < SNAP_PLACES_NEAR && old_before(places, span, span->live, last_count + 1, &last[last_count]))
        last_count++;
    for (unsigned i = 0; i < last_count; i++)
        places->last[i] = last[i];
    places->last_count = last_count;
}

/*
 * ---- one entry -------------------------------------------------------------------------------------------------
 */

static int by_index(const void *left, const void *right)
{
    const struct snap_place *a = left, *b = right;

    return (a->index > b->index) - (a->index < b->index);
}

/* Among all that are kept, judged or not. */
static struct snap_place *find(const struct snap_places *places, uint64_t index)
{
    const struct snap_place key = {.index = index};

    return bsearch(&key, places->at, (size_t)places->count, sizeof key, by_index);
}

static uint64_t count_with_home(const struct snap_places *places, uint64_t home)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < places->count; i++)
        count += places->at[i].home == home;
    return count;
}

/* Also of a chunk that the device does not have any more, and that no slot is the home of. */
static bool has_new(const struct snap_places *places, uint64_t new_chunk)
{
    for (uint64_t i = 0; i < places->count; i++)
        if (places->at[i].new_chunk == new_chunk)
            return true;
    return false;
}

/* Whether so many olds ascend from the farthest one before the slot to the farthest one behind it. */
static bool ascend(const struct snap_place *place)
{
    uint64_t last = 0;
    bool any = false, rises = true;

    for (unsigned i = place->before_count; i > 0; i--) {
        rises &= !any || place->before[i - 1] > last;
        last = place->before[i - 1];
        any = true;
    }
    for (unsigned i = 0; i < place->behind_count; i++) {
        rises &= !any || place->behind[i] > last;
        last = place->behind[i];
        any = true;
    }
    return rises && place->before_count > 0 && place->behind_count > 0 &&
           place->before_count + place->behind_count > SNAP_PLACES_NEAR;
}

static enum snap_place_fit fit_of(const struct snap_place *place)
{
    const bool between = (place->before_count == 0 || place->before[0] < place->old_chunk) &&
                         (place->behind_count == 0 || place->old_chunk < place->behind[0]);

    if ((place->before_count > 0 && place->old_chunk > 0 && place->before[0] == place->old_chunk - 1) ||
        (place->behind_count > 0 && place->behind[0] > 0 && place->behind[0] - 1 == place->old_chunk))
        return SNAP_PLACE_FITS;
    if (!ascend(place))
        return SNAP_PLACE_SCATTERED;
    return between ? SNAP_PLACE_FITS : SNAP_PLACE_STRANGE;
}

/* The one origin chunk that is missing between the neighbours, if there is one. */
static void guess_lost_old(struct snap_place *place)
{
    if (place->before_count == 0 || place->behind_count == 0 || place->before[0] >= UINT64_MAX - 1 ||
        place->behind[0] != place->before[0] + 2)
        return;
    place->lost_old = place->before[0] + 1;
    place->lost_old_known = true;
}

/*
 * ---- what moves and kernels leave ------------------------------------------------------------------------------
 */

/*
 * An entry that a repair drops gets its slot filled by the last one of the list: so the chunks of those that were moved
 * lie right behind those of the list. Some of the last entries may have been dropped as well, which leaves gaps there.
 */
static uint64_t end_of_moved(const struct snap_places *places)
{
    uint64_t moved = 0;

    for (uint64_t i = 0; i < places->count; i++)
        moved += places->at[i].home != UINT64_MAX && places->at[i].home >= places->entries;
    return places->entries + 2 * moved + 2;
}

/* More entries behind this one are in their place than not. */
static bool in_the_middle(const struct snap_places *places, const struct snap_place *place)
{
    const uint64_t out = (uint64_t)(places->at + places->count - (place + 1));

    return places->entries - 1 - place->index > 2 * out;
}

static bool is_outlier(const struct snap_places *places, const struct snap_place *place)
{
    const uint64_t from_end = places->entries - place->index;

    if (place->home == UINT64_MAX || place->home < end_of_moved(places) || place->own_chunk == 0 ||
        count_with_home(places, place->home) > 1 || place->fit == SNAP_PLACE_STRANGE)
        return false;
    if (place->home - places->entries < IN_FLIGHT && (from_end <= IN_FLIGHT || place->fit != SNAP_PLACE_FITS))
        return false;
    return in_the_middle(places, place);
}

/*
 * Drops, and merges past bad sectors, copy entries to slots before them, wherever a window begins, and some of these
 * copies stay where one of them is killed. Nothing copies an entry to a slot behind it but the end.
 */
static bool copy_is_legal(const struct snap_places *places, const struct snap_place *place)
{
    return place->home > place->index || !in_the_middle(places, place);
}

/* Its chunk is the canonical one of another slot of the list. */
static enum snap_status judge_second(const struct snap_places *places, struct snap_place *place,
                                     struct snap_error *err)
{
    struct snap_entry other;
    enum snap_status status;

    if (find(places, place->home) || place->own_chunk == 0)
        return SNAP_OK;
    status = snap_list_read_entries(places->store, place->home, 1, &other, err);
    if (status != SNAP_OK)
        return status;
    if (other.old_chunk != place->old_chunk) {
        place->kind = place->fit == SNAP_PLACE_STRANGE ? SNAP_PLACE_LEGAL : SNAP_PLACE_SHARED;
    } else if (!copy_is_legal(places, place) && count_with_home(places, place->home) < SNAP_DUPLICATES_COPIES_MAX) {
        place->kind = SNAP_PLACE_COPY;
        guess_lost_old(place);
    }
    return SNAP_OK;
}

enum snap_status snap_places_judge(struct snap_places *places, struct snap_error *err)
{
    const struct snap_layout *layout = &places->store->layout;
    enum snap_status status = SNAP_OK;

    if (places->count > SNAP_PLACES_MAX || places->count * SNAP_PLACES_SHARE > places->entries)
        return SNAP_OK;
    places->judged = true;
    for (uint64_t i = 0; i < places->count; i++)
        if (snap_layout_is_data_chunk(layout, places->at[i].new_chunk))
            places->at[i].home = snap_layout_data_chunks_before(layout, places->at[i].new_chunk);
    for (uint64_t i = 0; i < places->count; i++) {
        struct snap_place *place = &places->at[i];
        const uint64_t canonical = snap_layout_canonical_chunk(layout, place->index);

        if (!has_new(places, canonical))
            place->own_chunk = canonical;
        place->fit = fit_of(place);
    }
    for (uint64_t i = 0; i < places->count && status == SNAP_OK; i++) {
        struct snap_place *place = &places->at[i];

        if (place->home < places->entries)
            status = judge_second(places, place, err);
        else if (is_outlier(places, place))
            place->kind = SNAP_PLACE_OUTLIER;
    }
    return status;
}

const struct snap_place *snap_places_find(const struct snap_places *places, uint64_t index)
{
    return places->judged ? find(places, index) : NULL;
}
