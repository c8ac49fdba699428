/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds list, identity and end of the list against what a program is about to do. */
#include "tools/shared/pair.h"

#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/files/fs_size.h"
#include "lib/merge/compare.h"
#include "lib/merge/leftovers.h"
#include "lib/repair/repair.h"
#include "tools/cli/size.h"
#include "tools/shared/report.h"
#include "tools/shared/verdict.h"
#include "tools/shared/volumes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * Findings that only matter for further writes to the snapshot are left out: there will be none. What lies behind the
 * end of the device may be thousands of entries and has one reason, which is told when all are counted.
 */
static enum snap_status talk_finding(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    if (finding->rule == SNAP_RULE_STORE_FULL || finding->rule == SNAP_RULE_NO_ROOM ||
        finding->rule == SNAP_RULE_ENTRY_NEW_RANGE || finding->rule == SNAP_RULE_LIST_PAST_END ||
        finding->rule == SNAP_RULE_STORE_INVALID)
        return SNAP_OK;
    return report_finding_talk(context, finding, err);
}

bool pair_is_only_cut(const struct snap_findings *findings, const struct snap_check_result *check)
{
    return check->needs_bytes > 0 &&
           findings->severity_counts[SNAP_CORRUPTING] + findings->severity_counts[SNAP_FATAL] ==
               findings->rule_counts[SNAP_RULE_ENTRY_NEW_RANGE] + findings->rule_counts[SNAP_RULE_LIST_PAST_END];
}

bool pair_rule_is_skippable(enum snap_rule rule)
{
    switch (rule) {
    case SNAP_RULE_ENTRY_OLD_RANGE:
    case SNAP_RULE_ENTRY_NEW_TOP_BYTE:
    case SNAP_RULE_ENTRY_NEW_METADATA:
    case SNAP_RULE_ENTRY_NEW_RANGE:
    case SNAP_RULE_DUPLICATE_OLD:
    case SNAP_RULE_DUPLICATE_NEW:
    case SNAP_RULE_ENTRY_REPEATED_OFTEN:
    case SNAP_RULE_GARBAGE_BEHIND_END:
        return true;
    default:
        return false;
    }
}

bool pair_is_skippable(const struct snap_findings *findings, const struct snap_check_result *check)
{
    uint64_t skippable = findings->rule_counts[SNAP_RULE_STORE_INVALID];

    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (pair_rule_is_skippable((enum snap_rule)rule))
            skippable += findings->rule_counts[rule];
    return check->list_complete &&
           findings->severity_counts[SNAP_CORRUPTING] + findings->severity_counts[SNAP_FATAL] == skippable;
}

void pair_say_extract(struct cli *cli, const struct device *origin, const struct device *cow,
                      const struct snap_store *store, bool cut, const char *devices)
{
    const bool invalid = store->defect == SNAP_HEADER_INVALID;

    cli_line(cli, "To write all that is sound of the snapshot to a new file: snapinspect --extract FILE "
             "--skip-damaged=origin%s%s --origin %s %s",
             invalid && cut ? " --accept=invalid,cut" : invalid ? " --accept=invalid" : cut ? " --accept=cut" : "",
             devices,
             origin && origin->path ? cli_quote(origin->path).text : "ORIGIN", cli_quote(cow->path).text);
}

void pair_say_not_in_place(struct cli *cli, uint64_t duplicates, uint64_t areas_in_use, const struct device *origin,
                           const struct device *cow, const struct snap_store *store, const char *devices)
{
    if (duplicates + areas_in_use == 0)
        return;
    if (duplicates > 0)
        cli_line(cli, "Nothing tells which of two entries is the right one, so this is not mended in place.");
    if (areas_in_use > 0)
        cli_line(cli, "An entry has an area of the list as its data chunk, and its data may have been written over "
                 "that part of the list, so this is not mended in place.");
    pair_say_new_store(cli, origin, cow, store, devices);
}

void pair_say_new_store(struct cli *cli, const struct device *origin, const struct device *cow,
                        const struct snap_store *store, const char *devices)
{
    cli_line(cli, "A new store without them: snapcheck --repair-to NEW --accept=view-change%s%s --origin %s %s",
             store->defect == SNAP_HEADER_INVALID ? ",revalidate" : "", devices,
             origin && origin->path ? cli_quote(origin->path).text : "ORIGIN", cli_quote(cow->path).text);
}

