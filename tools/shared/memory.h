/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option --memory, which three of the programs have, and how much memory they use without it. */
#ifndef DMSNAP_TOOLS_SHARED_MEMORY
#define DMSNAP_TOOLS_SHARED_MEMORY

#include "lib/merge/merge.h"
#include "tools/cli/program.h"

#define MEMORY_OPTION(destination) \
    { .name = "memory", .argument = "SIZE", \
      .help = "use at most so much memory for data and sets (default: a\nquarter of what is available, at most 512M; " \
              "at least 16M)", \
      .group = "Tuning", .kind = CLI_SIZE, .number = (destination), .minimum = SNAP_MERGE_MEMORY_MIN_BYTES }

/* `asked_bytes`, or the default where that is 0. */
uint64_t memory_to_use_bytes(uint64_t asked_bytes);

/*
 * What sets of chunks may take of that, where a list is only checked: from MEMORY_RESERVE_FROM_BYTES on so much less as
 * the program takes for all else, so that the whole of it stays within what was asked for (held by counts.bats).
 */
#define MEMORY_RESERVE_BYTES (UINT64_C(24) << 20)
#define MEMORY_RESERVE_FROM_BYTES (UINT64_C(64) << 20)

uint64_t memory_for_sets_bytes(uint64_t asked_bytes);

#endif
