/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens the store and its origin in the way that the work needs. */
#include "tools/check/open.h"

#include <stdlib.h>

static bool writes(const struct check_arguments *arguments)
{
    return check_options_mend(arguments) || arguments->put_back || arguments->repair_to;
}

enum snap_status check_open_start(struct check_session *session, struct snap_error *err)
{
    const struct check_arguments *given = &session->arguments;
    const char *const names[] = {given->cow, given->origin, given->repair_to};

    if (!writes(given))
        return SNAP_OK;
    session->held.cli = session->cli;
    session->held.dry_run = given->dry_run;
    return held_start(&session->held, &given->devices, names, sizeof names / sizeof names[0], err);
}

enum snap_status check_open_find(struct check_session *session, struct device *device, const char *argument,
                                 const struct snap_file_options *options, struct snap_error *err)
{
    return devices_is_lvm(argument) ? held_open(&session->held, argument, options, device, err)
                                    : devices_find(device, argument, err);
}

/* The origin may follow from the metadata; bytes are put back without it. */
static enum snap_status ask_metadata(struct check_session *session, struct snap_error *err)
{
    struct check_arguments *given = &session->arguments;
    enum snap_status status;

    if (!session->held.used)
        return SNAP_OK;
    status = held_read(&session->held, err);
    if (status != SNAP_OK || given->put_back)
        return status;
    status = volumes_choose_origin(&session->held.volumes, given->cow, given->origin, &session->origin_name, err);
    given->origin = session->origin_name;
    return status;
}

static enum snap_status open_for_writing(struct check_session *session, struct snap_error *err)
{
    struct check_arguments *given = &session->arguments;
    const struct snap_file_options cow_options = {
        .write = !given->dry_run && !given->repair_to, .foresee = given->dry_run, .exclusive = true};
    const struct snap_file_options origin_options = {.exclusive = true};
    enum snap_status status;

    status = ask_metadata(session, err);
    if (status == SNAP_OK)
        status = check_open_find(session, &session->cow, given->cow, &cow_options, err);
    if (status == SNAP_OK && given->origin)
        status = check_open_find(session, &session->origin, given->origin, &origin_options, err);
    if (status == SNAP_OK && given->origin)
        status = devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK && !session->cow.io)
        status = devices_open(&session->cow, &cow_options, err);
    if (status == SNAP_OK && given->origin && !session->origin.io)
        status = devices_open(&session->origin, &origin_options, err);
    if (status == SNAP_OK && devices_is_lvm(given->cow))
        status = volumes_remember_group(&session->held.volumes, given->cow, &session->cow, err);
    if (status != SNAP_OK)
        return status;
    devices_warn_hidden(session->cli, &session->cow);
    return devices_read_store(&session->store, &session->cow, given->origin ? &session->origin : NULL, err);
}

/*
 * For a person who may want to have it mended. Where it cannot be written to, is in use, or is no pair, it is opened
 * again as in any run that only reads, which says what is wrong.
 */
static enum snap_status open_to_ask(struct check_session *session, bool *opened, struct snap_error *err)
{
    struct snap_error reason = {0};
    enum snap_status status = SNAP_OK;

    *opened = open_for_writing(session, &reason) == SNAP_OK;
    if (*opened)
        return SNAP_OK;
    session->arguments.asks = false;
    status = devices_close(&session->origin, err);
    return status == SNAP_OK ? devices_close(&session->cow, err) : status;
}

enum snap_status check_open(struct check_session *session, struct snap_error *err)
{
    struct check_arguments *given = &session->arguments;
    bool opened = false;
    enum snap_status status = SNAP_OK;

    if (writes(given))
        return open_for_writing(session, err);
    if (given->asks)
        status = open_to_ask(session, &opened, err);
    if (status != SNAP_OK || opened)
        return status;
    return volumes_open_for_reading(session->cli, &given->devices, &session->cow, given->cow, &session->origin,
                                    &session->arguments.origin, &session->store, err);
}

void check_open_end(struct check_session *session)
{
    held_close(&session->held);
    free(session->origin_name);
    session->origin_name = NULL;
}