void pair_say_mend(struct cli *cli, const struct snap_findings *findings, const struct device *origin,
                   const struct device *cow, const struct snap_store *store, const char *devices)
{
    static const enum snap_rule by_view_change[] = {
        SNAP_RULE_AREA_UNREADABLE, SNAP_RULE_LIST_PAST_END, SNAP_RULE_LIST_CUT, SNAP_RULE_GARBAGE_BEHIND_END,
        SNAP_RULE_ENTRY_OLD_RANGE, SNAP_RULE_ENTRY_NEW_TOP_BYTE, SNAP_RULE_ENTRY_NEW_METADATA,
        SNAP_RULE_ENTRY_NEW_RANGE, SNAP_RULE_ENTRY_REPEATED_OFTEN};
    const bool named = origin && origin->path;
    const bool header = snap_repair_header_rule(store) != SNAP_RULES && snap_header_is_store(store);
    const bool invalid = findings->rule_counts[SNAP_RULE_STORE_INVALID] > 0;
    /* Only the origin tells who has cut a list; and it may have grown, so that an entry behind its record is right. */
    const bool needs_origin =
        findings->rule_counts[SNAP_RULE_LIST_CUT] > 0 ||
        (findings->rule_counts[SNAP_RULE_ENTRY_OLD_RANGE] > 0 && store->identity_state == SNAP_IDENTITY_OK);
    const struct cli_quoted quoted = cli_quote(named ? origin->path : "ORIGIN");
    const uint64_t areas_in_use = findings->fatal_counts[SNAP_RULE_ENTRY_NEW_METADATA];
    uint64_t count = 0;

    for (size_t i = 0; i < sizeof by_view_change / sizeof by_view_change[0]; i++)
        count += findings->rule_counts[by_view_change[i]];
    count += findings->own_counts[SNAP_RULE_ENTRY_NEW_OUTLIER] + findings->own_counts[SNAP_RULE_DUPLICATE_NEW];
    count -= areas_in_use;
    if (count > 0 || header || invalid)
        cli_line(cli, "To see what can be mended, without a write: snapcheck -n -y --accept=%s%s%s%s %s",
                 header                  ? "header"
                 : count > 0 && !invalid ? "view-change"
                 : count > 0             ? "view-change,revalidate"
                                         : "revalidate",
                 devices, named || needs_origin ? " --origin " : "", named || needs_origin ? quoted.text : "",
                 cli_quote(cow->path).text);
    if (findings->rule_counts[SNAP_RULE_DUPLICATE_OLD] > 0)
        cli_line(cli, "Several entries are for one chunk, and nothing in the store tells which is right. To see which "
                 "kernel shows which, and what keeping one would change: snapcheck -n -y --accept=view-change "
                 "--keep=first%s%s%s %s", devices, named ? " --origin " : "",
                 named ? cli_quote(origin->path).text : "", cli_quote(cow->path).text);
    else if (count == 0 && !header && !invalid)
        pair_say_not_in_place(cli, findings->rule_counts[SNAP_RULE_DUPLICATE_NEW] -
                                       findings->own_counts[SNAP_RULE_DUPLICATE_NEW], areas_in_use, origin, cow, store,
                              devices);
}

void pair_say_bring_back(struct cli *cli, const struct snap_findings *findings, const struct snap_check_result *check,
                         const struct device *origin, const struct device *cow, const char *devices)
{
    /* What a device that was cut lacks comes back with the rest of the device only. */
    const uint64_t out_of_range = check->needs_bytes == 0 ? findings->rule_counts[SNAP_RULE_ENTRY_NEW_RANGE] : 0;

    const uint64_t behind =
        findings->rule_counts[SNAP_RULE_LIST_CUT] + findings->rule_counts[SNAP_RULE_GARBAGE_BEHIND_END];

    if (findings->rule_counts[SNAP_RULE_ENTRY_NEW_TOP_BYTE] + findings->own_counts[SNAP_RULE_DUPLICATE_NEW] +
            out_of_range + behind > 0)
        cli_line(cli, "Some of what is damaged may come back. This shows what, without a write: snapcheck -n -y "
                 "--accept=view-change%s%s --origin %s %s",
                 findings->rule_counts[SNAP_RULE_STORE_INVALID] > 0 ? ",revalidate" : "", devices,
                 origin && origin->path ? cli_quote(origin->path).text : "ORIGIN", cli_quote(cow->path).text);
}

static struct snap_evidence_look look_of(const struct pair *pair, const struct snap_check_result *check)
{
    return (struct snap_evidence_look){
        .store = pair->store,
        .figures = check,
        .origin = pair->origin->io,
        .device = &pair->origin->facts,
        .lvm_group = pair->cow->lvm_group,
        .ask_size = snap_fs_size_find,
        .merged = pair->merged,
        .stop = cli_stop_asked,
    };
}

/* The one for lines to type: what was found has come before the judgement of the two. */
static const struct device *origin_to_name(const struct pair *pair, const struct snap_check_result *check)
{
    const struct snap_evidence_look look = look_of(pair, check);
    struct snap_evidence evidence;
    struct snap_error ignored;

    return check->list_complete && snap_evidence_gather(&look, &evidence, &ignored) == SNAP_OK
               ? verdict_origin_to_name(pair->origin, &evidence.pair)
               : pair->origin;
}

