/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge: merges a snapshot store into its origin; every check comes before the first write. */
#include "arith.h"
#include "cli.h"
#include "compare.h"
#include "merge_bad.h"
#include "merge_kept.h"
#include "merge_options.h"
#include "merge_report.h"
#include "merge_tune.h"
#include "progress.h"
#include "report.h"
#include "size.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static enum snap_status open_devices(struct merge_session *session, struct snap_error *err)
{
    const struct snap_io_file_options origin_options = {
        .write = !merge_arguments.dry_run,
        .engine = (enum snap_io_engine)merge_arguments.io_engine,
        .queue_depth = (unsigned)merge_arguments.queue_depth,
    };
    struct snap_io_file_options cow_options = origin_options;
    enum snap_status status = tool_device_find(&session->cow, merge_arguments.cow, err);

    cow_options.write = !merge_arguments.dry_run && !merge_arguments.keep_cow;
    cow_options.exclusive = !merge_arguments.dry_run;

    if (status == SNAP_OK)
        status = tool_device_find(&session->origin, merge_arguments.origin, err);
    if (status == SNAP_OK)
        status = tool_devices_distinct(&session->origin, &session->cow, err);
    if (status == SNAP_OK)
        status = tool_device_open(&session->cow, &cow_options, err);
    if (status == SNAP_OK)
        status = tool_device_open(&session->origin, &origin_options, err);
    if (status == SNAP_OK)
        status = tool_read_store(&session->store, &session->cow, &session->origin, err);
    return status == SNAP_OK ? snap_store_fail_defect(&session->store, err) : status;
}

/* A block cannot be written in part: such a pair can be read, but not merged (format 1.2: nor by the kernel). */
static enum snap_status check_blocks(const struct merge_session *session, struct snap_error *err)
{
    const struct tool_device *devices[] = {&session->origin, &session->cow};

    for (size_t i = 0; i < (merge_arguments.keep_cow ? 1 : 2); i++)
        if (session->store.layout.chunk_bytes < devices[i]->io->logical_block_bytes)
            return snap_fail(err, SNAP_E_UNSUPPORTED,
                             "%s: logical blocks of %" PRIu32 " bytes, but the store's chunks have %" PRIu64
                             ": they can be read, not written",
                             devices[i]->path, devices[i]->io->logical_block_bytes, session->store.layout.chunk_bytes);
    return SNAP_OK;
}

/* What only matters for further writes to the snapshot is not said: there will be none. */
static enum snap_status talk_finding(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    if (finding->rule == SNAP_RULE_STORE_FULL || finding->rule == SNAP_RULE_NO_ROOM)
        return SNAP_OK;
    return report_finding_talk(context, finding, err);
}

/* The whole list against the rules; what is found above a note has been said when this returns. */
static enum snap_status check_list(struct merge_session *session, struct snap_error *err)
{
    const struct snap_check_options check_options = {
        .origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES,
        .origin_block_bytes = session->origin.io->logical_block_bytes,
        .memory_bytes = session->options.memory_bytes,
        .stop = tool_stop,
    };
    struct report_talk talk = {session->cli, session->cow.path};
    enum snap_status status;

    session->findings = (struct snap_findings){
        .fn = talk_finding, .context = &talk, .per_rule_max = REPORT_PER_RULE_MAX};
    status = snap_check(&session->store, &check_options, &session->findings, &session->check, err);
    if (status != SNAP_OK)
        return status;
    report_talk_rest(session->cli, session->cow.path, &session->findings);
    if (session->findings.severity_counts[SNAP_CORRUPTING] + session->findings.severity_counts[SNAP_FATAL] > 0)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: the store is damaged and was not merged; snapcheck --origin %s %s "
                         "shows all of it", session->cow.path, session->origin.path, session->cow.path);
    session->job.entries = session->check.entries;
    session->job.total_bytes = session->check.merge_bytes;
    session->job.runs = session->check.runs;
    return SNAP_OK;
}

