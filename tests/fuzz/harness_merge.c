/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: a merge keeps every view at every moment, whatever fails, stops or is lost; and it can be gone on with. */
#include "tests/fuzz/merge_case.h"
#include "tests/fuzz/power.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct fuzz_harness fuzz_harness = {.name = "merge", .takes_stores = true};

static const char *const names[MERGE_DISKS_MAX] = {"origin", "cow", "sibling", "other sibling"};

struct run {
    const struct merge_case *merge;
    struct recorder *recorder;
    struct power power;
    struct snap_io *io[MERGE_DISKS_MAX];
    uint64_t asked;             /* how often the stop flag was looked at */
    uint64_t now_ns;
    uint8_t *image[MERGE_DISKS_MAX];
};

/* Time passes with each look at the clock, and no sleep takes any. */
static uint64_t tell_time(void *context)
{
    struct run *run = context;

    return run->now_ns += 1000000;
}

static void sleep_at_once(void *context, uint64_t duration_ns)
{
    struct run *run = context;

    run->now_ns += duration_ns;
}

static bool stop(void *context)
{
    struct run *run = context;

    return ++run->asked >= run->merge->stop_at && run->merge->stop_at != 0;
}

static void add_faults(const struct run *run)
{
    const struct merge_case *merge = run->merge;

    for (unsigned i = 0; i < merge->faults; i++) {
        const struct merge_fault *fault = &merge->fault[i];
        const struct io_fault added = {
            .kind = fault->kind == MERGE_WRITE_ORIGIN ? IO_FAULT_WRITE : IO_FAULT_READ,
            .from_then_on = true,
            .offset_bytes = fault->sector * 512,
            .length_bytes = fault->sectors * 512,
            .partial = i % 2 == 1,
            .partial_sectors = 1,
        };

        io_fault_add(run->io[fault->kind == MERGE_READ_COW ? 1 : 0], &added);
    }
    if (merge->fails_at > 0) {
        const struct io_fault added = {.kind = merge->flush_fails ? IO_FAULT_FLUSH : IO_FAULT_WRITE,
                                       .at = merge->fails_at - 1, .partial = true,
                                       .partial_sectors = merge->fails_at % 3};

        io_fault_add(run->io[merge->failing_disk], &added);
    }
}

/*
 * Whether a write or flush failed that must end the merge. With continue_on_error a write is tried again; and zeros
 * that do not arrive behind the end of the list do no harm.
 */
static bool matters(const struct run *run)
{
    const struct merge_case *merge = run->merge;

    return merge->fails_at > 0 && merge->faults == 0 && io_fault_hits(run->io[merge->failing_disk]) > 0 &&
           (merge->flush_fails || (merge->failing_disk != 1 && !merge->options.continue_on_error));
}

static void open_disks(struct run *run)
{
    const struct merge_case *merge = run->merge;

    run->recorder = recorder_new();
    for (unsigned i = 0; i < merge->disks; i++) {
        const struct merge_disk *disk = &merge->disk[i];

        run->io[i] = io_fault_new(io_record_new(run->recorder, names[i], disk->bytes, disk->size_bytes, 512, true),
                                  io_record_drop_unflushed);
        run->image[i] = fuzz_calloc(1, (size_t)disk->size_bytes);
    }
    power_watch(&run->power, run->recorder, merge->seed);
}

static void close_disks(struct run *run)
{
    power_free(&run->power);
    for (unsigned i = 0; i < run->merge->disks; i++) {
        (void)snap_io_close(run->io[i], NULL);
        free(run->image[i]);
    }
    recorder_free(run->recorder);
}

/* A second run, on what the disks hold now, without anything that goes wrong. */
static void go_on(struct run *run, const char *when)
{
    const struct merge_case *merge = run->merge;
    const struct drive_options options = {.has_copies = true,
                                          .keep_cow = merge->options.keep_cow,
                                          .compare_from = merge->options.compare_from};
    struct snap_io *io[MERGE_DISKS_MAX];
    uint8_t *bytes[MERGE_DISKS_MAX];
    struct snap_error err = {.text = ""};
    struct drive_report report;
    enum snap_status status;

    for (unsigned i = 0; i < merge->disks; i++) {
        io[i] = io_mem_new(names[i], merge->disk[i].size_bytes, 512, true);
        bytes[i] = io_mem_bytes(io[i]);
        if (merge->disk[i].size_bytes > 0)
            memcpy(bytes[i], run->image[i], (size_t)merge->disk[i].size_bytes);
    }
    status = drive_merge_of(io, merge->disks, 1, &options, &report, &err);
    FUZZ_PROMISE(status == SNAP_OK || (status == SNAP_E_REFUSED && merge->leftovers),
                 "%s, merging again ends with %d: %s", when, status, err.text);
    if (status == SNAP_OK)
        merge_case_judge_end(merge, bytes, false, when);
    for (unsigned i = 0; i < merge->disks; i++)
        (void)snap_io_close(io[i], NULL);
}