/* The store is damaged: where all of it is seen, and how the rest is taken out. */
static enum snap_status fail_damaged(const struct pair *pair, const struct snap_findings *findings,
                                     const struct snap_check_result *check, bool skippable, const char *all,
                                     struct snap_error *err)
{
    const struct device *named = origin_to_name(pair, check);
    const struct cli_quoted origin = cli_quote(pair->origin->path), cow = cli_quote(pair->cow->path);
    const char *said = accept_has(pair->accept, ACCEPT_ORIGIN_SIZE) ? " --accept=origin-size" : "";
    struct report_text devices = volumes_option_of(pair->cow, pair->origin);
    const size_t used = strlen(devices.text);

    (void)snprintf(devices.text + used, sizeof devices.text - used, "%s", said);
    /* In the order in which they are of use: look, mend, and only then do without what is damaged. */
    cli_line(pair->cli, "To see all that is wrong: snapcheck%s%s --origin %s %s", all, devices.text, origin.text,
             cow.text);
    if (!devices_is_lvm(pair->cow->path))
        pair_say_mend(pair->cli, findings, named, pair->cow, pair->store, said);
    if (skippable)
        pair_say_extract(pair->cli, named, pair->cow, pair->store, check->continuation_entries > 0, devices.text);
    return snap_fail(err, SNAP_E_CORRUPT, "%s: the store is damaged", pair->cow->path);
}

enum snap_status pair_check_list(const struct pair *pair, struct snap_repeated *repeated,
                                 struct snap_check_result *check, struct snap_error *err)
{
    const struct snap_check_options check_options = {
        .origin_sectors = pair->origin->io->size_bytes / SNAP_SECTOR_BYTES,
        .origin_is_whole = accept_has(pair->accept, ACCEPT_ORIGIN_SIZE),
        .origin_block_bytes = pair->origin->io->logical_block_bytes,
        .memory_bytes = pair->memory_bytes,
        .repeated = repeated,
        .stop = cli_stop_asked,
    };
    struct report_talk talk = {pair->cli, pair->cow->path};
    struct snap_findings findings = {.fn = talk_finding, .context = &talk, .per_rule_max = REPORT_PER_RULE_MAX};
    enum snap_status status = snap_check(pair->store, &check_options, &findings, check, err);
    const char *all = report_all_option(&findings);
    const bool skippable = status == SNAP_OK && pair_is_skippable(&findings, check);
    const uint64_t out_of_range = findings.rule_counts[SNAP_RULE_ENTRY_NEW_RANGE];

    if (status != SNAP_OK)
        return status;
    /* Before this, a store that is marked invalid was refused, or accepted. */
    findings.severity_counts[SNAP_FATAL] -= findings.rule_counts[SNAP_RULE_STORE_INVALID];
    if (pair_is_only_cut(&findings, check))
        return verdict_fail_cut(pair->cow, check, err);
    if (findings.rule_counts[SNAP_RULE_ENTRY_NEW_RANGE] > 0)
        cli_error(pair->cli, "%s: %" PRIu64 " of %" PRIu64 " entries %s data behind the end of the device, at "
                  "byte %" PRIu64, pair->cow->path, check->entries_cut, check->entries,
                  snap_text_form(check->entries_cut, "has its", "have their"), pair->cow->io->size_bytes);
    findings.rule_counts[SNAP_RULE_ENTRY_NEW_RANGE] = 0; /* that was all of them */
    report_talk_rest(pair->cli, pair->cow->path, &findings, SNAP_WARNING);
    findings.rule_counts[SNAP_RULE_ENTRY_NEW_RANGE] = out_of_range; /* for what can be mended */
    if (findings.severity_counts[SNAP_CORRUPTING] + findings.severity_counts[SNAP_FATAL] > 0)
        return fail_damaged(pair, &findings, check, skippable, all, err);
    if (verdict_has_outlier(pair->store, &findings, check))
        cli_warn(pair->cli, "%s: one entry alone is out of its place, and nothing in the store tells whether its data "
                 "chunk is damaged; snapcheck%s %s shows which it is", pair->cow->path,
                 volumes_option_of(pair->cow, pair->origin).text, cli_quote(pair->cow->path).text);
    return SNAP_OK;
}

/* Entries behind the end of the list may be mended: that comes before the merge of what is left. */
static void say_bring_back(const struct pair *pair)
{
    cli_line(pair->cli, "To see first which entries can be brought back: snapcheck -n -y --accept=view-change%s "
             "--origin %s %s", volumes_option_of(pair->cow, pair->origin).text, cli_quote(pair->origin->path).text,
             cli_quote(pair->cow->path).text);
}

