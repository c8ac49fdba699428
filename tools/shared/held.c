/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds physical volumes, each once, and opens volumes on them. */
#include "tools/shared/held.h"

#include "lib/base/array.h"
#include "lib/lvm/mapped.h"
#include "lib/lvm/volume_io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * ---- before the sandbox ----------------------------------------------------------------------------------------
 */

static bool any_block_device(const struct physical *physical)
{
    for (size_t i = 0; i < physical->count; i++)
        if (S_ISBLK(physical->found[i]->mode))
            return true;
    return false;
}

enum snap_status held_start(struct held *held, const struct cli_strings *devices, const char *const *arguments,
                            size_t count, struct snap_error *err)
{
    struct physical *physical = &held->volumes.physical;
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < count && status == SNAP_OK; i++) {
        if (!arguments[i] || !devices_is_lvm(arguments[i]))
            continue;
        held->used = true;
        status = held_lock_add(&held->lock, arguments[i], err);
    }
    if (!held->used || status != SNAP_OK)
        return status;
    held->volumes.devices = devices;
    physical->unlocked = true;
    status = physical_open(physical, devices, err);
    if (status != SNAP_OK)
        return status;
    held->pvs = snap_array_new(physical->count + 1, sizeof *held->pvs);
    if (!held->pvs)
        return snap_fail(err, SNAP_E_NOMEM, "no memory for the physical volumes of LVM groups");
    return any_block_device(physical) ? held_lock_take(&held->lock, held->dry_run, err) : SNAP_OK;
}

static void add_place(struct held *held, int fd, bool folder)
{
    held->places[held->place_count++] = (struct snap_confine_place){.fd = fd, .folder = folder};
}

/* Devices, the files behind loop devices, which are locked, and the folder of the locks, which go at the end. */
void held_allow(struct held *held, struct sandbox *sandbox)
{
    const struct physical *physical = &held->volumes.physical;

    if (!held->used)
        return;
    held->places = snap_array_new(2 * physical->count + 1, sizeof *held->places);
    if (!held->places)
        return; /* opening them for writing will fail, and say so */
    if (held->lock.open)
        add_place(held, held->lock.folder_fd, true);
    for (size_t i = 0; i < physical->count; i++)
        add_place(held, physical->found[i]->fd, false);
    for (size_t i = 0; i < physical->count; i++) {
        struct snap_device facts;
        int fd;

        if (snap_device_describe_found(physical->found[i], &facts, NULL) != SNAP_OK || !facts.is_loop ||
            facts.backing_path[0] != '/')
            continue;
        fd = open(facts.backing_path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0)
            continue;
        add_place(held, fd, false);
        held->backing_count++;
    }
    sandbox_allow_places(sandbox, held->places, held->place_count);
}

/*
 * ---- metadata --------------------------------------------------------------------------------------------------
 */

enum snap_status held_read(struct held *held, struct snap_error *err)
{
    return volumes_read(&held->volumes, held->cli, err);
}

static bool same_devices(const struct snap_group *one, const struct snap_group *other)
{
    for (size_t i = 0; i < one->metadata->pv_count; i++)
        if (one->pvs[i].device != other->pvs[i].device || one->pvs[i].duplicate != other->pvs[i].duplicate ||
            one->pvs[i].own != other->pvs[i].own || !one->pvs[i].rival != !other->pvs[i].rival)
            return false;
    return true;
}

enum snap_status held_read_again(const struct held *held, struct snap_error *err)
{
    const struct snap_groups *before = held->volumes.groups;
    struct snap_groups *now = NULL;
    enum snap_status status =
        snap_group_read_all(held->volumes.physical.ios, held->volumes.physical.count, &now, err);

    for (size_t i = 0; i < held->lock.count && status == SNAP_OK; i++) {
        const char *name = held->lock.groups[i];
        size_t old = 0, new = 0;

        status = snap_group_find(before, name, &old, err);
        if (status == SNAP_OK)
            status = snap_group_find(now, name, &new, err);
        if (status != SNAP_OK)
            break;
        if (strcmp(before->groups[old].metadata->id, now->groups[new].metadata->id) != 0 ||
            before->groups[old].metadata->seqno != now->groups[new].metadata->seqno ||
            before->groups[old].contradicted != now->groups[new].contradicted ||
            before->groups[old].metadata->pv_count != now->groups[new].metadata->pv_count ||
            !same_devices(&before->groups[old], &now->groups[new]))
            status = snap_fail(err, SNAP_E_CHANGED, "%s: the metadata of the LVM group changed while its volumes were "
                               "opened: repeat the command", name);
    }
    snap_group_free_all(now);
    return status;
}

