/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans, files and views of the harness `repair`. */
#include "tests/fuzz/repair_case.h"

#include "tests/support/io_mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/*
 * ---- plan and file ---------------------------------------------------------------------------------------------
 */

struct snap_io *repair_case_device(const struct repair_case *round, const uint8_t *bytes)
{
    struct snap_io *io = io_mem_new("cow", round->cow_bytes, 512, true);

    memcpy(io_mem_bytes(io), bytes, (size_t)round->cow_bytes);
    return io;
}

bool repair_case_plan(const struct repair_case *round, struct snap_io *io, struct snap_store *store,
                      struct snap_repair *repair)
{
    enum snap_status status = snap_header_read(store, io, NULL);

    FUZZ_PROMISE(status == SNAP_OK, "the header of a device without errors is not read: %d", status);
    memset(repair, 0, sizeof *repair);
    if (snap_repair_header_rule(store) != SNAP_RULES)
        status = snap_repair_plan_header(repair, store, round->header_sectors, 0, NULL);
    else
        status = snap_repair_plan(repair, store, &round->options, NULL);
    FUZZ_PROMISE(status == SNAP_OK || status == SNAP_E_REFUSED || repair->rebuilt.io || !snap_header_has_list(store),
                 "a plan ends with %d", status);
    return status == SNAP_OK && repair->edits.count > 0;
}

enum snap_status repair_case_apply(const struct snap_repair *repair, struct snap_io *io)
{
    struct snap_edits edits = repair->edits;
    bool begun;

    edits.io = io;
    return snap_edits_apply(&edits, &begun, NULL);
}

bool repair_case_save(struct repair_case *round)
{
    const struct snap_repair *repair = &round->repair;
    const uint64_t entries =
        repair->entries_before > repair->entries_after ? repair->entries_before : repair->entries_after;
    enum snap_status status = snap_saved_make(&round->saved, repair->rebuilt.io ? &repair->rebuilt : &round->store,
                                              &repair->edits, entries, NULL);

    if (status != SNAP_OK && repair->rebuilt.io)
        return false;
    FUZZ_PROMISE(status == SNAP_OK, "the old bytes are not taken: %d", status);
    round->file = memfd_create("old-bytes", MFD_CLOEXEC);
    FUZZ_PROMISE(round->file >= 0 && snap_saved_write(&round->saved, round->file, "old", NULL) == SNAP_OK,
                 "the old bytes are not saved");
    return true;
}

enum snap_status repair_case_put_back(int file, struct snap_io *io)
{
    struct snap_saved saved;
    uint64_t units;
    enum snap_status status = snap_saved_read(&saved, file, "old", io, NULL);

    if (status == SNAP_OK)
        status = snap_saved_count(&saved, "old", &units, NULL);
    if (status == SNAP_OK)
        status = snap_saved_put_back(&saved, NULL);
    snap_saved_free(&saved);
    return status;
}

void repair_case_must_come_back(const struct repair_case *round, const uint8_t *bytes, const char *when)
{
    struct snap_io *io = repair_case_device(round, bytes);
    const enum snap_status status = repair_case_put_back(round->file, io);

    FUZZ_PROMISE(status == SNAP_OK, "%s, putting back ends with %d", when, status);
    FUZZ_PROMISE(memcmp(io_mem_bytes(io), round->image->cow, (size_t)round->cow_bytes) == 0,
                 "%s, what was put back is not what was there", when);
    (void)snap_io_close(io, NULL);
}

/*
 * ---- what the store shows --------------------------------------------------------------------------------------
 */

static bool changes(const struct repair_case *round, uint64_t old_chunk)
{
    for (size_t i = 0; i < round->repair.change_count; i++)
        if (round->repair.changes[i].old_chunk == old_chunk)
            return true;
    return false;
}

/* Two entries for one origin chunk: that is not mended, and which of them counts is a matter of the kernel. */
static bool is_ambiguous(const struct model *model, const struct model_entry *entry)
{
    for (uint64_t i = 0; i < model->entries; i++)
        if (model->entry[i].old_chunk == entry->old_chunk && model->entry[i].new_chunk != entry->new_chunk)
            return true;
    return false;
}

void repair_case_check_view(const struct repair_case *round, const uint8_t *bytes, const char *when)
{
    const struct model *before = round->before;
    struct model found;

    if (!model_has_list(before) || round->repair.rebuilt.io)
        return;
    model_read(&found, bytes, round->cow_bytes);
    FUZZ_PROMISE(model_has_list(&found), "%s, there is no list", when);
    for (uint64_t i = 0; i < before->entries && !round->repair.gives_up_rest; i++) {
        const struct model_entry *entry = &before->entry[i], *now = model_find(&found, entry->old_chunk);

        if (!changes(round, entry->old_chunk) && !is_ambiguous(before, entry))
            FUZZ_PROMISE(now && now->new_chunk == entry->new_chunk && !is_ambiguous(&found, now),
                         "%s, entry %" PRIu64 " is lost", when, i);
    }
    for (uint64_t i = 0; i < found.entries; i++)
        FUZZ_PROMISE(changes(round, found.entry[i].old_chunk) || model_find(before, found.entry[i].old_chunk),
                     "%s, entry %" PRIu64 " is new", when, i);
    model_free(&found);
}

static int by_old(const void *left, const void *right)
{
    const struct model_entry *a = left, *b = right;

    return a->old_chunk != b->old_chunk ? (a->old_chunk > b->old_chunk) - (a->old_chunk < b->old_chunk)
                                        : (a->new_chunk > b->new_chunk) - (a->new_chunk < b->new_chunk);
}

/* Sorts them; each once. */
static uint64_t sort(struct model *model)
{
    uint64_t kept = 0;

    if (model->entries > 0)
        qsort(model->entry, (size_t)model->entries, sizeof *model->entry, by_old);
    for (uint64_t i = 0; i < model->entries; i++)
        if (i == 0 || by_old(&model->entry[i], &model->entry[i - 1]) != 0)
            model->entry[kept++] = model->entry[i];
    return kept;
}

/* The same entries in any order. Copies of an entry may stay: few of them are harmless, and a note. */
static bool same_entries(const struct repair_case *round, const uint8_t *left, const uint8_t *right)
{
    struct model a, b;
    uint64_t count;
    bool same;

    model_read(&a, left, round->cow_bytes);
    model_read(&b, right, round->cow_bytes);
    same = a.header == b.header && a.past_end == b.past_end;
    count = sort(&a);
    same = same && count == sort(&b);
    for (uint64_t i = 0; i < count && same; i++)
        same = by_old(&a.entry[i], &b.entry[i]) == 0;
    model_free(&a);
    model_free(&b);
    return same;
}

void repair_case_must_go_on(const struct repair_case *round, const uint8_t *bytes, const char *when)
{
    struct snap_io *io = repair_case_device(round, bytes);
    struct snap_repair repair;
    struct snap_store store;

    if (repair_case_plan(round, io, &store, &repair))
        FUZZ_PROMISE(repair_case_apply(&repair, io) == SNAP_OK, "%s, a second run fails", when);
    FUZZ_PROMISE(same_entries(round, io_mem_bytes(io), round->after), "%s, a second run ends elsewhere", when);
    snap_repair_free(&repair);
    (void)snap_io_close(io, NULL);
}
