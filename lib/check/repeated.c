/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hash table from an origin chunk to an index of the list. */
#include "lib/check/repeated.h"

#include "lib/base/array.h"
#include "lib/base/hash_key.h"

#include <stdlib.h>

#define SLOTS_FIRST 64u
#define SLOTS_MAX (UINT64_C(1) << 32) /* hash_key.h */

struct slot {
    uint64_t old_chunk;
    uint64_t index_next; /* the index + 1; 0: the slot is free */
};

struct snap_repeated {
    struct snap_hash_key key;
    uint64_t memory_bytes;
    struct slot *slots;  /* open addressing, at most three quarters full */
    uint64_t slot_count; /* 0: nothing was noted */
    uint64_t used;
};

struct snap_repeated *snap_repeated_new(uint64_t memory_bytes)
{
    struct snap_repeated *repeated = calloc(1, sizeof *repeated);

    if (!repeated)
        return NULL;
    repeated->memory_bytes = memory_bytes;
    snap_hash_key_init(&repeated->key);
    return repeated;
}

/* The slot of the chunk, or the free one where it belongs. */
static struct slot *find(const struct snap_repeated *repeated, uint64_t old_chunk)
{
    uint64_t at = snap_hash_key_place(snap_hash_key_mix(&repeated->key, old_chunk), repeated->slot_count);

    while (repeated->slots[at].index_next != 0 && repeated->slots[at].old_chunk != old_chunk)
        at = at + 1 == repeated->slot_count ? 0 : at + 1;
    return &repeated->slots[at];
}

/* Both tables exist for a moment. */
static bool grow(struct snap_repeated *repeated)
{
    const struct snap_repeated before = *repeated;
    const uint64_t slot_count = before.slot_count ? before.slot_count * 2 : SLOTS_FIRST;
    struct slot *slots;

    if (slot_count > SLOTS_MAX ||
        sizeof *repeated + (before.slot_count + slot_count) * sizeof *slots > repeated->memory_bytes)
        return false;
    slots = snap_array_new(slot_count, sizeof *slots);
    if (!slots)
        return false;
    repeated->slots = slots;
    repeated->slot_count = slot_count;
    for (uint64_t i = 0; i < before.slot_count; i++)
        if (before.slots[i].index_next != 0)
            *find(repeated, before.slots[i].old_chunk) = before.slots[i];
    free(before.slots);
    return true;
}

void snap_repeated_note(struct snap_repeated *repeated, uint64_t old_chunk, uint64_t first_index)
{
    struct slot *slot;

    if (repeated->used >= repeated->slot_count / 4 * 3 && !grow(repeated))
        return;
    slot = find(repeated, old_chunk);
    if (slot->index_next != 0) /* it was noted before */
        return;
    *slot = (struct slot){.old_chunk = old_chunk, .index_next = first_index + 1};
    repeated->used++;
}

bool snap_repeated_earlier(const struct snap_repeated *repeated, uint64_t old_chunk, uint64_t index)
{
    const struct slot *slot = repeated && repeated->used > 0 ? find(repeated, old_chunk) : NULL;

    return slot && slot->index_next != 0 && slot->index_next - 1 < index;
}

void snap_repeated_free(struct snap_repeated *repeated)
{
    if (!repeated)
        return;
    free(repeated->slots);
    free(repeated);
}
