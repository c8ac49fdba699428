/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads far apart blocks and takes the median of the times. */
#include "lib/io/seek_cost.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"

#include <stdlib.h>

#define BLOCK_BYTES 4096u

static int by_time(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

enum snap_status snap_seek_cost_measure(struct snap_io *io, const struct snap_clock *clock, uint64_t *median_ns,
                                        struct snap_error *err)
{
    const uint64_t block_bytes = snap_max(BLOCK_BYTES, io->logical_block_bytes);
    const uint64_t blocks = io->size_bytes / block_bytes;
    uint64_t times_ns[SNAP_SEEK_READS];
    enum snap_status status = SNAP_OK;
    void *buffer;

    *median_ns = 0;
    if (blocks < SNAP_SEEK_READS)
        return SNAP_OK;
    buffer = snap_buffer_new(block_bytes);
    if (!buffer)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory", io->name);
    for (uint64_t i = 0; i < SNAP_SEEK_READS && status == SNAP_OK; i++) {
        /*
         * Every fourth of nine equal parts, in turn: no two neighbours, and not the same places as a reader from the
         * start.
         */
        const uint64_t part = i * 4 % SNAP_SEEK_READS;
        const uint64_t block = blocks / SNAP_SEEK_READS * part + blocks / SNAP_SEEK_READS / 2;
        const uint64_t start_ns = clock->now_ns(clock->context);

        status = snap_io_read(io, block * block_bytes, block_bytes, buffer, err);
        times_ns[i] = clock->now_ns(clock->context) - start_ns;
    }
    snap_buffer_free(buffer);
    if (status != SNAP_OK)
        return status;
    qsort(times_ns, SNAP_SEEK_READS, sizeof times_ns[0], by_time);
    *median_ns = times_ns[SNAP_SEEK_READS / 2];
    return SNAP_OK;
}
