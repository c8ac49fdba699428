/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcreate decides before it writes: chunk size, room, whether the place may be overwritten. */
#ifndef DMSNAP_TOOLS_CREATE_PLAN
#define DMSNAP_TOOLS_CREATE_PLAN

#include "lib/base/new_file.h"
#include "lib/check/evidence.h"
#include "lib/store/layout.h"
#include "tools/shared/devices.h"

/* One run of snapcreate, as far as it has come. */
struct create_session {
    struct cli *cli;
    const char *cow_argument;
    struct device origin, cow, newer;
    struct snap_probe on_origin;
    struct snap_layout layout;
    uint64_t new_image_bytes;    /* the COW is an image that does not exist yet; else 0 */
    struct snap_folder *folder;  /* of such an image */
    struct snap_new_file *image; /* such an image, once it is made */
    struct snap_identity identity;
    uint64_t entries;            /* of the finished store */
    bool touched;                /* the COW has been written to, or it was tried */
    bool begun;                  /* the first write arrived: what was there is no store any more */
    char tables[3][1024];        /* dmsetup lines; empty where they were not asked for */
};

/* A chunk size that the kernel takes for these devices (dmsnap-store(5), HEADER). */
enum snap_status create_check_chunk(struct create_session *session, uint64_t chunk_bytes, struct snap_error *err);

/* --size: a new image of `size_bytes`, 0 for the size that can never overflow. The path must be free. */
enum snap_status create_plan_image(struct create_session *session, uint64_t size_bytes, struct snap_error *err);

/* An existing device or image: distinct from the others, not in use, and empty unless `force`. */
enum snap_status create_plan_device(struct create_session *session, bool force, bool dry_run, struct snap_error *err);

/* At least one exception must fit. */
enum snap_status create_check_room(struct create_session *session, struct snap_error *err);

/* Says whether it can overflow, when, and how to avoid it. */
void create_show_room(struct create_session *session);

/* Makes the planned image and opens it. After a failure there is no file, or it is said that there is one. */
enum snap_status create_make_image(struct create_session *session, struct snap_error *err);

/* Closes the planned image and its folder; fine where there are none. SNAP_E_IO. */
enum snap_status create_close_image(struct create_session *session, struct snap_error *err);

/* The dmsetup tables for snapshot, snapshot-origin and snapshot-merge; SNAP_E_USAGE where a path cannot stand in one. */
enum snap_status create_make_tables(struct create_session *session, bool overflow_mode, struct snap_error *err);
void create_print_tables(struct create_session *session);

int create_print_json(struct create_session *session, bool dry_run);

#endif
