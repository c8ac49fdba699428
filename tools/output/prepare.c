/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checks before a snapshot is written somewhere else, in their order. */
#include "tools/output/prepare.h"

#include "tools/output/damaged.h"
#include "tools/output/place.h"
#include "tools/output/report.h"
#include "tools/output/stream.h"
#include "tools/shared/accept.h"
#include "tools/shared/content.h"
#include "tools/shared/pair_report.h"
#include "tools/shared/volumes.h"

#include <stdlib.h>

/* A store that was given up still shows something. It is not the whole snapshot, so somebody has to want it. */
static enum snap_status check_valid(const struct output_session *output, struct snap_error *err)
{
    return accept_has(output->arguments.accept, ACCEPT_INVALID) && snap_header_has_list(output->store)
               ? SNAP_OK
               : content_fail_defect(output->cow, output->store, output->origin, err);
}

/* Volumes of LVM, in a program that takes their names. */
static enum snap_status open_volumes(struct output_session *output, struct snap_error *err)
{
    const char *origin = output->arguments.origin;
    enum snap_status status = volumes_open_for_reading(output->cli, output->arguments.devices, output->cow,
                                                       output->arguments.cow, output->origin, &origin, output->store,
                                                       err);

    if (status == SNAP_OK && !origin)
        return snap_fail(err, SNAP_E_USAGE, "%s: LVM's metadata name no origin of it: name it with --origin",
                         output->arguments.cow);
    output->arguments.origin = origin;
    return status == SNAP_OK ? check_valid(output, err) : status;
}

static enum snap_status find_held(struct output_session *output, struct device *device, const char *argument,
                                  struct snap_error *err)
{
    const struct snap_file_options *io_options = &output->arguments.io; /* for reading */

    return devices_is_lvm(argument) ? held_open(output->held, argument, io_options, device, err)
                                    : devices_find(device, argument, err);
}

/* Where the place is a volume, the metadata are read once, under the lock, and name the origin. */
static enum snap_status find_all_held(struct output_session *output, struct snap_error *err)
{
    const struct output_arguments *given = &output->arguments;
    char *origin = NULL;
    enum snap_status status = held_read(output->held, err);

    if (status == SNAP_OK)
        status = volumes_choose_origin(&output->held->volumes, given->cow, given->origin, &origin, err);
    if (status == SNAP_OK && !origin)
        status = snap_fail(err, SNAP_E_REFUSED, "%s: LVM's metadata name no origin of it: name it with --origin",
                           given->cow);
    if (status == SNAP_OK)
        status = find_held(output, output->cow, given->cow, err);
    if (status == SNAP_OK)
        status = find_held(output, output->origin, origin, err);
    if (status == SNAP_OK && devices_is_lvm(given->cow))
        status = volumes_remember_group(&output->held->volumes, given->cow, output->cow, err);
    free(origin);
    return status;
}

static bool holds_volumes(const struct output_session *output)
{
    return output->held && output->held->used;
}

static enum snap_status open_inputs(struct output_session *output, struct snap_error *err)
{
    struct snap_file_options io_options = output->arguments.io;
    enum snap_status status;

    if (!holds_volumes(output) && output->arguments.devices &&
        (devices_is_lvm(output->arguments.cow) ||
         (output->arguments.origin && devices_is_lvm(output->arguments.origin))))
        return open_volumes(output, err);
    io_options.write = false;
    io_options.exclusive = false;
    if (holds_volumes(output)) {
        status = find_all_held(output, err);
    } else {
        status = devices_find(output->cow, output->arguments.cow, err);
        if (status == SNAP_OK)
            status = devices_find(output->origin, output->arguments.origin, err);
    }
    if (status == SNAP_OK)
        status = devices_distinct(output->origin, output->cow, err);
    if (status == SNAP_OK && !output->cow->io)
        status = devices_open(output->cow, &io_options, err);
    if (status == SNAP_OK && !output->origin->io)
        status = devices_open(output->origin, &io_options, err);
    if (status == SNAP_OK)
        status = devices_read_store(output->store, output->cow, output->origin, err);
    if (status == SNAP_OK)
        status = check_valid(output, err);
    return status == SNAP_OK ? devices_origin_large_enough(output->origin, output->cow->path,
                                                           output->store->layout.chunk_bytes, err)
                             : status;
}

/* A device that is in use can be read. The output is right if nothing is written to the device meanwhile. */
static void warn_of_users(struct output_session *output, const struct device *device)
{
    char holders[SNAP_DEVICE_HOLDERS_BYTES];

    snap_device_holders(device->path, &device->facts, holders, sizeof holders);
    if (holders[0] != '\0')
        cli_warn(output->cli, "%s: it is in use (%s): writes made now may be in the output only in part", device->path,
                 holders);
}

/* What goes to standard output takes the place of nothing: there is no question. */
static bool asks(const struct output_session *output)
{
    return !output->arguments.yes && !output_stream_is(output->arguments.place) && cli_ask_possible(output->cli);
}

static enum snap_status ask(struct output_session *output, const struct pair *pair, struct snap_error *err)
{
    if (!asks(output))
        return SNAP_OK;
    if (cli_ask_begin(output->cli)) {
        pair_report_all(pair, &output->check, &output->evidence, REPORT_TALK);
        output_report_place(output);
    }
    switch (cli_ask(output->cli, false, "Write it now?")) {
    case CLI_ANSWER_YES:
    case CLI_ANSWER_NOBODY: /* a script: the refusals above are its safety */
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
        break;
    }
    return snap_fail(err, SNAP_E_REFUSED, "not written: you answered no");
}

struct pair output_prepare_pair(const struct output_session *output)
{
    return (struct pair){
        .cli = output->cli,
        .origin = output->origin,
        .cow = output->cow,
        .store = output->store,
        .shown_next = output->arguments.dry_run ? !output->arguments.json && cli_one_reader(output->cli)
                                                : asks(output),
        .accept = output->arguments.accept,
        .memory_bytes = output->arguments.memory_bytes,
    };
}

enum snap_status output_prepare(struct output_session *output, struct snap_error *err)
{
    const struct pair pair = output_prepare_pair(output);
    enum snap_status status = open_inputs(output, err);

    if (status == SNAP_OK)
        status = output->arguments.skip != OUTPUT_SKIP_NOTHING ? output_damaged_check_list(output, err)
                                                               : pair_check_list(&pair, NULL, &output->check, err);
    if (status == SNAP_OK)
        status = pair_check_identity(&pair, &output->check, &output->evidence, err);
    if (status == SNAP_OK)
        status = pair_check_cut(&pair, &output->check, false, NULL, err);
    if (status != SNAP_OK)
        return status;
    output_report_invalid(output);
    warn_of_users(output, output->origin);
    warn_of_users(output, output->cow);
    status = output_place_prepare(output, err);
    if (status == SNAP_OK && holds_volumes(output))
        status = held_read_again(output->held, err);
    if (status == SNAP_OK && !output->arguments.dry_run)
        status = ask(output, &pair, err);
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    if (status == SNAP_OK)
        status = devices_keeps_size(output->origin, err);
    return status == SNAP_OK ? devices_keeps_size(output->cow, err) : status;
}
