/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merges as snapmerge does: open, check, look behind the end of the list, merge. */
#ifndef DMSNAP_TEST_CRASH_DRIVE_H
#define DMSNAP_TEST_CRASH_DRIVE_H

#include "lib/check/check.h"
#include "lib/merge/merge.h"
#include "tests/crash/workload.h"

#define DRIVE_SIBLINGS_MAX 2u

struct drive_options {
    bool has_copies;                        /* the list may have copies of entries from the start (rule entry-lost) */
    uint64_t window_entries_max;
    uint64_t load_entries_max;
    uint64_t table_entries_max;
    bool read_ahead;
    uint64_t rate_bytes, rate_requests, interval_seconds; /* see merge.h */
    const struct snap_clock *clock;         /* NULL: the system's */
    bool (*stop)(void *context);            /* during the merge; NULL: never */
    void *stop_context;
    void (*before_merge)(void *context);    /* after all checks; NULL: nothing */
    void *before_merge_context;
    bool verify, skip_identical, continue_on_error, drop_bad; /* see merge.h */
    bool undo;                              /* disk 2 takes the merge of disk 1 back */
    bool keep_cow;
    uint64_t compare_from;                  /* see merge.h */
    enum snap_status (*checkpoint)(void *context, uint64_t merged_from, struct snap_error *err);
    void *checkpoint_context;
    void (*bad)(void *context, const struct snap_merge_bad *bad); /* see merge.h */
    void *bad_context;
    uint64_t *entries_left;                 /* kept up to date with what is reported as committed; NULL: not reported */
};

struct drive_report {
    struct snap_findings findings;
    struct snap_check_result check;
    struct snap_merge_job job;
    struct snap_merge_result result;
    bool merging;                           /* all checks were passed */
};

/* What the workload says of them; the caller adds what belongs to the run. */
struct drive_options drive_options_of(const struct workload *workload);

/* The merge's status; before it SNAP_E_CORRUPT for a damaged list, SNAP_E_REFUSED for one that was cut by a fault. */
enum snap_status drive_merge(struct snap_io *origin, struct snap_io *cow, const struct drive_options *options,
                             struct drive_report *report, struct snap_error *err);

/* Any store of several: disk 0 is the origin, all others but `merged` are preserved. */
enum snap_status drive_merge_of(struct snap_io *const *disk, unsigned disks, unsigned merged,
                                const struct drive_options *options, struct drive_report *report,
                                struct snap_error *err);

/* Whether entries behind the end of a store's list look as if they belonged to it. */
bool drive_goes_on(struct snap_io *cow, struct snap_io *origin);

/* For programs of many small merges, each with large buffers hardly used: what is freed is soon wanted again. */
void drive_keep_memory(void);

#endif
