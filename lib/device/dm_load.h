/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gives tables to device-mapper: makes devices, exchanges their tables, suspends, resumes and removes them. */
#ifndef DMSNAP_DEVICE_DM_LOAD
#define DMSNAP_DEVICE_DM_LOAD

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* One target that begins at sector 0. */
struct snap_dm_load_table {
    uint64_t sectors;
    const char *type, *params; /* "snapshot", "8:1 8:2 P 8" */
    bool read_only;            /* the device takes no writes, and opens its own devices for reading only */
};

/*
 * Whether device-mapper can be told anything here. SNAP_E_UNSUPPORTED: this kernel has none, or this build lacks
 * libdevmapper; SNAP_E_PERM: the caller may not.
 */
enum snap_status snap_dm_load_possible(struct snap_error *err);

/*
 * A name that device-mapper and udev take as it is: at most 127 letters, digits and #+-.:=@_, and nothing that means
 * something else in /dev/mapper. SNAP_E_USAGE. Asks nobody.
 */
enum snap_status snap_dm_load_check_name(const char *name, struct snap_error *err);

/* The node of a device, by value, so that it can stand in an argument list. */
struct snap_dm_load_node {
    char path[4 * 127 + sizeof "/dev/mapper/"];
};

/*
 * "/dev/mapper/" and the name as it stands there: with \xNN for each byte that the check above does not let pass.
 * `name` is what libdevmapper says.
 */
struct snap_dm_load_node snap_dm_load_node(const char *name);

/*
 * The name passes the check above, and neither it nor the UUID is in use. SNAP_E_REFUSED: `taken` is the name of the
 * device that has it, empty otherwise. Failures as snap_dm_tables_read, but for SNAP_E_UNSUPPORTED where there is no
 * device-mapper.
 */
enum snap_status snap_dm_load_free(const char *name, const char *uuid, char taken[128], struct snap_error *err);

/*
 * Makes a device with this table and lets it work. After a failure there is no such device; SNAP_E_BUSY: the name or
 * the UUID was taken meanwhile, or a device of the table is in use. All calls below wait until udev has made the nodes,
 * where udev runs, and no longer than half a minute. *device_number is a dev_t.
 */
enum snap_status snap_dm_load_create(const char *name, const char *uuid, const struct snap_dm_load_table *table,
                                     uint64_t *device_number, struct snap_error *err);

/* Loads an inactive table, which takes effect with the next resume; takes it back. */
enum snap_status snap_dm_load_reload(uint64_t device_number, const struct snap_dm_load_table *table,
                                     struct snap_error *err);
enum snap_status snap_dm_load_clear(uint64_t device_number, struct snap_error *err);

/* Suspending writes back what a file system on it has, and waits for all requests. */
enum snap_status snap_dm_load_suspend(uint64_t device_number, struct snap_error *err);
enum snap_status snap_dm_load_resume(uint64_t device_number, struct snap_error *err);

/* SNAP_E_BUSY: it is open, also after some seconds. */
enum snap_status snap_dm_load_remove(uint64_t device_number, struct snap_error *err);

/* How many times it is open. SNAP_E_NOENT: there is no such device. */
enum snap_status snap_dm_load_open_count(uint64_t device_number, unsigned *count, struct snap_error *err);

#endif
