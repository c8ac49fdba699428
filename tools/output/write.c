/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The image is made, filled, verified and gets its name; or the device is filled, or the stream. */
#include "tools/output/write.h"

#include "lib/base/bytes.h"
#include "tools/output/damaged.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define BUFFERS_SHARE 4 /* of the memory; the rest is for the map of the view's entries */

static void show_written(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    cli_progress_update(context, "write", done_bytes, total_bytes);
}

static void show_verified(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    cli_progress_update(context, "verify", done_bytes, total_bytes);
}

/*
 * Reading from the cache verifies nothing. Whether the file can be read past it is known once there is a file, and
 * before anything is in it.
 */
static enum snap_status check_verifiable(const struct output_session *output, struct snap_error *err)
{
    struct snap_file_info info;

    snap_file_get_info(output->target.io, &info);
    if (info.direct || !output->arguments.verify)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_UNSUPPORTED, "%s: it cannot be read past the page cache there, so --verify would "
                     "prove nothing; leave it out", output->target.path);
}

enum snap_status output_write_begin(struct output_session *output, struct snap_error *err)
{
    struct snap_file_options io_options = output->arguments.io;
    struct snap_error left;
    enum snap_status status;

    if (output->kind != OUTPUT_IMAGE)
        return SNAP_OK;
    io_options.write = true;
    io_options.exclusive = false;
    status = snap_new_file_make(&output->image, output->folder, OUTPUT_PARTIAL, err);
    if (status != SNAP_OK)
        return status;
    status = snap_file_open_new(&output->target.io, output->image, output->size_bytes, &io_options, err);
    if (status == SNAP_OK)
        status = check_verifiable(output, err);
    if (status != SNAP_OK && snap_new_file_remove(output->image, &left) != SNAP_OK)
        cli_warn(output->cli, "%s", left.text);
    return status;
}

/* Bytes behind the last whole sector of an image belong to no snapshot. They are copied, so that nothing is missing. */
static enum snap_status copy_tail(struct output_session *output, bool compare, struct snap_error *err)
{
    const uint64_t tail_bytes = output->kind == OUTPUT_DEVICE ? 0 : devices_tail_bytes(output->origin);
    const uint64_t offset_bytes = output->size_bytes - tail_bytes;
    uint8_t tail[SNAP_SECTOR_BYTES], found[SNAP_SECTOR_BYTES];
    enum snap_status status;

    if (tail_bytes == 0)
        return SNAP_OK;
    status = snap_io_read(output->origin->io, offset_bytes, tail_bytes, tail, err);
    if (status == SNAP_OK && !compare) {
        status = snap_io_write(output->target.io, offset_bytes, tail_bytes, tail, err);
        return status == SNAP_OK ? snap_io_flush(output->target.io, err) : status;
    }
    if (status == SNAP_OK)
        status = snap_io_read(output->target.io, offset_bytes, tail_bytes, found, err);
    if (status == SNAP_OK && memcmp(tail, found, (size_t)tail_bytes) != 0)
        status = snap_fail(err, SNAP_E_IO, "%s: the last %" PRIu64 " bytes do not read back as they were written: do "
                           "not trust this device",
                           output->target.io->name, tail_bytes);
    return status;
}

/* Writes the whole of it and makes it durable; then, past the cache, compares. */
static enum snap_status write_all(struct output_session *output, struct cli_progress *progress, struct snap_error *err)
{
    const uint64_t buffers_bytes = output->arguments.memory_bytes / BUFFERS_SHARE;
    struct snap_extract_options options = {
        .memory_bytes = buffers_bytes,
        .sparse = output->kind == OUTPUT_IMAGE,
        .next_data = snap_io_next_data,
        .rate_bytes = output->arguments.rate_bytes,
        .rate_requests = output->arguments.rate_requests,
        .read_ahead = true,
        .stop = cli_stop_asked,
        .progress = show_written,
        .progress_context = progress,
    };
    struct snap_view *view;
    enum snap_status status = snap_view_open(&view, output->store, output->origin->io,
                                             output->arguments.memory_bytes - buffers_bytes, err);

    if (status == SNAP_OK)
        output_damaged_skip(output, view);
    if (status == SNAP_OK)
        status = snap_extract(view, output->target.io, &options, &output->written, err);
    if (status == SNAP_OK)
        status = copy_tail(output, false, err);
    output_damaged_end(output);
    if (status == SNAP_OK && output->arguments.verify) {
        /* The pages are clean now; an end that is no whole block is read through the cache, anew. */
        if (output->target.part_count == 0)
            (void)posix_fadvise(snap_file_fd(output->target.io), 0, 0, POSIX_FADV_DONTNEED);
        options.progress = show_verified;
        status = snap_extract_verify(view, output->target.io, &options, &output->verified, err);
        if (status == SNAP_OK)
            status = copy_tail(output, true, err);
    }
    snap_view_close(view);
    return status;
}

/* Only what is closed without an error is complete, and only then it gets its name. The file itself stays open. */
static enum snap_status finish_output(struct output_session *output, struct snap_error *err)
{
    enum snap_status status = snap_io_close(output->target.io, err);

    output->target.io = NULL;
    output->complete = status == SNAP_OK;
    if (status != SNAP_OK || output->kind != OUTPUT_IMAGE)
        return status;
    return snap_new_file_place(output->image, NULL, err);
}

enum snap_status output_write(struct output_session *output, struct cli_progress *progress, struct snap_error *err)
{
    enum snap_status status = write_all(output, progress, err);

    return status == SNAP_OK ? finish_output(output, err) : status;
}
