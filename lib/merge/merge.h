/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merges a checked store into its origin, window by window from the tail of the list, safe at every crash point. */
#ifndef DMSNAP_MERGE_MERGE
#define DMSNAP_MERGE_MERGE

#include "lib/base/clock.h"
#include "lib/io/throttle.h"
#include "lib/merge/sibling.h"
#include "lib/store/header.h"

#define SNAP_MERGE_MEMORY_MIN_BYTES (16u << 20)
#define SNAP_MERGE_MEMORY_MAX_DEFAULT_BYTES (512u << 20)
#define SNAP_MERGE_INTERVAL_DEFAULT_SECONDS 30u
#define SNAP_MERGE_INTERVAL_SEEKS_SECONDS 600u /* where seeks cost: a short window has few neighbours to write together */

/* What a seek costs: decides whether windows are sorted beyond the buffer's size (tests/bench/README.md has the model). */
enum snap_merge_seeks {
    SNAP_MERGE_SEEKS_FREE,        /* flash, memory, network: no spinning disk */
    SNAP_MERGE_SEEKS_TWO_DISKS,   /* at least one spins; origin and COW on different ones */
    SNAP_MERGE_SEEKS_ONE_DISK     /* both on one that spins, or nobody knows */
};

enum snap_merge_bad_reason {
    SNAP_MERGE_BAD_UNREADABLE,    /* its data on the COW */
    SNAP_MERGE_BAD_UNWRITABLE,    /* the origin */
    SNAP_MERGE_BAD_UNKEPT,        /* the origin holds what a sibling needs, and cannot be read */
};

/* An entry that could not be copied, and where its bytes are. */
struct snap_merge_bad {
    struct snap_entry entry;
    enum snap_merge_bad_reason reason;
    uint64_t origin_offset_bytes, cow_offset_bytes;
    uint64_t length_bytes;        /* less than a chunk only at the origin's end */
};

struct snap_merge_progress {
    uint64_t done_bytes;          /* written to the origin in this run */
    uint64_t total_bytes;         /* that this run will write */
    uint64_t entries_left;        /* in the list, as committed (keep_cow: that are not known to be merged) */
};

struct snap_merge_options {
    uint64_t memory_bytes;        /* for everything but siblings; at least SNAP_MERGE_MEMORY_MIN_BYTES is used */
    uint64_t window_entries_max;  /* a window is at most so large, and each is cut off the list; 0: as memory allows */
    uint64_t load_entries_max;    /* so many are read at once at most; a window may take several; 0: as memory allows */
    uint64_t table_entries_max;   /* so many are sorted together, though the buffer holds fewer; 0: as `seeks` suggests */
    enum snap_merge_seeks seeks;
    uint64_t rate_bytes;          /* per second, reads and writes each; 0: no limit */
    uint64_t rate_requests;       /* likewise */
    uint64_t interval_seconds;    /* a window shall take at most so long; 0: no matter */
    /*
     * Leave the COW as it is: nothing is written to it, and the list is no record of progress. Entries from index
     * `compare_from` on are compared with the origin and written only where they differ (0: all; entries or more:
     * none); the origin must be read past the cache for that. After each window, once it is durable, `checkpoint` is
     * told from which index on all is merged (NULL: nobody cares); a failure of it ends the merge.
     */
    bool keep_cow;
    uint64_t compare_from;
    enum snap_status (*checkpoint)(void *context, uint64_t merged_from, struct snap_error *err);
    void *checkpoint_context;
    bool skip_identical;          /* compare with the origin first, write only what differs */
    bool verify;                  /* after the flush, before the cut: read back what was written, and compare */
    /*
     * A chunk whose data cannot be read on the COW, or not be written on the origin, because of the medium (copy.h)
     * does not end the merge: its entry stays, at the end of the list, and all others are merged. With drop_bad these
     * entries are taken off the list at the very end: the origin keeps what it has there. Before that `bad` was told each
     * of them, and `before_drop` has a chance to keep the record: a failure of it ends the merge, and they stay.
     */
    bool continue_on_error;
    bool drop_bad;
    void (*bad)(void *context, const struct snap_merge_bad *bad); /* at the end, for each; NULL: nobody cares */
    void *bad_context;
    enum snap_status (*before_drop)(void *context, struct snap_error *err); /* NULL: nobody cares */
    void *before_drop_context;
    /*
     * Other stores of this origin, whose views are kept: planned (snap_sibling_plan) for this list and found to have
     * room. Before a load is written, what it replaces is copied out to each that has no entry for it.
     */
    struct snap_sibling *const *siblings;
    size_t sibling_count;
    bool read_ahead;              /* read the next window's COW data, in a thread, while this one is written */
    const struct snap_clock *clock; /* NULL: the system's */
    bool (*stop)(void *context);  /* polled from both threads; NULL: never */
    void *stop_context;
    void (*progress)(void *context, const struct snap_merge_progress *progress); /* NULL: nobody cares */
    void *progress_context;
};

