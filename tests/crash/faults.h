/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fault sweep: what the runs of a row share, and one run with all that is to be held of it. */
#ifndef DMSNAP_TEST_CRASH_FAULTS_H
#define DMSNAP_TEST_CRASH_FAULTS_H

#include "tests/crash/drive.h"
#include "tests/crash/reader.h"
#include "tests/crash/state_check.h"
#include "tests/crash/state_set.h"
#include "tests/support/io_fault.h"

/* What all runs of a row share, and what they have shown so far. */
struct sweep {
    const struct workload *workload;
    unsigned merged;      /* the disk of the store that is merged */
    struct images images;
    uint8_t *start[WORKLOAD_DISKS_MAX];
    struct reader list[WORKLOAD_DISKS_MAX]; /* of the stores, there */
    struct state_check check;
    struct state_set *seen;    /* what was checked already */
    uint64_t *told;       /* per origin chunk: the data chunk of which the run said that it is bad */
    char where[128];      /* the present fault */
    char problem[1024];   /* empty: none */
    uint64_t met;         /* faults */
    uint64_t failures;    /* runs that did not end well because of them */
    uint64_t left_bad;    /* runs that ended well, but for more bad chunks than there are without a fault */
};

/* One run: devices in memory, able to fail. */
struct run {
    struct sweep *sweep;
    struct snap_io *mem[WORKLOAD_DISKS_MAX];
    struct snap_io *below[WORKLOAD_DISKS_MAX];  /* the same, or above it chunks that are always bad */
    struct snap_io *faulty[WORKLOAD_DISKS_MAX]; /* above that: the fault */
    struct snap_io *io[WORKLOAD_DISKS_MAX];     /* what the merge gets */
    struct drive_report report;
    struct snap_error err;
    enum snap_status status;
    uint64_t committed;   /* entries that are left for certain */
    uint64_t told_count;
};

/* How the devices are called in errors. */
extern const char *const faults_disk_names[WORKLOAD_DISKS_MAX];

/* False, with a problem, where the row itself is broken. faults_row_end in both cases. */
bool faults_row_begin(struct sweep *sweep, const struct workload *row);
void faults_row_end(struct sweep *sweep);

/* Notes the first broken promise, and where. */
void faults_broken(struct sweep *sweep, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The caller adds faults between the two. */
void faults_run_begin(struct sweep *sweep, struct run *run);
void faults_run_end(struct run *run);

void faults_merge(struct run *run, bool read_ahead);

/*
 * After a run that has met its fault: told as it is, and whole, whichever disks keep their power. With `must_fail` it
 * may not have ended well. The devices lose what is not durable.
 */
void faults_hold(struct run *run, bool must_fail);

#endif
