/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of the explorer, and what can go wrong in it. */
#ifndef DMSNAP_TEST_CRASH_RUN_INTERNAL_H
#define DMSNAP_TEST_CRASH_RUN_INTERNAL_H

#include "tests/crash/drive.h"
#include "tests/crash/guard.h"
#include "tests/crash/run.h"
#include "tests/crash/state_check.h"
#include "tests/crash/states.h"

#include <stdatomic.h>

/* What all runs of a workload share. */
struct campaign {
    const struct workload *workload;
    const struct run_form *form;
    struct images images;
    struct state_check check;
    struct state_set *seen;
    struct run_counts *counts;
    char *problem; /* empty: all is well */
    size_t problem_bytes;
};

/* One run, from the start or from a crash image. */
struct run {
    struct campaign *campaign;
    bool second;              /* starts with a crash image */
    enum workload_event event;
    uint64_t at;
    bool again;               /* it has gone wrong: the second merge, which nothing disturbs */
    struct recorder *recorder;
    struct guard guard;
    unsigned merged;                    /* the disk of the store that is merged: 1 but for a take-back */
    struct snap_io *io[WORKLOAD_DISKS_MAX];     /* guarded */
    struct snap_io *faulty[WORKLOAD_DISKS_MAX]; /* far below the guard */
    struct snap_io *bad[2];             /* above that: chunks that are always bad */
    struct snap_io *altered;               /* likewise, of the origin */
    struct drive_report report;         /* of the present merge */
    struct states *states;
    uint64_t operations;
    uint64_t committed;                 /* entries that are left for certain */
    uint64_t entries_left;              /* as the merge reports it */
    uint64_t entries_at_start;          /* of the present merge */
    uint64_t compare_from;              /* keep_cow: the checkpoint of the present merge */
    atomic_uint_fast64_t polls;
    char operation[96];                 /* the latest */
};

/* Notes the first broken promise, with the place in the run. */
void run_broken(const struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Arms the run's event on its devices; those of a stop are polled. */
void run_add_faults(struct run *run);
bool run_stop(void *context);

/* Operations, of all disks, that were made to fail; not those on bad chunks. */
uint64_t run_fault_hits(const struct run *run);

/* Whether the event has come to pass. */
bool run_was_hit(const struct run *run);

/* How the merge must end, given what was done to it. */
void run_hold_status(struct run *run, enum snap_status status, bool hit, const struct snap_error *err);

/* The list changes between check and merge. */
void run_tampered(struct campaign *campaign);

#endif
