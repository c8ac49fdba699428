/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From numbers of entries to ranges of devices. */
#include "tests/crash/bad.h"

#include "tests/support/io_fault.h"

static bool has(const struct workload_bad *bad, uint64_t index)
{
    return bad->count > 0 && index >= bad->first && (index - bad->first) % bad->step == 0 &&
           (index - bad->first) / bad->step < bad->count;
}

bool bad_is(const struct workload *workload, uint64_t index)
{
    return has(&workload->bad_reads, index) || has(&workload->bad_writes, index) || has(&workload->bad_keeps, index);
}

static struct reader list_of(const struct images *images)
{
    return (struct reader){.cow = images->cow, .cow_bytes = images->cow_bytes, .origin = images->origin,
                           .origin_bytes = images->origin_bytes, .chunk_bytes = images->chunk_bytes,
                           .per_area = images->chunk_bytes / 16};
}

static void add(const struct images *images, const struct workload_bad *bad, bool on_origin, enum io_fault_kind kind,
                struct snap_io *io)
{
    const struct reader reader = list_of(images);

    for (uint64_t i = 0; i < bad->count; i++) {
        uint64_t old_chunk, new_chunk;
        struct io_fault fault = {.kind = kind, .from_then_on = true, .length_bytes = images->chunk_bytes,
                                 .partial = kind == IO_FAULT_WRITE && i % 2 == 1, .partial_sectors = 1};

        reader_entry(&reader, bad->first + i * bad->step, &old_chunk, &new_chunk);
        fault.offset_bytes = (on_origin ? old_chunk : new_chunk) * images->chunk_bytes;
        io_fault_add(io, &fault);
    }
}

void bad_add(const struct workload *workload, const struct images *images, unsigned disk, struct snap_io *io)
{
    if (disk == 0) {
        add(images, &workload->bad_writes, true, IO_FAULT_WRITE, io);
        add(images, &workload->bad_keeps, true, IO_FAULT_READ, io);
    } else if (disk == 1) {
        add(images, &workload->bad_reads, false, IO_FAULT_READ, io);
    }
}

bool bad_there(const struct workload *workload, const struct images *images, const struct reader *reader,
               uint64_t *count)
{
    const struct reader whole = list_of(images);

    *count = 0;
    for (uint64_t index = 0; index < workload->entries; index++) {
        uint64_t old_chunk, new_chunk;

        if (!bad_is(workload, index))
            continue;
        reader_entry(&whole, index, &old_chunk, &new_chunk);
        if (reader->data_chunk[old_chunk] != new_chunk)
            return false;
        ++*count;
    }
    return true;
}

bool bad_alone(const struct workload *workload, const struct images *images, const struct reader *reader)
{
    uint64_t count;

    if (workload->drop_bad)
        return reader->entries == 0;
    return bad_there(workload, images, reader, &count) && reader->entries == count;
}
