/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gathers what a check finds, and turns it into edits. */
#include "lib/repair/repair.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/repair/drop_private.h"
#include "lib/store/fingerprint.h"
#include "lib/store/list_read.h"
#include "lib/store/list_walk.h"

#include <stdlib.h>
#include <string.h>

#define TOP_BYTE_SHIFT 56

/* An entry that breaks a rule. */
struct damaged {
    uint64_t index;
    uint64_t old_chunk, new_chunk;
    enum snap_rule rule;
};

struct plan {
    struct snap_repair *repair;
    const struct snap_store *store;
    const struct snap_repair_options *options;
    struct snap_check_result check;
    struct damaged *damaged;      /* by their index once they are sorted */
    size_t damaged_count;
    uint64_t *dropped;
    size_t dropped_count;
    uint64_t length;              /* of the list that can be followed */
    uint8_t *unit;
};

/*
 * ---- what a check finds ----------------------------------------------------------------------------------------
 */

static bool concerns_entry(const struct snap_finding *finding)
{
    switch (finding->rule) {
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
    struct plan *plan = context;

    if (!concerns_entry(finding))
        return SNAP_OK;
    if (plan->damaged_count == SNAP_REPAIR_ENTRIES_MAX)
        return snap_fail(err, SNAP_E_REFUSED, "%s: more than %u of its entries are damaged: no entry of this list is "
                         "to be trusted", plan->store->io->name, SNAP_REPAIR_ENTRIES_MAX);
    plan->damaged[plan->damaged_count++] = (struct damaged){finding->index, finding->old_chunk, finding->new_chunk,
                                                            finding->rule};
    return SNAP_OK;
}

/* Of two findings about one entry the graver one, which has the lower number, comes first. */
static int by_index(const void *left, const void *right)
{
    const struct damaged *a = left, *b = right;

    return a->index != b->index ? (a->index < b->index ? -1 : 1) : (int)a->rule - (int)b->rule;
}

static enum snap_status check(struct plan *plan, struct snap_error *err)
{
    const struct snap_check_options check_options = {
        .memory_bytes = plan->options->memory_bytes,
        .stop = plan->options->stop,
        .stop_context = plan->options->stop_context,
    };
    struct snap_findings findings = {.fn = gather, .context = plan};
    enum snap_status status = snap_check(plan->store, &check_options, &findings, &plan->check, err);

    qsort(plan->damaged, plan->damaged_count, sizeof *plan->damaged, by_index);
    memcpy(plan->repair->found, findings.rule_counts, sizeof plan->repair->found);
    plan->length = plan->check.entries;
    plan->repair->entries_before = plan->repair->entries_after = plan->check.entries;
    return status;
}

/*
 * ---- what is to be written -------------------------------------------------------------------------------------
 */

/* Counts what a repair of this rule mends; what is not allowed is only counted as waiting. Returns `allowed`. */
static bool may_mend(struct plan *plan, enum snap_rule rule, bool allowed)
{
    (allowed ? plan->repair->mended : plan->repair->waiting)[rule]++;
    return allowed;
}

static void note_change(struct plan *plan, const struct damaged *damaged, bool from_origin)
{
    plan->repair->changes[plan->repair->change_count++] = (struct snap_repair_change){
        .old_chunk = damaged->old_chunk, .rule = damaged->rule, .from_origin = from_origin};
}

/* The data chunk that an entry with a top byte had: nothing else of it is damaged. 0: it is not known. */
static uint64_t without_top_byte(const struct plan *plan, const struct damaged *damaged)
{
    const uint64_t new_chunk = damaged->new_chunk & ((UINT64_C(1) << TOP_BYTE_SHIFT) - 1);

    return new_chunk == snap_layout_canonical_chunk(&plan->store->layout, damaged->index) &&
                   snap_layout_is_data_chunk(&plan->store->layout, new_chunk)
               ? new_chunk
               : 0;
}

static enum snap_status clear_top_byte(struct plan *plan, const struct damaged *damaged, uint64_t new_chunk,
                                       struct snap_error *err)
{
    const uint64_t unit_entries = plan->repair->edits.unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t unit_first = snap_round_down(damaged->index, unit_entries);
    const uint64_t offset_bytes = snap_list_read_offset_bytes(plan->store, unit_first);
    const struct snap_entry entry = {damaged->old_chunk, new_chunk};
    enum snap_status status = snap_edits_read(&plan->repair->edits, offset_bytes, plan->unit, err);

    if (status != SNAP_OK)
        return status;
    snap_codec_encode_entry(&entry, plan->unit + (damaged->index - unit_first) * SNAP_ENTRY_BYTES);
    return snap_edits_add(&plan->repair->edits, offset_bytes, plan->unit, err);
}

static bool is_repeated(enum snap_rule rule)
{
    return rule == SNAP_RULE_ENTRY_REPEATED || rule == SNAP_RULE_ENTRY_REPEATED_OFTEN;
}

/*
 * Copies of an entry are harmless where they are few: then they only go where entries are dropped anyway, whose drop
 * leaves such copies when it is interrupted.
 */
static bool copies_matter(const struct plan *plan)
{
    if (plan->repair->found[SNAP_RULE_ENTRY_REPEATED_OFTEN] > 0)
        return true;
    for (size_t i = 0; i < plan->damaged_count; i++)
        if (!is_repeated(plan->damaged[i].rule) && plan->options->change_view)
            return true;
    return false;
}

/* Which entries go, and which are put right. */
static enum snap_status plan_entries(struct plan *plan, struct snap_error *err)
{
    const bool drop_copies = copies_matter(plan);
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; status == SNAP_OK && i < plan->damaged_count; i++) {
        const struct damaged *damaged = &plan->damaged[i];
        const bool repeated = is_repeated(damaged->rule);
        const uint64_t cleared =
            damaged->rule == SNAP_RULE_ENTRY_NEW_TOP_BYTE ? without_top_byte(plan, damaged) : 0;

        if ((repeated && !drop_copies) || !may_mend(plan, damaged->rule, repeated || plan->options->change_view))
            continue;
        if (i > 0 && plan->damaged[i - 1].index == damaged->index)
            continue; /* it is mended already */
        if (!repeated)
            note_change(plan, damaged, cleared == 0);
        if (cleared != 0)
            status = clear_top_byte(plan, damaged, cleared, err);
        else
            plan->dropped[plan->dropped_count++] = damaged->index;
    }
    snap_edits_barrier(&plan->repair->edits);
    return status;
}

