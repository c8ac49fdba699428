/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From choices to a merge, and the entries that it cannot copy. */
#include "tests/fuzz/merge_case.h"

#include <stdlib.h>
#include <string.h>

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool overlap(uint64_t at, uint64_t length, uint64_t other, uint64_t other_length)
{
    return at < other + other_length && other < at + length;
}

static void take_disks(struct merge_case *merge, struct fuzz_input *input)
{
    struct image image, first;

    image_take(&first, input);
    merge->disk[0] = (struct merge_disk){.bytes = first.origin, .size_bytes = first.origin_bytes};
    merge->disk[1] = (struct merge_disk){.bytes = first.cow, .size_bytes = first.cow_bytes / 512 * 512};
    for (merge->disks = 2; merge->disks < MERGE_DISKS_MAX && fuzz_flag(input); merge->disks++) {
        image_take_sibling(&image, &first, input);
        merge->disk[merge->disks] = (struct merge_disk){.bytes = image.cow, .size_bytes = image.cow_bytes / 512 * 512};
        free(image.origin);
    }
}

static uint64_t number_at(const uint8_t *bytes)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < 8; i++)
        number |= (uint64_t)bytes[i] << (8 * i);
    return number;
}

static bool uses(const struct model *model, uint64_t new_chunk)
{
    for (uint64_t i = 0; i < model->entries; i++)
        if (model->entry[i].new_chunk == new_chunk)
            return true;
    return false;
}

/*
 * Whether an area behind the one with the end of the list holds anything that may look cut off one day. Entries whose
 * data chunks the list uses are dead, and a merge zeroes such an area before it begins.
 */
static bool has_leftovers(const struct model *model)
{
    for (uint64_t area = model->entries / model->per_area + 1; area < model->areas; area++) {
        const uint8_t *bytes = model->cow + (1 + area * (model->per_area + 1)) * model->chunk_bytes;

        for (uint64_t at = 0; at < model->chunk_bytes; at += 16)
            if ((number_at(bytes + at) | number_at(bytes + at + 8)) != 0 && !uses(model, number_at(bytes + at + 8)))
                return true;
    }
    return false;
}

static void look_at_stores(struct merge_case *merge)
{
    const struct merge_disk *origin = &merge->disk[0];

    for (unsigned i = 1; i < merge->disks; i++) {
        struct merge_disk *disk = &merge->disk[i];
        uint64_t bad_bytes;

        model_read(&disk->model, disk->bytes, disk->size_bytes);
        model_judge(&disk->model, origin->size_bytes / 512, &disk->judgement);
        disk->view = fuzz_calloc(1, (size_t)origin->size_bytes);
        merge->damaged |= disk->judgement.damaged || disk->judgement.beyond > 0;
        merge->may_refuse |= disk->judgement.count[MODEL_NO_ROOM] || disk->judgement.continuation > 0 || i > 1;
        merge->leftovers |= !merge->damaged && has_leftovers(&disk->model);
        if (!merge->damaged)
            (void)model_view(&disk->model, origin->bytes, origin->size_bytes, disk->view, &bad_bytes);
    }
}

static void take_options(struct merge_case *merge, struct fuzz_input *input)
{
    static const uint64_t rates[] = {0, 4096, 65536, 1 << 20};
    const uint8_t flags = fuzz_byte(input);

    merge->options.window_entries_max = fuzz_number(input) % 256;
    merge->options.load_entries_max = fuzz_number(input) % 256;
    merge->options.table_entries_max = fuzz_number(input) % 1024;
    merge->options.rate_bytes = rates[fuzz_byte(input) % 4];
    merge->options.rate_requests = fuzz_number(input) % 256;
    merge->options.interval_seconds = fuzz_byte(input) % 64;
    merge->options.verify = flags & 1;
    merge->options.skip_identical = flags & 2;
    merge->options.continue_on_error = flags & 4;
    merge->options.keep_cow = (flags & 8) && !merge->options.continue_on_error;
    merge->options.drop_bad = (flags & 16) && merge->options.continue_on_error;
    merge->options.compare_from = fuzz_number(input);
    merge->stop_at = fuzz_number(input) % 512;
    merge->failing_disk = (unsigned)fuzz_below(input, merge->disks);
    merge->flush_fails = fuzz_flag(input);
    merge->fails_at = fuzz_number(input) % 128;
    if (merge->options.drop_bad && !merge->flush_fails)
        merge->fails_at = 0; /* it would not be known what is given up */
    merge->seed = fuzz_number(input) + 1;
}

