/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How snapcheck shows what it found: findings and a summary, as text or as JSON. */
#include "tools/check/report.h"

#include "tools/check/doubts.h"
#include "tools/check/lines.h"
#include "tools/check/next.h"
#include "tools/check/repair.h"
#include "tools/check/repair_to.h"
#include "tools/check/rows.h"
#include "tools/cli/result.h"
#include "tools/cli/size.h"
#include "tools/shared/content.h"
#include "tools/shared/invalid.h"
#include "tools/shared/lvm_merge.h"
#include "tools/shared/pair.h"
#include "tools/shared/verdict.h"
#include "tools/shared/report.h"
#include "tools/shared/volumes.h"

#include <string.h>

/* Many of some rules are only counted: the last one that has a place stands for them (lib/check/duplicates.h). */
static bool stands_for_others(const struct check_range *range, const struct snap_finding *finding)
{
    return range->count > 0 && finding->has_entry && finding->rule == range->last.rule &&
           finding->index == range->last.index;
}

enum snap_status check_report_finding(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    struct check_session *session = context;

    if (!session->arguments.all)
        return check_rows_take(session, finding, err);
    if (stands_for_others(&session->range, finding)) {
        session->left_out[finding->rule]++;
        return SNAP_OK;
    }
    check_ranges_begin(&session->range, finding);
    check_lines_touch(session, finding);
    return check_lines_add(session, finding, err);
}

/* How many of the rule stand nowhere. */
static uint64_t left_out_of(const struct check_session *session, enum snap_rule rule)
{
    const uint64_t count = session->first_counts[rule];

    if (session->arguments.all)
        return session->left_out[rule];
    return session->left_out[rule] + (count > CHECK_RANGES_FINDINGS_MAX ? count - CHECK_RANGES_FINDINGS_MAX : 0);
}

/* The limit must not look like the end: how many findings of each rule are left out, and how to see them. */
static void print_left_out(struct check_session *session)
{
    const char *origin = check_next_origin(session)->path;
    const bool nameless = session->cow.nameless || session->origin.nameless;

    for (int rule = 0; rule < SNAP_RULES; rule++) {
        const uint64_t left_out = left_out_of(session, (enum snap_rule)rule);

        if (left_out > 0 && (nameless || session->arguments.all))
            report_print(session->cli->out, "%s: and %s of %s", session->cow.path,
                         cli_count_text(left_out, "more finding", "more findings").text,
                         snap_rules_info((enum snap_rule)rule)->id);
        else if (left_out > 0)
            report_print(session->cli->out, "%s: and %s of %s; this shows each: snapcheck --all%s%s%s%s %s",
                         session->cow.path, cli_count_text(left_out, "more finding", "more findings").text,
                         snap_rules_info((enum snap_rule)rule)->id, session->arguments.data ? " --data" : "",
                         check_options_text(&session->arguments).text,
                         origin ? " --origin " : "", origin ? cli_quote(origin).text : "",
                         cli_quote(session->cow.path).text);
    }
}

enum snap_status check_report_findings_end(struct check_session *session, struct snap_error *err)
{
    enum snap_status status = SNAP_OK, ended;

    memcpy(session->first_counts, session->findings.rule_counts, sizeof session->first_counts);
    if (!session->arguments.all)
        status = check_rows_end(session, err);
    ended = check_lines_end(session, status == SNAP_OK ? err : NULL);
    if (!session->arguments.json)
        print_left_out(session);
    return status == SNAP_OK ? ended : status;
}

/* The origin shows that nothing of what the list named was merged, and nothing of it is in the list. */
static bool list_is_lost(const struct check_session *session)
{
    return session->pair_known && session->evidence.pair.list_lost;
}

/* What is to be said of the store, in a word that never changes. */
static const char *verdict_word(const struct check_session *session)
{
    if (!session->result.list_complete || session->store.defect == SNAP_HEADER_INVALID)
        return "not-usable";
    if (!report_is_sound(&session->findings) || list_is_lost(session))
        return "damaged";
    if (session->result.entries_beyond > 0)
        return "beyond-origin";
    return session->findings.severity_counts[SNAP_WARNING] > 0 ? "warnings" : "clean";
}

