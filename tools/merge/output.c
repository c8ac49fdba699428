/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge --output: what can refuse, and the end. */
#include "tools/merge/output.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/device/probe.h"
#include "tools/cli/size.h"
#include "tools/merge/checks.h"
#include "tools/shared/accept.h"
#include "tools/shared/report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>


/* A device that is in use can be read. The output is right if nothing is written to the device meanwhile. */
static void warn_of_users(struct merge_session *session, const struct device *device)
{
    char holders[SNAP_DEVICE_HOLDERS_BYTES];

    snap_device_holders(device->path, &device->facts, holders, sizeof holders);
    if (holders[0] != '\0')
        cli_warn(session->cli, "%s: it is in use (%s): writes made now may be in the output only in part", device->path,
                 holders);
}

/* Refuses where a write to `place` would change an input, because one of them lies on the other. */
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

/* The output takes up at most the data of the origin and of the store. */
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

/*
 * Checks the folder of the new image: it is writable and does not lie on an input. Little room is only a warning,
 * because zeros take none.
 */
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
        cli_warn(session->cli, "%s: up to %s will be written, but only %s are free there; it fits only if enough of "
                 "the content is zeros", output->target.path, cli_size_text(output->most_bytes).text,
                 cli_size_text(free_bytes).text);
    return status;
}

/* Neither the final name nor the one of the incomplete file may be taken, not even by a dangling link. */
static enum snap_status check_names(const struct merge_output *output, struct snap_error *err)
{
    const char *partial_name = output->partial_path + (output->folder->name - output->folder->path);
    struct snap_folder_entry taken;
    enum snap_status status = snap_folder_look(output->folder, output->folder->name, &taken, err);

    if (status == SNAP_OK && taken.exists)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already, but --output makes a new image",
                         output->target.path);
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
    if (asprintf(&output->partial_path, "%s" MERGE_OUTPUT_PARTIAL, output->target.path) < 0) {
        output->partial_path = NULL;
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    }
    status = check_names(output, err);
    return status == SNAP_OK ? check_folder(session, err) : status;
}

static enum snap_status prepare_device(struct merge_session *session, struct snap_error *err)
{
    const struct snap_file_options io_options =
        merge_options_io(&session->arguments, !session->arguments.dry_run, false);
    struct merge_output *output = &session->output;
    enum snap_status status = merge_check_distinct(session, &output->target, err);

    output->size_bytes = snap_round_down(session->origin.io->size_bytes, SNAP_SECTOR_BYTES);
    output->most_bytes = output->size_bytes;
    if (status == SNAP_OK)
        status = check_apart(session, &output->target.facts, err);
    if (status == SNAP_OK)
        status = devices_open(&output->target, &io_options, err);
    if (status == SNAP_OK)
        status = snap_extract_fits(output->size_bytes, output->target.io, err);
    if (status == SNAP_OK && !accept_has(session->arguments.accept, ACCEPT_OUTPUT_SIGNATURE))
        status = report_refuse_signature(&output->target, "--accept=output-signature overwrites it", err);
    if (status == SNAP_OK)
        status = snap_probe_io(output->target.io, &output->on_target, err);
    if (status != SNAP_OK)
        return status;
    if (output->target.io->size_bytes > output->size_bytes)
        cli_note(session->cli, "%s: it is larger than the snapshot: what it holds from byte %" PRIu64 " on is left "
                 "alone",
                 output->target.path, output->size_bytes);
    if (devices_tail_bytes(&session->origin) > 0)
        cli_note(session->cli, "%s: the last %" PRIu64 " bytes are not a whole sector and are not copied to %s",
                 session->origin.path, devices_tail_bytes(&session->origin), output->target.path);
    return SNAP_OK;
}

enum snap_status merge_output_prepare(struct merge_session *session, struct snap_error *err)
{
    struct merge_output *output = &session->output;
    struct snap_error missing = {0};
    enum snap_status status = devices_find(&output->target, session->arguments.output, &missing);

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
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already, but --output makes a new image",
                         output->target.path);
    return prepare_device(session, err);
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
