/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all users of device-mapper begin with. */
#ifndef DMSNAP_DEVICE_DM_TABLES_PRIVATE
#define DMSNAP_DEVICE_DM_TABLES_PRIVATE

#include "lib/base/error.h"

/*
 * Whether libdevmapper may be used, which is silent from then on: SNAP_E_NOENT where the kernel has no device-mapper;
 * SNAP_E_PERM. The library would make a missing control node by itself.
 */
enum snap_status snap_dm_tables_open(struct snap_error *err);

#endif
