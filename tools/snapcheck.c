/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcheck: holds a store against the rules of its format and says where it breaks one; mends what it is told to. */
#include "tools/check/checks.h"
#include "tools/check/list_rules.h"
#include "tools/check/old_bytes.h"
#include "tools/check/open.h"
#include "tools/check/options.h"
#include "tools/check/place.h"
#include "tools/check/repair.h"
#include "tools/check/repair_to.h"
#include "tools/check/report.h"
#include "tools/cli/cli.h"
#include "tools/shared/moved.h"
#include "tools/shared/report.h"
#include "tools/shared/sandbox.h"
#include "tools/shared/typed.h"

#include <stdlib.h>

/* A volume of LVM is no path. */
static void allow(struct sandbox *sandbox, const char *argument)
{
    sandbox_allow(sandbox, argument && devices_is_lvm(argument) ? NULL : argument);
}

/* What may be written to, if anything. */
static void enter_sandbox(struct check_session *session)
{
    const struct check_arguments *arguments = &session->arguments;
    const bool mends = check_options_mend(arguments) || arguments->asks;
    struct sandbox sandbox = {.count = 0};
    char *old_bytes = NULL;

    if (mends || arguments->put_back)
        allow(&sandbox, arguments->cow);
    if (mends && !arguments->save_old && !arguments->no_save_old)
        old_bytes = check_place_default(arguments->cow);
    allow(&sandbox, arguments->repair_to);
    held_allow(&session->held, &sandbox);
    sandbox_allow_replacing(&sandbox, old_bytes ? old_bytes : arguments->save_old);
    sandbox_enter(&sandbox, session->cli);
    free(old_bytes);
}

static enum snap_status work(struct check_session *session, enum snap_status held, struct snap_error *err)
{
    enum snap_status status = held == SNAP_OK ? check_open(session, err) : held, shown;

    if (status == SNAP_OK && session->arguments.put_back)
        return check_put_back(session, err);
    if (status == SNAP_OK) {
        status = check_run(session, err);
        shown = check_report_findings_end(session, status == SNAP_OK ? err : NULL);
        status = status == SNAP_OK ? shown : status;
    }
    if (status == SNAP_OK && session->arguments.repair_to)
        return check_repair_to(session, err);
    if (status == SNAP_OK && session->arguments.asks)
        return check_repair_ask(session, err);
    return status == SNAP_OK && check_options_mend(&session->arguments) ? check_repair(session, err) : status;
}

/* What a failure says depends on whether anything was written. */
static int fail(struct check_session *session, const struct snap_error *err)
{
    const bool writes =
        check_options_mend(&session->arguments) || session->arguments.put_back || session->arguments.repair_to;
    int exit_status;

    if (writes && !session->touched && !session->repair_to.begun) {
        exit_status = cli_refuse(session->cli, err);
        check_repair_refused(session, err);
        return exit_status;
    }
    exit_status = cli_fail(session->cli, err);
    if (session->touched)
        check_repair_failed(session);
    check_repair_to_failed(session);
    return exit_status;
}

static int run(struct cli *cli)
{
    struct check_session session = {
        .cli = cli,
        .findings = {.fn = check_report_finding, .context = &session, .per_rule_max = CHECK_RANGES_FINDINGS_MAX},
    };
    struct device *const devices[] = {&session.cow, &session.origin};
    struct snap_error err = {0};
    enum snap_status held;
    int exit_status = check_options_take(cli, &session.arguments);

    if (exit_status != CLI_EXIT_OK)
        return exit_status;
    if (session.arguments.list_rules)
        return check_list_rules(cli, session.arguments.json);
    cli_catch_signals();
    held = check_open_start(&session, &err);
    enter_sandbox(&session);
    cli->reader_may_leave =
        !check_options_mend(&session.arguments) && !session.arguments.asks && !session.arguments.repair_to;
    if (session.arguments.all)
        session.findings.per_rule_max = 0;
    session.found = session.arguments.json ? cli_json_array() : NULL;
    if (work(&session, held, &err) != SNAP_OK)
        exit_status = fail(&session, &err);
    exit_status = moved_say_all(cli, devices, 2, exit_status);
    if (cli->failure.status == SNAP_OK) /* a store that was cut meanwhile is not what was checked */
        exit_status = check_report_end(&session, exit_status);
    cli_json_free(session.found);
    files_free(&session.files);
    exit_status = devices_close_all(cli, devices, 2, exit_status);
    if (check_old_bytes_close(&session, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    if (check_repair_to_close(&session, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    snap_repair_free(&session.repair);
    check_open_end(&session);
    return exit_status;
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
    .rules = check_option_rules,
    .operand_names = operand_names,
    .operands_max = 1,
    .exit_1 = "all that was found is mended",
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
