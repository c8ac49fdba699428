/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A bench for siblings: an origin, a store that is merged into it, another one whose view has to stay. */
#ifndef DMSNAP_TEST_SIBLING_FIXTURE_H
#define DMSNAP_TEST_SIBLING_FIXTURE_H

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/merge/sibling.h"
#include "tests/unit/append_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define SIBLING_LIST_MAX 40000u

struct bench {
    struct recorder *recorder;
    struct fixture merged, other;         /* same origin; the view of `other` is what has to stay */
    struct snap_io *merged_io, *other_io, *origin_io;
    struct snap_store merged_store, store;
    struct snap_sibling_options options;
    struct snap_sibling *sibling;
    struct snap_sibling_need need;
    struct snap_plan plan;
    struct snap_throttle throttle;
    struct snap_copy_control control;
    uint64_t polls, stop_at_poll;         /* of the control's stop; 0: never */
};

static inline bool bench_stop(void *context)
{
    struct bench *bench = context;

    return ++bench->polls == bench->stop_at_poll;
}

/* Both fixtures are taken over; `spare` chunks are free in the other. Recorded: cow2, then origin. */
static inline struct bench *bench_over(struct fixture merged, struct fixture other, uint32_t block_bytes)
{
    struct bench *bench = fixture_alloc(1, sizeof *bench);

    bench->merged = merged;
    bench->other = other;
    bench->recorder = recorder_new();
    bench->merged_io = fixture_mem("cow", merged.cow, merged.cow_bytes, 512);
    bench->other_io = io_record_new(bench->recorder, "cow2", other.cow, other.cow_bytes, block_bytes, true);
    bench->origin_io = io_record_new(bench->recorder, "origin", other.origin, other.origin_bytes, 512, true);
    must(snap_header_open(&bench->merged_store, bench->merged_io, NULL));
    must(snap_header_open(&bench->store, bench->other_io, NULL));
    bench->options.origin_bytes = other.origin_bytes;
    must(snap_plan_init(&bench->plan, &bench->merged_store.layout, SNAP_PLAN_MERGE, merged.count, NULL));
    snap_throttle_init(&bench->throttle, &snap_clock_system, 0, 0);
    bench->control = (struct snap_copy_control){
        .clock = &snap_clock_system, .throttle = &bench->throttle, .stop = bench_stop, .stop_context = bench};
    return bench;
}

/* `merged` entries of a random store, and another one that has `other` already, with room for `spare` more. */
static inline struct bench *bench_new(uint64_t merged_sectors, size_t merged, uint64_t other_sectors, size_t other,
                                      uint64_t spare, uint64_t origin_sectors)
{
    struct fixture from = fixture_random_store(merged_sectors * 100 + other_sectors, merged_sectors, merged,
                                               origin_sectors, false);
    struct fixture old = fixture_random_store(other_sectors * 7 + merged_sectors, other_sectors, other,
                                              origin_sectors, false);
    struct fixture to = fixture_new(other_sectors, other, spare, origin_sectors);

    memcpy(to.entries, old.entries, other * sizeof *to.entries);
    fixture_seal(&to);
    fixture_free(&old);
    return bench_over(from, to, 512);
}

static inline void bench_open(struct bench *bench)
{
    must(snap_sibling_open(&bench->sibling, &bench->store, &bench->options, NULL));
    must(snap_sibling_plan(bench->sibling, &bench->merged_store, bench->merged.count, &bench->need, NULL));
}

static inline void bench_free(struct bench *bench)
{
    snap_sibling_close(bench->sibling);
    snap_plan_free(&bench->plan);
    must(snap_io_close(bench->merged_io, NULL));
    must(snap_io_close(bench->other_io, NULL));
    must(snap_io_close(bench->origin_io, NULL));
    recorder_free(bench->recorder);
    fixture_free(&bench->merged);
    fixture_free(&bench->other);
    free(bench);
}

/* The plan of the merged entries [first, end). */
static inline void bench_load(struct bench *bench, size_t first, size_t end)
{
    snap_plan_make(&bench->plan, bench->merged.entries + first, end - first, 0, bench->merged.chunk_bytes,
                   bench->other.origin_bytes / 512);
}

static inline enum snap_status bench_copy(struct bench *bench)
{
    return snap_sibling_copy(bench->sibling, bench->origin_io, &bench->plan, &bench->control, &bench->control,
                             NULL);
}

