/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a repair would do and what it leaves, in words and as JSON. */
#include "tools/check/repair.h"

#include "lib/base/arith.h"
#include "tools/check/lines.h"
#include "tools/check/next.h"
#include "tools/check/old_bytes.h"
#include "tools/cli/quote.h"
#include "tools/cli/size.h"
#include "tools/shared/invalid.h"
#include "tools/shared/pair.h"

#include <inttypes.h>
#include <stdlib.h>

#define CHANGES_MAX 20u

/* Of the list that the plan is for: with --repair-to it may be one whose header is only read as if it were there. */
static const struct snap_layout *layout_of(const struct check_session *session)
{
    return session->repair_to.source.io ? &session->repair_to.source.layout : &session->store.layout;
}

/* Whether the origin has the chunk: a damaged entry may name any number. */
static bool names_chunk(const struct check_session *session, const struct snap_repair_change *change)
{
    return change->rule != SNAP_RULE_ENTRY_OLD_RANGE &&
           change->old_chunk < (uint64_t)INT64_MAX / layout_of(session)->chunk_bytes;
}

/* The end of the range of changes that begins with `first`. */
static size_t range_end(const struct check_session *session, size_t first)
{
    const struct snap_repair *repair = &session->repair;
    const struct snap_repair_change *changes = repair->changes;
    size_t end = first + 1;

    while (end < repair->change_count &&
           names_chunk(session, &changes[end]) == names_chunk(session, &changes[first]) &&
           changes[end].rule == changes[first].rule &&
           changes[end].from_origin == changes[first].from_origin && !changes[first].from_entry &&
           changes[end].old_chunk - changes[end - 1].old_chunk <= 1)
        end++;
    return end;
}

/* In bytes of the view; needs chunks that the origin has. */
static void range_bytes(const struct check_session *session, size_t first, size_t end, uint64_t *offset_bytes,
                        uint64_t *length_bytes)
{
    const struct snap_repair_change *changes = session->repair.changes;
    const uint64_t chunk_bytes = layout_of(session)->chunk_bytes;
    const uint64_t chunks = changes[end - 1].old_chunk - changes[first].old_chunk + 1;

    *offset_bytes = changes[first].old_chunk * chunk_bytes;
    *length_bytes = chunks * chunk_bytes;
}

/* What a chunk of the snapshot shows afterwards. */
static struct report_text shows_text(const struct check_session *session, const struct snap_repair_change *change)
{
    struct report_text result;

    if (change->from_entry)
        (void)snprintf(result.text, sizeof result.text, "the data of %.64s with any kernel",
                       check_repair_place(session, change->index).text);
    else
        (void)snprintf(result.text, sizeof result.text, "%s",
                       change->from_origin ? "what the origin has" : "their own data");
    return result;
}

/* Entries that are dropped and say nothing of which chunk they stood for. */
static void say_nameless(struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;
    uint64_t count = 0;

    for (size_t i = 0; i < repair->change_count; i++)
        count += repair->changes[i].from_origin && !names_chunk(session, &repair->changes[i]);
    if (count > 0)
        cli_warn(session->cli, "%s: %s no chunk of the origin %s dropped; the %s for %s not known", session->cow.path,
                 cli_count_text(count, "entry that names", "entries that name").text, count == 1 ? "is" : "are",
                 count == 1 ? "chunk it stood" : "chunks they stood", count == 1 ? "is" : "are");
}

/* The files of all ranges, numbered as they stand. A signal that ends this ends the run a little later. */
static void name_files(struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;
    const struct files_look look = check_lines_look(session);
    struct files_places places = {.count = 0};
    uint64_t offset_bytes, length_bytes;
    uint32_t count = 0;

    for (size_t i = 0, end; i < repair->change_count && count < SNAP_OWNERS_ANSWERS_MAX; i = end) {
        end = range_end(session, i);
        if (!names_chunk(session, &repair->changes[i]))
            continue;
        range_bytes(session, i, end, &offset_bytes, &length_bytes);
        files_places_add(&places, offset_bytes, length_bytes, count++);
    }
    if (count > 0 && files_possible(&session->origin) && !cli_stop_wanted())
        (void)files_find(&session->files, &look, &places, count, NULL);
    files_places_free(&places);
}

