/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs one workload on recorded devices, with all that may go wrong, and explores every crash state on the way. */
#ifndef DMSNAP_TEST_CRASH_RUN_H
#define DMSNAP_TEST_CRASH_RUN_H

#include "tests/crash/workload.h"

/* How far the exploration goes. */
struct run_form {
    uint64_t choices_max;   /* per moment, before samples are taken; more for exhaustive workloads */
    uint64_t event_choices_max;  /* the same where something goes wrong: there are many runs */
    uint64_t second_choices_max; /* the same after a first crash */
    uint64_t samples;
    uint64_t states_max;    /* per run; from there on only disks as a whole arrive or not; 0: no limit */
    uint64_t event_states_max;
    uint64_t second_every;  /* each so many-th state is a start of its own: a second crash after the first */
    uint64_t seconds_max;   /* so many of them per workload */
};

/* The same as choices_max for exhaustive workloads. */
extern const uint64_t run_exhaustive_choices;

struct run_counts {
    uint64_t runs;
    uint64_t operations;    /* writes and flushes */
    uint64_t choices;       /* states that were tried ... */
    uint64_t states;        /* ... and how many of them are different */
    uint64_t second_crashes;
    uint64_t cut_lists;
    uint64_t leftovers;
};

/* False where a promise is broken; `problem` (problem_bytes) then says which, and when. */
bool run_workload(const struct workload *workload, const struct run_form *form, struct run_counts *counts,
                  char *problem, size_t problem_bytes);

#endif
