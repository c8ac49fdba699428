/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the view in steps, the next one in a thread while the last one is written or compared. */
#include "lib/view/extract.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/worker.h"
#include "lib/io/throttle.h"

#include <inttypes.h>
#include <string.h>

#define ALIGN_BYTES 4096u /* of all steps, and the size of a hole in the target */
#define STEP_FIRST_BYTES (1u << 20)
#define SMALL_STEP_BYTES (1u << 20)
#define STEP_SHORT_NS 150000000u
#define STEP_LONG_NS 400000000u
#define REQUEST_BYTES_MAX (1u << 20)
#define REQUESTS_MAX 512u

/* What is read at once, and then written or compared. */
struct step {
    struct extract *extract;
    uint64_t offset_bytes;
    uint64_t length_bytes;
    bool hole;                /* zeros that are not in the buffer, which they may exceed */
    uint8_t *buffer;
    uint64_t took_ns;         /* to read it */
    enum snap_status status;
    struct snap_error err;
};

struct extract {
    struct snap_view *view;
    struct snap_io *target;
    const struct snap_extract_options *options;
    const struct snap_clock *clock;
    struct snap_extract_result *result;
    uint64_t size_bytes;
    uint64_t buffer_bytes;    /* the largest step */
    uint64_t step_bytes;      /* the next one: adapts to the devices, so that a stop is noticed soon */
    uint64_t align_bytes;     /* of the offset of each step */
    bool skip_holes;          /* a hole is one step, whatever its size */
    struct step steps[2];
    struct snap_worker reader; /* of the next step; the view belongs to it meanwhile */
    uint64_t unpaid_requests; /* that the last step's reading took: known only afterwards */
    struct snap_throttle read_throttle;   /* of origin and store */
    struct snap_throttle target_throttle;
    uint8_t *found;           /* of the target, to compare; else NULL */
    /* Requests to the target */
    struct snap_io_request requests[REQUESTS_MAX];
    struct iovec iovs[REQUESTS_MAX];
    size_t queued;
    uint64_t queued_bytes;
};

enum snap_status snap_extract_fits(uint64_t size_bytes, const struct snap_io *target, struct snap_error *err)
{
    if (size_bytes > target->size_bytes)
        return snap_fail(err, SNAP_E_NOSPC, "%s: has %" PRIu64 " bytes, but the snapshot has %" PRIu64, target->name,
                         target->size_bytes, size_bytes);
    if (size_bytes % target->logical_block_bytes != 0)
        return snap_fail(err, SNAP_E_UNSUPPORTED, "%s: logical blocks of %" PRIu32 " bytes, but the snapshot ends "
                         "inside one, at byte %" PRIu64, target->name, target->logical_block_bytes, size_bytes);
    return SNAP_OK;
}

static uint64_t now_ns(const struct extract *extract)
{
    return extract->clock->now_ns(extract->clock->context);
}

/*
 * ---- reading the view ------------------------------------------------------------------------------------------
 */

/*
 * Where the zeros end that begin with the step: where it begins where none are known of. Then it is cut where the
 * origin's data end, but not so that many small ones would come of it.
 */
static enum snap_status hole_end(const struct extract *extract, struct step *step, uint64_t *end_bytes,
                                 struct snap_error *err)
{
    const uint64_t offset_bytes = step->offset_bytes;
    uint64_t data_bytes, data_length_bytes, entry_bytes;
    enum snap_status status;

    *end_bytes = offset_bytes;
    if (!extract->options->next_data)
        return SNAP_OK;
    status = extract->options->next_data(snap_view_origin(extract->view), offset_bytes, &data_bytes,
                                         &data_length_bytes, err);
    if (status != SNAP_OK)
        return status;
    if (data_bytes <= offset_bytes) {
        data_length_bytes = snap_max(snap_round_down(data_length_bytes, extract->align_bytes), SMALL_STEP_BYTES);
        step->length_bytes = snap_min(step->length_bytes, data_length_bytes);
        return SNAP_OK;
    }
    status = snap_view_next_entry(extract->view, offset_bytes, &entry_bytes, err);
    if (status != SNAP_OK)
        return status;
    *end_bytes = snap_min(snap_min(data_bytes, entry_bytes), extract->size_bytes);
    if (*end_bytes < extract->size_bytes)
        *end_bytes = snap_max(snap_round_down(*end_bytes, extract->align_bytes), offset_bytes);
    return SNAP_OK;
}

