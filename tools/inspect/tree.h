/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The snapshots of the running kernel as trees: an origin with what it stands on, and all that stands on it. */
#ifndef DMSNAP_TOOLS_INSPECT_TREE
#define DMSNAP_TOOLS_INSPECT_TREE

#include "lib/device/block.h"
#include "tools/inspect/running.h"

enum inspect_tree_part {
    INSPECT_TREE_ORIGIN, /* the root */
    INSPECT_TREE_BELOW,  /* what its parent in the tree stands on */
    INSPECT_TREE_USE,    /* a snapshot target of its parent */
    INSPECT_TREE_COW,    /* the store of its parent */
    INSPECT_TREE_ABOVE   /* what else stands on its parent */
};

struct inspect_tree_node {
    enum inspect_tree_part part;
    struct snap_block block;
    bool known;                           /* false: sysfs does not know it, and of `block` only the number is set */
    char name[272];                       /* VG/LV, else the name in device-mapper, else that of the kernel */
    char lvm_name[272];                   /* VG/LV; empty where it is no volume of LVM */
    const struct snap_dm_device *mapped;  /* NULL: no device of device-mapper */
    const struct snap_dm_stacks_use *use; /* of INSPECT_TREE_USE, else NULL */
    struct inspect_running_rate rate;     /* of a use */
    struct inspect_tree_node **children;  /* below, cow, uses, above: in this order */
    size_t children_count;
};

struct inspect_tree {
    struct inspect_tree_node **roots;
    size_t count;
};

/*
 * Builds the trees; `running` is borrowed until they are freed, and gets what sysfs does not know. Each target stands
 * in them once. SNAP_E_NOMEM. inspect_tree_free in any case.
 */
enum snap_status inspect_tree_build(struct inspect_running *running, struct inspect_tree *tree,
                                    struct snap_error *err);

/* What a node is in a word or two: "snapshot-merge", "origin md", "cow linear", "on disk", "raid1". By value. */
struct inspect_tree_text {
    char text[80];
};
struct inspect_tree_text inspect_tree_type(const struct inspect_tree_node *node);

/* Its path below /dev. */
struct inspect_tree_path {
    char text[300];
};
struct inspect_tree_path inspect_tree_path(const struct inspect_tree_node *node);

/* The child of this part, or NULL. */
const struct inspect_tree_node *inspect_tree_child(const struct inspect_tree_node *node, enum inspect_tree_part part);

void inspect_tree_free(struct inspect_tree *tree);

#endif
