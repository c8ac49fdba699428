/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device-mapper: is it there, and who uses a device with which table. */
#ifndef DMSNAP_DEVICE_DM_USERS
#define DMSNAP_DEVICE_DM_USERS

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* A device-mapper target whose table names the device that was asked for. */
struct snap_dm_user {
    char name[128];
    char uuid[136];
    char target_type[32];   /* "snapshot", "snapshot-merge", "snapshot-origin", "linear", ... */
    char params[512];       /* the target's parameters, cut where they are longer */
    uint64_t start_sectors;
    uint64_t length_sectors;
    uint32_t major, minor;  /* of the dm device itself */
    bool waits;             /* its table is loaded, and takes effect with the next resume */
};

/*
 * Calls `fn` for each active target that names `device_number` (a dev_t) as a word "major:minor" in its table.
 * SNAP_OK with no call where this kernel has no device-mapper; SNAP_E_UNSUPPORTED where this build lacks libdevmapper;
 * SNAP_E_PERM, SNAP_E_NOMEM, SNAP_E_IO. A status other than SNAP_OK from `fn` ends the walk and is returned.
 */
typedef enum snap_status (*snap_dm_user_fn)(void *context, const struct snap_dm_user *user, struct snap_error *err);
enum snap_status snap_dm_users(uint64_t device_number, snap_dm_user_fn fn, void *context, struct snap_error *err);

/* The same, and for each target of a table that waits for a resume, also where another one is active beside it. */
enum snap_status snap_dm_users_loaded(uint64_t device_number, snap_dm_user_fn fn, void *context,
                                      struct snap_error *err);

/* Whether this kernel has device-mapper at all (its control node answers); false in a build without libdevmapper. */
bool snap_dm_users_available(void);

#endif
