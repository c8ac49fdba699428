/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store of one LVM snapshot says of itself, and what LVM will do with it. */
#ifndef DMSNAP_TOOLS_INSPECT_GROUP_LOOK
#define DMSNAP_TOOLS_INSPECT_GROUP_LOOK

#include "lib/check/check.h"
#include "tools/cli/size.h"
#include "tools/shared/lvm_merge.h"
#include "tools/shared/volumes.h"

struct inspect_group_look {
    const char *state;
    enum lvm_merge merge;
    bool figures;                    /* the two below are set */
    struct snap_store store;
    struct snap_check_result check;
};

/*
 * Opens the volume and reads its store. One that cannot be read is said, and is no failure: its state is "unreadable".
 * SNAP_E_NOMEM, SNAP_E_STOPPED.
 */
enum snap_status inspect_group_look_at(struct cli *cli, const struct volumes *volumes,
                                       const struct snap_metadata *metadata,
                                       const struct snap_metadata_segment *snapshot, struct inspect_group_look *look,
                                       struct snap_error *err);

/*
 * How full the store is in per cent with two digits, as lvs shows it: 0.00 where it has no entries, 100.00 where it is
 * full or invalid, and neither of them where it is almost so. Empty where that is not known.
 */
struct cli_text inspect_group_used(const struct inspect_group_look *look);

#endif
