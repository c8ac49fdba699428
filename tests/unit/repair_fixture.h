/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A damaged list on a device in memory, what must be left of it, and the states that a crash of a repair leaves. */
#ifndef DMSNAP_TESTS_REPAIR_FIXTURE_H
#define DMSNAP_TESTS_REPAIR_FIXTURE_H

#include "lib/repair/repair.h"
#include "lib/repair/saved.h"
#include "tests/unit/list_fixture.h"

#define REPAIR_ENTRIES_MAX 400u

struct damage {
    uint32_t chunk_sectors, block_bytes;
    uint64_t entries;
    size_t bad_count;
    bool garbage;          /* behind the end, no entries */
    struct snap_entry expected[REPAIR_ENTRIES_MAX]; /* what the mended list must have, in any order */
    size_t expected_count;
    uint64_t changed;      /* chunks that read differently afterwards */
    struct snap_io *io;
};

static inline int by_old(const void *left, const void *right)
{
    const struct snap_entry *a = left, *b = right;

    return (a->old_chunk > b->old_chunk) - (a->old_chunk < b->old_chunk);
}

/* The list holds all that is expected. */
enum and_else {
    ANYTHING,
    COPIES,  /* the same entry once more: harmless, and what a crash between the moves and the cut leaves */
    NOTHING
};

static inline void assert_list(const struct damage *damage, const uint8_t *bytes, enum and_else and_else)
{
    static struct snap_entry entries[2 * REPAIR_ENTRIES_MAX], expected[REPAIR_ENTRIES_MAX];
    const uint64_t count =
        list_read(bytes, damage->io->size_bytes, damage->chunk_sectors, entries, 2 * REPAIR_ENTRIES_MAX);
    uint64_t found = 0, copies = 0;

    memcpy(expected, damage->expected, sizeof expected);
    qsort(entries, count, sizeof *entries, by_old);
    qsort(expected, damage->expected_count, sizeof *expected, by_old);
    for (uint64_t i = 1; i < count; i++)
        copies += memcmp(&entries[i], &entries[i - 1], sizeof entries[i]) == 0;
    for (uint64_t i = 0; i < count && found < damage->expected_count; i++)
        if (entries[i].old_chunk == expected[found].old_chunk &&
            ((entries[i].new_chunk & (UINT64_MAX >> 8)) == expected[found].new_chunk ||
             (and_else == ANYTHING && entries[i].new_chunk >> 40 != 0))) /* it is not mended yet */
            found++;
    assert_int_equal(found, damage->expected_count);
    if (and_else != ANYTHING)
        assert_int_equal(count - copies, damage->expected_count);
    if (and_else == NOTHING)
        assert_int_equal(copies, 0);
}

/* The kernel would take what stands behind the end in its area for entries as soon as it appends. */
static inline void assert_end(const struct damage *damage, const uint8_t *bytes)
{
    static struct snap_entry entries[2 * REPAIR_ENTRIES_MAX];
    const uint64_t count =
        list_read(bytes, damage->io->size_bytes, damage->chunk_sectors, entries, 2 * REPAIR_ENTRIES_MAX);

    assert_true(format_zero_behind(bytes, damage->chunk_sectors, count));
}

static inline int by_entry(const void *left, const void *right)
{
    const struct snap_entry *a = left, *b = right;
    const int order = by_old(a, b);

    return order != 0 ? order : (a->new_chunk > b->new_chunk) - (a->new_chunk < b->new_chunk);
}

/* What the mended list has, each entry once. */
static inline size_t read_entries(const struct damage *damage, const uint8_t *bytes, struct snap_entry *entries)
{
    const uint64_t count =
        list_read(bytes, damage->io->size_bytes, damage->chunk_sectors, entries, 2 * REPAIR_ENTRIES_MAX);
    size_t kept = 0;

    qsort(entries, count, sizeof *entries, by_entry);
    for (uint64_t i = 0; i < count; i++)
        if (i == 0 || memcmp(&entries[i], &entries[i - 1], sizeof *entries) != 0)
            entries[kept++] = entries[i];
    return kept;
}

static inline void apply(const struct snap_repair *repair)
{
    struct snap_error err = {.text = ""};
    bool begun;

    assert_ok(snap_edits_apply(&repair->edits, &begun, &err), &err);
    assert_int_equal(begun, repair->edits.count > 0);
}

/* Nothing above a note is left. */
static inline void assert_clean(struct snap_io *io)
{
    const struct snap_check_options options = {.memory_bytes = SNAP_CHECK_MEMORY_MIN_BYTES};
    struct snap_findings findings = {.fn = NULL};
    struct snap_check_result result;
    struct snap_store store = list_open(io);

    assert_int_equal(snap_check(&store, &options, &findings, &result, NULL), SNAP_OK);
    assert_int_equal(findings.severity_counts[SNAP_WARNING] + findings.severity_counts[SNAP_CORRUPTING] +
                         findings.severity_counts[SNAP_FATAL], 0);
}

/* Another device with these bytes. */
static inline struct snap_io *copy_of(const struct damage *damage, const uint8_t *bytes)
{
    struct snap_io *io = io_mem_new("cow", damage->io->size_bytes, damage->block_bytes, true);

    memcpy(io_mem_bytes(io), bytes, damage->io->size_bytes);
    return io;
}

/*
 * The bytes after a crash while edit `number` was under way: all groups in front of its own are there, and any of its
 * own group.
 */
static inline void crash(const struct snap_edits *edits, size_t number, uint64_t *state, uint8_t *bytes)
{
    size_t first = number, end = number;

    while (first > 0 && !edits->items[first - 1].flush)
        first--;
    while (end < edits->count && !edits->items[end].flush)
        end++;
    for (size_t i = 0; i < edits->count && i <= end; i++)
        if (i < first || unit_random(state, 2))
            memcpy(bytes + edits->items[i].offset_bytes, edits->items[i].after, edits->unit_bytes);
}

#endif
