/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans repairs, one after another as a user would make them, and reads the store through what they would write. */
#include "tools/check/repair_source.h"

#include "lib/base/bytes.h"
#include "lib/files/fs_size.h"
#include "lib/repair/edited.h"
#include "tools/check/next.h"
#include "tools/check/repair.h"
#include "tools/check/repair_header.h"
#include "tools/cli/quote.h"
#include "tools/cli/size.h"
#include "tools/shared/memory.h"
#include "tools/shared/pair.h"
#include "tools/shared/report.h"
#include "tools/shared/verdict.h"

#include <stdlib.h>
#include <string.h>

#define SHARED_MAX (1u << 16)

bool check_repair_source_accepts(const struct check_session *session, enum check_accept word)
{
    return (session->arguments.accept & 1u << word) != 0;
}

/*
 * ---- what is wrong with it -------------------------------------------------------------------------------------
 */

static enum snap_status take_finding(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    struct check_session *session = context;
    struct check_repair_to *to = &session->repair_to;

    if (finding->rule != SNAP_RULE_DUPLICATE_NEW)
        return SNAP_OK;
    if (finding->own_chunk != 0 && to->displaced_count < SNAP_PLACES_MAX) {
        to->displaced[to->displaced_count++] = finding->index;
        return SNAP_OK;
    }
    if (!to->shared)
        to->shared = calloc(SHARED_MAX, sizeof *to->shared);
    if (!to->shared)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for the list of damaged entries");
    if (to->shared_count == SHARED_MAX)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: more than %u entries have their data chunk in common with others: "
                         "no entry of this list is to be trusted", session->cow.path, SHARED_MAX);
    to->shared[to->shared_count++] = finding->new_chunk;
    return SNAP_OK;
}

static int by_number(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return (a > b) - (a < b);
}

/* Checks what would be copied; also which data chunks belong to several entries, all of them. */
static enum snap_status check_source(struct check_session *session, struct snap_error *err)
{
    struct check_repair_to *to = &session->repair_to;
    const struct snap_check_options options = {
        .origin_sectors = session->origin.io->size_bytes / SNAP_SECTOR_BYTES,
        .origin_is_whole = check_options_origin_is_whole(&session->arguments),
        .memory_bytes = memory_to_use_bytes(session->arguments.memory_bytes),
        .stop = cli_stop_asked,
    };
    enum snap_status status;

    to->findings = (struct snap_findings){.fn = take_finding, .context = session};
    to->shared_count = to->displaced_count = 0;
    status = snap_check(&to->source, &options, &to->findings, &to->result, err);
    if (to->shared_count > 0)
        qsort(to->shared, to->shared_count, sizeof *to->shared, by_number);
    return status;
}

static uint64_t count_behind(const struct snap_findings *findings)
{
    return findings->rule_counts[SNAP_RULE_LIST_CUT] + findings->rule_counts[SNAP_RULE_GARBAGE_BEHIND_END];
}

/* The list must have an end: else nobody knows what the origin should hold. */
static enum snap_status judge_pair(struct check_session *session, struct snap_error *err)
{
    const struct check_repair_to *to = &session->repair_to;
    const struct snap_evidence_look look = {.store = &to->source,
                                            .figures = &to->result,
                                            .origin = session->origin.io,
                                            .device = &session->origin.facts,
                                            .lvm_group = session->cow.lvm_group,
                                            .ask_size = snap_fs_size_find,
                                            .stop = cli_stop_asked};
    enum snap_status status = SNAP_OK;

    if (!to->result.list_complete)
        return SNAP_OK;
    if (!session->pair_known)
        status = snap_evidence_gather(&look, &session->evidence, err);
    session->pair_known = status == SNAP_OK;
    if (status == SNAP_OK && session->evidence.pair.outcome == SNAP_PAIR_CONTRADICTED)
        return snap_fail(err, SNAP_E_REFUSED, "%s: %s%s", session->cow.path, session->evidence.pair.text,
                         verdict_beyond_text(&session->cow, &session->origin, &session->evidence.pair).text);
    return status;
}

