/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds the images of a workload by the format alone; shares no code with lib/. */
#include "tests/crash/images.h"

#include "tests/crash/bad.h"
#include "tests/crash/fingerprint.h"

#include <stdlib.h>
#include <string.h>

/* A list while it is built. */
struct list {
    uint64_t count;          /* live and stale */
    uint64_t *olds, *news;
    uint64_t per_area;
    uint64_t origin_chunks;
    uint64_t new_end;        /* behind the highest data chunk */
};

uint64_t workload_mix(uint64_t value)
{
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

void *images_memory(uint64_t count, size_t size)
{
    void *result = calloc((size_t)count + 1, size);

    if (!result)
        abort();
    return result;
}

void images_fill(uint8_t *bytes, uint64_t length_bytes, uint64_t seed)
{
    for (uint64_t at = 0; at + 8 <= length_bytes; at += 8) {
        uint64_t value = workload_mix(seed << 40 ^ at) | 1;

        memcpy(bytes + at, &value, sizeof value);
    }
}

void images_put(uint8_t *bytes, uint64_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

void images_put_header(uint8_t *cow, uint32_t chunk_sectors)
{
    memcpy(cow, "SnAp", 4);
    images_put(cow + 4, 1, 4);
    images_put(cow + 8, 1, 4);
    images_put(cow + 12, chunk_sectors, 4);
}

/* Origin chunks in no order, but with some runs; the last chunk of the origin always has an entry. */
static void choose_olds(struct list *list)
{
    uint64_t chunks = list->origin_chunks;
    uint64_t *pool = images_memory(chunks, sizeof *pool);

    for (uint64_t i = 0; i < chunks; i++)
        pool[i] = i;
    for (uint64_t i = chunks; i > 1; i--) {
        uint64_t other = workload_mix(i) % i;
        uint64_t keep = pool[i - 1];

        if (i % 3 == 0)
            continue;
        pool[i - 1] = pool[other];
        pool[other] = keep;
    }
    for (uint64_t i = list->count; i < chunks; i++) {
        if (pool[i] == chunks - 1) {
            pool[i] = pool[list->count / 2];
            pool[list->count / 2] = chunks - 1;
        }
    }
    memcpy(list->olds, pool, (size_t)list->count * sizeof *pool);
    free(pool);
}

static void choose_news(struct list *list, enum workload_order order)
{
    uint64_t next = 2;

    for (uint64_t i = 0; i < list->count; i++) {
        if (next % (list->per_area + 1) == 1)
            next++;
        list->news[i] = next++;
        if (order == ORDER_HOLES && i % 3 == 2)
            next++;
    }
    list->new_end = next;
    for (uint64_t i = 0; order == ORDER_SHUFFLED && i + 7 <= list->count; i += 7) {
        for (uint64_t j = 0; j < 3; j++) {
            uint64_t keep = list->news[i + j];

            list->news[i + j] = list->news[i + 6 - j];
            list->news[i + 6 - j] = keep;
        }
    }
}

static uint8_t *slot(const struct images *images, const struct list *list, uint64_t index)
{
    return images->cow + (1 + index / list->per_area * (list->per_area + 1)) * images->chunk_bytes +
           index % list->per_area * 16;
}

static uint64_t part_on_origin(const struct images *images, uint64_t old_chunk)
{
    uint64_t rest = images->origin_bytes - old_chunk * images->chunk_bytes;

    return rest < images->chunk_bytes ? rest : images->chunk_bytes;
}

static void put_entries(const struct workload *workload, struct images *images, const struct list *list)
{
    for (uint64_t i = 0; i < list->count; i++) {
        uint64_t origin_at = list->olds[i] * images->chunk_bytes;
        uint8_t *data = images->cow + list->news[i] * images->chunk_bytes;

        images_fill(data, images->chunk_bytes, list->news[i] + 1000000);
        if (workload->drop_bad && bad_is(workload, i))
            memcpy(data, images->origin + origin_at, (size_t)part_on_origin(images, list->olds[i]));
        memcpy(images->view + origin_at, data, (size_t)part_on_origin(images, list->olds[i]));
        images_put(slot(images, list, i), list->olds[i], 8);
        images_put(slot(images, list, i) + 8, list->news[i], 8);
        if (i < workload->entries - workload->merged_entries)
            continue;
        memcpy(images->origin + origin_at, data, (size_t)part_on_origin(images, list->olds[i]));
        if (i < workload->entries)
            continue;
        /* cut off by an earlier run: merged, and not in the list, but maybe still in a later area */
        if (i / list->per_area == workload->entries / list->per_area)
            memset(slot(images, list, i), 0, 16);
    }
}

void images_make(const struct workload *workload, struct images *images)
{
    struct list list = {.count = workload->entries, .per_area = workload->chunk_sectors * SECTOR / 16};
    uint64_t foreign_area, chunks;

    images->chunk_bytes = (uint64_t)workload->chunk_sectors * SECTOR;
    if (workload->stale == STALE_MERGED)
        list.count += workload->stale_entries;
    list.origin_chunks = list.count < 2 ? 1 : list.count + list.count / 8 + 1;
    list.olds = images_memory(list.count, sizeof *list.olds);
    list.news = images_memory(list.count, sizeof *list.news);
    choose_olds(&list);
    choose_news(&list, workload->order);

    /* One area more than needed, then some data chunks, so that the store is not full. */
    foreign_area = list.count / list.per_area + 1;
    chunks = 1 + (foreign_area + 1) * (list.per_area + 1);
    if (workload->stale != STALE_FOREIGN && list.count % list.per_area + 2 < list.per_area)
        chunks = 2 + (foreign_area - 1) * (list.per_area + 1) + list.count % list.per_area + 2;
    if (chunks < list.new_end + 1)
        chunks = list.new_end + 1;
    if (workload->undo && bad_any(workload))
        chunks += list.count; /* a bad entry that stays may have the last chunk: what is taken back goes behind it */
    images->cow_bytes = chunks * images->chunk_bytes;
    images->areas = (chunks + list.per_area - 1) / (list.per_area + 1);
    images->origin_bytes = list.origin_chunks * images->chunk_bytes - workload->origin_sectors_short * SECTOR;
    images->cow = images_memory(images->cow_bytes, 1);
    images->origin = images_memory(images->origin_bytes, 1);
    images->view = images_memory(images->origin_bytes, 1);

    images_put_header(images->cow, workload->chunk_sectors);
    images_fill(images->origin, images->origin_bytes, 1);
    memcpy(images->view, images->origin, (size_t)images->origin_bytes);
    put_entries(workload, images, &list);
    for (uint64_t i = 0; workload->stale == STALE_FOREIGN && i < list.per_area; i++) {
        images_put(slot(images, &list, foreign_area * list.per_area + i), i, 8);
        images_put(slot(images, &list, foreign_area * list.per_area + i) + 8, 3 + i, 8);
    }
    free(list.olds);
    free(list.news);

    images->disks = 2;
    images->disk[0] = images->origin;
    images->disk_bytes[0] = images->origin_bytes;
    images->disk_view[0] = NULL;
    images->disk[1] = images->cow;
    images->disk_bytes[1] = images->cow_bytes;
    images->disk_view[1] = images->view;
    for (unsigned i = 0; i < WORKLOAD_SIBLINGS_MAX && workload->siblings[i].chunk_sectors > 0; i++)
        images_add_sibling(&workload->siblings[i], images);
    for (unsigned disk = 1; disk < images->disks && workload->fingerprint; disk++)
        fingerprint_put(images->disk[disk], images->origin, images->origin_bytes);
}

void images_free(struct images *images)
{
    for (unsigned disk = 0; disk < images->disks; disk++) {
        free(images->disk[disk]);
        free(images->disk_view[disk]);
    }
}