static void say_changes(struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;
    uint64_t offset_bytes, length_bytes;
    uint32_t number = 0;
    size_t said = 0;
    char *touched;

    name_files(session);

    for (size_t i = 0, end; i < repair->change_count; i = end) {
        end = range_end(session, i);
        if (!names_chunk(session, &repair->changes[i]))
            continue; /* all of these have one line */
        if (said++ == CHANGES_MAX && !session->arguments.all) {
            cli_line(session->cli, "And %zu more chunks; --all shows each.", repair->change_count - i);
            break;
        }
        range_bytes(session, i, end, &offset_bytes, &length_bytes);
        touched = files_text(&session->files, number++);
        /* A warning, so that --quiet leaves it: whoever loses data has to know which. */
        cli_warn(session->cli, "%s: bytes %" PRIu64 " to %" PRIu64 " of the snapshot%s%s show %s afterwards (%s)",
                 session->cow.path, offset_bytes, offset_bytes + (length_bytes - 1), touched ? touched : "",
                 touched ? "," : "", shows_text(session, &repair->changes[i]).text,
                 snap_rules_info(repair->changes[i].rule)->id);
        free(touched);
    }
    say_nameless(session);
    if (repair->gives_up_rest)
        cli_warn(session->cli, "%s: the list will end after %s; what it names behind that is given up, however much "
                 "it is", session->cow.path, cli_count_text(repair->entries_after, "entry", "entries").text);
}

/* Entries that continue the list behind its end: a fault has cut them off, or a merge has taken them off. */
static void say_behind(struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;
    const struct report_text devices = check_options_text(&session->arguments);
    const bool wrong = session->pair_known && session->evidence.pair.outcome == SNAP_PAIR_CONTRADICTED;
    const char *origin = wrong ? NULL : session->origin.path; /* a wrong one tells nothing */

    if (repair->behind_merged)
        cli_note(session->cli, "%s: %s behind the end of the list; %s has the data of all of them", session->cow.path,
                 cli_count_text(repair->behind_found, "entry stands", "entries stand").text, origin);
    else if (!origin)
        cli_line(session->cli, "%s behind the end of the list. The origin tells whether a merge has taken them off, or "
                 "a fault: snapcheck -n -y --accept=view-change%s --origin ORIGIN %s",
                 cli_count_text(repair->behind_found, "entry fits", "entries fit").text, devices.text,
                 cli_quote(session->cow.path).text);
    else if (repair->restores)
        cli_note(session->cli, "%s: %s back into the list; if a merge had taken them off, and the origin was used "
                 "since then, they are older than what it holds: do not mend that", session->cow.path,
                 cli_count_text(repair->behind_back, "entry comes", "entries come").text);
    else if (!repair->behind_fits)
        cli_note(session->cli, "%s: %s behind the end of the list, and %s does not have their data; too much is "
                 "missing between them and the list to bring them back", session->cow.path,
                 cli_count_text(repair->behind_found, "entry fits", "entries fit").text, origin);
    else
        cli_line(session->cli, "%s behind the end of the list, and %s does not have their data. To bring them back, "
                 "first see which they are: snapcheck -n -y --accept=view-change%s --origin %s %s",
                 cli_count_text(repair->behind_found, "entry fits", "entries fit").text, origin, devices.text,
                 cli_quote(origin).text, cli_quote(session->cow.path).text);
}

/* What does not come back with the others. */
static void say_lost(struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;

    if (repair->restores && repair->behind_lost > 0)
        cli_warn(session->cli, "%s: between them %s lost: so many chunks of the snapshot stay missing",
                 session->cow.path, cli_count_text(repair->behind_lost, "entry is", "entries are").text);
}

/* Entries for the same chunk, where none of them was chosen. */
static void say_waiting_choices(struct check_session *session)
{
    const char *origin = session->origin.path;

    if (session->repair.choice_count == 0)
        return;
    check_repair_say_choices(session);
    if (session->repair.waiting[SNAP_RULE_DUPLICATE_OLD] > 0)
        cli_line(session->cli, "To keep the first one (or, with --keep=last, the last), first see what would change: "
                 "snapcheck -n -y --accept=view-change%s --keep=first%s%s%s %s",
                 session->repair.waiting[SNAP_RULE_STORE_INVALID] > 0 ? ",revalidate" : "",
                 check_options_text(&session->arguments).text, origin ? " --origin " : "",
                 origin ? cli_quote(origin).text : "", cli_quote(session->cow.path).text);
}

/* Entries that are damaged in a way that no repair in place is for. */
static uint64_t count_areas_in_use(const struct snap_repair *repair)
{
    const enum snap_rule rule = SNAP_RULE_ENTRY_NEW_METADATA;

    return repair->restores ? 0 : repair->found[rule] - repair->mended[rule] - repair->waiting[rule];
}

/* Of two entries with one data chunk, nothing tells which is right. */
static uint64_t shared_that_stay(const struct snap_repair *repair)
{
    const enum snap_rule rule = SNAP_RULE_DUPLICATE_NEW;

    return repair->found[rule] - repair->mended[rule] - repair->waiting[rule];
}

