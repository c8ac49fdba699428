/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathers what a check finds, and turns it into edits. */
#include "lib/repair/repair.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/check/fingerprinting.h"
#include "lib/repair/drop_private.h"
#include "lib/repair/edited.h"
#include "lib/repair/repair_private.h"
#include "lib/repair/restore_private.h"
#include "lib/store/fingerprint.h"
#include "lib/store/list_read.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS_MAX 16u /* more are for another run */
#define CHANGES_OF_A_ROUND (SNAP_REPAIR_ENTRIES_MAX + SNAP_RESTORE_SLOTS_MAX)

/*
 * ---- what a check finds ----------------------------------------------------------------------------------------
 */

static bool concerns_entry(const struct snap_finding *finding)
{
    switch (finding->rule) {
    case SNAP_RULE_ENTRY_OLD_RANGE:
    case SNAP_RULE_ENTRY_NEW_TOP_BYTE:
    case SNAP_RULE_ENTRY_NEW_METADATA:
    case SNAP_RULE_ENTRY_NEW_RANGE:
        return finding->severity == SNAP_CORRUPTING; /* fatal: it is not this entry alone that is damaged */
    case SNAP_RULE_ENTRY_NEW_OUTLIER:
    case SNAP_RULE_DUPLICATE_NEW:
        return finding->own_chunk != 0;
    case SNAP_RULE_ENTRY_REPEATED:
    case SNAP_RULE_ENTRY_REPEATED_OFTEN:
        return true;
    default:
        return false;
    }
}

static enum snap_status gather(void *context, const struct snap_finding *finding, struct snap_error *err)
{
    struct snap_repair_work *work = context;

    if (finding->rule == SNAP_RULE_DUPLICATE_OLD && work->duplicate_count < SNAP_DUPLICATES_NAMED)
        work->duplicate_olds[work->duplicate_count++] = finding->old_chunk;
    if (!concerns_entry(finding))
        return SNAP_OK;
    if (work->damaged_count == SNAP_REPAIR_ENTRIES_MAX)
        return snap_fail(err, SNAP_E_REFUSED, "%s: more than %u of its entries are damaged: no entry of this list is "
                         "to be trusted", work->store->io->name, SNAP_REPAIR_ENTRIES_MAX);
    work->damaged[work->damaged_count++] = (struct snap_repair_damaged){
        .index = finding->index,
        .old_chunk = finding->old_chunk,
        .new_chunk = finding->new_chunk,
        .rule = finding->rule,
        .fits = finding->neighbours_agree,
    };
    return SNAP_OK;
}

/* Of two findings about one entry the graver one, which has the lower number, comes first. */
static int by_index(const void *left, const void *right)
{
    const struct snap_repair_damaged *a = left, *b = right;

    return a->index != b->index ? (a->index < b->index ? -1 : 1) : (int)a->rule - (int)b->rule;
}

/* What stands behind the end is judged by where the list ended before the repair: a drop moves the end. */
static void keep_reading(struct snap_repair_work *work)
{
    if (work->round == 0) {
        work->was_cut = work->found[SNAP_RULE_LIST_CUT] > 0;
        work->was_not_cut = work->check.earlier_entries > 0;
    } else if (work->was_not_cut) {
        work->found[SNAP_RULE_LIST_CUT] = 0;
    } else if (work->was_cut && !work->repair->restores && work->check.earlier_entries > 0) {
        work->found[SNAP_RULE_LIST_CUT] = 1;
    }
}

static enum snap_status check(struct snap_repair_work *work, struct snap_error *err)
{
    const struct snap_check_options check_options = {
        .origin_sectors = work->options->origin_sectors,
        .origin_is_whole = work->options->origin_is_whole,
        .memory_bytes = work->options->memory_bytes,
        .stop = work->options->stop,
        .stop_context = work->options->stop_context,
    };
    struct snap_findings findings = {.fn = gather, .context = work};
    enum snap_status status = snap_check(work->store, &check_options, &findings, &work->check, err);

    qsort(work->damaged, work->damaged_count, sizeof *work->damaged, by_index);
    memcpy(work->found, findings.rule_counts, sizeof work->found);
    work->length = work->repair->entries_after = work->check.entries;
    if (work->round == 0)
        work->repair->entries_before = work->check.entries;
    keep_reading(work);
    return status;
}

/*
 * ---- what is to be written -------------------------------------------------------------------------------------
 */

bool snap_repair_may_mend(struct snap_repair_work *work, enum snap_rule rule, bool allowed)
{
    (allowed ? work->mended : work->waiting)[rule]++;
    return allowed;
}

void snap_repair_note_change(struct snap_repair_work *work, const struct snap_repair_damaged *damaged,
                             bool from_origin)
{
    work->repair->changes[work->repair->change_count++] = (struct snap_repair_change){
        .old_chunk = damaged->old_chunk, .rule = damaged->rule, .from_origin = from_origin, .round = work->round};
}

/*
 * Masked samples of which the list names nothing say that a merge has written there. That is not so where entries were
 * dropped: the samples have to forget what they were.
 */
