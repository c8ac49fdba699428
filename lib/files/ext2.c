/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens ext2, ext3 and ext4 file systems through libext2fs, and tells which blocks are their own. */
#include "lib/files/ext2_private.h"

#include "lib/base/arith.h"
#include "lib/files/ext2_handle_private.h"
#include "lib/files/ext2_manager_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_BLOCKS_MIN 256u           /* mke2fs takes no less */
#define DESCRIPTORS_MAX (64u << 20)     /* bytes of memory; 16 TiB in blocks of 4 KiB have 8 MiB of them */
#define SPARE_STEPS 65536u              /* of a walk, beyond what a sound file system takes */

bool snap_owners_available(void)
{
    return true;
}

/*
 * ---- open and close --------------------------------------------------------------------------------------------
 */

static enum snap_status open_failed(const struct snap_ext2 *ext2, errcode_t error, struct snap_error *err)
{
    switch (error) {
    case EXT2_ET_BAD_MAGIC:
        return snap_fail(err, SNAP_E_NOENT, "no ext2, ext3 or ext4 file system is there");
    case EXT2_ET_UNSUPP_FEATURE:
    case EXT2_ET_REV_TOO_HIGH:
        return snap_fail(err, SNAP_E_UNSUPPORTED, "the file system has features that this libext2fs does not know");
    case EXT2_ET_NO_MEMORY:
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the file system");
    default:
        return ext2->channel.failed ? snap_fail(err, SNAP_E_IO, "the file system cannot be read")
                                    : snap_fail(err, SNAP_E_CORRUPT, "the superblock of the file system is damaged");
    }
}

/* Held against the size of the device before memory and time depend on them. */
static enum snap_status check_numbers(const struct snap_ext2 *ext2, struct snap_error *err)
{
    struct ext2_super_block *super = ext2->fs->super; /* libext2fs takes no const */
    const uint64_t blocks = ext2fs_blocks_count(super), block_bytes = ext2->fs->blocksize;
    const uint64_t groups = super->s_blocks_per_group ? snap_div_up(blocks, super->s_blocks_per_group) : 0;
    uint64_t bytes, inode_bytes;

    if (!snap_mul(blocks, block_bytes, &bytes) || bytes > ext2->channel.source.size_bytes)
        return snap_fail(err, SNAP_E_CORRUPT, "the file system has %" PRIu64 " blocks of %" PRIu64 " bytes, more than "
                         "there are", blocks, block_bytes);
    if (super->s_blocks_per_group < GROUP_BLOCKS_MIN || groups == 0 || groups >= SNAP_EXT2_NO_GROUP ||
        groups * EXT2_DESC_SIZE(super) > DESCRIPTORS_MAX ||
        !snap_mul(groups * EXT2_INODE_SIZE(super), super->s_inodes_per_group, &inode_bytes) || inode_bytes > bytes ||
        super->s_inodes_count > groups * super->s_inodes_per_group || super->s_first_data_block >= blocks)
        return snap_fail(err, SNAP_E_CORRUPT, "the superblock of the file system is damaged: its numbers contradict "
                         "each other");
    return SNAP_OK;
}

/* The superblock alone comes first: what else is read depends on its numbers. */
static enum snap_status open_checked(struct snap_ext2 *ext2, struct snap_error *err)
{
    const int flags =
        EXT2_FLAG_64BITS | EXT2_FLAG_IGNORE_CSUM_ERRORS | EXT2_FLAG_SKIP_MMP | EXT2_FLAG_SOFTSUPP_FEATURES;
    const char *name = ext2->channel.name;
    errcode_t error = ext2fs_open2(name, NULL, flags | EXT2_FLAG_SUPER_ONLY, 0, 0, ext2->manager, &ext2->fs);
    enum snap_status status;

    if (error)
        return open_failed(ext2, error, err);
    status = check_numbers(ext2, err);
    ext2fs_free(ext2->fs);
    ext2->fs = NULL;
    if (status != SNAP_OK)
        return status;
    error = ext2fs_open2(name, NULL, flags, 0, 0, ext2->manager, &ext2->fs);
    if (error)
        return open_failed(ext2, error, err);
    return check_numbers(ext2, err); /* a device may give other bytes now */
}

