/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether two volumes of a group lay claim to the same extent. */
#ifndef DMSNAP_LVM_OVERLAP_PRIVATE
#define DMSNAP_LVM_OVERLAP_PRIVATE

#include "lib/base/error.h"
#include "lib/lvm/metadata.h"

/* Looks at all linear and striped segments of the group. SNAP_E_CORRUPT names two that overlap. SNAP_E_NOMEM. */
enum snap_status snap_overlap_refuse(const struct snap_metadata *metadata, struct snap_error *err);

#endif