/* What the disks hold after each of the power cuts; the merge goes on from there. */
static void judge_cuts(struct run *run)
{
    for (unsigned cut = 0; cut < POWER_CUTS && run->power.cut[cut]; cut++) {
        for (unsigned i = 0; i < run->merge->disks; i++)
            power_image(&run->power, run->power.cut[cut], i, run->image[i]);
        merge_case_judge(run->merge, run->image, "after a power cut");
        go_on(run, "after a power cut");
    }
}

/* The end of the run: with the power on, and after a power cut at that moment. */
static void judge_end(struct run *run, enum snap_status status, const struct drive_report *report)
{
    const struct merge_case *merge = run->merge;
    const bool complete = status == SNAP_OK;
    /* Which entries are bad is known, unless a write failed just this once. */
    const bool known = merge->fails_at == 0 || merge->flush_fails || !merge->options.continue_on_error;

    for (unsigned lost = 0; lost < 2; lost++) {
        const char *when = complete ? "after the merge" : "after a merge that ended early";

        for (unsigned i = 0; i < merge->disks; i++) {
            if (lost)
                power_image(&run->power, recorder_state(run->recorder), i, run->image[i]);
            else
                power_image_now(recorder_state(run->recorder), i, run->image[i]);
        }
        if (complete && known)
            merge_case_judge_end(merge, run->image, true, when);
        else
            merge_case_judge(merge, run->image, when);
        go_on(run, when);
    }
    if (complete && known && merge->options.continue_on_error)
        FUZZ_PROMISE(report->result.bad_entries == merge->bad_entries,
                     "%" PRIu64 " bad entries, expected %" PRIu64, report->result.bad_entries, merge->bad_entries);
}

/* A merge that did not begin has written nothing, and has a reason. */
static void judge_refusal(const struct run *run, enum snap_status status, const struct snap_error *err)
{
    const struct merge_case *merge = run->merge;
    const struct record_operation *log;
    size_t count;

    log = recorder_log(run->recorder, &count);
    for (size_t i = 0; i < count; i++)
        FUZZ_PROMISE(log[i].kind == RECORD_READ, "refused (%d: %s), but %s was written to", status, err->text,
                     names[log[i].disk]);
    FUZZ_PROMISE(merge->damaged || merge->disk[0].size_bytes == 0 || merge->may_refuse || merge->faults > 0,
                 "refused: %d: %s", status, err->text);
    FUZZ_PROMISE(err->text[0], "refused without a word");
}

static void run_merge(struct run *run)
{
    const struct merge_case *merge = run->merge;
    const struct snap_clock clock = {tell_time, sleep_at_once, run};
    struct drive_options options = merge->options;
    struct snap_error err = {.text = ""};
    struct drive_report report;
    enum snap_status status;

    options.has_copies = true;
    options.clock = &clock;
    options.stop = stop;
    options.stop_context = run;
    status = drive_merge_of(run->io, merge->disks, 1, &options, &report, &err);
    if (!report.merging) {
        FUZZ_PROMISE(status != SNAP_OK, "not begun, but complete");
        judge_refusal(run, status, &err);
        return;
    }
    FUZZ_PROMISE(!merge->damaged, "a damaged store is merged");
    FUZZ_PROMISE(merge->disk[0].size_bytes > 0, "a store is merged into nothing");
    FUZZ_PROMISE(status == SNAP_OK || status == SNAP_E_STOPPED || merge->fails_at > 0 ||
                     (merge->faults > 0 && !merge->options.continue_on_error),
                 "the merge ends with %d: %s", status, err.text);
    FUZZ_PROMISE(status != SNAP_E_STOPPED || merge->stop_at > 0, "stopped by nobody");
    FUZZ_PROMISE(status != SNAP_OK || !matters(run), "a failed write or flush was overlooked");
    judge_end(run, status, &report);
    judge_cuts(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct merge_case merge;
    struct run run = {.merge = &merge};

    merge_case_take(&merge, &input);
    open_disks(&run);
    add_faults(&run);
    run_merge(&run);
    close_disks(&run);
    merge_case_free(&merge);
    return 0;
}
