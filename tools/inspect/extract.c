/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The view as a new sparse image, or as a stream on standard output. */
#include "tools/inspect/extract.h"

#include "lib/base/bytes.h"
#include "lib/base/new_file.h"
#include "lib/view/extract.h"
#include "tools/cli/progress.h"
#include "tools/shared/memory.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BUFFERS_SHARE 4u /* of the memory; the rest is for the map of the view's entries */

/* Standard output as a device: it takes writes that follow one another. */
struct stream {
    struct snap_io io;
    uint64_t at_bytes;
};

static enum snap_status stream_write(const struct snap_io_request *request, struct snap_error *err)
{
    for (unsigned i = 0; i < request->iov_count; i++) {
        const uint8_t *bytes = request->iov[i].iov_base;
        size_t left_bytes = request->iov[i].iov_len;

        while (left_bytes > 0) {
            ssize_t written = write(STDOUT_FILENO, bytes, left_bytes);

            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return snap_fail_errno(err, errno, "standard output");
            bytes += written;
            left_bytes -= (size_t)written;
        }
    }
    return SNAP_OK;
}

static enum snap_status stream_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                        struct snap_error *err)
{
    struct stream *stream = (struct stream *)io;

    for (size_t i = 0; i < count; i++) {
        enum snap_status status;

        if (requests[i].kind != SNAP_IO_WRITE || requests[i].offset_bytes != stream->at_bytes)
            return snap_fail(err, SNAP_E_INTERNAL, "standard output: only written from start to end");
        status = stream_write(&requests[i], err);
        if (status != SNAP_OK)
            return status;
        stream->at_bytes += snap_io_request_bytes(&requests[i]);
    }
    return SNAP_OK;
}

static enum snap_status stream_flush(struct snap_io *io, struct snap_error *err)
{
    (void)io;
    (void)err;
    return SNAP_OK; /* each write has been handed over; a pipe keeps nothing */
}

static void show_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    cli_progress_update(context, "extract", done_bytes, total_bytes);
}

/* Copies the view to `target`: an image that was made for it, or a stream. */
static enum snap_status extract_to(struct inspect_session *session, struct snap_view *view, struct snap_io *target,
                                   bool sparse, struct snap_error *err)
{
    struct cli_progress progress;
    const struct snap_extract_options options = {
        .memory_bytes = memory_to_use_bytes(session->arguments.memory_bytes) / BUFFERS_SHARE,
        .sparse = sparse,
        .next_data = snap_file_next_data,
        .read_ahead = true,
        .stop = cli_stop_asked,
        .progress = show_progress,
        .progress_context = &progress,
    };
    struct snap_extract_result result;
    enum snap_status status;

    cli_progress_begin(&progress, session->cli, sparse ? target->name : "-", false, 0);
    status = snap_extract(view, target, &options, &result, err);
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    return status;
}

static enum snap_status extract_stream(struct inspect_session *session, struct snap_view *view, struct snap_error *err)
{
    static const struct snap_io_ops ops = {.transfer = stream_transfer, .flush = stream_flush};
    struct stream stream = {.io = {.ops = &ops,
                                   .name = "standard output",
                                   .size_bytes = snap_view_size_bytes(view),
                                   .logical_block_bytes = SNAP_SECTOR_BYTES,
                                   .memory_align_bytes = SNAP_SECTOR_BYTES,
                                   .writable = true}};

    if (isatty(STDOUT_FILENO))
        return snap_fail(err, SNAP_E_REFUSED, "standard output is a terminal, and the view is binary data; redirect "
                         "it");
    return extract_to(session, view, &stream.io, false, err);
}

/* Writes all of it; what is closed without an error is complete. */
static enum snap_status fill_image(struct inspect_session *session, struct snap_view *view, struct snap_new_file *file,
                                   struct snap_error *err)
{
    const struct snap_file_options io_options = {.write = true};
    struct snap_io *image;
    enum snap_status status = snap_file_open_new(&image, file, snap_view_size_bytes(view), &io_options, err);
    enum snap_status closed;

    if (status != SNAP_OK)
        return status;
    status = extract_to(session, view, image, true, err);
    closed = snap_io_close(image, status == SNAP_OK ? err : NULL);
    return status != SNAP_OK ? status : closed;
}

/* Only a whole image is left. */
static enum snap_status extract_image(struct inspect_session *session, struct snap_view *view, const char *path,
                                      struct snap_error *err)
{
    struct snap_folder *folder;
    struct snap_new_file *file = NULL;
    struct snap_error left;
    enum snap_status status = snap_folder_open(&folder, path, err), closed;

    if (status == SNAP_OK)
        status = snap_new_file_make(&file, folder, "", err);
    if (status == SNAP_OK)
        status = fill_image(session, view, file, err);
    if (status == SNAP_OK)
        status = snap_new_file_place(file, NULL, err);
    if (status != SNAP_OK && file && !file->placed && snap_new_file_remove(file, &left) != SNAP_OK)
        cli_warn(session->cli, "an incomplete image was left: %s", left.text);
    closed = snap_new_file_close(file, status == SNAP_OK ? err : NULL);
    snap_folder_close(folder);
    return status != SNAP_OK ? status : closed;
}

enum snap_status inspect_extract(struct inspect_session *session, struct snap_error *err)
{
    const char *path = session->arguments.extract;
    const uint64_t memory_bytes = memory_to_use_bytes(session->arguments.memory_bytes);
    struct snap_view *view;
    enum snap_status status = snap_view_open(&view, &session->store, session->origin.io,
                                             memory_bytes - memory_bytes / BUFFERS_SHARE, err);

    if (status != SNAP_OK)
        return status;
    status = strcmp(path, "-") == 0 ? extract_stream(session, view, err) : extract_image(session, view, path, err);
    snap_view_close(view);
    return status;
}
