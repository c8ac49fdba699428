/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathers what a check finds, and turns it into edits. */
#include "lib/repair/repair.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/check/fingerprinting.h"
#include "lib/repair/drop_private.h"
#include "lib/repair/repair_private.h"
#include "lib/repair/restore_private.h"
#include "lib/store/fingerprint.h"
#include "lib/store/list_read.h"

#include <stdlib.h>
#include <string.h>

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
    };
    return SNAP_OK;
}

/* Of two findings about one entry the graver one, which has the lower number, comes first. */
static int by_index(const void *left, const void *right)
{
    const struct snap_repair_damaged *a = left, *b = right;

    return a->index != b->index ? (a->index < b->index ? -1 : 1) : (int)a->rule - (int)b->rule;
}

static enum snap_status check(struct snap_repair_work *work, struct snap_error *err)
{
    const struct snap_check_options check_options = {
        .origin_sectors = work->options->origin_sectors,
        .memory_bytes = work->options->memory_bytes,
        .stop = work->options->stop,
        .stop_context = work->options->stop_context,
    };
    struct snap_findings findings = {.fn = gather, .context = work};
    enum snap_status status = snap_check(work->store, &check_options, &findings, &work->check, err);

    qsort(work->damaged, work->damaged_count, sizeof *work->damaged, by_index);
    memcpy(work->repair->found, findings.rule_counts, sizeof work->repair->found);
    work->length = work->check.entries;
    work->repair->entries_before = work->repair->entries_after = work->check.entries;
    return status;
}

/*
 * ---- what is to be written -------------------------------------------------------------------------------------
 */

bool snap_repair_may_mend(struct snap_repair_work *work, enum snap_rule rule, bool allowed)
{
    (allowed ? work->repair->mended : work->repair->waiting)[rule]++;
    return allowed;
}

void snap_repair_note_change(struct snap_repair_work *work, const struct snap_repair_damaged *damaged,
                             bool from_origin)
{
    work->repair->changes[work->repair->change_count++] = (struct snap_repair_change){
        .old_chunk = damaged->old_chunk, .rule = damaged->rule, .from_origin = from_origin};
}

/* The entry gets its own data chunk back. */
static enum snap_status set_new_chunk(struct snap_repair_work *work, const struct snap_repair_damaged *damaged,
                                       uint64_t new_chunk, struct snap_error *err)
{
    const uint64_t unit_entries = work->repair->edits.unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t unit_first = snap_round_down(damaged->index, unit_entries);
    const uint64_t offset_bytes = snap_list_read_offset_bytes(work->store, unit_first);
    const struct snap_entry entry = {damaged->old_chunk, new_chunk};
    enum snap_status status = snap_edits_read(&work->repair->edits, offset_bytes, work->unit, err);

    if (status != SNAP_OK)
        return status;
    snap_codec_encode_entry(&entry, work->unit + (damaged->index - unit_first) * SNAP_ENTRY_BYTES);
    return snap_edits_add(&work->repair->edits, offset_bytes, work->unit, err);
}

static bool is_repeated(enum snap_rule rule)
{
    return rule == SNAP_RULE_ENTRY_REPEATED || rule == SNAP_RULE_ENTRY_REPEATED_OFTEN;
}

/*
 * Copies of an entry are harmless where they are few: then they only go where entries are dropped anyway, whose drop
 * leaves such copies when it is interrupted.
 */
static bool copies_matter(const struct snap_repair_work *work)
{
    if (work->repair->found[SNAP_RULE_ENTRY_REPEATED_OFTEN] > 0)
        return true;
    for (size_t i = 0; i < work->damaged_count; i++)
        if (!is_repeated(work->damaged[i].rule) && work->options->change_view)
            return true;
    return false;
}

/* Which entries go, and which are put right. */
static enum snap_status plan_entries(struct snap_repair_work *work, struct snap_error *err)
{
    const bool drop_copies = copies_matter(work);
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; status == SNAP_OK && i < work->damaged_count; i++) {
        const struct snap_repair_damaged *damaged = &work->damaged[i];
        const bool repeated = is_repeated(damaged->rule);

        if ((repeated && !drop_copies) ||
            !snap_repair_may_mend(work, damaged->rule, repeated || work->options->change_view))
            continue;
        if (i > 0 && work->damaged[i - 1].index == damaged->index)
            continue; /* it is mended already */
        if (!repeated && damaged->rule != SNAP_RULE_DUPLICATE_OLD) /* what changes by that one is noted already */
            snap_repair_note_change(work, damaged, damaged->own_chunk == 0);
        if (damaged->own_chunk != 0)
            status = set_new_chunk(work, damaged, damaged->own_chunk, err);
        else if (damaged->rule == SNAP_RULE_DUPLICATE_OLD) /* a move must not change which is the last of the two */
            status = set_new_chunk(work, damaged, damaged->kept_chunk, err);
        if (damaged->own_chunk == 0)
            work->dropped[work->dropped_count++] = damaged->index;
    }
    snap_edits_barrier(&work->repair->edits);
    return status;
}

/*
 * A list that goes on where the device ends, or where an area cannot be read, needs an end in front of that. One entry
 * that is dropped makes room for it: a damaged one, or else the last.
 */
static enum snap_status plan_end(struct snap_repair_work *work, struct snap_error *err)
{
    const uint64_t per_area = work->store->layout.entries_per_area;
    const enum snap_rule rule = work->repair->found[SNAP_RULE_LIST_PAST_END] > 0 ? SNAP_RULE_LIST_PAST_END
                                                                                 : SNAP_RULE_AREA_UNREADABLE;
    struct snap_repair_damaged last = {.index = snap_round_down(work->length, per_area) - 1, .rule = rule};
    struct snap_entry entry;
    enum snap_status status;