static enum snap_status read_view(struct extract *extract, struct step *step, struct snap_error *err)
{
    const struct snap_extract_options *options = extract->options;
    const uint64_t requests_before = snap_view_requests(extract->view);
    enum snap_status status;
    uint64_t start_ns;

    if (!snap_throttle_take(&extract->read_throttle, step->length_bytes, extract->unpaid_requests, options->stop,
                            options->stop_context))
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    start_ns = now_ns(extract);
    status = snap_view_read(extract->view, step->offset_bytes, step->length_bytes, step->buffer, err);
    if (status == SNAP_E_IO) /* which chunk it is, and whether the store is damaged there */
        status = snap_view_read_chunks(extract->view, step->offset_bytes, step->length_bytes, step->buffer, err);
    step->took_ns = now_ns(extract) - start_ns;
    extract->unpaid_requests = snap_view_requests(extract->view) - requests_before;
    return status;
}

static void load(void *argument)
{
    struct step *step = argument;
    struct extract *extract = step->extract;
    uint64_t end_bytes;

    step->length_bytes = snap_min(extract->step_bytes, extract->size_bytes - step->offset_bytes);
    step->hole = false;
    step->took_ns = 0;
    step->status = hole_end(extract, step, &end_bytes, &step->err);
    if (step->status != SNAP_OK)
        return;
    if (end_bytes == step->offset_bytes) {
        step->status = read_view(extract, step, &step->err);
    } else if (extract->skip_holes) {
        step->hole = true;
        step->length_bytes = end_bytes - step->offset_bytes;
    } else {
        step->length_bytes = snap_min(step->length_bytes, end_bytes - step->offset_bytes);
        memset(step->buffer, 0, (size_t)step->length_bytes);
    }
}

/* What comes at `offset`, in a thread of its own where one is wanted and can be had. */
static void start_load(struct step *step, uint64_t offset_bytes, bool in_thread)
{
    step->offset_bytes = offset_bytes;
    snap_worker_do(in_thread ? &step->extract->reader : NULL, load, step);
}

static enum snap_status wait_load(struct step *step, struct snap_error *err)
{
    snap_worker_wait(&step->extract->reader);
    if (step->status != SNAP_OK && err)
        *err = step->err;
    return step->status;
}

/*
 * ---- the target ------------------------------------------------------------------------------------------------
 */

static enum snap_status submit(struct extract *extract, struct snap_error *err)
{
    const struct snap_extract_options *options = extract->options;
    enum snap_status status;

    if (extract->queued == 0)
        return SNAP_OK;
    if (!snap_throttle_take(&extract->target_throttle, extract->queued_bytes, extract->queued, options->stop,
                            options->stop_context))
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    status = snap_io_transfer(extract->target, extract->requests, extract->queued, err);
    if (status == SNAP_OK && extract->requests[0].kind == SNAP_IO_WRITE) {
        extract->result->written_bytes += extract->queued_bytes;
        extract->result->write_requests += extract->queued;
    }
    extract->queued = 0;
    extract->queued_bytes = 0;
    return status;
}

