/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM volumes that are not active, named lvm:VG/LV: found through the metadata of their group, opened for reading. */
#ifndef DMSNAP_TOOLS_SHARED_VOLUMES
#define DMSNAP_TOOLS_SHARED_VOLUMES

#include "lib/lvm/group.h"
#include "tools/shared/devices.h"
#include "tools/shared/physical.h"
#include "tools/shared/report.h"

#define VOLUMES_OPTION_DEVICES(destination) \
    { .name = "devices", .argument = "DEV[,DEV]", \
      .help = "where the physical volumes of lvm:VG/LV are, also as\nimages (default: on all block devices)", \
      .group = "Devices", .kind = CLI_STRINGS, .strings = (destination) }

struct volumes {
    const struct cli_strings *devices; /* borrowed */
    struct physical physical;
    struct snap_groups *groups; /* NULL until they are read */
};

/*
 * Opens what --devices names (commas between several), or, where that was not given, each block device that has the
 * label of a physical volume; reads the groups. What was passed over is said as warnings. volumes_close in any case.
 */
enum snap_status volumes_open(struct volumes *volumes, struct cli *cli, const struct cli_strings *devices,
                              struct snap_error *err);
void volumes_close(struct volumes *volumes);

/* The second half of volumes_open, where the devices are open already. */
enum snap_status volumes_read(struct volumes *volumes, struct cli *cli, struct snap_error *err);

/* VG of lvm:VG/LV, malloc'ed. SNAP_E_USAGE: it is no such name. */
enum snap_status volumes_group_name(const char *argument, char **name, struct snap_error *err);

/* The group and the index of the volume that lvm:VG/LV names. SNAP_E_USAGE, SNAP_E_NOENT, SNAP_E_REFUSED. */
enum snap_status volumes_find(const struct volumes *volumes, const char *argument, const struct snap_group **group,
                              size_t *lv, struct snap_error *err);

/* SNAP_E_REFUSED where the volume is a snapshot, or has one: a write to it would change what a snapshot shows. */
enum snap_status volumes_refuse_snapshots(const struct volumes *volumes, const char *argument, struct snap_error *err);

/* What was typed for the origin (NULL: nothing) is held against the metadata; *name is what is opened, or NULL. */
enum snap_status volumes_choose_origin(const struct volumes *volumes, const char *cow_argument,
                                       const char *origin_argument, char **name, struct snap_error *err);

/* Where the COW holds a snapshot's store, the metadata of its group prove the pair. */
enum snap_status volumes_remember_group(const struct volumes *volumes, const char *cow_argument, struct device *cow,
                                        struct snap_error *err);

/* For whoever writes: on which devices the volume is. */
enum snap_status volumes_describe_parts(const struct volumes *volumes, const struct snap_group *group,
                                        const struct snap_volume *volume, struct device *device,
                                        struct snap_error *err);

/* Of a volume that is open: `members` as they were handed to its io. */
void volumes_take_facts(struct device *device, const struct snap_metadata *metadata, size_t lv,
                        struct snap_io *const *members);

/*
 * Opens one volume for reading. `name` is lvm:VG/LV, malloc'ed, and belongs to the device from now on, in every case;
 * NULL is SNAP_E_NOMEM. That it is active is said. devices_close in any case.
 */
enum snap_status volumes_open_one(const struct volumes *volumes, struct cli *cli, char *name, struct device *device,
                                  struct snap_error *err);

/*
 * devices_open_for_reading for arguments that may be lvm:VG/LV. Where the COW is a volume with a snapshot's store, the
 * origin follows from the metadata: *origin_argument may be NULL then, and is the origin's name afterwards (which
 * belongs to `origin`); another name is SNAP_E_REFUSED.
 */
enum snap_status volumes_open_for_reading(struct cli *cli, const struct cli_strings *devices, struct device *cow,
                                          const char *cow_argument, struct device *origin,
                                          const char **origin_argument, struct snap_store *store,
                                          struct snap_error *err);

/* The option as it was given, quoted for a shell, with a blank in front; empty where it was not given, or NULL. */
struct report_text volumes_option(const struct cli_strings *devices);

/* The same of a volume among these two; `origin` may be NULL. */
struct report_text volumes_option_of(const struct device *cow, const struct device *origin);

/* A usage error where --devices was given and nothing that it is about; else CLI_EXIT_OK. */
int volumes_usage(struct cli *cli, const struct cli_strings *devices, const char *cow_argument,
                  const char *origin_argument);

#endif
