/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only a look at all entries together shows: chunks used twice, and a continuation behind the end of the list. */
#ifndef DMSNAP_CHECK_DUPLICATES
#define DMSNAP_CHECK_DUPLICATES

#include "lib/check/repeated.h"
#include "lib/check/rules.h"
#include "lib/store/list_walk.h"

/* The entry at `index` repeats a number of the one at `first_index`, which is the first to have it. */
struct snap_duplicate {
    uint64_t index;
    uint64_t first_index;
    uint64_t old_chunk;
    uint64_t new_chunk;
};

/*
 * One interruption of a move leaves at most one copy more of an entry (dmsnap-store(5), ORDERS OF WRITING, "Moving bad
 * entries"), and the next window that is merged removes them all. So many copies need 15 interruptions of the same
 * short step in a row; more of them were made on purpose, or by a fault.
 */
#define SNAP_DUPLICATES_COPIES_MAX 16u

/* So many of each kind are told one by one; the others are only counted. */
#define SNAP_DUPLICATES_NAMED 256u

typedef enum snap_status (*snap_duplicate_fn)(void *context, enum snap_rule rule,
                                              const struct snap_duplicate *duplicate, struct snap_error *err);

struct snap_duplicates_result {
    uint64_t passes;               /* over the list, the one that was fed included */
    uint64_t further_walks;        /* for what was met again; 0: nothing was */
    uint64_t probes;               /* places of the sets and tables that were looked at: about one for each number */
    uint64_t repeated_entries;     /* as reported under SNAP_RULE_ENTRY_REPEATED */
    uint64_t repeated_last_chunk;  /* of these, for the last chunk of the origin */
    uint64_t continuation_area;    /* the area behind the one with the end, if it goes on exactly there ... */
    /* ... with so many entries for origin chunks that have none in the list; 0: it does not. */
    uint64_t continuation_entries;
    /*
     * What would be counted there, if the list did not end inside a sector with nothing behind the end in its area. A
     * device loses whole sectors, so none cut the list: these entries are of an earlier list (rule stale-areas).
     */
    uint64_t earlier_entries;
    uint64_t leftover_area;           /* the area behind, where it is not zero but does not go on; 0: it is zero */
    /* That area, where its first entry is in its place but has a data chunk that the list uses; 0: it is not so. */
    uint64_t moved_area;
};

struct snap_duplicates;

/*
 * The sets take `memory_bytes` together. `origin_chunks` is UINT64_MAX where the origin is not known. The object
 * belongs to the caller: snap_duplicates_free. SNAP_E_NOMEM.
 */
enum snap_status snap_duplicates_new(struct snap_duplicates **sets, const struct snap_store *store,
                                     uint64_t origin_chunks, uint64_t memory_bytes, struct snap_error *err);

/* Where repeated entries come first is noted there, too. It is borrowed. */
void snap_duplicates_note_repeated(struct snap_duplicates *sets, struct snap_repeated *repeated);

/* The caller's own walk shows each span once. Where memory runs out, snap_duplicates_finish walks again, in parts. */
void snap_duplicates_feed(struct snap_duplicates *sets, const struct snap_span *span);

/*
 * After the last span of a list of `entries` entries: looks behind the end, repeats the walk where memory was short,
 * and calls `fn` for each number that an earlier entry has already, both in range:
 * SNAP_RULE_DUPLICATE_OLD    an old; the first entry with it has another new;
 * SNAP_RULE_DUPLICATE_NEW    a new; the first entry with it has another old;
 * SNAP_RULE_ENTRY_REPEATED   an old, and the first entry with it is the same: an interrupted move (rule
 * entry-repeated);
 * SNAP_RULE_ENTRY_REPEATED_OFTEN    besides, the first of these beyond SNAP_DUPLICATES_COPIES_MAX copies of an entry.
 * In this order, each in list order; beyond SNAP_DUPLICATES_NAMED of a rule the last of those stands
 * for the rest, so that counts are right. Only where numbers were met again does this take further walks: one for the
 * olds, and one for the news unless all of them belong to repeated entries; more where memory is short.
 * SNAP_E_NOMEM where even the smallest part does not fit, SNAP_E_STOPPED, SNAP_E_IO where the list can no longer be
 * read, SNAP_E_CORRUPT where it is no longer the same list, and what `fn` returned. Called once.
 */
enum snap_status snap_duplicates_finish(struct snap_duplicates *sets, uint64_t entries, bool (*stop)(void *context),
                                        void *stop_context, snap_duplicate_fn fn, void *context,
                                        struct snap_duplicates_result *result, struct snap_error *err);

/* NULL is fine. */
void snap_duplicates_free(struct snap_duplicates *sets);

#endif