/* Everything but the file system itself. On failure *result is NULL, or what snap_ext2_close frees. */
static enum snap_status set_up(struct snap_ext2 **result, const struct snap_ext2_source *source,
                               struct snap_error *err)
{
    struct snap_ext2 *ext2 = calloc(1, sizeof *ext2);
    enum snap_status status;

    *result = ext2;
    if (!ext2)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the file system");
    ext2->blocks.group = ext2->inodes.group = SNAP_EXT2_NO_GROUP;
    status = snap_ext2_channel_init(&ext2->channel, source, err);
    ext2->manager = ext2->channel.manager = snap_ext2_manager_new();
    if (status == SNAP_OK && !ext2->manager)
        status = snap_fail(err, SNAP_E_NOMEM, "no memory for the file system");
    return status;
}

enum snap_status snap_ext2_open(struct snap_ext2 **result, const struct snap_ext2_source *source,
                                struct snap_error *err)
{
    struct snap_ext2 *ext2;
    enum snap_status status = set_up(&ext2, source, err);

    *result = NULL;
    if (status == SNAP_OK)
        status = open_checked(ext2, err);
    if (status == SNAP_OK) {
        ext2->blocks.bits = malloc(ext2->fs->blocksize);
        ext2->inodes.bits = malloc(ext2->fs->blocksize);
        if (!ext2->blocks.bits || !ext2->inodes.bits)
            status = snap_fail(err, SNAP_E_NOMEM, "no memory for the file system");
    }
    if (status != SNAP_OK) {
        snap_ext2_close(ext2);
        return status;
    }
    ext2->block_steps = ext2->folder_steps = ext2fs_blocks_count(ext2->fs->super) + SPARE_STEPS;
    *result = ext2;
    return SNAP_OK;
}

enum snap_status snap_ext2_size(const struct snap_ext2_source *source, uint64_t *bytes, struct snap_error *err)
{
    struct snap_ext2 *ext2;
    enum snap_status status = set_up(&ext2, source, err);
    errcode_t error;

    *bytes = 0;
    if (status == SNAP_OK) {
        error = ext2fs_open2(ext2->channel.name, NULL, EXT2_FLAG_64BITS | EXT2_FLAG_SKIP_MMP |
                             EXT2_FLAG_SOFTSUPP_FEATURES | EXT2_FLAG_SUPER_ONLY, 0, 0, ext2->manager, &ext2->fs);
        if (error)
            status = open_failed(ext2, error, err);
        else if (!snap_mul(ext2fs_blocks_count(ext2->fs->super), ext2->fs->blocksize, bytes))
            status = snap_fail(err, SNAP_E_CORRUPT, "the superblock of the file system is damaged: no device has so "
                               "many blocks");
    }
    snap_ext2_close(ext2);
    return status;
}

void snap_ext2_close(struct snap_ext2 *ext2)
{
    if (!ext2)
        return;
    if (ext2->scan)
        ext2fs_close_inode_scan(ext2->scan);
    if (ext2->fs)
        ext2fs_free(ext2->fs); /* unlike ext2fs_close it never writes */
    free(ext2->manager);
    free(ext2->blocks.bits);
    free(ext2->inodes.bits);
    snap_ext2_channel_free(&ext2->channel);
    free(ext2);
}

struct snap_ext2_facts snap_ext2_facts(const struct snap_ext2 *ext2)
{
    return (struct snap_ext2_facts){
        .block_bytes = ext2->fs->blocksize,
        .blocks = ext2fs_blocks_count(ext2->fs->super),
        .incomplete = ext2->incomplete || ext2->channel.failed,
        .needs_recovery = (ext2->fs->super->s_feature_incompat & EXT3_FEATURE_INCOMPAT_RECOVER) != 0,
    };
}

/* False where a sound file system would have come to an end. */
bool snap_ext2_handle_step(struct snap_ext2 *ext2, uint64_t *steps)
{
    if (*steps == 0 || ext2->channel.ended) {
        ext2->incomplete = true;
        return false;
    }
    --*steps;
    return true;
}

bool snap_ext2_handle_has(const struct snap_ext2 *ext2, uint64_t block)
{
    return block != 0 && block < ext2fs_blocks_count(ext2->fs->super);
}

