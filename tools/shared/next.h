/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a user does next with a device or image that has a new content. */
#ifndef DMSNAP_TOOLS_SHARED_NEXT
#define DMSNAP_TOOLS_SHARED_NEXT

#include "tools/shared/devices.h"

/*
 * How the device is looked at before it is used; `content` is what is on it now. Nothing where that is not known, and
 * where there is nothing to check: a member of an array, LUKS, swap.
 */
void next_use(struct cli *cli, const struct snap_probe *content, const struct device *device);

#endif
