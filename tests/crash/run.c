/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run: recorder below, faults above it, guard on top; the exploration sits in the recorder's callback. */
#include "run.h"

#include "drive.h"
#include "guard.h"
#include "io_fault.h"
#include "io_mem.h"
#include "judge.h"
#include "states.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXHAUSTIVE_CHOICES (UINT64_C(1) << 16) /* every subset of 16 sectors */

/* What all runs of a workload share. */
struct campaign {
    const struct workload *workload;
    const struct run_form *form;
    struct images images;
    struct judge judge;
    struct seen *seen;
    struct run_counts *counts;
    char *problem; /* empty: all is well */
    size_t problem_bytes;
};

/* One run, from the start or from a crash image. */
struct run {
    struct campaign *campaign;
    bool second;              /* starts with a crash image */
    enum workload_event event;
    uint64_t at;
    bool again;               /* it has gone wrong: the second merge, which nothing disturbs */
    struct recorder *recorder;
    struct guard guard;
    struct snap_io *origin, *cow;       /* guarded */
    struct snap_io *faulty[2];          /* below the guard */
    struct drive_report report;         /* of the present merge */
    struct states *states;
    uint64_t operations;
    uint64_t committed;                 /* entries that are left for certain */
    uint64_t entries_left;              /* as the merge reports it */
    uint64_t entries_at_start;          /* of the present merge */
    uint64_t compare_from;              /* keep_cow: the checkpoint of the present merge */
    atomic_uint_fast64_t polls;
    char operation[96];                 /* the latest */
};

