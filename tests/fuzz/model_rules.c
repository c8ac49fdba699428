/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules of dmsnap-store(5), held against a store a second time. */
#include "tests/fuzz/model.h"

#include <string.h>

const char *const model_rule_id[MODEL_RULES] = {
    [MODEL_VALID_VALUE] = "valid-value",
    [MODEL_CHUNK_UNUSUAL] = "chunk-unusual",
    [MODEL_PARTIAL_CHUNK] = "partial-chunk",
    [MODEL_EXACT_FIT] = "exact-fit",
    [MODEL_NO_ROOM] = "no-room",
    [MODEL_OLD_RANGE] = "entry-old-range",
    [MODEL_TOP_BYTE] = "entry-new-top-byte",
    [MODEL_METADATA] = "entry-new-metadata",
    [MODEL_NEW_RANGE] = "entry-new-range",
    [MODEL_ORDER] = "entry-order",
    [MODEL_GARBAGE] = "garbage-behind-end",
    [MODEL_PAST_END] = "list-past-end",
    [MODEL_DUPLICATE_OLD] = "duplicate-old",
    [MODEL_DUPLICATE_NEW] = "duplicate-new",
    [MODEL_REPEATED] = "entry-repeated",
    [MODEL_REPEATED_OFTEN] = "entry-repeated-often",
    [MODEL_OUTLIER] = "entry-new-outlier",
    [MODEL_LOST] = "entry-lost",
    [MODEL_LEAKED] = "leaked-chunks",
    [MODEL_FULL] = "store-full",
    [MODEL_CUT] = "list-cut",
    [MODEL_STALE] = "stale-areas",
};

static void judge_device(const struct model *model, struct model_judgement *judgement)
{
    const uint64_t chunk_sectors = model->chunk_bytes / 512;
    uint64_t data_chunks = 0;

    for (uint64_t chunk = 2; chunk < model->cow_chunks; chunk++)
        data_chunks += !model_is_area(model, chunk);
    judgement->capacity = model_room(model, 0, 0);
    judgement->count[MODEL_VALID_VALUE] = model->valid > 1;
    judgement->count[MODEL_CHUNK_UNUSUAL] = chunk_sectors < 8 || chunk_sectors > 1024;
    judgement->count[MODEL_PARTIAL_CHUNK] = model->cow_bytes / 512 % chunk_sectors != 0;
    judgement->count[MODEL_EXACT_FIT] = judgement->capacity < data_chunks;
    judgement->count[MODEL_NO_ROOM] = model->cow_chunks < 3;
}

/* Chunks that an origin of this store can have: by a record, or else as far as 63 bits of bytes reach. */
static uint64_t chunks_at_most(const struct model *model, uint64_t origin_sectors)
{
    const uint64_t chunk_sectors = model->chunk_bytes / 512;
    const uint64_t sectors = model->recorded_sectors > origin_sectors ? model->recorded_sectors : origin_sectors;

    if (model->recorded_sectors == 0 || sectors > INT64_MAX / 512)
        return INT64_MAX / model->chunk_bytes;
    return sectors / chunk_sectors + (sectors % chunk_sectors != 0);
}

/* The numbers of one entry, and whether an earlier one has them. */
static void judge_entry(const struct model *model, uint64_t index, uint64_t at_most, bool *canonical,
                        struct model_judgement *judgement)
{
    const struct model_entry *entry = &model->entry[index];
    const struct model_entry *same_old = NULL, *same_new = NULL;
    const bool old_fits = entry->old_chunk < judgement->old_limit;
    const bool new_fits = model_new_fits(model, entry->new_chunk);
    const bool in_place = entry->new_chunk == model_canonical(model, index);
    uint64_t alike = 0; /* entries of the list up to this one that are the same */

