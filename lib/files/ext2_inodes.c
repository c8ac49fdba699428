/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks through the inodes of a file system, their blocks and their names. */
#include "lib/base/arith.h"
#include "lib/files/ext2_handle_private.h"

#define SCAN_BYTES (64u << 10)

/*
 * ---- inodes ----------------------------------------------------------------------------------------------------
 */

enum snap_status snap_ext2_first_inode(struct snap_ext2 *ext2, struct snap_error *err)
{
    const int buffer_blocks = (int)snap_max(SCAN_BYTES / ext2->fs->blocksize, 1);
    errcode_t error;

    if (ext2->scan)
        ext2fs_close_inode_scan(ext2->scan);
    ext2->scan = NULL;
    ext2->scan_group = 0;
    error = ext2fs_open_inode_scan(ext2->fs, buffer_blocks, &ext2->scan);
    if (error == EXT2_ET_NO_MEMORY)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the inodes of the file system");
    if (error)
        return snap_fail(err, SNAP_E_IO, "the inodes of the file system cannot be read");
    (void)ext2fs_inode_scan_flags(ext2->scan, EXT2_SF_SKIP_MISSING_ITABLE, 0);
    return SNAP_OK;
}

/* Behind a place that cannot be read: with the next group. */
static bool skip_group(struct snap_ext2 *ext2)
{
    ext2->incomplete = true;
    do {
        if (++ext2->scan_group >= ext2->fs->group_desc_count || ext2->channel.ended)
            return false;
    } while (ext2fs_inode_scan_goto_blockgroup(ext2->scan, (int)ext2->scan_group) != 0);
    return true;
}

/* One without a name is in use while a program has it open, and until the next start finds it. */
static bool is_in_use(struct snap_ext2 *ext2, const struct ext2_inode *inode, uint32_t number)
{
    const uint32_t per_group = ext2->fs->super->s_inodes_per_group, group = (number - 1) / per_group;

    if (inode->i_links_count > 0 || number == EXT2_BAD_INO)
        return true;
    return inode->i_mode != 0 && (number - 1) % per_group / 8 < ext2->fs->blocksize &&
           snap_ext2_handle_cover(ext2, &ext2->inodes, group, ext2fs_inode_bitmap_loc(ext2->fs, group)) &&
           ext2fs_test_bit((number - 1) % per_group, ext2->inodes.bits);
}

static unsigned part_of(const struct ext2_super_block *super, uint32_t number)
{
    if (number == EXT2_ROOT_INO)
        return 0;
    if (number == EXT2_JOURNAL_INO || (super->s_journal_inum != 0 && number == super->s_journal_inum))
        return SNAP_OWNERS_JOURNAL;
    if (number == EXT2_RESIZE_INO)
        return SNAP_OWNERS_SUPERBLOCK;
#ifdef EXT4_FEATURE_COMPAT_ORPHAN_FILE
    if ((super->s_feature_compat & EXT4_FEATURE_COMPAT_ORPHAN_FILE) && number == super->s_orphan_file_inum)
        return SNAP_OWNERS_RESERVED;
#endif
    return number < EXT2_FIRST_INODE(super) || (super->s_prj_quota_inum != 0 && number == super->s_prj_quota_inum)
               ? SNAP_OWNERS_RESERVED
               : 0;
}

bool snap_ext2_next_inode(struct snap_ext2 *ext2, struct snap_ext2_inode *inode)
{
    ext2_ino_t number = 0;

    for (;;) {
        const errcode_t error = ext2fs_get_next_inode(ext2->scan, &number, &ext2->inode);

        if (error || ext2->channel.ended) {
            if (!skip_group(ext2))
                return false;
            continue;
        }
        if (number == 0)
            return false;
        ext2->scan_group = (uint32_t)snap_max(ext2->scan_group, (number - 1) / ext2->fs->super->s_inodes_per_group);
        if (is_in_use(ext2, &ext2->inode, number))
            break;
    }
    ext2->number = number;
    *inode = (struct snap_ext2_inode){
        .number = number,
        .type = LINUX_S_ISREG(ext2->inode.i_mode)   ? SNAP_OWNERS_FILE
                : LINUX_S_ISDIR(ext2->inode.i_mode) ? SNAP_OWNERS_FOLDER
                : LINUX_S_ISLNK(ext2->inode.i_mode) ? SNAP_OWNERS_LINK
                                                    : SNAP_OWNERS_OTHER,
        .part = part_of(ext2->fs->super, number),
        .links = ext2->inode.i_links_count,
        .deleted = ext2->inode.i_links_count == 0,
    };
    return true;
}

