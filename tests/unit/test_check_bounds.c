/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a check costs, whatever the list is: passes follow from the memory, looks into tables from the entries. */
#include "lib/base/arith.h"
#include "lib/base/hash_key.h"
#include "lib/check/chunkset.h"
#include "tests/unit/duplicates_fixture.h"

#define COUNT 24000u

static void sequential(struct snap_entry *entries, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        entries[i].old_chunk = i;
}

/* Over a large origin: hardly two of them are neighbours. */
static void scattered(struct snap_entry *entries, uint64_t count)
{
    uint64_t seed = 5;

    for (uint64_t i = 0; i < count; i++)
        entries[i].old_chunk = unit_random(&seed, UINT64_C(1) << 48);
}

/* As many copies as are allowed. */
static void repeated(struct snap_entry *entries, uint64_t count)
{
    scattered(entries, count);
    for (uint64_t i = 0; i < count; i++)
        entries[i] = entries[i % (count / SNAP_DUPLICATES_COPIES_MAX)];
}

/* One entry, again and again. */
static void one(struct snap_entry *entries, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        entries[i] = entries[0];
}

/* Numbers that fall on few places under a certain key: whoever knows a key can make them. */
static void colliding(struct snap_entry *entries, uint64_t count)
{
    const struct snap_hash_key known = {.add = 1, .first = 0x9e3779b97f4a7c15u, .second = 0xbf58476d1ce4e5b9u};
    uint64_t number = 0;

    for (uint64_t i = 0; i < count; i++) {
        do
            number++;
        while (snap_hash_key_place(snap_hash_key_mix(&known, number), 1000) != 0);
        entries[i].old_chunk = number * SNAP_CHUNKSET_SLOT_CHUNKS;
    }
}

/* All data chunks in another order than the canonical one, so that they need a set as well. */
static void unordered(struct snap_entry *entries, uint64_t count)
{
    scattered(entries, count);
    for (uint64_t i = 0; i < count / 2; i++) {
        const uint64_t swap = entries[i].new_chunk;

        entries[i].new_chunk = entries[count - 1 - i].new_chunk;
        entries[count - 1 - i].new_chunk = swap;
    }
}

static const struct shape {
    const char *name;
    void (*make)(struct snap_entry *entries, uint64_t count);
    uint64_t walks_max; /* for what was met again; 0: nothing is */
} shapes[] = {
    {"sequential", sequential, 0}, {"scattered", scattered, 0}, {"repeated", repeated, 1},
    {"one", one, 1},               {"colliding", colliding, 0}, {"unordered", unordered, 0},
};

static enum snap_status count_only(void *context, enum snap_rule rule, const struct snap_duplicate *duplicate,
                                   struct snap_error *err)
{
    (void)context;
    (void)rule;
    (void)duplicate;
    (void)err;
    return SNAP_OK;
}

static struct snap_duplicates_result cost_of(const struct shape *shape, uint64_t count, uint64_t memory_bytes)
{
    struct list_virtual *list = list_virtual_new(8, count);
    struct snap_error err = {.text = ""};
    struct snap_duplicates_result result;
    struct snap_duplicates *sets;
    struct snap_list_walk *walk;
    struct snap_store store;
    struct snap_span span;

    shape->make(list->entries, count);
    store = list_open(&list->io);
    assert_ok(snap_duplicates_new(&sets, &store, ANY_ORIGIN, memory_bytes, &err), &err);
    assert_ok(snap_list_walk_open(&walk, &store, &err), &err);
    do {
        assert_ok(snap_list_walk_next(walk, &span, &err), &err);
        snap_duplicates_feed(sets, &span);
    } while (span.slots > 0);
    snap_list_walk_close(walk);
    assert_ok(snap_duplicates_finish(sets, count, NULL, NULL, count_only, NULL, &result, &err), &err);
    snap_duplicates_free(sets);
    list_close(&list->io);
    return result;
}

/* With memory for all, one pass is enough, and each number costs a few looks. */
static void looks_grow_as_the_entries_do(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (uint64_t count = COUNT; count <= 16 * COUNT; count *= 4) {
            const struct snap_duplicates_result cost = cost_of(&shapes[s], count, 64 * MIB);

            if (cost.passes != 1 || cost.further_walks > shapes[s].walks_max || cost.probes > 24 * count)
                fail_msg("%s, %ju entries: %ju passes, %ju further walks, %ju looks", shapes[s].name, (uintmax_t)count,
                         (uintmax_t)cost.passes, (uintmax_t)cost.further_walks, (uintmax_t)cost.probes);
        }
}

/* With less, there are as many passes as the memory asks for: 20 bytes and something for each of two numbers. */
static void passes_follow_from_the_memory(void **state)
{
    (void)state;
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)
        for (uint64_t memory_bytes = 4 * LITTLE; memory_bytes <= 64 * LITTLE; memory_bytes *= 4) {
            const uint64_t count = 4 * COUNT, passes_max = 3 + 2 * count * 28 / memory_bytes;
            const struct snap_duplicates_result cost = cost_of(&shapes[s], count, memory_bytes);

            if (cost.passes > passes_max || cost.further_walks > shapes[s].walks_max * passes_max * 2 ||
                cost.probes > 48 * count)
                fail_msg("%s, %ju bytes: %ju passes, %ju further walks, %ju looks", shapes[s].name,
                         (uintmax_t)memory_bytes, (uintmax_t)cost.passes, (uintmax_t)cost.further_walks,
                         (uintmax_t)cost.probes);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_grow_as_the_entries_do),
        cmocka_unit_test(passes_follow_from_the_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
