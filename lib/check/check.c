/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Walks over the list once, adds a finding for each rule that is broken, and counts. */
#include "lib/check/check.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/base/text.h"
#include "lib/check/check_header_private.h"
#include "lib/check/check_places_private.h"
#include "lib/check/duplicates.h"
#include "lib/check/origin_end_private.h"
#include "lib/store/list_walk.h"

#include <inttypes.h>
#include <string.h>

#define TOP_BYTE_SHIFT 56
#define UNDECIDED_MAX 64u
#define CUT_FACTOR 4u /* chunks that an old kernel has lost, or that were moved, are among those of a list */
#define CUT_CHUNKS 256u

struct check {
    const struct snap_store *store;
    const struct snap_check_options *options;
    struct snap_findings *findings;
    struct snap_check_result *result;
    struct snap_error *err;
    struct snap_duplicates *sets; /* NULL: figures only */
    struct snap_places places;
    uint64_t origin_chunks; /* UINT64_MAX where the origin is not known */
    struct snap_origin_end end; /* of the origin, for certain */
    uint64_t last_missing_bytes; /* of the origin's last chunk, beyond its end */
    uint64_t previous_old, previous_new;
    uint64_t highest_cut_chunk;    /* the highest chunk behind the end of the device that the list needs; 0: none */
    /* Entries on an area chunk behind their own: whether that area is in use is known at the end of the list. */
    struct snap_finding undecided[UNDECIDED_MAX];
    uint32_t undecided_count;
};

static enum snap_status add(struct check *check, const struct snap_finding *finding)
{
    return snap_findings_add(check->findings, finding, check->err);
}

/* Puts the place of entry `i` of the span into a finding. */
static void place(const struct check *check, const struct snap_span *span, uint32_t i, struct snap_finding *finding)
{
    const struct snap_entry entry = {.old_chunk = snap_span_old(span, i), .new_chunk = snap_span_new(span, i)};

    snap_findings_place_entry(finding, check->store, span->first_index + i, &entry);
}

static enum snap_status put_aside(struct check *check, const struct snap_finding *finding)
{
    check->undecided[check->undecided_count++] = *finding;
    return SNAP_OK;
}

/* The list is read: those whose data chunk is an area that it reaches have destroyed it. */
static enum snap_status add_undecided(struct check *check)
{
    const struct snap_layout *layout = &check->store->layout;
    const uint64_t last_area_chunk = snap_layout_area_chunk(layout, check->result->entries / layout->entries_per_area);
    enum snap_status status = SNAP_OK;

    for (uint32_t i = 0; i < check->undecided_count && status == SNAP_OK; i++) {
        if (check->undecided[i].new_chunk <= last_area_chunk)
            check->undecided[i].severity = SNAP_FATAL;
        status = add(check, &check->undecided[i]);
    }
    return status;
}

static enum snap_status bad_new(struct check *check, const struct snap_span *span, uint32_t i)
{
    const struct snap_layout *layout = &check->store->layout;
    uint64_t new_chunk = snap_span_new(span, i);
    struct snap_finding finding;

    if (new_chunk != snap_layout_canonical_chunk(layout, span->first_index + i))
        check->result->canonical = false;
    if (new_chunk >> TOP_BYTE_SHIFT != 0) {
        snap_findings_init(&finding, SNAP_RULE_ENTRY_NEW_TOP_BYTE,
                           "data chunk 0x%016" PRIx64 ", expected one below chunk %" PRIu64, new_chunk,
                           layout->cow_chunks);
    } else if (snap_layout_is_area_chunk(layout, new_chunk)) {
        snap_findings_init(&finding, SNAP_RULE_ENTRY_NEW_METADATA, "data chunk %" PRIu64 " is metadata area %" PRIu64,
                           new_chunk, snap_layout_area_of_chunk(layout, new_chunk));
        place(check, span, i, &finding);
        if (new_chunk <= snap_layout_area_chunk(layout, span->area))
            finding.severity = SNAP_FATAL; /* rule entry-new-metadata: an area that is in use */
        else if (check->undecided_count < UNDECIDED_MAX)
            return put_aside(check, &finding);
    } else {
        check->result->entries_cut++;
        check->highest_cut_chunk = snap_max(check->highest_cut_chunk, new_chunk);
        snap_findings_init(&finding, SNAP_RULE_ENTRY_NEW_RANGE,
                           "data chunk %" PRIu64 ", but the device has %" PRIu64 " chunks", new_chunk,
                           layout->cow_chunks);
    }
    place(check, span, i, &finding);
    return add(check, &finding);
}

