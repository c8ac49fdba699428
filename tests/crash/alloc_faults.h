/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lets allocations fail: those of the code under test, not those of the test's own devices. One thread only. */
#ifndef DMSNAP_TEST_CRASH_ALLOC_FAULTS_H
#define DMSNAP_TEST_CRASH_ALLOC_FAULTS_H

#include "lib/io/io.h"

/* Wraps `lower` and owns it. What happens below does not count, and does not fail. */
struct snap_io *alloc_faults_new(struct snap_io *lower);

/*
 * From now on the n-th allocation (from 1) fails, or all from that one on. Until alloc_faults_end nothing fails but
 * that.
 */
void alloc_faults_begin(uint64_t n, bool on);

/* True if the n-th one came. *leaked_bytes: allocated since alloc_faults_begin, and still there. */
bool alloc_faults_end(uint64_t *leaked_bytes);

#endif
