/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests the search for chunks used twice and for a continuation, in one pass and in several. */
#include "tests/support/io_fault.h"
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/duplicates_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/unit.h"

static void assert_one(const struct reports *got, enum snap_rule rule, uint64_t index, uint64_t first_index)
{
    assert_int_equal(got->count, 1);
    assert_int_equal(got->at[0].rule, rule);
    assert_int_equal(got->at[0].duplicate.index, index);
    assert_int_equal(got->at[0].duplicate.first_index, first_index);
}

static struct reports reports, expected;

static void a_sound_list_has_none(void **state)
{
    struct snap_io *io = list_new(1, 400);
    struct snap_duplicates_result result;

    (void)state;
    result = found(io, ANY_ORIGIN, MIB, &reports); /* empty */
    assert_int_equal(reports.count, 0);
    list_put_canonical(io, 1, 0, 300, 1000, 3);
    result = found(io, ANY_ORIGIN, MIB, &reports);
    assert_int_equal(reports.count, 0);
    assert_int_equal(result.passes, 1);
    assert_int_equal(result.continuation_entries, 0);
    assert_int_equal(result.leftover_area, 0);
    list_close(io);
}

static void a_repeated_old_names_its_first_user(void **state)
{
    static const uint64_t pairs[][2] = {{1, 0}, {31, 0}, {32, 31}, {299, 0}, {299, 298}, {200, 17}};

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct snap_io *io = list_new(1, 400);

        list_put_canonical(io, 1, 0, 300, 1000, 3);
        list_put(io, 1, pairs[i][0], 1000 + 3 * pairs[i][1], format_canonical(1, pairs[i][0]));
        (void)found(io, ANY_ORIGIN, MIB, &reports);
        assert_one(&reports, SNAP_RULE_DUPLICATE_OLD, pairs[i][0], pairs[i][1]);
        list_close(io);
    }
}

static void a_repeated_new_names_its_first_user(void **state)
{
    static const uint64_t pairs[][2] = {{1, 0}, {31, 0}, {32, 31}, {299, 0}, {299, 298}, {200, 17}};

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct snap_io *io = list_new(1, 400);

        list_put_canonical(io, 1, 0, 300, 1000, 3);
        list_put(io, 1, pairs[i][0], 1000 + 3 * pairs[i][0], format_canonical(1, pairs[i][1]));
        (void)found(io, ANY_ORIGIN, MIB, &reports);
        assert_one(&reports, SNAP_RULE_DUPLICATE_NEW, pairs[i][0], pairs[i][1]);
        list_close(io);
    }
}

static void a_chunk_of_a_later_entry_used_early_is_found(void **state)
{
    struct snap_io *io = list_new(1, 400);

    (void)state;
    list_put_canonical(io, 1, 0, 300, 0, 1);
    list_put(io, 1, 5, 5, format_canonical(1, 250)); /* entry 250 has it, too, as its canonical one */
    (void)found(io, ANY_ORIGIN, MIB, &reports);
    assert_one(&reports, SNAP_RULE_DUPLICATE_NEW, 250, 5);
    list_close(io);
}

static void numbers_out_of_range_are_left_out(void **state)
{
    struct snap_io *io = list_new(1, 400);

    (void)state;
    list_put_canonical(io, 1, 0, 100, 0, 1);
    list_put(io, 1, 10, 5000, format_canonical(1, 10)); /* beyond the origin, twice */
    list_put(io, 1, 20, 5000, format_canonical(1, 20));
    list_put(io, 1, 30, 30, 400); /* beyond the COW, twice */
    list_put(io, 1, 40, 40, 400);
    list_put(io, 1, 50, 50, 34); /* on area 1, twice */
    list_put(io, 1, 60, 60, 34);
    list_put(io, 1, 70, 70, format_canonical(1, 30)); /* which is free, as entry 30 does not use it */
    (void)found(io, 5000, MIB, &reports);
    assert_int_equal(reports.count, 0);
    (void)found(io, 5001, MIB, &reports); /* now on the origin */
    assert_one(&reports, SNAP_RULE_DUPLICATE_OLD, 20, 10);
    list_close(io);
}

