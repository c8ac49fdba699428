/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes what was asked for, or works out the default. */
#include "tools/shared/memory.h"

#include "lib/base/memory.h"

uint64_t memory_to_use_bytes(uint64_t asked_bytes)
{
    return asked_bytes ? asked_bytes : snap_merge_default_memory_bytes(snap_memory_available_bytes(""));
}

uint64_t memory_for_sets_bytes(uint64_t asked_bytes)
{
    const uint64_t bytes = memory_to_use_bytes(asked_bytes);

    return bytes >= MEMORY_RESERVE_FROM_BYTES ? bytes - MEMORY_RESERVE_BYTES : bytes;
}