/*
 * ---- as a repair would leave it --------------------------------------------------------------------------------
 */

/* Lays the plan in session->repair over the source. */
static enum snap_status lay_over(struct check_session *session, struct snap_error *err)
{
    struct check_repair_to *to = &session->repair_to;
    struct snap_repair *round = &to->rounds[to->round_count];
    enum snap_status status;

    check_repair_say_copy(session);
    to->from_origin += check_repair_from_origin(session);
    to->gives_up_rest |= session->repair.gives_up_rest;
    to->restored |= session->repair.restores;
    to->lost += session->repair.restores ? session->repair.behind_lost : 0;
    for (int rule = 0; rule < SNAP_RULES; rule++)
        to->mended[rule] += session->repair.mended[rule];
    *round = session->repair;
    memset(&session->repair, 0, sizeof session->repair);
    status = snap_edited_open(&to->edited[to->round_count++], &round->edits, err);
    if (status == SNAP_OK)
        status = snap_header_read(&to->source, to->edited[to->round_count - 1], err);
    return status == SNAP_OK ? check_source(session, err) : status;
}

/* Without the word nothing that changes the view is done; that is also said of what a repair would not do. */
static enum snap_status refuse_unaccepted(struct check_session *session, struct snap_error *err)
{
    const struct snap_repair *repair = &session->repair;

    if (!session->repair_to.result.list_complete)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: its list has no end on the device, or cannot be read to its end; "
                         "to copy what it names in front of that, add --accept=view-change", session->cow.path);
    if (count_behind(&session->repair_to.findings) == 0 || repair->behind_merged)
        return SNAP_OK;
    if (!repair->behind_fits)
        return snap_fail(err, SNAP_E_REFUSED, "%s: what stands behind the end of its list would not be copied; this "
                         "shows whether it is missing: snapcheck -n -y%s --origin %s %s; --accept=view-change leaves "
                         "it out", session->cow.path, check_options_text(&session->arguments).text,
                         cli_quote(session->origin.path).text, cli_quote(session->cow.path).text);
    cli_line(session->cli, "To see first which entries these are: %s", check_next_repair_to(session, true, 0).text);
    return snap_fail(err, SNAP_E_REFUSED, "%s: %s behind the end of its list, and %s does not have their data; to have "
                     "them in the new store, add --accept=view-change", session->cow.path,
                     cli_count_text(repair->behind_found, "entry fits", "entries fit").text, session->origin.path);
}

/* One plan. *more: it changes something, so that another one may follow. */
static enum snap_status mend_once(struct check_session *session, bool *more, struct snap_error *err)
{
    struct check_repair_to *to = &session->repair_to;
    const bool accepted = check_repair_source_accepts(session, CHECK_ACCEPT_VIEW_CHANGE);
    struct snap_error reason = {0};
    enum snap_status status = check_repair_plan(session, &to->source, session->pair_known ? session->origin.io : NULL,
                                                SNAP_REPAIR_KEEP_BOTH, &reason);

    *more = false;
    if (status == SNAP_E_REFUSED) /* so much damage: entry by entry it can still be left out */
        return SNAP_OK;
    if (status != SNAP_OK) {
        *err = reason;
        return status;
    }
    if (!accepted)
        return refuse_unaccepted(session, err);
    *more = session->repair.edits.count > 0;
    if (*more)
        return lay_over(session, err);
    if (session->repair.behind_merged)
        check_repair_say_copy(session);
    else if (count_behind(&to->findings) > 0)
        cli_warn(session->cli, "%s: entries behind the end of its list may be missing in the new store; snapcheck says "
                 "how many fit", session->cow.path);
    return SNAP_OK;
}

/* What is left out entry by entry needs no plan without the word. */
static bool wants_plan(const struct check_session *session)
{
    const struct check_repair_to *to = &session->repair_to;

    return !to->result.list_complete || count_behind(&to->findings) > 0 ||
           (check_repair_source_accepts(session, CHECK_ACCEPT_VIEW_CHANGE) &&
            (!report_is_sound(&to->findings) || to->findings.rule_counts[SNAP_RULE_ENTRY_NEW_OUTLIER] > 0));
}

