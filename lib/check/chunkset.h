/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of chunk numbers in bounded memory: bit pages, made on touch, found through a hash of their number. */
#ifndef DMSNAP_CHECK_CHUNKSET
#define DMSNAP_CHECK_CHUNKSET

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Numbers of one page take memory together: a caller that works in several passes divides them by page. */
#define SNAP_CHUNKSET_PAGE_CHUNKS 4096u

struct snap_chunkset;

/*
 * `memory_bytes` bounds everything the set allocates; below about 64 KiB only small sets fit. The object belongs to the
 * caller: snap_chunkset_free. NULL where memory is short.
 */
struct snap_chunkset *snap_chunkset_new(uint64_t memory_bytes);

/*
 * Adds a number; *was_there says whether the set had it. SNAP_E_NOMEM: the bound, or the system's memory, is reached;
 * the set is then as before. `err` is not filled: the caller decides what that means.
 */
enum snap_status snap_chunkset_add(struct snap_chunkset *set, uint64_t chunk, bool *was_there);

bool snap_chunkset_has(const struct snap_chunkset *set, uint64_t chunk);

/* What it may still allocate. */
uint64_t snap_chunkset_room_bytes(const struct snap_chunkset *set);

/* Empties it and keeps its memory: all that it held, or a part of that, can be added again and will fit. */
void snap_chunkset_clear(struct snap_chunkset *set);

/* NULL is fine. */
void snap_chunkset_free(struct snap_chunkset *set);

/* The page of a number, well mixed: for dividing numbers among passes. */
uint64_t snap_chunkset_page_hash(uint64_t chunk);

#endif
