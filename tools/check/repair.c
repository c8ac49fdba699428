/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans a repair, says what it would do, asks, and writes. */
#include "tools/check/repair.h"

#include "lib/base/bytes.h"
#include "lib/files/fs_size.h"
#include "tools/check/checks.h"
#include "tools/check/next.h"
#include "tools/check/old_bytes.h"
#include "tools/check/repair_header.h"
#include "tools/cli/quote.h"
#include "tools/shared/memory.h"
#include "tools/shared/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
        .ask_size = snap_fs_size_find,
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

enum snap_status check_repair_plan(struct check_session *session, const struct snap_store *store,
                                   struct snap_io *origin, enum snap_repair_keep keep, struct snap_error *err)
{
    const struct check_arguments *arguments = &session->arguments;
    const struct snap_repair_options options = {
        .origin = origin,
        .origin_sectors = origin ? origin->size_bytes / SNAP_SECTOR_BYTES : 0,
        .origin_is_whole = check_options_origin_is_whole(arguments),
        .clear_entries = !arguments->preen,
        .change_view = (arguments->accept & 1u << CHECK_ACCEPT_VIEW_CHANGE) != 0,
        .keep = keep,
        .revalidate = (arguments->accept & 1u << CHECK_ACCEPT_REVALIDATE) != 0,
        .memory_bytes = memory_to_use_bytes(arguments->memory_bytes),
        .stop = cli_stop_asked,
    };

    return snap_repair_plan(&session->repair, store, &options, err);
}

static enum snap_status plan(struct check_session *session, enum snap_repair_keep keep, struct snap_error *err)
{
    struct snap_io *origin;
    const enum snap_status status = judge_origin(session, &origin, err);

    return status == SNAP_OK ? check_repair_plan(session, &session->store, origin, keep, err) : status;
}

/*
 * ---- the run ---------------------------------------------------------------------------------------------------
 */

/* Which of several entries for one chunk is right only people know. With -y nobody is asked, and both stay. */
static enum snap_status ask_choice(struct check_session *session, struct snap_error *err)
{
    static const char *const words[] = {"first", "last"};
    const struct check_arguments *arguments = &session->arguments;

    if (session->repair.choice_count == 0 || arguments->keep != CHECK_KEEP_NONE || arguments->yes ||
        arguments->dry_run || !arguments->repair || !(arguments->accept & 1u << CHECK_ACCEPT_VIEW_CHANGE) ||
        !cli_ask_possible(session->cli))
        return SNAP_OK;
    cli_ask_begin(session->cli);
    check_repair_say_choices(session);
    for (int word = 0; word < 2; word++) {
        switch (cli_ask(session->cli, false, "%s: keep the %s of each, and drop the others?", session->cow.path,
                        words[word])) {
        case CLI_ANSWER_YES:
            session->arguments.keep = word;
            snap_repair_free(&session->repair);
            return plan(session, (enum snap_repair_keep)(word + 1), err);
        case CLI_ANSWER_STOPPED:
            return snap_fail(err, SNAP_E_STOPPED, "stopped");
        default:
            break;
        }
    }
    return SNAP_OK;
}

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