enum snap_status snap_repair_forget_samples(struct snap_repair_work *work, struct snap_error *err)
{
    struct snap_edits *edits = &work->repair->edits;
    const uint64_t offset_bytes = snap_round_down(SNAP_FINGERPRINT_OFFSET_BYTES, edits->unit_bytes);
    struct snap_fingerprint fingerprint = work->store->fingerprint;
    enum snap_status status = SNAP_OK;

    if (work->store->fingerprint_state != SNAP_FINGERPRINT_OK)
        return SNAP_OK;
    if (work->options->origin && work->mended[SNAP_RULE_ENTRY_OLD_RANGE] > 0)
        status = snap_fingerprinting_forget(work->store, work->options->origin, &fingerprint, err);
    if (status != SNAP_OK)
        return status;
    snap_fingerprint_forget_masked(&fingerprint);
    status = snap_edits_read(edits, offset_bytes, work->unit, err);
    if (status != SNAP_OK)
        return status;
    snap_codec_encode_fingerprint(&fingerprint, work->unit + (SNAP_FINGERPRINT_OFFSET_BYTES - offset_bytes));
    status = snap_edits_add(edits, offset_bytes, work->unit, err);
    snap_edits_barrier(edits);
    return status;
}

/* Whether nothing that makes the store unusable is left, but for the mark that it is invalid. */
static bool all_is_mended(const struct snap_repair_work *work)
{
    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (rule != SNAP_RULE_STORE_INVALID && snap_rules_info((enum snap_rule)rule)->severity >= SNAP_CORRUPTING &&
            work->mended[rule] < work->found[rule])
            return false;
    return true;
}

/*
 * `valid` becomes 1. Last of all: a store that is not mended yet must not become valid. Of a list without an end not
 * all is known: two entries with one chunk are found by the next round, which may make the store valid.
 */
static enum snap_status plan_header(struct snap_repair_work *work, struct snap_error *err)
{
    struct snap_edits *edits = &work->repair->edits;
    struct snap_header header = work->store->header;
    enum snap_status status;

    if (work->found[SNAP_RULE_STORE_INVALID] > 0) {
        if (!snap_repair_may_mend(work, SNAP_RULE_STORE_INVALID,
                                  work->options->revalidate && work->check.list_complete && all_is_mended(work)))
            return SNAP_OK;
    } else if (work->found[SNAP_RULE_VALID_VALUE] == 0) {
        return SNAP_OK;
    } else {
        (void)snap_repair_may_mend(work, SNAP_RULE_VALID_VALUE, true);
    }
    header.valid = 1;
    snap_edits_barrier(edits);
    status = snap_edits_read(edits, 0, work->unit, err);
    if (status != SNAP_OK)
        return status;
    snap_codec_encode_header(&header, work->unit);
    return snap_edits_add(edits, 0, work->unit, err);
}

/*
 * ---- rounds ----------------------------------------------------------------------------------------------------
 */

/*
 * What a round mends may show more: behind entries that come back, beside one that is put right, in a list that gets an
 * end. Entries come back and are put right in rounds of their own, so that all others are judged beside them, and as
 * they stand: a drop moves some.
 */
static enum snap_status plan_round(struct snap_repair_work *work, struct snap_error *err)
{
    struct snap_edits *edits = &work->repair->edits;
    bool enough = false;
    enum snap_status status = snap_repair_plan_restore(work, &enough, err);

    if (status == SNAP_OK && !enough)
        status = snap_repair_find_own_chunks(work, err);
    if (status == SNAP_OK && !enough)
        status = snap_repair_put_right(work, &enough, err);
    if (status != SNAP_OK || enough)
        return status;
    status = snap_repair_plan_scrub(work, err);
    if (status == SNAP_OK)
        status = snap_repair_choose(work, err);
    qsort(work->damaged, work->damaged_count, sizeof *work->damaged, by_index);
    if (status == SNAP_OK)
        status = snap_repair_decide_entries(work, err);
    if (status == SNAP_OK)
        status = snap_repair_clear_behind(work, err);
    if (status == SNAP_OK)
        status = snap_repair_plan_entries(work, err);
    if (status == SNAP_OK && work->dropped_count > 0)
        status = snap_repair_forget_samples(work, err);
    if (status == SNAP_OK)
        status = snap_drop_plan(edits, work->store, work->length, work->dropped, work->dropped_count, err);
    return status == SNAP_OK ? plan_header(work, err) : status;
}

/* What the rounds so far mend, and what the last one has left. */
static void sum_up(struct snap_repair_work *work, uint64_t mended[SNAP_RULES])
{
    for (int rule = 0; rule < SNAP_RULES; rule++) {
        work->repair->found[rule] = mended[rule] + work->found[rule];
        mended[rule] += work->mended[rule];
        work->repair->mended[rule] = mended[rule];
        work->repair->waiting[rule] = work->waiting[rule];
    }
}

static enum snap_status begin_round(struct snap_repair_work *work, const struct snap_store *store, uint32_t round,
                                    struct snap_error *err)
{
    struct snap_repair_change *changes = work->repair->changes;

