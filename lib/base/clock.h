/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monotonic time and sleep as a value that is handed in, so that tests can bring their own. */
#ifndef DMSNAP_BASE_CLOCK
#define DMSNAP_BASE_CLOCK

#include <stdint.h>

/* sleep_ns may return early, for example when a signal came: the caller looks at the time again. */
struct snap_clock {
    uint64_t (*now_ns)(void *context);
    void (*sleep_ns)(void *context, uint64_t duration_ns);
    void *context;
};

/* CLOCK_MONOTONIC and nanosleep. */
extern const struct snap_clock snap_clock_system;

#endif
