/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Byte by byte comparison of a load's buffer with what the origin holds in its place. */
#include "lib/merge/compare_load.h"

#include <inttypes.h>
#include <string.h>

enum snap_status snap_compare_load_drop_equal(struct snap_window *window, struct snap_io *origin, uint8_t *found,
                                              const struct snap_copy_control *control, bool *compared,
                                              struct snap_error *err)
{
    struct snap_error reason;
    enum snap_status status = snap_copy_read_target(&window->plan, origin, found, &window->group, control, &reason);

    *compared = status == SNAP_OK;
    if (status == SNAP_E_IO)
        return SNAP_OK; /* what cannot be read is written */
    if (status != SNAP_OK) {
        if (err)
            *err = reason;
        return status;
    }
    snap_plan_drop_equal(&window->plan, window->buffer, found);
    return SNAP_OK;
}

/* Where the two differ first; `length_bytes` where they do not. */
static uint32_t first_difference(const uint8_t *a, const uint8_t *b, uint32_t length_bytes)
{
    uint32_t at_bytes = 0;

    if (memcmp(a, b, length_bytes) == 0)
        return length_bytes;
    while (a[at_bytes] == b[at_bytes])
        at_bytes++;
    return at_bytes;
}

static enum snap_status compare_write(const struct snap_window *window, const struct snap_plan_write *write,
                                      const struct snap_io *origin, const uint8_t *found, struct snap_error *err)
{
    const struct snap_plan_piece *piece = &window->plan.pieces[write->first_piece];
    uint64_t at_bytes = write->target_offset_bytes;

    for (size_t p = 0; p < write->pieces; p++, piece++) {
        const uint32_t same_bytes = first_difference(window->buffer + piece->buffer_offset_bytes,
                                                     found + piece->buffer_offset_bytes, piece->length_bytes);

        if (same_bytes < piece->length_bytes)
            return snap_fail(err, SNAP_E_IO,
                             "%s: byte %" PRIu64 " does not read back as it was written: do not trust this device",
                             origin->name, at_bytes + same_bytes);
        at_bytes += piece->length_bytes;
    }
    return SNAP_OK;
}

enum snap_status snap_compare_load_verify(struct snap_window *window, struct snap_io *origin, uint8_t *found,
                                          const struct snap_copy_control *control, uint64_t *verified_bytes,
                                          struct snap_error *err)
{
    const struct snap_plan *plan = &window->plan;
    enum snap_status status = snap_copy_read_target(&window->plan, origin, found, &window->group, control, err);

    for (size_t w = 0; w < plan->write_count && status == SNAP_OK; w++) {
        status = compare_write(window, &plan->writes[w], origin, found, err);
        if (status == SNAP_OK)
            *verified_bytes += plan->writes[w].length_bytes;
    }
    return status;
}