/* One or a few sectors of the data of some entry, on either side. */
static void take_faults(struct merge_case *merge, struct fuzz_input *input)
{
    const struct model *model = &merge->disk[1].model;

    while (merge->faults < MERGE_FAULTS_MAX && fuzz_flag(input) && model->entries > 0 && !merge->damaged) {
        struct merge_fault *fault = &merge->fault[merge->faults++];
        const struct model_entry *entry = &model->entry[fuzz_below(input, model->entries)];
        const uint64_t chunk_sectors = model->chunk_bytes / 512, place = fuzz_below(input, chunk_sectors);
        const unsigned kind = fuzz_byte(input) % 3;

        fault->kind = kind == 2 && merge->disks == 2 ? MERGE_READ_COW : kind;
        fault->sector = (fault->kind == MERGE_READ_COW ? entry->new_chunk : entry->old_chunk) * chunk_sectors + place;
        fault->sectors = 1 + fuzz_below(input, chunk_sectors - place);
        if (fault->kind != MERGE_READ_COW)
            merge->options.skip_identical = false;
        if (fault->kind == MERGE_READ_ORIGIN)
            merge->options.verify = merge->options.keep_cow = false;
    }
}

/* Whether another store needs what the origin has in this range, and a sector of that cannot be read. */
static bool unkept(const struct merge_case *merge, uint64_t at, uint64_t length, const struct merge_fault *fault)
{
    for (unsigned i = 2; i < merge->disks; i++) {
        const struct model *other = &merge->disk[i].model;

        for (uint64_t chunk = at / other->chunk_bytes; chunk * other->chunk_bytes < at + length; chunk++)
            if (!model_find(other, chunk) &&
                overlap(chunk * other->chunk_bytes,
                        smaller(other->chunk_bytes, merge->disk[0].size_bytes - chunk * other->chunk_bytes),
                        fault->sector * 512, fault->sectors * 512))
                return true;
    }
    return false;
}

static bool is_bad(const struct merge_case *merge, const struct model_entry *entry)
{
    const uint64_t chunk_bytes = merge->disk[1].model.chunk_bytes, at = entry->old_chunk * chunk_bytes;
    const uint64_t length = smaller(chunk_bytes, merge->disk[0].size_bytes - at);

    for (unsigned i = 0; i < merge->faults; i++) {
        const struct merge_fault *fault = &merge->fault[i];

        if (fault->kind == MERGE_READ_ORIGIN
                ? unkept(merge, at, length, fault)
                : overlap(fault->kind == MERGE_READ_COW ? entry->new_chunk * chunk_bytes : at, length,
                          fault->sector * 512, fault->sectors * 512))
            return true;
    }
    return false;
}

static void find_bad(struct merge_case *merge)
{
    const struct model *model = &merge->disk[1].model;

    for (uint64_t i = 0; i < model->entries; i++) {
        const struct model_entry *entry = &model->entry[i];

        if (!merge->bad[entry->old_chunk] && is_bad(merge, entry)) {
            merge->bad[entry->old_chunk] = true;
            merge->bad_entries++;
        }
    }
}

void merge_case_take(struct merge_case *merge, struct fuzz_input *input)
{
    *merge = (struct merge_case){.disks = 0};
    take_disks(merge, input);
    look_at_stores(merge);
    take_options(merge, input);
    take_faults(merge, input);
    merge->bad = fuzz_calloc((size_t)(merge->disk[0].size_bytes / 512 + 1), sizeof *merge->bad);
    if (!merge->damaged && merge->disk[0].size_bytes > 0)
        find_bad(merge);
}

