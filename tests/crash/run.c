/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run: recorder below, faults above it, guard on top; the exploration sits in the recorder's callback. */
#include "lib/base/bytes.h"
#include "tests/crash/run_internal.h"

#include "tests/crash/altered_write.h"
#include "tests/crash/bad.h"
#include "tests/crash/prepare.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const uint64_t run_exhaustive_choices = UINT64_C(1) << 16; /* every subset of 16 sectors */

static void run_recorded(struct campaign *campaign, uint8_t *const *start, bool second, uint64_t at, bool *hit);

/* Some crash images are the start of a run of their own. */
static void crash_again(struct run *run, uint8_t *const *start)
{
    struct campaign *campaign = run->campaign;
    bool hit;

    campaign->counts->second_crashes++;
    run_recorded(campaign, start, true, 0, &hit);
}

static bool look(void *context)
{
    struct run *run = context;
    struct campaign *campaign = run->campaign;
    const struct images *images = &campaign->images;
    const struct run_form *form = campaign->form;
    bool again = !run->second && run->event == EVENT_NONE && form->second_every > 0 &&
                 state_set_count(campaign->seen) % form->second_every == 0 &&
                 campaign->counts->second_crashes < form->seconds_max;
    uint8_t *kept[WORKLOAD_DISKS_MAX] = {NULL};

    for (unsigned disk = 0; again && disk < images->disks; disk++) {
        kept[disk] = test_calloc(1, (size_t)images->disk_bytes[disk]);
        memcpy(kept[disk], io_mem_bytes(campaign->check.disk[disk]), (size_t)images->disk_bytes[disk]);
    }
    if (!state_check_image(&campaign->check, run->committed))
        run_broken(run, "%s", campaign->check.problem);
    else if (again)
        crash_again(run, kept);
    for (unsigned disk = 0; disk < images->disks; disk++)
        free(kept[disk]);
    return campaign->problem[0] == '\0';
}

static void explore(struct run *run)
{
    if (run->campaign->problem[0] == '\0')
        (void)states_explore(run->states, run->committed, &run->campaign->counts->choices);
}

/* What no run may do, whatever the states are. */
static void hold_operation(struct run *run, const struct record_operation *operation)
{
    if (run->campaign->workload->keep_cow && operation->disk == 1)
        run_broken(run, "a COW that is kept is written to or flushed");
    if (!run->again && run_fault_hits(run) > 0 &&
        (run->event == EVENT_ORIGIN_FLUSH || run->event == EVENT_COW_FLUSH || run->event == EVENT_SIBLING_FLUSH))
        run_broken(run, "a write or flush after a failed flush");
    if (operation->kind == RECORD_WRITE &&
        !state_check_may_write(&run->campaign->check, operation->disk, operation->offset_bytes,
                               operation->length_bytes))
        run_broken(run, "a write to what is none of the merge's business");
}

/* Right before each operation. */
static void on_operation(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    static const char *const verbs[] = {"read", "write", "flush"};
    static const char *const names[] = {"origin", "cow", "sibling", "sibling 2"};
    struct run *run = context;

    (void)recorder;
    if (operation->kind == RECORD_READ || run->campaign->problem[0] != '\0')
        return;
    /* A second merge takes what the devices show for its start: that is a report only once it has committed more. */
    if (run->entries_left < run->entries_at_start && run->entries_left < run->committed)
        run->committed = run->entries_left;
    explore(run);
    run->operations++;
    run->campaign->counts->operations++;
    (void)snprintf(run->operation, sizeof run->operation, "%s %s %" PRIu64 " %" PRIu64, names[operation->disk],
                   verbs[operation->kind], operation->offset_bytes, operation->length_bytes);
    hold_operation(run, operation);
    if (operation->kind == RECORD_FLUSH)
        states_flushed(run->states, operation->disk);
}

