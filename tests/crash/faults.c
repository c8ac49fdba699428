/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fault sweep: each read, write, flush and allocation of a merge fails in turn; what is left is judged. TAP. */
#include "../unit/alloc_fixture.h"

#include "drive.h"
#include "io_fault.h"
#include "io_mem.h"
#include "judge.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* A fault, and how it is called. */
struct kind {
    const char *name;
    int sys_errno;
    bool partial; /* of a write, the first sector arrives */
};

static const struct kind kinds[] = {
    {"input/output error", EIO, false},
    {"no space", ENOSPC, false},
    {"device gone", ENODEV, false},
    {"interrupted", EINTR, false},
    {"short", EIO, true},
};

static const char *const operations[] = {"read", "write", "flush"};

/* Two areas, so that one is hidden and zeroed; and what goes on behind the end. */
static const struct workload workloads[] = {
    {.name = "merge", .chunk_sectors = 2, .entries = 70, .window_entries_max = 24, .origin_sectors_short = 1},
    {.name = "merge, reading ahead", .chunk_sectors = 1, .entries = 70, .window_entries_max = 20,
     .order = ORDER_SHUFFLED, .read_ahead = true},
    {.name = "merge, cut before", .chunk_sectors = 2, .entries = 20, .window_entries_max = 7, .stale = STALE_MERGED,
     .stale_entries = 100},
    {.name = "merge, COW kept", .chunk_sectors = 2, .entries = 40, .window_entries_max = 12, .keep_cow = true,
     .compare_from = UINT64_MAX, .origin_sectors_short = 1},
    {.name = "merge, COW kept, compared", .chunk_sectors = 8, .entries = 20, .window_entries_max = 6,
     .keep_cow = true, .merged_entries = 9},
};

/* What all points of a workload share, and what a point has seen. */
struct sweep {
    const struct workload *workload;
    struct images images;
    struct judge judge;
    unsigned number;      /* of TAP points */
    bool all_right;
    char where[128];      /* the present fault */
    char problem[1024];   /* empty: none */
    uint64_t met;         /* faults */
    uint64_t failures;    /* runs that did not end well because of them */
};

/* One run: devices in memory, able to fail. */
struct run {
    struct snap_io *mem[2];  /* origin, COW */
    struct snap_io *io[2];
    struct drive_report report;
    struct snap_error err;
    enum snap_status status;
    uint64_t committed;      /* entries that are left for certain */
};

static void broken(struct sweep *sweep, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void broken(struct sweep *sweep, const char *format, ...)
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

/* --- devices ------------------------------------------------------------------------------------------------------- */

/* The test's own devices, which do not take part in failing allocations. */
struct quiet {
    struct snap_io io;
    struct snap_io *lower;
};

static uint64_t device_bytes; /* allocated by the devices: no leak of the library's */

struct quiet_state {
    uint64_t live_bytes, calls, failing_call;
};

static struct quiet_state quiet_begin(void)
{
    struct quiet_state state = {alloc.live_bytes, alloc.calls, alloc.failing_call};

    alloc.failing_call = 0;
    return state;
}

static void quiet_end(const struct quiet_state *state)
{
    device_bytes += alloc.live_bytes - state->live_bytes; /* modulo 2^64: may also shrink */
    alloc.calls = state->calls;
    alloc.failing_call = state->failing_call;
}

static enum snap_status quiet_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                       struct snap_error *err)
{
    struct quiet_state state = quiet_begin();
    enum snap_status status = snap_io_transfer(((struct quiet *)io)->lower, requests, count, err);

    quiet_end(&state);
    return status;
}

static enum snap_status quiet_flush(struct snap_io *io, struct snap_error *err)
{
    struct quiet_state state = quiet_begin();
    enum snap_status status = snap_io_flush(((struct quiet *)io)->lower, err);

    quiet_end(&state);
    return status;
}

static enum snap_status quiet_close(struct snap_io *io, struct snap_error *err)
{
    enum snap_status status = snap_io_close(((struct quiet *)io)->lower, err);

    free(io);
    return status;
}

static struct snap_io *quiet_new(struct snap_io *lower)
{
    static const struct snap_io_ops ops = {.transfer = quiet_transfer, .flush = quiet_flush, .close = quiet_close};
    struct quiet *quiet = test_calloc(1, sizeof *quiet);

    quiet->io = *lower;
    quiet->io.ops = &ops;
    quiet->lower = lower;
    return &quiet->io;
}

/* A failed flush loses what it should have kept; from then on nothing may be written. */
static struct run *current;
static bool flush_failed;
static uint64_t writes_then;

