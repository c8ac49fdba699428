/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fault sweep: each read, write, flush and allocation of a merge fails in turn; what is left is checked. TAP. */
#include "tests/crash/faults.h"

#include "tests/crash/alloc_faults.h"
#include "tests/crash/altered_write.h"
#include "tests/crash/bad.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

static bool is_data(const struct reader *list, uint64_t offset_bytes)
{
    const uint64_t chunk = offset_bytes / list->chunk_bytes;

    return chunk > 1 && chunk % (list->per_area + 1) != 1;
}

/* Areas behind the end of a store's list, as the run began: what cannot be read there is no list. */
static bool behind_the_end(const struct reader *list, uint64_t offset_bytes)
{
    const uint64_t chunk = offset_bytes / list->chunk_bytes, stride = list->per_area + 1;

    return chunk % stride == 1 && chunk / stride > list->entries / list->per_area;
}

/*
 * Whether a merge that has met the fault may not end well. What a medium does not give to be compared is written
 * instead, but a device that is gone is none to write to; what cannot be zeroed behind the end of a list stays; a chunk
 * that cannot be copied may be left over; a header is read again without the sector behind it.
 */
static bool must_fail(const struct run *run, unsigned disk, enum io_fault_kind operation, const struct kind *kind,
                      bool from_then_on)
{
    const struct sweep *sweep = run->sweep;
    const struct workload *workload = sweep->workload;
    const struct reader *list = &sweep->list[disk];
    const uint64_t offset_bytes = io_fault_first_hit_bytes(run->faulty[disk]);
    const bool may_be_bad = bad_any(workload) && kind->sys_errno == EIO;

    if (operation == IO_FAULT_FLUSH)
        return true;
    if (disk == 0 && operation == IO_FAULT_READ && workload->skip_identical)
        return kind->sys_errno == ENODEV;
    if (disk == 0 && operation == IO_FAULT_READ)
        return sweep->images.disks > 2 ? !may_be_bad : workload->verify;
    if (disk == 0)
        return !may_be_bad;
    if (operation == IO_FAULT_WRITE)
        return disk != sweep->merged;
    if (offset_bytes == 0 && !from_then_on)
        return false;
    return !behind_the_end(list, offset_bytes) && !(may_be_bad && is_data(list, offset_bytes));
}

/* One kind of operation on one device, at each time in turn. */
static void fail_each(struct sweep *sweep, unsigned disk, enum io_fault_kind operation, const struct kind *kind,
                      bool from_then_on)
{
    const char *name = faults_disk_names[disk];
    bool met = true;

    for (uint64_t at = 0; met && sweep->problem[0] == '\0'; at++) {
        const struct io_fault fault = {.kind = operation, .at = at, .from_then_on = from_then_on,
                                       .sys_errno = kind->sys_errno, .partial = kind->partial, .partial_sectors = 1};
        struct run run;
        const char *named;

        (void)snprintf(sweep->where, sizeof sweep->where, "%s: %s %s %" PRIu64 "%s", kind->name, name,
                       operations[operation], at, from_then_on ? " and all after it" : "");
        faults_run_begin(sweep, &run);
        io_fault_add(run.faulty[disk], &fault);
        faults_merge(&run, sweep->workload->read_ahead);
        met = io_fault_hits(run.faulty[disk]) > 0;
        named = strstr(run.err.text, name);
        if (met && run.status != SNAP_OK && (!named || strncmp(named + strlen(name), ": ", 2) != 0))
            faults_broken(sweep, "the error does not name the device: %s", run.err.text);
        if (met)
            faults_hold(&run, must_fail(&run, disk, operation, kind, from_then_on));
        else if (run.status != SNAP_OK)
            faults_broken(sweep, "nothing failed, but: %s", run.err.text);
        faults_run_end(&run);
    }
}

