/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A pair of origin and store in memory, with the view that a merge has to make of them; made by hand. */
#ifndef DMSNAP_TEST_STORE_FIXTURE_H
#define DMSNAP_TEST_STORE_FIXTURE_H

#include "lib/base/bytes.h"
#include "lib/store/codec.h"
#include "lib/store/header.h"
#include "tests/support/io_mem.h"
#include "tests/support/io_record.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* Zeroed memory. */
static inline void *fixture_alloc(uint64_t count, size_t size_bytes)
{
    return test_calloc((size_t)count, size_bytes);
}

/* Bytes that say where they belong: every 8 of them differ from all others of any seed. */
static inline void fixture_pattern(uint8_t *bytes, uint64_t length_bytes, uint64_t seed)
{
    for (uint64_t i = 0; i < length_bytes; i += 8)
        snap_put_le64(bytes + i, (seed << 40 | (i / 8 + 1)) * UINT64_C(0x9e3779b97f4a7c15));
}

struct fixture {
    uint64_t chunk_sectors, chunk_bytes;
    uint64_t cow_bytes, origin_bytes;
    size_t count;
    struct snap_entry *entries;
    uint8_t *cow, *origin;  /* before */
    uint8_t *view;          /* what the origin shall hold once all is merged */
};

/*
 * `count` entries, all still (0, 0): fill them in, then fixture_seal. The COW holds areas and data of
 * count + spare_chunks canonical entries and the area that ends the list.
 */
static inline struct fixture fixture_new(uint64_t chunk_sectors, size_t count, uint64_t spare_chunks,
                                         uint64_t origin_sectors)
{
    uint64_t places = count + spare_chunks;
    struct fixture fixture = {
        .chunk_sectors = chunk_sectors,
        .chunk_bytes = chunk_sectors * 512,
        .cow_bytes = (2 + places + places / (32 * chunk_sectors)) * chunk_sectors * 512,
        .origin_bytes = origin_sectors * 512,
        .count = count,
    };

    fixture.entries = fixture_alloc(count, sizeof *fixture.entries);
    fixture.cow = fixture_alloc(1, fixture.cow_bytes);
    fixture.origin = fixture_alloc(1, fixture.origin_bytes);
    fixture.view = fixture_alloc(1, fixture.origin_bytes);
    return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
    free(fixture->entries);
    free(fixture->cow);
    free(fixture->origin);
    free(fixture->view);
}

/* Lays the data of one entry, as they are in `cow`, over what is seen of the origin; the last chunk may be partial. */
static inline void fixture_overlay(const struct fixture *fixture, uint8_t *view, const uint8_t *cow,
                                   const struct snap_entry *entry)
{
    const uint64_t chunk_bytes = fixture->chunk_bytes, at = entry->old_chunk * chunk_bytes;

    memcpy(view + at, cow + entry->new_chunk * chunk_bytes,
           at + chunk_bytes <= fixture->origin_bytes ? chunk_bytes : fixture->origin_bytes - at);
}

/* Writes header, areas and data, and works out the view chunk by chunk. */
static inline void fixture_seal(struct fixture *fixture)
{
    format_put_header(fixture->cow, FORMAT_MAGIC, 1, 1, (uint32_t)fixture->chunk_sectors);
    fixture_pattern(fixture->origin, fixture->origin_bytes, 1);
    memcpy(fixture->view, fixture->origin, fixture->origin_bytes);
    for (size_t i = 0; i < fixture->count; i++) {
        const struct snap_entry *entry = &fixture->entries[i];

        format_put_entry(fixture->cow, fixture->chunk_sectors, i, entry->old_chunk, entry->new_chunk);
        fixture_pattern(fixture->cow + entry->new_chunk * fixture->chunk_bytes, fixture->chunk_bytes,
                        2 + entry->old_chunk);
        fixture_overlay(fixture, fixture->view, fixture->cow, entry);
    }
}

/*
 * A store of distinct random chunks with runs among them, the origin's last chunk included. Canonical data chunks, or
 * (`shuffled`) any, with holes, as from an old kernel.
 */
static inline struct fixture fixture_random_store(uint64_t seed, uint64_t chunk_sectors, size_t count,
                                                  uint64_t origin_sectors, bool shuffled)
{
    uint64_t origin_chunks = (origin_sectors + chunk_sectors - 1) / chunk_sectors;
    uint64_t spare = shuffled ? count / 4 + 1 : 0;
    struct fixture fixture = fixture_new(chunk_sectors, count, spare, origin_sectors);
    uint64_t *places = fixture_alloc(count + spare, sizeof *places);
    bool *used = fixture_alloc(origin_chunks, sizeof *used);
    uint64_t state = seed * 2 + 1, old = origin_chunks - 1;

    for (uint64_t i = 0; i < count + spare; i++)
        places[i] = i;
    for (uint64_t i = 0; shuffled && i < count + spare; i++) {
        uint64_t other = unit_random(&state, count + spare), swap = places[i];

        places[i] = places[other];
        places[other] = swap;
    }
    for (size_t i = 0; i < count; i++) {
        if (i != count / 2 && i > 0)
            old = unit_random(&state, 4) ? (old + 1) % origin_chunks : unit_random(&state, origin_chunks);
        while (used[old])
            old = (old + 1) % origin_chunks;
        used[old] = true;
        fixture.entries[i] = (struct snap_entry){old, format_canonical(chunk_sectors, places[i])};
    }
    free(places);
    free(used);
    fixture_seal(&fixture);
    return fixture;
}

static inline struct snap_io *fixture_mem(const char *name, const uint8_t *content, uint64_t size_bytes,
                                          uint32_t logical_block_bytes)
{
    struct snap_io *io = io_mem_new(name, size_bytes, logical_block_bytes, true);

    memcpy(io_mem_bytes(io), content, size_bytes);
    return io;
}

/* A store object over `io` without the way through its header. */
static inline struct snap_store fixture_store_over(struct snap_io *io, uint64_t chunk_sectors)
{
    struct snap_store store = {.io = io};

    if (snap_layout_init(&store.layout, chunk_sectors, io->size_bytes / 512, NULL) != SNAP_OK)
        abort();
    return store;
}

/* What is on a recorded device now, unflushed writes included. Free it. */
static inline uint8_t *fixture_recorded(const struct recorder *recorder, const char *name)
{
    const struct record_disk *disk = record_disk_of(recorder_state(recorder), name);
    size_t *newest = record_choice_new(disk);
    uint8_t *image = fixture_alloc(disk->sectors, 512);

    record_choice_newest(disk, newest);
    record_image(disk, newest, image);
    free(newest);
    return image;
}

#endif