/* What a merge does with a load once it is preserved: new bytes all over its ranges, not flushed. */
static inline void bench_overwrite(struct bench *bench)
{
    for (size_t i = 0; i < bench->plan.write_count; i++) {
        const struct snap_plan_write *write = &bench->plan.writes[i];
        uint8_t *bytes = fixture_alloc(1, write->length_bytes);

        fixture_pattern(bytes, write->length_bytes, 77777 + write->target_offset_bytes);
        must(snap_io_write(bench->origin_io, write->target_offset_bytes, write->length_bytes, bytes, NULL));
        free(bytes);
    }
}

/*
 * The promise: the list of the sibling is the one it had and new entries, none of them for a chunk that had one,
 * zeros behind it; and the origin overlaid by it is the view that it had. Returns what is wrong, or NULL.
 */
static inline const char *sibling_fault(const struct fixture *fixture, const uint8_t *cow, const uint8_t *origin,
                                        uint64_t *length)
{
    const uint64_t chunk_bytes = fixture->chunk_bytes, per_area = 32 * fixture->chunk_sectors;
    uint8_t *view = fixture_alloc(1, fixture->origin_bytes);
    bool *seen = fixture_alloc(fixture->origin_bytes / chunk_bytes + 1, sizeof *seen);
    const char *fault = NULL;
    uint64_t i = 0;

    memcpy(view, origin, fixture->origin_bytes);
    for (;; i++) {
        const uint8_t *bytes = cow + format_entry_offset(fixture->chunk_sectors, i);
        const uint64_t old = snap_get_le64(bytes), new = snap_get_le64(bytes + 8), at = old * chunk_bytes;

        if ((uint64_t)(bytes - cow) >= fixture->cow_bytes / chunk_bytes * chunk_bytes)
            fault = "the list does not end on the device";
        else if (new != 0 && (at >= fixture->origin_bytes || (new + 1) * chunk_bytes > fixture->cow_bytes ||
                              new < 2 || new % (per_area + 1) == 1))
            fault = "an entry is out of range";
        else if (new != 0 && seen[old])
            fault = "a chunk has two entries";
        else if (new == 0 ? i < fixture->count : i < fixture->count && (old != fixture->entries[i].old_chunk ||
                                                                        new != fixture->entries[i].new_chunk))
            fault = "an old entry is lost";
        if (fault || new == 0)
            break;
        seen[old] = true;
        fixture_overlay(fixture, view, cow, &(struct snap_entry){old, new});
    }
    *length = i;
    if (!fault && !format_zero_behind(cow, fixture->chunk_sectors, i))
        fault = "something stands behind the end of the list";
    if (!fault && memcmp(view, fixture->view, fixture->origin_bytes) != 0)
        fault = "the view has changed";
    free(view);
    free(seen);
    return fault;
}

/* As it is now, without a loss. Returns the list's length. */
static inline uint64_t bench_expect_view(const struct bench *bench)
{
    uint8_t *cow = fixture_recorded(bench->recorder, "cow2");
    uint8_t *origin = fixture_recorded(bench->recorder, "origin");
    uint64_t length = 0;
    const char *fault = sibling_fault(&bench->other, cow, origin, &length);

    if (fault)
        fail_msg("%s", fault);
    free(cow);
    free(origin);
    return length;
}

static inline void bench_expect_log(const struct bench *bench, bool reads, const char *expected)
{
    char *text = recorder_log_text(bench->recorder, reads);

    assert_string_equal(text, expected);
    free(text);
}

/* Sector by sector: the chunks that the merged entries [first, end) touch and that the other store has not. */
static inline uint64_t bench_naive_need(const struct bench *bench, size_t first, size_t end,
                                        uint64_t *origin_bytes)
{
    const struct fixture *other = &bench->other;
    const uint64_t sectors = other->origin_bytes / 512, chunks = sectors / other->chunk_sectors + 1;
    bool *touched = fixture_alloc(chunks, sizeof *touched);
    uint64_t need = 0;

    for (size_t i = first; i < end; i++) {
        for (uint64_t s = 0; s < bench->merged.chunk_sectors; s++) {
            uint64_t sector = bench->merged.entries[i].old_chunk * bench->merged.chunk_sectors + s;

            if (sector < sectors)
                touched[sector / other->chunk_sectors] = true;
        }
    }
    for (size_t i = 0; i < other->count; i++)
        touched[other->entries[i].old_chunk] = false;
    *origin_bytes = 0;
    for (uint64_t c = 0; c < chunks; c++) {
        need += touched[c];
        for (uint64_t s = 0; touched[c] && s < other->chunk_sectors; s++)
            *origin_bytes += c * other->chunk_sectors + s < sectors ? 512 : 0;
    }
    free(touched);
    return need;
}

#endif
