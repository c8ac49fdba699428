/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device for one lock and one sudden death with its brothers: a reading thread may use them, a kill ends them all. */
#ifndef DMSNAP_TEST_CRASH_GUARD_H
#define DMSNAP_TEST_CRASH_GUARD_H

#include "lib/io/io.h"

#include <pthread.h>

struct guard {
    pthread_mutex_t lock;
    bool mortal;
    uint64_t steps_left; /* writes and flushes until everything fails and nothing arrives any more */
    bool dead;
};

void guard_init(struct guard *guard);
void guard_destroy(struct guard *guard);

/* Wraps `lower` and owns it. Devices of one guard never work at the same time. */
struct snap_io *guard_new(struct guard *guard, struct snap_io *lower);

#endif
