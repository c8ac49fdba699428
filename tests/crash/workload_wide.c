/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of careful workloads. EPA is 32 for chunks of one sector, 64 for two, 256 for eight. */
#include "tests/crash/workload.h"

#include <stdio.h>

static const struct workload table[] = {
    /* Siblings of the same, a smaller and a larger chunk size; empty, partly filled, in any order. */
    {.name = "sibling-one-entry", .chunk_sectors = 1, .entries = 1, .siblings = {{.chunk_sectors = 1}}},
    {.name = "sibling-same", .chunk_sectors = 1, .entries = 40, .window_entries_max = 8,
     .siblings = {{.chunk_sectors = 1, .entries = 12}}},
    {.name = "sibling-exhaustive", .chunk_sectors = 1, .entries = 12, .window_entries_max = 4, .exhaustive = true,
     .siblings = {{.chunk_sectors = 1, .entries = 3}}},
    {.name = "sibling-larger", .chunk_sectors = 1, .entries = 40, .window_entries_max = 8,
     .siblings = {{.chunk_sectors = 4, .entries = 3}}},
    {.name = "sibling-smaller", .chunk_sectors = 4, .entries = 20, .window_entries_max = 5,
     .siblings = {{.chunk_sectors = 1, .entries = 30}}, .origin_sectors_short = 3},
    {.name = "sibling-smaller-empty", .chunk_sectors = 2, .entries = 40, .window_entries_max = 12,
     .siblings = {{.chunk_sectors = 1}}, .origin_sectors_short = 1},
    {.name = "sibling-larger-odd", .chunk_sectors = 2, .entries = 30, .window_entries_max = 7,
     .siblings = {{.chunk_sectors = 4, .entries = 5, .order = ORDER_SPREAD}}, .origin_sectors_short = 1},
    {.name = "sibling-spread", .chunk_sectors = 1, .entries = 40, .window_entries_max = 11,
     .siblings = {{.chunk_sectors = 1, .entries = 2, .order = ORDER_SPREAD}}},
    {.name = "sibling-holes-stale", .chunk_sectors = 1, .entries = 75, .window_entries_max = 20,
     .siblings = {{.chunk_sectors = 1, .entries = 20, .order = ORDER_HOLES, .stale = true}}},
    {.name = "sibling-fills-area", .chunk_sectors = 1, .entries = 32, .window_entries_max = 1,
     .siblings = {{.chunk_sectors = 1, .entries = 20, .stale = true}}},
    {.name = "sibling-torn-areas", .chunk_sectors = 2, .entries = 100, .window_entries_max = 45,
     .siblings = {{.chunk_sectors = 2, .entries = 40, .stale = true}}},
    {.name = "sibling-all-at-once", .chunk_sectors = 1, .entries = 101, /* behind a sector that is full */
     .siblings = {{.chunk_sectors = 1, .entries = 32, .stale = true}}},
    {.name = "siblings-two", .chunk_sectors = 2, .entries = 40, .window_entries_max = 11,
     .siblings = {{.chunk_sectors = 1, .entries = 10}, {.chunk_sectors = 4, .entries = 4}},
     .origin_sectors_short = 1},
    {.name = "siblings-two-loads", .chunk_sectors = 2, .entries = 60, .load_entries_max = 15, .read_ahead = true,
     .siblings = {{.chunk_sectors = 4, .entries = 4}, {.chunk_sectors = 1, .entries = 50}}},
    {.name = "siblings-two-table", .chunk_sectors = 1, .entries = 75, .load_entries_max = 9,
     .table_entries_max = 40, .siblings = {{.chunk_sectors = 2, .entries = 4}, {.chunk_sectors = 1}}},
    {.name = "sibling-killed", .chunk_sectors = 1, .entries = 30, .window_entries_max = 9,
     .siblings = {{.chunk_sectors = 2, .entries = 4}}, .event = EVENT_KILL},
    {.name = "siblings-two-killed", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9,
     .siblings = {{.chunk_sectors = 1, .entries = 10}, {.chunk_sectors = 4, .entries = 4}}, .event = EVENT_KILL},
    {.name = "sibling-stopped", .chunk_sectors = 1, .entries = 40, .window_entries_max = 12,
     .siblings = {{.chunk_sectors = 2, .entries = 4}}, .event = EVENT_STOP},
    {.name = "siblings-two-read-fails", .chunk_sectors = 2, .entries = 30, .window_entries_max = 9,
     .siblings = {{.chunk_sectors = 1, .entries = 10}, {.chunk_sectors = 4, .entries = 4}},
     .event = EVENT_SIBLING_READ},
    {.name = "siblings-two-write-fails", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9,
     .siblings = {{.chunk_sectors = 1, .entries = 10}, {.chunk_sectors = 4, .entries = 4}},
     .event = EVENT_SIBLING_WRITE},
    {.name = "siblings-two-flush-fails", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9,
     .siblings = {{.chunk_sectors = 1, .entries = 10}, {.chunk_sectors = 4, .entries = 4}},
     .event = EVENT_SIBLING_FLUSH},
    {.name = "sibling-origin-read-fails", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9,
     .siblings = {{.chunk_sectors = 4, .entries = 3}}, .event = EVENT_ORIGIN_READ},
    {.name = "sibling-origin-write-fails", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9,
     .siblings = {{.chunk_sectors = 4, .entries = 3}}, .event = EVENT_ORIGIN_WRITE},
    {.name = "sibling-origin-flush-fails", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9,
     .siblings = {{.chunk_sectors = 4, .entries = 3}}, .event = EVENT_ORIGIN_FLUSH},
    /* What is replaced is kept, and can be put back. */
    {.name = "undo", .chunk_sectors = 1, .entries = 40, .window_entries_max = 9, .undo = true,
     .siblings = {{.chunk_sectors = 1}}},
    {.name = "undo-odd-origin", .chunk_sectors = 2, .entries = 40, .window_entries_max = 15, .undo = true,
     .siblings = {{.chunk_sectors = 2}}, .origin_sectors_short = 1},
    {.name = "undo-and-sibling", .chunk_sectors = 1, .entries = 30, .window_entries_max = 10, .undo = true,
     .siblings = {{.chunk_sectors = 1}, {.chunk_sectors = 2, .entries = 3}}},
    {.name = "undo-killed", .chunk_sectors = 1, .entries = 34, .window_entries_max = 12, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .event = EVENT_KILL},
    {.name = "undo-taken-back", .chunk_sectors = 1, .entries = 34, .window_entries_max = 12, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .event = EVENT_TAKE_BACK},
    {.name = "undo-undone", .chunk_sectors = 1, .entries = 34, .window_entries_max = 12, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .event = EVENT_REDO},
    {.name = "undo-and-sibling-taken-back", .chunk_sectors = 2, .entries = 14, .window_entries_max = 7,
     .undo = true, .siblings = {{.chunk_sectors = 2}, {.chunk_sectors = 4, .entries = 2}}, .event = EVENT_TAKE_BACK,
     .origin_sectors_short = 1},
    {.name = "undo-cs8", .chunk_sectors = 8, .entries = 8, .window_entries_max = 3, .undo = true,
     .siblings = {{.chunk_sectors = 8}}, .origin_sectors_short = 3},
    /* Each store has a fingerprint: masked before the first cut, gone with the last one, and true all the time. */
    {.name = "fingerprint", .chunk_sectors = 2, .entries = 30, .window_entries_max = 7, .fingerprint = true},
    {.name = "fingerprint-exhaustive", .chunk_sectors = 8, .entries = 5, .window_entries_max = 1, .fingerprint = true,
     .exhaustive = true},
    {.name = "fingerprint-torn-areas", .chunk_sectors = 4, .entries = 140, .window_entries_max = 60,
     .fingerprint = true, .origin_sectors_short = 3},
    {.name = "fingerprint-cs8-block-4096", .chunk_sectors = 8, .entries = 40, .window_entries_max = 13,
     .fingerprint = true, .cow_block_bytes = 4096},
    {.name = "fingerprint-killed", .chunk_sectors = 8, .entries = 10, .window_entries_max = 3, .fingerprint = true,
     .event = EVENT_KILL},
    {.name = "fingerprint-cow-write-fails", .chunk_sectors = 8, .entries = 10, .window_entries_max = 3,
     .fingerprint = true, .event = EVENT_COW_WRITE},
    {.name = "fingerprint-cow-flush-fails", .chunk_sectors = 8, .entries = 10, .window_entries_max = 3,
     .fingerprint = true, .event = EVENT_COW_FLUSH},
    {.name = "fingerprint-sibling-killed", .chunk_sectors = 8, .entries = 8, .window_entries_max = 3,
     .fingerprint = true, .siblings = {{.chunk_sectors = 4, .entries = 3}}, .event = EVENT_KILL},
    {.name = "fingerprint-undo", .chunk_sectors = 8, .entries = 8, .window_entries_max = 3, .fingerprint = true,
     .undo = true, .siblings = {{.chunk_sectors = 8}}},
    {.name = "fingerprint-undo-taken-back", .chunk_sectors = 2, .entries = 14, .window_entries_max = 6,
     .fingerprint = true, .undo = true, .siblings = {{.chunk_sectors = 2}}, .event = EVENT_TAKE_BACK},
    {.name = "fingerprint-undo-undone", .chunk_sectors = 2, .entries = 14, .window_entries_max = 6,
     .fingerprint = true, .undo = true, .siblings = {{.chunk_sectors = 2}}, .event = EVENT_REDO},
    {.name = "fingerprint-bad", .chunk_sectors = 2, .entries = 30, .window_entries_max = 9, .fingerprint = true,
     .bad_reads = {8, 5, 4}},
    {.name = "fingerprint-dropped", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9, .fingerprint = true,
     .drop_bad = true, .bad_reads = {8, 4, 4}},
    {.name = "fingerprint-kept", .chunk_sectors = 2, .entries = 24, .window_entries_max = 8, .fingerprint = true,
     .keep_cow = true, .compare_from = UINT64_MAX, .siblings = {{.chunk_sectors = 4, .entries = 2}}},
    {.name = "sibling-verify-skip", .chunk_sectors = 1, .entries = 40, .window_entries_max = 12, .verify = true,
     .skip_identical = true, .merged_entries = 15, .siblings = {{.chunk_sectors = 2, .entries = 4}}},
    {.name = "sibling-bad-killed", .chunk_sectors = 1, .entries = 30, .window_entries_max = 12,
     .siblings = {{.chunk_sectors = 2, .entries = 4}}, .bad_reads = {8, 5, 4}, .event = EVENT_KILL},
    {.name = "undo-bad", .chunk_sectors = 1, .entries = 40, .window_entries_max = 12,
     .siblings = {{.chunk_sectors = 1}}, .bad_reads = {10, 6, 4}, .bad_writes = {11, 6, 4}},
    {.name = "undo-unkept", .chunk_sectors = 1, .entries = 40, .window_entries_max = 12, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .bad_keeps = {0, 6, 1}},
    {.name = "sibling-unkept-skip-killed", .chunk_sectors = 2, .entries = 30, .window_entries_max = 12,
     .siblings = {{.chunk_sectors = 2}}, .skip_identical = true, .merged_entries = 9, .bad_keeps = {3, 7, 3},
     .bad_reads = {4, 3, 3}, .event = EVENT_KILL},
    /* Entries that cannot be copied: one, at each end, across areas, a whole window, an area and more, all. */
    {.name = "bad-one", .chunk_sectors = 1, .entries = 40, .window_entries_max = 8, .bad_reads = {20, 1, 1}},
    {.name = "bad-only", .chunk_sectors = 1, .entries = 1, .bad_reads = {0, 1, 1}},
    {.name = "bad-first", .chunk_sectors = 1, .entries = 34, .window_entries_max = 8, .bad_reads = {0, 1, 1}},
    {.name = "bad-last", .chunk_sectors = 1, .entries = 33, .window_entries_max = 8, .bad_reads = {32, 1, 1}},
    {.name = "bad-across-areas", .chunk_sectors = 1, .entries = 75, .window_entries_max = 11,
     .bad_reads = {29, 6, 1}},
    {.name = "bad-window", .chunk_sectors = 1, .entries = 48, .window_entries_max = 8, .bad_reads = {24, 8, 1}},
    {.name = "bad-area-and-more", .chunk_sectors = 1, .entries = 110, .window_entries_max = 20,
     .bad_reads = {20, 40, 2}},
    {.name = "bad-all", .chunk_sectors = 1, .entries = 40, .window_entries_max = 8, .bad_reads = {0, 40, 1}},
    {.name = "bad-carried", .chunk_sectors = 1, .entries = 70, .window_entries_max = 7, .bad_reads = {5, 11, 6}},
    {.name = "bad-exhaustive", .chunk_sectors = 1, .entries = 16, .bad_reads = {9, 3, 3}, .exhaustive = true},
    {.name = "bad-at-once", .chunk_sectors = 1, .entries = 101, .bad_reads = {50, 40, 1}},
    /* Areas that can tear. */
    {.name = "bad-cs2-carried", .chunk_sectors = 2, .entries = 90, .window_entries_max = 25,
     .bad_reads = {3, 9, 10}},
    {.name = "bad-cs2-area-and-more", .chunk_sectors = 2, .entries = 150, .window_entries_max = 50,
     .bad_reads = {40, 70, 1}},
    {.name = "bad-cs8", .chunk_sectors = 8, .entries = 60, .window_entries_max = 20, .bad_reads = {7, 25, 2}},
    {.name = "bad-cs8-block-4096", .chunk_sectors = 8, .entries = 70, .window_entries_max = 30,
     .cow_block_bytes = 4096, .bad_reads = {5, 12, 5}},
    {.name = "bad-several-loads", .chunk_sectors = 2, .entries = 100, .load_entries_max = 25,
     .bad_reads = {10, 20, 4}},
    {.name = "bad-table", .chunk_sectors = 2, .entries = 90, .load_entries_max = 12, .table_entries_max = 50,
     .bad_reads = {20, 8, 7}, .bad_writes = {21, 8, 7}},
    {.name = "bad-stale", .chunk_sectors = 1, .entries = 40, .window_entries_max = 8, .stale = STALE_MERGED,
     .stale_entries = 85, .bad_reads = {20, 15, 1}},
    /* Chunks of the origin that cannot be written. */
    {.name = "unwritable-carried", .chunk_sectors = 1, .entries = 70, .window_entries_max = 7,
     .bad_writes = {5, 11, 6}},
    {.name = "unwritable-cs2-odd-origin", .chunk_sectors = 2, .entries = 70, .window_entries_max = 15,
     .bad_writes = {33, 5, 1}, .origin_sectors_short = 1},
    {.name = "bad-both", .chunk_sectors = 2, .entries = 90, .window_entries_max = 20, .bad_reads = {8, 10, 8},
     .bad_writes = {9, 9, 9}, .read_ahead = true},
    /* Things go wrong on top. */
    {.name = "bad-killed", .chunk_sectors = 1, .entries = 44, .window_entries_max = 15, .bad_reads = {25, 6, 3},
     .event = EVENT_KILL},
    {.name = "bad-cs2-killed", .chunk_sectors = 2, .entries = 40, .window_entries_max = 25,
     .bad_reads = {26, 6, 2}, .event = EVENT_KILL},
    {.name = "bad-stopped", .chunk_sectors = 1, .entries = 44, .window_entries_max = 15, .bad_writes = {25, 6, 3},
     .event = EVENT_STOP},
    {.name = "bad-cow-write-fails", .chunk_sectors = 1, .entries = 50, .window_entries_max = 20,
     .bad_reads = {25, 8, 3}, .event = EVENT_COW_WRITE},
    {.name = "bad-cow-flush-fails", .chunk_sectors = 2, .entries = 80, .window_entries_max = 40,
     .bad_reads = {30, 20, 2}, .event = EVENT_COW_FLUSH},
    {.name = "bad-origin-flush-fails", .chunk_sectors = 1, .entries = 50, .window_entries_max = 20,
     .bad_reads = {25, 8, 3}, .event = EVENT_ORIGIN_FLUSH},
    /* Given up at the end, and not before. */
    {.name = "dropped-one", .chunk_sectors = 1, .entries = 40, .window_entries_max = 8, .drop_bad = true,
     .bad_reads = {20, 1, 1}},
    {.name = "dropped-exhaustive", .chunk_sectors = 1, .entries = 12, .window_entries_max = 5, .drop_bad = true,
     .bad_reads = {4, 3, 3}, .exhaustive = true},
    {.name = "dropped-across-areas", .chunk_sectors = 1, .entries = 75, .window_entries_max = 11, .drop_bad = true,
     .bad_reads = {26, 9, 1}, .bad_writes = {3, 5, 12}},
    {.name = "dropped-area-and-more", .chunk_sectors = 2, .entries = 150, .window_entries_max = 50, .drop_bad = true,
     .bad_writes = {40, 70, 1}, .origin_sectors_short = 1, .long_only = true},
    {.name = "dropped-all", .chunk_sectors = 1, .entries = 40, .window_entries_max = 9, .drop_bad = true,
     .bad_reads = {0, 40, 1}},
    {.name = "dropped-last-area", .chunk_sectors = 1, .entries = 40, .drop_bad = true, .bad_reads = {32, 8, 1}},
    {.name = "dropped-sibling-killed", .chunk_sectors = 1, .entries = 30, .window_entries_max = 12, .drop_bad = true,
     .siblings = {{.chunk_sectors = 2, .entries = 4}}, .bad_reads = {8, 5, 4}, .event = EVENT_KILL},
    {.name = "dropped-killed", .chunk_sectors = 2, .entries = 40, .window_entries_max = 25, .drop_bad = true,
     .bad_reads = {26, 6, 2}, .bad_writes = {1, 4, 5}, .event = EVENT_KILL},
    {.name = "dropped-stopped", .chunk_sectors = 1, .entries = 44, .window_entries_max = 15, .drop_bad = true,
     .bad_writes = {25, 6, 3}, .event = EVENT_STOP},
    {.name = "dropped-cow-write-fails", .chunk_sectors = 1, .entries = 50, .window_entries_max = 20,
     .drop_bad = true, .bad_reads = {25, 8, 3}, .event = EVENT_COW_WRITE},
    {.name = "dropped-cow-flush-fails", .chunk_sectors = 2, .entries = 80, .window_entries_max = 40,
     .drop_bad = true, .bad_reads = {30, 20, 2}, .event = EVENT_COW_FLUSH},
    {.name = "dropped-origin-flush-fails", .chunk_sectors = 1, .entries = 50, .window_entries_max = 20,
     .drop_bad = true, .bad_reads = {25, 8, 3}, .event = EVENT_ORIGIN_FLUSH},
    /* The COW is only read, the other stores are not. */
    {.name = "kept-sibling", .chunk_sectors = 1, .entries = 40, .window_entries_max = 12, .keep_cow = true,
     .compare_from = UINT64_MAX, .siblings = {{.chunk_sectors = 2, .entries = 4}}},
    {.name = "kept-siblings-two", .chunk_sectors = 2, .entries = 40, .window_entries_max = 11, .keep_cow = true,
     .siblings = {{.chunk_sectors = 1, .entries = 10}, {.chunk_sectors = 4, .entries = 4}},
     .origin_sectors_short = 1, .long_only = true},
    {.name = "kept-sibling-killed", .chunk_sectors = 1, .entries = 30, .window_entries_max = 9, .keep_cow = true,
     .siblings = {{.chunk_sectors = 2, .entries = 4}}, .event = EVENT_KILL},
    {.name = "kept-sibling-stopped", .chunk_sectors = 1, .entries = 40, .window_entries_max = 12, .keep_cow = true,
     .siblings = {{.chunk_sectors = 2, .entries = 4}}, .event = EVENT_STOP},
    {.name = "kept-sibling-write-fails", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9,
     .keep_cow = true, .siblings = {{.chunk_sectors = 1, .entries = 10}}, .event = EVENT_SIBLING_WRITE},
    {.name = "kept-sibling-flush-fails", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9,
     .keep_cow = true, .siblings = {{.chunk_sectors = 1, .entries = 10}}, .event = EVENT_SIBLING_FLUSH},
    {.name = "kept-sibling-origin-flush-fails", .chunk_sectors = 2, .entries = 24, .window_entries_max = 9,
     .keep_cow = true, .siblings = {{.chunk_sectors = 4, .entries = 3}}, .event = EVENT_ORIGIN_FLUSH},
    /* Sorted beyond the buffer: several loads in origin order. */
    {.name = "table", .chunk_sectors = 1, .entries = 75, .load_entries_max = 9, .table_entries_max = 40},
    {.name = "table-cs2-killed", .chunk_sectors = 2, .entries = 50, .load_entries_max = 10,
     .table_entries_max = 35, .event = EVENT_KILL},
    {.name = "table-cs2-stopped", .chunk_sectors = 2, .entries = 100, .load_entries_max = 20,
     .table_entries_max = 70, .event = EVENT_STOP, .read_ahead = true},
    /* Read back before the cut. */
    {.name = "verify", .chunk_sectors = 2, .entries = 70, .window_entries_max = 20, .verify = true,
     .origin_sectors_short = 1},
    {.name = "verify-killed", .chunk_sectors = 1, .entries = 40, .window_entries_max = 12, .verify = true,
     .event = EVENT_KILL},
    {.name = "verify-lie", .chunk_sectors = 2, .entries = 70, .window_entries_max = 9, .verify = true,
     .event = EVENT_LIE},
    {.name = "verify-several-loads-lie", .chunk_sectors = 2, .entries = 100, .load_entries_max = 25,
     .verify = true, .event = EVENT_LIE},
    {.name = "verify-origin-read-fails", .chunk_sectors = 2, .entries = 70, .window_entries_max = 20,
     .verify = true, .event = EVENT_ORIGIN_READ},
    {.name = "verify-bad", .chunk_sectors = 1, .entries = 50, .window_entries_max = 20, .verify = true,
     .bad_reads = {25, 8, 3}, .bad_writes = {4, 5, 7}},
    /* Only what differs is written; flushed it is all the same. */
    {.name = "skip", .chunk_sectors = 2, .entries = 70, .window_entries_max = 20, .skip_identical = true,
     .merged_entries = 31, .origin_sectors_short = 1},
    {.name = "skip-all-killed", .chunk_sectors = 1, .entries = 40, .window_entries_max = 12,
     .skip_identical = true, .merged_entries = 40, .event = EVENT_KILL},
    {.name = "skip-killed", .chunk_sectors = 2, .entries = 50, .window_entries_max = 20, .skip_identical = true,
     .merged_entries = 20, .event = EVENT_KILL},
    {.name = "skip-origin-read-fails", .chunk_sectors = 2, .entries = 50, .window_entries_max = 20,
     .skip_identical = true, .merged_entries = 20, .event = EVENT_ORIGIN_READ},
    {.name = "skip-verify", .chunk_sectors = 2, .entries = 50, .window_entries_max = 20, .skip_identical = true,
     .verify = true, .merged_entries = 20, .event = EVENT_LIE},
    {.name = "skip-bad", .chunk_sectors = 2, .entries = 50, .window_entries_max = 20, .skip_identical = true,
     .merged_entries = 30, .bad_reads = {25, 8, 3}, .bad_writes = {4, 3, 7}},
    /* Long form only. */
    {.name = "siblings-two-loads-larger", .chunk_sectors = 2, .entries = 140, .load_entries_max = 25,
     .read_ahead = true, .siblings = {{.chunk_sectors = 4, .entries = 4}, {.chunk_sectors = 1, .entries = 50}},
     .long_only = true},
    {.name = "siblings-cs8-killed", .chunk_sectors = 8, .entries = 12, .window_entries_max = 5,
     .siblings = {{.chunk_sectors = 8, .entries = 3}, {.chunk_sectors = 4, .entries = 5}}, .event = EVENT_KILL,
     .origin_sectors_short = 5, .long_only = true},
    {.name = "sibling-torn-areas-killed", .chunk_sectors = 2, .entries = 80, .window_entries_max = 45,
     .siblings = {{.chunk_sectors = 2, .entries = 40, .stale = true}}, .event = EVENT_KILL, .long_only = true},
    {.name = "sibling-exhaustive-cs2", .chunk_sectors = 2, .entries = 8, .window_entries_max = 4,
     .siblings = {{.chunk_sectors = 2, .entries = 2}}, .exhaustive = true, .long_only = true},
    {.name = "undo-cs2-killed", .chunk_sectors = 2, .entries = 70, .window_entries_max = 30, .undo = true,
     .siblings = {{.chunk_sectors = 2}}, .event = EVENT_KILL, .long_only = true},
    {.name = "undo-cs2-taken-back", .chunk_sectors = 2, .entries = 70, .window_entries_max = 30, .undo = true,
     .siblings = {{.chunk_sectors = 2}}, .event = EVENT_TAKE_BACK, .long_only = true},
    {.name = "undo-and-sibling-undone", .chunk_sectors = 1, .entries = 40, .window_entries_max = 15, .undo = true,
     .siblings = {{.chunk_sectors = 1}, {.chunk_sectors = 4, .entries = 3}}, .event = EVENT_REDO,
     .long_only = true},
    {.name = "undo-stopped", .chunk_sectors = 1, .entries = 60, .window_entries_max = 20, .undo = true,
     .siblings = {{.chunk_sectors = 1}}, .event = EVENT_STOP, .long_only = true},
    {.name = "bad-cs2-area-and-more-killed", .chunk_sectors = 2, .entries = 130, .window_entries_max = 50,
     .bad_reads = {40, 70, 1}, .event = EVENT_KILL, .long_only = true},
    {.name = "bad-cs8-block-4096-areas", .chunk_sectors = 8, .entries = 270, .window_entries_max = 100,
     .cow_block_bytes = 4096, .bad_reads = {100, 30, 5}, .long_only = true},
    {.name = "bad-table-killed", .chunk_sectors = 2, .entries = 130, .load_entries_max = 16,
     .table_entries_max = 64, .bad_reads = {30, 10, 7}, .bad_writes = {31, 10, 7}, .event = EVENT_KILL,
     .long_only = true},
    {.name = "table-cs2-killed-larger", .chunk_sectors = 2, .entries = 100, .load_entries_max = 20,
     .table_entries_max = 70, .event = EVENT_KILL, .long_only = true},
};

