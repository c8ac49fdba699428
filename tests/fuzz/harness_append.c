/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: entries are added to a list, and cut off it; whatever a power cut leaves is a beginning of the new list. */
#include "lib/store/header.h"
#include "lib/store/list_append.h"
#include "lib/store/list_cut.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/model.h"
#include "tests/fuzz/power.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct fuzz_harness fuzz_harness = {.name = "append", .takes_stores = true};

#define BATCH_MAX 96u

struct appended {
    const struct model *model;         /* the list before */
    struct model_entry entry[BATCH_MAX];
    uint64_t count;                    /* of the entries, all of them wanted */
    uint8_t *data;                     /* a byte for each of them */
};

/* The entry that a right list has at this index: of the old list, then of the new ones. */
static const struct model_entry *wanted(const struct appended *appended, uint64_t index)
{
    return index < appended->model->entries ? &appended->model->entry[index]
                                            : &appended->entry[index - appended->model->entries];
}

/* A list between `least` and `most` entries, the right ones, with zeros behind them, and their data. */
static void check_list(const struct appended *appended, const uint8_t *cow, uint64_t least, uint64_t most,
                       const char *when)
{
    struct model_judgement judgement;
    struct model found;

    model_read(&found, cow, appended->model->cow_bytes / 512 * 512);
    FUZZ_PROMISE(found.header == MODEL_GOOD && !found.past_end, "%s, the list cannot be read", when);
    FUZZ_PROMISE(found.entries >= least && found.entries <= most,
                 "%s, the list has %" PRIu64 " entries, expected %" PRIu64 " to %" PRIu64, when, found.entries,
                 least, most);
    for (uint64_t i = 0; i < found.entries; i++) {
        const struct model_entry *entry = wanted(appended, i);

        FUZZ_PROMISE(found.entry[i].old_chunk == entry->old_chunk && found.entry[i].new_chunk == entry->new_chunk,
                     "%s, entry %" PRIu64 " is another one", when, i);
        for (uint64_t at = 0; i >= appended->model->entries && at < found.chunk_bytes; at++)
            FUZZ_PROMISE(cow[entry->new_chunk * found.chunk_bytes + at] == appended->data[i - appended->model->entries],
                         "%s, the data of entry %" PRIu64 " are not there", when, i);
    }
    model_judge(&found, 0, &judgement);
    FUZZ_PROMISE(judgement.count[MODEL_GARBAGE] == 0, "%s, there is something behind the end of the list", when);
    model_free(&found);
}

static void check_cuts(struct power *power, const struct appended *appended, uint64_t least, uint64_t most)
{
    uint8_t *image = fuzz_calloc(1, (size_t)appended->model->cow_bytes);

    for (unsigned i = 0; i < POWER_CUTS && power->cut[i]; i++) {
        power_image(power, power->cut[i], 0, image);
        check_list(appended, image, least, most, "after a power cut");
    }
    free(image);
}

static void write_data(struct snap_io *cow, const struct appended *appended, uint64_t first)
{
    const uint64_t chunk_bytes = appended->model->chunk_bytes;
    uint8_t *data = fuzz_calloc(1, (size_t)chunk_bytes);

    for (uint64_t i = first; i < appended->count; i++) {
        memset(data, appended->data[i], (size_t)chunk_bytes);
        FUZZ_PROMISE(snap_io_write(cow, appended->entry[i].new_chunk * chunk_bytes, chunk_bytes, data, NULL) == SNAP_OK,
                     "data are not written");
    }
    free(data);
}

