/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of chunk numbers in bounded memory: a hash table whose slots hold 64 neighbours each. */
#ifndef DMSNAP_CHECK_CHUNKSET
#define DMSNAP_CHECK_CHUNKSET

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * So many neighbours share a slot: a number alone takes about 20 bytes, one of many neighbours 3 bits. They also fall
 * to the same share.
 */
#define SNAP_CHUNKSET_SLOT_CHUNKS 64u

struct snap_chunkset;

/*
 * `memory_bytes` bounds everything the set allocates, also while it grows. The object belongs to the caller:
 * snap_chunkset_free. NULL where memory is short. How it hashes differs from set to set and cannot be foreseen.
 */
struct snap_chunkset *snap_chunkset_new(uint64_t memory_bytes);

/*
 * Adds a number; *was_there says whether the set had it. SNAP_E_NOMEM: the bound, or the system's memory, is reached;
 * the set is then as before. `err` is not filled: the caller decides what that means.
 */
enum snap_status snap_chunkset_add(struct snap_chunkset *set, uint64_t chunk, bool *was_there);

/*
 * The number will be added or asked for soon: its slot is fetched from memory meanwhile. Numbers that are scattered
 * otherwise wait for memory one after the other. Changes nothing.
 */
void snap_chunkset_expect(const struct snap_chunkset *set, uint64_t chunk);

bool snap_chunkset_has(const struct snap_chunkset *set, uint64_t chunk);

/* What it may still allocate. */
uint64_t snap_chunkset_room_bytes(const struct snap_chunkset *set);

/* Empties it; the memory is kept for the next use: what it held, or part of that, can be added again for sure. */
void snap_chunkset_clear(struct snap_chunkset *set);

/*
 * Empties it, and gives it another bound, of which it takes all at once: it does not grow any more. Where the system
 * has less, it takes what there is. False, and the set can hold nothing, where it has none.
 */
bool snap_chunkset_reserve(struct snap_chunkset *set, uint64_t memory_bytes);

/* NULL is fine. */
void snap_chunkset_free(struct snap_chunkset *set);

/*
 * Which of `shares` shares the number belongs to. Shares are nearly equal, whatever the numbers are: this divides
 * numbers among passes.
 */
uint64_t snap_chunkset_share(const struct snap_chunkset *set, uint64_t chunk, uint64_t shares);

/* Slots that are in use, and how many there can be before it grows or is full. */
uint64_t snap_chunkset_slots(const struct snap_chunkset *set);
uint64_t snap_chunkset_slots_max(const struct snap_chunkset *set);

/* How many slots were looked at since it was made: what a search costs. */
uint64_t snap_chunkset_probes(const struct snap_chunkset *set);

#endif
