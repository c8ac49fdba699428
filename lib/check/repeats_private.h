/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chunk numbers that occur more than once: noted while sets find them, then told apart by the rest of the entries. */
#ifndef DMSNAP_CHECK_REPEATS_PRIVATE
#define DMSNAP_CHECK_REPEATS_PRIVATE

#include "lib/base/hash_key.h"
#include "lib/check/duplicates.h"

/* Repetitions of one kind. */
struct snap_repeats {
    struct snap_duplicate named[SNAP_DUPLICATES_NAMED]; /* the first ones of the list, in its order */
    uint64_t last;             /* while they are gathered: which of them has the highest index */
    uint64_t count;            /* of all */
    uint64_t last_chunk_count; /* of these, for the last chunk of the origin */
};

/* Numbers that were met again. Memory is taken with the first one. */
struct snap_repeats_numbers {
    struct snap_hash_key key;
    uint64_t filter_bytes; /* at most so much, a power of two, at least 8 */
    uint64_t *filter;      /* one bit for several numbers; NULL: none was met, or there is no memory: any may be it */
    uint64_t count;        /* how often a number was met again */
};

/* No number yet. `filter_bytes` is a power of two, at least 8. */
void snap_repeats_numbers_init(struct snap_repeats_numbers *numbers, uint64_t filter_bytes);

/* Notes that this number was met again. Cannot fail: without memory, any number may be one of them. */
void snap_repeats_numbers_note(struct snap_repeats_numbers *numbers, uint64_t chunk);
void snap_repeats_numbers_free(struct snap_repeats_numbers *numbers);

/* What searches have cost so far: walks over the list, and slots of the table that were looked at. */
struct snap_repeats_cost {
    uint64_t walks, probes;
};

/* Each repetition by one number is of an entry that is the same as the first one with it, or of another. */
struct snap_repeats_kinds {
    struct snap_repeats identical, different;
    struct snap_repeats often; /* of the identical ones, for each entry the first beyond SNAP_DUPLICATES_COPIES_MAX */
};

struct snap_repeats_search {
    const struct snap_store *store;
    uint64_t origin_chunks; /* UINT64_MAX where the origin is not known */
    uint64_t memory_bytes;  /* for the table; where it does not hold all of them, the list is walked several times */
    struct snap_repeated *repeated; /* gets the identical ones that are met by their old; NULL: nobody wants them */
    bool (*stop)(void *context);
    void *stop_context;
};

/*
 * Walks the list again and sorts those repetitions of an old (`by_new`: a new) that were noted in `numbers`, all of
 * them and with the right count. `identical`: old and new are those of the entry that has the number first, and both
 * are in range. `different`: the other number is not the same. Each gets its `named` and its counts. *cost grows.
 * SNAP_E_CORRUPT: the list no longer has what was noted, so somebody changes it. SNAP_E_NOMEM, SNAP_E_STOPPED,
 * SNAP_E_IO. `numbers` stays as it is.
 */
enum snap_status snap_repeats_find(const struct snap_repeats_search *search, bool by_new,
                                   const struct snap_repeats_numbers *numbers, struct snap_repeats_kinds *kinds,
                                   struct snap_repeats_cost *cost, struct snap_error *err);

#endif