/* One batch: what its entries are is worked out by the model, entry by entry, as the kernel does. */
static void append_batch(struct snap_list_append *append, struct snap_io *cow, struct appended *appended,
                         uint64_t count, struct fuzz_input *input)
{
    const uint64_t first = appended->count, total = appended->model->entries + first;
    struct snap_list_append_counts counts = {0};
    uint64_t olds[BATCH_MAX], highest = 0, room;
    enum snap_status status;

    for (uint64_t i = 0; i < total; i++)
        highest = wanted(appended, i)->new_chunk > highest ? wanted(appended, i)->new_chunk : highest;
    room = model_room(appended->model, total, highest);
    FUZZ_PROMISE(snap_list_append_room(append) == room, "room for %" PRIu64 ", expected %" PRIu64,
                 snap_list_append_room(append), room);
    for (uint64_t i = 0; i < count && i < room; i++) {
        highest = model_next_chunk(appended->model, highest);
        olds[i] = fuzz_number(input);
        FUZZ_PROMISE(snap_list_append_chunk(append, i) == highest, "data chunk %" PRIu64 " for entry %" PRIu64
                     ", expected %" PRIu64, snap_list_append_chunk(append, i), total + i, highest);
        appended->entry[first + i] = (struct model_entry){olds[i], highest};
        appended->data[first + i] = (uint8_t)(0xa0 + first + i);
    }
    FUZZ_PROMISE(snap_list_append_flush_list(append, &counts, NULL) == SNAP_OK, "the first flush");
    if (count > room) {
        FUZZ_PROMISE(snap_list_append_commit(append, olds, room + 1, &counts, NULL) == SNAP_E_NOSPC,
                     "one entry more than there is room for");
        count = room;
    }
    appended->count += count;
    write_data(cow, appended, first);
    status = snap_list_append_commit(append, olds, count, &counts, NULL);
    FUZZ_PROMISE(status == SNAP_OK, "adding %" PRIu64 " entries ends with %d", count, status);
}

static void do_append(const struct snap_store *store, struct appended *appended, struct power *power,
                      const struct model_judgement *judgement, struct fuzz_input *input)
{
    uint8_t *image = fuzz_calloc(1, (size_t)appended->model->cow_bytes);
    struct snap_list_append append;
    enum snap_status status =
        snap_list_append_init(&append, store, appended->model->entries, judgement->highest_new, NULL);

    FUZZ_PROMISE(status == SNAP_OK, "a sound list is not taken up: %d", status);
    for (unsigned batches = 1 + fuzz_byte(input) % 3; batches > 0; batches--) {
        const uint64_t count = 1 + fuzz_below(input, BATCH_MAX / 3 - 1);

        append_batch(&append, store->io, appended, count, input);
    }
    snap_list_append_free(&append);
    power_image(power, recorder_state(power->recorder), 0, image);
    check_list(appended, image, appended->model->entries + appended->count, appended->model->entries + appended->count,
               "after all");
    check_cuts(power, appended, appended->model->entries, appended->model->entries + appended->count);
    free(image);
}

/* Cuts the list twice; then it has just what was wanted, durably. */
static void do_cut(const struct snap_store *store, const struct appended *appended, struct power *power,
                   struct fuzz_input *input)
{
    uint8_t *image = fuzz_calloc(1, (size_t)appended->model->cow_bytes);
    uint64_t length = appended->model->entries;

    for (unsigned cuts = 2; cuts > 0 && length > 0; cuts--) {
        const uint64_t shorter = fuzz_below(input, length);
        struct snap_list_cut_counts counts = {0};

        FUZZ_PROMISE(snap_list_cut(store, length, shorter, &counts, NULL) == SNAP_OK, "a cut");
        FUZZ_PROMISE(counts.flushes == snap_list_cut_units(store, length, shorter), "flushes of a cut");
        length = shorter;
    }
    power_image(power, recorder_state(power->recorder), 0, image);
    check_list(appended, image, length, length, "after all");
    check_cuts(power, appended, length, appended->model->entries);
    free(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct model_judgement judgement;
    struct snap_store store;
    struct model model;
    struct image image;

    image_take(&image, &input);
    model_read(&model, image.cow, image.cow_bytes / 512 * 512);
    model_judge(&model, 0, &judgement);
    if (!judgement.damaged) {
        struct recorder *recorder = recorder_new();
        struct snap_io *cow = io_record_new(recorder, "cow", image.cow, model.cow_bytes, 512, true);
        struct appended appended = {.model = &model};
        struct power power;

        appended.data = fuzz_calloc(1, BATCH_MAX);
        FUZZ_PROMISE(snap_header_open(&store, cow, NULL) == SNAP_OK, "a good header is not taken");
        power_watch(&power, recorder, fuzz_number(&input) + 1);
        if (fuzz_flag(&input))
            do_cut(&store, &appended, &power, &input);
        else
            do_append(&store, &appended, &power, &judgement, &input);
        power_free(&power);
        (void)snap_io_close(cow, NULL);
        recorder_free(recorder);
        free(appended.data);
    }
    model_free(&model);
    image_free(&image);
    return 0;
}
