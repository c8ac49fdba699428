/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The promises of workloads with siblings, an undo store, bad chunks or options: all stores, whoever is merged. */
#include "tests/crash/state_check.h"

#include "tests/crash/bad.h"
#include "tests/crash/drive.h"
#include "tests/crash/fingerprint.h"
#include "tests/crash/reader.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool state_check_is_wide(const struct workload *workload)
{
    return workload->siblings[0].chunk_sectors > 0 || bad_any(workload) || workload->verify ||
           workload->skip_identical || workload->fingerprint;
}

static uint8_t *bytes_of(const struct state_check *check, unsigned disk)
{
    return io_mem_bytes(check->disk[disk]);
}

static struct reader reader_of(const struct images *images, unsigned disk, const uint8_t *origin,
                               const uint8_t *store)
{
    return (struct reader){.cow = store, .cow_bytes = images->disk_bytes[disk], .origin = origin,
                           .origin_bytes = images->origin_bytes};
}

static void load(struct reader *reader)
{
    const char *why;

    if (!reader_load(reader, &why))
        abort(); /* the workload itself is broken */
}

/* What of the disk must stay as it is. */
static void find_taboo(struct state_check *check, unsigned disk, const struct reader *list, const struct reader *store)
{
    const uint64_t chunks = check->images->disk_bytes[disk] / store->chunk_bytes + 1; /* the last may be partial */
    bool *taboo = check->taboo[disk] = test_calloc((size_t)chunks, sizeof *taboo);

    check->chunk_bytes[disk] = store->chunk_bytes;
    for (uint64_t chunk = 0; chunk < chunks; chunk++) {
        if (disk == 0)
            taboo[chunk] = chunk >= list->origin_chunks || list->data_chunk[chunk] == 0;
        else
            taboo[chunk] = chunk == 0 || (disk == check->merged && chunk % (store->per_area + 1) != 1);
    }
    for (uint64_t index = 0; disk > 0 && index < store->entries; index++) {
        uint64_t old_chunk, new_chunk;

        reader_entry(store, index, &old_chunk, &new_chunk);
        taboo[new_chunk] = true;
    }
}

void state_check_begin(struct state_check *check, unsigned merged, uint8_t *const *start)
{
    const struct images *images = check->images;
    struct reader list = reader_of(images, merged, start[0], start[merged]);

    state_check_wide_free(check);
    if (!state_check_is_wide(check->workload))
        return;
    if (bad_any(check->workload))
        for (unsigned disk = 0; disk < 2; disk++)
            check->bad[disk] = check->bad[disk] ? check->bad[disk] : io_fault_new(check->disk[disk], NULL);
    check->merged = merged;
    load(&list);
    find_taboo(check, 0, &list, &list);
    for (unsigned disk = 0; disk < images->disks; disk++) {
        struct reader store = reader_of(images, disk, start[0], start[disk]);

        check->kept[disk] = test_calloc(1, (size_t)images->disk_bytes[disk]);
        check->start[disk] = test_calloc(1, (size_t)images->disk_bytes[disk]);
        memcpy(check->start[disk], start[disk], (size_t)images->disk_bytes[disk]);
        if (disk == 0)
            continue;
        load(&store);
        find_taboo(check, disk, &list, &store);
        check->had[disk] = test_calloc((size_t)store.origin_chunks, sizeof(bool));
        check->needs[disk] = test_calloc((size_t)store.origin_chunks, sizeof(bool));
        for (uint64_t chunk = 0; chunk < store.origin_chunks; chunk++) {
            check->had[disk][chunk] = store.data_chunk[chunk] != 0;
            check->needs[disk][chunk] =
                check->had[disk][chunk] || reader_has_entry(&list, chunk * store.chunk_bytes, store.chunk_bytes);
        }
        reader_free(&store);
    }
    reader_free(&list);
}

void state_check_wide_free(struct state_check *check)
{
    for (unsigned disk = 0; disk < WORKLOAD_DISKS_MAX; disk++) {
        free(check->kept[disk]);
        free(check->start[disk]);
        free(check->taboo[disk]);
        free(check->had[disk]);
        free(check->needs[disk]);
        check->kept[disk] = check->start[disk] = NULL;
        check->taboo[disk] = check->had[disk] = check->needs[disk] = NULL;
    }
}