void merge_case_free(struct merge_case *merge)
{
    for (unsigned i = 0; i < merge->disks; i++) {
        free(merge->disk[i].bytes);
        free(merge->disk[i].view);
        model_free(&merge->disk[i].model);
    }
    free(merge->bad);
}

/* The view of a store, chunk by chunk of the one that is merged. */
static void judge_view(const struct merge_case *merge, unsigned i, const uint8_t *origin, const struct model *found,
                       const char *when)
{
    const uint64_t size_bytes = merge->disk[0].size_bytes, chunk_bytes = merge->disk[1].model.chunk_bytes;
    uint8_t *view = fuzz_calloc(1, (size_t)size_bytes);
    uint64_t bad_bytes;

    FUZZ_PROMISE(model_view(found, origin, size_bytes, view, &bad_bytes), "%s, store %u has lost data", when, i);
    for (uint64_t at = 0, chunk = 0; at < size_bytes; at += chunk_bytes, chunk++) {
        const uint64_t length = smaller(chunk_bytes, size_bytes - at);
        const bool given_up = i == 1 && merge->options.drop_bad && merge->bad[chunk] && !model_find(found, chunk);

        FUZZ_PROMISE(given_up || memcmp(view + at, merge->disk[i].view + at, (size_t)length) == 0,
                     "%s, the view of store %u has changed in the chunk at byte %llu", when, i, (unsigned long long)at);
    }
    free(view);
}

static void judge_store(const struct merge_case *merge, unsigned i, uint8_t *const disk[], bool ends, bool with_bad,
                        const char *when)
{
    struct model_judgement judgement;
    struct model found;

    model_read(&found, disk[i], merge->disk[i].size_bytes);
    model_judge(&found, merge->disk[0].size_bytes / 512, &judgement);
    FUZZ_PROMISE(!judgement.damaged, "%s, store %u is damaged", when, i);
    judge_view(merge, i, disk[0], &found, when);
    for (uint64_t entry = 0; ends && i == 1 && entry < found.entries; entry++)
        FUZZ_PROMISE(with_bad && !merge->options.drop_bad, "%s, %llu entries are left", when,
                     (unsigned long long)found.entries);
    if (ends && i == 1 && with_bad && !merge->options.drop_bad)
        for (uint64_t chunk = 0; chunk <= merge->disk[0].size_bytes / 512; chunk++)
            FUZZ_PROMISE(!merge->bad[chunk] || model_find(&found, chunk), "%s, the bad entry for chunk %llu is gone",
                         when, (unsigned long long)chunk);
    if (i == 1 && merge->options.keep_cow)
        FUZZ_PROMISE(merge->disk[1].size_bytes == 0 ||
                         memcmp(disk[1], merge->disk[1].bytes, (size_t)merge->disk[1].size_bytes) == 0,
                     "%s, the COW that is kept has changed", when);
    model_free(&found);
}

void merge_case_judge(const struct merge_case *merge, uint8_t *const disk[MERGE_DISKS_MAX], const char *when)
{
    for (unsigned i = 1; i < merge->disks; i++)
        judge_store(merge, i, disk, false, false, when);
}

void merge_case_judge_end(const struct merge_case *merge, uint8_t *const disk[MERGE_DISKS_MAX], bool with_bad,
                          const char *when)
{
    const uint64_t chunk_bytes = merge->disk[1].model.chunk_bytes, size_bytes = merge->disk[0].size_bytes;

    for (unsigned i = 1; i < merge->disks; i++)
        judge_store(merge, i, disk, !merge->options.keep_cow, with_bad, when);
    for (uint64_t at = 0, chunk = 0; at < size_bytes; at += chunk_bytes, chunk++)
        FUZZ_PROMISE(((with_bad || merge->options.drop_bad) && merge->bad[chunk]) ||
                         memcmp(disk[0] + at, merge->disk[1].view + at,
                                (size_t)smaller(chunk_bytes, size_bytes - at)) == 0,
                     "%s, the origin is not the view in the chunk at byte %llu", when, (unsigned long long)at);
}
