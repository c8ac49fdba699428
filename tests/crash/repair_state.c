/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads lists with code of its own; plans and writes with that of the library. */
#include "tests/crash/repair_state.h"

#include "lib/base/arith.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"
#include "tests/unit/format_fixture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool repair_broken(struct repair_case *round, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (round->problem[0] == '\0')
        (void)vsnprintf(round->problem, sizeof round->problem, format, args);
    va_end(args);
    return false;
}

/*
 * ---- devices, plans, the way back ------------------------------------------------------------------------------
 */

struct snap_io *repair_case_with_bad(const struct repair_case *round, struct snap_io *io)
{
    const struct io_fault bad = {.kind = IO_FAULT_READ,
                                 .from_then_on = true,
                                 .offset_bytes = round->store.bad_bytes,
                                 .length_bytes = round->store.bad_length_bytes};

    if (round->store.bad_length_bytes == 0)
        return io;
    io = io_fault_new(io, NULL);
    io_fault_add(io, &bad);
    return io;
}

static struct snap_io *memory_device(const struct repair_case *round, const uint8_t *bytes)
{
    struct snap_io *io = io_mem_new("cow", round->store.cow_bytes, round->store.block_bytes, true);

    memcpy(io_mem_bytes(io), bytes, (size_t)round->store.cow_bytes);
    return io;
}

struct snap_io *repair_case_device(const struct repair_case *round, const uint8_t *bytes)
{
    return repair_case_with_bad(round, memory_device(round, bytes));
}

/* The bytes of the file, by way of a real one. */
static bool make_file(struct repair_case *round, struct repair_plan *plan)
{
    const struct snap_repair *repair = &plan->repair;
    const uint64_t entries = snap_max(repair->entries_before, repair->entries_after);
    struct snap_error err = {.text = ""};
    off_t end;

    if (snap_saved_make(&plan->saved, repair->rebuilt.io ? &repair->rebuilt : &plan->store, &repair->edits, entries,
                        &err) != SNAP_OK || ftruncate(round->old, 0) != 0 || lseek(round->old, 0, SEEK_SET) != 0 ||
        snap_saved_write(&plan->saved, round->old, "old", &err) != SNAP_OK)
        return repair_broken(round, "the old bytes are not saved: %s", err.text);
    end = lseek(round->old, 0, SEEK_END);
    plan->file_bytes = (uint64_t)end;
    plan->padded_bytes = snap_div_up(plan->file_bytes, 512) * 512;
    plan->file = test_calloc(1, (size_t)plan->padded_bytes);
    return pread(round->old, plan->file, (size_t)end, 0) == end || repair_broken(round, "the old bytes are not read");
}

bool repair_plan_new(struct repair_case *round, struct snap_io *io, struct repair_plan *plan)
{
    const struct repair_row *row = round->row;
    const struct snap_repair_options options = {
        .origin = row->with_origin ? round->origin : NULL,
        .origin_sectors = row->with_size ? round->origin->size_bytes / 512 : 0,
        .clear_entries = !row->preen,
        .change_view = !row->preen,
        .keep = row->keep,
        .revalidate = !row->preen,
        .memory_bytes = SNAP_CHECK_MEMORY_MIN_BYTES,
    };
    struct snap_error err = {.text = ""};
    enum snap_status status = snap_header_read(&plan->store, io, &err);

    plan->file = NULL;
    plan->repair = (struct snap_repair){.edits = {.count = 0}};
    if (status == SNAP_OK)
        status = snap_repair_header_rule(&plan->store) != SNAP_RULES
                     ? snap_repair_plan_header(&plan->repair, &plan->store, round->store.chunk_sectors, 0, &err)
                     : snap_repair_plan(&plan->repair, &plan->store, &options, &err);
    if (status != SNAP_OK)
        return repair_broken(round, "a plan fails: %s", err.text);
    return plan->repair.edits.count == 0 || make_file(round, plan);
}

void repair_plan_free(struct repair_plan *plan)
{
    snap_repair_free(&plan->repair);
    free(plan->file);
}

enum snap_status repair_plan_apply(const struct repair_plan *plan, struct snap_io *io, struct snap_error *err)
{
    struct snap_edits edits = plan->repair.edits;
    bool begun;

    edits.io = io;
    return snap_edits_apply(&edits, &begun, err);
}

enum snap_status repair_case_put_back(const struct repair_case *round, const uint8_t *file, uint64_t file_bytes,
                                      struct snap_io *io, struct snap_error *err)
{
    struct snap_saved saved;
    uint64_t units;
    enum snap_status status = SNAP_E_INTERNAL;