/*
 * ---- blocks of an inode ----------------------------------------------------------------------------------------
 */

struct visit {
    struct snap_ext2 *ext2;
    snap_ext2_blocks_fn fn;
    void *context;
};

static int visit_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t number, blk64_t map, int offset, void *context)
{
    const struct visit *visit = context;

    (void)fs;
    (void)number;
    (void)map;
    (void)offset;
    if (!snap_ext2_handle_step(visit->ext2, &visit->ext2->block_steps))
        return BLOCK_ABORT;
    visit->fn(visit->context, *block, 1);
    return 0;
}

static void visit_extents(const struct visit *visit)
{
    struct snap_ext2 *ext2 = visit->ext2;
    struct ext2fs_extent extent;
    ext2_extent_handle_t handle;
    errcode_t error = ext2fs_extent_open2(ext2->fs, ext2->number, &ext2->inode, &handle);

    if (error) {
        ext2->incomplete = true;
        return;
    }
    error = ext2fs_extent_get(handle, EXT2_EXTENT_ROOT, &extent);
    while (!error && snap_ext2_handle_step(ext2, &ext2->block_steps)) {
        if (extent.e_flags & EXT2_EXTENT_FLAGS_LEAF)
            visit->fn(visit->context, extent.e_pblk, extent.e_len);
        else if (!(extent.e_flags & EXT2_EXTENT_FLAGS_SECOND_VISIT))
            visit->fn(visit->context, extent.e_pblk, 1); /* the block with the next part of the map */
        error = ext2fs_extent_get(handle, EXT2_EXTENT_NEXT, &extent);
    }
    ext2->incomplete |= error && error != EXT2_ET_EXTENT_NO_NEXT;
    ext2fs_extent_free(handle);
}

void snap_ext2_blocks(struct snap_ext2 *ext2, snap_ext2_blocks_fn fn, void *context)
{
    struct visit visit = {.ext2 = ext2, .fn = fn, .context = context};
    const uint64_t attributes = ext2fs_file_acl_block(ext2->fs, &ext2->inode);

    if (attributes != 0)
        fn(context, attributes, 1);
    if (ext2->number != EXT2_BAD_INO && !ext2fs_inode_has_valid_blocks2(ext2->fs, &ext2->inode))
        return;
    if (ext2->inode.i_flags & EXT4_EXTENTS_FL)
        visit_extents(&visit);
    else if (!(ext2->inode.i_flags & EXT4_INLINE_DATA_FL) &&
             ext2fs_block_iterate3(ext2->fs, ext2->number, BLOCK_FLAG_READ_ONLY, NULL, visit_block, &visit) != 0)
        ext2->incomplete = true;
}

/*
 * ---- names -----------------------------------------------------------------------------------------------------
 */

struct name_visit {
    struct snap_ext2 *ext2;
    snap_ext2_names_fn fn;
    void *context;
};

static int visit_name(ext2_ino_t folder, int entry, struct ext2_dir_entry *name, int offset, int block_bytes,
                      char *block, void *context)
{
    const struct name_visit *visit = context;

    (void)folder;
    (void)block_bytes;
    (void)block;
    if (offset == 0 && !snap_ext2_handle_step(visit->ext2, &visit->ext2->folder_steps))
        return DIRENT_ABORT;
    if (name->inode == 0 || entry == DIRENT_DOT_FILE)
        return 0;
    return visit->fn(visit->context, name->name, (size_t)ext2fs_dirent_name_len(name), name->inode) ? 0 : DIRENT_ABORT;
}

void snap_ext2_names(struct snap_ext2 *ext2, uint32_t folder, snap_ext2_names_fn fn, void *context)
{
    struct name_visit visit = {.ext2 = ext2, .fn = fn, .context = context};

    if (folder == 0 || folder > ext2->fs->super->s_inodes_count ||
        ext2fs_dir_iterate2(ext2->fs, folder, DIRENT_FLAG_INCLUDE_EMPTY, NULL, visit_name, &visit) != 0)
        ext2->incomplete = true;
}
