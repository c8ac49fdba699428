/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts what may be data in the snapshot. */
#include "tools/output/room.h"

#include "lib/base/arith.h"
#include "tools/cli/size.h"

#include <sys/statvfs.h>

/* The output takes up at most the data of the origin and of the store. */
static enum snap_status count_data(struct output_session *output, struct snap_error *err)
{
    const uint64_t size_bytes = output->origin->io->size_bytes;
    uint64_t offset_bytes = 0, data_bytes = output->check.merge_bytes;

    while (offset_bytes < size_bytes) {
        uint64_t start_bytes, length_bytes;
        enum snap_status status =
            snap_file_next_data(output->origin->io, offset_bytes, &start_bytes, &length_bytes, err);

        if (status != SNAP_OK)
            return status;
        if (cli_stop_wanted())
            return snap_fail(err, SNAP_E_STOPPED, "stopped");
        if (length_bytes == 0)
            break;
        data_bytes += length_bytes;
        offset_bytes = start_bytes + length_bytes;
    }
    output->most_bytes = snap_min(data_bytes, size_bytes);
    return SNAP_OK;
}

/* Little room is only a warning, because zeros take none. */
enum snap_status output_room_check(struct output_session *output, int fd, struct snap_error *err)
{
    struct statvfs room;
    uint64_t free_bytes;
    enum snap_status status = count_data(output, err);

    if (status == SNAP_OK && fstatvfs(fd, &room) == 0 && snap_mul(room.f_bavail, room.f_frsize, &free_bytes) &&
        free_bytes < output->most_bytes)
        cli_warn(output->cli, "%s: up to %s will be written, but only %s are free there; it fits only if enough of "
                 "the content is zeros", output->target.path, cli_size_text(output->most_bytes).text,
                 cli_size_text(free_bytes).text);
    return status;
}
