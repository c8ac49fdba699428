/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks for the size of a file system, and where there is none for the end of the last partition. */
#include "lib/check/ends.h"

#include "lib/check/held_private.h"

#define VIEW_MEMORY_BYTES (16u << 20)

const char *snap_ends_kind_name(enum snap_ends_kind kind)
{
    static const char *const names[] = {
        [SNAP_ENDS_NOTHING] = "nothing",
        [SNAP_ENDS_FILE_SYSTEM] = "file-system",
        [SNAP_ENDS_PARTITIONS] = "partition-table",
    };

    return names[kind];
}

static bool is_for_the_caller(enum snap_status status)
{
    return status == SNAP_E_STOPPED || status == SNAP_E_NOMEM;
}

static enum snap_status find_claim(struct snap_ends_claim *claim, snap_probe_read_fn read_fn, void *context,
                                   uint64_t size_bytes, snap_ends_ask_fn ask, struct snap_error *err)
{
    struct snap_probe_ends ends = {.file_system_bytes = 0};
    uint64_t bytes = 0;
    enum snap_status status = ask ? ask(read_fn, context, size_bytes, &bytes, err) : SNAP_OK;

    if (status == SNAP_OK && bytes == 0) {
        status = snap_probe_find_ends(read_fn, context, size_bytes, &ends, err);
        bytes = ends.file_system_bytes;
    }
    *claim = bytes > 0                  ? (struct snap_ends_claim){SNAP_ENDS_FILE_SYSTEM, bytes}
             : ends.partitions_bytes > 0 ? (struct snap_ends_claim){SNAP_ENDS_PARTITIONS, ends.partitions_bytes}
                                         : (struct snap_ends_claim){.kind = SNAP_ENDS_NOTHING};
    return status;
}

enum snap_status snap_ends_find(struct snap_ends *ends, const struct snap_store *store, struct snap_io *origin,
                                snap_ends_ask_fn ask, struct snap_error *err)
{
    const struct snap_view_skip skip = {.as_origin = false}; /* zeros */
    struct snap_error reason;
    struct snap_view *view;
    enum snap_status status;

    *ends = (struct snap_ends){.origin.bytes = 0};
    status = find_claim(&ends->origin, snap_probe_read_io, origin, origin->size_bytes, ask, &reason);
    if (is_for_the_caller(status))
        goto failed;
    status = snap_view_open(&view, store, origin, VIEW_MEMORY_BYTES, &reason);
    if (status == SNAP_OK) {
        snap_view_skip_damaged(view, &skip);
        status = find_claim(&ends->held, snap_held_read, view, snap_view_size_bytes(view), ask, &reason);
        snap_view_close(view);
    }
failed:
    if (!is_for_the_caller(status))
        return SNAP_OK;
    if (err)
        *err = reason;
    return status;
}