/* After a repair the findings were not printed: which of them are left. */
static struct report_text names_of_warnings(const struct check_session *session)
{
    struct report_text names = {""};
    size_t used = 0;

    for (int rule = 0; rule < SNAP_RULES && session->mended && used < sizeof names.text; rule++) {
        const struct snap_rule_info *info = snap_rules_info((enum snap_rule)rule);

        if (session->findings.rule_counts[rule] > 0 && info->severity == SNAP_WARNING)
            used += (size_t)snprintf(names.text + used, sizeof names.text - used, "%s%s", used > 0 ? ", " : ": ",
                                     info->id);
    }
    return names;
}

static void print_summary(struct check_session *session)
{
    const uint64_t *counts = session->findings.severity_counts;
    const struct snap_check_result *result = &session->result;
    const char *merge = lvm_merge_sentence(lvm_merge_find(&session->cow, &session->store, result));

    if (session->cli->quiet)
        return;
    if (result->list_complete)
        report_print(session->cli->out, "%s: %s in chunks of %s, %s: %s%s", session->cow.path,
                     cli_count_text(result->entries, "entry", "entries").text,
                     cli_size_text(session->store.layout.chunk_bytes).text,
                     cli_count_text(result->free_chunks, "free chunk", "free chunks").text,
                     invalid_is_readable(&session->store, &session->findings) ? "invalid"
                     : !report_is_sound(&session->findings) ? "damaged"
                     : list_is_lost(session)              ? "its list may be lost"
                     : result->entries_beyond > 0         ? "not all of them lie on the origin"
                     : counts[SNAP_WARNING] > 0           ? "usable, with warnings"
                                                          : "clean",
                     names_of_warnings(session).text);
    else
        report_print(session->cli->out, "%s: not usable", session->cow.path);
    for (unsigned i = 0; i < INVALID_SENTENCES && invalid_is_readable(&session->store, &session->findings); i++)
        report_print(session->cli->out, "%s: %s", session->cow.path, invalid_text(result, i).text);
    if (merge)
        report_print(session->cli->out, "%s: LVM: %s", session->cow.path, merge);
    if (result->needs_bytes > 0)
        report_print(session->cli->out, "%s: %s", session->cow.path, verdict_cut_text(&session->cow, result).text);
}

/* A wrong origin says nothing against the store: it has a verdict of its own, and an exit status of its own. */
static void print_pair(struct check_session *session)
{
    const struct snap_pair *pair = &session->evidence.pair;
    const bool wrong = pair->outcome == SNAP_PAIR_CONTRADICTED;

    if (!session->pair_known && session->origin.io && !session->cli->quiet && snap_header_has_list(&session->store))
        report_print(session->cli->out, "%s: whether %s is its origin is not judged: %s", session->cow.path,
                     session->origin.path,
                     session->findings.rule_counts[SNAP_RULE_CHUNK_RECORD] > 0
                         ? "header and record name different chunk sizes"
                         : "its list cannot be followed");
    if (!session->pair_known || (session->cli->quiet && !wrong))
        return;
    report_print(session->cli->out, "%s", verdict_sentence(&session->cow, &session->origin, pair).text);
    if (wrong && session->result.entries == 0)
        report_print(session->cli->out, "%s: %s", session->cow.path,
                     verdict_renew(&session->cow, &session->origin, pair).text);
    if (wrong && pair->reason == SNAP_PAIR_REACH && !pair->container)
        report_print(session->cli->out, "%s: %s", session->cow.path,
                     verdict_beyond_text(&session->cow, &session->origin, pair).text + strlen("; "));
    if (wrong && (pair->damaged || pair->may_be_damaged))
        report_print(session->cli->out, "%s: the list shows which entries these are: snapinspect --list%s%s %s",
                     session->cow.path, volumes_option(&session->arguments.devices).text,
                     report_origin_option(session->origin.path).text, cli_quote(session->cow.path).text);
    if (pair->list_lost)
        report_print(session->cli->out, "%s", verdict_lost_text(&session->cow, &session->origin).text);
    if (pair->grown)
        report_print(session->cli->out, "%s: it has grown since the store was made; the store knows nothing of the new "
                     "part", session->origin.path);
}

