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

/* A wrong origin must not tell which entries were merged. */
static enum snap_status judge_origin(struct check_session *session, struct snap_io **origin, struct snap_error *err)
{
    const struct snap_evidence_look look = {
        .store = &session->store,
        .figures = &session->result,
        .origin = session->origin.io,
        .device = &session->origin.facts,
        .lvm_group = session->cow.lvm_group,
        .stop = cli_stop_asked,
    };
    struct snap_evidence evidence = session->evidence;
    enum snap_status status = SNAP_OK;

    *origin = NULL;
    if (!session->origin.io || !session->result.list_complete)
        return SNAP_OK;
    if (!session->pair_known)
        status = snap_evidence_gather(&look, &evidence, err);
    if (status != SNAP_OK)
        return status;
    if (evidence.pair.outcome == SNAP_PAIR_CONTRADICTED)
        cli_warn(session->cli, "%s: it is not compared with the store: %s", session->origin.path, evidence.pair.text);
    else
        *origin = session->origin.io;
    return SNAP_OK;
}

static enum snap_status plan(struct check_session *session, struct snap_error *err)
{
    const struct check_arguments *arguments = &session->arguments;
    struct snap_io *origin;
    enum snap_status status = judge_origin(session, &origin, err);
    const struct snap_repair_options options = {
        .origin = origin,
        .clear_entries = !arguments->preen,
        .change_view = (arguments->accept & 1u << CHECK_ACCEPT_VIEW_CHANGE) != 0,
        .revalidate = (arguments->accept & 1u << CHECK_ACCEPT_REVALIDATE) != 0,
        .memory_bytes = memory_to_use_bytes(arguments->memory_bytes),
        .stop = cli_stop_asked,
    };

    return status == SNAP_OK ? snap_repair_plan(&session->repair, &session->store, &options, err) : status;
}

/* A list without a header; the store is not read as one, so nothing else can be mended before that. */
static enum snap_status plan_lost_header(struct check_session *session, struct snap_error *err)
{
    struct snap_lost_list lost;
    enum snap_status status;

    if (!holds_find_lost_list(session->cow.io, &session->store, &lost))
        return SNAP_OK;
    if (!(session->arguments.accept & 1u << CHECK_ACCEPT_HEADER)) {
        cli_line(session->cli, "If this was a store, and nothing else is on the device: snapcheck -y --accept=header%s "
                 "%s", volumes_option(&session->arguments.devices).text, cli_quote(session->cow.path).text);
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

    if (!place && !session->cow.facts.block_device && !devices_is_lvm(session->cow.path))
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
        cli_line(session->cli, "To take that back: snapcheck --put-back %s%s %s",
                 cli_quote(session->old_folder->path).text, volumes_option(&session->arguments.devices).text,
                 cli_quote(session->cow.path).text);
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
    check_repair_say(session);
    if (session->repair.edits.count == 0)
        return SNAP_OK;
    if (saves)
        status = open_place(session, err);
    if (status != SNAP_OK || session->arguments.dry_run)
        return status;
    status = ask(session, err);
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    if (status == SNAP_OK && session->held.used)
        status = held_read_again(&session->held, err);
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

enum snap_status check_repair_close(struct check_session *session, struct snap_error *err)
{
    const enum snap_status status = snap_new_file_close(session->old_file, err);

    session->old_file = NULL;
    snap_folder_close(session->old_folder);
    session->old_folder = NULL;
    snap_repair_free(&session->repair);
    return status;
}
