/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether two volumes of a group lay claim to the same extent. */
#ifndef DMSNAP_LVM_OVERLAP_PRIVATE
#define DMSNAP_LVM_OVERLAP_PRIVATE

#include "lib/base/error.h"
#include "lib/lvm/metadata.h"

/* Two volumes with one extent. */
struct snap_overlap {
    const struct snap_metadata_lv *one, *other; /* NULL: there are no two */
    size_t pv;
    uint64_t extent;
};

/* Looks at all linear and striped segments of the group, and counts them in *looks. SNAP_E_NOMEM. */
enum snap_status snap_overlap_find(const struct snap_metadata *metadata, struct snap_overlap *overlap, uint64_t *looks,
                                   struct snap_error *err);

#endif
