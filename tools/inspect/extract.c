/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hands a run of snapinspect with --extract to what writes snapshots elsewhere, and prints its result as JSON. */
#include "tools/inspect/extract.h"

#include "tools/cli/result.h"
#include "tools/inspect/figures.h"
#include "tools/output/damaged.h"
#include "tools/output/place.h"
#include "tools/output/prepare.h"
#include "tools/output/report.h"
#include "tools/output/run.h"
#include "tools/shared/memory.h"
#include "tools/shared/moved.h"
#include "tools/shared/report.h"

static struct output_arguments arguments_of(const struct inspect_session *session)
{
    const struct inspect_arguments *given = &session->arguments;

    return (struct output_arguments){
        .option = "--extract",
        .origin = given->origin,
        .cow = given->cow,
        .devices = &given->devices,
        .place = given->extract,
        .dry_run = given->dry_run,
        .yes = given->yes,
        .json = given->json,
        .verify = given->verify,
        .progress_json = given->progress_json,
        .accept = given->accept,
        .skip = (enum output_skip)given->skip_damaged,
        .memory_bytes = memory_to_use_bytes(given->memory_bytes),
        .rate_bytes = given->rate_limit_bytes,
        .progress_seconds = given->progress_seconds,
    };
}

/* The figures that snapinspect gives without --extract, and what became of the output. */
static void keep_json(struct inspect_session *session, const struct output_session *output, const char *outcome)
{
    struct cli_json *document = report_json_begin(session->cli, session->cow.path, session->origin.path);
    struct cli_json *result = cli_json_object();

    session->result = output->check;
    session->evidence = output->evidence;
    session->evidence_known = true;
    cli_json_set_string(result, "outcome", outcome);
    inspect_figures_set(result, session);
    cli_json_set_uint(result, "elapsed_ms", output->elapsed_ms);
    output_report_json(result, output);
    cli_json_set(document, "result", result);
    cli_result_keep(session->cli, document);
}

int inspect_extract(struct inspect_session *session)
{
    struct output_session output = {
        .cli = session->cli,
        .arguments = arguments_of(session),
        .origin = &session->origin,
        .cow = &session->cow,
        .store = &session->store,
    };
    struct snap_error err = {0};
    const char *outcome;
    int exit_status;

    if (output_prepare(&output, &err) != SNAP_OK) {
        exit_status = cli_refuse(session->cli, &err);
    } else {
        exit_status = output_run(&output, &outcome);
        if (session->arguments.json && outcome)
            keep_json(session, &output, outcome);
    }
    exit_status = moved_say(session->cli, &output.target, true, exit_status);
    if (output_place_close(&output, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(session->cli, &err));
    output_damaged_free(&output);
    return exit_status;
}
