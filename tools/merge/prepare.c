/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that can refuse a merge, in its order; no write happens in here. */
#include "tools/merge/prepare.h"

#include "tools/cli/size.h"
#include "tools/merge/bad_list.h"
#include "tools/merge/checks.h"
#include "tools/merge/guard.h"
#include "tools/merge/keep_cow.h"
#include "tools/merge/open.h"
#include "tools/merge/preserve.h"
#include "tools/merge/report.h"
#include "tools/merge/room.h"
#include "tools/merge/side_files.h"
#include "tools/merge/siblings.h"
#include "tools/merge/tune.h"
#include "tools/merge/undo.h"

#include <inttypes.h>

#define REPEATED_SHARE 32u /* of the memory; it holds some ten thousand repeated entries at least */

static enum snap_status ask(struct merge_session *session, struct snap_error *err)
{
    if (session->job.entries == 0 || session->arguments.yes)
        return SNAP_OK;
    if (cli_ask_begin(session->cli))
        merge_report_devices(session);
    switch (cli_ask(session->cli, false, "Merge now?")) {
    case CLI_ANSWER_YES:
    case CLI_ANSWER_NOBODY: /* a script: the refusals above are its safety */
        return SNAP_OK;
    case CLI_ANSWER_STOPPED:
        return snap_fail(err, SNAP_E_STOPPED, "stopped");
    case CLI_ANSWER_NO:
        break;
    }
    return snap_fail(err, SNAP_E_REFUSED, "not merged: you answered no");
}

/*
 * Whether the store loses its fingerprint at the end. Where its list is empty already, only a merge that was killed
 * after the last cut has left that to do, and then the origin has what it wrote. Otherwise the list may have been lost,
 * and what tells so must stay.
 */
static bool ends_a_merge(const struct merge_session *session)
{
    return session->job.entries > 0 || session->evidence.fingerprint.merged > 0;
}

/* What only matters where the origin is written to. */
static enum snap_status prepare_merge(struct merge_session *session, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    if (devices_tail_bytes(&session->origin) > 0)
        cli_note(session->cli, "%s: what stands behind its last whole sector (%s) is not part of the snapshot and "
                 "stays", session->origin.path,
                 cli_count_text(devices_tail_bytes(&session->origin), "byte", "bytes").text);
    if (session->arguments.keep_cow)
        status = merge_keep_cow_prepare(session, err);
    session->preserve.expected = session->arguments.preserve.count + merge_siblings_count(session) +
                                 (session->arguments.undo ? 1 : 0);
    if (status == SNAP_OK)
        status = merge_preserve_prepare(session, err);
    if (status == SNAP_OK)
        status = merge_siblings_prepare(session, err);
    if (status == SNAP_OK)
        status = merge_undo_check(session, err);
    if (status == SNAP_OK)
        status = merge_undo_prepare(session, err);
    if (status == SNAP_OK && session->arguments.continue_on_error)
        status = merge_bad_prepare(session, err);
    if (status == SNAP_OK)
        status = merge_side_files_distinct(session, err);
    if (status == SNAP_OK)
        status = merge_room_check(session, err);
    merge_preserve_share_memory(session);
    session->options.keep_fingerprint = merge_undo_may_bring_back(session) || !ends_a_merge(session);
    return status;
}

/* The store that is merged; of repeated entries it is noted where they come first. */
static enum snap_status check_list(struct merge_session *session, const struct pair *pair, struct snap_error *err)
{
    session->repeated = snap_repeated_new(session->options.memory_bytes / REPEATED_SHARE);
    session->job.repeated = session->repeated;
    if (!session->repeated)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for repeated entries", session->cow.path);
    return pair_check_list(pair, session->repeated, &session->check, err);
}

enum snap_status merge_prepare(struct merge_session *session, struct snap_error *err)
{
    const struct merge_arguments *given = &session->arguments;
    struct pair pair = merge_pair(session, &session->cow, &session->store);
    enum snap_status status = merge_open(session, err);

    if (status == SNAP_OK)
        status = merge_open_hint(merge_check_blocks(&session->origin, &session->store, err), SNAP_E_UNSUPPORTED,
                                 MERGE_OPEN_HINT_ORIGIN, err);
    if (status == SNAP_OK && !session->arguments.keep_cow)
        status = merge_open_hint(merge_check_blocks(&session->cow, &session->store, err), SNAP_E_UNSUPPORTED,
                                 MERGE_OPEN_HINT_COW, err);
    if (status == SNAP_OK)
        status = merge_tune_devices(session, err);
    if (status == SNAP_OK)
        status = check_list(session, &pair, err);
    session->job.entries = session->check.entries;
    session->job.total_bytes = session->check.merge_bytes;
    session->job.runs = session->check.runs;
    pair.shown_next = given->dry_run ? !given->json && cli_one_reader(session->cli)
                                     : session->job.entries > 0 && !given->yes && cli_ask_possible(session->cli);
    if (status == SNAP_OK)
        status = pair_check_identity(&pair, &session->check, &session->evidence, err);
    if (status == SNAP_OK)
        status = pair_check_cut(&pair, &session->check, false, &session->job.leftover_areas_end, err);
    if (status == SNAP_OK)
        status = prepare_merge(session, err);
    if (status == SNAP_OK && !session->arguments.dry_run)
        status = ask(session, err);
    if (status == SNAP_OK && cli_stop_wanted())
        status = snap_fail(err, SNAP_E_STOPPED, "stopped");
    return status == SNAP_OK ? merge_guard_sizes(session, err) : status;
}
