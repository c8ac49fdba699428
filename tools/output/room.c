/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts what may be data in the snapshot, and asks the file system. */
#include "tools/output/room.h"

#include "lib/base/arith.h"
#include "tools/cli/size.h"
#include "tools/shared/accept.h"
#include "tools/shared/room.h"

#define PIECE_BYTES 4096u /* what an image has is data or a hole in such pieces */

/*
 * Where the origin has no data, the entries in [start, end) may be data. Counted in whole pieces, each once; several
 * entries may lie in one.
 */
static enum snap_status count_entries(struct output_session *output, struct snap_view *view, uint64_t start_bytes,
                                      uint64_t end_bytes, struct snap_error *err)
{
    const uint64_t chunk_bytes = snap_view_chunk_bytes(view);
    enum snap_status status = SNAP_OK;

    while (start_bytes < end_bytes && status == SNAP_OK) {
        uint64_t entry_bytes, entry_end_bytes;

        status = snap_view_next_entry(view, start_bytes, &entry_bytes, err);
        if (status == SNAP_OK && cli_stop_wanted())
            status = snap_fail(err, SNAP_E_STOPPED, "stopped");
        if (status != SNAP_OK || entry_bytes >= end_bytes)
            break;
        if (!snap_round_up(snap_round_down(entry_bytes, chunk_bytes) + chunk_bytes, PIECE_BYTES, &entry_end_bytes))
            entry_end_bytes = end_bytes;
        entry_end_bytes = snap_min(entry_end_bytes, end_bytes);
        entry_bytes = snap_max(snap_round_down(entry_bytes, PIECE_BYTES), start_bytes);
        output->most_bytes += entry_end_bytes - entry_bytes;
        start_bytes = entry_end_bytes;
    }
    return status;
}

/* The data of the origin, and the entries between them. The view is opened only where there are holes. */
static enum snap_status count(struct output_session *output, struct snap_view **view, struct snap_error *err)
{
    const uint64_t size_bytes = output->origin->io->size_bytes;
    uint64_t offset_bytes = 0;
    enum snap_status status = SNAP_OK;

    while (offset_bytes < size_bytes && status == SNAP_OK) {
        uint64_t data_bytes, length_bytes;

        status = snap_io_next_data(output->origin->io, offset_bytes, &data_bytes, &length_bytes, err);
        if (status == SNAP_OK && data_bytes > offset_bytes && !*view)
            status = snap_view_open(view, output->store, output->origin->io, output->arguments.memory_bytes, err);
        if (status == SNAP_OK && data_bytes > offset_bytes)
            status = count_entries(output, *view, offset_bytes, data_bytes, err);
        if (status == SNAP_OK && cli_stop_wanted())
            status = snap_fail(err, SNAP_E_STOPPED, "stopped");
        if (status == SNAP_OK)
            output->most_bytes += length_bytes;
        offset_bytes = data_bytes + length_bytes;
    }
    return status;
}

enum snap_status output_room_count(struct output_session *output, struct snap_error *err)
{
    struct snap_view *view = NULL;
    enum snap_status status;

    output->most_bytes = 0;
    status = count(output, &view, err);
    output->most_bytes = snap_min(output->most_bytes, output->size_bytes);
    snap_view_close(view);
    return status;
}

enum snap_status output_room_check(struct output_session *output, int fd, struct snap_error *err)
{
    const bool sparse = output->kind == OUTPUT_IMAGE;

    output->free_known = room_free_bytes(fd, &output->free_bytes);
    if (!output->free_known || output->free_bytes >= output->most_bytes)
        return SNAP_OK;
    if (!accept_has(output->arguments.accept, ACCEPT_SPACE))
        return snap_fail(err, SNAP_E_NOSPC, "%s: %s%s will be written, but only %s are free there; make room for "
                         "%s more, or name a place elsewhere%s", output->target.path, sparse ? "up to " : "",
                         cli_size_text_exact(output->most_bytes).text, cli_size_text(output->free_bytes).text,
                         cli_size_text_exact(output->most_bytes - output->free_bytes).text,
                         sparse ? "; zeros take no room: if you know that enough of the snapshot is zeros, add "
                         "--accept=space" : ", or add --accept=space");
    cli_warn(output->cli, "%s: %s%s will be written, but only %s are free there%s", output->target.path,
             sparse ? "up to " : "", cli_size_text(output->most_bytes).text, cli_size_text(output->free_bytes).text,
             sparse ? "; it fits only if enough of the content is zeros" : "");
    return SNAP_OK;
}
