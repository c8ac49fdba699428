/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run, and the check of what it leaves. */
#include "tests/crash/faults.h"

#include "lib/base/bytes.h"
#include "tests/crash/bad.h"
#include "tests/crash/prepare.h"
#include "tests/crash/watch.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const faults_disk_names[WORKLOAD_DISKS_MAX] = {"the-origin", "the-cow", "the-sibling", "the-sibling-2"};

void faults_broken(struct sweep *sweep, const char *format, ...)
{
    size_t used;
    va_list args;

    if (sweep->problem[0] != '\0')
        return;
    (void)snprintf(sweep->problem, sizeof sweep->problem, "%s: ", sweep->where);
    used = strlen(sweep->problem);
    va_start(args, format);
    (void)vsnprintf(sweep->problem + used, sizeof sweep->problem - used, format, args);
    va_end(args);
}

/* --- rows --------------------------------------------------------------------------------------------------- */

bool faults_row_begin(struct sweep *sweep, const struct workload *row)
{
    const bool to_be_killed = row->event != EVENT_NONE && row->start_at != PREPARE_WHOLE;
    struct snap_error err = {0};
    bool killed;

    *sweep = (struct sweep){.workload = row, .merged = prepare_merged(row),
                            .where = "before the start"};
    images_make(sweep->workload, &sweep->images);
    state_check_init(&sweep->check, sweep->workload, &sweep->images);
    sweep->seen = state_set_new();
    sweep->told = test_calloc((size_t)(sweep->images.origin_bytes / SNAP_SECTOR_BYTES), sizeof *sweep->told);
    if (prepare_start(sweep->workload, &sweep->images, row->start_at, sweep->start, &killed, &err) != SNAP_OK)
        faults_broken(sweep, "the merge failed: %s", err.text);
    else if (killed != to_be_killed)
        faults_broken(sweep, "the merge was%s killed", killed ? "" : " not");
    else
        state_check_begin(&sweep->check, sweep->merged, sweep->start);
    for (unsigned disk = 1; disk < sweep->images.disks; disk++) {
        const char *why;

        sweep->list[disk] = (struct reader){.cow = sweep->start[disk], .cow_bytes = sweep->images.disk_bytes[disk],
                                            .origin = sweep->start[0], .origin_bytes = sweep->images.origin_bytes};
        if (!reader_load(&sweep->list[disk], &why))
            faults_broken(sweep, "the store of disk %u cannot be loaded: %s", disk, why);
    }
    return sweep->problem[0] == '\0';
}

void faults_row_end(struct sweep *sweep)
{
    for (unsigned disk = 0; disk < sweep->images.disks; disk++) {
        reader_free(&sweep->list[disk]);
        free(sweep->start[disk]);
    }
    free(sweep->told);
    state_set_free(sweep->seen);
    state_check_free(&sweep->check);
    images_free(&sweep->images);
}

/* --- devices ------------------------------------------------------------------------------------------------ */

/* A failed flush loses what it should have kept; from then on nothing may be written. */
static struct run *current;
static bool flush_failed;
static uint64_t writes_then;

static uint64_t writes(const struct run *run)
{
    uint64_t count = 0;

    for (unsigned disk = 0; disk < run->sweep->images.disks; disk++)
        count += io_fault_count(run->faulty[disk], IO_FAULT_WRITE) + io_fault_count(run->faulty[disk], IO_FAULT_FLUSH);
    return count;
}

static void lose_unflushed(struct snap_io *lower)
{
    for (unsigned disk = 0; disk < current->sweep->images.disks; disk++)
        if (lower == current->below[disk])
            io_mem_drop_unflushed(current->mem[disk]);
    if (!flush_failed)
        writes_then = writes(current);
    flush_failed = true;
}

static void hold_write(void *context, unsigned disk, uint64_t offset_bytes, uint64_t length_bytes)
{
    struct sweep *sweep = context;

    if ((disk == 1 && sweep->workload->keep_cow) ||
        !state_check_may_write(&sweep->check, disk, offset_bytes, length_bytes))
        faults_broken(sweep, "%s: %" PRIu64 " bytes at byte %" PRIu64 " are written, which are none of the merge's "
                      "business", faults_disk_names[disk], length_bytes, offset_bytes);
}

void faults_run_begin(struct sweep *sweep, struct run *run)
{
    const struct images *images = &sweep->images;

    *run = (struct run){.sweep = sweep};
    for (unsigned disk = 0; disk < images->disks; disk++) {
        struct snap_io *io = io_mem_new(faults_disk_names[disk], images->disk_bytes[disk], SNAP_SECTOR_BYTES, true);

        memcpy(io_mem_bytes(io), sweep->start[disk], (size_t)images->disk_bytes[disk]);
        run->mem[disk] = io;
        if (disk < 2 && bad_any(sweep->workload)) {
            io = io_fault_new(io, NULL);
            bad_add(sweep->workload, images, disk, io);
        }
        run->below[disk] = io;
        run->faulty[disk] = io_fault_new(io, lose_unflushed);
        run->io[disk] = watch_new(run->faulty[disk], disk, hold_write, sweep);
    }
    memset(sweep->told, 0, (size_t)(images->origin_bytes / SNAP_SECTOR_BYTES) * sizeof *sweep->told);
    current = run;
    flush_failed = false;
}

void faults_run_end(struct run *run)
{
    for (unsigned disk = 0; disk < run->sweep->images.disks; disk++)
        (void)snap_io_close(run->io[disk], NULL);
}

/* --- the merge ---------------------------------------------------------------------------------------------- */

static enum snap_status note_checkpoint(void *context, uint64_t merged_from, struct snap_error *err)
{
    (void)err;
    ((struct run *)context)->committed = merged_from;
    return SNAP_OK;
}