static uint64_t writes(const struct run *run)
{
    uint64_t count = 0;

    for (unsigned disk = 0; disk < 2; disk++)
        count += io_fault_count(run->io[disk], IO_FAULT_WRITE) + io_fault_count(run->io[disk], IO_FAULT_FLUSH);
    return count;
}

static void lose_unflushed(struct snap_io *lower)
{
    io_mem_drop_unflushed(lower);
    if (!flush_failed)
        writes_then = writes(current);
    flush_failed = true;
}

static void set_up(struct sweep *sweep, struct run *run)
{
    static const char *const names[] = {"the-origin", "the-cow"};
    const uint64_t sizes[] = {sweep->images.origin_bytes, sweep->images.cow_bytes};
    const uint8_t *const contents[] = {sweep->images.origin, sweep->images.cow};

    memset(run, 0, sizeof *run);
    for (unsigned disk = 0; disk < 2; disk++) {
        run->mem[disk] = io_mem_new(names[disk], sizes[disk], SNAP_SECTOR_BYTES, true);
        memcpy(io_mem_bytes(run->mem[disk]), contents[disk], (size_t)sizes[disk]);
        run->io[disk] = io_fault_new(run->mem[disk], lose_unflushed);
    }
    current = run;
    flush_failed = false;
}

static void tear_down(struct run *run)
{
    for (unsigned disk = 0; disk < 2; disk++)
        (void)snap_io_close(run->io[disk], NULL);
}

/* --- runs ---------------------------------------------------------------------------------------------------------- */

static enum snap_status note_checkpoint(void *context, uint64_t merged_from, struct snap_error *err)
{
    (void)err;
    ((struct run *)context)->committed = merged_from;
    return SNAP_OK;
}

static void merge(const struct sweep *sweep, struct run *run, struct snap_io *origin, struct snap_io *cow,
                  bool read_ahead)
{
    const struct drive_options options = {
        .window_entries_max = sweep->workload->window_entries_max,
        .read_ahead = read_ahead,
        .keep_cow = sweep->workload->keep_cow,
        .compare_from = sweep->workload->compare_from,
        .checkpoint = note_checkpoint,
        .checkpoint_context = run,
    };

    run->committed = UINT64_MAX;
    run->status = drive_merge(origin, cow, &options, &run->report, &run->err);
    if (run->report.merging && (run->status == SNAP_OK || run->report.result.entries_left < run->report.job.entries))
        run->committed = run->report.result.entries_left;
}

/* As the devices are now: the view, the list, and merging again. */
static void judge_now(struct sweep *sweep, const struct run *run, const char *when)
{
    struct judge *judge = &sweep->judge;

    memcpy(io_mem_bytes(judge->origin), io_mem_bytes(run->mem[0]), (size_t)sweep->images.origin_bytes);
    memcpy(io_mem_bytes(judge->cow), io_mem_bytes(run->mem[1]), (size_t)sweep->images.cow_bytes);
    if (!judge_state(judge, run->committed))
        broken(sweep, "%s: %s", when, judge->problem);
}

/* After the run: told as it is, and whole, with the power on and after a power loss. */
static void hold(struct sweep *sweep, struct run *run, bool must_fail)
{
    sweep->met++;
    sweep->failures += run->status != SNAP_OK;
    if (must_fail && run->status == SNAP_OK)
        broken(sweep, "it counts as done in spite of it");
    if (run->status != SNAP_OK && (run->err.status != run->status || run->err.text[0] == '\0'))
        broken(sweep, "status %d, but the error has status %d and the text \"%s\"", (int)run->status,
               (int)run->err.status, run->err.text);
    if (flush_failed && writes(run) != writes_then)
        broken(sweep, "a write or flush after a failed flush");
    judge_now(sweep, run, "with the power on");
    for (unsigned disk = 0; disk < 2; disk++)
        io_mem_drop_unflushed(run->mem[disk]);
    judge_now(sweep, run, "after a power loss");
}

/* One TAP point. */
static void report(struct sweep *sweep, const char *what)
{
    bool right = sweep->problem[0] == '\0';

    if (right && sweep->failures > 0)
        printf("ok %u - %s: %s: %" PRIu64 " faults, %" PRIu64 " runs failed, and nothing was lost\n", ++sweep->number,
               sweep->workload->name, what, sweep->met, sweep->failures);
    else
        printf("not ok %u - %s: %s\n# %s\n", ++sweep->number, sweep->workload->name, what,
               right ? "no run has failed" : sweep->problem);
    (void)fflush(stdout);
    sweep->all_right = sweep->all_right && right && sweep->failures > 0;
    sweep->problem[0] = '\0';
    sweep->met = sweep->failures = 0;
}

