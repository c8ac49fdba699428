/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of requests, and what is done where a request fails or is larger than the rate grants at once. */
#include "lib/merge/copy.h"

#include "lib/base/arith.h"

#include <stdlib.h>
#include <string.h>

#define GROUP_REQUESTS_FIRST 256u
#define GROUP_REQUESTS_MIN 16u
#define GROUP_SHORT_NS 150000000u
#define GROUP_LONG_NS 400000000u
#define PIECE_BYTES_MIN 4096u

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

/* The plan whose requests are carried out, and what they are carried out with. */
struct copy {
    struct snap_plan *plan;
    struct snap_io *io;
    uint8_t *buffer;
    struct snap_copy_group *group;
    const struct snap_copy_control *control;
};

/* Transfers one piece of the buffer, of one chunk. *bad_bytes grows by its length where the medium fails. */
static enum snap_status run_piece(const struct copy *copy, enum snap_io_kind kind, uint64_t offset_bytes,
                                    struct iovec piece, uint64_t *bad_bytes, struct snap_error *err)
{
    const struct snap_copy_control *control = copy->control;
    struct snap_io_request request = {.kind = kind, .offset_bytes = offset_bytes, .iov = &piece, .iov_count = 1};
    struct snap_error reason;
    enum snap_status status;

    if (!snap_throttle_take(control->throttle, piece.iov_len, 1, control->stop, control->stop_context))
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    status = snap_io_transfer(copy->io, &request, 1, &reason);
    if (status == SNAP_OK)
        return SNAP_OK;
    if (!control->keep_going || !snap_error_is_medium(request.sys_errno)) {
        if (err)
            *err = reason;
        return status;
    }
    snap_plan_mark_bad(copy->plan, (uint64_t)((uint8_t *)piece.iov_base - copy->buffer),
                       kind == SNAP_IO_READ ? SNAP_PLAN_UNREADABLE : SNAP_PLAN_UNWRITABLE);
    *bad_bytes += piece.iov_len;
    return SNAP_OK;
}

/* Transfers a request in pieces. Each belongs to one chunk, and has `piece_max_bytes` at most. */
static enum snap_status run_pieces(const struct copy *copy, const struct snap_io_request *request,
                                   uint64_t piece_max_bytes, uint64_t *bad_bytes, struct snap_error *err)
{
    const uint64_t slice_bytes = copy->plan->slice_bytes;
    uint64_t offset_bytes = request->offset_bytes;
    enum snap_status status = SNAP_OK;

    for (unsigned i = 0; i < request->iov_count; i++) {
        struct iovec rest = request->iov[i];

        while (rest.iov_len > 0 && status == SNAP_OK) {
            const uint64_t place_bytes = (uint64_t)((uint8_t *)rest.iov_base - copy->buffer);
            const uint64_t piece_bytes = snap_min(snap_min(rest.iov_len, piece_max_bytes),
                                                 slice_bytes - place_bytes % slice_bytes);

            status = run_piece(copy, request->kind, offset_bytes, (struct iovec){rest.iov_base, (size_t)piece_bytes},
                                 bad_bytes, err);
            rest.iov_base = (uint8_t *)rest.iov_base + piece_bytes;
            rest.iov_len -= (size_t)piece_bytes;
            offset_bytes += piece_bytes;
        }
    }
    return status;
}

/* How large a piece may be under a rate: what the rate grants at once, in whole blocks, but at least one block. */
static uint64_t piece_bytes_max(const struct copy *copy)
{
    const uint64_t block_bytes = snap_max(PIECE_BYTES_MIN, copy->io->logical_block_bytes);
    const uint64_t burst_bytes = snap_throttle_burst_bytes(copy->control->throttle);

    return snap_max(snap_round_down(burst_bytes, block_bytes), block_bytes);
}

/* Whether requests have failed, and all of them because of the medium. */
static bool only_medium_failed(const struct snap_copy_group *group, size_t count)
{
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (group->requests[i].sys_errno != 0 && !snap_error_is_medium(group->requests[i].sys_errno))
            return false;
        any |= group->requests[i].sys_errno != 0;
    }
    return any;
}

/* Tries the failed requests again, chunk by chunk, so that a bad sector costs its own chunk and no other. */
static enum snap_status retry_group(const struct copy *copy, size_t count, uint64_t *bad_bytes, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < count && status == SNAP_OK; i++)
        if (copy->group->requests[i].sys_errno != 0)
            status = run_pieces(copy, &copy->group->requests[i], UINT64_MAX, bad_bytes, err);
    return status;
}

/* Waits until the rate allows the group, transfers it, and fits the size of the next one to the device's speed. */
static enum snap_status run_group(const struct copy *copy, size_t count, uint64_t length_bytes, struct snap_error *err)
{
    const struct snap_copy_control *control = copy->control;
    struct snap_copy_group *group = copy->group;
    struct snap_error reason;
    uint64_t start_ns, took_ns, bad_bytes = 0;
    enum snap_status status;