/* Why entries do not get the data chunk of their slot back. */
static void say_without_own(struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;
    const uint64_t stay = repair->found[SNAP_RULE_ENTRY_NEW_OUTLIER] - repair->mended[SNAP_RULE_ENTRY_NEW_OUTLIER] -
                          repair->waiting[SNAP_RULE_ENTRY_NEW_OUTLIER];

    if (repair->own_used > 0)
        cli_note(session->cli, "%s: %s not get the data chunk of %s back: another entry has that chunk",
                 session->cow.path, cli_count_text(repair->own_used, "entry does", "entries do").text,
                 repair->own_used == 1 ? "its slot" : "their slots");
    if (repair->own_unsure > 0)
        cli_note(session->cli, "%s: %s not get the data chunk of %s back: too many other entries, or those beside "
                 "it, are out of their places, so that nothing tells which chunk it was", session->cow.path,
                 cli_count_text(repair->own_unsure, "entry does", "entries do").text,
                 repair->own_unsure == 1 ? "its slot" : "their slots");
    if (stay > 0)
        cli_note(session->cli, "%s: %s far from %s stays as it is: the origin chunks of the entries beside it do not "
                 "tell whether it was moved", session->cow.path,
                 cli_count_text(stay, "data chunk", "data chunks").text, stay == 1 ? "its place" : "their places");
}

/* Damaged entries whose drop would move one of which nothing tells which data chunk is its own. */
static void say_held_back(struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;

    if (repair->held_back > 0)
        cli_line(session->cli, "%s not mended in place: that would move the last entries, and for one of them nothing "
                 "tells which data chunk is its own.",
                 cli_count_text(repair->held_back, "finding is", "findings are").text);
    if (repair->held_back > 0 && shared_that_stay(repair) + count_areas_in_use(repair) == 0)
        pair_say_new_store(session->cli, &session->origin, &session->cow, &session->store,
                           check_options_text(&session->arguments).text);
}

/* The store that was given up, where it stays invalid, or may become valid. */
static void say_invalid(struct check_session *session, uint64_t others)
{
    const struct snap_repair *repair = &session->repair;
    const bool held_back = (session->arguments.accept & 1u << CHECK_ACCEPT_REVALIDATE) != 0;
    const bool blocked = others + repair->waiting[SNAP_RULE_DUPLICATE_OLD] + shared_that_stay(repair) +
                             count_areas_in_use(repair) + repair->held_back > 0;

    if (repair->waiting[SNAP_RULE_STORE_INVALID] == 0)
        return;
    if (held_back)
        cli_line(session->cli, "The store stays invalid: other damage in it has to be mended first.");
    if (!blocked)
        cli_line(session->cli, "To make the store valid again, although what it lacks stays wrong: snapcheck -y "
                 "--accept=revalidate%s%s%s %s", check_old_bytes_option(session).text,
                 check_options_text(&session->arguments).text, report_origin_option(session->origin.path).text,
                 cli_quote(session->cow.path).text);
}

/* What else could be mended, and how. */
static void say_waiting(struct check_session *session)
{
    const uint64_t *waiting = session->repair.waiting;
    const struct report_text devices = check_options_text(&session->arguments);
    /* It waits although the view may change: the origin that was named, if one was, is none of this store. */
    const bool lacks_origin = waiting[SNAP_RULE_ENTRY_OLD_RANGE] > 0 &&
                              session->store.identity_state == SNAP_IDENTITY_OK &&
                              (!session->origin.io || (session->arguments.accept & 1u << CHECK_ACCEPT_VIEW_CHANGE));
    const struct report_text origin = report_origin_option(lacks_origin ? "ORIGIN" : session->origin.path);
    const bool invalid = waiting[SNAP_RULE_STORE_INVALID] > 0;
    uint64_t others = 0;

    if (session->repair.behind_found > 0)
        say_behind(session);
    say_lost(session);
    for (int rule = 0; rule < SNAP_RULES; rule++)
        others += rule == SNAP_RULE_STORE_INVALID || rule == SNAP_RULE_GARBAGE_BEHIND_END ||
                          rule == SNAP_RULE_LIST_CUT || rule == SNAP_RULE_DUPLICATE_OLD
                      ? 0
                      : waiting[rule];
    others -= snap_min(others, session->repair.held_back);
    say_invalid(session, others);
    say_waiting_choices(session);
    if (others > 0)
        cli_line(session->cli, "To mend %s by which the snapshot will read differently, first see what would: "
                 "snapcheck -n -y --accept=view-change%s%s%s %s",
                 cli_count_text(others, "finding", "findings").text, invalid ? ",revalidate" : "", devices.text,
                 origin.text, cli_quote(session->cow.path).text);
    if (session->repair.behind_found == 0 && waiting[SNAP_RULE_GARBAGE_BEHIND_END] > 0)
        cli_line(session->cli, "What stands behind the end of the list looks like entries, so -p leaves it; they do "
                 "not continue the list, and -y zeroes them: snapcheck -y%s%s%s %s",
                 check_old_bytes_option(session).text, devices.text, origin.text,
                 cli_quote(session->cow.path).text);
}