static void broken(const struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void broken(const struct run *run, const char *format, ...)
{
    static const char *const events[] = {"no event", "killed", "stopped", "origin write fails", "origin flush fails",
                                         "COW read fails", "COW write fails", "COW flush fails",
                                         "origin read fails", "list changes"};
    struct campaign *campaign = run->campaign;
    char text[800];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (campaign->problem[0] == '\0')
        (void)snprintf(campaign->problem, campaign->problem_bytes, "%s at %" PRIu64 "%s, %" PRIu64 " operations, %s: %s",
                       events[run->event], run->at, run->second ? ", second crash" : "", run->operations,
                       run->operation, text);
}

static void run_recorded(struct campaign *campaign, const uint8_t *origin, const uint8_t *cow, bool second,
                         uint64_t at, bool *hit);

/* Some crash images are the start of a run of their own. */
static void crash_again(struct run *run, const uint8_t *origin, const uint8_t *cow)
{
    struct campaign *campaign = run->campaign;
    bool hit;

    campaign->counts->second_crashes++;
    run_recorded(campaign, origin, cow, true, 0, &hit);
}

static bool look(void *context)
{
    struct run *run = context;
    struct campaign *campaign = run->campaign;
    const uint8_t *origin = io_mem_bytes(campaign->judge.origin), *cow = io_mem_bytes(campaign->judge.cow);
    const struct run_form *form = campaign->form;
    bool again = !run->second && run->event == EVENT_NONE && form->second_every > 0 &&
                 seen_count(campaign->seen) % form->second_every == 0 &&
                 campaign->counts->second_crashes < form->seconds_max;
    uint8_t *kept = NULL;

    if (again) {
        kept = test_calloc(1, (size_t)(campaign->images.origin_bytes + campaign->images.cow_bytes));
        memcpy(kept, origin, (size_t)campaign->images.origin_bytes);
        memcpy(kept + campaign->images.origin_bytes, cow, (size_t)campaign->images.cow_bytes);
    }
    if (!judge_state(&campaign->judge, run->committed))
        broken(run, "%s", campaign->judge.problem);
    else if (again)
        crash_again(run, kept, kept + campaign->images.origin_bytes);
    free(kept);
    return campaign->problem[0] == '\0';
}

static void explore(struct run *run)
{
    if (run->campaign->problem[0] == '\0')
        (void)states_explore(run->states, run->committed, &run->campaign->counts->choices);
}

/* Right before each operation. */
static void on_operation(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    static const char *const verbs[] = {"read", "write", "flush"};
    struct run *run = context;

    (void)recorder;
    if (operation->kind == RECORD_READ || run->campaign->problem[0] != '\0')
        return;
    /* A second merge takes what the devices show for its start: that is a report only once it has committed more. */
    if (run->entries_left < run->entries_at_start && run->entries_left < run->committed)
        run->committed = run->entries_left;
    if (run->campaign->workload->keep_cow && operation->disk == 1)
        broken(run, "a COW that is kept is written to or flushed");
    explore(run);
    run->operations++;
    run->campaign->counts->operations++;
    (void)snprintf(run->operation, sizeof run->operation, "%s %s %" PRIu64 " %" PRIu64,
                   operation->disk == 0 ? "origin" : "cow", verbs[operation->kind], operation->offset_bytes,
                   operation->length_bytes);
    if (!run->again && (run->event == EVENT_ORIGIN_FLUSH || run->event == EVENT_COW_FLUSH) &&
        io_fault_hits(run->faulty[0]) + io_fault_hits(run->faulty[1]) > 0)
        broken(run, "a write or flush after a failed flush");
    if (operation->kind == RECORD_FLUSH)
        states_flushed(run->states, operation->disk);
}

static bool stop_at(void *context)
{
    struct run *run = context;

    return !run->again && atomic_fetch_add(&run->polls, 1) >= run->at;
}

static void add_fault(struct run *run)
{
    struct io_fault fault = {.at = run->at};
    unsigned disk = run->event == EVENT_ORIGIN_WRITE || run->event == EVENT_ORIGIN_FLUSH ||
                            run->event == EVENT_ORIGIN_READ ? 0 : 1;

    switch (run->event) {
    case EVENT_ORIGIN_WRITE:
    case EVENT_COW_WRITE:
        fault.kind = IO_FAULT_WRITE;
        fault.at = run->at / 2; /* each write twice: nothing of it arrives, or its first sector */
        fault.partial = true;
        fault.partial_sectors = run->at % 2;
        break;
    case EVENT_ORIGIN_FLUSH:
    case EVENT_COW_FLUSH:
        fault.kind = IO_FAULT_FLUSH;
        break;
    case EVENT_COW_READ:
    case EVENT_ORIGIN_READ:
        fault.kind = IO_FAULT_READ;
        break;
    default:
        return;
    }
    io_fault_add(run->faulty[disk], &fault);
}

static void set_up(struct run *run, const uint8_t *origin, const uint8_t *cow)
{
    struct campaign *campaign = run->campaign;
    const uint32_t block_bytes = campaign->judge.cow->logical_block_bytes;
    const struct states_options options = {
        .disks = 2,
        .choices_max = run->second                      ? campaign->form->second_choices_max
                       : campaign->workload->exhaustive ? EXHAUSTIVE_CHOICES
                                                        : campaign->form->choices_max,
        .samples = campaign->workload->samples ? campaign->workload->samples : campaign->form->samples,
        .unit_sectors = {1, block_bytes / SNAP_SECTOR_BYTES},
        .work = {io_mem_bytes(campaign->judge.origin), io_mem_bytes(campaign->judge.cow)},
    };

    run->recorder = recorder_new();
    run->faulty[0] = io_fault_new(io_record_new(run->recorder, "origin", origin, campaign->images.origin_bytes,
                                                SNAP_SECTOR_BYTES, true), io_record_drop_unflushed);
    run->faulty[1] = io_fault_new(io_record_new(run->recorder, "cow", cow, campaign->images.cow_bytes, block_bytes,
                                                true), io_record_drop_unflushed);
    guard_init(&run->guard);
    run->guard.mortal = run->event == EVENT_KILL;
    run->guard.steps_left = run->at;
    run->origin = guard_new(&run->guard, run->faulty[0]);
    run->cow = guard_new(&run->guard, run->faulty[1]);
    run->states = states_new(run->recorder, &options, campaign->seen, look, run);
    run->committed = UINT64_MAX;
    add_fault(run);
    recorder_on_operation(run->recorder, on_operation, run);
}

static void tear_down(struct run *run)
{
    recorder_on_operation(run->recorder, NULL, NULL);
    states_free(run->states);
    (void)snap_io_close(run->origin, NULL);
    (void)snap_io_close(run->cow, NULL);
    guard_destroy(&run->guard);
    recorder_free(run->recorder);
}

/* All checks are done: from here on the merge says what is left. */
static void note_start(void *context)
{
    struct run *run = context;

    run->entries_left = run->entries_at_start = run->report.job.entries;
}

/* The side file is durable when this returns; before, any older one may be there. */
static enum snap_status note_checkpoint(void *context, uint64_t merged_from, struct snap_error *err)
{
    struct run *run = context;

    (void)err;
    run->committed = run->compare_from = merged_from;
    explore(run);
    return SNAP_OK;
}

static enum snap_status merge_once(struct run *run, struct snap_error *err)
{
    const struct drive_report *report = &run->report;
    const struct workload *workload = run->campaign->workload;
    const struct drive_options options = {
        .window_entries_max = workload->window_entries_max,
        .load_entries_max = workload->load_entries_max,
        .read_ahead = workload->read_ahead,
        .keep_cow = workload->keep_cow,
        .compare_from = run->compare_from,
        .checkpoint = note_checkpoint,
        .checkpoint_context = run,
        .stop = run->event == EVENT_STOP ? stop_at : NULL,
        .stop_context = run,
        .before_merge = note_start,
        .before_merge_context = run,
        .entries_left = &run->entries_left,
    };
    enum snap_status status;

    run->entries_left = run->entries_at_start = 0; /* nothing is said before note_start */
    status = drive_merge(run->origin, run->cow, &options, &run->report, err);
    if (report->merging && (status == SNAP_OK || report->result.entries_left < report->job.entries))
        run->committed = report->result.entries_left;
    return status;
}

/* How the merge must end, given what was done to it. */
static void hold_status(struct run *run, enum snap_status status, bool hit, const struct snap_error *err)
{
    if (!hit && status != SNAP_OK)
        broken(run, "the merge failed: %s", err->text);
    else if (hit && run->event == EVENT_ORIGIN_READ && status != SNAP_OK)
        broken(run, "what cannot be compared is not written: %s", err->text);
    else if (hit && status == SNAP_OK && run->event != EVENT_ORIGIN_READ &&
             run->event != EVENT_COW_READ && /* what is read ahead need not be needed */
             run->event != EVENT_COW_WRITE)  /* nor what clears areas that nobody reaches: the states tell */
        broken(run, "the merge counts as done in spite of it");
    else if (hit && run->event == EVENT_STOP && status != SNAP_E_STOPPED)
        broken(run, "a stop that ends with: %s", err->text);
}

static void run_recorded(struct campaign *campaign, const uint8_t *origin, const uint8_t *cow, bool second,
                         uint64_t at, bool *hit)
{
    struct run run = {.campaign = campaign, .second = second, .at = at, .operation = "nothing yet",
                      .event = second ? EVENT_NONE : campaign->workload->event,
                      .compare_from = second ? 0 : campaign->workload->compare_from};
    struct snap_error err = {0};
    enum snap_status status;

    campaign->counts->runs++;
    set_up(&run, origin, cow);
    status = merge_once(&run, &err);
    *hit = run.guard.dead || io_fault_hits(run.faulty[0]) + io_fault_hits(run.faulty[1]) > 0 ||
           (run.event == EVENT_STOP && atomic_load(&run.polls) > at);
    hold_status(&run, status, *hit, &err);
    explore(&run);
    if (*hit) { /* the power stays on, and somebody tries again */
        run.again = true;
        run.guard.mortal = run.guard.dead = false;
        io_fault_clear(run.faulty[0]);
        io_fault_clear(run.faulty[1]);
        run.compare_from = at % 2 ? run.compare_from : 0; /* the file is there, or was lost */
        status = merge_once(&run, &err);
        hold_status(&run, status, false, &err);
        explore(&run);
    }
    tear_down(&run);
}

/* How a run without a crash leaves the COW. */
static void run_undisturbed(struct campaign *campaign)
{
    struct judge *judge = &campaign->judge;
    struct run run = {.campaign = campaign, .operation = "undisturbed"};

    memcpy(io_mem_bytes(judge->origin), campaign->images.origin, (size_t)campaign->images.origin_bytes);
    memcpy(io_mem_bytes(judge->cow), campaign->images.cow, (size_t)campaign->images.cow_bytes);
    if (!judge_state(judge, UINT64_MAX))
        broken(&run, "%s", judge->problem);
    judge->undisturbed_cow = test_calloc(1, (size_t)campaign->images.cow_bytes);
    memcpy(judge->undisturbed_cow, io_mem_bytes(judge->cow), (size_t)campaign->images.cow_bytes);
}

#define TAMPERED_INDEX 10u

/* Somebody makes an old lie beyond the origin, behind the merge's back. */
static void tamper(void *context)
{
    struct campaign *campaign = context;

    memset(io_mem_bytes(campaign->judge.cow) + campaign->images.chunk_bytes + (size_t)TAMPERED_INDEX * 16, 0x77, 7);
}

static void run_tampered(struct campaign *campaign)
{
    struct judge *judge = &campaign->judge;
    struct run run = {.campaign = campaign, .event = EVENT_TAMPER, .operation = "tampered"};
    const struct drive_options options = {.window_entries_max = campaign->workload->window_entries_max,
                                          .before_merge = tamper, .before_merge_context = campaign};
    struct drive_report report;
    struct snap_error err = {0};
    enum snap_status status;

    memcpy(io_mem_bytes(judge->origin), campaign->images.origin, (size_t)campaign->images.origin_bytes);
    memcpy(io_mem_bytes(judge->cow), campaign->images.cow, (size_t)campaign->images.cow_bytes);
    status = drive_merge(judge->origin, judge->cow, &options, &report, &err);
    campaign->counts->runs++;
    if (status != SNAP_E_CORRUPT)
        broken(&run, "expected a refusal, got status %d: %s", (int)status, err.text);
    else if (report.result.entries_left <= TAMPERED_INDEX)
        broken(&run, "the changed entry is gone: %" PRIu64 " entries left", report.result.entries_left);
}

bool run_workload(const struct workload *workload, const struct run_form *form, struct run_counts *counts,
                  char *problem, size_t problem_bytes)
{
    struct campaign campaign = {.workload = workload, .form = form, .counts = counts, .problem = problem,
                                .problem_bytes = problem_bytes};
    bool hit = true;

    memset(counts, 0, sizeof *counts);
    problem[0] = '\0';
    images_make(workload, &campaign.images);
    judge_init(&campaign.judge, workload, &campaign.images);
    campaign.seen = seen_new();
    run_undisturbed(&campaign);
    if (workload->event == EVENT_TAMPER)
        run_tampered(&campaign);
    for (uint64_t at = 0; workload->event != EVENT_TAMPER && hit && problem[0] == '\0'; at++) {
        run_recorded(&campaign, campaign.images.origin, campaign.images.cow, false, at, &hit);
        hit = hit && workload->event != EVENT_NONE;
    }
    counts->states = seen_count(campaign.seen);
    counts->cut_lists = campaign.judge.cut_lists;
    counts->leftovers = campaign.judge.leftovers;
    seen_free(campaign.seen);
    judge_free(&campaign.judge);
    images_free(&campaign.images);
    return problem[0] == '\0';
}
