/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The chunks that fail in a workload: on the COW they cannot be read, on the origin not written or not read. */
#ifndef DMSNAP_TEST_CRASH_BAD_H
#define DMSNAP_TEST_CRASH_BAD_H

#include "lib/io/io.h"
#include "tests/crash/reader.h"
#include "tests/crash/workload.h"

static inline bool bad_any(const struct workload *workload)
{
    return workload->bad_reads.count + workload->bad_writes.count + workload->bad_keeps.count > 0;
}

/* Whether the entry with this index is one of them. */
bool bad_is(const struct workload *workload, uint64_t index);

/* Makes the chunks of a disk fail; `io` is an io_fault. Only the origin and the COW have any. */
void bad_add(const struct workload *workload, const struct images *images, unsigned disk, struct snap_io *io);

/* Whether the list, which reader_load has read, has all bad entries; *count is how many these are. */
bool bad_there(const struct workload *workload, const struct images *images, const struct reader *reader,
               uint64_t *count);

/* Whether it has these and no others, each of them once; none at all where they are given up. */
bool bad_alone(const struct workload *workload, const struct images *images, const struct reader *reader);

#endif
