/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One plan for a repair while it is made; what stands behind the end of the list is planned apart from the rest. */
#ifndef DMSNAP_REPAIR_REPAIR_PRIVATE
#define DMSNAP_REPAIR_REPAIR_PRIVATE

#include "lib/check/duplicates.h"
#include "lib/repair/repair.h"

/* An entry that breaks a rule. */
struct snap_repair_damaged {
    uint64_t index;
    uint64_t old_chunk, new_chunk;
    enum snap_rule rule;
    uint64_t kept_chunk;     /* rule duplicate-old: the data chunk of the entry that stays instead of it */
    uint64_t own_chunk;      /* its canonical data chunk, which no other entry names; 0: it is not known */
    bool fits;               /* it stands in the slot for which it was written: its neighbours tell */
    bool beside_moved;       /* one of its neighbours is not in its place */
    bool own_used;           /* some entry has its canonical data chunk */
    bool drops;              /* the edits drop it */
};

/* One round: a check of what the rounds before it leave, and the edits for what it finds. */
struct snap_repair_work {
    struct snap_repair *repair;
    const struct snap_store *store; /* as the rounds before leave it */
    const struct snap_repair_options *options;
    uint32_t round;
    uint64_t found[SNAP_RULES], mended[SNAP_RULES], waiting[SNAP_RULES];
    struct snap_check_result check;
    struct snap_repair_damaged *damaged;      /* by their index once they are sorted */
    size_t damaged_count;
    uint64_t duplicate_olds[SNAP_DUPLICATES_NAMED]; /* chunks of the origin that have several entries */
    size_t duplicate_count;
    uint64_t *dropped;
    size_t dropped_count;
    bool has_dropped;             /* a round before has: its moves put entries into the slots of others */
    uint64_t length;              /* of the list that can be followed */
    bool was_cut, was_not_cut;    /* before the repair: rule list-cut, or only entries of an earlier list behind */
    uint64_t behind_found;        /* as of snap_repair, of this round */
    bool behind_merged;
    uint8_t *unit;
};

/* Counts what a repair of this rule mends; what is not allowed is only counted as waiting. Returns `allowed`. */
bool snap_repair_may_mend(struct snap_repair_work *work, enum snap_rule rule, bool allowed);

void snap_repair_note_change(struct snap_repair_work *work, const struct snap_repair_damaged *damaged,
                             bool from_origin);

/*
 * Sets own_chunk of damaged entries: where the top byte alone is wrong; or where all of the number is, while nearly all
 * others are in their places, the nearest ones for certain, and so are those whose data a larger device may have had.
 * SNAP_E_IO, SNAP_E_NOMEM, SNAP_E_CORRUPT.
 */
enum snap_status snap_repair_find_own_chunks(struct snap_repair_work *work, struct snap_error *err);

/*
 * Whether an entry that has no own chunk could get one from a later run, if what speaks against it now is gone by then:
 * other entries, or the length of the list.
 */
bool snap_repair_own_chunk_waits(const struct snap_repair_work *work, const struct snap_repair_damaged *damaged);

/* An entry that breaks this rule is put right or stays: it is not dropped, since what it names may be right. */
bool snap_repair_only_put_right(enum snap_rule rule);

/*
 * Finds the choices, and adds what is to be dropped to the damaged entries, unsorted. SNAP_E_REFUSED: there are too
 * many of them; SNAP_E_IO, SNAP_E_NOMEM, SNAP_E_CORRUPT, SNAP_E_STOPPED.
 */
enum snap_status snap_repair_choose(struct snap_repair_work *work, struct snap_error *err);

/*
 * Entries that a fault has cut off come back, if they are not on the origin; they are looked for in any case. Whether
 * some do is in *restores: then nothing else is for this round.
 */
enum snap_status snap_repair_plan_restore(struct snap_repair_work *work, bool *restores, struct snap_error *err);

/* Entries whose own data chunk is known get it. Whether there are any is in *any: then this round has no drops. */
enum snap_status snap_repair_put_right(struct snap_repair_work *work, bool *any, struct snap_error *err);

/*
 * Which entries go. A list that has no end gets one in front of what cannot be used, and is cut to that length here.
 * SNAP_E_IO, SNAP_E_NOMEM, SNAP_E_CORRUPT.
 */
enum snap_status snap_repair_decide_entries(struct snap_repair_work *work, struct snap_error *err);

/*
 * An area behind the end may look like a list that was cut, as soon as entries are dropped by which it is known to be
 * old, or by which the list ended inside a sector. It gets a beginning of zeros first.
 */
enum snap_status snap_repair_clear_behind(struct snap_repair_work *work, struct snap_error *err);

/* What changes in entries before they are dropped, so that a run after a crash decides about them in the same way. */
enum snap_status snap_repair_plan_entries(struct snap_repair_work *work, struct snap_error *err);

/* Masked samples of the fingerprint say no more that a merge has written there; durable before what follows. */
enum snap_status snap_repair_forget_samples(struct snap_repair_work *work, struct snap_error *err);

/* After that: zeros from the terminator to the end of its area; each unit by itself changes nothing of the list. */
enum snap_status snap_repair_plan_scrub(struct snap_repair_work *work, struct snap_error *err);

#endif