enum snap_status pair_check_identity(const struct pair *pair, const struct snap_check_result *check,
                                     struct snap_evidence *evidence, struct snap_error *err)
{
    const struct snap_evidence_look look = look_of(pair, check);
    enum snap_status status = snap_evidence_gather(&look, evidence, err);

    if (status != SNAP_OK)
        return status;
    if (evidence->pair.list_lost && !accept_has(pair->accept, ACCEPT_CUT) && check->continuation_entries > 0)
        say_bring_back(pair);
    if (evidence->pair.list_lost && !accept_has(pair->accept, ACCEPT_CUT))
        return snap_fail(err, SNAP_E_REFUSED, "%s; if you know that there was nothing to merge, add --accept=cut",
                         verdict_lost_text(pair->cow, pair->origin).text);
    return verdict_judge(pair->cli, pair->cow, pair->origin, evidence, check->entries,
                         accept_has(pair->accept, ACCEPT_IDENTITY)     ? VERDICT_WAIVED
                         : pair->writes_entries && check->entries == 0 ? VERDICT_NOTHING_TO_WRITE
                                                                       : VERDICT_NOT_WAIVED,
                         pair->shown_next, err);
}

static enum snap_status find_leftovers(const struct pair *pair, const struct snap_check_result *check,
                                       uint64_t *leftover_areas_end, struct snap_error *err)
{
    const struct snap_leftovers_search search = {.store = pair->store, .origin = pair->origin->io, .check = check,
                                             .memory_bytes = pair->memory_bytes, .stop = cli_stop_asked};

    return leftover_areas_end ? snap_leftovers_find(&search, leftover_areas_end, err) : SNAP_OK;
}

enum snap_status pair_check_cut(const struct pair *pair, const struct snap_check_result *check, bool appended,
                                uint64_t *leftover_areas_end, struct snap_error *err)
{
    const uint64_t first_behind = snap_layout_area_behind(&pair->store->layout, check->entries) *
                                  pair->store->layout.entries_per_area;
    const struct cli_text number = cli_count_text(check->continuation_entries, "entry", "entries");
    const char *behind = number.text;
    struct snap_error reason;
    bool equal;
    enum snap_status status;

    if (check->continuation_entries == 0 && (check->earlier_entries == 0 || !leftover_areas_end))
        return find_leftovers(pair, check, leftover_areas_end, err);
    status = snap_compare_merged(pair->store, pair->origin->io, first_behind,
                                 check->continuation_entries + check->earlier_entries, pair->memory_bytes,
                                 cli_stop_asked, NULL, &equal, &reason);
    if (status == SNAP_E_IO && check->continuation_entries > 0) {
        cli_warn(pair->cli, "%s: it is not known whether the entries behind the end of the list are on the origin "
                 "already: %s", pair->cow->path, reason.text);
        equal = false;
    } else if (status != SNAP_OK && status != SNAP_E_IO) {
        *err = reason;
        return status;
    }
    if (status == SNAP_OK && equal) {
        cli_note(pair->cli, "%s: the entries behind the end of the list are on the origin already: an earlier run "
                 "was interrupted", pair->cow->path);
        return find_leftovers(pair, check, leftover_areas_end, err);
    }
    if (check->continuation_entries == 0 || accept_has(pair->accept, ACCEPT_CUT))
        return SNAP_OK;
    if (appended)
        return snap_fail(err, SNAP_E_REFUSED, "%s: %s behind the end of the list may have been cut off by a fault, "
                         "or be left of an earlier snapshot in the same place; what is copied to this store would "
                         "overwrite that; make a copy of the store, then add --accept=cut", pair->cow->path, behind);
    switch (cli_ask(pair->cli, false, "%s: %s behind the end of the list may have been cut off by a fault, or be "
                    "left of an earlier snapshot in the same place. What is there will be left alone. Go on with "
                    "the %s in the list?", pair->cow->path, behind,
                    cli_count_text(check->entries, "entry", "entries").text)) {
    case CLI_ANSWER_YES:
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
    case CLI_ANSWER_NOBODY:
        break;
    }
    say_bring_back(pair);
    cli_line(pair->cli, "To look first at what the entries in the list show: snapinspect --extract FILE --accept=cut"
             "%s --origin %s %s", volumes_option_of(pair->cow, pair->origin).text,
             cli_quote(pair->origin->path).text, cli_quote(pair->cow->path).text);
    return snap_fail(err, SNAP_E_REFUSED,
                     "%s: %s behind the end of the list may have been cut off by a fault, or be left of an earlier "
                     "snapshot in the same place; to go on with only the entries in the list, add --accept=cut",
                     pair->cow->path, behind);
}
