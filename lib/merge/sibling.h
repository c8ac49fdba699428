/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another store of the origin that is being overwritten: copies to it what its view still needs of the origin. */
#ifndef DMSNAP_MERGE_SIBLING
#define DMSNAP_MERGE_SIBLING

#include "lib/merge/copy.h"
#include "lib/store/header.h"

/*
 * How one is used (dmsnap-store(5), ORDERS OF WRITING, "Copying out"), for any number of siblings of one origin:
 *
 *     snap_sibling_open, snap_sibling_plan      for each, before anything is written; refuse where it does not fit
 *     snap_sibling_flush_list                       for each, before anything is written to the origin
 *     for each load of data that is about to be written to the origin:
 *         snap_sibling_copy                     for each: old content of the origin to its data chunks
 *         snap_sibling_commit                   for each: flush, entries, flush
 *         only then the writes to the origin
 *
 * The origin content of one load must not be read before the writes of the load before it have been made, so that
 * each copy sees what its entry is missing and nothing else: one load after the other.
 */
struct snap_sibling;

/* At least so much of options.memory_bytes is used. */
#define SNAP_SIBLING_MEMORY_MIN_BYTES (4u << 20)

struct snap_sibling_options {
    uint64_t origin_bytes;
    uint64_t memory_bytes;        /* for everything but the walks over lists, which take 8 MiB for a moment */
    uint64_t stale_areas_end;     /* areas behind the list's end, up to here, hold nothing that is missed (stale.h); 0: none */
    bool (*stop)(void *context);  /* polled while lists are read; NULL: never */
    void *stop_context;
};

/* What the merge of a list would do to this sibling. */
struct snap_sibling_need {
    uint64_t needed_chunks;       /* to be copied out; 0: nothing will be written to it */
    uint64_t free_chunks;         /* for which it has room (snap_list_append_room) */
};

struct snap_sibling_counts {
    uint64_t copied_chunks;       /* whose entries are durable */
    uint64_t read_bytes;          /* of the origin */
    uint64_t written_bytes;       /* of data, to the store */
    uint64_t metadata_bytes;      /* to its areas and its header */
    uint64_t flushes;             /* of the store */
};

/*
 * Takes up a store that was checked (snap_check: nothing above a note) and has this origin; reads its list once.
 * All memory that copies need is allocated here. The object belongs to the caller: snap_sibling_close. The store
 * is borrowed and must outlive it; nobody else writes to it meanwhile. It need not be writable for plan.
 *
 * SNAP_E_NOMEM: the set of its chunks does not fit the memory. SNAP_E_REFUSED: the device cannot write single
 * chunks.
 * SNAP_E_CORRUPT: garbage behind the end of the list, after all. SNAP_E_STOPPED; what reading the list gives.
 */
enum snap_status snap_sibling_open(struct snap_sibling **sibling, const struct snap_store *store,
                                   const struct snap_sibling_options *options, struct snap_error *err);
/* NULL is fine. What was copied and not committed is forgotten. */
void snap_sibling_close(struct snap_sibling *sibling);

/*
 * Counts what the merge of the first `entries` entries of `merged` would copy out: the chunks of the sibling, of
 * its own size, in which at least one byte of the origin would be overwritten, and for which it has no entry yet.
 * Exact; never writes. Reserves the memory that these copies need, so that they cannot fail for lack of it. Before
 * the first copy only (SNAP_E_INTERNAL).
 *
 * Whether needed_chunks > free_chunks is a reason to refuse, or to invalidate the sibling, is up to the caller.
 * SNAP_E_NOMEM, SNAP_E_STOPPED; SNAP_E_CORRUPT: `merged` has less entries, or some beyond the origin.
 */
enum snap_status snap_sibling_plan(struct snap_sibling *sibling, const struct snap_store *merged, uint64_t entries,
                                   struct snap_sibling_need *need, struct snap_error *err);

/*
 * The first writes, once; nothing where the store was invalidated. Flushes the device, also where nothing will be
 * copied to it: an earlier run may have been killed before its flush. Entries that are seen now, and are the reason
 * why a chunk is not copied, must still be there after a power failure when the origin has been overwritten.
 *
 * Before that the areas up to options.stale_areas_end are zeroed, where there are any: the data chunks that they
 * name are about to be used again, and would then look like lost ones of a list that was cut (rule list-cut).
 *
 * After a failure the sibling is not usable; its view is as it was.
 */
enum snap_status snap_sibling_flush_list(struct snap_sibling *sibling, struct snap_error *err);

/*
 * Copies the present content of the origin for all writes of `plan`, whose data are not looked at: each chunk of
 * the sibling that one of them touches and that has no entry yet, whole, to the data chunk of the next entry. What
 * of the last chunk lies behind the origin's end becomes zeros (dmsnap-store(5), ENTRIES AND AREAS: it has no
 * meaning; this way nothing of what the device, or this program, held before shows up in the chunk).
 * snap_sibling_flush_list comes first, unless the caller has done it. `reads` controls the reads of the origin,
 * `writes` the writes of the data; they may be the same. Their throttles belong to the calling thread.
 *
 * Where nothing is missing, nothing is written or flushed. What is copied counts, and lasts, from
 * snap_sibling_commit on. Where it is more chunks than the memory has room to remember, some are committed on the
 * way; that changes no view.
 *
 * With reads->keep_going, chunks of the sibling that cannot be read from the origin get no entry, and what `plan`
 * writes to them is marked SNAP_PLAN_UNKEPT: it must not be written (snap_plan_drop_bad).
 *
 * SNAP_E_NOSPC: the store is full. SNAP_E_STOPPED; what a device says. After a failure the entries are those of
 * the last commit, durable, and nothing waits for a commit; the same copy may be tried again unless a flush
 * failed. An unfinished copy leaves something in chunks that no entry names, nowhere else. SNAP_E_INTERNAL: the
 * copy before was not committed.
 */
enum snap_status snap_sibling_copy(struct snap_sibling *sibling, struct snap_io *origin,
                                   struct snap_plan *plan, const struct snap_copy_control *reads,
                                   const struct snap_copy_control *writes, struct snap_error *err);

/*
 * Makes what was copied durable, and appends its entries, durably (snap_list_append_commit, whose words on failure hold
 * here: the sibling is not usable afterwards). Nothing copied: no write, no flush.
 */
enum snap_status snap_sibling_commit(struct snap_sibling *sibling, struct snap_error *err);

/*
 * Marks the store invalid as the kernel does (dmsnap-store(5), INVALIDATION): chunk 0 becomes magic, valid 0, version
 * and chunk size, then zeros, the identity record gone with them; then a flush. Its view is lost once the origin is
 * written to. From then on copy and commit are SNAP_OK and do nothing. After a failure the mark is there or not, and
 * the sibling is not usable.
 */
enum snap_status snap_sibling_invalidate(struct snap_sibling *sibling, struct snap_error *err);

/*
 * False once a write or flush has failed that its list rests on: what relies on its entries may not be written any
 * more either.
 */
bool snap_sibling_usable(const struct snap_sibling *sibling);

/* So far; valid until close. */
const struct snap_sibling_counts *snap_sibling_counts(const struct snap_sibling *sibling);

#endif