/*
 * ---- physical volumes ------------------------------------------------------------------------------------------
 */

/* Device-mapper has it, for other volumes of the group: LVM's lock is what keeps it from these extents. */
static enum snap_status share(struct held *held, struct held_pv *pv, unsigned holders, struct snap_file_options options,
                              struct snap_error *err)
{
    /* A table of another system is not among those that can be asked for. */
    if (snap_mapped_users(pv->device.facts.device_number) < holders)
        return snap_fail(err, SNAP_E_BUSY, "%s: device-mapper has it, and does not tell for which extents: "
                         "/dev/mapper/control is missing here; deactivate its group, or reboot", pv->device.path);
    if (!held->lock.taken)
        return snap_fail(err, SNAP_E_BUSY, "%s: device-mapper has it for active volumes of its LVM group, so it is "
                         "only used under LVM's lock, and there is none: %s is missing and cannot be made%s",
                         pv->device.path, held->lock.folder ? held->lock.folder : SNAP_GROUP_LOCK_FOLDER,
                         held->dry_run ? " in a dry run" : "");
    options.held = true;
    pv->shared = true;
    return devices_open(&pv->device, &options, err);
}

static enum snap_status hold(struct held *held, size_t index, struct snap_error *err)
{
    const struct snap_lookup *found = held->volumes.physical.found[index];
    const struct snap_file_options options = {
        .write = !held->dry_run, .foresee = held->dry_run, .exclusive = true, .queue_depth = 1};
    struct held_pv *pv = &held->pvs[index];
    unsigned holders = 0;
    enum snap_status status;

    if (pv->device.io)
        return SNAP_OK;
    if (!pv->device.path)
        pv->device.path = strdup(found->path);
    if (!pv->device.path)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", found->path);
    pv->device.found = held->volumes.physical.found[index]; /* borrowed for these calls */
    status = snap_device_describe_found(found, &pv->device.facts, err);
    if (status == SNAP_OK)
        status = devices_open(&pv->device, &options, err);
    if (status == SNAP_E_BUSY && !pv->device.io && pv->device.facts.block_device)
        holders = snap_device_only_mapped(&pv->device.facts);
    if (holders > 0)
        status = share(held, pv, holders, options, err);
    pv->device.found = NULL;
    if (status == SNAP_OK)
        devices_warn_hidden(held->cli, &pv->device);
    return status;
}

/*
 * ---- volumes ---------------------------------------------------------------------------------------------------
 */

/* Whether this volume alone is behind its device: no snapshot, whose device is the view, nor an origin of one. */
static bool has_device(const struct snap_metadata *metadata, size_t lv, char *path, size_t path_bytes)
{
    size_t at;
    struct stat st;

    if (snap_metadata_snapshot_of(metadata, lv) || snap_metadata_next_snapshot(metadata, lv, 0, &at))
        return false;
    return snprintf(path, path_bytes, "/dev/%s/%s", metadata->name, metadata->lvs[lv].name) < (int)path_bytes &&
           stat(path, &st) == 0 && S_ISBLK(st.st_mode);
}

/* `shared`: other volumes are open on the same physical volumes, from which its device is not told apart. */
static void add_ways_out(const struct held *held, const struct snap_metadata *metadata, size_t lv, bool shared,
                         struct snap_error *err)
{
    const bool is_store = snap_metadata_snapshot_of(metadata, lv);
    const size_t used = strlen(err->text);
    char split[300] = "", path[300], device[400] = "";

    if (has_device(metadata, lv, path, sizeof path)) {
        if (!shared)
            (void)snprintf(device, sizeof device, ", or name its device in place of the volume: %s", path);
        (void)snprintf(err->text + used, sizeof err->text - used, "; it is active: deactivate it: lvchange -an %s/%s%s",
                       metadata->name, metadata->lvs[lv].name, device);
        return;
    }
    if (is_store)
        (void)snprintf(split, sizeof split, ", or split the snapshot off first: lvconvert --splitsnapshot %s/%s",
                       metadata->name, metadata->lvs[lv].name);
    (void)snprintf(err->text + used, sizeof err->text - used, "; deactivate its group: vgchange -an %s%s%s%s",
                   metadata->name, split, held->way_out ? "; or " : "", held->way_out ? held->way_out : "");
}

