/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second reader of stores: header, list, view. The rules are in model_rules.c. */
#include "tests/fuzz/model.h"

#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK_SECTORS_MAX 2097152u

static uint64_t get_le(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;

    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

static enum model_header read_header(struct model *model)
{
    const uint8_t *at = model->cow;
    uint64_t chunk_sectors;

    if (model->cow_bytes < 512)
        return MODEL_TOO_SMALL;
    model->valid = (uint32_t)get_le(at + 4, 4);
    chunk_sectors = get_le(at + 12, 4);
    if (get_le(at, 4) == 0)
        return MODEL_EMPTY;
    if (memcmp(at, "SnAp", 4) != 0)
        return MODEL_MAGIC;
    if (get_le(at + 8, 4) != 1)
        return MODEL_VERSION;
    if (chunk_sectors == 0 || (chunk_sectors & (chunk_sectors - 1)) != 0 || chunk_sectors > CHUNK_SECTORS_MAX)
        return model->valid == 0 ? MODEL_INVALID : MODEL_CHUNK_SIZE;
    model->chunk_bytes = chunk_sectors * 512;
    model->per_area = model->chunk_bytes / 16;
    model->cow_chunks = model->cow_bytes / 512 / chunk_sectors;
    for (uint64_t chunk = 1; chunk < model->cow_chunks; chunk += model->per_area + 1)
        model->areas++;
    if (model->valid == 0)
        return MODEL_INVALID;
    return model->areas == 0 ? MODEL_NO_AREA : MODEL_GOOD;
}

bool model_has_list(const struct model *model)
{
    return model->header == MODEL_GOOD || (model->header == MODEL_INVALID && model->areas > 0);
}

void model_read(struct model *model, const uint8_t *cow, uint64_t cow_bytes)
{
    *model = (struct model){.cow = cow, .cow_bytes = cow_bytes};
    model->header = read_header(model);
    if (!model_has_list(model))
        return;
    model->entry = fuzz_calloc((size_t)(model->areas * model->per_area), sizeof *model->entry);
    for (uint64_t area = 0; area < model->areas; area++) {
        const uint8_t *at = cow + (1 + area * (model->per_area + 1)) * model->chunk_bytes;

        for (uint64_t slot = 0; slot < model->per_area; slot++, at += 16) {
            const struct model_entry entry = {get_le(at, 8), get_le(at + 8, 8)};

            if (entry.new_chunk == 0)
                return;
            model->entry[model->entries++] = entry;
        }
    }
    model->past_end = true;
}

void model_free(struct model *model)
{
    free(model->entry);
    model->entry = NULL;
}

bool model_is_area(const struct model *model, uint64_t chunk)
{
    return chunk % (model->per_area + 1) == 1;
}

uint64_t model_canonical(const struct model *model, uint64_t index)
{
    return index / model->per_area * (model->per_area + 1) + 2 + index % model->per_area;
}

bool model_new_fits(const struct model *model, uint64_t new_chunk)
{
    return new_chunk >= 2 && new_chunk < model->cow_chunks && !model_is_area(model, new_chunk);
}

const struct model_entry *model_find(const struct model *model, uint64_t old_chunk)
{
    for (uint64_t i = 0; i < model->entries; i++)
        if (model->entry[i].old_chunk == old_chunk)
            return &model->entry[i];
    return NULL;
}

bool model_view(const struct model *model, const uint8_t *origin, uint64_t origin_bytes, uint8_t *view,
                uint64_t *bad_bytes)
{
    bool readable = true;

    memcpy(view, origin, (size_t)origin_bytes);
    for (uint64_t at = 0, chunk = 0; at < origin_bytes; at += model->chunk_bytes, chunk++) {
        const struct model_entry *entry = model_find(model, chunk);
        const uint64_t rest = origin_bytes - at;

        if (entry && entry->new_chunk < model->cow_chunks) {
            memcpy(view + at, model->cow + entry->new_chunk * model->chunk_bytes,
                   (size_t)(rest < model->chunk_bytes ? rest : model->chunk_bytes));
        } else if (entry && readable) {
            readable = false;
            *bad_bytes = at;
        }
    }
    return readable;
}

uint64_t model_next_chunk(const struct model *model, uint64_t highest_new)
{
    uint64_t next = highest_new < 2 ? 2 : highest_new + 1;

    while (model_is_area(model, next))
        next++;
    return next;
}

uint64_t model_room(const struct model *model, uint64_t entries, uint64_t highest_new)
{
    uint64_t next = model_next_chunk(model, highest_new);
    uint64_t added = 0;

    /* One more fits where its chunk is on the device, and the area that the list then needs for its end is as well. */
    while (next < model->cow_chunks && (entries + added + 1) / model->per_area < model->areas) {
        added++;
        next = model_next_chunk(model, next);
    }
    return added;
}
