/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out a plan: its reads into a buffer, its writes out of it; throttled, stoppable, with progress. */
#ifndef DMSNAP_MERGE_COPY
#define DMSNAP_MERGE_COPY

#include "lib/base/clock.h"
#include "lib/io/io.h"
#include "lib/io/throttle.h"
#include "lib/merge/plan.h"

#include <sys/uio.h>

/* Requests handed to a device at once; a stop is noticed between two such groups. */
#define SNAP_COPY_REQUESTS_MAX 4096u
#define SNAP_COPY_PIECES_MAX 16384u

/* Room for a group of requests. One per thread that copies. */
struct snap_copy_group {
    struct snap_io_request *requests;
    struct iovec *iovs;
    size_t requests_wanted;     /* adapts to the device: a group shall take about a quarter of a second */
};

struct snap_copy_control {
    const struct snap_clock *clock;
    struct snap_throttle *throttle;
    bool (*stop)(void *context);                             /* NULL: never */
    void *stop_context;
    void (*done)(void *context, uint64_t length_bytes);      /* after each group; NULL: nobody cares */
    void *done_context;
    bool keep_going;            /* chunks on bad sectors are marked in the plan, and the copy goes on */
};

#define SNAP_COPY_GROUP_MEMORY_BYTES \
    (SNAP_COPY_REQUESTS_MAX * sizeof(struct snap_io_request) + SNAP_COPY_PIECES_MAX * sizeof(struct iovec))

/* SNAP_E_NOMEM; snap_copy_group_free also after failure. */
enum snap_status snap_copy_group_init(struct snap_copy_group *group, struct snap_error *err);
void snap_copy_group_free(struct snap_copy_group *group);

/*
 * All reads of the plan into `buffer`, or all its writes from there. SNAP_E_STOPPED, or what the device says; nothing
 * is in flight any more when they return. After a failure of snap_copy_write the origin holds any part of the plan.
 *
 * With keep_going, a request that fails because of the medium (EIO, ENODATA, EREMOTEIO, EILSEQ: what the block layer
 * says of bad sectors) is tried again chunk by chunk, and what fails alone is marked in the plan: bytes of such a chunk
 * in the buffer, or on the origin, are undefined. The writes are not planned anew: snap_plan_drop_bad.
 */
enum snap_status snap_copy_read(struct snap_plan *plan, struct snap_io *cow, uint8_t *buffer,
                                struct snap_copy_group *group, const struct snap_copy_control *control,
                                struct snap_error *err);
enum snap_status snap_copy_write(struct snap_plan *plan, struct snap_io *origin, uint8_t *buffer,
                                 struct snap_copy_group *group, const struct snap_copy_control *control,
                                 struct snap_error *err);

/* What the writes of the plan would replace, or have written, read into the same places of `buffer`. Never keeps going. */
enum snap_status snap_copy_read_origin(struct snap_plan *plan, struct snap_io *origin, uint8_t *buffer,
                                       struct snap_copy_group *group, const struct snap_copy_control *control,
                                       struct snap_error *err);

#endif