static void keep_json(struct check_session *session)
{
    const bool begun = session->cli->elements > 0; /* with all that stands in front of the findings */
    struct cli_json *document =
        begun ? cli_json_object() : report_json_begin(session->cli, session->cow.path, session->origin.path);
    struct cli_json *figures = cli_json_object();
    const bool usable = report_is_sound(&session->findings) && !list_is_lost(session);
    uint64_t findings_total = 0, left_out = 0;

    for (int rule = 0; rule < SNAP_RULES; rule++) {
        findings_total += session->findings.rule_counts[rule];
        left_out += left_out_of(session, (enum snap_rule)rule);
    }

    if (session->result.list_complete)
        report_set_figures(figures, &session->store, &session->result);
    if (session->result.list_complete)
        cli_json_set_uint(figures, "repeated_entries", session->result.repeated_entries);
    invalid_set_json(figures, &session->store, &session->result);
    cli_json_set_string(figures, "empty_list",
                        verdict_emptied_word(&session->store, &session->result,
                                             session->pair_known ? &session->evidence : NULL));
    cli_json_set_string(figures, "lvm_merge",
                        lvm_merge_word(lvm_merge_find(&session->cow, &session->store, &session->result)));
    if (!snap_header_is_store(&session->store))
        content_set(figures, &session->cow, &session->store);
    files_set_source_json(figures, &session->files);
    cli_json_set_string(figures, "verdict", verdict_word(session));
    cli_json_set_bool(figures, "clean", usable && session->findings.severity_counts[SNAP_WARNING] == 0 &&
                                           session->result.entries_beyond == 0);
    cli_json_set_bool(figures, "usable", usable);
    cli_json_set_uint(figures, "findings_total", findings_total);
    cli_json_set_uint(figures, "findings_left_out", left_out);
    if (session->result.needs_bytes > 0)
        cli_json_set_uint(figures, "needs_bytes", session->result.needs_bytes);
    if (session->pair_known)
        verdict_set_json(figures, &session->evidence.pair);
    if (check_options_mend(&session->arguments))
        cli_json_set(figures, "repair", check_repair_json(session));
    if (session->arguments.repair_to)
        cli_json_set(figures, "repair_to", check_repair_to_json(session));
    cli_json_set(document, "result", figures);
    if (!begun) {
        cli_json_set(document, "findings", session->found);
        session->found = NULL;
    }
    cli_result_keep(session->cli, document);
}

/* Where the list can be followed, what it names rightly can be taken out; and some of it can be mended. */
static void print_way_out(const struct check_session *session)
{
    const struct device *origin = check_next_origin(session);
    const struct report_text devices = check_options_text(&session->arguments);
    const bool damaged = !report_is_sound(&session->findings), cut = session->result.continuation_entries > 0;

    if (session->cli->quiet || (!damaged && session->findings.rule_counts[SNAP_RULE_LIST_CUT] == 0 &&
                                session->findings.own_counts[SNAP_RULE_ENTRY_NEW_OUTLIER] == 0))
        return;
    if (session->mended && !session->repair.rebuilt.io)
        cli_line(session->cli, "This shows what is left to mend: snapcheck%s%s %s", devices.text,
                 check_next_origin_option(session).text, cli_quote(session->cow.path).text);
    else if (session->mended || (!check_options_mend(&session->arguments) && !session->arguments.repair_to))
        pair_say_mend(session->cli, &session->findings, origin, &session->cow, &session->store,
                      devices.text);
    if (!damaged || session->repair_to.written)
        return;
    if (invalid_is_readable(&session->store, &session->findings))
        invalid_say_next(session->cli, &session->cow, origin, cut, devices.text);
    else if (pair_is_skippable(&session->findings, &session->result))
        pair_say_extract(session->cli, origin, &session->cow, &session->store, cut, devices.text);
    else if (!check_options_mend(&session->arguments) && !session->arguments.repair_to &&
             snap_header_is_store(&session->store) &&
             (session->result.entries > 0 || session->findings.rule_counts[SNAP_RULE_CHUNK_RECORD] > 0))
        cli_line(session->cli, "To write all that is sound to a new store, where this one is only read: %s",
                 check_next_repair_to(session, false, 0).text);
    if (lvm_merge_find(&session->cow, &session->store, &session->result) == LVM_MERGE_STUCK)
        lvm_merge_say_ways_out(session->cli, session->cow.path, session->origin.path,
                               check_options_text(&session->arguments).text);
}

