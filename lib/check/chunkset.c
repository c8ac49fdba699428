/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open addressing: a slot has the bits of 64 neighbours, and is free while none of them is set. */
#include "lib/check/chunkset.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/base/hash_key.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64u
#define EXPECTED_SLOTS 16u /* so far ahead of its use a slot is asked for while the table grows */
#define SLOTS_MAX (UINT64_C(1) << 32) /* hash_key.h */

struct slot {
    uint64_t number; /* of the first of its neighbours, divided by 64 */
    uint64_t bits;
};

struct snap_chunkset {
    struct snap_hash_key key;
    uint64_t memory_bytes;
    struct slot *table;
    uint64_t slots;
    uint64_t used;        /* slots */
    uint64_t probes;
    struct slot *last;    /* the slot of the last number: runs stay on it */
};

static uint64_t hash_of(const struct snap_chunkset *set, uint64_t chunk)
{
    return snap_hash_key_mix(&set->key, chunk / SNAP_CHUNKSET_SLOT_CHUNKS);
}

uint64_t snap_chunkset_share(const struct snap_chunkset *set, uint64_t chunk, uint64_t shares)
{
    return snap_hash_key_share(hash_of(set, chunk), shares);
}

/* At most three quarters are used: beyond that a search takes long. */
static uint64_t used_max(uint64_t slots)
{
    return slots / 4 * 3;
}

static uint64_t table_bytes(uint64_t slots)
{
    return slots * sizeof(struct slot);
}

struct snap_chunkset *snap_chunkset_new(uint64_t memory_bytes)
{
    struct snap_chunkset *set = calloc(1, sizeof *set);

    if (!set)
        return NULL;
    snap_hash_key_init(&set->key);
    set->memory_bytes = memory_bytes;
    set->slots = SLOTS_FIRST;
    set->table = snap_array_new(set->slots, sizeof *set->table);
    if (!set->table) {
        free(set);
        return NULL;
    }
    return set;
}

/* The slot of the number, or the free one where it belongs. */
static struct slot *find(const struct snap_chunkset *set, uint64_t number, uint64_t *probes)
{
    uint64_t at = snap_hash_key_place(snap_hash_key_mix(&set->key, number), set->slots);

    while (set->table[at].bits != 0 && set->table[at].number != number) {
        at = at + 1 == set->slots ? 0 : at + 1;
        ++*probes;
    }
    ++*probes;
    return &set->table[at];
}

void snap_chunkset_expect(const struct snap_chunkset *set, uint64_t chunk)
{
    if (set->slots > 0)
        __builtin_prefetch(&set->table[snap_hash_key_place(hash_of(set, chunk), set->slots)], 1);
}

/* How many slots the next table may have: twice as many, or what fits beside the present one, which is needed still. */
static uint64_t next_slots(const struct snap_chunkset *set)
{
    const uint64_t held_bytes = sizeof *set + table_bytes(set->slots);
    const uint64_t room_bytes = set->memory_bytes > held_bytes ? set->memory_bytes - held_bytes : 0;

    return snap_min(snap_min(set->slots * 2, room_bytes / sizeof(struct slot)), SLOTS_MAX);
}

static bool grow(struct snap_chunkset *set)
{
    const struct snap_chunkset before = *set;
    const uint64_t slots = next_slots(set);
    struct slot *table;

    if (slots < before.slots + before.slots / 8) /* not worth it */
        return false;
    table = snap_array_new(slots, sizeof *table);
    if (!table)
        return false;
    set->table = table;
    set->slots = slots;
    set->last = NULL;
    for (uint64_t i = 0; i < before.slots; i++) {
        if (i + EXPECTED_SLOTS < before.slots)
            snap_chunkset_expect(set, before.table[i + EXPECTED_SLOTS].number * SNAP_CHUNKSET_SLOT_CHUNKS);
        if (before.table[i].bits != 0)
            *find(set, before.table[i].number, &set->probes) = before.table[i];
    }
    free(before.table);
    return true;
}

enum snap_status snap_chunkset_add(struct snap_chunkset *set, uint64_t chunk, bool *was_there)
{
    const uint64_t number = chunk / SNAP_CHUNKSET_SLOT_CHUNKS;
    const uint64_t bit = UINT64_C(1) << (chunk % SNAP_CHUNKSET_SLOT_CHUNKS);

    if (!set->last || set->last->number != number) {
        struct slot *slot = find(set, number, &set->probes);

        if (slot->bits == 0) {
            if (set->used >= used_max(set->slots)) {
                if (!grow(set))
                    return SNAP_E_NOMEM;
                slot = find(set, number, &set->probes);
            }
            slot->number = number;
            set->used++;
        }
        set->last = slot;
    }
    *was_there = (set->last->bits & bit) != 0;
    set->last->bits |= bit;
    return SNAP_OK;
}

bool snap_chunkset_has(const struct snap_chunkset *set, uint64_t chunk)
{
    uint64_t probes = 0;

    return set->slots > 0 && (find(set, chunk / SNAP_CHUNKSET_SLOT_CHUNKS, &probes)->bits >>
                              (chunk % SNAP_CHUNKSET_SLOT_CHUNKS) & 1) != 0;
}

uint64_t snap_chunkset_room_bytes(const struct snap_chunkset *set)
{
    const uint64_t held_bytes = sizeof *set + table_bytes(set->slots);

    return held_bytes < set->memory_bytes ? set->memory_bytes - held_bytes : 0;
}

void snap_chunkset_clear(struct snap_chunkset *set)
{
    if (set->slots > 0)
        memset(set->table, 0, (size_t)table_bytes(set->slots));
    set->used = 0;
    set->last = NULL;
}

bool snap_chunkset_reserve(struct snap_chunkset *set, uint64_t memory_bytes)
{
    uint64_t slots = memory_bytes > sizeof *set ? (memory_bytes - sizeof *set) / sizeof(struct slot) : 0;

    free(set->table);
    set->table = NULL;
    set->slots = set->used = 0;
    set->last = NULL;
    set->memory_bytes = memory_bytes;
    for (slots = snap_min(slots, SLOTS_MAX); slots >= SLOTS_FIRST && !set->table; slots /= 2) {
        set->table = snap_array_new(slots, sizeof *set->table);
        if (set->table)
            set->slots = slots;
    }
    return set->slots > 0;
}

uint64_t snap_chunkset_slots(const struct snap_chunkset *set)
{
    return set->used;
}

uint64_t snap_chunkset_slots_max(const struct snap_chunkset *set)
{
    return used_max(set->slots);
}

uint64_t snap_chunkset_probes(const struct snap_chunkset *set)
{
    return set->probes;
}

void snap_chunkset_free(struct snap_chunkset *set)
{
    if (!set)
        return;
    free(set->table);
    free(set);
}
