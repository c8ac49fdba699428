/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the place that is to be written to, and keeps it open from then on. */
#include "tools/output/place.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "tools/cli/size.h"
#include "tools/cli/streams.h"
#include "tools/output/room.h"
#include "tools/output/stream.h"
#include "tools/shared/accept.h"
#include "tools/shared/holds.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Refuses where a write to the open device, file or folder would change an input. */
static enum snap_status check_apart(const struct output_session *output, int fd, struct snap_error *err)
{
    const struct device *const inputs[] = {output->origin, output->cow};

    return devices_apart(output->target.path, fd, inputs, 2, err);
}

/*
 * ---- a new image -----------------------------------------------------------------------------------------------
 */

static enum snap_status fail_exists(const struct output_session *output, struct snap_error *err)
{
    return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already, but %s makes a new image; name another file",
                     output->target.path,
                     output->arguments.option);
}

/* The folder takes new files, and does not lie on an input. */
static enum snap_status check_folder(struct output_session *output, struct snap_error *err)
{
    const struct snap_folder *folder = output->folder;
    const enum snap_status status = snap_folder_takes_files(folder, err);

    return status == SNAP_OK ? check_apart(output, folder->fd, err) : status;
}

/* Neither the final name nor the one of the incomplete file may be taken, not even by a dangling link. */
static enum snap_status check_names(const struct output_session *output, struct snap_error *err)
{
    const char *partial_name = output->partial_path + (output->folder->name - output->folder->path);
    struct snap_folder_entry taken;
    enum snap_status status = snap_folder_look(output->folder, output->folder->name, &taken, err);

    if (status == SNAP_OK && taken.exists)
        return fail_exists(output, err);
    if (status == SNAP_OK)
        status = snap_folder_look(output->folder, partial_name, &taken, err);
    if (status == SNAP_OK && taken.exists)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it exists already; if an earlier run left it, remove it and repeat "
                         "the command: rm %s", output->partial_path, cli_quote(output->partial_path).text);
    return status;
}

static enum snap_status prepare_image(struct output_session *output, struct snap_error *err)
{
    enum snap_status status = snap_folder_open(&output->folder, output->target.path, err);

    output->kind = OUTPUT_IMAGE;
    if (status != SNAP_OK)
        return status;
    output->size_bytes = output->origin->io->size_bytes;
    if (asprintf(&output->partial_path, "%s" OUTPUT_PARTIAL, output->target.path) < 0) {
        output->partial_path = NULL;
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    }
    status = check_names(output, err);
    if (status == SNAP_OK)
        status = check_folder(output, err);
    if (status == SNAP_OK)
        status = output_room_count(output, err);
    return status == SNAP_OK ? output_room_check(output, output->folder->fd, err) : status;
}

/*
 * ---- a block device --------------------------------------------------------------------------------------------
 */

static struct snap_file_options device_options(const struct output_session *output)
{
    struct snap_file_options io_options = output->arguments.io;

    io_options.write = !output->arguments.dry_run;
    io_options.foresee = output->arguments.dry_run;
    return io_options;
}

static enum snap_status open_device(struct output_session *output, struct snap_error *err)
{
    const struct device *const inputs[] = {output->origin, output->cow};
    const struct snap_file_options io_options = device_options(output);
    enum snap_status status = devices_distinct_from_all(&output->target, inputs, 2, err);

    if (status != SNAP_OK || output->target.io)
        return status; /* a volume is open since it was found */
    status = check_apart(output, output->target.found->fd, err);
    return status == SNAP_OK ? devices_open(&output->target, &io_options, err) : status;
}

static enum snap_status prepare_device(struct output_session *output, struct snap_error *err)
{
    enum snap_status status = open_device(output, err);

    output->kind = OUTPUT_DEVICE;
    output->size_bytes = snap_round_down(output->origin->io->size_bytes, SNAP_SECTOR_BYTES);
    output->most_bytes = output->size_bytes;
    if (status == SNAP_OK)
        status = snap_extract_fits(output->size_bytes, output->target.io, err);
    if (status == SNAP_OK && !accept_has(output->arguments.accept, ACCEPT_OUTPUT_SIGNATURE))
        status = holds_refuse(&output->target, "--accept=output-signature overwrites it", err);
    if (status == SNAP_OK)
        status = snap_probe_io(output->target.io, &output->on_target, err);
    if (status != SNAP_OK)
        return status;
    if (output->target.io->size_bytes > output->size_bytes)
        cli_note(output->cli, "%s: it is larger than the snapshot: what it holds from byte %" PRIu64 " on is left "
                 "alone",
                 output->target.path, output->size_bytes);
    if (devices_tail_bytes(output->origin) > 0)
        cli_note(output->cli, "%s: what stands behind its last whole sector (%s) is not copied to %s",
                 output->origin->path, cli_count_text(devices_tail_bytes(output->origin), "byte", "bytes").text,
                 output->target.path);
    return SNAP_OK;
}

/* A volume of a group that is not active. */
static enum snap_status prepare_volume(struct output_session *output, struct snap_error *err)
{
    const struct snap_file_options io_options = device_options(output);
    struct snap_file_info info;
    enum snap_status status = volumes_refuse_snapshots(&output->held->volumes, output->arguments.place, err);

    if (status == SNAP_OK)
        status = held_open(output->held, output->arguments.place, &io_options, &output->target, err);
    if (status != SNAP_OK)
        return status;
    devices_info(&output->target, &info);
    if (output->arguments.verify && !info.direct)
        return snap_fail(err, SNAP_E_UNSUPPORTED, "%s: it cannot be read past the page cache there, so --verify would "
                         "prove nothing; leave it out", output->target.path);
    return prepare_device(output, err);
}

/*
 * ---- standard output -------------------------------------------------------------------------------------------
 */

/* It may have been redirected to anything. A file that the shell has just made needs room for every byte. */
static enum snap_status check_redirected(struct output_session *output, struct snap_error *err)
{
    struct stat st;
    enum snap_status status = check_apart(output, STDOUT_FILENO, err);

    return status == SNAP_OK && fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == 0
               ? output_room_check(output, STDOUT_FILENO, err)
               : status;
}

static enum snap_status prepare_stream(struct output_session *output, struct snap_error *err)
{
    if (isatty(cli_stream_fd(output->cli->out)))
        return snap_fail(err, SNAP_E_REFUSED, "standard output is a terminal, and the view is binary data; redirect "
                         "it");
    output->kind = OUTPUT_STREAM;
    output->size_bytes = output->origin->io->size_bytes;
    output->most_bytes = output->size_bytes;
    output->target.io = output_stream_open(&output->stream, output->cli->out, output->size_bytes);
    output->target.path = strdup(output->target.io->name);
    return output->target.path ? check_redirected(output, err) : snap_fail(err, SNAP_E_NOMEM, "out of memory");
}

enum snap_status output_place_prepare(struct output_session *output, struct snap_error *err)
{
    const char *place = output->arguments.place;
    struct snap_error missing = {0};
    enum snap_status status;

    if (output_stream_is(place))
        return prepare_stream(output, err);
    if (devices_is_lvm(place) && output->held && output->held->used)
        return prepare_volume(output, err);
    status = devices_find(&output->target, place, &missing);
    if (status == SNAP_E_NOENT && output->target.path)
        return prepare_image(output, err);
    if (status != SNAP_OK) {
        *err = missing;
        return status;
    }
    return output->target.facts.block_device ? prepare_device(output, err) : fail_exists(output, err);
}

enum snap_status output_place_close(struct output_session *output, struct snap_error *err)
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
