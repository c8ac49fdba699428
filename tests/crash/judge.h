/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds a crash image against the promises: right view, sound list, and a repeated merge that ends as it should. */
#ifndef DMSNAP_TEST_CRASH_JUDGE_H
#define DMSNAP_TEST_CRASH_JUDGE_H

#include "io.h"
#include "workload.h"

struct judge {
    const struct workload *workload;
    const struct images *images;   /* as the workload began */
    struct snap_io *origin, *cow;  /* devices in memory that hold the crash image */
    uint8_t *areas;                /* the crash image's metadata, kept while it is merged ... */
    uint8_t *origin_kept;          /* ... and its origin, for keep_cow */
    uint64_t random;
    uint8_t *undisturbed_cow;      /* how a run without a crash leaves it; NULL: not known */
    uint64_t leftovers;            /* states whose repeated merge left other areas behind the end than undisturbed */
    uint64_t cut_lists;            /* states with merged entries behind the end */
    char problem[768];             /* the broken promise */
};

void judge_init(struct judge *judge, const struct workload *workload, const struct images *images);
void judge_free(struct judge *judge);

/*
 * Judges the image in the two devices, and merges it. `committed` is how many entries the merge has said are left
 * (keep_cow: from which on all are merged). False, with the reason in `problem`, where a promise is broken.
 */
bool judge_state(struct judge *judge, uint64_t committed);

#endif
