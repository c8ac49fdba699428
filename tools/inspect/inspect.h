/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of snapinspect: figures, the list of ranges, the view as an image. */
#ifndef DMSNAP_TOOLS_INSPECT_INSPECT
#define DMSNAP_TOOLS_INSPECT_INSPECT

#include "lib/check/check.h"
#include "lib/check/evidence.h"
#include "tools/cli/table.h"
#include "tools/shared/devices.h"

/* One run of snapinspect. */
struct inspect_session {
    struct cli *cli;
    struct device cow, origin; /* origin.io is NULL where none was given */
    struct snap_store store;
    struct snap_findings findings;
    struct snap_check_result result;
    bool evidence_known;            /* there is an origin, and the list can be trusted */
    struct snap_evidence evidence;
    bool bytes;                     /* sizes in bytes, not in human units */
    bool json;
};

/* Header, identity, usage, what is on the devices: as text, or as one JSON document. */
void inspect_print_figures(struct inspect_session *session);
int inspect_print_json(struct inspect_session *session, int exit_status);

#define INSPECT_COLUMNS 6
extern const struct cli_column inspect_columns[INSPECT_COLUMNS];

/* Entries that follow one another on both devices as one row: a table, or one JSON object per line. */
enum snap_status inspect_list(struct inspect_session *session, const struct cli_table_style *style,
                              struct snap_error *err);

/* The view as a new sparse image, or for `path` "-" as a stream on standard output. */
enum snap_status inspect_extract(struct inspect_session *session, const char *path, struct snap_error *err);

#endif