static void random_lists_are_judged_as_naively(void **state)
{
    static struct snap_entry entries[500];
    uint64_t seed = 7;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        uint64_t count = unit_random(&seed, 300) + 1;
        uint64_t errors = unit_random(&seed, 60);
        uint64_t sound = unit_random(&seed, count); /* the errors come behind so many */
        struct snap_io *io = list_new(1, 350);

        for (uint64_t i = 0; i < count; i++)
            entries[i] = (struct snap_entry){i * 5, format_canonical(1, i)};
        for (uint64_t e = 0; e < errors; e++) {
            uint64_t at = sound + unit_random(&seed, count - sound);

            if (unit_random(&seed, 2) == 0)
                entries[at].old_chunk = unit_random(&seed, 2000);
            else
                entries[at].new_chunk = unit_random(&seed, 360) + 1;
        }
        for (uint64_t i = 0; i < count; i++)
            list_put(io, 1, i, entries[i].old_chunk, entries[i].new_chunk);
        (void)found(io, 1500, MIB, &reports);
        naive(entries, count, 1, 1500, 350, &expected);
        assert_reports(&reports, &expected);
        list_close(io);
    }
}

/* Entries with olds that share no page, a few of them repeated; some data chunks repeated as well. */
static struct list_virtual *spread_list(uint64_t count, uint64_t repeats)
{
    struct list_virtual *list = list_virtual_new(8, count);
    uint64_t seed = count;

    for (uint64_t i = 0; i < count; i++)
        list->entries[i].old_chunk = i * PAGE;
    for (uint64_t r = 0; r < repeats; r++) {
        uint64_t at = 1 + unit_random(&seed, count - 1);

        list->entries[at].old_chunk = list->entries[unit_random(&seed, at)].old_chunk;
        at = 1 + unit_random(&seed, count - 1);
        list->entries[at].new_chunk = list->entries[unit_random(&seed, at)].new_chunk;
    }
    return list;
}

static void several_passes_find_what_one_finds(void **state)
{
    static const uint64_t repeats[] = {0, 1, 20, 100};

    (void)state;
    for (size_t i = 0; i < sizeof repeats / sizeof repeats[0]; i++) {
        struct list_virtual *list = spread_list(9000, repeats[i]);
        struct snap_duplicates_result one, several;

        naive(list->entries, list->count, 8, ANY_ORIGIN, list->io.size_bytes / 4096, &expected);
        assert_true((expected.count == 0) == (repeats[i] == 0));
        one = found(&list->io, ANY_ORIGIN, 64 * MIB, &reports);
        assert_reports(&reports, &expected);
        assert_int_equal(one.passes, 1);
        several = found(&list->io, ANY_ORIGIN, LITTLE, &reports);
        assert_reports(&reports, &expected);
        assert_true(several.passes > 4);
        list_close(&list->io);
    }
}

static void beyond_the_named_ones_they_are_counted(void **state)
{
    static const uint64_t memories[] = {64 * MIB, MIB};

    (void)state;
    for (size_t m = 0; m < sizeof memories / sizeof memories[0]; m++) {
        for (uint64_t repeated = SNAP_DUPLICATES_NAMED - 1; repeated <= SNAP_DUPLICATES_NAMED + 1; repeated++) {
            struct list_virtual *list = spread_list(6000, 0);
            uint64_t olds = 0, news = 0;

            for (uint64_t i = 0; i < repeated; i++) {
                list->entries[3000 + i].old_chunk = list->entries[i].old_chunk;
                list->entries[4000 + i].new_chunk = list->entries[i].new_chunk;
            }
            list->entries[5000].new_chunk = list->entries[7].new_chunk;
            (void)found(&list->io, ANY_ORIGIN, memories[m], &reports);
            for (size_t i = 0; i < reports.count; i++) {
                olds += reports.at[i].rule == SNAP_RULE_DUPLICATE_OLD;
                news += reports.at[i].rule == SNAP_RULE_DUPLICATE_NEW;
            }
            assert_int_equal(olds, repeated);
            assert_int_equal(news, repeated + 1);
            list_close(&list->io);
        }
    }
}

