/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcreate: makes a store for an origin, or lets one that is there remember its origin. */
#include "tools/cli/cli.h"
#include "tools/create/activate.h"
#include "tools/create/hold.h"
#include "tools/create/identify.h"
#include "tools/create/options.h"
#include "tools/create/plan.h"
#include "tools/create/report.h"
#include "tools/create/table.h"
#include "tools/create/write.h"
#include "tools/shared/moved.h"
#include "tools/shared/sandbox.h"
#include "tools/shared/typed.h"

static enum snap_status create(struct create_session *session, struct snap_error *err)
{
    enum snap_status status = create_activate_possible(session, err);

    if (status == SNAP_OK)
        status = create_hold_ask(session, err);
    if (status == SNAP_OK)
        status = create_table_plan(session, err);
    if (status == SNAP_OK && !session->tables_only)
        status = create_plan(session, err);
    if (status == SNAP_OK)
        status = create_activate_plan(session, err);
    if (status == SNAP_OK && session->arguments.table_given)
        status = create_table_make(session, err);
    if (status != SNAP_OK || session->tables_only)
        return status;
    create_report_room(session);
    return session->arguments.dry_run ? SNAP_OK : create_write(session, err);
}

static int identify(struct create_session *session)
{
    struct snap_error err = {0};

    if (create_hold_ask(session, &err) == SNAP_OK && create_identify(session, &err) == SNAP_OK)
        return create_identify_end(session);
    return session->touched ? create_identify_failed(session, &err) : cli_refuse(session->cli, &err);
}

/* A new image that did not become whole is no store, wherever it is. */
static int say_places(struct create_session *session, int exit_status)
{
    struct device *const devices[] = {&session->cow, &session->origin, &session->newer};
    const bool no_store = session->image && !session->image->placed;

    exit_status = moved_say_all(session->cli, devices + no_store, 3u - no_store, exit_status);
    create_table_renew(session);
    return exit_status;
}

static int run(struct cli *cli)
{
    struct create_session session = {.cli = cli};
    struct sandbox sandbox = {.count = 0};
    struct device *const cow[] = {&session.cow}, *const sources[] = {&session.newer, &session.origin};
    struct snap_error err = {0};
    int exit_status = create_options_take(cli, &session.arguments);
    enum snap_status held;

    if (exit_status != CLI_EXIT_OK)
        return exit_status;
    cli_catch_signals();
    held = create_hold_start(&session, &err);
    sandbox_allow(&sandbox, devices_is_lvm(session.arguments.cow) ? NULL : session.arguments.cow);
    held_allow(&session.held, &sandbox);
    sandbox.tables = session.arguments.activate;
    sandbox_enter(&sandbox, cli);
    if (held != SNAP_OK) {
        exit_status = cli_refuse(cli, &err);
    } else if (session.arguments.identify) {
        exit_status = identify(&session);
    } else if (create(&session, &err) == SNAP_OK) {
        exit_status = say_places(&session, exit_status);
        create_report_end(&session);
        create_hold_say_end(&session);
    } else {
        exit_status = session.touched ? create_write_failed(&session, &err) : cli_refuse(cli, &err);
    }
    exit_status = say_places(&session, exit_status);
    exit_status = devices_close_all(cli, cow, 1, exit_status);
    if (create_write_close(&session, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    exit_status = devices_close_all(cli, sources, 2, exit_status);
    create_hold_end(&session);
    return create_activate_load(&session, exit_status);
}

static const struct cli_program program = {
    .name = "snapcreate",
    .purpose = "Makes a device-mapper snapshot store.",
    .synopsis = "--origin DEV --cow DEV [OPTION...]",
    .run = run,
    .mean = typed_mean_new,
    .mean_missing = typed_mean_missing,
    .options = create_option_table,
    .rules = create_option_rules,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
