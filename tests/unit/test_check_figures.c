/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests what a check counts, against a naive count; that sound stores are clean; and its bound of memory. */
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/check_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/unit.h"

#define MIB (UINT64_C(1) << 20)
#define WALK_BYTES (9 * MIB) /* what reading a list takes, whatever its length */

static struct checked checked;

static void assert_clean(struct snap_io *io, const struct snap_check_options *options)
{
    assert_ok(check_run(io, options, &checked), &checked.err);
    for (size_t i = 0; i < checked.count; i++)
        print_message("%s: %s\n", snap_rules_info(checked.at[i].rule)->id, checked.at[i].text);
    assert_int_equal(checked.count, 0);
    assert_true(checked.result.list_complete);
}

static void sound_stores_are_clean(void **state)
{
    static const struct {
        uint32_t chunk_sectors;
        uint64_t chunks, entries;
    } shapes[] = {
        {8, 3, 0},     {8, 4, 1},     {8, 300, 255}, {8, 300, 256}, {8, 600, 257},
        {8, 600, 512}, {8, 259, 255}, {16, 700, 600}, {1024, 12, 9},
    };

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const uint32_t cs = shapes[i].chunk_sectors;
        const struct snap_check_options options = {.origin_sectors = shapes[i].entries * cs + 1};
        struct snap_io *io = list_new(cs, shapes[i].chunks * cs);

        list_put_canonical(io, cs, 0, shapes[i].entries, 0, 1);
        assert_clean(io, &options);
        assert_int_equal(checked.result.entries, shapes[i].entries);
        assert_true(checked.result.canonical);
        list_close(io);
    }
}

/* Figures of a sound list, entry by entry (dmsnap-store(5), CAPACITY). */
static void naive_figures(const struct snap_entry *entries, uint64_t count, uint32_t cs, uint64_t cow_sectors,
                          uint64_t origin_sectors, struct snap_check_result *result)
{
    const uint64_t chunks = cow_sectors / cs, stride = format_per_area(cs) + 1;
    uint64_t next_free = 2;

    memset(result, 0, sizeof *result);
    result->list_complete = result->canonical = true;
    result->entries = count;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t old = entries[i].old_chunk, new = entries[i].new_chunk;

        result->areas = i / format_per_area(cs) + 1;
        result->runs += i == 0 || old != entries[i - 1].old_chunk + 1 || new != entries[i - 1].new_chunk + 1;
        for (uint64_t sector = old * cs; sector < (old + 1) * cs; sector++)
            result->merge_bytes += origin_sectors == 0 || sector < origin_sectors ? 512 : 0;
        if (new != format_canonical(cs, i))
            result->canonical = false;
        if (new > result->highest_new_chunk)
            result->highest_new_chunk = new;
        if (new >= next_free)
            next_free = new + 1;
    }
    if (next_free % stride == 1)
        next_free++;
    result->usage.allocated_sectors = next_free * cs;
    result->usage.total_sectors = cow_sectors;
    result->usage.metadata_sectors = (count / format_per_area(cs) + 2) * cs;
    /* Fill it as the kernel would: an entry that makes its area full needs the next one to be there. */
    for (uint64_t n = 0, chunk = 2; chunk < chunks; chunk++) {
        if (chunk % stride == 1 || ((n + 1) % format_per_area(cs) == 0 &&
                                    format_area_chunk(cs, (n + 1) / format_per_area(cs)) >= chunks))
            continue;
        result->capacity_entries = ++n;
    }
    for (uint64_t n = count, chunk = next_free; chunk < chunks; chunk++) {
        if (chunk % stride == 1 || ((n + 1) % format_per_area(cs) == 0 &&
                                    format_area_chunk(cs, (n + 1) / format_per_area(cs)) >= chunks))
            continue;
        n++;
        result->free_chunks++;
    }
}

static void assert_figures(const struct snap_check_result *got, const struct snap_check_result *expected)
{
    assert_int_equal(got->list_complete, expected->list_complete);
    assert_int_equal(got->entries, expected->entries);
    assert_int_equal(got->areas, expected->areas);
    assert_int_equal(got->merge_bytes, expected->merge_bytes);
    assert_int_equal(got->runs, expected->runs);
    assert_int_equal(got->highest_new_chunk, expected->highest_new_chunk);
    assert_int_equal(got->canonical, expected->canonical);
    assert_int_equal(got->capacity_entries, expected->capacity_entries);
    assert_int_equal(got->free_chunks, expected->free_chunks);
    assert_int_equal(got->usage.allocated_sectors, expected->usage.allocated_sectors);
    assert_int_equal(got->usage.total_sectors, expected->usage.total_sectors);
    assert_int_equal(got->usage.metadata_sectors, expected->usage.metadata_sectors);
}

