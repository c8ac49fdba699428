/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge: merges a snapshot store into its origin; every check comes before the first write. */
#include "tools/cli/cli.h"
#include "tools/merge/hold.h"
#include "tools/merge/kernel.h"
#include "tools/merge/open.h"
#include "tools/merge/options.h"
#include "tools/merge/output.h"
#include "tools/merge/prepare.h"
#include "tools/merge/run.h"
#include "tools/merge/tune.h"
#include "tools/output/stream.h"
#include "tools/shared/lvm_merge.h"
#include "tools/shared/sandbox.h"
#include "tools/shared/typed.h"

/* Of a volume of LVM, its physical volumes are what is written to. */
static void allow(struct sandbox *sandbox, const char *argument)
{
    sandbox_allow(sandbox, argument && devices_is_lvm(argument) ? NULL : argument);
}

/* From here on, only what this command writes to can be written to. */
static void confine(struct merge_session *session)
{
    const struct merge_arguments *arguments = &session->arguments;
    struct sandbox sandbox = {.count = 0};

    allow(&sandbox, arguments->origin);
    allow(&sandbox, arguments->cow);
    allow(&sandbox, arguments->undo);
    allow(&sandbox, output_stream_is(arguments->output) ? NULL : arguments->output);
    for (unsigned i = 0; i < arguments->preserve.count; i++)
        allow(&sandbox, arguments->preserve.items[i]);
    sandbox_allow_replacing(&sandbox, arguments->checkpoint);
    sandbox_allow_replacing(&sandbox, arguments->bad_list);
    held_allow(&session->held, &sandbox);
    sandbox.tables = arguments->kernel;
    sandbox_enter(&sandbox, session->cli);
}

/* A store that is invalid is never merged; LVM may be stuck with it. */
static int refuse(const struct merge_session *session, const struct snap_error *err)
{
    const int exit_status = cli_refuse(session->cli, err);

    if (session->cow.lvm_merging && session->store.defect == SNAP_HEADER_INVALID)
        lvm_merge_say_ways_out(session->cli, session->cow.path, session->origin.path,
                               volumes_option(&session->arguments.devices).text);
    return exit_status;
}

static int run(struct cli *cli)
{
    struct merge_session session = {.cli = cli};
    struct snap_error err = {0};
    int exit_status = merge_options_take(cli, &session.arguments);
    enum snap_status held;

    if (exit_status != CLI_EXIT_OK)
        return exit_status;
    cli_catch_signals();
    merge_tune_start(&session);
    held = merge_hold_start(&session, &err);
    confine(&session);
    if (held != SNAP_OK)
        exit_status = cli_refuse(cli, &err);
    else if (session.arguments.kernel)
        exit_status = merge_kernel(&session);
    else if (session.arguments.output)
        exit_status = merge_output(&session);
    else if (merge_prepare(&session, &err) != SNAP_OK)
        exit_status = refuse(&session, &err);
    else if (session.arguments.dry_run)
        exit_status = merge_run_dry(&session);
    else
        exit_status = merge_run(&session);
    return merge_close(&session, exit_status);
}

static const struct cli_program program = {
    .name = "snapmerge",
    .purpose = "Merges a device-mapper snapshot store into its origin.",
    .synopsis = "--origin DEV --cow DEV [OPTION...]",
    .run = run,
    .mean = typed_mean,
    .mean_missing = typed_mean_missing,
    .options = merge_option_table,
    .rules = merge_option_rules,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
