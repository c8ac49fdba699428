/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores on a device in memory, made entry by entry, and read naively; without an origin. */
#ifndef DMSNAP_TESTS_LIST_FIXTURE_H
#define DMSNAP_TESTS_LIST_FIXTURE_H

#include "lib/base/bytes.h"
#include "lib/store/header.h"
#include "tests/support/io_mem.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/unit.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An empty store on a device of so many sectors, all zero but for the header. */
static inline struct snap_io *list_new(uint32_t chunk_sectors, uint64_t cow_sectors)
{
    struct snap_io *io = io_mem_new("cow", cow_sectors * 512u, 512, true);

    format_put_header(io_mem_bytes(io), FORMAT_MAGIC, 1, 1, chunk_sectors);
    return io;
}

static inline void list_put(struct snap_io *io, uint32_t chunk_sectors, uint64_t index, uint64_t old_chunk,
                            uint64_t new_chunk)
{
    uint64_t offset_bytes = format_entry_offset(chunk_sectors, index);

    assert_true(offset_bytes + 16 <= io->size_bytes);
    snap_put_le64(io_mem_bytes(io) + offset_bytes, old_chunk);
    snap_put_le64(io_mem_bytes(io) + offset_bytes + 8, new_chunk);
}

/* `count` canonical entries from `index` on, for the olds old, old + step, ... */
static inline void list_put_canonical(struct snap_io *io, uint32_t chunk_sectors, uint64_t index, uint64_t count,
                                      uint64_t old_chunk, uint64_t step)
{
    for (uint64_t i = 0; i < count; i++)
        list_put(io, chunk_sectors, index + i, old_chunk + i * step, format_canonical(chunk_sectors, index + i));
}

static inline struct snap_store list_open(struct snap_io *io)
{
    struct snap_error err = {.text = ""};
    struct snap_store store;

    assert_ok(snap_header_open(&store, io, &err), &err);
    return store;
}

static inline void list_close(struct snap_io *io)
{
    assert_int_equal(snap_io_close(io, NULL), SNAP_OK);
}

#define LIST_PAST_END UINT64_MAX

/*
 * The live entries of a store's bytes, one after the other; the header was looked at before. LIST_PAST_END
 * where the list does not end on the device.
 */
static inline uint64_t list_read(const uint8_t *bytes, uint64_t size_bytes, uint32_t chunk_sectors,
                                 struct snap_entry *entries, uint64_t room)
{
    for (uint64_t index = 0;; index++) {
        uint64_t area = index / format_per_area(chunk_sectors);
        uint64_t offset_bytes = format_entry_offset(chunk_sectors, index);

        if ((format_area_chunk(chunk_sectors, area) + 1) * chunk_sectors * 512u > size_bytes)
            return LIST_PAST_END;
        if (snap_get_le64(bytes + offset_bytes + 8) == 0)
            return index;
        assert_true(index < room);
        entries[index] =
            (struct snap_entry){snap_get_le64(bytes + offset_bytes), snap_get_le64(bytes + offset_bytes + 8)};
    }
}

/* A large read-only store whose areas are made from an array while they are read; its data chunks are zero. */
struct list_virtual {
    struct snap_io io;
    uint32_t chunk_sectors;
    uint64_t count;
    struct snap_entry *entries; /* by index; those with new 0 are empty slots, as are those behind */
};

static inline void list_virtual_fill(const struct list_virtual *list, uint64_t offset_bytes, uint8_t *bytes)
{
    const uint64_t chunk_bytes = list->chunk_sectors * UINT64_C(512);
    const uint64_t stride = format_per_area(list->chunk_sectors) + 1;
    const uint64_t chunk = offset_bytes / chunk_bytes;
    uint64_t index = chunk / stride * (stride - 1) + offset_bytes % chunk_bytes / 16;

    memset(bytes, 0, 512);
    if (offset_bytes == 0)
        format_put_header(bytes, FORMAT_MAGIC, 1, 1, list->chunk_sectors);
    for (unsigned i = 0; chunk % stride == 1 && i < 32 && index < list->count; i++, index++) {
        snap_put_le64(bytes + i * 16, list->entries[index].old_chunk);
        snap_put_le64(bytes + i * 16 + 8, list->entries[index].new_chunk);
    }
}

static inline enum snap_status list_virtual_transfer(struct snap_io *io, struct snap_io_request *requests,
                                                     size_t count, struct snap_error *err)
{
    for (size_t r = 0; r < count; r++) {
        uint64_t offset_bytes = requests[r].offset_bytes;

        for (unsigned v = 0; v < requests[r].iov_count; v++) {
            if (requests[r].kind != SNAP_IO_READ || (offset_bytes | requests[r].iov[v].iov_len) % 512 != 0)
                return snap_fail(err, SNAP_E_INTERNAL, "the list is read in whole sectors only");
            for (size_t done = 0; done < requests[r].iov[v].iov_len; done += 512, offset_bytes += 512)
                list_virtual_fill((const struct list_virtual *)io, offset_bytes,
                                  (uint8_t *)requests[r].iov[v].iov_base + done);
        }
    }
    return SNAP_OK;
}

static inline enum snap_status list_virtual_close(struct snap_io *io, struct snap_error *err)
{
    (void)err;
    free(((struct list_virtual *)io)->entries);
    free(io);
    return SNAP_OK;
}

/* `count` canonical entries with olds that are still 0, on a device with an area more than they need. */
static inline struct list_virtual *list_virtual_new(uint32_t chunk_sectors, uint64_t count)
{
    static const struct snap_io_ops ops = {.transfer = list_virtual_transfer, .close = list_virtual_close};
    struct list_virtual *list = test_calloc(1, sizeof *list);

    list->chunk_sectors = chunk_sectors;
    list->count = count;
    list->entries = test_calloc((size_t)count, sizeof *list->entries);
    for (uint64_t i = 0; i < count; i++)
        list->entries[i].new_chunk = format_canonical(chunk_sectors, i);
    list->io = (struct snap_io){
        .ops = &ops,
        .name = "cow",
        .size_bytes = (format_area_chunk(chunk_sectors, count / format_per_area(chunk_sectors) + 1) + 1) *
                      chunk_sectors * 512u,
        .logical_block_bytes = 512,
        .memory_align_bytes = 512,
    };
    return list;
}

#endif