static void figures_are_as_counted_naively(void **state)
{
    static struct snap_entry entries[700];
    uint64_t seed = 3;

    (void)state;
    for (unsigned round = 0; round < 600; round++) {
        const uint32_t cs = 1u << unit_random(&seed, 3);
        const uint64_t count = unit_random(&seed, 200);
        const uint64_t cow_sectors = (format_canonical(cs, count) + unit_random(&seed, 80) + 2) * cs +
                                     unit_random(&seed, cs);
        const uint64_t origin_sectors = count * 6 * cs + unit_random(&seed, cs) + 1;
        struct snap_check_options options = {.origin_sectors = origin_sectors};
        struct snap_io *io = list_new(cs, cow_sectors);
        struct snap_check_result expected;
        uint64_t old = 0;

        for (uint64_t i = 0; i < count; i++) {
            entries[i] = (struct snap_entry){old, format_canonical(cs, i)};
            old += unit_random(&seed, 3) ? 1 : 1 + unit_random(&seed, 5);
        }
        if (count > 0 && round % 2) /* the last chunk of the origin, which is partial or not */
            entries[unit_random(&seed, count)].old_chunk = (origin_sectors - 1) / cs;
        for (uint64_t swaps = round % 3 ? 0 : 3; count > 0 && swaps > 0; swaps--) {
            struct snap_entry *a = &entries[unit_random(&seed, count)], *b = &entries[unit_random(&seed, count)];
            uint64_t new = a->new_chunk;

            a->new_chunk = b->new_chunk;
            b->new_chunk = new;
        }
        if (count > 0 && round % 5 == 0 && (cow_sectors / cs - 1) % (format_per_area(cs) + 1) != 1)
            entries[count - 1].new_chunk = cow_sectors / cs - 1; /* leaks, and leaves nothing free */
        for (uint64_t i = 0; i < count; i++)
            list_put(io, cs, i, entries[i].old_chunk, entries[i].new_chunk);

        options.figures_only = round % 7 == 0;
        assert_ok(check_run(io, &options, &checked), &checked.err);
        naive_figures(entries, count, cs, cow_sectors, origin_sectors, &expected);
        assert_figures(&checked.result, &expected);
        options.origin_sectors = 0;
        assert_ok(check_run(io, &options, &checked), &checked.err);
        naive_figures(entries, count, cs, cow_sectors, 0, &expected);
        assert_figures(&checked.result, &expected);
        list_close(io);
    }
}

static void an_entry_is_a_run_whatever_its_numbers(void **state)
{
    struct snap_io *io = list_new(8, 800);
    const struct snap_check_options options = {0};

    (void)state;
    list_put(io, 8, 0, UINT64_MAX, UINT64_MAX);
    assert_ok(check_run(io, &options, &checked), &checked.err);
    assert_int_equal(checked.result.runs, 1);
    list_close(io);
}

static void figures_only_leaves_out_the_sets(void **state)
{
    const struct snap_check_options options = {.origin_sectors = 8000, .figures_only = true};
    struct snap_io *io = list_new(8, 800);

    (void)state;
    list_put_canonical(io, 8, 0, 50, 7, 0); /* all the same old */
    assert_ok(check_run(io, &options, &checked), &checked.err);
    assert_int_equal(checked.count, 0);
    assert_int_equal(checked.result.passes, 0);
    list_put(io, 8, 20, 7, 1);
    list_put(io, 8, 60, 7, 9);
    assert_ok(check_run(io, &options, &checked), &checked.err);
    assert_int_equal(checked.count, 2);
    assert_int_equal(checked.at[0].rule, SNAP_RULE_ENTRY_NEW_METADATA);
    assert_int_equal(checked.at[1].rule, SNAP_RULE_GARBAGE_BEHIND_END);
    list_close(io);
}

/* --- memory ------------------------------------------------------------------------------------------------ */

enum shape { SEQUENTIAL, BACKWARDS, SHUFFLED, SPREAD, BOTH_SPREAD };

static struct list_virtual *shaped(enum shape shape, uint64_t count)
{
    struct list_virtual *list = list_virtual_new(8, count);

