/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All states in which a crash may leave two recorded devices right now, each seen once. */
#ifndef DMSNAP_TEST_CRASH_STATES_H
#define DMSNAP_TEST_CRASH_STATES_H

#include "io_record.h"

/* Where a set of states has been looked at; shared by all runs of a workload. */
struct seen;

struct seen *seen_new(void);
void seen_free(struct seen *seen);
uint64_t seen_count(const struct seen *seen);

struct states_options {
    uint64_t choices_max;   /* so many choices are all tried; of more, samples */
    uint64_t samples;       /* random choices, and of each regular kind of choice */
    uint32_t unit_sectors[2]; /* per disk: so many sectors are written whole or not at all */
    uint8_t *work[2];         /* per disk: room for an image, borrowed; what fn gets */
};

/* Disk 0 is the origin, disk 1 the COW. The images may be changed; false ends the exploration. */
typedef bool (*states_fn)(void *context, uint8_t *origin, uint8_t *cow);

struct states;

struct states *states_new(const struct recorder *recorder, const struct states_options *options, struct seen *seen,
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
