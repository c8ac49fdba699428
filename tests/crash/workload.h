/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the crash explorer merges: the table of workloads, and the images that each one starts with. */
#ifndef DMSNAP_TEST_CRASH_WORKLOAD_H
#define DMSNAP_TEST_CRASH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which data chunk an entry has. */
enum workload_order {
    ORDER_CANONICAL,
    ORDER_SHUFFLED,  /* the same chunks, neighbours exchanged */
    ORDER_HOLES,     /* every fourth chunk is left out */
    ORDER_SPREAD     /* as an old kernel's [(1,2),(2,9)]: every other entry's chunk lies far behind */
};

/* What the areas behind the end hold at the start. */
enum workload_stale {
    STALE_NONE,
    STALE_MERGED,    /* `stale_entries` that continue the list exactly and are merged: an earlier run was cut short */
    STALE_FOREIGN    /* one full area of entries that fit nothing: an earlier use of the device */
};

/*
 * What goes wrong in a run, at its `at`-th chance; the explorer tries each `at` until nothing is left to go wrong. The
 * power stays on, and a second run, which nothing disturbs, goes on from what is unflushed.
 */
enum workload_event {
    EVENT_NONE,
    EVENT_KILL,           /* the process dies */
    EVENT_STOP,           /* a signal */
    EVENT_ORIGIN_WRITE,   /* a write fails: nothing of it arrives, or its first sector */
    EVENT_ORIGIN_FLUSH,   /* a flush fails, and what it should have kept is lost */
    EVENT_COW_READ,
    EVENT_COW_WRITE,
    EVENT_COW_FLUSH,
    EVENT_ORIGIN_READ,    /* only a merge that keeps its COW reads it, and goes on */
    EVENT_SIBLING_READ,   /* of each sibling in turn */
    EVENT_SIBLING_WRITE,
    EVENT_SIBLING_FLUSH,
    EVENT_LIE,            /* a write to the origin changes its bytes on the way, and nobody is told */
    EVENT_TAKE_BACK,      /* an undisturbed merge of the undo store, begun where the merge was killed */
    EVENT_REDO,           /* an undisturbed merge, begun where such a taking back was killed */
    EVENT_TAMPER          /* the list changes between check and merge: the merge must refuse (no crash states) */
};

/* Other stores of the same origin, which a merge preserves. */
#define WORKLOAD_SIBLINGS_MAX 2u
#define WORKLOAD_DISKS_MAX (2u + WORKLOAD_SIBLINGS_MAX)

struct workload_sibling {
    uint32_t chunk_sectors;         /* 0: there is none */
    uint64_t entries;               /* at the start */
    enum workload_order order;
    bool stale;                     /* the areas behind its end hold entries of an earlier use */
};

/* Which of the chunks of the list are bad; `count` of them, evenly, from entry `first` on, each `step`-th. */
struct workload_bad {
    uint64_t first, count, step;
};

struct workload {
    const char *name;
    uint32_t chunk_sectors;
    uint64_t entries;               /* live at the start */
    uint64_t window_entries_max;    /* 0: all at once */
    uint64_t load_entries_max;      /* 0: all at once; several make a window where no good cut lies between */
    uint64_t table_entries_max;     /* see merge.h; larger than load_entries_max: several loads */
    enum workload_order order;
    enum workload_stale stale;
    uint64_t stale_entries;         /* of STALE_MERGED: cut off the list's end */
    enum workload_event event;
    uint64_t start_at;              /* fault sweep, of EVENT_TAKE_BACK and EVENT_REDO: see prepare.h */
    uint64_t origin_sectors_short;  /* the origin ends so many sectors before the end of its last chunk */
    uint32_t cow_block_bytes;       /* 0: 512 */
    bool read_ahead;
    bool keep_cow;
    uint64_t merged_entries;        /* of keep_cow: an earlier run has merged so many, from the end of the list on */
    uint64_t compare_from;          /* of keep_cow: what the checkpoint claims; 0: there is none, all are compared */
    struct workload_sibling siblings[WORKLOAD_SIBLINGS_MAX];
    bool fingerprint;               /* each store has one, of the origin at the start; chunks of 2 sectors at least */
    bool undo;                      /* the first sibling, empty at the start, takes the merge back */
    struct workload_bad bad_reads;  /* their COW data cannot be read */
    struct workload_bad bad_writes; /* their origin chunks cannot be written */
    /* Their origin chunks cannot be read, which only a sibling of this chunk size minds. */
    struct workload_bad bad_keeps;
    /* Bad_reads and bad_writes are given up; the origin has their content already, so that no view changes by that. */
    bool drop_bad;
    bool verify;                    /* see merge.h */
    bool skip_identical;
    bool long_only;
    bool exhaustive;                /* up to 16 sectors in the quick form too */
    uint64_t samples;               /* random choices where there are too many; 0: as the form says */
};

/* All workloads of both forms; the long form adds a matrix that is made, not written down. */
const struct workload *workload_table(size_t *count);

/* Row `index` of the matrix; false behind its end. `name` gets the name (64 bytes). */
bool workload_matrix(size_t index, struct workload *workload, char *name);

/* The same for workloads with siblings, undo stores, bad chunks and options. */
const struct workload *workload_wide_table(size_t *count);
bool workload_wide_matrix(size_t index, struct workload *workload, char *name);

/* And for the fault sweep: of the events only those count that say where a run starts. */
const struct workload *workload_faults_table(size_t *count);

struct images {
    uint8_t *origin, *cow, *view;
    uint64_t origin_bytes, cow_bytes, chunk_bytes;
    uint64_t areas;        /* on the device */
    /* All disks: the origin, the COW, the siblings. Those of the first two are the ones above. */
    unsigned disks;
    uint8_t *disk[WORKLOAD_DISKS_MAX];
    uint64_t disk_bytes[WORKLOAD_DISKS_MAX];
    uint8_t *disk_view[WORKLOAD_DISKS_MAX]; /* what a store shows, origin_bytes of it; [0]: NULL */
};

void images_make(const struct workload *workload, struct images *images);
void images_free(struct images *images);

/* A good mix of 64 bits: for contents, samples and hashes that are the same in every run. */
uint64_t workload_mix(uint64_t value);

#endif
