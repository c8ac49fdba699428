/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory this process could take now: what the machine has, and what its control groups leave it. */
#ifndef DMSNAP_BASE_MEMORY
#define DMSNAP_BASE_MEMORY

#include <stdint.h>

/*
 * The least of what the kernel says is available, and of what each control group leaves: the group of this process and
 * all above it, of version 1 and 2. Of a group that is its limit without what it uses; what it keeps of files and could
 * drop does not count as used. `root` is "" for the running system. 0 where the kernel does not say.
 */
uint64_t snap_memory_available_bytes(const char *root);

#endif