/* What is to be merged, from the check of the list (check.h). */
struct snap_merge_job {
    uint64_t entries;             /* live */
    uint64_t total_bytes;         /* to write */
    uint64_t runs;                /* of neighbours, in list order */
    uint64_t stale_areas_end;     /* areas behind the end, up to here, hold nothing that is missed (stale.h); 0: none */
};

struct snap_merge_result {
    uint64_t entries_merged;      /* durably, at least: in the origin, and off the list */
    uint64_t entries_left;
    uint64_t list_length;         /* of the list on disk: what is left, and maybe entries that are merged or stand twice */
    uint64_t read_bytes;          /* of COW data */
    uint64_t written_bytes;       /* to the origin */
    uint64_t equal_bytes;         /* not written: the origin had them already (keep_cow, skip_identical) */
    uint64_t verified_bytes;      /* read back and found right */
    uint64_t bad_entries;         /* not copied: they are what is left, unless dropped */
    uint64_t dropped_entries;     /* of these, taken off the list */
    uint64_t metadata_bytes;      /* to the COW */
    uint64_t origin_flushes;
    uint64_t cow_flushes;
    uint64_t read_requests;
    uint64_t write_requests;
    uint64_t windows;
    uint64_t window_entries;      /* of the largest window */
};

/*
 * Merges. The whole list has been checked (snap_check found nothing above a warning, and what to do about a
 * continuation is decided); origin and COW are open for writing, exclusively, and are different devices.
 *
 * First the siblings and the COW are flushed: an earlier run may have been killed between a write and its flush. Then,
 * for each window [m, n): read its COW data; copy what they will replace to the siblings, durably; write them in origin
 * order; flush the origin; cut the list to m; n := m. What is larger than the buffer, or has no good end within it,
 * takes several loads of the buffer.
 * At every moment, and whatever unflushed sectors are lost, the list on disk is a prefix of the original one (followed
 * by bad entries that stay) and all views are unchanged (dmsnap-store(5), ORDERS OF WRITING, "Merging"): the kernel, or
 * another run, can go on from there.
 *
 * SNAP_OK: all but result->bad_entries is merged, durably; the store is valid, and empty but for these.
 * SNAP_E_STOPPED: the open window was not committed. SNAP_E_IO and others: what failed is in the text; SNAP_E_CORRUPT:
 * the list differs from what was checked. In all cases *result says how much is durably merged at least (a cut in
 * several units may have failed half-way). After a failed flush none of the devices has been written to again.
 */
enum snap_status snap_merge(const struct snap_store *store, struct snap_io *origin, const struct snap_merge_job *job,
                            const struct snap_merge_options *options, struct snap_merge_result *result,
                            struct snap_error *err);

/*
 * The same in two steps, for a caller who writes marks in between: all memory is taken by the first, which touches no
 * device. Everything named must outlive the merge; options->siblings and progress may still be set before the run. One
 * run for each preparation. SNAP_E_NOMEM: nothing to release.
 */
struct snap_merge;
enum snap_status snap_merge_prepare(struct snap_merge **prepared, const struct snap_store *store, struct snap_io *origin,
                                    const struct snap_merge_job *job, const struct snap_merge_options *options,
                                    struct snap_error *err);
enum snap_status snap_merge_run(struct snap_merge *merge, struct snap_merge_result *result, struct snap_error *err);
/* NULL is fine. */
void snap_merge_release(struct snap_merge *merge);

/*
 * The same without a write, and without reading data: *result says what a run with these options would do, at the
 * device's full speed.
 */
enum snap_status snap_merge_dry_run(const struct snap_store *store, const struct snap_io *origin,
                                    const struct snap_merge_job *job, const struct snap_merge_options *options,
                                    struct snap_merge_result *result, struct snap_error *err);

/*
 * How many entries are sorted together where seeks cost; 0: what the buffer holds. Sorting a table that is larger than
 * the buffer sweeps the origin once per table; the COW is then read in several sweeps with gaps, which on the same disk
 * only pays for short runs.
 */
uint64_t snap_merge_table_entries(const struct snap_merge_job *job, enum snap_merge_seeks seeks, uint64_t memory_bytes);

/*
 * What one buffer gets where its share of the memory is `share_bytes`: no more than SNAP_MERGE_LONG_RUNS_BUFFER_BYTES
 * where no seek costs and the runs are SNAP_MERGE_LONG_RUN_BYTES or more on the average. Sorting many of them together
 * makes no request larger, and memory that was never used has its price, on virtual machines above all
 * (tests/bench/README.md).
 */
#define SNAP_MERGE_LONG_RUN_BYTES (64u << 10)
#define SNAP_MERGE_LONG_RUNS_BUFFER_BYTES (72u << 20) /* 64 MiB of data, and what goes with them */
uint64_t snap_merge_buffer_bytes(const struct snap_merge_job *job, enum snap_merge_seeks seeks, uint64_t share_bytes);

/* The lesser of SNAP_MERGE_MEMORY_MAX_DEFAULT_BYTES and a quarter of `available_bytes`, but at least the minimum. */
uint64_t snap_merge_default_memory_bytes(uint64_t available_bytes);

#endif