    for (uint64_t i = 0; i <= index; i++)
        alike += model->entry[i].old_chunk == entry->old_chunk && model->entry[i].new_chunk == entry->new_chunk;
    for (uint64_t i = index; i-- > 0;) {
        same_old = model->entry[i].old_chunk == entry->old_chunk ? &model->entry[i] : same_old;
        same_new = model->entry[i].new_chunk == entry->new_chunk ? &model->entry[i] : same_new;
    }
    judgement->count[MODEL_OLD_RANGE] +=
        entry->old_chunk >= at_most && (new_fits || at_most < INT64_MAX / model->chunk_bytes);
    judgement->beyond += !old_fits && entry->old_chunk < at_most;
    if (!new_fits)
        judgement->count[entry->new_chunk >> 56                   ? MODEL_TOP_BYTE
                         : model_is_area(model, entry->new_chunk) ? MODEL_METADATA
                                                                  : MODEL_NEW_RANGE]++;
    else if (*canonical && !in_place)
        judgement->count[MODEL_ORDER]++;
    *canonical = *canonical && in_place;
    if (old_fits && same_old && new_fits && same_old->new_chunk == entry->new_chunk) {
        judgement->count[MODEL_REPEATED]++;
        judgement->count[MODEL_REPEATED_OFTEN] += alike == 17;
    } else if (old_fits && same_old) {
        judgement->count[MODEL_DUPLICATE_OLD]++;
    }
    if (new_fits && same_new && !(old_fits && same_new->old_chunk == entry->old_chunk))
        judgement->count[MODEL_DUPLICATE_NEW]++;
}

static bool out_of_place(const struct model *model, uint64_t index)
{
    return model->entry[index].new_chunk != model_canonical(model, index);
}

/* How many entries from `first` on are out of their places. */
static uint64_t out_from(const struct model *model, uint64_t first)
{
    uint64_t count = 0;

    for (uint64_t i = first; i < model->entries; i++)
        count += out_of_place(model, i);
    return count;
}

static uint64_t with_new(const struct model *model, uint64_t new_chunk)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < model->entries; i++)
        count += model->entry[i].new_chunk == new_chunk;
    return count;
}

/* The slot whose canonical chunk this is. */
static uint64_t home_of(const struct model *model, uint64_t chunk)
{
    uint64_t home = 0;

    for (uint64_t i = 2; i < chunk; i++)
        home += !model_is_area(model, i);
    return home;
}

/* -1: its neighbours ascend, and it is not between them; 0: they say nothing; 1: it is one of their row. */
static int among_neighbours(const struct model *model, uint64_t index)
{
    const uint64_t first = index < 3 ? 0 : index - 3;
    const uint64_t last = index + 3 < model->entries ? index + 3 : model->entries - 1;
    const uint64_t old_chunk = model->entry[index].old_chunk;
    bool ascends = first < index && index < last && last - first > 3;
    uint64_t before = 0;

    if ((index > 0 && model->entry[index - 1].old_chunk + 1 == old_chunk && old_chunk > 0) ||
        (index < last && model->entry[index + 1].old_chunk == old_chunk + 1 && old_chunk + 1 > 0))
        return 1;
    for (uint64_t i = first; i <= last; i++) {
        if (i == index)
            continue;
        ascends = ascends && (i == first || model->entry[i].old_chunk > before);
        before = model->entry[i].old_chunk;
    }
    if (!ascends)
        return 0;
    return model->entry[index - 1].old_chunk < old_chunk && old_chunk < model->entry[index + 1].old_chunk ? 1 : -1;
}

/* Neither a move nor an old kernel leaves it so far behind the chunks of the list. */
static bool is_outlier(const struct model *model, uint64_t index, uint64_t home, uint64_t moved)
{
    const uint64_t far = home - model->entries;
    const int fits = among_neighbours(model, index);

    if (far < 2 * moved + 2 || fits < 0 || with_new(model, model->entry[index].new_chunk) > 1)
        return false;
    return far >= 64 || (fits > 0 && model->entries - index > 64);
}