/* The first ones of the list, whatever the memory: else a store is reported differently on another machine. */
static void the_first_ones_are_named(void **state)
{
    static const uint64_t memories[] = {64 * MIB, MIB};

    (void)state;
    for (size_t m = 0; m < sizeof memories / sizeof memories[0]; m++) {
        struct list_virtual *list = spread_list(9000, 0);

        for (uint64_t i = 0; i < 2000; i++)
            list->entries[5000 + i].old_chunk = list->entries[i].old_chunk;
        (void)found(&list->io, ANY_ORIGIN, memories[m], &reports);
        assert_int_equal(reports.count, 2000);
        for (uint64_t i = 0; i < SNAP_DUPLICATES_NAMED; i++) {
            assert_int_equal(reports.at[i].duplicate.index, 5000 + i);
            assert_int_equal(reports.at[i].duplicate.first_index, i);
        }
        list_close(&list->io);
    }
}

/* A list of `entries`, and `behind` entries from the start of the next area on, which continue it exactly. */
static struct snap_io *cut_list(uint64_t entries, uint64_t behind)
{
    struct snap_io *io = list_new(1, 400);

    list_put_canonical(io, 1, 0, entries, 1000, 3);
    list_put_canonical(io, 1, (entries / 32 + 1) * 32, behind, 20000, 3);
    if (behind > 0 && entries % 32 != 0)
        list_put(io, 1, entries, 7, 0); /* else no lost sector is the reason why it ends here */
    return io;
}

static void a_continuation_is_counted(void **state)
{
    static const uint64_t shapes[][2] = {{0, 1},  {5, 1},   {31, 32}, {32, 33}, {40, 31},
                                         {40, 64}, {64, 100}, {40, 322}}; /* the last: up to the device's end */

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct snap_io *io = cut_list(shapes[i][0], shapes[i][1]);
        struct snap_duplicates_result result = found(io, ANY_ORIGIN, MIB, &reports);

        assert_int_equal(reports.count, 0);
        assert_int_equal(result.continuation_area, shapes[i][0] / 32 + 1);
        assert_int_equal(result.continuation_entries, shapes[i][1]);
        list_close(io);
    }
}

