/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a whole store, holds it against the rules, and counts what is in it; never writes. */
#ifndef DMSNAP_CHECK_CHECK
#define DMSNAP_CHECK_CHECK

#include "lib/check/findings.h"
#include "lib/check/repeated.h"
#include "lib/store/header.h"

struct snap_check_options {
    uint64_t origin_sectors;      /* 0: no origin given; figures about it are left out */
    bool origin_is_whole;         /* somebody says that the origin was never larger than it is */
    uint32_t origin_block_bytes;  /* logical block of the origin; 0: not known */
    uint64_t memory_bytes;        /* for the sets of chunks; at least SNAP_CHECK_MEMORY_MIN_BYTES is used */
    struct snap_repeated *repeated; /* gets where repeated entries come first; NULL: nobody wants to know */
    bool figures_only;            /* leave out what needs sets: duplicates, leaks, the disjointness of a continuation */
    bool (*stop)(void *context);  /* polled; NULL: never. True ends the check with SNAP_E_STOPPED */
    void *stop_context;
};

#define SNAP_CHECK_MEMORY_MIN_BYTES (1u << 20)

/* Entries that lie wholly behind the end of the origin, and are no findings. */
struct snap_check_beyond {
    uint64_t runs;                 /* neighbours whose old steps by one, counted as one */
    uint64_t bridged;              /* stand alone between two for neighbouring places that leave out one chunk */
    uint64_t first_index, first_old_chunk;
    uint64_t lowest_old_chunk;
};

struct snap_check_result {
    bool list_complete;            /* the end of the list was reached: the figures below count */
    uint64_t entries;              /* live; this long is the list, an entry that is repeated counts each time */
    uint64_t repeated_entries;     /* of these, the same as an earlier one (entry-repeated); 0 with figures_only */
    uint64_t areas;                /* that hold live entries */
    uint64_t merge_bytes;          /* that a merge writes: all chunks, a partial last one clipped where the origin is
                                      known. Each repeated entry once, with figures_only each time. A merge writes it
                                      again where it is in several windows, so this is a little low then */
    uint64_t runs;                 /* neighbours whose old and new both step by one, counted as one */
    uint64_t highest_new_chunk;    /* 0: no entries */
    uint64_t reach_bytes;          /* an origin of this size takes all entries, but for entries_old_range; 0: there are
                                      none */
    uint64_t entries_beyond;       /* lie wholly beyond the origin: it is the wrong one, or too short, or these are
                                      damaged (pair.h) */
    struct snap_check_beyond beyond; /* what tells these apart; all zero where there are none */
    uint64_t entries_old_range;    /* lie where no chunk of the origin can be, by the record, by what was said, or since
                                      no device is so large: these are findings, and count neither in entries_beyond
                                      nor in reach_bytes */
    uint64_t needs_bytes;          /* more than the device has: a device of this size holds what the list names, as far
                                      as it can be followed, so this one was cut; 0: it has all of it, or what it lacks
                                      lies so far behind its end that the entries must be damaged */
    uint64_t entries_cut;          /* have their data behind the end of the device */
    bool canonical;                /* every new is the one a kernel since 3.13 gives */
    uint64_t capacity_entries;     /* of the device (dmsnap-store(5), CAPACITY) */
    uint64_t free_chunks;          /* entries that can still be added */
    struct snap_usage usage;       /* as the kernel's status line */
    uint64_t continuation_area;    /* where entries continue the list behind its end ... */
    uint64_t continuation_entries; /* ... exactly, and how many; 0: none */
    uint64_t earlier_entries;      /* they would, but no lost sector cut the list where it ends (duplicates.h) */
    /*
     * The area behind the end, where it begins with an entry whose data chunk the list uses: a merge had moved that one
     * when it was cut short; 0: it does not, or figures_only.
     */
    uint64_t moved_area;
    uint64_t passes;               /* over the list, for the duplicates */
};

/*
 * Whether a chunk behind the end of the device may have been on it when it was larger. Kernels give chunks in order:
 * data far behind those of a list of so many entries were never there.
 */
bool snap_check_may_be_cut(const struct snap_layout *layout, uint64_t entries, uint64_t chunk);

/*
 * Checks a store whose header was read (snap_header_read), whatever its defect; the list of an invalid one, too. Broken
 * rules are findings, added to *findings, which the caller has set up. Memory is bounded; the sets are divided into
 * passes where it is short.
 * Entries whose own numbers are corrupting are left out of the search for duplicates.
 *
 * SNAP_OK: the check was carried out, whatever it found. SNAP_E_NOMEM, SNAP_E_STOPPED; what the finding callback
 * returned; what a read failed with that says nothing about the medium (snap_error_is_medium).
 */
enum snap_status snap_check(const struct snap_store *store, const struct snap_check_options *options,
                            struct snap_findings *findings, struct snap_check_result *result, struct snap_error *err);

#endif
