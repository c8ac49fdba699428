/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An io manager of libext2fs that reads through a channel, and refuses to write. */
#include "lib/files/ext2_manager_private.h"

#include "lib/base/arith.h"

#include <ext2fs/ext2fs.h>
#include <stdlib.h>

/* libext2fs hands on nothing but a name, so the name is the address of the channel. */
static errcode_t open_channel(const char *name, int flags, io_channel *result)
{
    struct snap_ext2_channel *ours = (void *)(uintptr_t)strtoull(name, NULL, 16);
    io_channel channel = flags & IO_FLAG_RW ? NULL : calloc(1, sizeof *channel);

    if (!channel)
        return flags & IO_FLAG_RW ? EXT2_ET_RO_FILSYS : EXT2_ET_NO_MEMORY;
    channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
    channel->block_size = 1024;
    channel->refcount = 1;
    channel->manager = ours->manager;
    channel->private_data = ours;
    *result = channel;
    return 0;
}

static errcode_t close_channel(io_channel channel)
{
    if (--channel->refcount == 0)
        free(channel);
    return 0;
}

static errcode_t set_block_bytes(io_channel channel, int block_bytes)
{
    channel->block_size = block_bytes;
    return 0;
}

/* A negative count is one of bytes. */
static errcode_t read_blocks(io_channel channel, unsigned long long block, int count, void *data)
{
    const uint64_t block_bytes = (uint64_t)channel->block_size;
    const uint64_t length_bytes = count < 0 ? (uint64_t)-(int64_t)count : (uint64_t)count * block_bytes;
    uint64_t offset_bytes;

    return snap_mul(block, block_bytes, &offset_bytes) &&
                   snap_ext2_channel_read(channel->private_data, offset_bytes, length_bytes, data)
               ? 0
               : EXT2_ET_SHORT_READ;
}

static errcode_t read_blocks_32(io_channel channel, unsigned long block, int count, void *data)
{
    return read_blocks(channel, block, count, data);
}

static errcode_t refuse_write(io_channel channel, unsigned long long block, int count, const void *data)
{
    (void)channel;
    (void)block;
    (void)count;
    (void)data;
    return EXT2_ET_RO_FILSYS;
}

static errcode_t refuse_write_32(io_channel channel, unsigned long block, int count, const void *data)
{
    return refuse_write(channel, block, count, data);
}

static errcode_t flush_nothing(io_channel channel)
{
    (void)channel;
    return 0;
}

struct struct_io_manager *snap_ext2_manager_new(void)
{
    struct struct_io_manager *manager = calloc(1, sizeof *manager);

    if (!manager)
        return NULL;
    manager->magic = EXT2_ET_MAGIC_IO_MANAGER;
    manager->name = "dmsnap";
    manager->open = open_channel;
    manager->close = close_channel;
    manager->set_blksize = set_block_bytes;
    manager->read_blk = read_blocks_32;
    manager->read_blk64 = read_blocks;
    manager->write_blk = refuse_write_32;
    manager->write_blk64 = refuse_write;
    manager->flush = flush_nothing;
    return manager;
}
