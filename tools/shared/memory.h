/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory a program may plan with. */
#ifndef DMSNAP_TOOLS_SHARED_MEMORY
#define DMSNAP_TOOLS_SHARED_MEMORY

#include <stdint.h>

/* Memory that could be used now, as the kernel estimates it; 0 where it does not say. */
uint64_t memory_available_bytes(void);

#endif
