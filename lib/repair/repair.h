/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decides what mends a damaged store, in place and without guessing. */
#ifndef DMSNAP_REPAIR_REPAIR
#define DMSNAP_REPAIR_REPAIR

#include "lib/check/check.h"
#include "lib/repair/edits.h"

/* So many damaged entries, at most: a list with more of them is not to be trusted. */
#define SNAP_REPAIR_ENTRIES_MAX 65536u

/* Of several entries for one chunk of the origin, which one stays. */
enum snap_repair_keep { SNAP_REPAIR_KEEP_BOTH, SNAP_REPAIR_KEEP_FIRST, SNAP_REPAIR_KEEP_LAST };

struct snap_repair_options {
    struct snap_io *origin;       /* borrowed; with it, entries that a fault has cut off can come back. NULL: none */
    uint64_t origin_sectors;      /* as of snap_check_options, where the pair is not contradicted: those of `origin`,
                                     where there is one; 0: not known */
    bool origin_is_whole;         /* as of snap_check_options */
    bool clear_entries;           /* also zero what stands behind the end, looks like entries, but cannot come back */
    bool change_view;             /* also mend what changes what the snapshot shows */
    enum snap_repair_keep keep;   /* where the view may change; for the duplicates that a check names, at most */
    bool revalidate;              /* also make an invalid store valid again */
    uint64_t memory_bytes;        /* as of snap_check_options */
    bool (*stop)(void *context);  /* as of snap_check_options */
    void *stop_context;
};

/* A chunk that reads differently afterwards, and the broken rule that is the reason. */
struct snap_repair_change {
    uint64_t old_chunk;
    enum snap_rule rule;
    bool from_origin;             /* it will show what the origin has ... */
    bool from_entry;              /* ... or the data of the one entry that stays of several; else its own data */
    uint64_t index;               /* where that entry stands before the repair; needs from_entry */
    uint32_t round;               /* of the plan; the last one that changes a chunk counts */
};

/* A chunk of the origin that has several entries with different data chunks (dmsnap-store(5), DUPLICATES). */
struct snap_repair_choice {
    uint64_t old_chunk;
    uint64_t first_index, first_new_chunk; /* kernels since 5.2 show this one, and each merge leaves it ... */
    uint64_t last_index, last_new_chunk;   /* ... kernels before 5.2 show this one */
    uint64_t entries;
    bool in_row;                  /* a later one continues a run: kernels since 5.2 may show that instead */
};

struct snap_repair {
    struct snap_edits edits;      /* what is to be written; none: there is nothing that may be mended */
    uint64_t found[SNAP_RULES];   /* findings of each rule, those that others hide at first among them */
    uint64_t mended[SNAP_RULES];  /* of these, the edits mend so many ... */
    uint64_t waiting[SNAP_RULES]; /* ... and so many more would be mended with other options */
    struct snap_repair_change *changes; /* ascending; they belong to the repair */
    size_t change_count;
    struct snap_repair_choice *choices; /* ascending, in any case; they belong to the repair */
    size_t choice_count;
    /* Entries that are dropped, or would be, although their slots have a canonical chunk: another entry has it ... */
    uint64_t own_used;
    uint64_t own_unsure;          /* ... or so many others are out of their places that nothing tells */
    uint64_t held_back;           /* of `waiting`: a drop would move an entry that stays, and nothing would tell then */
    uint64_t entries_before, entries_after; /* of the list */
    uint64_t behind_found;        /* entries behind the end that continue the list ... */
    uint64_t behind_lost;         /* slots among them whose entries are lost for good */
    bool behind_merged;           /* ... and whose data are all on the origin: nothing is lost with them */
    bool behind_fits;             /* enough of them stand there to bring them back */
    bool restores;                /* they come back: */
    uint64_t behind_back;         /* so many */
    struct snap_store rebuilt;    /* snap_repair_plan_header: io (borrowed), header and layout as they will be */
    bool gives_up_rest;           /* the list is ended in front of an area that cannot be used: what that area and those
                                   * behind it name is given up, however much it is */
};

/*
 * Checks the store and plans, and checks what it will be then, until nothing is found that the edits could mend. What
 * is mended, and in which order, stands in dmsnap-store(5), ORDERS OF WRITING, "Mending". Nothing is written.
 * SNAP_E_REFUSED: more than SNAP_REPAIR_ENTRIES_MAX entries are damaged, or more than SNAP_EDITS_BYTES_MAX would be
 * written; where that shows later, what comes before it is mended. SNAP_E_NOMEM, SNAP_E_IO, SNAP_E_STOPPED.
 * snap_repair_free in any case.
 */
enum snap_status snap_repair_plan(struct snap_repair *repair, const struct snap_store *store,
                                  const struct snap_repair_options *options, struct snap_error *err);

/* The rule that the header of this store breaks, and that a new one would mend; SNAP_RULES: none. */
enum snap_rule snap_repair_header_rule(const struct snap_store *store);

/*
 * Plans a header with this chunk size where there is such a rule. A record beside it stays, but for its chunk size,
 * which becomes this one in the same write; what is there instead of a record becomes zeros. `entries` are those that
 * the list is known to have. *repair is what snap_repair_plan made of it, or zeros. Nothing is written. SNAP_E_REFUSED:
 * there is no such rule. SNAP_E_NOMEM, SNAP_E_IO. snap_repair_free in any case.
 */
enum snap_status snap_repair_plan_header(struct snap_repair *repair, const struct snap_store *store,
                                         uint32_t chunk_sectors, uint64_t entries, struct snap_error *err);

void snap_repair_free(struct snap_repair *repair);

#endif
