/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the moment at which everything that was granted will be paid for. */
#include "lib/io/throttle.h"

#include "lib/base/arith.h"

#define SECOND_NS 1000000000u
#define DEBT_MAX_NS 1e18 /* thirty years: a sum with the clock cannot overflow */
#define SLICE_NS 100000000u /* how long a stop may go unnoticed */

void snap_throttle_init(struct snap_throttle *throttle, const struct snap_clock *clock, uint64_t rate_bytes,
                        uint64_t rate_requests)
{
    *throttle = (struct snap_throttle){.clock = clock, .rate_bytes = rate_bytes, .rate_requests = rate_requests};
    throttle->ready_ns = clock->now_ns(clock->context);
}

static uint64_t burst(uint64_t rate)
{
    return rate ? snap_max(rate / (SECOND_NS / SNAP_THROTTLE_BURST_NS), 1) : UINT64_MAX;
}

uint64_t snap_throttle_burst_bytes(const struct snap_throttle *throttle)
{
    return burst(throttle->rate_bytes);
}

uint64_t snap_throttle_burst_requests(const struct snap_throttle *throttle)
{
    return burst(throttle->rate_requests);
}

/* How long the rate pays for so many. */
static uint64_t cost_ns(uint64_t count, uint64_t rate)
{
    const double duration_ns = rate ? (double)count * SECOND_NS / (double)rate : 0;

    return duration_ns < DEBT_MAX_NS ? (uint64_t)duration_ns : (uint64_t)DEBT_MAX_NS;
}

bool snap_throttle_take(struct snap_throttle *throttle, uint64_t length_bytes, uint64_t requests,
                        bool (*stop)(void *context), void *stop_context)
{
    const struct snap_clock *clock = throttle->clock;

    if (throttle->rate_bytes == 0 && throttle->rate_requests == 0)
        return !stop || !stop(stop_context);
    for (;;) {
        uint64_t now_ns = clock->now_ns(clock->context);

        if (stop && stop(stop_context))
            return false;
        if (now_ns >= throttle->ready_ns) {
            /* A pause saves nothing up: the next take starts now. */
            throttle->ready_ns = now_ns + snap_max(cost_ns(length_bytes, throttle->rate_bytes),
                                                   cost_ns(requests, throttle->rate_requests));
            return true;
        }
        clock->sleep_ns(clock->context, snap_min(throttle->ready_ns - now_ns, SLICE_NS));
    }
}