/* Queues a read or write of the target, cut into requests. */
static enum snap_status queue(struct extract *extract, enum snap_io_kind kind, uint64_t offset_bytes,
                              uint64_t length_bytes, uint8_t *buffer, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (uint64_t done_bytes = 0, part_bytes; done_bytes < length_bytes && status == SNAP_OK;
         done_bytes += part_bytes) {
        const size_t at = extract->queued++;

        part_bytes = snap_min(length_bytes - done_bytes, REQUEST_BYTES_MAX);
        extract->iovs[at] = (struct iovec){buffer + done_bytes, (size_t)part_bytes};
        extract->requests[at] = (struct snap_io_request){.kind = kind,
                                                         .offset_bytes = offset_bytes + done_bytes,
                                                         .iov = &extract->iovs[at],
                                                         .iov_count = 1};
        extract->queued_bytes += part_bytes;
        if (extract->queued == REQUESTS_MAX ||
            extract->queued >= snap_throttle_burst_requests(&extract->target_throttle))
            status = submit(extract, err);
    }
    return status;
}

static enum snap_status write_step(struct extract *extract, const struct step *step, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    if (step->hole)
        return SNAP_OK;
    if (!extract->options->sparse)
        status = queue(extract, SNAP_IO_WRITE, step->offset_bytes, step->length_bytes, step->buffer, err);
    for (uint64_t start = 0; extract->options->sparse && start < step->length_bytes && status == SNAP_OK;) {
        uint64_t end = start;

        while (end < step->length_bytes &&
               !snap_all_zero(step->buffer + end, snap_min(extract->align_bytes, step->length_bytes - end)))
            end = snap_min(end + extract->align_bytes, step->length_bytes);
        if (end > start)
            status = queue(extract, SNAP_IO_WRITE, step->offset_bytes + start, end - start, step->buffer + start, err);
        start = end + extract->align_bytes; /* these are zero, or there is no more */
    }
    return status == SNAP_OK ? submit(extract, err) : status;
}

static enum snap_status compare_step(struct extract *extract, const struct step *step, struct snap_error *err)
{
    enum snap_status status =
        queue(extract, SNAP_IO_READ, step->offset_bytes, step->length_bytes, extract->found, err);
    uint64_t at = 0;

    if (status == SNAP_OK)
        status = submit(extract, err);
    if (status != SNAP_OK || memcmp(extract->found, step->buffer, (size_t)step->length_bytes) == 0)
        return status;
    while (extract->found[at] == step->buffer[at])
        at++;
    return snap_fail(err, SNAP_E_IO, "%s: byte %" PRIu64 " reads back as 0x%02x, but the snapshot has 0x%02x there",
                     extract->target->name, step->offset_bytes + at, extract->found[at], step->buffer[at]);
}

/*
 * ---- both ------------------------------------------------------------------------------------------------------
 */

/* How much at once: what memory holds, what the rates let through, whole blocks in any case. */
static void size_steps(struct extract *extract, unsigned buffers)
{
    const uint64_t memory_bytes = extract->options->memory_bytes ? extract->options->memory_bytes : UINT64_MAX;
    uint64_t most_bytes = snap_max(SNAP_EXTRACT_STEP_MIN_BYTES,
                                   snap_min(SNAP_EXTRACT_STEP_MAX_BYTES, memory_bytes / buffers));
    uint64_t requests_bytes;

    most_bytes = snap_min(most_bytes, snap_throttle_burst_bytes(&extract->read_throttle));
    /* In the worst case each chunk takes a request. */
    if (snap_mul(snap_throttle_burst_requests(&extract->read_throttle), snap_view_chunk_bytes(extract->view),
                 &requests_bytes))
        most_bytes = snap_min(most_bytes, requests_bytes);
    extract->align_bytes = snap_max(ALIGN_BYTES, extract->target->logical_block_bytes);
    extract->buffer_bytes = snap_max(snap_round_down(most_bytes, extract->align_bytes), extract->align_bytes);
    extract->step_bytes = snap_min(extract->buffer_bytes, snap_max(STEP_FIRST_BYTES, extract->align_bytes));
}

/* No thread is reading now. A step shall take about a quarter of a second. */
static void adapt_steps(struct extract *extract, uint64_t took_ns)
{
    if (took_ns < STEP_SHORT_NS)
        extract->step_bytes = snap_min(extract->step_bytes * 2, extract->buffer_bytes);
    else if (took_ns > STEP_LONG_NS)
        extract->step_bytes = snap_max(snap_round_down(extract->step_bytes / 2, extract->align_bytes),
                                       extract->align_bytes);
}

