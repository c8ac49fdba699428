/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds physical volumes that two groups claim, or whose own metadata do not confirm the group. */
#include "lib/lvm/group_claims_private.h"

#include <string.h>

void snap_group_claims_add(struct snap_group_claims *claims, size_t group)
{
    if (claims->group_count < sizeof claims->groups / sizeof claims->groups[0])
        claims->groups[claims->group_count++] = group;
}

/* The group of a text that was read: its newest copy has made one. */
static const struct snap_group *group_of(const struct snap_groups *groups, const char *id)
{
    for (size_t i = 0; i < groups->count; i++) {
        if (strcmp(groups->groups[i].metadata->id, id) == 0)
            return &groups->groups[i];
    }
    return NULL;
}

void snap_group_claims_settle(const struct snap_groups *groups, size_t group, size_t pv,
                              const struct snap_group_claims *claims)
{
    struct snap_group *own = &groups->groups[group];
    struct snap_group_pv *found = &own->pvs[pv];

    found->own = claims->empty    ? SNAP_GROUP_OWN_EMPTY
                 : claims->unread ? SNAP_GROUP_OWN_UNREAD
                                  : SNAP_GROUP_OWN_ABSENT;
    for (unsigned i = 0; i < claims->group_count; i++) {
        if (claims->groups[i] != group)
            found->rival = &groups->groups[claims->groups[i]];
    }
    for (unsigned i = 0; i < claims->own_count; i++) {
        if (strcmp(claims->own_ids[i], own->metadata->id) == 0) {
            found->own = found->own == SNAP_GROUP_OWN_OTHER ? SNAP_GROUP_OWN_OTHER : SNAP_GROUP_OWN_SAME;
        } else {
            found->own = SNAP_GROUP_OWN_OTHER;
            found->rival = group_of(groups, claims->own_ids[i]);
        }
    }
    own->disputed |= found->rival || found->own == SNAP_GROUP_OWN_EMPTY;
}

/* Two groups claim it. */
static enum snap_status refuse_rival(const struct snap_group *group, size_t pv, const char *name,
                                     struct snap_io *const *devices, struct snap_error *err)
{
    const struct snap_group_pv *found = &group->pvs[pv];
    const struct snap_group *right = found->own == SNAP_GROUP_OWN_OTHER ? found->rival : group;
    const struct snap_group *stale = right == group ? found->rival : group;
    const char *device = devices[found->device]->name, *stale_device = devices[stale->device]->name;

    if (found->own != SNAP_GROUP_OWN_SAME && found->own != SNAP_GROUP_OWN_OTHER)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: the physical volume \"%s\" (%s) is claimed by two LVM groups: by \"%s\" (id %s) in the "
                         "metadata on %s, and by \"%s\" (id %s) in those on %s; it has none of its own that decide: "
                         "leave the device out whose metadata are out of date, or wipe it", name,
                         group->metadata->pvs[pv].name, device, right->metadata->name,
                         snap_label_id_text(right->metadata->id).text, devices[right->device]->name,
                         stale->metadata->name, snap_label_id_text(stale->metadata->id).text, stale_device);
    return snap_fail(err, SNAP_E_REFUSED,
                     "%s: the physical volume \"%s\" (%s) is claimed by two LVM groups: by \"%s\" (id %s) in its own "
                     "metadata, which are most likely right, and by \"%s\" (id %s) in the metadata on %s, which are "
                     "most likely out of date: leave %s out, let LVM take the physical volume out of \"%s\" "
                     "(vgreduce with removemissing, and with the devices alone that are still in that group), or wipe "
                     "%s", name, group->metadata->pvs[pv].name, device, right->metadata->name,
                     snap_label_id_text(right->metadata->id).text, stale->metadata->name,
                     snap_label_id_text(stale->metadata->id).text, stale_device, stale_device, stale->metadata->name,
                     stale_device);
}

enum snap_status snap_group_claims_refuse(const struct snap_group *group, size_t pv, const char *name, bool writing,
                                          struct snap_io *const *devices, struct snap_error *err)
{
    const struct snap_metadata *metadata = group->metadata;
    const struct snap_group_pv *found = &group->pvs[pv];
    const char *device = devices[found->device]->name, *from = devices[group->device]->name;

    if (found->rival && (writing || found->own != SNAP_GROUP_OWN_SAME))
        return refuse_rival(group, pv, name, devices, err);
    if (writing && found->own == SNAP_GROUP_OWN_EMPTY)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: the metadata on %s say that the physical volume \"%s\" (%s) is in the LVM group \"%s\", "
                         "but its own metadata area says that it is in no group: it was taken out or made anew, and "
                         "those on %s are most likely out of date: leave %s out, or let LVM put this right (vgck "
                         "with updatemetadata)", name, from, metadata->pvs[pv].name, device, metadata->name, from,
                         from);
    if (writing && found->own == SNAP_GROUP_OWN_UNREAD)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: the metadata on %s say that the physical volume \"%s\" (%s) is in the LVM group \"%s\", "
                         "but its own cannot be read, which may say something else: let LVM write them again (vgck "
                         "with updatemetadata)", name, from, metadata->pvs[pv].name, device, metadata->name);
    return SNAP_OK;
}
