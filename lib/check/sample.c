/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads parts of the list, divides them into runs, and gives each run its share of the sample. */
#include "lib/check/sample.h"

#include "lib/base/arith.h"
#include "lib/store/list_read.h"

#include <stdlib.h>

#define PLACES 32u         /* of a long list */
#define PLACE_ENTRIES 512u /* read at each */
#define CANDIDATES_MAX (PLACES * PLACE_ENTRIES)

struct run {
    uint32_t first; /* candidate */
    uint32_t count;
};

struct candidates {
    struct snap_entry entries[CANDIDATES_MAX];
    uint32_t count;
    struct run runs[CANDIDATES_MAX];
    uint32_t run_count;
};

static enum snap_status read_candidates(const struct snap_store *store, uint64_t entries,
                                        struct candidates *candidates, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    candidates->count = 0;
    if (entries <= CANDIDATES_MAX) {
        candidates->count = (uint32_t)entries;
        return snap_list_read_entries(store, 0, entries, candidates->entries, err);
    }
    for (uint64_t i = 0; i < PLACES && status == SNAP_OK; i++) {
        /* The first place is the start of the list, the last one its end. */
        const uint64_t step = (entries - PLACE_ENTRIES) / (PLACES - 1);
        const uint64_t first = i + 1 < PLACES ? i * step : entries - PLACE_ENTRIES;

        status = snap_list_read_entries(store, first, PLACE_ENTRIES, candidates->entries + candidates->count, err);
        candidates->count += PLACE_ENTRIES;
    }
    return status;
}

static void find_runs(const struct snap_layout *layout, uint64_t origin_chunks, struct candidates *candidates)
{
    uint64_t next_old_chunk = UINT64_MAX;

    candidates->run_count = 0;
    for (uint32_t i = 0; i < candidates->count; i++) {
        const struct snap_entry *entry = &candidates->entries[i];

        if (entry->old_chunk >= origin_chunks || !snap_layout_is_data_chunk(layout, entry->new_chunk)) {
            next_old_chunk = UINT64_MAX;
            continue;
        }
        if (entry->old_chunk != next_old_chunk)
            candidates->runs[candidates->run_count++] = (struct run){.first = i};
        candidates->runs[candidates->run_count - 1].count++;
        next_old_chunk = entry->old_chunk + 1;
    }
}

/* The most that each run may give so that all of them together do not give too many; 0: there are too many runs. */
static uint32_t find_share(const struct candidates *candidates)
{
    uint32_t share = 0;

    for (uint32_t given = 0; share < SNAP_SAMPLE_MAX; share++) {
        for (uint32_t i = 0; i < candidates->run_count; i++)
            given += candidates->runs[i].count > share;
        if (given > SNAP_SAMPLE_MAX)
            break;
    }
    return share;
}

/* `wanted` entries, spread evenly over the run. */
static void take(const struct candidates *candidates, const struct run *run, uint32_t wanted,
                 struct snap_entry *sample, uint32_t *count)
{
    for (uint32_t i = 0; i < wanted; i++)
        sample[(*count)++] = candidates->entries[run->first + (uint64_t)run->count * i / wanted];
}

static void choose(const struct candidates *candidates, struct snap_entry *sample, uint32_t *count)
{
    const uint32_t share = find_share(candidates);

    if (share == 0) {
        for (uint64_t i = 0; i < SNAP_SAMPLE_MAX; i++)
            take(candidates, &candidates->runs[i * candidates->run_count / SNAP_SAMPLE_MAX], 1, sample, count);
        return;
    }
    for (uint32_t i = 0; i < candidates->run_count; i++) {
        const struct run *run = &candidates->runs[i];

        take(candidates, run, (uint32_t)snap_min(run->count, share), sample, count);
    }
}

enum snap_status snap_sample_entries(const struct snap_store *store, uint64_t entries, uint64_t origin_chunks,
                                     struct snap_entry sample[SNAP_SAMPLE_MAX], uint32_t *count,
                                     struct snap_error *err)
{
    struct candidates *candidates = malloc(sizeof *candidates);
    enum snap_status status;

    *count = 0;
    if (!candidates)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory choosing entries", store->io->name);
    status = read_candidates(store, entries, candidates, err);
    if (status == SNAP_OK) {
        find_runs(&store->layout, origin_chunks, candidates);
        choose(candidates, sample, count);
    }
    free(candidates);
    return status;
}
