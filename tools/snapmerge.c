/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge: merges a snapshot store into its origin; every check comes before the first write. */
#include "lib/base/clock.h"
#include "tools/cli/cli.h"
#include "tools/cli/progress.h"
#include "tools/merge/bad_list.h"
#include "tools/merge/checks.h"
#include "tools/merge/guard.h"
#include "tools/merge/keep_cow.h"
#include "tools/merge/output.h"
#include "tools/merge/preserve.h"
#include "tools/merge/report.h"
#include "tools/merge/tune.h"
#include "tools/merge/undo.h"

#include <inttypes.h>
#include <string.h>

static enum snap_status open_devices(struct merge_session *session, struct snap_error *err)
{
    const struct snap_file_options origin_options = {
        .write = !session->arguments.dry_run && !session->arguments.output,
        .exclusive = !session->arguments.output, /* a dry run foresees that the device is in use */
        .engine = (enum snap_io_engine)session->arguments.io_engine,
        .queue_depth = (unsigned)session->arguments.queue_depth,
    };
    struct snap_file_options cow_options = origin_options;
    enum snap_status status = devices_find(&session->cow, session->arguments.cow, err);

    cow_options.write = origin_options.write && !session->arguments.keep_cow;
    if (status == SNAP_OK)
        status = devices_find(&session->origin, session->arguments.origin, err);
    if (status == SNAP_OK)
        status = devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK)
        status = devices_open(&session->cow, &cow_options, err);
    if (status == SNAP_OK) {
        status = devices_open(&session->origin, &origin_options, err);
        if (status != SNAP_OK)
            return merge_guard_snapshots(session, status, err);
    }
    devices_warn_hidden(session->cli, &session->cow);
    devices_warn_hidden(session->cli, &session->origin);
    if (status == SNAP_OK)
        status = devices_read_store(&session->store, &session->cow, &session->origin, err);
    return status == SNAP_OK ? snap_header_fail_defect(&session->store, err) : status;
}

static enum snap_status ask(struct merge_session *session, struct snap_error *err)
{
    if ((session->job.entries == 0 && !session->arguments.output) || session->arguments.yes)
        return SNAP_OK;
    if (cli_can_ask(session->cli))
        merge_show_devices(session);
    switch (cli_ask(session->cli, false, session->arguments.output ? "Write it now?" : "Merge now?")) {
    case CLI_ANSWER_YES:
    case CLI_ANSWER_NOBODY: /* a script: the refusals above are its safety */
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
        break;
    }
    return snap_fail(err, SNAP_E_REFUSED, "not merged: you answered no");
}

/* What only matters where the origin is written to. */
static enum snap_status prepare_merge(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    if (devices_tail_bytes(&session->origin) > 0)
        cli_note(session->cli, "%s: the last %" PRIu64 " bytes are not a whole sector; they are not part of the snapshot and stay",
                 session->origin.path, devices_tail_bytes(&session->origin));
    if (session->arguments.keep_cow)
        status = merge_kept_prepare(session, err);
    if (status == SNAP_OK)
        status = merge_preserve_prepare(session, err);
    if (status == SNAP_OK)
        status = merge_undo_check(session, err);
    if (status == SNAP_OK)
        status = merge_undo_prepare(session, err);
    if (status == SNAP_OK && session->arguments.continue_on_error)
        status = merge_bad_prepare(session, err);
    merge_preserve_share_memory(session);
    return status;
}

/* Everything that can refuse; no write happens in here. */
static enum snap_status prepare(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = open_devices(session, err);

    if (status == SNAP_OK && !session->arguments.output)
        status = merge_check_blocks(&session->origin, &session->store, err);
    if (status == SNAP_OK && !session->arguments.output && !session->arguments.keep_cow)
        status = merge_check_blocks(&session->cow, &session->store, err);
    if (status == SNAP_OK && !session->arguments.output)
        status = merge_tune_devices(session, err);
    if (status == SNAP_OK)
        status = merge_check_list(session, &session->cow, &session->store, &session->check, err);
    session->job.entries = session->check.entries;
    session->job.total_bytes = session->check.merge_bytes;
    session->job.runs = session->check.runs;
    if (status == SNAP_OK)
        status = merge_check_identity(session, &session->cow, &session->store, &session->evidence, err);
    if (status == SNAP_OK)
        status = merge_check_cut(session, &session->cow, &session->store, &session->check, false,
                                 &session->job.leftover_areas_end, err);
    if (status == SNAP_OK)
        status = session->arguments.output ? merge_output_prepare(session, session->arguments.output, err)
                                        : prepare_merge(session, err);
    if (status == SNAP_OK && !session->arguments.dry_run)
        status = ask(session, err);
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    return status == SNAP_OK ? merge_guard_sizes(session, err) : status;
}

/* The first writes, none of them to the origin or the list: other stores, the undo store, marks in headers. */
static enum snap_status begin(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = merge_undo_begin(session, err);

    return status == SNAP_OK ? merge_preserve_begin(session, err) : status;
}

static int dry_run(struct merge_session *session)
{
    struct snap_merge_result plan;
    struct snap_error err = {0};

    if (session->arguments.output)
        return merge_output_dry_run(session);
    if (snap_merge_dry_run(&session->store, session->origin.io, &session->job, &session->options, &plan, &err) !=
        SNAP_OK)
        return cli_refuse(session->cli, &err);
    if (session->arguments.json)
        return merge_print_json(session, &plan, "planned", CLI_EXIT_OK);
    merge_print_plan(session, &plan);
    merge_preserve_print(session);
    merge_undo_print(session);
    cli_nothing_written(session->cli);
    return CLI_EXIT_OK;
}

