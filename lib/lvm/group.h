/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which groups a set of devices makes: the newest metadata of each, and which device is which physical volume. */
#ifndef DMSNAP_LVM_GROUP
#define DMSNAP_LVM_GROUP

#include "lib/base/error.h"
#include "lib/io/io.h"
#include "lib/lvm/metadata.h"
#include "lib/lvm/volume.h"

#include <stdbool.h>
#include <stddef.h>

#define SNAP_GROUP_NONE SIZE_MAX

/* What the metadata areas of a physical volume itself say of its group. */
enum snap_group_own {
    SNAP_GROUP_OWN_ABSENT,      /* there is no area in use, or no device */
    SNAP_GROUP_OWN_SAME,
    SNAP_GROUP_OWN_OTHER,       /* it is in another group: the rival */
    SNAP_GROUP_OWN_EMPTY,       /* it is in no group */
    SNAP_GROUP_OWN_UNREAD       /* they make no sense */
};

struct snap_group;

struct snap_group_pv {
    size_t device;              /* index of the device with its label; SNAP_GROUP_NONE: not among them */
    size_t duplicate;           /* another device with the same label; SNAP_GROUP_NONE: there is none */
    enum snap_group_own own;
    const struct snap_group *rival; /* a group with another id that claims it as well; NULL: there is none */
};

struct snap_group {
    struct snap_metadata *metadata;
    struct snap_group_pv *pvs;  /* as metadata->pvs */
    size_t device;              /* where the metadata were read first */
    bool contradicted;          /* another device has other metadata with the same sequence number */
    bool disputed;              /* a physical volume is claimed by another group, too, or its own areas name none */
};

/*
 * What was passed over on the way, and why: devices that are no physical volumes, damaged labels, areas and texts, old
 * sequence numbers. Each is a sentence that begins with the device's name; it may have bytes from a device.
 */
struct snap_groups {
    size_t count;
    struct snap_group *groups;
    size_t note_count;
    char **notes;
};

/*
 * Reads labels and metadata of all devices. Of each group the newest metadata count that are sound. A device that
 * cannot be read, or makes no sense, becomes a note. SNAP_E_NOMEM; SNAP_E_UNSUPPORTED: this build lacks libdevmapper.
 * Free with snap_group_free_all.
 */
enum snap_status snap_group_read_all(struct snap_io *const *devices, size_t count, struct snap_groups **groups,
                                     struct snap_error *err);
void snap_group_free_all(struct snap_groups *groups); /* NULL is allowed */

/*
 * The group of this name; its index. SNAP_E_NOENT: there is none. SNAP_E_REFUSED: there are two, with different ids.
 */
enum snap_status snap_group_find(const struct snap_groups *groups, const char *name, size_t *index,
                                 struct snap_error *err);

/*
 * SNAP_E_REFUSED where the group may not be used behind LVM's back (exported, shared by several systems, of another
 * system, changed while parts were missing, contradicted, or in a state that this library does not know), or where a
 * physical volume that `volume` needs is missing, is there twice, or is claimed by another group as well and not
 * confirmed by its own metadata. The message says which, and what to do.
 * `devices` as in snap_group_read_all.
 */
enum snap_status snap_group_refuse(const struct snap_group *group, const struct snap_volume *volume,
                                   struct snap_io *const *devices, struct snap_error *err);

/*
 * The same before `volume`, which is logical volume `lv`, is written to, or its bytes decide what is written elsewhere.
 * SNAP_E_REFUSED also where any physical volume of the group is missing or there twice (the newest metadata may be on
 * it), where another group claims one, where the metadata areas of one are empty or cannot be read, where the volume is
 * hidden and no snapshot's store, where another volume stands on it, where it is an origin or no snapshot and LVM has
 * it read-only, or where its devices have logical blocks of different sizes. SNAP_E_CORRUPT:
 * its extents would be where LVM's own metadata are.
 */
enum snap_status snap_group_refuse_writing(const struct snap_group *group, size_t lv, const struct snap_volume *volume,
                                           struct snap_io *const *devices, struct snap_error *err);

#endif
