/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes the end of the origin from its size, from the record, or from what devices can have. */
#include "lib/check/origin_end_private.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/base/text.h"

#include <inttypes.h>

void snap_origin_end_find(struct snap_origin_end *end, const struct snap_store *store, uint64_t origin_sectors,
                          bool is_whole)
{
    const uint64_t recorded = store->identity_state == SNAP_IDENTITY_OK ? store->identity.origin_sectors : 0;
    const uint64_t sectors = snap_max(origin_sectors, recorded);

    end->chunks = (uint64_t)INT64_MAX / store->layout.chunk_bytes;
    end->source = SNAP_ORIGIN_END_NONE;
    end->follows = false;
    if ((recorded == 0 && !is_whole) || sectors == 0 || sectors > (uint64_t)INT64_MAX / SNAP_SECTOR_BYTES)
        return;
    end->chunks = snap_layout_origin_chunks(&store->layout, sectors);
    end->source = origin_sectors < recorded ? SNAP_ORIGIN_END_RECORD
                  : recorded > 0            ? SNAP_ORIGIN_END_MADE
                                            : SNAP_ORIGIN_END_SAID;
}

void snap_origin_end_note(struct snap_origin_end *end, uint64_t index, uint64_t old_chunk, bool beyond,
                          uint64_t previous_old_chunk, struct snap_check_result *result)
{
    struct snap_check_beyond *figures = &result->beyond;
    const bool first = result->entries_beyond == 0;

    if (!beyond) {
        figures->bridged += end->before_old_chunk < UINT64_MAX && old_chunk == end->before_old_chunk + 2;
        end->follows = false;
        return;
    }
    figures->runs += !end->follows || old_chunk != previous_old_chunk + 1;
    end->before_old_chunk = end->follows || index == 0 ? UINT64_MAX : previous_old_chunk;
    end->follows = true;
    if (first) {
        figures->first_index = index;
        figures->first_old_chunk = old_chunk;
    }
    figures->lowest_old_chunk = first ? old_chunk : snap_min(figures->lowest_old_chunk, old_chunk);
    result->entries_beyond++;
}

void snap_origin_end_finding(const struct snap_origin_end *end, uint64_t old_chunk, struct snap_finding *finding)
{
    const char *chunks = snap_text_form(end->chunks, "chunk", "chunks");

    switch (end->source) {
    case SNAP_ORIGIN_END_NONE:
        snap_findings_init(finding, SNAP_RULE_ENTRY_OLD_RANGE, "origin chunk 0x%" PRIx64 ", but no device has more "
                           "than 0x%" PRIx64 " chunks", old_chunk, end->chunks);
        break;
    case SNAP_ORIGIN_END_RECORD:
        snap_findings_init(finding, SNAP_RULE_ENTRY_OLD_RANGE, "origin chunk %" PRIu64 ", but the origin had %" PRIu64
                           " %s when the store was made", old_chunk, end->chunks, chunks);
        break;
    case SNAP_ORIGIN_END_MADE:
        snap_findings_init(finding, SNAP_RULE_ENTRY_OLD_RANGE, "origin chunk %" PRIu64 ", but the origin has %" PRIu64
                           " %s, and was not larger when the store was made", old_chunk, end->chunks, chunks);
        break;
    case SNAP_ORIGIN_END_SAID:
        snap_findings_init(finding, SNAP_RULE_ENTRY_OLD_RANGE, "origin chunk %" PRIu64 ", but the origin has %" PRIu64
                           " %s, and never had more, as you say", old_chunk, end->chunks, chunks);
        break;
    }
}
