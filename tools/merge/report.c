/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge shows: the two devices and the plan before, the result after. */
#include "tools/merge/report.h"

#include "tools/cli/json.h"
#include "tools/cli/result.h"
#include "tools/cli/size.h"
#include "tools/merge/bad_list.h"
#include "tools/merge/checks.h"
#include "tools/merge/next.h"
#include "tools/merge/preserve.h"
#include "tools/merge/side_files.h"
#include "tools/merge/siblings.h"
#include "tools/merge/undo.h"
#include "tools/output/report.h"
#include "tools/shared/next.h"
#include "tools/shared/pair_report.h"
#include "tools/shared/report.h"
#include "tools/shared/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void merge_report_devices(struct merge_session *session)
{
    const struct pair pair = merge_pair(session, &session->cow, &session->store);

    pair_report_all(&pair, &session->check, &session->evidence, REPORT_TALK);
    merge_undo_show_before(session, REPORT_TALK);
    cli_line(session->cli, "%s will be written to %s, and the COW %s",
             cli_size_text_exact(session->job.total_bytes).text, session->origin.path,
             session->options.keep_cow ? "is kept as it is." : "will be consumed: afterwards it is an empty store.");
}

void merge_report_plan(struct merge_session *session, const struct snap_merge_result *plan)
{
    const struct pair pair = merge_pair(session, &session->cow, &session->store);
    struct cli *cli = session->cli;

    pair_report_all(&pair, &session->check, &session->evidence, REPORT_DATA);
    merge_undo_show_before(session, REPORT_DATA);
    report_field(cli, REPORT_DATA, "to write", "%s in %s", cli_size_text_exact(plan->written_bytes).text,
                 cli_count_text(plan->write_requests, "request", "requests").text);
    report_field(cli, REPORT_DATA, "windows", "%" PRIu64 " of at most %s, %s of the origin, %" PRIu64 " of the COW",
                 plan->windows, cli_count_text(plan->window_entries, "entry", "entries").text,
                 cli_count_text(plan->origin_flushes, "flush", "flushes").text, plan->cow_flushes);
}

/* What was cut off is gone, and what was merged may be among it: nothing is complete then, and nothing can go on. */
static bool say_shrunk(struct merge_session *session)
{
    const struct device *shrunk = session->origin.shrunk ? &session->origin : &session->cow;

    if (!shrunk->shrunk)
        return false;
    cli_line(session->cli, "What was cut off %s is lost, and so may be what was merged. Keep %s, and do not repeat the "
             "command: put back a whole %s from before the merge, together with %s as it was then.", shrunk->path,
             session->cow.path, session->origin.path, session->cow.path);
    return true;
}

/* A merge that was killed at its very end may have left something to write, and so may one with an undo store. */
static void say_nothing_to_merge(struct merge_session *session)
{
    const bool other_writes = merge_undo_under_way(session) || session->undo.sibling ||
                              session->arguments.preserve.count > 0 || merge_side_files_written(session);

    cli_note(session->cli, "%s: nothing to merge, the store is empty", session->cow.path);
    if (session->result.metadata_bytes > 0)
        cli_note(session->cli, "%s: an earlier merge had ended before its last write, and that was made up for",
                 session->cow.path);
    else if (!other_writes && merge_siblings_count(session) == 0)
        cli_nothing_written(session->cli);
}

void merge_report_done(struct merge_session *session)
{
    const struct snap_merge_result *result = &session->result;
    struct cli *cli = session->cli;

    if (session->job.entries == 0) {
        say_nothing_to_merge(session);
        (void)merge_next_lvm(session);
        return;
    }
    cli_note(cli, "merged %s (%s) from %s into %s in %s",
             cli_count_text(result->entries_merged, "chunk", "chunks").text,
             cli_size_text(result->written_bytes).text, session->cow.path, session->origin.path,
             cli_pace_text(result->written_bytes, session->elapsed_ms).text);
    report_note_cached(cli, &session->origin);
    report_note_cached(cli, &session->cow);
    if (result->equal_bytes > 0)
        cli_note(cli, "%s were on %s already and were not written", cli_size_text(result->equal_bytes).text,
                 session->origin.path);
    if (session->options.verify)
        cli_note(cli, "verified: %s were read back and are correct", cli_size_text(result->verified_bytes).text);
    if (result->entries_left > 0) {
        merge_next_resume(session);
        cli_line(cli, "Do not mount %s before the merge is complete, unless you give the remaining chunks up.",
                 session->origin.path);
        return;
    }
    if (say_shrunk(session))
        return;
    merge_undo_show_taken_back(session);
    next_use(cli, &session->evidence.view, &session->origin);
    if (session->check.continuation_entries > 0 && session->job.leftover_areas_end == 0)
        cli_warn(cli, "%s: %s behind the end of the list %s left alone, and what they hold is not on %s; keep %s until "
                 "you know that nothing is missing", session->cow.path,
                 cli_count_text(session->check.continuation_entries, "entry", "entries").text,
                 session->check.continuation_entries == 1 ? "was" : "were", session->origin.path, session->cow.path);
    else if (session->options.keep_cow)
        cli_note(cli, "%s was not changed; merging it again after %s was used would overwrite the newer content",
                 session->cow.path, session->origin.path);
    else if (session->undo.sibling)
        cli_note(cli, "%s is a valid, empty store now; keep it for as long as you may want to take the merge back%s",
                 session->cow.path, merge_next_lvm_pending(session) ? ": do not activate its group until then, since "
                 "LVM removes it" : "");
    else if (!merge_next_lvm(session))
        cli_note(cli, "%s is a valid, empty store now and may be removed", session->cow.path);
}