/* From the recorder up. */
static void set_up_disk(struct run *run, unsigned disk, const uint8_t *start, uint32_t block_bytes)
{
    static const char *const names[] = {"origin", "cow", "sibling", "sibling 2"};
    struct campaign *campaign = run->campaign;
    struct snap_io *io = io_record_new(run->recorder, names[disk], start, campaign->images.disk_bytes[disk],
                                       block_bytes, true);

    io = run->faulty[disk] = io_fault_new(io, io_record_drop_unflushed);
    if (disk < 2 && bad_any(campaign->workload)) {
        io = run->bad[disk] = io_fault_new(io, NULL);
        bad_add(campaign->workload, &campaign->images, disk, io);
    }
    if (disk == 0 && run->event == EVENT_LIE)
        io = run->altered = altered_write_new(io, run->at);
    run->io[disk] = guard_new(&run->guard, io);
}

static void set_up(struct run *run, uint8_t *const *start)
{
    struct campaign *campaign = run->campaign;
    const struct workload *workload = campaign->workload;
    const struct run_form *form = campaign->form;
    const bool alone = run->event == EVENT_NONE; /* else one of many runs */
    struct states_options options = {
        .disks = campaign->images.disks,
        .choices_max = run->second ? form->second_choices_max
                       : alone     ? form->choices_max
                                   : form->event_choices_max,
        .states_max = alone ? form->states_max : form->event_states_max,
        .samples = workload->samples ? workload->samples : form->samples,
    };

    if (workload->exhaustive && !run->second) {
        options.choices_max = run_exhaustive_choices;
        options.states_max = 0;
    }
    run->recorder = recorder_new();
    guard_init(&run->guard);
    run->guard.mortal = run->event == EVENT_KILL;
    run->guard.steps_left = run->at;
    for (unsigned disk = 0; disk < options.disks; disk++) {
        const uint32_t block_bytes = campaign->check.disk[disk]->logical_block_bytes;

        set_up_disk(run, disk, start[disk], block_bytes);
        options.unit_sectors[disk] = disk == 0 ? 1 : block_bytes / SNAP_SECTOR_BYTES;
        options.work[disk] = io_mem_bytes(campaign->check.disk[disk]);
    }
    run->states = states_new(run->recorder, &options, campaign->seen, look, run);
    run->committed = UINT64_MAX;
    run_add_faults(run);
    recorder_on_operation(run->recorder, on_operation, run);
}

static void tear_down(struct run *run)
{
    recorder_on_operation(run->recorder, NULL, NULL);
    states_free(run->states);
    for (unsigned disk = 0; disk < run->campaign->images.disks; disk++)
        (void)snap_io_close(run->io[disk], NULL);
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
    struct drive_options options = drive_options_of(run->campaign->workload);
    enum snap_status status;

    options.compare_from = run->compare_from;
    options.checkpoint = note_checkpoint;
    options.checkpoint_context = run;
    options.stop = run->event == EVENT_STOP ? run_stop : NULL;
    options.stop_context = run;
    options.before_merge = note_start;
    options.before_merge_context = run;
    options.entries_left = &run->entries_left;
    run->entries_left = run->entries_at_start = 0; /* nothing is said before note_start */
    status = drive_merge_of(run->io, run->campaign->images.disks, run->merged, &options, &run->report, err);
    if (report->merging && (status == SNAP_OK || report->result.entries_left < report->job.entries))
        run->committed = report->result.entries_left;
    return status;
}

static void run_recorded(struct campaign *campaign, uint8_t *const *start, bool second, uint64_t at, bool *hit)
{
    struct run run = {.campaign = campaign, .second = second, .at = at, .operation = "nothing yet",
                      .event = second ? EVENT_NONE : campaign->workload->event,
                      .merged = prepare_merged(campaign->workload),
                      .compare_from = second ? 0 : campaign->workload->compare_from};
    struct snap_error err = {0};
    enum snap_status status;

    campaign->counts->runs++;
    set_up(&run, start);
    status = merge_once(&run, &err);
    *hit = run_was_hit(&run);
    run_hold_status(&run, status, *hit, &err);
    explore(&run);
    if (*hit) { /* the power stays on, and somebody tries again */
        run.again = true;
        run.guard.mortal = run.guard.dead = false;
        for (unsigned disk = 0; disk < campaign->images.disks; disk++)
            io_fault_clear(run.faulty[disk]);
        if (run.altered)
            altered_write_end(run.altered);
        run.compare_from = at % 2 ? run.compare_from : 0; /* the file is there, or was lost */
        status = merge_once(&run, &err);
        run_hold_status(&run, status, false, &err);
        explore(&run);
    }
    tear_down(&run);
}

