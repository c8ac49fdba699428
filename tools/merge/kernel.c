/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of snapmerge --kernel: asks, lets the kernel merge, waits for it, and says how it went. */
#include "tools/merge/kernel.h"

#include "lib/base/clock.h"
#include "lib/device/dm_load.h"
#include "tools/cli/progress.h"
#include "tools/cli/quote.h"
#include "tools/merge/checks.h"
#include "tools/merge/report.h"
#include "tools/merge/undo.h"
#include "tools/shared/activate.h"
#include "tools/shared/invalid.h"
#include "tools/shared/kernel.h"
#include "tools/shared/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/sysmacros.h>

static enum snap_status ask(struct merge_session *session, struct snap_error *err)
{
    if (session->job.entries == 0 || session->arguments.yes || session->kernel.merging)
        return SNAP_OK;
    if (cli_ask_begin(session->cli))
        merge_report_devices(session);
    switch (cli_ask(session->cli, false, "Let the kernel merge now?")) {
    case CLI_ANSWER_YES:
    case CLI_ANSWER_NOBODY: /* a script: the refusals are its safety */
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
        break;
    }
    return snap_fail(err, SNAP_E_REFUSED, "not merged: you answered no");
}

/* A merge that is under way is not judged again: the store changes, and so does the origin. */
static enum snap_status prepare(struct merge_session *session, struct snap_error *err)
{
    struct pair pair = merge_pair(session, &session->cow, &session->store);
    struct snap_check_result *check = &session->check;
    enum snap_status status = activate_possible("while nothing uses the two, snapmerge without --kernel merges them",
                                                err);

    if (status == SNAP_OK)
        status = merge_kernel_find(session, err);
    pair.memory_bytes = memory_to_use_bytes(session->arguments.memory_bytes);
    if (status != SNAP_OK || session->kernel.merging) {
        session->evidence.pair.outcome = SNAP_PAIR_UNKNOWN;
        (void)snprintf(session->evidence.pair.text, sizeof session->evidence.pair.text,
                       "not judged: the kernel merges the two already");
        return status;
    }
    status = devices_origin_large_enough(&session->origin, session->cow.path, session->store.layout.chunk_bytes, err);
    if (status == SNAP_OK)
        status = merge_check_blocks(&session->origin, &session->store, err);
    if (status == SNAP_OK)
        status = merge_check_blocks(&session->cow, &session->store, err);
    if (status == SNAP_OK)
        status = activate_check(&pair, false, check, &session->evidence, err);
    session->job.entries = check->entries;
    session->job.total_bytes = check->merge_bytes;
    session->job.runs = check->runs;
    if (status == SNAP_OK)
        status = kernel_merge_check(&session->origin, &session->cow, check, err);
    if (status == SNAP_OK)
        status = merge_undo_check(session, err);
    if (status == SNAP_OK && !session->arguments.dry_run)
        status = ask(session, err);
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    return status;
}

static struct snap_dm_load_node base_node(const struct merge_session *session)
{
    return snap_dm_load_node(session->kernel.base_name);
}

static void say_take_over(struct merge_session *session, const char *option)
{
    cli_line(session->cli, "To take over without the kernel, once nothing uses %s: dmsetup remove %s && snapmerge%s "
             "--origin %s --cow %s", cli_quote(base_node(session).path).text,
             cli_quote(session->kernel.base_name).text, option, cli_quote(session->origin.path).text,
             cli_quote(session->cow.path).text);
}

/* The kernel gives a merge that has failed up, until its table is loaded anew. */
static void say_try_again(struct merge_session *session)
{
    const struct merge_kernel *kernel = &session->kernel;
    struct cli *cli = session->cli;

    cli_line(cli, "To try again with the kernel, once nothing uses %s: dmsetup load %s --table '0 %" PRIu64
             " snapshot-origin %u:%u' && dmsetup suspend %s && dmsetup resume %s && snapmerge --kernel --origin %s "
             "--cow %s", cli_quote(base_node(session).path).text, cli_quote(kernel->base_name).text,
             kernel->base_sectors, major(kernel->origin_number), minor(kernel->origin_number),
             cli_quote(kernel->base_name).text, cli_quote(kernel->base_name).text,
             cli_quote(session->origin.path).text, cli_quote(session->cow.path).text);
}

static void say_interrupted(struct merge_session *session, enum snap_status status)
{
    const struct merge_kernel *kernel = &session->kernel;
    struct cli *cli = session->cli;

    if (status == SNAP_E_CHANGED) {
        cli_line(cli, "To see what is left: snapinspect --origin %s %s", cli_quote(session->origin.path).text,
                 cli_quote(session->cow.path).text);
        return;
    }
    if (status == SNAP_E_INVALID) {
        cli_line(cli, "%s shows the origin as it is now, and no snapshot.", base_node(session).path);
        invalid_say_next(cli, &session->cow, &session->origin, false, "");
        return;
    }
    if (status != SNAP_E_STOPPED && session->result.entries_left == 0) {
        cli_line(cli, "All entries are merged. To give %s its last table, repeat the command.",
                 base_node(session).path);
        return;
    }
    cli_line(cli, "%s of the store %s left; %s shows the snapshot and can be used.",
             cli_count_text(session->result.entries_left, "entry", "entries").text,
             session->result.entries_left == 1 ? "is" : "are", base_node(session).path);
    if (status == SNAP_E_STOPPED) {
        cli_line(cli, "The kernel goes on with the merge. To look: dmsetup status %s. To wait for it again: snapmerge "
                 "--kernel --origin %s --cow %s", cli_quote(kernel->base_name).text,
                 cli_quote(session->origin.path).text, cli_quote(session->cow.path).text);
        say_take_over(session, "");
    } else {
        say_take_over(session, " --continue-on-error");
        say_try_again(session);
    }
}

