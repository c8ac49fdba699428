/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Image formats and packed files, known by their first bytes: what they contain does not stand where a kernel reads. */
#ifndef DMSNAP_CHECK_CONTAINER
#define DMSNAP_CHECK_CONTAINER

#include "lib/base/error.h"
#include "lib/io/io.h"

#include <stdbool.h>

struct snap_container {
    const char *name;  /* "qcow2", "gzip" */
    bool image;        /* a disk image, which qemu-img converts; else a file that was packed */
    bool short_magic;  /* less than 4 bytes: a raw device may begin with them by chance */
};

/*
 * *container is NULL where the first bytes are those of none that is known, and where there are too few of them.
 * libblkid does not look for these formats. SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_container_find(struct snap_io *io, const struct snap_container **container,
                                     struct snap_error *err);

/*
 * The same for what is named as an origin: NULL also for a block device that begins with a short magic, since any raw
 * content may stand there.
 */
enum snap_status snap_container_of_origin(struct snap_io *io, bool block_device,
                                          const struct snap_container **container, struct snap_error *err);

#endif
