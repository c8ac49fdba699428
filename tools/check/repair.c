/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says what a repair would do, asks, saves what it overwrites, and writes. */
#include "tools/check/repair.h"

#include "lib/base/arith.h"
#include "lib/repair/saved.h"
#include "tools/check/checks.h"
#include "tools/cli/quote.h"
#include "tools/cli/size.h"
#include "tools/shared/holds.h"
#include "tools/shared/memory.h"
#include "tools/shared/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define OLD_BYTES ".old-bytes"
#define NAMES_MAX 100u
#define CHANGES_MAX 100u

char *check_repair_default_place(const char *cow)
{
    struct stat st;
    char *place;

    if (stat(cow, &st) != 0 || !S_ISREG(st.st_mode) || asprintf(&place, "%s" OLD_BYTES, cow) < 0)
        return NULL;
    return place;
}

/*
 * ---- what would be done ----------------------------------------------------------------------------------------
 */

static enum snap_status plan(struct check_session *session, struct snap_error *err)
{
    const struct check_arguments *arguments = &session->arguments;
    const struct snap_repair_options options = {
        .clear_entries = !arguments->preen,
        .change_view = (arguments->accept & 1u << CHECK_ACCEPT_VIEW_CHANGE) != 0,
        .revalidate = (arguments->accept & 1u << CHECK_ACCEPT_REVALIDATE) != 0,
        .memory_bytes = memory_to_use_bytes(arguments->memory_bytes),
        .stop = cli_stop_asked,
    };

    return snap_repair_plan(&session->repair, &session->store, &options, err);
}

/* A list without a header; the store is not read as one, so nothing else can be mended before that. */
static enum snap_status plan_lost_header(struct check_session *session, struct snap_error *err)
{
    struct snap_lost_list lost;
    enum snap_status status;

    if (!holds_find_lost_list(session->cow.io, &session->store, &lost))
        return SNAP_OK;
    if (!(session->arguments.accept & 1u << CHECK_ACCEPT_HEADER)) {
        cli_line(session->cli, "If this was a store, and nothing else is on the device: snapcheck -y --accept=header "
                 "%s", cli_quote(session->cow.path).text);
        return SNAP_OK;
    }
    status = snap_repair_plan_header(&session->repair, &session->store, &lost, err);
    if (status == SNAP_OK)
        cli_note(session->cli, "%s: it %s a header for chunks of %s and %s%s", session->cow.path,
                 session->arguments.dry_run ? "would get" : "will get",
                 cli_size_text(session->repair.rebuilt.layout.chunk_bytes).text, lost.all ? "" : "at least ",
                 cli_count_text(lost.entries, "entry", "entries").text);
    return status;
}

/* The end of the range of changes that begins with `first`. */
static size_t range_end(const struct snap_repair *repair, size_t first)
{
    const struct snap_repair_change *changes = repair->changes;
    size_t end = first + 1;

    while (end < repair->change_count && changes[end].rule == changes[first].rule &&
           changes[end].from_origin == changes[first].from_origin &&
           changes[end].old_chunk - changes[end - 1].old_chunk <= 1)
        end++;
    return end;
}

/* In bytes of the view; an entry may name any chunk, also one that no origin has. */
static void range_bytes(const struct check_session *session, size_t first, size_t end, uint64_t *offset_bytes,
                        uint64_t *length_bytes)
{
    const struct snap_repair_change *changes = session->repair.changes;
    const uint64_t chunk_bytes = session->store.layout.chunk_bytes;
    const uint64_t chunks = changes[end - 1].old_chunk - changes[first].old_chunk + 1;

    if (!snap_mul(changes[first].old_chunk, chunk_bytes, offset_bytes))
        *offset_bytes = UINT64_MAX;
    *length_bytes = chunks * chunk_bytes;
}

static void say_changes(struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;
    uint64_t offset_bytes, length_bytes;
    size_t said = 0;

    for (size_t i = 0, end; i < repair->change_count; i = end, said++) {
        end = range_end(repair, i);
        if (said == CHANGES_MAX && !session->arguments.all) {
            cli_line(session->cli, "And %zu more chunks; --all shows each.", repair->change_count - i);
            break;
        }
        range_bytes(session, i, end, &offset_bytes, &length_bytes);
        cli_note(session->cli, "%s: bytes %" PRIu64 " to %" PRIu64 " of the snapshot show %s afterwards (%s)",
                 session->cow.path, offset_bytes, offset_bytes + (length_bytes - 1),
                 repair->changes[i].from_origin ? "what the origin has" : "their own data",
                 snap_rules_info(repair->changes[i].rule)->id);
    }
    if (repair->gives_up_rest)
        cli_note(session->cli, "%s: the list will end after %s; what it names behind that is given up, however much "
                 "it is", session->cow.path, cli_count_text(repair->entries_after, "entry", "entries").text);
}

