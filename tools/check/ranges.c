/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joins findings of neighbours, and says which part of the snapshot they are about. */
#include "tools/check/ranges.h"

#include "lib/base/arith.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Whether a chunk of the snapshot, and which one, depends on the entry: it is in the list, and on the origin. */
static bool concerns_view(const struct snap_finding *finding)
{
    return finding->has_entry && finding->rule != SNAP_RULE_GARBAGE_BEHIND_END &&
           finding->rule != SNAP_RULE_ENTRY_OLD_RANGE &&
           (finding->rule != SNAP_RULE_ENTRY_LOST || finding->lost_old_known);
}

/* That chunk: of the entry that stands there, or of the one that it has replaced. */
static uint64_t chunk_of(const struct snap_finding *finding)
{
    return finding->rule == SNAP_RULE_ENTRY_LOST ? finding->lost_old_chunk : finding->old_chunk;
}

void check_ranges_begin(struct check_range *range, const struct snap_finding *finding)
{
    *range = (struct check_range){
        .count = 1,
        .first = *finding,
        .last = *finding,
        .least_old = chunk_of(finding),
        .most_old = chunk_of(finding),
        .consecutive = true,
    };
}

bool check_ranges_may_grow(const struct check_range *range, const struct snap_finding *finding, uint64_t slots_first)
{
    const struct snap_finding *last = &range->last;

    if (!last->has_area)
        return false;
    if (!finding->has_area || (last->has_entry && !finding->has_entry))
        return true;
    if (!last->has_entry)
        return finding->area >= last->area && finding->area - last->area <= 1;
    return last->index >= slots_first && finding->index >= last->index &&
           finding->index - last->index <= CHECK_RANGES_STEP_MAX;
}

bool check_ranges_take(struct check_range *range, const struct snap_finding *finding)
{
    const struct snap_finding *last = &range->last;

    if (finding->severity != last->severity || finding->has_entry != last->has_entry ||
        (finding->has_entry ? finding->index <= last->index : finding->area != last->area + 1))
        return false;
    range->consecutive &= chunk_of(finding) == chunk_of(last) + 1;
    range->least_old = snap_min(range->least_old, chunk_of(finding));
    range->most_old = snap_max(range->most_old, chunk_of(finding));
    if (range->count++ == 1)
        range->second = *finding;
    range->last = *finding;
    return true;
}

/* The bytes of these chunks of the snapshot; a damaged entry may name a chunk that no device can have. */
static bool bytes_of(const struct snap_layout *layout, uint64_t first_chunk, uint64_t last_chunk,
                     uint64_t *offset_bytes, uint64_t *length_bytes)
{
    uint64_t end_bytes;

    if (last_chunk == UINT64_MAX || !snap_mul(first_chunk, layout->chunk_bytes, offset_bytes) ||
        !snap_mul(last_chunk + 1, layout->chunk_bytes, &end_bytes) || end_bytes > INT64_MAX)
        return false;
    *length_bytes = end_bytes - *offset_bytes;
    return true;
}

bool check_ranges_bytes(const struct snap_layout *layout, const struct snap_finding *finding, uint64_t *offset_bytes,
                        uint64_t *length_bytes)
{
    return concerns_view(finding) &&
           bytes_of(layout, chunk_of(finding), chunk_of(finding), offset_bytes, length_bytes);
}

/* ", bytes 4096 to 8191 of the snapshot"; nothing where there are no such bytes. */
static struct report_text bytes_text(const struct snap_layout *layout, uint64_t first_chunk, uint64_t last_chunk)
{
    struct report_text result = {""};
    uint64_t offset_bytes, length_bytes;

    if (bytes_of(layout, first_chunk, last_chunk, &offset_bytes, &length_bytes))
        (void)snprintf(result.text, sizeof result.text, ", bytes %" PRIu64 " to %" PRIu64 " of the snapshot",
                       offset_bytes, offset_bytes + (length_bytes - 1));
    return result;
}

struct report_text check_ranges_finding_text(const struct snap_layout *layout, const struct snap_finding *finding)
{
    const bool says_chunk = finding->rule == SNAP_RULE_DUPLICATE_OLD || finding->rule == SNAP_RULE_DATA_UNREADABLE;
    struct report_text result = report_finding_text(finding), bytes;
    const size_t used = strlen(result.text);

