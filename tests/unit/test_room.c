/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much of a sparse origin a list fills, against a count by hand. */
#include "config.h"

#include "lib/merge/room.h"

#include "lib/io/extents.h"
#include "lib/io/file.h"
#include "tests/unit/unit.h"
#include "tests/unit/folder_fixture.h"
#include "tests/unit/list_fixture.h"

#define BLOCK 4096u
#define BLOCKS 64u

/* Of the origin, blocks 8 to 15 have data; the last block is half a one. NULL: no such file system. */
static struct snap_io *open_origin(void)
{
    const struct snap_file_options options = {.buffered = true};
    static const uint8_t data[8 * BLOCK] = {1};
    struct snap_io *io = NULL;
    char path[120];
    uint64_t bytes;
    int fd;

    (void)snprintf(path, sizeof path, "%s/origin", fixture_folder);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, BLOCKS * BLOCK - BLOCK / 2), 0);
    assert_int_equal(pwrite(fd, data, sizeof data, 8 * BLOCK), sizeof data);
    assert_int_equal(close(fd), 0);
    must(snap_file_open(&io, path, &options, NULL));
    must(snap_extents_missing(io, 0, UINT64_MAX, NULL, NULL, &bytes, NULL));
    if (snap_extents_block_bytes(io) == BLOCK && bytes == (BLOCKS - 8) * BLOCK)
        return io;
    must_close(io);
    return NULL;
}

static uint64_t needed(struct snap_room *room)
{
    struct snap_error err = {0};
    uint64_t bytes;

    assert_ok(snap_room_needed(room, &bytes, &err), &err);
    return bytes;
}

static void test_whole_blocks(void **state)
{
    static const uint64_t olds[] = {3, 8, 15, 16, 17, 40, 63};
    struct snap_io *origin = open_origin(), *cow;
    struct snap_store store;
    struct snap_room room;

    (void)state;
    if (!origin)
        skip();
    cow = list_new(8, 8 * 300);
    for (unsigned i = 0; i < 7; i++)
        list_put(cow, 8, i, olds[i], format_canonical(8, i));
    store = list_open(cow);
    room = (struct snap_room){.store = &store, .origin = origin, .entries = 7, .memory_bytes = 1 << 20};
    assert_int_equal(needed(&room), 5 * BLOCK);
    room.enough_bytes = 5 * BLOCK;
    assert_true(needed(&room) <= 7 * BLOCK); /* counted, since 7 would not fit */
    room.enough_bytes = 7 * BLOCK;
    assert_int_equal(needed(&room), 7 * BLOCK); /* a bound is enough */
    list_close(cow);
    must_close(origin);
}

/* Each chunk counts once, however often it is named. */
static void test_repeated(void **state)
{
    static const uint64_t olds[] = {3, 5, 3, 8, 5};
    struct snap_io *origin = open_origin(), *cow;
    struct snap_store store;
    struct snap_room room;

    (void)state;
    if (!origin)
        skip();
    cow = list_new(8, 8 * 300);
    for (unsigned i = 0; i < 5; i++)
        list_put(cow, 8, i, olds[i], format_canonical(8, i));
    store = list_open(cow);
    room = (struct snap_room){
        .store = &store, .origin = origin, .entries = 5, .repeated = true, .memory_bytes = 1 << 20};
    assert_int_equal(needed(&room), 2 * BLOCK);
    list_close(cow);
    must_close(origin);
}

/* Chunks that are smaller than a block share it; larger ones may be in a hole in part, or beyond the end. */
static void test_other_chunks(void **state)
{
    struct snap_io *origin = open_origin(), *cow;
    struct snap_store store;
    struct snap_room room;

    (void)state;
    if (!origin)
        skip();
    cow = list_new(1, 4000);
    list_put_canonical(cow, 1, 0, 20, 8, 1); /* sectors 8 to 27: blocks 1, 2 and 3 */
    list_put_canonical(cow, 1, 20, 3, 64, 1); /* in block 8, which is there */
    store = list_open(cow);
    room = (struct snap_room){.store = &store, .origin = origin, .entries = 23, .memory_bytes = 1 << 20};
    assert_int_equal(needed(&room), 3 * BLOCK);
    list_close(cow);

    cow = list_new(32, 32 * 3000);
    list_put(cow, 32, 0, 1, format_canonical(32, 0));   /* blocks 4 to 7 */
    list_put(cow, 32, 1, 2, format_canonical(32, 1));   /* 8 to 11 */
    list_put(cow, 32, 2, 15, format_canonical(32, 2));  /* 60 to 63, the last one not whole */
    list_put(cow, 32, 3, 16, format_canonical(32, 3));  /* beyond the end */
    store = list_open(cow);
    room = (struct snap_room){.store = &store, .origin = origin, .entries = 4, .memory_bytes = 1 << 20};
    assert_int_equal(needed(&room), 8 * BLOCK);
    list_close(cow);
    must_close(origin);
}

/* Of a volume, what is on this file; the rest of it is on another physical volume. */
static void test_volume(void **state)
{
    static const uint64_t olds[] = {3, 16, 17, 24, 31, 40};
    struct snap_volume_area areas[] = {{.pv = 1, .offset_bytes = 0}, {.pv = 0, .offset_bytes = 0}};
    struct snap_volume_segment segments[] = {
        {.logical_bytes = 0, .length_bytes = 16 * BLOCK, .area_count = 1, .areas = &areas[0]},
        {.logical_bytes = 16 * BLOCK, .length_bytes = 16 * BLOCK, .area_count = 1, .areas = &areas[1]},
    };
    const struct snap_volume volume = {.size_bytes = 32 * BLOCK, .segment_count = 2, .segments = segments};
    struct snap_io *origin = open_origin(), *cow;
    struct snap_store store;
    struct snap_room room;

    (void)state;
    if (!origin)
        skip();
    cow = list_new(8, 8 * 300);
    for (unsigned i = 0; i < 6; i++)
        list_put(cow, 8, i, olds[i], format_canonical(8, i));
    store = list_open(cow);
    room = (struct snap_room){
        .store = &store, .origin = origin, .volume = &volume, .pv = 0, .entries = 6, .memory_bytes = 1 << 20};
    assert_int_equal(needed(&room), 2 * BLOCK); /* 16 and 17; 24 and 31 have their blocks, 40 is beyond the end */
    list_close(cow);
    must_close(origin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_whole_blocks, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(test_repeated, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(test_other_chunks, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(test_volume, fixture_make, fixture_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