    if (count == 1 && length_bytes > piece_bytes_max(copy)) { /* one request is more than the rate grants at once */
        status = run_pieces(copy, &group->requests[0], piece_bytes_max(copy), &bad_bytes, err);
        if (status == SNAP_OK && control->done)
            control->done(control->done_context, length_bytes - bad_bytes);
        return status;
    }
    if (!snap_throttle_take(control->throttle, length_bytes, count, control->stop, control->stop_context))
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    start_ns = control->clock->now_ns(control->clock->context);
    status = snap_io_transfer(copy->io, group->requests, count, &reason);
    took_ns = control->clock->now_ns(control->clock->context) - start_ns;
    if (count == group->requests_wanted && took_ns < GROUP_SHORT_NS)
        group->requests_wanted = (size_t)snap_min(group->requests_wanted * 2, SNAP_COPY_REQUESTS_MAX);
    else if (took_ns > GROUP_LONG_NS)
        group->requests_wanted = (size_t)snap_max(group->requests_wanted / 2, GROUP_REQUESTS_MIN);
    if (status != SNAP_OK && control->keep_going && only_medium_failed(group, count))
        status = retry_group(copy, count, &bad_bytes, err);
    else if (status != SNAP_OK && err)
        *err = reason;
    if (status == SNAP_OK && control->done)
        control->done(control->done_context, length_bytes - bad_bytes);
    return status;
}

/* Whether a further request would make the group too large. A group always holds at least one. */
static bool group_full(const struct snap_copy_group *group, const struct snap_copy_control *control, size_t count,
                       size_t pieces, uint64_t length_bytes)
{
    return count > 0 && (count >= group->requests_wanted || pieces > SNAP_COPY_PIECES_MAX ||
                         length_bytes > snap_throttle_burst_bytes(control->throttle) ||
                         count >= snap_throttle_burst_requests(control->throttle));
}

enum snap_status snap_copy_read(struct snap_plan *plan, struct snap_io *source, uint8_t *buffer,
                                struct snap_copy_group *group, const struct snap_copy_control *control,
                                struct snap_error *err)
{
    const struct copy copy = {plan, source, buffer, group, control};
    enum snap_status status = SNAP_OK;

    for (size_t next = 0; next < plan->read_count && status == SNAP_OK;) {
        uint64_t length_bytes = 0;
        size_t count = 0;

        while (next < plan->read_count &&
               !group_full(group, control, count, count + 1, length_bytes + plan->reads[next].length_bytes)) {
            const struct snap_plan_read *read = &plan->reads[next++];

            group->iovs[count] = (struct iovec){buffer + read->buffer_offset_bytes, read->length_bytes};
            group->requests[count] = (struct snap_io_request){.kind = SNAP_IO_READ,
                                                              .offset_bytes = read->source_offset_bytes,
                                                              .iov = &group->iovs[count],
                                                              .iov_count = 1};
            length_bytes += read->length_bytes;
            count++;
        }
        status = run_group(&copy, count, length_bytes, err);
    }
    return status;
}

/* Reads or writes the pieces of the target that the plan writes. */
static enum snap_status copy_target(struct snap_plan *plan, enum snap_io_kind kind, struct snap_io *target,
                                    uint8_t *buffer, struct snap_copy_group *group,
                                    const struct snap_copy_control *control, struct snap_error *err)
{
    const struct copy copy = {plan, target, buffer, group, control};
    enum snap_status status = SNAP_OK;

    for (size_t next = 0; next < plan->write_count && status == SNAP_OK;) {
        uint64_t length_bytes = 0;
        size_t count = 0, pieces = 0;

        while (next < plan->write_count &&
               !group_full(group, control, count, pieces + plan->writes[next].pieces,
                           length_bytes + plan->writes[next].length_bytes)) {
            const struct snap_plan_write *write = &plan->writes[next++];

            group->requests[count++] = (struct snap_io_request){.kind = kind,
                                                                .offset_bytes = write->target_offset_bytes,
                                                                .iov = &group->iovs[pieces],
                                                                .iov_count = write->pieces};
            for (size_t i = 0; i < write->pieces; i++) {
                const struct snap_plan_piece *piece = &plan->pieces[write->first_piece + i];

                group->iovs[pieces++] = (struct iovec){buffer + piece->buffer_offset_bytes, piece->length_bytes};
            }
            length_bytes += write->length_bytes;
        }
        status = run_group(&copy, count, length_bytes, err);
    }
    return status;
}

enum snap_status snap_copy_write(struct snap_plan *plan, struct snap_io *target, uint8_t *buffer,
                                 struct snap_copy_group *group, const struct snap_copy_control *control,
                                 struct snap_error *err)
{
    return copy_target(plan, SNAP_IO_WRITE, target, buffer, group, control, err);
}

enum snap_status snap_copy_read_target(struct snap_plan *plan, struct snap_io *target, uint8_t *buffer,
                                       struct snap_copy_group *group, const struct snap_copy_control *control,
                                       struct snap_error *err)
{
    return copy_target(plan, SNAP_IO_READ, target, buffer, group, control, err);
}