/* Where no chunk of the origin can be. An entry that was overwritten as a whole has one finding, of its data chunk. */
static enum snap_status bad_old(struct check *check, const struct snap_span *span, uint32_t i)
{
    struct snap_finding finding;

    if (check->end.source == SNAP_ORIGIN_END_NONE &&
        !snap_layout_is_data_chunk(&check->store->layout, snap_span_new(span, i)))
        return SNAP_OK;
    check->result->entries_old_range++;
    snap_origin_end_finding(&check->end, snap_span_old(span, i), &finding);
    place(check, span, i, &finding);
    return add(check, &finding);
}

/* Where the entry ends on the origin. An origin that ends before its chunk begins is not its origin. */
static void count_reach(struct check *check, uint64_t index, uint64_t old_chunk, uint64_t previous_old_chunk)
{
    const uint64_t end_bytes = (old_chunk + 1) * check->store->layout.chunk_bytes; /* rule entry-old-range */

    check->result->reach_bytes = snap_max(check->result->reach_bytes, end_bytes);
    if (old_chunk >= check->origin_chunks || check->end.follows)
        snap_origin_end_note(&check->end, index, old_chunk, old_chunk >= check->origin_chunks, previous_old_chunk,
                             check->result);
}

static enum snap_status bad_order(struct check *check, const struct snap_span *span, uint32_t i)
{
    struct snap_finding finding;

    check->result->canonical = false;
    snap_findings_init(&finding, SNAP_RULE_ENTRY_ORDER, "data chunk %" PRIu64 ", canonical is %" PRIu64,
                       snap_span_new(span, i),
                       snap_layout_canonical_chunk(&check->store->layout, span->first_index + i));
    place(check, span, i, &finding);
    return add(check, &finding);
}

/* The numbers of each live entry of the span: figures and rules that need no memory. */
static enum snap_status check_span(struct check *check, const struct snap_span *span)
{
    const struct snap_layout *layout = &check->store->layout;
    struct snap_check_result *result = check->result;
    enum snap_status status = SNAP_OK;

    for (uint32_t i = 0; i < span->live && status == SNAP_OK; i++) {
        uint64_t old_chunk = snap_span_old(span, i);
        uint64_t new_chunk = snap_span_new(span, i);

        if (span->first_index + i == 0 || old_chunk != check->previous_old + 1 ||
            new_chunk != check->previous_new + 1)
            result->runs++;
        result->highest_new_chunk = snap_max(result->highest_new_chunk, new_chunk);
        if (old_chunk >= check->end.chunks)
            status = bad_old(check, span, i);
        else
            count_reach(check, span->first_index + i, old_chunk, check->previous_old);
        check->previous_old = old_chunk;
        check->previous_new = new_chunk;
        if (old_chunk == check->origin_chunks - 1) /* it may be partial: dmsnap-store(5), ENTRIES AND AREAS */
            result->merge_bytes -= check->last_missing_bytes;
        if (status != SNAP_OK)
            break;
        if (!snap_layout_is_data_chunk(layout, new_chunk))
            status = bad_new(check, span, i);
        else if (result->canonical && new_chunk != snap_layout_canonical_chunk(layout, span->first_index + i))
            status = bad_order(check, span, i);
    }
    result->entries += span->live;
    result->merge_bytes += span->live * layout->chunk_bytes;
    return status;
}

/* Everything behind the terminator in its area must be zero, the terminator's old too (rule garbage-behind-end). */
static enum snap_status check_garbage(struct check *check, const struct snap_span *span, bool *garbage_seen)
{
    const uint8_t *dead = span->bytes + (size_t)span->live * SNAP_ENTRY_BYTES;
    const size_t dead_bytes = (size_t)(span->slots - span->live) * SNAP_ENTRY_BYTES;
    struct snap_finding finding;
    uint32_t i = span->live;

    if (*garbage_seen || snap_all_zero(dead, dead_bytes))
        return SNAP_OK;
    while (snap_span_old(span, i) == 0 && snap_span_new(span, i) == 0)
        i++;
    *garbage_seen = true;
    snap_findings_init(&finding, SNAP_RULE_GARBAGE_BEHIND_END,
                       "0x%" PRIx64 " 0x%" PRIx64 " behind the end of the list, expected zeros",
                       snap_span_old(span, i), snap_span_new(span, i));
    place(check, span, i, &finding);
    return add(check, &finding);
}

/*
 * A failed walk is an answer too: where the list cannot be followed. But only if the device says so: what is short of
 * memory, or gone, has told nothing about the store.
 */
