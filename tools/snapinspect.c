/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapinspect: shows what is in a snapshot store, lists it, and reads the snapshot out of it; never writes to it. */
#include "lib/base/bytes.h"
#include "tools/cli/cli.h"
#include "tools/inspect/inspect.h"
#include "tools/shared/report.h"

#include <string.h>

static struct {
    const char *origin, *extract, *columns;
    bool list, raw, bytes, noheadings, json, dry_run;
} options;

static const struct cli_option option_table[] = {
    {.name = "origin",
     .argument = "DEV",
     .help = "the origin of the store: also show what is on it and\nin the view",
     .group = "Devices",
     .kind = CLI_STRING,
     .string = &options.origin},
    {.name = "list",
     .help = "list the ranges that the store holds",
     .group = "What to show",
     .kind = CLI_FLAG,
     .flag = &options.list},
    {.name = "extract",
     .argument = "FILE|-",
     .help = "write the view as a sparse image (needs --origin)",
     .group = "What to show",
     .kind = CLI_STRING,
     .string = &options.extract},
    {.name = "output",
     .letter = 'o',
     .argument = "COLS",
     .help = "columns of the list, separated by commas",
     .group = "Output",
     .kind = CLI_STRING,
     .string = &options.columns},
    {.name = "raw",
     .help = "print the list without padding",
     .group = "Output",
     .kind = CLI_FLAG,
     .flag = &options.raw},
    {.name = "bytes",
     .letter = 'b',
     .help = "print sizes and offsets in bytes",
     .group = "Output",
     .kind = CLI_FLAG,
     .flag = &options.bytes},
    {.name = "noheadings",
     .help = "print the list without headings",
     .group = "Output",
     .kind = CLI_FLAG,
     .flag = &options.noheadings},
    CLI_OPTION_JSON(&options.json),
    {.name = "dry-run",
     .letter = 'n',
     .help = "accepted as in the other programs; nothing is ever written\nto a store or an origin",
     .group = "Safety",
     .kind = CLI_FLAG,
     .flag = &options.dry_run},
    CLI_OPTIONS_END,
};

static const struct cli_option_rule option_rules[] = {
    {.name = "extract", .needs = "origin", .reason = "the view is the origin overlaid by the store"},
    {.name = "extract", .excludes = {"list", "json"}, .reason = "--extract makes an image and prints nothing"},
    {.name = "output", .needs = "list", .reason = "it names the columns of the list"},
    {.name = "raw", .needs = "list", .reason = "it changes how the list is printed"},
    {.name = "noheadings", .needs = "list", .reason = "it changes how the list is printed"},
    CLI_OPTION_RULES_END,
};

static const char *const operand_names[] = {"COW"};

/* The figures; a store that cannot be followed to its end has none, and says why. */
static enum snap_status look(struct inspect_session *session, struct snap_error *err)
{
    struct snap_check_options check_options = {.figures_only = true, .stop = cli_stop_asked};
    struct report_talk talk = {session->cli, session->cow.path};
    enum snap_status status;

    if (session->origin.io)
        check_options.origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES;
    session->findings = (struct snap_findings){.fn = report_finding_talk, .context = &talk, .per_rule_max = 1};
    status = snap_check(&session->store, &check_options, &session->findings, &session->result, err);
    session->evidence_known = session->origin.io && session->result.list_complete &&
                              session->findings.severity_counts[SNAP_CORRUPTING] == 0 &&
                              session->findings.severity_counts[SNAP_FATAL] == 0;
    if (status == SNAP_OK && session->evidence_known)
        status = snap_evidence_gather(&session->store, session->origin.io, &session->origin.facts, &session->evidence,
                                      err);
    return status;
}

static int show(struct inspect_session *session)
{
    const struct cli_table_style style = {options.columns, options.raw, options.noheadings};
    int exit_status = session->result.list_complete ? CLI_EXIT_OK : CLI_EXIT_STORE;
    struct snap_error err = {0};

    if (session->result.list_complete &&
        session->findings.severity_counts[SNAP_CORRUPTING] + session->findings.severity_counts[SNAP_FATAL] > 0)
        cli_warn(session->cli, "%s: the store is damaged; snapcheck %s shows all of it", session->cow.path,
                 session->cow.path);
    if (exit_status == CLI_EXIT_OK && options.extract)
        return inspect_extract(session, options.extract, &err) == SNAP_OK ? exit_status : cli_fail(session->cli, &err);
    if (exit_status == CLI_EXIT_OK && options.list)
        return inspect_list(session, &style, &err) == SNAP_OK ? exit_status : cli_fail(session->cli, &err);
    if (options.json)
        return inspect_print_json(session, exit_status);
    if (session->store.layout.chunk_sectors != 0)
        inspect_print_figures(session);
    return exit_status;
}

static int run(struct cli *cli)
{
    struct inspect_session session = {.cli = cli, .bytes = options.bytes, .json = options.json};
    struct snap_error err = {0};
    enum snap_status status;
    int exit_status;

    cli_catch_signals();
    status = devices_open_for_reading(&session.cow, cli->operands[0], &session.origin, options.origin, &session.store,
                                   &err);
    if (status == SNAP_OK)
        status = look(&session, &err);
    if (status != SNAP_OK)
        exit_status = cli_fail(cli, &err);
    else
        exit_status = show(&session);
    if (devices_close(&session.cow, &err) != SNAP_OK || devices_close(&session.origin, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    return exit_status;
}

static const struct cli_program program = {
    .name = "snapinspect",
    .purpose = "Shows what is in a device-mapper snapshot store.",
    .synopsis = "[--origin DEV] [OPTION...] COW",
    .run = run,
    .options = option_table,
    .rules = option_rules,
    .operand_names = operand_names,
    .operands_min = 1,
    .operands_max = 1,
    .columns = inspect_columns,
    .columns_count = INSPECT_COLUMNS,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