/* Nothing may be active over its extents; asked after the lock was taken. */
static enum snap_status refuse_active(const struct held *held, const struct snap_group *group, size_t lv,
                                      const struct snap_volume *volume, struct snap_error *err)
{
    const struct physical *physical = &held->volumes.physical;
    uint64_t *numbers = snap_array_new(group->metadata->pv_count + 1, sizeof *numbers);
    bool shared = false;
    enum snap_status status;

    if (!numbers)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", volume->name);
    for (size_t i = 0; i < volume->pv_count; i++) {
        const struct snap_lookup *found = physical->found[group->pvs[volume->pvs[i]].device];

        numbers[volume->pvs[i]] = S_ISBLK(found->mode) ? found->number : 0;
        shared = shared || held->pvs[group->pvs[volume->pvs[i]].device].device.io;
    }
    status = snap_mapped_refuse(volume, numbers, err);
    if (status == SNAP_E_BUSY)
        add_ways_out(held, group->metadata, lv, shared, err);
    free(numbers);
    return status;
}

/* `volume` belongs to the device's io once this has succeeded. */
static enum snap_status open_members(const struct held *held, const struct snap_group *group, size_t lv,
                                     struct snap_volume *volume, const struct snap_file_options *options,
                                     struct device *device, struct snap_error *err)
{
    const size_t pv_count = group->metadata->pv_count;
    struct snap_file_options member_options = *options;
    struct snap_io **members = snap_array_new(pv_count + 1, sizeof(struct snap_io *));
    enum snap_status status = SNAP_OK;

    if (!members)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", device->path);
    member_options.held = true; /* by pvs */
    member_options.foresee = false;
    for (size_t i = 0; i < volume->pv_count && status == SNAP_OK; i++) {
        const size_t pv = volume->pvs[i];

        status = snap_file_open_found(&members[pv], held->volumes.physical.found[group->pvs[pv].device],
                                      &member_options, err);
    }
    if (status == SNAP_OK)
        status = snap_volume_io_new(volume, members, pv_count, &device->io, err);
    if (status == SNAP_OK)
        volumes_take_facts(device, group->metadata, lv, members);
    for (size_t pv = 0; pv < pv_count && status != SNAP_OK; pv++)
        (void)snap_io_close(members[pv], NULL); /* nothing was written */
    free(members);
    return status;
}

enum snap_status held_open(struct held *held, const char *name, const struct snap_file_options *options,
                           struct device *device, struct snap_error *err)
{
    const struct volumes *volumes = &held->volumes;
    const struct snap_group *group;
    struct snap_volume *volume = NULL;
    size_t lv;
    enum snap_status status;

    *device = (struct device){.path = strdup(name), .devices = volumes->devices};
    if (!device->path)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", name);
    status = volumes_find(volumes, name, &group, &lv, err);
    if (status == SNAP_OK)
        status = snap_volume_new(group->metadata, lv, &volume, err);
    if (status == SNAP_OK)
        status = snap_group_refuse_writing(group, lv, volume, volumes->physical.ios, err);
    if (status == SNAP_OK)
        status = volumes_describe_parts(volumes, group, volume, device, err);
    if (status == SNAP_OK)
        status = refuse_active(held, group, lv, volume, err);
    for (size_t i = 0; status == SNAP_OK && i < volume->pv_count; i++)
        status = hold(held, group->pvs[volume->pvs[i]].device, err);
    if (status == SNAP_OK) /* what came before the devices were held */
        status = refuse_active(held, group, lv, volume, err);
    if (status == SNAP_OK)
        status = open_members(held, group, lv, volume, options, device, err);
    if (status != SNAP_OK)
        snap_volume_free(volume);
    return status;
}

void held_close(struct held *held)
{
    for (size_t i = 0; held->pvs && i < held->volumes.physical.count; i++)
        (void)devices_close(&held->pvs[i].device, NULL); /* nothing was written through it */
    free(held->pvs);
    for (size_t i = held->place_count - held->backing_count; i < held->place_count; i++)
        (void)close(held->places[i].fd);
    free(held->places);
    volumes_close(&held->volumes);
    held_lock_release(&held->lock);
    *held = (struct held){.cli = held->cli};
}