/* What else could be mended, and how. */
static void say_waiting(struct check_session *session)
{
    const uint64_t *waiting = session->repair.waiting;
    const bool invalid = waiting[SNAP_RULE_STORE_INVALID] > 0;
    uint64_t others = 0;

    for (int rule = 0; rule < SNAP_RULES; rule++)
        others += rule == SNAP_RULE_STORE_INVALID || rule == SNAP_RULE_GARBAGE_BEHIND_END ? 0 : waiting[rule];
    if (others > 0)
        cli_line(session->cli, "To mend %s by which the snapshot will read differently, first see what would: "
                 "snapcheck -n -y --accept=view-change%s %s", cli_count_text(others, "finding", "findings").text,
                 invalid ? ",revalidate" : "", cli_quote(session->cow.path).text);
    else if (invalid)
        cli_line(session->cli, "To make the store valid again, although what it lacks stays wrong: snapcheck -y "
                 "--accept=revalidate %s", cli_quote(session->cow.path).text);
    if (waiting[SNAP_RULE_GARBAGE_BEHIND_END] > 0)
        cli_line(session->cli, "What stands behind the end of the list looks like entries, so -p leaves it; if a merge "
                 "has brought their data to the origin: snapcheck -y %s", cli_quote(session->cow.path).text);
}

static void say_plan(struct check_session *session)
{
    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (session->repair.mended[rule] > 0)
            cli_note(session->cli, "%s: %s of %s %s mended", session->cow.path,
                     cli_count_text(session->repair.mended[rule], "finding", "findings").text,
                     snap_rules_info((enum snap_rule)rule)->id, session->arguments.dry_run ? "would be" : "will be");
    say_changes(session);
}

/*
 * ---- the old bytes ---------------------------------------------------------------------------------------------
 */

/* The first free name: a file of old bytes is never overwritten. */
static enum snap_status open_place(struct check_session *session, struct snap_error *err)
{
    const struct device *const inputs[] = {&session->cow, &session->origin};
    struct snap_folder_entry taken = {.exists = true};
    char *place = session->arguments.save_old ? strdup(session->arguments.save_old)
                                              : check_repair_default_place(session->cow.path);
    enum snap_status status = SNAP_OK;

    if (!place && !session->cow.facts.block_device)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    if (!place)
        return snap_fail(err, SNAP_E_REFUSED, "%s: say where the old bytes are to be saved, on another device: "
                         "--save-old FILE (or --no-save-old: then nobody can take the repair back)",
                         session->cow.path);
    for (unsigned number = 0; status == SNAP_OK && taken.exists && number < NAMES_MAX; number++) {
        char *name = NULL;

        if (number > 0 && session->arguments.save_old)
            break;
        if ((number == 0 ? asprintf(&name, "%s", place) : asprintf(&name, "%s.%u", place, number)) < 0) {
            status = snap_fail(err, SNAP_E_NOMEM, "out of memory");
            break;
        }
        snap_folder_close(session->old_folder);
        session->old_folder = NULL;
        status = snap_folder_open(&session->old_folder, name, err);
        if (status == SNAP_OK)
            status = snap_folder_look(session->old_folder, session->old_folder->name, &taken, err);
        free(name);
    }
    free(place);
    if (status == SNAP_OK && taken.exists)
        status = snap_fail(err, SNAP_E_REFUSED, "%s: it exists already, and may be needed; name another file with "
                           "--save-old", session->old_folder->path);
    if (status == SNAP_OK)
        status = snap_folder_takes_files(session->old_folder, err);
    return status == SNAP_OK ? devices_apart(session->old_folder->path, session->old_folder->fd, inputs, 2, err)
                             : status;
}

static enum snap_status save_old(struct check_session *session, struct snap_error *err)
{
    struct snap_saved saved;
    const bool rebuilt = !!session->repair.rebuilt.io;
    enum snap_status status = snap_saved_make(&saved, rebuilt ? &session->repair.rebuilt : &session->store,
                                              &session->repair.edits,
                                              session->repair.entries_before, err);

    if (status == SNAP_OK)
        status = snap_new_file_make_nameless(&session->old_file, session->old_folder, err);
    if (status == SNAP_OK)
        status = snap_saved_write(&saved, session->old_file->fd, session->old_folder->path, err);
    if (status == SNAP_OK)
        status = snap_new_file_place(session->old_file, NULL, err);
    if (status == SNAP_OK)
        cli_note(session->cli, "%s: holds what is overwritten on %s", session->old_folder->path, session->cow.path);
    return status;
}

