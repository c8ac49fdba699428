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
    uint64_t unreadable;                  /* places that could not be read: what stands there is no evidence */
};

/*
 * For a store whose list was checked and found sound, with its figures, and an origin of which `device` is known. Reads
 * a few MiB of each; what cannot be read is left out and counted: a bad sector must not prevent a merge, which may mend
 * it. Where entries lie beyond the origin that alone decides, and nothing is probed.
 * SNAP_E_IO where the list cannot be read, SNAP_E_NOMEM.
 */
enum snap_status snap_evidence_gather(const struct snap_store *store, const struct snap_check_result *figures,
                                      struct snap_io *origin, const struct snap_device *device,
                                      struct snap_evidence *evidence, struct snap_error *err);

#endif
