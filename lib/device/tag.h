/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which device an argument means: a path, or a tag that is on the device. */
#ifndef DMSNAP_DEVICE_TAG
#define DMSNAP_DEVICE_TAG

#include "lib/base/lookup.h"

/*
 * Resolves a device argument: a path is returned as it is, and *found is NULL; LABEL= UUID= PARTLABEL= PARTUUID= (value
 * quoted or not) is looked for on the devices themselves, links made by others are not trusted. Then what *found opens
 * is the device on which the tag was read, whatever has its path by then. SNAP_E_NOENT: no match; SNAP_E_PERM: no match
 * among the devices that may be read; SNAP_E_REFUSED: several match, all of them in the text; SNAP_E_USAGE: a tag
 * without a value, or with half a quote. *path is malloc'ed; both are NULL after a failure.
 */
enum snap_status snap_tag_resolve(const char *argument, char **path, struct snap_lookup **found,
                                  struct snap_error *err);

#endif