static enum snap_status check_broken_walk(struct check *check, const struct snap_span *span,
                                          const struct snap_error *reason)
{
    struct snap_finding finding;

    if (reason->status != SNAP_E_CORRUPT && !snap_error_is_medium(reason->sys_errno)) {
        if (check->err)
            *check->err = *reason;
        return reason->status;
    }
    if (reason->status == SNAP_E_CORRUPT)
        check->highest_cut_chunk =
            snap_max(check->highest_cut_chunk, snap_layout_area_chunk(&check->store->layout, span->area));
    snap_findings_init_failure(&finding,
                               reason->status == SNAP_E_CORRUPT ? SNAP_RULE_LIST_PAST_END : SNAP_RULE_AREA_UNREADABLE,
                               check->store, reason);
    snap_findings_place_area(&finding, check->store, span->area);
    return add(check, &finding);
}

/* The first walk: all rules about single entries and areas. */
static enum snap_status check_list(struct check *check, struct snap_list_walk *walk)
{
    bool garbage_seen = false;
    struct snap_error reason = {0}; /* not made anew for each span: its text is long */

    snap_list_walk_stop_on(walk, check->options->stop, check->options->stop_context);
    for (;;) {
        struct snap_span span;
        enum snap_status status = snap_list_walk_next(walk, &span, &reason);

        if (status == SNAP_E_STOPPED)
            return snap_fail(check->err, status, "%s", reason.text);
        if (status != SNAP_OK)
            return check_broken_walk(check, &span, &reason);
        if (span.slots == 0) {
            check->result->list_complete = true;
            return SNAP_OK;
        }
        status = check_span(check, &span);
        if (check->sets) {
            snap_places_feed(&check->places, &span);
            snap_duplicates_feed(check->sets, &span);
        }
        if (status == SNAP_OK)
            status = check_garbage(check, &span, &garbage_seen);
        if (status != SNAP_OK)
            return status;
    }
}

static enum snap_status report_duplicate(void *context, enum snap_rule rule, const struct snap_duplicate *duplicate,
                                         struct snap_error *err)
{
    const struct check *check = context;

    return snap_check_places_duplicate(&check->places, check->findings, rule, duplicate, err);
}

/* What only the whole list tells: fullness, leaks, what follows behind the end. */
static enum snap_status check_whole(struct check *check, const struct snap_duplicates_result *sets)
{
    const struct snap_layout *layout = &check->store->layout;
    struct snap_check_result *result = check->result;
    const uint64_t next_free = snap_layout_next_free(layout, result->highest_new_chunk);
    const uint64_t in_use = snap_layout_data_chunks_before(layout, next_free);
    const bool sound = check->findings->severity_counts[SNAP_CORRUPTING] == 0 &&
                       check->findings->severity_counts[SNAP_FATAL] == 0;
    const uint64_t distinct = result->entries - result->repeated_entries;
    /* An undo store gets the room for what its merge replaces, and nobody else writes to it. */
    const bool is_undo = (check->store->identity.flags & SNAP_IDENTITY_UNDO) != 0;
    enum snap_status status = SNAP_OK;
    struct snap_finding finding;

    if (sound && in_use > distinct) {
        snap_findings_init(&finding, SNAP_RULE_LEAKED_CHUNKS, "%" PRIu64 " data %s below chunk %" PRIu64
                           " %s to no entry", in_use - distinct, snap_text_form(in_use - distinct, "chunk", "chunks"),
                           next_free, snap_text_form(in_use - distinct, "belongs", "belong"));
        status = add(check, &finding);
    }
    if (sound && !is_undo && layout->cow_chunks >= 3 && result->free_chunks == 0 && distinct < check->origin_chunks) {
        snap_findings_init(&finding, SNAP_RULE_STORE_FULL, "%" PRIu64 " %s, no free chunk", result->entries,
                           snap_text_form(result->entries, "entry", "entries"));
        if (status == SNAP_OK)
            status = add(check, &finding);
    }
    if (status == SNAP_OK && sets->continuation_entries > 0) {
        snap_findings_init(&finding, SNAP_RULE_LIST_CUT,
                           "the list ends after %" PRIu64 " %s, but area %" PRIu64 " goes on with %" PRIu64
                           " that %s exactly",
                           result->entries, snap_text_form(result->entries, "entry", "entries"),
                           sets->continuation_area, sets->continuation_entries,
                           snap_text_form(sets->continuation_entries, "fits", "fit"));
        snap_findings_place_area(&finding, check->store, sets->continuation_area);
        status = add(check, &finding);
    } else if (status == SNAP_OK && sets->leftover_area != 0) {
        snap_findings_init(&finding, SNAP_RULE_STALE_AREAS, "area %" PRIu64 " is not zero", sets->leftover_area);
        snap_findings_place_area(&finding, check->store, sets->leftover_area);
        status = add(check, &finding);
    }
    return status;
}

