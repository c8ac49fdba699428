/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands the names of snapmerge's command line to what holds LVM volumes. */
#include "tools/merge/hold.h"

enum snap_status merge_hold_start(struct merge_session *session, struct snap_error *err)
{
    const struct merge_arguments *given = &session->arguments;
    const char *arguments[4 + CLI_STRINGS_MAX] = {given->cow, given->origin, given->undo};
    size_t count = 3;

    session->held.cli = session->cli;
    session->held.dry_run = given->dry_run;
    if (!given->output)
        session->held.way_out = "with --output FILE, write what the snapshot shows elsewhere, as it is at that moment";
    for (unsigned i = 0; i < given->preserve.count; i++)
        arguments[count++] = given->preserve.items[i];
    if (!given->output)
        return held_start(&session->held, &given->devices, arguments, count, err);
    /* What is only read needs no lock, and may be active. */
    arguments[count++] = given->output;
    return devices_is_lvm(given->output) ? held_start(&session->held, &given->devices, arguments, count, err) : SNAP_OK;
}

enum snap_status merge_hold_find(struct merge_session *session, struct device *device, const char *argument,
                                 const struct snap_file_options *options, struct snap_error *err)
{
    return devices_is_lvm(argument) ? held_open(&session->held, argument, options, device, err)
                                    : devices_find(device, argument, err);
}