    if (ftruncate(round->old, 0) != 0 || pwrite(round->old, file, (size_t)file_bytes, 0) != (ssize_t)file_bytes)
        return snap_fail(err, status, "the file of old bytes is not made");
    status = snap_saved_read(&saved, round->old, "old", io, err);
    if (status == SNAP_OK)
        status = snap_saved_count(&saved, "old", &units, err);
    if (status == SNAP_OK)
        status = snap_saved_put_back(&saved, err);
    snap_saved_free(&saved);
    return status;
}

/*
 * ---- what a store shows ----------------------------------------------------------------------------------------
 */

#define DAMAGED UINT64_MAX

struct entry {
    uint64_t old_chunk, data; /* DAMAGED: nobody knows; data chunks are never written to */
    uint64_t index;
};

struct shown {
    uint32_t valid;              /* 0 where there is no header */
    bool ends, clean_behind;     /* nothing stands behind the end in its area */
    struct entry *entries;       /* by chunk of the origin, then by index */
    uint64_t count;
};

static int by_place(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    return a->old_chunk != b->old_chunk ? (a->old_chunk < b->old_chunk ? -1 : 1)
                                        : (a->index > b->index) - (a->index < b->index);
}

static uint64_t data_of(const struct repair_case *round, uint64_t new_chunk)
{
    const uint64_t chunk_sectors = round->store.chunk_sectors;

    return new_chunk < 2 || new_chunk >= round->store.cow_bytes / 512 / chunk_sectors ||
                   new_chunk % (format_per_area(chunk_sectors) + 1) == 1
               ? DAMAGED
               : new_chunk;
}

static bool is_bad_area(const struct repair_case *round, uint64_t area)
{
    const uint64_t first = format_area_offset(round->store.chunk_sectors, area);

    return round->store.bad_length_bytes > 0 && round->store.bad_bytes >= first &&
           round->store.bad_bytes < first + round->store.chunk_sectors * 512;
}

static void read_shown(const struct repair_case *round, const uint8_t *bytes, struct shown *shown)
{
    const uint64_t chunk_sectors = round->store.chunk_sectors, per_area = format_per_area(chunk_sectors);
    const uint64_t slots = (round->store.cow_bytes / 512 / chunk_sectors - 2) / (per_area + 1) * per_area + per_area;

    *shown = (struct shown){.entries = test_calloc((size_t)slots, sizeof *shown->entries), .clean_behind = true};
    if (snap_get_le32(bytes) != FORMAT_MAGIC || snap_get_le32(bytes + 12) != chunk_sectors)
        return;
    shown->valid = snap_get_le32(bytes + 4);
    while (shown->count < slots && !shown->ends) {
        const uint8_t *slot = bytes + format_entry_offset(chunk_sectors, shown->count);

        shown->ends = snap_get_le64(slot + 8) == 0;
        if (!shown->ends) {
            shown->entries[shown->count] =
                (struct entry){snap_get_le64(slot), data_of(round, snap_get_le64(slot + 8)), shown->count};
            shown->count++;
        }
    }
    if (shown->ends && !is_bad_area(round, shown->count / per_area)) /* of that one a kernel reads nothing */
        shown->clean_behind = format_zero_behind(bytes, chunk_sectors, shown->count);
    qsort(shown->entries, (size_t)shown->count, sizeof *shown->entries, by_place);
}

/* The first and the last entry of a chunk: kernels show the one or the other. False: it has none. */
static bool find(const struct shown *shown, uint64_t old_chunk, uint64_t data[2])
{
    uint64_t low = 0, high = shown->count;

    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;

        if (shown->entries[middle].old_chunk < old_chunk)
            low = middle + 1;
        else
            high = middle;
    }
    data[0] = data[1] = 0; /* what the origin has */
    if (low == shown->count || shown->entries[low].old_chunk != old_chunk)
        return false;
    for (data[0] = shown->entries[low].data; low < shown->count && shown->entries[low].old_chunk == old_chunk; low++)
        data[1] = shown->entries[low].data;
    return true;
}

/* The own data of a damaged entry: it was put right, and another entry for its chunk is kept instead of it later. */
static bool is_put_right(const struct repair_case *round, const struct shown *before, uint64_t old_chunk, uint64_t data)
{
    for (uint64_t i = 0; i < before->count; i++)
        if (before->entries[i].old_chunk == old_chunk && before->entries[i].data == DAMAGED &&
            format_canonical(round->store.chunk_sectors, before->entries[i].index) == data)
            return true;
    return false;
}

