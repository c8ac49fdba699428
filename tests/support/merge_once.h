/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge in one call, for tests that have nothing to do between its preparation and its run. */
#ifndef DMSNAP_TEST_MERGE_ONCE_H
#define DMSNAP_TEST_MERGE_ONCE_H

#include "lib/merge/merge.h"

static inline enum snap_status merge_once(const struct snap_store *store, struct snap_io *origin,
                                          const struct snap_merge_job *job, const struct snap_merge_options *options,
                                          struct snap_merge_result *result, struct snap_error *err)
{
    struct snap_merge *merge;
    enum snap_status status = snap_merge_prepare(&merge, store, origin, job, options, err);

    *result = (struct snap_merge_result){.entries_left = job->entries, .list_length = job->entries};
    if (status == SNAP_OK)
        status = snap_merge_run(merge, result, err);
    snap_merge_release(merge);
    return status;
}

#endif