static void fail_operations(struct sweep *sweep, const struct kind *kind)
{
    const uint64_t failures = sweep->failures;

    for (int from_then_on = 0; from_then_on < 2; from_then_on++)
        for (unsigned disk = 0; disk < sweep->images.disks; disk++)
            for (int operation = IO_FAULT_READ; operation <= IO_FAULT_FLUSH; operation++)
                if (operation == IO_FAULT_WRITE || !kind->partial)
                    fail_each(sweep, disk, (enum io_fault_kind)operation, kind, from_then_on);
    if (sweep->failures == failures)
        faults_broken(sweep, "no run has failed");
}

/* Each write to the origin in turn arrives with another byte; who reads back what was written must see it. */
static void lie_each(struct sweep *sweep)
{
    bool met = true;

    for (uint64_t at = 0; met && sweep->problem[0] == '\0'; at++) {
        struct run run;

        (void)snprintf(sweep->where, sizeof sweep->where, "write %" PRIu64 " changed on its way", at);
        faults_run_begin(sweep, &run);
        run.io[0] = altered_write_new(run.io[0], at);
        faults_merge(&run, sweep->workload->read_ahead);
        met = altered_write_happened(run.io[0]);
        if (met)
            faults_hold(&run, true);
        faults_run_end(&run);
    }
}

/* Without the reading thread: which allocation is the n-th must be the same each time. */
static void fail_allocations(struct sweep *sweep, bool from_then_on)
{
    bool met = true;

    for (uint64_t n = 1; met && sweep->problem[0] == '\0'; n++) {
        struct run run;
        uint64_t leaked_bytes;

        (void)snprintf(sweep->where, sizeof sweep->where, "allocation %" PRIu64 "%s", n,
                       from_then_on ? " and all after it" : "");
        faults_run_begin(sweep, &run);
        for (unsigned disk = 0; disk < sweep->images.disks; disk++)
            run.io[disk] = alloc_faults_new(run.io[disk]);
        alloc_faults_begin(n, from_then_on);
        faults_merge(&run, false);
        met = alloc_faults_end(&leaked_bytes);
        if (leaked_bytes != 0)
            faults_broken(sweep, "%" PRIu64 " bytes are not freed", leaked_bytes);
        if (met && run.status != SNAP_OK && (run.status != SNAP_E_NOMEM || !strstr(run.err.text, "memory")))
            faults_broken(sweep, "no memory, but status %d: %s", (int)run.status, run.err.text);
        if (met)
            faults_hold(&run, from_then_on); /* the check does with less where it can */
        faults_run_end(&run);
    }
}

/* One TAP point. */
static bool sweep_row(const struct workload *row, unsigned number)
{
    struct sweep sweep;
    bool right = faults_row_begin(&sweep, row);

    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0] && sweep.problem[0] == '\0'; k++)
        fail_operations(&sweep, &kinds[k]);
    if (right && row->verify)
        lie_each(&sweep);
    for (int from_then_on = 0; right && from_then_on < 2; from_then_on++)
        fail_allocations(&sweep, from_then_on);
    if (bad_any(row) && sweep.left_bad == 0)
        faults_broken(&sweep, "no fault has left a bad chunk");
    right = sweep.problem[0] == '\0';
    if (right)
        printf("ok %u - %s: %" PRIu64 " faults, %" PRIu64 " runs failed, %" PRIu64 " left other bad chunks, %" PRIu64
               " states, and nothing was lost\n", number, row->name, sweep.met, sweep.failures, sweep.left_bad,
               state_set_count(sweep.seen));
    else
        printf("not ok %u - %s: broken promise\n# %s\n", number, row->name, sweep.problem);
    (void)fflush(stdout);
    faults_row_end(&sweep);
    return right;
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    size_t count;
    const struct workload *rows = workload_faults_table(&count);
    unsigned number = 0;
    bool all_right = true;

    drive_keep_memory();
    for (size_t i = 0; i < count; i++)
        if (wanted(rows[i].name, argc, argv))
            all_right = sweep_row(&rows[i], ++number) && all_right;
    printf("1..%u\n", number);
    return fflush(stdout) == 0 && all_right && number > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