/* Evidence that this is another store's origin refuses; the lack of evidence is only said. */
static enum snap_status check_identity(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = snap_evidence_gather(&session->store, session->origin.io, &session->origin.facts,
                                                   &session->evidence, err);

    if (status != SNAP_OK)
        return status;
    if (session->evidence.unreadable > 0)
        cli_warn(session->cli, "%s, %s: %" PRIu64 " places where file systems have their marks cannot be read",
                 session->origin.path, session->cow.path, session->evidence.unreadable);
    switch (session->evidence.verdict) {
    case SNAP_IDENTITY_MATCH:
        cli_verbose(session->cli, "%s: %s", session->cow.path, session->evidence.text);
        break;
    case SNAP_IDENTITY_NO_RECORD:
        if (session->evidence.origin.uuid[0] == '\0' || strcmp(session->evidence.origin.uuid,
                                                               session->evidence.view.uuid) != 0)
            cli_warn(session->cli, "%s: %s", session->cow.path, session->evidence.text);
        break;
    case SNAP_IDENTITY_GROWN:
        cli_warn(session->cli, "%s: %s", session->cow.path, session->evidence.text);
        break;
    case SNAP_IDENTITY_CONTRADICTS:
        if ((merge_arguments.accept & 1u << MERGE_ACCEPT_IDENTITY) == 0)
            return snap_fail(err, SNAP_E_REFUSED, "%s: %s; if %s is the right origin all the same: --accept=identity",
                             session->cow.path, session->evidence.text, session->origin.path);
        cli_warn(session->cli, "%s: %s", session->cow.path, session->evidence.text);
    }
    return SNAP_OK;
}

/* Entries behind the end: merged already by a run that was cut short, or cut off by a fault? The data tell. */
static enum snap_status check_cut(struct merge_session *session, struct snap_error *err)
{
    const struct snap_check_result *check = &session->check;
    const uint64_t per_area = session->store.layout.entries_per_area;
    enum cli_answer answer;
    bool equal;
    enum snap_status status;

    if (check->continuation_entries == 0)
        return SNAP_OK;
    status = snap_compare_merged(&session->store, session->origin.io, check->continuation_area * per_area,
                                 check->continuation_entries, session->options.memory_bytes, tool_stop, NULL, &equal,
                                 err);
    if (status != SNAP_OK)
        return status;
    if (equal) {
        cli_note(session->cli, "%s: the entries behind the end are merged already: an earlier run was cut short",
                 session->cow.path);
        session->job.stale_areas_end = check->continuation_area + snap_div_up(check->continuation_entries, per_area);
        return SNAP_OK;
    }
    if ((merge_arguments.accept & 1u << MERGE_ACCEPT_CUT) != 0)
        return SNAP_OK;
    answer = cli_ask(session->cli, false, "%s: %" PRIu64 " entries may have been cut off by a fault; they are left "
                     "alone. Merge the %" PRIu64 " that are in the list?", session->cow.path,
                     check->continuation_entries, check->entries);
    if (answer == CLI_ANSWER_YES)
        return SNAP_OK;
    if (answer == CLI_ANSWER_STOPPED)
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    return snap_fail(err, SNAP_E_REFUSED,
                     "%s: %" PRIu64 " entries may have been cut off; to merge only those in the list: --accept=cut",
                     session->cow.path, check->continuation_entries);
}

static enum snap_status ask(struct merge_session *session, struct snap_error *err)
{
    if (session->job.entries == 0 || merge_arguments.yes)
        return SNAP_OK;
    if (cli_can_ask(session->cli))
        merge_show_devices(session);
    switch (cli_ask(session->cli, false, "Merge now?")) {
    case CLI_ANSWER_YES:
    case CLI_ANSWER_NOBODY: /* a script: the refusals above are its safety */
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
        break;
    }
    return snap_fail(err, SNAP_E_REFUSED, "not merged, as you wish");
}

/* Everything that can refuse; no write happens in here. */
static enum snap_status prepare(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = open_devices(session, err);

    if (status == SNAP_OK)
        status = check_blocks(session, err);
    if (status == SNAP_OK)
        status = merge_tune_devices(session, err);
    if (status == SNAP_OK)
        status = check_list(session, err);
    if (status == SNAP_OK)
        status = check_identity(session, err);
    if (status == SNAP_OK)
        status = check_cut(session, err);
    if (status == SNAP_OK && tool_device_tail_bytes(&session->origin) > 0)
        cli_note(session->cli, "%s: the last %" PRIu64 " bytes are no whole sector: no part of the snapshot, left alone",
                 session->origin.path, tool_device_tail_bytes(&session->origin));
    if (status == SNAP_OK && merge_arguments.keep_cow)
        status = merge_kept_prepare(session, merge_arguments.checkpoint, err);
    if (status == SNAP_OK && merge_arguments.continue_on_error)
        status = merge_bad_prepare(session, merge_arguments.bad_list, err);
    if (status == SNAP_OK && !merge_arguments.dry_run)
        status = ask(session, err);
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    return status;
}

