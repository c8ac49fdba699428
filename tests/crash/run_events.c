/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes wrong in a run, and how the run must end then. */
#include "tests/crash/run_internal.h"

#include "tests/crash/altered_write.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void run_broken(const struct run *run, const char *format, ...)
{
    static const char *const events[] = {"no event", "killed", "stopped", "origin write fails",
                                         "origin flush fails", "COW read fails", "COW write fails", "COW flush fails",
                                         "origin read fails", "sibling read fails", "sibling write fails",
                                         "sibling flush fails", "origin lies", "taken back when killed",
                                         "merged after all when killed", "list changes"};
    struct campaign *campaign = run->campaign;
    char text[800];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (campaign->problem[0] == '\0')
        (void)snprintf(campaign->problem, campaign->problem_bytes,
                       "%s at %" PRIu64 "%s, %" PRIu64 " operations, %s: %s", events[run->event], run->at,
                       run->second ? ", second crash" : "", run->operations, run->operation, text);
}

bool run_stop(void *context)
{
    struct run *run = context;

    return !run->again && atomic_fetch_add(&run->polls, 1) >= run->at;
}

static unsigned event_disk(const struct run *run)
{
    switch (run->event) {
    case EVENT_ORIGIN_WRITE:
    case EVENT_ORIGIN_FLUSH:
    case EVENT_ORIGIN_READ: return 0;
    case EVENT_SIBLING_READ:
    case EVENT_SIBLING_WRITE:
    case EVENT_SIBLING_FLUSH: return 2 + (unsigned)(run->at % (run->campaign->images.disks - 2));
    default: return 1;
    }
}

void run_add_faults(struct run *run)
{
    const unsigned disk = event_disk(run);
    struct io_fault fault = {.at = disk < 2 ? run->at : run->at / (run->campaign->images.disks - 2)};

    switch (run->event) {
    case EVENT_ORIGIN_WRITE:
    case EVENT_COW_WRITE:
    case EVENT_SIBLING_WRITE:
        fault.kind = IO_FAULT_WRITE;
        fault.partial = true; /* each write twice: nothing of it arrives, or its first sector */
        fault.partial_sectors = fault.at % 2;
        fault.at /= 2;
        break;
    case EVENT_ORIGIN_FLUSH:
    case EVENT_COW_FLUSH:
    case EVENT_SIBLING_FLUSH:
        fault.kind = IO_FAULT_FLUSH;
        break;
    case EVENT_COW_READ:
    case EVENT_ORIGIN_READ:
    case EVENT_SIBLING_READ:
        fault.kind = IO_FAULT_READ;
        break;
    default:
        return;
    }
    io_fault_add(run->faulty[disk], &fault);
}

uint64_t run_fault_hits(const struct run *run)
{
    uint64_t hits = 0;

    for (unsigned disk = 0; disk < run->campaign->images.disks; disk++)
        hits += io_fault_hits(run->faulty[disk]);
    return hits;
}

bool run_was_hit(const struct run *run)
{
    return run->guard.dead || run_fault_hits(run) > 0 || (run->altered && altered_write_happened(run->altered)) ||
           (run->event == EVENT_STOP && atomic_load(&run->polls) > run->at);
}

/* Events that need not end a merge. */
static bool may_go_on(const struct run *run)
{
    const struct workload *workload = run->campaign->workload;

    switch (run->event) {
    case EVENT_ORIGIN_READ: return workload->siblings[0].chunk_sectors == 0 && !workload->verify;
    case EVENT_COW_READ:  /* what is read ahead need not be needed */
    case EVENT_SIBLING_READ:
    case EVENT_COW_WRITE: /* nor what clears areas that nobody reaches: the states tell */
    case EVENT_NONE:
    case EVENT_TAKE_BACK:
    case EVENT_REDO: return true;
    default: return false;
    }
}

void run_hold_status(struct run *run, enum snap_status status, bool hit, const struct snap_error *err)
{
    if (!hit && status != SNAP_OK)
        run_broken(run, "the merge failed: %s", err->text);
    else if (hit && run->event == EVENT_ORIGIN_READ && may_go_on(run) && status != SNAP_OK)
        run_broken(run, "what cannot be compared is not written: %s", err->text);
    else if (hit && status == SNAP_OK && !may_go_on(run))
        run_broken(run, "the merge counts as done in spite of it");
    else if (hit && run->event == EVENT_STOP && status != SNAP_E_STOPPED)
        run_broken(run, "a stop that ends with: %s", err->text);
}

#define TAMPERED_INDEX 10u

/* Somebody makes an old lie beyond the origin, behind the merge's back. */
static void tamper(void *context)
{
    struct campaign *campaign = context;

    memset(io_mem_bytes(campaign->check.cow) + campaign->images.chunk_bytes + (size_t)TAMPERED_INDEX * 16, 0x77, 7);
}

void run_tampered(struct campaign *campaign)
{
    struct state_check *check = &campaign->check;
    struct run run = {.campaign = campaign, .event = EVENT_TAMPER, .operation = "tampered"};
    const struct drive_options options = {.window_entries_max = campaign->workload->window_entries_max,
                                          .before_merge = tamper, .before_merge_context = campaign};
    struct drive_report report;
    struct snap_error err = {0};
    enum snap_status status;

    memcpy(io_mem_bytes(check->origin), campaign->images.origin, (size_t)campaign->images.origin_bytes);
    memcpy(io_mem_bytes(check->cow), campaign->images.cow, (size_t)campaign->images.cow_bytes);
    status = drive_merge(check->origin, check->cow, &options, &report, &err);
    campaign->counts->runs++;
    if (status != SNAP_E_CORRUPT)
        run_broken(&run, "expected a refusal, got status %d: %s", (int)status, err.text);
    else if (report.result.entries_left <= TAMPERED_INDEX)
        run_broken(&run, "the changed entry is gone: %" PRIu64 " entries left", report.result.entries_left);
}
