/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which device an argument means: a path, or a tag that is on the device. */
#ifndef DMSNAP_DEVICE_TAG
#define DMSNAP_DEVICE_TAG

#include "lib/base/error.h"

/*
 * Resolves a device argument: a path is returned as it is; LABEL= UUID= PARTLABEL= PARTUUID= (value quoted or not) is
 * looked up on the devices themselves, links made by others are not trusted. SNAP_E_NOENT: no match; SNAP_E_PERM: no
 * match among the devices that may be read; SNAP_E_REFUSED: several match, all candidates in the text; SNAP_E_USAGE: a
 * tag without a value, or with half a quote. *path is malloc'ed, NULL after a failure.
 */
enum snap_status snap_tag_resolve(const char *argument, char **path, struct snap_error *err);

#endif
