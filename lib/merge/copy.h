/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out a plan: its reads into a buffer, and its writes out of it; with a rate, a stop and progress. */
#ifndef DMSNAP_MERGE_COPY
#define DMSNAP_MERGE_COPY

#include "lib/base/clock.h"
#include "lib/io/io.h"
#include "lib/io/throttle.h"
#include "lib/merge/plan.h"

#include <sys/uio.h>

/* So many requests are handed to a device at once. A stop is noticed between two such groups. */
#define SNAP_COPY_REQUESTS_MAX 4096u
#define SNAP_COPY_PIECES_MAX 16384u

/* Room for a group of requests. Each thread that copies has its own. */
struct snap_copy_group {
    struct snap_io_request *requests;
    struct iovec *iovs;
    size_t requests_wanted;     /* follows the device's speed: a group takes about a quarter of a second */
};

struct snap_copy_control {
    const struct snap_clock *clock;
    struct snap_throttle *throttle;
    bool (*stop)(void *context);                             /* polled between groups; NULL: never stopped */
    void *stop_context;
    void (*done)(void *context, uint64_t length_bytes);      /* called after each group; NULL: not reported */
    void *done_context;
    bool keep_going;            /* chunks on bad sectors are marked in the plan; they do not end the copy */
};

#define SNAP_COPY_GROUP_MEMORY_BYTES \
    (SNAP_COPY_REQUESTS_MAX * sizeof(struct snap_io_request) + SNAP_COPY_PIECES_MAX * sizeof(struct iovec))

/* SNAP_E_NOMEM. Call snap_copy_group_free also after a failure. */
enum snap_status snap_copy_group_init(struct snap_copy_group *group, struct snap_error *err);
void snap_copy_group_free(struct snap_copy_group *group);

/*
 * Carries out all reads of the plan, from the source into `buffer`; or all its writes, from there to the target.
 * Fails with SNAP_E_STOPPED, or with what the device says. No request is in flight any more when they return. After a
 * failure of snap_copy_write the target may hold any part of what was to be written.
 *
 * With keep_going, a request that fails because of the medium (snap_error_is_medium) is tried again chunk by chunk. A
 * chunk that fails alone is marked in the plan; its bytes in the buffer, or on the target, are undefined. The writes
 * are not planned anew: that is what snap_plan_drop_bad is for.
 */
enum snap_status snap_copy_read(struct snap_plan *plan, struct snap_io *source, uint8_t *buffer,
                                struct snap_copy_group *group, const struct snap_copy_control *control,
                                struct snap_error *err);
enum snap_status snap_copy_write(struct snap_plan *plan, struct snap_io *target, uint8_t *buffer,
                                 struct snap_copy_group *group, const struct snap_copy_control *control,
                                 struct snap_error *err);

/*
 * Reads what is on the target where the plan writes, before or after these writes: into the same places of `buffer`. A
 * failure ends it, also with keep_going.
 */
enum snap_status snap_copy_read_target(struct snap_plan *plan, struct snap_io *target, uint8_t *buffer,
                                       struct snap_copy_group *group, const struct snap_copy_control *control,
                                       struct snap_error *err);

#endif
