/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock of the system. */
#include "lib/base/clock.h"

#include <stddef.h>
#include <time.h>

#define SECOND_NS 1000000000u

static uint64_t system_now_ns(void *context)
{
    struct timespec now;

    (void)context;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0; /* cannot happen on Linux; a clock that stands still only means no limit */
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void system_sleep_ns(void *context, uint64_t duration_ns)
{
    struct timespec duration = {(time_t)(duration_ns / SECOND_NS), (long)(duration_ns % SECOND_NS)};

    (void)context;
    (void)nanosleep(&duration, NULL); /* early or not: the caller looks at the clock again */
}

const struct snap_clock snap_clock_system = {.now_ns = system_now_ns, .sleep_ns = system_sleep_ns};
