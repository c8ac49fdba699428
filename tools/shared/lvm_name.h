/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names that an LVM volume has while it is active, and the one that it has here while it is not. */
#ifndef DMSNAP_TOOLS_SHARED_LVM_NAME
#define DMSNAP_TOOLS_SHARED_LVM_NAME

#include "lib/base/error.h"
#include "lib/device/device.h"

#include <stdbool.h>
#include <stddef.h>

/* What names of LVM volumes that are not active begin with: lvm:VG/LV. */
#define LVM_NAME_PREFIX "lvm:"

/* Room for lvm:VG/LV: LVM's own names have at most 127 characters. */
struct lvm_name {
    char text[272];
};

/*
 * The name lvm:VG/LV of what /dev/mapper calls `dm_name`: VG-LV, VG-LV-cow (the store of the snapshot LV) or VG-LV-real
 * (the origin LV), where a dash of a name is there twice. False where it is none of these.
 */
bool lvm_name_of_mapped(const char *dm_name, struct lvm_name *name);

/* The same for what a user types: /dev/VG/LV, /dev/mapper/VG-LV, VG/LV. Nothing is looked up. */
bool lvm_name_of_typed(const char *typed, struct lvm_name *name);

/* The same where there is nothing under that name, and `VG/LV` is no place in a folder that is there. */
bool lvm_name_of_missing(const char *typed, struct lvm_name *name);

/* Adds the name to a message that says that there is no such device; nothing where it can be no volume. */
void lvm_name_add(const char *typed, struct snap_error *err);

/* Room for both names of a store, in words. */
struct lvm_name_view {
    char text[512];
};

/*
 * For the active view of an LVM snapshot (VG-LV, beside whose node there is one of its store): the names of the store,
 * "/dev/mapper/VG-LV-cow, or, while it is not active, lvm:VG/LV". False for all other devices.
 */
bool lvm_name_of_view(const struct snap_device *facts, struct lvm_name_view *view);

/* The same without a look whether the node is there: its path. */
bool lvm_name_store_node(const struct snap_device *facts, char *path, size_t path_bytes);

#endif
