/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says which groups may not be used behind LVM's back, and which volumes lack a device. */
#include "lib/lvm/group.h"

#include "lib/lvm/group_claims_private.h"

#include <inttypes.h>

#define LABEL_END_BYTES 2048u /* the label is in one of the first four sectors */

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

/* `name` is the volume that needs it, or the group. */
static enum snap_status refuse_pv(const struct snap_group *group, size_t pv, const char *name, bool writing,
                                  struct snap_io *const *devices, struct snap_error *err)
{
    const struct snap_metadata_pv *known = &group->metadata->pvs[pv];
    const struct snap_group_pv *found = &group->pvs[pv];

    if (found->device == SNAP_GROUP_NONE)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: its physical volume \"%s\" (id %s, last seen as \"%s\") is not among the devices: name "
                         "its device as well", name, known->name, snap_label_id_text(known->id).text,
                         known->device);
    if (found->duplicate != SNAP_GROUP_NONE)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: its physical volume \"%s\" (id %s) is there twice, as %s and as %s: name only the right "
                         "one", name, known->name, snap_label_id_text(known->id).text,
                         devices[found->device]->name,
                         devices[found->duplicate]->name);
    if (known->missing)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: LVM has given its physical volume \"%s\" (%s) up as missing: it may be old", name,
                         known->name, devices[found->device]->name);
    return snap_group_claims_refuse(group, pv, name, writing, devices, err);
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
        status = refuse_pv(group, volume->pvs[i], volume->name, false, devices, err);
    return status;
}

/* Who cuts a list relies on writes of one block, which all devices must write whole. */
static enum snap_status refuse_blocks(const struct snap_group *group, const struct snap_volume *volume,
                                      struct snap_io *const *devices, struct snap_error *err)
{
    const struct snap_io *first = devices[group->pvs[volume->pvs[0]].device];

    for (size_t i = 1; i < volume->pv_count; i++) {
        const struct snap_io *other = devices[group->pvs[volume->pvs[i]].device];

        if (other->logical_block_bytes != first->logical_block_bytes)
            return snap_fail(err, SNAP_E_UNSUPPORTED,
                             "%s: it is on %s with logical blocks of %" PRIu32 " bytes and on %s with %" PRIu32
                             ": such a volume can be read, but not written", volume->name, first->name,
                             first->logical_block_bytes, other->name, other->logical_block_bytes);
    }
    return SNAP_OK;
}

/* Bytes of the volume that are LVM's own on this device: its label, and the areas with its metadata. */
static enum snap_status refuse_own(const struct snap_volume *volume, size_t pv, struct snap_io *device,
                                   struct snap_error *err)
{
    struct snap_label label;
    enum snap_status status = snap_label_read(device, &label, err);

    for (size_t i = 0; i < volume->segment_count && status == SNAP_OK; i++) {
        const struct snap_volume_segment *segment = &volume->segments[i];

        for (unsigned j = 0; j < segment->area_count; j++) {
            const uint64_t begin = segment->areas[j].offset_bytes;
            const uint64_t end = begin + segment->length_bytes / segment->area_count;
            bool own = segment->areas[j].pv == pv && begin < LABEL_END_BYTES;

            for (unsigned k = 0; k < label.metadata.count; k++)
                own |= segment->areas[j].pv == pv && begin < label.metadata.range[k].offset_bytes +
                           label.metadata.range[k].length_bytes && label.metadata.range[k].offset_bytes < end;
            if (own)
                return snap_fail(err, SNAP_E_CORRUPT, "%s: its extents from byte %" PRIu64 " of %s on would be where "
                                 "LVM's own metadata are", volume->name, begin, device->name);
        }
    }
    return status;
}

static enum snap_status refuse_volume(const struct snap_metadata *metadata, size_t lv, const struct snap_volume *volume,
                                      struct snap_error *err)
{
    const struct snap_metadata_lv *known = &metadata->lvs[lv], *user;
    const bool is_store = snap_metadata_snapshot_of(metadata, lv);
    const char *type;

    user = snap_metadata_user_of(metadata, lv, &type);
    if (user)
        return snap_fail(err, SNAP_E_REFUSED, "%s: the volume \"%s\" stands on it (type \"%s\"): it is never written "
                         "to on its own", volume->name, user->name, type);
    if (!known->visible && !is_store)
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is a hidden part of another volume: it is never written to on "
                         "its own", volume->name);
    if (!known->writable && !is_store)
        return snap_fail(err, SNAP_E_REFUSED, "%s: LVM has it read-only: make it writable first (lvchange -prw %s)",
                         volume->name, volume->name);
    return SNAP_OK;
}

enum snap_status snap_group_refuse_writing(const struct snap_group *group, size_t lv, const struct snap_volume *volume,
                                           struct snap_io *const *devices, struct snap_error *err)
{
    enum snap_status status = snap_group_refuse(group, volume, devices, err);

    for (size_t i = 0; i < group->metadata->pv_count && status == SNAP_OK; i++)
        status = refuse_pv(group, i, group->metadata->name, true, devices, err);
    if (status == SNAP_OK)
        status = refuse_volume(group->metadata, lv, volume, err);
    for (size_t i = 0; i < volume->pv_count && status == SNAP_OK; i++)
        status = refuse_own(volume, volume->pvs[i], devices[group->pvs[volume->pvs[i]].device], err);
    return status == SNAP_OK ? refuse_blocks(group, volume, devices, err) : status;
}
