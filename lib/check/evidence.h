/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at an origin and at the view over it, and gathers what speaks for and against their belonging together. */
#ifndef DMSNAP_CHECK_EVIDENCE
#define DMSNAP_CHECK_EVIDENCE

#include "lib/check/identity.h"
#include "lib/check/findings.h"

struct snap_evidence {
    struct snap_probe origin;             /* what is on the origin */
    struct snap_probe view;               /* what the snapshot shows */
    enum snap_identity_verdict verdict;
    char text[768];                       /* the reason for the verdict */
    uint64_t unreadable;                  /* places that could not be read: what stands there is no evidence */
};

/*
 * For a store whose list was checked and found sound, and an origin of which `device` is known. Reads a few MiB of
 * each; what cannot be read is left out and counted: a bad sector must not prevent a merge, which may mend it.
 * SNAP_E_IO where the list cannot be read, SNAP_E_NOMEM.
 */
enum snap_status snap_evidence_gather(const struct snap_store *store, struct snap_io *origin,
                                      const struct snap_device *device, struct snap_evidence *evidence,
                                      struct snap_error *err);

/* Adds the finding that the verdict stands for, if it stands for one. */
enum snap_status snap_evidence_finding(const struct snap_evidence *evidence, struct snap_findings *findings,
                                       struct snap_error *err);

#endif
