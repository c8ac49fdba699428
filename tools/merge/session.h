/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One run of snapmerge: what was asked for, what is open, how far it has come. Data only. */
#ifndef DMSNAP_TOOLS_MERGE_SESSION
#define DMSNAP_TOOLS_MERGE_SESSION

#include "lib/base/new_file.h"
#include "lib/base/replace.h"
#include "lib/check/check.h"
#include "lib/check/evidence.h"
#include "lib/merge/checkpoint.h"
#include "lib/merge/merge.h"
#include "lib/merge/sibling.h"
#include "tools/merge/options.h"
#include "tools/output/session.h"
#include "tools/shared/devices.h"
#include "tools/shared/held.h"

/* --bad-list: the chunks that could not be merged (bad_list.h). */
struct merge_bad_chunks {
    struct snap_merge_bad *items;
    size_t count, room;
    uint64_t unknown;            /* more, that did not fit into memory */
    struct snap_replace *file;   /* NULL: none */
};

#define MERGE_SIBLINGS_MAX (CLI_STRINGS_MAX + 1u)

/* A store of the same origin whose view is kept: given with --preserve, or the undo store. */
struct merge_sibling {
    struct device device;
    struct snap_store store;
    struct snap_check_result check;
    struct snap_fingerprint_result samples; /* of its fingerprint, compared with the origin before the first write */
    struct snap_sibling *handle; /* NULL until it is planned */
    struct snap_sibling_need need;
    bool is_undo;
    bool must_be_empty;          /* an undo store that no merge was begun with */
    bool invalidate;             /* it has no room, and is given up */
};

/* --preserve: all siblings, those of the command line first, then those that LVM knows (preserve.h, siblings.h). */
struct merge_preserve {
    struct merge_sibling siblings[MERGE_SIBLINGS_MAX];
    unsigned count;
    unsigned expected;           /* how many there will be, for their shares of the memory */
    struct snap_sibling *handed[MERGE_SIBLINGS_MAX]; /* to the merge: those that are not given up */
};

/* --undo (undo.h). */
struct merge_undo {
    struct merge_sibling *sibling; /* the undo store, among the siblings; NULL: none */
    uint64_t new_image_bytes;      /* an image of this size is to be made for it; 0: the image or device is there */
    struct snap_folder *folder;    /* where the image is to be made; NULL: nowhere */
    bool new_store;                /* the store on it is to be made */
};

/* --keep-cow: the checkpoint file (keep_cow.h). */
struct merge_keep_cow {
    struct snap_replace *file; /* NULL: none */
    struct snap_checkpoint checkpoint;
};

/* Where the small files are at the end (places.h). */
struct merge_places {
    bool said;
    char *checkpoint, *bad_list; /* NULL: not known, or none */
};

/* --kernel: what is active over the origin (kernel.h). */
struct merge_kernel {
    uint64_t origin_number, cow_number, base_number, snapshot_number;
    uint64_t base_sectors, snapshot_sectors;
    char base_name[128];     /* through which the origin is used */
    bool merging;            /* it merges this store already */
    bool suspended;          /* its base is suspended, by this run */
    bool in_use;             /* its base is open, by --accept=in-use */
    unsigned siblings;       /* other snapshots of the origin, active or waiting for a resume */
    bool has_snapshot;       /* the store is active as a snapshot, which is removed */
    bool snapshot_left;      /* a run was killed before it had removed the snapshot whose entries the merge has */
    bool fails_writes;       /* with the mode PO */
    char snapshot_name[128], snapshot_uuid[136], snapshot_params[512];
};

struct merge_session {
    struct cli *cli;
    struct merge_arguments arguments;
    struct held held;               /* LVM volumes among the devices */
    struct device origin, cow;
    struct snap_store store;
    struct snap_check_result check;
    struct snap_repeated *repeated;  /* of the list; NULL before it is checked */
    struct snap_evidence evidence;
    struct snap_merge_job job;
    struct snap_merge_options options;
    struct snap_merge_result result;
    uint64_t memory_bytes;           /* all of it; options has the share of the merge itself */
    uint64_t elapsed_ms;
    struct merge_keep_cow keep_cow;
    struct merge_bad_chunks bad;
    struct merge_preserve preserve;
    struct merge_undo undo;
    struct merge_places places;
    struct merge_kernel kernel;
    struct output_session output;   /* --output; empty where it is not given */
};

#endif
