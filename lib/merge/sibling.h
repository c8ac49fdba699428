/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another store of the origin, a sibling: what its view still needs is copied out before the origin is overwritten. */
#ifndef DMSNAP_MERGE_SIBLING
#define DMSNAP_MERGE_SIBLING

#include "lib/merge/copy.h"
#include "lib/store/header.h"

/*
 * How siblings are used, any number of them for one origin (dmsnap-store(5), ORDERS OF WRITING, "Copying out"):
 *
 *     snap_sibling_open, snap_sibling_plan      for each, before anything is written; refuse where it does not fit
 *     snap_sibling_flush_list                   for each, before anything is written to the origin
 *     for each load of data that is about to be written to the origin:
 *         snap_sibling_copy                     for each: old content of the origin goes to its data chunks
 *         snap_sibling_commit                   for each: flush, entries, flush
 *         only then the writes to the origin
 *
 * The old content for one load must be read after the writes of the load before it were made. A sibling with larger
 * chunks would otherwise read the same chunk before and after a write, and copy it twice.
 */
struct snap_sibling;

/* So much of options.memory_bytes is used at least. */
#define SNAP_SIBLING_MEMORY_MIN_BYTES (4u << 20)

struct snap_sibling_options {
    uint64_t origin_bytes;        /* of an end that is no whole sector nothing is copied */
    uint64_t memory_bytes;        /* for everything but the walks over lists, which take 8 MiB for a moment */
    uint64_t leftover_areas_end;  /* the leftover areas of the store up to here are zeroed (leftovers.h); 0: none */
    bool (*stop)(void *context);  /* polled while lists are read; NULL: never stopped */
    void *stop_context;
};

/* What the merge of a list would do to this sibling. */
struct snap_sibling_need {
    uint64_t needed_chunks;       /* so many have to be copied out; 0: nothing will be written to it */
    uint64_t free_chunks;         /* it has room for so many (snap_list_append_room) */
};

struct snap_sibling_counts {
    uint64_t copied_chunks;       /* whose entries are durable */
    uint64_t read_bytes;          /* of the origin */
    uint64_t written_bytes;       /* of data, to the store */
    uint64_t metadata_bytes;      /* to its areas and its header */
    uint64_t flushes;             /* of the store */
};

/*
 * Opens a store of this origin as a sibling. It was checked before (snap_check found nothing above a note); here its
 * list is read once, and all memory that the copies need is allocated. Close it with snap_sibling_close. The store must
 * outlive it, and nobody else may write to it meanwhile. For a plan it need not be writable.
 *
 * SNAP_E_NOMEM: the set of its chunks does not fit the memory. SNAP_E_REFUSED: the device cannot write single chunks.
 * SNAP_E_CORRUPT: there is garbage behind the end of the list. SNAP_E_STOPPED, and what reading the list gives.
 */
enum snap_status snap_sibling_open(struct snap_sibling **sibling, const struct snap_store *store,
                                   const struct snap_sibling_options *options, struct snap_error *err);
/* NULL is fine. What was copied and not committed is forgotten. */
void snap_sibling_close(struct snap_sibling *sibling);

/*
 * Counts what the merge of the first `entries` entries of `merged` would copy out: the chunks of the sibling, in its
 * own size, of which at least one byte of the origin would be overwritten, and for which it has no entry yet. The
 * number is exact. Nothing is written. The memory that these copies need is reserved, so that they cannot fail for lack
 * of it. It must come before the first copy (SNAP_E_INTERNAL).
 *
 * Where needed_chunks > free_chunks, the caller decides whether to refuse or to invalidate the sibling. SNAP_E_NOMEM,
 * SNAP_E_STOPPED; SNAP_E_CORRUPT: `merged` has fewer entries, or some beyond the origin.
 */
enum snap_status snap_sibling_plan(struct snap_sibling *sibling, const struct snap_store *merged, uint64_t entries,
                                   struct snap_sibling_need *need, struct snap_error *err);

/*
 * Makes the list durable that was read, also where nothing will be copied: an earlier run may have been killed before
 * its flush. An entry that is the reason why a chunk is not copied must still be there after a power failure when the
 * origin has been overwritten. Only the first call does anything, and none where the store was invalidated.
 *
 * Before the flush the leftover areas up to options.leftover_areas_end are zeroed. The data chunks that they name are
 * about to be used again; these areas would then look like the lost part of a list that was cut (rule list-cut).
 *
 * After a failure the sibling is not usable; its view is as it was.
 */
enum snap_status snap_sibling_flush_list(struct snap_sibling *sibling, struct snap_error *err);

/*
 * Copies what the origin holds now, for all writes of `plan` (a SNAP_PLAN_MERGE; the data to be written are not looked
 * at). Each chunk of the sibling that one of them touches, and that has no entry yet, is copied whole, to the data
 * chunk of the next entry. Where the origin ends inside of its last chunk, the rest of that chunk becomes zeros, so
 * that nothing shows up there of what the device or this program held before. The caller calls snap_sibling_flush_list
 * first, or it is done here. `reads` controls the reads of the origin, `writes` the writes of the data; they may be the
 * same. Their throttles belong to the calling thread.
 *
 * Where no chunk is missing, nothing is written or flushed. What is copied counts, and lasts, from snap_sibling_commit
 * on. Where there are more chunks than the memory has room to remember, some are committed on the way; that changes no
 * view.
 *
 * With reads->keep_going, a chunk of the sibling that cannot be read from the origin gets no entry. What `plan` writes
 * to it is marked SNAP_PLAN_UNKEPT, and must not be written (snap_plan_drop_bad).
 *
 * SNAP_E_NOSPC: the store is full. SNAP_E_STOPPED; what a device says; SNAP_E_INTERNAL: the last copy was not
 * committed. After a failure the entries are those of the last commit, durable, and nothing waits for a commit. The
 * same copy may be tried again, unless a flush has failed. An unfinished copy leaves something in data chunks that no
 * entry names, and nowhere else.
 */
enum snap_status snap_sibling_copy(struct snap_sibling *sibling, struct snap_io *origin, struct snap_plan *plan,
                                   const struct snap_copy_control *reads, const struct snap_copy_control *writes,
                                   struct snap_error *err);

/*
 * Makes what was copied durable, and appends its entries, durably (snap_list_append_commit: after a failure the sibling
 * is not usable). Where nothing was copied, nothing is written or flushed.
 */
enum snap_status snap_sibling_commit(struct snap_sibling *sibling, struct snap_error *err);

/*
 * Marks the store invalid as the kernel does (dmsnap-store(5), INVALIDATION): chunk 0 becomes magic, valid 0, version,
 * chunk size, and then zeros, which overwrite the record; then a flush. Its view is lost once the origin is written to.
 * From then on copy and commit do nothing, with SNAP_OK. After a failure the mark may be there or not, and the sibling
 * is not usable.
 */
enum snap_status snap_sibling_invalidate(struct snap_sibling *sibling, struct snap_error *err);

/* False after a failed write or flush of its list. What relies on its entries must not be written any more then. */
bool snap_sibling_usable(const struct snap_sibling *sibling);

/* Whether the last copy failed because the origin could not be read: keep_going may go past that. */
bool snap_sibling_origin_unread(const struct snap_sibling *sibling);

/* What was done so far. Valid until snap_sibling_close. */
const struct snap_sibling_counts *snap_sibling_counts(const struct snap_sibling *sibling);

#endif
