/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The descriptors of a device or image: the right one, held exclusively, with direct I/O where that is possible. */
#ifndef DMSNAP_IO_OPEN_PRIVATE
#define DMSNAP_IO_OPEN_PRIVATE

#include "lib/io/file.h"

struct snap_opened {
    int fd;                       /* through the page cache; of an image, it carries the lock */
    int direct_fd;                /* O_DIRECT, or -1; of a block device, it carries the exclusive claim */
    uint64_t size_bytes;
    uint32_t logical_block_bytes; /* 512 for images */
    uint32_t direct_align_bytes;  /* of offset and length of direct requests */
    uint32_t memory_align_bytes;  /* of their buffers */
    bool rotational;
    bool block_device;
    uint64_t device_number;       /* as in struct snap_file_info */
    uint64_t file_device;
    uint64_t file_inode;
};

/*
 * Opens what was looked up; the statuses of snap_file_open. `made_fd` is the descriptor that made a new image, or -1;
 * it belongs to *opened from now on. `path` is for messages. After a failure none is open.
 */
enum snap_status snap_open(struct snap_opened *opened, const struct snap_lookup *found, int made_fd, const char *path,
                           const struct snap_file_options *options, struct snap_error *err);

/* Closes what is open, each once, whatever fails. `path` is for the message. */
enum snap_status snap_open_close(struct snap_opened *opened, const char *path, struct snap_error *err);

#endif
