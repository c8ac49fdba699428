/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes them, entry by entry; each row is damaged in one way, the last ones in all ways at once. */
#include "tests/crash/repair_store.h"

#include "lib/base/bytes.h"
#include "lib/store/codec.h"
#include "tests/crash/workload.h"
#include "tests/support/io_mem.h"
#include "tests/unit/format_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN_CHUNKS 600u
#define FIRST_OLD 20u
#define FAR (UINT64_C(1) << 40)
#define TOP_BYTE (UINT64_C(0x5a) << 56)

static uint64_t old_of(uint64_t index)
{
    return FIRST_OLD + 2 * index;
}

static void put(struct repair_store *store, uint64_t index, uint64_t old_chunk, uint64_t new_chunk)
{
    format_put_entry(store->cow, store->chunk_sectors, index, old_chunk, new_chunk);
}

/* The data chunk of an entry becomes another. */
static void put_new(struct repair_store *store, uint64_t index, uint64_t new_chunk)
{
    put(store, index, old_of(index), new_chunk);
}

static uint64_t own(const struct repair_store *store, uint64_t index)
{
    return format_canonical(store->chunk_sectors, index);
}

static uint64_t area_behind(const struct repair_store *store, uint64_t index)
{
    return format_area_chunk(store->chunk_sectors, index / format_per_area(store->chunk_sectors) + 1);
}

/* A store with so many sound entries, whose data the origin does not hold, and `areas` areas. */
static void sound(struct repair_store *store, uint32_t chunk_sectors, uint64_t entries, uint64_t areas)
{
    const uint64_t chunk_bytes = chunk_sectors * 512u;

    store->chunk_sectors = chunk_sectors;
    store->block_bytes = store->block_bytes ? store->block_bytes : 512;
    store->cow_bytes = format_area_chunk(chunk_sectors, areas) * chunk_bytes;
    store->origin_bytes = ORIGIN_CHUNKS * chunk_bytes;
    store->cow = test_calloc(1, (size_t)store->cow_bytes);
    store->origin = test_calloc(1, (size_t)store->origin_bytes);
    format_put_header(store->cow, FORMAT_MAGIC, 1, 1, chunk_sectors);
    for (uint64_t index = 0; index < entries; index++) {
        put(store, index, old_of(index), own(store, index));
        memset(store->cow + own(store, index) * chunk_bytes, (int)(1 + index % 250), (size_t)chunk_bytes);
    }
}

/* It remembers an origin of this size, with samples that are masked. */
static void remember(struct repair_store *store)
{
    const struct snap_identity identity = {
        .store_id = {1}, .origin_sectors = store->origin_bytes / 512, .chunk_sectors = store->chunk_sectors};
    const uint64_t blocks = store->origin_bytes / 4096;
    const struct snap_fingerprint fingerprint = {
        .store_id = {1}, .samples = (uint16_t)(blocks < 192 ? blocks : 192), .mask = {3}, .sums = {7, 8, 9}};

    snap_codec_encode_record(&identity, store->cow);
    if (store->chunk_sectors > 1)
        snap_codec_encode_fingerprint(&fingerprint, store->cow + 512);
}

static void valid_is_2(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 1, 20, 2);
    store->cow[4] = 2;
}

static void garbage(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 2, 20, 2);
    put(store, 21, 7, UINT64_MAX);
    put(store, 40, 9, UINT64_MAX);
}

/* A merge has taken them off, and was killed while it zeroed what stood behind. */
static void merged_behind(struct repair_store *store, uint64_t seed)
{
    const uint64_t chunk_bytes = 1024;

    (void)seed;
    sound(store, 2, 50, 2);
    put(store, 30, 0, 0);
    for (uint64_t index = 30; index < 50; index++)
        memcpy(store->origin + old_of(index) * chunk_bytes, store->cow + own(store, index) * chunk_bytes, chunk_bytes);
}

static void past_the_end(struct repair_store *store, uint64_t seed)
{
    sound(store, 1, 64, 2);
    if (seed > 0)
        put_new(store, 3, FAR + 3); /* FAR would be the number of an area */
    if (seed > 1) {
        put_new(store, 40, area_behind(store, 64));
        put_new(store, 50, own(store, 50) | TOP_BYTE);
        put(store, 45, old_of(7), own(store, 45));
    }
}

/* The second area has a bad sector, the first one of it or another. */
static void unreadable(struct repair_store *store, uint64_t seed)
{
    sound(store, 2, 100, 3);
    store->bad_bytes = format_area_offset(2, 1) + seed * 512;
    store->bad_length_bytes = 512;
    put_new(store, 5, own(store, 5) | TOP_BYTE);
}

static void ended_by_a_byte(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 1, 80, 4);
    put_new(store, 11, 0);
}