static void say_put_back(struct check_session *session)
{
    if (session->old_file && session->old_file->placed)
        cli_line(session->cli, "To take that back: snapcheck --put-back %s %s",
                 cli_quote(session->old_folder->path).text, cli_quote(session->cow.path).text);
}

/*
 * ---- the run ---------------------------------------------------------------------------------------------------
 */

static enum snap_status ask(struct check_session *session, struct snap_error *err)
{
    switch (cli_ask(session->cli, session->arguments.yes || session->arguments.preen, "Mend %s?",
                    session->cow.path)) {
    case CLI_ANSWER_YES:
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NOBODY:
        return snap_fail(err, SNAP_E_REFUSED, "%s: nobody can be asked; -y mends it, -p mends what is harmless",
                         session->cow.path);
    case CLI_ANSWER_NO:
        break;
    }
    return snap_fail(err, SNAP_E_REFUSED, "not mended: you answered no");
}

/* What is there now; the first findings stay what was printed. */
static enum snap_status check_again(struct check_session *session, struct snap_error *err)
{
    enum snap_status status;

    session->findings = (struct snap_findings){.fn = NULL};
    session->pair_known = false;
    status = snap_header_read(&session->store, session->cow.io, err);
    return status == SNAP_OK ? check_run(session, err) : status;
}

enum snap_status check_repair(struct check_session *session, struct snap_error *err)
{
    const bool saves = !session->arguments.no_save_old;
    enum snap_status status = plan(session, err);

    if (status == SNAP_OK && !snap_header_is_store(&session->store))
        status = plan_lost_header(session, err);
    if (status != SNAP_OK)
        return status;
    cli_ask_begin(session->cli);
    say_plan(session);
    say_waiting(session);
    if (session->repair.edits.count == 0)
        return SNAP_OK;
    if (saves)
        status = open_place(session, err);
    if (status != SNAP_OK || session->arguments.dry_run)
        return status;
    status = ask(session, err);
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    if (status == SNAP_OK && saves)
        status = save_old(session, err);
    if (status == SNAP_OK)
        status = snap_edits_apply(&session->repair.edits, &session->touched, err);
    if (status != SNAP_OK)
        return status;
    session->mended = true;
    say_put_back(session);
    return check_again(session, err);
}

void check_repair_failed(struct check_session *session)
{
    if (session->mended)
        return;
    cli_line(session->cli, "%s may be mended in part; repeat the command once the reason is gone.",
             session->cow.path);
    say_put_back(session);
}

struct cli_json *check_repair_json(const struct check_session *session)
{
    const struct snap_repair *repair = &session->repair;
    struct cli_json *object = cli_json_object(), *mended = cli_json_object(), *waiting = cli_json_object();
    struct cli_json *changes = cli_json_array();
    uint64_t offset_bytes, length_bytes;

    for (int rule = 0; rule < SNAP_RULES; rule++) {
        if (repair->mended[rule] > 0)
            cli_json_set_uint(mended, snap_rules_info((enum snap_rule)rule)->id, repair->mended[rule]);
        if (repair->waiting[rule] > 0)
            cli_json_set_uint(waiting, snap_rules_info((enum snap_rule)rule)->id, repair->waiting[rule]);
    }
    for (size_t i = 0, end; i < repair->change_count; i = end) {
        struct cli_json *range = cli_json_object();

        end = range_end(repair, i);
        range_bytes(session, i, end, &offset_bytes, &length_bytes);
        cli_json_set_uint(range, "origin_offset_bytes", offset_bytes);
        cli_json_set_uint(range, "length_bytes", length_bytes);
        cli_json_set_string(range, "rule", snap_rules_info(repair->changes[i].rule)->id);
        cli_json_set_string(range, "shows", repair->changes[i].from_origin ? "origin" : "own-data");
        cli_json_add(changes, range);
    }
    cli_json_set_bool(object, "written", session->mended);
    cli_json_set(object, "mended", mended);
    cli_json_set(object, "waiting", waiting);
    cli_json_set(object, "changes", changes);
    cli_json_set_bool(object, "gives_up_rest", repair->gives_up_rest);
    if (session->old_file && session->old_file->placed)
        cli_json_set_string(object, "old_bytes", session->old_folder->path);
    else
        cli_json_set_null(object, "old_bytes");
    return object;
}

enum snap_status check_repair_close(struct check_session *session, struct snap_error *err)
{
    const enum snap_status status = snap_new_file_close(session->old_file, err);

    session->old_file = NULL;
    snap_folder_close(session->old_folder);
    session->old_folder = NULL;
    snap_repair_free(&session->repair);
    return status;
}
