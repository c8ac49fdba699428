/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The promises of workloads with siblings, an undo store, bad chunks or options: all stores, whoever is merged. */
#include "tests/crash/judge.h"

#include "tests/crash/bad.h"
#include "tests/crash/drive.h"
#include "tests/crash/reader.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool judge_is_wide(const struct workload *workload)
{
    return workload->siblings[0].chunk_sectors > 0 || bad_any(workload) || workload->verify ||
           workload->skip_identical;
}

static uint8_t *bytes_of(const struct judge *judge, unsigned disk)
{
    return io_mem_bytes(judge->disk[disk]);
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
static void find_taboo(struct judge *judge, unsigned disk, const struct reader *list, const struct reader *store)
{
    const uint64_t chunks = judge->images->disk_bytes[disk] / store->chunk_bytes + 1; /* the last may be partial */
    bool *taboo = judge->taboo[disk] = test_calloc((size_t)chunks, sizeof *taboo);

    judge->chunk_bytes[disk] = store->chunk_bytes;
    for (uint64_t chunk = 0; chunk < chunks; chunk++) {
        if (disk == 0)
            taboo[chunk] = chunk >= list->origin_chunks || list->data_chunk[chunk] == 0;
        else
            taboo[chunk] = chunk == 0 || (disk == judge->merged && chunk % (store->per_area + 1) != 1);
    }
    for (uint64_t index = 0; disk > 0 && index < store->entries; index++) {
        uint64_t old_chunk, new_chunk;

        reader_entry(store, index, &old_chunk, &new_chunk);
        taboo[new_chunk] = true;
    }
}

void judge_begin(struct judge *judge, unsigned merged, uint8_t *const *start)
{
    const struct images *images = judge->images;
    struct reader list = reader_of(images, merged, start[0], start[merged]);

    judge_wide_free(judge);
    if (!judge_is_wide(judge->workload))
        return;
    if (bad_any(judge->workload))
        for (unsigned disk = 0; disk < 2; disk++)
            judge->bad[disk] = judge->bad[disk] ? judge->bad[disk] : io_fault_new(judge->disk[disk], NULL);
    judge->merged = merged;
    load(&list);
    find_taboo(judge, 0, &list, &list);
    for (unsigned disk = 0; disk < images->disks; disk++) {
        struct reader store = reader_of(images, disk, start[0], start[disk]);

        judge->kept[disk] = test_calloc(1, (size_t)images->disk_bytes[disk]);
        judge->start[disk] = test_calloc(1, (size_t)images->disk_bytes[disk]);
        memcpy(judge->start[disk], start[disk], (size_t)images->disk_bytes[disk]);
        if (disk == 0)
            continue;
        load(&store);
        find_taboo(judge, disk, &list, &store);
        judge->had[disk] = test_calloc((size_t)store.origin_chunks, sizeof(bool));
        judge->needs[disk] = test_calloc((size_t)store.origin_chunks, sizeof(bool));
        for (uint64_t chunk = 0; chunk < store.origin_chunks; chunk++) {
            judge->had[disk][chunk] = store.data_chunk[chunk] != 0;
            judge->needs[disk][chunk] =
                judge->had[disk][chunk] || reader_has_entry(&list, chunk * store.chunk_bytes, store.chunk_bytes);
        }
        reader_free(&store);
    }
    reader_free(&list);
}

void judge_wide_free(struct judge *judge)
{
    for (unsigned disk = 0; disk < WORKLOAD_DISKS_MAX; disk++) {
        free(judge->kept[disk]);
        free(judge->start[disk]);
        free(judge->taboo[disk]);
        free(judge->had[disk]);
        free(judge->needs[disk]);
        judge->kept[disk] = judge->start[disk] = NULL;
        judge->taboo[disk] = judge->had[disk] = judge->needs[disk] = NULL;
    }
}

bool judge_may_write(const struct judge *judge, unsigned disk, uint64_t offset_bytes, uint64_t length_bytes)
{
    const uint64_t chunk_bytes = judge->chunk_bytes[disk];

    if (!judge_is_wide(judge->workload))
        return true;
    for (uint64_t chunk = offset_bytes / chunk_bytes; chunk * chunk_bytes < offset_bytes + length_bytes; chunk++)
        if (judge->taboo[disk][chunk])
            return false;
    return true;
}

/* Chunks that the list had as the run began, and that the origin does not hold yet. */
static uint64_t unmerged(const struct judge *judge)
{
    const uint64_t chunk_bytes = judge->chunk_bytes[0], origin_bytes = judge->images->origin_bytes;
    const uint8_t *view = judge->images->disk_view[judge->merged];
    uint64_t count = 0;

    for (uint64_t at = 0; at < origin_bytes; at += chunk_bytes) {
        const uint64_t length = origin_bytes - at < chunk_bytes ? origin_bytes - at : chunk_bytes;

        count += judge->had[judge->merged][at / chunk_bytes] &&
                 memcmp(bytes_of(judge, 0) + at, view + at, (size_t)length) != 0;
    }
    return count;
}

/* A sibling has all that it had, and nothing that this merge does not need; all that it needs when `complete`. */
static bool entries_right(struct judge *judge, unsigned disk, const struct reader *reader, bool complete,
                          const char *when)
{
    for (uint64_t chunk = 0; chunk < reader->origin_chunks; chunk++) {
        bool has = reader->data_chunk[chunk] != 0;

        if (!has && (judge->had[disk][chunk] || (complete && judge->needs[disk][chunk])))
            return judge_broken(judge, "%s, disk %u misses an entry for origin chunk %" PRIu64, when, disk, chunk);
        if (has && !judge->needs[disk][chunk])
            return judge_broken(judge, "%s, disk %u has an entry for origin chunk %" PRIu64
                                ", which nobody writes", when, disk, chunk);
    }
    return true;
}

/* A merge reads its own store's header and data, and never writes them; in the others it leaves the header alone. */
static bool data_untouched(struct judge *judge, unsigned disk, uint64_t chunk_bytes, const char *when)
{
    const uint8_t *store = bytes_of(judge, disk);
    const uint64_t size_bytes = disk == judge->merged ? judge->images->disk_bytes[disk] : chunk_bytes;
    uint64_t at = 0;

    for (uint64_t area = 0; at < size_bytes; area++) {
        uint64_t area_at = reader_area_bytes(chunk_bytes, area);
        uint64_t end = area_at < size_bytes ? area_at : size_bytes;

        if (memcmp(store + at, judge->start[disk] + at, (size_t)(end - at)) != 0)
            return judge_broken(judge, "%s, data or header of disk %u have changed in front of area %" PRIu64,
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

/* `merged` is the disk of the store that is being merged, now. */
static bool store_right(struct judge *judge, unsigned disk, unsigned merged, enum phase phase, const char *when,
                        uint64_t *entries)
{
    struct reader reader = reader_of(judge->images, disk, bytes_of(judge, 0), bytes_of(judge, disk));
    const bool complete = phase == COMPLETE && !judge->workload->skip_identical;
    const bool repeats = disk == judge->merged && bad_any(judge->workload); /* for good, once it is merged no more */
    const char *why;
    uint64_t chunk;
    bool right = true;

    if (!reader_load(&reader, &why) || !reader_sound(&reader, repeats, &why))
        right = judge_broken(judge, "%s, disk %u is no sound store: %s", when, disk, why);
    else if (!reader_view_is(&reader, judge->images->disk_view[disk], &chunk))
        right = judge_broken(judge, "%s, the view of disk %u has changed in origin chunk %" PRIu64 " (%" PRIu64
                             " entries in the list)", when, disk, chunk, reader.entries);
    else if (phase != OTHER)
        right = data_untouched(judge, disk, reader.chunk_bytes, when) &&
                (disk == merged || entries_right(judge, disk, &reader, complete, when));
    *entries = reader.entries;
    reader_free(&reader);
    return right;
}

/* All of them. */
static bool stores_right(struct judge *judge, unsigned merged, uint64_t entries_max, enum phase phase,
                         const char *when)
{
    for (unsigned disk = 1; disk < judge->images->disks; disk++) {
        uint64_t entries;

        if (!store_right(judge, disk, merged, phase, when, &entries))
            return false;
        if (disk == merged && entries > entries_max)
            return judge_broken(judge, "%s, %" PRIu64 " entries in the list, though all but %" PRIu64
                                " were said to be merged", when, entries, entries_max);
    }
    return true;
}

/* `kept_from`: without a write to the COW, and with a checkpoint that claims this. */
static enum snap_status merge_now(struct judge *judge, unsigned merged, bool with_bad, const uint64_t *kept_from,
                                  struct drive_report *report, struct snap_error *err)
{
    struct drive_options options = drive_options_of(judge->workload);
    struct snap_io *disks[WORKLOAD_DISKS_MAX];
    enum snap_status status;

    options.read_ahead = false;
    options.continue_on_error = with_bad;
    options.drop_bad = with_bad && judge->workload->drop_bad;
    options.keep_cow = kept_from != NULL;
    options.compare_from = kept_from ? *kept_from : 0;
    for (unsigned disk = 0; disk < judge->images->disks; disk++)
        disks[disk] = disk < 2 && with_bad ? judge->bad[disk] : judge->disk[disk];
    status = drive_merge_of(disks, judge->images->disks, merged, &options, report, err);
    for (unsigned disk = 0; disk < judge->images->disks; disk++)
        (void)snap_io_flush(judge->disk[disk], NULL); /* forgets what it could take back */
    return status;
}

/* An undisturbed merge of a store ends in its view, with an empty list, and all others as they were. */
static bool ends_right(struct judge *judge, unsigned merged, enum phase phase, const char *when)
{
    struct drive_report report;
    struct snap_error err = {0};

    if (merge_now(judge, merged, false, NULL, &report, &err) != SNAP_OK)
        return judge_broken(judge, "%s: %.500s", when, err.text);
    if (memcmp(bytes_of(judge, 0), judge->images->disk_view[merged], (size_t)judge->images->origin_bytes) != 0)
        return judge_broken(judge, "%s, the origin is not the view of disk %u", when, merged);
    for (unsigned disk = 1; disk < judge->images->disks; disk++)
        if (drive_goes_on(judge->disk[disk], judge->disk[0]))
            return judge_broken(judge, "%s, the list of disk %u looks as if it was cut off", when, disk);
    return stores_right(judge, merged, 0, phase, when);
}

/* With the bad chunks still bad: all is merged but them. */
static bool leaves_bad(struct judge *judge, const char *when)
{
    const struct images *images = judge->images;
    struct reader reader = reader_of(images, 1, bytes_of(judge, 0), bytes_of(judge, 1));
    struct drive_report report;
    struct snap_error err = {0};
    const char *why;
    bool right = true;

    for (unsigned disk = 0; disk < 2; disk++)
        bad_add(judge->workload, images, disk, judge->bad[disk]);
    if (merge_now(judge, 1, true, NULL, &report, &err) != SNAP_OK)
        right = judge_broken(judge, "%s: %.500s", when, err.text);
    for (unsigned disk = 0; disk < 2; disk++)
        io_fault_clear(judge->bad[disk]);
    if (!right || !stores_right(judge, 1, UINT64_MAX, CRASHED, when))
        return false;
    if (!reader_load(&reader, &why) || !bad_alone(judge->workload, images, &reader))
        right = judge_broken(judge, "%s, other entries than the bad ones are left (%" PRIu64 ")", when,
                             reader.entries);
    reader_free(&reader);
    return right;
}

static void restore(struct judge *judge)
{
    for (unsigned disk = 0; disk < judge->images->disks; disk++)
        memcpy(bytes_of(judge, disk), judge->kept[disk], (size_t)judge->images->disk_bytes[disk]);
}

/* Merging without a write to the COW, which has had none before either. */
static bool kept_right(struct judge *judge, uint64_t claim)
{
    const unsigned merged = judge->merged;
    const size_t cow_bytes = (size_t)judge->images->disk_bytes[merged];
    struct drive_report report;
    struct snap_error err = {0};

    if (merge_now(judge, merged, false, &claim, &report, &err) != SNAP_OK)
        return judge_broken(judge, "keeping the COW again, compared from %" PRIu64 ": %.500s", claim, err.text);
    if (memcmp(bytes_of(judge, merged), judge->start[merged], cow_bytes) != 0)
        return judge_broken(judge, "the COW that is kept has changed");
    if (memcmp(bytes_of(judge, 0), judge->images->disk_view[merged], (size_t)judge->images->origin_bytes) != 0)
        return judge_broken(judge, "keeping the COW again, compared from %" PRIu64 ": the origin is not the view", claim);
    if (!stores_right(judge, merged, UINT64_MAX, COMPLETE, "the COW kept again"))
        return false;
    restore(judge);
    return true;
}

/* All bad entries are in the list. */
static bool has_bad(const struct judge *judge)
{
    struct reader reader = reader_of(judge->images, 1, bytes_of(judge, 0), bytes_of(judge, 1));
    uint64_t count;
    bool right;

    load(&reader);
    right = bad_there(judge->workload, judge->images, &reader, &count);
    reader_free(&reader);
    return right;
}

bool judge_wide_state(struct judge *judge, uint64_t committed)
{
    const unsigned merged = judge->merged, other = merged == 1 ? 2 : 1;
    /* With bad chunks the list may keep some that are merged, or bad ones twice, for a cut in one atomic unit. */
    const bool stays = bad_any(judge->workload) || judge->workload->keep_cow;

    if (!stores_right(judge, merged, stays ? UINT64_MAX : committed, CRASHED, "after the crash"))
        return false;
    if (unmerged(judge) > committed)
        return judge_broken(judge, "%" PRIu64 " chunks are not merged, though all but %" PRIu64 " were said to be",
                            unmerged(judge), committed);
    if (judge->workload->drop_bad && unmerged(judge) > 0 && !has_bad(judge))
        return judge_broken(judge, "bad entries were given up before all others were merged");
    for (unsigned disk = 0; disk < judge->images->disks; disk++)
        memcpy(judge->kept[disk], bytes_of(judge, disk), (size_t)judge->images->disk_bytes[disk]);
    if (bad_any(judge->workload)) {
        if (!leaves_bad(judge, "merged again, still bad") ||
            !ends_right(judge, merged, COMPLETE, "merged once more"))
            return false;
        restore(judge);
    }
    if (judge->workload->keep_cow && !(kept_right(judge, 0) && kept_right(judge, committed)))
        return false;
    if (!ends_right(judge, merged, COMPLETE, "merged again"))
        return false;
    if (!judge->workload->undo)
        return true;
    restore(judge);
    return ends_right(judge, other, OTHER, "taken back") &&
           ends_right(judge, merged, OTHER, "and merged after all");
}
