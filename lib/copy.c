/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "copy.h"

#include "arith.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_REQUESTS_FIRST 256u
#define GROUP_REQUESTS_MIN 16u
#define GROUP_SHORT_NS 150000000u
#define GROUP_LONG_NS 400000000u

enum snap_status snap_copy_group_init(struct snap_copy_group *group, struct snap_error *err)
{
    group->requests = calloc(SNAP_COPY_REQUESTS_MAX, sizeof *group->requests);
    group->iovs = calloc(SNAP_COPY_PIECES_MAX, sizeof *group->iovs);
    group->requests_wanted = GROUP_REQUESTS_FIRST;
    if (!group->requests || !group->iovs)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for requests");
    return SNAP_OK;
}

void snap_copy_group_free(struct snap_copy_group *group)
{
    free(group->requests);
    free(group->iovs);
    memset(group, 0, sizeof *group);
}

/* Waits for the rate, transfers the group, and adapts the size of the next one to the device's speed. */
static enum snap_status run_group(struct snap_io *io, struct snap_copy_group *group, size_t count, uint64_t length_bytes,
                                  const struct snap_copy_control *control, struct snap_error *err)
{
    uint64_t start_ns, took_ns;
    enum snap_status status;

    if (!snap_throttle_take(control->throttle, length_bytes, count, control->stop, control->stop_context))
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    start_ns = control->clock->now_ns(control->clock->context);
    status = snap_io_transfer(io, group->requests, count, err);
    took_ns = control->clock->now_ns(control->clock->context) - start_ns;
    if (count == group->requests_wanted && took_ns < GROUP_SHORT_NS)
        group->requests_wanted = snap_min(group->requests_wanted * 2, SNAP_COPY_REQUESTS_MAX);
    else if (took_ns > GROUP_LONG_NS)
        group->requests_wanted = snap_max(group->requests_wanted / 2, GROUP_REQUESTS_MIN);
    if (status == SNAP_OK && control->done)
        control->done(control->done_context, length_bytes);
    return status;
}

/* True where a further request would make the group too large; a group always holds at least one. */
static bool group_full(const struct snap_copy_group *group, const struct snap_copy_control *control, size_t count,
                       size_t pieces, uint64_t length_bytes)
{
    return count > 0 && (count >= group->requests_wanted || pieces > SNAP_COPY_PIECES_MAX ||
                         length_bytes > snap_throttle_burst_bytes(control->throttle) ||
                         count >= snap_throttle_burst_requests(control->throttle));
}

enum snap_status snap_copy_read(const struct snap_plan *plan, struct snap_io *cow, uint8_t *buffer,
                                struct snap_copy_group *group, const struct snap_copy_control *control,
                                struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t next = 0; next < plan->read_count && status == SNAP_OK;) {
        uint64_t length_bytes = 0;
        size_t count = 0;

        while (next < plan->read_count &&
               !group_full(group, control, count, count + 1, length_bytes + plan->reads[next].length_bytes)) {
            const struct snap_plan_read *read = &plan->reads[next++];

            group->iovs[count] = (struct iovec){buffer + read->buffer_offset_bytes, read->length_bytes};
            group->requests[count] = (struct snap_io_request){.kind = SNAP_IO_READ,
                                                              .offset_bytes = read->cow_offset_bytes,
                                                              .iov = &group->iovs[count],
                                                              .iov_count = 1};
            length_bytes += read->length_bytes;
            count++;
        }
        status = run_group(cow, group, count, length_bytes, control, err);
    }
    return status;
}

static enum snap_status copy_origin(const struct snap_plan *plan, enum snap_io_kind kind, struct snap_io *origin,
                                    uint8_t *buffer, struct snap_copy_group *group,
                                    const struct snap_copy_control *control, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t next = 0; next < plan->write_count && status == SNAP_OK;) {
        uint64_t length_bytes = 0;
        size_t count = 0, pieces = 0;

        while (next < plan->write_count &&
               !group_full(group, control, count, pieces + plan->writes[next].pieces,
                           length_bytes + plan->writes[next].length_bytes)) {
            const struct snap_plan_write *write = &plan->writes[next++];

            group->requests[count++] = (struct snap_io_request){.kind = kind,
                                                                .offset_bytes = write->origin_offset_bytes,
                                                                .iov = &group->iovs[pieces],
                                                                .iov_count = write->pieces};
            for (size_t i = 0; i < write->pieces; i++) {
                const struct snap_plan_piece *piece = &plan->pieces[write->first_piece + i];

                group->iovs[pieces++] = (struct iovec){buffer + piece->buffer_offset_bytes, piece->length_bytes};
            }
            length_bytes += write->length_bytes;
        }
        status = run_group(origin, group, count, length_bytes, control, err);
    }
    return status;
}

enum snap_status snap_copy_write(const struct snap_plan *plan, struct snap_io *origin, uint8_t *buffer,
                                 struct snap_copy_group *group, const struct snap_copy_control *control,
                                 struct snap_error *err)
{
    return copy_origin(plan, SNAP_IO_WRITE, origin, buffer, group, control, err);
}

enum snap_status snap_copy_read_origin(const struct snap_plan *plan, struct snap_io *origin, uint8_t *buffer,
                                       struct snap_copy_group *group, const struct snap_copy_control *control,
                                       struct snap_error *err)
{
    return copy_origin(plan, SNAP_IO_READ, origin, buffer, group, control, err);
}