/* A device loses whole sectors, of 32 entries: an end inside one, with zeros behind it, is where the list ended. */
static void a_list_that_ends_inside_a_sector_was_not_cut(void **state)
{
    /* entries, the slot that is not zero (0: all are), and whether the list was cut */
    static const uint64_t shapes[][3] = {{96, 0, 1},   {95, 0, 0},    {97, 0, 0},    {1, 0, 0},     {0, 0, 1},
                                         {255, 0, 0},  {224, 0, 1},   {127, 0, 0},   {256, 0, 1},   {288, 0, 1},
                                         {300, 0, 0},  {100, 101, 1}, {100, 127, 1}, {100, 128, 1}, {100, 255, 1},
                                         {255, 255, 1}, {96, 97, 1},  {300, 511, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        const uint64_t area_behind = shapes[i][0] / 256 + 1;
        struct snap_io *io = list_new(8, 257 * 3 * 8);
        struct snap_duplicates_result result;

        list_put_canonical(io, 8, 0, shapes[i][0], 1000, 3);
        list_put_canonical(io, 8, area_behind * 256, 9, 20000, 3);
        if (shapes[i][1] > 0)
            list_put(io, 8, shapes[i][1], 7, 0);
        result = found(io, ANY_ORIGIN, MIB, &reports);
        assert_int_equal(result.continuation_entries, shapes[i][2] ? 9 : 0);
        assert_int_equal(result.continuation_area, shapes[i][2] ? area_behind : 0);
        assert_int_equal(result.earlier_entries, shapes[i][2] ? 0 : 9);
        assert_int_equal(result.leftover_area, area_behind);
        list_close(io);
    }
}

static void a_continuation_ends_where_it_does_not_fit(void **state)
{
    /* index, old, new of the entry that does not fit; 40 entries, a continuation from 64 on */
    static const uint64_t misfits[][3] = {
        {64, 1000, 0}, {70, 1117, 0}, {96, 1003, 0}, /* olds of live entries: the first, the last, the second */
        {70, 20000, 0}, {97, 20003, 0},              /* olds of the continuation itself */
        {64, 30000, 0}, {100, UINT64_MAX - 1, 0},    /* beyond the origin */
        {64, 500, 3}, {75, 500, 80}, {96, 500, UINT64_MAX}, /* not canonical */
    };

    (void)state;
    for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; i++) {
        struct snap_io *io = cut_list(40, 100);
        struct snap_duplicates_result result;

        list_put(io, 1, misfits[i][0], misfits[i][1],
                 misfits[i][2] ? misfits[i][2] : format_canonical(1, misfits[i][0]));
        result = found(io, 30000, MIB, &reports);
        assert_int_equal(reports.count, 0);
        assert_int_equal(result.continuation_entries, misfits[i][0] - 64);
        assert_int_equal(result.continuation_area, misfits[i][0] == 64 ? 0 : 2);
        assert_int_equal(result.moved_area, 0);
        if (misfits[i][0] == 64)
            assert_int_equal(result.leftover_area, 2);
        list_close(io);
    }
}

/* Moved to the front by a merge that was cut short; or the kernel has used the data chunk again. */
static void an_entry_whose_data_chunk_the_list_uses_does_not_continue_it(void **state)
{
    (void)state;
    for (uint64_t dead = 64; dead < 100; dead += 5) {
        for (int same_old = 0; same_old < 2; same_old++) {
            struct snap_io *io = cut_list(40, 100);
            struct snap_duplicates_result result;

            list_put(io, 1, 17, same_old ? 20000 + 3 * (dead - 64) : 500, format_canonical(1, dead));
            result = found(io, ANY_ORIGIN, MIB, &reports);
            assert_int_equal(reports.count, 0);
            assert_int_equal(result.continuation_entries, dead - 64);
            assert_int_equal(result.moved_area, dead == 64 ? 2 : 0);
            list_close(io);
        }
    }
}

static void several_passes_agree_on_a_moved_area(void **state)
{
    struct list_virtual *list = spread_list(9000, 0);
    struct snap_duplicates_result one, several;

    (void)state;
    for (uint64_t index = 6700; index < 6912; index++) /* area 27 begins at 6912 */
        list->entries[index] = (struct snap_entry){0};
    list->entries[100].new_chunk = list->entries[6912].new_chunk;
    one = found(&list->io, ANY_ORIGIN, 64 * MIB, &reports);
    several = found(&list->io, ANY_ORIGIN, LITTLE, &reports);
    assert_true(several.passes > 1);
    assert_int_equal(one.moved_area, 27);
    assert_int_equal(several.moved_area, 27);
    assert_int_equal(one.continuation_entries, 0);
    assert_int_equal(several.continuation_entries, 0);
    list_close(&list->io);
}

static void an_area_that_does_not_go_on_is_stale(void **state)
{
    static const uint64_t offsets[] = {0, 1, 15, 16, 511};

    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct snap_io *io = cut_list(40, 0);
        struct snap_duplicates_result result = found(io, ANY_ORIGIN, MIB, &reports);

        assert_int_equal(result.leftover_area, 0);
        io_mem_bytes(io)[67 * 512 + offsets[i]] = 1;
        result = found(io, ANY_ORIGIN, MIB, &reports);
        assert_int_equal(result.leftover_area, 2);
        assert_int_equal(result.continuation_entries, 0);
        list_close(io);
    }
}

