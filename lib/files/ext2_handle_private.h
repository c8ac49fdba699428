/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file system that is open in libext2fs, for the sources that call it. */
#ifndef DMSNAP_FILES_EXT2_HANDLE_PRIVATE
#define DMSNAP_FILES_EXT2_HANDLE_PRIVATE

#include "lib/files/ext2_channel_private.h"

#include <ext2fs/ext2fs.h>

#define SNAP_EXT2_NO_GROUP UINT32_MAX

/* A bitmap of one group, as it is on the device. */
struct snap_ext2_bitmap {
    uint32_t group;
    bool readable;
    uint8_t *bits;
};

struct snap_ext2 {
    struct snap_ext2_channel channel;
    io_manager manager;
    ext2_filsys fs;
    ext2_inode_scan scan;
    uint32_t scan_group;
    struct ext2_inode inode; /* the one that was given last */
    uint32_t number;
    struct snap_ext2_bitmap blocks, inodes;
    uint64_t block_steps, folder_steps; /* that may still be taken */
    bool incomplete;
};

/* Takes one of the steps of a walk. False where a sound file system would have come to an end. */
bool snap_ext2_handle_step(struct snap_ext2 *ext2, uint64_t *steps);

/* Whether the file system has such a block, and it is none that means "nowhere". */
bool snap_ext2_handle_has(const struct snap_ext2 *ext2, uint64_t block);

/* Reads the bitmap of a group from its block, if it is not the one that was read last. False: it cannot be read. */
bool snap_ext2_handle_cover(struct snap_ext2 *ext2, struct snap_ext2_bitmap *bitmap, uint32_t group, uint64_t location);

#endif
