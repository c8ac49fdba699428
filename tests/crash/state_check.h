/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds a crash image against the promises: right view, sound list, and a repeated merge that ends as it should. */
#ifndef DMSNAP_TEST_CRASH_STATE_CHECK_H
#define DMSNAP_TEST_CRASH_STATE_CHECK_H

#include "lib/io/io.h"
#include "tests/crash/workload.h"

struct state_check {
    const struct workload *workload;
    const struct images *images;   /* as the workload began */
    struct snap_io *disk[WORKLOAD_DISKS_MAX]; /* devices in memory that hold the crash image ... */
    struct snap_io *origin, *cow;  /* ... and the first two of them */
    uint8_t *areas;                /* the crash image's metadata, kept while it is merged ... */
    uint8_t *origin_kept;          /* ... and its origin, for keep_cow */
    uint64_t random;
    uint8_t *undisturbed_cow;      /* how a run without a crash leaves it; NULL: not known */
    uint64_t leftovers;            /* states whose repeated merge left other areas behind the end than undisturbed */
    uint64_t cut_lists;            /* states with merged entries behind the end */
    char problem[768];             /* the broken promise */
    /* Where there are siblings, bad chunks or other options; else unused. */
    struct snap_io *bad[2];        /* the first two with chunks that fail, as long as faults are set */
    unsigned merged;               /* the disk of the store that is merged: 1 but for a take-back */
    uint8_t *kept[WORKLOAD_DISKS_MAX];    /* the crash image, for several merges of it */
    uint8_t *start[WORKLOAD_DISKS_MAX];   /* as the run began */
    uint64_t chunk_bytes[WORKLOAD_DISKS_MAX]; /* of the stores; [0]: of the merged one */
    bool *taboo[WORKLOAD_DISKS_MAX];      /* per chunk of the disk: nobody may write to it */
    bool *had[WORKLOAD_DISKS_MAX];        /* per chunk of the origin: an entry as the run began ... */
    bool *needs[WORKLOAD_DISKS_MAX];      /* ... and one when all is merged */
};

/* A workload that needs more than state_check.c knows: siblings, bad chunks, options. */
bool state_check_is_wide(const struct workload *workload);

void state_check_init(struct state_check *check, const struct workload *workload, const struct images *images);
void state_check_free(struct state_check *check);

/*
 * Checks the image in the two devices, and merges it. `committed` is how many entries the merge has said are left
 * (keep_cow: from which on all are merged). False, with the reason in `problem`, where a promise is broken.
 */
bool state_check_image(struct state_check *check, uint64_t committed);

/* Wide workloads. A run begins with `start`, per disk, and merges the store of disk `merged`. */
void state_check_begin(struct state_check *check, unsigned merged, uint8_t *const *start);
bool state_check_wide_image(struct state_check *check, uint64_t committed);
/*
 * Whether a merge has any business there, by the lists as the run began: on the origin where the list has entries; in
 * the areas of the store that is merged; anywhere in another one but in its header and the data of its entries. Always
 * true where the workload is not wide.
 */
bool state_check_may_write(const struct state_check *check, unsigned disk, uint64_t offset_bytes,
                           uint64_t length_bytes);
void state_check_wide_free(struct state_check *check);

/* Says what is broken; false. */
bool state_check_broken(struct state_check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
