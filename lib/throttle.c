/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "throttle.h"

#include "arith.h"

#include <time.h>

#define SECOND_NS 1000000000u
#define SLICE_NS 100000000u /* how long a stop may go unnoticed */

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

const struct snap_clock snap_clock_system = {system_now_ns, system_sleep_ns, NULL};

void snap_throttle_init(struct snap_throttle *throttle, const struct snap_clock *clock, uint64_t rate_bytes)
{
    *throttle = (struct snap_throttle){.clock = clock, .rate_bytes = rate_bytes};
    throttle->ready_ns = clock->now_ns(clock->context);
}

uint64_t snap_throttle_burst_bytes(const struct snap_throttle *throttle)
{
    return throttle->rate_bytes ? snap_max(throttle->rate_bytes / (SECOND_NS / SNAP_THROTTLE_BURST_NS), 1) : UINT64_MAX;
}

bool snap_throttle_take(struct snap_throttle *throttle, uint64_t length_bytes, bool (*stop)(void *context),
                        void *stop_context)
{
    const struct snap_clock *clock = throttle->clock;

    if (throttle->rate_bytes == 0)
        return !stop || !stop(stop_context);
    for (;;) {
        uint64_t now_ns = clock->now_ns(clock->context);

        if (stop && stop(stop_context))
            return false;
        if (now_ns >= throttle->ready_ns) {
            /* Nothing is saved up while idle: the next take starts now. */
            throttle->ready_ns =
                now_ns + (uint64_t)((double)length_bytes * SECOND_NS / (double)throttle->rate_bytes);
            return true;
        }
        clock->sleep_ns(clock->context, snap_min(throttle->ready_ns - now_ns, SLICE_NS));
    }
}
