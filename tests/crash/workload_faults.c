/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the fault sweep. EPA is 32 for chunks of one sector, 64 for two, 256 for eight. */
#include "tests/crash/workload.h"

#include "tests/crash/prepare.h"

static const struct workload table[] = {
    /* Two areas, so that one is hidden and zeroed; and what goes on behind the end. */
    {.name = "merge", .chunk_sectors = 2, .entries = 70, .window_entries_max = 24, .origin_sectors_short = 1},
    {.name = "merge, reading ahead", .chunk_sectors = 1, .entries = 70, .window_entries_max = 20,
     .order = ORDER_SHUFFLED, .read_ahead = true},
    {.name = "merge, cut before", .chunk_sectors = 2, .entries = 20, .window_entries_max = 7, .stale = STALE_MERGED,
     .stale_entries = 100},
    {.name = "merge, COW kept", .chunk_sectors = 2, .entries = 40, .window_entries_max = 12, .keep_cow = true,
     .compare_from = UINT64_MAX, .origin_sectors_short = 1},
    {.name = "merge, COW kept, compared", .chunk_sectors = 8, .entries = 20, .window_entries_max = 6,
     .keep_cow = true, .merged_entries = 9},
    /* Other stores: their lists grow across areas, in the middle of one, and into one that holds something else. */
    {.name = "siblings", .chunk_sectors = 2, .entries = 24, .window_entries_max = 10, .origin_sectors_short = 1,
     .siblings = {{.chunk_sectors = 1, .entries = 26}, {.chunk_sectors = 4, .entries = 3}}},
    {.name = "sibling, stale areas", .chunk_sectors = 1, .entries = 30, .window_entries_max = 11,
     .siblings = {{.chunk_sectors = 1, .entries = 20, .order = ORDER_HOLES, .stale = true}}},
    {.name = "siblings, reading ahead", .chunk_sectors = 2, .entries = 24, .load_entries_max = 8, .read_ahead = true,
     .siblings = {{.chunk_sectors = 2, .entries = 5}}},
    {.name = "siblings, sorted together", .chunk_sectors = 1, .entries = 44, .load_entries_max = 9,
     .table_entries_max = 30, .siblings = {{.chunk_sectors = 2, .entries = 4}, {.chunk_sectors = 1}}},
    /* There and back again. */
    {.name = "undo store", .chunk_sectors = 1, .entries = 34, .window_entries_max = 12, .undo = true,
     .siblings = {{.chunk_sectors = 1}}},
    {.name = "undo store and sibling", .chunk_sectors = 2, .entries = 14, .window_entries_max = 7, .undo = true,
     .siblings = {{.chunk_sectors = 2}, {.chunk_sectors = 4, .entries = 2}}, .origin_sectors_short = 1},
    {.name = "taken back", .chunk_sectors = 1, .entries = 34, .window_entries_max = 12, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .event = EVENT_TAKE_BACK, .start_at = PREPARE_WHOLE},
    {.name = "taken back half-way", .chunk_sectors = 1, .entries = 34, .window_entries_max = 12, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .event = EVENT_TAKE_BACK, .start_at = 50},
    {.name = "merged after all", .chunk_sectors = 1, .entries = 34, .window_entries_max = 12, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .event = EVENT_REDO, .start_at = PREPARE_WHOLE},
    {.name = "merged after all half-way", .chunk_sectors = 1, .entries = 34, .window_entries_max = 12, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .event = EVENT_REDO, .start_at = 51},
    /* With a fingerprint in each store. */
    {.name = "fingerprint", .chunk_sectors = 2, .entries = 30, .window_entries_max = 12, .fingerprint = true},
    {.name = "fingerprint, undo store", .chunk_sectors = 2, .entries = 14, .window_entries_max = 7, .undo = true,
     .fingerprint = true, .siblings = {{.chunk_sectors = 2}}},
    {.name = "fingerprint, taken back", .chunk_sectors = 2, .entries = 14, .window_entries_max = 7, .undo = true,
     .fingerprint = true, .siblings = {{.chunk_sectors = 2}}, .event = EVENT_TAKE_BACK, .start_at = PREPARE_WHOLE},
    /* More looking than writing. */
    {.name = "verified", .chunk_sectors = 2, .entries = 40, .window_entries_max = 14, .verify = true,
     .origin_sectors_short = 1},
    {.name = "verified, several loads", .chunk_sectors = 2, .entries = 30, .load_entries_max = 8, .verify = true},
    {.name = "compared first", .chunk_sectors = 2, .entries = 40, .window_entries_max = 14, .skip_identical = true,
     .merged_entries = 18, .origin_sectors_short = 1},
    {.name = "compared first, verified, sibling", .chunk_sectors = 1, .entries = 30, .window_entries_max = 11,
     .skip_identical = true, .verify = true, .merged_entries = 12,
     .siblings = {{.chunk_sectors = 2, .entries = 4}}},
    /* Bad entries that stay, as a tail that crosses the end of an area, and one of more than an area. */
    {.name = "bad across areas", .chunk_sectors = 1, .entries = 44, .window_entries_max = 13,
     .bad_reads = {28, 8, 1}},
    {.name = "bad area and more", .chunk_sectors = 1, .entries = 75, .window_entries_max = 25,
     .bad_reads = {20, 40, 1}},
    {.name = "bad, moved across areas", .chunk_sectors = 1, .entries = 72, .window_entries_max = 20,
     .bad_reads = {5, 12, 6}, .bad_writes = {38, 30, 1}},
    {.name = "bad, areas that tear", .chunk_sectors = 2, .entries = 80, .window_entries_max = 45,
     .bad_reads = {58, 12, 1}, .bad_writes = {9, 6, 7}, .origin_sectors_short = 1},
    {.name = "bad, undo store", .chunk_sectors = 1, .entries = 40, .window_entries_max = 15, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .bad_reads = {26, 6, 2}, .bad_writes = {3, 5, 6}},
    {.name = "bad, several loads, sibling", .chunk_sectors = 2, .entries = 50, .load_entries_max = 12,
     .table_entries_max = 30, .siblings = {{.chunk_sectors = 4, .entries = 4}}, .bad_reads = {6, 8, 5},
     .bad_writes = {7, 8, 5}},
    {.name = "bad, verified", .chunk_sectors = 1, .entries = 40, .window_entries_max = 15, .verify = true,
     .bad_reads = {26, 6, 2}, .bad_writes = {3, 5, 6}},
};

const struct workload *workload_faults_table(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}
