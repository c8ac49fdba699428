/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rate limit that lets through at most a tenth of a second's worth at once; the clock is handed in. */
#ifndef DMSNAP_IO_THROTTLE
#define DMSNAP_IO_THROTTLE

#include "lib/base/clock.h"

#include <stdbool.h>
#include <stdint.h>

#define SNAP_THROTTLE_BURST_NS 100000000u

/* May be used by one thread at a time. */
struct snap_throttle {
    const struct snap_clock *clock;
    uint64_t rate_bytes;      /* per second; 0: no limit */
    uint64_t rate_requests;   /* per second; 0: no limit */
    uint64_t ready_ns;        /* when what was granted so far will have been paid for */
};

void snap_throttle_init(struct snap_throttle *throttle, const struct snap_clock *clock, uint64_t rate_bytes,
                        uint64_t rate_requests);

/* The most that may be taken at once: what the rate allows in SNAP_THROTTLE_BURST_NS, at least 1. UINT64_MAX: any. */
uint64_t snap_throttle_burst_bytes(const struct snap_throttle *throttle);
uint64_t snap_throttle_burst_requests(const struct snap_throttle *throttle);

/*
 * Sleeps until `length_bytes` more in `requests` more are within both rates, and takes them. More than the burst may be
 * taken where a single request is larger: the next one then waits longer. In any span of time t, no more than rate
 * times t plus one burst (or one request, where that is larger) is granted. `stop` (NULL: never) is polled; where it
 * says true the wait ends, nothing is taken, and false is returned.
 */
bool snap_throttle_take(struct snap_throttle *throttle, uint64_t length_bytes, uint64_t requests,
                        bool (*stop)(void *context), void *stop_context);

#endif