/* Where a drop, or a merge past bad sectors, copies entries to before it moves the end of the list. */
static bool copy_is_left(const struct model *model, uint64_t index, uint64_t home)
{
    return home > index || model->entries - 1 - index <= 2 * out_from(model, index + 1);
}

/* The few entries that are out of their places in a list that is in order. */
static void judge_places(const struct model *model, struct model_judgement *judgement)
{
    const uint64_t out = out_from(model, 0);
    uint64_t moved = 0;

    if (out > 64 || out * 8 > model->entries)
        return;
    for (uint64_t i = 0; i < model->entries; i++)
        moved += model_new_fits(model, model->entry[i].new_chunk) &&
                 home_of(model, model->entry[i].new_chunk) >= model->entries;
    for (uint64_t i = 0; i < model->entries; i++) {
        const struct model_entry *entry = &model->entry[i];
        const bool considered = out_of_place(model, i) && model_new_fits(model, entry->new_chunk) &&
                                with_new(model, model_canonical(model, i)) == 0;
        const uint64_t home = considered ? home_of(model, entry->new_chunk) : 0;

        if (considered && home >= model->entries)
            judgement->count[MODEL_OUTLIER] += is_outlier(model, i, home, moved) &&
                                               model->entries - 1 - i > 2 * out_from(model, i + 1);
        else if (considered && !out_of_place(model, home) && model->entry[home].old_chunk == entry->old_chunk)
            judgement->count[MODEL_LOST] +=
                !copy_is_left(model, i, home) && with_new(model, entry->new_chunk) < 17; /* with the first one */
    }
}

/* Bytes of an entry that are on an origin of which these sectors are known. */
static uint64_t bytes_of(const struct model *model, uint64_t old_chunk, uint64_t origin_sectors)
{
    const uint64_t chunk_sectors = model->chunk_bytes / 512;

    if (origin_sectors == 0 || old_chunk != origin_sectors / chunk_sectors)
        return model->chunk_bytes;
    return origin_sectors % chunk_sectors * 512;
}

