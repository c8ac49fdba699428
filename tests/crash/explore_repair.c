/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The crash explorer and fault sweep of repairs: the store and the file of old bytes, the repair and the way back. */
#include "tests/crash/drive.h"
#include "tests/crash/repair_state.h"
#include "tests/crash/states.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"
#include "tests/support/io_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COW, OLD, DISKS };

struct form {
    uint64_t choices_max, samples;
    uint64_t second_every, seconds_max; /* each so many-th state is the start of a second run, which is explored, too */
};

static const struct form quick = {.choices_max = 256, .samples = 10, .second_every = 13, .seconds_max = 6};
static const struct form thorough = {.choices_max = 4096, .samples = 60, .second_every = 31, .seconds_max = 20};

struct counts {
    uint64_t states, faults, seconds;
};

/* One run on recorded devices: a repair, or the way back of one. */
struct run {
    struct repair_case *round;
    const struct form *form;
    struct counts *counts;
    const uint8_t *start;        /* the store at its beginning; of a way back, at the beginning of the repair */
    const struct repair_plan *plan;
    bool back, second;
    bool saved;                  /* the file is durable */
    struct recorder *recorder;
    struct states *states;
    uint8_t *work[DISKS];
    struct snap_io *io[DISKS];
    char operation[64];
};

static bool run_recorded(struct run *run);

/* A state from which the command is given again, and that run is cut short as well. */
static bool crash_again(const struct run *run, const uint8_t *bytes)
{
    uint8_t *start = test_calloc(1, (size_t)run->round->store.cow_bytes);
    struct snap_io *io = repair_case_device(run->round, bytes);
    struct repair_plan plan;
    struct run again = {
        .round = run->round, .form = run->form, .counts = run->counts, .start = start, .plan = &plan, .second = true};
    bool right = repair_plan_new(run->round, io, &plan);

    memcpy(start, bytes, (size_t)run->round->store.cow_bytes);
    run->counts->seconds++;
    if (right && plan.repair.edits.count > 0)
        right = run_recorded(&again);
    repair_plan_free(&plan);
    (void)snap_io_close(io, NULL);
    free(start);
    return right;
}

static bool look(void *context)
{
    struct run *run = context;
    struct repair_case *round = run->round;

    run->counts->states++;
    if (!repair_state_is_right(round, run->work[COW]) ||
        !repair_state_comes_back(round, run->work[COW], run->start, run->work[OLD], run->plan->file_bytes, run->saved))
        return false;
    return run->second || run->counts->seconds >= run->form->seconds_max ||
           run->counts->states % run->form->second_every != 0 || crash_again(run, run->work[COW]);
}

static void on_operation(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    static const char *const names[] = {"cow", "old bytes"}, *const verbs[] = {"read", "write", "flush"};
    struct run *run = context;
    uint64_t tried;

    (void)recorder;
    if (operation->kind == RECORD_READ || run->round->problem[0] != '\0')
        return;
    (void)states_explore(run->states, run->saved, &tried);
    (void)snprintf(run->operation, sizeof run->operation, "before %s %s %" PRIu64, names[operation->disk],
                   verbs[operation->kind], operation->offset_bytes);
    if (operation->kind == RECORD_FLUSH)
        states_flushed(run->states, operation->disk);
}

/* The old bytes are durable before the first write to the store. */
static enum snap_status save(struct run *run, struct snap_error *err)
{
    enum snap_status status =
        snap_io_write(run->io[OLD], 0, run->plan->padded_bytes, run->plan->file, err);

    if (status == SNAP_OK)
        status = snap_io_flush(run->io[OLD], err);
    run->saved = status == SNAP_OK;
    return status;
}

static enum snap_status carry_out(struct run *run, struct snap_error *err)
{
    enum snap_status status;

    if (run->back)
        return repair_case_put_back(run->round, run->plan->file, run->plan->file_bytes, run->io[COW], err);
    status = save(run, err);
    return status == SNAP_OK ? repair_plan_apply(run->plan, run->io[COW], err) : status;
}

