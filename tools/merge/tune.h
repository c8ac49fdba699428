/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From snapmerge's command line and devices to the options of the library's merge. */
#ifndef DMSNAP_TOOLS_MERGE_TUNE
#define DMSNAP_TOOLS_MERGE_TUNE

#include "tools/merge/session.h"

/* What needs no device: memory, rates, the I/O priority, what to do with errors. */
void merge_tune_start(struct merge_session *session);

/*
 * What the open devices decide: whether seeks cost, and how often the list is shortened. SNAP_E_UNSUPPORTED where
 * --verify or --skip-identical would only read the cache.
 */
enum snap_status merge_tune_devices(struct merge_session *session, struct snap_error *err);

/*
 * What a seek costs between these two, by what the system says; `origin_spins` and `cow_spins` are what was found out
 * of those that it calls spinning.
 */
enum snap_merge_seeks merge_tune_seeks(const struct snap_device *origin, bool origin_spins,
                                       const struct snap_device *cow, bool cow_spins);

#endif
