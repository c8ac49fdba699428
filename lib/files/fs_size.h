/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an ext2, ext3 or ext4 file system says of its own size, whatever the size of the device that it is on. */
#ifndef DMSNAP_FILES_FS_SIZE
#define DMSNAP_FILES_FS_SIZE

#include "lib/base/error.h"

#include <stdint.h>

/* Fills `buffer` with what the device shows, or fails. */
typedef enum snap_status (*snap_fs_size_read_fn)(void *context, uint64_t offset_bytes, uint64_t length_bytes,
                                                 void *buffer, struct snap_error *err);

/*
 * Reads the superblock and nothing else, in a process without rights. *bytes is 0 where no such file system is there,
 * its superblock cannot be read or does not fit its own checksum, or this build has no libext2fs. `size_bytes` is what
 * can be read. SNAP_E_STOPPED (child.h), SNAP_E_NOMEM.
 */
enum snap_status snap_fs_size_find(snap_fs_size_read_fn read_fn, void *context, uint64_t size_bytes, uint64_t *bytes,
                                   struct snap_error *err);

#endif