/* Reads the bitmap of a group, if it is not the one that was read last. */
bool snap_ext2_handle_cover(struct snap_ext2 *ext2, struct snap_ext2_bitmap *bitmap, uint32_t group, uint64_t location)
{
    if (bitmap->group != group) {
        bitmap->group = group;
        bitmap->readable = snap_ext2_handle_has(ext2, location) &&
                           io_channel_read_blk64(ext2->fs->io, location, 1, bitmap->bits) == 0;
        ext2->incomplete |= !bitmap->readable;
    }
    return bitmap->readable;
}

/*
 * ---- the file system's own blocks ------------------------------------------------------------------------------
 */

static void superblock_of(struct snap_ext2 *ext2, uint32_t group, snap_ext2_parts_fn fn, void *context)
{
    const struct ext2_super_block *super = ext2->fs->super;
    const bool meta_bg = (super->s_feature_incompat & EXT2_FEATURE_INCOMPAT_META_BG) != 0;
    const uint64_t old_blocks =
        (meta_bg ? super->s_first_meta_bg : ext2->fs->desc_blocks) + (uint64_t)super->s_reserved_gdt_blocks;
    blk64_t super_block = 0, old_block = 0, new_block = 0;

    if (ext2fs_super_and_bgd_loc2(ext2->fs, group, &super_block, &old_block, &new_block, NULL) != 0)
        return;
    if (super_block != 0 || group == 0)
        fn(context, SNAP_OWNERS_SUPERBLOCK, super_block, 1);
    if (old_block != 0)
        fn(context, SNAP_OWNERS_SUPERBLOCK, old_block, old_blocks);
    if (new_block != 0)
        fn(context, SNAP_OWNERS_SUPERBLOCK, new_block, 1);
}

void snap_ext2_parts(struct snap_ext2 *ext2, snap_ext2_parts_fn fn, void *context)
{
    if (ext2->fs->super->s_first_data_block > 0) /* for a boot loader, which nobody else has */
        fn(context, SNAP_OWNERS_SUPERBLOCK, 0, ext2->fs->super->s_first_data_block);
    for (uint32_t group = 0; group < ext2->fs->group_desc_count; group++) {
        superblock_of(ext2, group, fn, context);
        if (snap_ext2_handle_has(ext2, ext2fs_block_bitmap_loc(ext2->fs, group)))
            fn(context, SNAP_OWNERS_BLOCK_BITMAP, ext2fs_block_bitmap_loc(ext2->fs, group), 1);
        if (snap_ext2_handle_has(ext2, ext2fs_inode_bitmap_loc(ext2->fs, group)))
            fn(context, SNAP_OWNERS_INODE_BITMAP, ext2fs_inode_bitmap_loc(ext2->fs, group), 1);
        if (snap_ext2_handle_has(ext2, ext2fs_inode_table_loc(ext2->fs, group)))
            fn(context, SNAP_OWNERS_INODE_TABLE, ext2fs_inode_table_loc(ext2->fs, group),
               ext2->fs->inode_blocks_per_group);
    }
    if ((ext2->fs->super->s_feature_incompat & EXT4_FEATURE_INCOMPAT_MMP) &&
        snap_ext2_handle_has(ext2, ext2->fs->super->s_mmp_block))
        fn(context, SNAP_OWNERS_RESERVED, ext2->fs->super->s_mmp_block, 1);
}

bool snap_ext2_is_free(struct snap_ext2 *ext2, uint64_t block)
{
    uint32_t group;
    uint64_t bit;

    if (block < ext2->fs->super->s_first_data_block || block >= ext2fs_blocks_count(ext2->fs->super))
        return false;
    group = ext2fs_group_of_blk2(ext2->fs, block);
    if (ext2fs_has_group_desc_csum(ext2->fs) && ext2fs_bg_flags_test(ext2->fs, group, EXT2_BG_BLOCK_UNINIT))
        return true;
    bit = (block - ext2fs_group_first_block2(ext2->fs, group)) >> ext2->fs->cluster_ratio_bits;
    return bit / 8 < ext2->fs->blocksize &&
           snap_ext2_handle_cover(ext2, &ext2->blocks, group, ext2fs_block_bitmap_loc(ext2->fs, group)) &&
           !ext2fs_test_bit((unsigned)bit, ext2->blocks.bits);
}
