/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says which groups may not be used behind LVM's back, and which volumes lack a device. */
#include "lib/lvm/group.h"

static enum snap_status refuse_states(const struct snap_metadata *metadata, struct snap_error *err)
{
    if (metadata->exported)
        return snap_fail(err, SNAP_E_REFUSED, "%s: the LVM group is exported: import it first (vgimport %s)",
                         metadata->name, metadata->name);
    if (snap_metadata_is_shared(metadata))
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: the LVM group is shared by several systems under locks that are not known here (lock "
                         "type \"%s\"): nobody can tell that its volumes are not in use", metadata->name,
                         metadata->lock_type[0] ? metadata->lock_type : "clustered");
    if (metadata->system_id[0])
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: the LVM group belongs to the system \"%s\": use it there, or let LVM give it to this one",
                         metadata->name, metadata->system_id);
    if (metadata->partial)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: the LVM group was changed while physical volumes were missing (partial): let LVM mend it "
                         "first", metadata->name);
    if (metadata->strange_flag)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: the LVM group has the status \"%s\", which is not known here", metadata->name,
                         metadata->strange_flag);
    return SNAP_OK;
}

static enum snap_status refuse_pv(const struct snap_group *group, size_t pv, const struct snap_volume *volume,
                                  struct snap_io *const *devices, struct snap_error *err)
{
    const struct snap_metadata_pv *known = &group->metadata->pvs[pv];
    const struct snap_group_pv *found = &group->pvs[pv];

    if (found->device == SNAP_GROUP_NONE)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: its physical volume \"%s\" (id %s, last seen as \"%s\") is not among the devices: name "
                         "its device as well", volume->name, known->name, snap_label_id_text(known->id).text,
                         known->device);
    if (found->duplicate != SNAP_GROUP_NONE)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: its physical volume \"%s\" (id %s) is there twice, as %s and as %s: name only the right "
                         "one", volume->name, known->name, snap_label_id_text(known->id).text,
                         devices[found->device]->name,
                         devices[found->duplicate]->name);
    if (known->missing)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: LVM has given its physical volume \"%s\" (%s) up as missing: it may be old", volume->name,
                         known->name, devices[found->device]->name);
    return SNAP_OK;
}

enum snap_status snap_group_refuse(const struct snap_group *group, const struct snap_volume *volume,
                                   struct snap_io *const *devices, struct snap_error *err)
{
    enum snap_status status = refuse_states(group->metadata, err);

    if (status == SNAP_OK && group->contradicted)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: devices of the LVM group have different metadata with the same sequence number: let LVM "
                         "decide which are right", group->metadata->name);
    for (size_t i = 0; i < volume->pv_count && status == SNAP_OK; i++)
        status = refuse_pv(group, volume->pvs[i], volume, devices, err);
    return status;
}