    if (work->check.list_complete || work->length < per_area ||
        !snap_repair_may_mend(work, rule, work->options->change_view))
        return SNAP_OK;
    work->length = last.index + 1; /* of an area that cannot be read, some entries may have been */
    work->repair->gives_up_rest = true;
    while (work->dropped_count > 0 && work->dropped[work->dropped_count - 1] > last.index)
        work->dropped_count--;
    if (work->dropped_count > 0)
        return SNAP_OK;
    status = snap_list_read_entries(work->store, last.index, 1, &entry, err);
    if (status != SNAP_OK)
        return status;
    last.old_chunk = entry.old_chunk;
    snap_repair_note_change(work, &last, true);
    work->dropped[work->dropped_count++] = last.index;
    return SNAP_OK;
}

/*
 * Masked samples of which the list names nothing say that a merge has written there. That is not so where entries were
 * dropped: the samples have to forget what they were.
 */
static enum snap_status plan_fingerprint(struct snap_repair_work *work, struct snap_error *err)
{
    struct snap_edits *edits = &work->repair->edits;
    const uint64_t offset_bytes = snap_round_down(SNAP_FINGERPRINT_OFFSET_BYTES, edits->unit_bytes);
    struct snap_fingerprint fingerprint = work->store->fingerprint;
    enum snap_status status = SNAP_OK;

    if (work->dropped_count == 0 || work->store->fingerprint_state != SNAP_FINGERPRINT_OK)
        return SNAP_OK;
    if (work->options->origin && work->repair->mended[SNAP_RULE_ENTRY_OLD_RANGE] > 0)
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
static bool all_is_mended(const struct snap_repair *repair)
{
    for (int rule = 0; rule < SNAP_RULES; rule++)
        if (rule != SNAP_RULE_STORE_INVALID && snap_rules_info((enum snap_rule)rule)->severity >= SNAP_CORRUPTING &&
            repair->mended[rule] < repair->found[rule])
            return false;
    return true;
}

/*
 * `valid` becomes 1. Last of all: a store that is not mended yet must not become valid. Of a list without an end not
 * all is known: two entries with one chunk are found by the next run, which may make the store valid.
 */
static enum snap_status plan_header(struct snap_repair_work *work, struct snap_error *err)
{
    struct snap_edits *edits = &work->repair->edits;
    struct snap_header header = work->store->header;
    enum snap_status status;

    if (work->repair->found[SNAP_RULE_STORE_INVALID] > 0) {
        if (!snap_repair_may_mend(work, SNAP_RULE_STORE_INVALID,
                                  work->options->revalidate && work->check.list_complete &&
                                      all_is_mended(work->repair)))
            return SNAP_OK;
    } else if (work->repair->found[SNAP_RULE_VALID_VALUE] == 0) {
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

static int by_old(const void *left, const void *right)
{
    const struct snap_repair_change *a = left, *b = right;

    return (a->old_chunk > b->old_chunk) - (a->old_chunk < b->old_chunk);
}

static enum snap_status plan_all(struct snap_repair_work *work, struct snap_error *err)
{
    struct snap_repair *repair = work->repair;
    enum snap_status status = snap_repair_plan_restore(work, err);

    if (status == SNAP_OK && repair->restores)
        return plan_header(work, err);
    if (status == SNAP_OK)
        status = snap_repair_plan_scrub(work, err);
    if (status == SNAP_OK)
        status = snap_repair_find_own_chunks(work, err);
    if (status == SNAP_OK)
        status = snap_repair_choose(work, err);
    qsort(work->damaged, work->damaged_count, sizeof *work->damaged, by_index);
    if (status == SNAP_OK)
        status = plan_entries(work, err);
    if (status == SNAP_OK)
        status = plan_end(work, err);
    if (status == SNAP_OK)
        status = plan_fingerprint(work, err);
    if (status == SNAP_OK)
        status = snap_drop_plan(&repair->edits, work->store, work->length, work->dropped, work->dropped_count, err);
    if (status == SNAP_OK)
        status = plan_header(work, err);
    if (repair->gives_up_rest || work->dropped_count > 0)
        repair->entries_after = work->length - work->dropped_count;
    return status;
}

enum snap_status snap_repair_plan(struct snap_repair *repair, const struct snap_store *store,
                                  const struct snap_repair_options *options, struct snap_error *err)
{
    struct snap_repair_work work = {.repair = repair, .store = store, .options = options};
    enum snap_status status = SNAP_OK;

    memset(repair, 0, sizeof *repair);
    if (!snap_header_has_list(store))
        return SNAP_OK;
    snap_edits_init(&repair->edits, store->io, snap_header_unit_bytes(store));
    work.damaged = calloc(SNAP_REPAIR_ENTRIES_MAX, sizeof *work.damaged);
    work.dropped = calloc(SNAP_REPAIR_ENTRIES_MAX + 1, sizeof *work.dropped);
    repair->changes = calloc(SNAP_REPAIR_ENTRIES_MAX + SNAP_RESTORE_SLOTS_MAX, sizeof *repair->changes);
    work.unit = snap_buffer_new(snap_header_unit_bytes(store));
    if (!work.damaged || !work.dropped || !repair->changes || !work.unit)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is damaged in it", store->io->name);
    if (status == SNAP_OK)
        status = check(&work, err);
    if (status == SNAP_OK && repair->found[SNAP_RULE_CHUNK_RECORD] == 0) /* else what was read is no list */
        status = plan_all(&work, err);
    if (repair->change_count > 0)
        qsort(repair->changes, repair->change_count, sizeof *repair->changes, by_old);
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
