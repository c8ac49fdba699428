/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An ext2, ext3 or ext4 file system, read through a function: its inodes, their blocks, the names in its folders. */
#ifndef DMSNAP_FILES_EXT2_PRIVATE
#define DMSNAP_FILES_EXT2_PRIVATE

#include "lib/files/owners.h"

/*
 * Nothing on the device is trusted: a number is held against the size of the device before memory depends on it, and
 * walks end when they have taken more steps than a sound file system needs. What cannot be read or makes no sense is
 * left out, and snap_ext2_facts says so. libext2fs may have faults of its own: call it in a process without rights.
 */
struct snap_ext2;

struct snap_ext2_source {
    snap_owners_read_fn read;
    void *context;
    uint64_t size_bytes;
};

struct snap_ext2_facts {
    uint32_t block_bytes;
    uint64_t blocks;         /* of the file system */
    bool incomplete;         /* a part of it could not be read, or makes no sense */
    bool needs_recovery;     /* its journal holds changes that are not in their places yet */
};

/* As it is now; `incomplete` can become true with each call below. */
struct snap_ext2_facts snap_ext2_facts(const struct snap_ext2 *fs);

/*
 * SNAP_E_NOENT: no such file system is there. SNAP_E_UNSUPPORTED: libext2fs does not know it, or there is none in this
 * build. SNAP_E_CORRUPT: its superblock or its group descriptors make no sense. SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_ext2_open(struct snap_ext2 **fs, const struct snap_ext2_source *source, struct snap_error *err);
void snap_ext2_close(struct snap_ext2 *fs); /* NULL is fine */

/*
 * What the superblock says of the size of its file system; nothing else is read, and nothing held against the device.
 * A superblock that does not fit its own checksum is SNAP_E_CORRUPT. Else as snap_ext2_open.
 */
enum snap_status snap_ext2_size(const struct snap_ext2_source *source, uint64_t *bytes, struct snap_error *err);

/* Blocks that lie side by side and belong to one thing. */
typedef void (*snap_ext2_blocks_fn)(void *context, uint64_t first_block, uint64_t count);

/* The file system's own blocks outside of inodes: with the part SNAP_OWNERS_SUPERBLOCK and so on. */
typedef void (*snap_ext2_parts_fn)(void *context, unsigned part, uint64_t first_block, uint64_t count);
void snap_ext2_parts(struct snap_ext2 *fs, snap_ext2_parts_fn fn, void *context);

struct snap_ext2_inode {
    uint32_t number;
    enum snap_owners_type type;
    unsigned part;           /* of the file system, as SNAP_OWNERS_JOURNAL; 0: it is a file */
    uint32_t links;
    bool deleted;            /* it has no name any more, but a program had it open */
};

/* Begins again with the first inode. SNAP_E_NOMEM. */
enum snap_status snap_ext2_first_inode(struct snap_ext2 *fs, struct snap_error *err);
/* The next one that is in use; false: there is none. */
bool snap_ext2_next_inode(struct snap_ext2 *fs, struct snap_ext2_inode *inode);

/* All blocks of the inode that snap_ext2_next_inode gave last: data, maps and extended attributes. */
void snap_ext2_blocks(struct snap_ext2 *fs, snap_ext2_blocks_fn fn, void *context);

/* The names in a folder, without "." ; a name is any `length` bytes, at most 255. False from `fn` ends it. */
typedef bool (*snap_ext2_names_fn)(void *context, const char *name, size_t length, uint32_t inode);
void snap_ext2_names(struct snap_ext2 *fs, uint32_t folder, snap_ext2_names_fn fn, void *context);

/* What the file system says of a block: cheap in the order of blocks. False where it cannot tell, too. */
bool snap_ext2_is_free(struct snap_ext2 *fs, uint64_t block);

#define SNAP_EXT2_ROOT 2u /* the inode of the folder above all */

#endif
