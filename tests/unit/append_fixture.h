/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests of a growing list share: a naive judge of a store's bytes, and a device's crash states. */
#ifndef DMSNAP_TEST_APPEND_FIXTURE_H
#define DMSNAP_TEST_APPEND_FIXTURE_H

#include "lib/base/bytes.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

/* Where the kernel would put the next data (dmsnap-store(5), LOADING), written down once more. */
static inline uint64_t append_next_free(uint64_t chunk_sectors, uint64_t highest)
{
    const uint64_t next = highest < 2 ? 2 : highest + 1;

    return next % (32 * chunk_sectors + 1) == 1 ? next + 1 : next;
}

/*
 * Counts one chunk after the other what fits behind `count` entries: chunks to the device's end, and an area for
 * the end of the list.
 */
static inline uint64_t append_room(uint64_t chunk_sectors, uint64_t cow_chunks, uint64_t count, uint64_t highest)
{
    uint64_t fits = 0, chunk = append_next_free(chunk_sectors, highest);

    while (chunk < cow_chunks) {
        fits++;
        chunk = append_next_free(chunk_sectors, chunk);
    }
    while (fits > 0 && format_area_chunk(chunk_sectors, (count + fits) / format_per_area(chunk_sectors)) >= cow_chunks)
        fits--;
    return fits;
}

/* A list as it was, and what it shall become. */
struct append_goal {
    uint64_t chunk_sectors, cow_bytes;
    uint64_t before, after;              /* lengths */
    const struct snap_entry *entries;    /* `after` of them */
    const uint8_t *data;                 /* chunk by chunk, what each of them has to hold */
    uint64_t last_old_chunk, last_bytes; /* of this one only so many bytes count; 0: it is whole */
};

/*
 * The promise, at any moment: the list is the old one and the first j of the new entries, zeros follow to the end
 * of its area, and all data are right. Returns what is wrong, or NULL; *length is the list's.
 */
static inline const char *append_fault(const struct append_goal *goal, const uint8_t *cow, uint64_t *length)
{
    const uint64_t chunk_bytes = goal->chunk_sectors * 512;
    uint64_t count = 0;

    for (;; count++) {
        const uint64_t offset = format_entry_offset(goal->chunk_sectors, count);
        const uint8_t *bytes = cow + offset;

        if (offset / chunk_bytes * chunk_bytes + chunk_bytes > goal->cow_bytes)
            return "the list goes on behind the device";
        if (snap_get_le64(bytes + 8) == 0)
            break;
        if (count == goal->after)
            return "the list is longer than intended";
        if (snap_get_le64(bytes) != goal->entries[count].old_chunk ||
            snap_get_le64(bytes + 8) != goal->entries[count].new_chunk)
            return "an entry is not the one that was intended";
    }
    *length = count;
    if (count < goal->before)
        return "entries were lost";
    if (!format_zero_behind(cow, goal->chunk_sectors, count))
        return "something stands behind the end of the list";
    for (uint64_t i = 0; i < count; i++) {
        const bool partial = goal->last_bytes > 0 && goal->entries[i].old_chunk == goal->last_old_chunk;

        if (memcmp(cow + goal->entries[i].new_chunk * chunk_bytes, goal->data + i * chunk_bytes,
                   partial ? goal->last_bytes : chunk_bytes) != 0)
            return "the data of an entry are wrong";
    }
    return NULL;
}

/*
 * Looks at every state that a power loss can leave of one recorded device, right before each of its flushes: there
 * all writes since the last one are pending, so that the states before any of them are among these. Where there
 * are too many, a sample.
 */
struct append_explorer {
    const struct append_goal *goal;
    const char *name;
    const char *fault;         /* the first that was found */
    uint64_t states, sampled;  /* of the states, those that were drawn by lot */
    uint64_t shortest, longest;
    uint64_t random;
    uint8_t *image;
};

#define APPEND_STATES_MAX 16384u

static inline void append_judge(struct append_explorer *explorer)
{
    uint64_t length = 0;
    const char *fault = append_fault(explorer->goal, explorer->image, &length);

    explorer->states++;
    if (fault && !explorer->fault)
        explorer->fault = fault;
    if (length < explorer->shortest)
        explorer->shortest = length;
    if (length > explorer->longest)
        explorer->longest = length;
}

static inline void append_explore_state(struct append_explorer *explorer, const struct record_state *state)
{
    const struct record_disk *disk = record_disk_of(state, explorer->name);
    const bool all = record_choices(disk) <= APPEND_STATES_MAX;
    uint8_t *durable = fixture_alloc(disk->sectors, 512), *newest = fixture_alloc(disk->sectors, 512);
    size_t *choice = record_choice_new(disk);
    uint64_t draws = all ? 0 : APPEND_STATES_MAX / 8;

    record_image(disk, NULL, durable);
    record_choice_newest(disk, choice);
    record_image(disk, choice, newest);
    memset(choice, 0, disk->pending_count * sizeof *choice);
    memcpy(explorer->image, durable, explorer->goal->cow_bytes);
    do {
        for (size_t i = 0; i < disk->pending_count; i++) { /* the other sectors are the same in all states */
            const uint64_t at = disk->pending[i].sector * 512;

            if (disk->pending[i].versions != 1)
                abort();
            if (draws > 0)
                choice[i] = (size_t)unit_random(&explorer->random, 2);
            if (at < explorer->goal->cow_bytes)
                memcpy(explorer->image + at, (choice[i] ? newest : durable) + at, 512);
        }
        append_judge(explorer);
        explorer->sampled += !all;
    } while (all ? record_choice_next(disk, choice) : --draws > 0);
    free(choice);
    free(durable);
    free(newest);
}

static inline void append_explore(void *context, const struct recorder *recorder,
                                  const struct record_operation *operation)
{
    struct append_explorer *explorer = context;
    const struct record_state *state = recorder_state(recorder);

    if (operation->kind == RECORD_FLUSH && strcmp(state->disks[operation->disk].name, explorer->name) == 0)
        append_explore_state(explorer, state);
}

static inline struct append_explorer append_explorer_new(const struct append_goal *goal, const char *name)
{
    return (struct append_explorer){.goal = goal,
                                    .name = name,
                                    .shortest = UINT64_MAX,
                                    .random = 4711,
                                    .image = fixture_alloc(1, goal->cow_bytes)};
}

#endif