/* One kind of operation on one device, at each time in turn. */
static void fail_each(struct sweep *sweep, unsigned disk, enum io_fault_kind operation, const struct kind *kind,
                      bool from_then_on)
{
    const struct workload *workload = sweep->workload;
    /*
     * What cannot be compared is written instead; what cannot be read behind the end of the list is no list, and what
     * cannot be zeroed there stays.
     */
    bool must_fail = disk == 0 ? operation != IO_FAULT_READ
                               : operation == IO_FAULT_FLUSH ||
                                     (operation == IO_FAULT_READ && workload->stale == STALE_NONE);
    bool met = true;

    for (uint64_t at = 0; met && sweep->problem[0] == '\0'; at++) {
        const struct io_fault fault = {.kind = operation, .at = at, .from_then_on = from_then_on,
                                       .sys_errno = kind->sys_errno, .partial = kind->partial, .partial_sectors = 1};
        struct run run;

        (void)snprintf(sweep->where, sizeof sweep->where, "%s %s %" PRIu64 "%s", disk == 0 ? "origin" : "COW",
                       operations[operation], at, from_then_on ? " and all after it" : "");
        set_up(sweep, &run);
        io_fault_add(run.io[disk], &fault);
        merge(sweep, &run, run.io[0], run.io[1], workload->read_ahead);
        met = io_fault_hits(run.io[disk]) > 0;
        if (met && run.status != SNAP_OK && !strstr(run.err.text, disk == 0 ? "the-origin: " : "the-cow: "))
            broken(sweep, "the error does not name the device: %s", run.err.text);
        if (met)
            hold(sweep, &run, must_fail);
        else if (run.status != SNAP_OK)
            broken(sweep, "nothing failed, but: %s", run.err.text);
        tear_down(&run);
    }
}

static void fail_operations(struct sweep *sweep, const struct kind *kind)
{
    for (int from_then_on = 0; from_then_on < 2; from_then_on++)
        for (unsigned disk = 0; disk < 2; disk++)
            for (int operation = IO_FAULT_READ; operation <= IO_FAULT_FLUSH; operation++)
                if (operation == IO_FAULT_WRITE || !kind->partial)
                    fail_each(sweep, disk, (enum io_fault_kind)operation, kind, from_then_on);
    report(sweep, kind->name);
}

/* Without the reading thread: which allocation is the n-th must be the same each time. */
static void fail_allocations(struct sweep *sweep, bool from_then_on)
{
    bool met = true;

    for (uint64_t n = 1; met && sweep->problem[0] == '\0'; n++) {
        struct run run;
        struct snap_io *origin, *cow;
        uint64_t before_bytes;

        (void)snprintf(sweep->where, sizeof sweep->where, "allocation %" PRIu64 "%s", n,
                       from_then_on ? " and all after it" : "");
        set_up(sweep, &run);
        origin = quiet_new(run.io[0]);
        cow = quiet_new(run.io[1]);
        before_bytes = alloc.live_bytes;
        device_bytes = 0;
        alloc_fail_at(n, from_then_on);
        merge(sweep, &run, origin, cow, false);
        met = alloc.calls >= n;
        alloc_fail_at(0, false);
        if (alloc.live_bytes - device_bytes != before_bytes)
            broken(sweep, "%" PRIu64 " bytes are not freed", alloc.live_bytes - device_bytes - before_bytes);
        if (met && run.status != SNAP_OK && run.status != SNAP_E_NOMEM)
            broken(sweep, "status %d: %s", (int)run.status, run.err.text);
        if (met)
            hold(sweep, &run, from_then_on); /* the check does with less where it can */
        free(origin);
        free(cow);
        tear_down(&run);
    }
    report(sweep, from_then_on ? "no memory from then on" : "no memory once");
}

int main(void)
{
    struct sweep sweep = {.all_right = true};

    for (size_t w = 0; w < sizeof workloads / sizeof workloads[0]; w++) {
        sweep.workload = &workloads[w];
        images_make(sweep.workload, &sweep.images);
        judge_init(&sweep.judge, sweep.workload, &sweep.images);
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            fail_operations(&sweep, &kinds[k]);
        fail_allocations(&sweep, false);
        fail_allocations(&sweep, true);
        judge_free(&sweep.judge);
        images_free(&sweep.images);
    }
    printf("1..%u\n", sweep.number);
    return fflush(stdout) == 0 && sweep.all_right ? EXIT_SUCCESS : EXIT_FAILURE;
}
