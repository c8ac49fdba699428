/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of snapinspect --lvm, and a group, a volume or a snapshot as a row of them and as JSON. */
#ifndef DMSNAP_TOOLS_INSPECT_GROUP_ROWS
#define DMSNAP_TOOLS_INSPECT_GROUP_ROWS

#include "tools/cli/json.h"
#include "tools/cli/table.h"
#include "tools/inspect/group_look.h"
#include "tools/inspect/session.h"

#define INSPECT_GROUP_COLUMNS 13
extern const struct cli_column inspect_group_columns[INSPECT_GROUP_COLUMNS];

/* What all rows of one group share. */
struct inspect_group_rows {
    const struct inspect_session *session;
    const struct volumes *volumes;
    const struct snap_group *group;
    struct cli_table *table; /* NULL: JSON is made */
};

enum snap_status inspect_group_rows_group(const struct inspect_group_rows *rows, struct snap_error *err);
enum snap_status inspect_group_rows_volume(const struct inspect_group_rows *rows, size_t lv, struct snap_error *err);
enum snap_status inspect_group_rows_snapshot(const struct inspect_group_rows *rows,
                                             const struct snap_metadata_segment *snapshot,
                                             const struct inspect_group_look *look, struct snap_error *err);

/* The same as JSON; "volumes" and "snapshots" are not in it. */
struct cli_json *inspect_group_rows_group_json(const struct inspect_group_rows *rows);
struct cli_json *inspect_group_rows_volume_json(const struct inspect_group_rows *rows, size_t lv);
struct cli_json *inspect_group_rows_snapshot_json(const struct inspect_group_rows *rows,
                                                  const struct snap_metadata_segment *snapshot,
                                                  const struct inspect_group_look *look);

#endif
