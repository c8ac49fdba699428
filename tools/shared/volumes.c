/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the physical volumes, and opens volumes of their groups for reading. */
#include "tools/shared/volumes.h"

#include "lib/base/bytes.h"
#include "lib/device/dm_users.h"
#include "lib/lvm/volume_io.h"
#include "tools/shared/raid_leg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum snap_status volumes_read(struct volumes *volumes, struct cli *cli, struct snap_error *err)
{
    const enum snap_status status =
        snap_group_read_all(volumes->physical.ios, volumes->physical.count, &volumes->groups, err);

    for (size_t i = 0; status == SNAP_OK && i < volumes->groups->note_count; i++)
        cli_warn(cli, "%s", volumes->groups->notes[i]);
    if (status == SNAP_OK && volumes->physical.member)
        cli_warn(cli, "%s: passed over: it is a member of an array that is not assembled, and the physical volume is "
                 "what the array shows (mdadm --assemble --scan)", volumes->physical.member);
    return status;
}

enum snap_status volumes_open(struct volumes *volumes, struct cli *cli, const struct cli_strings *devices,
                              struct snap_error *err)
{
    enum snap_status status;

    *volumes = (struct volumes){.devices = devices};
    status = physical_open(&volumes->physical, devices, err);
    return status == SNAP_OK ? volumes_read(volumes, cli, err) : status;
}

void volumes_close(struct volumes *volumes)
{
    snap_group_free_all(volumes->groups);
    volumes->groups = NULL;
    physical_close(&volumes->physical);
}

enum snap_status volumes_group_name(const char *argument, char **name, struct snap_error *err)
{
    const char *slash = strchr(argument, '/');

    *name = NULL;
    if (!slash || slash == argument + strlen(DEVICES_LVM) || slash[1] == '\0' || strchr(slash + 1, '/'))
        return snap_fail(err, SNAP_E_USAGE, "%s: an LVM volume is named %sGROUP/VOLUME", argument, DEVICES_LVM);
    *name = strndup(argument + strlen(DEVICES_LVM), (size_t)(slash - argument) - strlen(DEVICES_LVM));
    return *name ? SNAP_OK : snap_fail(err, SNAP_E_NOMEM, "%s: no memory to look for it", argument);
}

enum snap_status volumes_find(const struct volumes *volumes, const char *argument, const struct snap_group **group,
                              size_t *lv, struct snap_error *err)
{
    const char *slash = strchr(argument, '/');
    char *name;
    size_t index = 0;
    enum snap_status status = volumes_group_name(argument, &name, err);

    if (status == SNAP_OK)
        status = snap_group_find(volumes->groups, name, &index, err);
    free(name);
    if (status != SNAP_OK)
        return status;
    *group = &volumes->groups->groups[index];
    *lv = snap_metadata_find((*group)->metadata, slash + 1);
    if (*lv == (*group)->metadata->lv_count)
        return snap_fail(err, SNAP_E_NOENT, "%s: the LVM group \"%s\" has no volume of this name", argument,
                         (*group)->metadata->name);
    return SNAP_OK;
}

/* What a snapshot shows depends on its store and on its origin. */
enum snap_status volumes_refuse_snapshots(const struct volumes *volumes, const char *argument, struct snap_error *err)
{
    const struct snap_group *group;
    size_t lv, at;
    enum snap_status status = volumes_find(volumes, argument, &group, &lv, err);

    if (status != SNAP_OK)
        return status;
    if (snap_metadata_snapshot_of(group->metadata, lv))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is a snapshot, which would show something else then; name "
                         "another volume", argument);
    if (snap_metadata_next_snapshot(group->metadata, lv, 0, &at))
        return snap_fail(err, SNAP_E_REFUSED, "%s: it is the origin of a snapshot, which would show something else "
                         "then; name another volume", argument);
    return SNAP_OK;
}