static enum snap_status mend(struct check_session *session, struct snap_error *err)
{
    struct check_repair_to *to = &session->repair_to;
    enum snap_status status = SNAP_OK;
    bool more = true;

    while (status == SNAP_OK && more && wants_plan(session) && to->round_count < CHECK_REPAIR_ROUNDS) {
        snap_repair_free(&session->repair);
        status = mend_once(session, &more, err);
        if (status == SNAP_OK)
            status = judge_pair(session, err);
    }
    return status;
}

/* A list without a header is read as it would be with one. */
static enum snap_status give_header(struct check_session *session, struct snap_error *err)
{
    const bool accepted = check_repair_source_accepts(session, CHECK_ACCEPT_HEADER);
    struct snap_error reason = {0};
    enum snap_status status = check_repair_header_plan(session, &reason);

    if (status == SNAP_OK && !accepted && snap_header_has_list(&session->store))
        return snap_fail(err, SNAP_E_CORRUPT, "%s: its header and its record name different chunk sizes; to copy the "
                         "list with the right one, add --accept=header", session->cow.path);
    if (status == SNAP_OK && !accepted) {
        (void)snap_header_fail_defect(&session->store, &reason);
        return snap_fail(err, SNAP_E_CORRUPT, "%s; to copy the list that stands behind it, add --accept=header",
                         reason.text);
    }
    if (status != SNAP_OK) {
        *err = reason;
        return status;
    }
    cli_note(session->cli, "%s: it is read with a header for chunks of %s", session->cow.path,
             cli_size_text(session->repair.rebuilt.layout.chunk_bytes).text);
    session->header_said = true;
    return lay_over(session, err);
}

enum snap_status check_repair_source(struct check_session *session, struct snap_error *err)
{
    struct check_repair_to *to = &session->repair_to;
    struct snap_error reason;
    enum snap_status status;

    if (session->store.defect == SNAP_HEADER_INVALID &&
        !check_repair_source_accepts(session, CHECK_ACCEPT_REVALIDATE)) {
        (void)snap_header_fail_defect(&session->store, &reason);
        return snap_fail(err, SNAP_E_REFUSED, "%s; to make a valid store of it, add --accept=revalidate", reason.text);
    }
    to->source = session->store;
    to->result = session->result;
    to->findings = session->findings;
    if (!snap_header_has_list(&session->store) || snap_repair_header_rule(&session->store) != SNAP_RULES)
        status = give_header(session, err);
    else
        status = SNAP_OK;
    if (status == SNAP_OK)
        status = judge_pair(session, err);
    if (status == SNAP_OK)
        status = mend(session, err);
    if (status == SNAP_OK && to->round_count == 0 && to->findings.rule_counts[SNAP_RULE_DUPLICATE_NEW] > 0)
        status = check_source(session, err);
    if (status != SNAP_OK)
        return status;
    if (!pair_is_skippable(&to->findings, &to->result))
        return snap_fail(err, SNAP_E_CORRUPT, "%s: the list itself is damaged, so it cannot be copied; see above what "
                         "is wrong", session->cow.path);
    if (session->evidence.pair.list_lost && !check_repair_source_accepts(session, CHECK_ACCEPT_VIEW_CHANGE))
        return snap_fail(err, SNAP_E_REFUSED, "%s; to make an empty store all the same, add --accept=view-change",
                         verdict_lost_text(&session->cow, &session->origin).text);
    return SNAP_OK;
}

enum snap_status check_repair_source_close(struct check_session *session, struct snap_error *err)
{
    struct check_repair_to *to = &session->repair_to;
    enum snap_status status = SNAP_OK;

    while (to->round_count > 0) {
        to->round_count--;
        if (snap_io_close(to->edited[to->round_count], status == SNAP_OK ? err : NULL) != SNAP_OK)
            status = SNAP_E_IO;
        snap_repair_free(&to->rounds[to->round_count]);
    }
    free(to->shared);
    to->shared = NULL;
    return status;
}
