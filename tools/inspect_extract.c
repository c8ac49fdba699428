/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect.h"

#include "arith.h"
#include "progress.h"
#include "view.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define STEP_BYTES (1u << 20)
#define HOLE_BYTES 4096u             /* zeros of that size, aligned, are left out of the image */
#define VIEW_MEMORY_BYTES (256u << 20)

struct extract {
    struct inspect_session *session;
    struct snap_view *view;
    struct snap_io *image;           /* NULL: standard output */
    uint8_t *buffer;
    uint64_t size_bytes;
    struct cli_progress progress;
};

static bool all_zero(const uint8_t *bytes, uint64_t length_bytes)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, (size_t)length_bytes - 1) == 0;
}

/* Writes what is not zero; the image was made sparse. */
static enum snap_status write_image(const struct extract *extract, uint64_t offset_bytes, uint64_t length_bytes,
                                    struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (uint64_t start = 0; start < length_bytes && status == SNAP_OK;) {
        uint64_t end = start;

        while (end < length_bytes && !all_zero(extract->buffer + end, snap_min(HOLE_BYTES, length_bytes - end)))
            end = snap_min(end + HOLE_BYTES, length_bytes);
        if (end > start)
            status = snap_io_write(extract->image, offset_bytes + start, end - start, extract->buffer + start, err);
        start = end + HOLE_BYTES;
    }
    return status;
}

static enum snap_status write_stream(const uint8_t *bytes, uint64_t length_bytes, struct snap_error *err)
{
    while (length_bytes > 0) {
        ssize_t written = write(STDOUT_FILENO, bytes, (size_t)length_bytes);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return snap_fail_errno(err, errno, "standard output");
        bytes += written;
        length_bytes -= (uint64_t)written;
    }
    return SNAP_OK;
}

/* The first byte at or behind `offset` that may not be zero: data of the origin, or an entry. */
static enum snap_status skip_holes(const struct extract *extract, uint64_t *offset_bytes, struct snap_error *err)
{
    uint64_t data_bytes, length_bytes, entry_bytes;
    enum snap_status status =
        snap_io_file_next_data(extract->session->origin.io, *offset_bytes, &data_bytes, &length_bytes, err);

    if (status != SNAP_OK || data_bytes <= *offset_bytes)
        return status;
    status = snap_view_next_entry(extract->view, *offset_bytes, &entry_bytes, err);
    if (status == SNAP_OK)
        *offset_bytes = snap_max(*offset_bytes, snap_round_down(snap_min(data_bytes, entry_bytes), HOLE_BYTES));
    return status;
}

static enum snap_status copy_view(struct extract *extract, struct snap_error *err)
{
    uint64_t offset_bytes = 0;
    enum snap_status status = SNAP_OK;

    while (status == SNAP_OK) {
        uint64_t length_bytes;

        if (extract->image)
            status = skip_holes(extract, &offset_bytes, err);
        if (status != SNAP_OK || offset_bytes >= extract->size_bytes)
            break;
        if (cli_stop_wanted())
            return snap_fail(err, SNAP_E_STOPPED, "stopped");
        length_bytes = snap_min(STEP_BYTES - offset_bytes % STEP_BYTES, extract->size_bytes - offset_bytes);
        status = snap_view_read(extract->view, offset_bytes, length_bytes, extract->buffer, err);
        if (status == SNAP_OK)
            status = extract->image ? write_image(extract, offset_bytes, length_bytes, err)
                                    : write_stream(extract->buffer, length_bytes, err);
        offset_bytes += length_bytes;
        cli_progress_update(&extract->progress, "extract", snap_min(offset_bytes, extract->size_bytes),
                            extract->size_bytes);
    }
    return status;
}

static enum snap_status finish_image(struct extract *extract, const char *path, enum snap_status status,
                                     struct snap_error *err)
{
    enum snap_status closed;

    if (!extract->image)
        return status;
    if (status == SNAP_OK)
        status = snap_io_flush(extract->image, err);
    closed = snap_io_close(extract->image, status == SNAP_OK ? err : NULL);
    if (status == SNAP_OK)
        status = closed;
    if (status != SNAP_OK && unlink(path) != 0)
        cli_warn(extract->session->cli, "%s: an incomplete image was left: %s", path, strerror(errno));
    return status;
}

enum snap_status inspect_extract(struct inspect_session *session, const char *path, struct snap_error *err)
{
    const struct snap_io_file_options io_options = {.write = true};
    const struct cli_progress_setup setup = {
        .mode = cli_progress_choose(session->cli->err, false, session->cli->quiet),
        .device = path,
        .out = session->cli->err,
        .report = cli_report_flag(),
    };
    struct extract extract = {.session = session};
    const bool to_stream = strcmp(path, "-") == 0;
    enum snap_status status =
        snap_view_open(&extract.view, &session->store, session->origin.io, VIEW_MEMORY_BYTES, err);

    if (status == SNAP_OK) {
        extract.size_bytes = snap_view_size_bytes(extract.view);
        extract.buffer = snap_io_buffer_new(STEP_BYTES);
        if (!extract.buffer)
            status = snap_fail(err, SNAP_E_NOMEM, "out of memory");
    }
    if (status == SNAP_OK && to_stream && isatty(STDOUT_FILENO))
        status = snap_fail(err, SNAP_E_REFUSED, "standard output is a terminal; the view is binary data");
    if (status == SNAP_OK && !to_stream)
        status = snap_io_file_create(&extract.image, path, extract.size_bytes, &io_options, err);
    if (status == SNAP_OK) {
        cli_progress_start(&extract.progress, &setup);
        cli_progress_attach(&extract.progress, session->cli);
        status = copy_view(&extract, err);
        cli_progress_end(&extract.progress, status == SNAP_OK ? "done" : "failed", cli_exit_status(status));
        status = finish_image(&extract, path, status, err);
    }
    snap_view_close(extract.view);
    snap_io_buffer_free(extract.buffer);
    return status;
}
