/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge, as a fuzz input describes it: the disks before, the options, what goes wrong; and what has to hold. */
#ifndef DMSNAP_TEST_FUZZ_MERGE_CASE_H
#define DMSNAP_TEST_FUZZ_MERGE_CASE_H

#include "tests/crash/drive.h"
#include "tests/fuzz/image.h"
#include "tests/fuzz/model.h"

#define MERGE_DISKS_MAX 4u /* the origin, the store that is merged, up to two other stores */
#define MERGE_FAULTS_MAX 3u

/* Sectors that fail for good. */
struct merge_fault {
    enum { MERGE_READ_COW, MERGE_WRITE_ORIGIN, MERGE_READ_ORIGIN } kind;
    uint64_t sector, sectors;
};

struct merge_disk {
    uint8_t *bytes;            /* before the merge */
    uint64_t size_bytes;       /* whole sectors */
    struct model model;        /* of a store */
    struct model_judgement judgement;
    uint8_t *view;
};

struct merge_case {
    struct merge_disk disk[MERGE_DISKS_MAX];
    unsigned disks;
    struct drive_options options;
    struct merge_fault fault[MERGE_FAULTS_MAX];
    unsigned faults;
    unsigned failing_disk;     /* one flush or write of this disk fails ... */
    bool flush_fails;
    uint64_t fails_at;         /* ... the one with this number from 1; 0: none */
    uint64_t stop_at;          /* the stop flag is set when it is looked at so often; 0: never */
    uint64_t seed;             /* of the power cuts */
    bool damaged;              /* a store is: all have to be refused */
    bool may_refuse;           /* there is a reason that the model does not judge, such as short room */
    bool leftovers;            /* entries behind a list that are not dead: when it is gone they may look cut off it */
    bool *bad;                 /* for each chunk of the origin: its entry has to be left, with continue_on_error */
    uint64_t bad_entries;
};

/* Takes a case from the input, and works out what has to come of it. Free with merge_case_free. */
void merge_case_take(struct merge_case *merge, struct fuzz_input *input);
void merge_case_free(struct merge_case *merge);

/*
 * Whether these disks show all that they showed before: each store is sound, and its view is the same. A chunk that was
 * given up (drop_bad) may have anything.
 */
void merge_case_judge(const struct merge_case *merge, uint8_t *const disk[MERGE_DISKS_MAX], const char *when);

/* The same, and the merge is complete but for the bad entries, which are what is left. */
void merge_case_judge_end(const struct merge_case *merge, uint8_t *const disk[MERGE_DISKS_MAX], bool with_bad,
                          const char *when);

#endif
