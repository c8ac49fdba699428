/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge does once nothing refuses any more, and what it says at the end. */
#include "tools/merge/run.h"

#include "lib/base/clock.h"
#include "tools/cli/progress.h"
#include "tools/merge/bad_list.h"
#include "tools/merge/keep_cow.h"
#include "tools/merge/next.h"
#include "tools/merge/places.h"
#include "tools/merge/preserve.h"
#include "tools/merge/report.h"
#include "tools/merge/side_files.h"
#include "tools/merge/undo.h"

/*
 * ---- the plan --------------------------------------------------------------------------------------------------
 */

int merge_run_dry(struct merge_session *session)
{
    struct snap_merge_result plan;
    struct snap_error err = {0};

    if (snap_merge_dry_run(&session->store, session->origin.io, &session->job, &session->options, &plan, &err) !=
        SNAP_OK)
        return cli_refuse(session->cli, &err);
    if (session->arguments.json) {
        merge_report_json(session, &plan, "planned");
        return CLI_EXIT_OK;
    }
    merge_report_plan(session, &plan);
    merge_preserve_print(session);
    merge_undo_print(session);
    cli_nothing_written(session->cli);
    return CLI_EXIT_OK;
}

/*
 * ---- into the origin -------------------------------------------------------------------------------------------
 */

static void show_progress(void *context, const struct snap_merge_progress *progress)
{
    cli_progress_update(context, "merge", progress->done_bytes, progress->total_bytes);
}

/* What the merge says at its end, whichever that is. */
static int show_end(struct merge_session *session, enum snap_status status, int exit_status, const char *outcome)
{
    exit_status = cli_exit_worse(exit_status, merge_bad_show(session, status == SNAP_OK));
    exit_status = merge_places_say(session, exit_status);
    merge_preserve_show(session);
    if (status == SNAP_OK)
        merge_report_done(session);
    else
        merge_report_interrupted(session);
    exit_status = cli_exit_worse(exit_status, merge_next_take_back(session));
    if (session->arguments.json)
        merge_report_json(session, NULL, outcome);
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
        cli_line(session->cli, "The merge itself is complete; only the mark that it is under way could not be "
                 "removed. If a later merge of this store asks for its undo store, add --accept=undo.");
    return show_end(session, status, exit_status, outcome);
}

/* A failure before the first write to the origin; other files may be there, or have a new content, by now. */
static int fail_to_begin(struct merge_session *session, const struct snap_error *err)
{
    const int exit_status = cli_fail(session->cli, err);

    merge_side_files_show(session);
    cli_line(session->cli, "Nothing was written to %s, and no entry of %s was changed.", session->origin.path,
             session->cow.path);
    return exit_status;
}

/* The first writes, none of them to the origin or the list: other stores, the undo store, marks in headers. */
static enum snap_status begin(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = merge_undo_begin(session, err);

    return status == SNAP_OK ? merge_preserve_begin(session, err) : status;
}

int merge_run(struct merge_session *session)
{
    struct snap_merge *prepared = NULL;
    struct snap_error err = {0};
    int exit_status;

    if (snap_merge_prepare(&prepared, &session->store, session->origin.io, &session->job, &session->options, &err) !=
            SNAP_OK ||
        merge_keep_cow_begin(session, &err) != SNAP_OK || merge_bad_begin(session, &err) != SNAP_OK) {
        exit_status = merge_side_files_written(session) ? fail_to_begin(session, &err) : cli_refuse(session->cli, &err);
    } else if (begin(session, &err) != SNAP_OK) {
        exit_status = fail_to_begin(session, &err);
    } else {
        exit_status = run_merge(session, prepared);
    }
    snap_merge_release(prepared);
    return exit_status;
}