static bool zero(const uint8_t *bytes, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static const uint8_t *slot_of(const struct model *model, uint64_t index)
{
    const uint64_t area = index / model->per_area;

    return model->cow + (1 + area * (model->per_area + 1)) * model->chunk_bytes + index % model->per_area * 16;
}

static struct model_entry read_slot(const uint8_t *slot)
{
    struct model_entry entry = {0, 0};

    for (unsigned i = 8; i-- > 0;) {
        entry.old_chunk = entry.old_chunk << 8 | slot[i];
        entry.new_chunk = entry.new_chunk << 8 | slot[8 + i];
    }
    return entry;
}

/*
 * What the area behind the one with the end goes on with: entries in their places, of chunks that nobody has. Where the
 * list ends inside a sector, and the rest of its area is empty, no lost sector was the reason: they are of an earlier
 * list.
 */
static void judge_behind(const struct model *model, uint64_t origin_chunks, struct model_judgement *judgement)
{
    const uint64_t first = (model->entries / model->per_area + 1) * model->per_area;
    const uint64_t rest = first - model->entries;
    const bool at_a_border = model->entries * 16 % 512 == 0;
    uint64_t index;

    if (first / model->per_area >= model->areas)
        return;
    for (index = first; index / model->per_area < model->areas; index++) {
        const struct model_entry entry = read_slot(slot_of(model, index));
        bool known = model_find(model, entry.old_chunk) != NULL;

        for (uint64_t i = 0; i < model->entries; i++)
            known |= model->entry[i].new_chunk == entry.new_chunk;
        for (uint64_t i = first; i < index; i++)
            known |= read_slot(slot_of(model, i)).old_chunk == entry.old_chunk;
        if (entry.new_chunk != model_canonical(model, index) || entry.new_chunk >= model->cow_chunks ||
            entry.old_chunk >= origin_chunks || known)
            break;
    }
    judgement->continuation = at_a_border || !zero(slot_of(model, model->entries), rest * 16) ? index - first : 0;
    judgement->count[MODEL_CUT] = judgement->continuation > 0;
    judgement->count[MODEL_STALE] = judgement->continuation == 0 && !zero(slot_of(model, first), model->chunk_bytes);
}

/* Chunks that no entry has, and whether there are any left: only said of a list that is sound otherwise. */
static void judge_room(const struct model *model, uint64_t origin_chunks, struct model_judgement *judgement)
{
    const uint64_t end = model_next_chunk(model, judgement->highest_new);
    const uint64_t distinct = model->entries - judgement->count[MODEL_REPEATED];
    uint64_t in_use = 0;

    for (uint64_t chunk = 2; chunk < end && chunk < model->cow_chunks; chunk++)
        in_use += !model_is_area(model, chunk);
    judgement->count[MODEL_LEAKED] = in_use > distinct;
    judgement->count[MODEL_FULL] = model->cow_chunks >= 3 && judgement->room == 0 && distinct < origin_chunks;
}

void model_judge(const struct model *model, uint64_t origin_sectors, struct model_judgement *judgement)
{
    const uint64_t chunk_sectors = model->chunk_bytes / 512;
    const uint64_t origin_chunks =
        origin_sectors ? (origin_sectors + chunk_sectors - 1) / (chunk_sectors ? chunk_sectors : 1) : UINT64_MAX;
    uint64_t at_most;
    bool canonical = true;

    memset(judgement, 0, sizeof *judgement);
    judgement->count[MODEL_DEFECT] = model->header != MODEL_GOOD;
    judgement->damaged = model->header != MODEL_GOOD;
    if (!model_has_list(model))
        return;
    judge_device(model, judgement);
    at_most = chunks_at_most(model, origin_sectors);
    judgement->old_limit = origin_chunks < at_most ? origin_chunks : at_most;
    for (uint64_t i = 0; i < model->entries; i++) {
        const uint64_t repeated = judgement->count[MODEL_REPEATED];

        judge_entry(model, i, at_most, &canonical, judgement);
        if (judgement->count[MODEL_REPEATED] == repeated)
            judgement->merge_bytes += bytes_of(model, model->entry[i].old_chunk, origin_sectors);
        if (model->entry[i].new_chunk > judgement->highest_new)
            judgement->highest_new = model->entry[i].new_chunk;
    }
    judgement->count[MODEL_PAST_END] = model->past_end;
    if (!model->past_end) {
        const uint64_t slots = model->per_area - model->entries % model->per_area;

        judgement->count[MODEL_GARBAGE] = !zero(slot_of(model, model->entries), slots * 16);
        judge_places(model, judgement);
    } else {
        /* Nobody looks for them in a list without an end. */
        judgement->count[MODEL_DUPLICATE_OLD] = judgement->count[MODEL_DUPLICATE_NEW] = 0;
        judgement->count[MODEL_REPEATED] = judgement->count[MODEL_REPEATED_OFTEN] = 0;
    }
    judgement->damaged = judgement->count[MODEL_DEFECT] || judgement->count[MODEL_OLD_RANGE] ||
                         judgement->count[MODEL_TOP_BYTE] ||
                         judgement->count[MODEL_METADATA] || judgement->count[MODEL_NEW_RANGE] ||
                         judgement->count[MODEL_GARBAGE] || judgement->count[MODEL_PAST_END] ||
                         judgement->count[MODEL_DUPLICATE_OLD] || judgement->count[MODEL_DUPLICATE_NEW] ||
                          judgement->count[MODEL_REPEATED_OFTEN];
    if (model->past_end)
        return;
    if (!judgement->damaged) {
        judgement->room = model_room(model, model->entries, judgement->highest_new);
        judge_room(model, origin_chunks, judgement);
    }
    judge_behind(model, judgement->old_limit, judgement);
}
