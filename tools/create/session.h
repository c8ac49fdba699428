/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of snapcreate: what was asked for, what is open, how far it has come. Data only. */
#ifndef DMSNAP_TOOLS_CREATE_SESSION
#define DMSNAP_TOOLS_CREATE_SESSION

#include "lib/base/new_file.h"
#include "lib/check/evidence.h"
#include "lib/check/identity.h"
#include "lib/device/probe.h"
#include "lib/store/layout.h"
#include "tools/create/options.h"
#include "tools/shared/activate.h"
#include "tools/shared/devices.h"
#include "tools/shared/held.h"
#include "tools/shared/report.h"

#define CREATE_TABLES 3u

/* --identify: the store that is there, and what it is given. */
struct create_identify {
    struct snap_store store;
    struct snap_check_result check;
    struct snap_evidence evidence;
    bool record, fingerprint;
};

struct create_session {
    struct cli *cli;
    struct create_arguments arguments;
    struct held held;                  /* LVM volumes among the devices */
    char *origin_name;                 /* as LVM's metadata name it, where a volume was named; arguments.origin then */
    struct device origin, cow, newer;
    struct snap_probe on_origin;
    struct report_text content;        /* what is on the COW and would be lost; empty: it is blank */
    struct snap_layout layout;
    uint64_t new_image_bytes;          /* the COW is an image that does not exist yet; else 0 */
    struct snap_folder *folder;        /* of such an image */
    uint64_t missing_bytes;            /* of an image: what its file system has not given it yet */
    uint64_t free_bytes;               /* what that file system has; UINT64_MAX: not known, or a device */
    struct snap_new_file *image;       /* such an image, once it is made */
    bool origin_in_use;                /* so it may change before its snapshot begins */
    struct snap_identity identity;
    struct snap_fingerprint fingerprint; /* no samples: none */
    struct create_identify identify;
    uint64_t entries;                  /* of the finished store */
    bool touched;                      /* the COW has been written to, or it was tried */
    bool begun;                        /* the first write arrived: what was there is no store any more */
    struct snap_error origin_busy;     /* why it could not be held; SNAP_OK: it is */
    struct activate activate;
    bool tables_only;                  /* no store is made: only its tables are shown */
    char tables[CREATE_TABLES][1024];  /* by enum create_table; empty where they were not asked for */
};

#endif
