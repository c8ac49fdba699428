/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the table and status lines of snapshot targets as the kernel writes them. */
#ifndef DMSNAP_DEVICE_DM_STATUS
#define DMSNAP_DEVICE_DM_STATUS

#include <stdbool.h>
#include <stdint.h>

/* What the status of `snapshot` or `snapshot-merge` says. */
enum snap_dm_status_state {
    SNAP_DM_STATUS_FIGURES,      /* the store is in use, and the figures are set */
    SNAP_DM_STATUS_INVALID,      /* the kernel has given the store up */
    SNAP_DM_STATUS_OVERFLOW,     /* the store is full; only with PO, where the store stays valid */
    SNAP_DM_STATUS_MERGE_FAILED, /* a merge met an error and does not go on */
    SNAP_DM_STATUS_UNKNOWN       /* the kernel itself has no figures */
};

struct snap_dm_status {
    enum snap_dm_status_state state;
    uint64_t allocated_sectors, total_sectors; /* 0 where there are no figures */
    uint64_t metadata_sectors;
    bool metadata_known;                       /* false with kernels before 2.6.33, which have two figures only */
};

/*
 * Reads "<allocated>/<total> <metadata>" or one of the words. False where the text is anything else, a number does not
 * fit into 64 bits, or something follows; *status is then unspecified. The figures are the kernel's and may contradict
 * each other: a damaged list makes it say that more is allocated than there is.
 */
bool snap_dm_status_parse(const char *text, struct snap_dm_status *status);

/* Whether a merge with this status has nothing left to do: all that is allocated is metadata. */
bool snap_dm_status_merged(const struct snap_dm_status *status);

enum snap_dm_status_persistence {
    SNAP_DM_STATUS_P,  /* persistent; a full store becomes invalid */
    SNAP_DM_STATUS_PO, /* persistent; a full store stays valid */
    SNAP_DM_STATUS_N   /* not persistent: the list is in memory only */
};

/* The parameters of a table line of `snapshot` or `snapshot-merge`. */
struct snap_dm_status_table {
    uint64_t origin_number, cow_number; /* as a dev_t */
    enum snap_dm_status_persistence persistence;
    uint64_t chunk_sectors;             /* 0: as the store says; a table that waits for a handover shows it, too */
    bool discard_zeroes_cow, discard_passdown_origin;
};

/*
 * Reads "<major:minor> <major:minor> P|PO|N <chunk sectors>[ <count> <feature>...]" as `dmsetup table` shows it. A
 * feature that is not known is passed over. False where the text is anything else; *table is then unspecified.
 */
bool snap_dm_status_table(const char *params, struct snap_dm_status_table *table);

/* Reads the parameters of `snapshot-origin`, one "<major:minor>", as a dev_t. False where the text is anything else. */
bool snap_dm_status_origin(const char *params, uint64_t *origin_number);

/* "P", "PO" or "N". */
const char *snap_dm_status_persistence_name(enum snap_dm_status_persistence persistence);

#endif
