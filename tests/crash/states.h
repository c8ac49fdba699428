/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All states in which a crash may leave the recorded devices right now, each seen once. */
#ifndef DMSNAP_TEST_CRASH_STATES_H
#define DMSNAP_TEST_CRASH_STATES_H

#include "tests/crash/state_set.h"
#include "tests/support/io_record.h"

#define STATES_DISKS_MAX 4u

struct states_options {
    unsigned disks;                          /* 2..STATES_DISKS_MAX, the recorder's first ones */
    uint64_t choices_max;                    /* so many choices are all tried; of more, samples */
    uint64_t states_max;                     /* from so many new ones on, only whole disks; 0: no limit */
    uint64_t samples;                        /* random choices, and of each regular kind of choice */
    uint32_t unit_sectors[STATES_DISKS_MAX]; /* so many sectors are written whole or not at all */
    uint8_t *work[STATES_DISKS_MAX];         /* room for an image, borrowed */
};

/* The state is in `work`, which may be changed; false ends the exploration. */
typedef bool (*states_fn)(void *context);

struct states;

/* `seen`, borrowed, is shared by all runs of a workload. */
struct states *states_new(const struct recorder *recorder, const struct states_options *options, struct state_set *seen,
                          states_fn fn, void *context);
void states_free(struct states *states);

/* The callback of recorder_on_operation (context: the states) must tell of flushes, which change what is durable. */
void states_flushed(struct states *states, unsigned disk);

/*
 * Calls fn for the states of this moment that were not seen before with the same `salt`. False where fn said so.
 * *tried counts all choices, also those that led to a state seen before.
 */
bool states_explore(struct states *states, uint64_t salt, uint64_t *tried);

#endif