    if (!concerns_view(finding) || finding->severity == SNAP_NOTE)
        return result;
    bytes = bytes_text(layout, chunk_of(finding), chunk_of(finding));
    if (!says_chunk && bytes.text[0] == '\0')
        (void)snprintf(result.text + used, sizeof result.text - used, "; it names no chunk that an origin can have");
    else if (says_chunk)
        (void)snprintf(result.text + used, sizeof result.text - used, "%.200s", bytes.text);
    else
        (void)snprintf(result.text + used, sizeof result.text - used, "; origin chunk %" PRIu64 "%.200s",
                       chunk_of(finding), bytes.text);
    return result;
}

/* "; origin chunks 703 to 705, bytes ... of the snapshot": what the entries of the range are for. */
static struct report_text chunks_text(const struct snap_layout *layout, const struct check_range *range)
{
    const uint64_t least = range->least_old, most = range->most_old;
    const struct report_text bytes = bytes_text(layout, least, most);
    struct report_text result = {""};

    if (!concerns_view(&range->first))
        return result;
    if (bytes.text[0] == '\0')
        (void)snprintf(result.text, sizeof result.text, bytes_text(layout, least, least).text[0] == '\0'
                                                             ? "; they name no chunk that an origin can have"
                                                             : "; some name no chunk that an origin can have");
    else if (least == most)
        (void)snprintf(result.text, sizeof result.text, "; origin chunk %" PRIu64 "%.200s", least, bytes.text);
    else
        (void)snprintf(result.text, sizeof result.text, "; origin chunks %s%" PRIu64 " to %" PRIu64 "%s%.200s",
                       range->consecutive ? "" : "from ", least, most,
                       range->consecutive ? "" : ", not all of them", bytes.text);
    return result;
}

struct report_text check_ranges_text(const struct snap_layout *layout, const struct check_range *range)
{
    const struct snap_finding *first = &range->first, *last = &range->last;
    const bool entries = first->has_entry;
    char from[64] = "", to[64] = "";
    struct report_text result;

    if (entries) {
        (void)snprintf(from, sizeof from, " slot %" PRIu64, first->slot);
        (void)snprintf(to, sizeof to, " slot %" PRIu64, last->slot);
    }
    (void)snprintf(result.text, sizeof result.text,
                   "area %" PRIu64 "%s to area %" PRIu64 "%s: %" PRIu64 " %s, the first: %.255s%.400s",
                   first->area, from, last->area, to, range->count,
                   !entries                                              ? "areas in a row"
                   : last->index - first->index == range->count - 1 ? "entries in a row"
                                                                         : "of these entries",
                   first->text, chunks_text(layout, range).text);
    return result;
}

static void set_bytes(struct cli_json *json, const struct snap_layout *layout, const struct snap_finding *first,
                      uint64_t least_old, uint64_t most_old)
{
    uint64_t offset_bytes, length_bytes;

    if (!concerns_view(first) || !bytes_of(layout, least_old, most_old, &offset_bytes, &length_bytes))
        return;
    cli_json_set_uint(json, "origin_offset_bytes", offset_bytes);
    cli_json_set_uint(json, "origin_length_bytes", length_bytes);
}

struct cli_json *check_ranges_finding_json(const struct snap_layout *layout, const struct snap_finding *finding)
{
    struct cli_json *json = report_finding_json(finding);

    set_bytes(json, layout, finding, chunk_of(finding), chunk_of(finding));
    if (finding->own_chunk != 0) {
        cli_json_set_uint(json, "own_chunk", finding->own_chunk);
        cli_json_set_uint(json, "own_offset_bytes", finding->own_chunk * layout->chunk_bytes);
        cli_json_set_uint(json, "own_length_bytes", layout->chunk_bytes);
    }
    return json;
}

struct cli_json *check_ranges_json(const struct snap_layout *layout, const struct check_range *range)
{
    struct cli_json *json = report_finding_json(&range->first);

    cli_json_set_uint(json, "count", range->count);
    cli_json_set_uint(json, "last_area", range->last.area);
    if (range->last.has_entry) {
        cli_json_set_uint(json, "last_slot", range->last.slot);
        cli_json_set_uint(json, "last_index", range->last.index);
    }
    set_bytes(json, layout, &range->first, range->least_old, range->most_old);
    return json;
}