/* How a run without a crash leaves the COW. */
static void run_undisturbed(struct campaign *campaign)
{
    struct state_check *check = &campaign->check;
    const struct images *images = &campaign->images;
    struct run run = {.campaign = campaign, .operation = "undisturbed"};

    state_check_begin(check, 1, images->disk);
    for (unsigned disk = 0; disk < images->disks; disk++)
        memcpy(io_mem_bytes(check->disk[disk]), images->disk[disk], (size_t)images->disk_bytes[disk]);
    if (!state_check_image(check, UINT64_MAX))
        run_broken(&run, "%s", check->problem);
    check->undisturbed_cow = test_calloc(1, (size_t)images->cow_bytes);
    memcpy(check->undisturbed_cow, io_mem_bytes(check->cow), (size_t)images->cow_bytes);
}

/* A run that begins after a merge; false where the `at`-th chance for a kill of that does not come any more. */
static bool run_prepared(struct campaign *campaign, uint64_t at)
{
    const struct run run = {.campaign = campaign, .at = at, .event = campaign->workload->event,
                            .operation = "before the start"};
    uint8_t *start[WORKLOAD_DISKS_MAX] = {NULL};
    struct snap_error err = {0};
    bool killed, ignored;

    if (prepare_start(campaign->workload, &campaign->images, at, start, &killed, &err) != SNAP_OK) {
        run_broken(&run, "the merge failed: %s", err.text);
    } else {
        state_check_begin(&campaign->check, prepare_merged(campaign->workload), start);
        run_recorded(campaign, start, false, at, &ignored);
    }
    for (unsigned disk = 0; disk < campaign->images.disks; disk++)
        free(start[disk]);
    return killed;
}

/* One run with its event at its `at`-th chance; false where there is no such chance any more. */
static bool run_at(struct campaign *campaign, uint64_t at)
{
    const enum workload_event event = campaign->workload->event;
    bool hit;

    if (event == EVENT_TAKE_BACK || event == EVENT_REDO)
        return run_prepared(campaign, at);
    run_recorded(campaign, campaign->images.disk, false, at, &hit);
    return hit && event != EVENT_NONE;
}

bool run_workload(const struct workload *workload, const struct run_form *form, struct run_counts *counts,
                  char *problem, size_t problem_bytes)
{
    struct campaign campaign = {.workload = workload, .form = form, .counts = counts, .problem = problem,
                                .problem_bytes = problem_bytes};
    unsigned missed = 0, disks = 1; /* that an event goes round */

    memset(counts, 0, sizeof *counts);
    problem[0] = '\0';
    images_make(workload, &campaign.images);
    state_check_init(&campaign.check, workload, &campaign.images);
    campaign.seen = state_set_new();
    run_undisturbed(&campaign);
    if (workload->event == EVENT_TAMPER)
        run_tampered(&campaign);
    if (workload->event >= EVENT_SIBLING_READ && workload->event <= EVENT_SIBLING_FLUSH)
        disks = campaign.images.disks - 2;
    for (uint64_t at = 0; workload->event != EVENT_TAMPER && missed < disks && problem[0] == '\0'; at++)
        missed = run_at(&campaign, at) ? 0 : missed + 1;
    counts->states = state_set_count(campaign.seen);
    counts->cut_lists = campaign.check.cut_lists;
    counts->leftovers = campaign.check.leftovers;
    state_set_free(campaign.seen);
    state_check_free(&campaign.check);
    images_free(&campaign.images);
    return problem[0] == '\0';
}
