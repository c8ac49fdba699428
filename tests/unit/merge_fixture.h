/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of a merge share: a naive reading of the two devices' bytes, and a bench of recorded devices. */
#ifndef DMSNAP_TEST_MERGE_FIXTURE_H
#define DMSNAP_TEST_MERGE_FIXTURE_H

#include "lib/base/bytes.h"
#include "lib/merge/merge.h"
#include "tests/support/merge_once.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"

/* Entries in front of the first new == 0, slot by slot. */
static inline uint64_t merge_list_length(const struct fixture *fixture, const uint8_t *cow)
{
    uint64_t length = 0;

    while (snap_get_le64(cow + format_entry_offset(fixture->chunk_sectors, length) + 8) != 0)
        length++;
    return length;
}

/*
 * The promise, at any moment: the list is a prefix of what it was, with zeros behind it in its area; header and data
 * chunks are as they were; and origin overlaid by what is listed is the view. Returns what is wrong, or NULL.
 */
static inline const char *merge_state_fault(const struct fixture *fixture, const uint8_t *cow, const uint8_t *origin)
{
    const uint64_t chunk_bytes = fixture->chunk_bytes, per_area = 32 * fixture->chunk_sectors;
    const uint64_t length = merge_list_length(fixture, cow);
    uint8_t *view = fixture_alloc(1, fixture->origin_bytes);
    const char *fault = NULL;

    if (length > fixture->count)
        fault = "the list is longer than it was";
    for (uint64_t i = 0; i < length && !fault; i++) {
        uint64_t offset = format_entry_offset(fixture->chunk_sectors, i);

        if (memcmp(cow + offset, fixture->cow + offset, 16) != 0)
            fault = "the list is no prefix of what it was";
    }
    if (!fault && !format_zero_behind(cow, fixture->chunk_sectors, length))
        fault = "something stands behind the end of the list";
    for (uint64_t chunk = 0; !fault && chunk < fixture->cow_bytes / chunk_bytes; chunk++) {
        if (chunk % (per_area + 1) != 1 && memcmp(cow + chunk * chunk_bytes, fixture->cow + chunk * chunk_bytes,
                                                  chunk_bytes) != 0)
            fault = "a chunk that is no area has changed";
    }
    memcpy(view, origin, fixture->origin_bytes);
    for (uint64_t i = 0; i < length && !fault; i++)
        fixture_overlay(fixture, view, cow, &fixture->entries[i]);
    if (!fault && memcmp(view, fixture->view, fixture->origin_bytes) != 0)
        fault = "the view has changed";
    free(view);
    return fault;
}

/* What the check of this list would tell the merge. */
static inline struct snap_merge_job merge_job(const struct fixture *fixture)
{
    struct snap_merge_job job = {.entries = fixture->count};

    for (size_t i = 0; i < fixture->count; i++) {
        uint64_t at = fixture->entries[i].old_chunk * fixture->chunk_bytes;

        job.total_bytes +=
            at + fixture->chunk_bytes <= fixture->origin_bytes ? fixture->chunk_bytes : fixture->origin_bytes - at;
        job.runs += i == 0 || fixture->entries[i].old_chunk != fixture->entries[i - 1].old_chunk + 1;
    }
    return job;
}

/* Both devices recorded, COW first. One thread only: no reading ahead. */
struct merge_bench {
    const struct fixture *fixture;
    struct recorder *recorder;
    struct snap_io *cow, *origin;
    struct snap_store store;
    struct snap_merge_job job;
    struct snap_merge_result result;
};

static inline struct merge_bench *merge_bench_new(const struct fixture *fixture, uint32_t block_bytes)
{
    struct merge_bench *bench = fixture_alloc(1, sizeof *bench);

    bench->fixture = fixture;
    bench->recorder = recorder_new();
    bench->cow = io_record_new(bench->recorder, "cow", fixture->cow, fixture->cow_bytes, block_bytes, true);
    bench->origin = io_record_new(bench->recorder, "origin", fixture->origin, fixture->origin_bytes, block_bytes, true);
    bench->job = merge_job(fixture);
    if (snap_header_open(&bench->store, bench->cow, NULL) != SNAP_OK)
        abort();
    recorder_log_clear(bench->recorder);
    return bench;
}

static inline void merge_bench_free(struct merge_bench *bench)
{
    if (snap_io_close(bench->cow, NULL) != SNAP_OK || snap_io_close(bench->origin, NULL) != SNAP_OK)
        abort();
    recorder_free(bench->recorder);
    free(bench);
}

#endif
