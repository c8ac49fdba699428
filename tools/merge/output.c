/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/merge/output.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/device/probe.h"
#include "tools/cli/progress.h"
#include "tools/cli/size.h"
#include "tools/merge/report.h"
#include "tools/shared/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PARTIAL ".partial"
#define BUFFERS_SHARE 4 /* of the memory; the rest is for the map of the view's entries */

/*
 * ---- what can refuse -------------------------------------------------------------------------------------------
 */

/* A device in use can be read all the same; what comes of it is right where nobody writes to it. */
static void warn_of_users(struct merge_session *session, const struct device *device)
{
    char holders[256];

    snap_device_holders(device->path, &device->facts, holders, sizeof holders);
    if (holders[0] != '\0')
        cli_warn(session->cli, "%s: it is in use (%s): writes made now may be in the output only in part", device->path,
                 holders);
}

/* A write to `place` must not change an input: neither by the same bytes nor by what stands on them. */
static enum snap_status check_apart(const struct merge_session *session, const struct snap_device *place,
                                    struct snap_error *err)
{
    const struct device *inputs[] = {&session->origin, &session->cow};

    for (size_t i = 0; i < 2; i++)
        if (snap_device_stands_on(place, &inputs[i]->facts))
            return snap_fail(err, SNAP_E_REFUSED, "%s: it lies on %s: writing to the one would change the other",
                             session->output.target.path, inputs[i]->path);
    return SNAP_OK;
}

/* What is data of the origin, or in the store: more than that no output takes up. */
static enum snap_status count_data(struct merge_session *session, struct snap_error *err)
{
    struct merge_output *output = &session->output;
    const uint64_t size_bytes = session->origin.io->size_bytes;
    uint64_t offset_bytes = 0, data_bytes = session->job.total_bytes;

    while (offset_bytes < size_bytes) {
        uint64_t start_bytes, length_bytes;
        enum snap_status status =
            snap_file_next_data(session->origin.io, offset_bytes, &start_bytes, &length_bytes, err);

        if (status != SNAP_OK)
            return status;
        if (cli_stop_wanted())
            return snap_fail(err, SNAP_E_STOPPED, "stopped");
        if (length_bytes == 0)
            break;
        data_bytes += length_bytes;
        offset_bytes = start_bytes + length_bytes;
    }
    output->most_bytes = snap_min(data_bytes, size_bytes);
    return SNAP_OK;
}

/* The folder of the new image: there, writable, apart from the inputs. Its room is only a guess: zeros take none. */
static enum snap_status check_folder(struct merge_session *session, struct snap_error *err)
{
    struct merge_output *output = &session->output;
    const struct snap_folder *folder = output->folder;
    struct snap_device under;
    struct statvfs room;
    uint64_t free_bytes;
    enum snap_status status = SNAP_OK;

    if (faccessat(folder->fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return snap_fail_errno(err, errno, "%s: no file can be made in %.*s", output->target.path,
                               folder->name == folder->path ? 1 : (int)(folder->name - folder->path),
                               folder->name == folder->path ? "." : folder->path);
    if (snap_device_of_folder(folder->device, &under))
        status = check_apart(session, &under, err);
    if (status == SNAP_OK)
        status = count_data(session, err);
    if (status == SNAP_OK && fstatvfs(folder->fd, &room) == 0 && snap_mul(room.f_bavail, room.f_frsize, &free_bytes) &&
        free_bytes < output->most_bytes)
        cli_warn(session->cli, "%s: up to %s will be written, but only %s are free there; it fits only if enough of the "
                 "content is zeros", output->target.path, cli_size_text(output->most_bytes).text, cli_size_text(free_bytes).text);
    return status;
}

/* Neither the name nor the one that it has while it is incomplete may be taken; a link to nothing takes it, too. */
static enum snap_status check_names(const struct merge_output *output, struct snap_error *err)
{
    const char *partial_name = output->partial_path + (output->folder->name - output->folder->path);
    struct snap_folder_entry taken;
    enum snap_status status = snap_folder_look(output->folder, output->folder->name, &taken, err);

    if (status == SNAP_OK && taken.exists)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already, but --output makes a new image", output->target.path);
    if (status == SNAP_OK)
        status = snap_folder_look(output->folder, partial_name, &taken, err);
    if (status == SNAP_OK && taken.exists)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already; if an earlier run left it, remove it and repeat "
                         "the command: rm %s", output->partial_path, cli_quote(output->partial_path).text);
    return status;
}

static enum snap_status prepare_image(struct merge_session *session, struct snap_error *err)
{
    struct merge_output *output = &session->output;
    enum snap_status status = snap_folder_open(&output->folder, output->target.path, err);

