/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libext2fs reads through: a function of ours with a small cache, and no way to write. */
#ifndef DMSNAP_FILES_EXT2_CHANNEL_PRIVATE
#define DMSNAP_FILES_EXT2_CHANNEL_PRIVATE

#include "lib/files/ext2_private.h"

#define SNAP_EXT2_CACHE_PIECES 64u
#define SNAP_EXT2_PIECE_BYTES (64u << 10)

struct struct_io_manager; /* of libext2fs */

struct snap_ext2_channel {
    struct snap_ext2_source source;
    struct struct_io_manager *manager; /* with which libext2fs calls it; the owner's */
    char name[24];           /* with which libext2fs finds it: its address */
    bool failed;             /* something could not be read */
    bool ended;              /* nobody answers any more */
    uint64_t piece_numbers[SNAP_EXT2_CACHE_PIECES]; /* which piece of the device is kept; UINT64_MAX: none */
    uint8_t *pieces;
};

/* SNAP_E_NOMEM. snap_ext2_channel_free in any case. */
enum snap_status snap_ext2_channel_init(struct snap_ext2_channel *channel, const struct snap_ext2_source *source,
                                        struct snap_error *err);
void snap_ext2_channel_free(struct snap_ext2_channel *channel);

/* Reads [offset, offset + length). False: it cannot be read. */
bool snap_ext2_channel_read(struct snap_ext2_channel *channel, uint64_t offset_bytes, uint64_t length_bytes,
                            void *buffer);

#endif