/* Whether the run has left all that it should, durably. */
static bool is_done(struct run *run)
{
    const struct repair_case *round = run->round;

    record_image(&recorder_state(run->recorder)->disks[COW], NULL, run->work[COW]);
    return run->second ||
           memcmp(run->work[COW], run->back ? run->start : round->after, (size_t)round->store.cow_bytes) == 0 ||
           repair_broken(run->round, "at the end not all is durable");
}

static bool run_recorded(struct run *run)
{
    struct repair_case *round = run->round;
    const uint64_t cow_bytes = round->store.cow_bytes, old_bytes = run->plan->padded_bytes;
    struct state_set *seen = state_set_new();
    struct states_options options = {
        .disks = DISKS,
        .choices_max = run->form->choices_max,
        .samples = run->form->samples,
        .unit_sectors = {round->store.block_bytes / 512, 1},
    };
    struct snap_error err = {.text = ""};
    uint64_t tried;

    run->saved = run->back;
    run->recorder = recorder_new();
    run->io[COW] = io_record_new(run->recorder, "cow", run->back ? round->after : run->start, cow_bytes,
                                 round->store.block_bytes, true);
    run->io[COW] = repair_case_with_bad(round, run->io[COW]);
    run->io[OLD] = io_record_new(run->recorder, "old bytes", run->back ? run->plan->file : NULL, old_bytes, 512, true);
    options.work[COW] = run->work[COW] = test_calloc(1, (size_t)cow_bytes);
    options.work[OLD] = run->work[OLD] = test_calloc(1, (size_t)old_bytes);
    run->states = states_new(run->recorder, &options, seen, look, run);
    recorder_on_operation(run->recorder, on_operation, run);
    if (carry_out(run, &err) != SNAP_OK)
        (void)repair_broken(round, "a run without a fault fails: %s", err.text);
    recorder_on_operation(run->recorder, NULL, NULL);
    if (round->problem[0] == '\0' && states_explore(run->states, run->saved, &tried))
        (void)is_done(run);
    states_free(run->states);
    for (int disk = 0; disk < DISKS; disk++) {
        (void)snap_io_close(run->io[disk], NULL);
        free(run->work[disk]);
    }
    recorder_free(run->recorder);
    state_set_free(seen);
    return round->problem[0] == '\0';
}

/*
 * ---- faults ----------------------------------------------------------------------------------------------------
 */

/* False behind the last operation of this kind; the problem says whether that was right. */
static bool run_fault(struct run *run, const struct io_fault *fault)
{
    struct repair_case *round = run->round;
    struct snap_io *memory = io_mem_new("cow", round->store.cow_bytes, round->store.block_bytes, true);
    struct snap_io *io = io_fault_new(memory, io_mem_drop_unflushed);
    struct snap_error err = {.text = ""};
    enum snap_status status;
    uint64_t hits;

    memcpy(io_mem_bytes(memory), run->back ? round->after : run->start, (size_t)round->store.cow_bytes);
    io_fault_add(io, fault);
    run->io[COW] = repair_case_with_bad(round, io);
    status = run->back ? repair_case_put_back(round, run->plan->file, run->plan->file_bytes, run->io[COW], &err)
                       : repair_plan_apply(run->plan, run->io[COW], &err);
    hits = io_fault_hits(io);
    run->counts->faults += hits > 0;
    if ((status == SNAP_OK) != (hits == 0) && fault->kind != IO_FAULT_READ)
        (void)repair_broken(round, "the run ends with %d", status);
    else if (hits > 0 && fault->kind == IO_FAULT_FLUSH && io_fault_count(io, IO_FAULT_FLUSH) > fault->at + 1)
        (void)repair_broken(round, "a flush after a flush that failed");
    else if (repair_state_is_right(round, io_mem_bytes(memory)))
        (void)repair_state_comes_back(round, io_mem_bytes(memory), run->start, run->plan->file, run->plan->file_bytes,
                                      true);
    (void)snap_io_close(run->io[COW], NULL);
    return hits > 0 && round->problem[0] == '\0';
}