    if (status != SNAP_OK)
        return status;
    output->size_bytes = session->origin.io->size_bytes;
    if (asprintf(&output->partial_path, "%s" PARTIAL, output->target.path) < 0) {
        output->partial_path = NULL;
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    }
    status = check_names(output, err);
    return status == SNAP_OK ? check_folder(session, err) : status;
}

static enum snap_status prepare_device(struct merge_session *session, struct snap_error *err)
{
    const struct snap_file_options io_options = {
        .write = !session->arguments.dry_run,
        .engine = (enum snap_io_engine)session->arguments.io_engine,
        .queue_depth = (unsigned)session->arguments.queue_depth,
    };
    struct merge_output *output = &session->output;
    enum snap_status status = devices_distinct(&session->origin, &output->target, err);

    output->size_bytes = snap_round_down(session->origin.io->size_bytes, SNAP_SECTOR_BYTES);
    output->most_bytes = output->size_bytes;
    if (status == SNAP_OK)
        status = devices_distinct(&session->cow, &output->target, err);
    if (status == SNAP_OK)
        status = check_apart(session, &output->target.facts, err);
    if (status == SNAP_OK)
        status = devices_open(&output->target, &io_options, err);
    if (status == SNAP_OK)
        status = snap_extract_fits(output->size_bytes, output->target.io, err);
    if (status == SNAP_OK && (session->arguments.accept & 1u << MERGE_ACCEPT_OUTPUT_SIGNATURE) == 0)
        status = report_refuse_signature(&output->target, "--accept=output-signature overwrites it", err);
    if (status == SNAP_OK)
        status = snap_probe_io(output->target.io, &output->on_target, err);
    if (status != SNAP_OK)
        return status;
    if (output->target.io->size_bytes > output->size_bytes)
        cli_note(session->cli, "%s: it is larger than the snapshot: what it holds from byte %" PRIu64 " on is left alone",
                 output->target.path, output->size_bytes);
    if (devices_tail_bytes(&session->origin) > 0)
        cli_note(session->cli, "%s: the last %" PRIu64 " bytes are not a whole sector and are not copied to %s",
                 session->origin.path, devices_tail_bytes(&session->origin), output->target.path);
    return SNAP_OK;
}

enum snap_status merge_output_prepare(struct merge_session *session, const char *argument, struct snap_error *err)
{
    struct merge_output *output = &session->output;
    struct snap_error missing = {0};
    enum snap_status status = devices_find(&output->target, argument, &missing);

    session->options.keep_cow = true;
    session->result.entries_left = session->job.entries;
    warn_of_users(session, &session->origin);
    warn_of_users(session, &session->cow);
    if (status == SNAP_E_NOENT && output->target.path)
        return prepare_image(session, err);
    if (status != SNAP_OK) {
        *err = missing;
        return status;
    }
    if (!output->target.facts.block_device)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already, but --output makes a new image", output->target.path);
    return prepare_device(session, err);
}

/*
 * ---- the work --------------------------------------------------------------------------------------------------
 */

static void show_written(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    cli_progress_update(context, "write", done_bytes, total_bytes);
}

static void show_verified(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    cli_progress_update(context, "verify", done_bytes, total_bytes);
}

/* Verifying what only the cache holds proves nothing: known once the file is there, and before anything is in it. */
static enum snap_status check_verifiable(const struct merge_session *session, struct snap_error *err)
{
    struct snap_file_info info;

    snap_file_get_info(session->output.target.io, &info);
    if (info.direct || !session->arguments.verify)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_UNSUPPORTED, "%s: it cannot be read past the page cache there, so --verify would prove nothing; leave "
                     "it out",
                     session->output.target.path);
}

/* After a failure there is no file, or the text says that there is one. */
static enum snap_status make_image(struct merge_session *session, struct snap_error *err)
{
    struct merge_output *output = &session->output;
    const struct snap_file_options io_options = {
        .write = true,
        .engine = (enum snap_io_engine)session->arguments.io_engine,
        .queue_depth = (unsigned)session->arguments.queue_depth,
    };
    struct snap_error left;
    enum snap_status status = snap_new_file_make(&output->image, output->folder, PARTIAL, err);

    if (status != SNAP_OK)
        return status;
    status = snap_file_open_new(&output->target.io, output->image, output->size_bytes, &io_options, err);
    if (status == SNAP_OK)
        status = check_verifiable(session, err);
    if (status != SNAP_OK && snap_new_file_remove(output->image, &left) != SNAP_OK)
        cli_warn(session->cli, "%s", left.text);
    return status;
}

