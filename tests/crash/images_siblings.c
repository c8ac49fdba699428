/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds the other stores of an origin by the format alone; shares no code with lib/. */
#include "tests/crash/images.h"
#include "tests/crash/reader.h"

#include <stdlib.h>
#include <string.h>

/* A store while it is built. */
struct sibling {
    const struct workload_sibling *wanted;
    const struct images *images;
    uint64_t chunk_bytes, per_area, origin_chunks;
    uint64_t *olds, *news;
    bool *listed;          /* per origin chunk */
    uint64_t next_chunk;   /* where the next entry's data go */
};

static uint64_t part_on_origin(const struct sibling *sibling, uint64_t old_chunk)
{
    uint64_t rest = sibling->images->origin_bytes - old_chunk * sibling->chunk_bytes;

    return rest < sibling->chunk_bytes ? rest : sibling->chunk_bytes;
}

static uint64_t skip_area(const struct sibling *sibling, uint64_t chunk)
{
    return chunk % (sibling->per_area + 1) == 1 ? chunk + 1 : chunk;
}

static void choose_olds(struct sibling *sibling)
{
    uint64_t *pool = images_memory(sibling->origin_chunks, sizeof *pool);

    if (sibling->wanted->entries > sibling->origin_chunks)
        abort();
    for (uint64_t i = 0; i < sibling->origin_chunks; i++)
        pool[i] = i;
    for (uint64_t i = 0; i < sibling->wanted->entries; i++) {
        uint64_t other = i + workload_mix(i + 77) % (sibling->origin_chunks - i);

        sibling->olds[i] = pool[other];
        pool[other] = pool[i];
        sibling->listed[sibling->olds[i]] = true;
    }
    free(pool);
}

static void choose_news(struct sibling *sibling)
{
    const uint64_t count = sibling->wanted->entries;
    uint64_t near = 2, far = 0;

    for (uint64_t i = 0; i < (count + 1) / 2 + 6; i++)
        far = skip_area(sibling, far < 2 ? 2 : far + 1);
    sibling->next_chunk = 2;
    for (uint64_t i = 0; i < count; i++) {
        bool is_far = sibling->wanted->order == ORDER_SPREAD && i % 2 == 1;
        uint64_t *next = is_far ? &far : &near;

        *next = skip_area(sibling, *next);
        sibling->news[i] = (*next)++;
        if (sibling->wanted->order == ORDER_HOLES && i % 3 == 2)
            near++;
        if (sibling->news[i] >= sibling->next_chunk)
            sibling->next_chunk = sibling->news[i] + 1;
    }
    sibling->next_chunk = skip_area(sibling, sibling->next_chunk);
}

/* Chunks of the device: data chunks for what a merge of the COW will add, and an area for the end of the list. */
static uint64_t chunks_needed(const struct sibling *sibling)
{
    const struct images *images = sibling->images;
    struct reader cow = {.cow = images->cow, .cow_bytes = images->cow_bytes, .origin = images->origin,
                         .origin_bytes = images->origin_bytes};
    uint64_t chunk = sibling->next_chunk, count = sibling->wanted->entries, last_area;
    const char *why;

    if (!reader_load(&cow, &why))
        abort();
    for (uint64_t old_chunk = 0; old_chunk < sibling->origin_chunks; old_chunk++) {
        uint64_t at = old_chunk * sibling->chunk_bytes;

        if (!sibling->listed[old_chunk] && reader_has_entry(&cow, at, part_on_origin(sibling, old_chunk))) {
            chunk = skip_area(sibling, chunk + 1);
            count++;
        }
    }
    reader_free(&cow);
    last_area = 1 + count / sibling->per_area * (sibling->per_area + 1);
    return chunk > last_area ? chunk : last_area + 1;
}

static uint8_t *slot(const struct sibling *sibling, uint8_t *disk, uint64_t index)
{
    return disk + reader_area_bytes(sibling->chunk_bytes, index / sibling->per_area) +
           index % sibling->per_area * 16;
}

/* Full areas of entries that fit nothing, wherever an area behind the end lies on the device. */
static void put_stale_areas(const struct sibling *sibling, uint8_t *disk, uint64_t disk_bytes)
{
    for (uint64_t area = sibling->wanted->entries / sibling->per_area + 1;
         reader_area_bytes(sibling->chunk_bytes, area) < disk_bytes; area++) {
        for (uint64_t i = 0; i < sibling->per_area; i++) {
            images_put(slot(sibling, disk, area * sibling->per_area + i), i, 8);
            images_put(slot(sibling, disk, area * sibling->per_area + i) + 8, 3 + i, 8);
        }
    }
}

void images_add_sibling(const struct workload_sibling *wanted, struct images *images)
{
    struct sibling sibling = {.wanted = wanted, .images = images,
                              .chunk_bytes = (uint64_t)wanted->chunk_sectors * SECTOR};
    const unsigned disk = images->disks++;

    sibling.per_area = sibling.chunk_bytes / 16;
    sibling.origin_chunks = (images->origin_bytes + sibling.chunk_bytes - 1) / sibling.chunk_bytes;
    sibling.olds = images_memory(wanted->entries, sizeof *sibling.olds);
    sibling.news = images_memory(wanted->entries, sizeof *sibling.news);
    sibling.listed = images_memory(sibling.origin_chunks, sizeof *sibling.listed);
    choose_olds(&sibling);
    choose_news(&sibling);
    images->disk_bytes[disk] = chunks_needed(&sibling) * sibling.chunk_bytes;
    images->disk[disk] = images_memory(images->disk_bytes[disk], 1);
    images->disk_view[disk] = images_memory(images->origin_bytes, 1);
    memcpy(images->disk_view[disk], images->origin, (size_t)images->origin_bytes);

    images_put_header(images->disk[disk], wanted->chunk_sectors);
    for (uint64_t i = 0; i < wanted->entries; i++) {
        uint8_t *data = images->disk[disk] + sibling.news[i] * sibling.chunk_bytes;

        images_fill(data, sibling.chunk_bytes, sibling.news[i] + 1000000 * (disk + 1));
        memcpy(images->disk_view[disk] + sibling.olds[i] * sibling.chunk_bytes, data,
               (size_t)part_on_origin(&sibling, sibling.olds[i]));
        images_put(slot(&sibling, images->disk[disk], i), sibling.olds[i], 8);
        images_put(slot(&sibling, images->disk[disk], i) + 8, sibling.news[i], 8);
    }
    if (wanted->stale)
        put_stale_areas(&sibling, images->disk[disk], images->disk_bytes[disk]);
    free(sibling.olds);
    free(sibling.news);
    free(sibling.listed);
}
