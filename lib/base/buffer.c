/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes aligned memory from the C library, keeps it out of core dumps, and asks the kernel for huge pages. */
#include "lib/base/buffer.h"

#include "lib/base/arith.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE_BYTES (2u << 20)
#define BUFFER_ALIGN_BYTES 4096u

void *snap_buffer_new_unset(uint64_t length_bytes)
{
    uint64_t align_bytes = length_bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : BUFFER_ALIGN_BYTES;
    uint64_t rounded_bytes;
    void *buffer;

    if (!snap_round_up(snap_max(length_bytes, 1), align_bytes, &rounded_bytes) || rounded_bytes > SIZE_MAX)
        return NULL;
    buffer = aligned_alloc((size_t)align_bytes, (size_t)rounded_bytes);
    if (!buffer)
        return NULL;
    /* Both are hints, and nothing depends on them: core dumps are off already, unless somebody takes one by force. */
#ifdef MADV_DONTDUMP
    (void)madvise(buffer, (size_t)rounded_bytes, MADV_DONTDUMP); /* it will hold what somebody keeps on a disk */
#endif
#ifdef MADV_HUGEPAGE
    if (align_bytes == HUGE_PAGE_BYTES)
        (void)madvise(buffer, (size_t)rounded_bytes, MADV_HUGEPAGE);
#endif
    return buffer;
}

void *snap_buffer_new(uint64_t length_bytes)
{
    void *buffer = snap_buffer_new_unset(length_bytes);

    return buffer ? memset(buffer, 0, (size_t)length_bytes) : NULL;
}

void snap_buffer_free(void *buffer)
{
    free(buffer);
}