/* From the answer to the last write. */
static enum snap_status carry_out(struct check_session *session, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    if (cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    if (status == SNAP_OK && session->held.used)
        status = held_read_again(&session->held, err);
    if (status == SNAP_OK && !session->arguments.no_save_old)
        status = check_old_bytes_save(session, err);
    if (status == SNAP_OK)
        status = snap_edits_apply(&session->repair.edits, &session->touched, err);
    if (status != SNAP_OK)
        return status;
    session->mended = true;
    check_old_bytes_say_way_back(session);
    return check_again(session, err);
}

/* After a dry run: the lines that do it, in place or elsewhere. */
static void say_how(struct check_session *session)
{
    static const char *const words[] = {"view-change", "revalidate", "header", "origin-size"};
    static const char *const keep[] = {"", " --keep=first", " --keep=last"};
    const struct check_arguments *arguments = &session->arguments;
    char accept[64] = "", chunk_size[48] = "";

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (arguments->accept & 1u << i)
            (void)snprintf(accept + strlen(accept), sizeof accept - strlen(accept), "%s%s",
                           accept[0] ? "," : " --accept=", words[i]);
    if (arguments->chunk_bytes > 0)
        (void)snprintf(chunk_size, sizeof chunk_size, " --chunk-size %" PRIu64, arguments->chunk_bytes);
    cli_line(session->cli, "To mend it: snapcheck %s%s%s%s%s%s%s %s", arguments->preen ? "-p" : "-y", accept,
             chunk_size, keep[arguments->keep + 1], check_old_bytes_option(session).text,
             volumes_option(&arguments->devices).text, report_origin_option(session->origin.path).text,
             cli_quote(session->cow.path).text);
    if (session->repair.change_count > 0 && !session->repair.rebuilt.io)
        cli_line(session->cli, "Or, to leave this store as it is: %s",
                 check_next_repair_to(session, false, 0).text);
}

/* Blocks larger than the chunks take no write of them. */
static enum snap_status check_blocks(struct check_session *session, struct snap_error *err)
{
    const enum snap_status status =
        session->repair.edits.count > 0 ? snap_edits_check_blocks(&session->repair.edits, err) : SNAP_OK;

    if (status == SNAP_E_UNSUPPORTED)
        cli_line(session->cli, "It can be mended where the blocks are smaller; or, in a new store with larger chunks: "
                 "%s", check_next_repair_to(session, false, session->cow.io->logical_block_bytes).text);
    return status;
}

enum snap_status check_repair(struct check_session *session, struct snap_error *err)
{
    enum snap_status status = plan(session, (enum snap_repair_keep)(session->arguments.keep + 1), err);

    if (status == SNAP_OK)
        status = ask_choice(session, err);
    if (status == SNAP_OK && snap_repair_header_rule(&session->store) != SNAP_RULES)
        status = check_repair_header(session, err);
    if (status == SNAP_OK)
        status = check_blocks(session, err);
    if (status != SNAP_OK)
        return status;
    cli_ask_begin(session->cli);
    check_repair_say(session);
    if (cli_stop_wanted())
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    if (session->repair.edits.count == 0)
        return SNAP_OK;
    if (session->arguments.dry_run)
        say_how(session);
    if (!session->arguments.no_save_old)
        status = check_old_bytes_find_place(session, err);
    if (status != SNAP_OK || session->arguments.dry_run)
        return status;
    status = ask(session, err);
    return status == SNAP_OK ? carry_out(session, err) : status;
}

/* The old bytes must have a place, since nobody has said that they need none. */
static bool has_place(struct check_session *session)
{
    struct snap_error reason = {0};

    return check_old_bytes_find_place(session, &reason) == SNAP_OK;
}

enum snap_status check_repair_ask(struct check_session *session, struct snap_error *err)
{
    enum cli_answer answer;
    const enum snap_status status = plan(session, SNAP_REPAIR_KEEP_BOTH, err);

    session->arguments.asks = false;
    if (status != SNAP_OK || session->repair.edits.count == 0 || !has_place(session))
        return status;
    cli_ask_begin(session->cli);
    check_repair_say(session);
    answer = cli_ask(session->cli, false, "Mend %s?", session->cow.path);
    if (answer == CLI_ANSWER_STOPPED)
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    session->arguments.repair = answer == CLI_ANSWER_YES;
    return session->arguments.repair ? carry_out(session, err) : SNAP_OK;
}

/* The store takes no writes; whether its view may change has been said, or is seen first. */
static void say_elsewhere(struct check_session *session)
{
    const bool accepted = (session->arguments.accept & 1u << CHECK_ACCEPT_VIEW_CHANGE) != 0;

    cli_line(session->cli, "%s: %s",
             accepted ? "To mend it in another place, where this one is only read"
                      : "It can be mended in another place, where this one is only read; to see first what that gives",
             check_next_repair_to(session, !accepted, 0).text);
}

void check_repair_refused(struct check_session *session, const struct snap_error *err)
{
    const bool full = err->status == SNAP_E_NOSPC || err->status == SNAP_E_PERM;

    if (!check_options_mend(&session->arguments))
        return;
    if (!session->cow.io && session->cow.found && err->status == SNAP_E_PERM)
        say_elsewhere(session);
    else if (session->old_folder && full)
        cli_line(session->cli, "%s: the old bytes can also go to another file system: add --save-old FILE",
                 session->old_folder->path);
}

void check_repair_failed(struct check_session *session)
{
    if (session->mended)
        return;
    cli_line(session->cli, "%s may be mended in part; repeat the command once the reason is gone.",
             session->cow.path);
    check_old_bytes_say_way_back(session);
}
