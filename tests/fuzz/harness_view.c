/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: the view, its copy, and a store made of the difference show what the model shows. */
#include "lib/view/diff.h"
#include "lib/view/extract.h"
#include "lib/view/view.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/model.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct fuzz_harness fuzz_harness = {.name = "view", .takes_stores = true};

struct shown {
    const struct model *model;
    const struct image *image;
    uint8_t *view;          /* as the model has it */
    bool readable;          /* all of it */
    uint64_t bad_bytes;     /* else the first byte that is not */
};

static struct snap_io *device(const char *name, const uint8_t *bytes, uint64_t size_bytes, bool writable)
{
    struct snap_io *io = io_mem_new(name, size_bytes, 512, writable);

    if (bytes && size_bytes > 0)
        memcpy(io_mem_bytes(io), bytes, (size_t)size_bytes);
    return io;
}

/* Whether a part of the view has no chunk whose data are missing. */
static bool part_readable(const struct shown *shown, uint64_t at, uint64_t count)
{
    const uint64_t chunk_bytes = shown->model->chunk_bytes;

    for (uint64_t chunk = at / chunk_bytes; count > 0 && chunk * chunk_bytes < at + count; chunk++) {
        const struct model_entry *entry = model_find(shown->model, chunk);

        if (entry && entry->new_chunk >= shown->model->cow_chunks)
            return false;
    }
    return true;
}

static void read_part(struct snap_view *view, const struct shown *shown, uint64_t at, uint64_t count)
{
    uint8_t *buffer = fuzz_calloc(1, (size_t)count);
    const enum snap_status status = snap_view_read(view, at, count, buffer, NULL);
    const bool readable = part_readable(shown, at, count);

    FUZZ_PROMISE(status == (readable ? SNAP_OK : SNAP_E_CORRUPT), "reading %" PRIu64 " bytes at %" PRIu64 ": %d", count,
                 at, status);
    FUZZ_PROMISE(!readable || count == 0 || memcmp(buffer, shown->view + at, (size_t)count) == 0,
                 "%" PRIu64 " bytes at %" PRIu64 " are not those of the view", count, at);
    free(buffer);
}

static void next_entry(struct snap_view *view, const struct shown *shown, uint64_t at)
{
    const uint64_t chunk_bytes = shown->model->chunk_bytes, end = shown->image->origin_bytes;
    uint64_t expected = at, next = 0;

    while (expected < end && !model_find(shown->model, expected / chunk_bytes))
        expected = (expected / chunk_bytes + 1) * chunk_bytes;
    expected = expected < end ? expected : end;
    FUZZ_PROMISE(snap_view_next_entry(view, at, &next, NULL) == SNAP_OK && next == expected,
                 "the entry behind byte %" PRIu64 " is at %" PRIu64 ", expected %" PRIu64, at, next, expected);
}

static void read_parts(struct snap_view *view, const struct shown *shown, struct fuzz_input *input)
{
    const uint64_t size_bytes = shown->image->origin_bytes;

    FUZZ_PROMISE(snap_view_size_bytes(view) == size_bytes, "the size of the view");
    read_part(view, shown, 0, size_bytes);
    for (unsigned reads = fuzz_byte(input) % 8; reads > 0; reads--) {
        const uint64_t at = fuzz_bytes_below(input, size_bytes + 1);

        read_part(view, shown, at, fuzz_bytes_below(input, size_bytes - at + 1));
        next_entry(view, shown, at);
    }
}

static void copy_out(struct snap_view *view, const struct shown *shown, struct fuzz_input *input)
{
    const bool sparse = fuzz_flag(input), read_ahead = fuzz_flag(input);
    const struct snap_extract_options options = {.sparse = sparse, .memory_bytes = (1 + fuzz_below(input, 4)) << 17,
                                                 .read_ahead = read_ahead};
    const uint64_t size_bytes = shown->image->origin_bytes;
    struct snap_io *target = device("target", NULL, size_bytes + fuzz_below(input, 4) * 512, true);
    struct snap_extract_result result;
    enum snap_status status;

    if (!options.sparse)
        memset(io_mem_bytes(target), 0xee, (size_t)target->size_bytes);
    status = snap_extract(view, target, &options, &result, NULL);
    FUZZ_PROMISE(status == (shown->readable ? SNAP_OK : SNAP_E_CORRUPT), "a copy of the view ends with %d", status);
    if (shown->readable) {
        FUZZ_PROMISE(result.done_bytes == size_bytes, "%" PRIu64 " bytes were copied", result.done_bytes);
        FUZZ_PROMISE(size_bytes == 0 || memcmp(io_mem_bytes(target), shown->view, (size_t)size_bytes) == 0,
                     "the copy is not the view");
        FUZZ_PROMISE(snap_extract_verify(view, target, &options, &result, NULL) == SNAP_OK,
                     "a right copy is not equal");
        if (size_bytes > 0) {
            io_mem_bytes(target)[fuzz_below(input, size_bytes)] ^= 1;
            FUZZ_PROMISE(snap_extract_verify(view, target, &options, &result, NULL) == SNAP_E_IO,
                         "a copy with one wrong bit is equal");
        }
    }
    for (uint64_t at = size_bytes; at < target->size_bytes; at++)
        FUZZ_PROMISE(io_mem_bytes(target)[at] == (options.sparse ? 0 : 0xee), "a write behind the end of the view");
    (void)snap_io_close(target, NULL);
}

