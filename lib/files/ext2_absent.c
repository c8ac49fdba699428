/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File systems in a build without libext2fs: none can be read. */
#include "lib/files/ext2_private.h"

bool snap_owners_available(void)
{
    return false;
}

enum snap_status snap_ext2_open(struct snap_ext2 **fs, const struct snap_ext2_source *source, struct snap_error *err)
{
    (void)source;
    *fs = NULL;
    return snap_fail(err, SNAP_E_UNSUPPORTED, "this build lacks libext2fs");
}

enum snap_status snap_ext2_size(const struct snap_ext2_source *source, uint64_t *bytes, struct snap_error *err)
{
    (void)source;
    *bytes = 0;
    return snap_fail(err, SNAP_E_UNSUPPORTED, "this build lacks libext2fs");
}

/* The rest is never called: nothing is open. */

void snap_ext2_close(struct snap_ext2 *fs)
{
    (void)fs;
}

struct snap_ext2_facts snap_ext2_facts(const struct snap_ext2 *fs)
{
    (void)fs;
    return (struct snap_ext2_facts){.incomplete = true};
}

void snap_ext2_parts(struct snap_ext2 *fs, snap_ext2_parts_fn fn, void *context)
{
    (void)fs;
    (void)fn;
    (void)context;
}

enum snap_status snap_ext2_first_inode(struct snap_ext2 *fs, struct snap_error *err)
{
    (void)fs;
    return snap_fail(err, SNAP_E_UNSUPPORTED, "this build lacks libext2fs");
}

bool snap_ext2_next_inode(struct snap_ext2 *fs, struct snap_ext2_inode *inode)
{
    (void)fs;
    (void)inode;
    return false;
}

void snap_ext2_blocks(struct snap_ext2 *fs, snap_ext2_blocks_fn fn, void *context)
{
    (void)fs;
    (void)fn;
    (void)context;
}

void snap_ext2_names(struct snap_ext2 *fs, uint32_t folder, snap_ext2_names_fn fn, void *context)
{
    (void)fs;
    (void)folder;
    (void)fn;
    (void)context;
}

bool snap_ext2_is_free(struct snap_ext2 *fs, uint64_t block)
{
    (void)fs;
    (void)block;
    return false;
}