/* What was lost with the entries that were dropped. */
static void print_from_origin(const struct check_session *session)
{
    const uint64_t count = session->mended ? check_repair_from_origin(session) : 0;

    if (count > 0 && !session->cli->quiet)
        report_print(session->cli->out, "%s: %s%s of the snapshot now %s what the origin has", session->cow.path,
                     session->repair.gives_up_rest ? "at least " : "", cli_count_text(count, "chunk", "chunks").text,
                     count == 1 ? "shows" : "show");
}

/* The end of --put-back: nothing was checked. */
static int end_put_back(struct check_session *session, int exit_status)
{
    struct cli_json *document, *result;

    if (session->arguments.json) {
        document = report_json_begin(session->cli, session->cow.path, NULL);
        result = cli_json_object();
        cli_json_set_bool(result, "written", session->touched);
        cli_json_set_uint(result, "put_back_bytes", session->put_back_bytes);
        cli_json_set(document, "result", result);
        cli_result_keep(session->cli, document);
    }
    if (!session->touched)
        cli_nothing_written(session->cli);
    return exit_status;
}

/* As fsck: what was mended is a bit of its own. */
static int exit_status_of(const struct check_session *session, int exit_status)
{
    const bool wrong_pair = session->pair_known && session->evidence.pair.outcome == SNAP_PAIR_CONTRADICTED;
    /* Then the list is right, and the device is too short: snapmerge refuses that with the same status. */
    const bool cut = pair_is_only_cut(&session->findings, &session->result);

    if (session->repair_to.written && exit_status == CLI_EXIT_OK) /* the new store is sound, whatever the old one is */
        return report_is_sound(&session->findings) && !session->repair_to.restored ? CLI_EXIT_OK : CLI_EXIT_CORRECTED;
    exit_status = cli_exit_worse(exit_status, cut                                    ? CLI_EXIT_FAILED
                                              : !report_is_sound(&session->findings) ? CLI_EXIT_STORE
                                              : list_is_lost(session)                ? CLI_EXIT_STORE
                                              : wrong_pair                           ? CLI_EXIT_FAILED
                                                                                     : CLI_EXIT_OK);
    return session->mended ? exit_status | CLI_EXIT_CORRECTED : exit_status;
}

int check_report_end(struct check_session *session, int exit_status)
{
    if (session->arguments.put_back)
        return end_put_back(session, exit_status);
    if (session->arguments.json) {
        keep_json(session);
    } else {
        if (session->mended && !session->cli->quiet)
            report_print(session->cli->out, "%s: mended, and checked again:", session->cow.path);
        print_summary(session);
        content_say(session->cli, &session->cow, &session->store, &session->origin, session->header_said);
        print_pair(session);
        verdict_note_emptied(session->cli, &session->cow, &session->origin, &session->store, &session->result,
                             session->pair_known ? &session->evidence : NULL);
        check_doubts_say(session);
        print_way_out(session);
        print_from_origin(session);
    }
    if ((check_options_mend(&session->arguments) && !session->touched) ||
        (session->arguments.repair_to && session->arguments.dry_run))
        cli_nothing_written(session->cli);
    return exit_status_of(session, exit_status);
}