/* The unit of chunk 0 in which the fingerprint of the merged store stands. */
static bool in_fingerprint(const struct state_check *check, unsigned disk, uint64_t offset_bytes,
                           uint64_t length_bytes)
{
    const uint64_t unit_bytes = check->disk[disk]->logical_block_bytes;

    return check->workload->fingerprint && disk == check->merged && !check->workload->keep_cow &&
           offset_bytes == FINGERPRINT_BYTES / unit_bytes * unit_bytes && length_bytes == unit_bytes;
}

bool state_check_may_write(const struct state_check *check, unsigned disk, uint64_t offset_bytes,
                           uint64_t length_bytes)
{
    const uint64_t chunk_bytes = check->chunk_bytes[disk];

    if (!state_check_is_wide(check->workload) || in_fingerprint(check, disk, offset_bytes, length_bytes))
        return true;
    for (uint64_t chunk = offset_bytes / chunk_bytes; chunk * chunk_bytes < offset_bytes + length_bytes; chunk++)
        if (check->taboo[disk][chunk])
            return false;
    return true;
}

/* Chunks that the list had as the run began, and that the origin does not hold yet. */
static uint64_t unmerged(const struct state_check *check)
{
    const uint64_t chunk_bytes = check->chunk_bytes[0], origin_bytes = check->images->origin_bytes;
    const uint8_t *view = check->images->disk_view[check->merged];
    uint64_t count = 0;

    for (uint64_t at = 0; at < origin_bytes; at += chunk_bytes) {
        const uint64_t length = origin_bytes - at < chunk_bytes ? origin_bytes - at : chunk_bytes;

        count += check->had[check->merged][at / chunk_bytes] &&
                 memcmp(bytes_of(check, 0) + at, view + at, (size_t)length) != 0;
    }
    return count;
}

/* A sibling has all that it had, and nothing that this merge does not need; all that it needs when `complete`. */
static bool entries_right(struct state_check *check, unsigned disk, const struct reader *reader, bool complete,
                          const char *when)
{
    for (uint64_t chunk = 0; chunk < reader->origin_chunks; chunk++) {
        bool has = reader->data_chunk[chunk] != 0;

        if (!has && (check->had[disk][chunk] || (complete && check->needs[disk][chunk])))
            return state_check_broken(check, "%s, disk %u misses an entry for origin chunk %" PRIu64, when, disk,
                                      chunk);
        if (has && !check->needs[disk][chunk])
            return state_check_broken(check, "%s, disk %u has an entry for origin chunk %" PRIu64
                                      ", which nobody writes", when, disk, chunk);
    }
    return true;
}

/*
 * A merge reads its own store's header and data, and never writes them, but for the fingerprint; in the others it
 * leaves all of chunk 0 alone.
 */
static bool data_untouched(struct state_check *check, unsigned disk, uint64_t chunk_bytes, const char *when)
{
    const uint8_t *store = bytes_of(check, disk);
    const uint64_t size_bytes = disk == check->merged ? check->images->disk_bytes[disk] : chunk_bytes;
    uint64_t at = 0;

    if (check->workload->fingerprint && disk == check->merged) {
        if (memcmp(store, check->start[disk], FINGERPRINT_BYTES) != 0)
            return state_check_broken(check, "%s, the header or the record of disk %u has changed", when, disk);
        at = FINGERPRINT_BYTES + 512;
    }

    for (uint64_t area = 0; at < size_bytes; area++) {
        uint64_t area_at = reader_area_bytes(chunk_bytes, area);
        uint64_t end = area_at < size_bytes ? area_at : size_bytes;

        if (memcmp(store + at, check->start[disk] + at, (size_t)(end - at)) != 0)
            return state_check_broken(check, "%s, data or header of disk %u have changed in front of area %" PRIu64,
                                      when, disk, area);
        at = area_at + chunk_bytes;
    }
    return true;
}

/* Which of the promises hold. */
enum phase {
    CRASHED,  /* the run's own merge, at some point ... */
    COMPLETE, /* ... and at its end */
    OTHER     /* other merges came in between: only what holds always */
};

/*
 * The store has its fingerprint as long as it has entries, or an undo store may bring some back. One that was merged
 * before the run, or in between, has none any more.
 */
static bool may_be_gone(const struct state_check *check, unsigned disk, uint64_t entries, enum phase phase)
{
    const bool undo = check->workload->undo;

    if (undo && disk == 1)
        return false;
    return (entries == 0 && disk == check->merged) || (undo && disk == 2 && phase == OTHER) ||
           fingerprint_gone(check->start[disk]);
}

