/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells which entries of a list in canonical order are out of their place, and whether a move or a fault did that. */
#ifndef DMSNAP_CHECK_PLACES
#define DMSNAP_CHECK_PLACES

#include "lib/store/list_walk.h"

/* So many entries out of place, at most; and at most one in SNAP_PLACES_SHARE of the list. Else nothing is said. */
#define SNAP_PLACES_MAX 64u
#define SNAP_PLACES_SHARE 8u
#define SNAP_PLACES_NEAR 3u

enum snap_place_kind {
    SNAP_PLACE_LEGAL,    /* moved, or as an old kernel leaves it; or nothing is known */
    SNAP_PLACE_OUTLIER,  /* in the middle, with a chunk that no move and no kernel gives it */
    SNAP_PLACE_SHARED,   /* it has the canonical chunk of another entry, which has it, too; it was not moved */
    SNAP_PLACE_COPY      /* it is another entry once more, where no interrupted move leaves a copy */
};

/* What the numbers of the neighbours in the list say of the origin chunk of an entry. */
enum snap_place_fit {
    SNAP_PLACE_SCATTERED, /* nothing: they are in no order */
    SNAP_PLACE_FITS,      /* it is one of their row: the entry stands where it was written */
    SNAP_PLACE_STRANGE    /* they are in order, and it is not: the entry was moved */
};

/* An entry whose data chunk is not the canonical one of its slot. */
struct snap_place {
    uint64_t index;
    uint64_t old_chunk, new_chunk;
    uint64_t home;       /* the slot whose canonical chunk it has; UINT64_MAX: it has no data chunk */
    uint64_t own_chunk;  /* the canonical chunk of its slot, where no entry has that; else 0 */
    uint64_t lost_old;   /* SNAP_PLACE_COPY: what the neighbours say of the origin chunk that the slot had ... */
    bool lost_old_known; /* ... if they do */
    enum snap_place_kind kind;
    enum snap_place_fit fit;
    uint64_t before[SNAP_PLACES_NEAR], behind[SNAP_PLACES_NEAR]; /* the olds beside it, the nearest first */
    unsigned before_count, behind_count;
};

struct snap_places {
    const struct snap_store *store;
    uint64_t entries, count;   /* of the list, and those out of place, of which the first are kept */
    uint64_t last[SNAP_PLACES_NEAR]; /* the olds that were fed last, the nearest first */
    unsigned last_count;
    bool judged;               /* what is kept is all, and few enough */
    struct snap_place at[SNAP_PLACES_MAX]; /* in list order */
};

void snap_places_init(struct snap_places *places, const struct snap_store *store);

/* Each span of the list once, in order. */
void snap_places_feed(struct snap_places *places, const struct snap_span *span);

/* After the last span of a list with an end: reads a few entries again. SNAP_E_IO, SNAP_E_CORRUPT. */
enum snap_status snap_places_judge(struct snap_places *places, struct snap_error *err);

/* NULL: the entry has its canonical chunk, or nothing is known of it. */
const struct snap_place *snap_places_find(const struct snap_places *places, uint64_t index);

#endif