/* Device-mapper names what LVM activates by the ids of group and volume. */
void volumes_take_facts(struct device *device, const struct snap_metadata *metadata, size_t lv,
                        struct snap_io *const *members)
{
    device->facts = (struct snap_device){.size_sectors = device->io->size_bytes / SNAP_SECTOR_BYTES,
                                         .rotational = device->io->rotational};
    (void)snprintf(device->facts.serial, sizeof device->facts.serial, "LVM-%s%s", metadata->id, metadata->lvs[lv].id);
    device->info = (struct snap_file_info){.direct = true};
    for (size_t pv = 0; pv < metadata->pv_count; pv++) {
        struct snap_file_info info;

        if (!members[pv])
            continue;
        snap_file_get_info(members[pv], &info);
        device->info.direct = device->info.direct && info.direct;
        device->info.engine = info.engine;
    }
}

struct activity {
    struct cli *cli;
    const struct device *device;
};

static enum snap_status warn_active(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    const struct activity *activity = context;
    const char *serial = activity->device->facts.serial;

    (void)err;
    if (strncmp(user->uuid, serial, strlen(serial)) == 0)
        cli_warn(activity->cli, "%s: it is active (as %s): what is shown may be of different moments",
                 activity->device->path, user->name);
    return SNAP_OK;
}

enum snap_status volumes_describe_parts(const struct volumes *volumes, const struct snap_group *group,
                                        const struct snap_volume *volume, struct device *device,
                                        struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    device->parts = calloc(volume->pv_count + 1, sizeof *device->parts);
    if (!device->parts)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", device->path);
    for (size_t i = 0; i < volume->pv_count && status == SNAP_OK; i++)
        status = snap_device_describe_found(volumes->physical.found[group->pvs[volume->pvs[i]].device],
                                            &device->parts[device->part_count++], err);
    return status;
}

/* Opens what the metadata were read from once more, for this volume alone; its io owns it. */
static enum snap_status open_members(const struct volumes *volumes, const struct snap_group *group,
                                     struct snap_volume *volume, struct device *device, struct activity *activity,
                                     struct snap_error *err)
{
    const struct snap_file_options options = {.write = false};
    const size_t pv_count = group->metadata->pv_count;
    struct snap_io **members = calloc(pv_count + 1, sizeof(struct snap_io *));
    enum snap_status status = SNAP_OK;

    if (!members)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", device->path);
    for (size_t i = 0; i < volume->pv_count && status == SNAP_OK; i++) {
        const size_t pv = volume->pvs[i];

        status = snap_file_open_found(&members[pv], volumes->physical.found[group->pvs[pv].device], &options, err);
    }
    if (status == SNAP_OK)
        status = snap_volume_io_new(volume, members, pv_count, &device->io, err);
    if (status == SNAP_OK)
        volumes_take_facts(device, group->metadata,
                           snap_metadata_find(group->metadata, strchr(device->path, '/') + 1), members);
    for (size_t pv = 0; pv < pv_count; pv++) {
        struct snap_file_info info;

        if (!members[pv])
            continue;
        if (status == SNAP_OK) {
            snap_file_get_info(members[pv], &info);
            if (info.block_device)
                (void)snap_dm_users(info.device_number, warn_active, activity, NULL); /* nobody else is asked */
        } else {
            (void)snap_io_close(members[pv], NULL); /* it was only read */
        }
    }
    free(members);
    return status;
}

/* Opens a volume that has its places on physical volumes; `name` belongs to the device. */
static enum snap_status open_places(const struct volumes *volumes, struct cli *cli, const struct snap_group *group,
                                    size_t lv, struct device *device, struct snap_error *err)
{
    struct activity activity = {cli, device};
    struct snap_volume *volume = NULL;
    enum snap_status status = snap_volume_new(group->metadata, lv, &volume, err);

    if (status == SNAP_OK)
        status = snap_group_refuse(group, volume, volumes->physical.ios, err);
    if (status == SNAP_OK)
        status = volumes_describe_parts(volumes, group, volume, device, err);
    if (status == SNAP_OK)
        status = open_members(volumes, group, volume, device, &activity, err);
    if (status != SNAP_OK)
        snap_volume_free(volume);
    return status;
}