static void say_done(struct merge_session *session)
{
    const struct snap_merge_result *result = &session->result;
    struct merge_kernel *kernel = &session->kernel;
    struct cli *cli = session->cli;

    if (result->entries_merged == 0)
        cli_note(cli, "%s: nothing was left to merge", session->cow.path);
    else
        cli_note(cli, "the kernel has merged %s (%s) from %s into %s in %s",
                 cli_count_text(result->entries_merged, "chunk", "chunks").text,
                 cli_size_text(result->written_bytes).text, session->cow.path, session->origin.path,
                 cli_pace_text(result->written_bytes, session->elapsed_ms).text);
    if (kernel->siblings > 0)
        cli_note(cli, "%s is a snapshot-origin as before: %s this origin", base_node(session).path,
                 cli_count_text(kernel->siblings, "other snapshot uses", "other snapshots use").text);
    else
        cli_note(cli, "%s is the origin alone now (a linear table), and can be used", base_node(session).path);
    cli_note(cli, "%s is a valid, empty store now and may be removed", session->cow.path);
}

static int run(struct merge_session *session)
{
    const struct snap_clock *clock = &snap_clock_system;
    const uint64_t start_ns = clock->now_ns(clock->context);
    struct cli_progress progress;
    struct snap_error err = {.status = SNAP_OK};
    enum snap_status status;

    session->result.entries_left = session->job.entries;
    cli_progress_begin(&progress, session->cli, session->origin.path, session->arguments.progress_json,
                       session->arguments.progress_seconds);
    status = merge_kernel_wait(session, &progress, &err);
    if (status == SNAP_OK)
        status = merge_kernel_finish(session, &err);
    session->elapsed_ms = (clock->now_ns(clock->context) - start_ns) / 1000000;
    cli_progress_end(&progress, cli_exit_outcome(status), cli_exit_status(status));
    if (status != SNAP_OK)
        (void)cli_fail(session->cli, &err);
    if (status == SNAP_OK)
        say_done(session);
    else
        say_interrupted(session, status);
    if (session->arguments.json)
        merge_report_json(session, NULL, cli_exit_outcome(status));
    return cli_exit_status(status);
}

static int show_plan(struct merge_session *session)
{
    const struct merge_kernel *kernel = &session->kernel;
    const struct snap_merge_result plan = {.written_bytes = session->job.total_bytes,
                                           .read_bytes = session->job.total_bytes};

    if (session->arguments.json) {
        merge_report_json(session, &plan, "planned");
        return CLI_EXIT_OK;
    }
    if (kernel->merging)
        cli_note(session->cli, "%s merges this store already; the run would wait for it",
                 base_node(session).path);
    else
        cli_note(session->cli, "the kernel would merge %s (%s) into %s, through %s%s%s",
                 cli_count_text(session->job.entries, "entry", "entries").text,
                 cli_size_text(session->job.total_bytes).text, session->origin.path, base_node(session).path,
                 kernel->has_snapshot ? ", and remove the snapshot " : "", kernel->snapshot_name);
    cli_nothing_written(session->cli);
    return CLI_EXIT_OK;
}

static int refuse(struct merge_session *session, const struct snap_error *err)
{
    const int exit_status = cli_refuse(session->cli, err);

    if (err->status == SNAP_E_INVALID)
        invalid_say_next(session->cli, &session->cow, &session->origin, false, "");
    return exit_status;
}

int merge_kernel(struct merge_session *session)
{
    struct merge_kernel *kernel = &session->kernel;
    struct snap_error err = {.status = SNAP_OK};
    bool touched;
    enum snap_status status = prepare(session, &err);

    if (status != SNAP_OK)
        return refuse(session, &err);
    if (session->arguments.dry_run)
        return show_plan(session);
    if (kernel->merging) {
        cli_note(session->cli, "%s merges this store already; this only waits for it", base_node(session).path);
        merge_kernel_drop_caches(session, false);
        if (kernel->snapshot_left)
            merge_kernel_remove_snapshot(session);
        return run(session);
    }
    if (kernel->in_use)
        cli_note(session->cli, "%s is in use: from now on its users see what the snapshot shows",
                 base_node(session).path);
    (void)cli_stop_hold(); /* the device is suspended meanwhile: this has to come to its end */
    status = merge_kernel_load(session, &touched, &err);
    cli_stop_release();
    if (status != SNAP_OK && !touched)
        return refuse(session, &err);
    if (status != SNAP_OK) {
        const int exit_status = cli_fail(session->cli, &err);

        cli_line(session->cli, "No entry of %s was merged.", session->arguments.cow);
        if (status == SNAP_E_INVALID)
            invalid_say_next(session->cli, &session->cow, &session->origin, false, "");
        return exit_status;
    }
    cli_note(session->cli, "%s shows the snapshot now, and can be used while the kernel merges",
             base_node(session).path);
    return run(session);
}
