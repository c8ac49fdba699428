/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merges a checked store into its origin, window by window from the end of the list, safe at every crash point. */
#ifndef DMSNAP_MERGE_MERGE
#define DMSNAP_MERGE_MERGE

#include "lib/base/clock.h"
#include "lib/io/throttle.h"
#include "lib/check/repeated.h"
#include "lib/merge/sibling.h"
#include "lib/store/header.h"

#define SNAP_MERGE_MEMORY_MIN_BYTES (16u << 20)
#define SNAP_MERGE_MEMORY_MAX_DEFAULT_BYTES (512u << 20)
#define SNAP_MERGE_INTERVAL_DEFAULT_SECONDS 30u
#define SNAP_MERGE_INTERVAL_SEEKS_SECONDS 600u /* where seeks cost: in a short window few chunks are neighbours */

/* What a seek costs. It decides whether more is sorted at once than the buffer holds (tests/bench/README.md). */
enum snap_merge_seeks {
    SNAP_MERGE_SEEKS_FREE,        /* flash, memory or network: no disk spins */
    SNAP_MERGE_SEEKS_TWO_DISKS,   /* at least one disk spins; origin and COW are on different ones */
    SNAP_MERGE_SEEKS_ONE_DISK     /* both are on one disk that spins, or it is not known where they are */
};

enum snap_merge_bad_reason {
    SNAP_MERGE_BAD_UNREADABLE,    /* the data on the COW cannot be read */
    SNAP_MERGE_BAD_UNWRITABLE,    /* the origin cannot be written there */
    SNAP_MERGE_BAD_UNKEPT,        /* a sibling needs what the origin holds there, and it cannot be read */
};

/* An entry that could not be copied, and where its bytes are. */
struct snap_merge_bad {
    struct snap_entry entry;
    enum snap_merge_bad_reason reason;
    uint64_t origin_offset_bytes, cow_offset_bytes;
    uint64_t length_bytes;        /* less than a chunk only where the origin ends inside of it */
};

struct snap_merge_progress {
    uint64_t done_bytes;          /* written to the origin in this run, or found equal there */
    uint64_t total_bytes;         /* that this run has to write */
    uint64_t entries_left;        /* in the list; with keep_cow: entries that are not known to be merged */
};

struct snap_merge_options {
    uint64_t memory_bytes;        /* for everything but siblings; SNAP_MERGE_MEMORY_MIN_BYTES at least are used */
    uint64_t window_entries_max;  /* of a window, and each window is cut off the list; 0: as the memory allows */
    uint64_t load_entries_max;    /* read at once; a window may take several loads; 0: as the memory allows */
    uint64_t table_entries_max;   /* sorted together, though the buffer holds fewer; 0: as `seeks` suggests */
    enum snap_merge_seeks seeks;
    uint64_t rate_bytes;          /* of data per second, read from and written to one device; 0: no limit */
    uint64_t rate_requests;       /* per second, likewise */
    uint64_t interval_seconds;    /* a window is meant to take no longer; 0: it may take any time */
    /*
     * Leave the COW as it is: nothing is written to it, and the list is no record of progress. The entries from index
     * `compare_from` on are compared with the origin, and written only where they differ (0: all entries; the number of
     * entries or more: none). The origin must be read past the cache for that. After each window, once it is durable,
     * `checkpoint` is told from which index on all is merged (NULL: not told); a failure of it ends the merge.
     */
    bool keep_cow;
    uint64_t compare_from;
    enum snap_status (*checkpoint)(void *context, uint64_t merged_from, struct snap_error *err);
    void *checkpoint_context;
    bool keep_fingerprint;        /* also of a store that is empty at the end: its entries may come back (undo) */
    bool skip_identical;          /* compare with the origin first, and write only what differs */
    bool verify;                  /* after the flush and before the cut: read back what was written, and compare it */
    /*
     * A chunk that cannot be read on the COW or written on the origin because of the medium (copy.h) does not end the
     * merge: its entry stays, at the end of the list, and all others are merged. With drop_bad these entries are taken
     * off the list at the very end; the origin keeps what it has there. Before that, `bad` is told each of them, and
     * `before_drop` can keep a record of them: if it fails, the merge ends, and they stay.
     */
    bool continue_on_error;
    bool drop_bad;
    void (*bad)(void *context, const struct snap_merge_bad *bad); /* for each, at the end; NULL: not reported */
    void *bad_context;
    enum snap_status (*before_drop)(void *context, struct snap_error *err); /* NULL: not called */
    void *before_drop_context;
    /*
     * Other stores of this origin whose views are kept. snap_sibling_plan was called for this list, and found room.
     * Before a load is written, what it replaces is copied out to each sibling that has no entry for it.
     */
    struct snap_sibling *const *siblings;
    size_t sibling_count;
    bool read_ahead;              /* read the next load in a thread while one is written */
    const struct snap_clock *clock; /* NULL: the system's */
    bool (*stop)(void *context);  /* polled from both threads; NULL: never stopped */
    void *stop_context;
    void (*progress)(void *context, const struct snap_merge_progress *progress); /* NULL: not reported */
    void *progress_context;
};

