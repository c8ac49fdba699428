/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads entries behind the end of the list, for the places that they name. */
#include "tools/check/behind.h"

#include "lib/base/arith.h"
#include "lib/store/list_read.h"

#include <stdlib.h>

#define READ_ENTRIES 4096u
#define ENTRIES_MAX (1u << 18) /* of more, the rest is left out: so many places can be asked for */

bool check_behind_is(const struct snap_finding *finding)
{
    return finding->rule == SNAP_RULE_GARBAGE_BEHIND_END || finding->rule == SNAP_RULE_LIST_CUT;
}

void check_behind_places(const struct check_session *session, enum snap_rule rule, struct files_places *places,
                         uint32_t number)
{
    const struct snap_check_result *result = &session->result;
    const struct snap_layout *layout = &session->store.layout;
    const bool garbage = rule == SNAP_RULE_GARBAGE_BEHIND_END;
    const uint64_t per_area = layout->entries_per_area, size_bytes = session->origin.io->size_bytes;
    const uint64_t first = garbage ? result->entries : result->continuation_area * per_area;
    const uint64_t found = garbage ? per_area - result->entries % per_area : result->continuation_entries;
    const uint64_t count = snap_min(found, ENTRIES_MAX);
    struct snap_entry *entries = calloc(READ_ENTRIES, sizeof *entries);
    struct snap_error ignored;

    for (uint64_t done = 0, more; entries && done < count; done += more) {
        more = snap_min(count - done, READ_ENTRIES);
        if (snap_list_read_entries(&session->store, first + done, more, entries, &ignored) != SNAP_OK)
            break;
        for (uint64_t i = 0; i < more; i++)
            if (entries[i].old_chunk < snap_div_up(size_bytes, layout->chunk_bytes) &&
                (!garbage || entries[i].new_chunk == snap_layout_canonical_chunk(layout, first + done + i)))
                files_places_add(places, entries[i].old_chunk * layout->chunk_bytes, layout->chunk_bytes, number);
    }
    free(entries);
}