/* It is whole, and it agrees with the origin. */
static bool fingerprint_right(struct state_check *check, unsigned disk, const struct reader *reader, enum phase phase,
                              const char *when)
{
    uint64_t block;

    switch (check->workload->fingerprint ? fingerprint_judge(reader, &block) : FINGERPRINT_TRUE) {
    case FINGERPRINT_TRUE:
        return true;
    case FINGERPRINT_GONE:
        if (may_be_gone(check, disk, reader->entries, phase))
            return true;
        return state_check_broken(check, "%s, disk %u has lost its fingerprint (%" PRIu64 " entries in the list)", when,
                                  disk, reader->entries);
    case FINGERPRINT_FALSE:
        return state_check_broken(check, "%s, the fingerprint of disk %u says that block %" PRIu64 " of the origin is "
                                  "not what it was, and the list does not say so (%" PRIu64 " entries)", when, disk,
                                  block, reader->entries);
    case FINGERPRINT_BROKEN:
        break;
    }
    return state_check_broken(check, "%s, the fingerprint of disk %u is broken", when, disk);
}

/* `merged` is the disk of the store that is being merged, now. */
static bool store_right(struct state_check *check, unsigned disk, unsigned merged, enum phase phase, const char *when,
                        uint64_t *entries)
{
    struct reader reader = reader_of(check->images, disk, bytes_of(check, 0), bytes_of(check, disk));
    const bool complete = phase == COMPLETE && !check->workload->skip_identical;
    const bool repeats = disk == check->merged && bad_any(check->workload); /* for good, once it is merged no more */
    const char *why;
    uint64_t chunk;
    bool right = true;

    if (!reader_load(&reader, &why) || !reader_sound(&reader, repeats, &why))
        right = state_check_broken(check, "%s, disk %u is no sound store: %s", when, disk, why);
    else if (!reader_view_is(&reader, check->images->disk_view[disk], &chunk))
        right = state_check_broken(check, "%s, the view of disk %u has changed in origin chunk %" PRIu64 " (%" PRIu64
                                   " entries in the list)", when, disk, chunk, reader.entries);
    else if (phase != OTHER)
        right = data_untouched(check, disk, reader.chunk_bytes, when) &&
                (disk == merged || entries_right(check, disk, &reader, complete, when));
    right = right && fingerprint_right(check, disk, &reader, phase, when);
    *entries = reader.entries;
    reader_free(&reader);
    return right;
}

/* All of them. */
static bool stores_right(struct state_check *check, unsigned merged, uint64_t entries_max, enum phase phase,
                         const char *when)
{
    for (unsigned disk = 1; disk < check->images->disks; disk++) {
        uint64_t entries;

        if (!store_right(check, disk, merged, phase, when, &entries))
            return false;
        if (disk == merged && entries > entries_max)
            return state_check_broken(check, "%s, %" PRIu64 " entries in the list, though all but %" PRIu64
                                      " were said to be merged", when, entries, entries_max);
    }
    return true;
}

/* `kept_from`: without a write to the COW, and with a checkpoint that claims this. */
static enum snap_status merge_now(struct state_check *check, unsigned merged, bool with_bad, const uint64_t *kept_from,
                                  struct drive_report *report, struct snap_error *err)
{
    struct drive_options options = drive_options_of(check->workload);
    struct snap_io *disks[WORKLOAD_DISKS_MAX];
    enum snap_status status;

    options.read_ahead = false;
    options.continue_on_error = with_bad;
    options.drop_bad = with_bad && check->workload->drop_bad;
    options.keep_cow = kept_from != NULL;
    options.compare_from = kept_from ? *kept_from : 0;
    for (unsigned disk = 0; disk < check->images->disks; disk++)
        disks[disk] = disk < 2 && with_bad ? check->bad[disk] : check->disk[disk];
    status = drive_merge_of(disks, check->images->disks, merged, &options, report, err);
    for (unsigned disk = 0; disk < check->images->disks; disk++)
        (void)snap_io_flush(check->disk[disk], NULL); /* forgets what it could take back */
    return status;
}

/* An undisturbed merge of a store ends in its view, with an empty list, and all others as they were. */
static bool ends_right(struct state_check *check, unsigned merged, enum phase phase, const char *when)
{
    struct drive_report report;
    struct snap_error err = {0};

    if (merge_now(check, merged, false, NULL, &report, &err) != SNAP_OK)
        return state_check_broken(check, "%s: %.500s", when, err.text);
    if (memcmp(bytes_of(check, 0), check->images->disk_view[merged], (size_t)check->images->origin_bytes) != 0)
        return state_check_broken(check, "%s, the origin is not the view of disk %u", when, merged);
    for (unsigned disk = 1; disk < check->images->disks; disk++)
        if (drive_goes_on(check->disk[disk], check->disk[0]))
            return state_check_broken(check, "%s, the list of disk %u looks as if it was cut off", when, disk);
    return stores_right(check, merged, 0, phase, when);
}