/* The bytes of an image behind its last whole sector are in no snapshot; a copy without them would lack something. */
static enum snap_status copy_tail(struct merge_session *session, bool compare, struct snap_error *err)
{
    const uint64_t tail_bytes = session->output.partial_path ? devices_tail_bytes(&session->origin) : 0;
    const uint64_t offset_bytes = session->output.size_bytes - tail_bytes;
    uint8_t tail[SNAP_SECTOR_BYTES], found[SNAP_SECTOR_BYTES];
    enum snap_status status;

    if (tail_bytes == 0)
        return SNAP_OK;
    status = snap_io_read(session->origin.io, offset_bytes, tail_bytes, tail, err);
    if (status == SNAP_OK && !compare) {
        status = snap_io_write(session->output.target.io, offset_bytes, tail_bytes, tail, err);
        return status == SNAP_OK ? snap_io_flush(session->output.target.io, err) : status;
    }
    if (status == SNAP_OK)
        status = snap_io_read(session->output.target.io, offset_bytes, tail_bytes, found, err);
    if (status == SNAP_OK && memcmp(tail, found, (size_t)tail_bytes) != 0)
        status = snap_fail(err, SNAP_E_IO, "%s: the last %" PRIu64 " bytes read back differently",
                           session->output.target.io->name, tail_bytes);
    return status;
}

/* Writes the whole of it and makes it durable; then, past the cache, compares. */
static enum snap_status write_output(struct merge_session *session, struct cli_progress *progress,
                                     struct snap_error *err)
{
    struct merge_output *output = &session->output;
    const uint64_t buffers_bytes = session->options.memory_bytes / BUFFERS_SHARE;
    struct snap_extract_options options = {
        .memory_bytes = buffers_bytes,
        .sparse = output->partial_path != NULL,
        .next_data = snap_file_next_data,
        .rate_bytes = session->options.rate_bytes,
        .rate_requests = session->options.rate_requests,
        .read_ahead = true,
        .stop = cli_stop_asked,
        .progress = show_written,
        .progress_context = progress,
    };
    struct snap_view *view;
    enum snap_status status = snap_view_open(&view, &session->store, session->origin.io,
                                             session->options.memory_bytes - buffers_bytes, err);

    if (status == SNAP_OK)
        status = snap_extract(view, output->target.io, &options, &output->written, err);
    if (status == SNAP_OK)
        status = copy_tail(session, false, err);
    if (status == SNAP_OK && session->arguments.verify) {
        /* The pages are clean now; an end that is no whole block is read through the cache, anew. */
        (void)posix_fadvise(snap_file_fd(output->target.io), 0, 0, POSIX_FADV_DONTNEED);
        options.progress = show_verified;
        status = snap_extract_verify(view, output->target.io, &options, &output->verified, err);
        if (status == SNAP_OK)
            status = copy_tail(session, true, err);
    }
    snap_view_close(view);
    return status;
}

/* Only what is closed without an error is complete, and only then it gets its name. The file itself stays open. */
static enum snap_status finish_output(struct merge_output *output, struct snap_error *err)
{
    enum snap_status status = snap_io_close(output->target.io, err);

    output->target.io = NULL;
    output->complete = status == SNAP_OK;
    if (status != SNAP_OK || !output->partial_path)
        return status;
    return snap_new_file_place(output->image, NULL, err);
}

int merge_output(struct merge_session *session)
{
    const struct snap_clock *clock = &snap_clock_system;
    const uint64_t start_ns = clock->now_ns(clock->context);
    struct cli_progress progress;
    struct snap_error err = {0};
    enum snap_status status = SNAP_OK;

    if (session->output.partial_path)
        status = make_image(session, &err);
    if (status != SNAP_OK)
        return cli_refuse(session->cli, &err);
    cli_progress_begin(&progress, session->cli, session->output.target.path, session->arguments.progress_json,
                       session->arguments.progress_seconds);
    status = write_output(session, &progress, &err);
    if (status == SNAP_OK)
        status = finish_output(&session->output, &err);
    session->elapsed_ms = (clock->now_ns(clock->context) - start_ns) / 1000000;
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    if (status == SNAP_OK) {
        merge_output_show_done(session);
    } else {
        (void)cli_fail(session->cli, &err);
        merge_output_show_interrupted(session);
    }
    if (session->arguments.json)
        return merge_print_json(session, NULL, cli_exit_outcome(status), cli_exit_status(status));
    return cli_exit_status(status);
}

enum snap_status merge_output_close(struct merge_output *output, struct snap_error *err)
{
    enum snap_status status = devices_close(&output->target, err);
    enum snap_status closed = snap_new_file_close(output->image, status == SNAP_OK ? err : NULL);

    output->image = NULL;
    snap_folder_close(output->folder);
    output->folder = NULL;
    free(output->partial_path);
    output->partial_path = NULL;
    return status != SNAP_OK ? status : closed;
}
