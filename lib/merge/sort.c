/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/merge/sort.h"

#define RADIX_BITS 11u
#define RADIX_SIZE (1u << RADIX_BITS)

/* Least significant digit first; digits that are the same everywhere are left out, so dense numbers take two rounds. */
static void sort_by(uint64_t (*key)(const struct snap_entry *entry), struct snap_entry **entries,
                    struct snap_entry **spare, size_t count)
{
    uint64_t differ = 0;

    for (size_t i = 1; i < count; i++)
        differ |= key(&(*entries)[i]) ^ key(&(*entries)[0]);
    for (unsigned shift = 0; shift < 64; shift += RADIX_BITS) {
        size_t starts[RADIX_SIZE] = {0};
        size_t sum = 0;
        struct snap_entry *sorted = *spare;

        if ((differ >> shift & (RADIX_SIZE - 1)) == 0)
            continue;
        for (size_t i = 0; i < count; i++)
            starts[key(&(*entries)[i]) >> shift & (RADIX_SIZE - 1)]++;
        for (size_t digit = 0; digit < RADIX_SIZE; digit++) {
            size_t here = starts[digit];

            starts[digit] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            sorted[starts[key(&(*entries)[i]) >> shift & (RADIX_SIZE - 1)]++] = (*entries)[i];
        *spare = *entries;
        *entries = sorted;
    }
}

static uint64_t key_old(const struct snap_entry *entry)
{
    return entry->old_chunk;
}

static uint64_t key_new(const struct snap_entry *entry)
{
    return entry->new_chunk;
}

void snap_sort_by_old(struct snap_entry **entries, struct snap_entry **spare, size_t count)
{
    sort_by(key_old, entries, spare, count);
}

void snap_sort_by_new(struct snap_entry **entries, struct snap_entry **spare, size_t count)
{
    sort_by(key_new, entries, spare, count);
}
