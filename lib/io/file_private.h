/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an open device or image consists of, for the two files that implement it. */
#ifndef DMSNAP_IO_FILE_PRIVATE
#define DMSNAP_IO_FILE_PRIVATE

#include "lib/io/engine_private.h"
#include "lib/io/file.h"
#include "lib/io/open_private.h"

struct snap_io_file {
    struct snap_io io;
    struct snap_opened opened;
    enum snap_io_engine engine_kind;
    struct snap_engine *engine;
    struct snap_engine_request *raw; /* one batch */
    struct snap_io_request **raw_of; /* the request that each of them carries out */
    size_t raw_capacity;
    char *bounce;                    /* at first use */
    char *name;
};

/* The operations transfer and transfer_shares of struct snap_io_ops. */
enum snap_status snap_file_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                    struct snap_error *err);
void snap_file_transfer_shares(struct snap_io_share *shares, size_t count);

#endif
