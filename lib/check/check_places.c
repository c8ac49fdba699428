/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words what is known of entries that are out of their place, and of those that have a number of another one. */
#include "lib/check/check_places_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void append(struct snap_finding *finding, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(struct snap_finding *finding, const char *format, ...)
{
    const size_t used = strlen(finding->text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(finding->text + used, sizeof finding->text - used, format, args);
    va_end(args);
}

/* The data chunk that the slot had, which no entry names: its data are most likely those that are missed. */
static void add_own(const struct snap_places *places, const struct snap_place *place, struct snap_finding *finding)
{
    const uint64_t chunk_bytes = places->store->layout.chunk_bytes;

    if (place->own_chunk == 0)
        return;
    finding->own_chunk = place->own_chunk;
    finding->neighbours_agree = place->fit == SNAP_PLACE_FITS;
    append(finding, "; no entry has data chunk %" PRIu64 ", which belongs to this slot: bytes %" PRIu64 " to %" PRIu64
           " of the COW", place->own_chunk, place->own_chunk * chunk_bytes, (place->own_chunk + 1) * chunk_bytes - 1);
}

static enum snap_status add_place(const struct snap_places *places, const struct snap_place *place,
                                  struct snap_findings *findings, struct snap_error *err)
{
    const uint64_t per_area = places->store->layout.entries_per_area;
    const struct snap_entry entry = {.old_chunk = place->old_chunk, .new_chunk = place->new_chunk};
    struct snap_finding finding;

    if (place->kind == SNAP_PLACE_OUTLIER) {
        snap_findings_init(&finding, SNAP_RULE_ENTRY_NEW_OUTLIER, "data chunk %" PRIu64 ", and those around are in "
                           "their places", place->new_chunk);
        add_own(places, place, &finding);
    } else {
        snap_findings_init(&finding, SNAP_RULE_ENTRY_LOST, "area %" PRIu64 " slot %" PRIu64 " once more instead of an "
                           "entry that is lost", place->home / per_area, place->home % per_area);
        if (place->lost_old_known)
            append(&finding, ", by its neighbours for origin chunk %" PRIu64, place->lost_old);
        add_own(places, place, &finding);
        finding.lost_old_chunk = place->lost_old;
        finding.lost_old_known = place->lost_old_known;
    }
    snap_findings_place_entry(&finding, places->store, place->index, &entry);
    return snap_findings_add(findings, &finding, err);
}

enum snap_status snap_check_places(const struct snap_places *places, struct snap_findings *findings,
                                   struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    for (uint64_t i = 0; places->judged && i < places->count && status == SNAP_OK; i++)
        if (places->at[i].kind == SNAP_PLACE_OUTLIER || places->at[i].kind == SNAP_PLACE_COPY)
            status = add_place(places, &places->at[i], findings, err);
    return status;
}

enum snap_status snap_check_places_duplicate(const struct snap_places *places, struct snap_findings *findings,
                                             enum snap_rule rule, const struct snap_duplicate *duplicate,
                                             struct snap_error *err)
{
    const uint64_t per_area = places->store->layout.entries_per_area;
    const struct snap_place *place = snap_places_find(places, duplicate->first_index);
    struct snap_finding finding = {.rule = rule, .severity = snap_rules_info(rule)->severity};
    struct snap_entry entry = {.old_chunk = duplicate->old_chunk, .new_chunk = duplicate->new_chunk};
    uint64_t index = duplicate->index, other = duplicate->first_index;

    if (!snap_findings_tells(findings, rule)) /* there may be millions */
        return snap_findings_add(findings, &finding, err);
    if (rule == SNAP_RULE_DUPLICATE_NEW && place && place->kind == SNAP_PLACE_SHARED && place->home == index) {
        other = index; /* that one is in its place */
        index = place->index;
        entry.old_chunk = place->old_chunk;
    }
    if (rule == SNAP_RULE_ENTRY_REPEATED_OFTEN)
        snap_findings_init(&finding, rule, "the same entry as area %" PRIu64 " slot %" PRIu64 ", more than %u times",
                           other / per_area, other % per_area, SNAP_DUPLICATES_COPIES_MAX);
    else if (rule == SNAP_RULE_ENTRY_REPEATED)
        snap_findings_init(&finding, rule, "the same entry as area %" PRIu64 " slot %" PRIu64, other / per_area,
                           other % per_area);
    else
        snap_findings_init(&finding, rule, "%s chunk %" PRIu64 " is already used by area %" PRIu64 " slot %" PRIu64,
                           rule == SNAP_RULE_DUPLICATE_OLD ? "origin" : "data",
                           rule == SNAP_RULE_DUPLICATE_OLD ? entry.old_chunk : entry.new_chunk, other / per_area,
                           other % per_area);
    place = snap_places_find(places, index);
    if (place && place->kind == SNAP_PLACE_SHARED)
        add_own(places, place, &finding);
    snap_findings_place_entry(&finding, places->store, index, &entry);
    return snap_findings_add(findings, &finding, err);
}