static bool shows_one_of(struct repair_case *round, const struct shown *now, const struct shown *before,
                         const struct shown *after, const struct shown *chunks)
{
    for (uint64_t i = 0; i < chunks->count; i++) {
        const uint64_t old_chunk = chunks->entries[i].old_chunk;
        uint64_t is[2], was[2], will[2];

        (void)find(now, old_chunk, is);
        (void)find(before, old_chunk, was);
        (void)find(after, old_chunk, will);
        for (int which = 0; which < 2; which++)
            if (is[which] != was[which] && is[which] != will[which] &&
                !is_put_right(round, before, old_chunk, is[which]))
                return repair_broken(round, "chunk %" PRIu64 " shows %" PRIu64 ", neither %" PRIu64 " as before nor %"
                                     PRIu64 " as afterwards", old_chunk, is[which], was[which], will[which]);
    }
    return true;
}

/* The same entries, however often and wherever they stand. */
static bool has_same_list(const struct shown *left, const struct shown *right)
{
    uint64_t a[2], b[2];

    for (uint64_t i = 0; i < left->count; i++)
        if (!find(right, left->entries[i].old_chunk, b) || !find(left, left->entries[i].old_chunk, a) ||
            a[0] != b[0] || a[1] != b[1])
            return false;
    for (uint64_t i = 0; i < right->count; i++)
        if (!find(left, right->entries[i].old_chunk, a))
            return false;
    return left->ends == right->ends && left->valid == right->valid;
}

/* As before or as afterwards, chunk by chunk; and it is not called valid before all is mended. */
static bool is_between(struct repair_case *round, const uint8_t *bytes)
{
    struct shown before, after, now;
    bool right;

    read_shown(round, round->store.cow, &before);
    read_shown(round, round->after, &after);
    read_shown(round, bytes, &now);
    right = shows_one_of(round, &now, &before, &after, &before) && shows_one_of(round, &now, &before, &after, &after) &&
            shows_one_of(round, &now, &before, &after, &now);
    if (right && now.valid != before.valid && (now.valid != after.valid || !has_same_list(&now, &after)))
        right = repair_broken(round, "it has another header before all is mended");
    if (right && before.clean_behind && !now.clean_behind)
        right = repair_broken(round, "there is garbage behind the end of the list, and there was none");
    free(before.entries);
    free(after.entries);
    free(now.entries);
    return right;
}

/*
 * ---- what is left to do ----------------------------------------------------------------------------------------
 */

/* Findings above a note, of each rule. */
static bool findings_of(struct repair_case *round, struct snap_io *io, uint64_t counts[SNAP_RULES])
{
    const struct snap_check_options options = {.memory_bytes = SNAP_CHECK_MEMORY_MIN_BYTES};
    struct snap_findings findings = {.fn = NULL};
    struct snap_check_result result;
    struct snap_error err = {.text = ""};
    struct snap_store store;

    if (snap_header_read(&store, io, &err) != SNAP_OK ||
        snap_check(&store, &options, &findings, &result, &err) != SNAP_OK)
        return repair_broken(round, "it cannot be checked: %s", err.text);
    for (unsigned rule = 0; rule < SNAP_RULES; rule++)
        counts[rule] = snap_rules_info((enum snap_rule)rule)->severity > SNAP_NOTE ? findings.rule_counts[rule] : 0;
    return true;
}

/* The run that was cut short is repeated. */
static bool goes_on(struct repair_case *round, const uint8_t *bytes)
{
    struct snap_io *memory = memory_device(round, bytes), *io = repair_case_with_bad(round, memory);
    uint64_t left[SNAP_RULES], wanted[SNAP_RULES], copies;
    struct snap_io *after = repair_case_device(round, round->after);
    struct snap_error err = {.text = ""};
    struct shown now, then;
    struct repair_plan plan;
    bool right = repair_plan_new(round, io, &plan);

    if (right && repair_plan_apply(&plan, io, &err) != SNAP_OK)
        right = repair_broken(round, "a rerun fails: %s", err.text);
    repair_plan_free(&plan);
    read_shown(round, io_mem_bytes(memory), &now);
    read_shown(round, round->after, &then);
    copies = now.count > then.count ? now.count - then.count : 0;
    if (right && !has_same_list(&now, &then))
        right = repair_broken(round, "a rerun ends elsewhere: %" PRIu64 " entries, not %" PRIu64, now.count,
                              then.count);
    if (right && memcmp(io_mem_bytes(memory), round->after, round->store.chunk_sectors > 1 ? 1024 : 512) != 0)
        right = repair_broken(round, "a rerun leaves another header, record or fingerprint");
    right = right && findings_of(round, io, left) && findings_of(round, after, wanted);
    /* Copies that a move has left stay where nothing is dropped any more: what waits is found in each of them. */
    for (unsigned rule = 0; rule < SNAP_RULES && right; rule++)
        if (left[rule] < wanted[rule] || left[rule] - wanted[rule] > copies)
            right = repair_broken(round, "after a rerun %s is found %" PRIu64 " times, not %" PRIu64,
                                  snap_rules_info((enum snap_rule)rule)->id, left[rule], wanted[rule]);
    free(now.entries);
    free(then.entries);
    (void)snap_io_close(io, NULL);
    (void)snap_io_close(after, NULL);
    return right;
}