struct array {
    const struct volumes *volumes;
    struct cli *cli;
    const struct snap_group *group;
};

static enum snap_status open_in_array(void *context, char *name, size_t lv, struct device *device,
                                      struct snap_error *err)
{
    const struct array *array = context;

    *device = (struct device){.path = name};
    return open_places(array->volumes, array->cli, array->group, lv, device, err);
}

enum snap_status volumes_open_one(const struct volumes *volumes, struct cli *cli, char *name, struct device *device,
                                  struct snap_error *err)
{
    struct array array = {volumes, cli, NULL};
    size_t lv;
    enum snap_status status;

    *device = (struct device){.path = name, .devices = volumes->devices};
    if (!name)
        return snap_fail(err, SNAP_E_NOMEM, "no memory to open an LVM volume");
    status = volumes_find(volumes, name, &array.group, &lv, err);
    if (status == SNAP_OK && raid_leg_is_array(array.group->metadata, lv)) {
        const struct snap_volume nowhere = {.pv_count = 0};

        status = snap_group_refuse(array.group, &nowhere, volumes->physical.ios, err);
        if (status == SNAP_OK)
            status = raid_leg_choose(cli, array.group->metadata, lv, open_in_array, &array, &lv, err);
    }
    return status == SNAP_OK ? open_places(volumes, cli, array.group, lv, device, err) : status;
}

/* The origin that the metadata name for this COW, as lvm:VG/LV; *name stays NULL where it holds no snapshot's store. */
static enum snap_status origin_of(const struct volumes *volumes, const char *cow_argument, char **name,
                                  struct snap_error *err)
{
    const struct snap_metadata_segment *snapshot;
    const struct snap_metadata *metadata;
    const struct snap_group *group;
    size_t lv, at;
    enum snap_status status = volumes_find(volumes, cow_argument, &group, &lv, err);

    if (status != SNAP_OK)
        return status;
    metadata = group->metadata;
    snapshot = snap_metadata_snapshot_of(metadata, lv);
    if (snapshot && asprintf(name, "%s%s/%s", DEVICES_LVM, metadata->name, metadata->lvs[snapshot->origin].name) < 0)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to look for its origin", cow_argument);
    if (snapshot)
        return SNAP_OK;
    *name = NULL;
    snapshot = snap_metadata_next_snapshot(metadata, lv, 0, &at);
    if (snapshot)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: it is an origin, and no snapshot; one of its snapshots is %s%s/%s", cow_argument,
                         DEVICES_LVM, metadata->name, metadata->lvs[snapshot->cow].name);
    return SNAP_OK;
}

enum snap_status volumes_choose_origin(const struct volumes *volumes, const char *cow_argument,
                                       const char *origin_argument, char **name, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    *name = NULL;
    if (devices_is_lvm(cow_argument))
        status = origin_of(volumes, cow_argument, name, err);
    if (status != SNAP_OK || !origin_argument)
        return status;
    if (*name && strcmp(*name, origin_argument) != 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: LVM's metadata name %s as its origin, not %s; leave --origin out",
                         cow_argument, *name, origin_argument);
    free(*name);
    *name = strdup(origin_argument);
    return *name ? SNAP_OK : snap_fail(err, SNAP_E_NOMEM, "no memory to open the origin");
}

static enum snap_status open_any(struct cli *cli, const struct volumes *volumes, char *name, struct device *device,
                                 struct snap_error *err)
{
    const struct snap_file_options options = {.write = false};
    enum snap_status status;

    if (devices_is_lvm(name))
        return volumes_open_one(volumes, cli, name, device, err);
    status = devices_find(device, name, err);
    free(name);
    return status == SNAP_OK ? devices_open(device, &options, err) : status;
}

enum snap_status volumes_remember_group(const struct volumes *volumes, const char *cow_argument, struct device *cow,
                                        struct snap_error *err)
{
    const struct snap_metadata_segment *snapshot = NULL;
    const struct snap_group *group;
    size_t lv;
    enum snap_status status = volumes_find(volumes, cow_argument, &group, &lv, err);