/* Whole units are lost, one of them the end of an area, and there is something else in one. */
static void ended_by_units(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 2, 170, 4);
    put(store, 11, 0, 0);
    for (uint64_t index = 32; index < 64; index++)
        put(store, index, 0, 0);
    for (uint64_t index = 96; index < 128; index++)
        put(store, index, 7, UINT64_MAX);
}

/* Some in between are lost for good, and the samples of their places are masked. */
static void ended_with_samples(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 2, 30, 3);
    remember(store);
    for (uint64_t index = 11; index < 15; index++)
        put(store, index, 0, 0);
}

/* The first sectors of an area are zeroed, one or (with a seed) three, and fewer entries stand behind them. */
static void ended_by_a_sector(struct repair_store *store, uint64_t seed)
{
    const uint32_t chunk_sectors = seed ? 4 : 2;
    const uint64_t first = format_per_area(chunk_sectors), end = first + (seed ? 96 : 32);

    sound(store, chunk_sectors, end + (seed ? 60 : 6), 4);
    remember(store);
    for (uint64_t index = first; index < end; index++)
        put(store, index, 0, 0);
}

static void header_lost(struct repair_store *store, uint64_t seed)
{
    sound(store, 2, 70, 3);
    if (seed == 0) {
        memset(store->cow, 0, 512);
        return;
    }
    remember(store);
    store->cow[12] = 4;
}

static void top_bytes(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 1, 70, 4);
    for (uint64_t index = 3; index < 70; index += 20)
        put_new(store, index, own(store, index) | TOP_BYTE);
    put(store, 50, old_of(3), own(store, 50)); /* the first one of them is for the same chunk */
}

static void own_chunks(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 1, 100, 5);
    for (uint64_t index = 5; index < 100; index += 17)
        put_new(store, index, FAR + index);
}

static void drop_some(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 2, 70, 3);
    remember(store);
    put_new(store, 3, area_behind(store, 70));
    put_new(store, 40, area_behind(store, 70));
    put_new(store, 69, area_behind(store, 70));
}

/* So many that the list loses an area; with a seed, all. */
static void drop_many(struct repair_store *store, uint64_t seed)
{
    sound(store, 1, 75, 4);
    for (uint64_t index = seed ? 0 : 1; index < 75; index += seed ? 1 : 2)
        put_new(store, index, area_behind(store, 75));
}

/* The last one speaks against the others, and is the first that a cut takes off. */
static void drop_the_tail(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 2, 90, 3);
    for (uint64_t index = 8; index < 89; index++)
        put_new(store, index, FAR + index);
    put_new(store, 89, store->cow_bytes / 1024 + 3);
}

/* The device was larger; its last entries are where the rest was, and one that was moved. */
static void shrunken(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 1, 80, 4);
    store->cow_bytes = own(store, 70) * 512;
    put_new(store, 9, own(store, 79));
}

static void two_for_one(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 1, 75, 4);
    put(store, 40, old_of(3), own(store, 40));
    put(store, 70, old_of(3), own(store, 70));
    put(store, 60, old_of(33), own(store, 60));
    put(store, 74, old_of(2), own(store, 74));
}

static void given_up(struct repair_store *store, uint64_t seed)
{
    sound(store, 2, 70, 3);
    store->cow[4] = 0;
    if (seed > 0) {
        put_new(store, 3, area_behind(store, 70));
        put_new(store, 50, own(store, 50) | TOP_BYTE);
        put(store, 72, 7, UINT64_MAX);
    }
}

/* Entries of an earlier use stand in the next area; the one that shows it is dropped. */
static void old_area(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 1, 20, 3);
    for (uint64_t index = 32; index < 64; index++)
        put(store, index, old_of(index), own(store, index));
    put(store, 32, old_of(5), own(store, 32));
    put_new(store, 5, area_behind(store, 20));
}

static void behind_the_origin(struct repair_store *store, uint64_t seed)
{
    (void)seed;
    sound(store, 2, 70, 3);
    remember(store);
    put(store, 12, ORIGIN_CHUNKS + 40, own(store, 12));
    put(store, 65, UINT64_C(1) << 60, own(store, 65));
}