bool repair_state_is_right(struct repair_case *round, const uint8_t *bytes)
{
    return is_between(round, bytes) && goes_on(round, bytes);
}

bool repair_state_comes_back(struct repair_case *round, const uint8_t *bytes, const uint8_t *start,
                             const uint8_t *file, uint64_t file_bytes, bool whole)
{
    struct snap_io *memory = memory_device(round, bytes), *io = repair_case_with_bad(round, memory);
    struct snap_error err = {.text = ""};
    enum snap_status status = repair_case_put_back(round, file, file_bytes, io, &err);
    bool right = true;

    if (status != SNAP_OK && (whole || status != SNAP_E_REFUSED))
        right = repair_broken(round, "the old bytes do not come back: %s", err.text);
    else if (memcmp(io_mem_bytes(memory), start, (size_t)round->store.cow_bytes) != 0)
        right = repair_broken(round, status == SNAP_OK ? "what was put back is not what was there"
                                                       : "it was written to before the old bytes were durable");
    (void)snap_io_close(io, NULL);
    return right;
}

/*
 * ---- a case ----------------------------------------------------------------------------------------------------
 */

/* After a repair that claims success nothing is found; after any, nothing that it could have mended. */
static bool is_finished(struct repair_case *round, const struct snap_repair *repair)
{
    struct snap_io *io = repair_case_device(round, round->after);
    uint64_t left[SNAP_RULES];
    struct repair_plan plan = {.file = NULL};
    bool right = findings_of(round, io, left) && repair_plan_new(round, io, &plan);

    if (right && plan.repair.edits.count > 0)
        right = repair_broken(round, "a second run finds something to mend");
    for (unsigned rule = 0; rule < SNAP_RULES && right && !repair->rebuilt.io; rule++)
        if (left[rule] > 0 && repair->mended[rule] >= repair->found[rule])
            right = repair_broken(round, "a second run finds %s, and the first had mended all",
                                  snap_rules_info((enum snap_rule)rule)->id);
    repair_plan_free(&plan);
    (void)snap_io_close(io, NULL);
    return right;
}

bool repair_case_new(struct repair_case *round, const struct repair_row *row)
{
    struct snap_io *memory, *io;
    struct snap_error err = {.text = ""};
    struct repair_plan plan;
    bool right;

    *round = (struct repair_case){.row = row, .old = memfd_create("old", MFD_CLOEXEC)};
    if (round->old < 0)
        return repair_broken(round, "no file for the old bytes");
    repair_store_make(&round->store, row);
    round->origin = io_mem_new("origin", round->store.origin_bytes, 512, false);
    memcpy(io_mem_bytes(round->origin), round->store.origin, (size_t)round->store.origin_bytes);
    round->after = test_calloc(1, (size_t)round->store.cow_bytes);
    memory = memory_device(round, round->store.cow);
    io = repair_case_with_bad(round, memory);
    right = repair_plan_new(round, io, &plan);
    round->stays = right && plan.repair.edits.count == 0 && row->random;
    if (right && plan.repair.edits.count == 0 && !row->random)
        right = repair_broken(round, "nothing is mended");
    if (right && repair_plan_apply(&plan, io, &err) != SNAP_OK)
        right = repair_broken(round, "a repair without a fault fails: %s", err.text);
    memcpy(round->after, io_mem_bytes(memory), (size_t)round->store.cow_bytes);
    right = right && is_finished(round, &plan.repair);
    repair_plan_free(&plan);
    (void)snap_io_close(io, NULL);
    return right;
}

void repair_case_free(struct repair_case *round)
{
    repair_store_free(&round->store);
    free(round->after);
    if (round->origin)
        (void)snap_io_close(round->origin, NULL);
    if (round->old >= 0)
        (void)close(round->old);
}