    if (status == SNAP_OK)
        snapshot = snap_metadata_snapshot_of(group->metadata, lv);
    if (!snapshot)
        return status;
    cow->lvm_merging = snapshot->merging;
    cow->lvm_extent_bytes = group->metadata->extent_sectors * SNAP_SECTOR_BYTES;
    cow->lvm_group = strdup(group->metadata->name);
    return cow->lvm_group ? SNAP_OK : snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", cow_argument);
}

static enum snap_status open_both(struct cli *cli, const struct volumes *volumes, struct device *cow,
                                  const char *cow_argument, struct device *origin, const char **origin_argument,
                                  struct snap_store *store, struct snap_error *err)
{
    char *origin_name = NULL;
    char *cow_name = strdup(cow_argument);
    enum snap_status status = volumes_choose_origin(volumes, cow_argument, *origin_argument, &origin_name, err);

    if (status == SNAP_OK && !cow_name)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", cow_argument);
    if (status != SNAP_OK) {
        free(cow_name);
        free(origin_name);
        return status;
    }
    status = open_any(cli, volumes, cow_name, cow, err);
    if (status == SNAP_OK && origin_name && devices_is_lvm(cow_argument))
        status = volumes_remember_group(volumes, cow_argument, cow, err); /* the origin is that of the metadata */
    if (origin_name && status == SNAP_OK)
        status = open_any(cli, volumes, origin_name, origin, err);
    else
        free(origin_name);
    if (status != SNAP_OK)
        return status;
    *origin_argument = origin->path;
    if (origin->path && strcmp(origin->path, cow->path) == 0)
        return snap_fail(err, SNAP_E_REFUSED, "%s: origin and COW are the same volume", cow->path);
    status = devices_read_store(store, cow, origin->path ? origin : NULL, err);
    return status == SNAP_OK && origin->path
               ? devices_origin_large_enough(origin, cow->path, store->layout.chunk_bytes, err)
               : status;
}

enum snap_status volumes_open_for_reading(struct cli *cli, const struct cli_strings *devices, struct device *cow,
                                          const char *cow_argument, struct device *origin,
                                          const char **origin_argument, struct snap_store *store,
                                          struct snap_error *err)
{
    struct volumes volumes;
    enum snap_status status;

    if (!devices_is_lvm(cow_argument) && !(*origin_argument && devices_is_lvm(*origin_argument)))
        return devices_open_for_reading(cow, cow_argument, origin, *origin_argument, store, err);
    status = volumes_open(&volumes, cli, devices, err);
    if (status == SNAP_OK)
        status = open_both(cli, &volumes, cow, cow_argument, origin, origin_argument, store, err);
    volumes_close(&volumes);
    return status;
}

struct report_text volumes_option(const struct cli_strings *devices)
{
    struct report_text option = {""};
    size_t used = 0;

    for (unsigned i = 0; devices && i < devices->count && used < sizeof option.text; i++)
        used += (size_t)snprintf(option.text + used, sizeof option.text - used, " --devices %s",
                                 cli_quote(devices->items[i]).text);
    return option;
}

struct report_text volumes_option_of(const struct device *cow, const struct device *origin)
{
    return volumes_option(cow->devices ? cow->devices : origin ? origin->devices : NULL);
}

int volumes_usage(struct cli *cli, const struct cli_strings *devices, const char *cow_argument,
                  const char *origin_argument)
{
    struct lvm_name name;

    if (devices->count == 0 || devices_is_lvm(cow_argument) || (origin_argument && devices_is_lvm(origin_argument)))
        return CLI_EXIT_OK;
    if (!lvm_name_of_missing(cow_argument, &name))
        (void)snprintf(name.text, sizeof name.text, "%sVG/LV", DEVICES_LVM);
    return cli_usage_error(cli, "--devices needs an LVM volume to look for there, such as %s", name.text);
}
