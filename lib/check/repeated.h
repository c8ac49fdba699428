/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Remembers where entries that stand in the list several times come first, so that a merge writes each of them once. */
#ifndef DMSNAP_CHECK_REPEATED
#define DMSNAP_CHECK_REPEATED

#include <stdbool.h>
#include <stdint.h>

struct snap_repeated;

/* `memory_bytes` bounds all that it takes. NULL where memory is short. Free with snap_repeated_free. */
struct snap_repeated *snap_repeated_new(uint64_t memory_bytes);

/*
 * The entries for this origin chunk are all the same, and the first of them stands at `first_index`. Where there is no
 * memory for it, it is not remembered.
 */
void snap_repeated_note(struct snap_repeated *repeated, uint64_t old_chunk, uint64_t first_index);

/*
 * True: the entry at `index`, for this origin chunk, stands at a lower index as well. False where that is not so or not
 * remembered. NULL is fine: nothing is remembered. Several threads may ask at once.
 */
bool snap_repeated_earlier(const struct snap_repeated *repeated, uint64_t old_chunk, uint64_t index);

/* NULL is fine. */
void snap_repeated_free(struct snap_repeated *repeated);

#endif
