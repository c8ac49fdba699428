/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Radix sort, the least significant digit first. Digits in which all keys are equal take no round. */
#include "lib/merge/sort.h"

#define RADIX_BITS 11u
#define RADIX_SIZE (1u << RADIX_BITS)
#define KEY_BITS 64u

static uint64_t key_of(const struct snap_entry *entry, enum snap_sort_key key)
{
    return key == SNAP_SORT_BY_OLD ? entry->old_chunk : entry->new_chunk;
}

static size_t digit_of(const struct snap_entry *entry, enum snap_sort_key key, unsigned shift)
{
    return key_of(entry, key) >> shift & (RADIX_SIZE - 1);
}

/* The bits in which not all keys are equal: dense chunk numbers differ in few, and take two rounds of the sort. */
static uint64_t differing_bits(const struct snap_entry *entries, size_t count, enum snap_sort_key key)
{
    uint64_t differ = 0;

    for (size_t i = 1; i < count; i++)
        differ |= key_of(&entries[i], key) ^ key_of(&entries[0], key);
    return differ;
}

/* Where the entries with each digit begin once they are sorted by it. */
static void find_starts(const struct snap_entry *entries, size_t count, enum snap_sort_key key, unsigned shift,
                        size_t starts[RADIX_SIZE])
{
    size_t sum = 0;

    for (size_t digit = 0; digit < RADIX_SIZE; digit++)
        starts[digit] = 0;
    for (size_t i = 0; i < count; i++)
        starts[digit_of(&entries[i], key, shift)]++;
    for (size_t digit = 0; digit < RADIX_SIZE; digit++) {
        const size_t entries_here = starts[digit];

        starts[digit] = sum;
        sum += entries_here;
    }
}

void snap_sort_entries(struct snap_entry **entries, struct snap_entry **spare, size_t count, enum snap_sort_key key)
{
    const uint64_t differ = differing_bits(*entries, count, key);
    size_t starts[RADIX_SIZE];

    for (unsigned shift = 0; shift < KEY_BITS; shift += RADIX_BITS) {
        struct snap_entry *sorted = *spare;

        if ((differ >> shift & (RADIX_SIZE - 1)) == 0)
            continue;
        find_starts(*entries, count, key, shift, starts);
        for (size_t i = 0; i < count; i++)
            sorted[starts[digit_of(&(*entries)[i], key, shift)]++] = (*entries)[i];
        *spare = *entries;
        *entries = sorted;
    }
}

void snap_sort_places(const struct snap_entry *entries, size_t count, enum snap_sort_key key, size_t **places,
                      size_t **spare)
{
    const uint64_t differ = differing_bits(entries, count, key);
    size_t starts[RADIX_SIZE];

    for (size_t i = 0; i < count; i++)
        (*places)[i] = i;
    for (unsigned shift = 0; shift < KEY_BITS; shift += RADIX_BITS) {
        size_t *sorted = *spare;

        if ((differ >> shift & (RADIX_SIZE - 1)) == 0)
            continue;
        find_starts(entries, count, key, shift, starts);
        for (size_t i = 0; i < count; i++)
            sorted[starts[digit_of(&entries[(*places)[i]], key, shift)]++] = (*places)[i];
        *spare = *places;
        *places = sorted;
    }
}
