/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lets allocations fail: those of the code under test, not those of the test's own devices. One thread only. */
#ifndef DMSNAP_TEST_CRASH_QUIET_H
#define DMSNAP_TEST_CRASH_QUIET_H

#include "lib/io/io.h"

/* Wraps `lower` and owns it. What happens below does not count, and does not fail. */
struct snap_io *quiet_new(struct snap_io *lower);

/* From now on the n-th allocation (from 1) fails, or all from that one on. Until quiet_end nothing fails but that. */
void quiet_begin(uint64_t n, bool on);

/* True if the n-th one came. *leaked_bytes: allocated since quiet_begin, and still there. */
bool quiet_end(uint64_t *leaked_bytes);

#endif
