/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In which state a snapshot of the running kernel is, in a word, and what to do next about it. */
#ifndef DMSNAP_TOOLS_INSPECT_STATE
#define DMSNAP_TOOLS_INSPECT_STATE

#include "tools/cli/size.h"
#include "tools/inspect/tree.h"

/* Words that never change, for JSON; of an inactive table "inactive", of one whose status makes no sense "unknown". */
const char *inspect_state_word(const struct snap_dm_stacks_use *use);

/* What of a merge is left to copy, metadata not counted; 0 where it is not known. */
uint64_t inspect_state_left_sectors(const struct snap_dm_stacks_use *use);

/* How full the store is in per cent (percent.h); empty where it is not known. */
struct cli_text inspect_state_used(const struct snap_dm_stacks_use *use);

/* By value. */
struct inspect_state_text {
    char text[3000];
};

/* One sentence or two about what to do, empty where nothing is to be done. `origin` is the parent of the node. */
struct inspect_state_text inspect_state_next(const struct inspect_tree_node *node,
                                             const struct inspect_tree_node *origin);

#endif