void check_repair_say(struct check_session *session)
{
    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (session->repair.mended[rule] > 0)
            cli_note(session->cli, "%s: %s of %s %s mended", session->cow.path,
                     cli_count_text(session->repair.mended[rule], "finding", "findings").text,
                     snap_rules_info((enum snap_rule)rule)->id, session->arguments.dry_run ? "would be" : "will be");
    if (session->repair.mended[SNAP_RULE_STORE_INVALID] > 0 && !session->arguments.dry_run) /* there it comes anyway */
        cli_warn(session->cli, "%s: %s", session->cow.path, invalid_text(&session->result, INVALID_MISSING).text);
    say_changes(session);
    say_without_own(session);
    say_waiting(session);
    say_held_back(session);
    if (session->result.list_complete)
        pair_say_not_in_place(session->cli, shared_that_stay(&session->repair),
                              count_areas_in_use(&session->repair), check_next_origin(session), &session->cow,
                              &session->store, check_options_text(&session->arguments).text);
}

void check_repair_say_copy(struct check_session *session)
{
    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (session->repair.mended[rule] > 0)
            cli_note(session->cli, "%s: %s of %s %s mended in the new store", session->cow.path,
                     cli_count_text(session->repair.mended[rule], "finding", "findings").text,
                     snap_rules_info((enum snap_rule)rule)->id, session->repair.mended[rule] == 1 ? "is" : "are");
    say_changes(session);
    if (session->repair.restores || session->repair.behind_merged)
        say_behind(session);
    say_lost(session);
}

uint64_t check_repair_from_origin(const struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;
    uint64_t count = 0;

    for (size_t i = 0; i < repair->change_count; i++)
        count += repair->changes[i].from_origin &&
                 (i == 0 || !names_chunk(session, &repair->changes[i]) || !repair->changes[i - 1].from_origin ||
                  repair->changes[i].old_chunk != repair->changes[i - 1].old_chunk);
    return count;
}

struct cli_json *check_repair_json(const struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;
    struct cli_json *object = cli_json_object(), *mended = cli_json_object(), *waiting = cli_json_object();
    struct cli_json *changes = cli_json_array();
    uint64_t offset_bytes, length_bytes;
    uint32_t number = 0;

    cli_json_set_uint(object, "entries_behind_end", repair->behind_found);
    cli_json_set_uint(object, "entries_behind_end_lost", repair->behind_lost);
    cli_json_set_bool(object, "entries_behind_end_merged", repair->behind_merged);
    cli_json_set_bool(object, "restores", repair->restores);
    for (int rule = 0; rule < SNAP_RULES; rule++) {
        if (repair->mended[rule] > 0)
            cli_json_set_uint(mended, snap_rules_info((enum snap_rule)rule)->id, repair->mended[rule]);
        if (repair->waiting[rule] > 0)
            cli_json_set_uint(waiting, snap_rules_info((enum snap_rule)rule)->id, repair->waiting[rule]);
    }
    for (size_t i = 0, end; i < repair->change_count; i = end) {
        struct cli_json *range = cli_json_object();

        end = range_end(session, i);
        if (names_chunk(session, &repair->changes[i])) {
            range_bytes(session, i, end, &offset_bytes, &length_bytes);
            cli_json_set_uint(range, "origin_offset_bytes", offset_bytes);
            cli_json_set_uint(range, "length_bytes", length_bytes);
            files_set_json(range, &session->files, number++);
        } else {
            cli_json_set_uint(range, "entries", end - i);
        }
        cli_json_set_string(range, "rule", snap_rules_info(repair->changes[i].rule)->id);
        cli_json_set_string(range, "shows", repair->changes[i].from_entry    ? "kept-entry"
                                            : repair->changes[i].from_origin ? "origin"
                                                                             : "own-data");
        if (repair->changes[i].from_entry)
            cli_json_set_uint(range, "kept_index", repair->changes[i].index);
        cli_json_add(changes, range);
    }
    cli_json_set_bool(object, "written", session->mended);
    cli_json_set(object, "mended", mended);
    cli_json_set(object, "waiting", waiting);
    cli_json_set(object, "changes", changes);
    cli_json_set(object, "choices", check_repair_choices_json(session));
    cli_json_set_bool(object, "gives_up_rest", repair->gives_up_rest);
    if (session->old_file && session->old_file->placed)
        cli_json_set_string(object, "old_bytes", session->old_folder->path);
    else
        cli_json_set_null(object, "old_bytes");
    return object;
}
