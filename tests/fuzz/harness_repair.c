/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Harness: a store is checked, mended and checked again; whatever goes wrong on the way, the old bytes come back. */
#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"
#include "tests/fuzz/power.h"
#include "tests/fuzz/repair_case.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const struct fuzz_harness fuzz_harness = {.name = "repair", .takes_stores = true};

#define FILE_HEADER_BYTES 512u /* dmsnap-store(5), FILE OF OLD BYTES */

/* Between the first write and the end of the repair. */
static void check_between(const struct repair_case *round, const uint8_t *bytes, const char *when)
{
    repair_case_check_view(round, bytes, when);
    repair_case_must_come_back(round, bytes, when);
    if (round->claims)
        repair_case_must_go_on(round, bytes, when);
}

/* With all that was found mended, nothing is left to find. */
static void check_again(const struct repair_case *round)
{
    const struct snap_check_options options = {.origin_sectors = round->options.origin_sectors,
                                               .memory_bytes = SNAP_CHECK_MEMORY_MIN_BYTES};
    struct snap_io *io = repair_case_device(round, round->after);
    struct snap_findings findings = {.fn = NULL};
    struct snap_check_result result;
    struct snap_store store;

    FUZZ_PROMISE(snap_header_read(&store, io, NULL) == SNAP_OK && snap_check(&store, &options, &findings, &result, NULL)
                 == SNAP_OK, "a mended store is not checked");
    for (unsigned rule = 0; rule < SNAP_RULES && round->claims; rule++)
        FUZZ_PROMISE(findings.rule_counts[rule] == 0 ||
                         snap_rules_info((enum snap_rule)rule)->severity < SNAP_WARNING ||
                         round->repair.found[rule] > round->repair.mended[rule] || rule == SNAP_RULE_STORE_FULL,
                     "after all is mended, %s is found", snap_rules_info((enum snap_rule)rule)->id);
    (void)snap_io_close(io, NULL);
}

/*
 * What a repair says it mends: all that is corrupting or worse. The last number there is can be no origin chunk: a copy
 * of such an entry, which a crash leaves, counts as another entry with its data chunk, and no run mends that.
 */
static bool claims(const struct repair_case *round)
{
    const struct snap_repair *repair = &round->repair;

    if (repair->rebuilt.io)
        return false; /* the list has not been looked at */
    for (uint64_t i = 0; i < round->before->entries; i++)
        if (round->before->entry[i].old_chunk == UINT64_MAX)
            return false;
    for (unsigned rule = 0; rule < SNAP_RULES; rule++)
        if (snap_rules_info((enum snap_rule)rule)->severity >= SNAP_CORRUPTING &&
            repair->mended[rule] < repair->found[rule])
            return false;
    return true;
}

/* The repair, then the way back, each with power cuts. */
static void with_power_cuts(const struct repair_case *round, bool back, uint64_t seed)
{
    struct recorder *recorder = recorder_new();
    struct snap_io *io =
        io_record_new(recorder, "cow", back ? round->after : round->image->cow, round->cow_bytes, 512, true);
    uint8_t *image = fuzz_calloc(1, (size_t)round->cow_bytes);
    struct power power;

    power_watch(&power, recorder, seed);
    FUZZ_PROMISE((back ? repair_case_put_back(round->file, io) : repair_case_apply(&round->repair, io)) == SNAP_OK,
                 "a run without a fault fails");
    for (unsigned i = 0; i < POWER_CUTS && power.cut[i]; i++) {
        power_image(&power, power.cut[i], 0, image);
        check_between(round, image, back ? "after a power cut of the way back" : "after a power cut");
    }
    power_image(&power, recorder_state(recorder), 0, image); /* all is durable at the end */
    FUZZ_PROMISE(memcmp(image, back ? round->image->cow : round->after, (size_t)round->cow_bytes) == 0,
                 "at the end not all is durable");
    power_free(&power);
    free(image);
    (void)snap_io_close(io, NULL);
    recorder_free(recorder);
}

/* A write or a flush that fails, for good or once, and what is left of it. */
static void with_fault(const struct repair_case *round, bool back, struct fuzz_input *input)
{
    static const int numbers[] = {EIO, ENOSPC};
    const uint8_t flags = fuzz_byte(input);
    const struct io_fault fault = {
        .kind = flags & 1 ? IO_FAULT_FLUSH : IO_FAULT_WRITE,
        .at = fuzz_below(input, round->repair.edits.count + 1),
        .from_then_on = !!(flags & 2),
        .sys_errno = numbers[flags >> 2 & 1],
        .partial = !!(flags & 8),
    };
    struct snap_io *lower = repair_case_device(round, back ? round->after : round->image->cow);
    struct snap_io *io = io_fault_new(lower, io_mem_drop_unflushed);
    enum snap_status status;

    io_fault_add(io, &fault);
    status = back ? repair_case_put_back(round->file, io) : repair_case_apply(&round->repair, io);
    FUZZ_PROMISE((status == SNAP_OK) == (io_fault_hits(io) == 0), "with %" PRIu64 " faults a run ends with %d",
                 io_fault_hits(io), status);
    check_between(round, io_mem_bytes(lower), back ? "after a fault of the way back" : "after a fault");
    (void)snap_io_close(io, NULL);
}

