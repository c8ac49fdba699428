/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcheck: holds a store against the rules of its format and says where it breaks one; never writes. */
#include "tools/check/checks.h"
#include "tools/check/list_rules.h"
#include "tools/check/options.h"
#include "tools/check/report.h"
#include "tools/cli/cli.h"
#include "tools/shared/moved.h"
#include "tools/shared/report.h"
#include "tools/shared/sandbox.h"
#include "tools/shared/typed.h"
#include "tools/shared/volumes.h"

static int run(struct cli *cli)
{
    struct sandbox sandbox = {.count = 0}; /* nothing is written */
    struct check_session session = {
        .cli = cli,
        .findings = {.fn = check_report_finding, .context = &session, .per_rule_max = REPORT_PER_RULE_MAX},
    };
    struct device *const devices[] = {&session.cow, &session.origin};
    struct snap_error err = {0};
    int exit_status = check_options_take(cli, &session.arguments);

    if (exit_status != CLI_EXIT_OK)
        return exit_status;
    if (session.arguments.list_rules)
        return check_list_rules(cli, session.arguments.json);
    cli_catch_signals();
    sandbox_enter(&sandbox, cli);
    cli->reader_may_leave = true;
    if (session.arguments.all)
        session.findings.per_rule_max = 0;
    session.found = session.arguments.json ? cli_json_array() : NULL;
    if (volumes_open_for_reading(cli, &session.arguments.devices, &session.cow, session.arguments.cow, &session.origin,
                                 &session.arguments.origin, &session.store, &err) != SNAP_OK ||
        check_run(&session, &err) != SNAP_OK)
        exit_status = cli_fail(cli, &err);
    exit_status = moved_say_all(cli, devices, 2, exit_status);
    if (cli->failure.status == SNAP_OK) /* a store that was cut meanwhile is not what was checked */
        exit_status = check_report_end(&session, exit_status);
    cli_json_free(session.found);
    return devices_close_all(cli, devices, 2, exit_status);
}

static const char *const operand_names[] = {"COW"};

static const struct cli_program program = {
    .name = "snapcheck",
    .purpose = "Checks a device-mapper snapshot store.",
    .synopsis = "[--origin DEV] [OPTION...] COW",
    .run = run,
    .mean = typed_mean,
    .mean_missing = typed_mean_missing,
    .options = check_option_table,
    .operand_names = operand_names,
    .operands_max = 1,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