static enum snap_status prepare(struct extract *extract, bool compare, struct snap_error *err)
{
    const struct snap_extract_options *options = extract->options;
    enum snap_status status;

    *extract->result = (struct snap_extract_result){0};
    extract->clock = options->clock ? options->clock : &snap_clock_system;
    extract->size_bytes = snap_view_size_bytes(extract->view);
    extract->skip_holes = options->sparse && !compare;
    status = snap_extract_fits(extract->size_bytes, extract->target, err);
    if (status != SNAP_OK)
        return status;
    snap_throttle_init(&extract->read_throttle, extract->clock, options->rate_bytes, options->rate_requests);
    snap_throttle_init(&extract->target_throttle, extract->clock, options->rate_bytes, options->rate_requests);
    size_steps(extract, compare ? 3 : 2);
    for (size_t i = 0; i < 2; i++) {
        extract->steps[i].extract = extract;
        extract->steps[i].buffer = snap_buffer_new_unset(extract->buffer_bytes);
    }
    if (compare)
        extract->found = snap_buffer_new_unset(extract->buffer_bytes);
    if (!extract->steps[0].buffer || !extract->steps[1].buffer || (compare && !extract->found))
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for buffers", extract->target->name);
    return SNAP_OK;
}

/* Step after step: while one is handled the next is read. */
static enum snap_status run(struct extract *extract,
                            enum snap_status (*handle)(struct extract *extract, const struct step *step,
                                                       struct snap_error *err),
                            struct snap_error *err)
{
    const struct snap_extract_options *options = extract->options;
    struct step *step = &extract->steps[0], *next = &extract->steps[1];
    enum snap_status status = SNAP_OK;
    uint64_t handled_ns = 0;

    if (extract->size_bytes > 0)
        start_load(step, 0, false);
    while (extract->result->done_bytes < extract->size_bytes && status == SNAP_OK) {
        struct step *const done = step;
        uint64_t end_bytes, start_ns;

        status = wait_load(step, err);
        if (status != SNAP_OK)
            break;
        adapt_steps(extract, snap_max(step->took_ns, handled_ns));
        end_bytes = step->offset_bytes + step->length_bytes;
        if (end_bytes < extract->size_bytes)
            start_load(next, end_bytes, options->read_ahead);
        start_ns = now_ns(extract);
        status = handle(extract, step, err);
        handled_ns = now_ns(extract) - start_ns;
        if (status == SNAP_OK) {
            extract->result->done_bytes = end_bytes;
            if (options->progress)
                options->progress(options->progress_context, end_bytes, extract->size_bytes);
        }
        step = next;
        next = done;
    }
    return status; /* after a failure, what was read ahead is not needed */
}

static void finish(struct extract *extract)
{
    snap_worker_end(&extract->reader);
    for (size_t i = 0; i < 2; i++)
        snap_buffer_free(extract->steps[i].buffer);
    snap_buffer_free(extract->found);
}

enum snap_status snap_extract(struct snap_view *view, struct snap_io *target,
                              const struct snap_extract_options *options, struct snap_extract_result *result,
                              struct snap_error *err)
{
    struct extract extract = {.view = view, .target = target, .options = options, .result = result};
    enum snap_status status = prepare(&extract, false, err);

    if (status == SNAP_OK)
        status = run(&extract, write_step, err);
    finish(&extract);
    return status == SNAP_OK ? snap_io_flush(target, err) : status;
}

enum snap_status snap_extract_verify(struct snap_view *view, struct snap_io *target,
                                     const struct snap_extract_options *options, struct snap_extract_result *result,
                                     struct snap_error *err)
{
    struct extract extract = {.view = view, .target = target, .options = options, .result = result};
    enum snap_status status = prepare(&extract, true, err);

    if (status == SNAP_OK)
        status = run(&extract, compare_step, err);
    finish(&extract);
    return status;
}