static void there_is_nothing_behind_the_last_area(void **state)
{
    struct snap_io *io = list_new(1, 68); /* areas 0, 1 and 2; the last without data chunks */
    struct snap_duplicates_result result;

    (void)state;
    list_put_canonical(io, 1, 0, 64, 0, 1);
    result = found(io, ANY_ORIGIN, MIB, &reports);
    assert_int_equal(result.continuation_entries, 0);
    assert_int_equal(result.leftover_area, 0);
    list_close(io);
}

static void several_passes_agree_on_a_continuation(void **state)
{
    static const uint64_t misfits[] = {0, 6912, 6913, 7500, 8191, UINT64_MAX}; /* its olds collide from there on */

    (void)state;
    for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; i++) {
        struct list_virtual *list = spread_list(9000, 0);
        struct snap_duplicates_result one, several;
        uint64_t expected_entries;

        for (uint64_t index = 6688; index < 6912; index++) /* area 27 begins at 6912 */
            list->entries[index] = (struct snap_entry){0};
        for (uint64_t index = misfits[i]; index >= 6912 && index < 9000; index++)
            list->entries[index].old_chunk = list->entries[(index - misfits[i]) * 3].old_chunk;
        expected_entries = misfits[i] >= 6912 && misfits[i] < 9000 ? misfits[i] - 6912 : 9000 - 6912;
        one = found(&list->io, ANY_ORIGIN, 64 * MIB, &reports);
        several = found(&list->io, ANY_ORIGIN, LITTLE, &reports);
        assert_int_equal(one.passes, 1);
        assert_true(several.passes > 1);
        assert_int_equal(one.continuation_entries, expected_entries);
        assert_int_equal(several.continuation_entries, expected_entries);
        assert_int_equal(several.continuation_area, one.continuation_area);
        assert_int_equal(several.leftover_area, one.leftover_area);
        list_close(&list->io);
    }
}

/* The live list fits into the sets, but the continuation does not. */
static void memory_may_run_out_behind_the_end(void **state)
{
    struct list_virtual *list = spread_list(9000, 0);
    struct snap_duplicates_result result;

    (void)state;
    for (uint64_t index = 96; index < 256; index++)
        list->entries[index] = (struct snap_entry){0};
    list->entries[8999].old_chunk = list->entries[3000].old_chunk;
    result = found(&list->io, ANY_ORIGIN, LITTLE, &reports);
    assert_true(result.passes > 1);
    assert_int_equal(result.continuation_entries, 8999 - 256);
    list_close(&list->io);
}

static void a_stop_ends_the_passes(void **state)
{
    struct list_virtual *list = spread_list(9000, 3);
    struct snap_error err = {.text = ""};
    struct snap_duplicates_result result;

    (void)state;
    for (uint64_t polls = 1; polls < 20; polls += 6) {
        uint64_t left = polls;

        memset(&reports, 0, sizeof reports);
        assert_status(search(&list->io, ANY_ORIGIN, LITTLE, &left, &reports, &result, &err), SNAP_E_STOPPED, &err);
        assert_int_equal(reports.count, 0);
        assert_int_equal(result.further_walks, 0);
    }
    list_close(&list->io);
}