/* With the bad chunks still bad: all is merged but them. */
static bool leaves_bad(struct state_check *check, const char *when)
{
    const struct images *images = check->images;
    struct reader reader = reader_of(images, 1, bytes_of(check, 0), bytes_of(check, 1));
    struct drive_report report;
    struct snap_error err = {0};
    const char *why;
    bool right = true;

    for (unsigned disk = 0; disk < 2; disk++)
        bad_add(check->workload, images, disk, check->bad[disk]);
    if (merge_now(check, 1, true, NULL, &report, &err) != SNAP_OK)
        right = state_check_broken(check, "%s: %.500s", when, err.text);
    for (unsigned disk = 0; disk < 2; disk++)
        io_fault_clear(check->bad[disk]);
    if (!right || !stores_right(check, 1, UINT64_MAX, CRASHED, when))
        return false;
    if (!reader_load(&reader, &why) || !bad_alone(check->workload, images, &reader))
        right = state_check_broken(check, "%s, other entries than the bad ones are left (%" PRIu64 ")", when,
                                   reader.entries);
    reader_free(&reader);
    return right;
}

static void restore(struct state_check *check)
{
    for (unsigned disk = 0; disk < check->images->disks; disk++)
        memcpy(bytes_of(check, disk), check->kept[disk], (size_t)check->images->disk_bytes[disk]);
}

/* Merging without a write to the COW, which has had none before either. */
static bool kept_right(struct state_check *check, uint64_t claim)
{
    const unsigned merged = check->merged;
    const size_t cow_bytes = (size_t)check->images->disk_bytes[merged];
    struct drive_report report;
    struct snap_error err = {0};

    if (merge_now(check, merged, false, &claim, &report, &err) != SNAP_OK)
        return state_check_broken(check, "keeping the COW again, compared from %" PRIu64 ": %.500s", claim, err.text);
    if (memcmp(bytes_of(check, merged), check->start[merged], cow_bytes) != 0)
        return state_check_broken(check, "the COW that is kept has changed");
    if (memcmp(bytes_of(check, 0), check->images->disk_view[merged], (size_t)check->images->origin_bytes) != 0)
        return state_check_broken(check, "keeping the COW again, compared from %" PRIu64 ": the origin is not the view",
                                  claim);
    if (!stores_right(check, merged, UINT64_MAX, COMPLETE, "the COW kept again"))
        return false;
    restore(check);
    return true;
}

/* All bad entries are in the list. */
static bool has_bad(const struct state_check *check)
{
    struct reader reader = reader_of(check->images, 1, bytes_of(check, 0), bytes_of(check, 1));
    uint64_t count;
    bool right;

    load(&reader);
    right = bad_there(check->workload, check->images, &reader, &count);
    reader_free(&reader);
    return right;
}

bool state_check_wide_image(struct state_check *check, uint64_t committed)
{
    const unsigned merged = check->merged, other = merged == 1 ? 2 : 1;
    /* With bad chunks the list may keep some that are merged, or bad ones twice, for a cut in one atomic unit. */
    const bool stays = bad_any(check->workload) || check->workload->keep_cow;

    if (!stores_right(check, merged, stays ? UINT64_MAX : committed, CRASHED, "after the crash"))
        return false;
    if (unmerged(check) > committed)
        return state_check_broken(check, "%" PRIu64 " chunks are not merged, though all but %" PRIu64
                                  " were said to be", unmerged(check), committed);
    if (check->workload->drop_bad && unmerged(check) > 0 && !has_bad(check))
        return state_check_broken(check, "bad entries were given up before all others were merged");
    for (unsigned disk = 0; disk < check->images->disks; disk++)
        memcpy(check->kept[disk], bytes_of(check, disk), (size_t)check->images->disk_bytes[disk]);
    if (bad_any(check->workload)) {
        if (!leaves_bad(check, "merged again, still bad") ||
            !ends_right(check, merged, COMPLETE, "merged once more"))
            return false;
        restore(check);
    }
    if (check->workload->keep_cow && !(kept_right(check, 0) && kept_right(check, committed)))
        return false;
    if (!ends_right(check, merged, COMPLETE, "merged again"))
        return false;
    if (!check->workload->undo)
        return true;
    restore(check);
    return ends_right(check, other, OTHER, "taken back") &&
           ends_right(check, merged, OTHER, "and merged after all");
}