/*
 * A list that goes on where the device ends, or where an area cannot be read, needs an end in front of that. One entry
 * that is dropped makes room for it: a damaged one, or else the last.
 */
static enum snap_status plan_end(struct plan *plan, struct snap_error *err)
{
    const uint64_t per_area = plan->store->layout.entries_per_area;
    const enum snap_rule rule = plan->repair->found[SNAP_RULE_LIST_PAST_END] > 0 ? SNAP_RULE_LIST_PAST_END
                                                                                 : SNAP_RULE_AREA_UNREADABLE;
    struct damaged last = {.index = snap_round_down(plan->length, per_area) - 1, .rule = rule};
    struct snap_entry entry;
    enum snap_status status;

    if (plan->check.list_complete || plan->length < per_area || !may_mend(plan, rule, plan->options->change_view))
        return SNAP_OK;
    plan->length = last.index + 1; /* of an area that cannot be read, some entries may have been */
    plan->repair->gives_up_rest = true;
    while (plan->dropped_count > 0 && plan->dropped[plan->dropped_count - 1] > last.index)
        plan->dropped_count--;
    if (plan->dropped_count > 0)
        return SNAP_OK;
    status = snap_list_read_entries(plan->store, last.index, 1, &entry, err);
    if (status != SNAP_OK)
        return status;
    last.old_chunk = entry.old_chunk;
    note_change(plan, &last, true);
    plan->dropped[plan->dropped_count++] = last.index;
    return SNAP_OK;
}

/* Whether something behind the end looks like an entry: then it may be what a fault has cut off. */
static bool may_be_entries(const struct plan *plan, const uint8_t *bytes, uint64_t length_bytes)
{
    struct snap_entry entry;

    for (uint64_t at = 0; at < length_bytes; at += SNAP_ENTRY_BYTES) {
        snap_codec_decode_entry(bytes + at, &entry);
        if (snap_layout_is_data_chunk(&plan->store->layout, entry.new_chunk))
            return true;
    }
    return false;
}

/* Zeros from the terminator to the end of its area; each unit by itself changes nothing of the list. */
static enum snap_status plan_scrub(struct plan *plan, struct snap_error *err)
{
    const uint64_t unit_bytes = plan->repair->edits.unit_bytes, unit_entries = unit_bytes / SNAP_ENTRY_BYTES;
    const uint64_t per_area = plan->store->layout.entries_per_area;
    const uint64_t end = snap_round_down(plan->length, per_area) + per_area;
    bool entries = false, allowed = false;
    enum snap_status status = SNAP_OK;

    if (plan->repair->found[SNAP_RULE_GARBAGE_BEHIND_END] == 0 || !plan->check.list_complete)
        return SNAP_OK;
    for (int pass = 0; pass < 2 && status == SNAP_OK; pass++) { /* all of it is looked at before anything is planned */
        for (uint64_t first = end; status == SNAP_OK && first > snap_round_down(plan->length, unit_entries);) {
            uint64_t kept_bytes;

            first -= unit_entries;
            kept_bytes = first < plan->length ? (plan->length - first) * SNAP_ENTRY_BYTES : 0;
            status = snap_edits_read(&plan->repair->edits, snap_list_read_offset_bytes(plan->store, first), plan->unit,
                                     err);
            if (status == SNAP_OK && pass == 0)
                entries |= may_be_entries(plan, plan->unit + kept_bytes, unit_bytes - kept_bytes);
            memset(plan->unit + kept_bytes, 0, (size_t)(unit_bytes - kept_bytes));
            if (status == SNAP_OK && pass == 1)
                status = snap_edits_add(&plan->repair->edits, snap_list_read_offset_bytes(plan->store, first),
                                        plan->unit, err);
        }
        if (pass == 0)
            allowed = may_mend(plan, SNAP_RULE_GARBAGE_BEHIND_END, !entries || plan->options->clear_entries);
        if (!allowed)
            break;
    }
    snap_edits_barrier(&plan->repair->edits);
    return status;
}

