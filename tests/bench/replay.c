/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merges as others would: in the order of the kernel's snapshot-merge target, or by a plain buffered loop. */
#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* The kernel's copy service cuts a job into parts of 512 KiB and has eight of a job in flight. */
#define PART_BYTES (512u << 10)
#define PARTS_AT_ONCE 8u

static const char usage[] =
    "usage: replay kernel|plain ORIGIN COW [RUNS]\n"
    "  kernel  from the tail: copy one run, flush the origin, flush the COW, write the area durably;\n"
    "          direct I/O; with RUNS it stops after so many\n"
    "  plain   read and write chunk after chunk in list order through the page cache, one fsync at the end\n";

struct pair {
    const char *origin_path, *cow_path;
    int origin, cow;
    uint64_t chunk_bytes, origin_bytes;
};

/* One metadata area, in memory. */
struct area {
    uint8_t *bytes;
    uint64_t number, live;
};

/* A part of a copy; thread n of a run carries out the parts n, n + PARTS_AT_ONCE, ... */
struct worker {
    const struct pair *pair;
    uint64_t origin_offset_bytes, cow_offset_bytes, length_bytes;
    uint64_t first_part;
    uint8_t *buffer;
    pthread_t thread;
};

static void open_pair(struct pair *pair, int flags)
{
    uint8_t *header = aligned_buffer(4096);

    pair->origin = open_or_die(pair->origin_path, O_RDWR | flags);
    pair->cow = open_or_die(pair->cow_path, O_RDWR | flags);
    pair->origin_bytes = size_of(pair->origin, pair->origin_path);
    read_all(pair->cow, pair->cow_path, header, 4096, 0);
    if (memcmp(header, "SnAp", 4) != 0 || get_le32(header + 4) == 0)
        die(0, "%s: no valid store", pair->cow_path);
    pair->chunk_bytes = (uint64_t)get_le32(header + 12) * SECTOR_BYTES;
    if (pair->chunk_bytes < 4096)
        die(0, "%s: chunks of %llu bytes; the bench needs 4096 at least", pair->cow_path,
            (unsigned long long)pair->chunk_bytes);
    free(header);
}

static uint64_t old_of(const struct area *area, uint64_t slot)
{
    return get_le64(area->bytes + slot * ENTRY_BYTES);
}

static uint64_t new_of(const struct area *area, uint64_t slot)
{
    return get_le64(area->bytes + slot * ENTRY_BYTES + 8);
}

static void read_area(const struct pair *pair, struct area *area)
{
    read_all(pair->cow, pair->cow_path, area->bytes, pair->chunk_bytes,
             area_offset_bytes(pair->chunk_bytes, area->number));
    for (area->live = 0; area->live < entries_per_area(pair->chunk_bytes) && new_of(area, area->live) != 0;)
        area->live++;
}

/* ---- the kernel's order ------------------------------------------------------------------ */

static void *copy_parts(void *argument)
{
    const struct worker *worker = argument;
    const struct pair *pair = worker->pair;

    for (uint64_t at = worker->first_part * PART_BYTES; at < worker->length_bytes;
         at += PARTS_AT_ONCE * PART_BYTES) {
        uint64_t left = worker->length_bytes - at, step = left < PART_BYTES ? left : PART_BYTES;

        read_all(pair->cow, pair->cow_path, worker->buffer, step, worker->cow_offset_bytes + at);
        write_all(pair->origin, pair->origin_path, worker->buffer, step, worker->origin_offset_bytes + at);
    }
    return NULL;
}

static void copy_run(const struct pair *pair, struct worker *workers, uint64_t old_chunk, uint64_t new_chunk,
                     uint64_t chunks)
{
    const uint64_t start_bytes = old_chunk * pair->chunk_bytes;
    const uint64_t room_bytes = pair->origin_bytes - start_bytes;
    const uint64_t run_bytes = chunks * pair->chunk_bytes;
    const uint64_t length_bytes = run_bytes < room_bytes ? run_bytes : room_bytes;
    const uint64_t parts = (length_bytes + PART_BYTES - 1) / PART_BYTES;
    unsigned count = parts < PARTS_AT_ONCE ? (unsigned)parts : PARTS_AT_ONCE;

    for (unsigned i = 0; i < count; i++) {
        uint8_t *buffer = workers[i].buffer;

        workers[i] = (struct worker){pair, start_bytes, new_chunk * pair->chunk_bytes, length_bytes, i, buffer, 0};
        if (i > 0) {
            int failed = pthread_create(&workers[i].thread, NULL, copy_parts, &workers[i]);

            if (failed)
                die(failed, "cannot start a thread");
        }
    }
    (void)copy_parts(&workers[0]);
    for (unsigned i = 1; i < count; i++)
        (void)pthread_join(workers[i].thread, NULL);
}

