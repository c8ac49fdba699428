/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of a store before the kernel gets it, and the names that its devices get. */
#ifndef DMSNAP_TOOLS_SHARED_KERNEL
#define DMSNAP_TOOLS_SHARED_KERNEL

#include "lib/check/check.h"
#include "tools/shared/devices.h"

/*
 * SNAP_E_REFUSED where the list was found sound, and the kernel's merge of it would stop half-way or go wrong all the
 * same (dmsnap-store(5), MERGING).
 */
enum snap_status kernel_merge_check(const struct device *origin, const struct device *cow,
                                    const struct snap_check_result *check, struct snap_error *err);

/* A name for device-mapper, made of the last part of a path; what device-mapper does not take becomes '_'. */
struct kernel_name {
    char text[101];
};
struct kernel_name kernel_name_of(const char *path);

#endif