static int dry_run(struct merge_session *session)
{
    struct snap_merge_result plan;
    struct snap_error err = {0};

    if (snap_merge_dry_run(&session->store, session->origin.io, &session->job, &session->options, &plan, &err) !=
        SNAP_OK)
        return cli_refuse(session->cli, &err);
    if (merge_arguments.json)
        return merge_print_json(session, &plan, "planned", CLI_EXIT_OK);
    merge_print_plan(session, &plan);
    cli_nothing_written(session->cli);
    return CLI_EXIT_OK;
}

static void show_progress(void *context, const struct snap_merge_progress *progress)
{
    cli_progress_update(context, "merge", progress->done_bytes, progress->total_bytes);
}

static int merge(struct merge_session *session)
{
    const struct cli_progress_setup setup = {
        .mode = cli_progress_choose(session->cli->err, merge_arguments.progress_json, session->cli->quiet),
        .device = session->origin.path,
        .out = session->cli->err,
        .frequency_seconds = merge_arguments.progress_seconds,
        .report = cli_report_flag(),
    };
    const struct snap_clock *clock = &snap_clock_system;
    const uint64_t start_ns = clock->now_ns(clock->context);
    struct cli_progress progress;
    struct snap_error err = {0};
    enum snap_status status;
    const char *outcome;
    int exit_status;

    cli_progress_start(&progress, &setup);
    cli_progress_attach(&progress, session->cli);
    session->options.progress = show_progress;
    session->options.progress_context = &progress;
    status = snap_merge(&session->store, session->origin.io, &session->job, &session->options, &session->result, &err);
    session->elapsed_ms = (clock->now_ns(clock->context) - start_ns) / 1000000;

    exit_status = cli_exit_status(status);
    outcome = status == SNAP_OK ? "done" : status == SNAP_E_STOPPED ? "stopped" : "failed";
    if (status == SNAP_OK && session->result.bad_entries > 0) {
        exit_status = CLI_EXIT_STORE;
        outcome = "incomplete";
    }
    cli_progress_end(&progress, outcome, exit_status);
    if (status != SNAP_OK)
        (void)cli_fail(session->cli, &err);
    exit_status = cli_exit_worse(exit_status, merge_bad_show(session));
    if (status == SNAP_OK)
        merge_show_done(session);
    else
        merge_show_interrupted(session);
    if (merge_arguments.json)
        exit_status = merge_print_json(session, NULL, outcome, exit_status);
    merge_bad_free(session);
    return exit_status;
}

static int run(struct cli *cli)
{
    struct merge_session session = {.cli = cli};
    struct snap_error err = {0};
    int exit_status;

    exit_status = merge_options_check(cli);
    if (exit_status != CLI_EXIT_OK)
        return exit_status;
    cli_catch_signals();
    merge_tune_start(&session);
    if (merge_arguments.idle && !tool_idle_priority())
        cli_warn(cli, "the I/O priority cannot be set to idle: %s", strerror(errno));
    if (prepare(&session, &err) != SNAP_OK)
        exit_status = cli_refuse(cli, &err);
    else
        exit_status = merge_arguments.dry_run ? dry_run(&session) : merge(&session);
    if (tool_device_close(&session.cow, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    if (tool_device_close(&session.origin, &err) != SNAP_OK)
        exit_status = cli_exit_worse(exit_status, cli_fail(cli, &err));
    return exit_status;
}

int main(int argc, char **argv)
{
    struct cli cli;
    int exit_status;

    if (cli_start(&cli, &merge_program, argc, (const char *const *)argv, &exit_status))
        exit_status = run(&cli);
    return cli_finish(&cli, exit_status);
}