/* A new store through which the origin looks like the view. */
static void make_difference(const struct shown *shown, struct snap_io *origin, struct fuzz_input *input)
{
    const uint64_t chunk_sectors = UINT64_C(1) << fuzz_below(input, 5), size_bytes = shown->image->origin_bytes;
    struct snap_io *cow = device("new cow", shown->image->cow, shown->image->cow_bytes / 512 * 512, true);
    struct snap_io *newer = device("newer", shown->view, size_bytes, false);
    const struct snap_diff_control control = {.next_data = NULL};
    struct snap_create *create = NULL;
    struct snap_layout layout;
    struct model model;
    uint8_t *view = fuzz_calloc(1, (size_t)size_bytes);
    uint64_t bad_bytes, differing = 0, room;
    enum snap_status status = snap_layout_init(&layout, chunk_sectors, cow->size_bytes / 512, NULL);

    for (uint64_t at = 0; at < size_bytes; at += chunk_sectors * 512)
        differing += memcmp(shown->image->origin + at, shown->view + at,
                            (size_t)(size_bytes - at < chunk_sectors * 512 ? size_bytes - at
                                                                           : chunk_sectors * 512)) != 0;
    FUZZ_PROMISE(status == SNAP_OK, "the layout of %" PRIu64 " sectors", chunk_sectors);
    room = snap_layout_capacity_entries(&layout);
    status = snap_create_begin(&create, cow, &layout, NULL);
    FUZZ_PROMISE(status == (layout.cow_chunks < 2 ? SNAP_E_REFUSED : SNAP_OK), "a new store begins with %d", status);
    if (status == SNAP_OK) {
        status = snap_diff(create, &layout, origin, newer, &control, NULL);
        FUZZ_PROMISE(status == (differing > room ? SNAP_E_NOSPC : SNAP_OK),
                     "%" PRIu64 " chunks differ, there is room for %" PRIu64 ", and it ends with %d", differing, room,
                     status);
    }
    model_read(&model, io_mem_bytes(cow), cow->size_bytes);
    FUZZ_PROMISE(!create || model.header != MODEL_GOOD, "there is a store before it is complete");
    model_free(&model);
    if (status == SNAP_OK) {
        FUZZ_PROMISE(snap_create_finish(create, NULL, NULL, NULL) == SNAP_OK, "a new store is not completed");
        model_read(&model, io_mem_bytes(cow), cow->size_bytes);
        FUZZ_PROMISE(model.header == MODEL_GOOD && !model.past_end && model.entries == differing,
                     "a new store of %" PRIu64 " entries, expected %" PRIu64, model.entries, differing);
        FUZZ_PROMISE(model_view(&model, shown->image->origin, size_bytes, view, &bad_bytes) &&
                         (size_bytes == 0 || memcmp(view, shown->view, (size_t)size_bytes) == 0),
                     "the new store does not show what it was made of");
        model_free(&model);
    }
    snap_create_close(create);
    free(view);
    (void)snap_io_close(cow, NULL);
    (void)snap_io_close(newer, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct snap_io *cow, *origin;
    struct snap_store store;
    struct snap_view *view;
    struct shown shown;
    struct model model;
    struct image image;

    image_take(&image, &input);
    model_read(&model, image.cow, image.cow_bytes);
    cow = device("cow", image.cow, image.cow_bytes, false);
    origin = device("origin", image.origin, image.origin_bytes, false);
    if (model.header == MODEL_GOOD && !model.past_end) {
        shown = (struct shown){.model = &model, .image = &image};
        shown.view = fuzz_calloc(1, (size_t)image.origin_bytes);
        shown.readable = model_view(&model, image.origin, image.origin_bytes, shown.view, &shown.bad_bytes);
        FUZZ_PROMISE(snap_header_open(&store, cow, NULL) == SNAP_OK, "a good header is not taken");
        FUZZ_PROMISE(snap_view_open(&view, &store, origin, 0, NULL) == SNAP_OK, "a view is not opened");
        read_parts(view, &shown, &input);
        copy_out(view, &shown, &input);
        make_difference(&shown, origin, &input);
        snap_view_close(view);
        free(shown.view);
    }
    (void)snap_io_close(cow, NULL);
    (void)snap_io_close(origin, NULL);
    model_free(&model);
    image_free(&image);
    return 0;
}