static void the_callback_can_end_it(void **state)
{
    struct snap_io *io = list_new(1, 400);
    struct snap_error err = {.text = ""};
    struct snap_duplicates_result result;

    (void)state;
    list_put_canonical(io, 1, 0, 100, 0, 0); /* all the same old */
    list_put(io, 1, 99, 5, format_canonical(1, 0));
    list_put(io, 1, 100, 5, format_canonical(1, 0));
    list_put(io, 1, 101, 0, format_canonical(1, 0));
    for (uint64_t fail_at = 1; fail_at <= 102; fail_at++) { /* the last ones: two news, two repeated entries */
        memset(&reports, 0, sizeof reports);
        reports.fail_at = fail_at;
        assert_status(search(io, ANY_ORIGIN, MIB, NULL, &reports, &result, &err), SNAP_E_REFUSED, &err);
        assert_string_equal(err.text, "enough");
        assert_int_equal(reports.count, fail_at);
    }
    list_close(io);
}

static void a_list_that_can_no_longer_be_read_fails(void **state)
{
    static const uint64_t readable[] = {41, 81, 151}; /* so many reads: the first walk, and perhaps some passes */

    (void)state;
    for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++) {
        struct snap_io *io = io_fault_new(&spread_list(9000, 0)->io, NULL);
        struct snap_error err = {.text = ""};
        struct snap_duplicates_result result;

        memset(&reports, 0, sizeof reports);
        io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ,
                                            .at = readable[i],
                                            .from_then_on = true,
                                            .offset_bytes = format_area_chunk(8, 20) * 4096,
                                            .length_bytes = 4096});
        assert_status(search(io, ANY_ORIGIN, LITTLE, NULL, &reports, &result, &err), SNAP_E_IO, &err);
        assert_true(io_fault_hits(io) > 0);
        assert_int_equal(reports.count, 0);
        list_close(io);
    }
}

static void no_allocation_can_fail_unnoticed(void **state)
{
    struct snap_io *io = list_new(1, 400);
    struct snap_store store = list_open(io);

    (void)state;
    for (uint64_t k = 1;; k++) {
        struct snap_error err = {.text = ""};
        uint64_t before_bytes = alloc.live_bytes;
        struct snap_duplicates *sets;
        enum snap_status status;

        alloc_fail_at(k, true);
        status = snap_duplicates_new(&sets, &store, ANY_ORIGIN, MIB, &err);
        alloc_fail_at(0, false);
        if (status == SNAP_OK) {
            assert_true(k > 4);
            snap_duplicates_free(sets);
            break;
        }
        assert_int_equal(status, SNAP_E_NOMEM);
        assert_null(sets);
        assert_int_equal(alloc.live_bytes, before_bytes);
    }
    snap_duplicates_free(NULL);
    list_close(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_list_has_none),
        cmocka_unit_test(a_repeated_old_names_its_first_user),
        cmocka_unit_test(a_repeated_new_names_its_first_user),
        cmocka_unit_test(a_chunk_of_a_later_entry_used_early_is_found),
        cmocka_unit_test(numbers_out_of_range_are_left_out),
        cmocka_unit_test(random_lists_are_judged_as_naively),
        cmocka_unit_test(several_passes_find_what_one_finds),
        cmocka_unit_test(beyond_the_named_ones_they_are_counted),
        cmocka_unit_test(the_first_ones_are_named),
        cmocka_unit_test(a_continuation_is_counted),
        cmocka_unit_test(a_list_that_ends_inside_a_sector_was_not_cut),
        cmocka_unit_test(a_continuation_ends_where_it_does_not_fit),
        cmocka_unit_test(an_entry_whose_data_chunk_the_list_uses_does_not_continue_it),
        cmocka_unit_test(several_passes_agree_on_a_moved_area),
        cmocka_unit_test(an_area_that_does_not_go_on_is_stale),
        cmocka_unit_test(there_is_nothing_behind_the_last_area),
        cmocka_unit_test(several_passes_agree_on_a_continuation),
        cmocka_unit_test(memory_may_run_out_behind_the_end),
        cmocka_unit_test(a_stop_ends_the_passes),
        cmocka_unit_test(the_callback_can_end_it),
        cmocka_unit_test(a_list_that_can_no_longer_be_read_fails),
        cmocka_unit_test(no_allocation_can_fail_unnoticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