const struct workload *workload_wide_table(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

/* Chunk sizes of both stores, the sibling's order, and windows: 81 rows. */
static bool siblings_row(size_t index, struct workload *workload, char *name)
{
    static const uint32_t chunk_sectors[] = {1, 2, 4};
    static const enum workload_order orders[] = {ORDER_CANONICAL, ORDER_HOLES, ORDER_SPREAD};
    static const char *const order_names[] = {"canonical", "holes", "spread"};
    static const uint64_t windows[] = {7, 33, 10000};
    const uint32_t merged = chunk_sectors[index / 27 % 3], other = chunk_sectors[index / 9 % 3];
    const size_t order = index / 3 % 3;

    if (index >= 81)
        return false;
    *workload = (struct workload){
        .name = name, .chunk_sectors = merged, .entries = 70 / merged + 5,
        .window_entries_max = windows[index % 3], .origin_sectors_short = merged - 1,
        .siblings = {{.chunk_sectors = other, .entries = 26 / other, .order = orders[order],
                      .stale = index % 2 == 1}},
    };
    (void)snprintf(name, 64, "sibling-cs%u-cs%u-%s-by-%u", (unsigned)merged, (unsigned)other, order_names[order],
                   (unsigned)windows[index % 3]);
    return true;
}

/* Where the bad entries stand, how many and how densely, for reads and writes in turn: 144 rows. */
static bool bad_row(size_t index, struct workload *workload, char *name)
{
    static const uint32_t chunk_sectors[] = {1, 2, 8};
    static const uint64_t windows[] = {9, 40, 10000}, firsts[] = {0, 30, 31, 60}, counts[] = {1, 33};
    const uint32_t merged = chunk_sectors[index / 48 % 3];
    const struct workload_bad bad = {.first = firsts[index / 4 % 4], .count = counts[index / 2 % 2],
                                     .step = index % 2 + 1};

    if (index >= 144)
        return false;
    *workload = (struct workload){.name = name, .chunk_sectors = merged, .entries = merged == 8 ? 128 : 140,
                                  .window_entries_max = windows[index / 16 % 3]};
    *(index % 3 == 0 ? &workload->bad_writes : &workload->bad_reads) = bad;
    (void)snprintf(name, 64, "bad-cs%u-from-%u-%u-by-%u-windows-%u", (unsigned)merged, (unsigned)bad.first,
                   (unsigned)bad.count, (unsigned)bad.step, (unsigned)workload->window_entries_max);
    return true;
}

bool workload_wide_matrix(size_t index, struct workload *workload, char *name)
{
    return siblings_row(index, workload, name) || (index >= 81 && bad_row(index - 81, workload, name));
}