/* Changes bytes of the file, anywhere or in its header; with checksums that fit, or not. Returns its new length. */
static uint64_t change(uint8_t *bytes, uint64_t length, uint8_t flags, struct fuzz_input *input)
{
    for (unsigned count = 1 + (flags >> 2) % 4; count > 0; count--) {
        const uint64_t place = fuzz_below(input, flags & 2 ? 56 : length);

        bytes[place] ^= (uint8_t)(1 + fuzz_byte(input) % 255);
    }
    if (flags & 1) {
        snap_put_le32(bytes + 16, snap_crc32c(bytes + FILE_HEADER_BYTES, (size_t)length - FILE_HEADER_BYTES));
        snap_put_le32(bytes + 12, 0);
        snap_put_le32(bytes + 12, snap_crc32c(bytes, FILE_HEADER_BYTES));
    }
    return flags & 64 ? fuzz_below(input, length) : length;
}

/* A file that is changed is refused. With checksums that fit it may be taken; it stays within the store. */
static void with_changed_file(const struct repair_case *round, struct fuzz_input *input)
{
    const uint64_t length = (uint64_t)lseek(round->file, 0, SEEK_END);
    uint8_t *bytes = fuzz_calloc(1, (size_t)length), *kept = fuzz_calloc(1, (size_t)length);
    const int file = memfd_create("changed", MFD_CLOEXEC);
    const uint8_t flags = fuzz_byte(input);
    struct snap_io *io = repair_case_device(round, round->after);
    enum snap_status status;
    uint64_t end;
    bool same;

    FUZZ_PROMISE(file >= 0 && pread(round->file, kept, (size_t)length, 0) == (ssize_t)length,
                 "the file of old bytes cannot be read");
    memcpy(bytes, kept, (size_t)length);
    end = change(bytes, length, flags, input);
    same = end == length && memcmp(bytes, kept, (size_t)length) == 0; /* one change took back another */
    FUZZ_PROMISE(pwrite(file, bytes, (size_t)end, 0) == (ssize_t)end, "a changed file is not written");
    status = repair_case_put_back(file, io);
    FUZZ_PROMISE(status == SNAP_OK || status == SNAP_E_REFUSED, "a changed file ends with %d", status);
    FUZZ_PROMISE(status != SNAP_OK || same || ((flags & 1) && end == length), "a changed file is taken");
    FUZZ_PROMISE(status == SNAP_OK || memcmp(io_mem_bytes(io), round->after, (size_t)round->cow_bytes) == 0,
                 "a file that is refused has changed the store");
    (void)snap_io_close(io, NULL);
    (void)close(file);
    free(kept);
    free(bytes);
}

static void run(struct repair_case *round, struct fuzz_input *input)
{
    const uint64_t seed = fuzz_number(input) + 1;
    struct snap_io *io;

    round->claims = claims(round);
    if (!repair_case_save(round))
        return;
    io = repair_case_device(round, round->image->cow);
    FUZZ_PROMISE(repair_case_apply(&round->repair, io) == SNAP_OK, "a repair fails");
    memcpy(round->after, io_mem_bytes(io), (size_t)round->cow_bytes);
    (void)snap_io_close(io, NULL);
    repair_case_check_view(round, round->after, "after all");
    check_again(round);
    repair_case_must_come_back(round, round->after, "after all");
    with_power_cuts(round, false, seed);
    with_power_cuts(round, true, seed);
    with_fault(round, false, input);
    with_fault(round, true, input);
    with_changed_file(round, input);
    (void)close(round->file);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct fuzz_input input = {bytes, length};
    struct repair_case round = {.file = -1};
    struct snap_io *origin;
    struct model before;
    struct image image;
    uint8_t flags;

    image_take(&image, &input);
    flags = fuzz_byte(&input) ^ 6; /* plainest: all is accepted */
    round.image = &image;
    round.cow_bytes = image.cow_bytes / 512 * 512;
    model_read(&before, image.cow, round.cow_bytes);
    round.before = &before;
    round.header_sectors = 1u << fuzz_byte(&input) % 6;
    origin = io_mem_new("origin", image.origin_bytes, 512, false);
    if (image.origin_bytes > 0)
        memcpy(io_mem_bytes(origin), image.origin, (size_t)image.origin_bytes);
    round.options = (struct snap_repair_options){.origin = flags & 1 ? origin : NULL,
                                                 .change_view = !!(flags & 2),
                                                 .revalidate = !!(flags & 4),
                                                 .clear_entries = !!(flags & 8),
                                                 .keep = (enum snap_repair_keep)((flags >> 4) % 3),
                                                 .origin_sectors = flags & 65 ? image.origin_bytes / 512 : 0,
                                                 .memory_bytes = SNAP_CHECK_MEMORY_MIN_BYTES};
    if (round.cow_bytes > 0) {
        round.planned = repair_case_device(&round, image.cow);
        round.after = fuzz_calloc(1, (size_t)round.cow_bytes);
        if (repair_case_plan(&round, round.planned, &round.store, &round.repair))
            run(&round, &input);
        FUZZ_PROMISE(memcmp(io_mem_bytes(round.planned), image.cow, (size_t)round.cow_bytes) == 0, "a plan writes");
        snap_repair_free(&round.repair);
        (void)snap_io_close(round.planned, NULL);
        free(round.after);
    }
    (void)snap_io_close(origin, NULL);
    model_free(&before);
    image_free(&image);
    return 0;
}