bool snap_check_may_be_cut(const struct snap_layout *layout, uint64_t entries, uint64_t chunk)
{
    return chunk / CUT_FACTOR < snap_layout_canonical_chunk(layout, entries) + CUT_CHUNKS;
}

/* Not where the record names another chunk size: what was read may be no list. */
static void judge_cut(struct check *check)
{
    uint64_t end_bytes;

    if (check->highest_cut_chunk > 0 && check->findings->rule_counts[SNAP_RULE_CHUNK_RECORD] == 0 &&
        snap_check_may_be_cut(&check->store->layout, check->result->entries, check->highest_cut_chunk) &&
        snap_mul(check->highest_cut_chunk + 1, check->store->layout.chunk_bytes, &end_bytes))
        check->result->needs_bytes = end_bytes;
}

/* The walk over the list, then the passes for what needs sets. */
static enum snap_status check_entries(struct check *check)
{
    const struct snap_check_options *options = check->options;
    struct snap_check_result *result = check->result;
    struct snap_duplicates_result sets = {0};
    struct snap_list_walk *walk;
    enum snap_status status = snap_list_walk_open(&walk, check->store, check->err);

    if (status == SNAP_OK) {
        status = check_list(check, walk);
        snap_list_walk_close(walk);
    }
    if (status == SNAP_OK)
        status = add_undecided(check);
    judge_cut(check);
    if (status != SNAP_OK)
        return status;
    result->areas = snap_div_up(result->entries, check->store->layout.entries_per_area);
    result->free_chunks = snap_layout_free_entries(&check->store->layout, result->entries, result->highest_new_chunk);
    snap_layout_usage(&check->store->layout, result->entries, result->highest_new_chunk, &result->usage);
    if (!result->list_complete || !check->sets)
        return SNAP_OK;
    status = snap_places_judge(&check->places, check->err);
    if (status == SNAP_OK)
        status = snap_check_places(&check->places, check->findings, check->err);
    if (status != SNAP_OK)
        return status;
    status = snap_duplicates_finish(check->sets, result->entries, options->stop, options->stop_context,
                                    report_duplicate, check, &sets, check->err);
    result->passes = sets.passes;
    result->repeated_entries = sets.repeated_entries;
    result->merge_bytes -= sets.repeated_entries * check->store->layout.chunk_bytes -
                           sets.repeated_last_chunk * check->last_missing_bytes;
    result->continuation_area = sets.continuation_area;
    result->continuation_entries = sets.continuation_entries;
    result->earlier_entries = sets.earlier_entries;
    result->moved_area = sets.moved_area;
    return status == SNAP_OK ? check_whole(check, &sets) : status;
}

enum snap_status snap_check(const struct snap_store *store, const struct snap_check_options *options,
                            struct snap_findings *findings, struct snap_check_result *result, struct snap_error *err)
{
    struct check check = {.store = store, .options = options, .findings = findings, .result = result, .err = err};
    enum snap_status status;

    memset(result, 0, sizeof *result);
    snap_places_init(&check.places, store);
    result->canonical = true;
    if (store->defect != SNAP_HEADER_GOOD) {
        status = snap_check_header_defect(store, findings, err);
        if (status != SNAP_OK || !snap_header_has_list(store))
            return status;
    }
    check.origin_chunks =
        options->origin_sectors ? snap_layout_origin_chunks(&store->layout, options->origin_sectors) : UINT64_MAX;
    if (options->origin_sectors)
        check.last_missing_bytes =
            check.origin_chunks * store->layout.chunk_bytes - options->origin_sectors * SNAP_SECTOR_BYTES;
    snap_origin_end_find(&check.end, store, options->origin_sectors, options->origin_is_whole);
    result->capacity_entries = snap_layout_capacity_entries(&store->layout);

    status = snap_check_header(store, options->origin_block_bytes, findings, err);
    if (status == SNAP_OK && !options->figures_only)
        status = snap_duplicates_new(&check.sets, store, snap_min(check.origin_chunks, check.end.chunks),
                                     snap_max(options->memory_bytes, SNAP_CHECK_MEMORY_MIN_BYTES), err);
    if (status == SNAP_OK && check.sets)
        snap_duplicates_note_repeated(check.sets, options->repeated);
    if (status == SNAP_OK)
        status = check_entries(&check);
    snap_duplicates_free(check.sets);
    return status;
}