    for (uint64_t i = 0; i < count; i++) {
        uint64_t old[] = {i, count - 1 - i, i * 7919 % count, i * 4096, i * 4096};

        list->entries[i].old_chunk = old[shape];
    }
    if (shape == BOTH_SPREAD) { /* data chunks far apart as well, on a device of many terabytes */
        for (uint64_t i = 0; i < count; i++)
            list->entries[i].new_chunk = 2 + i * 4112; /* 16 strides: never an area */
        list->io.size_bytes = (count + 1) * 4112 * 4096;
    }
    return list;
}

static void the_memory_is_a_bound(void **state)
{
    static const struct {
        enum shape shape;
        uint64_t count, memory_bytes, passes_max;
    } cases[] = {
        {SEQUENTIAL, 1000000, MIB, 1},     {BACKWARDS, 1000000, MIB, 1}, {SHUFFLED, 1000000, MIB, 1},
        {SPREAD, 1000000, 64 * MIB, 40},   {SPREAD, 30000, MIB, 200},    {BOTH_SPREAD, 200000, 32 * MIB, 60},
        {BOTH_SPREAD, 10000, 1, 200},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct snap_check_options options = {.memory_bytes = cases[i].memory_bytes};
        struct list_virtual *list = shaped(cases[i].shape, cases[i].count);
        uint64_t before_bytes = alloc.live_bytes;
        uint64_t allowed_bytes = WALK_BYTES + (cases[i].memory_bytes > MIB ? cases[i].memory_bytes : MIB);

        alloc_mark();
        assert_ok(check_run(&list->io, &options, &checked), &checked.err);
        assert_int_equal(checked.result.entries, cases[i].count);
        assert_int_equal(checked.findings.severity_counts[SNAP_CORRUPTING], 0);
        assert_in_range(checked.result.passes, 1, cases[i].passes_max);
        if (alloc.peak_bytes - before_bytes > allowed_bytes)
            fail_msg("shape %zu: %ju bytes allocated, %ju allowed", i,
                     (uintmax_t)(alloc.peak_bytes - before_bytes), (uintmax_t)allowed_bytes);
        assert_int_equal(alloc.live_bytes, before_bytes);
        list_close(&list->io);
    }
}

static void one_wrong_entry_in_a_million_is_found(void **state)
{
    const struct snap_check_options options = {.memory_bytes = MIB};
    struct list_virtual *list = shaped(SHUFFLED, 1000000);

    (void)state;
    list->entries[999999].old_chunk = list->entries[123456].old_chunk;
    assert_ok(check_run(&list->io, &options, &checked), &checked.err);
    assert_int_equal(checked.count, 1);
    assert_int_equal(checked.at[0].rule, SNAP_RULE_DUPLICATE_OLD);
    assert_int_equal(checked.at[0].index, 999999);
    assert_non_null(strstr(checked.at[0].text, "area 482 slot 64"));
    list_close(&list->io);
}

static void no_allocation_can_fail_unnoticed(void **state)
{
    const struct snap_check_options options = {0};
    struct list_virtual *list = shaped(SEQUENTIAL, 50); /* a device that allocates nothing itself */
    uint64_t failures = 0;

    (void)state;
    list->entries[49].old_chunk = 7;
    for (uint64_t k = 1;; k++) {
        uint64_t before_bytes = alloc.live_bytes;
        struct snap_store store = list_open(&list->io);
        struct snap_findings findings = {.fn = check_collect, .context = &checked};
        struct snap_error err = {.text = ""};
        struct snap_check_result result;
        enum snap_status status;

        checked.count = 0;
        alloc_fail_at(k, false);
        status = snap_check(&store, &options, &findings, &result, &err);
        alloc_fail_at(0, false);
        assert_int_equal(alloc.live_bytes, before_bytes);
        if (status == SNAP_OK) {
            assert_int_equal(checked.count, 1);
            assert_non_null(strstr(checked.at[0].text, "area 0 slot 7"));
            if (k > 40)
                break;
            continue; /* a set that stays small, and is looked through again */
        }
        failures++;
        assert_int_equal(status, SNAP_E_NOMEM);
        assert_int_equal(err.status, SNAP_E_NOMEM);
    }
    assert_true(failures > 10);
    list_close(&list->io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_stores_are_clean),
        cmocka_unit_test(figures_are_as_counted_naively),
        cmocka_unit_test(an_entry_is_a_run_whatever_its_numbers),
        cmocka_unit_test(figures_only_leaves_out_the_sets),
        cmocka_unit_test(the_memory_is_a_bound),
        cmocka_unit_test(one_wrong_entry_in_a_million_is_found),
        cmocka_unit_test(no_allocation_can_fail_unnoticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
