/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a run of a workload begins: with its images, or after a merge of them, whole or killed. */
#ifndef DMSNAP_TEST_CRASH_PREPARE_H
#define DMSNAP_TEST_CRASH_PREPARE_H

#include "lib/base/error.h"
#include "tests/crash/workload.h"

#define PREPARE_WHOLE (UINT64_MAX - 1) /* an `at` that no merge lives to see */

/* The disk of the store that the runs of this workload merge; all other stores are preserved. */
unsigned prepare_merged(const struct workload *workload);

/*
 * The images that a run starts with, as `start`, per disk; the caller frees them, also after failure. EVENT_TAKE_BACK:
 * after a merge; EVENT_REDO: after a merge and its taking back. The last of these was killed before its `at` / 2-th
 * write or flush, and with an odd `at` the power was lost as well. *killed is false where it came to its end before.
 */
enum snap_status prepare_start(const struct workload *workload, const struct images *images, uint64_t at,
                               uint8_t **start, bool *killed, struct snap_error *err);

#endif
