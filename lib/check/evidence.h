/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at an origin and at the view over it, gathers what speaks for and against the pair, and has it judged. */
#ifndef DMSNAP_CHECK_EVIDENCE
#define DMSNAP_CHECK_EVIDENCE

#include "lib/check/check.h"
#include "lib/check/pair.h"

struct snap_evidence {
    struct snap_probe origin;             /* what is on the origin */
    struct snap_probe view;               /* what the snapshot shows */
    struct snap_probe held;               /* of that, what the store itself holds; nothing of the origin */
    struct snap_pair pair;
    struct snap_fingerprint_result fingerprint; /* all zero: not compared */
    struct snap_resemblance resemblance;  /* all zero: not compared, since something else has decided */
    uint64_t unreadable;                  /* places that could not be read: what stands there is no evidence */
};

/* What to look at. */
struct snap_evidence_look {
    const struct snap_store *store;           /* its list was checked and found sound ... */
    const struct snap_check_result *figures;  /* ... with these figures */
    struct snap_io *origin;
    const struct snap_device *device;         /* what is known of the origin's device */
    /*
     * For another snapshot's store: the record of the store that is merged into this origin, where that merge has
     * brought there what this record does not name (pair.brought). What the origin had before counts then, too. NULL:
     * no such merge.
     */
    const struct snap_identity *merged;
    const char *lvm_group;                    /* as in snap_pair_facts; NULL: none */
    snap_ends_ask_fn ask_size;                /* asked where entries lie beyond the origin; NULL: nobody is */
    bool (*stop)(void *context);              /* polled where it takes long; NULL: never. True: SNAP_E_STOPPED */
    void *stop_context;
};

/*
 * Reads a few MiB of each; what cannot be read is left out and counted: a bad sector must not prevent a merge, which
 * may mend it. Where entries lie beyond the origin that alone decides: then what the file systems say of their size is
 * looked at (lib/check/ends.h), and nothing else of the view. Where only the marks of the record speak against the
 * pair, and a merge is under way that may have replaced them, the COW is searched for them (lib/check/brought.h).
 * SNAP_E_IO where the list cannot be read, SNAP_E_NOMEM, SNAP_E_STOPPED.
 */
enum snap_status snap_evidence_gather(const struct snap_evidence_look *look, struct snap_evidence *evidence,
                                      struct snap_error *err);

#endif
