/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of a snapshot that LVM shall merge: how far that is, and the ways out where it can never end. */
#ifndef DMSNAP_TOOLS_SHARED_LVM_MERGE
#define DMSNAP_TOOLS_SHARED_LVM_MERGE

#include "lib/check/check.h"
#include "tools/shared/devices.h"

enum lvm_merge {
    LVM_MERGE_NONE,    /* it is no snapshot that LVM shall merge (merging_store in the metadata) */
    LVM_MERGE_PENDING, /* not begun; or begun and stopped, which leaves no mark */
    LVM_MERGE_BEGUN,   /* the kernel merges it now, or the record says that a merge is under way */
    LVM_MERGE_STUCK,   /* the store is invalid: the merge never ends */
    LVM_MERGE_DONE     /* the list is empty: LVM removes the snapshot when it is activated */
};

/* `cow` is open, and its store was checked as far as possible. */
enum lvm_merge lvm_merge_find(const struct device *cow, const struct snap_store *store,
                              const struct snap_check_result *check);

/* "pending", "begun", "stuck", "done"; NULL for LVM_MERGE_NONE. */
const char *lvm_merge_word(enum lvm_merge merge);

/* The same as a sentence about the snapshot; NULL for LVM_MERGE_NONE. */
const char *lvm_merge_sentence(enum lvm_merge merge);

/*
 * For a merge that is stuck: the commands that end it. `cow` and `origin` are lvm:VG/LV; `devices` is the option
 * --devices with a blank in front, or empty.
 */
void lvm_merge_say_ways_out(struct cli *cli, const char *cow, const char *origin, const char *devices);

#endif
