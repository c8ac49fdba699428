/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the superblocks of an array's legs which of them may be read, and says which one is. */
#include "tools/shared/raid_leg.h"

#include "lib/lvm/raid.h"

#include <stdio.h>
#include <stdlib.h>

bool raid_leg_is_array(const struct snap_metadata *metadata, size_t lv)
{
    const struct snap_metadata_lv *array = &metadata->lvs[lv];

    return array->segment_count == 1 && !array->locked && !array->strange_flag &&
           (array->segments[0].kind == SNAP_METADATA_RAID1 || array->segments[0].kind == SNAP_METADATA_MIRROR);
}

/* A leg that cannot be read is not present; why is said, since the others may do without it. */
static enum snap_status look_at(struct cli *cli, const struct snap_metadata *metadata, size_t meta, unsigned position,
                                unsigned count, raid_leg_open_fn open, void *context, struct snap_raid_leg *leg,
                                struct snap_error *err)
{
    struct device device = {.path = NULL};
    char *name = NULL;
    enum snap_status status;

    leg->present = false;
    if (asprintf(&name, "%s%s/%s", DEVICES_LVM, metadata->name, metadata->lvs[meta].name) < 0)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to open an LVM volume");
    status = open(context, name, meta, &device, err);
    if (status == SNAP_OK)
        status = snap_raid_read(device.io, position, count, leg, err);
    (void)devices_close(&device, NULL); /* it was only read */
    if (status == SNAP_OK || status == SNAP_E_NOMEM || status == SNAP_E_STOPPED)
        return status;
    cli_warn(cli, "%s", err->text);
    return SNAP_OK;
}

static enum snap_status check_size(const char *name, const struct snap_metadata *metadata, size_t lv, size_t image,
                                   struct snap_error *err)
{
    if (metadata->lvs[image].extents == metadata->lvs[lv].extents)
        return SNAP_OK;
    return snap_fail(err, SNAP_E_REFUSED, "%s: its leg \"%s\" has another size", name, metadata->lvs[image].name);
}

/* When it is active, the kernel copies the first leg over what it does not know to be the same. */
static enum snap_status choose_of_mirror(struct cli *cli, const char *name, const struct snap_metadata *metadata,
                                         size_t lv, size_t *image, struct snap_error *err)
{
    enum snap_status status;

    *image = metadata->lvs[lv].segments[0].legs[0].image;
    status = check_size(name, metadata, lv, *image, err);
    if (status == SNAP_OK)
        cli_warn(cli, "%s: it is a mirror, and is read from its first leg (\"%s\"), of which LVM makes the others; "
                 "nothing tells whether one of these is newer", name, metadata->lvs[*image].name);
    return status;
}

enum snap_status raid_leg_choose(struct cli *cli, const struct snap_metadata *metadata, size_t lv,
                                 raid_leg_open_fn open, void *context, size_t *image, struct snap_error *err)
{
    const struct snap_metadata_segment *segment = &metadata->lvs[lv].segments[0];
    struct snap_raid_leg legs[SNAP_RAID_LEGS_MAX];
    unsigned chosen = 0, left_out = 0;
    char *name = NULL;
    enum snap_status status = SNAP_OK;

    if (asprintf(&name, "%s%s/%s", DEVICES_LVM, metadata->name, metadata->lvs[lv].name) < 0)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to open an LVM volume");
    if (segment->kind == SNAP_METADATA_MIRROR) {
        status = choose_of_mirror(cli, name, metadata, lv, image, err);
        free(name);
        return status;
    }
    for (unsigned i = 0; i < segment->leg_count && status == SNAP_OK; i++)
        status = look_at(cli, metadata, segment->legs[i].meta, i, segment->leg_count, open, context, &legs[i], err);
    if (status == SNAP_OK)
        status = snap_raid_choose(name, legs, segment->leg_count, &chosen, err);
    if (status == SNAP_OK)
        status = check_size(name, metadata, lv, segment->legs[chosen].image, err);
    for (unsigned i = 0; status == SNAP_OK && i < segment->leg_count; i++)
        left_out += !legs[i].present || legs[i].events != legs[chosen].events ||
                    legs[i].recovered_sectors != SNAP_RAID_IN_SYNC;
    if (status == SNAP_OK) {
        *image = segment->legs[chosen].image;
        cli_warn(cli, "%s: it is a raid1 volume, and is read from its leg %u (\"%s\")%s", name, chosen,
                 metadata->lvs[*image].name,
                 left_out > 0 ? "; of the others, some are missing, older, or not rebuilt" : "");
    }
    free(name);
    return status;
}
