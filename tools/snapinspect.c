/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapinspect: shows what is in a snapshot store, lists it, and reads the snapshot out of it; never writes to it. */
#include "tools/cli/cli.h"
#include "tools/inspect/activate.h"
#include "tools/inspect/extract.h"
#include "tools/inspect/figures.h"
#include "tools/inspect/group_rows.h"
#include "tools/inspect/groups.h"
#include "tools/inspect/list.h"
#include "tools/inspect/options.h"
#include "tools/inspect/system.h"
#include "tools/inspect/system_table.h"
#include "tools/shared/moved.h"
#include "tools/shared/pair.h"
#include "tools/shared/report.h"
#include "tools/output/stream.h"
#include "tools/shared/sandbox.h"
#include "tools/shared/typed.h"
#include "tools/shared/volumes.h"

static enum snap_status open_and_look(struct inspect_session *session, struct snap_error *err)
{
    enum snap_status status = volumes_open_for_reading(session->cli, &session->arguments.devices, &session->cow,
                                                       session->arguments.cow, &session->origin,
                                                       &session->arguments.origin, &session->store, err);

    if (status == SNAP_OK)
        status = inspect_figures_gather(session, err);
    return status == SNAP_OK && !session->arguments.list ? inspect_figures_gather_whole(session, err) : status;
}

/* Where the list cannot be followed to its end, there is nothing to list; a list that is damaged is listed. */
static int show(struct inspect_session *session)
{
    const bool complete = session->result.list_complete;
    const bool lost = session->evidence_known && session->evidence.pair.list_lost;
    const int exit_status = pair_is_only_cut(&session->findings, &session->result)    ? CLI_EXIT_FAILED
                            : complete && report_is_sound(&session->findings) && !lost ? CLI_EXIT_OK
                                                                                     : CLI_EXIT_STORE;
    struct snap_error err = {0};

    if (session->cli->failure.status != SNAP_OK)
        return CLI_EXIT_FAILED; /* a store that was cut meanwhile is not what was looked at */
    inspect_figures_warn(session);
    if (complete && session->arguments.list)
        return inspect_list(session, &err) == SNAP_OK ? exit_status : cli_fail(session->cli, &err);
    if (session->arguments.json)
        inspect_figures_json(session);
    else
        inspect_figures_print(session);
    return exit_status;
}

static int look(struct inspect_session *session)
{
    struct device *const devices[] = {&session->cow, &session->origin};
    struct snap_error err = {0};
    int exit_status;

    if (open_and_look(session, &err) != SNAP_OK)
        return cli_fail(session->cli, &err);
    exit_status = moved_say_all(session->cli, devices, 2, CLI_EXIT_OK);
    return cli_exit_worse(exit_status, show(session));
}

static int run(struct cli *cli)
{
    struct inspect_session session = {.cli = cli};
    struct sandbox sandbox = {.count = 0};
    struct device *const devices[] = {&session.cow, &session.origin};
    struct snap_error err = {0};
    int exit_status = inspect_options_take(cli, &session.arguments);

    if (exit_status != CLI_EXIT_OK)
        return exit_status;
    cli_catch_signals();
    sandbox_allow(&sandbox, output_stream_is(session.arguments.extract) ? NULL : session.arguments.extract);
    sandbox.tables = session.arguments.activate;
    sandbox_enter(&sandbox, cli);
    cli->reader_may_leave = !session.arguments.extract;
    if (session.arguments.extract)
        exit_status = inspect_extract(&session);
    else if (session.arguments.system)
        exit_status = inspect_system(&session);
    else if (session.arguments.activate)
        exit_status = inspect_activate(&session);
    else if (session.arguments.lvm)
        exit_status = inspect_groups(&session, &err) == SNAP_OK ? CLI_EXIT_OK : cli_fail(cli, &err);
    else
        exit_status = look(&session);
    return devices_close_all(cli, devices, 2, moved_say_all(cli, devices, 2, exit_status));
}

static const char *const operand_names[] = {"COW"};

static const struct cli_column_set tables[] = {
    {"--list", inspect_columns, INSPECT_COLUMNS},
    {"--lvm", inspect_group_columns, INSPECT_GROUP_COLUMNS},
    {"--system", inspect_system_columns, INSPECT_SYSTEM_COLUMNS},
    CLI_COLUMN_SETS_END,
};

static const struct cli_program program = {
    .name = "snapinspect",
    .purpose = "Shows what is in a device-mapper snapshot store.",
    .synopsis = "[--origin DEV] [OPTION...] COW",
    .run = run,
    .mean = typed_mean,
    .mean_missing = typed_mean_missing,
    .options = inspect_option_table,
    .rules = inspect_option_rules,
    .operand_names = operand_names,
    .operands_max = 1,
    .tables = tables,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
