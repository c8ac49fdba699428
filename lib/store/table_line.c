/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints table lines, and refuses what a table cannot carry. */
#include "lib/store/table_line.h"

#include "lib/store/layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * The kernel splits the parameters at white space and takes a backslash as an escape: neither can stand in a path.
 */
static enum snap_status check_path(const char *what, const char *path, struct snap_error *err)
{
    if (!path || !path[0])
        return snap_fail(err, SNAP_E_USAGE, "a table needs the path of the %s", what);
    if (strpbrk(path, " \t\n\v\f\r\\"))
        return snap_fail(err, SNAP_E_USAGE,
                         "%s: a table cannot hold a path with white space or a backslash; name the %s by another path",
                         path, what);
    return SNAP_OK;
}

enum snap_status snap_table_line(enum snap_table_target target, uint64_t origin_sectors, const char *origin_path,
                                 const char *cow_path, enum snap_table_mode mode, uint32_t chunk_sectors, char *text,
                                 uint64_t text_bytes, struct snap_error *err)
{
    static const char *const letters[] = {
        [SNAP_TABLE_INVALIDATES] = "P", [SNAP_TABLE_FAILS_WRITES] = "PO", [SNAP_TABLE_TRANSIENT] = "N"};
    const char *name = target == SNAP_TABLE_SNAPSHOT ? "snapshot" : "snapshot-merge";
    enum snap_status status;
    int length;

    if (text_bytes > INT32_MAX)
        text_bytes = INT32_MAX; /* snprintf's limit */
    if (text_bytes)
        text[0] = '\0';
    if (origin_sectors == 0)
        return snap_fail(err, SNAP_E_USAGE, "a table of 0 sectors cannot be loaded");
    status = check_path("origin", origin_path, err);
    if (status != SNAP_OK)
        return status;
    if (target == SNAP_TABLE_SNAPSHOT_ORIGIN) {
        length = snprintf(text, (size_t)text_bytes, "0 %" PRIu64 " snapshot-origin %s", origin_sectors,
                          origin_path);
    } else {
        status = check_path("COW store", cow_path, err);
        if (status != SNAP_OK)
            return status;
        if (target == SNAP_TABLE_SNAPSHOT_MERGE && mode == SNAP_TABLE_TRANSIENT)
            return snap_fail(err, SNAP_E_USAGE, "a snapshot that keeps no store cannot be merged: the kernel stops at "
                             "such a table");
        if (!snap_layout_chunk_sectors_valid(chunk_sectors))
            return snap_fail(err, SNAP_E_USAGE, "the kernel takes no chunk size of %" PRIu32 " sectors",
                             chunk_sectors);
        length = snprintf(text, (size_t)text_bytes, "0 %" PRIu64 " %s %s %s %s %" PRIu32, origin_sectors, name,
                          origin_path, cow_path, letters[mode], chunk_sectors);
    }
    if (length < 0 || (uint64_t)length >= text_bytes) {
        if (text_bytes)
            text[0] = '\0';
        return snap_fail(err, SNAP_E_USAGE, "a table line of %d bytes does not fit into %" PRIu64, length,
                         text_bytes);
    }
    return SNAP_OK;
}

const char *snap_table_line_params(const char *line)
{
    for (unsigned words = 0; words < 3; words++)
        line += strcspn(line, " ") + (line[strcspn(line, " ")] == ' ');
    return line;
}