static void show_progress(void *context, const struct snap_merge_progress *progress)
{
    cli_progress_update(context, "merge", progress->done_bytes, progress->total_bytes);
}

/* What the merge says at its end, whichever that is. */
static int show_end(struct merge_session *session, enum snap_status status, int exit_status, const char *outcome)
{
    exit_status = cli_exit_worse(exit_status, merge_bad_show(session, status == SNAP_OK));
    merge_preserve_show(session);
    if (status == SNAP_OK)
        merge_show_done(session);
    else
        merge_show_interrupted(session);
    exit_status = cli_exit_worse(exit_status, merge_undo_show(session));
    if (session->arguments.json)
        exit_status = merge_print_json(session, NULL, outcome, exit_status);
    return exit_status;
}

static int run_merge(struct merge_session *session, struct snap_merge *prepared)
{
    const struct snap_clock *clock = &snap_clock_system;
    const uint64_t start_ns = clock->now_ns(clock->context);
    struct cli_progress progress;
    struct snap_error err = {0};
    enum snap_status status, end_status = SNAP_OK;
    const char *outcome;
    int exit_status;

    cli_progress_begin(&progress, session->cli, session->origin.path, session->arguments.progress_json,
                       session->arguments.progress_seconds);
    session->options.progress = show_progress;
    session->options.progress_context = &progress;
    status = snap_merge_run(prepared, &session->result, &err);
    if (status == SNAP_OK)
        end_status = merge_undo_end(session, &err);
    session->elapsed_ms = (clock->now_ns(clock->context) - start_ns) / 1000000;

    exit_status = cli_exit_worse(cli_exit_status(status), cli_exit_status(end_status));
    outcome = cli_exit_outcome(status);
    if (status == SNAP_OK && session->result.bad_entries > 0) {
        exit_status = cli_exit_worse(CLI_EXIT_STORE, exit_status);
        outcome = "incomplete";
    }
    cli_progress_end(&progress, outcome, exit_status);
    if (status != SNAP_OK || end_status != SNAP_OK)
        (void)cli_fail(session->cli, &err);
    if (end_status != SNAP_OK)
        cli_line(session->cli, "The merge itself is complete; only the mark that it is under way could not be removed.");
    return show_end(session, status, exit_status, outcome);
}

/* A failure before the first write to the origin; other files may be there, or have a new content, by now. */
static int fail_to_begin(struct merge_session *session, const struct snap_error *err)
{
    const struct snap_replace *files[] = {session->keep_cow.file, session->bad.file};
    const int exit_status = cli_fail(session->cli, err);

    for (size_t i = 0; i < 2; i++)
        if (files[i] && files[i]->written)
            cli_line(session->cli, "%s was written.", files[i]->folder->path);
    cli_line(session->cli, "Nothing was written to %s, and no entry of %s was changed.", session->origin.path,
             session->cow.path);
    return exit_status;
}

static bool side_file_written(const struct merge_session *session)
{
    return (session->keep_cow.file && session->keep_cow.file->written) ||
           (session->bad.file && session->bad.file->written);
}

static int merge(struct merge_session *session)
{
    struct snap_merge *prepared = NULL;
    struct snap_error err = {0};
    int exit_status;

    if (snap_merge_prepare(&prepared, &session->store, session->origin.io, &session->job, &session->options, &err) !=
            SNAP_OK ||
        merge_kept_begin(session, &err) != SNAP_OK || merge_bad_begin(session, &err) != SNAP_OK) {
        exit_status = side_file_written(session) ? fail_to_begin(session, &err) : cli_refuse(session->cli, &err);
    } else if (begin(session, &err) != SNAP_OK) {
        exit_status = fail_to_begin(session, &err);
    } else {
        exit_status = run_merge(session, prepared);
    }
    snap_merge_release(prepared);
    return exit_status;
}

static int run(struct cli *cli)
{
    struct merge_session session = {.cli = cli};
    struct snap_error err = {0};
    int exit_status;

    exit_status = merge_options_take(cli, &session.arguments);
    if (exit_status != CLI_EXIT_OK)
        return exit_status;
    cli_catch_signals();
    merge_tune_start(&session);
    if (prepare(&session, &err) != SNAP_OK)
        exit_status = cli_refuse(cli, &err);
    else
        exit_status = session.arguments.dry_run  ? dry_run(&session)
                      : session.arguments.output ? merge_output(&session)
                                               : merge(&session);
    merge_bad_free(&session);
    merge_kept_free(&session);
    snap_folder_close(session.undo.folder);
    exit_status = merge_preserve_close(&session, exit_status);
    if (merge_output_close(&session.output, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    if (devices_close(&session.cow, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    if (devices_close(&session.origin, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    return exit_status;
}

static const struct cli_program program = {
    .name = "snapmerge",
    .purpose = "Merges a device-mapper snapshot store into its origin.",
    .synopsis = "--origin DEV --cow DEV [OPTION...]",
    .run = run,
    .options = merge_option_table,
    .rules = merge_option_rules,
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
