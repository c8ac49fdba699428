/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands a run of snapmerge with --output to what writes snapshots elsewhere, and prints its result as JSON. */
#include "tools/merge/output.h"

#include "tools/merge/report.h"
#include "tools/output/prepare.h"
#include "tools/output/run.h"

static struct output_arguments arguments_of(const struct merge_session *session)
{
    const struct merge_arguments *given = &session->arguments;

    return (struct output_arguments){
        .option = "--output",
        .origin = given->origin,
        .cow = given->cow,
        .devices = &given->devices,
        .place = given->output,
        .dry_run = given->dry_run,
        .yes = given->yes,
        .json = given->json,
        .verify = given->verify,
        .progress_json = given->progress_json,
        .accept = given->accept,
        .memory_bytes = session->options.memory_bytes,
        .rate_bytes = session->options.rate_bytes,
        .rate_requests = session->options.rate_requests,
        .progress_seconds = given->progress_seconds,
        .io = merge_options_io(given, false, false),
    };
}

/* What the report of a merge has as well: nothing of the list is merged, and the COW stays as it is. */
static void take_figures(struct merge_session *session)
{
    session->check = session->output.check;
    session->evidence = session->output.evidence;
    session->elapsed_ms = session->output.elapsed_ms;
    session->job.entries = session->check.entries;
    session->job.total_bytes = session->check.merge_bytes;
    session->options.keep_cow = true;
    session->result.entries_left = session->check.entries;
}

int merge_output(struct merge_session *session)
{
    struct output_session *output = &session->output;
    struct snap_error err = {0};
    const char *outcome;
    int exit_status;

    output->cli = session->cli;
    output->arguments = arguments_of(session);
    output->origin = &session->origin;
    output->cow = &session->cow;
    output->store = &session->store;
    output->held = &session->held;
    if (output_prepare(output, &err) != SNAP_OK)
        return cli_refuse(session->cli, &err);
    exit_status = output_run(output, &outcome);
    if (session->arguments.json && outcome) {
        take_figures(session);
        merge_report_json(session, NULL, outcome);
    }
    return exit_status;
}