/* What is to be merged, as the check of the list has found it (check.h). */
struct snap_merge_job {
    uint64_t entries;             /* of the list */
    uint64_t total_bytes;         /* to write */
    uint64_t runs;                /* of entries, in the order of the list */
    uint64_t leftover_areas_end;  /* the leftover areas up to here may be zeroed (leftovers.h); 0: none */
    const struct snap_repeated *repeated; /* what the check noted of repeated entries; NULL: each copy is merged */
};

struct snap_merge_result {
    uint64_t entries_merged;      /* at least so many are durable on the origin, and off the list */
    uint64_t entries_left;
    uint64_t list_length;         /* of the list on the COW: what is left, and maybe merged or repeated entries */
    uint64_t read_bytes;          /* of COW data */
    uint64_t written_bytes;       /* to the origin */
    uint64_t equal_bytes;         /* not written, because the origin had them (keep_cow, skip_identical) */
    uint64_t verified_bytes;      /* read back and found right */
    uint64_t bad_entries;         /* not copied; they are left, unless they are dropped */
    uint64_t dropped_entries;     /* bad entries that were taken off the list */
    uint64_t metadata_bytes;      /* written to the COW */
    uint64_t origin_flushes;
    uint64_t cow_flushes;
    uint64_t read_requests;
    uint64_t write_requests;
    uint64_t windows;
    uint64_t window_entries;      /* of the largest window */
    bool stopped_by_bad_sectors;  /* it failed on chunks that continue_on_error would have left out */
};

struct snap_merge;

/*
 * Takes all memory that the merge needs, and touches no device: so a caller can write marks between this and the run.
 * Everything named must outlive the merge. In *options, the siblings and the progress may still be set before the run.
 * SNAP_E_NOMEM: there is nothing to release.
 */
enum snap_status snap_merge_prepare(struct snap_merge **prepared, const struct snap_store *store,
                                    struct snap_io *origin, const struct snap_merge_job *job,
                                    const struct snap_merge_options *options, struct snap_error *err);

/*
 * Merges, once for each preparation. The whole list has been checked: snap_check found nothing above a warning, and it
 * is decided what to do about a continuation. Origin and COW are different devices, open for writing, exclusively. The
 * order of the writes is in merge.c; it keeps all views, at every moment, so that the kernel or another run can go on.
 *
 * SNAP_OK: all but result->bad_entries is merged, durably. The store is valid, and empty but for these.
 * SNAP_E_STOPPED: the open window was not committed. SNAP_E_CORRUPT: the list is not the one that was checked.
 * SNAP_E_IO and others: the text says what failed. In all cases *result says how much is durably merged at least; more
 * may be, where a cut of several units has failed half-way. After a failed flush no device was written to any more.
 */
enum snap_status snap_merge_run(struct snap_merge *merge, struct snap_merge_result *result, struct snap_error *err);
/* NULL is fine. */
void snap_merge_release(struct snap_merge *merge);

/*
 * Says in *result what a run with these options would do if the devices were as fast as can be. It writes nothing, and
 * reads entries but no data.
 */
enum snap_status snap_merge_dry_run(const struct snap_store *store, const struct snap_io *origin,
                                    const struct snap_merge_job *job, const struct snap_merge_options *options,
                                    struct snap_merge_result *result, struct snap_error *err);

/* The lesser of SNAP_MERGE_MEMORY_MAX_DEFAULT_BYTES and a quarter of `available_bytes`, but at least the minimum. */
uint64_t snap_merge_default_memory_bytes(uint64_t available_bytes);

#endif