static void note_bad(void *context, const struct snap_merge_bad *bad)
{
    struct run *run = context;

    run->sweep->told[bad->entry.old_chunk] = bad->entry.new_chunk;
    run->told_count++;
}

void faults_merge(struct run *run, bool read_ahead)
{
    const struct drive_report *report = &run->report;
    struct drive_options options = drive_options_of(run->sweep->workload);

    options.read_ahead = read_ahead;
    options.checkpoint = note_checkpoint;
    options.checkpoint_context = run;
    options.bad = note_bad;
    options.bad_context = run;
    run->committed = UINT64_MAX;
    run->status = drive_merge_of(run->io, run->sweep->images.disks, run->sweep->merged, &options, &run->report,
                                 &run->err);
    if (report->merging && (run->status == SNAP_OK || report->result.entries_left < report->job.entries))
        run->committed = report->result.entries_left;
}

/* --- the check of what it leaves -------------------------------------------------------------------------------- */

/* What counts as done, but for bad chunks: these are what is left in the list, and what the merge has told. */
static void hold_bad(struct run *run)
{
    struct sweep *sweep = run->sweep;
    const struct snap_merge_result *result = &run->report.result;
    struct reader list = {.cow = io_mem_bytes(run->mem[1]), .cow_bytes = sweep->images.cow_bytes,
                          .origin = io_mem_bytes(run->mem[0]), .origin_bytes = sweep->images.origin_bytes};
    uint64_t always = 0;
    const char *why;

    if (!reader_load(&list, &why))
        faults_broken(sweep, "the store cannot be loaded: %s", why);
    else if (!bad_there(sweep->workload, &sweep->images, &list, &always))
        faults_broken(sweep, "a bad entry is no longer in the list");
    else if (list.entries != result->entries_left || list.entries != result->bad_entries ||
             list.entries != run->told_count)
        faults_broken(sweep, "%" PRIu64 " entries are left in the list, %" PRIu64 " by the result, %" PRIu64
                      " bad ones, %" PRIu64 " told", list.entries, result->entries_left, result->bad_entries,
                      run->told_count);
    for (uint64_t chunk = 0; chunk < list.origin_chunks && sweep->problem[0] == '\0'; chunk++)
        if (list.data_chunk[chunk] != sweep->told[chunk])
            faults_broken(sweep, "origin chunk %" PRIu64 " is in the list with data chunk %" PRIu64
                          ", and was told with %" PRIu64, chunk, list.data_chunk[chunk], sweep->told[chunk]);
    sweep->left_bad += list.entries > always;
    reader_free(&list);
}

/* The image that is in the devices of the check: the views, the lists, and merging again. */
static void check_image(struct run *run, unsigned lost_disks)
{
    struct sweep *sweep = run->sweep;
    struct state_check *check = &sweep->check;
    struct state_key key = {run->committed, ~run->committed};
    char disks[80] = "";

    for (unsigned disk = 0; disk < sweep->images.disks; disk++) {
        state_set_hash(&key, io_mem_bytes(check->disk[disk]), sweep->images.disk_bytes[disk]);
        if (lost_disks & 1u << disk) {
            (void)strcat(disks, " ");
            (void)strcat(disks, faults_disk_names[disk]);
        }
    }
    if (state_set_add(sweep->seen, key) && !state_check_image(check, run->committed))
        faults_broken(sweep, "with the power %s%s: %s", lost_disks ? "lost of" : "on", disks, check->problem);
}

/* The power may stay on, or be lost, for each disk that has something to lose. */
static void check_powers(struct run *run)
{
    struct sweep *sweep = run->sweep;
    const struct images *images = &sweep->images;
    uint8_t *written[WORKLOAD_DISKS_MAX];
    unsigned losers = 0;

    for (unsigned disk = 0; disk < images->disks; disk++) {
        const size_t bytes = (size_t)images->disk_bytes[disk];

        written[disk] = test_calloc(1, bytes);
        memcpy(written[disk], io_mem_bytes(run->mem[disk]), bytes);
        io_mem_drop_unflushed(run->mem[disk]);
        losers |= (memcmp(written[disk], io_mem_bytes(run->mem[disk]), bytes) != 0 ? 1u : 0u) << disk;
    }
    if (losers && run->status == SNAP_OK)
        faults_broken(sweep, "it counts as done, but is not durable");
    for (unsigned lost = 0; lost <= losers && sweep->problem[0] == '\0'; lost++) {
        if (lost & ~losers)
            continue;
        for (unsigned disk = 0; disk < images->disks; disk++)
            memcpy(io_mem_bytes(sweep->check.disk[disk]),
                   lost & 1u << disk ? io_mem_bytes(run->mem[disk]) : written[disk], (size_t)images->disk_bytes[disk]);
        check_image(run, lost);
    }
    for (unsigned disk = 0; disk < images->disks; disk++)
        free(written[disk]);
}

void faults_hold(struct run *run, bool must_fail)
{
    struct sweep *sweep = run->sweep;

    sweep->met++;
    sweep->failures += run->status != SNAP_OK;
    if (must_fail && run->status == SNAP_OK)
        faults_broken(sweep, "it counts as done in spite of it");
    if (run->status != SNAP_OK && (run->err.status != run->status || run->err.text[0] == '\0'))
        faults_broken(sweep, "status %d, but the error has status %d and the text \"%s\"", (int)run->status,
                      (int)run->err.status, run->err.text);
    if (flush_failed && writes(run) != writes_then)
        faults_broken(sweep, "a write or flush after a failed flush");
    if (bad_any(sweep->workload) && run->status == SNAP_OK)
        hold_bad(run);
    check_powers(run);
}
