/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads for libext2fs, in pieces that are kept: it asks for single blocks, which lie near each other. */
#include "lib/files/ext2_channel_private.h"

#include "lib/base/arith.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum snap_status snap_ext2_channel_init(struct snap_ext2_channel *channel, const struct snap_ext2_source *source,
                                        struct snap_error *err)
{
    channel->source = *source;
    (void)snprintf(channel->name, sizeof channel->name, "%" PRIxPTR, (uintptr_t)channel);
    channel->pieces = malloc((size_t)SNAP_EXT2_CACHE_PIECES * SNAP_EXT2_PIECE_BYTES);
    for (unsigned i = 0; i < SNAP_EXT2_CACHE_PIECES; i++)
        channel->piece_numbers[i] = UINT64_MAX;
    return channel->pieces ? SNAP_OK : snap_fail(err, SNAP_E_NOMEM, "no memory for the file system");
}

void snap_ext2_channel_free(struct snap_ext2_channel *channel)
{
    free(channel->pieces);
    channel->pieces = NULL;
}

static bool read_device(struct snap_ext2_channel *channel, uint64_t offset_bytes, uint64_t length_bytes, bool needed,
                        void *buffer)
{
    const struct snap_ext2_source *source = &channel->source;
    struct snap_error reason; /* what cannot be read is left out */
    enum snap_status status = SNAP_E_STOPPED;

    if (!channel->ended)
        status = source->read(source->context, offset_bytes, length_bytes, needed, buffer, &reason);
    channel->ended |= status != SNAP_OK && status != SNAP_E_IO;
    return status == SNAP_OK;
}

/* The piece with this number, read if it is not there; NULL: not all of it can be read. */
static const uint8_t *cover(struct snap_ext2_channel *channel, uint64_t number)
{
    const uint64_t offset_bytes = number * SNAP_EXT2_PIECE_BYTES;
    const uint64_t length_bytes = snap_min(SNAP_EXT2_PIECE_BYTES, channel->source.size_bytes - offset_bytes);
    const size_t slot = (size_t)(number % SNAP_EXT2_CACHE_PIECES);
    uint8_t *piece = channel->pieces + slot * SNAP_EXT2_PIECE_BYTES;

    if (channel->piece_numbers[slot] == number)
        return piece;
    channel->piece_numbers[slot] = UINT64_MAX;
    if (!read_device(channel, offset_bytes, length_bytes, false, piece))
        return NULL;
    channel->piece_numbers[slot] = number;
    return piece;
}

bool snap_ext2_channel_read(struct snap_ext2_channel *channel, uint64_t offset_bytes, uint64_t length_bytes,
                            void *buffer)
{
    uint8_t *at = buffer;
    bool complete = snap_range_fits(offset_bytes, length_bytes, channel->source.size_bytes);

    while (complete && length_bytes > 0) {
        const uint64_t skip_bytes = offset_bytes % SNAP_EXT2_PIECE_BYTES;
        const uint64_t step_bytes = snap_min(length_bytes, SNAP_EXT2_PIECE_BYTES - skip_bytes);
        const uint8_t *piece = cover(channel, offset_bytes / SNAP_EXT2_PIECE_BYTES);

        if (piece)
            memcpy(at, piece + skip_bytes, (size_t)step_bytes);
        else /* what is unreadable may lie beside what is wanted */
            complete = read_device(channel, offset_bytes, step_bytes, true, at);
        offset_bytes += step_bytes;
        length_bytes -= step_bytes;
        at += step_bytes;
    }
    channel->failed |= !complete;
    return complete;
}