/* Each write, flush and read fails in turn, once or from then on. */
static bool sweep(struct run *run)
{
    static const struct io_fault faults[] = {
        {.kind = IO_FAULT_WRITE},
        {.kind = IO_FAULT_WRITE, .sys_errno = ENOSPC, .from_then_on = true},
        {.kind = IO_FAULT_WRITE, .partial = true, .partial_sectors = 1},
        {.kind = IO_FAULT_FLUSH},
        {.kind = IO_FAULT_FLUSH, .sys_errno = ENOSPC},
        {.kind = IO_FAULT_READ},
    };

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct io_fault fault = faults[i];

        while (run_fault(run, &fault))
            fault.at++;
        if (run->round->problem[0] != '\0') {
            (void)snprintf(run->operation, sizeof run->operation, "%s %" PRIu64 " fails",
                           fault.kind == IO_FAULT_READ ? "read" : fault.kind == IO_FAULT_WRITE ? "write" : "flush",
                           fault.at);
            return false;
        }
    }
    return true;
}

/*
 * ---- rows ------------------------------------------------------------------------------------------------------
 */

/* One test point. */
static bool explore(const struct repair_row *row, const struct form *form, unsigned number)
{
    struct repair_case round;
    struct counts counts = {.states = 0};
    struct repair_plan plan = {.file = NULL};
    struct run run = {.round = &round, .form = form, .counts = &counts, .plan = &plan, .operation = "undisturbed"};
    bool right = repair_case_new(&round, row);
    struct snap_io *io = right ? repair_case_device(&round, round.store.cow) : NULL;

    run.start = round.store.cow;
    right = right && repair_plan_new(&round, io, &plan);
    for (int back = 0; back < 2 && right && !round.stays; back++) {
        run.back = back;
        right = run_recorded(&run) && sweep(&run);
    }
    if (right && round.stays)
        printf("ok %u - %s: nothing of it can be mended in place\n", number, row->name);
    else if (right)
        printf("ok %u - %s: %zu writes, %" PRIu64 " states, %" PRIu64 " second crashes, %" PRIu64
               " faults, all right\n",
               number, row->name, plan.repair.edits.count, counts.states, counts.seconds, counts.faults);
    else
        printf("not ok %u - %s: broken promise\n# %s%s: %s\n", number, row->name, run.back ? "the way back, " : "",
               run.operation, round.problem);
    (void)fflush(stdout);
    repair_plan_free(&plan);
    if (io)
        (void)snap_io_close(io, NULL);
    repair_case_free(&round);
    return right;
}

static bool wanted(const char *name, int argc, char **argv)
{
    bool any_name = false;

    for (int i = 1; i < argc; i++) {
        any_name = any_name || argv[i][0] != '-';
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return !any_name;
}

static int help(void)
{
    printf("usage: explore-repair [--long] [ROW]...\n\n"
           "Mends damaged stores, and takes that back, on recorded devices: the store and the file of old bytes.\n"
           "Before each write and flush, and at the end, it looks at what a power failure may leave: of each unit\n"
           "written since its device's last flush, the durable version or any later one. Up to %" PRIu64 " choices\n"
           "are all tried, of more some. In each such state each chunk of the snapshot is as before or as afterwards,\n"
           "a rerun ends in the same place, and the old bytes come back. Some are the start of a run that is cut\n"
           "short as well. Then each operation fails in turn.\n\n"
           "--long tries up to %" PRIu64 " choices, and more rows, damaged at random.\n",
           quick.choices_max, thorough.choices_max);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    const struct form *form = &quick;
    size_t count;
    const struct repair_row *rows = repair_rows(&count);
    struct repair_row made;
    char name[32];
    unsigned number = 0;
    bool all_right = true;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            return help();
        if (strcmp(argv[i], "--long") == 0)
            form = &thorough;
    }
    drive_keep_memory();
    for (size_t i = 0; i < count; i++)
        if (wanted(rows[i].name, argc, argv))
            all_right = explore(&rows[i], form, ++number) && all_right;
    for (size_t i = 0; form == &thorough && repair_row_made(i, &made, name, sizeof name); i++)
        if (wanted(name, argc, argv))
            all_right = explore(&made, form, ++number) && all_right;
    if (number == 0)
        return 2;
    printf("1..%u\n", number);
    return fflush(stdout) == 0 && all_right ? EXIT_SUCCESS : EXIT_FAILURE;
}