/* All at random, in a list of up to four areas; every other one ends early. */
static void anything(struct repair_store *store, uint64_t seed)
{
    const uint32_t chunk_sectors = store->block_bytes == 4096 ? 8 : (uint32_t)1 << seed % 3;
    uint64_t at = seed * 100;
    const uint64_t entries = 1 + workload_mix(at++) % (store->block_bytes == 4096 ? 400 : 100 * chunk_sectors);

    sound(store, chunk_sectors, entries, entries / format_per_area(chunk_sectors) + 2);
    if (seed % 2 == 0)
        remember(store);
    for (uint64_t count = 2 + workload_mix(at++) % 9; count > 0; count--) {
        const uint64_t index = workload_mix(at++) % entries, other = workload_mix(at++) % entries;

        switch (workload_mix(at++) % 6) {
        case 0: put_new(store, index, FAR + index); break;
        case 1: put_new(store, index, own(store, index) | TOP_BYTE); break;
        case 2: put_new(store, index, area_behind(store, entries)); break;
        case 3: put(store, index, old_of(other), own(store, index)); break;
        case 4: put_new(store, index, own(store, other) | TOP_BYTE); break;
        default: put_new(store, index, store->cow_bytes / 512 / chunk_sectors + 2); break;
        }
    }
    if (seed % 2 == 0)
        put(store, workload_mix(at++) % entries, 0, 0);
}

static void anything_4k(struct repair_store *store, uint64_t seed)
{
    store->block_bytes = 4096;
    anything(store, seed);
}

const struct repair_row *repair_rows(size_t *count)
{
    static const struct repair_row rows[] = {
        {.name = "valid", .make = valid_is_2, .preen = true},
        {.name = "garbage", .make = garbage, .preen = true},
        {.name = "merged-behind", .make = merged_behind, .with_origin = true, .preen = true},
        {.name = "past-the-end", .make = past_the_end},
        {.name = "past-the-end-one", .make = past_the_end, .seed = 1},
        {.name = "past-the-end-damaged", .make = past_the_end, .seed = 2, .keep = SNAP_REPAIR_KEEP_FIRST},
        {.name = "unreadable", .make = unreadable},
        {.name = "unreadable-in-part", .make = unreadable, .seed = 1},
        {.name = "ended-by-a-byte", .make = ended_by_a_byte, .with_origin = true},
        {.name = "ended-by-units", .make = ended_by_units, .with_origin = true},
        {.name = "ended-with-samples", .make = ended_with_samples, .with_origin = true},
        {.name = "ended-by-a-sector", .make = ended_by_a_sector, .with_origin = true},
        {.name = "ended-by-sectors", .make = ended_by_a_sector, .seed = 1, .with_origin = true},
        {.name = "header", .make = header_lost},
        {.name = "header-chunk-size", .make = header_lost, .seed = 1},
        {.name = "top-byte", .make = top_bytes, .keep = SNAP_REPAIR_KEEP_FIRST},
        {.name = "top-byte-dropped", .make = top_bytes, .keep = SNAP_REPAIR_KEEP_LAST},
        {.name = "own-chunk", .make = own_chunks},
        {.name = "drop", .make = drop_some},
        {.name = "drop-many", .make = drop_many},
        {.name = "drop-all", .make = drop_many, .seed = 1},
        {.name = "drop-the-tail", .make = drop_the_tail},
        {.name = "shrunken", .make = shrunken},
        {.name = "keep-first", .make = two_for_one, .keep = SNAP_REPAIR_KEEP_FIRST},
        {.name = "keep-last", .make = two_for_one, .keep = SNAP_REPAIR_KEEP_LAST},
        {.name = "revalidate", .make = given_up},
        {.name = "revalidate-damaged", .make = given_up, .seed = 1},
        {.name = "old-area", .make = old_area},
        {.name = "behind-the-origin", .make = behind_the_origin, .with_origin = true, .with_size = true},
        {.name = "anything", .make = anything, .seed = 5, .keep = SNAP_REPAIR_KEEP_LAST},
        {.name = "anything-ended", .make = anything, .seed = 4, .with_origin = true, .keep = SNAP_REPAIR_KEEP_FIRST},
        {.name = "anything-4k", .make = anything_4k, .seed = 2, .with_origin = true, .keep = SNAP_REPAIR_KEEP_FIRST},
    };

    *count = sizeof rows / sizeof rows[0];
    return rows;
}

bool repair_row_made(size_t index, struct repair_row *row, char *name, size_t name_bytes)
{
    const uint64_t seed = index / 2 + 100;

    if (index >= 200)
        return false;
    (void)snprintf(name, name_bytes, "made-%zu", index);
    *row = (struct repair_row){
        .name = name,
        .make = index % 2 == 0 ? anything : anything_4k,
        .seed = seed,
        .random = true,
        .with_origin = seed % 3 > 0,
        .keep = seed % 5 == 0 ? SNAP_REPAIR_KEEP_BOTH : seed % 2 == 0 ? SNAP_REPAIR_KEEP_FIRST : SNAP_REPAIR_KEEP_LAST,
    };
    return true;
}

void repair_store_make(struct repair_store *store, const struct repair_row *row)
{
    *store = (struct repair_store){.cow_bytes = 0};
    row->make(store, row->seed);
}

void repair_store_free(struct repair_store *store)
{
    free(store->cow);
    free(store->origin);
}