    work->store = store;
    work->round = round;
    work->has_dropped |= work->dropped_count > 0;
    work->damaged_count = work->duplicate_count = work->dropped_count = 0;
    memset(work->found, 0, sizeof work->found);
    memset(work->mended, 0, sizeof work->mended);
    memset(work->waiting, 0, sizeof work->waiting);
    work->behind_found = 0;
    work->behind_merged = false;
    work->repair->held_back = 0;
    changes = realloc(changes, (work->repair->change_count + CHANGES_OF_A_ROUND) * sizeof *changes);
    if (!changes)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what changes in it", store->io->name);
    work->repair->changes = changes;
    return SNAP_OK;
}

/* What those before it mend stands; the rest is for another run. */
static void take_round_back(struct snap_repair_work *work, const struct snap_repair *before)
{
    struct snap_repair *repair = work->repair;

    snap_edits_shorten(&repair->edits, before->edits.count);
    memset(work->mended, 0, sizeof work->mended);
    repair->change_count = before->change_count;
    repair->entries_after = work->check.entries;
    repair->behind_found = before->behind_found;
    repair->behind_lost = before->behind_lost;
    repair->behind_merged = before->behind_merged;
    repair->behind_fits = before->behind_fits;
    repair->restores = before->restores;
    repair->behind_back = before->behind_back;
}

/* The first round looks at the store itself, each other one at what it will be. *more: the edits have become more. */
static enum snap_status run_round(struct snap_repair_work *work, const struct snap_store *store, uint32_t round,
                                  uint64_t mended[SNAP_RULES], bool *more, struct snap_error *err)
{
    const struct snap_repair before = *work->repair;
    struct snap_store planned = *store;
    struct snap_io *io = NULL;
    enum snap_status status = SNAP_OK;

    snap_edits_barrier(&work->repair->edits);
    if (round > 0)
        status = snap_edited_open(&io, &work->repair->edits, err);
    if (status == SNAP_OK && round > 0)
        status = snap_header_read(&planned, io, err);
    if (status == SNAP_OK)
        status = begin_round(work, &planned, round, err);
    if (status == SNAP_OK)
        status = check(work, err);
    if (status == SNAP_OK && work->found[SNAP_RULE_CHUNK_RECORD] == 0) /* else what was read is no list */
        status = plan_round(work, err);
    if (status == SNAP_E_REFUSED && round > 0) {
        take_round_back(work, &before);
        status = SNAP_OK;
    }
    sum_up(work, mended);
    (void)snap_io_close(io, NULL); /* nothing was written to it */
    *more = work->repair->edits.count > before.edits.count;
    return status;
}

static int by_old(const void *left, const void *right)
{
    const struct snap_repair_change *a = left, *b = right;

    return a->old_chunk != b->old_chunk ? (a->old_chunk < b->old_chunk ? -1 : 1)
                                        : (a->round < b->round) - (a->round > b->round);
}

/* Of each chunk, what the last round says of it. */
static void sort_changes(struct snap_repair *repair)
{
    size_t kept = 0;

    if (repair->change_count > 0)
        qsort(repair->changes, repair->change_count, sizeof *repair->changes, by_old);
    for (size_t i = 0; i < repair->change_count; i++)
        if (kept == 0 || repair->changes[kept - 1].old_chunk != repair->changes[i].old_chunk ||
            repair->changes[kept - 1].round == repair->changes[i].round)
            repair->changes[kept++] = repair->changes[i];
    repair->change_count = kept;
}

enum snap_status snap_repair_plan(struct snap_repair *repair, const struct snap_store *store,
                                  const struct snap_repair_options *options, struct snap_error *err)
{
    struct snap_repair_work work = {.repair = repair, .options = options};
    uint64_t mended[SNAP_RULES] = {0};
    enum snap_status status = SNAP_OK;
    bool more = true;

    memset(repair, 0, sizeof *repair);
    if (!snap_header_has_list(store))
        return SNAP_OK;
    snap_edits_init(&repair->edits, store->io, snap_header_unit_bytes(store));
    work.damaged = calloc(SNAP_REPAIR_ENTRIES_MAX, sizeof *work.damaged);
    work.dropped = calloc(SNAP_REPAIR_ENTRIES_MAX + 1, sizeof *work.dropped);
    work.unit = snap_buffer_new(snap_header_unit_bytes(store));
    if (!work.damaged || !work.dropped || !work.unit)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is damaged in it", store->io->name);
    for (uint32_t round = 0; status == SNAP_OK && more && round < ROUNDS_MAX; round++)
        status = run_round(&work, store, round, mended, &more, err);
    sort_changes(repair);
    free(work.damaged);
    free(work.dropped);
    snap_buffer_free(work.unit);
    return status;
}

void snap_repair_free(struct snap_repair *repair)
{
    snap_edits_free(&repair->edits);
    free(repair->changes);
    repair->changes = NULL;
    repair->change_count = 0;
    free(repair->choices);
    repair->choices = NULL;
    repair->choice_count = 0;
}
