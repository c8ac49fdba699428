/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of some inodes: from their own up to the root. */
#ifndef DMSNAP_FILES_OWNERS_PATHS_PRIVATE
#define DMSNAP_FILES_OWNERS_PATHS_PRIVATE

#include "lib/files/ext2_private.h"
#include "lib/files/owners_private.h"

#define SNAP_OWNERS_NAMED_MAX 65536u /* so many inodes can have a name; the others are only numbers */

/* An inode whose name is looked for, or a folder on the way to the root. */
struct snap_owners_node {
    uint32_t inode;
    uint32_t folder;         /* in which it has the name; 0: none is known */
    char *name;              /* in the folder */
};

/* By inode, each once. Starts as all zeros. */
struct snap_owners_paths {
    struct snap_owners_node *nodes;
    size_t count, room;
};

/* An inode that is greater than all before. False: there are too many, or no memory. */
bool snap_owners_paths_add(struct snap_owners_paths *paths, uint32_t inode);

/* Looks through all folders for the inodes, then for the folders that they are in. SNAP_E_NOMEM. */
enum snap_status snap_owners_paths_find(struct snap_owners_paths *paths, struct snap_ext2 *fs, struct snap_error *err);

/* The path from the root, without a NUL at its end. 0: it is not known, or too long. */
size_t snap_owners_paths_get(const struct snap_owners_paths *paths, uint32_t inode,
                             char path[SNAP_OWNERS_PATH_BYTES_MAX]);

void snap_owners_paths_free(struct snap_owners_paths *paths);

#endif