/*
 * Masked samples of which the list names nothing say that a merge has written there. That is not so where entries were
 * dropped: the samples have to forget what they were.
 */
static enum snap_status plan_fingerprint(struct plan *plan, struct snap_error *err)
{
    struct snap_edits *edits = &plan->repair->edits;
    const uint64_t offset_bytes = snap_round_down(SNAP_FINGERPRINT_OFFSET_BYTES, edits->unit_bytes);
    struct snap_fingerprint fingerprint = plan->store->fingerprint;
    enum snap_status status;

    if (plan->dropped_count == 0 || plan->store->fingerprint_state != SNAP_FINGERPRINT_OK)
        return SNAP_OK;
    snap_fingerprint_forget_masked(&fingerprint);
    status = snap_edits_read(edits, offset_bytes, plan->unit, err);
    if (status != SNAP_OK)
        return status;
    snap_codec_encode_fingerprint(&fingerprint, plan->unit + (SNAP_FINGERPRINT_OFFSET_BYTES - offset_bytes));
    status = snap_edits_add(edits, offset_bytes, plan->unit, err);
    snap_edits_barrier(edits);
    return status;
}

/* `valid` becomes 1. Last of all: a store that is not mended yet must not become valid. */
static enum snap_status plan_header(struct plan *plan, struct snap_error *err)
{
    struct snap_edits *edits = &plan->repair->edits;
    struct snap_header header = plan->store->header;
    enum snap_status status;

    if (plan->repair->found[SNAP_RULE_STORE_INVALID] > 0) {
        if (!may_mend(plan, SNAP_RULE_STORE_INVALID, plan->options->revalidate))
            return SNAP_OK;
    } else if (plan->repair->found[SNAP_RULE_VALID_VALUE] == 0) {
        return SNAP_OK;
    } else {
        (void)may_mend(plan, SNAP_RULE_VALID_VALUE, true);
    }
    header.valid = 1;
    snap_edits_barrier(edits);
    status = snap_edits_read(edits, 0, plan->unit, err);
    if (status != SNAP_OK)
        return status;
    snap_codec_encode_header(&header, plan->unit);
    return snap_edits_add(edits, 0, plan->unit, err);
}

static int by_old(const void *left, const void *right)
{
    const struct snap_repair_change *a = left, *b = right;

    return (a->old_chunk > b->old_chunk) - (a->old_chunk < b->old_chunk);
}

static enum snap_status plan_all(struct plan *plan, struct snap_error *err)
{
    struct snap_repair *repair = plan->repair;
    enum snap_status status = plan_scrub(plan, err);

    if (status == SNAP_OK)
        status = plan_entries(plan, err);
    if (status == SNAP_OK)
        status = plan_end(plan, err);
    if (status == SNAP_OK)
        status = plan_fingerprint(plan, err);
    if (status == SNAP_OK)
        status = snap_drop_plan(&repair->edits, plan->store, plan->length, plan->dropped, plan->dropped_count, err);
    if (status == SNAP_OK)
        status = plan_header(plan, err);
    if (repair->gives_up_rest || plan->dropped_count > 0)
        repair->entries_after = plan->length - plan->dropped_count;
    if (repair->change_count > 0)
        qsort(repair->changes, repair->change_count, sizeof *repair->changes, by_old);
    return status;
}

enum snap_status snap_repair_plan(struct snap_repair *repair, const struct snap_store *store,
                                  const struct snap_repair_options *options, struct snap_error *err)
{
    struct plan plan = {.repair = repair, .store = store, .options = options};
    enum snap_status status = SNAP_OK;

    memset(repair, 0, sizeof *repair);
    if (!snap_header_has_list(store))
        return SNAP_OK;
    snap_edits_init(&repair->edits, store->io, snap_header_unit_bytes(store));
    plan.damaged = calloc(SNAP_REPAIR_ENTRIES_MAX, sizeof *plan.damaged);
    plan.dropped = calloc(SNAP_REPAIR_ENTRIES_MAX + 1, sizeof *plan.dropped);
    repair->changes = calloc(SNAP_REPAIR_ENTRIES_MAX + 1, sizeof *repair->changes);
    plan.unit = snap_buffer_new(snap_header_unit_bytes(store));
    if (!plan.damaged || !plan.dropped || !repair->changes || !plan.unit)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is damaged in it", store->io->name);
    if (status == SNAP_OK)
        status = check(&plan, err);
    if (status == SNAP_OK)
        status = plan_all(&plan, err);
    free(plan.damaged);
    free(plan.dropped);
    snap_buffer_free(plan.unit);
    return status;
}

void snap_repair_free(struct snap_repair *repair)
{
    snap_edits_free(&repair->edits);
    free(repair->changes);
    repair->changes = NULL;
    repair->change_count = 0;
}