static void flush(int fd, const char *path)
{
    if (fdatasync(fd) != 0)
        die(errno, "%s: flush failed", path);
}

/* The area is written whole, with a flush of the COW in front (PREFLUSH) and durable itself (FUA). */
static void write_area_durably(const struct pair *pair, const struct area *area)
{
    struct iovec iov = {area->bytes, pair->chunk_bytes};
    ssize_t bytes;

    flush(pair->cow, pair->cow_path);
    bytes = pwritev2(pair->cow, &iov, 1, (off_t)area_offset_bytes(pair->chunk_bytes, area->number), RWF_DSYNC);
    if (bytes != (ssize_t)pair->chunk_bytes)
        die(bytes < 0 ? errno : 0, "%s: cannot write area %llu", pair->cow_path, (unsigned long long)area->number);
}

/* Takes the last run off the area: neighbours whose old and new both step by one. */
static void merge_run(const struct pair *pair, struct area *area, struct worker *workers)
{
    uint64_t slot = area->live - 1, chunks = 1;

    while (slot > 0 && old_of(area, slot - 1) + 1 == old_of(area, slot) &&
           new_of(area, slot - 1) + 1 == new_of(area, slot)) {
        slot--;
        chunks++;
    }
    copy_run(pair, workers, old_of(area, slot), new_of(area, slot), chunks);
    flush(pair->origin, pair->origin_path);
    memset(area->bytes + slot * ENTRY_BYTES, 0, chunks * ENTRY_BYTES);
    write_area_durably(pair, area);
    area->live -= chunks;
}

/* The area that holds the end of the list: the first that is not full. */
static void find_end(const struct pair *pair, struct area *area)
{
    for (area->number = 0;; area->number++) {
        read_area(pair, area);
        if (area->live < entries_per_area(pair->chunk_bytes))
            return;
    }
}

static void kernel(struct pair *pair, uint64_t runs_max)
{
    struct worker workers[PARTS_AT_ONCE];
    struct area area = {0};
    uint64_t runs = 0, chunks = 0;

    open_pair(pair, O_DIRECT);
    area.bytes = aligned_buffer(pair->chunk_bytes);
    for (unsigned i = 0; i < PARTS_AT_ONCE; i++)
        workers[i].buffer = aligned_buffer(PART_BYTES);
    find_end(pair, &area);
    while (runs < runs_max) {
        uint64_t live = area.live;

        if (live == 0) {
            if (area.number == 0)
                break;
            area.number--;
            read_area(pair, &area);
            continue;
        }
        merge_run(pair, &area, workers);
        chunks += live - area.live;
        runs++;
    }
    printf("runs=%llu chunks=%llu\n", (unsigned long long)runs, (unsigned long long)chunks);
    for (unsigned i = 0; i < PARTS_AT_ONCE; i++)
        free(workers[i].buffer);
    free(area.bytes);
}

/* ---- the plain loop ---------------------------------------------------------------------- */

static void plain(struct pair *pair)
{
    struct area area = {0};
    uint64_t chunks = 0;
    uint8_t *chunk;

    open_pair(pair, 0);
    area.bytes = aligned_buffer(pair->chunk_bytes);
    chunk = aligned_buffer(pair->chunk_bytes);
    do {
        read_area(pair, &area);
        for (uint64_t slot = 0; slot < area.live; slot++) {
            const uint64_t at = old_of(&area, slot) * pair->chunk_bytes, room_bytes = pair->origin_bytes - at;

            read_all(pair->cow, pair->cow_path, chunk, pair->chunk_bytes, new_of(&area, slot) * pair->chunk_bytes);
            write_all(pair->origin, pair->origin_path, chunk,
                      pair->chunk_bytes < room_bytes ? pair->chunk_bytes : room_bytes, at);
            chunks++;
        }
        area.number++;
    } while (area.live == entries_per_area(pair->chunk_bytes));
    if (fsync(pair->origin) != 0)
        die(errno, "%s: flush failed", pair->origin_path);
    printf("chunks=%llu\n", (unsigned long long)chunks);
    free(chunk);
    free(area.bytes);
}

int main(int argc, char **argv)
{
    struct pair pair = {0};

    if (argc < 4 || argc > 5)
        die(0, "%s", usage);
    pair.origin_path = argv[2];
    pair.cow_path = argv[3];
    if (strcmp(argv[1], "kernel") == 0)
        kernel(&pair, argc == 5 ? parse_size("RUNS", argv[4]) : UINT64_MAX);
    else if (strcmp(argv[1], "plain") == 0 && argc == 4)
        plain(&pair);
    else
        die(0, "%s", usage);
    (void)close(pair.origin);
    (void)close(pair.cow);
    return 0;
}
