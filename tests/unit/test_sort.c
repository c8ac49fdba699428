/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorting entries and places, against a naive sort: for every width of the keys, and equal keys keep their order. */
#include "lib/merge/sort.h"

#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#define COUNT_MAX 500u

static uint64_t key_of(const struct snap_entry *entry, enum snap_sort_key key)
{
    return key == SNAP_SORT_BY_OLD ? entry->old_chunk : entry->new_chunk;
}

/* By insertion, which keeps the order of equal keys. */
static void naive_sort(struct snap_entry *entries, size_t count, enum snap_sort_key key)
{
    for (size_t i = 1; i < count; i++) {
        const struct snap_entry entry = entries[i];
        size_t at = i;

        for (; at > 0 && key_of(&entries[at - 1], key) > key_of(&entry, key); at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

static void check_sort(const struct snap_entry *entries, size_t count, enum snap_sort_key key)
{
    static struct snap_entry arrays[2][COUNT_MAX], expected[COUNT_MAX];
    static size_t indices[2][COUNT_MAX];
    struct snap_entry *sorted = arrays[0], *spare = arrays[1];
    size_t *places = indices[0], *spare_places = indices[1];

    memcpy(sorted, entries, count * sizeof *entries);
    memcpy(expected, entries, count * sizeof *entries);
    naive_sort(expected, count, key);
    snap_sort_places(entries, count, key, &places, &spare_places);
    snap_sort_entries(&sorted, &spare, count, key);
    assert_ptr_not_equal(sorted, spare);
    assert_ptr_not_equal(places, spare_places);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(sorted[i].old_chunk, expected[i].old_chunk);
        assert_int_equal(sorted[i].new_chunk, expected[i].new_chunk);
        assert_true(places[i] < count);
        assert_int_equal(entries[places[i]].old_chunk, expected[i].old_chunk);
        assert_int_equal(entries[places[i]].new_chunk, expected[i].new_chunk);
    }
}

/* Keys of 1 to 64 bits: any number of rounds of the sort, odd and even ones. */
static void test_every_width(void **state)
{
    static struct snap_entry entries[COUNT_MAX];
    uint64_t random = 77;

    (void)state;
    for (unsigned bits = 1; bits <= 64; bits++) {
        for (size_t i = 0; i < COUNT_MAX; i++)
            entries[i] = (struct snap_entry){(unit_random(&random, UINT64_MAX) << 11 ^ unit_random(&random, 2048))
                                                 >> (64 - bits),
                                             (unit_random(&random, UINT64_MAX) << 11 ^ i) >> (64 - bits)};
        check_sort(entries, COUNT_MAX, SNAP_SORT_BY_OLD);
        check_sort(entries, COUNT_MAX, SNAP_SORT_BY_NEW);
    }
}

/* Only the digit in the middle differs; the round for the others is left out. */
static void test_one_digit(void **state)
{
    static struct snap_entry entries[COUNT_MAX];

    (void)state;
    for (unsigned shift = 0; shift < 56; shift += 7) {
        for (size_t i = 0; i < COUNT_MAX; i++)
            entries[i] = (struct snap_entry){(COUNT_MAX - i) << shift, i * 7919 % COUNT_MAX << shift};
        check_sort(entries, COUNT_MAX, SNAP_SORT_BY_OLD);
        check_sort(entries, COUNT_MAX, SNAP_SORT_BY_NEW);
    }
}

/* The other chunk number tells which of two equal keys came first. */
static void test_equal_keys_keep_their_order(void **state)
{
    static struct snap_entry entries[COUNT_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT_MAX; i++)
        entries[i] = (struct snap_entry){i % 3 << 20, i};
    check_sort(entries, COUNT_MAX, SNAP_SORT_BY_OLD);
    for (size_t i = 0; i < COUNT_MAX; i++)
        entries[i] = (struct snap_entry){i, 5};
    check_sort(entries, COUNT_MAX, SNAP_SORT_BY_NEW);
}

static void test_few(void **state)
{
    const struct snap_entry entries[] = {{9, 3}, {2, 8}};

    (void)state;
    for (size_t count = 0; count <= 2; count++) {
        check_sort(entries, count, SNAP_SORT_BY_OLD);
        check_sort(entries, count, SNAP_SORT_BY_NEW);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_width),
        cmocka_unit_test(test_one_digit),
        cmocka_unit_test(test_equal_keys_keep_their_order),
        cmocka_unit_test(test_few),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