void merge_report_interrupted(struct merge_session *session)
{
    const struct snap_merge_result *result = &session->result;
    struct cli *cli = session->cli;

    if (say_shrunk(session))
        return;
    cli_line(cli, "%" PRIu64 " of %s %s merged durably, %" PRIu64 " %s; the snapshot is unchanged.",
             result->entries_merged, cli_count_text(session->job.entries, "entry", "entries").text,
             result->entries_merged == 1 ? "is" : "are", result->entries_left,
             result->entries_left == 1 ? "remains" : "remain");
    merge_next_resume(session);
    cli_line(cli, "Do not mount %s before the merge is complete.", session->origin.path);
}

static void set_counts(struct cli_json *object, const struct snap_merge_result *counts)
{
    cli_json_set_uint(object, "entries_merged", counts->entries_merged);
    cli_json_set_uint(object, "entries_left", counts->entries_left);
    cli_json_set_uint(object, "read_bytes", counts->read_bytes);
    cli_json_set_uint(object, "written_bytes", counts->written_bytes);
    cli_json_set_uint(object, "equal_bytes", counts->equal_bytes);
    cli_json_set_uint(object, "verified_bytes", counts->verified_bytes);
    cli_json_set_uint(object, "bad_entries", counts->bad_entries);
    cli_json_set_uint(object, "dropped_entries", counts->dropped_entries);
    cli_json_set_uint(object, "metadata_bytes", counts->metadata_bytes);
    cli_json_set_uint(object, "read_requests", counts->read_requests);
    cli_json_set_uint(object, "write_requests", counts->write_requests);
    cli_json_set_uint(object, "origin_flushes", counts->origin_flushes);
    cli_json_set_uint(object, "cow_flushes", counts->cow_flushes);
    cli_json_set_uint(object, "windows", counts->windows);
    cli_json_set_uint(object, "window_entries_max", counts->window_entries);
}

/* A dry run has written nothing: what the run would do has words of its own. */
static void set_plan(struct cli_json *result, const struct snap_merge_result *plan)
{
    struct cli_json *json = cli_json_object();

    cli_json_set_uint(json, "to_write_bytes", plan->written_bytes);
    cli_json_set_uint(json, "to_read_bytes", plan->read_bytes);
    cli_json_set_uint(json, "metadata_bytes", plan->metadata_bytes);
    cli_json_set_uint(json, "read_requests", plan->read_requests);
    cli_json_set_uint(json, "write_requests", plan->write_requests);
    cli_json_set_uint(json, "origin_flushes", plan->origin_flushes);
    cli_json_set_uint(json, "cow_flushes", plan->cow_flushes);
    cli_json_set_uint(json, "windows", plan->windows);
    cli_json_set_uint(json, "window_entries_max", plan->window_entries);
    cli_json_set(result, "plan", json);
}

/*
 * What the store holds after the run, where that is known: a cut may have arrived in part. Other figures are from
 * before.
 */
static void set_after(struct cli_json *result, const struct merge_session *session, const char *outcome)
{
    const struct snap_layout *layout = &session->store.layout;
    const uint64_t entries = session->options.keep_cow ? session->check.entries : session->result.list_length;
    uint64_t highest_new_chunk = session->check.highest_new_chunk;
    struct cli_json *after;

    if (strcmp(outcome, "failed") == 0) {
        cli_json_set_null(result, "after");
        return;
    }
    after = cli_json_object();
    cli_json_set_uint(after, "entries", entries);
    if (entries < session->check.entries)
        highest_new_chunk = entries > 0 ? snap_layout_canonical_chunk(layout, entries - 1) : 0;
    if (entries == 0 || entries == session->check.entries ||
        (session->check.canonical && session->result.bad_entries == 0))
        report_set_usage(after, layout, entries, highest_new_chunk);
    else
        cli_json_set_null(after, "usage"); /* it takes a look at the list: snapinspect */
    cli_json_set(result, "after", after);
}

void merge_report_json(struct merge_session *session, const struct snap_merge_result *plan, const char *outcome)
{
    struct cli_json *document = report_json_begin(session->cli, session->cow.path, session->origin.path);
    struct cli_json *result = cli_json_object();
    const struct snap_merge_result nothing = {.entries_left = session->check.entries};

    cli_json_set_string(result, "outcome", outcome);
    report_set_figures(result, &session->store, &session->check);
    cli_json_set_uint(result, "total_bytes", session->job.total_bytes);
    cli_json_set_bool(result, "keep_cow", session->options.keep_cow);
    cli_json_set_uint(result, "memory_bytes", session->memory_bytes);
    cli_json_set_string(result, "identity", session->evidence.pair.text);
    verdict_set_json(result, &session->evidence.pair);
    report_set_probe(result, "on_origin", &session->evidence.origin);
    report_set_probe(result, "in_view", &session->evidence.view);
    cli_json_set_uint(result, "elapsed_ms", session->elapsed_ms);
    set_counts(result, plan ? &nothing : &session->result);
    if (plan)
        set_plan(result, plan);
    if (session->options.continue_on_error && !plan)
        merge_bad_json(session, result);
    if (session->preserve.count > 0)
        merge_preserve_json(session, result);
    if (!plan)
        set_after(result, session, outcome);
    output_report_json(result, &session->output);
    cli_json_set(document, "result", result);
    cli_result_keep(session->cli, document);
}
