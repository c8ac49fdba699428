/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blanks everything of a view that its list does not name. */
#include "lib/check/held_private.h"

#include "lib/base/arith.h"

#include <string.h>

enum snap_status snap_held_read(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                struct snap_error *err)
{
    struct snap_view *view = context;
    const uint64_t chunk_bytes = snap_view_chunk_bytes(view), end_bytes = offset_bytes + length_bytes;
    uint64_t at_bytes = offset_bytes, entry_bytes = 0;
    enum snap_status status = snap_view_next_entry(view, offset_bytes, &entry_bytes, err);

    if (status == SNAP_OK && entry_bytes < end_bytes)
        status = snap_view_read(view, offset_bytes, length_bytes, buffer, err);
    while (status == SNAP_OK && at_bytes < end_bytes) {
        const uint64_t gap_end_bytes = snap_min(entry_bytes, end_bytes);

        memset((uint8_t *)buffer + (at_bytes - offset_bytes), 0, (size_t)(gap_end_bytes - at_bytes));
        if (gap_end_bytes == end_bytes)
            break;
        at_bytes = snap_min(snap_round_down(gap_end_bytes, chunk_bytes) + chunk_bytes, end_bytes);
        if (at_bytes < end_bytes)
            status = snap_view_next_entry(view, at_bytes, &entry_bytes, err);
    }
    return status;
}
