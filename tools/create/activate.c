/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings --activate in front of the first write, and behind the last one. */
#include "tools/create/activate.h"

#include "tools/create/table.h"

enum snap_status create_activate_possible(const struct create_session *session, struct snap_error *err)
{
    if (!session->arguments.activate)
        return SNAP_OK;
    return activate_possible("to print the lines for a system that has it, give --print-table snapshot instead of "
                             "--activate", err);
}

enum snap_status create_activate_plan(struct create_session *session, struct snap_error *err)
{
    const struct create_arguments *arguments = &session->arguments;
    struct activate *activate = &session->activate;
    const bool identified = session->identity.origin_sectors > 0;
    enum snap_status status;

    if (!arguments->activate)
        return SNAP_OK;
    status = activate_check_device(&session->cow, NULL, err);
    if (status == SNAP_OK)
        status = activate_check_device(&session->origin,
                                       session->origin_busy.status == SNAP_OK ? NULL : &session->origin_busy, err);
    if (status != SNAP_OK)
        return status;
    if (arguments->dry_run)
        cli_note(session->cli, "/dev/mapper/%s would be the snapshot of %s", arguments->activate, session->origin.path);
    activate->name = arguments->activate;
    activate->origin_name = arguments->activate_origin;
    return activate_plan(activate, &session->origin, &session->cow, identified ? session->identity.store_id : NULL,
                         create_table_mode(session), session->layout.chunk_sectors, err);
}

int create_activate_load(struct create_session *session, int exit_status)
{
    const struct create_arguments *arguments = &session->arguments;
    struct snap_error err = {.status = SNAP_OK};

    if (!arguments->activate || arguments->dry_run || exit_status != CLI_EXIT_OK)
        return exit_status;
    if (activate_load(session->cli, &session->activate, &err) == SNAP_OK)
        return exit_status;
    exit_status = cli_fail(session->cli, &err);
    cli_line(session->cli, "The store is on %s, and is not active. To try again: snapcreate --activate %s --origin %s "
             "--cow %s", arguments->cow, arguments->activate, cli_quote(arguments->origin).text,
             cli_quote(arguments->cow).text);
    return exit_status;
}
