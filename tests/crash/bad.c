/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From numbers of entries to ranges of devices. */
#include "bad.h"

#include "io_fault.h"

bool bad_any(const struct workload *workload)
{
    return workload->bad_reads.count + workload->bad_writes.count > 0;
}

static bool has(const struct workload_bad *bad, uint64_t index)
{
    return bad->count > 0 && index >= bad->first && (index - bad->first) % bad->step == 0 &&
           (index - bad->first) / bad->step < bad->count;
}

static struct reader list_of(const struct images *images)
{
    return (struct reader){.cow = images->cow, .cow_bytes = images->cow_bytes, .origin = images->origin,
                           .origin_bytes = images->origin_bytes, .chunk_bytes = images->chunk_bytes,
                           .per_area = images->chunk_bytes / 16};
}

void bad_add(const struct workload *workload, const struct images *images, unsigned disk, struct snap_io *io)
{
    const struct workload_bad *bad = disk == 0 ? &workload->bad_writes : &workload->bad_reads;
    const struct reader reader = list_of(images);

    for (uint64_t i = 0; disk < 2 && i < bad->count; i++) {
        uint64_t old_chunk, new_chunk;
        struct io_fault fault = {.kind = disk == 0 ? IO_FAULT_WRITE : IO_FAULT_READ, .from_then_on = true,
                                 .length_bytes = images->chunk_bytes,
                                 .partial = disk == 0 && i % 2 == 1, .partial_sectors = 1};

        reader_entry(&reader, bad->first + i * bad->step, &old_chunk, &new_chunk);
        fault.offset_bytes = (disk == 0 ? old_chunk : new_chunk) * images->chunk_bytes;
        io_fault_add(io, &fault);
    }
}

bool bad_alone(const struct workload *workload, const struct images *images, const struct reader *reader)
{
    const struct reader whole = list_of(images);
    uint64_t expected = 0;

    for (uint64_t index = 0; index < workload->entries; index++) {
        uint64_t old_chunk, new_chunk;

        if (!has(&workload->bad_reads, index) && !has(&workload->bad_writes, index))
            continue;
        reader_entry(&whole, index, &old_chunk, &new_chunk);
        if (reader->data_chunk[old_chunk] != new_chunk)
            return false;
        expected++;
    }
    return reader->entries == expected;
}
